/**
 * Stochastic gradient descent.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, REQUIRED, type State } from "./optimizer.ts";

/** Options of `SGD`. */
export interface SGDOptions {
  /** The learning rate; required. */
  lr?: number;
  /** How much of the step before is kept. */
  momentum?: number;
  /** How much of the gradient is kept out of the momentum. */
  dampening?: number;
  /** Factor of the parameter that is added to its gradient. */
  weightDecay?: number;
  /** Look ahead by the momentum, after Nesterov. */
  nesterov?: boolean;
  /** Go up instead of down. */
  maximize?: boolean;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
  /** Not supported: a step is not recorded. */
  differentiable?: boolean;
}

/**
 * Stochastic gradient descent, with momentum.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 */
export class SGD extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [lr: number, momentum: number, dampening: number, weightDecay: number, nesterov: boolean],
      SGDOptions
    >
  ) {
    const defaults = read("SGD", {
      lr: REQUIRED as unknown as number,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
      foreach: null as boolean | null,
      differentiable: false,
    }, args);
    const { lr, momentum, dampening, weightDecay, nesterov } = defaults;
    checkOption("SGD", "learning rate", lr);
    checkOption("SGD", "momentum", momentum);
    checkOption("SGD", "weightDecay", weightDecay);
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new RangeError("SGD: Nesterov momentum requires a momentum and zero dampening");
    }
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    return [lr, momentum, dampening, weightDecay, Number(nesterov), Number(maximize)];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    if (group.momentum === 0) {
      state.momentum_buffer ??= null;
      this.runKernel("sgd", group, p, grad);
      return;
    }
    const before: Tensor | null = state.momentum_buffer ?? null;
    if (before === null) state.momentum_buffer = this.stateLike(p);
    this.runKernel("sgd", group, p, grad, state.momentum_buffer, before);
  }
}
