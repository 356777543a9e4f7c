/**
 * The inverse of pooling greatest elements.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { checkDevice, sameShape, show } from "../tensor/shape.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { gatherChecked } from "./checked_index.ts";
import { dense } from "./copy.ts";
import { checkIndexes, scatterInto } from "./indexed.ts";
import { isBatch, type Spatial, spatial } from "./spatial.ts";
import { reshape } from "./view.ts";

/** Options of `maxUnpool1d` and its like. */
export interface MaxUnpoolOptions {
  /** Sizes of a window. */
  kernelSize?: Spatial;
  /** Distance of neighbouring windows; the window's size by default. */
  stride?: Spatial | null;
  /** Places around the input that windows reached into. */
  padding?: Spatial;
  /** The size of the result, where pooling leaves it open; with or without batch and channels. */
  outputSize?: readonly number[] | null;
}

/** The arguments of `maxUnpool1d` and its like after input and indices. */
export type MaxUnpoolArgs = Args<
  [
    kernelSize: Spatial,
    stride: Spatial | null,
    padding: Spatial,
    outputSize: readonly number[] | null,
  ],
  MaxUnpoolOptions
>;

function unpool(
  call: string,
  axes: number,
  x: Tensor,
  indices: Tensor,
  args: MaxUnpoolArgs,
): Tensor {
  checkTensor(call, "input", x);
  checkTensor(call, "indices", indices);
  checkDevice(call, x, indices);
  const o = read(call, {
    kernelSize: NaN as Spatial,
    stride: null as Spatial | null,
    padding: 0 as Spatial,
    outputSize: null as readonly number[] | null,
  }, args);
  const batched = isBatch(call, x, axes);
  if (x.dtype.kind !== "float") throw new TypeError(`${call}: not defined for ${x.dtype}`);
  if (indices.dtype !== int64) {
    throw new TypeError(`${call}: indices must be torch.int64, got ${indices.dtype}`);
  }
  if (!sameShape(x.shape, indices.shape)) {
    throw new RangeError(
      `${call}: input and indices must have one shape, got ${show(x.shape)} and ${
        show(indices.shape)
      }`,
    );
  }
  if (x.shape.slice(batched ? 1 : 0).includes(0)) {
    throw new RangeError(
      `${call}: only the batch may be empty, got an input of shape ${show(x.shape)}`,
    );
  }
  const kernel = spatial(call, "kernelSize", o.kernelSize, axes, 1);
  const own = o.stride === null || (Array.isArray(o.stride) && o.stride.length === 0);
  const stride = own ? kernel : spatial(call, "stride", o.stride, axes, 1);
  const padding = spatial(call, "padding", o.padding, axes, 0);
  const lead = x.shape.slice(0, x.ndim - axes);
  const standard = kernel.map((k, d) =>
    (x.shape[lead.length + d] - 1) * stride[d] + k - 2 * padding[d]
  );
  const size = o.outputSize === null ? standard : sizesOf(call, o.outputSize, standard, stride);
  if (size.some((n) => n < 1)) {
    throw new RangeError(`${call}: the result would have size ${show(size)}`);
  }
  const volume = sizeOf(size), planes = sizeOf(lead), count = x.numElements / Math.max(planes, 1);
  const where = dense(indices);
  const places = new Tensor(where.storage, [planes, count], int64, undefined, where.offset);
  if (places.numElements > 0) checkIndexes(call, places, 1, volume);
  const y = fillWith(emptyOn(x.backend, [...lead, ...size], x.dtype), 0);
  if (x.numElements > 0) {
    const lines = new Tensor(y.storage, [planes, volume], y.dtype), source = dense(x);
    scatterInto(
      lines,
      1,
      places,
      new Tensor(source.storage, [planes, count], x.dtype, undefined, source.offset),
    );
  }
  const { shape } = x;
  return record(`max_unpool${axes}d`, y, [x], [
    (dy) => reshape(gatherChecked(reshape(dy, [planes, volume]), 1, places), shape),
  ], [indices]);
}

/** The spatial sizes among those that were asked for. */
function sizesOf(
  call: string,
  given: readonly number[],
  standard: readonly number[],
  stride: readonly number[],
): number[] {
  const axes = standard.length;
  const size = (given.length === axes + 2 ? given.slice(2) : [...given])
    .map((n) => wholeNumber(call, "outputSize", n));
  if (
    size.length !== axes || size.some((n, d) => Math.abs(n - standard[d]) >= stride[d])
  ) {
    throw new RangeError(
      `${call}: outputSize must differ from ${show(standard)} by less than the stride ${
        show(stride)
      }, got ${show(given)}`,
    );
  }
  return size;
}

/**
 * The inverse of `maxPool1d`: each element goes to the place that it came from, between zeros. [N, C, windows...] ->
 * [N, C, ...outputSize]; the batch axis may be missing.
 *
 * @throws RangeError when an index lies outside of the result, or sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool1d.html
 */
export function maxUnpool1d(input: Tensor, indices: Tensor, ...args: MaxUnpoolArgs): Tensor {
  return unpool("maxUnpool1d", 1, input, indices, args);
}

/**
 * The inverse of `maxPool2d`: each element goes to the place that it came from, between zeros. [N, C, windows...] ->
 * [N, C, ...outputSize]; the batch axis may be missing.
 *
 * @throws RangeError when an index lies outside of the result, or sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool2d.html
 */
export function maxUnpool2d(input: Tensor, indices: Tensor, ...args: MaxUnpoolArgs): Tensor {
  return unpool("maxUnpool2d", 2, input, indices, args);
}

/**
 * The inverse of `maxPool3d`: each element goes to the place that it came from, between zeros. [N, C, windows...] ->
 * [N, C, ...outputSize]; the batch axis may be missing.
 *
 * @throws RangeError when an index lies outside of the result, or sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool3d.html
 */
export function maxUnpool3d(input: Tensor, indices: Tensor, ...args: MaxUnpoolArgs): Tensor {
  return unpool("maxUnpool3d", 3, input, indices, args);
}
