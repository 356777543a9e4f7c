/**
 * PyTorch's subscripts: `x[i, 1:3, ..., None, mask]` is `x.index([i, slice(1, 3), "...", null, mask])`.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { bool, int32, int64, uint8 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn, fillWith, type Nested, tensor } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item as element } from "./access.ts";
import { add_ } from "./arithmetic.ts";
import { cast, clone, copy_ } from "./copy.ts";
import type { Operand } from "./elementwise.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";
import {
  broadcastIndexes,
  checkMask,
  checkValue,
  coordinates,
  type Indexes,
  takeAt,
  writeAt,
} from "./offsets.ts";
import { sumTo } from "./sum_to.ts";
import {
  alias,
  reshape,
  select,
  slice as sliceAxis,
  stridesOf,
  unsqueeze,
  view,
  viewOf,
} from "./view.ts";

/** Part of an axis: Python's `start:end:step`. Made by `torch.slice`. */
export class Slice {
  /** The first index; negative counts from the end. */
  readonly start: number | null;
  /** The index before which it ends; negative counts from the end. */
  readonly end: number | null;
  /** The distance of two indexes, at least 1. */
  readonly step: number;

  /** Use `torch.slice`. */
  constructor(start: number | null, end: number | null, step: number) {
    this.start = start;
    this.end = end;
    this.step = step;
  }

  /** As Python writes it: `1:3`, `::2`. */
  toString(): string {
    return `${this.start ?? ""}:${this.end ?? ""}${this.step === 1 ? "" : `:${this.step}`}`;
  }
}

/**
 * One subscript: an index (negative counts from the end), a `slice`, `"..."` for as many whole axes as are left, `null`
 * for a new axis, a boolean, a tensor of indexes (int64 or int32) or a mask (bool or uint8), or such a tensor's
 * elements in arrays.
 */
export type Index =
  | number
  | bigint
  | boolean
  | null
  | "..."
  | Slice
  | Tensor
  | readonly Nested[];

/**
 * Part of an axis, for `index` and `indexPut_`: `slice()` is Python's `:`, `slice(1)` is `1:`, `slice(null, 3)` is `:3`,
 * `slice(0, 10, 2)` is `0:10:2`.
 *
 * @throws RangeError when the step is not at least 1.
 */
export function slice(
  start: number | null = null,
  end: number | null = null,
  step: number | null = null,
): Slice {
  if (start !== null) wholeNumber("slice", "start", start);
  if (end !== null) wholeNumber("slice", "end", end);
  const by = step ?? 1;
  wholeNumber("slice", "step", by);
  if (by < 1) throw new RangeError(`slice: the step must be at least 1, got ${by}`);
  return new Slice(start, end, by);
}

/** Whether `tensor` is a mask rather than a tensor of indexes. */
function isMask(tensor: Tensor): boolean {
  return tensor.dtype === bool || tensor.dtype === uint8;
}

/** Arrays as tensors of indexes or masks, and everything else checked. */
function normalised(
  call: string,
  x: Tensor,
  items: readonly Index[],
): Exclude<Index, readonly Nested[]>[] {
  return items.map((item) => {
    if (Array.isArray(item)) {
      const flat = item.flat(Infinity), masks = flat.length > 0 && typeof flat[0] === "boolean";
      if (!masks) flat.forEach((i) => wholeNumber(call, "an index", i));
      return tensor(item as Nested, { dtype: masks ? bool : int64, device: x.device });
    }
    if (item instanceof Tensor) {
      if (!isMask(item) && item.dtype !== int64 && item.dtype !== int32) {
        throw new TypeError(
          `${call}: tensors of indexes must be int64 or int32, masks bool or uint8; got ${item.dtype}`,
        );
      }
      return item;
    }
    if (
      item === null || item === "..." || item instanceof Slice || typeof item === "boolean" ||
      Number.isInteger(item) || typeof item === "bigint"
    ) return item as Exclude<Index, readonly Nested[]>;
    throw new TypeError(
      `${call}: expected a whole number, a slice, "...", null, a boolean or a tensor, got ${
        describeValue(item)
      }`,
    );
  });
}

/** How many axes of the tensor a subscript takes up. */
function axesTaken(item: Index): number {
  if (item === null || item === "..." || typeof item === "boolean") return 0;
  return item instanceof Tensor && isMask(item) ? item.ndim : 1;
}

/** What subscripts mean: a view of the tensor, and the index tensors that apply to its axes, if any. */
interface Selection {
  readonly view: Tensor;
  readonly indexes: Indexes;
  /** Tensors whose memory the indexes may share. */
  readonly given: Tensor[];
  /** The axis of the tensor that each axis of the view with an index was. */
  readonly names: number[];
}

/** Applies what only changes the view, axis by axis, and gathers the index tensors. */
function selection(call: string, x: Tensor, list: readonly Index[]): Selection {
  const items = normalised(call, x, list);
  const taken = items.reduce<number>((n, item) => n + axesTaken(item), 0);
  if (taken > x.ndim) {
    throw new RangeError(
      `${call}: ${taken} axes are indexed, but a tensor of shape ${show(x.shape)} has ${x.ndim}`,
    );
  }
  // `axis` counts the axes of x, for messages; `d` those of the view.
  let at = x, d = 0, axis = 0;
  let rest = x.ndim - taken;
  const indexes: (Tensor | null)[] = [], given: Tensor[] = [];
  const names: number[] = [];
  const put = (index: Tensor) => {
    while (indexes.length < d) indexes.push(null);
    names[d] = axis;
    indexes[d++] = index;
  };
  const one = (i: number) => {
    const n = x.shape[axis];
    if (i < -n || i >= n) {
      throw new RangeError(`${call}: index ${i} is out of range for axis ${axis} of size ${n}`);
    }
    at = select(at, d, i);
    axis++;
  };
  for (const item of items) {
    if (item === "...") {
      d += rest;
      axis += rest;
      rest = 0;
    } else if (item === null) at = unsqueeze(at, d++);
    else if (typeof item === "number" || typeof item === "bigint") one(Number(item));
    else if (item instanceof Slice) {
      at = sliced(at, d++, item);
      axis++;
    } else if (typeof item === "boolean" || (item.ndim === 0 && isMask(item))) {
      // A new axis of one index, or none.
      const yes = typeof item === "boolean" ? item : Boolean(element(item));
      at = unsqueeze(at, d);
      put(fillWith(emptyOn(x.backend, [yes ? 1 : 0], int64), 0));
    } else if (isMask(item)) {
      checkMask(call, x, axis, item);
      const merged = mergeAxes(at, d, item.ndim);
      if (merged !== null) {
        at = merged;
        put(coordinates(item, [item.numElements])[0]);
      } else for (const c of coordinates(item)) put(c);
      axis += item.ndim;
    } else if (item.ndim === 0) one(Number(element(item)));
    else {
      given.push(item);
      put(alias(item));
      axis++;
    }
  }
  return { view: at, indexes: broadcastIndexes(call, indexes), given, names };
}

/** The axes d .. d + count - 1 of `x` as one, if that takes no copy. */
function mergeAxes(x: Tensor, d: number, count: number): Tensor | null {
  if (count === 1) return x;
  const size = x.shape.slice(d, d + count).reduce((a, b) => a * b, 1);
  const shape = [...x.shape.slice(0, d), size, ...x.shape.slice(d + count)];
  return stridesOf(x, shape) === null ? null : view(x, shape);
}

/** Python's slice of axis `d`: bounds outside of the axis are moved to its ends. */
function sliced(x: Tensor, d: number, { start, end, step }: Slice): Tensor {
  const n = x.shape[d];
  const bound = (i: number) => Math.min(Math.max(i < 0 ? i + n : i, 0), n);
  const from = bound(start ?? 0), to = Math.max(bound(end ?? n), from);
  if (from === 0 && to === n && step === 1) return x;
  return sliceAxis(x, d, from, to, step);
}

/**
 * `x[items]`: a view where only indexes, slices, `"..."` and `null` are given, a copy where tensors of indexes, masks or
 * booleans are.
 *
 * @throws RangeError for an index out of range, more indexes than axes, or shapes that do not fit.
 * @throws TypeError for an index that is none.
 */
export function index(x: Tensor, items: Index | readonly Index[]): Tensor {
  return subscript("index", x, Array.isArray(items) ? items : [items as Index]);
}

/** `x[i, j, ...]`: as `index`, with the subscripts as arguments. */
export function at(x: Tensor, ...items: Index[]): Tensor {
  return subscript("at", x, items);
}

function subscript(call: string, x: Tensor, items: readonly Index[]): Tensor {
  const { view, indexes, given, names } = selection(call, x, items);
  if (indexes.length > 0) return takeAt(call, view, indexes, given, names);
  const op = items.some((item) => item instanceof Slice) ? "slice" : "alias";
  return view === x ? viewOf(op, x, x.shape, x.strides, x.offset, (dy) => dy) : view;
}

/** Options of `indexPut_`. */
export interface IndexPutOptions {
  /** Add to what is there, instead of replacing it. */
  accumulate?: boolean;
}

/**
 * `x[items] = value`, or `x[items] += value` if `accumulate`: then an element that is indexed several times receives
 * every addend. Returns `x`.
 *
 * @throws RangeError for an index out of range, or a value that does not broadcast to the shape of `x[items]`.
 * @throws TypeError when index tensors or masks are given and `value` has another dtype than `x`.
 */
export function indexPut_(
  x: Tensor,
  items: Index | readonly Index[],
  value: Operand,
  ...args: Args<[accumulate: boolean], IndexPutOptions>
): Tensor {
  const call = "indexPut_";
  const { accumulate } = read(call, { accumulate: false }, args);
  let source: Tensor;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    source = fillWith(emptyOn(x.backend, [], x.dtype), value);
  } else {
    checkTensor(call, "value", value);
    source = value;
  }
  beginInPlace(call, x, [x, source]);
  const { view, indexes, given, names } = selection(
    call,
    x,
    Array.isArray(items) ? items : [items as Index],
  );
  if (indexes.length === 0) {
    source = withoutLeadingOnes(source, view.ndim);
    checkValue(call, source.shape, view.shape);
    if (accumulate) add_(view, source);
    else copy_(view, source);
    return x;
  }
  if (source.dtype !== x.dtype) {
    throw new TypeError(
      `${call}: the value is ${source.dtype}, the tensor ${x.dtype}; convert the value with to(dtype)`,
    );
  }
  const block = indexes.find((i) => i !== null)!.ndim,
    used = indexes.filter((i) => i !== null).length;
  source = withoutLeadingOnes(source, view.ndim - used + block);
  const shape = source.shape;
  writeAt(
    call,
    view,
    indexes,
    source.storage === x.storage ? clone(alias(source)) : source,
    accumulate,
    names,
  );
  recordInPlace("index_put", view, [view, source], [
    (dy) => accumulate ? dy : without(dy, indexes),
    (dy) => cast(sumTo(takeAt(call, dy, indexes), shape), source.dtype),
  ], given);
  return x;
}

/** `dy` with zeros where `indexes` name elements. */
function without(dy: Tensor, indexes: Indexes): Tensor {
  const y = clone(dy), zero = fillWith(emptyOn(dy.backend, [], dy.dtype), 0);
  beginInPlace("index_put", y);
  writeAt("index_put", y, indexes, zero, false);
  return recordInPlace("index_put", y, [y], [(ddy) => without(ddy, indexes)]);
}

/** `x` with at most `ndim` axes, as far as those in front have size 1. */
function withoutLeadingOnes(x: Tensor, ndim: number): Tensor {
  let skip = 0;
  while (x.ndim - skip > ndim && x.shape[skip] === 1) skip++;
  return skip === 0 ? x : reshape(x, x.shape.slice(skip));
}

/** As `indexPut_`, of a copy. */
export function indexPut(
  x: Tensor,
  items: Index | readonly Index[],
  value: Operand,
  ...args: Args<[accumulate: boolean], IndexPutOptions>
): Tensor {
  return indexPut_(clone(x), items, value, ...args);
}
