/**
 * Shapes after those of other tensors, and axes merged and split.
 *
 * @module
 */
import { type Args, checkTensor, read, readSizes, type Sizes } from "../tensor/arguments.ts";
import { inferShape } from "../tensor/layout.ts";
import { axis, broadcast, checkShape, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { expand, reshape, view } from "./view.ts";

/** `x` with its axes from `startDim` to `endDim` merged into one: [a, b, c] -> [a * b * c] by default. */
export function flatten(
  x: Tensor,
  ...args: Args<[startDim: number, endDim: number], { startDim?: number; endDim?: number }>
): Tensor {
  checkTensor("flatten", "input", x);
  const { startDim, endDim } = read("flatten", { startDim: 0, endDim: -1 }, args);
  const first = axis("flatten", startDim, x.ndim), last = axis("flatten", endDim, x.ndim);
  if (first > last) {
    throw new RangeError(`flatten: startDim ${startDim} comes after endDim ${endDim}`);
  }
  if (x.ndim === 0) return reshape(x, [1]);
  if (first === last) return x;
  const { shape } = x;
  return reshape(x, [
    ...shape.slice(0, first),
    sizeOf(shape.slice(first, last + 1)),
    ...shape.slice(last + 1),
  ]);
}

/** `x` with one axis: a view where the layout allows, else a copy. */
export function ravel(x: Tensor): Tensor {
  checkTensor("ravel", "input", x);
  return reshape(x, [x.numElements]);
}

/**
 * `x` with axis `dim` split into axes of `sizes`, one of which may be -1.
 *
 * @throws RangeError when the product of `sizes` is not the size of the axis.
 */
export function unflatten(
  x: Tensor,
  ...args: Args<
    [dim: number, sizes: readonly number[]],
    { dim?: number; sizes?: readonly number[] }
  >
): Tensor {
  checkTensor("unflatten", "input", x);
  const { dim, sizes } = read("unflatten", { dim: NaN, sizes: [] as readonly number[] }, args);
  const d = axis("unflatten", dim, x.ndim);
  if (!Array.isArray(sizes) || sizes.length === 0) {
    throw new RangeError("unflatten: sizes must be an array of at least one size");
  }
  const n = x.shape[d] ?? 1, parts = inferShape("unflatten", [n], n, sizes);
  return view(x, [...x.shape.slice(0, d), ...parts, ...x.shape.slice(d + 1)]);
}

/** `x` in the shape of `other`, without a copy. */
export function viewAs(x: Tensor, other: Tensor): Tensor {
  checkTensor("viewAs", "other", other);
  return view(x, other.shape);
}

/** `x` in the shape of `other`: a view where the layout allows, else a copy. */
export function reshapeAs(x: Tensor, other: Tensor): Tensor {
  checkTensor("reshapeAs", "other", other);
  return reshape(x, other.shape);
}

/** `x` repeated along axes of size 1 to the shape of `other`, without a copy. */
export function expandAs(x: Tensor, other: Tensor): Tensor {
  checkTensor("expandAs", "other", other);
  return expand(x, other.shape);
}

/** `x` repeated along axes of size 1, and new axes in front, to shape `size`, without a copy. */
export function broadcastTo(x: Tensor, ...size: Sizes<"size">): Tensor {
  checkTensor("broadcastTo", "input", x);
  return expand(x, readSizes("broadcastTo", "size", size));
}

/** Views of all tensors in the shape that they broadcast to. Throws `RangeError` when they do not. */
export function broadcastTensors(...tensors: Tensor[] | [readonly Tensor[]]): Tensor[] {
  const list = (Array.isArray(tensors[0]) ? tensors[0] : tensors) as Tensor[];
  list.forEach((t, i) => checkTensor("broadcastTensors", `tensor ${i}`, t));
  const shape = broadcast("broadcastTensors", ...list.map((t) => t.shape));
  return list.map((t) => expand(t, shape));
}

/** The shape that tensors of these shapes broadcast to. Throws `RangeError` when they do not. */
export function broadcastShapes(...shapes: (readonly number[])[]): number[] {
  for (const shape of shapes) checkShape("broadcastShapes", shape);
  return broadcast("broadcastShapes", ...shapes);
}

/** The arguments of `atleast1d` and its like: one tensor gives one, several or a list give a list. */
function each(
  call: string,
  args: readonly (Tensor | readonly Tensor[])[],
  f: (x: Tensor) => Tensor,
): Tensor | Tensor[] {
  const list = (Array.isArray(args[0]) ? args[0] : args) as Tensor[];
  if (args.length === 0) throw new TypeError(`${call}: no tensor is given`);
  list.forEach((t, i) => checkTensor(call, `tensor ${i}`, t));
  return Array.isArray(args[0]) || args.length > 1 ? list.map(f) : f(list[0]);
}

/** A 0-d tensor as [1]; others as they are. */
export function toOneAxis(x: Tensor): Tensor {
  return x.ndim === 0 ? reshape(x, [1]) : x;
}

/** [] -> [1, 1], [n] -> [1, n]; tensors of more axes as they are. */
export function toTwoAxes(x: Tensor): Tensor {
  return x.ndim < 2 ? reshape(x, [1, x.numElements]) : x;
}

/** [] -> [1, 1, 1], [n] -> [1, n, 1], [m, n] -> [m, n, 1]; tensors of more axes as they are. */
export function toThreeAxes(x: Tensor): Tensor {
  if (x.ndim > 2) return x;
  return reshape(x, [x.ndim === 2 ? x.shape[0] : 1, x.ndim === 0 ? 1 : x.shape[x.ndim - 1], 1]);
}

/** At least one axis: [] -> [1]. One tensor gives a tensor, several or an array give an array. */
export const atleast1d = ((...xs) => each("atleast1d", xs, toOneAxis)) as AtLeast;

/** At least two axes: [] -> [1, 1], [n] -> [1, n]. One tensor gives a tensor, several or an array give an array. */
export const atleast2d = ((...xs) => each("atleast2d", xs, toTwoAxes)) as AtLeast;

/** At least three axes: [] -> [1, 1, 1], [n] -> [1, n, 1], [m, n] -> [m, n, 1]. One tensor gives a tensor, several or an array give an array. */
export const atleast3d = ((...xs) => each("atleast3d", xs, toThreeAxes)) as AtLeast;

/** What `atleast1d` and its like are: a function of one tensor, or of several. */
export interface AtLeast {
  /** One tensor. */
  (x: Tensor): Tensor;
  /** Several tensors, or an array of them. */
  (...tensors: Tensor[] | [readonly Tensor[]]): Tensor[];
}

/** Throws `RangeError` unless `x` has at least `n` axes. */
export function checkAxes(call: string, x: Tensor, n: number): void {
  if (x.ndim < n) {
    throw new RangeError(
      `${call}: expected a tensor of at least ${n} axes, got shape ${show(x.shape)}`,
    );
  }
}
