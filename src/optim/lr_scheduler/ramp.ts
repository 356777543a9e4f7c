/**
 * Schedules that lead from one factor of the learning rate to another within some epochs.
 *
 * @module
 */
import type { Args } from "../../tensor/arguments.ts";
import type { Optimizer } from "../optimizer.ts";
import {
  checkNumber,
  LRScheduler,
  readSettings,
  type SchedulerOptions,
  STANDARD,
} from "./scheduler.ts";

/** Options of `ConstantLR`. */
export interface ConstantLROptions extends SchedulerOptions {
  /** The factor of the learning rate: more than 0, up to 1. */
  factor?: number;
  /** For how many epochs. */
  totalIters?: number;
}

/** Throws `RangeError` unless `factor` is from 0 to 1; 0 itself is refused where the factor is divided by. */
function checkFactor(call: string, name: string, factor: number, zero = false): void {
  checkNumber(call, name, factor);
  if ((factor > 0 || (zero && factor === 0)) && factor <= 1) return;
  throw new RangeError(
    `${call}: ${name} must be ${zero ? "from 0" : "more than 0, up"} to 1, got ${factor}`,
  );
}

/**
 * The learning rate is multiplied by `factor` for the first `totalIters` epochs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ConstantLR.html
 */
export class ConstantLR extends LRScheduler {
  /** The factor of the learning rate. */
  factor: number;
  /** For how many epochs. */
  totalIters: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [factor: number, totalIters: number, lastEpoch: number, verbose: boolean],
      ConstantLROptions
    >
  ) {
    const { factor, totalIters, lastEpoch, verbose } = readSettings("ConstantLR", optimizer, {
      factor: 1 / 3,
      totalIters: 5,
      ...STANDARD,
    }, args);
    checkFactor("ConstantLR", "factor", factor);
    checkNumber("ConstantLR", "totalIters", totalIters, 0);
    super(optimizer, lastEpoch, verbose);
    this.factor = factor;
    this.totalIters = totalIters;
    this.initialStep();
  }

  protected override getLr(): number[] {
    const { factor, totalIters, lastEpoch } = this;
    const change = lastEpoch === 0 ? factor : lastEpoch === totalIters ? 1 / factor : 1;
    return this.optimizer.paramGroups.map(({ lr }) => lr * change);
  }

  protected override getClosedFormLr(): number[] {
    const factor = this.lastEpoch >= this.totalIters ? 1 : this.factor;
    return this.baseLrs.map((lr) => lr * factor);
  }
}

/** Options of `LinearLR`. */
export interface LinearLROptions extends SchedulerOptions {
  /** The factor of the learning rate in the first epoch: more than 0, up to 1. */
  startFactor?: number;
  /** The factor at the end: 0 to 1. */
  endFactor?: number;
  /** After how many epochs the end is reached. */
  totalIters?: number;
}

/**
 * The factor of the learning rate goes from `startFactor` to `endFactor` in equal steps, `totalIters` of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html
 */
export class LinearLR extends LRScheduler {
  /** The factor of the learning rate in the first epoch. */
  startFactor: number;
  /** The factor at the end. */
  endFactor: number;
  /** After how many epochs the end is reached. */
  totalIters: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [
        startFactor: number,
        endFactor: number,
        totalIters: number,
        lastEpoch: number,
        verbose: boolean,
      ],
      LinearLROptions
    >
  ) {
    const settings = readSettings("LinearLR", optimizer, {
      startFactor: 1 / 3,
      endFactor: 1,
      totalIters: 5,
      ...STANDARD,
    }, args);
    const { startFactor, endFactor, totalIters, lastEpoch, verbose } = settings;
    checkFactor("LinearLR", "startFactor", startFactor);
    checkFactor("LinearLR", "endFactor", endFactor, true);
    checkNumber("LinearLR", "totalIters", totalIters, 0);
    super(optimizer, lastEpoch, verbose);
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.totalIters = totalIters;
    this.initialStep();
  }

  protected override getLr(): number[] {
    const { startFactor, endFactor, totalIters, lastEpoch } = this;
    const rise = endFactor - startFactor;
    const change = lastEpoch === 0
      ? startFactor
      : lastEpoch > totalIters
      ? 1
      : 1 + rise / (totalIters * startFactor + (lastEpoch - 1) * rise);
    return this.optimizer.paramGroups.map(({ lr }) => lr * change);
  }

  protected override getClosedFormLr(): number[] {
    const { startFactor, endFactor, totalIters, lastEpoch } = this;
    const part = totalIters === 0 ? 1 : Math.min(totalIters, lastEpoch) / totalIters;
    return this.baseLrs.map((lr) => lr * (startFactor + (endFactor - startFactor) * part));
  }
}

/** Options of `PolynomialLR`. */
export interface PolynomialLROptions extends SchedulerOptions {
  /** After how many epochs the learning rate is 0. */
  totalIters?: number;
  /** The power. */
  power?: number;
}

/**
 * The learning rate falls to 0 within `totalIters` epochs, as the part of them that is left, to a power.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html
 */
export class PolynomialLR extends LRScheduler {
  /** After how many epochs the learning rate is 0. */
  totalIters: number;
  /** The power. */
  power: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [totalIters: number, power: number, lastEpoch: number, verbose: boolean],
      PolynomialLROptions
    >
  ) {
    const { totalIters, power, lastEpoch, verbose } = readSettings("PolynomialLR", optimizer, {
      totalIters: 5,
      power: 1,
      ...STANDARD,
    }, args);
    checkNumber("PolynomialLR", "totalIters", totalIters, 1);
    checkNumber("PolynomialLR", "power", power);
    super(optimizer, lastEpoch, verbose);
    this.totalIters = totalIters;
    this.power = power;
    this.initialStep();
  }

  #left(epoch: number): number {
    return 1 - Math.min(this.totalIters, epoch) / this.totalIters;
  }

  protected override getLr(): number[] {
    const { lastEpoch, totalIters, power } = this;
    const change = lastEpoch === 0 || lastEpoch > totalIters
      ? 1
      : (this.#left(lastEpoch) / this.#left(lastEpoch - 1)) ** power;
    return this.optimizer.paramGroups.map(({ lr }) => lr * change);
  }

  protected override getClosedFormLr(): number[] {
    const factor = this.#left(this.lastEpoch) ** this.power;
    return this.baseLrs.map((lr) => lr * factor);
  }
}
