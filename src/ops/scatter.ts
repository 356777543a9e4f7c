/**
 * Writing by index tensors and masks, out of place and in place.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { Grad } from "../autograd/record.ts";
import { bool } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { broadcast, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { checkOperand, kernelTable } from "./elementwise.ts";
import {
  apart,
  gatherChecked,
  putChecked,
  putInto,
  scatterChecked,
  selectChecked,
  sourceFor,
  target,
  type Write,
  written,
  writtenInPlace,
} from "./checked_index.ts";
import {
  checkIndexes,
  checkMask,
  checkSource,
  flat,
  indexTensor,
  repeated,
  scalarTensor,
  scatterInto,
  spread,
  truePositions,
} from "./indexed.ts";
import { expand, narrow, reshape } from "./view.ts";

// The sum of booleans is "or".
const AMAX = kernelTable("scatter_amax"), PROD = kernelTable("scatter_prod");
const ADD = kernelTable("scatter_add");

/** Options of `scatter`. */
export interface ScatterOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis. */
  index?: Tensor;
  /** What to write: a tensor with an element for each index, or a number. */
  src?: Tensor | number | bigint | boolean;
  /** The number to write, under its other name. */
  value?: number | bigint | boolean;
  /** `"add"` or `"multiply"`, to combine with what is there. */
  reduce?: "add" | "multiply" | null;
}

/** A tensor, or a number that stands for one. */
export type ScatterSource = Tensor | number | bigint | boolean;
/** The arguments of `scatter` after the tensor. */
export type ScatterArgs = Args<
  [dim: number, index: Tensor, src: ScatterSource, reduce: "add" | "multiply" | null],
  ScatterOptions
>;

function scatterPlan(call: string, x: Tensor, args: ScatterArgs): Write {
  const { dim, index, src, value, reduce } = read(call, {
    dim: NaN,
    index: null as unknown,
    src: null as ScatterSource | null,
    reduce: null as string | null,
    value: null as ScatterSource | null,
  }, args);
  if (reduce !== null && reduce !== "add" && reduce !== "multiply") {
    throw new RangeError(
      `${call}: reduce must be "add" or "multiply", got ${describeValue(reduce)}`,
    );
  }
  const { d, at } = target(call, x, dim, index), what = src ?? value;
  checkOperand(call, "src", what);
  const source = what instanceof Tensor
    ? sourceFor(call, x, what, at)
    : repeated(scalarTensor(x.backend, what, x.dtype), at.shape);
  if (reduce === "add") return addPlan(x, d, at, source);
  if (reduce === "multiply") {
    // As in PyTorch, there are no gradients of it.
    const none: Grad = () => {
      throw new Error(
        `backward: ${call} with reduce "multiply" has no gradient; use scatterReduce`,
      );
    };
    return {
      op: "scatter",
      source,
      write: (y) => scatterInto(y, d, at, apart(source, y), PROD),
      grad: none,
      sourceGrad: none,
      saved: [],
    };
  }
  const { shape } = source;
  return {
    op: "scatter",
    source: what instanceof Tensor ? source : null,
    write: (y) => scatterInto(y, d, at, apart(source, y)),
    grad: (dy) => scatterChecked(dy, d, at, 0),
    sourceGrad: (dy) => reshape(gatherChecked(dy, d, at), shape),
    saved: [at],
  };
}

/**
 * `x` with elements replaced by their index along one axis: y[index[i, j], j] = src[i, j] for axis 0. `src` is a number,
 * or a tensor at least of the shape of `index`. With `reduce`, elements are added or multiplied instead.
 *
 * @throws RangeError when an index is out of range, or `index` exceeds `x` or `src`.
 * @see https://pytorch.org/docs/stable/generated/torch.scatter.html
 */
export function scatter(x: Tensor, ...args: ScatterArgs): Tensor {
  checkTensor("scatter", "input", x);
  return written(x, scatterPlan("scatter", x, args));
}

/** As `scatter`, in place. */
export function scatter_(x: Tensor, ...args: ScatterArgs): Tensor {
  checkTensor("scatter_", "input", x);
  return writtenInPlace("scatter_", x, scatterPlan("scatter_", x, args));
}

function addPlan(x: Tensor, d: number, at: Tensor, source: Tensor): Write {
  const { shape } = source;
  return {
    op: "scatter_add",
    source,
    write: (y) => scatterInto(y, d, at, apart(source, y), x.dtype === bool ? AMAX : ADD),
    grad: (dy) => dy,
    sourceGrad: (dy) => reshape(gatherChecked(dy, d, at), shape),
    saved: [at],
  };
}

/** Options of `scatterAdd`. */
export interface ScatterAddOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis. */
  index?: Tensor;
  /** What to add. */
  src?: Tensor;
}

/** The arguments of `scatterAdd` after the tensor. */
export type ScatterAddArgs = Args<[dim: number, index: Tensor, src: Tensor], ScatterAddOptions>;

function scatterAddPlan(call: string, x: Tensor, args: ScatterAddArgs): Write {
  const { dim, index, src } = read(call, {
    dim: NaN,
    index: null as unknown,
    src: null as unknown,
  }, args);
  const { d, at } = target(call, x, dim, index);
  return addPlan(x, d, at, sourceFor(call, x, src, at));
}

/**
 * `x` with elements added by their index along one axis: y[index[i, j], j] += src[i, j] for axis 0. `src` is at least of
 * the shape of `index`.
 *
 * @throws RangeError when an index is out of range, or `index` exceeds `x` or `src`.
 * @see https://pytorch.org/docs/stable/generated/torch.scatter_add.html
 */
export function scatterAdd(x: Tensor, ...args: ScatterAddArgs): Tensor {
  checkTensor("scatterAdd", "input", x);
  return written(x, scatterAddPlan("scatterAdd", x, args));
}

/** As `scatterAdd`, in place. */
export function scatterAdd_(x: Tensor, ...args: ScatterAddArgs): Tensor {
  checkTensor("scatterAdd_", "input", x);
  return writtenInPlace("scatterAdd_", x, scatterAddPlan("scatterAdd_", x, args));
}

/** Options of `put`. */
export interface PutOptions {
  /** Positions in the tensor as a vector. */
  index?: Tensor;
  /** What to write there. */
  source?: Tensor;
  /** Whether to add it instead. */
  accumulate?: boolean;
}

/** The arguments of `put` after the tensor. */
export type PutArgs = Args<[index: Tensor, source: Tensor, accumulate: boolean], PutOptions>;

function putPlan(call: string, x: Tensor, args: PutArgs): Write {
  const { index, source, accumulate } = read(call, {
    index: null as unknown,
    source: null as unknown as Tensor,
    accumulate: false,
  }, args);
  const at = flat(apart(indexTensor(call, x, index), x));
  checkSource(call, x, source);
  if (source.numElements !== at.numElements) {
    throw new RangeError(
      `${call}: index has ${at.numElements} elements, source ${source.numElements}: expected as many`,
    );
  }
  checkIndexes(call, at, 0, x.numElements, true);
  const { shape } = source, table = x.dtype === bool ? AMAX : ADD;
  return {
    op: "put",
    source,
    write: (y) => putInto(y, at, source, accumulate ? table : null),
    grad: (dy) => accumulate ? dy : putChecked(dy, at, 0),
    sourceGrad: (dy) => reshape(selectChecked(reshape(dy, -1), 0, at), shape),
    saved: [at],
  };
}

/**
 * `x` with the elements at positions `index`, as in a vector, replaced by those of `source`; with `accumulate` they are
 * added. Negative indexes count from the end.
 *
 * @throws RangeError when an index is out of range, or the numbers of elements differ.
 */
export function put(x: Tensor, ...args: PutArgs): Tensor {
  return written(x, putPlan("put", x, args));
}

/** As `put`, in place. */
export function put_(x: Tensor, ...args: PutArgs): Tensor {
  return writtenInPlace("put_", x, putPlan("put_", x, args));
}

/** Options of `maskedScatter`. */
export interface MaskedScatterOptions {
  /** Where to write. */
  mask?: Tensor;
  /** What to write, in row-major order. */
  source?: Tensor;
}

/** The arguments of `maskedScatter` after the tensor. */
export type MaskedScatterArgs = Args<[mask: Tensor, source: Tensor], MaskedScatterOptions>;

function maskedScatterPlan(call: string, x: Tensor, args: MaskedScatterArgs): Write {
  const { mask, source } = read(call, {
    mask: null as unknown as Tensor,
    source: null as unknown as Tensor,
  }, args);
  checkMask(call, x, mask);
  checkSource(call, x, source);
  if (!sameShape(broadcast(call, x.shape, mask.shape), x.shape)) {
    throw new RangeError(
      `${call}: mask of shape ${show(mask.shape)} does not broadcast to ${show(x.shape)}`,
    );
  }
  const at = truePositions(spread(mask, x.shape)), n = at.numElements;
  if (source.numElements < n) {
    throw new RangeError(
      `${call}: mask has ${n} true elements, source only ${source.numElements} elements`,
    );
  }
  // Made before x is written to, which may be the same memory.
  const first = narrow(reshape(source, -1), 0, 0, n);
  return {
    op: "masked_scatter",
    source: first,
    write: (y) => putInto(y, at, first, null),
    grad: (dy) => putChecked(dy, at, 0),
    sourceGrad: (dy) => selectChecked(reshape(dy, -1), 0, at),
    saved: [],
  };
}

/**
 * `x` with its elements where `mask` is true replaced by the first elements of `source`, in row-major order; `mask` and
 * `x` are broadcast against each other.
 *
 * @throws RangeError when `source` has too few elements.
 */
export function maskedScatter(x: Tensor, ...args: MaskedScatterArgs): Tensor {
  const { mask } = read("maskedScatter", { mask: null as unknown, source: null as unknown }, args);
  checkMask("maskedScatter", x, mask);
  const wide = expand(x, broadcast("maskedScatter", x.shape, mask.shape));
  return written(wide, maskedScatterPlan("maskedScatter", wide, args));
}

/** As `maskedScatter`, in place; `mask` is broadcast to the shape of `x`. */
export function maskedScatter_(x: Tensor, ...args: MaskedScatterArgs): Tensor {
  return writtenInPlace("maskedScatter_", x, maskedScatterPlan("maskedScatter_", x, args));
}
