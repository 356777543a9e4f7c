/**
 * Elements in another order, or several times.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { record } from "../autograd/record.ts";
import { int32, int64 } from "../backend/dtype.ts";
import {
  type Args,
  checkTensor,
  read,
  readSizes,
  type Sizes,
  wholeNumber,
  wholeNumbers,
} from "../tensor/arguments.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { axis, checkDevice, checkShape, show, splitAt } from "../tensor/shape.ts";
import { contiguousStrides, Tensor } from "../tensor/tensor.ts";
import { item as element } from "./access.ts";
import { clone, copyInto, denseAs } from "./copy.ts";
import { takeAt } from "./offsets.ts";
import { sum } from "./reduce.ts";
import { checkAxes, flatten } from "./reshape.ts";
import { placed } from "./strided.ts";
import { alias, expand, reshape, transpose } from "./view.ts";

/** Throws `RangeError` when an axis appears twice in `dims`. */
function checkDistinct(call: string, dims: readonly number[]): void {
  if (new Set(dims).size !== dims.length) {
    throw new RangeError(`${call}: an axis appears twice in ${show(dims)}`);
  }
}

/** A copy of `x` with the order along axes `dims` reversed. */
export function flip(x: Tensor, ...dims: Sizes<"dims">): Tensor {
  checkTensor("flip", "input", x);
  const list = readSizes("flip", "dims", dims).map((d) => axis("flip", d, x.ndim));
  checkDistinct("flip", list);
  const y = emptyOn(x.backend, x.shape, x.dtype), strides = [...x.strides];
  let { offset } = x;
  for (const d of list.filter((d) => d < x.ndim)) {
    offset += (x.shape[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  copyInto(y, placed(x, { shape: x.shape, strides, offset }));
  return record("flip", y, [x], [(dy) => flip(dy, list)]);
}

/** A copy of `x` with the order of columns reversed; of at least two axes. */
export function fliplr(x: Tensor): Tensor {
  checkTensor("fliplr", "input", x);
  checkAxes("fliplr", x, 2);
  return flip(x, 1);
}

/** A copy of `x` with the order of rows reversed; of at least one axis. */
export function flipud(x: Tensor): Tensor {
  checkTensor("flipud", "input", x);
  checkAxes("flipud", x, 1);
  return flip(x, 0);
}

/** One number, or several. */
export type Several = number | readonly number[];

/**
 * A copy of `x` moved by `shifts` along axes `dims`, what leaves one end coming in at the other; without `dims`, along
 * the flattened tensor.
 *
 * @throws RangeError when there are not as many shifts as axes.
 */
export function roll(
  x: Tensor,
  ...args: Args<
    [shifts: Several, dims: Several | null],
    { shifts?: Several; dims?: Several | null }
  >
): Tensor {
  checkTensor("roll", "input", x);
  const o = read("roll", { shifts: NaN as Several, dims: null as Several | null }, args);
  const shifts = wholeNumbers("roll", "shifts", o.shifts);
  const given = o.dims === null ? [] : wholeNumbers("roll", "dims", o.dims);
  if (given.length === 0 && shifts.length === 1) {
    return reshape(roll(flatten(x), shifts[0], 0), x.shape);
  }
  if (shifts.length !== given.length || shifts.length === 0) {
    throw new RangeError(
      `roll: as many shifts as dims are expected, got ${show(shifts)} and ${show(given)}`,
    );
  }
  const dims = given.map((d) => axis("roll", d, x.ndim));
  let y = x;
  dims.forEach((d, i) => y = rolled(y, shifts[i], d));
  if (y === x) y = clone(alias(x));
  return record("roll", y, [x], [(dy) => roll(dy, shifts.map((n) => -n), dims)]);
}

/** A copy of `x` moved by `shift` along axis `d`; no history. */
function rolled(x: Tensor, shift: number, d: number): Tensor {
  const y = emptyOn(x.backend, x.shape, x.dtype), n = x.shape[d] ?? 1;
  if (y.numElements === 0) return y;
  const by = ((shift % n) + n) % n;
  const move = (from: number, to: number, count: number) => {
    const shape = [...x.shape];
    if (x.ndim > 0) shape[d] = count;
    const part = (t: Tensor, start: number) =>
      placed(t, {
        shape,
        strides: t.strides,
        offset: t.offset + (x.ndim > 0 ? start * t.strides[d] : 0),
      });
    copyInto(part(y, to), part(x, from));
  };
  if (by > 0) move(n - by, 0, by);
  move(0, by, n - by);
  return y;
}

/** `x` turned by 90 degrees `k` times, in the plane of two axes, from the first towards the second. */
export function rot90(
  x: Tensor,
  ...args: Args<[k: number, dims: readonly number[]], { k?: number; dims?: readonly number[] }>
): Tensor {
  checkTensor("rot90", "input", x);
  const { k, dims } = read("rot90", { k: 1, dims: [0, 1] as readonly number[] }, args);
  wholeNumber("rot90", "k", k);
  if (wholeNumbers("rot90", "dims", dims).length !== 2 || !Array.isArray(dims)) {
    throw new RangeError(`rot90: expected two dims, got ${describeValue(dims)}`);
  }
  checkAxes("rot90", x, 2);
  const [a, b] = dims.map((d) => axis("rot90", d, x.ndim));
  checkDistinct("rot90", [a, b]);
  switch (((k % 4) + 4) % 4) {
    case 1:
      return transpose(flip(x, b), a, b);
    case 2:
      return flip(x, a, b);
    case 3:
      return transpose(flip(x, a), a, b);
    default:
      return clone(x);
  }
}

/**
 * `x` so many times along each axis; more numbers than axes put new axes in front.
 *
 * @throws RangeError when there are fewer numbers than axes.
 */
export function repeat(x: Tensor, ...repeats: Sizes<"repeats">): Tensor {
  checkTensor("repeat", "input", x);
  return repeated("repeat", x, readSizes("repeat", "repeats", repeats));
}

/** `x` so many times along each of the last axes. */
export function tile(x: Tensor, ...dims: Sizes<"dims">): Tensor {
  checkTensor("tile", "input", x);
  const times = readSizes("tile", "dims", dims);
  while (times.length < x.ndim) times.unshift(1);
  return repeated("tile", x, times);
}

function repeated(call: string, x: Tensor, times: readonly number[]): Tensor {
  const skip = times.length - x.ndim;
  if (skip < 0) {
    throw new RangeError(
      `${call}: expected at least ${x.ndim} numbers for shape ${show(x.shape)}, got ${show(times)}`,
    );
  }
  const sizes = [...new Array<number>(skip).fill(1), ...x.shape];
  const shape = times.map((n, d) => n * sizes[d]);
  checkShape(call, [...times, ...shape]);
  const y = emptyOn(x.backend, shape, x.dtype);
  // Each axis as two, the copies before the elements: [r0, n0, r1, n1, ...].
  const paired = sizes.flatMap((n, d) => [times[d], n]);
  const own = contiguousStrides(paired);
  const strides = sizes.flatMap((_, d) => [0, d < skip ? 0 : x.strides[d - skip]]);
  copyInto(
    placed(y, { shape: paired, strides: own, offset: 0 }),
    placed(x, { shape: paired, strides, offset: x.offset }),
  );
  const from = x.shape;
  return record("repeat", y, [x], [
    (dy) => reshape(sum(reshape(dy, paired), { dim: times.map((_, d) => 2 * d) }), from),
  ]);
}

/** Options of `repeatInterleave`. */
export interface RepeatInterleaveOptions {
  /** How often each element, one number for all or a tensor of them. */
  repeats?: number | Tensor;
  /** The axis; without it, of the flattened tensor. */
  dim?: number | null;
  /** The sum of the repeats, if it is known. */
  outputSize?: number | null;
}

/**
 * Each element along an axis so many times in a row: [a, b] -> [a, a, b, b]. Given `repeats` alone, the indexes 0, 1,
 * ... so many times each.
 *
 * @throws RangeError when `repeats` are negative, or not as many as the axis is long.
 * @see https://pytorch.org/docs/stable/generated/torch.repeat_interleave.html
 */
export function repeatInterleave(
  x: Tensor,
  ...args: Args<
    [repeats: number | Tensor, dim: number | null, outputSize: number | null],
    RepeatInterleaveOptions
  >
): Tensor {
  checkTensor("repeatInterleave", "input", x);
  const call = "repeatInterleave";
  const { repeats, dim, outputSize } = read(call, {
    repeats: null as number | Tensor | null,
    dim: null as number | null,
    outputSize: null as number | null,
  }, args);
  if (repeats === null) return indexesOf(call, x, outputSize);
  if (dim !== null && x.ndim === 0) {
    throw new RangeError(`${call}: a 0-d tensor has no axis ${dim}`);
  }
  if (repeats instanceof Tensor) checkDevice(call, x, repeats);
  const source = dim === null ? flatten(x) : x;
  const d = dim === null ? 0 : axis(call, dim, x.ndim),
    [outer, n, inner] = splitAt(source.shape, d);
  const shape = (count: number) => source.shape.map((size, k) => k === d ? count : size);
  if (typeof repeats === "number" || repeats.numElements === 1) {
    if (repeats instanceof Tensor) checkCounts(call, repeats);
    const times = wholeNumber(
      call,
      "repeats",
      typeof repeats === "number" ? repeats : element(repeats),
    );
    if (times < 0) throw new RangeError(`${call}: repeats must be from 0, got ${times}`);
    checkOutputSize(call, n * times, outputSize);
    const each = expand(reshape(source, [outer, n, 1, inner]), [outer, n, times, inner]);
    const result = reshape(each, shape(n * times));
    return result.storage === x.storage ? clone(result) : result;
  }
  checkTensor(call, "repeats", repeats);
  if (repeats.ndim > 1 || repeats.numElements !== n) {
    throw new RangeError(
      `${call}: repeats of shape ${show(repeats.shape)} do not fit axis ${d} of size ${n}`,
    );
  }
  const index = denseAs(indexesOf(call, repeats, outputSize), int64);
  return takeAt(call, source, source.shape.map((_, k) => k === d ? index : null).slice(0, d + 1));
}

function checkCounts(call: string, repeats: Tensor): void {
  if (repeats.dtype !== int64 && repeats.dtype !== int32) {
    throw new TypeError(`${call}: repeats must be int64 or int32, got ${repeats.dtype}`);
  }
}

function checkOutputSize(call: string, total: number, outputSize: number | null): void {
  if (outputSize !== null && outputSize !== total) {
    throw new RangeError(
      `${call}: outputSize is ${outputSize}, but the repeats add up to ${total}`,
    );
  }
}

/** Each of the indexes of `repeats`, so many times; of its dtype. */
function indexesOf(call: string, repeats: Tensor, outputSize: number | null): Tensor {
  checkCounts(call, repeats);
  if (repeats.ndim > 1) {
    throw new RangeError(`${call}: repeats must be 0-d or 1-d, got shape ${show(repeats.shape)}`);
  }
  const { backend } = repeats, n = repeats.numElements, counts = denseAs(repeats, int64);
  const total = emptyOn(backend, [1], int64);
  backend.kernels.repeat_count(total.pointer, counts.pointer, n);
  const length = Number(backend.readElement(total.storage, 0, int64));
  if (length < 0) throw new RangeError(`${call}: repeats must be from 0, some are negative`);
  checkOutputSize(call, length, outputSize);
  const y = emptyOn(backend, [length], int64);
  backend.kernels.repeat_indexes(y.pointer, counts.pointer, n);
  return repeats.dtype === int64 ? y : convert(y, repeats.dtype);
}
