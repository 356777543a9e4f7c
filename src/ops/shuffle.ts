/**
 * Channels exchanged for places, and among themselves.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import { contiguousStrides, sizeOf, Tensor } from "../tensor/tensor.ts";
import { copyInto, dense } from "./copy.ts";

/** A copy of `x`, seen in `shape`, with its axes in `order`, as a tensor of shape `result`; no history. */
function regrouped(
  x: Tensor,
  shape: readonly number[],
  order: readonly number[],
  result: readonly number[],
): Tensor {
  const source = dense(x), strides = contiguousStrides(shape), moved = order.map((d) => shape[d]);
  const y = emptyOn(x.backend, result, x.dtype);
  copyInto(
    new Tensor(y.storage, moved, y.dtype),
    new Tensor(source.storage, moved, x.dtype, order.map((d) => strides[d]), source.offset),
  );
  return y;
}

/** `value`, a factor for the sides of the images `x`, checked. */
function factorOf(call: string, name: string, value: unknown, x: Tensor): number {
  checkTensor(call, "input", x);
  const factor = wholeNumber(call, name, value);
  if (factor < 1) throw new RangeError(`${call}: ${name} must be at least 1, got ${factor}`);
  if (x.ndim < 3) {
    throw new RangeError(
      `${call}: expected [..., channels, height, width], got shape ${show(x.shape)}`,
    );
  }
  return factor;
}

/**
 * Channels laid out as places, r = `upscaleFactor`: [..., C r^2, H, W] -> [..., C, H r, W r].
 *
 * @throws RangeError when the number of channels cannot be divided by r^2.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pixel_shuffle.html
 */
export function pixelShuffle(
  x: Tensor,
  ...args: Args<[upscaleFactor: number], { upscaleFactor?: number }>
): Tensor {
  const { upscaleFactor } = read("pixelShuffle", { upscaleFactor: NaN }, args);
  const r = factorOf("pixelShuffle", "upscaleFactor", upscaleFactor, x);
  const batch = x.shape.slice(0, -3), [channels, height, width] = x.shape.slice(-3);
  if (channels % (r * r) !== 0) {
    throw new RangeError(
      `pixelShuffle: ${channels} channels cannot be divided by ${
        r * r
      }, the square of upscaleFactor`,
    );
  }
  const rest = channels / (r * r);
  const y = regrouped(
    x,
    [sizeOf(batch), rest, r, r, height, width],
    [0, 1, 4, 2, 5, 3],
    [...batch, rest, height * r, width * r],
  );
  return record("pixel_shuffle", y, [x], [(dy) => pixelUnshuffle(dy, r)]);
}

/**
 * Places laid out as channels, r = `downscaleFactor`: [..., C, H r, W r] -> [..., C r^2, H, W].
 *
 * @throws RangeError when height or width cannot be divided by r.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pixel_unshuffle.html
 */
export function pixelUnshuffle(
  x: Tensor,
  ...args: Args<[downscaleFactor: number], { downscaleFactor?: number }>
): Tensor {
  const { downscaleFactor } = read("pixelUnshuffle", { downscaleFactor: NaN }, args);
  const r = factorOf("pixelUnshuffle", "downscaleFactor", downscaleFactor, x);
  const batch = x.shape.slice(0, -3), [channels, height, width] = x.shape.slice(-3);
  if (height % r !== 0 || width % r !== 0) {
    throw new RangeError(
      `pixelUnshuffle: height ${height} and width ${width} cannot both be divided by downscaleFactor ${r}`,
    );
  }
  const y = regrouped(
    x,
    [sizeOf(batch), channels, height / r, r, width / r, r],
    [0, 1, 3, 5, 2, 4],
    [...batch, channels * r * r, height / r, width / r],
  );
  return record("pixel_unshuffle", y, [x], [(dy) => pixelShuffle(dy, r)]);
}

/**
 * Channels of `groups` groups interleaved: [N, C, ...], seen as [N, groups, C / groups, ...], with these two axes swapped.
 *
 * @throws RangeError when the number of channels cannot be divided by `groups`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html
 */
export function channelShuffle(
  x: Tensor,
  ...args: Args<[groups: number], { groups?: number }>
): Tensor {
  const options = read("channelShuffle", { groups: NaN }, args);
  checkTensor("channelShuffle", "input", x);
  const groups = wholeNumber("channelShuffle", "groups", options.groups);
  if (x.ndim < 3) {
    throw new RangeError(
      `channelShuffle: expected [N, C, ...] and more, got shape ${show(x.shape)}`,
    );
  }
  const [batch, channels] = x.shape, inner = sizeOf(x.shape.slice(2));
  if (groups < 1 || channels % groups !== 0) {
    throw new RangeError(
      `channelShuffle: ${channels} channels cannot be divided into ${groups} groups`,
    );
  }
  return interleaved(x, batch, groups, channels / groups, inner);
}

/** The groups of channels interleaved; the gradient interleaves them back. */
function interleaved(
  x: Tensor,
  batch: number,
  groups: number,
  size: number,
  inner: number,
): Tensor {
  const y = regrouped(x, [batch, groups, size, inner], [0, 2, 1, 3], x.shape);
  return record("channel_shuffle", y, [x], [(dy) => interleaved(dy, batch, size, groups, inner)]);
}
