/**
 * Random numbers, as PyTorch draws them on the CPU.
 *
 * @module
 */
import { type DType, float32 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, readShape } from "../tensor/arguments.ts";
import { backendOf, emptyOn, type TensorOptions, withOptions } from "../tensor/create.ts";
import { defaultGenerator, type Generator } from "../tensor/generator.ts";
import { checkShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  checkFloat,
  checkNumber,
  fillFloat,
  fillNormal,
  generatorFor,
  type GeneratorOption,
} from "./draw.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";

/** What random functions that make tensors take, last. */
export interface RandomOptions extends TensorOptions, GeneratorOption {}

/** Sizes as `(2, 3)` or `([2, 3])`, with options last. */
export type RandomSizeArgs =
  | [size: readonly number[], options?: RandomOptions]
  | [...size: number[]]
  | [...size: (number | RandomOptions)[]];

const OPTIONS = {
  dtype: null as DType | null,
  device: null as string | null,
  requiresGrad: false,
  generator: null as Generator | null,
};

/** Starts the default generator anew from `seed`, and returns it. */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

/** Starts the default generator anew from a seed that nobody can foresee, and returns that. */
export function seed(): number {
  return defaultGenerator.seed();
}

/** The seed that the default generator was last started from. */
export function initialSeed(): number | bigint {
  return defaultGenerator.initialSeed();
}

/** The state of the default generator -> [5056] of uint8. */
export function getRngState(): Tensor {
  return defaultGenerator.getState();
}

/** Lets the default generator go on from a state of `getRngState`. */
export function setRngState(state: Tensor): void {
  defaultGenerator.setState(state);
}

function make(
  call: string,
  args: RandomSizeArgs,
  fill: (x: Tensor, generator: Generator) => void,
): Tensor {
  const [shape, rest] = readShape(call, args);
  checkShape(call, shape);
  const options = read(call, OPTIONS, rest), dtype = options.dtype ?? float32;
  checkFloat(call, dtype);
  const x = emptyOn(backendOf(call, options.device), shape, dtype);
  fill(x, generatorFor(call, x, options.generator));
  return withOptions(x, options);
}

/** Uniform numbers from [0, 1): `rand(2, 3)`, `rand([2, 3], { generator })`. */
export function rand(...size: RandomSizeArgs): Tensor {
  return make("rand", size, (x, generator) => fillFloat("uniform", x, generator, 0, 1));
}

/** Normal numbers of mean 0 and standard deviation 1: `randn(2, 3)`, `randn([2, 3], { generator })`. */
export function randn(...size: RandomSizeArgs): Tensor {
  return make("randn", size, (x, generator) => fillNormal(x, generator, 0, 1));
}

/** Options of `uniform_`. */
export interface UniformOptions extends GeneratorOption {
  /** The lower bound; 0 by default. */
  from?: number;
  /** The upper bound; 1 by default. */
  to?: number;
}

/**
 * Writes uniform numbers from [from, to) into every element of `x`.
 *
 * @throws RangeError when `from` is greater than `to`.
 */
export function uniform_(
  x: Tensor,
  ...args: Args<[from: number, to: number], UniformOptions>
): Tensor {
  const { from, to, generator } = read("uniform_", {
    from: 0,
    to: 1,
    generator: null as Generator | null,
  }, args);
  checkTensor("uniform_", "self", x);
  checkNumber("uniform_", "from", from);
  checkNumber("uniform_", "to", to);
  checkFloat("uniform_", x.dtype);
  if (!(from <= to)) {
    throw new RangeError(`uniform_: from must not exceed to, got ${from} and ${to}`);
  }
  const source = generatorFor("uniform_", x, generator);
  beginInPlace("uniform_", x);
  fillFloat("uniform", x, source, from, to);
  return recordInPlace("uniform_", x, [x], [() => null]);
}

/** Options of `normal_`. */
export interface NormalOptions extends GeneratorOption {
  /** The mean; 0 by default. */
  mean?: number;
  /** The standard deviation; 1 by default. */
  std?: number;
}

/**
 * Writes normal numbers into every element of `x`.
 *
 * @throws RangeError when `std` is negative.
 */
export function normal_(
  x: Tensor,
  ...args: Args<[mean: number, std: number], NormalOptions>
): Tensor {
  const { mean, std, generator } = read("normal_", {
    mean: 0,
    std: 1,
    generator: null as Generator | null,
  }, args);
  checkTensor("normal_", "self", x);
  checkNumber("normal_", "mean", mean);
  checkNumber("normal_", "std", std);
  checkFloat("normal_", x.dtype);
  if (!(std >= 0)) throw new RangeError(`normal_: std must be 0 or more, got ${std}`);
  const source = generatorFor("normal_", x, generator);
  beginInPlace("normal_", x);
  fillNormal(x, source, mean, std);
  return recordInPlace("normal_", x, [x], [() => null]);
}
