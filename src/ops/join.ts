/**
 * Joining tensors along an axis, and grids of their elements.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { type Grad, record } from "../autograd/record.ts";
import { type Args, checkTensor, isOptions, read } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { axis, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { cast, copyInto, denseAs } from "./copy.ts";
import { zeros } from "./create.ts";
import { backendOfAll, resultType } from "./elementwise.ts";
import { toOneAxis, toThreeAxes, toTwoAxes } from "./reshape.ts";
import { placed } from "./strided.ts";
import { expand, reshape, select, slice } from "./view.ts";

/** Throws unless `tensors` is an array of at least one tensor, all on one device. */
function checkList(call: string, tensors: unknown): asserts tensors is readonly Tensor[] {
  if (!Array.isArray(tensors)) {
    throw new TypeError(`${call}: expected an array of tensors, got ${typeof tensors}`);
  }
  if (tensors.length === 0) throw new RangeError(`${call}: expected at least one tensor`);
  tensors.forEach((t, i) => checkTensor(call, `tensor ${i}`, t));
  backendOfAll(call, ...tensors);
}

/**
 * The tensors one after the other along axis `dim`. Their other sizes must be equal; empty 1-d tensors are passed over.
 *
 * @throws RangeError when shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.cat.html
 */
export function cat(
  tensors: readonly Tensor[],
  ...args: Args<[dim: number], { dim?: number }>
): Tensor {
  const { dim } = read("cat", { dim: 0 }, args);
  checkList("cat", tensors);
  const isEmpty = (t: Tensor) => t.ndim === 1 && t.shape[0] === 0;
  const first = tensors.find((t) => !isEmpty(t)) ?? tensors[0];
  tensors.forEach((t, i) => {
    if (t.ndim === 0) {
      throw new RangeError(`cat: tensor ${i} is 0-d and cannot be joined; use stack`);
    }
    if (isEmpty(t)) return;
    if (t.ndim !== first.ndim) {
      throw new RangeError(
        `cat: tensors must have as many axes: got ${show(first.shape)} and ${
          show(t.shape)
        } (tensor ${i})`,
      );
    }
  });
  const d = isEmpty(first) ? 0 : axis("cat", dim, first.ndim);
  let total = 0;
  const starts = tensors.map((t, i) => {
    const start = total;
    if (isEmpty(t)) return start;
    const other = t.shape.findIndex((n, k) => k !== d && n !== first.shape[k]);
    if (other >= 0) {
      throw new RangeError(
        `cat: sizes must be equal except at axis ${d}: got ${show(first.shape)} and ${
          show(t.shape)
        } (tensor ${i}), which differ at axis ${other}`,
      );
    }
    total += t.shape[d];
    return start;
  });
  const shape = [...first.shape];
  shape[d] = total;
  const dtype = resultType(...tensors), y = emptyOn(first.backend, shape, dtype);
  const grads: Grad[] = tensors.map((t, i) => {
    const { shape, dtype } = t, start = starts[i], end = start + shape[d];
    if (isEmpty(t)) return (dy) => zeros(shape, { dtype, device: dy.device });
    const part = placed(y, { shape, strides: y.strides, offset: start * y.strides[d] });
    copyInto(part, t.dtype === y.dtype ? t : denseAs(t, y.dtype));
    return (dy) => cast(slice(dy, d, start, end, 1), dtype);
  });
  return record("cat", y, tensors, grads);
}

/** The same as `cat`. */
export const concat = cat;

/** The same as `cat`. */
export const concatenate = cat;

/**
 * Tensors of one shape along a new axis at `dim`.
 *
 * @throws RangeError when their shapes differ.
 */
export function stack(
  tensors: readonly Tensor[],
  ...args: Args<[dim: number], { dim?: number }>
): Tensor {
  const { dim } = read("stack", { dim: 0 }, args);
  checkList("stack", tensors);
  const { shape: each, backend } = tensors[0];
  tensors.forEach((t, i) => {
    if (!sameShape(t.shape, each)) {
      throw new RangeError(
        `stack: tensors must have equal shapes: got ${show(each)} and ${
          show(t.shape)
        } (tensor ${i})`,
      );
    }
  });
  const d = axis("stack", dim, each.length + 1);
  const shape = [...each.slice(0, d), tensors.length, ...each.slice(d)];
  const y = emptyOn(backend, shape, resultType(...tensors));
  const strides = y.strides.filter((_, i) => i !== d);
  const grads: Grad[] = tensors.map((t, i) => {
    const part = placed(y, { shape: each, strides, offset: i * y.strides[d] }), { dtype } = t;
    copyInto(part, dtype === y.dtype ? t : denseAs(t, y.dtype));
    return (dy) => cast(select(dy, d, i), dtype);
  });
  return record("stack", y, tensors, grads);
}

/** Joins along the second axis; 0-d and 1-d tensors along the first. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  checkList("hstack", tensors);
  const list = tensors.map(toOneAxis);
  return cat(list, list[0].ndim === 1 ? 0 : 1);
}

/** Joins along the first axis; 1-d tensors are rows. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  checkList("vstack", tensors);
  return cat(tensors.map(toTwoAxes), 0);
}

/** The same as `vstack`. */
export const rowStack = vstack;

/** Joins along the third axis; 1-d and 2-d tensors get new axes as in `atleast3d`. */
export function dstack(tensors: readonly Tensor[]): Tensor {
  checkList("dstack", tensors);
  return cat(tensors.map(toThreeAxes), 2);
}

/** Joins along the second axis; 0-d and 1-d tensors are columns. */
export function columnStack(tensors: readonly Tensor[]): Tensor {
  checkList("columnStack", tensors);
  return hstack(tensors.map((t) => t.ndim < 2 ? reshape(t, [t.numElements, 1]) : t));
}

/** Options of `meshgrid`. */
export interface MeshgridOptions {
  /** `"ij"`: axis k belongs to tensor k; `"xy"`: the first two axes are swapped. */
  indexing?: "ij" | "xy";
}

/**
 * Coordinates of a grid: for 1-d tensors of sizes a, b, ... as many views [a, b, ...], the k-th with the elements of
 * tensor k along axis k.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.meshgrid.html
 */
export function meshgrid(
  ...args: (Tensor | readonly Tensor[] | MeshgridOptions)[]
): Tensor[] {
  const last = args[args.length - 1], named = isOptions(last);
  const { indexing } = read(
    "meshgrid",
    { indexing: "ij" as "ij" | "xy" },
    named ? [last as MeshgridOptions] : [],
  );
  if (indexing !== "ij" && indexing !== "xy") {
    throw new TypeError(`meshgrid: indexing must be "ij" or "xy", got ${describeValue(indexing)}`);
  }
  const given = named ? args.slice(0, -1) : args;
  const list = given.length === 1 && !(given[0] instanceof Tensor) ? given[0] : given;
  checkList("meshgrid", list);
  for (const t of list) {
    if (t.ndim > 1) {
      throw new RangeError(`meshgrid: expected 0-d and 1-d tensors, got shape ${show(t.shape)}`);
    }
    if (t.dtype !== list[0].dtype) {
      throw new TypeError(
        `meshgrid: tensors must have one dtype, got ${list[0].dtype} and ${t.dtype}`,
      );
    }
  }
  const swap = indexing === "xy" && list.length > 1;
  const inOrder = swap ? [list[1], list[0], ...list.slice(2)] : list;
  const shape = inOrder.map((t) => t.numElements);
  const grids = inOrder.map((t, i) =>
    expand(reshape(t, shape.map((n, d) => d === i ? n : 1)), shape)
  );
  if (!swap) return grids;
  const [b, a, ...rest] = grids;
  return [a, b, ...rest];
}
