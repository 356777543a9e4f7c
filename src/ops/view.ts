/**
 * Views: other shapes and strides over the same storage. Writing to a view writes to the tensor it looks into.
 *
 * @module
 */
import { type Grad, type Grads, mode, Node, record, recordAll } from "../autograd/record.ts";
import {
  type Args,
  checkTensor,
  isOptions,
  read,
  readSizes,
  type Sizes,
  wholeNumber,
  wholeNumbers,
} from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { inferShape, type Layout, layoutOf, viewStrides } from "../tensor/layout.ts";
import { axis, checkShape, show } from "../tensor/shape.ts";
import { contiguousStrides, sizeOf, Tensor } from "../tensor/tensor.ts";
import { item } from "./access.ts";
import { copy_, copyInto } from "./copy.ts";
import { zeros } from "./create.ts";
import { sumTo } from "./sum_to.ts";
import { gradOfView } from "./strided.ts";

/** A tensor over the storage of `x`, sharing its version counter, without history. */
export function alias(x: Tensor, { shape, strides, offset }: Layout = x): Tensor {
  const y = new Tensor(x.storage, shape, x.dtype, strides, offset);
  y.counter = x.counter;
  y.inference = x.inference;
  return y;
}

/**
 * A tensor over the storage of `x`, recorded as `op` with gradient `grad`: how every view is made. `offset` is in
 * elements from the start of the storage.
 */
export function viewOf(
  op: string,
  x: Tensor,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  grad: Grad,
): Tensor {
  const y = alias(x, { shape, strides, offset });
  record(op, y, [x], [grad]);
  link(y, x, null);
  return y;
}

/** Several views of `x` as the outputs of one operation, which is differentiated as a whole. */
export function viewsOf(op: string, x: Tensor, layouts: readonly Layout[], grad: Grads): Tensor[] {
  const ys = recordAll(op, layouts.map((layout) => alias(x, layout)), [x], grad);
  for (const y of ys) link(y, x, `one of the views that ${op} returned`);
  return ys;
}

/** Ties the view `y` of `x` to the base of `x`; `fixed` says why it may not be changed in place, if so. */
export function link(y: Tensor, x: Tensor, fixed: string | null): void {
  const from = x.viewOf, base = from === null ? x : from.base;
  fixed ??= from?.fixed ?? (mode.grad ? null : "a view that was made in noGrad");
  y.viewOf = { base, seen: base.rewritten, renew, fixed };
}

/** The base of `view` was changed in place since: its elements now come from there. */
function renew(view: Tensor): void {
  const link = view.viewOf!, { base } = link;
  link.seen = base.rewritten;
  view.node = base.requiresGrad
    ? new Node("as_strided", [base], [gradOfView(layoutOf(view), layoutOf(base))], [])
    : null;
  view.outputNumber = 0;
}

/** Zeros of `shape` with `dy` in the places that `show` shows: the gradient of a view whose places are all different. */
export function embed(
  dy: Tensor,
  shape: readonly number[],
  show: (dx: Tensor) => Tensor,
): Tensor {
  const dx = zeros(shape, { dtype: dy.dtype, device: dy.device });
  copy_(show(dx), dy);
  return dx;
}

/**
 * The elements of the storage of `x` from place `storageOffset` (by default, where `x` begins) in any shape and strides.
 *
 * @throws RangeError when it would reach outside of the storage.
 * @see https://pytorch.org/docs/stable/generated/torch.as_strided.html
 */
export function asStrided(
  x: Tensor,
  size: readonly number[],
  stride: readonly number[],
  ...args: Args<[storageOffset: number | null], { storageOffset?: number | null }>
): Tensor {
  checkTensor("asStrided", "input", x);
  const { storageOffset } = read("asStrided", { storageOffset: null as number | null }, args);
  checkShape("asStrided", size);
  wholeNumbers("asStrided", "stride", stride);
  const offset = storageOffset ?? x.offset;
  const reach = size.reduce((sum, n, d) => sum + (n - 1) * stride[d], offset);
  if (stride.length !== size.length || stride.some((s) => s < 0)) {
    throw new RangeError(`asStrided: expected ${size.length} strides from 0, got ${show(stride)}`);
  }
  if (sizeOf(size) > 0 && (offset < 0 || (reach + 1) * x.dtype.size > x.storage.bytes)) {
    throw new RangeError(
      `asStrided: shape ${show(size)} with strides ${
        show(stride)
      } at ${offset} reaches outside of a storage of ${x.storage.bytes / x.dtype.size} elements`,
    );
  }
  const layout = { shape: [...size], strides: [...stride], offset };
  return viewOf(
    "as_strided",
    x,
    layout.shape,
    layout.strides,
    offset,
    gradOfView(layout, layoutOf(x)),
  );
}

/**
 * The elements of `x` in another shape, without a copy; one size may be -1.
 *
 * @throws RangeError when the numbers of elements differ, or the layout of `x` needs a copy: use `reshape`.
 */
export function view(x: Tensor, ...size: Sizes<"size">): Tensor {
  checkTensor("view", "input", x);
  const from = x.shape;
  const shape = inferShape("view", from, x.numElements, readSizes("view", "size", size));
  const strides = stridesOf(x, shape);
  if (strides === null) {
    throw new RangeError(
      `view: shape ${show(shape)} does not fit the layout of a tensor of shape ${
        show(from)
      } and strides ${show(x.strides)}; use reshape`,
    );
  }
  return viewOf("view", x, shape, strides, x.offset, (dy) => reshape(dy, from));
}

/** The strides with which `x` has another shape of as many elements, or null when that needs a copy. */
export function stridesOf(x: Tensor, shape: readonly number[]): number[] | null {
  return x.dense ? contiguousStrides(shape) : viewStrides(x.shape, x.strides, shape);
}

/** The elements of `x` in another shape: a view where the layout allows, else a copy; one size may be -1. */
export function reshape(x: Tensor, ...shape: Sizes<"shape">): Tensor {
  checkTensor("reshape", "input", x);
  const from = x.shape;
  const to = inferShape("reshape", from, x.numElements, readSizes("reshape", "shape", shape));
  const strides = stridesOf(x, to);
  if (strides !== null) {
    return viewOf("_reshape_alias", x, to, strides, x.offset, (dy) => reshape(dy, from));
  }
  const y = emptyOn(x.backend, to, x.dtype);
  copyInto(new Tensor(y.storage, from, y.dtype), x);
  return record("unsafe_view", y, [x], [(dy) => reshape(dy, from)]);
}

/** Axes in another order: `permute(x, [2, 0, 1])`. */
export function permute(x: Tensor, ...dims: Sizes<"dims">): Tensor {
  checkTensor("permute", "input", x);
  const list = readSizes("permute", "dims", dims).map((d) => axis("permute", d, x.ndim));
  if (list.length !== x.ndim || new Set(list).size !== x.ndim) {
    throw new RangeError(
      `permute: expected every axis of a ${x.ndim}-d tensor once, got ${show(list)}`,
    );
  }
  const inverse = new Array<number>(x.ndim);
  list.forEach((d, i) => inverse[d] = i);
  return viewOf(
    "permute",
    x,
    list.map((d) => x.shape[d]),
    list.map((d) => x.strides[d]),
    x.offset,
    (dy) => permute(dy, inverse),
  );
}

/** Swaps two axes. */
export function transpose(
  x: Tensor,
  ...args: Args<[dim0: number, dim1: number], { dim0?: number; dim1?: number }>
): Tensor {
  checkTensor("transpose", "input", x);
  const { dim0, dim1 } = read("transpose", { dim0: NaN, dim1: NaN }, args);
  const a = axis("transpose", dim0, x.ndim), b = axis("transpose", dim1, x.ndim);
  const shape = [...x.shape], strides = [...x.strides];
  if (x.ndim > 0) {
    [shape[a], shape[b]] = [shape[b], shape[a]];
    [strides[a], strides[b]] = [strides[b], strides[a]];
  }
  return viewOf("transpose", x, shape, strides, x.offset, (dy) => transpose(dy, a, b));
}

/** `x` repeated along axes of size 1 without a copy; -1 keeps a size. */
export function expand(x: Tensor, ...size: Sizes<"size">): Tensor {
  checkTensor("expand", "input", x);
  const to = readSizes("expand", "size", size), skip = to.length - x.ndim;
  const shape = to.map((n, d) => n === -1 && d >= skip ? x.shape[d - skip] : n);
  if (
    skip < 0 ||
    shape.some((n, d) => n < 0 || (d >= skip && n !== x.shape[d - skip] && x.shape[d - skip] !== 1))
  ) {
    throw new RangeError(
      `expand: a tensor of shape ${show(x.shape)} cannot be expanded to ${show(to)}`,
    );
  }
  const strides = shape.map((n, d) =>
    d < skip || (x.shape[d - skip] === 1 && n !== 1) ? 0 : x.strides[d - skip]
  );
  const from = x.shape;
  return viewOf("expand", x, shape, strides, x.offset, (dy) => sumTo(dy, from));
}

/** `x` with an axis of size 1 put in at `dim`. */
export function unsqueeze(x: Tensor, dim: number | { dim: number }): Tensor {
  checkTensor("unsqueeze", "input", x);
  const d = axis("unsqueeze", isOptions(dim) ? dim.dim : dim as number, x.ndim + 1);
  const shape = [...x.shape], strides = [...x.strides];
  strides.splice(d, 0, d < x.ndim ? x.shape[d] * x.strides[d] : 1);
  shape.splice(d, 0, 1);
  return viewOf("unsqueeze", x, shape, strides, x.offset, (dy) => squeeze(dy, d));
}

/** `x` without its axes of size 1, or without axis `dim` (one or several) where that has size 1. */
export function squeeze(
  x: Tensor,
  ...args: Args<
    [dim: number | readonly number[] | null],
    { dim?: number | readonly number[] | null }
  >
): Tensor {
  checkTensor("squeeze", "input", x);
  const { dim } = read("squeeze", { dim: null as number | readonly number[] | null }, args);
  const from = x.shape, { shape, strides } = squeezed(x, dim);
  const op = dim === null ? "squeeze" : "SqueezeBackward1";
  return viewOf(op, x, shape, strides, x.offset, (dy) => reshape(dy, from));
}

/** The layout of `x` without its axes of size 1 among `dim` (all by default). */
export function squeezed(x: Tensor, dim: number | readonly number[] | null): Layout {
  const dims = dim === null
    ? null
    : wholeNumbers("squeeze", "dim", dim).map((d) => axis("squeeze", d, x.ndim));
  const kept = x.shape.map((_, d) => d).filter((d) =>
    x.shape[d] !== 1 || (dims !== null && !dims.includes(d))
  );
  return {
    shape: kept.map((d) => x.shape[d]),
    strides: kept.map((d) => x.strides[d]),
    offset: x.offset,
  };
}

/** `length` indexes of axis `dim` from `start`. */
export function narrow(
  x: Tensor,
  ...args: Args<
    [dim: number, start: number | Tensor, length: number],
    { dim?: number; start?: number | Tensor; length?: number }
  >
): Tensor {
  checkTensor("narrow", "input", x);
  const { dim, start: first, length } = read("narrow", {
    dim: NaN,
    start: NaN as number | Tensor,
    length: NaN,
  }, args);
  const d = axis("narrow", dim, x.ndim), n = x.shape[d];
  if (x.ndim === 0) throw new RangeError("narrow: a 0-d tensor has no axis to narrow");
  let start = wholeNumber("narrow", "start", first instanceof Tensor ? item(first) : first);
  wholeNumber("narrow", "length", length);
  if (start < -n || start > n) {
    throw new RangeError(`narrow: start ${start} is out of range: expected ${-n} to ${n}`);
  }
  if (start < 0) start += n;
  if (length < 0 || start + length > n) {
    throw new RangeError(
      `narrow: start ${start} + length ${length} exceeds size ${n} of axis ${d}`,
    );
  }
  return slice(x, d, start, start + length, 1);
}

/** Indexes start, start + step, ... below end of axis `dim`; all within range already. */
export function slice(x: Tensor, dim: number, start: number, end: number, step: number): Tensor {
  const shape = [...x.shape], strides = [...x.strides], from = x.shape;
  shape[dim] = Math.max(0, Math.ceil((end - start) / step));
  strides[dim] *= step;
  return viewOf(
    "slice",
    x,
    shape,
    strides,
    x.offset + start * x.strides[dim],
    (dy) => embed(dy, from, (dx) => slice(dx, dim, start, end, step)),
  );
}

/** Index `index` of axis `dim`, without that axis. */
export function select(
  x: Tensor,
  ...args: Args<[dim: number, index: number], { dim?: number; index?: number }>
): Tensor {
  checkTensor("select", "input", x);
  const { dim, index } = read("select", { dim: NaN, index: NaN }, args);
  if (x.ndim === 0) throw new RangeError("select: a 0-d tensor cannot be indexed");
  const d = axis("select", dim, x.ndim), n = x.shape[d];
  wholeNumber("select", "index", index);
  if (index < -n || index >= n) {
    throw new RangeError(`select: index ${index} is out of range for axis ${d} of size ${n}`);
  }
  const at = index < 0 ? index + n : index;
  const shape = x.shape.filter((_, i) => i !== d), strides = x.strides.filter((_, i) => i !== d);
  const from = x.shape;
  return viewOf(
    "select",
    x,
    shape,
    strides,
    x.offset + at * x.strides[d],
    (dy) => embed(dy, from, (dx) => select(dx, d, at)),
  );
}

/** The same elements without history: gradients do not flow through it. */
export function detach(x: Tensor): Tensor {
  checkTensor("detach", "input", x);
  return alias(x);
}

/** Two-dimensional transpose; tensors of fewer axes as they are. */
export function t(x: Tensor): Tensor {
  checkTensor("t", "input", x);
  if (x.ndim > 2) throw new RangeError(`t: expected at most 2 axes, got shape ${show(x.shape)}`);
  const [shape, strides] = x.ndim < 2
    ? [x.shape, x.strides]
    : [x.shape.toReversed(), x.strides.toReversed()];
  return viewOf("t", x, shape, strides, x.offset, t);
}
