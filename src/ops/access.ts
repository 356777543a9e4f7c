/**
 * A tensor's facts and elements in JavaScript's terms, and its moves between dtypes and devices.
 *
 * @module
 */
import { bool, DType, float16, float32, float64, int32, int64, uint8 } from "../backend/dtype.ts";
import { backendOf, convert, emptyOn } from "../tensor/create.ts";
import { record } from "../autograd/record.ts";
import { axis, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isOptions } from "../tensor/arguments.ts";
import { cast, clone, dense } from "./copy.ts";

/** A number where a number holds it, else a bigint; a boolean for bool. */
export type Element = number | bigint | boolean;
/** Elements nested as the axes are. */
export type NestedElements = Element | NestedElements[];

/** All sizes, or that of one axis. */
export function size(x: Tensor): readonly number[];
/** The size of axis `dim`. */
export function size(x: Tensor, dim: number): number;
export function size(x: Tensor, dim?: number): readonly number[] | number {
  return dim === undefined ? x.shape : x.shape[axis("size", dim, x.ndim)];
}

/** All strides, in elements, or that of one axis. */
export function stride(x: Tensor, dim?: number): readonly number[] | number {
  return dim === undefined ? x.strides : x.strides[axis("stride", dim, x.ndim)];
}

/** The number of elements. */
export function numel(x: Tensor): number {
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

/** The elements as typed array, those of the storage-only 16-bit floats widened to float32. */
function readable(x: Tensor): Tensor {
  return x.dtype.kind === "float" && x.dtype.size === 2 ? convert(dense(x), float32) : x;
}

/**
 * The one element as a JavaScript value: an int64 that is not a safe integer as a bigint.
 *
 * @throws RangeError when there is not exactly one.
 */
export function item(x: Tensor): Element {
  if (x.numElements !== 1) {
    throw new RangeError(
      `item: only a tensor of one element has an item, this one has shape ${show(x.shape)}`,
    );
  }
  const wide = readable(x);
  return wide.dtype.size <= 2 && wide.dtype !== bool && wide.dtype !== uint8
    ? Number(wide.toTypedArray()[0])
    : wide.backend.readElement(wide.storage, wide.offset, wide.dtype);
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
  /** Copy even where nothing changes. */
  copy?: boolean;
}

/** `x` in another dtype, on another device, or in both as another tensor's; `x` itself where nothing changes. */
export function to(
  x: Tensor,
  ...args: (DType | string | Tensor | boolean | null | undefined | ToOptions)[]
): Tensor {
  let dtype: DType | null = null, device: string | null = null, copy = false;
  for (const arg of args) {
    if (arg instanceof DType) dtype = arg;
    else if (typeof arg === "string") device = arg;
    else if (arg instanceof Tensor) [dtype, device] = [arg.dtype, arg.device];
    else if (isOptions(arg)) {
      const o = arg as ToOptions;
      dtype = o.dtype ?? dtype;
      device = o.device ?? device;
      copy = o.copy ?? copy;
    } else if (arg !== null && arg !== undefined && typeof arg !== "boolean") {
      throw new TypeError(`to: expected a dtype, a device or a tensor, got ${String(arg)}`);
    }
  }
  let y = x;
  if (device !== null) y = toDevice(y, device);
  if (dtype !== null) y = cast(y, dtype);
  return copy && y === x ? clone(x) : y;
}

function toDevice(x: Tensor, device: string): Tensor {
  const backend = backendOf("to", device);
  if (backend === x.backend) return x;
  const source = dense(x);
  const y = emptyOn(backend, x.shape, x.dtype);
  backend.write(
    y.storage,
    0,
    source.backend.read(source.storage, source.offset * x.dtype.size, x.numElements * x.dtype.size),
  );
  return record("to_copy", y, [x], [(dy) => toDevice(dy, x.device)]);
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
/** `x` in int64. */
export const long = (x: Tensor): Tensor => cast(x, int64);
/** `x` in int32. */
export const int = (x: Tensor): Tensor => cast(x, int32);
