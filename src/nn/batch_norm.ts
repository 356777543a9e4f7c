/**
 * Normalisation of channels over batches and instances, as modules.
 *
 * @module
 */
import { type DType, int64 } from "../backend/dtype.ts";
import { item } from "../ops/access.ts";
import { add_ } from "../ops/arithmetic.ts";
import { fill_, zero_ } from "../ops/copy.ts";
import { ones, zeros } from "../ops/create.ts";
import { batchNorm, instanceNorm } from "../ops/normalize.ts";
import { squeeze, unsqueeze } from "../ops/view.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { show as showShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ones_, zeros_ } from "./init.ts";
import { count, FACTORY, type FactoryOptions, newParameter } from "./linear.ts";
import { get, set } from "./members.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { show } from "./text.ts";

/** Options of the batch and instance normalisation modules. */
export interface ChannelNormOptions extends FactoryOptions {
  /** How many channels an input has. */
  numFeatures?: number;
  /** Added to the variance. */
  eps?: number;
  /** By which part the running statistics move; null for the average over all batches. */
  momentum?: number | null;
  /** Whether each channel has a learned factor and shift. */
  affine?: boolean;
  /** Whether running statistics are kept, and used for evaluation. */
  trackRunningStats?: boolean;
}

/** The parameters of the batch and instance normalisation modules. */
type ChannelNormArgs = Args<
  [
    numFeatures: number,
    eps: number,
    momentum: number | null,
    affine: boolean,
    trackRunningStats: boolean,
    device: string | null,
    dtype: DType | null,
  ],
  ChannelNormOptions
>;

/** What batch and instance normalisation share. The buffers have PyTorch's names: `running_mean`, `running_var` and
 * `num_batches_tracked`. */
export abstract class ChannelNorm extends Module {
  /** How many channels an input has. */
  readonly numFeatures: number;
  /** Added to the variance. */
  eps: number;
  /** By which part the running statistics move; null for the average over all batches. */
  momentum: number | null;
  /** Whether there are learned factors and shifts. */
  readonly affine: boolean;
  /** Whether running statistics are kept. */
  trackRunningStats: boolean;
  /** [C], or null. */
  weight: Parameter | null;
  /** [C], or null. */
  bias: Parameter | null;

  /** Takes the settings; `standard` is the default of `affine` and `trackRunningStats`. */
  protected constructor(standard: boolean, args: ChannelNormArgs) {
    super();
    const call = this.constructor.name;
    const { numFeatures, eps, momentum, affine, trackRunningStats, ...factory } = read(call, {
      numFeatures: NaN,
      eps: 1e-5,
      momentum: 0.1 as number | null,
      affine: standard,
      trackRunningStats: standard,
      ...FACTORY,
    }, args);
    this.numFeatures = count(call, "numFeatures", numFeatures);
    this.eps = eps;
    this.momentum = momentum;
    this.affine = affine;
    this.trackRunningStats = trackRunningStats;
    this.weight = affine ? newParameter([numFeatures], factory) : null;
    this.bias = affine ? newParameter([numFeatures], factory) : null;
    const buffer = (name: string, make: () => Tensor) =>
      this.registerBuffer(name, trackRunningStats ? make() : null);
    buffer("running_mean", () => zeros([numFeatures], factory));
    buffer("running_var", () => ones([numFeatures], factory));
    buffer("num_batches_tracked", () => zeros([], { device: factory.device, dtype: int64 }));
    this.resetParameters();
  }

  /** The running mean of each channel: [C], or null. */
  get runningMean(): Tensor | null {
    return get(this, "running_mean") as Tensor | null;
  }

  set runningMean(value: Tensor | null) {
    set(this, "running_mean", value);
  }

  /** The running variance of each channel: [C], or null. */
  get runningVar(): Tensor | null {
    return get(this, "running_var") as Tensor | null;
  }

  set runningVar(value: Tensor | null) {
    set(this, "running_var", value);
  }

  /** How many batches the running statistics have seen: [] of int64, or null. */
  get numBatchesTracked(): Tensor | null {
    return get(this, "num_batches_tracked") as Tensor | null;
  }

  set numBatchesTracked(value: Tensor | null) {
    set(this, "num_batches_tracked", value);
  }

  /** Sets the running statistics to mean 0 and variance 1. */
  resetRunningStats(): void {
    if (!this.trackRunningStats) return;
    if (this.runningMean !== null) zero_(this.runningMean);
    if (this.runningVar !== null) fill_(this.runningVar, 1);
    if (this.numBatchesTracked !== null) zero_(this.numBatchesTracked);
  }

  /** Resets the running statistics, and sets the factors to 1 and the shifts to 0. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this;
    return `${numFeatures}, eps=${show(eps)}, momentum=${show(momentum)}, affine=${
      show(affine)
    }, ` +
      `track_running_stats=${show(trackRunningStats)}`;
  }
}

/** Throws `RangeError` unless `input` has `least` or `most` axes. */
function checkRank(module: Module, input: Tensor, least: number, most: number): void {
  if (input.ndim === least || input.ndim === most) return;
  const expected = least === most ? `${least}D` : `${least}D or ${most}D`;
  throw new RangeError(
    `${module.constructor.name}: expected ${expected} input, got ${input.ndim}D input of shape ${
      showShape(input.shape)
    }`,
  );
}

/** What the batch normalisations share. */
abstract class BatchNorm extends ChannelNorm {
  /** Takes the number of channels. */
  constructor(...args: ChannelNormArgs) {
    super(true, args);
  }

  /** `input`, whose axes are checked, normalised. */
  protected apply_(input: Tensor): Tensor {
    const { training, trackRunningStats, momentum, runningMean, runningVar } = this;
    const used = !training || trackRunningStats;
    const seen = training && trackRunningStats ? this.numBatchesTracked : null;
    const factor = momentum ?? (seen === null ? 0 : 1 / (Number(item(seen)) + 1));
    const y = batchNorm(
      input,
      used ? runningMean : null,
      used ? runningVar : null,
      this.weight,
      this.bias,
      training || (runningMean === null && runningVar === null),
      factor,
      this.eps,
    );
    // After the call, which may have refused the input.
    if (seen !== null) add_(seen, 1);
    return y;
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel over a batch. [N, C] or [N, C, L] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
 */
export class BatchNorm1d extends BatchNorm {
  override forward(input: Tensor): Tensor {
    checkRank(this, input, 2, 3);
    return this.apply_(input);
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel over a batch. [N, C, H, W] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
 */
export class BatchNorm2d extends BatchNorm {
  override forward(input: Tensor): Tensor {
    checkRank(this, input, 4, 4);
    return this.apply_(input);
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel over a batch. [N, C, D, H, W] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
 */
export class BatchNorm3d extends BatchNorm {
  override forward(input: Tensor): Tensor {
    checkRank(this, input, 5, 5);
    return this.apply_(input);
  }
}

/** What the instance normalisations share. */
abstract class InstanceNorm extends ChannelNorm {
  /** Takes the number of channels. */
  constructor(...args: ChannelNormArgs) {
    super(false, args);
  }

  /** `input`, of `rank` axes or without that of the batch, normalised. */
  protected apply_(input: Tensor, rank: number): Tensor {
    checkRank(this, input, rank - 1, rank);
    if (input.ndim === rank - 1) return squeeze(this.apply_(unsqueeze(input, 0), rank), 0);
    return instanceNorm(
      input,
      this.runningMean,
      this.runningVar,
      this.weight,
      this.bias,
      this.training || !this.trackRunningStats,
      this.momentum ?? undefined,
      this.eps,
    );
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel of a sample. [N, C, L] or [C, L] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html
 */
export class InstanceNorm1d extends InstanceNorm {
  override forward(input: Tensor): Tensor {
    return this.apply_(input, 3);
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel of a sample. [N, C, H, W] or [C, H, W] -> the same
 * shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
 */
export class InstanceNorm2d extends InstanceNorm {
  override forward(input: Tensor): Tensor {
    return this.apply_(input, 4);
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel of a sample. [N, C, D, H, W] or [C, D, H, W] -> the
 * same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm3d.html
 */
export class InstanceNorm3d extends InstanceNorm {
  override forward(input: Tensor): Tensor {
    return this.apply_(input, 5);
  }
}
