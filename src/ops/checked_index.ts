/**
 * Reading and writing by indexes that were checked, with gradients; and how an operation that writes is done out of place
 * and in place.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { axis } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { copyInto } from "./copy.ts";
import { type KernelTable, kernelTable } from "./elementwise.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";
import {
  atLeast1d,
  checkIndexes,
  checkIndexShape,
  checkSource,
  copyOf,
  flat,
  gatherFrom,
  indexTensor,
  repeated,
  scalarTensor,
  scatterInto,
  selectFrom,
  selectInto,
} from "./indexed.ts";
import { narrow, reshape } from "./view.ts";

const SCATTER_ADD = kernelTable("scatter_add"), INDEX_ADD = kernelTable("index_add");

/** Zeros of the dtype of `x` in `shape`. */
function zerosOf(x: Tensor, shape: readonly number[]): Tensor {
  return fillWith(emptyOn(x.backend, shape, x.dtype), 0);
}

/** `gather` of indexes that were checked. */
export function gatherChecked(x: Tensor, dim: number, index: Tensor): Tensor {
  const { shape } = x;
  return record("gather", gatherFrom(x, dim, index), [x], [
    (dy) => gatherGrad(dy, shape, dim, index),
  ], [index]);
}

/** The gradient of `gather`: zeros of `shape` with each element of `dy` added where it came from. */
export function gatherGrad(
  dy: Tensor,
  shape: readonly number[],
  dim: number,
  index: Tensor,
): Tensor {
  const dx = zerosOf(dy, shape);
  scatterInto(dx, dim, index, dy, SCATTER_ADD);
  return record("scatter_add", dx, [dy], [(g) => gatherChecked(g, dim, index)], [index]);
}

/** `indexSelect` of indexes that were checked. */
export function selectChecked(x: Tensor, dim: number, index: Tensor): Tensor {
  const { shape } = x;
  return record("index_select", selectFrom(x, dim, index), [x], [
    (dy) => selectGrad(dy, shape, dim, index),
  ], [index]);
}

/** The gradient of `indexSelect`: zeros of `shape` with each slice of `dy` added where it came from. */
export function selectGrad(
  dy: Tensor,
  shape: readonly number[],
  dim: number,
  index: Tensor,
): Tensor {
  const dx = zerosOf(dy, shape);
  selectInto(dx, dim, index, dy, INDEX_ADD);
  return record("index_add", dx, [dy], [(g) => selectChecked(g, dim, index)], [index]);
}

/** `scatter` of a number to indexes that were checked. */
export function scatterChecked(
  x: Tensor,
  d: number,
  at: Tensor,
  value: number,
): Tensor {
  const y = copyOf(x), source = repeated(scalarTensor(x.backend, value, x.dtype), at.shape);
  scatterInto(y, d, at, source);
  return record("scatter", y, [x], [(dy) => scatterChecked(dy, d, at, 0)], [at]);
}

/** Writes `source` at the positions `at` (a vector, checked) of `y` as a vector. */
export function putInto(y: Tensor, at: Tensor, source: Tensor, table: KernelTable | null): void {
  const line = flat(y);
  scatterInto(line, 0, at, flat(apart(source, y)), table);
  if (!y.dense) copyInto(y, new Tensor(line.storage, y.shape, y.dtype));
}

/** `put` of a number to positions that were checked. */
export function putChecked(x: Tensor, at: Tensor, value: number): Tensor {
  const y = copyOf(x);
  putInto(y, at, repeated(scalarTensor(x.backend, value, x.dtype), at.shape), null);
  return record("put", y, [x], [(dy) => putChecked(dy, at, 0)], [at]);
}

/** `indexFill` with a number at indexes (a vector) that were checked. */
export function fillChecked(x: Tensor, d: number, at: Tensor, value: number): Tensor {
  const y = copyOf(x);
  fillInto(y, d, at, scalarTensor(x.backend, value, x.dtype));
  return record("index_fill", y, [x], [(dy) => fillChecked(dy, d, at, 0)], [at]);
}

/** Writes the element of `value` to the slices `at` of axis `d` of `y`. */
export function fillInto(y: Tensor, d: number, at: Tensor, value: Tensor): void {
  const shape = atLeast1d(y.shape).map((n, i) => i === d ? at.numElements : n);
  selectInto(y, d, at, repeated(value, shape));
}

/** A checked call that writes into a tensor: what it writes, and its gradients. */
export interface Write {
  /** PyTorch's name of the operation. */
  op: string;
  /** Writes into `y`, a copy of the tensor or the tensor itself. */
  write(y: Tensor): void;
  /** What else it was computed from. */
  source: Tensor | null;
  /** The gradient of the tensor. */
  grad: Grad;
  /** The gradient of `source`. */
  sourceGrad: Grad;
  /** The tensors whose elements the gradients read. */
  saved: Tensor[];
}

/** A copy of `x` that was written to. */
export function written(x: Tensor, w: Write): Tensor {
  const y = copyOf(x);
  w.write(y);
  return record(w.op, y, [x, w.source], [w.grad, w.sourceGrad], w.saved);
}

/** `x` itself, written to. */
export function writtenInPlace(call: string, x: Tensor, w: Write): Tensor {
  beginInPlace(call, x, [x, w.source]);
  w.write(x);
  return recordInPlace(w.op, x, [x, w.source], [w.grad, w.sourceGrad], w.saved);
}

/** `source` in memory that is not that of `y`; no history. */
export function apart(source: Tensor, y: Tensor): Tensor {
  return source.storage === y.storage ? copyOf(source) : source;
}

/** The first `shape` elements along each axis of `source`; a view that gradients flow through. */
function head(source: Tensor, shape: readonly number[]): Tensor {
  const sizes = atLeast1d(shape);
  return source.shape.reduce(
    (x, n, d) => n > sizes[d] ? narrow(x, d, 0, sizes[d]) : x,
    source,
  );
}

/** Axis and indexes of a call, checked. */
export function target(
  call: string,
  x: Tensor,
  dim: number,
  index: unknown,
): { d: number; at: Tensor } {
  const d = axis(call, dim, x.ndim), at = apart(indexTensor(call, x, index), x);
  if (at.numElements > 0) {
    checkIndexShape(call, x.shape, at.shape, d);
    checkIndexes(call, at, d, x.shape[d] ?? 1);
  }
  return { d, at };
}

/** `source`, checked, with as many elements along each axis as `index`. */
export function sourceFor(call: string, x: Tensor, source: unknown, index: Tensor): Tensor {
  checkSource(call, x, source, "src");
  if (index.numElements === 0) {
    return reshape(narrow(reshape(source, -1), 0, 0, 0), index.shape);
  }
  checkIndexShape(call, source.shape, index.shape, -1, "src");
  return head(source, index.shape);
}
