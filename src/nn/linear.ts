/**
 * Linear layers.
 *
 * @module
 */
import type { DType } from "../backend/dtype.ts";
import { empty } from "../ops/create.ts";
import { bilinear, linear } from "../ops/linear.ts";
import { type Args, read, wholeNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { show } from "./text.ts";

/** Where a module's parameters are made, and of which dtype. */
export interface FactoryOptions {
  /** The device of the parameters. */
  device?: string | null;
  /** The dtype of the parameters. */
  dtype?: DType | null;
}

/** The defaults of `FactoryOptions`. */
export const FACTORY: { device: string | null; dtype: DType | null } = {
  device: null,
  dtype: null,
};

/** A number of features or the like. Throws `RangeError` when it is negative. */
export function count(call: string, name: string, value: unknown): number {
  const n = wholeNumber(call, name, value);
  if (n < 0) throw new RangeError(`${call}: ${name} cannot be negative, got ${n}`);
  return n;
}

/** A parameter of this shape, not initialised. */
export function newParameter(shape: readonly number[], options: FactoryOptions): Parameter {
  const { device, dtype } = options;
  return new Parameter(empty(shape, { device, dtype }));
}

/**
 * Gives back what it gets, whatever it was made with.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Identity.html
 */
export class Identity extends Module {
  /** Takes anything, and ignores it. */
  constructor(..._ignored: unknown[]) {
    super();
  }

  override forward(input: Tensor): Tensor {
    return input;
  }
}

/** Options of `Linear`. */
export interface LinearOptions extends FactoryOptions {
  /** The size of an input. */
  inFeatures?: number;
  /** The size of an output. */
  outFeatures?: number;
  /** Whether a learned number is added to each output; true by default. */
  bias?: boolean;
}

/**
 * y = x W^T + b. [..., inFeatures] -> [..., outFeatures].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
 */
export class Linear extends Module {
  /** The size of an input. */
  readonly inFeatures: number;
  /** The size of an output. */
  readonly outFeatures: number;
  /** [outFeatures, inFeatures]. */
  weight: Parameter;
  /** [outFeatures], or null. */
  bias: Parameter | null;

  /** Takes the sizes of an input and an output: `new nn.Linear(20, 10)`, `new nn.Linear(20, 10, { bias: false })`. */
  constructor(
    ...args: Args<
      [
        inFeatures: number,
        outFeatures: number,
        bias: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      LinearOptions
    >
  ) {
    super();
    const { inFeatures, outFeatures, bias, ...factory } = read("Linear", {
      inFeatures: NaN,
      outFeatures: NaN,
      bias: true,
      ...FACTORY,
    }, args);
    this.inFeatures = count("Linear", "inFeatures", inFeatures);
    this.outFeatures = count("Linear", "outFeatures", outFeatures);
    this.weight = newParameter([outFeatures, inFeatures], factory);
    this.bias = bias ? newParameter([outFeatures], factory) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew: uniform in +-1 / sqrt(inFeatures). */
  resetParameters(): void {
    kaimingUniform_(this.weight, Math.sqrt(5));
    if (this.bias === null) return;
    const [fanIn] = calculateFanInAndFanOut(this.weight);
    const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
    uniform_(this.bias, -bound, bound);
  }

  override forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { inFeatures, outFeatures, bias } = this;
    return `in_features=${inFeatures}, out_features=${outFeatures}, bias=${show(bias !== null)}`;
  }
}

/** Options of `Bilinear`. */
export interface BilinearOptions extends FactoryOptions {
  /** The size of a first input. */
  in1Features?: number;
  /** The size of a second input. */
  in2Features?: number;
  /** The size of an output. */
  outFeatures?: number;
  /** Whether a learned number is added to each output; true by default. */
  bias?: boolean;
}

/**
 * y = x1^T W x2 + b. [..., in1Features], [..., in2Features] -> [..., outFeatures].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
 */
export class Bilinear extends Module {
  /** The size of a first input. */
  readonly in1Features: number;
  /** The size of a second input. */
  readonly in2Features: number;
  /** The size of an output. */
  readonly outFeatures: number;
  /** [outFeatures, in1Features, in2Features]. */
  weight: Parameter;
  /** [outFeatures], or null. */
  bias: Parameter | null;

  /** Takes the sizes of both inputs and of an output. */
  constructor(
    ...args: Args<
      [
        in1Features: number,
        in2Features: number,
        outFeatures: number,
        bias: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      BilinearOptions
    >
  ) {
    super();
    const { in1Features, in2Features, outFeatures, bias, ...factory } = read("Bilinear", {
      in1Features: NaN,
      in2Features: NaN,
      outFeatures: NaN,
      bias: true,
      ...FACTORY,
    }, args);
    this.in1Features = count("Bilinear", "in1Features", in1Features);
    this.in2Features = count("Bilinear", "in2Features", in2Features);
    this.outFeatures = count("Bilinear", "outFeatures", outFeatures);
    if (in1Features === 0) {
      throw new RangeError("Bilinear: in1Features must be at least 1, got 0");
    }
    this.weight = newParameter([outFeatures, in1Features, in2Features], factory);
    this.bias = bias ? newParameter([outFeatures], factory) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew: uniform in +-1 / sqrt(in1Features). */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  override forward(input1: Tensor, input2: Tensor): Tensor {
    return bilinear(input1, input2, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures, bias } = this;
    return `in1_features=${in1Features}, in2_features=${in2Features}, out_features=${outFeatures}, ` +
      `bias=${show(bias !== null)}`;
  }
}
