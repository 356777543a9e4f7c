/**
 * The data loader: a dataset's samples in batches, in a sampler's order.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { unscoped } from "../backend/storage.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { Generator } from "../tensor/generator.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type Collated, defaultCollate, defaultConvert } from "./collate.ts";
import { batchOf, checkSamples, Dataset, sampleAt, type Samples } from "./dataset.ts";
import {
  BatchSampler,
  checkPositive,
  drawSeed,
  RandomSampler,
  type Sampler,
  SequentialSampler,
} from "./sampler.ts";

/** Options of `DataLoader`. */
export interface DataLoaderOptions<S = unknown, B = Collated<S>> {
  /** How many samples a batch has, 1 by default; null gives single samples, not collated. */
  batchSize?: number | null;
  /** Whether each epoch has an order of its own. */
  shuffle?: boolean | null;
  /** The order of the samples. */
  sampler?: Sampler | Iterable<number> | null;
  /** The indexes of each batch. */
  batchSampler?: Sampler<number[]> | Iterable<readonly number[]> | null;
  /** Accepted as in PyTorch: samples are always loaded by this thread. */
  numWorkers?: number;
  /** Makes a batch of samples; `defaultCollate` by default. */
  collateFn?: ((samples: S[]) => B) | null;
  /** Accepted as in PyTorch, without effect. */
  pinMemory?: boolean;
  /** Whether a last batch of fewer samples is left out. */
  dropLast?: boolean;
  /** Where the order comes from; null for the default generator. */
  generator?: Generator | null;
  /** How many batches `for await` loads ahead; 2 by default. */
  prefetchFactor?: number;
}

/** Parameters of `DataLoader` after the dataset, in PyTorch's order. */
export type DataLoaderArgs<S, B> = Args<
  [
    batchSize: number | null,
    shuffle: boolean | null,
    sampler: Iterable<number> | null,
    batchSampler: Iterable<readonly number[]> | null,
    numWorkers: number,
    collateFn: ((samples: S[]) => B) | null,
    pinMemory: boolean,
    dropLast: boolean,
  ],
  DataLoaderOptions<S, B>
>;

/** What a loader takes: samples by index, or one after another. */
export type SampleSource<S> = Samples<S> | Iterable<S> | AsyncIterable<S>;

/** Samples that come one after another, without indexes. */
type Stream = { [Symbol.iterator]?(): Iterator<unknown> } & {
  [Symbol.asyncIterator]?(): AsyncIterator<unknown>;
};

function isStream(x: unknown): x is Stream {
  if (typeof x !== "object" || x === null || x instanceof Tensor) return false;
  if (Array.isArray(x) || ArrayBuffer.isView(x)) return false;
  if (typeof (x as { get?: unknown; length?: unknown }).get === "function" && "length" in x) {
    return false;
  }
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: async } = x as Stream;
  return typeof sync === "function" || typeof async === "function";
}

/** Ends the batches of a stream that are loaded ahead. */
const END: unique symbol = Symbol("end");

const isPromise = (x: unknown): x is Promise<unknown> => x instanceof Promise;

/**
 * A dataset's samples in batches: `for (const [x, y] of loader)`, or `for await` where the dataset is asynchronous.
 * Each loop is an epoch, and draws what PyTorch's loader draws: equal seeds give equal batches.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
 */
export class DataLoader<S = unknown, B = Collated<S>> implements Iterable<B>, AsyncIterable<B> {
  /** Where the samples come from. */
  readonly dataset: SampleSource<S>;
  /** How many samples a batch has; null for single samples, or with a `batchSampler` of one's own. */
  readonly batchSize: number | null;
  /** Whether a last batch of fewer samples is left out. */
  readonly dropLast: boolean;
  /** The order of the samples; null for samples without indexes. */
  readonly sampler: Iterable<number> | null;
  /** The indexes of each batch; null for single samples, or samples without indexes. */
  readonly batchSampler: Iterable<readonly number[]> | null;
  /** Makes a batch of samples. */
  readonly collateFn: (samples: S[]) => B;
  /** Where the order comes from; null for the default generator. */
  readonly generator: Generator | null;
  /** Without effect. */
  readonly numWorkers: number;
  /** How many batches `for await` loads ahead. */
  readonly prefetchFactor: number;
  readonly #plain: boolean;

  /**
   * Loads samples of `dataset`.
   *
   * @throws RangeError for a size that is not positive.
   * @throws TypeError for options that exclude each other.
   */
  constructor(dataset: SampleSource<S>, ...args: DataLoaderArgs<S, B>) {
    const o = read("DataLoader", {
      batchSize: 1 as number | null,
      shuffle: null as boolean | null,
      sampler: null as Iterable<number> | null,
      batchSampler: null as Iterable<readonly number[]> | null,
      numWorkers: 0,
      collateFn: null as ((samples: S[]) => B) | null,
      pinMemory: false,
      dropLast: false,
      generator: null as Generator | null,
      prefetchFactor: 2,
    }, args);
    const exclude = (a: string, b: string) => {
      throw new TypeError(`DataLoader: ${a} excludes ${b}`);
    };
    if (!Number.isInteger(o.numWorkers) || o.numWorkers < 0) {
      throw new RangeError(`DataLoader: numWorkers must be 0 or more, got ${o.numWorkers}`);
    }
    if (o.collateFn !== null && typeof o.collateFn !== "function") {
      throw new TypeError(`DataLoader: collateFn must be a function, got ${typeof o.collateFn}`);
    }
    if (o.generator !== null && !(o.generator instanceof Generator)) {
      throw new TypeError("DataLoader: generator must be a torch.Generator");
    }
    for (const name of ["shuffle", "dropLast"] as const) {
      if (o[name] !== null && typeof o[name] !== "boolean") {
        throw new TypeError(`DataLoader: ${name} must be a boolean, got ${describeValue(o[name])}`);
      }
    }
    checkPositive("DataLoader", "prefetchFactor", o.prefetchFactor);
    if (o.batchSize !== null) checkPositive("DataLoader", "batchSize", o.batchSize);
    const stream = isStream(dataset);
    if (stream) {
      if (o.shuffle) exclude("a dataset without indexes", "shuffle");
      if (o.sampler !== null) exclude("a dataset without indexes", "a sampler");
      if (o.batchSampler !== null) exclude("a dataset without indexes", "a batchSampler");
    } else checkSamples("DataLoader", dataset);
    if (o.sampler !== null && o.shuffle) exclude("a sampler", "shuffle");
    if (o.batchSampler !== null) {
      if (o.batchSize !== 1) exclude("a batchSampler", "batchSize");
      if (o.shuffle) exclude("a batchSampler", "shuffle");
      if (o.sampler !== null) exclude("a batchSampler", "a sampler");
      if (o.dropLast) exclude("a batchSampler", "dropLast");
    } else if (o.batchSize === null && o.dropLast) exclude("batchSize null", "dropLast");

    this.dataset = dataset;
    this.dropLast = o.dropLast;
    this.generator = o.generator;
    this.numWorkers = o.numWorkers;
    this.prefetchFactor = o.prefetchFactor;
    this.batchSize = o.batchSampler === null ? o.batchSize : null;
    if (stream) this.sampler = this.batchSampler = null;
    else {
      const samples = dataset as Samples<S>;
      this.sampler = o.sampler ??
        (o.shuffle
          ? new RandomSampler(samples, { generator: o.generator })
          : new SequentialSampler(samples));
      this.batchSampler = o.batchSampler ??
        (o.batchSize === null ? null : new BatchSampler(this.sampler, o.batchSize, o.dropLast));
    }
    const single = this.batchSize === null && this.batchSampler === null;
    this.#plain = o.collateFn === null && !single;
    this.collateFn = o.collateFn ??
      ((single ? defaultConvert : defaultCollate) as unknown as (samples: S[]) => B);
  }

  /**
   * The number of batches in an epoch.
   *
   * @throws TypeError when the sampler, or a dataset without indexes, has no length.
   */
  get length(): number {
    const { length } = (this.batchSampler ?? this.sampler ?? this.dataset) as { length?: unknown };
    if (typeof length !== "number") {
      throw new TypeError("DataLoader: the dataset or the sampler has no length");
    }
    if (this.sampler !== null || this.batchSize === null) return length;
    const batches = length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** An epoch. */
  [Symbol.iterator](): IterableIterator<B> {
    drawSeed(this.generator); // PyTorch's loader draws a seed for its workers, with and without them.
    return isStream(this.dataset) ? this.#readStream(this.dataset) : this.#readIndexed();
  }

  /** An epoch of a dataset that may be asynchronous; the next `prefetchFactor` batches are loaded ahead. */
  [Symbol.asyncIterator](): AsyncIterableIterator<B> {
    drawSeed(this.generator);
    return this.#prefetch(
      isStream(this.dataset) ? this.#streamedLater(this.dataset) : this.#indexedLater(),
    );
  }

  /** Indexes of each batch, or of each single sample. */
  *#indices(): IterableIterator<number | readonly number[]> {
    yield* (this.batchSampler ?? this.sampler)!;
  }

  *#readIndexed(): IterableIterator<B> {
    for (const indices of this.#indices()) {
      const batch = this.#fetch(indices);
      if (isPromise(batch)) {
        batch.catch(() => {});
        throw new TypeError(
          "DataLoader: the dataset is asynchronous; go through it with for await (... of loader)",
        );
      }
      yield batch;
    }
  }

  *#indexedLater(): IterableIterator<Promise<B | typeof END>> {
    for (const indices of this.#indices()) {
      // Loaded ahead, it belongs to no scope that happens to be open now.
      yield unscoped(async () => await this.#fetch(indices));
    }
  }

  /** A batch; a promise of it where the dataset gives promises. */
  #fetch(indices: number | readonly number[]): B | Promise<B> {
    const { dataset, collateFn } = this;
    if (typeof indices === "number") {
      const sample = sampleAt(dataset as Samples<S>, indices);
      return isPromise(sample) ? sample.then((s) => this.#collate(s)) : this.#collate(sample);
    }
    if (this.#plain && dataset instanceof Dataset) {
      const batch = dataset[batchOf](indices);
      if (batch !== null) return batch as B;
    }
    const samples = indices.map((i) => sampleAt(dataset as Samples<S>, i));
    if (!samples.some(isPromise)) return collateFn(samples as S[]);
    return Promise.all(samples).then((all) => this.#collate(all));
  }

  /** The batch of samples that arrived later. */
  #collate(samples: S[] | S): B {
    return unscoped(() => this.collateFn(samples as S[]));
  }

  *#readStream(dataset: Stream): IterableIterator<B> {
    if (typeof dataset[Symbol.iterator] !== "function") {
      throw new TypeError(
        "DataLoader: the dataset is asynchronous; go through it with for await (... of loader)",
      );
    }
    let samples: S[] = [];
    for (const sample of dataset as Iterable<S>) {
      if (this.batchSize === null) {
        yield this.collateFn(sample as unknown as S[]);
        continue;
      }
      samples.push(sample);
      if (samples.length < this.batchSize) continue;
      yield this.collateFn(samples);
      samples = [];
    }
    if (samples.length > 0 && !this.dropLast) yield this.collateFn(samples);
  }

  *#streamedLater(dataset: Stream): IterableIterator<Promise<B | typeof END>> {
    const iterator = dataset[Symbol.asyncIterator]?.() ?? dataset[Symbol.iterator]!();
    let ended = false, before: Promise<unknown> = Promise.resolve();
    const gather = async (): Promise<B | typeof END> => {
      const samples: S[] = [];
      while (!ended && samples.length < (this.batchSize ?? 1)) {
        const { done, value } = await iterator.next();
        if (done) ended = true;
        else samples.push(await value as S);
      }
      if (samples.length === 0 || (this.dropLast && samples.length < this.batchSize!)) return END;
      return this.#collate(this.batchSize === null ? samples[0] : samples);
    };
    try {
      while (!ended) {
        const batch = before.then(gather);
        before = batch;
        yield batch;
      }
    } finally {
      if (!ended) void iterator.return?.();
    }
  }

  /** Goes through promises of batches, of which the next ones are always under way. */
  async *#prefetch(batches: IterableIterator<Promise<B | typeof END>>): AsyncIterableIterator<B> {
    const pending: Promise<B | typeof END>[] = [];
    try {
      while (true) {
        while (pending.length < this.prefetchFactor) {
          const { done, value } = batches.next();
          if (done) break;
          value.catch(() => {}); // Reported when its turn comes.
          pending.push(value);
        }
        const next = pending.shift();
        if (next === undefined) return;
        const batch = await next;
        if (batch === END) return;
        yield batch;
      }
    } finally {
      batches.return?.();
    }
  }
}
