/**
 * Adamax.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkAdamOptions } from "./adam.ts";
import { advance, KernelOptimizer } from "./kernel.ts";
import { type ParamGroup, type Params, scalar, type State } from "./optimizer.ts";

/** Options of `Adamax`. */
export interface AdamaxOptions {
  /** The learning rate. */
  lr?: number;
  /** How much of the two running means is kept in each step. */
  betas?: readonly [number, number];
  /** Added to the denominator. */
  eps?: number;
  /** Factor of the parameter that is added to its gradient. */
  weightDecay?: number;
  /** Go up instead of down. */
  maximize?: boolean;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
}

/**
 * Adamax: Adam with the largest gradient instead of the mean square.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adamax.html
 */
export class Adamax extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [lr: number, betas: readonly [number, number], eps: number, weightDecay: number],
      AdamaxOptions
    >
  ) {
    const defaults = read("Adamax", {
      lr: 2e-3,
      betas: [0.9, 0.999] as readonly [number, number],
      eps: 1e-8,
      weightDecay: 0,
      foreach: null as boolean | null,
      maximize: false,
    }, args);
    checkAdamOptions("Adamax", defaults);
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, betas, eps, weightDecay, maximize } = group;
    return [lr, betas[0], betas[1], eps, weightDecay, Number(maximize)];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    state.step ??= scalar(p, 0);
    state.exp_avg ??= this.stateLike(p);
    state.exp_inf ??= this.stateLike(p);
    advance(state.step);
    this.runKernel("adamax", group, p, grad, state.exp_avg, state.exp_inf, null, state.step);
  }
}
