/**
 * Adadelta.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item } from "../ops/access.ts";
import { KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, type State } from "./optimizer.ts";

/** Options of `Adadelta`. */
export interface AdadeltaOptions {
  /** The learning rate. */
  lr?: number;
  /** How much of the running means is kept in each step. */
  rho?: number;
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
 * Adadelta: steps scaled by the sizes of the steps before.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adadelta.html
 */
export class Adadelta extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [lr: number, rho: number, eps: number, weightDecay: number],
      AdadeltaOptions
    >
  ) {
    const defaults = read("Adadelta", {
      lr: 1.0,
      rho: 0.9,
      eps: 1e-6,
      weightDecay: 0,
      foreach: null as boolean | null,
      maximize: false,
    }, args);
    const { lr, rho, eps, weightDecay } = defaults;
    checkOption("Adadelta", "learning rate", lr);
    checkOption("Adadelta", "rho", rho, 0, 1 + Number.EPSILON);
    checkOption("Adadelta", "eps", eps);
    checkOption("Adadelta", "weightDecay", weightDecay);
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, rho, weightDecay, eps, maximize } = group;
    return [lr, rho, weightDecay, eps, Number(maximize)];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    state.step = (state.step ?? 0) + 1;
    state.square_avg ??= this.stateLike(p);
    state.acc_delta ??= this.stateLike(p);
    this.runKernel("adadelta", group, p, grad, state.square_avg, state.acc_delta);
  }

  protected override adoptScalar(_p: Tensor, _name: string, value: Tensor | number): number {
    return value instanceof Tensor ? Number(item(value)) : value;
  }
}
