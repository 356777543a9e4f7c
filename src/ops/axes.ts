/**
 * Axes in another order, in place too.
 *
 * @module
 */
import { type Grad, Node, recording } from "../autograd/record.ts";
import { type Args, checkTensor, isOptions, read, wholeNumbers } from "../tensor/arguments.ts";
import type { Layout } from "../tensor/layout.ts";
import { axis, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkHistory, checkNotInference } from "./in_place.ts";
import { checkAxes } from "./reshape.ts";
import { permute, reshape, squeeze, squeezed, transpose } from "./view.ts";

/** Swaps two axes; the same as `transpose`. */
export function swapaxes(
  x: Tensor,
  ...args: Args<[axis0: number, axis1: number], { axis0?: number; axis1?: number }>
): Tensor {
  checkTensor("swapaxes", "input", x);
  const { axis0, axis1 } = read("swapaxes", { axis0: NaN, axis1: NaN }, args);
  return transpose(x, axis("swapaxes", axis0, x.ndim), axis("swapaxes", axis1, x.ndim));
}

/** Swaps two axes; the same as `transpose`. */
export function swapdims(
  x: Tensor,
  ...args: Args<[dim0: number, dim1: number], { dim0?: number; dim1?: number }>
): Tensor {
  checkTensor("swapdims", "input", x);
  const { dim0, dim1 } = read("swapdims", { dim0: NaN, dim1: NaN }, args);
  return transpose(x, axis("swapdims", dim0, x.ndim), axis("swapdims", dim1, x.ndim));
}

/** One axis, or several. */
export type Moved = number | readonly number[];

/**
 * Moves axes `source` to the places `destination`; the others keep their order.
 *
 * @throws RangeError when they are not as many, or one appears twice.
 */
export function movedim(
  x: Tensor,
  ...args: Args<[source: Moved, destination: Moved], { source?: Moved; destination?: Moved }>
): Tensor {
  checkTensor("movedim", "input", x);
  return moved("movedim", x, args);
}

/** The same as `movedim`. */
export function moveaxis(
  x: Tensor,
  ...args: Args<[source: Moved, destination: Moved], { source?: Moved; destination?: Moved }>
): Tensor {
  checkTensor("moveaxis", "input", x);
  return moved("moveaxis", x, args);
}

function moved(call: string, x: Tensor, args: readonly unknown[]): Tensor {
  const { source, destination } = read(
    call,
    { source: NaN as Moved, destination: NaN as Moved },
    args,
  );
  const list = (dims: Moved) => wholeNumbers(call, "dim", dims).map((d) => axis(call, d, x.ndim));
  const from = list(source), to = list(destination);
  if (from.length !== to.length) {
    throw new RangeError(
      `${call}: as many axes must be named in source as in destination, got ${show(from)} and ${
        show(to)
      }`,
    );
  }
  for (const dims of [from, to]) {
    if (new Set(dims).size !== dims.length) {
      throw new RangeError(`${call}: an axis appears twice in ${show(dims)}`);
    }
  }
  if (x.ndim === 0) return permute(x, []);
  const order = new Array<number>(x.ndim).fill(-1);
  from.forEach((d, i) => order[to[i]] = d);
  const others = x.shape.map((_, d) => d).filter((d) => !from.includes(d));
  return permute(x, order.map((d) => d >= 0 ? d : others.shift()!));
}

/** Matrices transposed: the last two axes swapped. Throws `RangeError` for fewer axes. */
export function adjoint(x: Tensor): Tensor {
  checkTensor("adjoint", "input", x);
  checkAxes("adjoint", x, 2);
  return transpose(x, -2, -1);
}

/** `x.T`: all axes in reverse order. */
export function reversed(x: Tensor): Tensor {
  return permute(x, x.shape.map((_, d) => x.ndim - 1 - d));
}

/** `x.mT`: the last two axes swapped. Throws `RangeError` for fewer axes. */
export function matrixTransposed(x: Tensor): Tensor {
  checkAxes("mT", x, 2);
  return transpose(x, -2, -1);
}

/** Gives `x` itself another layout over the same elements, recorded as `op` with gradient `grad`. */
function layOutAnew(call: string, op: string, x: Tensor, layout: () => Layout, grad: Grad): Tensor {
  checkNotInference(call, x);
  checkHistory(call, x, [x]);
  const { shape, strides, offset } = layout();
  const records = x.dtype.isFloatingPoint && recording([x]);
  // Before the layout changes: a view's history may have to be renewed for this.
  const node = records ? new Node(op, [x], [grad], []) : null;
  x.layOut(shape, strides, offset);
  x.counter.version++;
  if (node !== null) {
    x.node = node;
    x.outputNumber = 0;
  }
  return x;
}

/** Removes axes of size 1 from `x` itself: all, or those among `dim` (one or several) that have size 1. */
export function squeeze_(
  x: Tensor,
  ...args: Args<
    [dim: number | readonly number[] | null],
    { dim?: number | readonly number[] | null }
  >
): Tensor {
  const { dim } = read("squeeze_", { dim: null as number | readonly number[] | null }, args);
  const from = x.shape;
  return layOutAnew(
    "squeeze_",
    dim === null ? "SqueezeBackward2" : "SqueezeBackward3",
    x,
    () => squeezed(x, dim),
    (dy) => reshape(dy, from),
  );
}

/** Puts an axis of size 1 into `x` itself, at `dim`. */
export function unsqueeze_(x: Tensor, dim: number | { dim: number }): Tensor {
  const d = axis("unsqueeze_", isOptions(dim) ? dim.dim : dim as number, x.ndim + 1);
  const layout = () => {
    const shape = [...x.shape], strides = [...x.strides];
    strides.splice(d, 0, d < x.ndim ? x.shape[d] * x.strides[d] : 1);
    shape.splice(d, 0, 1);
    return { shape, strides, offset: x.offset };
  };
  return layOutAnew("unsqueeze_", "UnsqueezeBackward1", x, layout, (dy) => squeeze(dy, d));
}

/** Swaps two axes of `x` itself. */
export function transpose_(
  x: Tensor,
  ...args: Args<[dim0: number, dim1: number], { dim0?: number; dim1?: number }>
): Tensor {
  const { dim0, dim1 } = read("transpose_", { dim0: NaN, dim1: NaN }, args);
  return swapped("transpose_", x, dim0, dim1);
}

/** Swaps two axes of `x` itself; the same as `transpose_`. */
export function swapaxes_(
  x: Tensor,
  ...args: Args<[axis0: number, axis1: number], { axis0?: number; axis1?: number }>
): Tensor {
  const { axis0, axis1 } = read("swapaxes_", { axis0: NaN, axis1: NaN }, args);
  return swapped("swapaxes_", x, axis0, axis1);
}

/** Swaps two axes of `x` itself; the same as `transpose_`. */
export function swapdims_(
  x: Tensor,
  ...args: Args<[dim0: number, dim1: number], { dim0?: number; dim1?: number }>
): Tensor {
  const { dim0, dim1 } = read("swapdims_", { dim0: NaN, dim1: NaN }, args);
  return swapped("swapdims_", x, dim0, dim1);
}

/** Transposes `x` itself; of at most two axes. */
export function t_(x: Tensor): Tensor {
  if (x.ndim > 2) throw new RangeError(`t_: expected at most 2 axes, got shape ${show(x.shape)}`);
  return swapped("t_", x, 0, x.ndim < 2 ? 0 : 1);
}

function swapped(call: string, x: Tensor, dim0: number, dim1: number): Tensor {
  const a = axis(call, dim0, x.ndim), b = axis(call, dim1, x.ndim);
  const layout = () => {
    const shape = [...x.shape], strides = [...x.strides];
    if (x.ndim > 0) {
      [shape[a], shape[b]] = [shape[b], shape[a]];
      [strides[a], strides[b]] = [strides[b], strides[a]];
    }
    return { shape, strides, offset: x.offset };
  };
  const op = call === "t_" ? "TBackward1" : "TransposeBackward1";
  return layOutAnew(call, op, x, layout, (dy) => transpose(dy, a, b));
}
