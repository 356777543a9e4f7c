/**
 * Samplers: the order in which a dataset's samples are taken.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { float64, int64 } from "../backend/dtype.ts";
import { cpu } from "../backend/wasm.ts";
import { item } from "../ops/access.ts";
import { type GeneratorOption, NO_GENERATOR } from "../ops/draw.ts";
import { multinomial, randint, randperm } from "../ops/random.ts";
import { random_ } from "../ops/random_in_place.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { emptyOn, tensor } from "../tensor/create.ts";
import { Generator } from "../tensor/generator.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkSamples, countOf, type Samples } from "./dataset.ts";

/** The elements of an int64 tensor that nobody else holds. */
function takeNumbers(x: Tensor): number[] {
  const numbers = Array.from(x.toTypedArray() as BigInt64Array, Number);
  x[Symbol.dispose]();
  return numbers;
}

/** A seed of 63 bits, as PyTorch draws it: two words of the generator. */
export function drawSeed(generator: Generator | null): bigint {
  const x = emptyOn(cpu, [], int64), seed = BigInt(item(random_(x, { generator })));
  x[Symbol.dispose]();
  return seed;
}

/** Indexes 0 .. n-1 in random order. */
export function permutation(n: number, generator: Generator | null): number[] {
  return takeNumbers(randperm(n, { generator }));
}

/** A whole number from 1. Throws `RangeError` otherwise. */
export function checkPositive(call: string, name: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  throw new RangeError(
    `${call}: ${name} must be a whole number from 1, got ${describeValue(value)}`,
  );
}

/** The base class of samplers: iterable, each time anew, with a length. */
export abstract class Sampler<T = number> implements Iterable<T> {
  /** How many it gives. */
  abstract get length(): number;
  /** Begins anew. */
  abstract [Symbol.iterator](): Iterator<T>;
}

/** Indexes in order. */
export class SequentialSampler extends Sampler {
  /** Whose indexes they are. */
  readonly dataSource: Samples<unknown>;

  /** Indexes of the samples of `dataSource`. */
  constructor(dataSource: Samples<unknown>) {
    super();
    checkSamples("SequentialSampler", dataSource);
    this.dataSource = dataSource;
  }

  override get length(): number {
    return countOf("SequentialSampler", this.dataSource);
  }

  override *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

/** Options of `RandomSampler`. */
export interface RandomSamplerOptions extends GeneratorOption {
  /** Whether an index may come again. */
  replacement?: boolean;
  /** How many are drawn; as many as there are samples by default. */
  numSamples?: number | null;
}

/** Indexes in random order: a permutation, or drawn with replacement. */
export class RandomSampler extends Sampler {
  /** Whose indexes they are. */
  readonly dataSource: Samples<unknown>;
  /** Whether an index may come again. */
  readonly replacement: boolean;
  /** Where random numbers come from; null for a new generator each time, seeded by the default one. */
  readonly generator: Generator | null;
  readonly #numSamples: number | null;

  /**
   * Indexes of the samples of `dataSource`.
   *
   * @throws RangeError when there are none to draw.
   */
  constructor(
    dataSource: Samples<unknown>,
    ...args: Args<
      [replacement: boolean, numSamples: number | null, generator: Generator | null],
      RandomSamplerOptions
    >
  ) {
    super();
    const { replacement, numSamples, generator } = read("RandomSampler", {
      replacement: false,
      numSamples: null as number | null,
      ...NO_GENERATOR,
    }, args);
    checkSamples("RandomSampler", dataSource);
    if (typeof replacement !== "boolean") {
      throw new TypeError(`RandomSampler: replacement must be a boolean, got ${replacement}`);
    }
    this.dataSource = dataSource;
    this.replacement = replacement;
    this.generator = generator;
    this.#numSamples = numSamples;
    checkPositive("RandomSampler", "numSamples", this.numSamples);
  }

  /** How many are drawn. */
  get numSamples(): number {
    return this.#numSamples ?? countOf("RandomSampler", this.dataSource);
  }

  override get length(): number {
    return this.numSamples;
  }

  override *[Symbol.iterator](): Iterator<number> {
    const n = countOf("RandomSampler", this.dataSource), { numSamples } = this;
    const generator = this.generator ?? new Generator().manualSeed(drawSeed(null));
    if (this.replacement) {
      // PyTorch draws 32 at a time.
      for (let i = 0; i < Math.floor(numSamples / 32); i++) {
        yield* takeNumbers(randint(n, [32], { generator }));
      }
      yield* takeNumbers(randint(n, [numSamples % 32], { generator }));
    } else {
      for (let i = 0; i < Math.floor(numSamples / n); i++) yield* permutation(n, generator);
      // One more permutation is drawn, where nothing is left to take of it too.
      yield* permutation(n, generator).slice(0, numSamples % n);
    }
  }
}

/** Chosen indexes, in random order. */
export class SubsetRandomSampler extends Sampler {
  /** The indexes. */
  readonly indices: readonly number[];
  /** Where random numbers come from; null for the default generator. */
  readonly generator: Generator | null;

  /** The elements of `indices`, in random order. */
  constructor(
    indices: readonly number[],
    ...args: Args<[generator: Generator | null], GeneratorOption>
  ) {
    super();
    if (!Array.isArray(indices)) {
      throw new TypeError("SubsetRandomSampler: indices must be an array of numbers");
    }
    this.indices = indices;
    this.generator = read("SubsetRandomSampler", NO_GENERATOR, args).generator;
  }

  override get length(): number {
    return this.indices.length;
  }

  override *[Symbol.iterator](): Iterator<number> {
    for (const i of permutation(this.indices.length, this.generator)) yield this.indices[i];
  }
}

/** Options of `WeightedRandomSampler`. */
export interface WeightedSamplerOptions extends GeneratorOption {
  /** Whether an index may come again; true by default. */
  replacement?: boolean;
}

/** Indexes drawn with probabilities in proportion to weights. */
export class WeightedRandomSampler extends Sampler {
  /** The weights, of float64. */
  readonly weights: Tensor;
  /** How many are drawn. */
  readonly numSamples: number;
  /** Whether an index may come again. */
  readonly replacement: boolean;
  /** Where random numbers come from; null for the default generator. */
  readonly generator: Generator | null;

  /** Throws `RangeError` unless `weights` has one axis and `numSamples` is positive. */
  constructor(
    weights: readonly number[] | Tensor,
    numSamples: number,
    ...args: Args<
      [replacement: boolean, generator: Generator | null],
      WeightedSamplerOptions
    >
  ) {
    super();
    const { replacement, generator } = read("WeightedRandomSampler", {
      replacement: true,
      ...NO_GENERATOR,
    }, args);
    if (typeof replacement !== "boolean") {
      throw new TypeError(
        `WeightedRandomSampler: replacement must be a boolean, got ${replacement}`,
      );
    }
    this.numSamples = checkPositive("WeightedRandomSampler", "numSamples", numSamples);
    this.replacement = replacement;
    this.generator = generator;
    this.weights = tensor(weights, { dtype: float64 });
    if (this.weights.ndim !== 1) {
      throw new RangeError(
        `WeightedRandomSampler: expected weights of one axis, got ${show(this.weights.shape)}`,
      );
    }
    this.weights.storage.outlive();
  }

  override get length(): number {
    return this.numSamples;
  }

  override *[Symbol.iterator](): Iterator<number> {
    const { weights, numSamples, replacement, generator } = this;
    yield* takeNumbers(multinomial(weights, numSamples, { replacement, generator }));
  }
}

/** Options of `BatchSampler`. */
export interface BatchSamplerOptions {
  /** How many indexes a batch has. */
  batchSize?: number;
  /** Whether a last batch of fewer is left out. */
  dropLast?: boolean;
}

/** The indexes of another sampler, in batches. */
export class BatchSampler extends Sampler<number[]> {
  /** Where the indexes come from. */
  readonly sampler: Iterable<number>;
  /** How many indexes a batch has. */
  readonly batchSize: number;
  /** Whether a last batch of fewer is left out. */
  readonly dropLast: boolean;

  /** Throws `RangeError` unless `batchSize` is positive. */
  constructor(
    sampler: Iterable<number>,
    ...args: Args<[batchSize: number, dropLast: boolean], BatchSamplerOptions>
  ) {
    super();
    const { batchSize, dropLast } = read("BatchSampler", {
      batchSize: NaN,
      dropLast: false,
    }, args);
    if (typeof sampler?.[Symbol.iterator] !== "function") {
      throw new TypeError("BatchSampler: a sampler must be iterable");
    }
    if (typeof dropLast !== "boolean") {
      throw new TypeError(
        `BatchSampler: dropLast must be a boolean, got ${describeValue(dropLast)}`,
      );
    }
    this.sampler = sampler;
    this.batchSize = checkPositive("BatchSampler", "batchSize", batchSize);
    this.dropLast = dropLast;
  }

  override get length(): number {
    const n = (this.sampler as { length?: unknown }).length;
    if (typeof n !== "number") throw new TypeError("BatchSampler: the sampler has no length");
    return this.dropLast ? Math.floor(n / this.batchSize) : Math.ceil(n / this.batchSize);
  }

  override *[Symbol.iterator](): Iterator<number[]> {
    let batch: number[] = [];
    for (const index of this.sampler) {
      batch.push(index);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}
