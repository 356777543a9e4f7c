/**
 * RMSprop.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item } from "../ops/access.ts";
import { KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, type State } from "./optimizer.ts";

/** Options of `RMSprop`. */
export interface RMSpropOptions {
  /** The learning rate. */
  lr?: number;
  /** How much of the running mean is kept in each step. */
  alpha?: number;
  /** Added to the denominator. */
  eps?: number;
  /** Factor of the parameter that is added to its gradient. */
  weightDecay?: number;
  /** How much of the step before is kept. */
  momentum?: number;
  /** Scale by the estimated variance instead. */
  centered?: boolean;
  /** Go up instead of down. */
  maximize?: boolean;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
}

/**
 * RMSprop: steps scaled by a running mean of the squared gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
 */
export class RMSprop extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [
        lr: number,
        alpha: number,
        eps: number,
        weightDecay: number,
        momentum: number,
        centered: boolean,
      ],
      RMSpropOptions
    >
  ) {
    const defaults = read("RMSprop", {
      lr: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
      foreach: null as boolean | null,
      maximize: false,
    }, args);
    const { lr, eps, momentum, weightDecay, alpha } = defaults;
    checkOption("RMSprop", "learning rate", lr);
    checkOption("RMSprop", "eps", eps);
    checkOption("RMSprop", "momentum", momentum);
    checkOption("RMSprop", "weightDecay", weightDecay);
    checkOption("RMSprop", "alpha", alpha);
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, alpha, eps, weightDecay, momentum, centered, maximize } = group;
    return [lr, alpha, eps, weightDecay, momentum, Number(centered), Number(maximize)];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    const { momentum, centered } = group;
    state.step = (state.step ?? 0) + 1;
    state.square_avg ??= this.stateLike(p);
    if (momentum > 0) state.momentum_buffer ??= this.stateLike(p);
    if (centered) state.grad_avg ??= this.stateLike(p);
    this.runKernel(
      "rmsprop",
      group,
      p,
      grad,
      state.square_avg,
      momentum > 0 ? state.momentum_buffer : null,
      centered ? state.grad_avg : null,
    );
  }

  protected override adoptScalar(_p: Tensor, _name: string, value: Tensor | number): number {
    return value instanceof Tensor ? Number(item(value)) : value;
  }
}
