/**
 * Tensors of the dtype and device of another: its methods `newZeros` and their like.
 *
 * @module
 */
import type { DType } from "../backend/dtype.ts";
import { read, readShape } from "../tensor/arguments.ts";
import {
  backendOf,
  emptyOn,
  fillWith,
  type Nested,
  tensor,
  type TensorOptions,
  withOptions,
} from "../tensor/create.ts";
import { checkShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { SizeArgs } from "./create.ts";

const OPTIONS = { dtype: null as DType | null, device: null as string | null, requiresGrad: false };

function make(
  call: string,
  x: Tensor,
  shape: readonly number[],
  options: TensorOptions,
  value: number | bigint | boolean | null,
): Tensor {
  checkShape(call, shape);
  const backend = options.device ? backendOf(call, options.device) : x.backend;
  const y = emptyOn(backend, shape, options.dtype ?? x.dtype);
  return withOptions(value === null ? y : fillWith(y, value), options);
}

function sized(call: string, x: Tensor, args: SizeArgs, value: number | null): Tensor {
  const [shape, rest] = readShape(call, args);
  return make(call, x, shape, read(call, OPTIONS, rest), value);
}

/** A tensor of the dtype and device of `x` whose elements are whatever was in memory. */
export function newEmpty(x: Tensor, ...size: SizeArgs): Tensor {
  return sized("newEmpty", x, size, null);
}

/** Zeros of the dtype and device of `x`. */
export function newZeros(x: Tensor, ...size: SizeArgs): Tensor {
  return sized("newZeros", x, size, 0);
}

/** Ones of the dtype and device of `x`. */
export function newOnes(x: Tensor, ...size: SizeArgs): Tensor {
  return sized("newOnes", x, size, 1);
}

/** A tensor of `size` filled with `fillValue`, of the dtype and device of `x`. */
export function newFull(
  x: Tensor,
  size: readonly number[] | number,
  fillValue: number | bigint | boolean,
  options: TensorOptions = {},
): Tensor {
  const [shape] = readShape("newFull", [size]);
  return make("newFull", x, shape, read("newFull", OPTIONS, [options]), fillValue);
}

/** A tensor of nested numbers, of the dtype and device of `x`. */
export function newTensor(
  x: Tensor,
  data: Nested | Tensor,
  options: TensorOptions = {},
): Tensor {
  return tensor(data, { dtype: x.dtype, device: x.device, ...options });
}
