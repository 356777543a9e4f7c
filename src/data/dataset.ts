/**
 * Datasets: samples by index, or one after another.
 *
 * @module
 */
import { int64 } from "../backend/dtype.ts";
import { indexSelect } from "../ops/index.ts";
import { select } from "../ops/view.ts";
import { wholeNumber } from "../tensor/arguments.ts";
import { fromArray } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Samples by index, from 0 to `length` - 1. `get` may be asynchronous: such data are loaded with `for await`. */
export interface IndexedSamples<T> {
  /** How many samples there are. */
  readonly length: number;
  /** The sample at `index`. */
  get(index: number): T | Promise<T>;
}

/** What samples are taken from: a dataset, an array, or a tensor (along its first axis). */
export type Samples<T> = IndexedSamples<T> | ArrayLike<T> | Tensor;

/** Gives the samples at some indexes as one batch at once, or null if it cannot. */
export const batchOf: unique symbol = Symbol("batchOf");

/**
 * The base class of datasets whose samples have an index. A subclass defines `length` and `get`:
 *
 * ```ts ignore
 * class Squares extends Dataset<number> {
 *   override get length(): number {
 *     return 100;
 *   }
 *   override get(i: number): number {
 *     return i * i;
 *   }
 * }
 * ```
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.Dataset
 */
export abstract class Dataset<T = unknown> implements IndexedSamples<T> {
  /** How many samples there are. */
  abstract get length(): number;
  /** The sample at `index`, 0 to `length` - 1. */
  abstract get(index: number): T | Promise<T>;

  /** The samples of this dataset, then those of `other`. */
  concat<U>(other: Samples<U>): ConcatDataset<T | U> {
    return new ConcatDataset<T | U>([this, other as Samples<T | U>]);
  }

  /** Gives the samples at `indices` as one batch at once, or null if it cannot. */
  [batchOf](_indices: readonly number[]): unknown {
    return null;
  }
}

/** Throws `TypeError` unless `samples` is something that samples can be taken from. */
export function checkSamples(call: string, samples: unknown): asserts samples is Samples<unknown> {
  const x = samples as { length?: unknown; get?: unknown } | null | undefined;
  if (x instanceof Tensor) {
    if (x.ndim > 0) return;
    throw new RangeError(`${call}: a 0-d tensor holds no samples`);
  }
  if (Array.isArray(x) || ArrayBuffer.isView(x)) return;
  if (typeof x === "object" && x !== null && typeof x.get === "function") return;
  throw new TypeError(
    `${call}: a dataset must be an array, a tensor, or have length and get(index), got ${
      x === null ? "null" : typeof x
    }`,
  );
}

/** How many samples there are. Throws `TypeError` where a dataset does not say. */
export function countOf(call: string, samples: Samples<unknown>): number {
  const n = samples instanceof Tensor ? samples.shape[0] : samples.length;
  if (typeof n === "number" && Number.isInteger(n) && n >= 0) return n;
  throw new TypeError(`${call}: the dataset's length must be a whole number from 0, got ${n}`);
}

/** The sample at `index`. */
export function sampleAt<T>(samples: Samples<T>, index: number): T | Promise<T> {
  if (samples instanceof Tensor) return select(samples, 0, index) as T;
  if ("get" in samples && typeof samples.get === "function") return samples.get(index);
  const array = samples as ArrayLike<T>;
  if (!Number.isInteger(index) || index < 0 || index >= array.length) {
    throw new RangeError(`index ${index} is out of range for a dataset of ${array.length} samples`);
  }
  return array[index];
}

/** Tensors side by side: sample i holds row i of each. */
export class TensorDataset<const T extends readonly Tensor[] = Tensor[]>
  extends Dataset<{ -readonly [K in keyof T]: Tensor }> {
  /** The tensors. */
  readonly tensors: T;

  /**
   * Tensors with first axes of equal size.
   *
   * @throws RangeError when the sizes differ.
   */
  constructor(...tensors: T) {
    super();
    if (tensors.length === 0) throw new TypeError("TensorDataset: expected one tensor or more");
    for (const x of tensors) checkSamples("TensorDataset", x);
    if (tensors.some((x) => x.shape[0] !== tensors[0].shape[0])) {
      throw new RangeError(
        `TensorDataset: first sizes differ: ${tensors.map((x) => show(x.shape)).join(", ")}`,
      );
    }
    this.tensors = tensors;
  }

  override get length(): number {
    return this.tensors[0].shape[0];
  }

  override get(index: number): { -readonly [K in keyof T]: Tensor } {
    return this.tensors.map((x) => select(x, 0, index)) as { -readonly [K in keyof T]: Tensor };
  }

  override [batchOf](indices: readonly number[]): Tensor[] {
    const { length } = this;
    const places = BigInt64Array.from(indices, (i) => {
      if (!Number.isInteger(i) || i < -length || i >= length) {
        throw new RangeError(`TensorDataset: index ${i} is out of range for ${length} samples`);
      }
      return BigInt(i < 0 ? i + length : i);
    });
    return this.tensors.map((x) =>
      indexSelect(x, 0, fromArray(places, undefined, { dtype: int64, device: x.device }))
    );
  }
}

/** The samples of `dataset` at `indices`, in their order. */
export class Subset<T = unknown> extends Dataset<T> {
  /** Where the samples are. */
  readonly dataset: Samples<T>;
  /** Which they are. */
  readonly indices: readonly number[];

  /** Indexes are checked when samples are taken. */
  constructor(dataset: Samples<T>, indices: readonly number[]) {
    super();
    checkSamples("Subset", dataset);
    if (!Array.isArray(indices)) throw new TypeError("Subset: indices must be an array of numbers");
    this.dataset = dataset;
    this.indices = indices;
  }

  override get length(): number {
    return this.indices.length;
  }

  override get(index: number): T | Promise<T> {
    return sampleAt(this.dataset, this.#place(index));
  }

  #place(index: number): number {
    const place = this.indices.at(index);
    if (place !== undefined) return place;
    throw new RangeError(`Subset: index ${index} is out of range for ${this.length} samples`);
  }

  override [batchOf](indices: readonly number[]): unknown {
    if (!(this.dataset instanceof Dataset)) return null;
    return this.dataset[batchOf](indices.map((i) => this.#place(i)));
  }
}

/** Datasets one after another. */
export class ConcatDataset<T = unknown> extends Dataset<T> {
  /** The datasets. */
  readonly datasets: readonly Samples<T>[];
  /** The number of samples up to the end of each dataset. */
  readonly cumulativeSizes: readonly number[];

  /** Throws `TypeError` when there is none, or one has no indexes. */
  constructor(datasets: Iterable<Samples<T>>) {
    super();
    this.datasets = [...datasets];
    if (this.datasets.length === 0) {
      throw new TypeError("ConcatDataset: expected one dataset or more");
    }
    let total = 0;
    this.cumulativeSizes = this.datasets.map((d) => {
      checkSamples("ConcatDataset", d);
      return total += countOf("ConcatDataset", d);
    });
  }

  override get length(): number {
    return this.cumulativeSizes[this.cumulativeSizes.length - 1];
  }

  override get(index: number): T | Promise<T> {
    const { length, cumulativeSizes } = this;
    wholeNumber("ConcatDataset", "index", index);
    if (index < -length || index >= length) {
      throw new RangeError(`ConcatDataset: index ${index} is out of range for ${length} samples`);
    }
    const i = index < 0 ? index + length : index;
    const part = cumulativeSizes.findIndex((end) => i < end);
    return sampleAt(this.datasets[part], part === 0 ? i : i - cumulativeSizes[part - 1]);
  }
}

/**
 * The base class of datasets that only give their samples one after another. A subclass defines `[Symbol.iterator]`, or
 * `[Symbol.asyncIterator]` for data that are loaded with `for await`.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset
 */
export abstract class IterableDataset<T = unknown> {
  /** How many samples there are, where that is known. */
  readonly length?: number;
  /** The samples. */
  [Symbol.iterator]?(): Iterator<T>;
  /** The samples, as they arrive. */
  [Symbol.asyncIterator]?(): AsyncIterator<T>;
}

/** Iterable datasets, one after another. */
export class ChainDataset<T = unknown> extends IterableDataset<T> {
  /** The datasets. */
  readonly datasets: readonly Iterable<T>[];

  /** Throws `TypeError` when one of them cannot be iterated. */
  constructor(datasets: Iterable<Iterable<T>>) {
    super();
    this.datasets = [...datasets];
    for (const d of this.datasets) {
      if (typeof d?.[Symbol.iterator] !== "function") {
        throw new TypeError("ChainDataset: expected datasets that can be iterated");
      }
    }
  }

  override *[Symbol.iterator](): Iterator<T> {
    for (const dataset of this.datasets) yield* dataset;
  }
}
