/**
 * Sliding windows of images as columns, and columns summed back into images.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { computeType } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import type { Layout } from "../tensor/layout.ts";
import { show } from "../tensor/shape.ts";
import { contiguousStrides, sizeOf, Tensor } from "../tensor/tensor.ts";
import { copyInto, denseAs } from "./copy.ts";
import { addInto, placed } from "./strided.ts";
import { reshape } from "./view.ts";

/** A size for rows and columns, or one for each. */
export type Pair = number | readonly number[];

/** Options of `unfold` and `fold`. */
export interface WindowOptions {
  /** Rows and columns of the image that `fold` makes. */
  outputSize?: Pair;
  /** Rows and columns of a window. */
  kernelSize?: Pair;
  /** Distance of neighbours within a window. */
  dilation?: Pair;
  /** Zeros around the image. */
  padding?: Pair;
  /** Distance of neighbouring windows. */
  stride?: Pair;
}

/** How windows lie in an image. */
interface Windows {
  kernel: number[];
  dilation: number[];
  padding: number[];
  stride: number[];
}

const DEFAULTS = {
  kernelSize: NaN as Pair,
  dilation: 1 as Pair,
  padding: 0 as Pair,
  stride: 1 as Pair,
};

function pair(call: string, name: string, value: Pair, least: number): number[] {
  const list = typeof value === "number" ? [value, value] : [...value];
  if (list.length === 1) list.push(list[0]);
  if (list.length !== 2) {
    throw new RangeError(`${call}: ${name} must be a number or two, got ${show(list)}`);
  }
  for (const n of list) {
    wholeNumber(call, name, n);
    if (n < least) throw new RangeError(`${call}: ${name} must be at least ${least}, got ${n}`);
  }
  return list;
}

function windowsOf(call: string, o: typeof DEFAULTS): Windows {
  return {
    kernel: pair(call, "kernelSize", o.kernelSize, 1),
    dilation: pair(call, "dilation", o.dilation, 1),
    padding: pair(call, "padding", o.padding, 0),
    stride: pair(call, "stride", o.stride, 1),
  };
}

/** How many windows fit along rows and columns of an image. Throws `RangeError` when none do. */
function countOf(call: string, size: readonly number[], w: Windows): number[] {
  const count = size.map((n, d) =>
    Math.floor((n + 2 * w.padding[d] - w.dilation[d] * (w.kernel[d] - 1) - 1) / w.stride[d]) + 1
  );
  if (count.some((n) => n < 1)) {
    throw new RangeError(
      `${call}: no window of size ${show(w.kernel)} with dilation ${
        show(w.dilation)
      } fits an image of size ${show(size)} with padding ${show(w.padding)}`,
    );
  }
  return count;
}

/** The windows of padded images [batch, channels, height, width] as [batch, channels, kernel..., count...]. */
function layoutOfWindows(padded: Tensor, count: readonly number[], w: Windows): Layout {
  const [batch, channels] = padded.shape, [b, c, h, v] = padded.strides;
  return {
    shape: [batch, channels, ...w.kernel, ...count],
    strides: [
      b,
      c,
      h * w.dilation[0],
      v * w.dilation[1],
      h * w.stride[0],
      v * w.stride[1],
    ],
    offset: padded.offset,
  };
}

/** The place of the image within a padded one. */
function inside(padded: Tensor, size: readonly number[], w: Windows): Layout {
  const { shape, strides } = padded;
  return {
    shape: [...shape.slice(0, 2), ...size],
    strides,
    offset: padded.offset + w.padding[0] * strides[2] + w.padding[1] * strides[3],
  };
}

/** images [batch, channels, height, width] -> columns [batch, channels * kernel, count]. */
function toColumns(x: Tensor, w: Windows): Tensor {
  const [batch, channels, height, width] = x.shape, size = [height, width];
  const count = countOf("unfold", size, w);
  let padded = x;
  if (w.padding.some((n) => n > 0)) {
    padded = emptyOn(x.backend, [
      batch,
      channels,
      height + 2 * w.padding[0],
      width + 2 * w.padding[1],
    ], x.dtype);
    fillWith(padded, 0);
    copyInto(placed(padded, inside(padded, size, w)), x);
  }
  const y = emptyOn(
    x.backend,
    [batch, channels * sizeOf(w.kernel), sizeOf(count)],
    x.dtype,
  );
  const windows = layoutOfWindows(padded, count, w);
  copyInto(new Tensor(y.storage, windows.shape, y.dtype), placed(padded, windows));
  return record("im2col", y, [x], [(dy) => toImages(dy, channels, size, w)]);
}

/** columns [batch, channels * kernel, count] -> images [batch, channels, ...size], overlapping windows summed. */
function toImages(x: Tensor, channels: number, size: readonly number[], w: Windows): Tensor {
  const [batch] = x.shape, count = countOf("fold", size, w), dtype = computeType(x.dtype);
  const padded = emptyOn(
    x.backend,
    [batch, channels, size[0] + 2 * w.padding[0], size[1] + 2 * w.padding[1]],
    dtype,
  );
  fillWith(padded, 0);
  const windows = layoutOfWindows(padded, count, w), source = denseAs(x, dtype);
  addInto(
    placed(padded, windows),
    placed(source, {
      ...windows,
      strides: contiguousStrides(windows.shape),
      offset: source.offset,
    }),
  );
  const y = emptyOn(x.backend, [batch, channels, ...size], x.dtype);
  copyInto(y, denseAs(placed(padded, inside(padded, size, w)), x.dtype));
  return record("col2im", y, [x], [(dy) => toColumns(dy, w)]);
}

/**
 * The sliding windows of images as columns: [batch, channels, height, width] -> [batch, channels * kernel size, windows];
 * the batch axis may be missing.
 *
 * @throws RangeError when no window fits.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.unfold.html
 */
export function unfold(
  x: Tensor,
  ...args: Args<
    [kernelSize: Pair, dilation: Pair, padding: Pair, stride: Pair],
    Omit<WindowOptions, "outputSize">
  >
): Tensor {
  checkTensor("unfold", "input", x);
  const w = windowsOf("unfold", read("unfold", DEFAULTS, args));
  if ((x.ndim !== 3 && x.ndim !== 4) || x.shape.slice(-3).includes(0)) {
    throw new RangeError(
      `unfold: expected [batch, channels, height, width] or [channels, height, width], not empty, got shape ${
        show(x.shape)
      }`,
    );
  }
  if (x.ndim === 4) return toColumns(x, w);
  const y = toColumns(reshape(x, [1, ...x.shape]), w);
  return reshape(y, y.shape.slice(1));
}

/**
 * Columns of windows summed into images: [batch, channels * kernel size, windows] -> [batch, channels, ...outputSize];
 * the batch axis may be missing. Windows that overlap add up.
 *
 * @throws RangeError when the number of columns or their length does not fit the windows.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.fold.html
 */
export function fold(
  x: Tensor,
  ...args: Args<
    [outputSize: Pair, kernelSize: Pair, dilation: Pair, padding: Pair, stride: Pair],
    WindowOptions
  >
): Tensor {
  const { outputSize, ...rest } = read("fold", { outputSize: NaN as Pair, ...DEFAULTS }, args);
  const size = pair("fold", "outputSize", outputSize, 1), w = windowsOf("fold", rest);
  if (x.ndim !== 2 && x.ndim !== 3) {
    throw new RangeError(
      `fold: expected [batch, channels * kernel size, windows], with or without batch, got shape ${
        show(x.shape)
      }`,
    );
  }
  const count = countOf("fold", size, w), [length, columns] = x.shape.slice(-2);
  const channels = length / sizeOf(w.kernel);
  if (!Number.isInteger(channels)) {
    throw new RangeError(
      `fold: columns of ${length} elements cannot be divided by windows of size ${show(w.kernel)}`,
    );
  }
  if (columns !== sizeOf(count)) {
    throw new RangeError(
      `fold: ${columns} columns, but ${show(count)} = ${
        sizeOf(count)
      } windows fit an image of size ${show(size)}`,
    );
  }
  if (x.ndim === 3) return toImages(x, channels, size, w);
  const y = toImages(reshape(x, [1, ...x.shape]), channels, size, w);
  return reshape(y, y.shape.slice(1));
}
