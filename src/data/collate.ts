/**
 * Samples to batches.
 *
 * @module
 */
import { bool, float64, int64 } from "../backend/dtype.ts";
import type { TypedArray } from "../backend/dtype.ts";
import { stack } from "../ops/join.ts";
import { isOptions } from "../tensor/arguments.ts";
import { fromArray, tensor } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";

/** The batch that samples of type `T` make. */
export type Collated<T> = T extends Tensor | number | bigint | boolean | TypedArray ? Tensor
  : T extends string ? string[]
  : T extends readonly unknown[] ? { -readonly [K in keyof T]: Collated<T[K]> }
  : T extends Record<string, unknown> ? { [K in keyof T]: Collated<T[K]> }
  : unknown;

function kindOf(x: unknown): string {
  if (x === null) return "null";
  if (Array.isArray(x)) return "an array";
  return typeof x === "object" ? (x as object).constructor?.name ?? "an object" : typeof x;
}

/**
 * A batch of samples: tensors and typed arrays are stacked along a new first axis; numbers become a tensor, int64 where
 * all are whole and float64 otherwise, as Python's numbers do; bigints int64, booleans bool. Arrays are collated place
 * by place, records key by key; strings stay a list.
 *
 * @throws RangeError when shapes or lengths differ.
 * @throws TypeError for anything else.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.default_collate
 */
export function defaultCollate<T>(batch: readonly T[]): Collated<T> {
  return collate(batch) as Collated<T>;
}

function collate(batch: readonly unknown[]): unknown {
  if (!Array.isArray(batch) || batch.length === 0) {
    throw new TypeError("defaultCollate: expected an array of one sample or more");
  }
  const first = batch[0];
  const all = (test: (x: unknown) => boolean) => {
    const other = batch.find((x) => !test(x));
    if (other === undefined) return;
    throw new TypeError(
      `defaultCollate: a batch holds both ${kindOf(first)} and ${kindOf(other)}`,
    );
  };
  if (first instanceof Tensor) {
    all((x) => x instanceof Tensor);
    return stack(batch as Tensor[], 0);
  }
  if (ArrayBuffer.isView(first)) {
    all((x) => ArrayBuffer.isView(x));
    return stack(batch.map((x) => fromArray(x as TypedArray)), 0);
  }
  switch (typeof first) {
    case "number":
    case "bigint": {
      all((x) => typeof x === "number" || typeof x === "bigint");
      const whole = batch.every((x) => typeof x === "bigint" || Number.isInteger(x));
      return tensor(batch as number[], { dtype: whole ? int64 : float64 });
    }
    case "boolean":
      all((x) => typeof x === "boolean");
      return tensor(batch as boolean[], { dtype: bool });
    case "string":
      all((x) => typeof x === "string");
      return [...batch];
  }
  if (Array.isArray(first)) {
    all(Array.isArray);
    const arrays = batch as unknown[][];
    if (arrays.some((x) => x.length !== first.length)) {
      throw new RangeError(
        `defaultCollate: samples of different lengths: ${arrays.map((x) => x.length).join(", ")}`,
      );
    }
    return first.map((_, i) => collate(arrays.map((x) => x[i])));
  }
  if (isOptions(first)) {
    all(isOptions);
    return Object.fromEntries(
      Object.keys(first).map((key) => [
        key,
        collate(batch.map((x) => {
          const record = x as Record<string, unknown>;
          if (key in record) return record[key];
          throw new TypeError(`defaultCollate: a sample has no key ${JSON.stringify(key)}`);
        })),
      ]),
    );
  }
  throw new TypeError(
    `defaultCollate: samples must be tensors, typed arrays, numbers, strings, arrays or records, got ${
      kindOf(first)
    }`,
  );
}

/** One sample on its own: its typed arrays become tensors, also inside of arrays and records; the rest stays. */
export function defaultConvert(sample: unknown): unknown {
  if (sample instanceof Tensor) return sample;
  if (ArrayBuffer.isView(sample)) return fromArray(sample as TypedArray);
  if (Array.isArray(sample)) return sample.map(defaultConvert);
  if (isOptions(sample)) {
    return Object.fromEntries(Object.entries(sample).map(([k, v]) => [k, defaultConvert(v)]));
  }
  return sample;
}
