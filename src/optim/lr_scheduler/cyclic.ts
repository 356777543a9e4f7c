/**
 * Schedules that go up and down.
 *
 * @module
 */
import type { Args } from "../../tensor/arguments.ts";
import { describeValue } from "../../tensor/describe.ts";
import type { Optimizer } from "../optimizer.ts";
import {
  checkNumber,
  checkWord,
  LRScheduler,
  type PerGroup,
  perGroup,
  readSettings,
  required,
  type SchedulerOptions,
  STANDARD,
} from "./scheduler.ts";

/** How the height of the cycles changes: not at all, halved each time, or by the power `gamma ** step`. */
export type CyclicMode = "triangular" | "triangular2" | "exp_range";

/** Whether a function of the height is given the number of the cycle, from 1, or of the step, from 0. */
export type ScaleMode = "cycle" | "iterations";

/** Options of `CyclicLR`. */
export interface CyclicLROptions extends SchedulerOptions {
  /** The lowest learning rate; required. */
  baseLr?: PerGroup;
  /** The highest learning rate of the first cycle; required. */
  maxLr?: PerGroup;
  /** The number of steps upwards. */
  stepSizeUp?: number;
  /** The number of steps downwards; by default as many as upwards. */
  stepSizeDown?: number | null;
  /** How the height of the cycles changes. */
  mode?: CyclicMode;
  /** The base of the power, in mode `"exp_range"`. */
  gamma?: number;
  /** A function of one's own for the height, in place of `mode`. */
  scaleFn?: ((x: number) => number) | null;
  /** What `scaleFn` is given. */
  scaleMode?: ScaleMode;
  /** Whether momentum goes down as the learning rate goes up. */
  cycleMomentum?: boolean;
  /** The lowest momentum of the first cycle. */
  baseMomentum?: PerGroup;
  /** The highest momentum. */
  maxMomentum?: PerGroup;
}

/**
 * The learning rate goes up from `baseLr` to `maxLr` and down again, in straight lines, and momentum the other way.
 * `step` is called after every batch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CyclicLR.html
 */
export class CyclicLR extends LRScheduler {
  /** The highest learning rate of each group. */
  maxLrs: number[];
  /** The number of steps in a cycle. */
  totalSize: number;
  /** The part of the cycle that goes up. */
  stepRatio: number;
  /** How the height of the cycles changes. */
  mode: CyclicMode;
  /** The base of the power, in mode `"exp_range"`. */
  gamma: number;
  /** What `scaleFn` is given. */
  scaleMode: ScaleMode;
  /** Whether momentum goes down as the learning rate goes up. */
  cycleMomentum: boolean;
  /** The lowest momentum of each group. */
  baseMomentums: number[] = [];
  /** The highest momentum of each group. */
  maxMomentums: number[] = [];
  /** A function of one's own for the height; null where `mode` tells it. */
  protected readonly _scaleFnCustom: ((x: number) => number) | null;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [
        baseLr: PerGroup,
        maxLr: PerGroup,
        stepSizeUp: number,
        stepSizeDown: number | null,
        mode: CyclicMode,
        gamma: number,
        scaleFn: ((x: number) => number) | null,
        scaleMode: ScaleMode,
        cycleMomentum: boolean,
        baseMomentum: PerGroup,
        maxMomentum: PerGroup,
        lastEpoch: number,
        verbose: boolean,
      ],
      CyclicLROptions
    >
  ) {
    const call = "CyclicLR";
    const o = readSettings(call, optimizer, {
      baseLr: required<PerGroup>(),
      maxLr: required<PerGroup>(),
      stepSizeUp: 2000,
      stepSizeDown: null as number | null,
      mode: "triangular" as CyclicMode,
      gamma: 1,
      scaleFn: null as ((x: number) => number) | null,
      scaleMode: "cycle" as ScaleMode,
      cycleMomentum: true,
      baseMomentum: 0.8 as PerGroup,
      maxMomentum: 0.9 as PerGroup,
      ...STANDARD,
    }, args);
    const baseLrs = perGroup(call, "baseLr", optimizer, o.baseLr);
    const maxLrs = perGroup(call, "maxLr", optimizer, o.maxLr);
    const up = o.stepSizeUp, down = o.stepSizeDown ?? up;
    checkNumber(call, "stepSizeUp", up, 1);
    checkNumber(call, "stepSizeDown", down, 1);
    checkNumber(call, "gamma", o.gamma);
    checkWord(call, "scaleMode", o.scaleMode, ["cycle", "iterations"]);
    if (o.scaleFn === null) {
      checkWord(call, "mode", o.mode, ["triangular", "triangular2", "exp_range"]);
    } else if (typeof o.scaleFn !== "function") {
      throw new TypeError(
        `${call}: scaleFn must be a function, got ${describeValue(o.scaleFn)}`,
      );
    }
    if (o.cycleMomentum && !("momentum" in optimizer.defaults)) {
      throw new TypeError(
        `${call}: ${optimizer.constructor.name} has no momentum to cycle; give cycleMomentum: false`,
      );
    }
    const baseMomentums = perGroup(call, "baseMomentum", optimizer, o.baseMomentum);
    const maxMomentums = perGroup(call, "maxMomentum", optimizer, o.maxMomentum);
    const { paramGroups } = optimizer;
    if (o.lastEpoch === -1) paramGroups.forEach((group, i) => group.lr = baseLrs[i]);
    super(optimizer, o.lastEpoch, o.verbose);
    this.maxLrs = maxLrs;
    this.totalSize = up + down;
    this.stepRatio = up / this.totalSize;
    this.mode = o.mode;
    this.gamma = o.gamma;
    this._scaleFnCustom = o.scaleFn;
    this.scaleMode = o.scaleFn === null
      ? o.mode === "exp_range" ? "iterations" : "cycle"
      : o.scaleMode;
    this.cycleMomentum = o.cycleMomentum;
    if (o.cycleMomentum) {
      if (o.lastEpoch === -1) paramGroups.forEach((group, i) => group.momentum = baseMomentums[i]);
      this.baseMomentums = paramGroups.map((group) => group.momentum);
      this.maxMomentums = maxMomentums;
    }
    this.initialStep();
    this.baseLrs = baseLrs;
  }

  #scale(cycle: number): number {
    const x = this.scaleMode === "cycle" ? cycle : this.lastEpoch;
    if (this._scaleFnCustom !== null) return this._scaleFnCustom(x);
    if (this.mode === "triangular2") return 1 / 2 ** (x - 1);
    return this.mode === "exp_range" ? this.gamma ** x : 1;
  }

  protected override getLr(): number[] {
    const { lastEpoch, totalSize, stepRatio, baseLrs, maxLrs, baseMomentums, maxMomentums } = this;
    const cycle = Math.floor(1 + lastEpoch / totalSize);
    const x = 1 + lastEpoch / totalSize - cycle;
    const height = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
    const scale = this.#scale(cycle);
    this.optimizer.paramGroups.slice(0, maxMomentums.length).forEach((group, i) => {
      group.momentum = maxMomentums[i] - (maxMomentums[i] - baseMomentums[i]) * height * scale;
    });
    return baseLrs.map((base, i) => base + (maxLrs[i] - base) * height * scale);
  }
}
