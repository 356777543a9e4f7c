/**
 * Softmax and its like, as modules.
 *
 * @module
 */
import { logSoftmax, softmax, softmin } from "../ops/softmax.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { show as showShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { show } from "./text.ts";

/** Options of the softmax modules. */
export interface SoftmaxModuleOptions {
  /** The axis along which the results sum to 1. */
  dim?: number | null;
}

/** What the softmax modules share. */
export abstract class SoftmaxModule extends Module {
  /** The axis along which the results sum to 1. */
  dim: number | null;

  /** Takes the axis. */
  constructor(...args: Args<[dim: number | null], SoftmaxModuleOptions>) {
    super();
    this.dim = read(this.constructor.name, { dim: null as number | null }, args).dim;
  }

  override extraRepr(): string {
    return `dim=${show(this.dim)}`;
  }
}

/**
 * exp(x), divided by its sum along an axis.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
 */
export class Softmax extends SoftmaxModule {
  override forward(input: Tensor): Tensor {
    return softmax(input, this.dim);
  }
}

/**
 * The logarithm of softmax.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
 */
export class LogSoftmax extends SoftmaxModule {
  override forward(input: Tensor): Tensor {
    return logSoftmax(input, this.dim);
  }
}

/**
 * The softmax of -x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmin.html
 */
export class Softmin extends SoftmaxModule {
  override forward(input: Tensor): Tensor {
    return softmin(input, this.dim);
  }
}

/**
 * Softmax over the channels of images. [N, C, H, W] or [C, H, W] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax2d.html
 */
export class Softmax2d extends Module {
  override forward(input: Tensor): Tensor {
    if (input.ndim !== 3 && input.ndim !== 4) {
      throw new RangeError(`Softmax2d: expected 3 or 4 axes, got shape ${showShape(input.shape)}`);
    }
    return softmax(input, -3);
  }
}
