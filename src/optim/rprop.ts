/**
 * Rprop.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item } from "../ops/access.ts";
import { KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, type State } from "./optimizer.ts";

/** Options of `Rprop`. */
export interface RpropOptions {
  /** The learning rate. */
  lr?: number;
  /** How a step size shrinks where the gradient turns, and grows where it does not. */
  etas?: readonly [number, number];
  /** The smallest and the largest step size. */
  stepSizes?: readonly [number, number];
  /** Go up instead of down. */
  maximize?: boolean;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
}

/**
 * Rprop: only the signs of gradients count; each element has a step size of its own.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Rprop.html
 */
export class Rprop extends KernelOptimizer {
  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [lr: number, etas: readonly [number, number], stepSizes: readonly [number, number]],
      RpropOptions
    >
  ) {
    const defaults = read("Rprop", {
      lr: 1e-2,
      etas: [0.5, 1.2] as readonly [number, number],
      stepSizes: [1e-6, 50] as readonly [number, number],
      foreach: null as boolean | null,
      maximize: false,
    }, args);
    const { lr, etas } = defaults;
    checkOption("Rprop", "learning rate", lr);
    if (!(etas[0] > 0 && etas[0] < 1 && etas[1] > 1)) {
      throw new RangeError(
        `Rprop: invalid etas: ${etas[0]}, ${etas[1]}, expected 0 < etas[0] < 1 < etas[1]`,
      );
    }
    super(params, { ...defaults });
  }

  protected override optionsOf(group: ParamGroup): number[] {
    const { etas, stepSizes, maximize } = group;
    return [etas[0], etas[1], stepSizes[0], stepSizes[1], Number(maximize)];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    state.step = (state.step ?? 0) + 1;
    state.prev ??= this.stateLike(p);
    state.step_size ??= this.stateLike(p, group.lr);
    this.runKernel("rprop", group, p, grad, state.prev, state.step_size);
  }

  protected override adoptScalar(_p: Tensor, _name: string, value: Tensor | number): number {
    return value instanceof Tensor ? Number(item(value)) : value;
  }
}
