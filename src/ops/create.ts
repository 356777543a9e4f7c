/**
 * Tensors with given contents: zeros, ones, ranges.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { bool, type DType, float32, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, isOptions, read, readShape } from "../tensor/arguments.ts";
import { backendOf, emptyOn, fillWith, type TensorOptions, withOptions } from "../tensor/create.ts";
import { checkShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Sizes as `(2, 3)` or `([2, 3])`, with options last. */
export type SizeArgs = [size: readonly number[], options?: TensorOptions] | [...size: number[]] | [
  ...size: (number | TensorOptions)[],
];

const OPTIONS = { dtype: null as DType | null, device: null as string | null, requiresGrad: false };

function make(call: string, args: SizeArgs, value: number | null): Tensor {
  if (args.length === 0 || args[0] === undefined || args[0] === null) {
    throw new TypeError(`${call}: no sizes are given; a tensor without axes has the size []`);
  }
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
  checkTensor("zerosLike", "input", x);
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
  checkTensor("onesLike", "input", x);
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

/** Throws `TypeError` unless `value` is a number, a bigint or a boolean. */
function checkFill(call: string, value: unknown): asserts value is number | bigint | boolean {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return;
  throw new TypeError(`${call}: fillValue must be a number, got ${describeValue(value)}`);
}

/** Options of `full`. */
export interface FullOptions extends TensorOptions {
  /** The shape. */
  size?: readonly number[];
  /** The value of every element. */
  fillValue?: number | bigint | boolean;
}

/**
 * A tensor of `size` whose elements are all `fillValue`: a number makes float32, a bigint int64 and a boolean bool, unless a
 * dtype is given.
 */
export function full(
  ...args: Args<
    [
      size: readonly number[] | number,
      fillValue: number | bigint | boolean,
      dtype: DType | null,
      device: string | null,
      requiresGrad: boolean,
    ],
    FullOptions
  >
): Tensor {
  const o = read("full", {
    size: null as unknown,
    fillValue: null as unknown,
    ...OPTIONS,
  }, args);
  const [shape] = readShape("full", [o.size]), value = o.fillValue;
  checkShape("full", shape);
  checkFill("full", value);
  const inferred = typeof value === "boolean" ? bool : typeof value === "bigint" ? int64 : float32;
  const x = emptyOn(backendOf("full", o.device), shape, o.dtype ?? inferred);
  return withOptions(fillWith(x, value), o);
}

/** A tensor of the shape, dtype and device of `x` whose elements are all `fillValue`. */
export function fullLike(
  x: Tensor,
  ...args: Args<
    [
      fillValue: number | bigint | boolean,
      dtype: DType | null,
      device: string | null,
      requiresGrad: boolean,
    ],
    Omit<FullOptions, "size">
  >
): Tensor {
  checkTensor("fullLike", "input", x);
  const o = read("fullLike", { fillValue: null as unknown, ...OPTIONS }, args);
  checkFill("fullLike", o.fillValue);
  const backend = o.device ? backendOf("fullLike", o.device) : x.backend;
  return withOptions(fillWith(emptyOn(backend, x.shape, o.dtype ?? x.dtype), o.fillValue), o);
}

/** A tensor of the shape, dtype and device of `x` whose elements are whatever was in memory. */
export function emptyLike(x: Tensor, options: TensorOptions = {}): Tensor {
  checkTensor("emptyLike", "input", x);
  const o = read("emptyLike", OPTIONS, [options]);
  const backend = o.device ? backendOf("emptyLike", o.device) : x.backend;
  return withOptions(emptyOn(backend, x.shape, o.dtype ?? x.dtype), o);
}
