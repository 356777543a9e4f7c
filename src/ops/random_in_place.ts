/**
 * Random numbers written into a tensor, in the order of its memory.
 *
 * @module
 */
import { bool, float16, float32, float64, int64, uint8 } from "../backend/dtype.ts";
import { type Args, checkTensor, isOptions, read } from "../tensor/arguments.ts";
import type { Generator } from "../tensor/generator.ts";
import { broadcast, broadcastStrides, checkDevice, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import {
  checkFloat,
  checkNumber,
  drawType,
  fillFloat,
  fillInOrder,
  fillNormal,
  fillUniform,
  generatorFor,
  type GeneratorOption,
  inOrder,
  NO_GENERATOR,
} from "./draw.ts";
import { checkBounds, fillIntegers, randomEnd, wholeBound } from "./draw_integers.ts";
import { checkProbabilities } from "./draw_checks.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";

/** Fills `x` as one in-place operation, whose gradient is zero. */
function inPlace(
  call: string,
  x: Tensor,
  generator: Generator | null,
  fill: (generator: Generator) => void,
): Tensor {
  const source = generatorFor(call, x, generator);
  beginInPlace(call, x);
  fill(source);
  return recordInPlace(call, x, [x], [() => null]);
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
  const { from, to, generator } = read("uniform_", { from: 0, to: 1, ...NO_GENERATOR }, args);
  checkTensor("uniform_", "self", x);
  checkNumber("uniform_", "from", from);
  checkNumber("uniform_", "to", to);
  checkFloat("uniform_", x.dtype);
  if (!(from <= to)) {
    throw new RangeError(`uniform_: from must not exceed to, got ${from} and ${to}`);
  }
  const width = drawType(x.dtype) === float32 ? Math.fround(to - from) : to - from;
  if (!Number.isFinite(width)) {
    throw new RangeError(`uniform_: ${x.dtype} does not hold to - from of ${from} and ${to}`);
  }
  return inPlace("uniform_", x, generator, (g) => fillUniform(x, g, from, to));
}

/** Options of `normal_` and `logNormal_`. */
export interface NormalOptions extends GeneratorOption {
  /** The mean; 0 by default, of `logNormal_` 1. */
  mean?: number;
  /** The standard deviation; 1 by default, of `logNormal_` 2. */
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
  const { mean, std, generator } = read("normal_", { mean: 0, std: 1, ...NO_GENERATOR }, args);
  checkTensor("normal_", "self", x);
  checkNumber("normal_", "mean", mean);
  checkNumber("normal_", "std", std);
  checkFloat("normal_", x.dtype);
  if (!(std >= 0)) throw new RangeError(`normal_: std must be 0 or more, got ${std}`);
  return inPlace("normal_", x, generator, (g) => fillNormal(x, g, mean, std));
}

/**
 * Writes numbers whose logarithms are normal, of `mean` and `std`, into every element of `x`.
 *
 * @throws RangeError when `std` is not positive.
 */
export function logNormal_(
  x: Tensor,
  ...args: Args<[mean: number, std: number], NormalOptions>
): Tensor {
  const { mean, std, generator } = read("logNormal_", { mean: 1, std: 2, ...NO_GENERATOR }, args);
  checkTensor("logNormal_", "self", x);
  checkNumber("logNormal_", "mean", mean);
  checkNumber("logNormal_", "std", std);
  checkFloat("logNormal_", x.dtype);
  if (!(std > 0)) throw new RangeError(`logNormal_: std must be positive, got ${std}`);
  return inPlace("log_normal_", x, generator, (g) => fillFloat("log_normal", x, g, mean, std));
}

/** Writes Cauchy numbers, median + sigma * tan(pi (u - 1/2)), into every element of `x`. */
export function cauchy_(
  x: Tensor,
  ...args: Args<
    [median: number, sigma: number],
    { median?: number; sigma?: number } & GeneratorOption
  >
): Tensor {
  const { median, sigma, generator } = read(
    "cauchy_",
    { median: 0, sigma: 1, ...NO_GENERATOR },
    args,
  );
  checkTensor("cauchy_", "self", x);
  checkNumber("cauchy_", "median", median);
  checkNumber("cauchy_", "sigma", sigma);
  checkFloat("cauchy_", x.dtype);
  return inPlace("cauchy_", x, generator, (g) => fillFloat("cauchy", x, g, median, sigma));
}

/**
 * Writes exponential numbers of rate `lambd` into every element of `x`.
 *
 * @throws RangeError when `lambd` is negative.
 */
export function exponential_(
  x: Tensor,
  ...args: Args<[lambd: number], { lambd?: number } & GeneratorOption>
): Tensor {
  const { lambd, generator } = read("exponential_", { lambd: 1, ...NO_GENERATOR }, args);
  checkTensor("exponential_", "self", x);
  checkNumber("exponential_", "lambd", lambd);
  checkFloat("exponential_", x.dtype);
  if (!(lambd >= 0)) throw new RangeError(`exponential_: lambd must be 0 or more, got ${lambd}`);
  return inPlace("exponential_", x, generator, (g) => {
    const type = drawType(x.dtype);
    const run = x.backend.kernels[type === float64 ? "exponential_f64" : "exponential"];
    fillInOrder(x, type, (y) => run(y.pointer, g.pointer, y.numElements, lambd));
  });
}

/**
 * Writes numbers of trials up to the first success of probability `p` (1, 2, ...) into every element of `x`.
 *
 * @throws RangeError when `p` is not between 0 and 1.
 */
export function geometric_(
  x: Tensor,
  ...args: Args<[p: number], { p?: number } & GeneratorOption>
): Tensor {
  const { p, generator } = read("geometric_", { p: NaN, ...NO_GENERATOR }, args);
  checkTensor("geometric_", "self", x);
  checkNumber("geometric_", "p", p);
  if (x.dtype === bool) throw new TypeError("geometric_: not defined for torch.bool");
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`geometric_: p must lie between 0 and 1, got ${p}`);
  }
  return inPlace("geometric_", x, generator, (g) => {
    const type = x.dtype.kind === "float" ? drawType(x.dtype) : int64;
    const run = x.backend.kernels[
      type === float32 ? "geometric" : type === float64 ? "geometric_f64" : "geometric_i64"
    ];
    fillInOrder(x, type, (y) => run(y.pointer, g.pointer, y.numElements, p));
  });
}

/** Options of `random_`. */
export interface RandomRangeOptions extends GeneratorOption {
  /** The least integer; 0 by default. */
  from?: number | bigint;
  /** The end, exclusive; by default the greatest integer that the dtype holds is the last. */
  to?: number | bigint | null;
}

/**
 * Writes integers into every element of `x`: `random_()` from 0 to the greatest the dtype holds exactly, `random_(to)`
 * from 0 below `to`, `random_(from, to)` from `from` below `to`. With `to` null, up to the greatest.
 *
 * @throws RangeError when there is no integer in the range, or the dtype does not hold it.
 */
export function random_(
  x: Tensor,
  ...args: Args<[from: number | bigint, to: number | bigint | null], RandomRangeOptions>
): Tensor {
  const o = read("random_", {
    from: undefined as number | bigint | undefined,
    to: undefined as number | bigint | null | undefined,
    ...NO_GENERATOR,
  }, args);
  checkTensor("random_", "self", x);
  const byPosition = args.filter((a) => a !== undefined && !isOptions(a)).length;
  if (byPosition === 1 && o.to === undefined) [o.from, o.to] = [0, o.from];
  const { dtype } = x;
  if (o.from === undefined && (o.to === undefined || o.to === null)) {
    return inPlace("random_", x, o.generator, (g) => {
      if (dtype !== float64) return fillIntegers(x, g, 0n, randomEnd(dtype));
      // 2^53 + 1, the end, is not a double.
      const { random_f64 } = x.backend.kernels;
      fillInOrder(x, float64, (y) => random_f64(y.pointer, g.pointer, y.numElements));
    });
  }
  const from = wholeBound("random_", "from", o.from ?? 0);
  if (o.to === undefined || o.to === null) {
    if (from === -(2n ** 63n)) {
      if (dtype !== int64 && (dtype.kind !== "float" || dtype === float16)) {
        throw new TypeError(`random_: the full range of 64 bits is not defined for ${dtype}`);
      }
      return inPlace("random_", x, o.generator, (g) => fillIntegers(x, g, from, 2n ** 63n));
    }
    const end = dtype === int64 ? 2n ** 63n : randomEnd(dtype);
    const [low] = checkBounds("random_", from, end, dtype);
    return inPlace("random_", x, o.generator, (g) => fillIntegers(x, g, low, end));
  }
  const [low, high] = checkBounds("random_", from, wholeBound("random_", "to", o.to), dtype);
  return inPlace("random_", x, o.generator, (g) => fillIntegers(x, g, low, high));
}

/**
 * Writes 1 with probability `p`, else 0, into every element of `x`; `p` is a number, or a tensor of probabilities that
 * broadcasts to the shape of `x`.
 *
 * @throws RangeError when a probability is not from 0 to 1, or `p` does not broadcast.
 */
export function bernoulli_(
  x: Tensor,
  ...args: Args<[p: number | Tensor], { p?: number | Tensor } & GeneratorOption>
): Tensor {
  const { p, generator } = read("bernoulli_", {
    p: 0.5 as number | Tensor,
    ...NO_GENERATOR,
  }, args);
  checkTensor("bernoulli_", "self", x);
  if (p instanceof Tensor) {
    checkFloat("bernoulli_", p.dtype);
    checkDevice("bernoulli_", x, p);
    if (!sameShape(broadcast("bernoulli_", x.shape, p.shape), x.shape)) {
      throw new RangeError(
        `bernoulli_: p of shape ${show(p.shape)} does not broadcast to ${show(x.shape)}`,
      );
    }
    checkProbabilities("bernoulli_", p);
    return inPlace("bernoulli_", x, generator, (g) => fillBernoulli(x, p, g));
  }
  checkNumber("bernoulli_", "p", p);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`bernoulli_: p must be from 0 to 1, got ${p}`);
  return inPlace("bernoulli_", x, generator, (g) => {
    const type = x.dtype.kind === "float" ? drawType(x.dtype) : x.dtype === int64 ? int64 : uint8;
    const run = x.backend.kernels[`bernoulli${type.suffix}` as "bernoulli"];
    const place = x.dtype === bool ? asBytes(x) : x;
    fillInOrder(place, type, (y) => run(y.pointer, g.pointer, y.numElements, p));
  });
}

/** The bytes of a bool tensor: 0 and 1 are what it holds. */
function asBytes(x: Tensor): Tensor {
  return new Tensor(x.storage, x.shape, uint8, x.strides, x.offset);
}

/** 1 with the probability `p`, a tensor that broadcasts to the shape of `x`, else 0, for every element of `x`. */
export function fillBernoulli(x: Tensor, p: Tensor, generator: Generator): void {
  const type = drawType(p.dtype);
  const run = x.backend.kernels[type === float64 ? "bernoulli_tensor_f64" : "bernoulli_tensor"];
  const wide = new Tensor(
    p.storage,
    x.shape,
    p.dtype,
    broadcastStrides(p.shape, p.strides, x.shape),
    p.offset,
  );
  const ordered = denseAs(inOrder(wide, x), type);
  fillInOrder(x, type, (y) => run(y.pointer, ordered.pointer, generator.pointer, y.numElements));
}
