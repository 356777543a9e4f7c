/**
 * Products of matrices: the calls of the matmul kernel, and their gradients. The kernel takes strides, so a transposed
 * operand is a matter of which stride goes where: nothing is copied and no view is made, forward or backward.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { type DType, dtypes, float32, float64, int64 } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { broadcast, broadcastsTo, broadcastStrides, checkDevice, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./arithmetic.ts";
import { collapse, dense, denseAs } from "./copy.ts";
import { hasKernel, kernelTable } from "./elementwise.ts";
import { halfProduct, isHalf, type Strided } from "./mixed_product.ts";
import { expand, unsqueeze } from "./view.ts";
import { sumScratch } from "./reduction.ts";
import { sumTo } from "./sum_to.ts";

/** The bytes of scratch that the matmul kernel needs, whatever the sizes. */
export const SCRATCH = 270_528;

const MATMUL = kernelTable("matmul"), SUM = kernelTable("sum");

/**
 * The dtype in which products of each dtype are computed, by id, unless the device has a kernel of its own for a narrow one:
 * float32, float64 or int64; undefined for bool.
 */
const COMPUTE: readonly (DType | undefined)[] = dtypes.map((t) =>
  t.kind === "bool" ? undefined : t.kind === "int" ? int64 : t === float64 ? float64 : float32
);

/**
 * The dtype in which a product of these tensors is computed.
 *
 * @throws TypeError when their dtypes or devices differ, or are bool.
 */
export function productType(call: string, a: Tensor, ...others: Tensor[]): DType {
  for (const b of others) {
    if (a.dtype !== b.dtype) {
      throw new TypeError(`${call}: expected tensors of one dtype, got ${a.dtype} and ${b.dtype}`);
    }
    if (a.storage.backend !== b.storage.backend) checkDevice(call, a, b);
  }
  const compute = COMPUTE[a.dtype.id];
  if (compute === undefined) throw new TypeError(`${call}: not defined for ${a.dtype}`);
  return isHalf(a.dtype) && hasKernel(a.storage.backend!, MATMUL, a.dtype) ? a.dtype : compute;
}

/** Throws `RangeError` unless `x` has `rank` axes, `TypeError` unless it is a tensor. */
export function checkRank(
  call: string,
  name: string,
  x: unknown,
  rank: number,
): asserts x is Tensor {
  checkTensor(call, name, x);
  if (x.ndim !== rank) {
    throw new RangeError(`${call}: ${name} must have ${rank} axes, got shape ${show(x.shape)}`);
  }
}

/** Throws `RangeError` unless `a` and `b` are batches of as many matrices. */
export function checkBatches(call: string, a: unknown, b: unknown): void {
  checkRank(call, "batch1", a, 3);
  checkRank(call, "batch2", b, 3);
  if (a.shape[0] !== b.shape[0]) {
    throw new RangeError(
      `${call}: ${show(a.shape)} x ${show(b.shape)}: batches of ${a.shape[0]} and ${
        b.shape[0]
      } differ`,
    );
  }
}

/** Throws `RangeError` unless `x` can be expanded to `shape`. */
export function checkExpands(call: string, x: Tensor, shape: readonly number[]): void {
  if (broadcastsTo(x.shape, shape)) return;
  throw new RangeError(
    `${call}: a tensor of shape ${show(x.shape)} does not broadcast to the result's shape ${
      show(shape)
    }`,
  );
}

/** Throws `RangeError`: the inner sizes of a product differ. */
export function refuseInner(
  call: string,
  a: readonly number[],
  b: readonly number[],
  k: number,
  l: number,
): never {
  throw new RangeError(`${call}: ${show(a)} x ${show(b)}: inner sizes ${k} and ${l} differ`);
}

/** A tensor [..., columns] as one matrix: elements of the kernel's dtype, and its sizes and strides. */
interface Matrix {
  x: Tensor;
  rows: number;
  columns: number;
  row: number;
  column: number;
}

/** `x` [..., columns] as a matrix whose rows run over all leading axes; copied only if those do not step as one. */
function matrixOf(x: Tensor, dtype: DType): Matrix {
  if (x.dtype !== dtype) x = denseAs(x, dtype);
  const last = x.ndim - 1, columns = x.shape[last];
  if (last === 1) {
    return { x, rows: x.shape[0], columns, row: x.strides[0], column: x.strides[1] };
  }
  const rows = columns > 0 ? x.numElements / columns : leadingSize(x);
  if (!x.dense) {
    const { shape, strides: [steps] } = collapse(x.shape.slice(0, last), x.strides.slice(0, last));
    if (shape.length === 1) return { x, rows, columns, row: steps[0], column: x.strides[last] };
    x = dense(x);
  }
  return { x, rows, columns, row: columns, column: 1 };
}

function leadingSize(x: Tensor): number {
  let n = 1;
  for (let d = 0; d < x.ndim - 1; d++) n *= x.shape[d];
  return n;
}

/** A matrix, or its transpose, as its strides alone make it. */
function oriented({ x, row, column }: Matrix, transpose: boolean): Strided {
  return transpose ? { x, row: column, column: row } : { x, row, column };
}

/** The elements of `x`, of any shape, as a vector with one stride. */
function vectorOf(x: Tensor, dtype: DType): { x: Tensor; step: number } {
  if (x.dtype !== dtype) x = denseAs(x, dtype);
  if (x.ndim === 1) return { x, step: x.strides[0] };
  return { x: dense(x), step: 1 };
}

type MatmulKernel = Tensor["backend"]["kernels"]["matmul"];

function kernelOf(x: Tensor, dtype: DType): MatmulKernel {
  const { kernels } = x.backend;
  return dtype === float32 ? kernels.matmul : kernels[MATMUL[dtype.id]!] as MatmulKernel;
}

/** `y`, computed in the kernel's dtype, in `dtype`. */
function narrow(y: Tensor, dtype: DType): Tensor {
  return y.dtype === dtype ? y : convert(y, dtype);
}

/** What the kernel does to a result while it is in the cache. */
export interface Epilogue {
  /** Whether the bias has rows of its own, [m, n], instead of one for all. */
  rows?: boolean;
  /** Whether negative results become 0. */
  relu?: boolean;
}

/**
 * op(a) x op(b) (+ bias), where op transposes if `ta` (`tb`) is set and a tensor of more than two axes counts as the
 * matrix [all leading axes, last]. The result has the leading axes of an untransposed `a`; a transposed `a` takes a `b`
 * with the same leading axes or a matrix, and a transposed `b` is a matrix. `bias` [n] is added to every row. No history.
 */
export function multiply(
  call: string,
  a: Tensor,
  ta: boolean,
  b: Tensor,
  tb: boolean,
  bias: Tensor | null = null,
  epilogue?: Epilogue,
): Tensor {
  const dtype = productType(call, a, b), half = dtype !== a.dtype && isHalf(a.dtype);
  const own = half ? a.dtype : dtype;
  const p = matrixOf(a, own), q = matrixOf(b, own);
  const m = ta ? p.columns : p.rows,
    k = ta ? p.rows : p.columns,
    l = tb ? q.columns : q.rows,
    n = tb ? q.rows : q.columns;
  if (k !== l) refuseInner(call, ta ? [m, k] : a.shape, tb ? [l, n] : b.shape, k, l);
  let shape: number[];
  if (ta || a.ndim === 2) shape = [m, n];
  else {
    shape = a.shape.slice();
    shape[a.ndim - 1] = n;
  }
  const offset = bias === null ? null : denseAs(bias, dtype);
  if (half) {
    return halfProduct(oriented(p, ta), oriented(q, tb), offset, m, n, k, shape);
  }
  const c = emptyOn(a.storage.backend!, shape, dtype);
  if (m > 0 && n > 0) {
    const scratch = c.backend.scratch(SCRATCH);
    kernelOf(c, dtype)(
      c.pointer,
      p.x.pointer,
      q.x.pointer,
      offset === null ? 0 : offset.pointer,
      m,
      n,
      k,
      ta ? p.column : p.row,
      ta ? p.row : p.column,
      tb ? q.column : q.row,
      tb ? q.row : q.column,
      0,
      0,
      epilogue?.rows ? n : 0,
      Number(epilogue?.relu ?? false),
      scratch,
      0,
      m,
    );
  }
  return narrow(c, a.dtype);
}

/** `multiply` of two operands, recorded as `op`; its gradients are products of the same kind. */
export function matrixProduct(
  call: string,
  op: string,
  a: Tensor,
  ta: boolean,
  b: Tensor,
  tb: boolean,
): Tensor {
  return record(
    op,
    multiply(call, a, ta, b, tb),
    [a, b],
    productGrads(a, ta, b, tb),
    productSaved(a, b),
  );
}

/** The gradients of a and b in op(a) x op(b), for `multiply` and `batched` alike. */
function productGrads(a: Tensor, ta: boolean, b: Tensor, tb: boolean): [Grad, Grad] {
  return [
    (dy) =>
      ta
        ? matrixProduct("mm", "mm", b, tb, dy, true)
        : matrixProduct("mm", nameOf(a), dy, false, b, !tb),
    (dy) =>
      tb
        ? matrixProduct("mm", "mm", dy, true, a, ta)
        : matrixProduct("mm", ta ? nameOf(b) : "mm", a, !ta, dy, false),
  ];
}

/** What PyTorch records for a product of the shape of `x`. */
function nameOf(x: Tensor): string {
  return x.ndim === 2 ? "mm" : "unsafe_view";
}

/** The tensors whose elements the gradients of a product of `a` and `b` read. */
export function productSaved(a: Tensor, b: Tensor): Tensor[] {
  const saved: Tensor[] = [];
  if (b.requiresGrad) saved.push(a);
  if (a.requiresGrad) saved.push(b);
  return saved;
}

/**
 * op(x) * v, where `x` [..., k] counts as the matrix [all leading axes, k]: x: [..., k], v: [k] -> [...], or with `tx`
 * v: [...] -> [k].
 */
export function vectorProduct(
  call: string,
  op: string,
  x: Tensor,
  tx: boolean,
  v: Tensor,
): Tensor {
  const dtype = productType(call, x, v), half = dtype !== x.dtype && isHalf(x.dtype);
  const own = half ? x.dtype : dtype;
  const p = matrixOf(x, own), q = vectorOf(v, own);
  const m = tx ? p.columns : p.rows, k = tx ? p.rows : p.columns;
  if (k !== v.numElements) refuseInner(call, x.shape, v.shape, k, v.numElements);
  const shape = tx ? [m] : x.shape.slice(0, -1);
  // The matrix is the second operand, as the weight of a linear layer is.
  const c = half
    ? halfProduct({ x: q.x, row: k, column: q.step }, oriented(p, !tx), null, 1, m, k, shape)
    : emptyOn(x.backend, shape, dtype);
  if (m > 0 && !half) {
    const scratch = c.backend.scratch(SCRATCH);
    kernelOf(c, dtype)(
      c.pointer,
      p.x.pointer,
      q.x.pointer,
      0,
      m,
      1,
      k,
      tx ? p.column : p.row,
      tx ? p.row : p.column,
      q.step,
      1,
      0,
      0,
      0,
      0,
      scratch,
      0,
      m,
    );
  }
  return record(op, narrow(c, x.dtype), [x, v], [
    (dy) => tx ? mul(unsqueeze(v, -1), dy) : mul(unsqueeze(dy, -1), v),
    (dy) => vectorProduct("mv", "mv", x, !tx, dy),
  ], productSaved(x, v));
}

/** The sum of a * b over all elements: [n] x [n] -> []. */
export function dotProduct(call: string, op: string, a: Tensor, b: Tensor): Tensor {
  const dtype = productType(call, a, b);
  if (a.ndim !== 1 || b.ndim !== 1) {
    throw new RangeError(
      `${call}: expected two vectors, got ${show(a.shape)} and ${show(b.shape)}`,
    );
  }
  if (a.shape[0] !== b.shape[0]) refuseInner(call, a.shape, b.shape, a.shape[0], b.shape[0]);
  const p = vectorOf(a, dtype), q = vectorOf(b, dtype), k = a.shape[0];
  const c = emptyOn(a.backend, [], dtype), scratch = c.backend.scratch(SCRATCH);
  kernelOf(c, dtype)(
    c.pointer,
    p.x.pointer,
    q.x.pointer,
    0,
    1,
    1,
    k,
    k,
    p.step,
    q.step,
    1,
    0,
    0,
    0,
    0,
    scratch,
    0,
    1,
  );
  return record(
    op,
    narrow(c, a.dtype),
    [a, b],
    [(dy) => mul(dy, b), (dy) => mul(dy, a)],
    productSaved(a, b),
  );
}

/**
 * op(a) x op(b) for each matrix of a batch: a: [..., m, k] x b: [..., k, n] -> [..., m, n], where op swaps the last two
 * axes if `ta` (`tb`) is set, and the leading axes are broadcast.
 */
export function batchedProduct(
  call: string,
  op: string,
  a: Tensor,
  ta: boolean,
  b: Tensor,
  tb: boolean,
): Tensor {
  const dtype = productType(call, a, b);
  const p = a.dtype === dtype ? a : denseAs(a, dtype),
    q = b.dtype === dtype ? b : denseAs(b, dtype);
  const aLead = a.shape.slice(0, -2), bLead = b.shape.slice(0, -2);
  const [aRow, aColumn] = lastTwo(p.strides, ta),
    [bRow, bColumn] = lastTwo(q.strides, tb),
    [m, k] = lastTwo(a.shape, ta),
    [l, n] = lastTwo(b.shape, tb);
  if (k !== l) refuseInner(call, a.shape, b.shape, k, l);
  const lead = broadcast(call, aLead, bLead);
  const c = emptyOn(a.backend, [...lead, m, n], dtype);
  if (c.numElements > 0) {
    const { shape, strides: [aSteps, bSteps] } = collapse(
      lead,
      broadcastStrides(aLead, p.strides.slice(0, -2), lead),
      broadcastStrides(bLead, q.strides.slice(0, -2), lead),
    );
    const inner = shape.length - 1, batches = shape[inner], size = dtype.size;
    let aBatch = aSteps[inner], bBatch = bSteps[inner], rows = m, aStep = aRow, outer = 1;
    for (let d = 0; d < inner; d++) outer *= shape[d];
    if (m === 1 && bBatch === 0) {
      // Single rows that share b are one matrix.
      rows = batches;
      aStep = aBatch;
      aBatch = bBatch = 0;
    }
    const kernel = kernelOf(c, dtype), scratch = c.backend.scratch(SCRATCH);
    const index = new Array<number>(inner).fill(0);
    let aAt = 0, bAt = 0;
    for (let o = 0; o < outer; o++) {
      kernel(
        c.pointer + o * batches * m * n * size,
        p.pointer + aAt * size,
        q.pointer + bAt * size,
        0,
        rows,
        n,
        k,
        aStep,
        aColumn,
        bRow,
        bColumn,
        aBatch,
        bBatch,
        0,
        0,
        scratch,
        0,
        batches * m,
      );
      for (let d = inner - 1; d >= 0; d--) {
        aAt += aSteps[d];
        bAt += bSteps[d];
        if (++index[d] < shape[d]) break;
        aAt -= index[d] * aSteps[d];
        bAt -= index[d] * bSteps[d];
        index[d] = 0;
      }
    }
  }
  return record(op, narrow(c, a.dtype), [a, b], [
    (dy) =>
      sumTo(
        ta
          ? batchedProduct("bmm", op, b, tb, dy, true)
          : batchedProduct("bmm", op, dy, false, b, !tb),
        a.shape,
      ),
    (dy) =>
      sumTo(
        tb
          ? batchedProduct("bmm", op, dy, true, a, ta)
          : batchedProduct("bmm", op, a, !ta, dy, false),
        b.shape,
      ),
  ], productSaved(a, b));
}

/** The last two of `values`, swapped if `swap`. */
function lastTwo(values: readonly number[], swap: boolean): [number, number] {
  const n = values.length;
  return swap ? [values[n - 1], values[n - 2]] : [values[n - 2], values[n - 1]];
}

/** The sum of `x` [..., n] over all leading axes -> [n]: the gradient of what was added to every row. */
export function sumRows(x: Tensor): Tensor {
  const n = x.shape[x.ndim - 1], source = dense(x), { backend, dtype } = x;
  if (dtype.size === 8 || !hasKernel(backend, SUM, dtype)) return sumTo(x, [n]);
  const y = emptyOn(backend, [n], dtype);
  if (n > 0) {
    const rows = x.numElements / n, scratch = sumScratch(backend, rows, n, n);
    const kernel = backend.kernels[SUM[dtype.id]!] as typeof backend.kernels.sum;
    kernel(y.pointer, source.pointer, rows, n, scratch, 0, n);
  }
  return record("sum", y, [x], [(dy) => expand(dy, x.shape)]);
}
