/**
 * Copies: between layouts, dtypes and devices, and into existing tensors.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type DType, fits } from "../backend/dtype.ts";
import type { Backend } from "../backend/backend.ts";
import { convert, emptyLike, emptyOn, fillWith } from "../tensor/create.ts";
import { broadcast, broadcastStrides, sameShape, show } from "../tensor/shape.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item } from "./access.ts";
import { beginFill, beginInPlace, recordInPlace } from "./in_place.ts";
import { sumTo } from "./sum_to.ts";
import { alias } from "./view.ts";

/**
 * Axes of `shape` merged where every one of `strides` steps through two neighbours as through one; axes of size 1 are
 * dropped. At least one axis remains.
 */
export function collapse(
  shape: readonly number[],
  ...strides: (readonly number[])[]
): { shape: number[]; strides: number[][] } {
  const n = strides.length, sizes: number[] = [], steps: number[][] = [];
  for (let i = 0; i < n; i++) steps.push([]);
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d], last = sizes.length - 1;
    if (size === 1) continue;
    let asOne = last >= 0;
    for (let i = 0; asOne && i < n; i++) asOne = steps[i][last] === strides[i][d] * size;
    if (asOne) sizes[last] *= size;
    else sizes.push(size);
    const at = sizes.length - 1;
    for (let i = 0; i < n; i++) steps[i][at] = strides[i][d];
  }
  if (sizes.length === 0) {
    sizes.push(1);
    for (const s of steps) s.push(1);
  }
  return { shape: sizes, strides: steps };
}

/** Copies the elements of `x`, broadcast to the shape of `y`, into `y`; same dtype, no history. */
export function copyInto(y: Tensor, x: Tensor): void {
  if (y.numElements === 0) return;
  const size = y.dtype.size;
  const { shape, strides: [to, from] } = collapse(
    y.shape,
    y.strides,
    broadcastStrides(x.shape, x.strides, y.shape),
  );
  while (shape.length < 4) {
    shape.unshift(1);
    to.unshift(0);
    from.unshift(0);
  }
  const kernel = y.backend.kernels[`copy_b${size as 1 | 2 | 4 | 8}`];
  const n = shape.length, outer = shape.slice(0, n - 4);
  const [n0, n1, n2, n3] = shape.slice(n - 4),
    [y0, y1, y2, y3] = to.slice(n - 4),
    [x0, x1, x2, x3] = from.slice(n - 4);
  const walk = (axis: number, yAt: number, xAt: number) => {
    if (axis === outer.length) {
      kernel(
        y.pointer + yAt * size,
        x.pointer + xAt * size,
        n1,
        n2,
        n3,
        y0,
        y1,
        y2,
        y3,
        x0,
        x1,
        x2,
        x3,
        0,
        n0 * n1 * n2,
      );
    } else {for (let i = 0; i < outer[axis]; i++) {
        walk(axis + 1, yAt + i * to[axis], xAt + i * from[axis]);
      }}
  };
  walk(0, 0, 0);
}

/** `x` itself if its elements lie in row-major order, else a copy that does; no history. */
export function dense(x: Tensor): Tensor {
  if (x.dense) return x;
  const y = emptyLike(x);
  copyInto(y, x);
  return y;
}

/** The elements of `x` in another dtype, contiguous; `x` itself if it is both already. No history. */
export function denseAs(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? dense(x) : convert(dense(x), dtype);
}

/** A contiguous tensor with the elements of `x`: `x` itself if it is contiguous. */
export function contiguous(x: Tensor): Tensor {
  if (x.dense) return x;
  return record("clone", dense(x), [x], [(dy) => dy]);
}

/** The elements of `x` on another device, contiguous; `x` itself if it is there. No history. */
export function moved(x: Tensor, backend: Backend): Tensor {
  if (x.backend === backend) return x;
  const source = dense(x), { dtype, numElements } = x, y = emptyOn(backend, x.shape, dtype);
  const start = source.offset * dtype.size, bytes = numElements * dtype.size;
  backend.write(y.storage, 0, source.backend.read(source.storage, start, bytes));
  return y;
}

/** A copy, contiguous, that gradients flow through. */
export function clone(x: Tensor): Tensor {
  checkTensor("clone", "input", x);
  const y = emptyLike(x);
  copyInto(y, x);
  return record("clone", y, [x], [(dy) => dy]);
}

/** `x` in another dtype; `x` itself if it has it. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  return record("to_copy", convert(dense(x), dtype), [x], [(dy) => cast(dy, x.dtype)]);
}

/** Whether a result of dtype `from` may be written into a tensor of dtype `to`. */
export function canCast(from: DType, to: DType): boolean {
  if (from.kind === "float" && to.kind !== "float") return false;
  return from.kind === "bool" || to.kind !== "bool";
}

/**
 * Writes the elements of `source`, broadcast, converted and from any device, into `x`. `nonBlocking` is taken for PyTorch's sake: the copy
 * is done when the call returns.
 *
 * @throws RangeError when `source` does not broadcast to the shape of `x`.
 */
export function copy_(
  x: Tensor,
  source: Tensor,
  ...args: Args<[nonBlocking: boolean], { nonBlocking?: boolean }>
): Tensor {
  checkTensor("copy_", "source", source);
  read("copy_", { nonBlocking: false }, args);
  if (!sameShape(broadcast("copy_", x.shape, source.shape), x.shape)) {
    throw new RangeError(
      `copy_: a source of shape ${show(source.shape)} does not broadcast to ${show(x.shape)}`,
    );
  }
  if (source === x) {
    beginFill("copy_", x);
    x.counter.version++;
    return x;
  }
  beginInPlace("copy_", x, [x, source]);
  let from = source.dtype === x.dtype ? source : convert(dense(source), x.dtype);
  from = moved(from, x.backend);
  if (from.storage === x.storage) from = clone(alias(from));
  copyInto(x, from);
  return recordInPlace("CopyBackwards", x, [x, source], [
    () => null,
    (dy) => onDevice(sumTo(cast(dy, source.dtype), source.shape), source.backend),
  ]);
}

/** `x` on another device; `x` itself if it is there. */
export function onDevice(x: Tensor, backend: Backend): Tensor {
  if (x.backend === backend) return x;
  return record("to_copy", moved(x, backend), [x], [(dy) => onDevice(dy, x.backend)]);
}

/** A number, or a tensor of no axes. */
export type FillValue = number | bigint | boolean | Tensor;

/** The value that elements are set to. */
export type FillArgs = Args<[value: FillValue], {
  /** A number, or a tensor of no axes. */
  value?: FillValue;
}>;

/** The value among `args`; throws unless it is a number, or a 0-d tensor, that can be an element of `dtype`. */
export function readFillValue(call: string, args: FillArgs, dtype: DType): FillValue {
  const { value } = read(call, { value: undefined as FillValue | undefined }, args);
  let number: unknown = value;
  if (value instanceof Tensor) {
    if (value.ndim > 0) {
      throw new RangeError(
        `${call}: the value must be a number or a 0-d tensor, got shape ${show(value.shape)}`,
      );
    }
    // Between floating-point types, too great a number becomes infinite.
    number = dtype.kind === "float" ? 0 : item(value);
  }
  if (typeof number !== "number" && typeof number !== "bigint" && typeof number !== "boolean") {
    throw new TypeError(`${call}: the value must be a number or a tensor, got ${typeof number}`);
  }
  if (!fits(number, dtype)) {
    throw new RangeError(`${call}: the value ${number} does not fit ${dtype}`);
  }
  return value!;
}

/**
 * Writes a value into every element of `x`.
 *
 * @throws RangeError when it does not fit the dtype of `x`.
 */
export function fill_(x: Tensor, ...args: FillArgs): Tensor {
  const value = readFillValue("fill_", args, x.dtype);
  if (value instanceof Tensor) return copy_(x, value);
  beginFill("fill_", x);
  writeScalar(x, value);
  return recordInPlace("FillBackward2", x, [x], [() => null]);
}

/** Writes zeros into every element of `x`. */
export function zero_(x: Tensor): Tensor {
  beginFill("zero_", x);
  writeScalar(x, 0);
  return recordInPlace("zero_", x, [x], [() => null]);
}

/** Writes `value` into every element of `x`, of any layout; no history. */
export function writeScalar(x: Tensor, value: number | bigint | boolean): void {
  if (x.dense) fillWith(x, value);
  else {
    const one = new Tensor(x.backend.allocate(x.dtype.size), [], x.dtype);
    copyInto(x, fillWith(one, value));
  }
}
