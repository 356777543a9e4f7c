/**
 * Losses of classes and distributions, as modules.
 *
 * @module
 */
import { ctcLoss } from "../ops/ctc.ts";
import { crossEntropy, nllLoss } from "../ops/loss_class.ts";
import { gaussianNllLoss, klDiv, poissonNllLoss } from "../ops/loss_distribution.ts";
import type { Reduction } from "../ops/loss_reduction.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { LossModule, type LossModuleOptions, type ReductionOptions } from "./loss.ts";

/** Options of `NLLLoss`. */
export interface NLLLossOptions extends LossModuleOptions {
  /** Targets of this class count nothing. */
  ignoreIndex?: number;
  /** A factor for each loss, or class. */
  weight?: Tensor | null;
}

/**
 * Minus the logarithm of the probability of each target. Inputs are logarithms of probabilities: [batch, classes, ...].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
 */
export class NLLLoss extends LossModule {
  /** Targets of this class count nothing. */
  ignoreIndex: number;
  /** A factor for each loss, or class. */
  declare weight: Tensor | null;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        weight: Tensor | null,
        sizeAverage: boolean | null,
        ignoreIndex: number,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      NLLLossOptions
    >
  ) {
    const o = read("NLLLoss", {
      weight: null as Tensor | null,
      sizeAverage: null as boolean | null,
      ignoreIndex: -100,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.ignoreIndex = o.ignoreIndex;
    this.registerBuffer("weight", o.weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nllLoss(input, target, { weight, ignoreIndex, reduction });
  }
}

/** Options of `CrossEntropyLoss`. */
export interface CrossEntropyLossOptions extends LossModuleOptions {
  /** Targets of this class count nothing. */
  ignoreIndex?: number;
  /** How much of each target is spread evenly over all classes: 0 to 1. */
  labelSmoothing?: number;
  /** A factor for each loss, or class. */
  weight?: Tensor | null;
}

/**
 * Minus the logarithm of the softmax of each target. Inputs are scores: [batch, classes, ...].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
 */
export class CrossEntropyLoss extends LossModule {
  /** Targets of this class count nothing. */
  ignoreIndex: number;
  /** How much of each target is spread evenly over all classes: 0 to 1. */
  labelSmoothing: number;
  /** A factor for each loss, or class. */
  declare weight: Tensor | null;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        weight: Tensor | null,
        sizeAverage: boolean | null,
        ignoreIndex: number,
        reduce: boolean | null,
        reduction: Reduction,
        labelSmoothing: number,
      ],
      CrossEntropyLossOptions
    >
  ) {
    const o = read("CrossEntropyLoss", {
      weight: null as Tensor | null,
      sizeAverage: null as boolean | null,
      ignoreIndex: -100,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
      labelSmoothing: 0,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.ignoreIndex = o.ignoreIndex;
    this.labelSmoothing = o.labelSmoothing;
    this.registerBuffer("weight", o.weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this;
    return crossEntropy(input, target, { weight, ignoreIndex, reduction, labelSmoothing });
  }
}

/** Options of `KLDivLoss`. */
export interface KLDivLossOptions extends Omit<LossModuleOptions, "reduction"> {
  /** Whether targets are logarithms too. */
  logTarget?: boolean;
  /** What becomes of the losses; `"batchmean"` for their sum over the batch size. */
  reduction?: Reduction | "batchmean";
}

/**
 * The divergence of the targets from the inputs, which are logarithms of probabilities.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html
 */
export class KLDivLoss extends LossModule<Reduction | "batchmean"> {
  /** Whether targets are logarithms too. */
  logTarget: boolean;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        sizeAverage: boolean | null,
        reduce: boolean | null,
        reduction: Reduction | "batchmean",
        logTarget: boolean,
      ],
      KLDivLossOptions
    >
  ) {
    const o = read("KLDivLoss", {
      sizeAverage: null as boolean | null,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction | "batchmean",
      logTarget: false,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.logTarget = o.logTarget;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, logTarget } = this;
    return klDiv(input, target, { reduction, logTarget });
  }
}

/** Options of `PoissonNLLLoss`. */
export interface PoissonNLLLossOptions extends LossModuleOptions {
  /** Whether inputs are logarithms of rates. */
  logInput?: boolean;
  /** Whether the terms that do not depend on the input are added. */
  full?: boolean;
  /** Added so that nothing is divided by, or the logarithm taken of, zero. */
  eps?: number;
}

/**
 * Minus the log-likelihood of counts under a Poisson distribution.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html
 */
export class PoissonNLLLoss extends LossModule {
  /** Whether inputs are logarithms of rates. */
  logInput: boolean;
  /** Whether the terms that do not depend on the input are added. */
  full: boolean;
  /** Added so that nothing is divided by, or the logarithm taken of, zero. */
  eps: number;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        logInput: boolean,
        full: boolean,
        sizeAverage: boolean | null,
        eps: number,
        reduce: boolean | null,
        reduction: Reduction,
      ],
      PoissonNLLLossOptions
    >
  ) {
    const o = read("PoissonNLLLoss", {
      logInput: true,
      full: false,
      sizeAverage: null as boolean | null,
      eps: 1e-8,
      reduce: null as boolean | null,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction, o.sizeAverage, o.reduce);
    this.logInput = o.logInput;
    this.full = o.full;
    this.eps = o.eps;
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { logInput, full, eps, reduction } = this;
    return poissonNllLoss(input, target, { logInput, full, eps, reduction });
  }
}

/** Options of `GaussianNLLLoss`. */
export interface GaussianNLLLossOptions extends ReductionOptions {
  /** Whether the terms that do not depend on the input are added. */
  full?: boolean;
  /** Added so that nothing is divided by, or the logarithm taken of, zero. */
  eps?: number;
}

/**
 * Minus the log-likelihood of the targets under normal distributions.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html
 */
export class GaussianNLLLoss extends LossModule {
  /** Whether the terms that do not depend on the input are added. */
  full: boolean;
  /** Added so that nothing is divided by, or the logarithm taken of, zero. */
  eps: number;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        full: boolean,
        eps: number,
        reduction: Reduction,
      ],
      GaussianNLLLossOptions
    >
  ) {
    const o = read("GaussianNLLLoss", {
      full: false,
      eps: 1e-6,
      reduction: "mean" as Reduction,
    }, args);
    super(o.reduction);
    this.full = o.full;
    this.eps = o.eps;
  }

  override forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { full, eps, reduction } = this;
    return gaussianNllLoss(input, target, variance, { full, eps, reduction });
  }
}

/** Options of `CTCLoss`. */
export interface CTCLossOptions extends ReductionOptions {
  /** The class that stands for no label. */
  blank?: number;
  /** Whether infinite losses count as zero. */
  zeroInfinity?: boolean;
}

/**
 * Minus the logarithm of the probability of each target over all its alignments to the input.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
 */
export class CTCLoss extends LossModule {
  /** The class that stands for no label. */
  blank: number;
  /** Whether infinite losses count as zero. */
  zeroInfinity: boolean;

  /** Takes the settings in PyTorch's order, or by name. */
  constructor(
    ...args: Args<
      [
        blank: number,
        reduction: Reduction,
        zeroInfinity: boolean,
      ],
      CTCLossOptions
    >
  ) {
    const o = read("CTCLoss", {
      blank: 0,
      reduction: "mean" as Reduction,
      zeroInfinity: false,
    }, args);
    super(o.reduction);
    this.blank = o.blank;
    this.zeroInfinity = o.zeroInfinity;
  }

  override forward(
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | readonly number[],
    targetLengths: Tensor | readonly number[],
  ): Tensor {
    const { blank, reduction, zeroInfinity } = this;
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, {
      blank,
      reduction,
      zeroInfinity,
    });
  }
}
