/**
 * What elementwise operations share: dtype promotion, broadcasting, and the calls of their kernels.
 *
 * @module
 */
import type { Backend } from "../backend/backend.ts";
import {
  bool,
  computeType,
  type DType,
  dtypes,
  float32,
  int64,
  promoteTypes,
} from "../backend/dtype.ts";
import { type KernelName, manifest } from "../backend/kernels.ts";
import { backendOf, convert, emptyOn } from "../tensor/create.ts";
import { broadcast, broadcastStrides, checkDevice, sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { collapse, dense, denseAs } from "./copy.ts";

/** A tensor, or a number that stands for one. A whole number counts as an integer, any other as a float. */
export type Operand = Tensor | number | bigint | boolean;

/** The kernels of one operation, by dtype id; undefined where the manifest has none. */
export type KernelTable = readonly (KernelName | undefined)[];

/** The kernels called `name` plus a dtype's suffix. */
export function kernelTable(name: string): KernelTable {
  return dtypes.map((t) => {
    const kernel = name + t.suffix;
    return kernel in manifest ? kernel as KernelName : undefined;
  });
}

function numberType(x: number | bigint | boolean): DType {
  if (typeof x === "boolean") return bool;
  return typeof x === "bigint" || Number.isInteger(x) ? int64 : float32;
}

/** The dtype of an operation on these operands, as `torch.result_type`: numbers and 0-d tensors decide only their kind. */
export function resultType(...operands: Operand[]): DType {
  // By priority: tensors with axes, 0-d tensors, numbers.
  const levels: (DType | null)[] = [null, null, null];
  for (const x of operands) {
    const level = x instanceof Tensor ? (x.ndim > 0 ? 0 : 1) : 2;
    const type = x instanceof Tensor ? x.dtype : numberType(x);
    const met = levels[level];
    levels[level] = met === null ? type : promoteTypes(met, type);
  }
  return combine(combine(levels[0], levels[1]), levels[2])!;
}

function combine(high: DType | null, low: DType | null): DType | null {
  if (high === null || low === null) return high ?? low;
  if (high.kind === "float") return high;
  if (high.kind === "bool" || low.kind === "float") return promoteTypes(high, low);
  return high;
}

/** The dtype for an operation whose result is a floating-point number: integers become float32. */
export function floatType(dtype: DType): DType {
  return dtype.kind === "float" ? dtype : float32;
}

/** The backend of the operands. Throws `TypeError` when they are on two devices. */
export function backendOfAll(call: string, ...operands: unknown[]): Backend {
  let first: Tensor | null = null;
  for (const x of operands) {
    if (!(x instanceof Tensor)) continue;
    if (first === null) first = x;
    else if (x.storage.backend !== first.storage.backend) checkDevice(call, first, x);
  }
  return first === null ? backendOf(call, "cpu") : first.backend;
}

/** Throws `TypeError` unless `x` is a tensor or a number. */
export function checkOperand(call: string, name: string, x: unknown): asserts x is Operand {
  if (
    x instanceof Tensor || typeof x === "number" || typeof x === "bigint" || typeof x === "boolean"
  ) return;
  throw new TypeError(
    `${call}: ${name} must be a tensor or a number, got ${
      x === null ? "null" : Array.isArray(x) ? "an array" : typeof x
    }`,
  );
}

type BinaryKernel = (
  ...values: [number, number, number, number, number, number, number, number, number, number]
) => void;

/**
 * y = kernel(a, b), broadcast: operands are converted to `dtype`, whose kernel computes; the result has dtype `result`
 * (`dtype`, or bool for comparisons). Writes into `out` if given, a contiguous tensor of the result's shape and dtype.
 * No history.
 */
export function binary(
  call: string,
  table: KernelTable,
  a: Operand,
  b: Operand,
  dtype: DType,
  result: DType = dtype,
  out?: Tensor,
): Tensor {
  const compute = computeType(dtype), name = table[compute.id];
  if (name === undefined) throw new TypeError(`${call}: not defined for ${dtype}`);
  const backend = backendOfAll(call, a, b);
  const kernel = backend.kernels[name] as unknown as BinaryKernel;
  const wanted = result === dtype ? compute : result;
  if (a instanceof Tensor && a.dtype !== compute) a = denseAs(a, compute);
  if (b instanceof Tensor && b.dtype !== compute) b = denseAs(b, compute);
  let y: Tensor;
  if (a instanceof Tensor && b instanceof Tensor) {
    const same = sameShape(a.shape, b.shape);
    const shape = same ? a.shape : broadcast(call, a.shape, b.shape);
    y = out ?? emptyOn(backend, shape, wanted);
    const n = y.numElements;
    if (n === 0) return narrowTo(y, result);
    if (same && a.dense && b.dense) {
      kernel(y.pointer, a.pointer, b.pointer, n, 0, 1, 0, 1, 0, n);
    } else {
      const layout = collapse(
        shape,
        broadcastStrides(a.shape, a.strides, shape),
        broadcastStrides(b.shape, b.strides, shape),
      );
      const rank = layout.shape.length, columns = layout.shape[rank - 1];
      if (rank > 2) {
        return binary(call, table, materialise(a, shape), materialise(b, shape), dtype, result, y);
      }
      const [p, q] = layout.strides;
      kernel(
        y.pointer,
        a.pointer,
        b.pointer,
        columns,
        rank === 2 ? p[0] : 0,
        p[rank - 1],
        rank === 2 ? q[0] : 0,
        q[rank - 1],
        0,
        n,
      );
    }
  } else {
    const shape = a instanceof Tensor ? a.shape : b instanceof Tensor ? b.shape : [];
    y = out ?? emptyOn(backend, shape, wanted);
    const n = y.numElements;
    if (a instanceof Tensor) a = dense(a);
    if (b instanceof Tensor) b = dense(b);
    const p = a instanceof Tensor ? a.pointer : backend.scalar(a, compute);
    const q = b instanceof Tensor ? b.pointer : backend.scalar(b, compute);
    kernel(
      y.pointer,
      p,
      q,
      n,
      0,
      a instanceof Tensor ? 1 : 0,
      0,
      b instanceof Tensor ? 1 : 0,
      0,
      n,
    );
  }
  return narrowTo(y, result);
}

/** A contiguous copy of `x` broadcast to `shape`. */
function materialise(x: Tensor, shape: readonly number[]): Tensor {
  return dense(
    new Tensor(x.storage, shape, x.dtype, broadcastStrides(x.shape, x.strides, shape), x.offset),
  );
}

/** `y`, computed in a wider type, in `dtype`. */
function narrowTo(y: Tensor, dtype: DType): Tensor {
  return y.dtype === dtype ? y : convert(y, dtype);
}

type UnaryKernel = (y: number, x: number, begin: number, end: number) => void;

/** y = kernel(x): `x` is converted to `dtype`, whose kernel computes; the result has dtype `result`. No history. */
export function unary(
  call: string,
  table: KernelTable,
  x: Tensor,
  dtype: DType = x.dtype,
  result: DType = dtype,
  out?: Tensor,
): Tensor {
  const compute = computeType(dtype), name = table[compute.id];
  if (name === undefined) throw new TypeError(`${call}: not defined for ${dtype}`);
  const source = denseAs(x, compute);
  const y = out ?? emptyOn(x.backend, x.shape, result === dtype ? compute : result);
  if (y.numElements > 0) {
    (x.backend.kernels[name] as unknown as UnaryKernel)(
      y.pointer,
      source.pointer,
      0,
      y.numElements,
    );
  }
  return narrowTo(y, result);
}
