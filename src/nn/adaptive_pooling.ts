/**
 * Adaptive pooling, as modules.
 *
 * @module
 */
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type OutputSize,
} from "../ops/pooling.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { show } from "./text.ts";

/** Options of `AdaptiveMaxPool1d` and its like. */
export interface AdaptivePoolOptions {
  /** How many windows there are along each axis; null where an axis keeps its size. */
  outputSize?: OutputSize;
  /** Whether the places of the greatest elements are returned, too. */
  returnIndices?: boolean;
}

/** The arguments of `AdaptiveMaxPool1d` and its like. */
export type AdaptiveMaxPoolModuleArgs = Args<
  [outputSize: OutputSize, returnIndices: boolean],
  AdaptivePoolOptions
>;

/** What adaptive pooling shares. */
export abstract class AdaptivePool extends Module {
  /** How many windows there are along each axis; null where an axis keeps its size. */
  readonly outputSize: OutputSize;

  /** Takes the size of the results. */
  constructor(outputSize: OutputSize) {
    super();
    this.outputSize = outputSize;
  }

  override extraRepr(): string {
    return `output_size=${show(this.outputSize)}`;
  }
}

/** What `AdaptiveMaxPool1d`, `AdaptiveMaxPool2d` and `AdaptiveMaxPool3d` share. */
export abstract class AdaptiveMaxPool extends AdaptivePool {
  /** Whether the places of the greatest elements are returned, too. */
  readonly returnIndices: boolean;

  /** Takes the size of the results: `new nn.AdaptiveMaxPool2d([5, 7])`. */
  constructor(...args: AdaptiveMaxPoolModuleArgs) {
    const { outputSize, returnIndices } = read("AdaptiveMaxPool", {
      outputSize: NaN as OutputSize,
      returnIndices: false,
    }, args);
    super(outputSize);
    this.returnIndices = returnIndices;
  }
}

/** What `AdaptiveAvgPool1d`, `AdaptiveAvgPool2d` and `AdaptiveAvgPool3d` share. */
export abstract class AdaptiveAvgPool extends AdaptivePool {
  /** Takes the size of the results: `new nn.AdaptiveAvgPool2d([5, 7])`. */
  constructor(...args: Args<[outputSize: OutputSize], { outputSize?: OutputSize }>) {
    super(read("AdaptiveAvgPool", { outputSize: NaN as OutputSize }, args).outputSize);
  }
}

/**
 * The greatest elements of as many windows as are wanted. [N, C, ...] -> [N, C, ...outputSize], 1 axis of them.
 * With `returnIndices` it is an array of them and their places:
 * `new nn.AdaptiveMaxPool1d<[Tensor, Tensor]>(2, { returnIndices: true })`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html
 */
export class AdaptiveMaxPool1d<Result extends Tensor | [Tensor, Tensor] = Tensor>
  extends AdaptiveMaxPool {
  override forward(input: Tensor): Result {
    return adaptiveMaxPool1d(input, this.outputSize, this.returnIndices) as Result;
  }
}

/**
 * The means of as many windows as are wanted. [N, C, ...] -> [N, C, ...outputSize], 1 axis of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
 */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool1d(input, this.outputSize);
  }
}

/**
 * The greatest elements of as many windows as are wanted. [N, C, ...] -> [N, C, ...outputSize], 2 axes of them.
 * With `returnIndices` it is an array of them and their places:
 * `new nn.AdaptiveMaxPool2d<[Tensor, Tensor]>(2, { returnIndices: true })`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
 */
export class AdaptiveMaxPool2d<Result extends Tensor | [Tensor, Tensor] = Tensor>
  extends AdaptiveMaxPool {
  override forward(input: Tensor): Result {
    return adaptiveMaxPool2d(input, this.outputSize, this.returnIndices) as Result;
  }
}

/**
 * The means of as many windows as are wanted. [N, C, ...] -> [N, C, ...outputSize], 2 axes of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
 */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize);
  }
}

/**
 * The greatest elements of as many windows as are wanted. [N, C, ...] -> [N, C, ...outputSize], 3 axes of them.
 * With `returnIndices` it is an array of them and their places:
 * `new nn.AdaptiveMaxPool3d<[Tensor, Tensor]>(2, { returnIndices: true })`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool3d.html
 */
export class AdaptiveMaxPool3d<Result extends Tensor | [Tensor, Tensor] = Tensor>
  extends AdaptiveMaxPool {
  override forward(input: Tensor): Result {
    return adaptiveMaxPool3d(input, this.outputSize, this.returnIndices) as Result;
  }
}

/**
 * The means of as many windows as are wanted. [N, C, ...] -> [N, C, ...outputSize], 3 axes of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
 */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool3d(input, this.outputSize);
  }
}
