/**
 * The schedule that goes by how training succeeds.
 *
 * @module
 */
import { item } from "../../ops/access.ts";
import { type Args, wholeNumber } from "../../tensor/arguments.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { Optimizer } from "../optimizer.ts";
import {
  checkNumber,
  checkWord,
  epochText,
  exponential,
  type PerGroup,
  perGroup,
  readSettings,
  Scheduler,
  type SchedulerState,
} from "./scheduler.ts";

/** Options of `ReduceLROnPlateau`. */
export interface ReduceLROnPlateauOptions {
  /** Whether less is better, or more. */
  mode?: "min" | "max";
  /** The factor by which the learning rate falls: less than 1. */
  factor?: number;
  /** How many epochs in a row may be no better before it falls. */
  patience?: number;
  /** By how much an epoch must be better than the best to count as better. */
  threshold?: number;
  /** Whether `threshold` is a part of the best, or a difference. */
  thresholdMode?: "rel" | "abs";
  /** How many epochs after a fall do not count. */
  cooldown?: number;
  /** The lowest learning rate. */
  minLr?: PerGroup;
  /** A fall that is no larger than this is not made. */
  eps?: number;
  /** Whether to print every fall. */
  verbose?: boolean;
}

/**
 * The learning rate falls when a metric, such as the loss of the validation set, has not become better for some epochs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
 */
export class ReduceLROnPlateau extends Scheduler {
  /** The factor by which the learning rate falls. */
  factor: number;
  /** The lowest learning rate of each group. */
  minLrs: number[];
  /** How many epochs in a row may be no better before it falls. */
  patience: number;
  /** Whether it prints every fall. */
  verbose: boolean;
  /** How many epochs after a fall do not count. */
  cooldown: number;
  /** How many of them are left. */
  cooldownCounter = 0;
  /** Whether less is better, or more. */
  mode: "min" | "max";
  /** By how much an epoch must be better than the best to count as better. */
  threshold: number;
  /** Whether `threshold` is a part of the best, or a difference. */
  thresholdMode: "rel" | "abs";
  /** The best metric so far. */
  best: number;
  /** How many epochs in a row were no better. */
  numBadEpochs = 0;
  /** The worst metric there can be. */
  modeWorse: number;
  /** A fall that is no larger than this is not made. */
  eps: number;
  /** The number of epochs so far. */
  lastEpoch = 0;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [
        mode: "min" | "max",
        factor: number,
        patience: number,
        threshold: number,
        thresholdMode: "rel" | "abs",
        cooldown: number,
        minLr: PerGroup,
        eps: number,
        verbose: boolean,
      ],
      ReduceLROnPlateauOptions
    >
  ) {
    const call = "ReduceLROnPlateau";
    const o = readSettings(call, optimizer, {
      mode: "min" as "min" | "max",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: "rel" as "rel" | "abs",
      cooldown: 0,
      minLr: 0 as PerGroup,
      eps: 1e-8,
      verbose: false,
    }, args);
    checkNumber(call, "factor", o.factor);
    if (o.factor >= 1) {
      throw new RangeError(`${call}: factor must be less than 1, got ${o.factor}`);
    }
    checkWord(call, "mode", o.mode, ["min", "max"]);
    checkWord(call, "thresholdMode", o.thresholdMode, ["rel", "abs"]);
    wholeNumber(call, "patience", o.patience);
    wholeNumber(call, "cooldown", o.cooldown);
    checkNumber(call, "threshold", o.threshold);
    checkNumber(call, "eps", o.eps);
    const minLrs = perGroup(call, "minLr", optimizer, o.minLr);
    super(optimizer);
    this.factor = o.factor;
    this.minLrs = minLrs;
    this.patience = o.patience;
    this.verbose = o.verbose;
    this.cooldown = o.cooldown;
    this.mode = o.mode;
    this.threshold = o.threshold;
    this.thresholdMode = o.thresholdMode;
    this.eps = o.eps;
    this.best = this.modeWorse = this.mode === "min" ? Infinity : -Infinity;
  }

  /** Takes the metric of an epoch, and lowers the learning rates if it is time. */
  step(metrics: number | Tensor, epoch: number | null = null): void {
    const metric = metrics instanceof Tensor ? Number(item(metrics)) : metrics;
    if (typeof metric !== "number") { // NaN is one: it is no better than anything
      checkNumber("ReduceLROnPlateau.step", "metrics", metric);
    }
    this.lastEpoch = epoch ?? this.lastEpoch + 1;
    if (this.isBetter(metric, this.best)) {
      this.best = metric;
      this.numBadEpochs = 0;
    } else this.numBadEpochs++;
    if (this.inCooldown) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.patience) {
      this.#reduce();
      this.cooldownCounter = this.cooldown;
      this.numBadEpochs = 0;
    }
    this._lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  #reduce(): void {
    this.optimizer.paramGroups.slice(0, this.minLrs.length).forEach((group, i) => {
      const lr = Math.max(group.lr * this.factor, this.minLrs[i]);
      if (!(group.lr - lr > this.eps)) return;
      group.lr = lr;
      if (!this.verbose) return;
      const when = epochText(this.lastEpoch);
      console.log(`Epoch ${when}: reducing learning rate of group ${i} to ${exponential(lr)}.`);
    });
  }

  /** Whether epochs do not count now, after a fall. */
  get inCooldown(): boolean {
    return this.cooldownCounter > 0;
  }

  /** Whether `metric` is better than `best` by more than the threshold. */
  isBetter(metric: number, best: number): boolean {
    const { mode, threshold } = this;
    if (this.thresholdMode === "rel") {
      return mode === "min" ? metric < best * (1 - threshold) : metric > best * (1 + threshold);
    }
    return mode === "min" ? metric < best - threshold : metric > best + threshold;
  }

  override loadStateDict(state: SchedulerState): void {
    const loaded = state && { ...state };
    // JSON writes null for what is infinite: the worst metric, and the best one before the first epoch.
    const worst = (loaded?.mode ?? this.mode) === "max" ? -Infinity : Infinity;
    for (const key of ["best", "mode_worse"]) if (loaded?.[key] === null) loaded[key] = worst;
    super.loadStateDict(loaded);
  }
}
