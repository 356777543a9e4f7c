/**
 * Rows of a table by index.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { record } from "../autograd/record.ts";
import { computeType, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { add, div, mul } from "./arithmetic.ts";
import { fillChecked, gatherChecked, selectChecked, selectGrad } from "./checked_index.ts";
import { cast, copyInto, denseAs } from "./copy.ts";
import { bincount } from "./histogram.ts";
import { beginInPlace } from "./in_place.ts";
import {
  checkIndexes,
  checkSource,
  extent,
  flat,
  indexTensor,
  repeated,
  scalarTensor,
  scatterInto,
  selectFrom,
  truePositions,
  update,
} from "./indexed.ts";
import { arange } from "./range.ts";
import { isin, searchsorted } from "./search.ts";
import { unique } from "./unique.ts";
import { detach, narrow, reshape, unsqueeze } from "./view.ts";

/**
 * Integers as vectors with a one at their place: [...] -> [..., numClasses], int64. Without `numClasses`, the greatest
 * integer + 1.
 *
 * @throws RangeError when an integer is negative or not below `numClasses`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html
 */
export function oneHot(
  tensor: Tensor,
  ...args: Args<[numClasses: number], { numClasses?: number }>
): Tensor {
  const { numClasses } = read("oneHot", { numClasses: -1 }, args);
  checkTensor("oneHot", "tensor", tensor);
  if (tensor.dtype !== int64) {
    throw new TypeError(`oneHot: expected integers of int64, got ${tensor.dtype}`);
  }
  wholeNumber("oneHot", "numClasses", numClasses);
  const index = denseAs(tensor, int64), { backend } = tensor;
  let classes = numClasses;
  if (index.numElements === 0) {
    if (classes <= 0) {
      throw new RangeError("oneHot: numClasses must be given (and positive) for an empty tensor");
    }
  } else {
    const [low, high] = extent(index);
    if (low < 0) throw new RangeError(`oneHot: classes must not be negative, got ${low}`);
    if (classes === -1) classes = high + 1;
    if (high >= classes) {
      throw new RangeError(`oneHot: class ${high} is not below numClasses, ${classes}`);
    }
  }
  const y = fillWith(emptyOn(backend, [...tensor.shape, classes], int64), 0);
  const rows = new Tensor(y.storage, [index.numElements, classes], int64);
  const column = new Tensor(index.storage, [index.numElements, 1], int64, undefined, index.offset);
  scatterInto(rows, 1, column, repeated(scalarTensor(backend, 1, int64), column.shape));
  return y;
}

/** Options of `embedding`. */
export interface EmbeddingOptions {
  /** A row that takes no gradient; a negative one counts from the end. */
  paddingIdx?: number | null;
  /** Rows whose norm exceeds it are scaled down to it, in place, before they are read. */
  maxNorm?: number | null;
  /** The p of that norm. */
  normType?: number;
  /** Whether the gradient of a row is divided by how often the row was read. */
  scaleGradByFreq?: boolean;
  /** Taken for PyTorch's sake: gradients are dense. */
  sparse?: boolean;
}

/** Throws unless `weight` is a matrix and `input` are its row numbers; gives those as a vector of int64. */
export function rowNumbers(call: string, input: Tensor, weight: Tensor): Tensor {
  checkTensor(call, "input", input);
  checkTensor(call, "weight", weight);
  const at = flat(indexTensor(call, weight, input, "input"));
  if (weight.ndim !== 2) {
    throw new RangeError(`${call}: weight must be a matrix, got shape ${show(weight.shape)}`);
  }
  checkIndexes(call, at, 0, weight.shape[0]);
  return at;
}

/** The padding row as 0 .. rows-1, or null. */
function paddingRow(call: string, padding: number | null, rows: number): number | null {
  if (padding === null) return null;
  if (wholeNumber(call, "paddingIdx", padding) < -rows || padding >= rows) {
    throw new RangeError(
      `${call}: paddingIdx ${padding} is out of range for ${rows} rows of weight`,
    );
  }
  return padding < 0 ? padding + rows : padding;
}

/** Scales the rows `at` of `weight` down to norm `most`, in place and without history. */
function renormRows(call: string, weight: Tensor, at: Tensor, most: number, p: number): void {
  if (at.numElements === 0 || weight.shape[1] === 0) return;
  const alone = detach(weight);
  beginInPlace(call, alone);
  const rows = unique(at), { kernels } = weight.backend, compute = computeType(weight.dtype);
  const kernel = compute.size === 8 ? kernels.renorm_rows_f64 : kernels.renorm_rows;
  update(alone, compute, (work) => {
    kernel(work.pointer, rows.pointer, weight.shape[1], p, most, 0, rows.numElements);
  });
  weight.counter.version++;
}

/** The rows `at` (checked) of `weight`, in the shape `shape` of indexes. */
function rowsOf(
  weight: Tensor,
  at: Tensor,
  shape: readonly number[],
  padding: number | null,
  scaleGradByFreq: boolean,
): Tensor {
  const { dtype } = weight, [rows, columns] = weight.shape, n = at.numElements;
  const y = new Tensor(selectFrom(weight, 0, at).storage, [...shape, columns], dtype);
  return record("embedding", y, [weight], [(dy) => {
    let g = reshape(dy, [n, columns]);
    if (scaleGradByFreq) {
      const counts = selectFrom(bincount(at), 0, at);
      g = div(g, unsqueeze(cast(counts, dtype), 1));
    }
    const dWeight = selectGrad(g, [rows, columns], 0, at);
    return padding === null ? dWeight : fillChecked(dWeight, 0, vectorOf(weight, padding), 0);
  }], [at]);
}

/** A vector of one index. */
function vectorOf(x: Tensor, index: number): Tensor {
  return fillWith(emptyOn(x.backend, [1], int64), index);
}

/**
 * The rows of `weight` that `input` names. input: [...] of int64 or int32, weight: [rows, columns] -> [..., columns].
 *
 * @throws RangeError when a row number is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
 */
export function embedding(
  input: Tensor,
  weight: Tensor,
  ...args: Args<
    [
      paddingIdx: number | null,
      maxNorm: number | null,
      normType: number,
      scaleGradByFreq: boolean,
      sparse: boolean,
    ],
    EmbeddingOptions
  >
): Tensor {
  const call = "embedding";
  const { paddingIdx, maxNorm, normType, scaleGradByFreq } = read(call, {
    paddingIdx: null as number | null,
    maxNorm: null as number | null,
    normType: 2,
    scaleGradByFreq: false,
    sparse: false,
  }, args);
  const at = rowNumbers(call, input, weight);
  const padding = paddingRow(call, paddingIdx, weight.shape[0]);
  if (maxNorm !== null) renormRows(call, weight, at, maxNorm, normType);
  return rowsOf(weight, at, input.shape, padding, scaleGradByFreq);
}

/** How `embeddingBag` combines the rows of a bag. */
export type EmbeddingBagMode = "sum" | "mean" | "max";

/** Options of `embeddingBag`. */
export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** Where each bag begins in `input`, if that is a vector. */
  offsets?: Tensor | null;
  /** How rows are combined. */
  mode?: EmbeddingBagMode;
  /** A factor for each row, in the shape of `input`; for mode `"sum"`. */
  perSampleWeights?: Tensor | null;
  /** Whether `offsets` has the end of the last bag too. */
  includeLastOffset?: boolean;
}

/** Where each bag of `input` begins, and where the last ends: int64 [bags + 1]. */
function bagStarts(
  call: string,
  input: Tensor,
  offsets: Tensor | null,
  includeLastOffset: boolean,
): Tensor {
  const n = input.numElements, { backend } = input;
  if (input.ndim === 2) {
    if (offsets !== null) {
      throw new RangeError(`${call}: offsets must be null for a matrix of bags`);
    }
    const [bags, length] = input.shape;
    const y = emptyOn(backend, [bags + 1], int64);
    backend.kernels.arange_i64(y.pointer, 0, length, 0, bags + 1);
    return y;
  }
  if (input.ndim !== 1) {
    throw new RangeError(
      `${call}: input must be a vector or a matrix, got shape ${show(input.shape)}`,
    );
  }
  if (offsets === null) {
    throw new RangeError(`${call}: offsets are needed for a vector of indexes`);
  }
  const starts = indexTensor(call, input, offsets, "offsets");
  if (starts.ndim !== 1) {
    throw new RangeError(`${call}: offsets must be a vector, got shape ${show(starts.shape)}`);
  }
  const count = starts.numElements;
  if (includeLastOffset && count === 0) {
    throw new RangeError(`${call}: offsets must have at least one element`);
  }
  if (count > 0) {
    const [low, high] = extent(starts),
      first = starts.backend.readElement(
        starts.storage,
        starts.offset,
        int64,
      );
    if (first !== 0 || low < 0 || high > n) {
      throw new RangeError(
        `${call}: offsets must begin with 0 and be at most ${n}, the length of input; got ${first} first and ${high} at most`,
      );
    }
  }
  if (includeLastOffset) return starts;
  const y = fillWith(emptyOn(backend, [count + 1], int64), n);
  copyInto(new Tensor(y.storage, [count], int64), starts);
  return y;
}

/** Those of the positions of `at` that do not hold `padding`. */
function keptPositions(at: Tensor, padding: number): Tensor {
  return truePositions(isin(at, padding, { invert: true }));
}

/**
 * Bags of rows of `weight`, each summed, averaged (the default), or reduced to the maximum of each column. input: [bags,
 * length], or a vector with `offsets` [bags] where each bag begins; weight: [rows, columns] -> [bags, columns]. An empty
 * bag gives zeros.
 *
 * @throws RangeError when a row number or an offset is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
 */
export function embeddingBag(
  input: Tensor,
  weight: Tensor,
  ...args: Args<
    [
      offsets: Tensor | null,
      maxNorm: number | null,
      normType: number,
      scaleGradByFreq: boolean,
      mode: EmbeddingBagMode,
      sparse: boolean,
      perSampleWeights: Tensor | null,
      includeLastOffset: boolean,
      paddingIdx: number | null,
    ],
    EmbeddingBagOptions
  >
): Tensor {
  const call = "embeddingBag";
  const o = read(call, {
    offsets: null as Tensor | null,
    maxNorm: null as number | null,
    normType: 2,
    scaleGradByFreq: false,
    mode: "mean" as EmbeddingBagMode,
    sparse: false,
    perSampleWeights: null as Tensor | null,
    includeLastOffset: false,
    paddingIdx: null as number | null,
  }, args);
  if (!["sum", "mean", "max"].includes(o.mode)) {
    throw new RangeError(
      `${call}: mode must be "sum", "mean" or "max", got ${describeValue(o.mode)}`,
    );
  }
  if (o.mode === "max" && o.scaleGradByFreq) {
    throw new RangeError(`${call}: scaleGradByFreq is not defined for mode "max"`);
  }
  let at = rowNumbers(call, input, weight);
  let factors = o.perSampleWeights;
  if (factors !== null) {
    checkSource(call, weight, factors, "perSampleWeights");
    if (o.mode !== "sum") {
      throw new RangeError(`${call}: perSampleWeights are for mode "sum", not "${o.mode}"`);
    }
    if (!sameShape(factors.shape, input.shape)) {
      throw new RangeError(
        `${call}: perSampleWeights has shape ${show(factors.shape)}, input ${show(input.shape)}`,
      );
    }
    factors = reshape(factors, -1);
  }
  const padding = paddingRow(call, o.paddingIdx, weight.shape[0]);
  let starts = bagStarts(call, input, o.offsets, o.includeLastOffset);
  const bags = starts.numElements - 1, columns = weight.shape[1], { backend } = weight;
  if (o.maxNorm !== null) renormRows(call, weight, at, o.maxNorm, o.normType);
  // The bag of each index. What is after the last bag's end is in none.
  const end = bags === 0
    ? 0
    : Number(backend.readElement(starts.storage, starts.offset + bags, int64));
  at = narrow(at, 0, 0, end);
  const begins = narrow(starts, 0, 0, bags);
  let bagOf = add(searchsorted(begins, range(at, end), { right: true }), -1);
  if (factors !== null) factors = narrow(factors, 0, 0, end);
  if (padding !== null) {
    const kept = keptPositions(at, padding);
    [at, bagOf] = [selectFrom(at, 0, kept), selectFrom(bagOf, 0, kept)];
    starts = searchsorted(bagOf, range(at, bags + 1));
    if (factors !== null) factors = selectChecked(factors, 0, kept);
  }
  const n = at.numElements, rows = rowsOf(weight, at, [n], null, o.scaleGradByFreq);
  if (o.mode === "max") return maxOfBags(rows, starts, bags);
  if (factors !== null) {
    return selectGrad(mul(rows, unsqueeze(factors, 1)), [bags, columns], 0, bagOf);
  }
  if (o.mode === "sum" || n === 0) return selectGrad(rows, [bags, columns], 0, bagOf);
  const lengths = cast(selectFrom(bincount(bagOf), 0, bagOf), weight.dtype);
  return selectGrad(div(rows, unsqueeze(lengths, 1)), [bags, columns], 0, bagOf);
}

/** 0, 1, ... n - 1 on the device of `x`. */
function range(x: Tensor, n: number): Tensor {
  return arange(n, { device: x.device });
}

/** The maximum of each column of each bag of `rows`; the gradient goes to the first row that has it. */
function maxOfBags(rows: Tensor, starts: Tensor, bags: number): Tensor {
  const [n, columns] = rows.shape, { backend } = rows, compute = computeType(rows.dtype);
  const best = emptyOn(backend, [bags, columns], int64), source = denseAs(rows, compute);
  const kernel = compute.size === 8
    ? backend.kernels.segment_argmax_f64
    : backend.kernels.segment_argmax;
  kernel(best.pointer, source.pointer, starts.pointer, columns, n, 0, bags);
  // Empty bags read a row of zeros that is put after the others.
  return gatherChecked(selectGrad(rows, [n + 1, columns], 0, range(rows, n)), 0, best);
}
