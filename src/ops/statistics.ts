/**
 * Medians, quantiles and modes.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { record } from "../autograd/record.ts";
import { bool, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import type { ValuesAndIndices } from "../tensor/named_tuple.ts";
import { axis, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { item } from "./access.ts";
import { mul, sub } from "./arithmetic.ts";
import { chosen, putWhereChosen, readAlong, shareAmongEqual } from "./chosen.ts";
import { ge, isnan, le, lt } from "./compare.ts";
import { cast } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { gather } from "./index.ts";
import { logicalAnd, logicalNot } from "./logic.ts";
import { lerp, maskedFill, where } from "./pointwise.ts";
import { movedim } from "./axes.ts";
import { all, any, sum } from "./reduce.ts";
import { checkFlag, type DimArgs, reduceIndexed } from "./reduction.ts";
import { roomToSort, sort } from "./sort.ts";
import { ceil, floor, round } from "./rounding.ts";
import { expand, reshape, select, unsqueeze } from "./view.ts";

const MEDIAN = kernelTable("median"), MODE = kernelTable("mode");

/** Medians of all elements, or along an axis with their places. */
function medianOf(
  call: "median" | "nanmedian",
  x: Tensor,
  args: readonly unknown[],
): Tensor | ValuesAndIndices {
  checkTensor(call, "input", x);
  if (x.dtype === bool) throw new TypeError(`${call}: not defined for ${x.dtype}`);
  const ignore = Number(call === "nanmedian"), name = call === "median" ? "Median" : "Nanmedian";
  const extra = (n: number) => [ignore, x.backend.scratch(4 * n)];
  if (args.length === 0) {
    if (x.numElements === 0 && x.dtype.kind !== "float") {
      throw new RangeError(`${call}: a tensor of shape ${show(x.shape)} has no elements`);
    }
    const dims = x.shape.map((_, d) => d);
    const y = x.numElements === 0
      ? fillWith(emptyOn(x.backend, [], x.dtype), NaN)
      : reduceIndexed(call, MEDIAN, x, dims, false, extra)[0];
    return record(`${name}Backward0`, y, [x], [(dy) => shareAmongEqual(dy, x, y)], [x, y]);
  }
  const { dims, keepdim } = readAlong(call, x, args);
  const [values, indices] = reduceIndexed(call, MEDIAN, x, dims, keepdim, extra);
  return chosen(
    `${name}Backward1`,
    x,
    values,
    indices,
    (dy) => putWhereChosen(dy, x, dims, keepdim, indices),
  );
}

/**
 * The median of all elements: of an even number the lower one of the two in the middle; NaN if there is one.
 *
 * @throws RangeError when the axis is out of range, or has no elements.
 * @see https://pytorch.org/docs/stable/generated/torch.median.html
 */
export function median(x: Tensor): Tensor;
/** The medians along axis `dim`, and where they are. x: [...] -> twice [...] without that axis. */
export function median(x: Tensor, ...args: DimArgs): ValuesAndIndices;
export function median(x: Tensor, ...args: DimArgs): Tensor | ValuesAndIndices {
  return medianOf("median", x, args);
}

/**
 * The median of all elements that are numbers; NaN if there are none.
 *
 * @throws RangeError when the axis is out of range, or has no elements.
 * @see https://pytorch.org/docs/stable/generated/torch.nanmedian.html
 */
export function nanmedian(x: Tensor): Tensor;
/** The medians of the numbers along axis `dim`, and where they are. x: [...] -> twice [...] without that axis. */
export function nanmedian(x: Tensor, ...args: DimArgs): ValuesAndIndices;
export function nanmedian(x: Tensor, ...args: DimArgs): Tensor | ValuesAndIndices {
  return medianOf("nanmedian", x, args);
}

/**
 * The most frequent element along axis `dim` (the last by default), the smallest of several, and the index of its last
 * occurrence. x: [...] -> twice [...] without that axis.
 *
 * @throws RangeError when the axis is out of range, or has no elements.
 */
export function mode(x: Tensor, ...args: DimArgs): ValuesAndIndices {
  checkTensor("mode", "input", x);
  const { dim, keepdim } = read("mode", { dim: -1 as number | null, keepdim: false }, args);
  const { dims } = readAlong("mode", x, [dim ?? -1, keepdim]);
  const [values, indices] = reduceIndexed(
    "mode",
    MODE,
    x,
    dims,
    keepdim,
    (n, slices) => [x.backend.scratch(4 * n, roomToSort(n, slices, 8, 16))],
  );
  return chosen(
    "mode",
    x,
    values,
    indices,
    (dy) => putWhereChosen(dy, x, dims, keepdim, indices),
  );
}

/** How a quantile between two elements is found. */
export type Interpolation = "linear" | "lower" | "higher" | "midpoint" | "nearest";

/** Options of `quantile`. */
export interface QuantileOptions {
  /** Which quantiles, from 0 to 1. */
  q?: number | Tensor;
  /** The axis to reduce; all elements by default. */
  dim?: number | null;
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
  /** How a quantile between two elements is found; `"linear"` by default. */
  interpolation?: Interpolation;
}

/** Parameters of `quantile`. */
export type QuantileArgs = Args<
  [q: number | Tensor, dim: number | null, keepdim: boolean, interpolation: Interpolation],
  QuantileOptions
>;

const INTERPOLATIONS = ["linear", "lower", "higher", "midpoint", "nearest"];

/** `q` as a tensor of one axis, in the dtype of `x`. */
function quantilesOf(call: string, x: Tensor, q: unknown): Tensor {
  if (typeof q === "number") {
    if (!(q >= 0 && q <= 1)) throw new RangeError(`${call}: q must be from 0 to 1, got ${q}`);
    return fillWith(emptyOn(x.backend, [1], x.dtype), q);
  }
  if (!(q instanceof Tensor)) {
    throw new TypeError(`${call}: q must be a number or a tensor, got ${describeValue(q)}`);
  }
  if (q.dtype !== x.dtype) {
    throw new TypeError(`${call}: q must be of the input's ${x.dtype}, got ${q.dtype}`);
  }
  if (q.ndim > 1) {
    throw new RangeError(`${call}: q must have at most one axis, got shape ${show(q.shape)}`);
  }
  if (!item(all(logicalAnd(ge(q, 0), le(q, 1))))) {
    throw new RangeError(`${call}: every q must be from 0 to 1`);
  }
  return q.ndim === 0 ? reshape(q, 1) : q;
}

function quantileOf(call: string, ignoreNaN: boolean, x: Tensor, args: QuantileArgs): Tensor {
  checkTensor(call, "input", x);
  const { q, dim, keepdim, interpolation } = read(call, {
    q: undefined as number | Tensor | undefined,
    dim: null as number | null,
    keepdim: false,
    interpolation: "linear" as Interpolation,
  }, args);
  checkFlag(call, "keepdim", keepdim);
  if (x.dtype.name !== "float32" && x.dtype.name !== "float64") {
    throw new TypeError(`${call}: expected torch.float32 or torch.float64, got ${x.dtype}`);
  }
  if (x.numElements === 0) {
    throw new RangeError(`${call}: a tensor of shape ${show(x.shape)} has no quantiles`);
  }
  if (!INTERPOLATIONS.includes(interpolation)) {
    throw new RangeError(
      `${call}: interpolation must be one of ${INTERPOLATIONS.join(", ")}, got ${interpolation}`,
    );
  }
  const d = dim === null ? 0 : axis(call, dim, x.ndim);
  const wanted = quantilesOf(call, x, q);
  const line = dim === null || x.ndim === 0 ? reshape(x, -1) : movedim(x, d, -1);
  const sorted = sort(line, -1).values, n = sorted.shape[sorted.ndim - 1];
  // Ranks among the sorted elements, [..., quantiles]. NaNs sort last: one makes every quantile NaN.
  let ranks: Tensor;
  if (ignoreNaN) {
    const count = sum(logicalNot(isnan(sorted)), -1, true);
    ranks = mul(wanted, cast(sub(count, 1), x.dtype));
    ranks = maskedFill(ranks, lt(ranks, 0), 0);
  } else {
    const last = fillWith(emptyOn(x.backend, [], x.dtype), n - 1);
    ranks = where(any(isnan(sorted), -1, true), last, mul(wanted, n - 1));
  }
  ranks = expand(ranks, [...sorted.shape.slice(0, -1), wanted.shape[0]]);
  const at = (r: Tensor) => gather(sorted, -1, cast(r, int64));
  let y: Tensor;
  if (interpolation === "lower") y = at(floor(ranks));
  else if (interpolation === "higher") y = at(ceil(ranks));
  else if (interpolation === "nearest") y = at(round(ranks));
  else {
    const below = floor(ranks);
    y = lerp(at(below), at(ceil(ranks)), interpolation === "midpoint" ? 0.5 : sub(ranks, below));
  }
  // The axis of quantiles goes first, or away if one number was asked for.
  const single = !(q instanceof Tensor) || q.ndim === 0;
  y = single ? select(y, -1, 0) : movedim(y, -1, 0);
  if (!keepdim || x.ndim === 0) return y;
  const skip = single ? 0 : 1;
  if (dim !== null) return unsqueeze(y, d + skip);
  return reshape(y, [...y.shape.slice(0, skip), ...x.shape.map(() => 1)]);
}

/**
 * The `q`-quantiles along axis `dim` (of all elements by default). x: [...] -> [...] without that axis for a number `q`,
 * [quantiles, ...] for a tensor [quantiles].
 *
 * @throws RangeError when a `q` is not from 0 to 1, the axis is out of range, or there are no elements.
 * @throws TypeError when `x` is neither float32 nor float64, or `q` is a tensor of another dtype.
 * @see https://pytorch.org/docs/stable/generated/torch.quantile.html
 */
export function quantile(x: Tensor, ...args: QuantileArgs): Tensor {
  x = castFor("quantile", x);
  return quantileOf("quantile", false, x, args);
}

/**
 * As `quantile`, of the elements that are numbers.
 *
 * @throws RangeError when a `q` is not from 0 to 1, the axis is out of range, or there are no elements.
 * @throws TypeError when `x` is neither float32 nor float64, or `q` is a tensor of another dtype.
 */
export function nanquantile(x: Tensor, ...args: QuantileArgs): Tensor {
  x = castFor("nanquantile", x);
  return quantileOf("nanquantile", true, x, args);
}
