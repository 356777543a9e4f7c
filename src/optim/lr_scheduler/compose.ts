/**
 * Schedules made of others.
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
  Scheduler,
  type SchedulerOptions,
  type SchedulerState,
  STANDARD,
} from "./scheduler.ts";

/** What a schedule made of others does with them. */
abstract class Composed<S extends Scheduler> extends Scheduler {
  /** The schedulers that it is made of. */
  readonly #parts: readonly S[];

  constructor(call: string, optimizer: Optimizer, parts: readonly S[]) {
    parts.forEach(({ optimizer: other }, i) => {
      if (other === optimizer) return;
      throw new TypeError(
        `${call}: all schedulers must belong to the same optimizer, number ${i} belongs to another`,
      );
    });
    super(optimizer);
    this.#parts = [...parts];
  }

  /** The schedulers that it is made of. */
  protected get schedulers(): readonly S[] {
    return this.#parts;
  }

  /** Its state, and the states of its schedulers in `_schedulers`. */
  override stateDict(): SchedulerState {
    return { ...super.stateDict(), _schedulers: this.#parts.map((s) => s.stateDict()) };
  }

  override loadStateDict(state: SchedulerState): void {
    const states = state?._schedulers, n = this.#parts.length;
    if (!Array.isArray(states) || states.length !== n) {
      throw new TypeError(
        `${this.constructor.name}.loadStateDict: expected _schedulers, the states of ${n} schedulers, got ${
          describeValue(states)
        }`,
      );
    }
    const before = this.#parts.map((scheduler) => scheduler.stateDict());
    try {
      this.#parts.forEach((scheduler, i) => scheduler.loadStateDict(states[i]));
      super.loadStateDict(state);
    } catch (error) {
      this.#parts.forEach((scheduler, i) => scheduler.loadStateDict(before[i]));
      throw error;
    }
  }
}

/** Options of `SequentialLR`. */
export interface SequentialLROptions extends SchedulerOptions {
  /** The schedulers, in order; required. */
  schedulers?: readonly LRScheduler[];
  /** The epochs in which the second, third, ... begin; required. */
  milestones?: readonly number[];
}

/**
 * Schedules one after another, each from its own beginning.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html
 */
export class SequentialLR extends Composed<LRScheduler> {
  /** The epochs in which the second, third, ... scheduler begins. */
  protected _milestones: number[];
  /** The epoch of the learning rates that are set. */
  lastEpoch: number;

  /** Takes the optimizer, its schedulers, and the epochs in which all but the first begin. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [
        schedulers: readonly LRScheduler[],
        milestones: readonly number[],
        lastEpoch: number,
        verbose: boolean,
      ],
      SequentialLROptions
    >
  ) {
    const call = "SequentialLR";
    const { schedulers, milestones, lastEpoch } = readSettings(call, optimizer, {
      schedulers: required<readonly LRScheduler[]>(),
      milestones: required<readonly number[]>(),
      ...STANDARD,
    }, args);
    if (!Array.isArray(schedulers) || !schedulers.every((s) => s instanceof LRScheduler)) {
      throw new TypeError(
        `${call}: schedulers must be an array of schedulers that go by the number of the epoch, got ${
          describeValue(schedulers)
        }`,
      );
    }
    if (!Array.isArray(milestones) || milestones.length !== schedulers.length - 1) {
      throw new RangeError(
        `${call}: expected one scheduler more than milestones, got ${schedulers.length} schedulers and milestones ${
          describeValue(milestones)
        }`,
      );
    }
    for (const epoch of milestones) checkNumber(call, "milestones", epoch);
    super(call, optimizer, schedulers);
    this._milestones = [...milestones];
    this.lastEpoch = lastEpoch + 1;
    // Each of them has set the learning rates of its first epoch: undo that, and let the first do so again.
    for (const group of optimizer.paramGroups) group.lr = group.initialLr;
    for (const scheduler of schedulers) scheduler.lastEpoch--;
    schedulers[0].initialStep();
    this._lastLr = schedulers[0].getLastLr();
  }

  /** Sets the learning rates of the next epoch. */
  step(): void {
    const epoch = this.lastEpoch + 1, milestones = this._milestones;
    const k = milestones.filter((milestone) => milestone <= epoch).length;
    const scheduler = this.schedulers[k];
    if (k > 0 && milestones[k - 1] === epoch) scheduler.step(0);
    else scheduler.step();
    this.lastEpoch = epoch;
    this._lastLr = scheduler.getLastLr();
  }
}

/**
 * Schedules at the same time: each changes the learning rates that the one before it has left.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ChainedScheduler.html
 */
export class ChainedScheduler extends Composed<LRScheduler | SequentialLR | ChainedScheduler> {
  /** Takes schedulers of one optimizer. */
  constructor(schedulers: readonly (LRScheduler | SequentialLR | ChainedScheduler)[]) {
    const call = "ChainedScheduler";
    const given: unknown = schedulers;
    const steps = (s: unknown) => s instanceof LRScheduler || s instanceof Composed;
    if (!Array.isArray(given) || given.length === 0 || !given.every(steps)) {
      throw new TypeError(
        `${call}: expected an array of schedulers that go by the number of the epoch, got ${
          describeValue(schedulers)
        }`,
      );
    }
    super(call, schedulers[0].optimizer, schedulers);
  }

  /** Lets every scheduler set the learning rates of the next epoch. */
  step(): void {
    for (const scheduler of this.schedulers) scheduler.step();
    this._lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }
}
