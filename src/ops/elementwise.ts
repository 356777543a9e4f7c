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
  float64,
  int64,
  narrowBits,
  promoteTypes,
  uint8,
} from "../backend/dtype.ts";
import type { KernelName } from "../backend/kernels.ts";
import { type NarrowName, parameters } from "../backend/narrow_kernels.ts";
import { recording } from "../autograd/record.ts";
import { checkTensor, isOptions } from "../tensor/arguments.ts";
import { backendOf, convert, emptyOn } from "../tensor/create.ts";
import { broadcast, broadcastStrides, checkDevice, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { canCast, cast, clone, collapse, copyInto, dense, denseAs } from "./copy.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";
import { sumTo } from "./sum_to.ts";
import { alias } from "./view.ts";

/** A tensor, or a number that stands for one. A whole number counts as an integer, any other as a float. */
export type Operand = Tensor | number | bigint | boolean;

/** The kernels of one operation, by dtype id; undefined where the manifest has none. Those of narrow types not every device has. */
export type KernelTable = readonly (KernelName | NarrowName | undefined)[];

/** The kernels called `name` plus a dtype's suffix. */
export function kernelTable(name: string): KernelTable {
  return dtypes.map((t) => {
    const kernel = name + t.suffix;
    return kernel in parameters ? kernel as KernelName : undefined;
  });
}

/** Whether `backend` has a kernel of `table` for `dtype` itself. */
export function hasKernel(backend: Backend, table: KernelTable, dtype: DType): boolean {
  const name = table[dtype.id];
  return name !== undefined && backend.kernels[name] !== undefined;
}

/** The dtype in which `backend` computes `dtype`: itself where it has the kernel, else `computeType`. */
export function computeTypeOn(backend: Backend, table: KernelTable, dtype: DType): DType {
  return hasKernel(backend, table, dtype) ? dtype : computeType(dtype);
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

/** Throws `TypeError` unless every one of `operands`, by name, is a tensor. */
export function checkTensors(call: string, operands: Record<string, unknown>): void {
  for (const name in operands) checkTensor(call, name, operands[name]);
}

/** The gradient `dy` of a broadcast result as that of the operand `x`: summed over its broadcast axes, in its dtype. */
export function gradFor(dy: Tensor, x: Operand): Tensor {
  const to = x as Tensor;
  return cast(sumTo(dy, to.shape), to.dtype);
}

/** Whether a gradient is wanted for `x`. */
export function wantsGrad(x: unknown): boolean {
  return x instanceof Tensor && x.requiresGrad;
}

/** Those of `operands` that are tensors. */
export function tensorsOf(...operands: unknown[]): Tensor[] {
  return operands.filter((x) => x instanceof Tensor);
}

/**
 * Whether a kernel of `table` computes `operands` in the narrow type `dtype`: the device has it, and numbers among the
 * operands are of that type, for they are not rounded.
 */
function computesNarrow(
  backend: Backend,
  table: KernelTable,
  dtype: DType,
  operands: readonly Operand[],
): boolean {
  return hasKernel(backend, table, dtype) &&
    operands.every((x) => x instanceof Tensor || narrowBits(Number(x), dtype) !== null);
}

/** The dtype whose kernel in `table` computes `dtype`: rare operations have kernels for the widest types only. */
function kernelType(
  call: string,
  table: KernelTable,
  dtype: DType,
  operands: readonly Operand[],
): DType {
  const compute = computeType(dtype);
  if (compute !== dtype && table[dtype.id] !== undefined) {
    if (computesNarrow(backendOfAll(call, ...operands), table, dtype, operands)) return dtype;
  }
  if (table[compute.id] !== undefined) return compute;
  const widest = dtype.kind === "float" ? float64 : int64;
  if (dtype.kind === "bool" || table[widest.id] === undefined) {
    throw new TypeError(`${call}: not defined for ${dtype}`);
  }
  return widest;
}

type Kernel = (...values: number[]) => void;

/**
 * y = kernel(...operands), broadcast: the operands have the dtypes that the kernel takes, numbers are written as
 * `compute`; y has dtype `result`. Writes into `out` if given, a contiguous tensor of the result's shape and dtype.
 * No history.
 */
export function broadcastInto(
  call: string,
  name: KernelName | NarrowName,
  operands: readonly Operand[],
  compute: DType,
  result: DType,
  out?: Tensor,
): Tensor {
  const backend = backendOfAll(call, ...operands), shape = shapeOfAll(call, operands);
  const y = out ?? emptyOn(backend, shape, result), n = y.numElements;
  if (n === 0) return y;
  let layout = collapse(shape, ...operands.map((x) => stridesIn(x, shape)));
  const deep = layout.shape.length > 2;
  // Elements that are not neighbours are fetched one by one: a copy first costs a third.
  const scattered = (i: number) => n >= 256 && layout.strides[i][layout.shape.length - 1] > 1;
  if (deep || operands.some((_, i) => scattered(i))) {
    operands = operands.map((x, i) =>
      x instanceof Tensor && (deep || scattered(i)) ? materialise(x, shape) : x
    );
    layout = collapse(shape, ...operands.map((x) => stridesIn(x, shape)));
  }
  const { strides } = layout, rank = layout.shape.length, columns = layout.shape[rank - 1];
  const row = (i: number) => rank === 2 ? strides[i][0] : 0;
  const column = (i: number) => strides[i][rank - 1];
  const at = (i: number) => {
    const x = operands[i];
    return x instanceof Tensor ? x.pointer : backend.scalar(x, compute);
  };
  const kernel = backend.kernels[name] as Kernel;
  // Written out: spreading the arguments takes longer than a small kernel.
  if (operands.length === 2) {
    const [a, b] = [at(0), at(1)];
    kernel(y.pointer, a, b, columns, row(0), column(0), row(1), column(1), 0, n);
  } else {
    const [a, b, c] = [at(0), at(1), at(2)], [p, q] = [row(0), column(0)];
    kernel(y.pointer, a, b, c, columns, p, q, row(1), column(1), row(2), column(2), 0, n);
  }
  return y;
}

/** The shape that the tensors among `operands` broadcast to. */
function shapeOfAll(call: string, operands: readonly Operand[]): readonly number[] {
  let shape: readonly number[] | null = null, equal = true;
  for (const x of operands) {
    if (!(x instanceof Tensor)) continue;
    if (shape === null) shape = x.shape;
    else if (!sameShape(shape, x.shape)) equal = false;
  }
  if (equal) return shape ?? [];
  return broadcast(call, ...tensorsOf(...operands).map((x) => x.shape));
}

/** The strides with which `x` is read as an operand of `shape`. */
function stridesIn(x: Operand, shape: readonly number[]): readonly number[] {
  if (x instanceof Tensor) {
    return sameShape(x.shape, shape) ? x.strides : broadcastStrides(x.shape, x.strides, shape);
  }
  return new Array<number>(shape.length).fill(0);
}

/** A contiguous copy of `x` broadcast to `shape`; `x` itself where it is one element throughout. */
function materialise(x: Tensor, shape: readonly number[]): Tensor {
  if (x.numElements === 1) return x;
  return dense(
    new Tensor(x.storage, shape, x.dtype, broadcastStrides(x.shape, x.strides, shape), x.offset),
  );
}

/** `x`, converted to `dtype`, as an operand of a kernel that computes in the wider type `compute`. */
function operandOf(x: Operand, dtype: DType, compute: DType): Operand {
  if (x instanceof Tensor) {
    const converted = x.dtype === dtype ? x : denseAs(x, dtype);
    return dtype === compute ? converted : denseAs(converted, compute);
  }
  if (dtype === compute || dtype.kind !== "int") return x;
  // Wraps, as it would in a tensor of the narrow type.
  const whole = typeof x === "bigint" ? x : BigInt(Math.trunc(Number(x))), bits = 8 * dtype.size;
  return dtype === uint8 ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole);
}

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
  // Dense tensors of one shape, or one with a number, are the cases to be quick in.
  const name = table[dtype.id], x = a instanceof Tensor ? a : b;
  if (
    name !== undefined && x instanceof Tensor && x.dense && x.dtype === dtype &&
    (x === b || !(b instanceof Tensor) ||
      (b.dense && b.dtype === dtype && b.backend === x.backend && sameShape(b.shape, x.shape))) &&
    (dtype.size !== 2 || computesNarrow(x.backend, table, dtype, [a, b]))
  ) {
    const { backend } = x, y = out ?? emptyOn(backend, x.shape, result), n = y.numElements;
    if (n === 0) return y;
    (backend.kernels[name] as Kernel)(
      y.pointer,
      a instanceof Tensor ? a.pointer : backend.scalar(a, dtype),
      b instanceof Tensor ? b.pointer : backend.scalar(b, dtype),
      n,
      0,
      a instanceof Tensor ? 1 : 0,
      0,
      b instanceof Tensor ? 1 : 0,
      0,
      n,
    );
    return y;
  }
  const compute = kernelType(call, table, dtype, [a, b]);
  const y = broadcastInto(
    call,
    table[compute.id]!,
    [operandOf(a, dtype, compute), operandOf(b, dtype, compute)],
    compute,
    result === dtype ? compute : result,
    out,
  );
  return narrowTo(y, result);
}

/** y = kernel(a, b, c), broadcast, as `binary`. */
export function ternary(
  call: string,
  table: KernelTable,
  a: Operand,
  b: Operand,
  c: Operand,
  dtype: DType,
  out?: Tensor,
): Tensor {
  const compute = kernelType(call, table, dtype, [a, b, c]);
  const operands = [a, b, c].map((x) => operandOf(x, dtype, compute));
  return narrowTo(broadcastInto(call, table[compute.id]!, operands, compute, compute, out), dtype);
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
  const compute = kernelType(call, table, dtype, [x]), name = table[compute.id]!;
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

/**
 * x = op(x, other) in the memory of x: checks that the result fits, computes, and leaves the history to the caller.
 *
 * @throws RangeError when `other` does not broadcast to the shape of `x`.
 * @throws TypeError when the result's dtype cannot be written into that of `x`.
 */
export function computeInPlace(
  call: string,
  table: KernelTable,
  x: Tensor,
  other: Operand,
  dtype: DType,
): void {
  checkInPlace(call, x, other instanceof Tensor ? other.shape : [], dtype, [x, other]);
  if (other instanceof Tensor && other.storage === x.storage && other !== x) {
    other = clone(alias(other));
  }
  const direct = x.dense && dtype === x.dtype && table[dtype.id] !== undefined &&
    (dtype.size !== 2 || computesNarrow(x.backend, table, dtype, [other]));
  if (direct) {
    binary(call, table, x, other, dtype, dtype, x);
  } else copyInto(x, denseAs(binary(call, table, x, other, dtype), x.dtype));
}

/**
 * Checks that `x` may be changed in place to a result of `dtype` from operands of this shape and its own, computed from
 * `inputs`.
 */
export function checkInPlace(
  call: string,
  x: Tensor,
  shape: readonly number[],
  dtype: DType,
  inputs: readonly unknown[],
): void {
  checkTensor(call, "self", x);
  const result = sameShape(shape, x.shape) ? shape : broadcast(call, x.shape, shape);
  if (!sameShape(result, x.shape)) {
    throw new RangeError(
      `${call}: the result's shape ${show(result)} is not that of the tensor, ${show(x.shape)}`,
    );
  }
  if (!canCast(dtype, x.dtype)) {
    throw new TypeError(
      `${call}: a result of ${dtype} cannot be written into a tensor of ${x.dtype}`,
    );
  }
  beginInPlace(call, x, inputs);
}

/**
 * x = f(x, ...args) in the memory of `x`, with the history of `f`: how an operation without a kernel that works in
 * place does so. `args` are what `f` closes over; `f` may keep what it is given for its gradient.
 */
export function inPlace(
  call: string,
  x: Tensor,
  args: readonly unknown[],
  f: (x: Tensor) => Tensor,
): Tensor {
  checkTensor(call, "self", x);
  const inputs = args.flatMap((a) => isOptions(a) ? Object.values(a) : [a]);
  // Gradients read the elements as they were: a copy of them, as those of x are about to change.
  const y = f(recording([x, ...inputs]) ? clone(x) : x);
  checkInPlace(call, x, y.shape, y.dtype, [x, y]);
  if (y !== x) copyInto(x, denseAs(y, x.dtype));
  return recordInPlace(y.gradFn?.op ?? call, x, [x, y], [() => null, (dy) => cast(dy, y.dtype)]);
}
