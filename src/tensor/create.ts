/**
 * Tensors from sizes, numbers and typed arrays.
 *
 * @module
 */
import { checkDType, isOptions } from "./arguments.ts";
import { describeValue } from "./describe.ts";
import type { Backend } from "../backend/backend.ts";
import {
  bool,
  computeType,
  type DType,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  type TypedArray,
  uint8,
} from "../backend/dtype.ts";
import { openCuda } from "../backend/devices.ts";
import { cpu } from "../backend/wasm.ts";
import { mode } from "../autograd/mode.ts";
import { checkShape, show } from "./shape.ts";
import { sizeOf, Tensor } from "./tensor.ts";

/** What functions that make tensors take, last. */
export interface TensorOptions {
  /** The type of the elements. */
  dtype?: DType | null;
  /** `"cpu"`, `"cuda"`, `"cuda:1"`. */
  device?: string | null;
  /** Whether the tensor collects a gradient. */
  requiresGrad?: boolean;
}

/** A number, a boolean or a bigint, or arrays of them, of equal lengths at each depth. */
export type Nested = number | bigint | boolean | readonly Nested[] | TypedArray;

/** The backend of a device's name. Throws `Error` for one that is not there. */
export function backendOf(call: string, device: string | null | undefined): Backend {
  if (device === undefined || device === null || device === "cpu") return cpu;
  if (typeof device === "string" && /^cuda(:\d+)?$/.test(device)) {
    return openCuda(call, device, cpu);
  }
  throw new TypeError(`${call}: no device ${describeValue(device)}; expected "cpu" or "cuda"`);
}

/** A tensor of `shape` on `backend`, not initialised. */
export function emptyOn(backend: Backend, shape: readonly number[], dtype: DType): Tensor {
  return new Tensor(backend.allocate(sizeOf(shape) * dtype.size), shape, dtype);
}

/** A tensor of the shape, dtype and device of `x`, contiguous and not initialised. */
export function emptyLike(x: Tensor, dtype: DType = x.dtype): Tensor {
  return emptyOn(x.backend, x.shape, dtype);
}

/** Applies what `options` say of gradients to a new tensor. */
export function withOptions(x: Tensor, options: TensorOptions): Tensor {
  if (options.requiresGrad) x.requiresGrad = true;
  if (mode.inference) x.inference = true;
  return x;
}

/** Writes `value` into every element of a contiguous `x`; the dtype of `x` decides how it is rounded. */
export function fillWith(x: Tensor, value: number | bigint | boolean): Tensor {
  const { backend, dtype, numElements } = x;
  if (numElements === 0) return x;
  const compute = computeType(dtype);
  if (compute !== dtype) {
    const wide = fillWith(emptyOn(backend, [1], compute), value);
    const one = emptyOn(backend, [1], dtype);
    backend.kernels.cast(one.pointer, wide.pointer, compute.id, dtype.id, 0, 1);
    fillFrom(x, one.pointer);
  } else fillFrom(x, backend.scalar(value, dtype));
  return x;
}

function fillFrom(x: Tensor, address: number) {
  const name = `copy_b${x.dtype.size as 1 | 2 | 4 | 8}` as const;
  x.backend.kernels[name](x.pointer, address, 1, 1, x.numElements, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1);
}

/** The dtype of a typed array's elements. */
function dtypeOf(call: string, array: unknown): DType {
  if (array instanceof Float32Array) return float32;
  if (array instanceof Float64Array) return float64;
  if (array instanceof BigInt64Array) return int64;
  if (array instanceof Int32Array) return int32;
  if (array instanceof Int16Array) return int16;
  if (array instanceof Int8Array) return int8;
  if (array instanceof Uint8Array) return uint8;
  throw new TypeError(
    `${call}: expected a typed array, got ${Object.prototype.toString.call(array).slice(8, -1)}`,
  );
}

/** Whether the elements of a typed array can be taken as `dtype` without conversion: the same type, or bool and 16-bit floats as bits. */
function holds(array: TypedArray, dtype: DType): boolean {
  if (array instanceof Uint16Array) return dtype.kind === "float" && dtype.size === 2;
  const own = dtypeOf("fromArray", array);
  return own === dtype || (own === uint8 && dtype === bool);
}

/**
 * A tensor with a copy of a typed array's elements, in row-major order. `Float32Array` -> float32,
 * `BigInt64Array` -> int64 and so on; a `Uint8Array` may be given as `bool`, a `Uint16Array` as the bits of float16 or
 * bfloat16. Any other `dtype` converts.
 *
 * @throws RangeError when the shape does not have as many elements as the array.
 */
export function fromArray(
  array: TypedArray,
  shape?: readonly number[],
  options: TensorOptions = {},
): Tensor {
  checkDType("fromArray", options.dtype);
  const dtype = options.dtype ?? dtypeOf("fromArray", array);
  const sizes = shape === undefined ? [array.length] : [...shape];
  checkShape("fromArray", sizes);
  if (sizeOf(sizes) !== array.length) {
    throw new RangeError(
      `fromArray: shape ${show(sizes)} has ${sizeOf(sizes)} elements, the array ${array.length}`,
    );
  }
  const backend = backendOf("fromArray", options.device);
  const own = holds(array, dtype) ? dtype : dtypeOf("fromArray", array);
  let x = emptyOn(backend, sizes, own);
  backend.write(
    x.storage,
    0,
    new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength),
  );
  if (own !== dtype) x = convert(x, dtype);
  return withOptions(x, options);
}

/** A contiguous copy of a contiguous `x` in another dtype, without history. */
export function convert(x: Tensor, dtype: DType): Tensor {
  // The 16-bit floats convert to and from float32 only.
  const half = (t: DType) => t.kind === "float" && t.size === 2;
  if (half(x.dtype) && dtype !== float32) return convert(convert(x, float32), dtype);
  if (half(dtype) && x.dtype !== float32 && x.dtype.kind === "float") {
    return convert(convert(x, float32), dtype);
  }
  const y = emptyLike(x, dtype);
  x.backend.kernels.cast(y.pointer, x.pointer, x.dtype.id, dtype.id, 0, x.numElements);
  return y;
}

/** The shape of nested arrays; throws `RangeError` when they are ragged. */
function shapeOf(data: Nested): number[] {
  const shape: number[] = [];
  for (let x: Nested = data; Array.isArray(x) || ArrayBuffer.isView(x); x = x[0] as Nested) {
    shape.push(x.length);
    if (x.length === 0) break;
  }
  return shape;
}

function flatten(
  call: string,
  data: Nested,
  shape: readonly number[],
  depth: number,
  out: (number | bigint | boolean)[],
): void {
  if (depth === shape.length) {
    if (Array.isArray(data) || ArrayBuffer.isView(data)) {
      throw new RangeError(
        `${call}: expected a number at depth ${depth}, got an array of length ${
          (data as TypedArray).length
        }`,
      );
    }
    if (typeof data !== "number" && typeof data !== "bigint" && typeof data !== "boolean") {
      throw new TypeError(
        `${call}: expected numbers, bigints or booleans, got ${describeValue(data)}`,
      );
    }
    out.push(data);
    return;
  }
  const isArray = Array.isArray(data) || ArrayBuffer.isView(data);
  if (!isArray || data.length !== shape[depth]) {
    const met = isArray ? `an array of length ${data.length}` : describeValue(data);
    throw new RangeError(
      `${call}: expected an array of length ${shape[depth]} at depth ${depth}, got ${met}`,
    );
  }
  for (const part of data) flatten(call, part as Nested, shape, depth + 1, out);
}

/**
 * A tensor of nested numbers. Numbers make float32, bigints int64 and booleans bool, unless a dtype is given; typed
 * arrays keep theirs.
 *
 * @throws RangeError when the arrays are ragged.
 * @see https://pytorch.org/docs/stable/generated/torch.tensor.html
 */
export function tensor(data: Nested | Tensor, options: TensorOptions = {}): Tensor {
  if (!isOptions(options as unknown)) {
    throw new TypeError(
      `tensor: the dtype and other options are given by name, as in tensor(data, { dtype: torch.float64 }), got ${
        describeValue(options)
      }`,
    );
  }
  checkDType("tensor", options.dtype);
  if (data instanceof Tensor) {
    const copy = fromArray(data.toTypedArray(), data.shape, {
      dtype: data.dtype,
      device: options.device ?? data.device,
    });
    return withOptions(options.dtype ? convert(copy, options.dtype) : copy, options);
  }
  if (ArrayBuffer.isView(data)) return fromArray(data as TypedArray, undefined, options);
  const shape = shapeOf(data as Nested);
  const values: (number | bigint | boolean)[] = [];
  flatten("tensor", data as Nested, shape, 0, values);
  const inferred = values.some((v) => typeof v === "number")
    ? float32
    : values.length === 0
    ? float32
    : values.some((v) => typeof v === "bigint")
    ? int64
    : bool;
  const dtype = options.dtype ?? inferred;
  let array: TypedArray;
  if (dtype.kind === "float") array = Float64Array.from(values, Number);
  else if (dtype.kind === "bool") array = Uint8Array.from(values, (v) => v ? 1 : 0);
  else array = BigInt64Array.from(values, toBigInt);
  return fromArray(array, shape, { ...options, dtype });
}

/** `data` as a tensor: itself, if it is one of that dtype already, else as `tensor` makes it. */
export function asTensor(data: Nested | Tensor, options: TensorOptions = {}): Tensor {
  if (!(data instanceof Tensor)) return tensor(data, options);
  const { dtype, device } = options;
  const same = (!dtype || dtype === data.dtype) &&
    (!device || backendOf("asTensor", device) === data.backend);
  return same ? data : tensor(data, options);
}

function toBigInt(v: number | bigint | boolean): bigint {
  if (typeof v === "number" && !Number.isFinite(v)) {
    throw new RangeError(
      `tensor: ${v} has no place among whole numbers; use a floating-point dtype`,
    );
  }
  const whole = BigInt(typeof v === "number" ? Math.trunc(v) : v);
  if (BigInt.asIntN(64, whole) !== whole) {
    throw new RangeError(`tensor: ${v} does not fit into 64 bits`);
  }
  return whole;
}
