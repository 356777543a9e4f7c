/**
 * Tensors with given contents: zeros, ones, ranges.
 *
 * @module
 */
import { type DType, float32 } from "../backend/dtype.ts";
import { isOptions, read, readShape } from "../tensor/arguments.ts";
import { backendOf, emptyOn, fillWith, type TensorOptions, withOptions } from "../tensor/create.ts";
import { checkShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Sizes as `(2, 3)` or `([2, 3])`, with options last. */
export type SizeArgs = [size: readonly number[], options?: TensorOptions] | [...size: number[]] | [
  ...size: (number | TensorOptions)[],
];

const OPTIONS = { dtype: null as DType | null, device: null as string | null, requiresGrad: false };

function make(call: string, args: SizeArgs, value: number | null): Tensor {
  const [shape, rest] = readShape(call, args);
  checkShape(call, shape);
  const options = read(call, OPTIONS, rest);
  const x = emptyOn(backendOf(call, options.device), shape, options.dtype ?? float32);
  return withOptions(value === null ? x : fillWith(x, value), options);
}

/** A tensor whose elements are whatever was in memory. */
export function empty(...size: SizeArgs): Tensor {
  return make("empty", size, null);
}

/** A tensor of zeros: `zeros(2, 3)`, `zeros([2, 3], { dtype: torch.int64 })`. */
export function zeros(...size: SizeArgs): Tensor {
  return make("zeros", size, 0);
}

/** A tensor of ones. */
export function ones(...size: SizeArgs): Tensor {
  return make("ones", size, 1);
}

/** Zeros of the dtype and device of `x`, in its shape or another. */
export function zerosLike(x: Tensor, options: TensorOptions | readonly number[] = {}): Tensor {
  const shape = isOptions(options) ? x.shape : options as readonly number[];
  const o: TensorOptions = isOptions(options) ? options : {};
  return withOptions(
    fillWith(
      emptyOn(o.device ? backendOf("zerosLike", o.device) : x.backend, shape, o.dtype ?? x.dtype),
      0,
    ),
    o,
  );
}

/** Ones of the shape, dtype and device of `x`. */
export function onesLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return withOptions(
    fillWith(
      emptyOn(
        options.device ? backendOf("onesLike", options.device) : x.backend,
        x.shape,
        options.dtype ?? x.dtype,
      ),
      1,
    ),
    options,
  );
}
