/**
 * The one-cycle schedule.
 *
 * @module
 */
import { type Args, wholeNumber } from "../../tensor/arguments.ts";
import type { Optimizer, ParamGroup } from "../optimizer.ts";
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

/** Along half a wave of the cosine, or in a straight line. */
export type AnnealStrategy = "cos" | "linear";

/** Options of `OneCycleLR`. */
export interface OneCycleLROptions extends SchedulerOptions {
  /** The highest learning rate; required. */
  maxLr?: PerGroup;
  /** The number of steps; or else give `epochs` and `stepsPerEpoch`. */
  totalSteps?: number | null;
  /** The number of epochs. */
  epochs?: number | null;
  /** The number of steps in an epoch. */
  stepsPerEpoch?: number | null;
  /** The part of the steps that goes upwards: 0 to 1. */
  pctStart?: number;
  /** The form of the way up and down. */
  annealStrategy?: AnnealStrategy;
  /** Whether momentum (or the first of `betas`) goes down as the learning rate goes up. */
  cycleMomentum?: boolean;
  /** The lowest momentum. */
  baseMomentum?: PerGroup;
  /** The highest momentum. */
  maxMomentum?: PerGroup;
  /** The learning rate at the start is `maxLr / divFactor`. */
  divFactor?: number;
  /** The learning rate at the end is the one at the start, divided by this. */
  finalDivFactor?: number;
  /** Whether to go down as fast as up, and then from the learning rate at the start to the one at the end. */
  threePhase?: boolean;
}

/** A part of the schedule, under PyTorch's names: it begins where the one before ends. */
export interface OneCyclePhase {
  /** The step at which it ends. */
  end_step: number;
  /** Which learning rate of the group it starts from: `"initial_lr"`, `"max_lr"` or `"min_lr"`. */
  start_lr: string;
  /** Which it leads to. */
  end_lr: string;
  /** Which momentum of the group it starts from: `"base_momentum"` or `"max_momentum"`. */
  start_momentum: string;
  /** Which it leads to. */
  end_momentum: string;
}

/** PyTorch's words for the options of a group that hold the ends of the phases. */
const FIELDS: Record<string, string> = {
  initial_lr: "initialLr",
  max_lr: "maxLr",
  min_lr: "minLr",
  base_momentum: "baseMomentum",
  max_momentum: "maxMomentum",
};

function phase(end_step: number, from: string, to: string): OneCyclePhase {
  const momentum = (lr: string) => lr === "max_lr" ? "base_momentum" : "max_momentum";
  return {
    end_step,
    start_lr: from,
    end_lr: to,
    start_momentum: momentum(from),
    end_momentum: momentum(to),
  };
}

/**
 * The learning rate goes up from `maxLr / divFactor` to `maxLr`, then down to almost nothing, and momentum the other
 * way. `step` is called after every batch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
 */
export class OneCycleLR extends LRScheduler {
  /** The number of steps. */
  totalSteps: number;
  /** The parts of the schedule. */
  protected _schedulePhases: OneCyclePhase[];
  /** Whether momentum goes down as the learning rate goes up. */
  cycleMomentum: boolean;
  /** Whether the momentum is the first of `betas`. */
  useBeta1: boolean;
  readonly #anneal: AnnealStrategy;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [
        maxLr: PerGroup,
        totalSteps: number | null,
        epochs: number | null,
        stepsPerEpoch: number | null,
        pctStart: number,
        annealStrategy: AnnealStrategy,
        cycleMomentum: boolean,
        baseMomentum: PerGroup,
        maxMomentum: PerGroup,
        divFactor: number,
        finalDivFactor: number,
        threePhase: boolean,
        lastEpoch: number,
        verbose: boolean,
      ],
      OneCycleLROptions
    >
  ) {
    const call = "OneCycleLR";
    const o = readSettings(call, optimizer, {
      maxLr: required<PerGroup>(),
      totalSteps: null as number | null,
      epochs: null as number | null,
      stepsPerEpoch: null as number | null,
      pctStart: 0.3,
      annealStrategy: "cos" as AnnealStrategy,
      cycleMomentum: true,
      baseMomentum: 0.85 as PerGroup,
      maxMomentum: 0.95 as PerGroup,
      divFactor: 25,
      finalDivFactor: 1e4,
      threePhase: false,
      ...STANDARD,
    }, args);
    const total = totalSteps(call, o);
    checkNumber(call, "pctStart", o.pctStart, 0);
    if (o.pctStart > 1) throw new RangeError(`${call}: pctStart must be 0 to 1, got ${o.pctStart}`);
    checkWord(call, "annealStrategy", o.annealStrategy, ["cos", "linear"]);
    checkNumber(call, "divFactor", o.divFactor);
    checkNumber(call, "finalDivFactor", o.finalDivFactor);
    const maxLrs = perGroup(call, "maxLr", optimizer, o.maxLr);
    const baseMomentums = perGroup(call, "baseMomentum", optimizer, o.baseMomentum);
    const maxMomentums = perGroup(call, "maxMomentum", optimizer, o.maxMomentum);
    const useBeta1 = "betas" in optimizer.defaults;
    if (o.cycleMomentum && !useBeta1 && !("momentum" in optimizer.defaults)) {
      throw new TypeError(
        `${call}: ${optimizer.constructor.name} has no momentum to cycle; give cycleMomentum: false`,
      );
    }
    if (o.lastEpoch === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        group.initialLr = maxLrs[i] / o.divFactor;
        group.maxLr = maxLrs[i];
        group.minLr = group.initialLr / o.finalDivFactor;
        if (!o.cycleMomentum) return;
        group.maxMomentum = maxMomentums[i];
        group.baseMomentum = baseMomentums[i];
      });
    }
    super(optimizer, o.lastEpoch, o.verbose);
    this.totalSteps = total;
    const up = o.pctStart * total - 1;
    this._schedulePhases = o.threePhase
      ? [
        phase(up, "initial_lr", "max_lr"),
        phase(2 * o.pctStart * total - 2, "max_lr", "initial_lr"),
        phase(total - 1, "initial_lr", "min_lr"),
      ]
      : [phase(up, "initial_lr", "max_lr"), phase(total - 1, "max_lr", "min_lr")];
    this.cycleMomentum = o.cycleMomentum;
    this.useBeta1 = useBeta1;
    this.#anneal = o.annealStrategy;
    this.initialStep();
  }

  protected override getLr(): number[] {
    const { lastEpoch, totalSteps, _schedulePhases: phases } = this;
    if (lastEpoch > totalSteps) {
      throw new Error(
        `OneCycleLR: tried to step ${
          lastEpoch + 1
        } times, the total number of steps is ${totalSteps}`,
      );
    }
    let k = 0;
    while (k < phases.length - 1 && lastEpoch > phases[k].end_step) k++;
    const { start_lr, end_lr, start_momentum, end_momentum, end_step } = phases[k];
    const begin = k === 0 ? 0 : phases[k - 1].end_step;
    // A phase without steps is over as soon as it begins.
    const part = end_step === begin ? 1 : (lastEpoch - begin) / (end_step - begin);
    const value = (group: ParamGroup, from: string, to: string) =>
      this.#between(group[FIELDS[from]], group[FIELDS[to]], part);
    return this.optimizer.paramGroups.slice(0, this.baseLrs.length).map((group) => {
      if (this.cycleMomentum) {
        const momentum = value(group, start_momentum, end_momentum);
        if (this.useBeta1) group.betas = [momentum, ...group.betas.slice(1)];
        else group.momentum = momentum;
      }
      return value(group, start_lr, end_lr);
    });
  }

  #between(start: number, end: number, part: number): number {
    if (this.#anneal === "linear") return (end - start) * part + start;
    return end + (start - end) / 2 * (Math.cos(Math.PI * part) + 1);
  }
}

function totalSteps(
  call: string,
  o: { totalSteps: number | null; epochs: number | null; stepsPerEpoch: number | null },
): number {
  const positive = (name: "totalSteps" | "epochs" | "stepsPerEpoch") => {
    const n = wholeNumber(call, name, o[name]);
    checkNumber(call, name, n, 1);
    return n;
  };
  if (o.totalSteps !== null) return positive("totalSteps");
  if (o.epochs === null && o.stepsPerEpoch === null) {
    throw new TypeError(`${call}: give totalSteps, or epochs and stepsPerEpoch`);
  }
  return positive("epochs") * positive("stepsPerEpoch");
}
