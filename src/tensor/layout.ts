/**
 * Layouts: how shapes lie in memory, and when one layout can be seen as another.
 *
 * @module
 */
import { show } from "./shape.ts";
import { sizeOf, type Tensor } from "./tensor.ts";

/** Where elements lie: sizes, steps in elements, and the first element's place in the storage. */
export interface Layout {
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Elements to step over for one step along each axis. */
  readonly strides: readonly number[];
  /** Place of the first element in the storage. */
  readonly offset: number;
}

/** The layout of `x` as it is now: in-place changes of its shape do not reach it. */
export function layoutOf(x: Tensor): Layout {
  const { shape, strides, offset } = x;
  return { shape, strides, offset };
}

/** The first place that any of `layouts` uses, and how many there are from it to the last. */
export function span(...layouts: Layout[]): { start: number; length: number } {
  let start = Infinity, end = -Infinity;
  for (const { shape, strides, offset } of layouts) {
    if (sizeOf(shape) === 0) continue;
    start = Math.min(start, offset);
    end = Math.max(end, shape.reduce((at, n, d) => at + (n - 1) * strides[d], offset));
  }
  return end < start ? { start: 0, length: 0 } : { start, length: end - start + 1 };
}

/** Whether two indexes of the layout may lie at one place. */
export function mayOverlap({ shape, strides }: Layout): boolean {
  const axes = shape.map((n, d) => [n, strides[d]]).filter(([n]) => n !== 1);
  axes.sort((a, b) => a[1] - b[1]);
  let reach = 0;
  for (const [n, stride] of axes) {
    if (stride <= reach) return true;
    reach += (n - 1) * stride;
  }
  return false;
}

/** The strides with which a tensor of `shape` and `strides` has the shape `to` without a copy, or null. */
export function viewStrides(
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

/**
 * `size` for `count` elements, its -1 inferred; `from` is the shape that messages show.
 *
 * @throws RangeError when the numbers of elements differ.
 */
export function inferShape(
  call: string,
  from: readonly number[],
  count: number,
  size: readonly number[],
): number[] {
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
        `${call}: ${count} elements cannot be given shape ${show(size)}: -1 is ambiguous`,
      );
    }
    shape[unknown] = count / known;
  }
  if (!Number.isInteger(shape[unknown] ?? 0) || sizeOf(shape) !== count) {
    throw new RangeError(
      `${call}: shape ${show(size)} does not fit a tensor of shape ${
        show(from)
      }, ${count} elements`,
    );
  }
  return shape;
}

/** Whether `x` has an axis along which all elements are one, and elements. */
export function isExpanded(x: Tensor): boolean {
  if (x.numElements === 0) return false;
  for (let d = 0; d < x.ndim; d++) {
    if (x.strides[d] === 0 && x.shape[d] > 1) return true;
  }
  return false;
}
