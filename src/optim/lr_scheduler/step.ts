/**
 * Schedules that multiply the learning rate by one factor, at times or always.
 *
 * @module
 */
import type { Args } from "../../tensor/arguments.ts";
import { describeValue } from "../../tensor/describe.ts";
import type { Optimizer } from "../optimizer.ts";
import {
  checkNumber,
  LRScheduler,
  readSettings,
  required,
  type SchedulerOptions,
  STANDARD,
} from "./scheduler.ts";

/** Options of `StepLR`. */
export interface StepLROptions extends SchedulerOptions {
  /** After how many epochs the learning rate falls; required. */
  stepSize?: number;
  /** The factor by which it falls. */
  gamma?: number;
}

/**
 * Every `stepSize` epochs, the learning rate is multiplied by `gamma`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
 */
export class StepLR extends LRScheduler {
  /** After how many epochs the learning rate falls. */
  stepSize: number;
  /** The factor by which it falls. */
  gamma: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [stepSize: number, gamma: number, lastEpoch: number, verbose: boolean],
      StepLROptions
    >
  ) {
    const { stepSize, gamma, lastEpoch, verbose } = readSettings("StepLR", optimizer, {
      stepSize: required<number>(),
      gamma: 0.1,
      ...STANDARD,
    }, args);
    checkNumber("StepLR", "stepSize", stepSize, 1);
    checkNumber("StepLR", "gamma", gamma);
    super(optimizer, lastEpoch, verbose);
    this.stepSize = stepSize;
    this.gamma = gamma;
    this.initialStep();
  }

  protected override getLr(): number[] {
    const falls = this.lastEpoch !== 0 && this.lastEpoch % this.stepSize === 0;
    return this.optimizer.paramGroups.map(({ lr }) => falls ? lr * this.gamma : lr);
  }

  protected override getClosedFormLr(): number[] {
    const falls = Math.floor(this.lastEpoch / this.stepSize);
    return this.baseLrs.map((lr) => lr * this.gamma ** falls);
  }
}

/** Options of `MultiStepLR`. */
export interface MultiStepLROptions extends SchedulerOptions {
  /** The epochs in which the learning rate falls; required. */
  milestones?: readonly number[];
  /** The factor by which it falls. */
  gamma?: number;
}

/**
 * In each epoch of `milestones`, the learning rate is multiplied by `gamma`; twice in one that is there twice.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html
 */
export class MultiStepLR extends LRScheduler {
  /** Epoch -> how often the learning rate falls in it. */
  milestones: Record<number, number>;
  /** The factor by which it falls. */
  gamma: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [milestones: readonly number[], gamma: number, lastEpoch: number, verbose: boolean],
      MultiStepLROptions
    >
  ) {
    const { milestones, gamma, lastEpoch, verbose } = readSettings("MultiStepLR", optimizer, {
      milestones: required<readonly number[]>(),
      gamma: 0.1,
      ...STANDARD,
    }, args);
    if (!Array.isArray(milestones)) {
      throw new TypeError(
        `MultiStepLR: milestones must be an array of epochs, got ${describeValue(milestones)}`,
      );
    }
    for (const epoch of milestones) checkNumber("MultiStepLR", "milestones", epoch);
    checkNumber("MultiStepLR", "gamma", gamma);
    super(optimizer, lastEpoch, verbose);
    this.milestones = {};
    for (const epoch of milestones) this.milestones[epoch] = (this.milestones[epoch] ?? 0) + 1;
    this.gamma = gamma;
    this.initialStep();
  }

  protected override getLr(): number[] {
    const falls = this.milestones[this.lastEpoch] ?? 0;
    return this.optimizer.paramGroups.map(({ lr }) => falls > 0 ? lr * this.gamma ** falls : lr);
  }

  protected override getClosedFormLr(): number[] {
    let falls = 0;
    for (const [epoch, times] of Object.entries(this.milestones)) {
      if (Number(epoch) <= this.lastEpoch) falls += times;
    }
    return this.baseLrs.map((lr) => lr * this.gamma ** falls);
  }
}

/** Options of `ExponentialLR`. */
export interface ExponentialLROptions extends SchedulerOptions {
  /** The factor by which the learning rate falls in each epoch; required. */
  gamma?: number;
}

/**
 * In every epoch, the learning rate is multiplied by `gamma`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html
 */
export class ExponentialLR extends LRScheduler {
  /** The factor by which the learning rate falls in each epoch. */
  gamma: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<[gamma: number, lastEpoch: number, verbose: boolean], ExponentialLROptions>
  ) {
    const { gamma, lastEpoch, verbose } = readSettings("ExponentialLR", optimizer, {
      gamma: required<number>(),
      ...STANDARD,
    }, args);
    checkNumber("ExponentialLR", "gamma", gamma);
    super(optimizer, lastEpoch, verbose);
    this.gamma = gamma;
    this.initialStep();
  }

  protected override getLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => this.lastEpoch === 0 ? lr : lr * this.gamma);
  }

  protected override getClosedFormLr(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch);
  }
}
