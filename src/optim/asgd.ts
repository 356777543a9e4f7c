/**
 * Averaged stochastic gradient descent.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, scalar, type State } from "./optimizer.ts";

/** Options of `ASGD`. */
export interface ASGDOptions {
  /** The learning rate. */
  lr?: number;
  /** By how much, times the rate, parameters shrink. */
  lambd?: number;
  /** The power by which the rate falls. */
  alpha?: number;
  /** The step at which averaging begins. */
  t0?: number;
  /** Factor of the parameter that is added to its gradient. */
  weightDecay?: number;
  /** Go up instead of down. */
  maximize?: boolean;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
}

/**
 * Stochastic gradient descent that also keeps the average of the parameters, in the state `ax`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.ASGD.html
 */
export class ASGD extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [lr: number, lambd: number, alpha: number, t0: number, weightDecay: number],
      ASGDOptions
    >
  ) {
    const defaults = read("ASGD", {
      lr: 1e-2,
      lambd: 1e-4,
      alpha: 0.75,
      t0: 1e6,
      weightDecay: 0,
      foreach: null as boolean | null,
      maximize: false,
    }, args);
    const { lr, weightDecay } = defaults;
    checkOption("ASGD", "learning rate", lr);
    checkOption("ASGD", "weightDecay", weightDecay);
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, lambd, alpha, t0, weightDecay, maximize } = group;
    return [lr, lambd, alpha, t0, weightDecay, Number(maximize)];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    state.step ??= scalar(p, 0);
    state.eta ??= scalar(p, group.lr);
    state.mu ??= scalar(p, 1);
    state.ax ??= this.stateLike(p);
    const { step, eta, mu, ax } = state;
    this.runKernel("asgd", group, p, grad, ax, eta, mu, null, 1);
    this.advanceWith("asgd_advance", group, p, eta, mu, step);
  }
}
