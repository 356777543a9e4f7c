/**
 * Views: other shapes and strides over the same storage. Writing to a view writes to the tensor it looks into.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { type Args, read, readShape, wholeNumber } from "../tensor/arguments.ts";
import { zerosLike } from "./create.ts";
import { axis, checkShape, show } from "../tensor/shape.ts";
import { contiguousStrides, sizeOf, Tensor } from "../tensor/tensor.ts";
import { clone, copy_ } from "./copy.ts";
import { sumTo } from "./reduce.ts";

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
  const y = new Tensor(x.storage, shape, x.dtype, strides, offset);
  y.counter = x.counter;
  y.inference = x.inference;
  const base = x.viewOf === null ? x : x.viewOf.base;
  record(op, y, [x], [grad]);
  y.viewOf = { base, seen: base.rewritten, renew };
  return y;
}

/** The base of `view` was changed in place since: its elements now come from there. */
function renew(view: Tensor): void {
  const link = view.viewOf!, { base } = link;
  link.seen = base.rewritten;
  const fresh = asStrided(base, view.shape, view.strides, view.offset - base.offset);
  view.node = fresh.node;
  view.outputNumber = fresh.outputNumber;
}

/**
 * The elements of the storage of `x` at `offset` (from its first element) in any shape and strides.
 *
 * @throws RangeError when it would reach outside of the storage.
 * @see https://pytorch.org/docs/stable/generated/torch.as_strided.html
 */
export function asStrided(
  x: Tensor,
  size: readonly number[],
  stride: readonly number[],
  storageOffset = 0,
): Tensor {
  checkShape("asStrided", size);
  const offset = x.offset + storageOffset;
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
  return viewOf("as_strided", x, [...size], [...stride], offset, (dy) => {
    // The inverse needs a row-major gradient of x; where elements overlap, their gradients would have to be summed.
    const dx = zerosLike(dy, x.shape);
    copy_(asStrided(dx, size, stride, storageOffset), dy);
    return dx;
  });
}

/** The strides with which a tensor of `shape` and `strides` has the shape `to` without a copy, or null. */
function viewStrides(
  shape: readonly number[],
  strides: readonly number[],
  to: readonly number[],
): number[] | null {
  const result = new Array<number>(to.length);
  let view = to.length - 1, chunk = 1;
  let base = strides.length > 0 ? strides[strides.length - 1] : 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    chunk *= shape[d];
    // The end of a run of axes that step as one.
    if (d > 0 && (shape[d - 1] === 1 || strides[d - 1] === chunk * base)) continue;
    let filled = 1;
    while (view >= 0 && (filled < chunk || to[view] === 1)) {
      result[view] = filled * base;
      filled *= to[view--];
    }
    if (filled !== chunk) return null;
    if (d > 0) {
      base = strides[d - 1];
      chunk = 1;
    }
  }
  while (view >= 0) result[view--] = 1;
  return result;
}

/** `size` with its -1 inferred. Throws `RangeError` when the numbers of elements differ. */
function inferShape(call: string, x: Tensor, size: readonly number[]): number[] {
  const shape = [...size], unknown = shape.indexOf(-1);
  for (const n of shape) {
    if (!Number.isInteger(n) || n < -1) {
      throw new RangeError(`${call}: invalid shape ${show(size)}`);
    }
  }
  if (unknown !== shape.lastIndexOf(-1)) {
    throw new RangeError(`${call}: only one size can be -1, got ${show(size)}`);
  }
  const known = shape.reduce((n, s) => s === -1 ? n : n * s, 1);
  if (unknown >= 0) {
    if (known === 0) {
      throw new RangeError(
        `${call}: a tensor of ${x.numElements} elements cannot be given shape ${
          show(size)
        }: -1 is ambiguous`,
      );
    }
    shape[unknown] = x.numElements / known;
  }
  if (!Number.isInteger(shape[unknown] ?? 0) || sizeOf(shape) !== x.numElements) {
    throw new RangeError(
      `${call}: shape ${show(size)} does not fit a tensor of shape ${
        show(x.shape)
      }, ${x.numElements} elements`,
    );
  }
  return shape;
}

/**
 * The elements of `x` in another shape, without a copy; one size may be -1.
 *
 * @throws RangeError when the numbers of elements differ, or the layout of `x` needs a copy: use `reshape`.
 */
export function view(x: Tensor, ...size: number[] | [readonly number[]]): Tensor {
  const shape = inferShape("view", x, readShape("view", size)[0]);
  const strides = x.numElements === 0
    ? contiguousStrides(shape)
    : viewStrides(x.shape, x.strides, shape);
  if (strides === null) {
    throw new RangeError(
      `view: shape ${show(shape)} does not fit the layout of a tensor of shape ${
        show(x.shape)
      } and strides ${show(x.strides)}; use reshape`,
    );
  }
  return viewOf("view", x, shape, strides, x.offset, (dy) => reshape(dy, x.shape));
}

/** The elements of `x` in another shape: a view where the layout allows, else a copy; one size may be -1. */
export function reshape(x: Tensor, ...size: number[] | [readonly number[]]): Tensor {
  const shape = inferShape("reshape", x, readShape("reshape", size)[0]);
  if (x.dense || viewStrides(x.shape, x.strides, shape) !== null) return view(x, shape);
  return view(clone(x), shape);
}

/** Axes in another order: `permute(x, [2, 0, 1])`. */
export function permute(x: Tensor, ...dims: number[] | [readonly number[]]): Tensor {
  const list = readShape("permute", dims)[0].map((d) => axis("permute", d, x.ndim));
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
export function expand(x: Tensor, ...size: number[] | [readonly number[]]): Tensor {
  const to = readShape("expand", size)[0], skip = to.length - x.ndim;
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
  return viewOf("expand", x, shape, strides, x.offset, (dy) => sumTo(dy, x.shape));
}

/** `x` with an axis of size 1 put in at `dim`. */
export function unsqueeze(x: Tensor, dim: number | { dim: number }): Tensor {
  const d = axis("unsqueeze", typeof dim === "object" ? dim.dim : dim, x.ndim + 1);
  const shape = [...x.shape], strides = [...x.strides];
  strides.splice(d, 0, d < x.ndim ? x.shape[d] * x.strides[d] : 1);
  shape.splice(d, 0, 1);
  return viewOf("unsqueeze", x, shape, strides, x.offset, (dy) => squeeze(dy, d));
}

/** `x` without its axes of size 1, or without axis `dim` if that has size 1. */
export function squeeze(
  x: Tensor,
  ...args: Args<[dim: number | null], { dim?: number | null }>
): Tensor {
  const { dim } = read("squeeze", { dim: null as number | null }, args);
  const at = dim === null ? -1 : axis("squeeze", dim, x.ndim);
  const kept = x.shape.map((_, d) => d).filter((d) => x.shape[d] !== 1 || (at >= 0 && d !== at));
  return viewOf(
    "squeeze",
    x,
    kept.map((d) => x.shape[d]),
    kept.map((d) => x.strides[d]),
    x.offset,
    (dy) => reshape(dy, x.shape),
  );
}

/** `length` indexes of axis `dim` from `start`. */
export function narrow(
  x: Tensor,
  ...args: Args<
    [dim: number, start: number | Tensor, length: number],
    { dim?: number; start?: number; length?: number }
  >
): Tensor {
  const { dim, start: first, length } = read("narrow", {
    dim: NaN,
    start: NaN as number | Tensor,
    length: NaN,
  }, args);
  const d = axis("narrow", dim, x.ndim), n = x.shape[d];
  if (x.ndim === 0) throw new RangeError("narrow: a 0-d tensor has no axis to narrow");
  let start = wholeNumber("narrow", "start", first instanceof Tensor ? first.item() : first);
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
  const shape = [...x.shape], strides = [...x.strides];
  shape[dim] = Math.max(0, Math.ceil((end - start) / step));
  strides[dim] *= step;
  return viewOf("slice", x, shape, strides, x.offset + start * x.strides[dim], (dy) => {
    const dx = zerosLike(dy, x.shape);
    copy_(slice(dx, dim, start, end, step), dy);
    return dx;
  });
}

/** Index `index` of axis `dim`, without that axis. */
export function select(
  x: Tensor,
  ...args: Args<[dim: number, index: number], { dim?: number; index?: number }>
): Tensor {
  const { dim, index } = read("select", { dim: NaN, index: NaN }, args);
  if (x.ndim === 0) throw new RangeError("select: a 0-d tensor cannot be indexed");
  const d = axis("select", dim, x.ndim), n = x.shape[d];
  wholeNumber("select", "index", index);
  if (index < -n || index >= n) {
    throw new RangeError(`select: index ${index} is out of range for axis ${d} of size ${n}`);
  }
  const at = index < 0 ? index + n : index;
  const shape = x.shape.filter((_, i) => i !== d), strides = x.strides.filter((_, i) => i !== d);
  return viewOf("select", x, shape, strides, x.offset + at * x.strides[d], (dy) => {
    const dx = zerosLike(dy, x.shape);
    copy_(select(dx, d, at), dy);
    return dx;
  });
}

/** The same elements without history: gradients do not flow through it. */
export function detach(x: Tensor): Tensor {
  const y = new Tensor(x.storage, x.shape, x.dtype, x.strides, x.offset);
  y.counter = x.counter;
  y.inference = x.inference;
  return y;
}

/** Two-dimensional transpose; tensors of fewer axes as they are. */
export function t(x: Tensor): Tensor {
  if (x.ndim > 2) throw new RangeError(`t: expected at most 2 axes, got shape ${show(x.shape)}`);
  return x.ndim < 2 ? viewOf("t", x, x.shape, x.strides, x.offset, (dy) => dy) : transpose(x, 0, 1);
}
