/**
 * Elements at places given by index tensors: reading them, writing them, adding to them.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { bool, computeType, type DType, int32, int64 } from "../backend/dtype.ts";
import { convert, emptyOn, fillWith } from "../tensor/create.ts";
import { broadcast, broadcastsTo, checkDevice, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { checkRange } from "./check.ts";
import { collapse, copyInto, dense, denseAs } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { roomForWrites } from "./indexed.ts";

/** One index for each axis: int64, contiguous, all of one shape, or null for the whole axis. */
export type Indexes = readonly (Tensor | null)[];

/** Where the elements lie that some indexes name: int64 offsets of runs of `inner` elements, for each of `outer` blocks. */
interface Places {
  /** The shape of what is read or written. */
  shape: readonly number[];
  offsets: Tensor;
  outer: number;
  /** Elements from one block to the next. */
  stride: number;
  inner: number;
}

const ADD = kernelTable("add_offsets");

/**
 * Index tensors, broadcast against each other, as `Indexes`.
 *
 * @throws RangeError when they do not broadcast.
 */
export function broadcastIndexes(call: string, indexes: Indexes): Indexes {
  const given = indexes.filter((i) => i !== null);
  if (given.length === 0) return indexes;
  const shape = broadcast(`${call}: index tensors`, ...given.map((i) => i.shape));
  return indexes.map((index) => {
    if (index === null) return null;
    const ids = denseAs(index, int64);
    if (index.ndim === shape.length && index.numElements === sizeOf(shape)) return ids;
    const y = emptyOn(index.backend, shape, int64);
    copyInto(y, ids);
    return y;
  });
}

/**
 * The places in `x` that `indexes` name. Their shape stands where the indexed axes were if those are neighbours, else
 * first. `names` are the axes as messages call them.
 *
 * @throws RangeError for an index out of range.
 */
function placesOf(call: string, x: Tensor, indexes: Indexes, names?: readonly number[]): Places {
  const { backend } = x;
  for (const index of indexes) if (index !== null) checkDevice(call, x, index);
  const axes = indexes.flatMap((index, d) => index === null ? [] : [d]);
  const first = axes[0], last = axes[axes.length - 1];
  const together = last - first === axes.length - 1;
  const free = x.shape.map((_, d) => d).filter((d) => indexes[d] === null || d >= indexes.length);
  const before = free.filter((d) => together && d < first);
  const after = free.filter((d) => !together || d > first);
  const block = indexes[first]!.shape, count = sizeOf(block);
  const sizes = (dims: number[]) => dims.map((d) => x.shape[d]);
  const steps = (dims: number[]) => dims.map((d) => x.strides[d]);

  // The innermost axes that lie in one run.
  let inner = 1;
  while (after.length > 0) {
    const d = after[after.length - 1];
    if (x.shape[d] !== 1 && x.strides[d] !== inner) break;
    inner *= x.shape[d];
    after.pop();
  }
  // The outermost, if they step as one; else each is worked into the offsets.
  const lead = collapse(sizes(before), steps(before));
  const regular = lead.shape.length === 1;
  const outer = regular ? lead.shape[0] : 1, stride = regular ? lead.strides[0][0] : 0;
  const leading = regular ? 1 : sizeOf(lead.shape), trailing = sizeOf(sizes(after));
  const n = leading * count * trailing;
  const shape = [
    ...sizes(before),
    ...block,
    ...sizes(free.filter((d) => !before.includes(d))),
  ];
  const none = count > 0 ? axes.find((d) => x.shape[d] === 0) : undefined;
  if (none !== undefined) {
    throw new RangeError(`${call}: an index is given for axis ${names?.[none] ?? none} of size 0`);
  }
  const offsets = fillWith(emptyOn(backend, [n], int64), 0);
  if (n > 0) {
    const walk = (sizes: number[], strides: number[], inner: number) => {
      for (let d = sizes.length - 1; d >= 0; d--) {
        backend.kernels.axis_offsets(offsets.pointer, inner, sizes[d], strides[d], 0, n);
        inner *= sizes[d];
      }
    };
    walk(sizes(after), steps(after), 1);
    if (!regular) walk(lead.shape, lead.strides[0], count * trailing);
    for (const d of axes) {
      const index = indexes[d]!, size = x.shape[d];
      checkRange(
        index,
        { low: -size, high: size, count },
        (element) =>
          `${call}: index ${element} is out of range for axis ${names?.[d] ?? d} of size ${size}`,
      );
      backend.kernels.index_offsets(
        offsets.pointer,
        index.pointer,
        trailing,
        count,
        size,
        x.strides[d],
        0,
        n,
      );
    }
  }
  return { shape, offsets, outer, stride, inner };
}

/**
 * The elements of `x` that `indexes` name. `saved` are the tensors that the indexes share their memory with, `names` the
 * axes as messages call them.
 */
export function takeAt(
  call: string,
  x: Tensor,
  indexes: Indexes,
  saved: Tensor[] = [],
  names?: readonly number[],
): Tensor {
  const { shape, offsets, outer, stride, inner } = placesOf(call, x, indexes, names);
  const y = emptyOn(x.backend, shape, x.dtype), from = x.shape, n = offsets.numElements;
  if (y.numElements > 0) {
    const kernel = x.backend.kernels[`take_offsets_b${x.dtype.size as 1 | 2 | 4 | 8}`];
    kernel(y.pointer, x.pointer, offsets.pointer, n, inner, stride, 0, outer * n);
  }
  return record("index", y, [x], [(dy) => addAt(call, from, indexes, dy)], saved);
}

/** Zeros of `shape` with `x` summed into the places that `indexes` name: the gradient of `takeAt`. */
export function addAt(
  call: string,
  shape: readonly number[],
  indexes: Indexes,
  x: Tensor,
): Tensor {
  const y = fillWith(emptyOn(x.backend, shape, x.dtype), 0);
  writeAt(call, y, indexes, x, true);
  return record("index_backward", y, [x], [(dy) => takeAt(call, dy, indexes)]);
}

/**
 * Writes `value`, of the dtype of `x` and broadcast, to the places in `x` that `indexes` name, or adds it there. No
 * history. Nothing is written when an index is out of range.
 *
 * @throws RangeError when the shape of `value` does not broadcast to that of the places.
 */
export function writeAt(
  call: string,
  x: Tensor,
  indexes: Indexes,
  value: Tensor,
  accumulate: boolean,
  names?: readonly number[],
): void {
  const { shape, offsets, outer, stride, inner } = placesOf(call, x, indexes, names);
  const n = offsets.numElements, { backend, dtype } = x;
  checkDevice(call, x, value);
  checkValue(call, value.shape, shape);
  if (sizeOf(shape) === 0) return;
  let source: Tensor;
  if (value.numElements === sizeOf(shape)) source = dense(value);
  else {
    source = emptyOn(backend, shape, dtype);
    copyInto(source, value);
  }
  roomForWrites(backend, n, source.numElements);
  if (!accumulate) {
    const kernel = backend.kernels[`put_offsets_b${dtype.size as 1 | 2 | 4 | 8}`];
    kernel(x.pointer, source.pointer, offsets.pointer, n, inner, stride, 0, outer);
    return;
  }
  const compute: DType = dtype === bool ? int32 : computeType(dtype);
  if (compute !== dtype) {
    const wide = denseAs(x, compute);
    writeAt(call, wide, indexes, denseAs(source, compute), true);
    copyInto(x, convert(wide, dtype));
    return;
  }
  const name = ADD[dtype.id];
  if (name === undefined) throw new TypeError(`${call}: not defined for ${dtype}`);
  backend.kernels[name as "add_offsets"](
    x.pointer,
    source.pointer,
    offsets.pointer,
    n,
    inner,
    stride,
    0,
    outer,
  );
}

/** Throws `RangeError` unless a value of shape `value` can be written to places of shape `shape`. */
export function checkValue(call: string, value: readonly number[], shape: readonly number[]): void {
  if (broadcastsTo(value, shape)) return;
  throw new RangeError(
    `${call}: a value of shape ${show(value)} does not broadcast to ${
      show(shape)
    }, the shape of what is indexed`,
  );
}

/** The number of elements of a mask that are set. */
function countOf(mask: Tensor): number {
  const count = emptyOn(mask.backend, [1], int64);
  mask.backend.kernels.mask_count(count.pointer, mask.pointer, mask.numElements);
  return Number(mask.backend.readElement(count.storage, 0, int64));
}

/**
 * The coordinates of the elements of `mask` (bool or uint8) that are set, one int64 tensor [count] for each of the
 * axes `shape`, by default its own.
 */
export function coordinates(mask: Tensor, shape: readonly number[] = mask.shape): Tensor[] {
  const source = dense(mask), n = mask.numElements, count = countOf(source);
  let inner = sizeOf(shape);
  return shape.map((size) => {
    const y = emptyOn(mask.backend, [count], int64);
    inner = size === 0 ? 1 : inner / size;
    if (n > 0) mask.backend.kernels.mask_coordinate(y.pointer, source.pointer, n, inner, size);
    return y;
  });
}

/** Throws `RangeError` unless `mask` has the sizes of the axes of `x` from `dim` on. */
export function checkMask(call: string, x: Tensor, dim: number, mask: Tensor): void {
  mask.shape.forEach((size, d) => {
    if (size !== x.shape[dim + d]) {
      throw new RangeError(
        `${call}: a mask of shape ${show(mask.shape)} does not fit the tensor's shape ${
          show(x.shape)
        }: sizes ${size} and ${x.shape[dim + d]} differ at axis ${dim + d}`,
      );
    }
  });
}
