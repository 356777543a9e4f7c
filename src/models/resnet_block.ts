/**
 * The blocks of residual networks: convolutions, whose result is added to their input.
 *
 * @module
 */
import { add } from "../ops/arithmetic.ts";
import { ReLU } from "../nn/activation.ts";
import { BatchNorm2d } from "../nn/batch_norm.ts";
import { Conv2d } from "../nn/convolution.ts";
import { Module } from "../nn/module.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Options of `BasicBlock` and `Bottleneck`. */
export interface ResNetBlockOptions {
  /** By which the first 3 x 3 convolution shrinks height and width; 1 by default. */
  stride?: number;
  /** What brings the input to the size of the result; null, where they are of one size. */
  downsample?: Module | null;
  /** Groups of the 3 x 3 convolution of a `Bottleneck`; 1 by default. */
  groups?: number;
  /** Its channels per group where there are 64 planes; 64 by default. */
  baseWidth?: number;
}

/** The arguments of `BasicBlock` and `Bottleneck` after `inplanes` and `planes`. */
export type ResNetBlockArgs = Args<
  [stride: number, downsample: Module | null, groups: number, baseWidth: number],
  ResNetBlockOptions
>;

/** A class of blocks: its instances take `inplanes` channels to `expansion` times `planes`. */
export interface ResNetBlock {
  /** How many times `planes` channels come out of it. */
  readonly expansion: number;
  new (inplanes: number, planes: number, ...args: ResNetBlockArgs): Module;
}

function readBlock(call: string, args: ResNetBlockArgs): Required<ResNetBlockOptions> {
  return read(call, {
    stride: 1,
    downsample: null as Module | null,
    groups: 1,
    baseWidth: 64,
  }, args);
}

/** A 3 x 3 convolution that keeps height and width but for its stride. */
export function conv3x3(from: number, to: number, stride: number, groups: number): Conv2d {
  return new Conv2d(from, to, 3, { stride, padding: 1, groups, bias: false });
}

/** A 1 x 1 convolution. */
export function conv1x1(from: number, to: number, stride: number): Conv2d {
  return new Conv2d(from, to, 1, { stride, bias: false });
}

/**
 * Two 3 x 3 convolutions: [N, inplanes, H, W] -> [N, planes, H / stride, W / stride].
 *
 * @see https://arxiv.org/abs/1512.03385
 */
export class BasicBlock extends Module {
  /** Its results have `planes` channels. */
  static readonly expansion: number = 1;
  /** The first convolution. */
  conv1: Conv2d;
  /** Its normalisation. */
  bn1: BatchNorm2d;
  /** What is applied after `bn1`, and to the sum. */
  relu: ReLU;
  /** The second convolution. */
  conv2: Conv2d;
  /** Its normalisation. */
  bn2: BatchNorm2d;
  /** What brings the input to the size of the result, or null. */
  downsample: Module | null;

  /** Takes the channels before and in it, then the settings. Throws `RangeError` for `groups` or `baseWidth`. */
  constructor(inplanes: number, planes: number, ...args: ResNetBlockArgs) {
    super();
    const { stride, downsample, groups, baseWidth } = readBlock("BasicBlock", args);
    if (groups !== 1 || baseWidth !== 64) {
      throw new RangeError(
        `BasicBlock: expected groups 1 and baseWidth 64, got ${groups} and ${baseWidth}: only a Bottleneck has others`,
      );
    }
    this.conv1 = conv3x3(inplanes, planes, stride, 1);
    this.bn1 = new BatchNorm2d(planes);
    this.relu = new ReLU({ inplace: true });
    this.conv2 = conv3x3(planes, planes, 1, 1);
    this.bn2 = new BatchNorm2d(planes);
    this.downsample = downsample;
  }

  override forward(x: Tensor): Tensor {
    const y = this.bn2(this.conv2(this.relu(this.bn1(this.conv1(x)))));
    return this.relu(add(y, this.downsample === null ? x : this.downsample(x)));
  }
}

/**
 * Convolutions of 1 x 1, 3 x 3 and 1 x 1: [N, inplanes, H, W] -> [N, 4 * planes, H / stride, W / stride].
 *
 * @see https://arxiv.org/abs/1512.03385
 */
export class Bottleneck extends Module {
  /** Its results have 4 times `planes` channels. */
  static readonly expansion: number = 4;
  /** The 1 x 1 convolution before. */
  conv1: Conv2d;
  /** Its normalisation. */
  bn1: BatchNorm2d;
  /** The 3 x 3 convolution. */
  conv2: Conv2d;
  /** Its normalisation. */
  bn2: BatchNorm2d;
  /** The 1 x 1 convolution after. */
  conv3: Conv2d;
  /** Its normalisation. */
  bn3: BatchNorm2d;
  /** What is applied after `bn1`, after `bn2`, and to the sum. */
  relu: ReLU;
  /** What brings the input to the size of the result, or null. */
  downsample: Module | null;

  /** Takes the channels before and in it, then the settings. */
  constructor(inplanes: number, planes: number, ...args: ResNetBlockArgs) {
    super();
    const { stride, downsample, groups, baseWidth } = readBlock("Bottleneck", args);
    const width = Math.floor(planes * baseWidth / 64) * groups;
    this.conv1 = conv1x1(inplanes, width, 1);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv3x3(width, width, stride, groups);
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = conv1x1(width, planes * Bottleneck.expansion, 1);
    this.bn3 = new BatchNorm2d(planes * Bottleneck.expansion);
    this.relu = new ReLU({ inplace: true });
    this.downsample = downsample;
  }

  override forward(x: Tensor): Tensor {
    let y = this.relu(this.bn1(this.conv1(x)));
    y = this.relu(this.bn2(this.conv2(y)));
    y = this.bn3(this.conv3(y));
    return this.relu(add(y, this.downsample === null ? x : this.downsample(x)));
  }
}
