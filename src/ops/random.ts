/**
 * Random numbers, as PyTorch draws them on the CPU.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { record } from "../autograd/record.ts";
import { bool, type DType, float32, float64, int64 } from "../backend/dtype.ts";
import {
  type Args,
  checkTensor,
  isOptions,
  read,
  readShape,
  wholeNumber,
} from "../tensor/arguments.ts";
import { backendOf, convert, emptyOn, type TensorOptions, withOptions } from "../tensor/create.ts";
import { defaultGenerator, type Generator, seedDevices } from "../tensor/generator.ts";
import { broadcast, checkDevice, checkShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import { zerosLike } from "./create.ts";
import {
  checkFloat,
  checkNumber,
  digitsOf,
  drawType,
  emptyInOrder,
  fillInOrder,
  fillNormal,
  fillUniform,
  generatorFor,
  type GeneratorOption,
  NO_GENERATOR,
} from "./draw.ts";
import { allFinite, allFrom, checkProbabilities } from "./draw_checks.ts";
import { checkBounds, fillIntegers, randomEnd, wholeBound } from "./draw_integers.ts";
import { computeInPlace, kernelTable, resultType } from "./elementwise.ts";
import { bernoulli_, fillBernoulli } from "./random_in_place.ts";

export { multinomial } from "./multinomial.ts";

const ADD = kernelTable("add"), MUL = kernelTable("mul");

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
  ...NO_GENERATOR,
};

/** Starts the default generator, and those of CUDA devices, anew from `seed`, and returns the default one. */
export function manualSeed(seed: number | bigint): Generator {
  defaultGenerator.manualSeed(seed);
  seedDevices(seed);
  return defaultGenerator;
}

/** Starts the default generator, and those of CUDA devices, anew from a seed that nobody can foresee, and returns that. */
export function seed(): number {
  const seed = defaultGenerator.seed();
  seedDevices(seed);
  return seed;
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

type Fill = (x: Tensor, generator: Generator) => void;

function make(
  call: string,
  shape: readonly number[],
  dtype: DType,
  options: RandomOptions,
  fill: Fill,
): Tensor {
  checkShape(call, shape);
  const x = emptyOn(backendOf(call, options.device), shape, dtype);
  fill(x, generatorFor(call, x, options.generator ?? null));
  return withOptions(x, options);
}

function makeFloat(call: string, args: RandomSizeArgs, fill: Fill): Tensor {
  const [shape, rest] = readShape(call, args);
  const options = read(call, OPTIONS, rest), dtype = options.dtype ?? float32;
  checkFloat(call, dtype);
  return make(call, shape, dtype, options, fill);
}

/** A tensor in the shape and the memory order of `x`, filled. */
function makeLike(call: string, x: Tensor, options: RandomOptions, fill: Fill): Tensor {
  checkTensor(call, "input", x);
  const o = read(call, OPTIONS, [options]);
  const backend = o.device === null ? x.backend : backendOf(call, o.device);
  const y = emptyInOrder(x, o.dtype ?? x.dtype, backend);
  fill(y, generatorFor(call, y, o.generator));
  return withOptions(y, o);
}

/** Uniform numbers from [0, 1): `rand(2, 3)`, `rand([2, 3], { generator })`. */
export function rand(...size: RandomSizeArgs): Tensor {
  return makeFloat("rand", size, (x, generator) => fillUniform(x, generator, 0, 1));
}

/** Normal numbers of mean 0 and standard deviation 1: `randn(2, 3)`, `randn([2, 3], { generator })`. */
export function randn(...size: RandomSizeArgs): Tensor {
  return makeFloat("randn", size, (x, generator) => fillNormal(x, generator, 0, 1));
}

/** Uniform numbers from [0, 1) in the shape, dtype and device of `x`. */
export function randLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return makeLike("randLike", x, options, (y, generator) => {
    checkFloat("randLike", y.dtype);
    fillUniform(y, generator, 0, 1);
  });
}

/** Normal numbers of mean 0 and standard deviation 1 in the shape, dtype and device of `x`. */
export function randnLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return makeLike("randnLike", x, options, (y, generator) => {
    checkFloat("randnLike", y.dtype);
    fillNormal(y, generator, 0, 1);
  });
}

/** Options of `randint`. */
export interface RandintOptions extends RandomOptions {
  /** The least integer; 0 by default. */
  low?: number | bigint;
  /** The end, exclusive. */
  high?: number | bigint;
  /** The shape. */
  size?: readonly number[];
}

/** `(high, size)` or `(low, high, size)`, with options last. */
export type RandintArgs =
  | [options: RandintOptions]
  | [high: number | bigint, options: RandintOptions]
  | [high: number | bigint, size: readonly number[], options?: RandintOptions]
  | [low: number | bigint, high: number | bigint, options: RandintOptions]
  | [
    low: number | bigint,
    high: number | bigint,
    size: readonly number[],
    options?: RandintOptions,
  ];

/** The parameters of `call` in the forms (high, ...) and (low, high, ...). */
function readBounds(call: string, args: readonly unknown[]) {
  const isNumber = (v: unknown) => typeof v === "number" || typeof v === "bigint";
  const count = args.findIndex((v) => !isNumber(v)), numbers = count < 0 ? args.length : count;
  const o = read(call, {
    low: 0 as unknown,
    high: undefined as unknown,
    size: undefined as unknown,
    ...OPTIONS,
  }, numbers === 1 && !namesHigh(args) ? [0, ...args] : args);
  return {
    ...o,
    low: wholeBound(call, "low", o.low),
    high: wholeBound(call, "high", o.high),
  };
}

/** Whether the trailing options say what `high` is. */
function namesHigh(args: readonly unknown[]): boolean {
  const last = args[args.length - 1];
  return isOptions(last) && last.high !== undefined;
}

/**
 * Integers from [low, high), int64 by default: `randint(10, [3])`, `randint(3, 10, [3])`.
 *
 * @throws RangeError when there is no integer in the range, or the dtype does not hold it.
 */
export function randint(...args: RandintArgs): Tensor {
  const o = readBounds("randint", args);
  if (!Array.isArray(o.size)) {
    throw new TypeError(`randint: size must be an array of sizes, got ${describeValue(o.size)}`);
  }
  const dtype = o.dtype ?? int64, [shape] = readShape("randint", [o.size]);
  const [low, high] = checkBounds("randint", o.low, o.high, dtype);
  return make("randint", shape, dtype, o, (x, generator) => fillIntegers(x, generator, low, high));
}

/** Options of `randintLike`. */
export interface RandintLikeOptions extends RandomOptions {
  /** The least integer; 0 by default. */
  low?: number | bigint;
  /** The end, exclusive. */
  high?: number | bigint;
}

/** Integers from [low, high) in the shape, dtype and device of `x`: `randintLike(x, 10)`, `randintLike(x, 3, 10)`. */
export function randintLike(
  x: Tensor,
  ...args:
    | [options: RandintLikeOptions]
    | [high: number | bigint, options?: RandintLikeOptions]
    | [low: number | bigint, high: number | bigint, options?: RandintLikeOptions]
): Tensor {
  const { low, high, dtype, device, requiresGrad, generator } = readBounds("randintLike", args);
  const options = { dtype, device, requiresGrad, generator };
  return makeLike("randintLike", x, options, (y, g) => {
    fillIntegers(y, g, ...checkBounds("randintLike", low, high, y.dtype));
  });
}

/**
 * A permutation of 0 .. n-1, int64 by default.
 *
 * @throws RangeError when `n` is negative, or the dtype does not hold the numbers.
 */
export function randperm(
  n: number,
  ...args: Args<[dtype: DType | null, device: string | null], RandomOptions>
): Tensor {
  const o = read("randperm", OPTIONS, args), dtype = o.dtype ?? int64;
  wholeNumber("randperm", "n", n);
  if (n < 0) throw new RangeError(`randperm: n must be 0 or more, got ${n}`);
  if (dtype === bool) throw new TypeError("randperm: not defined for torch.bool");
  const most = dtype.kind === "float" ? 2 ** digitsOf(dtype) + 1 : Number(randomEnd(dtype)) - 1;
  if (n > most) throw new RangeError(`randperm: n must be at most ${most} for ${dtype}, got ${n}`);
  const x = emptyOn(backendOf("randperm", o.device), [n], int64);
  const generator = generatorFor("randperm", x, o.generator);
  if (n > 0) x.backend.kernels.randperm_i64(x.pointer, generator.pointer, n);
  return withOptions(dtype === int64 ? x : convert(x, dtype), o);
}

/** Options of `normal`. */
export interface NormalSizeOptions extends RandomOptions {
  /** The mean, or one for each element; 0 by default. */
  mean?: number | Tensor;
  /** The standard deviation, or one for each element; 1 by default. */
  std?: number | Tensor;
  /** The shape, where both are numbers. */
  size?: readonly number[];
}

/**
 * Normal numbers whose mean and standard deviation are tensors, broadcast, or numbers: `normal(means, stds)`,
 * `normal(means, 0.5)`, `normal(0, stds)`, `normal(0, 1, [2, 3])`.
 *
 * @throws RangeError when a standard deviation is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.normal.html
 */
export function normal(
  ...args: Args<
    [mean: number | Tensor, std: number | Tensor, size: readonly number[]],
    NormalSizeOptions
  >
): Tensor {
  const o = read("normal", {
    mean: 0 as number | Tensor,
    std: 1 as number | Tensor,
    size: undefined as readonly number[] | undefined,
    ...OPTIONS,
  }, args);
  const { mean, std, size } = o;
  for (const [name, x] of [["mean", mean], ["std", std]] as const) {
    if (x instanceof Tensor) checkFloat("normal", x.dtype);
    else checkNumber("normal", name, x);
  }
  const negative = std instanceof Tensor ? !allFrom("normal", std, 0) : !(std >= 0);
  if (negative) throw new RangeError("normal: std must be 0 or more");
  if (!(mean instanceof Tensor) && !(std instanceof Tensor)) {
    if (!Array.isArray(size)) {
      throw new TypeError("normal: a size is needed where mean and std are numbers");
    }
    const dtype = o.dtype ?? float32;
    checkFloat("normal", dtype);
    return make(
      "normal",
      readShape("normal", [size])[0],
      dtype,
      o,
      (x, g) => fillNormal(x, g, mean, std),
    );
  }
  const like = mean instanceof Tensor ? mean : std as Tensor;
  if (mean instanceof Tensor && std instanceof Tensor) checkDevice("normal", mean, std);
  const shape = mean instanceof Tensor && std instanceof Tensor
    ? broadcast("normal", mean.shape, std.shape)
    : like.shape;
  const y = emptyOn(like.backend, shape, like.dtype);
  const generator = generatorFor("normal", y, o.generator);
  if (std instanceof Tensor) {
    fillNormal(y, generator, 0, 1);
    computeInPlace("normal", MUL, y, std, resultType(y, std));
  } else fillNormal(y, generator, 0, std);
  computeInPlace("normal", ADD, y, mean, resultType(y, mean));
  return record("normal", y, [mean, std], [
    () => zerosLike(mean as Tensor),
    () => zerosLike(std as Tensor),
  ]);
}

/**
 * For each element of `x`, a probability, 1 with it, else 0; with `p` given, 1 with probability `p` everywhere. [...] ->
 * the same shape and dtype.
 *
 * @throws RangeError when a probability is not from 0 to 1.
 */
export function bernoulli(
  x: Tensor,
  ...args: Args<[p: number | null], { p?: number | null } & GeneratorOption>
): Tensor {
  const { p, generator } = read("bernoulli", { p: null as number | null, ...NO_GENERATOR }, args);
  checkTensor("bernoulli", "input", x);
  let y: Tensor;
  if (p !== null) y = bernoulli_(emptyOn(x.backend, x.shape, x.dtype), p, { generator });
  else {
    checkFloat("bernoulli", x.dtype);
    checkProbabilities("bernoulli", x);
    y = emptyOn(x.backend, x.shape, x.dtype);
    fillBernoulli(y, x, generatorFor("bernoulli", y, generator));
  }
  return record("bernoulli", y, [x], [(dy) => zerosLike(dy)]);
}

/**
 * Poisson numbers, each of the rate that `x` has in its place. [...] -> the same shape and dtype.
 *
 * @throws RangeError when a rate is negative or not finite.
 */
export function poisson(
  x: Tensor,
  ...args: Args<[generator: Generator | null], GeneratorOption>
): Tensor {
  const { generator } = read("poisson", NO_GENERATOR, args);
  checkTensor("poisson", "input", x);
  checkFloat("poisson", x.dtype);
  if (!allFinite("poisson", x) || !allFrom("poisson", x, 0)) {
    throw new RangeError("poisson: rates must be finite, and 0 or more");
  }
  const y = emptyOn(x.backend, x.shape, x.dtype), g = generatorFor("poisson", y, generator);
  const type = drawType(x.dtype), rate = denseAs(x, type);
  const run = x.backend.kernels[type === float64 ? "poisson_f64" : "poisson"];
  fillInOrder(y, type, (z) => run(z.pointer, rate.pointer, g.pointer, z.numElements));
  return record("poisson", y, [x], [(dy) => zerosLike(dy)]);
}
