/**
 * Random parts of a dataset.
 *
 * @module
 */
import { type GeneratorOption, NO_GENERATOR } from "../ops/draw.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Generator } from "../tensor/generator.ts";
import { checkSamples, countOf, type Samples, Subset } from "./dataset.ts";
import { permutation } from "./sampler.ts";

/** Fractions of `n` as lengths: each rounded down, what remains handed out one by one from the first. */
function lengthsOf(fractions: readonly number[], n: number): number[] {
  const lengths = fractions.map((fraction, i) => {
    if (fraction < 0 || fraction > 1) {
      throw new RangeError(`randomSplit: fraction ${i} must be from 0 to 1, got ${fraction}`);
    }
    return Math.floor(n * fraction);
  });
  const rest = n - lengths.reduce((a, b) => a + b, 0);
  for (let i = 0; i < rest; i++) lengths[i % lengths.length]++;
  return lengths;
}

/**
 * Disjoint random parts of a dataset, of the given lengths, or fractions that sum to 1.
 *
 * @throws RangeError when the lengths do not sum to the dataset's.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.random_split
 */
export function randomSplit<T>(
  dataset: Samples<T>,
  lengths: readonly number[],
  ...args: Args<[generator: Generator | null], GeneratorOption>
): Subset<T>[] {
  const { generator } = read("randomSplit", NO_GENERATOR, args);
  checkSamples("randomSplit", dataset);
  if (!Array.isArray(lengths) || !lengths.every((x) => typeof x === "number")) {
    throw new TypeError("randomSplit: lengths must be an array of numbers");
  }
  const n = countOf("randomSplit", dataset), sum = lengths.reduce((a, b) => a + b, 0);
  const parts = sum <= 1 && Math.abs(sum - 1) <= 1e-9 ? lengthsOf(lengths, n) : lengths;
  const total = parts.reduce((a, b) => a + b, 0);
  if (total !== n || parts.some((part) => !Number.isInteger(part) || part < 0)) {
    throw new RangeError(
      `randomSplit: lengths ${
        parts.join(", ")
      } must be whole numbers that sum to ${n}, the dataset's length; ` +
        "or fractions that sum to 1",
    );
  }
  const indices = permutation(n, generator);
  let end = 0;
  return parts.map((part) => new Subset(dataset, indices.slice(end, end += part)));
}
