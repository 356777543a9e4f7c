/**
 * Batches of matrices: what the operations of linear algebra ask of them, and copies in float64, in which all of these are
 * computed.
 *
 * @module
 */
import { float32, float64 } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { convert, emptyLike } from "../tensor/create.ts";
import { checkDevice, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { copyInto, dense } from "./copy.ts";
import { eye } from "./range.ts";
import { transpose } from "./view.ts";

/** Throws unless `x` is a batch of matrices [..., m, n] of float32 or float64. */
export function checkMatrices(call: string, name: string, x: unknown): asserts x is Tensor {
  checkTensor(call, name, x);
  if (x.ndim < 2) {
    throw new RangeError(
      `${call}: ${name} must be matrices [..., m, n], got shape ${show(x.shape)}`,
    );
  }
  if (x.dtype !== float32 && x.dtype !== float64) {
    throw new TypeError(`${call}: ${name} must be float32 or float64, got ${x.dtype}`);
  }
}

/** Throws `RangeError` unless the matrices `x` are square. */
export function checkSquareShape(call: string, name: string, x: Tensor): void {
  const [m, n] = x.shape.slice(-2);
  if (x.ndim < 2 || m !== n) {
    throw new RangeError(
      `${call}: ${name} must be square matrices [..., n, n], got shape ${show(x.shape)}`,
    );
  }
}

/** Throws unless `x` is a batch of square matrices [..., n, n] of float32 or float64. */
export function checkSquare(call: string, name: string, x: unknown): asserts x is Tensor {
  checkMatrices(call, name, x);
  checkSquareShape(call, name, x);
}

/** Throws unless two tensors are of one dtype and on one device. */
export function checkAlike(call: string, a: Tensor, b: Tensor): void {
  checkDevice(call, a, b);
  if (a.dtype !== b.dtype) {
    throw new TypeError(
      `${call}: expected two tensors of one dtype, got ${a.dtype} and ${b.dtype}`,
    );
  }
}

/** A contiguous copy of `x` in float64, to be written to; no history. */
export function wideCopy(x: Tensor): Tensor {
  if (x.dtype !== float64) return convert(dense(x), float64);
  const y = emptyLike(x);
  copyInto(y, x);
  return y;
}

/** `x` with its last two axes swapped. */
export function turned(x: Tensor): Tensor {
  return transpose(x, -2, -1);
}

/** The identity matrix [n, n] in the dtype of `x`. */
export function identity(x: Tensor, n: number): Tensor {
  return eye(n, { dtype: x.dtype, device: x.device });
}

/** `"batch element 2: "`, where there is a batch. */
export function inBatch(x: Tensor, index: number): string {
  return x.ndim > 2 ? `batch element ${index}: ` : "";
}
