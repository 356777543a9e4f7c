/**
 * Elements of images in another order, and windows of images, as modules.
 *
 * @module
 */
import { channelShuffle, pixelShuffle, pixelUnshuffle } from "../ops/shuffle.ts";
import { fold, type Pair, unfold, type WindowOptions } from "../ops/window.ts";
import { type Args, read, wholeNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { show } from "./text.ts";

/**
 * Lays channels out as places, r = `upscaleFactor`: [..., C r^2, H, W] -> [..., C, H r, W r].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
 */
export class PixelShuffle extends Module {
  /** How many times larger the sides become. */
  upscaleFactor: number;

  /** Takes how many times larger the sides become. */
  constructor(...args: Args<[upscaleFactor: number], { upscaleFactor?: number }>) {
    super();
    const { upscaleFactor } = read("PixelShuffle", { upscaleFactor: NaN }, args);
    this.upscaleFactor = wholeNumber("PixelShuffle", "upscaleFactor", upscaleFactor);
  }

  override forward(input: Tensor): Tensor {
    return pixelShuffle(input, this.upscaleFactor);
  }

  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/**
 * Lays places out as channels, r = `downscaleFactor`: [..., C, H r, W r] -> [..., C r^2, H, W].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html
 */
export class PixelUnshuffle extends Module {
  /** How many times smaller the sides become. */
  downscaleFactor: number;

  /** Takes how many times smaller the sides become. */
  constructor(...args: Args<[downscaleFactor: number], { downscaleFactor?: number }>) {
    super();
    const { downscaleFactor } = read("PixelUnshuffle", { downscaleFactor: NaN }, args);
    this.downscaleFactor = wholeNumber("PixelUnshuffle", "downscaleFactor", downscaleFactor);
  }

  override forward(input: Tensor): Tensor {
    return pixelUnshuffle(input, this.downscaleFactor);
  }

  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/**
 * Interleaves the channels of groups: [N, C, ...] in the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html
 */
export class ChannelShuffle extends Module {
  /** Number of groups. */
  groups: number;

  /** Takes the number of groups. */
  constructor(...args: Args<[groups: number], { groups?: number }>) {
    super();
    const { groups } = read("ChannelShuffle", { groups: NaN }, args);
    this.groups = wholeNumber("ChannelShuffle", "groups", groups);
  }

  override forward(input: Tensor): Tensor {
    return channelShuffle(input, this.groups);
  }

  override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}

const WINDOWS = {
  kernelSize: NaN as Pair,
  dilation: 1 as Pair,
  padding: 0 as Pair,
  stride: 1 as Pair,
};

/**
 * The sliding windows of images as columns: [N, C, H, W] -> [N, C * kernel size, windows].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unfold.html
 */
export class Unfold extends Module {
  /** Rows and columns of a window. */
  kernelSize: Pair;
  /** Distance of neighbours within a window. */
  dilation: Pair;
  /** Zeros around the image. */
  padding: Pair;
  /** Distance of neighbouring windows. */
  stride: Pair;

  /** Takes the size of a window. */
  constructor(
    ...args: Args<
      [kernelSize: Pair, dilation: Pair, padding: Pair, stride: Pair],
      Omit<WindowOptions, "outputSize">
    >
  ) {
    super();
    const o = read("Unfold", WINDOWS, args);
    this.kernelSize = o.kernelSize;
    this.dilation = o.dilation;
    this.padding = o.padding;
    this.stride = o.stride;
  }

  override forward(input: Tensor): Tensor {
    return unfold(input, this.kernelSize, this.dilation, this.padding, this.stride);
  }

  override extraRepr(): string {
    return `kernel_size=${show(this.kernelSize)}, dilation=${show(this.dilation)}, padding=${
      show(this.padding)
    }, stride=${show(this.stride)}`;
  }
}

/**
 * Columns of windows summed into images: [N, C * kernel size, windows] -> [N, C, ...outputSize].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Fold.html
 */
export class Fold extends Module {
  /** Rows and columns of the images. */
  outputSize: Pair;
  /** Rows and columns of a window. */
  kernelSize: Pair;
  /** Distance of neighbours within a window. */
  dilation: Pair;
  /** Zeros around the image. */
  padding: Pair;
  /** Distance of neighbouring windows. */
  stride: Pair;

  /** Takes the sizes of the images and of a window. */
  constructor(
    ...args: Args<
      [outputSize: Pair, kernelSize: Pair, dilation: Pair, padding: Pair, stride: Pair],
      WindowOptions
    >
  ) {
    super();
    const o = read("Fold", { outputSize: NaN as Pair, ...WINDOWS }, args);
    this.outputSize = o.outputSize;
    this.kernelSize = o.kernelSize;
    this.dilation = o.dilation;
    this.padding = o.padding;
    this.stride = o.stride;
  }

  override forward(input: Tensor): Tensor {
    return fold(input, this.outputSize, this.kernelSize, this.dilation, this.padding, this.stride);
  }

  override extraRepr(): string {
    return `output_size=${show(this.outputSize)}, kernel_size=${show(this.kernelSize)}, dilation=${
      show(this.dilation)
    }, padding=${show(this.padding)}, stride=${show(this.stride)}`;
  }
}
