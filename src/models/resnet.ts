/**
 * Residual networks, with the names, the starting values and the settings of torchvision's.
 *
 * @module
 */
import { ReLU } from "../nn/activation.ts";
import { AdaptiveAvgPool2d } from "../nn/adaptive_pooling.ts";
import { BatchNorm2d } from "../nn/batch_norm.ts";
import { Sequential } from "../nn/container.ts";
import { Conv2d } from "../nn/convolution.ts";
import { kaimingNormal_, zeros_ } from "../nn/init.ts";
import { Linear } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { MaxPool2d } from "../nn/pooling.ts";
import { flatten } from "../ops/reshape.ts";
import { type Args, isOptions, read, wholeNumber } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { BasicBlock, Bottleneck, conv1x1, type ResNetBlock } from "./resnet_block.ts";

/** Options of `ResNet`, and of the networks that are made of it. */
export interface ResNetOptions {
  /** How many classes are told apart; 1000 by default. */
  numClasses?: number;
  /** Whether the last factors of each block begin as 0, so that at first it only hands on its input. */
  zeroInitResidual?: boolean;
  /** Groups of the 3 x 3 convolutions of a `Bottleneck`; 1 by default. */
  groups?: number;
  /** Their channels per group in the first layer; 64 by default. */
  widthPerGroup?: number;
  /** Channels after the first convolution; the layers have 1, 2, 4 and 8 times as many planes. 64 by default, as in all
   * of torchvision's; a smaller number makes a small network. */
  inplanes?: number;
}

/** The arguments of `ResNet` after `block` and `layers`. */
export type ResNetArgs = Args<
  [
    numClasses: number,
    zeroInitResidual: boolean,
    groups: number,
    widthPerGroup: number,
    inplanes: number,
  ],
  ResNetOptions
>;

/**
 * A residual network: images [N, 3, H, W] -> [N, numClasses], the logits. A new layer at its end, for other classes, is
 * assigned: `model.fc = new nn.Linear(512, 100)`.
 *
 * @see https://arxiv.org/abs/1512.03385
 * @see https://pytorch.org/vision/stable/models/resnet.html
 */
export class ResNet extends Module {
  /** The first convolution, of 7 x 7 and stride 2. */
  conv1: Conv2d;
  /** Its normalisation. */
  bn1: BatchNorm2d;
  /** What is applied after it. */
  relu: ReLU;
  /** Halves height and width. */
  maxpool: MaxPool2d;
  /** The first blocks. */
  layer1: Sequential;
  /** Blocks of half the height and width. */
  layer2: Sequential;
  /** Blocks of a quarter of the height and width. */
  layer3: Sequential;
  /** Blocks of an eighth of the height and width. */
  layer4: Sequential;
  /** The mean over height and width. */
  avgpool: AdaptiveAvgPool2d;
  /** The classifier. */
  fc: Linear;

  /** Takes the class of the blocks, and how many there are in each of the four layers: `new ResNet(BasicBlock, [2, 2, 2, 2])`. */
  constructor(block: ResNetBlock, layers: readonly number[], ...args: ResNetArgs) {
    super();
    const { numClasses, zeroInitResidual, groups, widthPerGroup, inplanes } = read("ResNet", {
      numClasses: 1000,
      zeroInitResidual: false,
      groups: 1,
      widthPerGroup: 64,
      inplanes: 64,
    }, args);
    checkLayers(block, layers);
    let channels = inplanes;
    const layer = (planes: number, blocks: number, stride: number) => {
      const made: Module[] = [], settings = { groups, baseWidth: widthPerGroup };
      for (let i = 0; i < blocks; i++) {
        const step = i === 0 ? stride : 1, out = planes * block.expansion;
        const downsample = step !== 1 || channels !== out
          ? new Sequential(conv1x1(channels, out, step), new BatchNorm2d(out))
          : null;
        made.push(new block(channels, planes, { stride: step, downsample, ...settings }));
        channels = out;
      }
      return new Sequential(...made);
    };
    this.conv1 = new Conv2d(3, inplanes, 7, { stride: 2, padding: 3, bias: false });
    this.bn1 = new BatchNorm2d(inplanes);
    this.relu = new ReLU({ inplace: true });
    this.maxpool = new MaxPool2d(3, { stride: 2, padding: 1 });
    this.layer1 = layer(inplanes, layers[0], 1);
    this.layer2 = layer(2 * inplanes, layers[1], 2);
    this.layer3 = layer(4 * inplanes, layers[2], 2);
    this.layer4 = layer(8 * inplanes, layers[3], 2);
    this.avgpool = new AdaptiveAvgPool2d([1, 1]);
    this.fc = new Linear(channels, numClasses);
    for (const m of this.modules()) {
      if (m instanceof Conv2d) {
        kaimingNormal_(m.weight, { mode: "fan_out", nonlinearity: "relu" });
      }
    }
    if (!zeroInitResidual) return;
    for (const m of this.modules()) {
      const last = m instanceof Bottleneck ? m.bn3 : m instanceof BasicBlock ? m.bn2 : null;
      if (last !== null && last.weight !== null) zeros_(last.weight);
    }
  }

  override forward(x: Tensor): Tensor {
    let y = this.maxpool(this.relu(this.bn1(this.conv1(x))));
    y = this.layer4(this.layer3(this.layer2(this.layer1(y))));
    return this.fc(flatten(this.avgpool(y), 1));
  }
}

function checkLayers(block: ResNetBlock, layers: readonly number[]): void {
  if (typeof block !== "function" || !Number.isInteger(block.expansion)) {
    throw new TypeError(
      `ResNet: expected models.BasicBlock, models.Bottleneck or a class of the kind, got ${
        describeValue(block)
      }`,
    );
  }
  if (
    !Array.isArray(layers) || layers.length !== 4 ||
    layers.some((n) => wholeNumber("ResNet", "layers", n) < 1)
  ) {
    throw new RangeError(
      `ResNet: expected how many blocks the four layers have, as in [2, 2, 2, 2], got ${
        describeValue(layers)
      }`,
    );
  }
}

function network(
  call: string,
  block: ResNetBlock,
  layers: readonly number[],
  options: ResNetOptions,
): ResNet {
  if (isOptions(options) && ("pretrained" in options || "weights" in options)) {
    throw new TypeError(
      `${call}: no weights come along: make the network without that option, then ` +
        "model.loadStateDict(await torch.load(path)) takes those of torchvision",
    );
  }
  return new ResNet(block, layers, options);
}

/** ResNet-18: 11.7 million parameters. [N, 3, H, W] -> [N, numClasses]. */
export function resnet18(options: ResNetOptions = {}): ResNet {
  return network("resnet18", BasicBlock, [2, 2, 2, 2], options);
}

/** ResNet-34: 21.8 million parameters. [N, 3, H, W] -> [N, numClasses]. */
export function resnet34(options: ResNetOptions = {}): ResNet {
  return network("resnet34", BasicBlock, [3, 4, 6, 3], options);
}

/** ResNet-50: 25.6 million parameters. [N, 3, H, W] -> [N, numClasses]. */
export function resnet50(options: ResNetOptions = {}): ResNet {
  return network("resnet50", Bottleneck, [3, 4, 6, 3], options);
}

/** ResNet-101: 44.5 million parameters. [N, 3, H, W] -> [N, numClasses]. */
export function resnet101(options: ResNetOptions = {}): ResNet {
  return network("resnet101", Bottleneck, [3, 4, 23, 3], options);
}

/** ResNet-152: 60.2 million parameters. [N, 3, H, W] -> [N, numClasses]. */
export function resnet152(options: ResNetOptions = {}): ResNet {
  return network("resnet152", Bottleneck, [3, 8, 36, 3], options);
}
