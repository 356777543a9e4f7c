/**
 * Activations with settings, as modules.
 *
 * @module
 */
import { gelu, glu, hardshrink, softplus, softshrink } from "../ops/activation.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { checkNumbers } from "./rectifier.ts";
import { show } from "./text.ts";

/** Options of `Softplus`. */
export interface SoftplusOptions {
  /** How sharply it bends. */
  beta?: number;
  /** Above this, beta x counts as linear. */
  threshold?: number;
}

/**
 * log(1 + exp(beta x)) / beta; x itself where beta x > threshold.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html
 */
export class Softplus extends Module {
  /** How sharply it bends. */
  beta: number;
  /** Above this, beta x counts as linear. */
  threshold: number;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[beta: number, threshold: number], SoftplusOptions>) {
    super();
    const { beta, threshold } = read("Softplus", { beta: 1, threshold: 20 }, args);
    checkNumbers("Softplus", { beta, threshold });
    this.beta = beta;
    this.threshold = threshold;
  }

  override forward(input: Tensor): Tensor {
    return softplus(input, this.beta, this.threshold);
  }

  override extraRepr(): string {
    return `beta=${show(this.beta)}, threshold=${show(this.threshold)}`;
  }
}

/** Options of `Softshrink`. */
export interface SoftshrinkOptions {
  /** The distance from 0 within which the result is 0. */
  lambd?: number;
}

/**
 * x moved towards 0 by lambd, and 0 within that distance.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
 */
export class Softshrink extends Module {
  /** The distance from 0 within which the result is 0. */
  lambd: number;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[lambd: number], SoftshrinkOptions>) {
    super();
    const { lambd } = read("Softshrink", { lambd: 0.5 }, args);
    checkNumbers("Softshrink", { lambd });
    this.lambd = lambd;
  }

  override forward(input: Tensor): Tensor {
    return softshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return show(this.lambd);
  }
}

/** Options of `Hardshrink`. */
export interface HardshrinkOptions {
  /** The distance from 0 within which the result is 0. */
  lambd?: number;
}

/**
 * x where |x| > lambd, else 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
 */
export class Hardshrink extends Module {
  /** The distance from 0 within which the result is 0. */
  lambd: number;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[lambd: number], HardshrinkOptions>) {
    super();
    const { lambd } = read("Hardshrink", { lambd: 0.5 }, args);
    checkNumbers("Hardshrink", { lambd });
    this.lambd = lambd;
  }

  override forward(input: Tensor): Tensor {
    return hardshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return show(this.lambd);
  }
}

/** Options of `GELU`. */
export interface GELUOptions {
  /** `"tanh"` for an approximation. */
  approximate?: "none" | "tanh";
}

/**
 * x Phi(x), where Phi is the distribution function of the normal distribution.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GELU.html
 */
export class GELU extends Module {
  /** `"tanh"` for an approximation. */
  approximate: "none" | "tanh";

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[approximate: "none" | "tanh"], GELUOptions>) {
    super();
    const { approximate } = read("GELU", { approximate: "none" as "none" | "tanh" }, args);
    this.approximate = approximate;
  }

  override forward(input: Tensor): Tensor {
    return gelu(input, this.approximate);
  }

  override extraRepr(): string {
    return `approximate=${show(this.approximate)}`;
  }
}

/** Options of `GLU`. */
export interface GLUOptions {
  /** The axis to halve. */
  dim?: number;
}

/**
 * The first half of x along an axis times the sigmoid of the second: [..., 2n, ...] -> [..., n, ...].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GLU.html
 */
export class GLU extends Module {
  /** The axis to halve. */
  dim: number;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[dim: number], GLUOptions>) {
    super();
    const { dim } = read("GLU", { dim: -1 }, args);
    this.dim = dim;
  }

  override forward(input: Tensor): Tensor {
    return glu(input, this.dim);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
