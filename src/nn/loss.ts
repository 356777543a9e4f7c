/**
 * Losses of numbers, as modules.
 *
 * @module
 */
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huberLoss,
  l1Loss,
  mseLoss,
  smoothL1Loss,
} from "../ops/loss.ts";
import { type Reduction, reductionOf } from "../ops/loss_reduction.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/** What becomes of the losses. */
export interface ReductionOptions {
  /** All of them, their mean (the default), or their sum. */
  reduction?: Reduction;
}

/** Options that most losses have. */
export interface LossModuleOptions extends ReductionOptions {
  /** The older form: false for the sum instead of the mean. */
  sizeAverage?: boolean | null;
  /** The older form: false for all losses. */
  reduce?: boolean | null;
}

/** What the losses share. */
export abstract class LossModule<R extends string = Reduction> extends Module {
  /** What becomes of the losses. */
  reduction: R;

  /** Takes the reduction, in today's word or the older two. */
  constructor(reduction: R, sizeAverage: boolean | null = null, reduce: boolean | null = null) {
    super();
    this.reduction = sizeAverage === null && reduce === null
      ? reduction
      : reductionOf(this.constructor.name, "mean", sizeAverage, reduce) as string as R;
  }
}

/**
 * |input - target|.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html
 */
export class L1Loss extends LossModule {
  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      LossModuleOptions
    >
  ) {
    const o = read("L1Loss", {
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}

/**
 * (input - target)^2.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
 */
export class MSELoss extends LossModule {
  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      LossModuleOptions
    >
  ) {
    const o = read("MSELoss", {
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/** Options of `SmoothL1Loss`. */
export interface SmoothL1LossOptions extends LossModuleOptions {
  /** Where the losses turn from squares to lines. */
  beta?: number;
}

/**
 * Squared differences below beta, absolute ones above.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html
 */
export class SmoothL1Loss extends LossModule {
  /** Where the losses turn from squares to lines. */
  beta: number;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
        beta: number,
      ],
      SmoothL1LossOptions
    >
  ) {
    const o = read("SmoothL1Loss", {
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
      beta: 1,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.beta = o.beta;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, beta } = this;
    return smoothL1Loss(input, target, { reduction, beta });
  }
}

/** Options of `HuberLoss`. */
export interface HuberLossOptions extends ReductionOptions {
  /** Where the losses turn from squares to lines. */
  delta?: number;
}

/**
 * Squared differences below delta, absolute ones, times delta, above.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html
 */
export class HuberLoss extends LossModule {
  /** Where the losses turn from squares to lines. */
  delta: number;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        reduction: Reduction,
        delta: number,
      ],
      HuberLossOptions
    >
  ) {
    const o = read("HuberLoss", {
      reduction: "mean" as Reduction,
      delta: 1,
    }, args);
    super(o.reduction);
    this.delta = o.delta;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, this.reduction, this.delta);
  }
}

/** Options of `BCELoss`. */
export interface BCELossOptions extends LossModuleOptions {
  /** A factor for each loss, or class. */
  weight?: Tensor | null;
}

/**
 * Binary cross entropy of probabilities.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
 */
export class BCELoss extends LossModule {
  /** A factor for each loss, or class. */
  declare weight: Tensor | null;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        weight: Tensor | null,
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      BCELossOptions
    >
  ) {
    const o = read("BCELoss", {
      weight: null as Tensor | null,
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.registerBuffer("weight", o.weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction } = this;
    return binaryCrossEntropy(input, target, { weight, reduction });
  }
}

/** Options of `BCEWithLogitsLoss`. */
export interface BCEWithLogitsLossOptions extends LossModuleOptions {
  /** A factor for each loss, or class. */
  weight?: Tensor | null;
  /** A factor for the positive part of each class. */
  posWeight?: Tensor | null;
}

/**
 * Binary cross entropy of the sigmoid of the input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends LossModule {
  /** A factor for each loss, or class. */
  declare weight: Tensor | null;
  /** A factor for the positive part of each class, under PyTorch's name in the state. */
  declare pos_weight: Tensor | null;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        weight: Tensor | null,
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
        posWeight: Tensor | null,
      ],
      BCEWithLogitsLossOptions
    >
  ) {
    const o = read("BCEWithLogitsLoss", {
      weight: null as Tensor | null,
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
      posWeight: null as Tensor | null,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.registerBuffer("weight", o.weight);
    this.registerBuffer("pos_weight", o.posWeight);
  }

  /** A factor for the positive part of each class. */
  get posWeight(): Tensor | null {
    return this.pos_weight;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction, posWeight } = this;
    return binaryCrossEntropyWithLogits(input, target, { weight, reduction, posWeight });
  }
}
