/**
 * Dropout: in training, elements are set to zero at random and the others scaled up.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import {
  alphaDropout,
  dropout,
  dropout1d,
  dropout2d,
  dropout3d,
  featureAlphaDropout,
} from "../ops/dropout.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { show, showFloat } from "./text.ts";

/** Options of the dropout modules. */
export interface DropoutModuleOptions {
  /** The probability of being dropped. */
  p?: number;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/** What the dropout modules share. */
export abstract class DropoutModule extends Module {
  /** The probability of being dropped. */
  p: number;
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes the probability, 0.5 by default. */
  constructor(...args: Args<[p: number, inplace: boolean], DropoutModuleOptions>) {
    super();
    const call = this.constructor.name;
    const { p, inplace } = read(call, { p: 0.5, inplace: false }, args);
    if (typeof p !== "number") {
      throw new TypeError(`${call}: the probability p must be a number, got ${describeValue(p)}`);
    }
    if (!(p >= 0 && p <= 1)) {
      throw new RangeError(`${call}: the probability p must be from 0 to 1, got ${p}`);
    }
    this.p = p;
    this.inplace = inplace;
  }

  override extraRepr(): string {
    return `p=${showFloat(this.p, 0.5)}, inplace=${show(this.inplace)}`;
  }
}

/**
 * Drops single elements.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
 */
export class Dropout extends DropoutModule {
  override forward(input: Tensor): Tensor {
    return dropout(input, this.p, this.training, this.inplace);
  }
}

/**
 * Drops whole channels. [N, C, L] or [C, L].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html
 */
export class Dropout1d extends DropoutModule {
  override forward(input: Tensor): Tensor {
    return dropout1d(input, this.p, this.training, this.inplace);
  }
}

/**
 * Drops whole channels. [N, C, H, W].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
 */
export class Dropout2d extends DropoutModule {
  override forward(input: Tensor): Tensor {
    return dropout2d(input, this.p, this.training, this.inplace);
  }
}

/**
 * Drops whole channels. [N, C, D, H, W] or [C, D, H, W].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout3d.html
 */
export class Dropout3d extends DropoutModule {
  override forward(input: Tensor): Tensor {
    return dropout3d(input, this.p, this.training, this.inplace);
  }
}

/**
 * Drops single elements and keeps mean and variance, for networks with SELU.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AlphaDropout.html
 */
export class AlphaDropout extends DropoutModule {
  override forward(input: Tensor): Tensor {
    return alphaDropout(input, this.p, this.training, this.inplace);
  }
}

/**
 * Drops whole channels and keeps mean and variance, for networks with SELU. [N, C, ...].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FeatureAlphaDropout.html
 */
export class FeatureAlphaDropout extends DropoutModule {
  override forward(input: Tensor): Tensor {
    return featureAlphaDropout(input, this.p, this.training, this.inplace);
  }
}
