/**
 * Counting: of integers, and of numbers in bins.
 *
 * @module
 */
import { computeType, float32, float64, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { convert, emptyOn, fillWith } from "../tensor/create.ts";
import { checkDevice, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { extent, repeated, scalarTensor, scatterInto } from "./indexed.ts";

const SCATTER_ADD = kernelTable("scatter_add");

/** Options of `bincount`. */
export interface BincountOptions {
  /** What each element counts; one by default. */
  weights?: Tensor | null;
  /** The least number of counts to give. */
  minlength?: number;
}

/**
 * How often each of 0, 1, 2, ... is in a vector of integers, or the sum of the `weights` of its occurrences. x: [n] -> [the
 * greatest element + 1, or `minlength`]; int64, with weights of float32 float32, with others float64.
 *
 * @throws RangeError when an element is negative or `x` is not a vector.
 */
export function bincount(
  x: Tensor,
  ...args: Args<[weights: Tensor | null, minlength: number], BincountOptions>
): Tensor {
  const call = "bincount";
  const { weights, minlength } = read(call, { weights: null as Tensor | null, minlength: 0 }, args);
  checkTensor(call, "input", x);
  if (x.dtype.kind !== "int") throw new TypeError(`${call}: expected integers, got ${x.dtype}`);
  if (x.ndim !== 1) throw new RangeError(`${call}: expected a vector, got shape ${show(x.shape)}`);
  if (wholeNumber(call, "minlength", minlength) < 0) {
    throw new RangeError(`${call}: minlength must be at least 0, got ${minlength}`);
  }
  if (weights !== null) {
    checkTensor(call, "weights", weights);
    checkDevice(call, x, weights);
    if (weights.ndim !== 1 || weights.numElements !== x.numElements) {
      throw new RangeError(
        `${call}: weights has shape ${show(weights.shape)}, expected ${show(x.shape)}`,
      );
    }
  }
  const { backend } = x;
  if (x.numElements === 0) return fillWith(emptyOn(backend, [minlength], int64), 0);
  const index = denseAs(x, int64), [low, high] = extent(index);
  if (low < 0) throw new RangeError(`${call}: elements must not be negative, got ${low}`);
  const dtype = weights === null ? int64 : weights.dtype === float32 ? float32 : float64;
  const y = fillWith(emptyOn(backend, [Math.max(high + 1, minlength)], dtype), 0);
  const source = weights === null
    ? repeated(scalarTensor(backend, 1, int64), x.shape)
    : denseAs(weights, dtype);
  scatterInto(y, 0, index, source, SCATTER_ADD);
  return y;
}

/** Options of `histc`. */
export interface HistcOptions {
  /** How many bins. */
  bins?: number;
  /** Where the first begins. */
  min?: number;
  /** Where the last ends; with `min` = `max` the range of the elements is taken. */
  max?: number;
}

/**
 * How many elements of `x` are in each of `bins` equal bins from `min` to `max`; those outside are not counted. -> [bins],
 * of the dtype of `x`.
 *
 * @throws TypeError when `x` is not floating-point.
 * @throws RangeError when the range is empty or not finite.
 */
export function histc(
  x: Tensor,
  ...args: Args<[bins: number, min: number, max: number], HistcOptions>
): Tensor {
  const { bins, min, max } = read("histc", { bins: 100, min: 0, max: 0 }, args);
  checkTensor("histc", "input", x);
  if (x.dtype.kind !== "float") {
    throw new TypeError(`histc: expected floating-point elements, got ${x.dtype}`);
  }
  if (wholeNumber("histc", "bins", bins) <= 0) {
    throw new RangeError(`histc: bins must be positive, got ${bins}`);
  }
  const source = denseAs(x, computeType(x.dtype)), { backend } = x;
  let low = min, high = max;
  if (low === high && x.numElements > 0) [low, high] = extent(source);
  if (low === high) [low, high] = [low - 1, high + 1];
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw new RangeError(`histc: the range from ${low} to ${high} is not finite`);
  }
  if (low > high) throw new RangeError(`histc: max ${max} is below min ${min}`);
  const y = fillWith(emptyOn(backend, [bins], source.dtype), 0);
  const kernel = source.dtype === float64 ? backend.kernels.histc_f64 : backend.kernels.histc;
  kernel(y.pointer, source.pointer, x.numElements, bins, low, high);
  return y.dtype === x.dtype ? y : convert(y, x.dtype);
}
