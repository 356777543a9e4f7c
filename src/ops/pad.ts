/**
 * Padding.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { record } from "../autograd/record.ts";
import { type Args, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { clone, copyInto } from "./copy.ts";
import { flip } from "./rearrange.ts";
import { cat } from "./join.ts";
import { placed } from "./strided.ts";
import { expand, slice } from "./view.ts";

/** How `pad` fills new places: with a value, with what lies there in a mirror, at the edge, or at the other end. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

/** Options of `pad`. */
export interface PadOptions {
  /** Sizes before and after the last axis, then the last but one, and so on; negative sizes cut. */
  pad?: readonly number[];
  /** How new places are filled. */
  mode?: PadMode;
  /** What new places hold in mode `"constant"`; 0 by default. */
  value?: number | null;
}

/**
 * `x` made larger (or smaller, by negative sizes) at the ends of its last axes: `pad(x, [1, 2, 0, 3])` adds 1 and 2
 * columns before and after the last axis, 0 and 3 rows to the one before. The modes other than `"constant"` pad the last
 * one, two or three axes of batches.
 *
 * @throws RangeError when there are more sizes than axes, or a size that the mode cannot fill.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
 */
export function pad(
  x: Tensor,
  ...args: Args<[pad: readonly number[], mode: PadMode, value: number | null], PadOptions>
): Tensor {
  const { pad: sizes, mode, value } = read("pad", {
    pad: null as readonly number[] | null,
    mode: "constant" as PadMode,
    value: null as number | null,
  }, args);
  if (!Array.isArray(sizes)) {
    throw new TypeError(`pad: sizes must be an array, got ${describeValue(sizes)}`);
  }
  sizes.forEach((n) => wholeNumber("pad", "size", n));
  if (sizes.length % 2 !== 0 || sizes.length > 2 * x.ndim) {
    throw new RangeError(
      `pad: expected two sizes for each of at most ${x.ndim} axes of a tensor of shape ${
        show(x.shape)
      }, got ${show(sizes)}`,
    );
  }
  const axes = Array.from({ length: sizes.length / 2 }, (_, i) => ({
    d: x.ndim - 1 - i,
    before: sizes[2 * i],
    after: sizes[2 * i + 1],
  }));
  for (const { d, before, after } of axes) {
    if (
      x.shape[d] + Math.min(before, 0) + Math.min(after, 0) < 0 || x.shape[d] + before + after < 0
    ) {
      throw new RangeError(
        `pad: axis ${d} of size ${x.shape[d]} cannot be cut by ${before} and ${after}`,
      );
    }
  }
  if (mode === "constant") return padConstant(x, sizes, value ?? 0);
  if (mode !== "reflect" && mode !== "replicate" && mode !== "circular") {
    throw new TypeError(
      `pad: mode must be "constant", "reflect", "replicate" or "circular", got ${
        describeValue(mode)
      }`,
    );
  }
  if (value !== null && value !== 0) {
    throw new TypeError(`pad: mode "${mode}" takes no value, got ${value}`);
  }
  if (axes.length < 1 || axes.length > 3 || x.ndim < axes.length + 1 || x.ndim > axes.length + 2) {
    throw new RangeError(
      `pad: mode "${mode}" pads the last 1, 2 or 3 axes of tensors with one or two axes more; got shape ${
        show(x.shape)
      } and sizes ${show(sizes)}`,
    );
  }
  const batch = x.ndim - axes.length - 1;
  if (x.shape.some((n, d) => n === 0 && (batch === 0 || d > 0))) {
    throw new RangeError(
      `pad: mode "${mode}" pads no tensor without elements, got shape ${show(x.shape)}`,
    );
  }
  for (const { d, before, after } of axes) {
    const n = x.shape[d], most = mode === "reflect" ? n - 1 : mode === "circular" ? n : Infinity;
    if (before > most || after > most) {
      throw new RangeError(
        `pad: axis ${d} of size ${n} cannot be padded by ${before} and ${after} in mode "${mode}"`,
      );
    }
  }
  const y = axes.reduce((t, { d, before, after }) => padAxis(t, d, before, after, mode), x);
  return y.storage === x.storage ? clone(y) : y;
}

/** `x` padded along axis `d` with elements of its own; what is cut off at one end may still be seen in the other's mirror. */
function padAxis(x: Tensor, d: number, before: number, after: number, mode: PadMode): Tensor {
  const n = x.shape[d], first = Math.max(-before, 0), end = n + Math.min(after, 0);
  const middle = first === 0 && end === n ? x : slice(x, d, first, end, 1), parts = [middle];
  const edge = (start: number, count: number) =>
    expand(slice(x, d, start, start + 1, 1), x.shape.map((size, k) => k === d ? count : size));
  if (mode === "circular" && Math.max(before, after) > end - first) {
    throw new RangeError(
      `pad: too little is left of axis ${d} to pad it by ${before} and ${after}`,
    );
  }
  if (before > 0) {
    parts.unshift(
      mode === "reflect"
        ? flip(slice(x, d, 1, before + 1, 1), d)
        : mode === "replicate"
        ? edge(0, before)
        : slice(x, d, end - before, end, 1),
    );
  }
  if (after > 0) {
    parts.push(
      mode === "reflect"
        ? flip(slice(x, d, n - 1 - after, n - 1, 1), d)
        : mode === "replicate"
        ? edge(n - 1, after)
        : slice(x, d, first, first + after, 1),
    );
  }
  return parts.length === 1 ? middle : cat(parts, d);
}

/** `x` between so many places that hold `value`; negative sizes cut. */
function padConstant(x: Tensor, sizes: readonly number[], value: number): Tensor {
  const shape = [...x.shape], common = [...x.shape];
  let from = x.offset, to = 0;
  sizes.forEach((size, i) => {
    const d = x.ndim - 1 - (i >> 1);
    shape[d] += size;
    if (size < 0) common[d] += size;
  });
  const y = emptyOn(x.backend, shape, x.dtype);
  for (let i = 0; i < sizes.length; i += 2) {
    const d = x.ndim - 1 - (i >> 1);
    from += Math.max(-sizes[i], 0) * x.strides[d];
    to += Math.max(sizes[i], 0) * y.strides[d];
  }
  if (sizes.some((size) => size > 0)) fillWith(y, value);
  copyInto(
    placed(y, { shape: common, strides: y.strides, offset: to }),
    placed(x, { shape: common, strides: x.strides, offset: from }),
  );
  return record("constant_pad_nd", y, [x], [
    (dy) => padConstant(dy, sizes.map((size) => size === 0 ? 0 : -size), 0),
  ]);
}
