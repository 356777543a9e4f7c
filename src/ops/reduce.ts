/**
 * Sums, means, products and logical reductions over axes.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { bool, type DType, float32, int64, uint8 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { axes } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { isnan } from "./compare.ts";
import { cast, dense } from "./copy.ts";
import { binary, hasKernel, kernelTable } from "./elementwise.ts";
import { logicalNot } from "./logic.ts";
import {
  checkDType,
  checkFlag,
  checkFloating,
  convertTo,
  type Dims,
  type DimsArgs,
  oneAxis,
  readDims,
  readReduce,
  reduce,
  type ReduceArgs,
  reducedShape,
  reduceType,
  restoreAxes,
} from "./reduction.ts";
import { prodGrad } from "./running.ts";
import { exp } from "./unary.ts";
import { expand } from "./view.ts";

const SUM = kernelTable("sum"),
  NANSUM = kernelTable("nansum"),
  PROD = kernelTable("prod"),
  LOGSUMEXP = kernelTable("logsumexp"),
  AMAX = kernelTable("amax"),
  AMIN = kernelTable("amin"),
  DIV = kernelTable("div");

/**
 * The sum over axes `dim` (all by default). x: [...] -> [...] without those axes. Integers and booleans give int64.
 *
 * @throws RangeError when an axis is out of range or given twice.
 */
export function sum(x: Tensor, ...args: ReduceArgs): Tensor {
  x = castFor("sum", x);
  const { dims, all, keepdim, dtype } = readReduce("sum", x, args);
  const type = dtype ?? (x.dtype.kind === "float" ? x.dtype : int64);
  const { shape } = x;
  let source = x, compute = reduceType(type);
  // Bytes are summed as they are; anything else is converted first.
  if (type === int64 && x.dtype.suffix === "_u8") compute = x.dtype;
  else if (dtype !== null) source = cast(x, dtype);
  let result = reduceType(type);
  if (type === source.dtype && hasKernel(x.backend, SUM, type)) compute = result = type;
  const y = convertTo(reduce("sum", SUM, source, dims, keepdim, compute, result), type);
  return record(all ? "sum" : "SumBackward1", y, [source], [
    (dy) => expand(restoreAxes(dy, dims, keepdim), shape),
  ]);
}

/**
 * The mean over axes `dim` (all by default). x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 * @throws TypeError when `x` is not floating-point and no `dtype` is given.
 */
export function mean(x: Tensor, ...args: ReduceArgs): Tensor {
  const { dims, all, keepdim, dtype } = readReduce("mean", x, args);
  const type = dtype ?? x.dtype;
  if (type.kind !== "float") {
    throw new TypeError(
      `mean: the mean of ${type} is not defined; give a floating-point dtype, as in mean(x, { dtype: torch.float32 })`,
    );
  }
  const source = cast(x, type), { shape } = x;
  const n = dims.reduce((p, d) => p * shape[d], 1);
  const total = reduce("mean", SUM, source, dims, keepdim, reduceType(type));
  binary("mean", DIV, total, n, total.dtype, total.dtype, total);
  return record(all ? "mean" : "MeanBackward1", convertTo(total, type), [source], [
    (dy) => expand(restoreAxes(div(dy, n), dims, keepdim), shape),
  ]);
}

/**
 * The sum of the elements that are not NaN over axes `dim` (all by default). x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 */
export function nansum(x: Tensor, ...args: ReduceArgs): Tensor {
  const { dims, keepdim, dtype } = readReduce("nansum", x, args);
  const source = dtype === null ? x : cast(x, dtype), type = source.dtype;
  if (type.kind !== "float") return sum(source, dims, keepdim);
  const y = convertTo(reduce("nansum", NANSUM, source, dims, keepdim, reduceType(type)), type);
  return record("nansum", y, [source], [
    (dy) => mul(restoreAxes(dy, dims, keepdim), logicalNot(isnan(source))),
  ], [source]);
}

/**
 * The mean of the elements that are not NaN over axes `dim` (all by default). x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 * @throws TypeError when `x` is not floating-point.
 */
export function nanmean(x: Tensor, ...args: ReduceArgs): Tensor {
  const { dims, keepdim, dtype } = readReduce("nanmean", x, args);
  checkFloating("nanmean", x);
  const count = sum(logicalNot(isnan(x)), dims, keepdim);
  return div(nansum(x, dims, keepdim, dtype), count);
}

/**
 * The product over axis `dim` (all axes by default). x: [...] -> [...] without that axis. Integers and booleans give int64.
 *
 * @throws RangeError when the axis is out of range.
 */
export function prod(
  x: Tensor,
  ...args: Args<
    [dim: number | null, keepdim: boolean, dtype: DType | null],
    { dim?: number | null; keepdim?: boolean; dtype?: DType | null }
  >
): Tensor {
  x = castFor("prod", x);
  checkTensor("prod", "input", x);
  const { dim, keepdim, dtype } = read("prod", {
    dim: null as number | null,
    keepdim: false,
    dtype: null as DType | null,
  }, args);
  checkFlag("prod", "keepdim", keepdim);
  checkDType("prod", dtype);
  const dims = oneAxis("prod", x, dim),
    type = dtype ?? (x.dtype.kind === "float" ? x.dtype : int64);
  const source = dtype === null ? x : cast(x, dtype);
  const y = convertTo(reduce("prod", PROD, source, dims, keepdim, reduceType(type)), type);
  return record(dim === null ? "prod" : "ProdBackward1", y, [source], [
    (dy) => prodGrad(source, dy, dim === null ? null : dims[0] ?? null, keepdim),
  ], [source]);
}

/**
 * log(sum of exp(x)) over axes `dim`, without overflow. x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 */
export function logsumexp(x: Tensor, ...args: DimsArgs): Tensor {
  x = castFor("logsumexp", x);
  const { dims, all, keepdim } = readDims("logsumexp", x, args);
  if (all) throw new TypeError("logsumexp: dim must be given: one axis, or several");
  const source = x.dtype.kind === "float" ? x : cast(x, float32), type = source.dtype;
  const y = convertTo(
    reduce("logsumexp", LOGSUMEXP, source, dims, keepdim, reduceType(type)),
    type,
  );
  return record("logsumexp", y, [source], [
    (dy) =>
      mul(
        restoreAxes(dy, dims, keepdim),
        exp(sub(source, restoreAxes(y, dims, keepdim))),
      ),
  ], [source, y]);
}

/** `x` as booleans, contiguous; no history. */
function truth(x: Tensor): Tensor {
  return convertTo(dense(x), bool);
}

/** Whether any (or every) element over `dims` is true. */
function logical(
  call: string,
  every: boolean,
  x: Tensor,
  args: DimsArgs,
): Tensor {
  const { dims, keepdim } = readDims(call, x, args), table = every ? AMIN : AMAX;
  const result = x.dtype === uint8 ? uint8 : bool;
  const y = dims.some((d) => x.shape[d] === 0)
    ? fillWith(emptyOn(x.backend, reducedShape(x, dims, keepdim), result), every)
    : reduce(call, table, truth(x), dims, keepdim, bool, result);
  return record(call, y, [], []);
}

/**
 * Whether any element over axes `dim` (all by default) is not zero. x: [...] -> [...] of bool (of uint8 for uint8).
 *
 * @throws RangeError when an axis is out of range or given twice.
 */
export function any(x: Tensor, ...args: DimsArgs): Tensor {
  return logical("any", false, x, args);
}

/**
 * Whether no element over axes `dim` (all by default) is zero. x: [...] -> [...] of bool (of uint8 for uint8).
 *
 * @throws RangeError when an axis is out of range or given twice.
 */
export function all(x: Tensor, ...args: DimsArgs): Tensor {
  return logical("all", true, x, args);
}

/**
 * How many elements over axes `dim` (all by default) are not zero. x: [...] -> [...] of int64.
 *
 * @throws RangeError when an axis is out of range or given twice.
 */
export function countNonzero(x: Tensor, ...args: Args<[dim: Dims], { dim?: Dims }>): Tensor {
  checkTensor("countNonzero", "input", x);
  const { dim } = read("countNonzero", { dim: null as Dims }, args);
  const dims = axes("countNonzero", dim, x.ndim);
  return record(
    "count_nonzero",
    reduce("countNonzero", SUM, truth(x), dims, false, bool, int64),
    [],
    [],
  );
}
