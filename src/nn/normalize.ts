/**
 * Normalisation of rows, groups and neighbouring channels, as modules.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import { groupNorm, layerNorm, rmsNorm } from "../ops/normalize.ts";
import { localResponseNorm } from "../ops/rescale.ts";
import { type Args, read, wholeNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ones_, zeros_ } from "./init.ts";
import { count, FACTORY, type FactoryOptions, newParameter } from "./linear.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { show, showFloat } from "./text.ts";

/** The shape that `value` stands for. */
function shapeOf(call: string, value: number | readonly number[]): number[] {
  const sizes = typeof value === "number" ? [value] : value;
  if (!Array.isArray(sizes)) {
    throw new TypeError(`${call}: normalizedShape must be a shape, got ${describeValue(value)}`);
  }
  return sizes.map((n) => count(call, "normalizedShape", n));
}

/** Options of `LayerNorm`. */
export interface LayerNormModuleOptions extends FactoryOptions {
  /** The shape of what is normalised: the last axes of an input. */
  normalizedShape?: number | readonly number[];
  /** Added to the variance. */
  eps?: number;
  /** Whether each element has a learned factor and, with `bias`, a learned shift; true by default. */
  elementwiseAffine?: boolean;
  /** Whether there is a learned shift; true by default. */
  bias?: boolean;
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias over the last axes. [..., normalizedShape] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
 */
export class LayerNorm extends Module {
  /** The shape of what is normalised. */
  readonly normalizedShape: number[];
  /** Added to the variance. */
  eps: number;
  /** Whether there are learned factors. */
  readonly elementwiseAffine: boolean;
  /** [normalizedShape], or null. */
  weight: Parameter | null;
  /** [normalizedShape], or null. */
  bias: Parameter | null;

  /** Takes the shape of what is normalised: `new nn.LayerNorm(512)`. */
  constructor(
    ...args: Args<
      [
        normalizedShape: number | readonly number[],
        eps: number,
        elementwiseAffine: boolean,
        bias: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      LayerNormModuleOptions
    >
  ) {
    super();
    const { normalizedShape, eps, elementwiseAffine, bias, ...factory } = read("LayerNorm", {
      normalizedShape: undefined as unknown as number | readonly number[],
      eps: 1e-5,
      elementwiseAffine: true,
      bias: true,
      ...FACTORY,
    }, args);
    const shape = this.normalizedShape = shapeOf("LayerNorm", normalizedShape);
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? newParameter(shape, factory) : null;
    this.bias = elementwiseAffine && bias ? newParameter(shape, factory) : null;
    this.resetParameters();
  }

  /** Sets the factors to 1 and the shifts to 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  override forward(input: Tensor): Tensor {
    return layerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    const { normalizedShape, eps, elementwiseAffine } = this;
    return `${show(normalizedShape)}, eps=${show(eps)}, elementwise_affine=${
      show(elementwiseAffine)
    }`;
  }
}

/** Options of `RMSNorm`. */
export interface RMSNormModuleOptions extends FactoryOptions {
  /** The shape of what is normalised: the last axes of an input. */
  normalizedShape?: number | readonly number[];
  /** Added to the mean of squares; by default the input dtype's distance from 1 to the next number. */
  eps?: number | null;
  /** Whether each element has a learned factor; true by default. */
  elementwiseAffine?: boolean;
}

/**
 * x / sqrt(mean of x^2 + eps) * weight over the last axes. [..., normalizedShape] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
 */
export class RMSNorm extends Module {
  /** The shape of what is normalised. */
  readonly normalizedShape: number[];
  /** Added to the mean of squares; or null. */
  eps: number | null;
  /** Whether there are learned factors. */
  readonly elementwiseAffine: boolean;
  /** [normalizedShape], or null. */
  weight: Parameter | null;

  /** Takes the shape of what is normalised: `new nn.RMSNorm(512)`. */
  constructor(
    ...args: Args<
      [
        normalizedShape: number | readonly number[],
        eps: number | null,
        elementwiseAffine: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      RMSNormModuleOptions
    >
  ) {
    super();
    const { normalizedShape, eps, elementwiseAffine, ...factory } = read("RMSNorm", {
      normalizedShape: undefined as unknown as number | readonly number[],
      eps: null as number | null,
      elementwiseAffine: true,
      ...FACTORY,
    }, args);
    const shape = this.normalizedShape = shapeOf("RMSNorm", normalizedShape);
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? newParameter(shape, factory) : null;
    this.resetParameters();
  }

  /** Sets the factors to 1. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
  }

  override forward(input: Tensor): Tensor {
    return rmsNorm(input, this.normalizedShape, this.weight, this.eps);
  }

  override extraRepr(): string {
    const { normalizedShape, eps, elementwiseAffine } = this;
    return `${show(normalizedShape)}, eps=${show(eps)}, elementwise_affine=${
      show(elementwiseAffine)
    }`;
  }
}

/** Options of `GroupNorm`. */
export interface GroupNormModuleOptions extends FactoryOptions {
  /** Into how many groups the channels are divided. */
  numGroups?: number;
  /** How many channels an input has. */
  numChannels?: number;
  /** Added to the variance. */
  eps?: number;
  /** Whether each channel has a learned factor and shift; true by default. */
  affine?: boolean;
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias over groups of channels. [N, C, ...] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
 */
export class GroupNorm extends Module {
  /** Into how many groups the channels are divided. */
  readonly numGroups: number;
  /** How many channels an input has. */
  readonly numChannels: number;
  /** Added to the variance. */
  eps: number;
  /** Whether there are learned factors and shifts. */
  readonly affine: boolean;
  /** [C], or null. */
  weight: Parameter | null;
  /** [C], or null. */
  bias: Parameter | null;

  /** Takes the numbers of groups and channels: `new nn.GroupNorm(3, 6)`. */
  constructor(
    ...args: Args<
      [
        numGroups: number,
        numChannels: number,
        eps: number,
        affine: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      GroupNormModuleOptions
    >
  ) {
    super();
    const { numGroups, numChannels, eps, affine, ...factory } = read("GroupNorm", {
      numGroups: NaN,
      numChannels: NaN,
      eps: 1e-5,
      affine: true,
      ...FACTORY,
    }, args);
    this.numGroups = wholeNumber("GroupNorm", "numGroups", numGroups);
    this.numChannels = count("GroupNorm", "numChannels", numChannels);
    if (numGroups < 1 || numChannels % numGroups !== 0) {
      throw new RangeError(
        `GroupNorm: numChannels must be divisible by numGroups, got ${numChannels} and ${numGroups}`,
      );
    }
    this.eps = eps;
    this.affine = affine;
    this.weight = affine ? newParameter([numChannels], factory) : null;
    this.bias = affine ? newParameter([numChannels], factory) : null;
    this.resetParameters();
  }

  /** Sets the factors to 1 and the shifts to 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }

  override forward(input: Tensor): Tensor {
    return groupNorm(input, this.numGroups, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    const { numGroups, numChannels, eps, affine } = this;
    return `${numGroups}, ${numChannels}, eps=${show(eps)}, affine=${show(affine)}`;
  }
}

/** Options of `LocalResponseNorm`. */
export interface LocalResponseNormModuleOptions {
  /** How many neighbouring channels. */
  size?: number;
  /** The factor of their mean square. */
  alpha?: number;
  /** The exponent. */
  beta?: number;
  /** Added to the mean square. */
  k?: number;
}

/**
 * x / (k + alpha * mean of x^2 over neighbouring channels)^beta. [N, C, L, ...] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
 */
export class LocalResponseNorm extends Module {
  /** How many neighbouring channels. */
  size: number;
  /** The factor of their mean square. */
  alpha: number;
  /** The exponent. */
  beta: number;
  /** Added to the mean square. */
  k: number;

  /** Takes the number of neighbouring channels. */
  constructor(
    ...args: Args<
      [size: number, alpha: number, beta: number, k: number],
      LocalResponseNormModuleOptions
    >
  ) {
    super();
    const { size, alpha, beta, k } = read(
      "LocalResponseNorm",
      { size: NaN, alpha: 1e-4, beta: 0.75, k: 1 },
      args,
    );
    this.size = wholeNumber("LocalResponseNorm", "size", size);
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  override forward(input: Tensor): Tensor {
    return localResponseNorm(input, this.size, this.alpha, this.beta, this.k);
  }

  override extraRepr(): string {
    const { size, alpha, beta, k } = this;
    return `${size}, alpha=${show(alpha)}, beta=${show(beta)}, k=${showFloat(k, 1)}`;
  }
}
