/**
 * Rectifiers with settings, as modules: each is a line above some point.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import { celu, elu, hardtanh, leakyRelu, prelu, threshold } from "../ops/activation.ts";
import { rrelu } from "../ops/rrelu.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { constant_ } from "./init.ts";
import { count, FACTORY, type FactoryOptions, newParameter } from "./linear.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { show, showFloat } from "./text.ts";

function inplaceText(module: { inplace: boolean }): string {
  return module.inplace ? ", inplace=True" : "";
}

/** Throws `TypeError` unless every one of `values` is a number. */
export function checkNumbers(call: string, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== "number") {
      throw new TypeError(`${call}: ${name} must be a number, got ${describeValue(value)}`);
    }
  }
}

/** Options of `ELU`. */
export interface ELUOptions {
  /** Minus the value that is approached below 0. */
  alpha?: number;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/**
 * x where x > 0, else alpha (exp(x) - 1).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ELU.html
 */
export class ELU extends Module {
  /** Minus the value that is approached below 0. */
  alpha: number;
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[alpha: number, inplace: boolean], ELUOptions>) {
    super();
    const { alpha, inplace } = read("ELU", { alpha: 1, inplace: false }, args);
    checkNumbers("ELU", { alpha });
    this.alpha = alpha;
    this.inplace = inplace;
  }

  override forward(input: Tensor): Tensor {
    return elu(input, this.alpha, this.inplace);
  }

  override extraRepr(): string {
    return `alpha=${showFloat(this.alpha, 1)}${inplaceText(this)}`;
  }
}

/** Options of `CELU`. */
export interface CELUOptions {
  /** Minus the value that is approached below 0. */
  alpha?: number;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/**
 * x where x > 0, else alpha (exp(x / alpha) - 1).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CELU.html
 */
export class CELU extends Module {
  /** Minus the value that is approached below 0. */
  alpha: number;
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[alpha: number, inplace: boolean], CELUOptions>) {
    super();
    const { alpha, inplace } = read("CELU", { alpha: 1, inplace: false }, args);
    checkNumbers("CELU", { alpha });
    this.alpha = alpha;
    this.inplace = inplace;
  }

  override forward(input: Tensor): Tensor {
    return celu(input, this.alpha, this.inplace);
  }

  override extraRepr(): string {
    return `alpha=${showFloat(this.alpha, 1)}${inplaceText(this)}`;
  }
}

/** Options of `LeakyReLU`. */
export interface LeakyReLUOptions {
  /** The slope below 0. */
  negativeSlope?: number;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/**
 * x where x > 0, else negativeSlope x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Module {
  /** The slope below 0. */
  negativeSlope: number;
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[negativeSlope: number, inplace: boolean], LeakyReLUOptions>) {
    super();
    const { negativeSlope, inplace } = read(
      "LeakyReLU",
      { negativeSlope: 0.01, inplace: false },
      args,
    );
    checkNumbers("LeakyReLU", { negativeSlope });
    this.negativeSlope = negativeSlope;
    this.inplace = inplace;
  }

  override forward(input: Tensor): Tensor {
    return leakyRelu(input, this.negativeSlope, this.inplace);
  }

  override extraRepr(): string {
    return `negative_slope=${show(this.negativeSlope)}${inplaceText(this)}`;
  }
}

/** Options of `Hardtanh`. */
export interface HardtanhOptions {
  /** The lowest result. */
  minVal?: number;
  /** The highest result. */
  maxVal?: number;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/**
 * x between minVal and maxVal, these beyond them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html
 */
export class Hardtanh extends Module {
  /** The lowest result. */
  minVal: number;
  /** The highest result. */
  maxVal: number;
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[minVal: number, maxVal: number, inplace: boolean], HardtanhOptions>) {
    super();
    const { minVal, maxVal, inplace } = read(
      "Hardtanh",
      { minVal: -1, maxVal: 1, inplace: false },
      args,
    );
    checkNumbers("Hardtanh", { minVal, maxVal });
    if (!(minVal < maxVal)) {
      throw new RangeError(`Hardtanh: minVal ${minVal} must be below maxVal ${maxVal}`);
    }
    this.minVal = minVal;
    this.maxVal = maxVal;
    this.inplace = inplace;
  }

  override forward(input: Tensor): Tensor {
    return hardtanh(input, this.minVal, this.maxVal, this.inplace);
  }

  override extraRepr(): string {
    return `min_val=${showFloat(this.minVal, -1)}, max_val=${showFloat(this.maxVal, 1)}${
      inplaceText(this)
    }`;
  }
}

/** Options of `Threshold`. */
export interface ThresholdOptions {
  /** Above this, x stays. */
  threshold?: number;
  /** What takes its place elsewhere. */
  value?: number;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/**
 * x where x > threshold, else value.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Threshold.html
 */
export class Threshold extends Module {
  /** Above this, x stays. */
  threshold: number;
  /** What takes its place elsewhere. */
  value: number;
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes the settings in this order, or by name. */
  constructor(
    ...args: Args<[threshold: number, value: number, inplace: boolean], ThresholdOptions>
  ) {
    super();
    const { threshold, value, inplace } = read("Threshold", {
      threshold: NaN,
      value: NaN,
      inplace: false,
    }, args);
    checkNumbers("Threshold", { threshold, value });
    if (Number.isNaN(threshold) || Number.isNaN(value)) {
      throw new TypeError("Threshold: threshold and value must be given");
    }
    this.threshold = threshold;
    this.value = value;
    this.inplace = inplace;
  }

  override forward(input: Tensor): Tensor {
    return threshold(input, this.threshold, this.value, this.inplace);
  }

  override extraRepr(): string {
    return `threshold=${show(this.threshold)}, value=${show(this.value)}${inplaceText(this)}`;
  }
}

/** Options of `RReLU`. */
export interface RReLUOptions {
  /** The lowest slope. */
  lower?: number;
  /** The highest slope. */
  upper?: number;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/**
 * x where x > 0, else x times a slope, drawn between lower and upper in training, else the middle.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RReLU.html
 */
export class RReLU extends Module {
  /** The lowest slope. */
  lower: number;
  /** The highest slope. */
  upper: number;
  /** Whether to write into the input. */
  inplace: boolean;

  /** Takes the settings in this order, or by name. */
  constructor(...args: Args<[lower: number, upper: number, inplace: boolean], RReLUOptions>) {
    super();
    const { lower, upper, inplace } = read(
      "RReLU",
      { lower: 1 / 8, upper: 1 / 3, inplace: false },
      args,
    );
    checkNumbers("RReLU", { lower, upper });
    this.lower = lower;
    this.upper = upper;
    this.inplace = inplace;
  }

  override forward(input: Tensor): Tensor {
    return rrelu(input, this.lower, this.upper, this.training, this.inplace);
  }

  override extraRepr(): string {
    return `lower=${show(this.lower)}, upper=${show(this.upper)}${inplaceText(this)}`;
  }
}

/** Options of `PReLU`. */
export interface PReLUOptions extends FactoryOptions {
  /** How many slopes are learned: 1, or one for each channel. */
  numParameters?: number;
  /** What they begin with. */
  init?: number;
}

/**
 * x where x > 0, else x times a learned slope. [N, C, ...] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PReLU.html
 */
export class PReLU extends Module {
  /** How many slopes are learned. */
  readonly numParameters: number;
  /** The slopes: [numParameters]. */
  weight: Parameter;

  /** Takes how many slopes are learned (1, or one for each channel), and what they begin with. */
  constructor(
    ...args: Args<
      [numParameters: number, init: number, device: string | null, dtype: DType | null],
      PReLUOptions
    >
  ) {
    super();
    const { numParameters, init, ...factory } = read("PReLU", {
      numParameters: 1,
      init: 0.25,
      ...FACTORY,
    }, args);
    this.numParameters = count("PReLU", "numParameters", numParameters);
    this.weight = newParameter([numParameters], factory);
    constant_(this.weight, init);
  }

  override forward(input: Tensor): Tensor {
    return prelu(input, this.weight);
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}
