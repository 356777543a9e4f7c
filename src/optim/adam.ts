/**
 * Adam and AdamW.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { advance, KernelOptimizer } from "./kernel.ts";
import { checkOption, type ParamGroup, type Params, scalar, type State } from "./optimizer.ts";

/** Options of `Adam` and `AdamW`. */
export interface AdamOptions {
  /** The learning rate. */
  lr?: number;
  /** How much of the running means of the gradient and of its square is kept in each step. */
  betas?: readonly [number, number];
  /** Added to the denominator. */
  eps?: number;
  /** `Adam`: factor of the parameter that is added to its gradient; `AdamW`: by which, times lr, it shrinks. */
  weightDecay?: number;
  /** Use the largest mean square so far. */
  amsgrad?: boolean;
  /** Go up instead of down. */
  maximize?: boolean;
  /** Has no effect: every parameter is one kernel. */
  foreach?: boolean | null;
  /** Has no effect: every step can be captured. */
  capturable?: boolean;
  /** Not supported: a step is not recorded. */
  differentiable?: boolean;
  /** Has no effect: every parameter is one kernel. */
  fused?: boolean | null;
}

/** What Adam and AdamW share. */
abstract class AdamBase extends KernelOptimizer {
  /** Whether the decay goes past the gradient. */
  protected abstract readonly decoupled: boolean;

  protected override optionsOf(group: ParamGroup): number[] {
    const { lr, betas, eps, weightDecay, amsgrad, maximize } = group;
    return [
      lr,
      betas[0],
      betas[1],
      eps,
      weightDecay,
      Number(this.decoupled),
      Number(amsgrad),
      Number(maximize),
    ];
  }

  protected override update(p: Tensor, grad: Tensor, state: State, group: ParamGroup): void {
    if (state.step === undefined) {
      state.step = scalar(p, 0);
      state.exp_avg = this.stateLike(p);
      state.exp_avg_sq = this.stateLike(p);
    }
    if (group.amsgrad) state.max_exp_avg_sq ??= this.stateLike(p);
    advance(state.step);
    this.runKernel(
      "adam",
      group,
      p,
      grad,
      state.exp_avg,
      state.exp_avg_sq,
      group.amsgrad ? state.max_exp_avg_sq : null,
      state.step,
    );
  }
}

/** Throws unless the options are in their ranges. */
export function checkAdamOptions(
  call: string,
  options: { lr: number; betas: readonly number[]; eps: number; weightDecay: number },
): void {
  const { lr, betas, eps, weightDecay } = options;
  checkOption(call, "learning rate", lr);
  checkOption(call, "eps", eps);
  if (!Array.isArray(betas) || betas.length !== 2) {
    throw new TypeError(`${call}: betas must be two numbers, got ${describeValue(betas)}`);
  }
  checkOption(call, "beta at index 0", betas[0], 0, 1);
  checkOption(call, "beta at index 1", betas[1], 0, 1);
  checkOption(call, "weightDecay", weightDecay);
}

/**
 * Adam: steps scaled by running means of the gradient and of its square.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adam.html
 */
export class Adam extends AdamBase {
  protected readonly decoupled = false;

  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [
        lr: number,
        betas: readonly [number, number],
        eps: number,
        weightDecay: number,
        amsgrad: boolean,
      ],
      AdamOptions
    >
  ) {
    const defaults = read("Adam", {
      lr: 1e-3,
      betas: [0.9, 0.999] as readonly [number, number],
      eps: 1e-8,
      weightDecay: 0,
      amsgrad: false,
      maximize: false,
      foreach: null as boolean | null,
      capturable: false,
      differentiable: false,
      fused: false as boolean | null,
    }, args);
    checkAdamOptions("Adam", defaults);
    super(params, { ...defaults });
  }
}

/**
 * AdamW: Adam with weight decay that goes past the gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
 */
export class AdamW extends AdamBase {
  protected readonly decoupled = true;

  /** Takes parameters or groups of them. */
  constructor(
    params: Params,
    ...args: Args<
      [
        lr: number,
        betas: readonly [number, number],
        eps: number,
        weightDecay: number,
        amsgrad: boolean,
      ],
      AdamOptions
    >
  ) {
    const defaults = read("AdamW", {
      lr: 1e-3,
      betas: [0.9, 0.999] as readonly [number, number],
      eps: 1e-8,
      weightDecay: 1e-2,
      amsgrad: false,
      foreach: null as boolean | null,
      maximize: false,
      capturable: false,
      differentiable: false,
      fused: false as boolean | null,
    }, args);
    checkAdamOptions("AdamW", defaults);
    super(params, { ...defaults });
  }
}
