/**
 * Writing slices by their index along an axis, out of place and in place.
 *
 * @module
 */
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axis, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { bool } from "../backend/dtype.ts";
import { mul } from "./arithmetic.ts";
import {
  apart,
  fillChecked,
  fillInto,
  selectChecked,
  type Write,
  written,
  writtenInPlace,
} from "./checked_index.ts";
import { cast } from "./copy.ts";
import { checkOperand, kernelTable } from "./elementwise.ts";
import {
  atLeast1d,
  checkIndexes,
  checkSource,
  copyOf,
  flat,
  indexTensor,
  scalarTensor,
  scatterInto,
  selectFrom,
  selectInto,
} from "./indexed.ts";
import { arange } from "./range.ts";
import { sum } from "./reduce.ts";
import { unique } from "./unique.ts";
import { reshape } from "./view.ts";

const INDEX_ADD = kernelTable("index_add"), AMAX = kernelTable("scatter_amax");

/** Axis and indexes (a vector) of a call, checked. */
function target(
  call: string,
  x: Tensor,
  dim: number,
  index: unknown,
  wraps: boolean,
): { d: number; at: Tensor } {
  const d = axis(call, dim, x.ndim), at = apart(indexTensor(call, x, index), x);
  if (at.ndim > 1) {
    throw new RangeError(`${call}: index must be a vector, got shape ${show(at.shape)}`);
  }
  checkIndexes(call, at, d, x.shape[d] ?? 1, wraps);
  return { d, at: flat(at) };
}

/** Throws unless `source` has the shape of `x` with as many slices along axis `d` as `at` has indexes. */
function checkSlices(
  call: string,
  x: Tensor,
  d: number,
  at: Tensor,
  source: unknown,
): asserts source is Tensor {
  checkSource(call, x, source);
  const wanted = atLeast1d(x.shape).map((n, i) => i === d ? at.numElements : n);
  if (!sameShape(atLeast1d(source.shape), wanted)) {
    throw new RangeError(
      `${call}: source has shape ${show(source.shape)}, expected ${
        show(wanted)
      }: ${at.numElements} slices along axis ${d} of ${show(x.shape)}`,
    );
  }
}

/** Options of `indexAdd`. */
export interface IndexAddOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis. */
  index?: Tensor;
  /** Slices to add. */
  source?: Tensor;
  /** Factor of `source`. */
  alpha?: number;
}

/** The arguments of `indexAdd` after the tensor. */
export type IndexAddArgs = Args<
  [dim: number, index: Tensor, source: Tensor, alpha: number],
  IndexAddOptions
>;

function addPlan(call: string, x: Tensor, args: IndexAddArgs): Write {
  const { dim, index, source, alpha } = read(call, {
    dim: NaN,
    index: null as unknown,
    source: null as unknown as Tensor,
    alpha: 1,
  }, args);
  const { d, at } = target(call, x, dim, index, false);
  checkSlices(call, x, d, at, source);
  const { shape } = source, factor = x.dtype.kind === "float" ? alpha : Math.trunc(alpha);
  const scaled = factor === 1 ? source : cast(mul(source, factor), x.dtype);
  return {
    op: "index_add",
    source: scaled,
    write: (y) => {
      const from = apart(scaled, y);
      // The sum of booleans is "or", for which rows have no kernel of their own.
      if (x.dtype === bool) orSlices(y, d, at, from);
      else selectInto(y, d, at, from, INDEX_ADD);
    },
    grad: (dy) => dy,
    sourceGrad: (dy) => reshape(selectChecked(dy, d, at), shape),
    saved: [at],
  };
}

function orSlices(y: Tensor, d: number, at: Tensor, source: Tensor): void {
  const shape = atLeast1d(source.shape);
  const index = copyOf(
    new Tensor(at.storage, shape, at.dtype, shape.map((_, i) => i === d ? 1 : 0), at.offset),
  );
  scatterInto(y, d, index, source, AMAX);
}

/**
 * `x` with slices added by their index along an axis: y[index[i]] += alpha * source[i] for axis 0. index: a vector;
 * source: the shape of `x`, with as many slices as `index` has elements.
 *
 * @throws RangeError when an index is out of range, or the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
 */
export function indexAdd(x: Tensor, ...args: IndexAddArgs): Tensor {
  checkTensor("indexAdd", "input", x);
  return written(x, addPlan("indexAdd", x, args));
}

/** As `indexAdd`, in place. */
export function indexAdd_(x: Tensor, ...args: IndexAddArgs): Tensor {
  checkTensor("indexAdd_", "input", x);
  return writtenInPlace("indexAdd_", x, addPlan("indexAdd_", x, args));
}

/** Options of `indexCopy`. */
export interface IndexCopyOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis. */
  index?: Tensor;
  /** Slices to write. */
  source?: Tensor;
}

/** The arguments of `indexCopy` after the tensor. */
export type IndexCopyArgs = Args<[dim: number, index: Tensor, source: Tensor], IndexCopyOptions>;

function copyPlan(call: string, x: Tensor, args: IndexCopyArgs): Write {
  const { dim, index, source } = read(call, {
    dim: NaN,
    index: null as unknown,
    source: null as unknown as Tensor,
  }, args);
  const { d, at } = target(call, x, dim, index, false);
  checkSlices(call, x, d, at, source);
  const { shape } = source;
  return {
    op: "index_copy",
    source,
    write: (y) => selectInto(y, d, at, apart(source, y)),
    grad: (dy) => fillChecked(dy, d, at, 0),
    sourceGrad: (dy) => reshape(selectChecked(dy, d, at), shape),
    saved: [at],
  };
}

/**
 * `x` with slices replaced by their index along an axis: y[index[i]] = source[i] for axis 0.
 *
 * @throws RangeError when an index is out of range, or the shapes do not fit.
 */
export function indexCopy(x: Tensor, ...args: IndexCopyArgs): Tensor {
  checkTensor("indexCopy", "input", x);
  return written(x, copyPlan("indexCopy", x, args));
}

/** As `indexCopy`, in place. */
export function indexCopy_(x: Tensor, ...args: IndexCopyArgs): Tensor {
  checkTensor("indexCopy_", "input", x);
  return writtenInPlace("indexCopy_", x, copyPlan("indexCopy_", x, args));
}

/** Options of `indexFill`. */
export interface IndexFillOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis; negative ones count from the end. */
  index?: Tensor;
  /** What to write: a number or a 0-d tensor. */
  value?: Tensor | number | bigint | boolean;
}

/** The arguments of `indexFill` after the tensor. */
export type IndexFillArgs = Args<
  [dim: number, index: Tensor, value: Tensor | number | bigint | boolean],
  IndexFillOptions
>;

function fillPlan(call: string, x: Tensor, args: IndexFillArgs): Write {
  const { dim, index, value } = read(call, {
    dim: NaN,
    index: null as unknown,
    value: null as unknown,
  }, args);
  checkOperand(call, "value", value);
  if (value instanceof Tensor && value.ndim > 0) {
    throw new RangeError(
      `${call}: value must be a number or a 0-d tensor, got shape ${show(value.shape)}`,
    );
  }
  const { d, at } = target(call, x, dim, index, true);
  const source = value instanceof Tensor ? cast(value, x.dtype) : null;
  const one = source ?? scalarTensor(x.backend, value as number, x.dtype);
  return {
    op: "index_fill",
    source,
    write: (y) => fillInto(y, d, at, apart(one, y)),
    grad: (dy) => fillChecked(dy, d, at, 0),
    sourceGrad: (dy) => {
      // Each slice once, however often it was named.
      const positions = selectFrom(arange(x.shape[d] ?? 1, { device: x.device }), 0, at);
      return sum(selectChecked(dy, d, unique(positions)));
    },
    saved: [at],
  };
}

/**
 * `x` with slices filled by their index along an axis: y[index[i]] = value for axis 0. Negative indexes count from the end.
 *
 * @throws RangeError when an index is out of range.
 */
export function indexFill(x: Tensor, ...args: IndexFillArgs): Tensor {
  return written(x, fillPlan("indexFill", x, args));
}

/** As `indexFill`, in place. */
export function indexFill_(x: Tensor, ...args: IndexFillArgs): Tensor {
  return writtenInPlace("indexFill_", x, fillPlan("indexFill_", x, args));
}
