/**
 * Convolutions, as modules.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import {
  conv1d,
  conv2d,
  conv3d,
  type ConvolutionPadding,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type Spatial,
} from "../ops/convolution.ts";
import { pad, type PadMode } from "../ops/pad.ts";
import { spatial } from "../ops/spatial.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { show as showShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from "./init.ts";
import { count, FACTORY, type FactoryOptions, newParameter } from "./linear.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { show } from "./text.ts";

/** What lies around the input of a convolution. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Options of the modules of transposed convolutions. */
export interface TransposedConvolutionModuleOptions extends FactoryOptions {
  /** Channels of an input. */
  inChannels?: number;
  /** Channels of an output. */
  outChannels?: number;
  /** Sizes of the kernel. */
  kernelSize?: Spatial;
  /** Distance of neighbouring positions of the kernel. */
  stride?: Spatial;
  /** What is cut off at the ends of the output. */
  padding?: Spatial;
  /** What is added at one end of the output. */
  outputPadding?: Spatial;
  /** Parts of the channels, each with outputs of its own. */
  groups?: number;
  /** Whether a learned number is added to each output channel; true by default. */
  bias?: boolean;
  /** Distance of neighbours within the kernel. */
  dilation?: Spatial;
  /** Only `"zeros"`. */
  paddingMode?: "zeros";
}

/** Options of the modules of convolutions. */
export interface ConvolutionModuleOptions
  extends Omit<TransposedConvolutionModuleOptions, "padding" | "outputPadding" | "paddingMode"> {
  /** Places around the input; `"valid"` is none, `"same"` as many as keep its size. */
  padding?: ConvolutionPadding;
  /** What those places hold. */
  paddingMode?: PaddingMode;
}

/** The arguments of the modules of convolutions. */
export type ConvolutionModuleArgs = Args<
  [
    inChannels: number,
    outChannels: number,
    kernelSize: Spatial,
    stride: Spatial,
    padding: ConvolutionPadding,
    dilation: Spatial,
    groups: number,
    bias: boolean,
    paddingMode: PaddingMode,
    device: string | null,
    dtype: DType | null,
  ],
  ConvolutionModuleOptions
>;

/** The arguments of the modules of transposed convolutions. */
export type TransposedConvolutionModuleArgs = Args<
  [
    inChannels: number,
    outChannels: number,
    kernelSize: Spatial,
    stride: Spatial,
    padding: Spatial,
    outputPadding: Spatial,
    groups: number,
    bias: boolean,
    dilation: Spatial,
    paddingMode: "zeros",
    device: string | null,
    dtype: DType | null,
  ],
  TransposedConvolutionModuleOptions
>;

/** The settings of a convolution, checked. */
export interface ConvolutionSettings {
  /** Channels of an input. */
  inChannels: number;
  /** Channels of an output. */
  outChannels: number;
  /** Sizes of the kernel. */
  kernelSize: number[];
  /** Distances of neighbouring positions of the kernel. */
  stride: number[];
  /** Places around the input, or what is cut off at the ends of a transposed convolution's output. */
  padding: number[] | "same" | "valid";
  /** What is added at one end of a transposed convolution's output. */
  outputPadding: number[];
  /** Distances of neighbours within the kernel. */
  dilation: number[];
  /** Parts of the channels, each with outputs of its own. */
  groups: number;
  /** What the places around the input hold. */
  paddingMode: PaddingMode;
}

/** What the modules of convolutions share. */
export abstract class ConvolutionModule extends Module implements ConvolutionSettings {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number[];
  readonly stride: number[];
  readonly padding: number[] | "same" | "valid";
  readonly outputPadding: number[];
  readonly dilation: number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;
  /** [outChannels, inChannels / groups, ...kernelSize]; transposed, the first two change places. */
  weight: Parameter;
  /** [outChannels], or null. */
  bias: Parameter | null;

  /** Takes the settings, checked. */
  constructor(
    settings: ConvolutionSettings,
    transposed: boolean,
    bias: boolean,
    factory: FactoryOptions,
  ) {
    super();
    const { inChannels, outChannels, groups, kernelSize } = settings;
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = kernelSize;
    this.stride = settings.stride;
    this.padding = settings.padding;
    this.dilation = settings.dilation;
    this.outputPadding = settings.outputPadding;
    this.groups = groups;
    this.paddingMode = settings.paddingMode;
    this.weight = newParameter(
      transposed
        ? [inChannels, outChannels / groups, ...kernelSize]
        : [outChannels, inChannels / groups, ...kernelSize],
      factory,
    );
    this.bias = bias ? newParameter([outChannels], factory) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew: uniform in +-1 / sqrt(inputs of an output). */
  resetParameters(): void {
    kaimingUniform_(this.weight, Math.sqrt(5));
    if (this.bias === null) return;
    const [fanIn] = calculateFanInAndFanOut(this.weight);
    if (fanIn > 0) uniform_(this.bias, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn));
  }

  override extraRepr(): string {
    const { padding, dilation, outputPadding, groups, paddingMode } = this;
    let text = `${this.inChannels}, ${this.outChannels}, kernel_size=${show(this.kernelSize)}, ` +
      `stride=${show(this.stride)}`;
    if (typeof padding === "string") text += `, padding=${padding}`;
    else if (padding.some((n) => n !== 0)) text += `, padding=${show(padding)}`;
    if (dilation.some((n) => n !== 1)) text += `, dilation=${show(dilation)}`;
    if (outputPadding.some((n) => n !== 0)) text += `, output_padding=${show(outputPadding)}`;
    if (groups !== 1) text += `, groups=${groups}`;
    if (this.bias === null) text += ", bias=False";
    if (paddingMode !== "zeros") text += `, padding_mode=${paddingMode}`;
    return text;
  }
}

/** Settings as they were given. */
interface Given {
  inChannels: number;
  outChannels: number;
  kernelSize: Spatial;
  stride: Spatial;
  padding: ConvolutionPadding;
  outputPadding: Spatial;
  dilation: Spatial;
  groups: number;
  paddingMode: PaddingMode;
}

const DEFAULTS = {
  inChannels: NaN,
  outChannels: NaN,
  kernelSize: NaN as Spatial,
  stride: 1 as Spatial,
};

const MODES: readonly PaddingMode[] = ["zeros", "reflect", "replicate", "circular"];

function settingsOf(call: string, axes: number, given: Given): ConvolutionSettings {
  const { groups, padding, paddingMode } = given;
  const inChannels = count(call, "inChannels", given.inChannels);
  const outChannels = count(call, "outChannels", given.outChannels);
  if (count(call, "groups", groups) < 1 || inChannels % groups || outChannels % groups) {
    throw new RangeError(
      `${call}: inChannels ${inChannels} and outChannels ${outChannels} must be multiples of groups, ${groups}`,
    );
  }
  const stride = spatial(call, "stride", given.stride, axes, 1);
  if (typeof padding === "string") {
    if (padding !== "same" && padding !== "valid") {
      throw new TypeError(
        `${call}: padding must be a number, "same" or "valid", got ${describeValue(padding)}`,
      );
    }
    if (padding === "same" && stride.some((n) => n !== 1)) {
      throw new RangeError(`${call}: padding "same" takes stride 1, got ${showShape(stride)}`);
    }
  }
  if (!MODES.includes(paddingMode)) {
    throw new TypeError(
      `${call}: paddingMode must be one of ${MODES.join(", ")}, got ${describeValue(paddingMode)}`,
    );
  }
  return {
    inChannels,
    outChannels,
    kernelSize: spatial(call, "kernelSize", given.kernelSize, axes, 1),
    stride,
    padding: typeof padding === "string" ? padding : spatial(call, "padding", padding, axes, 0),
    outputPadding: spatial(call, "outputPadding", given.outputPadding, axes, 0),
    dilation: spatial(call, "dilation", given.dilation, axes, 1),
    groups,
    paddingMode,
  };
}

/** What `Conv1d`, `Conv2d` and `Conv3d` share. */
export abstract class PlainConvolution extends ConvolutionModule {
  /** Takes what `Conv1d` and its like do, after their name and number of axes. */
  constructor(name: string, axes: number, args: ConvolutionModuleArgs) {
    const { bias, device, dtype, ...given } = read(name, {
      ...DEFAULTS,
      padding: 0 as ConvolutionPadding,
      dilation: 1 as Spatial,
      groups: 1,
      bias: true,
      paddingMode: "zeros" as PaddingMode,
      ...FACTORY,
    }, args);
    super(settingsOf(name, axes, { ...given, outputPadding: 0 }), false, bias, { device, dtype });
  }

  /** The function whose module this is. */
  protected abstract compute(
    input: Tensor,
    padding: ConvolutionPadding,
  ): Tensor;

  override forward(input: Tensor): Tensor {
    const { padding, paddingMode, kernelSize, dilation } = this;
    if (paddingMode === "zeros") return this.compute(input, padding);
    const sizes = kernelSize.flatMap((k, d) => {
      if (typeof padding !== "string") return [padding[d], padding[d]];
      const both = padding === "same" ? dilation[d] * (k - 1) : 0;
      return [both >> 1, both - (both >> 1)];
    });
    // pad takes the last axis first.
    const pairs: number[] = [];
    for (let i = sizes.length - 2; i >= 0; i -= 2) pairs.push(sizes[i], sizes[i + 1]);
    return this.compute(pad(input, pairs, paddingMode as PadMode), 0);
  }
}

/** What `ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d` share. */
export abstract class TransposedConvolution extends ConvolutionModule {
  /** Takes what `ConvTranspose1d` and its like do, after their name and number of axes. */
  constructor(name: string, axes: number, args: TransposedConvolutionModuleArgs) {
    const { bias, device, dtype, ...given } = read(name, {
      ...DEFAULTS,
      padding: 0 as Spatial,
      outputPadding: 0 as Spatial,
      groups: 1,
      bias: true,
      dilation: 1 as Spatial,
      paddingMode: "zeros" as PaddingMode,
      ...FACTORY,
    }, args);
    if (given.paddingMode !== "zeros") {
      throw new RangeError(
        `${name}: paddingMode must be "zeros", got ${describeValue(given.paddingMode)}`,
      );
    }
    spatial(name, "padding", given.padding, axes, 0);
    super(settingsOf(name, axes, given), true, bias, { device, dtype });
  }

  /** The function whose module this is. */
  protected abstract compute(input: Tensor, outputPadding: readonly number[]): Tensor;

  /** `outputSize` chooses among the sizes that an output may have, instead of `outputPadding`. */
  override forward(input: Tensor, outputSize?: readonly number[] | null): Tensor {
    if (outputSize === undefined || outputSize === null) {
      return this.compute(input, this.outputPadding);
    }
    const { kernelSize, stride, dilation } = this, axes = kernelSize.length;
    const padding = this.padding as number[], size = input.shape.slice(-axes);
    const least = size.map((n, d) =>
      (n - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernelSize[d] - 1) + 1
    );
    const wanted = outputSize.length === input.ndim ? outputSize.slice(-axes) : outputSize;
    if (
      wanted.length !== axes ||
      wanted.some((n, d) => !Number.isInteger(n) || n < least[d] || n >= least[d] + stride[d])
    ) {
      throw new RangeError(
        `${this.constructor.name}: outputSize must be from ${showShape(least)} to ${
          showShape(least.map((n, d) => n + stride[d] - 1))
        } for an input of shape ${showShape(input.shape)}, got ${showShape(outputSize)}`,
      );
    }
    return this.compute(input, wanted.map((n, d) => n - least[d]));
  }
}

/**
 * Convolution of signals. [N, C, width] or [C, width] -> the same with outChannels.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
 */
export class Conv1d extends PlainConvolution {
  /** Takes channels of input and output and the kernel's size: `new nn.Conv1d(3, 8, 3, { padding: 1 })`. */
  constructor(...args: ConvolutionModuleArgs) {
    super("Conv1d", 1, args);
  }

  protected override compute(input: Tensor, padding: ConvolutionPadding): Tensor {
    const { weight, bias, stride, dilation, groups } = this;
    return conv1d(input, weight, bias, stride, padding, dilation, groups);
  }
}

/**
 * Convolution of images. [N, C, height, width] or [C, height, width] -> the same with outChannels.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
 */
export class Conv2d extends PlainConvolution {
  /** Takes channels of input and output and the kernel's size: `new nn.Conv2d(3, 8, 3, { padding: 1 })`. */
  constructor(...args: ConvolutionModuleArgs) {
    super("Conv2d", 2, args);
  }

  protected override compute(input: Tensor, padding: ConvolutionPadding): Tensor {
    const { weight, bias, stride, dilation, groups } = this;
    return conv2d(input, weight, bias, stride, padding, dilation, groups);
  }
}

/**
 * Convolution of volumes. [N, C, depth, height, width] or [C, depth, height, width] -> the same with outChannels.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
 */
export class Conv3d extends PlainConvolution {
  /** Takes channels of input and output and the kernel's size: `new nn.Conv3d(3, 8, 3, { padding: 1 })`. */
  constructor(...args: ConvolutionModuleArgs) {
    super("Conv3d", 3, args);
  }

  protected override compute(input: Tensor, padding: ConvolutionPadding): Tensor {
    const { weight, bias, stride, dilation, groups } = this;
    return conv3d(input, weight, bias, stride, padding, dilation, groups);
  }
}

/**
 * Transposed convolution of signals. [N, C, width] or [C, width] -> the same with outChannels, larger.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
 */
export class ConvTranspose1d extends TransposedConvolution {
  /** Takes channels of input and output and the kernel's size: `new nn.ConvTranspose1d(8, 3, 2, { stride: 2 })`. */
  constructor(...args: TransposedConvolutionModuleArgs) {
    super("ConvTranspose1d", 1, args);
  }

  protected override compute(input: Tensor, outputPadding: readonly number[]): Tensor {
    const { weight, bias, stride, groups, dilation } = this, padding = this.padding as number[];
    return convTranspose1d(input, weight, bias, stride, padding, outputPadding, groups, dilation);
  }
}

/**
 * Transposed convolution of images. [N, C, height, width] or [C, height, width] -> the same with outChannels, larger.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
 */
export class ConvTranspose2d extends TransposedConvolution {
  /** Takes channels of input and output and the kernel's size: `new nn.ConvTranspose2d(8, 3, 2, { stride: 2 })`. */
  constructor(...args: TransposedConvolutionModuleArgs) {
    super("ConvTranspose2d", 2, args);
  }

  protected override compute(input: Tensor, outputPadding: readonly number[]): Tensor {
    const { weight, bias, stride, groups, dilation } = this, padding = this.padding as number[];
    return convTranspose2d(input, weight, bias, stride, padding, outputPadding, groups, dilation);
  }
}

/**
 * Transposed convolution of volumes. [N, C, depth, height, width] or [C, depth, height, width] -> the same with outChannels, larger.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
 */
export class ConvTranspose3d extends TransposedConvolution {
  /** Takes channels of input and output and the kernel's size: `new nn.ConvTranspose3d(8, 3, 2, { stride: 2 })`. */
  constructor(...args: TransposedConvolutionModuleArgs) {
    super("ConvTranspose3d", 3, args);
  }

  protected override compute(input: Tensor, outputPadding: readonly number[]): Tensor {
    const { weight, bias, stride, groups, dilation } = this, padding = this.padding as number[];
    return convTranspose3d(input, weight, bias, stride, padding, outputPadding, groups, dilation);
  }
}
