/**
 * The largest and the smallest elements, and where they are.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { bool } from "../backend/dtype.ts";
import { type Args, checkTensor, isOptions, read } from "../tensor/arguments.ts";
import { emptyLike, emptyOn } from "../tensor/create.ts";
import { type NamedTuple, namedTuple, type ValuesAndIndices } from "../tensor/named_tuple.ts";
import { axis, show, splitAt } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { div, mul } from "./arithmetic.ts";
import { gatherGrad } from "./checked_index.ts";
import { chosen, putWhereChosen, readAlong, shareAmongEqual } from "./chosen.ts";
import { eq } from "./compare.ts";
import { denseAs } from "./copy.ts";
import { type KernelTable, kernelTable } from "./elementwise.ts";
import { maximum, minimum } from "./extremum.ts";
import { sum } from "./reduce.ts";
import {
  type AnyKernel,
  checkFlag,
  checkNotEmpty,
  convertTo,
  type DimArgs,
  type DimOptions,
  type DimsArgs,
  kernelFor,
  oneAxis,
  readDims,
  reduce,
  reduceIndexed,
  reduceType,
  restoreAxes,
} from "./reduction.ts";

const AMAX = kernelTable("amax"),
  AMIN = kernelTable("amin"),
  ARGMAX = kernelTable("argmax"),
  ARGMIN = kernelTable("argmin"),
  CUMMAX = kernelTable("cummax"),
  CUMMIN = kernelTable("cummin");

/** The extreme values of `x` over `dims`, in its dtype; no history. */
function extremes(
  call: string,
  table: KernelTable,
  x: Tensor,
  dims: readonly number[],
  keepdim: boolean,
): Tensor {
  checkNotEmpty(call, x, dims);
  const compute = x.dtype.suffix === "_u8" ? x.dtype : reduceType(x.dtype);
  return convertTo(reduce(call, table, x, dims, keepdim, compute), x.dtype);
}

/** The largest or smallest of all elements; the gradient goes to all that equal it, in equal parts. */
function extreme(call: string, op: string, table: KernelTable, x: Tensor): Tensor {
  if (x.numElements === 0) {
    throw new RangeError(
      `${call}: a tensor of shape ${show(x.shape)} has no elements to choose from`,
    );
  }
  const y = extremes(call, table, x, x.shape.map((_, d) => d), false);
  return record(op, y, [x], [(dy) => shareAmongEqual(dy, x, y)], [x, y]);
}

/** The extreme values along one axis, and their places. */
function along(
  call: string,
  op: string,
  table: KernelTable,
  x: Tensor,
  args: readonly unknown[],
): ValuesAndIndices {
  const { dims, keepdim } = readAlong(call, x, args);
  const [values, indices] = reduceIndexed(call, table, x, dims, keepdim);
  return chosen(op, x, values, indices, (dy) => putWhereChosen(dy, x, dims, keepdim, indices));
}

/** The other operand of `max(x, other)`, or null for a reduction. */
function otherOf(args: readonly unknown[]): unknown {
  const [first] = args;
  if (first instanceof Tensor) return first;
  return args.length === 1 && isOptions(first) ? first.other ?? null : null;
}

/** The second operand of `max` and `min`, by name. */
export interface OtherOptions {
  /** A tensor to compare with, elementwise. */
  other: Tensor;
}

/**
 * The largest element of all.
 *
 * @throws RangeError when there are no elements, or the axis is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.max.html
 */
export function max(x: Tensor): Tensor;
/** The larger elements of two tensors, broadcast: `maximum`. */
export function max(x: Tensor, other: Tensor | OtherOptions): Tensor;
/** The largest elements along axis `dim`, and the index of the first of each. x: [...] -> twice [...] without that axis. */
export function max(x: Tensor, ...args: DimArgs): ValuesAndIndices;
export function max(
  x: Tensor,
  ...args: DimArgs | [Tensor | OtherOptions]
): Tensor | ValuesAndIndices {
  checkTensor("max", "input", x);
  if (args.length === 0) return extreme("max", "MaxBackward1", AMAX, x);
  const other = otherOf(args);
  if (other !== null) return maximum(x, other as Tensor);
  return along("max", "max", ARGMAX, x, args);
}

/**
 * The smallest element of all.
 *
 * @throws RangeError when there are no elements, or the axis is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.min.html
 */
export function min(x: Tensor): Tensor;
/** The smaller elements of two tensors, broadcast: `minimum`. */
export function min(x: Tensor, other: Tensor | OtherOptions): Tensor;
/** The smallest elements along axis `dim`, and the index of the first of each. x: [...] -> twice [...] without that axis. */
export function min(x: Tensor, ...args: DimArgs): ValuesAndIndices;
export function min(
  x: Tensor,
  ...args: DimArgs | [Tensor | OtherOptions]
): Tensor | ValuesAndIndices {
  checkTensor("min", "input", x);
  if (args.length === 0) return extreme("min", "MinBackward1", AMIN, x);
  const other = otherOf(args);
  if (other !== null) return minimum(x, other as Tensor);
  return along("min", "min", ARGMIN, x, args);
}

/** The gradient of extreme values `y` over `dims`, in equal parts for all elements of `x` that equal them. */
function shareOver(x: Tensor, y: Tensor, dims: readonly number[], keepdim: boolean): Grad {
  return (dy) => {
    const mask = eq(x, restoreAxes(y, dims, keepdim));
    return div(mul(restoreAxes(dy, dims, keepdim), mask), sum(mask, dims, true));
  };
}

function extremeOver(call: string, table: KernelTable, x: Tensor, args: DimsArgs): Tensor {
  const { dims, keepdim } = readDims(call, x, args);
  const y = extremes(call, table, x, dims, keepdim);
  return record(call, y, [x], [shareOver(x, y, dims, keepdim)], [x, y]);
}

/**
 * The largest elements over axes `dim` (all by default). x: [...] -> [...] without those axes. Equal elements share the
 * gradient.
 *
 * @throws RangeError when an axis is out of range, given twice, or has no elements.
 */
export function amax(x: Tensor, ...args: DimsArgs): Tensor {
  return extremeOver("amax", AMAX, x, args);
}

/**
 * The smallest elements over axes `dim` (all by default). x: [...] -> [...] without those axes. Equal elements share the
 * gradient.
 *
 * @throws RangeError when an axis is out of range, given twice, or has no elements.
 */
export function amin(x: Tensor, ...args: DimsArgs): Tensor {
  return extremeOver("amin", AMIN, x, args);
}

/**
 * The smallest and the largest elements along axis `dim` (all axes by default): `const { min, max } = aminmax(x)`.
 *
 * @throws RangeError when the axis is out of range, or there are no elements.
 */
export function aminmax(x: Tensor, options: DimOptions = {}): NamedTuple<["min", "max"]> {
  checkTensor("aminmax", "input", x);
  if (!isOptions(options)) {
    throw new TypeError("aminmax: dim and keepdim are given by name, as in aminmax(x, { dim: 0 })");
  }
  const { dim, keepdim } = read(
    "aminmax",
    { dim: null as number | null, keepdim: false },
    [options],
  );
  checkFlag("aminmax", "keepdim", keepdim);
  const dims = oneAxis("aminmax", x, dim);
  const low = extremes("aminmax", AMIN, x, dims, keepdim);
  const high = extremes("aminmax", AMAX, x, dims, keepdim);
  record("aminmax", low, [x], [shareOver(x, low, dims, keepdim)], [x, low]);
  record("aminmax", high, [x], [shareOver(x, high, dims, keepdim)], [x, high]);
  return namedTuple(["min", "max"], [low, high]);
}

/** Where the first extreme element is: along an axis, or among all elements in row-major order. */
function place(call: string, table: KernelTable, x: Tensor, args: DimArgs): Tensor {
  checkTensor(call, "input", x);
  const { dim, keepdim } = read(call, { dim: null as number | null, keepdim: false }, args);
  checkFlag(call, "keepdim", keepdim);
  if (x.dtype === bool) throw new TypeError(`${call}: not defined for ${x.dtype}`);
  const dims = oneAxis(call, x, dim);
  checkNotEmpty(call, x, dims);
  const [, indices] = reduceIndexed(call, table, x, dims, keepdim);
  return record(call, indices, [], []);
}

/**
 * The index (int64) of the first of the largest elements along axis `dim`; by default among all, in row-major order.
 *
 * @throws RangeError when the axis is out of range, or there are no elements.
 */
export function argmax(x: Tensor, ...args: DimArgs): Tensor {
  return place("argmax", ARGMAX, x, args);
}

/**
 * The index (int64) of the first of the smallest elements along axis `dim`; by default among all, in row-major order.
 *
 * @throws RangeError when the axis is out of range, or there are no elements.
 */
export function argmin(x: Tensor, ...args: DimArgs): Tensor {
  return place("argmin", ARGMIN, x, args);
}

/** The extreme values along `dim` up to each element, and their places. */
function running(
  call: string,
  table: KernelTable,
  x: Tensor,
  args: readonly unknown[],
): ValuesAndIndices {
  checkTensor(call, "input", x);
  const { dim } = read(call, { dim: NaN }, args);
  const at = axis(call, dim, x.ndim), compute = reduceType(x.dtype);
  const name = kernelFor(call, table, compute), source = denseAs(x, compute);
  const y = emptyLike(x, compute), indices = emptyOn(x.backend, x.shape, reduceType(bool));
  if (y.numElements > 0) {
    const [, n, inner] = splitAt(x.shape, at);
    const kernel = x.backend.kernels[name] as unknown as AnyKernel, slices = y.numElements / n;
    kernel(y.pointer, indices.pointer, source.pointer, n, inner, 0, slices);
  }
  return chosen(
    call,
    x,
    convertTo(y, x.dtype),
    indices,
    (dy) => x.ndim === 0 ? dy : gatherGrad(dy, x.shape, at, indices),
  );
}

/**
 * The largest of the elements along axis `dim` up to each of them, and the index of the last of each.
 * x: [...] -> twice the same shape.
 *
 * @throws RangeError when the axis is out of range.
 */
export function cummax(
  x: Tensor,
  ...args: Args<[dim: number], { dim?: number }>
): ValuesAndIndices {
  return running("cummax", CUMMAX, x, args);
}

/**
 * The smallest of the elements along axis `dim` up to each of them, and the index of the last of each.
 * x: [...] -> twice the same shape.
 *
 * @throws RangeError when the axis is out of range.
 */
export function cummin(
  x: Tensor,
  ...args: Args<[dim: number], { dim?: number }>
): ValuesAndIndices {
  return running("cummin", CUMMIN, x, args);
}
