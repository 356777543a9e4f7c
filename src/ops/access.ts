/**
 * A tensor's facts and elements in JavaScript's terms, and its moves between dtypes and devices.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import {
  bfloat16,
  bool,
  DType,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "../backend/dtype.ts";
import { backendOf, convert } from "../tensor/create.ts";
import { axis, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { checkTensor, isOptions, read } from "../tensor/arguments.ts";
import { cast, clone, dense, onDevice } from "./copy.ts";

/** A number where a number holds it, else a bigint; a boolean for bool. */
export type Element = number | bigint | boolean;
/** Elements nested as the axes are. */
export type NestedElements = Element | NestedElements[];

/** All sizes, or that of one axis. */
export function size(x: Tensor): readonly number[];
/** The size of axis `dim`. */
export function size(x: Tensor, dim: number): number;
export function size(x: Tensor, dim?: number): readonly number[] | number {
  return dim === undefined ? x.shape : x.shape[axisOf("size", x, dim)];
}

/** All strides, in elements, or that of one axis. */
export function stride(x: Tensor, dim?: number): readonly number[] | number {
  return dim === undefined ? x.strides : x.strides[axisOf("stride", x, dim)];
}

/** Axis `dim` of `x`, which must have one. */
function axisOf(call: string, x: Tensor, dim: number): number {
  const d = axis(call, dim, x.ndim);
  if (x.ndim === 0) throw new RangeError(`${call}: a 0-d tensor has no axis ${dim}`);
  return d;
}

/** The number of elements. */
export function numel(x: Tensor): number {
  checkTensor("numel", "input", x);
  return x.numElements;
}

/** The number of axes. */
export function dim(x: Tensor): number {
  return x.ndim;
}

/** Whether the elements lie in row-major order without gaps. */
export function isContiguous(x: Tensor): boolean {
  return x.dense;
}

/** Whether `x` is a tensor. */
export function isTensor(x: unknown): x is Tensor {
  return x instanceof Tensor;
}

/** The elements as typed array, those of the storage-only 16-bit floats widened to float32. */
function readable(x: Tensor): Tensor {
  return x.dtype.kind === "float" && x.dtype.size === 2 ? convert(dense(x), float32) : x;
}

/**
 * The one element as a JavaScript value: a boolean of a bool tensor, a bigint for an int64 that is not a safe integer,
 * else a number, as which it is typed unless the caller says otherwise.
 *
 * @throws RangeError when there is not exactly one.
 */
export function item<T extends Element = number>(x: Tensor): T {
  if (x.numElements !== 1) {
    throw new RangeError(
      `item: only a tensor of one element has an item, this one has shape ${show(x.shape)}`,
    );
  }
  const wide = readable(x);
  return wide.backend.readElement(wide.storage, wide.offset, wide.dtype) as T;
}

/** A function that gives the elements of `x` as JavaScript values, by row-major index, one at a time. */
export function reader(x: Tensor): (index: number) => Element {
  const { shape, strides, offset, dtype, storage, backend } = readable(x);
  return (index) => {
    let at = offset;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += (index % shape[d]) * strides[d];
      index = Math.floor(index / shape[d]);
    }
    return backend.readElement(storage, at, dtype);
  };
}

/** The elements in nested arrays; of a 0-d tensor, the element. */
export function tolist(x: Tensor): NestedElements {
  const values = readable(x).toTypedArray();
  const element = (i: number): Element => {
    const v = values[i];
    if (x.dtype === bool) return v !== 0;
    return typeof v === "bigint" && Number.isSafeInteger(Number(v)) ? Number(v) : v;
  };
  const build = (d: number, start: number, count: number): NestedElements => {
    if (d === x.ndim) return element(start);
    const step = count / (x.shape[d] || 1);
    return Array.from({ length: x.shape[d] }, (_, i) => build(d + 1, start + i * step, step));
  };
  return build(0, 0, x.numElements);
}

/** A typed array of the elements, as `toTypedArray`; refuses a tensor that requires a gradient, as PyTorch does. */
export function numpy(x: Tensor): ReturnType<Tensor["toTypedArray"]> {
  if (x.requiresGrad) {
    throw new Error("numpy: the tensor requires a gradient; use x.detach().numpy()");
  }
  return x.toTypedArray();
}

/** Options of `to`. */
export interface ToOptions {
  /** The dtype to convert to. */
  dtype?: DType | null;
  /** The device to move to. */
  device?: string | null;
  /** Taken for PyTorch's sake; moves are always complete. */
  nonBlocking?: boolean;
  /** Copy even where nothing changes. */
  copy?: boolean;
}

/**
 * `x` in another dtype, on another device, or in both as another tensor's; `x` itself where nothing changes. In
 * PyTorch's orders: `to(dtype, nonBlocking, copy)`, `to(device, dtype, nonBlocking, copy)`,
 * `to(other, nonBlocking, copy)`.
 */
export function to(
  x: Tensor,
  ...args: (DType | string | Tensor | boolean | null | undefined | ToOptions)[]
): Tensor {
  let dtype: DType | null = null, device: string | null = null, flags = 0, copy = false;
  for (const arg of args) {
    if (arg instanceof DType) dtype = arg;
    else if (typeof arg === "string") device = arg;
    else if (arg instanceof Tensor) [dtype, device] = [arg.dtype, arg.device];
    else if (isOptions(arg)) {
      const o: Required<ToOptions> = read("to", { dtype, device, nonBlocking: false, copy }, [arg]);
      [dtype, device, copy] = [o.dtype, o.device, o.copy];
    } else if (typeof arg === "boolean") copy = flags++ === 1 && arg;
    else if (arg !== null && arg !== undefined) {
      throw new TypeError(`to: expected a dtype, a device or a tensor, got ${describeValue(arg)}`);
    }
  }
  let y = x;
  if (device !== null) y = toDevice(y, device);
  if (dtype !== null) y = cast(y, dtype);
  return copy && y === x ? clone(x) : y;
}

function toDevice(x: Tensor, device: string): Tensor {
  return onDevice(x, backendOf("to", device));
}

/** `x` on the CPU. */
export function cpu(x: Tensor): Tensor {
  return toDevice(x, "cpu");
}

/** `x` on a GPU. */
export function cuda(x: Tensor, device = "cuda"): Tensor {
  return toDevice(x, typeof device === "number" ? `cuda:${device}` : device);
}

/** `x` in float32. */
export const float = (x: Tensor): Tensor => cast(x, float32);
/** `x` in float64. */
export const double = (x: Tensor): Tensor => cast(x, float64);
/** `x` in float16. */
export const half = (x: Tensor): Tensor => cast(x, float16);
/** `x` in bfloat16. */
export const toBfloat16 = (x: Tensor): Tensor => cast(x, bfloat16);
/** `x` in int64. */
export const long = (x: Tensor): Tensor => cast(x, int64);
/** `x` in int32. */
export const int = (x: Tensor): Tensor => cast(x, int32);
/** `x` in int16. */
export const short = (x: Tensor): Tensor => cast(x, int16);
/** `x` in int8. */
export const char = (x: Tensor): Tensor => cast(x, int8);
/** `x` in uint8. */
export const byte = (x: Tensor): Tensor => cast(x, uint8);
/** `x` in bool: whether each element is not zero. */
export const toBool = (x: Tensor): Tensor => cast(x, bool);

export { toBfloat16 as bfloat16, toBool as bool };

/** What PyTorch calls tensors of each dtype: `torch.FloatTensor`. */
const TYPE_NAMES: readonly [string, DType][] = [
  ["FloatTensor", float32],
  ["DoubleTensor", float64],
  ["HalfTensor", float16],
  ["BFloat16Tensor", bfloat16],
  ["LongTensor", int64],
  ["IntTensor", int32],
  ["ShortTensor", int16],
  ["CharTensor", int8],
  ["ByteTensor", uint8],
  ["BoolTensor", bool],
];

/** PyTorch's name of the tensor's type, `"torch.FloatTensor"`. */
export function type(x: Tensor): string;
/** `x` in another dtype, which may be given as PyTorch's name of the type; `x` itself if it has it. */
export function type(x: Tensor, dtype: DType | string): Tensor;
export function type(x: Tensor, dtype?: DType | string): Tensor | string {
  const space = (device: string) => device.startsWith("cuda") ? "torch.cuda." : "torch.";
  if (dtype === undefined) {
    return space(x.device) + TYPE_NAMES.find(([, t]) => t === x.dtype)![0];
  }
  if (dtype instanceof DType) return cast(x, dtype);
  if (typeof dtype !== "string") {
    throw new TypeError(`type: expected a dtype or its name, got ${describeValue(dtype)}`);
  }
  const name = dtype.replace(/^torch\.(cuda\.)?/, "");
  const found = TYPE_NAMES.find(([type, t]) => type === name || t.name === name);
  if (found === undefined) throw new TypeError(`type: no type ${describeValue(dtype)}`);
  const y = dtype.startsWith("torch.cuda.") ? toDevice(x, "cuda") : x;
  return cast(y, found[1]);
}

/** `x` in the dtype of `other`, and on its device. */
export function typeAs(x: Tensor, other: Tensor): Tensor {
  checkTensor("typeAs", "other", other);
  return to(x, other);
}

/** Bytes of one element. */
export function elementSize(x: Tensor): number {
  return x.dtype.size;
}

/** The place of the first element in the storage. */
export function storageOffset(x: Tensor): number {
  return x.offset;
}

/** Whether the elements are floating-point numbers. */
export function isFloatingPoint(x: Tensor): boolean {
  checkTensor("isFloatingPoint", "input", x);
  return x.dtype.isFloatingPoint;
}
