/**
 * Shapes: broadcasting, axes, and every error about them.
 *
 * @module
 */
import { describeValue } from "./describe.ts";
import type { Tensor } from "./tensor.ts";

/** A shape as messages show it: `[2, 3]`. */
export function show(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
}

/**
 * The shape that operands of these shapes broadcast to.
 *
 * @throws RangeError when two sizes differ and neither is 1.
 */
export function broadcast(call: string, ...shapes: (readonly number[])[]): number[] {
  let n = 0;
  for (const shape of shapes) if (shape.length > n) n = shape.length;
  const result: number[] = [];
  for (let d = 0; d < n; d++) result.push(1);
  for (const shape of shapes) {
    for (let d = 0; d < shape.length; d++) {
      const axis = n - shape.length + d, size = shape[d];
      if (size === 1 || size === result[axis]) continue;
      if (result[axis] !== 1) {
        throw new RangeError(
          `${call}: shapes ${shapes.map(show).join(" and ")} do not broadcast: sizes ${
            result[axis]
          } and ${size} differ at axis ${axis}`,
        );
      }
      result[axis] = size;
    }
  }
  return result;
}

/** Whether a tensor of shape `from` broadcasts to the shape `to` without widening it. */
export function broadcastsTo(from: readonly number[], to: readonly number[]): boolean {
  const skip = to.length - from.length;
  return skip >= 0 && from.every((n, d) => n === 1 || n === to[d + skip]);
}

/** The strides with which a tensor of `shape` and `strides` is read as one of the (broadcast) shape `to`. */
export function broadcastStrides(
  shape: readonly number[],
  strides: readonly number[],
  to: readonly number[],
): number[] {
  const skip = to.length - shape.length, result: number[] = [];
  for (let d = 0; d < to.length; d++) {
    result.push(d < skip || shape[d - skip] === 1 ? 0 : strides[d - skip]);
  }
  return result;
}

/**
 * An axis as 0 .. ndim-1. A 0-d tensor has the axis 0, as in PyTorch.
 *
 * @throws RangeError when it is out of range.
 */
export function axis(call: string, dim: number, ndim: number): number {
  const n = Math.max(ndim, 1);
  if (typeof dim === "bigint") dim = Number(dim);
  if (typeof dim !== "number" || !Number.isInteger(dim)) {
    const met = Number.isNaN(dim) ? "none" : describeValue(dim);
    throw new TypeError(`${call}: dim must be a whole number, got ${met}`);
  }
  if (dim < -n || dim >= n) {
    throw new RangeError(`${call}: dim ${dim} is out of range: expected ${-n} to ${n - 1}`);
  }
  return dim < 0 ? dim + n : dim;
}

/** Axes, sorted; all of them when `dim` is null or empty. Throws `RangeError` for one that is out of range or twice there. */
export function axes(
  call: string,
  dim: number | readonly number[] | null | undefined,
  ndim: number,
): number[] {
  if (dim === null || dim === undefined || (Array.isArray(dim) && dim.length === 0)) {
    return Array.from({ length: ndim }, (_, d) => d);
  }
  const list = (Array.isArray(dim) ? dim : [dim]).map((d) => axis(call, d, ndim));
  if (new Set(list).size !== list.length) {
    throw new RangeError(`${call}: an axis appears twice in dim ${show(list)}`);
  }
  return list.filter((d) => d < ndim).sort((a, b) => a - b);
}

/** Sizes around one axis: [before, at, after]. */
export function splitAt(
  shape: readonly number[],
  dim: number,
): [outer: number, n: number, inner: number] {
  let outer = 1, inner = 1;
  for (let d = 0; d < dim; d++) outer *= shape[d];
  for (let d = dim + 1; d < shape.length; d++) inner *= shape[d];
  return [outer, shape[dim] ?? 1, inner];
}

/** Throws `RangeError` unless every size is a whole number from 0 and the product is a safe integer. */
export function checkShape(call: string, shape: readonly number[]): void {
  if (!Array.isArray(shape)) {
    throw new TypeError(`${call}: expected an array of sizes, got ${describeValue(shape)}`);
  }
  let n = 1;
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new RangeError(`${call}: sizes must be whole numbers from 0, got ${show(shape)}`);
    }
    n *= size;
  }
  if (!Number.isSafeInteger(n)) {
    throw new RangeError(`${call}: a tensor of shape ${show(shape)} has too many elements`);
  }
}

/** Throws `TypeError` unless the tensors are on one device. */
export function checkDevice(call: string, a: Tensor, b: Tensor): void {
  if (a.storage.backend !== b.storage.backend) {
    throw new TypeError(
      `${call}: tensors on two devices, ${a.device} and ${b.device}; move one with x.to(device)`,
    );
  }
}
