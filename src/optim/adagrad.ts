/**
 * Adagrad.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { unscoped } from "../backend/storage.ts";
import { advance, KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, scalar, type State } from "./optimizer.ts";

/** Options of `Adagrad`. */
export interface AdagradOptions {
  /** The learning rate. */
  lr?: number;
  /** How the learning rate falls: lr / (1 + steps * lrDecay). */
  lrDecay?: number;
  /** Factor of the parameter that is added to its gradient. */
  weightDecay?: number;
  /** What the sums begin with. */
  initialAccumulatorValue?: number;
  /** Added to the denominator. */
  eps?: number;
  /** Go up instead of down. */
  maximize?: boolean;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
}

/**
 * Adagrad: steps scaled by the sum of all squared gradients.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
 */
export class Adagrad extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [
        lr: number,
        lrDecay: number,
        weightDecay: number,
        initialAccumulatorValue: number,
        eps: number,
      ],
      AdagradOptions
    >
  ) {
    const defaults = read("Adagrad", {
      lr: 1e-2,
      lrDecay: 0,
      weightDecay: 0,
      initialAccumulatorValue: 0,
      eps: 1e-10,
      foreach: null as boolean | null,
      maximize: false,
    }, args);
    const { lr, lrDecay, weightDecay, initialAccumulatorValue, eps } = defaults;
    checkOption("Adagrad", "learning rate", lr);
    checkOption("Adagrad", "lrDecay", lrDecay);
    checkOption("Adagrad", "weightDecay", weightDecay);
    checkOption("Adagrad", "initialAccumulatorValue", initialAccumulatorValue);
    checkOption("Adagrad", "eps", eps);
    super(params, { ...defaults });
    for (const group of this.paramGroups) {
      for (const p of group.params) {
        const state: State = {};
        unscoped(() => this.#begin(p, state, group));
        this.state.set(p, state);
      }
    }
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, lrDecay, weightDecay, eps, maximize } = group;
    return [lr, lrDecay, weightDecay, eps, Number(maximize)];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    this.#begin(p, state, group);
    advance(state.step);
    this.runKernel("adagrad", group, p, grad, state.sum, null, null, state.step);
  }

  #begin(p: Tensor, state: State, group: ParamGroup): void {
    state.step ??= scalar(p, 0);
    state.sum ??= this.stateLike(p, group.initialAccumulatorValue);
  }
}
