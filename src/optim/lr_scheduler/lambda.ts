/**
 * Schedules given as functions.
 *
 * @module
 */
import type { Args } from "../../tensor/arguments.ts";
import { describeValue } from "../../tensor/describe.ts";
import type { Optimizer } from "../optimizer.ts";
import {
  LRScheduler,
  readSettings,
  required,
  type SchedulerOptions,
  type SchedulerState,
  STANDARD,
} from "./scheduler.ts";

/** A factor of the learning rate in an epoch. */
export type LrLambda = (epoch: number) => number;

/** Options of `LambdaLR` and `MultiplicativeLR`. */
export interface LambdaLROptions extends SchedulerOptions {
  /** The factor in an epoch, for all groups or for each; required. */
  lrLambda?: LrLambda | readonly LrLambda[];
}

type LambdaArgs = Args<
  [lrLambda: LrLambda | readonly LrLambda[], lastEpoch: number, verbose: boolean],
  LambdaLROptions
>;

/** What the schedules that are functions share. */
abstract class FunctionLR extends LRScheduler {
  readonly #lambdas: LrLambda[]; // private, so that it is no part of the state

  constructor(optimizer: Optimizer, call: string, args: LambdaArgs) {
    const { lrLambda, lastEpoch, verbose } = readSettings(call, optimizer, {
      lrLambda: required<LrLambda | readonly LrLambda[]>(),
      ...STANDARD,
    }, args);
    const groups = optimizer.paramGroups.length;
    const lambdas: LrLambda[] = typeof lrLambda === "function"
      ? Array(groups).fill(lrLambda)
      : Array.isArray(lrLambda)
      ? [...lrLambda]
      : [];
    if (lambdas.length === 0 || lambdas.some((f) => typeof f !== "function")) {
      throw new TypeError(
        `${call}: lrLambda must be a function or an array of them, got ${describeValue(lrLambda)}`,
      );
    }
    if (lambdas.length !== groups) {
      throw new RangeError(`${call}: expected ${groups} lrLambdas, got ${lambdas.length}`);
    }
    super(optimizer, lastEpoch, verbose);
    this.#lambdas = lambdas;
    this.initialStep();
  }

  /** The function of every group. */
  get lrLambdas(): readonly LrLambda[] {
    return this.#lambdas;
  }

  /** The factor of group `i`. */
  protected factor(i: number): number {
    const factor = this.#lambdas[i](this.lastEpoch);
    if (typeof factor === "number") return factor;
    throw new TypeError(
      `${this.constructor.name}: lrLambda of epoch ${this.lastEpoch} must be a number, got ${
        describeValue(factor)
      }`,
    );
  }

  /** The state; of functions, those properties that were set on them, null where there are none. */
  override stateDict(): SchedulerState {
    const properties = this.#lambdas.map((f) => Object.keys(f).length > 0 ? { ...f } : null);
    return { ...super.stateDict(), lr_lambdas: properties };
  }

  override loadStateDict(state: SchedulerState): void {
    super.loadStateDict(state);
    if (!Array.isArray(state.lr_lambdas)) return;
    state.lr_lambdas.forEach((properties, i) => Object.assign(this.#lambdas[i] ?? {}, properties));
  }
}

/**
 * The learning rate at the start, times a function of the epoch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html
 */
export class LambdaLR extends FunctionLR {
  /** Takes the optimizer and the function, or one for each parameter group. */
  constructor(optimizer: Optimizer, ...args: LambdaArgs) {
    super(optimizer, "LambdaLR", args);
  }

  protected override getLr(): number[] {
    return this.baseLrs.map((lr, i) => lr * this.factor(i));
  }
}

/**
 * The learning rate of the epoch before, times a function of the epoch.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiplicativeLR.html
 */
export class MultiplicativeLR extends FunctionLR {
  /** Takes the optimizer and the function, or one for each parameter group. */
  constructor(optimizer: Optimizer, ...args: LambdaArgs) {
    super(optimizer, "MultiplicativeLR", args);
  }

  protected override getLr(): number[] {
    const lrs = this.optimizer.paramGroups.map((group) => group.lr);
    if (this.lastEpoch <= 0) return lrs;
    return lrs.slice(0, this.lrLambdas.length).map((lr, i) => lr * this.factor(i));
  }
}
