/**
 * Losses that ask for a margin, as modules.
 *
 * @module
 */
import {
  cosineEmbeddingLoss,
  type Distance,
  hingeEmbeddingLoss,
  marginRankingLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  softMarginLoss,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from "../ops/loss_margin.ts";
import type { Reduction } from "../ops/loss_reduction.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { LossModule, type LossModuleOptions, type ReductionOptions } from "./loss.ts";

/** Options of `MarginRankingLoss`. */
export interface MarginRankingLossOptions extends LossModuleOptions {
  /** The distance that is asked for. */
  margin?: number;
}

/**
 * max(0, -target (input1 - input2) + margin), for targets 1 and -1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MarginRankingLoss.html
 */
export class MarginRankingLoss extends LossModule {
  /** The distance that is asked for. */
  margin: number;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        margin: number,
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      MarginRankingLossOptions
    >
  ) {
    const o = read("MarginRankingLoss", {
      margin: 0,
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.margin = o.margin;
  }

  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this;
    return marginRankingLoss(input1, input2, target, { margin, reduction });
  }
}

/** Options of `HingeEmbeddingLoss`. */
export interface HingeEmbeddingLossOptions extends LossModuleOptions {
  /** The distance that is asked for. */
  margin?: number;
}

/**
 * The input where the target is 1, max(0, margin - input) where it is -1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html
 */
export class HingeEmbeddingLoss extends LossModule {
  /** The distance that is asked for. */
  margin: number;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        margin: number,
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      HingeEmbeddingLossOptions
    >
  ) {
    const o = read("HingeEmbeddingLoss", {
      margin: 1,
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.margin = o.margin;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this;
    return hingeEmbeddingLoss(input, target, { margin, reduction });
  }
}

/** Options of `CosineEmbeddingLoss`. */
export interface CosineEmbeddingLossOptions extends LossModuleOptions {
  /** The distance that is asked for. */
  margin?: number;
}

/**
 * 1 - cos where the target is 1, max(0, cos - margin) where it is -1, of the angle between the inputs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html
 */
export class CosineEmbeddingLoss extends LossModule {
  /** The distance that is asked for. */
  margin: number;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        margin: number,
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      CosineEmbeddingLossOptions
    >
  ) {
    const o = read("CosineEmbeddingLoss", {
      margin: 0,
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.margin = o.margin;
  }

  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this;
    return cosineEmbeddingLoss(input1, input2, target, { margin, reduction });
  }
}

/**
 * log(1 + exp(-target input)), for targets 1 and -1.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html
 */
export class SoftMarginLoss extends LossModule {
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
    const o = read("SoftMarginLoss", {
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Options of `MultiMarginLoss`. */
export interface MultiMarginLossOptions extends LossModuleOptions {
  /** The power or norm. */
  p?: number;
  /** The distance that is asked for. */
  margin?: number;
  /** A factor for each loss, or class. */
  weight?: Tensor | null;
}

/**
 * Hinge loss over classes: [batch, classes] and [batch].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html
 */
export class MultiMarginLoss extends LossModule {
  /** The power or norm. */
  p: number;
  /** The distance that is asked for. */
  margin: number;
  /** A factor for each loss, or class. */
  declare weight: Tensor | null;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        p: number,
        margin: number,
        weight: Tensor | null,
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      MultiMarginLossOptions
    >
  ) {
    const o = read("MultiMarginLoss", {
      p: 1,
      margin: 1,
      weight: null as Tensor | null,
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.p = o.p;
    this.margin = o.margin;
    this.registerBuffer("weight", o.weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this;
    return multiMarginLoss(input, target, { p, margin, weight, reduction });
  }
}

/**
 * Hinge loss over classes, several of which may be right.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelMarginLoss.html
 */
export class MultiLabelMarginLoss extends LossModule {
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
    const o = read("MultiLabelMarginLoss", {
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return multilabelMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Options of `MultiLabelSoftMarginLoss`. */
export interface MultiLabelSoftMarginLossOptions extends LossModuleOptions {
  /** A factor for each loss, or class. */
  weight?: Tensor | null;
}

/**
 * Binary cross entropy of each class, averaged over the classes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html
 */
export class MultiLabelSoftMarginLoss extends LossModule {
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
      MultiLabelSoftMarginLossOptions
    >
  ) {
    const o = read("MultiLabelSoftMarginLoss", {
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
    return multilabelSoftMarginLoss(input, target, { weight, reduction });
  }
}

/** Options of `TripletMarginLoss`. */
export interface TripletMarginLossOptions extends LossModuleOptions {
  /** The distance that is asked for. */
  margin?: number;
  /** The power or norm. */
  p?: number;
  /** Added so that nothing is divided by, or the logarithm taken of, zero. */
  eps?: number;
  /** Whether the distance of positive and negative counts, where that is smaller. */
  swap?: boolean;
}

/**
 * max(0, d(anchor, positive) - d(anchor, negative) + margin), of distances of norm p.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html
 */
export class TripletMarginLoss extends LossModule {
  /** The distance that is asked for. */
  margin: number;
  /** The power or norm. */
  p: number;
  /** Added so that nothing is divided by, or the logarithm taken of, zero. */
  eps: number;
  /** Whether the distance of positive and negative counts, where that is smaller. */
  swap: boolean;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        margin: number,
        p: number,
        eps: number,
        swap: boolean,
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      TripletMarginLossOptions
    >
  ) {
    const o = read("TripletMarginLoss", {
      margin: 1,
      p: 2,
      eps: 1e-6,
      swap: false,
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.margin = o.margin;
    this.p = o.p;
    this.eps = o.eps;
    this.swap = o.swap;
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this;
    return tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction });
  }
}

/** Options of `TripletMarginWithDistanceLoss`. */
export interface TripletMarginWithDistanceLossOptions extends ReductionOptions {
  /** The distance of two tensors; by default that of their rows. */
  distanceFunction?: Distance | null;
  /** The distance that is asked for. */
  margin?: number;
  /** Whether the distance of positive and negative counts, where that is smaller. */
  swap?: boolean;
}

/**
 * max(0, d(anchor, positive) - d(anchor, negative) + margin), of a distance of one's own.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginWithDistanceLoss.html
 */
export class TripletMarginWithDistanceLoss extends LossModule {
  /** The distance of two tensors; by default that of their rows. */
  distanceFunction: Distance | null;
  /** The distance that is asked for. */
  margin: number;
  /** Whether the distance of positive and negative counts, where that is smaller. */
  swap: boolean;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        distanceFunction: Distance | null,
        margin: number,
        swap: boolean,
        reduction: Reduction,
      ],
      TripletMarginWithDistanceLossOptions
    >
  ) {
    const o = read("TripletMarginWithDistanceLoss", {
      distanceFunction: null as Distance | null,
      margin: 1,
      swap: false,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction);
    this.distanceFunction = o.distanceFunction;
    this.margin = o.margin;
    this.swap = o.swap;
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distanceFunction, margin, swap, reduction } = this;
    return tripletMarginWithDistanceLoss(anchor, positive, negative, {
      distanceFunction,
      margin,
      swap,
      reduction,
    });
  }
}
