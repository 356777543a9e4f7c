/**
 * Draws of indices with given weights.
 *
 * @module
 */
import { float64, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import type { Generator } from "../tensor/generator.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import {
  checkFloat,
  drawType,
  emptyInOrder,
  fillInOrder,
  generatorFor,
  type GeneratorOption,
  inOrder,
  NO_GENERATOR,
} from "./draw.ts";
import { allFinite, allFrom } from "./draw_checks.ts";
import { kernelTable } from "./elementwise.ts";
import { reduce } from "./reduction.ts";
import { scratchFor } from "./sort.ts";

const SUM = kernelTable("sum");
/** float32 sums count no further. */
const MOST_COLUMNS = 2 ** 24;

/** Options of `multinomial`. */
export interface MultinomialOptions extends GeneratorOption {
  /** How many indices are drawn from each row. */
  numSamples?: number;
  /** Whether an index may be drawn again. */
  replacement?: boolean;
}

/**
 * Indices drawn with probabilities in proportion to `input`, each row by itself: [rows, n] or [n] -> [rows, numSamples]
 * or [numSamples] of int64. The weights need not sum to 1.
 *
 * @throws RangeError when a weight is negative or not finite, a row has no positive one, or more samples are asked for
 * than there are weights, without replacement.
 * @see https://pytorch.org/docs/stable/generated/torch.multinomial.html
 */
export function multinomial(
  input: Tensor,
  ...args: Args<[numSamples: number, replacement: boolean], MultinomialOptions>
): Tensor {
  const { numSamples, replacement, generator } = read("multinomial", {
    numSamples: NaN,
    replacement: false,
    ...NO_GENERATOR,
  }, args);
  checkTensor("multinomial", "input", input);
  checkFloat("multinomial", input.dtype);
  wholeNumber("multinomial", "numSamples", numSamples);
  if (input.ndim !== 1 && input.ndim !== 2) {
    throw new RangeError(
      `multinomial: expected weights of one or two axes, got shape ${show(input.shape)}`,
    );
  }
  const columns = input.shape[input.ndim - 1], rows = input.ndim === 2 ? input.shape[0] : 1;
  if (numSamples < 1) {
    throw new RangeError(`multinomial: numSamples must be 1 or more, got ${numSamples}`);
  }
  if (numSamples > columns && !replacement) {
    throw new RangeError(
      `multinomial: ${numSamples} samples of ${columns} weights need { replacement: true }`,
    );
  }
  if (columns > MOST_COLUMNS) {
    throw new RangeError(`multinomial: at most ${MOST_COLUMNS} weights in a row, got ${columns}`);
  }
  if (!allFinite("multinomial", input) || !allFrom("multinomial", input, 0)) {
    throw new RangeError("multinomial: weights must be finite, and 0 or more");
  }
  const y = emptyOn(input.backend, [...input.shape.slice(0, -1), numSamples], int64);
  if (y.numElements === 0) return y;
  const sums = reduce("multinomial", SUM, input, [input.ndim - 1], false, drawType(input.dtype));
  if (!(sums.toTypedArray() as Float64Array).every((sum) => sum > 0)) {
    throw new RangeError("multinomial: every row needs a positive weight");
  }
  const source = generatorFor("multinomial", y, generator);
  if (replacement) withReplacement(y, input, source, rows, columns, numSamples);
  else withoutReplacement(y, input, source, rows, columns, numSamples);
  return y;
}

function withReplacement(
  y: Tensor,
  input: Tensor,
  generator: Generator,
  rows: number,
  columns: number,
  samples: number,
): void {
  const { backend } = y, type = drawType(input.dtype), p = denseAs(input, type);
  const draw = backend.kernels[type === float64 ? "multinomial_f64" : "multinomial"];
  const cumulative = backend.scratch(columns * type.size);
  draw(y.pointer, cumulative, p.pointer, generator.pointer, rows, columns, samples);
}

/** The places of the greatest of weight / exponential number in each row. */
function withoutReplacement(
  y: Tensor,
  input: Tensor,
  generator: Generator,
  rows: number,
  columns: number,
  samples: number,
): void {
  const { backend } = y, type = drawType(input.dtype), long = type === float64;
  const race = backend.kernels[long ? "exponential_race_f64" : "exponential_race"];
  const p = denseAs(inOrder(input), type), raced = emptyInOrder(input, type);
  fillInOrder(
    raced,
    type,
    (score) => race(score.pointer, p.pointer, generator.pointer, score.numElements),
  );
  const scores = denseAs(raced, type);
  const values = emptyOn(backend, [rows, samples], type);
  backend.kernels[long ? "topk_f64" : "topk"](
    values.pointer,
    y.pointer,
    scores.pointer,
    columns,
    samples,
    1,
    1,
    1,
    scratchFor(scores, columns, rows),
    0,
    rows,
  );
}
