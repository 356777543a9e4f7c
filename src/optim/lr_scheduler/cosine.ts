/**
 * Schedules that fall along half a wave of the cosine.
 *
 * @module
 */
import { type Args, wholeNumber } from "../../tensor/arguments.ts";
import type { Optimizer } from "../optimizer.ts";
import {
  checkNumber,
  LRScheduler,
  readSettings,
  required,
  type SchedulerOptions,
  STANDARD,
} from "./scheduler.ts";

/** Options of `CosineAnnealingLR`. */
export interface CosineAnnealingLROptions extends SchedulerOptions {
  /** After how many epochs the learning rate is lowest; required. PyTorch's `T_max`. */
  TMax?: number;
  /** The lowest learning rate. */
  etaMin?: number;
}

/**
 * The learning rate falls from its start to `etaMin` within `TMax` epochs, along half a wave of the cosine, and rises
 * again in as many.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html
 */
export class CosineAnnealingLR extends LRScheduler {
  /** After how many epochs the learning rate is lowest. */
  TMax: number;
  /** The lowest learning rate. */
  etaMin: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [TMax: number, etaMin: number, lastEpoch: number, verbose: boolean],
      CosineAnnealingLROptions
    >
  ) {
    const { TMax, etaMin, lastEpoch, verbose } = readSettings("CosineAnnealingLR", optimizer, {
      TMax: required<number>(),
      etaMin: 0,
      ...STANDARD,
    }, args);
    checkNumber("CosineAnnealingLR", "TMax", TMax, 1);
    checkNumber("CosineAnnealingLR", "etaMin", etaMin);
    super(optimizer, lastEpoch, verbose);
    this.TMax = TMax;
    this.etaMin = etaMin;
    this.initialStep();
  }

  protected override getLr(): number[] {
    const { TMax, etaMin, lastEpoch, baseLrs } = this;
    const lrs = this.optimizer.paramGroups.map(({ lr }) => lr);
    if (lastEpoch === 0) return lrs;
    if (this._stepCount === 1 && lastEpoch > 0) return this.getClosedFormLr();
    const wave = (epoch: number) => 1 + Math.cos(Math.PI * epoch / TMax);
    // One epoch after the lowest, there is nothing left to multiply.
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0) {
      const rise = (1 - Math.cos(Math.PI / TMax)) / 2;
      return baseLrs.map((base, i) => lrs[i] + (base - etaMin) * rise);
    }
    const change = wave(lastEpoch) / wave(lastEpoch - 1);
    return lrs.map((lr) => change * (lr - etaMin) + etaMin);
  }

  protected override getClosedFormLr(): number[] {
    const { TMax, etaMin, lastEpoch } = this;
    return this.baseLrs.map((base) => between(etaMin, base, Math.PI * lastEpoch / TMax));
  }
}

/** From `high` at the angle 0 to `low` at pi, along half a wave of the cosine. */
function between(low: number, high: number, angle: number): number {
  return low + (high - low) * (1 + Math.cos(angle)) / 2;
}

/** Options of `CosineAnnealingWarmRestarts`. */
export interface CosineAnnealingWarmRestartsOptions extends SchedulerOptions {
  /** The number of epochs before the first restart; required. PyTorch's `T_0`. */
  T0?: number;
  /** By how much each period is longer than the one before. PyTorch's `T_mult`. */
  TMult?: number;
  /** The lowest learning rate. */
  etaMin?: number;
}

/**
 * The learning rate falls from its start to `etaMin` along half a wave of the cosine, again and again: the first time
 * within `T0` epochs, then within `T0 * TMult`, and so on. `step` takes parts of epochs too.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  /** The length of the first period. */
  T0: number;
  /** The length of this period. */
  TI: number;
  /** By how much each period is longer than the one before. */
  TMult: number;
  /** The lowest learning rate. */
  etaMin: number;
  /** How much of this period is over. */
  TCur: number;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [T0: number, TMult: number, etaMin: number, lastEpoch: number, verbose: boolean],
      CosineAnnealingWarmRestartsOptions
    >
  ) {
    const call = "CosineAnnealingWarmRestarts";
    const { T0, TMult, etaMin, lastEpoch, verbose } = readSettings(call, optimizer, {
      T0: required<number>(),
      TMult: 1,
      etaMin: 0,
      ...STANDARD,
    }, args);
    checkNumber(call, "T0", wholeNumber(call, "T0", T0), 1);
    checkNumber(call, "TMult", wholeNumber(call, "TMult", TMult), 1);
    checkNumber(call, "etaMin", etaMin);
    super(optimizer, lastEpoch, verbose);
    this.T0 = T0;
    this.TI = T0;
    this.TMult = TMult;
    this.etaMin = etaMin;
    this.TCur = lastEpoch;
    this.initialStep();
  }

  protected override getLr(): number[] {
    return this.baseLrs.map((base) => between(this.etaMin, base, Math.PI * this.TCur / this.TI));
  }

  /**
   * Sets the learning rates of the next epoch, or of the one given, which need not be whole.
   *
   * @throws RangeError for a negative epoch.
   */
  override step(epoch: number | null = null): void {
    if (epoch === null && this.lastEpoch >= 0) {
      this.TCur++;
      if (this.TCur >= this.TI) {
        this.TCur -= this.TI;
        this.TI *= this.TMult;
      }
      this.lastEpoch++;
    } else {
      this.#jump(epoch ?? 0);
    }
    this.setLr(this.getLr());
    if (this.verbose) this.printLr(epoch ?? this.lastEpoch);
  }

  #jump(epoch: number): void {
    checkNumber("CosineAnnealingWarmRestarts.step", "epoch", epoch, 0);
    const { T0, TMult } = this;
    let begin = TMult === 1 ? epoch - epoch % T0 : 0;
    this.TI = T0;
    while (epoch >= begin + this.TI) {
      begin += this.TI;
      this.TI *= TMult;
    }
    this.TCur = epoch - begin;
    this.lastEpoch = Math.floor(epoch);
  }
}
