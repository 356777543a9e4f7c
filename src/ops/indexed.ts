/**
 * What operations with index tensors share: checks of indexes, and the calls of the kernels that read and write by them.
 *
 * @module
 */
import type { Backend } from "../backend/backend.ts";
import { bool, computeType, type DType, int32, int64, uint8 } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { convert, emptyLike, emptyOn, fillWith } from "../tensor/create.ts";
import { broadcastStrides, checkDevice, sameShape, show, splitAt } from "../tensor/shape.ts";
import { contiguousStrides, Tensor } from "../tensor/tensor.ts";
import { checkRange } from "./check.ts";
import { copyInto, dense, denseAs } from "./copy.ts";
import type { KernelTable } from "./elementwise.ts";

/** `index`, contiguous and of int64. Throws `TypeError` unless it is an int64 or int32 tensor on the device of `x`. */
export function indexTensor(call: string, x: Tensor, index: unknown, name = "index"): Tensor {
  checkTensor(call, name, index);
  if (index.dtype !== int64 && index.dtype !== int32) {
    throw new TypeError(`${call}: ${name} must be int64 or int32, got ${index.dtype}`);
  }
  checkDevice(call, x, index);
  return denseAs(index, int64);
}

/** The least and the greatest element of a contiguous, non-empty `x` of float32, float64 or int64. */
export function extent(x: Tensor): [low: number, high: number] {
  const y = emptyOn(x.backend, [2], x.dtype);
  x.backend.kernels[`extent${x.dtype.suffix as "" | "_f64" | "_i64"}`](
    y.pointer,
    x.pointer,
    x.numElements,
  );
  const read = (i: number) => Number(x.backend.readElement(y.storage, i, x.dtype));
  const result: [number, number] = [read(0), read(1)];
  y.storage.free();
  return result;
}

/** Throws `RangeError` unless each of `index` (contiguous, int64) is in 0 .. n-1, or -n .. n-1 if `wraps`. */
export function checkIndexes(
  call: string,
  index: Tensor,
  dim: number,
  n: number,
  wraps = false,
): void {
  const count = index.numElements, { backend } = index;
  if (count === 0) return;
  const says = (element: string) =>
    `${call}: index ${element} is out of range for axis ${dim} of size ${n}`;
  // Nothing may be read from an empty tensor, not even before the check is made.
  if (n === 0) {
    throw new RangeError(says(String(backend.readElement(index.storage, index.offset, int64))));
  }
  checkRange(index, { low: wraps ? -n : 0, high: n }, says);
}

/** The shape with which a tensor is indexed: a 0-d tensor as one element. */
export function atLeast1d(shape: readonly number[]): readonly number[] {
  return shape.length === 0 ? [1] : shape;
}

/** The first `shape` elements along each axis of `x`, except along axis `dim`; a view without history. */
export function cropped(x: Tensor, shape: readonly number[], dim = -1): Tensor {
  const sizes = atLeast1d(shape), to = x.shape.map((n, d) => d === dim ? n : sizes[d]);
  return sameShape(to, x.shape) ? x : new Tensor(x.storage, to, x.dtype, x.strides, x.offset);
}

/** `x` as a vector, contiguous; no history. */
export function flat(x: Tensor): Tensor {
  const y = dense(x);
  return new Tensor(y.storage, [x.numElements], x.dtype, undefined, y.offset);
}

/** A contiguous copy of `x` without history. */
export function copyOf(x: Tensor): Tensor {
  const y = emptyLike(x);
  copyInto(y, x);
  return y;
}

/** A 0-d tensor of `value`. */
export function scalarTensor(
  backend: Backend,
  value: number | bigint | boolean,
  dtype: DType,
): Tensor {
  return fillWith(emptyOn(backend, [], dtype), value);
}

/** `x` repeated to `shape` without a copy or history. */
export function repeated(x: Tensor, shape: readonly number[]): Tensor {
  return new Tensor(x.storage, shape, x.dtype, shape.map(() => 0), x.offset);
}

/** `x` broadcast to `shape`, contiguous; no history. */
export function spread(x: Tensor, shape: readonly number[]): Tensor {
  return dense(
    new Tensor(x.storage, shape, x.dtype, broadcastStrides(x.shape, x.strides, shape), x.offset),
  );
}

/** Throws `TypeError` unless `mask` is a tensor of bool (or uint8) on the device of `x`. */
export function checkMask(call: string, x: Tensor, mask: unknown): asserts mask is Tensor {
  checkTensor(call, "mask", mask);
  if (mask.dtype !== bool && mask.dtype !== uint8) {
    throw new TypeError(`${call}: mask must be bool, got ${mask.dtype}`);
  }
  checkDevice(call, x, mask);
}

type Size = 1 | 2 | 4 | 8;

/** y[..., i, ...] = x[..., index[..., i, ...], ...] along axis `dim`, in the shape of `index`; no checks, no history. */
export function gatherFrom(x: Tensor, dim: number, index: Tensor): Tensor {
  const y = emptyOn(x.backend, index.shape, x.dtype);
  if (y.numElements === 0) return y;
  const source = dense(cropped(x, index.shape, dim));
  const [outer, k, inner] = splitAt(index.shape, dim);
  x.backend.kernels[`gather_b${x.dtype.size as Size}`](
    y.pointer,
    source.pointer,
    index.pointer,
    x.shape[dim] ?? 1,
    k,
    inner,
    0,
    outer,
  );
  return y;
}

/** Slices `index` (a vector) of axis `dim` of `x`; no checks, no history. */
export function selectFrom(x: Tensor, dim: number, index: Tensor): Tensor {
  const k = index.numElements, shape = atLeast1d(x.shape).map((n, d) => d === dim ? k : n);
  const y = emptyOn(x.backend, shape, x.dtype), source = dense(x);
  const [outer, n, inner] = splitAt(x.shape, dim);
  if (y.numElements > 0) {
    x.backend.kernels.index_select(
      y.pointer,
      source.pointer,
      index.pointer,
      n,
      k,
      inner * x.dtype.size,
      0,
      outer * k,
    );
  }
  return y;
}

type IndexedKernel = (
  y: number,
  index: number,
  source: number,
  n: number,
  k: number,
  inner: number,
  begin: number,
  end: number,
) => void;

/**
 * Runs an indexed kernel on a contiguous copy of `part` where it is not contiguous, or not of dtype `compute`, and
 * copies the result back.
 */
export function update(part: Tensor, compute: DType, run: (work: Tensor) => void): void {
  const work = part.dtype === compute ? dense(part) : convert(dense(part), compute);
  run(work);
  if (work !== part) copyInto(part, denseAs(work, part.dtype));
}

/**
 * y[..., index[..., i, ...], ...] = source[..., i, ...] along axis `dim`, or combined with it by the kernels of `table`.
 * `source` may exceed the shape of `index`; it must not share memory with `y`. No checks, no history.
 */
export function scatterInto(
  y: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  table: KernelTable | null = null,
): void {
  if (index.numElements === 0) return;
  const compute = table === null ? y.dtype : computeType(y.dtype);
  const kernels = y.backend.kernels;
  const kernel =
    (table === null
      ? kernels[`scatter_b${y.dtype.size as Size}`]
      : kernels[table[compute.id]!]) as IndexedKernel;
  const [outer, k, inner] = splitAt(index.shape, dim), n = y.shape[dim] ?? 1;
  const from = denseAs(cropped(source, index.shape), compute);
  update(cropped(y, index.shape, dim), compute, (work) => {
    // Many columns are gone through side by side.
    if (k > 64 && outer * inner < 1 << 15) {
      roomForWrites(y.backend, from.numElements, from.numElements);
    }
    kernel(work.pointer, index.pointer, from.pointer, n, k, inner, 0, outer);
  });
}

/**
 * Asks for the room in which a device brings those of `count` places together that are one, for `elements` that go there.
 */
export function roomForWrites(backend: Backend, count: number, elements: number): void {
  if (count > 8) backend.scratch(0, 64 * count + Math.ceil(elements / 8) + 65536);
}

/**
 * Slices `index` (a vector) of axis `dim` of `y` become those of `source`, or have them added by the kernels of `table`.
 * `source` must not share memory with `y`. No checks, no history.
 */
export function selectInto(
  y: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  table: KernelTable | null = null,
): void {
  if (index.numElements === 0 || y.numElements === 0) return;
  const compute = table === null ? y.dtype : computeType(y.dtype);
  const kernels = y.backend.kernels;
  const kernel =
    (table === null ? kernels.index_copy : kernels[table[compute.id]!]) as IndexedKernel;
  const [outer, n, inner] = splitAt(y.shape, dim), k = index.numElements;
  const from = denseAs(source, compute), unit = table === null ? y.dtype.size : 1;
  update(y, compute, (work) => {
    roomForWrites(y.backend, k, from.numElements);
    kernel(work.pointer, index.pointer, from.pointer, n, k, inner * unit, 0, outer);
  });
}

/** The positions, in row-major order, at which `mask` is not zero: a vector of int64. */
export function truePositions(mask: Tensor): Tensor {
  const { backend } = mask, n = mask.numElements, { kernels } = backend;
  if (n === 0) return emptyOn(backend, [0], int64);
  const source = denseAs(mask, bool), count = emptyOn(backend, [], int64);
  kernels.mask_count(count.pointer, source.pointer, n);
  const y = emptyOn(backend, [Number(backend.readElement(count.storage, 0, int64))], int64);
  count.storage.free();
  kernels.mask_positions(y.pointer, source.pointer, y.numElements, n);
  return y;
}

/** The indexes along each axis of `shape` of `positions` in row-major order, in the columns of an int64 matrix. */
export function unravel(positions: Tensor, shape: readonly number[]): Tensor {
  const n = positions.numElements, axes = shape.length, strides = contiguousStrides(shape);
  const y = emptyOn(positions.backend, [n, axes], int64);
  for (let d = 0; d < axes && n > 0; d++) {
    y.backend.kernels.unravel(
      y.pointer + d * 8,
      positions.pointer,
      axes,
      shape[d],
      strides[d],
      0,
      n,
    );
  }
  return y;
}

/** Throws `TypeError` unless `source` is a tensor of the dtype and on the device of `x`. */
export function checkSource(
  call: string,
  x: Tensor,
  source: unknown,
  name = "source",
): asserts source is Tensor {
  checkTensor(call, name, source);
  if (source.dtype !== x.dtype) {
    throw new TypeError(
      `${call}: ${name} must have the dtype of the tensor, ${x.dtype}, got ${source.dtype}`,
    );
  }
  checkDevice(call, x, source);
}

/** Throws `RangeError` unless an index of shape `index` can be used along axis `dim` of a tensor of `shape`. */
export function checkIndexShape(
  call: string,
  shape: readonly number[],
  index: readonly number[],
  dim: number,
  name = "the tensor",
): void {
  const a = atLeast1d(shape), b = atLeast1d(index);
  if (a.length !== b.length) {
    throw new RangeError(
      `${call}: index has ${index.length} axes, ${name} ${shape.length}: expected as many`,
    );
  }
  for (let d = 0; d < a.length; d++) {
    if (d !== dim && b[d] > a[d]) {
      throw new RangeError(
        `${call}: index of shape ${show(index)} exceeds ${name}, ${show(shape)}, at axis ${d}`,
      );
    }
  }
}
