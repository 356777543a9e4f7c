/**
 * RAdam.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkAdamOptions } from "./adam.ts";
import { advance, KernelOptimizer } from "./kernel.ts";
import { type ParamGroup, type Params, scalar, type State } from "./optimizer.ts";

/** Options of `RAdam`. */
export interface RAdamOptions {
  /** The learning rate. */
  lr?: number;
  /** How much of the two running means is kept in each step. */
  betas?: readonly [number, number];
  /** Added to the denominator. */
  eps?: number;
  /** Factor of the parameter that is added to its gradient. */
  weightDecay?: number;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
}

/**
 * RAdam: Adam whose adaptive rate waits until its variance is known.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RAdam.html
 */
export class RAdam extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [lr: number, betas: readonly [number, number], eps: number, weightDecay: number],
      RAdamOptions
    >
  ) {
    const defaults = read("RAdam", {
      lr: 1e-3,
      betas: [0.9, 0.999] as readonly [number, number],
      eps: 1e-8,
      weightDecay: 0,
      foreach: null as boolean | null,
    }, args);
    checkAdamOptions("RAdam", defaults);
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, betas, eps, weightDecay } = group;
    return [lr, betas[0], betas[1], eps, weightDecay];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    state.step ??= scalar(p, 0);
    state.exp_avg ??= this.stateLike(p);
    state.exp_avg_sq ??= this.stateLike(p);
    advance(state.step);
    this.runKernel("radam", group, p, grad, state.exp_avg, state.exp_avg_sq, null, state.step);
  }
}
