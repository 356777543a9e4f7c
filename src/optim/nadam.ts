/**
 * NAdam.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkAdamOptions } from "./adam.ts";
import { KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, scalar, type State } from "./optimizer.ts";

/** Options of `NAdam`. */
export interface NAdamOptions {
  /** The learning rate. */
  lr?: number;
  /** How much of the two running means is kept in each step. */
  betas?: readonly [number, number];
  /** Added to the denominator. */
  eps?: number;
  /** Factor of the parameter that is added to its gradient. */
  weightDecay?: number;
  /** How the momentum grows towards the first beta. */
  momentumDecay?: number;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
}

/**
 * NAdam: Adam with Nesterov momentum.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.NAdam.html
 */
export class NAdam extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [
        lr: number,
        betas: readonly [number, number],
        eps: number,
        weightDecay: number,
        momentumDecay: number,
      ],
      NAdamOptions
    >
  ) {
    const defaults = read("NAdam", {
      lr: 2e-3,
      betas: [0.9, 0.999] as readonly [number, number],
      eps: 1e-8,
      weightDecay: 0,
      momentumDecay: 4e-3,
      foreach: null as boolean | null,
    }, args);
    checkAdamOptions("NAdam", defaults);
    checkOption("NAdam", "momentumDecay", defaults.momentumDecay);
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, betas, eps, weightDecay, momentumDecay } = group;
    return [lr, betas[0], betas[1], eps, weightDecay, momentumDecay];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    state.step ??= scalar(p, 0);
    state.mu_product ??= scalar(p, 1);
    state.exp_avg ??= this.stateLike(p);
    state.exp_avg_sq ??= this.stateLike(p);
    const { step, mu_product, exp_avg, exp_avg_sq } = state;
    this.advanceWith("nadam_advance", group, p, mu_product, null, step);
    this.runKernel("nadam", group, p, grad, exp_avg, exp_avg_sq, mu_product, step, 2);
  }
}
