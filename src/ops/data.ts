/**
 * A tensor's memory and history, taken apart: `x.data`, `resize_`, `detach_`.
 *
 * @module
 */
import { checkTensor, readSizes, type Sizes } from "../tensor/arguments.ts";
import { checkShape } from "../tensor/shape.ts";
import { contiguousStrides, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { alias } from "./view.ts";

/** `x.data`: the same elements without history, changes of which go unnoticed by the history of `x`. */
export function dataOf(x: Tensor): Tensor {
  const y = alias(x);
  y.counter = { version: 0 };
  return y;
}

/**
 * `x.data = value`: `x` takes over the elements, shape and dtype of `value`, and keeps its gradient and history.
 *
 * @throws TypeError when `x` requires a gradient and `value` is not floating-point.
 */
export function setData(x: Tensor, value: Tensor): void {
  checkTensor("data", "value", value);
  if (x.requiresGrad && !value.dtype.isFloatingPoint) {
    throw new TypeError(
      `data: a tensor that requires a gradient must be floating-point, got ${value.dtype}`,
    );
  }
  // The old storage must not live on as a counter; and what outlived scopes still does.
  if (x.counter === x.storage && value.storage !== x.storage) {
    x.counter = { version: x.counter.version };
  }
  if (x.storage.scope === null) value.storage.outlive();
  x.storage = value.storage;
  x.dtype = value.dtype;
  x.layOut(value.shape, value.strides, value.offset);
  x.viewOf = null;
}

/**
 * Gives `x` itself another shape, contiguous. Elements that have a place stay; new ones hold whatever is there. The
 * storage, which views share, grows where it is too small.
 *
 * @throws Error when `x` requires a gradient.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.resize_.html
 */
export function resize_(x: Tensor, ...size: Sizes<"size">): Tensor {
  return resizeTo("resize_", x, readSizes("resize_", "size", size));
}

/** Gives `x` itself the shape of `other`, as `resize_` does. */
export function resizeAs_(x: Tensor, other: Tensor): Tensor {
  checkTensor("resizeAs_", "other", other);
  return resizeTo("resizeAs_", x, other.shape);
}

function resizeTo(call: string, x: Tensor, shape: readonly number[]): Tensor {
  checkShape(call, shape);
  if (x.requiresGrad) {
    throw new Error(`${call}: a tensor that requires a gradient cannot be resized`);
  }
  if (shape.length === x.ndim && shape.every((n, d) => n === x.shape[d])) return x;
  const bytes = (x.offset + sizeOf(shape)) * x.dtype.size;
  if (sizeOf(shape) > 0 && bytes > x.storage.bytes) x.storage.grow(bytes);
  x.layOut([...shape], contiguousStrides(shape));
  return x;
}

/**
 * Makes `x` a leaf that requires no gradient: what it was computed from is forgotten.
 *
 * @throws Error when `x` is a view: use `detach`.
 */
export function detach_(x: Tensor): Tensor {
  if (x.viewOf !== null) {
    throw new Error("detach_: a view cannot be detached in place; use detach()");
  }
  x.node = null;
  x.outputNumber = 0;
  x.accumulator = null;
  x.leafRequiresGrad = false;
  return x;
}
