/**
 * Pooling: the greatest element, mean or norm of windows.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./arithmetic.ts";
import { averagePool, type Divisor, maxPool, type PoolGeometry } from "./pool.ts";
import { pow } from "./power.ts";
import { relu } from "./activation.ts";
import { isBatch, type Spatial, spatial } from "./spatial.ts";
import { abs, sign } from "./unary.ts";

/** Options of `maxPool1d` and its like. */
export interface MaxPoolOptions {
  /** Sizes of a window. */
  kernelSize?: Spatial;
  /** Distance of neighbouring windows; the window's size by default. */
  stride?: Spatial | null;
  /** Places around the input that windows reach into; at most half a window. */
  padding?: Spatial;
  /** Distance of neighbours within a window. */
  dilation?: Spatial;
  /** Whether windows that reach beyond the end count. */
  ceilMode?: boolean;
  /** Whether the places of the greatest elements are returned, too. */
  returnIndices?: boolean;
}

/** The arguments of `maxPool1d` and its like after the input; `Indices` is the type of `returnIndices`. */
export type MaxPoolArgs<Indices extends boolean> = Args<
  [
    kernelSize: Spatial,
    stride: Spatial | null,
    padding: Spatial,
    dilation: Spatial,
    ceilMode: boolean,
    returnIndices: Indices,
  ],
  MaxPoolOptions & { returnIndices?: Indices }
>;

/** Options of `avgPool1d` and its like. */
export interface AvgPoolOptions {
  /** Sizes of a window. */
  kernelSize?: Spatial;
  /** Distance of neighbouring windows; the window's size by default. */
  stride?: Spatial | null;
  /** Zeros around the input; at most half a window. */
  padding?: Spatial;
  /** Whether windows that reach beyond the end count. */
  ceilMode?: boolean;
  /** Whether the mean counts the zeros around the input; true by default. */
  countIncludePad?: boolean;
}

/** Options of `avgPool2d` and `avgPool3d`. */
export interface AvgPoolDivisorOptions extends AvgPoolOptions {
  /** What sums are divided by instead of the number of elements. */
  divisorOverride?: number | null;
}

/** The arguments of `avgPool2d` and `avgPool3d` after the input. */
export type AvgPoolArgs = Args<
  [
    kernelSize: Spatial,
    stride: Spatial | null,
    padding: Spatial,
    ceilMode: boolean,
    countIncludePad: boolean,
    divisorOverride: number | null,
  ],
  AvgPoolDivisorOptions
>;

/** A size for all spatial axes or for each; null where an axis keeps its own. */
export type OutputSize = number | null | readonly (number | null)[];

/** The arguments of `adaptiveAvgPool1d` and its like after the input. */
export type AdaptiveAvgPoolArgs = Args<[outputSize: OutputSize], { outputSize?: OutputSize }>;

/** The arguments of `adaptiveMaxPool1d` and its like after the input; `Indices` is the type of `returnIndices`. */
export type AdaptiveMaxPoolArgs<Indices extends boolean> = Args<
  [outputSize: OutputSize, returnIndices: Indices],
  { outputSize?: OutputSize; returnIndices?: Indices }
>;

/** The arguments of `lpPool1d` and `lpPool2d` after the input. */
export type LpPoolArgs = Args<
  [normType: number, kernelSize: Spatial, stride: Spatial | null, ceilMode: boolean],
  {
    /** The exponent. */
    normType?: number;
    /** Sizes of a window. */
    kernelSize?: Spatial;
    /** Distance of neighbouring windows; the window's size by default. */
    stride?: Spatial | null;
    /** Whether windows that reach beyond the end count. */
    ceilMode?: boolean;
  }
>;

/** Throws `RangeError` when an axis other than that of the batch is empty. */
function checkNotEmpty(call: string, x: Tensor, batched: boolean): void {
  if (!x.shape.slice(batched ? 1 : 0).includes(0)) return;
  throw new RangeError(
    `${call}: only the batch may be empty, got an input of shape ${show(x.shape)}`,
  );
}

function checkFlag(call: string, name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(`${call}: ${name} must be true or false, got ${describeValue(value)}`);
}

/** The windows of a call with sizes as they were given. */
function geometryOf(
  call: string,
  axes: number,
  x: Tensor,
  o: { kernelSize: Spatial; stride: Spatial | null; padding: Spatial; ceilMode: boolean },
  steps: Spatial = 1,
): PoolGeometry {
  checkTensor(call, "input", x);
  const batched = isBatch(call, x, axes);
  checkFlag(call, "ceilMode", o.ceilMode);
  const kernel = spatial(call, "kernelSize", o.kernelSize, axes, 1);
  const own = o.stride === null || (Array.isArray(o.stride) && o.stride.length === 0);
  const stride = own ? kernel : spatial(call, "stride", o.stride, axes, 1);
  const padding = spatial(call, "padding", o.padding, axes, 0);
  const dilation = spatial(call, "dilation", steps, axes, 1);
  checkNotEmpty(call, x, batched);
  if (padding.some((n, d) => n > kernel[d] / 2)) {
    throw new RangeError(
      `${call}: padding ${show(padding)} must be at most half of kernelSize ${show(kernel)}`,
    );
  }
  const size = x.shape.slice(-axes);
  const count = size.map((n, d) => {
    const room = n + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
    const windows = Math.floor((room + (o.ceilMode ? stride[d] - 1 : 0)) / stride[d]) + 1;
    // The last window begins in the input or in the padding before it.
    return o.ceilMode && (windows - 1) * stride[d] >= n + padding[d] ? windows - 1 : windows;
  });
  if (count.some((n) => n < 1)) {
    throw new RangeError(
      `${call}: no window of size ${show(kernel)} with dilation ${
        show(dilation)
      } fits an input of size ${show(size)} with padding ${show(padding)}`,
    );
  }
  return { shape: x.shape, count, kernel, stride, padding, dilation };
}

/** The windows of an adaptive call. */
function adaptiveGeometry(call: string, axes: number, x: Tensor, given: OutputSize): PoolGeometry {
  checkTensor(call, "input", x);
  isBatch(call, x, axes);
  const size = x.shape.slice(-axes);
  if (size.includes(0)) {
    throw new RangeError(`${call}: an input of shape ${show(x.shape)} has nothing to pool`);
  }
  const list = Array.isArray(given) ? given : new Array(axes).fill(given);
  if (list.length !== axes) {
    throw new RangeError(`${call}: outputSize must have ${axes} sizes, got ${list.length}`);
  }
  const count = list.map((n, d) =>
    n === null && axes > 1 ? size[d] : wholeNumber(call, "outputSize", n)
  );
  if (count.some((n) => n < 0)) {
    throw new RangeError(`${call}: outputSize cannot be negative, got ${show(count)}`);
  }
  const ones = size.map(() => 1), zeros = size.map(() => 0);
  // Windows that divide the input evenly are ordinary ones, which are faster.
  const kernel = size.map((n, d) => count[d] > 0 ? n / count[d] : NaN);
  const even = kernel.every((n) => Number.isInteger(n));
  return {
    shape: x.shape,
    count,
    kernel: even ? kernel : ones,
    stride: even ? kernel : zeros,
    padding: zeros,
    dilation: ones,
  };
}

function maxima(
  call: string,
  axes: number,
  x: Tensor,
  args: readonly unknown[],
): Tensor | [Tensor, Tensor] {
  const { dilation, returnIndices, ...o } = read(call, {
    kernelSize: NaN as Spatial,
    stride: null as Spatial | null,
    padding: 0 as Spatial,
    dilation: 1 as Spatial,
    ceilMode: false,
    returnIndices: false,
  }, args);
  checkFlag(call, "returnIndices", returnIndices);
  const g = geometryOf(call, axes, x, o, dilation);
  const pair = maxPool(call, `max_pool${axes}d_with_indices`, x, g);
  return returnIndices ? pair : pair[0];
}

function adaptiveMaxima(
  call: string,
  axes: number,
  x: Tensor,
  args: readonly unknown[],
): Tensor | [Tensor, Tensor] {
  const { outputSize, returnIndices } = read(call, {
    outputSize: NaN as OutputSize,
    returnIndices: false,
  }, args);
  checkFlag(call, "returnIndices", returnIndices);
  const g = adaptiveGeometry(call, axes, x, outputSize);
  checkNotEmpty(call, x, x.ndim === axes + 2);
  const pair = maxPool(call, `adaptive_max_pool${axes}d`, x, g);
  return returnIndices ? pair : pair[0];
}

const AVERAGE = {
  kernelSize: NaN as Spatial,
  stride: null as Spatial | null,
  padding: 0 as Spatial,
  ceilMode: false,
  countIncludePad: true,
};

function averages(call: string, axes: number, x: Tensor, args: readonly unknown[]): Tensor {
  const { countIncludePad, divisorOverride, ...o } = read(call, {
    ...AVERAGE,
    divisorOverride: null as number | null,
  }, args);
  checkFlag(call, "countIncludePad", countIncludePad);
  const divisor = divisorOverride === null
    ? 0
    : wholeNumber(call, "divisorOverride", divisorOverride);
  if (divisorOverride !== null && divisor === 0) {
    throw new RangeError(`${call}: divisorOverride cannot be 0`);
  }
  const by: Divisor = { includePadding: countIncludePad, divisor };
  return averagePool(call, `avg_pool${axes}d`, x, geometryOf(call, axes, x, o), by, int64);
}

function adaptiveAverages(call: string, axes: number, x: Tensor, args: readonly unknown[]): Tensor {
  const { outputSize } = read(call, { outputSize: NaN as OutputSize }, args);
  const g = adaptiveGeometry(call, axes, x, outputSize);
  const by: Divisor = { includePadding: false, divisor: 0 };
  return averagePool(call, `adaptive_avg_pool${axes}d`, x, g, by);
}

function norms(call: string, axes: number, x: Tensor, args: readonly unknown[]): Tensor {
  const { normType, ...o } = read(call, {
    normType: NaN,
    kernelSize: NaN as Spatial,
    stride: null as Spatial | null,
    ceilMode: false,
  }, args);
  if (typeof normType !== "number" || Number.isNaN(normType)) {
    throw new TypeError(`${call}: normType must be a number, got ${describeValue(normType)}`);
  }
  const g = geometryOf(call, axes, x, { ...o, padding: 0 });
  const by: Divisor = { includePadding: true, divisor: 0 };
  // As PyTorch: the mean of powers times the window's size is their sum, and one that is negative counts as it is.
  const mean = averagePool(call, `avg_pool${axes}d`, pow(x, normType), g, by, int64);
  const size = g.kernel.reduce((a, b) => a * b, 1);
  return pow(mul(mul(sign(mean), relu(abs(mean))), size), 1 / normType);
}

/**
 * The greatest element of each window. [N, C, width] -> [N, C, windows]; the batch axis may be missing.
 *
 * @throws RangeError when no window fits, or padding exceeds half a window.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool1d.html
 */
export function maxPool1d(x: Tensor, ...args: MaxPoolArgs<false>): Tensor;
/** The greatest elements and their places within the last axes, counted in row-major order. */
export function maxPool1d(
  x: Tensor,
  ...args: MaxPoolArgs<boolean>
): [output: Tensor, indices: Tensor];
export function maxPool1d(x: Tensor, ...args: unknown[]): Tensor | [Tensor, Tensor] {
  return maxima("maxPool1d", 1, x, args);
}

/**
 * The greatest element of each window. [N, C, height, width] -> [N, C, windows...]; the batch axis may be missing.
 *
 * @throws RangeError when no window fits, or padding exceeds half a window.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
 */
export function maxPool2d(x: Tensor, ...args: MaxPoolArgs<false>): Tensor;
/** The greatest elements and their places within the last axes, counted in row-major order. */
export function maxPool2d(
  x: Tensor,
  ...args: MaxPoolArgs<boolean>
): [output: Tensor, indices: Tensor];
export function maxPool2d(x: Tensor, ...args: unknown[]): Tensor | [Tensor, Tensor] {
  return maxima("maxPool2d", 2, x, args);
}

/**
 * The greatest element of each window. [N, C, depth, height, width] -> [N, C, windows...]; the batch axis may be missing.
 *
 * @throws RangeError when no window fits, or padding exceeds half a window.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool3d.html
 */
export function maxPool3d(x: Tensor, ...args: MaxPoolArgs<false>): Tensor;
/** The greatest elements and their places within the last axes, counted in row-major order. */
export function maxPool3d(
  x: Tensor,
  ...args: MaxPoolArgs<boolean>
): [output: Tensor, indices: Tensor];
export function maxPool3d(x: Tensor, ...args: unknown[]): Tensor | [Tensor, Tensor] {
  return maxima("maxPool3d", 3, x, args);
}

/**
 * The mean of each window. [N, C, width] -> [N, C, windows]; the batch axis may be missing.
 *
 * @throws RangeError when no window fits, or padding exceeds half a window.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool1d.html
 */
export function avgPool1d(
  x: Tensor,
  ...args: Args<
    [
      kernelSize: Spatial,
      stride: Spatial | null,
      padding: Spatial,
      ceilMode: boolean,
      countIncludePad: boolean,
    ],
    AvgPoolOptions
  >
): Tensor {
  return averages("avgPool1d", 1, x, [read("avgPool1d", AVERAGE, args)]);
}

/**
 * The mean of each window. [N, C, height, width] -> [N, C, windows...]; the batch axis may be missing.
 *
 * @throws RangeError when no window fits, padding exceeds half a window, or the divisor is 0.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
 */
export function avgPool2d(x: Tensor, ...args: AvgPoolArgs): Tensor {
  return averages("avgPool2d", 2, x, args);
}

/**
 * The mean of each window. [N, C, depth, height, width] -> [N, C, windows...]; the batch axis may be missing.
 *
 * @throws RangeError when no window fits, padding exceeds half a window, or the divisor is 0.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool3d.html
 */
export function avgPool3d(x: Tensor, ...args: AvgPoolArgs): Tensor {
  return averages("avgPool3d", 3, x, args);
}

/**
 * The means of as many windows as are wanted; they cover the input evenly. [N, C, ...] -> [N, C, ...outputSize]; the
 * batch axis may be missing.
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool1d.html
 */
export function adaptiveAvgPool1d(x: Tensor, ...args: AdaptiveAvgPoolArgs): Tensor {
  return adaptiveAverages("adaptiveAvgPool1d", 1, x, args);
}

/**
 * The means of as many windows as are wanted; they cover the input evenly. [N, C, ...] -> [N, C, ...outputSize]; the
 * batch axis may be missing.
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
 */
export function adaptiveAvgPool2d(x: Tensor, ...args: AdaptiveAvgPoolArgs): Tensor {
  return adaptiveAverages("adaptiveAvgPool2d", 2, x, args);
}

/**
 * The means of as many windows as are wanted; they cover the input evenly. [N, C, ...] -> [N, C, ...outputSize]; the
 * batch axis may be missing.
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool3d.html
 */
export function adaptiveAvgPool3d(x: Tensor, ...args: AdaptiveAvgPoolArgs): Tensor {
  return adaptiveAverages("adaptiveAvgPool3d", 3, x, args);
}

/**
 * The greatest elements of as many windows as are wanted; they cover the input evenly. [N, C, ...] ->
 * [N, C, ...outputSize]; the batch axis may be missing.
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool1d.html
 */
export function adaptiveMaxPool1d(x: Tensor, ...args: AdaptiveMaxPoolArgs<false>): Tensor;
/** The greatest elements and their places within the last axes, counted in row-major order. */
export function adaptiveMaxPool1d(
  x: Tensor,
  ...args: AdaptiveMaxPoolArgs<boolean>
): [output: Tensor, indices: Tensor];
export function adaptiveMaxPool1d(x: Tensor, ...args: unknown[]): Tensor | [Tensor, Tensor] {
  return adaptiveMaxima("adaptiveMaxPool1d", 1, x, args);
}

/**
 * The greatest elements of as many windows as are wanted; they cover the input evenly. [N, C, ...] ->
 * [N, C, ...outputSize]; the batch axis may be missing.
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html
 */
export function adaptiveMaxPool2d(x: Tensor, ...args: AdaptiveMaxPoolArgs<false>): Tensor;
/** The greatest elements and their places within the last axes, counted in row-major order. */
export function adaptiveMaxPool2d(
  x: Tensor,
  ...args: AdaptiveMaxPoolArgs<boolean>
): [output: Tensor, indices: Tensor];
export function adaptiveMaxPool2d(x: Tensor, ...args: unknown[]): Tensor | [Tensor, Tensor] {
  return adaptiveMaxima("adaptiveMaxPool2d", 2, x, args);
}

/**
 * The greatest elements of as many windows as are wanted; they cover the input evenly. [N, C, ...] ->
 * [N, C, ...outputSize]; the batch axis may be missing.
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool3d.html
 */
export function adaptiveMaxPool3d(x: Tensor, ...args: AdaptiveMaxPoolArgs<false>): Tensor;
/** The greatest elements and their places within the last axes, counted in row-major order. */
export function adaptiveMaxPool3d(
  x: Tensor,
  ...args: AdaptiveMaxPoolArgs<boolean>
): [output: Tensor, indices: Tensor];
export function adaptiveMaxPool3d(x: Tensor, ...args: unknown[]): Tensor | [Tensor, Tensor] {
  return adaptiveMaxima("adaptiveMaxPool3d", 3, x, args);
}

/**
 * The p-norm of each window: (sum of x^p)^(1/p). [N, C, width] -> [N, C, windows]; the batch axis may be
 * missing.
 *
 * @throws RangeError when no window fits.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool1d.html
 */
export function lpPool1d(x: Tensor, ...args: LpPoolArgs): Tensor {
  return norms("lpPool1d", 1, x, args);
}

/**
 * The p-norm of each window: (sum of x^p)^(1/p). [N, C, height, width] -> [N, C, windows...]; the batch axis may be
 * missing.
 *
 * @throws RangeError when no window fits.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool2d.html
 */
export function lpPool2d(x: Tensor, ...args: LpPoolArgs): Tensor {
  return norms("lpPool2d", 2, x, args);
}
