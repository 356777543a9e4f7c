/**
 * What all learning-rate schedulers share: the optimizer, the learning rates last set, and saving their state.
 *
 * @module
 */
import { read } from "../../tensor/arguments.ts";
import { describeValue } from "../../tensor/describe.ts";
import { Optimizer, REQUIRED } from "../optimizer.ts";

/** What a scheduler remembers, under PyTorch's names: `last_epoch`, `_step_count`. */
export type SchedulerState = Record<string, unknown>;

/** One number for all parameter groups, or one for each. */
export type PerGroup = number | readonly number[];

/** Options of every scheduler. */
export interface SchedulerOptions {
  /** The epoch that was last, where training goes on; -1 by default, to start. */
  lastEpoch?: number;
  /** Whether to print every learning rate that is set. */
  verbose?: boolean;
}

/** The defaults of `SchedulerOptions`. */
export const STANDARD: { lastEpoch: number; verbose: boolean } = { lastEpoch: -1, verbose: false };

/** PyTorch's name of a field: `lastEpoch` is `last_epoch`, `_stepCount` `_step_count`, `T0` `T_0`, `TMax` `T_max`. */
const saved = (field: string) =>
  field.replace(/(?!^)[A-Z]|(?<=^[A-Z])\d/g, (c) => `_${c.toLowerCase()}`);

/** Sets the learning rates of an optimizer; what is to be done at a step is left to the class. */
export abstract class Scheduler {
  /** The optimizer whose learning rates it sets. */
  readonly optimizer: Optimizer;
  /** The learning rate of every parameter group, as this scheduler set it last. */
  protected _lastLr: number[];

  /** Schedules the learning rates of `optimizer`. */
  constructor(optimizer: Optimizer) {
    checkOptimizer(this.constructor.name, optimizer);
    this.optimizer = optimizer;
    this._lastLr = optimizer.paramGroups.map((group) => group.lr);
  }

  /** The learning rate of every parameter group, as this scheduler set it last. */
  getLastLr(): number[] {
    return this._lastLr;
  }

  /** Sets the learning rates of the groups. */
  protected setLr(lrs: readonly number[]): void {
    const { paramGroups } = this.optimizer;
    // A group that was added later has no learning rate of ours.
    paramGroups.slice(0, lrs.length).forEach((group, i) => group.lr = lrs[i]);
    this._lastLr = paramGroups.map((group) => group.lr);
  }

  /**
   * Its state, to be saved: all of its fields but the optimizer and functions, under PyTorch's names. Save the
   * optimizer's state too: the learning rates are there.
   */
  stateDict(): SchedulerState {
    return Object.fromEntries(this.#fields().map(([name, value]) => [saved(name), value]));
  }

  /**
   * Takes over a state (from `stateDict`, or a file). What the scheduler has no field for is ignored, fields that are
   * not in the state stay.
   *
   * @throws TypeError for a value of another kind than the scheduler's own; everything stays as it was.
   */
  loadStateDict(state: SchedulerState): void {
    const call = `${this.constructor.name}.loadStateDict`;
    if (state === null || typeof state !== "object") {
      throw new TypeError(`${call}: expected an object, got ${describeValue(state)}`);
    }
    const loaded: SchedulerState = {};
    for (const [name, before] of this.#fields()) {
      const key = saved(name);
      if (!(key in state)) continue;
      const value = state[key];
      loaded[name] = value instanceof Map ? Object.fromEntries(value) : value;
      if (typeof loaded[name] === typeof before) continue;
      throw new TypeError(
        `${call}: ${key} must be a ${typeof before}, got ${describeValue(value)}`,
      );
    }
    Object.assign(this, loaded);
  }

  #fields(): [name: string, value: unknown][] {
    return Object.entries(this).filter(([name, value]) =>
      name !== "optimizer" && typeof value !== "function"
    );
  }
}

/**
 * The base class of schedulers that go by the number of the epoch. One of your own defines `getLr`, and calls
 * `initialStep` at the end of its constructor.
 *
 * @see https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
 */
export abstract class LRScheduler extends Scheduler {
  /** The learning rate of every group at the start. */
  baseLrs: number[];
  /** The epoch of the learning rates that are set. */
  lastEpoch: number;
  /** How often `step` was called, the first time by the constructor. */
  protected _stepCount = 0;
  /** Whether it prints every learning rate that it sets. */
  verbose: boolean;

  /** Takes the optimizer, and the epoch after which training goes on. */
  constructor(optimizer: Optimizer, lastEpoch = -1, verbose = false) {
    super(optimizer);
    if (typeof lastEpoch !== "number" || Number.isNaN(lastEpoch)) {
      throw new TypeError(
        `${this.constructor.name}: lastEpoch must be a number, got ${describeValue(lastEpoch)}`,
      );
    }
    const { paramGroups } = optimizer;
    paramGroups.forEach((group, i) => {
      if (lastEpoch === -1) group.initialLr ??= group.lr;
      else if (group.initialLr === undefined) {
        throw new Error(
          `${this.constructor.name}: initialLr is not specified in paramGroups[${i}], ` +
            `to go on after epoch ${lastEpoch}; load the optimizer's state first`,
        );
      }
    });
    this.baseLrs = paramGroups.map((group) => group.initialLr);
    this.lastEpoch = lastEpoch;
    this.verbose = verbose;
    countSteps(optimizer);
  }

  /** The learning rate of every group at `lastEpoch`, from those that are set now. */
  protected abstract getLr(): number[];

  /** The same from the learning rates at the start alone, where there is a formula. */
  protected getClosedFormLr?(): number[];

  /** Sets the learning rates of the first epoch. */
  initialStep(): void {
    countSteps(this.optimizer);
    this._stepCount = 0;
    this.step();
  }

  /** Sets the learning rates of the next epoch, or of the one given. */
  step(epoch: number | null = null): void {
    if (this._stepCount === 1 && stepsOf.get(this.optimizer) === 0) {
      console.warn(
        `${this.constructor.name}.step() was called before optimizer.step(): call it afterwards, ` +
          "or the first learning rate of the schedule is skipped",
      );
    }
    const { lastEpoch, _stepCount } = this;
    this._stepCount++;
    this.lastEpoch = epoch ?? lastEpoch + 1;
    try {
      const lrs = epoch === null ? this.getLr() : this.getClosedFormLr?.() ?? this.getLr();
      this.setLr(lrs);
    } catch (error) {
      Object.assign(this, { lastEpoch, _stepCount });
      throw error;
    }
    if (this.verbose) this.printLr(epoch);
  }

  /** Prints the learning rates, as PyTorch does. */
  protected printLr(epoch: number | null): void {
    const when = epoch === null ? "A" : `Epoch ${epochText(epoch)}: a`;
    this._lastLr.forEach((lr, i) => {
      console.log(`${when}djusting learning rate of group ${i} to ${exponential(lr)}.`);
    });
  }
}

/** An epoch as PyTorch prints it: 00007, 2.50. */
export function epochText(epoch: number): string {
  return Number.isInteger(epoch) ? String(epoch).padStart(5, "0") : epoch.toFixed(2);
}

/** Python's format `.4e`: 1.0000e-02. */
export function exponential(x: number): string {
  return x.toExponential(4).replace(/(?<=e[+-])(?=\d$)/, "0");
}

/** How often an optimizer with schedulers has stepped since the last of them was made. */
const stepsOf = new WeakMap<Optimizer, number>();

/** Counts the steps of `optimizer` from now on, whichever class defines them. */
function countSteps(optimizer: Optimizer): void {
  if (!stepsOf.has(optimizer)) {
    const step = optimizer.step as (...args: unknown[]) => unknown;
    const value = (...args: unknown[]) => {
      stepsOf.set(optimizer, stepsOf.get(optimizer)! + 1);
      return step.apply(optimizer, args);
    };
    Object.defineProperty(optimizer, "step", { value, configurable: true, writable: true });
  }
  stepsOf.set(optimizer, 0);
}

/** Throws `TypeError` unless `optimizer` is one. */
export function checkOptimizer(call: string, optimizer: unknown): asserts optimizer is Optimizer {
  if (optimizer instanceof Optimizer) return;
  throw new TypeError(`${call}: expected an optimizer, got ${describeValue(optimizer)}`);
}

/** The default of a parameter that has to be given. */
export const required = <T>(): T => REQUIRED as unknown as T;

/**
 * The parameters of a scheduler after its optimizer, by name.
 *
 * @throws TypeError where `optimizer` is none, and for a parameter that has to be given and is not.
 */
export function readSettings<T extends object>(
  call: string,
  optimizer: Optimizer,
  defaults: T,
  args: readonly unknown[],
): T {
  checkOptimizer(call, optimizer);
  const settings = read(call, defaults, args);
  for (const [name, value] of Object.entries(settings)) {
    if (value === REQUIRED) throw new TypeError(`${call}: ${name} is required`);
  }
  return settings;
}

/** A number for each group of `optimizer`. Throws `RangeError` for another number of them, `TypeError` for others. */
export function perGroup(
  call: string,
  name: string,
  optimizer: Optimizer,
  value: PerGroup,
): number[] {
  const groups = optimizer.paramGroups.length;
  const values: unknown[] = Array.isArray(value) ? [...value] : Array(groups).fill(value);
  if (values.length !== groups) {
    throw new RangeError(`${call}: expected ${groups} values for ${name}, got ${values.length}`);
  }
  for (const v of values) checkNumber(call, name, v);
  return values as number[];
}

/** Throws `TypeError` unless `value` is a number, `RangeError` unless it is `low` or more. */
export function checkNumber(call: string, name: string, value: unknown, low = -Infinity): void {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`${call}: ${name} must be a number, got ${describeValue(value)}`);
  }
  if (value < low) throw new RangeError(`${call}: ${name} must be ${low} or more, got ${value}`);
}

/** Throws `RangeError` unless `value` is one of `words`. */
export function checkWord(
  call: string,
  name: string,
  value: unknown,
  words: readonly string[],
): void {
  if (words.includes(value as string)) return;
  const expected = words.map((word) => JSON.stringify(word)).join(" or ");
  throw new RangeError(`${call}: ${name} must be ${expected}, got ${describeValue(value)}`);
}
