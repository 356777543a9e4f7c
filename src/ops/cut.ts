/**
 * Parts of tensors along an axis: pieces, single indexes, and sliding windows.
 *
 * @module
 */
import { mode } from "../autograd/mode.ts";
import { describeValue } from "../tensor/describe.ts";
import { type Args, checkTensor, read, wholeNumber, wholeNumbers } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import type { Layout } from "../tensor/layout.ts";
import { axis, sameShape, show } from "../tensor/shape.ts";
import { contiguousStrides, Tensor } from "../tensor/tensor.ts";
import { tolist } from "./access.ts";
import { clone, copy_ } from "./copy.ts";
import { cat, stack } from "./join.ts";
import { gradOfView } from "./strided.ts";
import { select, slice, viewOf, viewsOf } from "./view.ts";

/** The axis `dim` of a tensor that is to be cut; it must have one. */
function cutAxis(call: string, x: Tensor, dim: number): number {
  if (x.ndim === 0) throw new RangeError(`${call}: a 0-d tensor has no axis to cut`);
  return axis(call, dim, x.ndim);
}

/** Views of consecutive pieces of axis `d` of `x`, of these sizes. */
function pieces(op: string, x: Tensor, d: number, sizes: readonly number[]): Tensor[] {
  const layouts: Layout[] = [];
  let start = 0;
  for (const n of sizes) {
    const shape = [...x.shape];
    shape[d] = n;
    layouts.push({ shape, strides: x.strides, offset: x.offset + start * x.strides[d] });
    start += n;
  }
  return viewsOf(op, x, layouts, (dys) => [
    adjoining(dys, d, x.shape) ?? cat(withZeros(dys, (i) => layouts[i].shape), d),
  ]);
}

/** The tensor of `shape` whose consecutive pieces along axis `d` the gradients `dys` are; null where they are not. */
function adjoining(
  dys: readonly (Tensor | null)[],
  d: number,
  shape: readonly number[],
): Tensor | null {
  const [first] = dys;
  if (mode.grad || first === null) return null;
  const { storage, strides, dtype, offset } = first;
  let at = offset;
  for (const dy of dys) {
    if (dy?.storage !== storage || dy.offset !== at || !sameShape(dy.strides, strides)) return null;
    at += dy.shape[d] * strides[d];
  }
  return new Tensor(storage, shape, dtype, strides, offset);
}

/** The gradients of several views, zeros for those that were not used. */
function withZeros(
  dys: readonly (Tensor | null)[],
  shape: (i: number) => readonly number[],
): Tensor[] {
  const { backend, dtype } = dys.find((dy) => dy !== null)!;
  return dys.map((dy, i) => dy ?? fillWith(emptyOn(backend, shape(i), dtype), 0));
}

/**
 * Views of consecutive pieces of axis `dim`: of size `splitSize`, the last perhaps smaller, or of the given sizes.
 *
 * @throws RangeError when the given sizes do not add up to that of the axis.
 * @see https://pytorch.org/docs/stable/generated/torch.split.html
 */
export function split(
  x: Tensor,
  ...args: Args<
    [splitSize: number | readonly number[], dim: number],
    {
      splitSize?: number | readonly number[];
      splitSizeOrSections?: number | readonly number[];
      dim?: number;
    }
  >
): Tensor[] {
  checkTensor("split", "input", x);
  const { dim, ...o } = read("split", {
    splitSize: null as number | readonly number[] | null,
    dim: 0,
    splitSizeOrSections: NaN as number | readonly number[],
  }, args);
  const splitSize = o.splitSize ?? o.splitSizeOrSections;
  if (typeof splitSize === "object") return splitWithSizes(x, splitSize, dim);
  const d = cutAxis("split", x, dim), n = x.shape[d];
  wholeNumber("split", "splitSize", splitSize);
  if (splitSize < 0 || (splitSize === 0 && n > 0)) {
    throw new RangeError(`split: splitSize must be at least 1, got ${splitSize}`);
  }
  const count = splitSize === 0 ? 1 : Math.max(Math.ceil(n / splitSize), 1);
  return pieces(
    "split",
    x,
    d,
    Array.from({ length: count }, (_, i) => Math.min(splitSize, n - i * splitSize)),
  );
}

/**
 * Views of consecutive pieces of axis `dim`, of these sizes.
 *
 * @throws RangeError when they do not add up to the size of the axis.
 */
export function splitWithSizes(
  x: Tensor,
  splitSizes: readonly number[],
  ...args: Args<[dim: number], { dim?: number }>
): Tensor[] {
  checkTensor("splitWithSizes", "input", x);
  const { dim } = read("splitWithSizes", { dim: 0 }, args);
  const d = cutAxis("split", x, dim), n = x.shape[d];
  if (!Array.isArray(splitSizes)) {
    throw new TypeError(`split: sizes must be an array, got ${describeValue(splitSizes)}`);
  }
  let total = 0;
  for (const size of wholeNumbers("split", "size", splitSizes)) {
    if (size < 0) throw new RangeError(`split: sizes must be from 0, got ${show(splitSizes)}`);
    total += size;
  }
  if (total !== n) {
    throw new RangeError(
      `split: sizes ${show(splitSizes)} add up to ${total}, axis ${d} has size ${n}`,
    );
  }
  return pieces("split_with_sizes", x, d, splitSizes);
}

/** Views of at most `chunks` consecutive pieces of axis `dim`, of equal sizes but for the last. */
export function chunk(
  x: Tensor,
  ...args: Args<[chunks: number, dim: number], { chunks?: number; dim?: number }>
): Tensor[] {
  checkTensor("chunk", "input", x);
  const { chunks, dim } = read("chunk", { chunks: NaN, dim: 0 }, args);
  const d = cutAxis("chunk", x, dim), n = x.shape[d];
  wholeNumber("chunk", "chunks", chunks);
  if (chunks < 1) throw new RangeError(`chunk: chunks must be at least 1, got ${chunks}`);
  if (n === 0) return pieces("split_with_sizes", x, d, new Array<number>(chunks).fill(0));
  return split(x, Math.ceil(n / chunks), d);
}

/** How `tensorSplit` and its like are told where to cut: in so many parts, or at these indexes. */
export type SplitPlaces = number | readonly number[] | Tensor;

function tensorSplitAt(call: string, x: Tensor, places: SplitPlaces, d: number): Tensor[] {
  const n = x.shape[d];
  const given = places instanceof Tensor ? tolist(places) as number | number[] : places;
  if (typeof given === "number") {
    wholeNumber(call, "sections", given);
    if (given < 1) {
      throw new RangeError(`${call}: the number of sections must be at least 1, got ${given}`);
    }
    const small = Math.floor(n / given), larger = n % given;
    const start = (i: number) => i * small + Math.min(i, larger);
    return Array.from({ length: given }, (_, i) => slice(x, d, start(i), start(i + 1), 1));
  }
  if (!Array.isArray(given)) {
    throw new TypeError(
      `${call}: expected a number of sections or indexes, got ${describeValue(given)}`,
    );
  }
  const bounds = given.map((i) => {
    wholeNumber(call, "index", i);
    return Math.min(Math.max(i < 0 ? i + n : i, 0), n);
  });
  return [...bounds, n].map((end, i) => {
    const start = i === 0 ? 0 : bounds[i - 1];
    return slice(x, d, start, Math.max(start, end), 1);
  });
}

/**
 * Views of pieces of axis `dim`: in so many parts of nearly equal size, or cut before each of the given indexes.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.tensor_split.html
 */
export function tensorSplit(
  x: Tensor,
  ...args: Args<
    [indicesOrSections: SplitPlaces, dim: number],
    { indicesOrSections?: SplitPlaces; indices?: SplitPlaces; sections?: SplitPlaces; dim?: number }
  >
): Tensor[] {
  checkTensor("tensorSplit", "input", x);
  const o = read("tensorSplit", {
    indicesOrSections: null as SplitPlaces | null,
    dim: 0,
    indices: null as SplitPlaces | null,
    sections: NaN as SplitPlaces,
  }, args);
  const places = o.indicesOrSections ?? o.indices ?? o.sections;
  return tensorSplitAt("tensorSplit", x, places, cutAxis("tensorSplit", x, o.dim));
}

/** Cuts along axis d into equal parts, or at indexes: what `hsplit`, `vsplit` and `dsplit` do. */
function equalSplit(call: string, x: Tensor, places: SplitPlaces, d: number): Tensor[] {
  if (typeof places === "number" && places > 0 && x.shape[d] % places !== 0) {
    throw new RangeError(
      `${call}: axis ${d} of size ${x.shape[d]} cannot be cut into ${places} equal parts`,
    );
  }
  return tensorSplitAt(call, x, places, d);
}

/** Cuts along the second axis, or the only one, into equal parts or at indexes. */
export function hsplit(x: Tensor, indicesOrSections: SplitPlaces): Tensor[] {
  checkTensor("hsplit", "input", x);
  if (x.ndim < 1) throw new RangeError("hsplit: expected at least 1 axis, got a 0-d tensor");
  return equalSplit("hsplit", x, indicesOrSections, x.ndim === 1 ? 0 : 1);
}

/** Cuts along the first of at least two axes into equal parts or at indexes. */
export function vsplit(x: Tensor, indicesOrSections: SplitPlaces): Tensor[] {
  checkTensor("vsplit", "input", x);
  if (x.ndim < 2) {
    throw new RangeError(`vsplit: expected at least 2 axes, got shape ${show(x.shape)}`);
  }
  return equalSplit("vsplit", x, indicesOrSections, 0);
}

/** Cuts along the third axis into equal parts or at indexes. */
export function dsplit(x: Tensor, indicesOrSections: SplitPlaces): Tensor[] {
  checkTensor("dsplit", "input", x);
  if (x.ndim < 3) {
    throw new RangeError(`dsplit: expected at least 3 axes, got shape ${show(x.shape)}`);
  }
  return equalSplit("dsplit", x, indicesOrSections, 2);
}

/** Views of all indexes of axis `dim`, each without that axis. */
export function unbind(x: Tensor, ...args: Args<[dim: number], { dim?: number }>): Tensor[] {
  checkTensor("unbind", "input", x);
  const { dim } = read("unbind", { dim: 0 }, args);
  const d = cutAxis("unbind", x, dim), step = x.strides[d];
  const shape = x.shape.filter((_, i) => i !== d), strides = x.strides.filter((_, i) => i !== d);
  const layouts = Array.from(
    { length: x.shape[d] },
    (_, i) => ({ shape, strides, offset: x.offset + i * step }),
  );
  return viewsOf("unbind", x, layouts, (dys) => [stack(withZeros(dys, () => shape), d)]);
}

/**
 * Windows of `size` neighbours along an axis, one every `step`, as a view: [..., n, ...] -> [..., windows, ..., size].
 *
 * @throws RangeError when the axis is shorter than a window.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
 */
export function unfold(
  x: Tensor,
  ...args: Args<
    [dimension: number, size: number, step: number],
    { dimension?: number; size?: number; step?: number }
  >
): Tensor {
  checkTensor("unfold", "input", x);
  const { dimension, size, step } = read(
    "unfold",
    { dimension: NaN, size: NaN, step: NaN },
    args,
  );
  const d = axis("unfold", dimension, x.ndim), n = x.shape[d] ?? 1;
  wholeNumber("unfold", "size", size);
  wholeNumber("unfold", "step", step);
  if (size < 0 || size > n) {
    throw new RangeError(`unfold: a window of size ${size} does not fit axis ${d} of size ${n}`);
  }
  if (step < 1) throw new RangeError(`unfold: step must be at least 1, got ${step}`);
  const windows = (strides: readonly number[], offset: number): Layout => {
    const shape = [...x.shape, size], steps = [...strides, strides[d] ?? 1];
    if (x.ndim > 0) {
      shape[d] = Math.floor((n - size) / step) + 1;
      steps[d] *= step;
    }
    return { shape, strides: steps, offset };
  };
  const { shape, strides, offset } = windows(x.strides, x.offset);
  const dense = contiguousStrides(x.shape);
  return viewOf(
    "unfold",
    x,
    shape,
    strides,
    offset,
    gradOfView(windows(dense, 0), { shape: x.shape, strides: dense, offset: 0 }),
  );
}

/** A copy of `x` with `src` written to index `index` of axis `dim`. */
export function selectScatter(
  x: Tensor,
  src: Tensor,
  ...args: Args<[dim: number, index: number], { dim?: number; index?: number }>
): Tensor {
  checkTensor("selectScatter", "input", x);
  const { dim, index } = read("selectScatter", { dim: NaN, index: NaN }, args);
  return written("selectScatter", x, src, (y) => select(y, dim, index));
}

/** A copy of `x` with `src` written to the indexes start, start + step, ... below end of axis `dim`. */
export function sliceScatter(
  x: Tensor,
  src: Tensor,
  ...args: Args<
    [dim: number, start: number | null, end: number | null, step: number],
    { dim?: number; start?: number | null; end?: number | null; step?: number }
  >
): Tensor {
  checkTensor("sliceScatter", "input", x);
  const { dim, start, end, step } = read("sliceScatter", {
    dim: 0,
    start: null as number | null,
    end: null as number | null,
    step: 1,
  }, args);
  const d = cutAxis("sliceScatter", x, dim), n = x.shape[d];
  if (step < 1) throw new RangeError(`sliceScatter: step must be at least 1, got ${step}`);
  const bound = (i: number) => Math.min(Math.max(i < 0 ? i + n : i, 0), n);
  const first = bound(start ?? 0), last = Math.max(first, bound(end ?? n));
  return written("sliceScatter", x, src, (y) => slice(y, d, first, last, step));
}

/** A copy of `x` with `src` written to the part that `part` shows. */
export function written(
  call: string,
  x: Tensor,
  src: Tensor,
  part: (y: Tensor) => Tensor,
): Tensor {
  checkTensor(call, "src", src);
  const y = clone(x), target = part(y);
  if (show(target.shape) !== show(src.shape)) {
    throw new RangeError(
      `${call}: src must have the shape of the part, ${show(target.shape)}; got ${show(src.shape)}`,
    );
  }
  copy_(target, src);
  return y;
}
