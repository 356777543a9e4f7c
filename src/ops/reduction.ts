/**
 * What reductions share: their parameters, how axes become [outer, n, inner], and the calls of their kernels.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { computeType, DType, int64 } from "../backend/dtype.ts";
import type { Backend } from "../backend/backend.ts";
import type { KernelName } from "../backend/kernels.ts";
import { type NarrowName, parameters } from "../backend/narrow_kernels.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { axes, axis, show } from "../tensor/shape.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import type { KernelTable } from "./elementwise.ts";
import { unsqueeze } from "./view.ts";

/** One axis, several, or (null) all. */
export type Dims = number | readonly number[] | null;

/** Options of reductions over any axes. */
export interface DimsOptions {
  /** Axes to reduce; all by default. */
  dim?: Dims;
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
}

/** Options of reductions over any axes that can be computed in another dtype. */
export interface ReduceOptions extends DimsOptions {
  /** The dtype that the input is converted to first. */
  dtype?: DType | null;
}

/** Options of reductions over one axis. */
export interface DimOptions {
  /** The axis to reduce. */
  dim?: number | null;
  /** Whether that axis stays, with size 1. */
  keepdim?: boolean;
}

/** Parameters of reductions over any axes. */
export type DimsArgs = Args<[dim: Dims, keepdim: boolean], DimsOptions>;
/** Parameters of reductions over any axes that can be computed in another dtype. */
export type ReduceArgs = Args<[dim: Dims, keepdim: boolean, dtype: DType | null], ReduceOptions>;
/** Parameters of reductions over one axis. */
export type DimArgs = Args<[dim: number | null, keepdim: boolean], DimOptions>;

/** Throws `TypeError` unless `value` is true or false. */
export function checkFlag(call: string, name: string, value: unknown): asserts value is boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(`${call}: ${name} must be true or false, got ${describeValue(value)}`);
  }
}

/** Throws `TypeError` unless `value` is a dtype or null. */
export function checkDType(call: string, value: unknown): asserts value is DType | null {
  if (value !== null && !(value instanceof DType)) {
    throw new TypeError(`${call}: dtype must be a dtype such as torch.float64, got ${value}`);
  }
}

/** Throws `TypeError` unless the elements of `x` are floating-point numbers. */
export function checkFloating(call: string, x: Tensor): void {
  if (x.dtype.kind !== "float") {
    throw new TypeError(`${call}: expected a floating-point tensor, got ${x.dtype}`);
  }
}

/** Throws `RangeError` if one of the axes `dims` of `x`, which have no identity to start from, has no elements. */
export function checkNotEmpty(call: string, x: Tensor, dims: readonly number[]): void {
  for (const d of dims) {
    if (x.shape[d] === 0) {
      throw new RangeError(
        `${call}: axis ${d} of a tensor of shape ${show(x.shape)} has no elements to choose from`,
      );
    }
  }
}

/** A reduction's parameters, checked. */
export interface Reduction {
  /** The axes, sorted. */
  dims: number[];
  /** Whether no axes were given: all are meant. */
  all: boolean;
  keepdim: boolean;
  dtype: DType | null;
}

/** The parameters of a reduction over any axes. */
export function readDims(call: string, x: Tensor, args: readonly unknown[]): Reduction {
  checkTensor(call, "input", x);
  const { dim, keepdim } = read(call, { dim: null as Dims, keepdim: false }, args);
  checkFlag(call, "keepdim", keepdim);
  return { dims: axes(call, dim, x.ndim), all: dim === null, keepdim, dtype: null };
}

/** The parameters of a reduction over any axes that can be computed in another dtype. */
export function readReduce(call: string, x: Tensor, args: readonly unknown[]): Reduction {
  checkTensor(call, "input", x);
  const { dim, keepdim, dtype } = read(call, {
    dim: null as Dims,
    keepdim: false,
    dtype: null as DType | null,
  }, args);
  checkFlag(call, "keepdim", keepdim);
  checkDType(call, dtype);
  return { dims: axes(call, dim, x.ndim), all: dim === null, keepdim, dtype };
}

/** The one axis of `dim` as a list: empty for a tensor without axes, all axes for null. */
export function oneAxis(call: string, x: Tensor, dim: number | null): number[] {
  if (dim === null) return axes(call, null, x.ndim);
  const d = axis(call, dim, x.ndim);
  return x.ndim === 0 ? [] : [d];
}

/** The dtype whose kernels reduce `dtype`: integers and booleans are reduced in 64 bits. */
export function reduceType(dtype: DType): DType {
  return dtype.kind === "float" ? computeType(dtype) : int64;
}

/**
 * The elements of `x` as [outer, n, inner], contiguous and of dtype `dtype`, where n runs over the axes `dims`; inner
 * is 1 unless those axes are neighbours.
 */
export function grouped(
  x: Tensor,
  dims: readonly number[],
  dtype: DType,
): { x: Tensor; outer: number; n: number; inner: number } {
  const n = dims.reduce((p, d) => p * x.shape[d], 1);
  const neighbours = dims.every((d, i) => i === 0 || d === dims[i - 1] + 1);
  if (neighbours) {
    const first = dims[0] ?? x.ndim, last = dims[dims.length - 1] ?? x.ndim - 1;
    return {
      x: denseAs(x, dtype),
      outer: sizeOf(x.shape.slice(0, first)),
      n,
      inner: sizeOf(x.shape.slice(last + 1)),
    };
  }
  const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const order = [...kept, ...dims];
  const moved = new Tensor(
    x.storage,
    order.map((d) => x.shape[d]),
    x.dtype,
    order.map((d) => x.strides[d]),
    x.offset,
  );
  return { x: denseAs(moved, dtype), outer: sizeOf(kept.map((d) => x.shape[d])), n, inner: 1 };
}

/** The shape of `x` reduced over `dims`. */
export function reducedShape(x: Tensor, dims: readonly number[], keepdim: boolean): number[] {
  return keepdim
    ? x.shape.map((n, d) => dims.includes(d) ? 1 : n)
    : x.shape.filter((_, d) => !dims.includes(d));
}

/** The gradient `dy` of a reduction of `x` over `dims`, with those axes put back at size 1. */
export function restoreAxes(dy: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  return keepdim ? dy : dims.reduce((g, d) => unsqueeze(g, d), dy);
}

/** The kernel of `table` for `dtype`. Throws `TypeError` when there is none. */
export function kernelFor(call: string, table: KernelTable, dtype: DType): KernelName | NarrowName {
  const name = table[dtype.id];
  if (name === undefined) throw new TypeError(`${call}: not defined for ${dtype}`);
  return name;
}

/**
 * The address of the scratch space that the kernels of sums take: 8 bytes for each of `count` sums, if they are over more
 * rows than are summed in float32.
 */
export function sumScratch(backend: Backend, n: number, inner: number, count: number): number {
  return n > 1024 && inner > 1 ? backend.scratch(8 * count) : 0;
}

/** A kernel of outputs, inputs, sizes and scalars, whatever their number. */
export type AnyKernel = (...values: number[]) => void;

/**
 * y = kernel(x) over `dims`; x is converted to `dtype`, and y has the dtype `result`. Between a kernel's sizes and the
 * range come `extra`. No history.
 */
export function reduce(
  call: string,
  table: KernelTable,
  x: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  dtype: DType,
  result: DType = dtype,
  extra: readonly number[] = [],
): Tensor {
  const name = kernelFor(call, table, dtype);
  // Of axes apart from each other, the last ones first: that takes no copy. (A partial nansum may be NaN, to be kept.)
  const gap = dims.findLastIndex((d, i) => i > 0 && d !== dims[i - 1] + 1);
  if (gap > 0 && extra.length === 0 && !name.startsWith("nansum")) {
    const partial = reduce(call, table, x, dims.slice(gap), true, dtype, result);
    const y = reduce(call, table, partial, dims.slice(0, gap), true, result);
    return new Tensor(y.storage, reducedShape(x, dims, keepdim), y.dtype);
  }
  const { x: source, n, inner } = grouped(x, dims, dtype);
  const y = emptyOn(x.backend, reducedShape(x, dims, keepdim), result);
  const count = y.numElements;
  if (count > 0) {
    const kernel = x.backend.kernels[name] as unknown as AnyKernel;
    if (parameters[name][4] === "scratch scratch") {
      const scratch = sumScratch(x.backend, n, inner, count);
      kernel(y.pointer, source.pointer, n, inner, scratch, 0, count);
    } else kernel(y.pointer, source.pointer, n, inner, ...extra, 0, count);
  }
  return y;
}

/** Values and their places (int64) over `dims`, in the dtype of `x`; `extra` as in `reduce`. No history. */
export function reduceIndexed(
  call: string,
  table: KernelTable,
  x: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  extra: (n: number, slices: number) => readonly number[] = () => [],
): [values: Tensor, indices: Tensor] {
  const dtype = reduceType(x.dtype), name = kernelFor(call, table, dtype);
  const { x: source, n, inner } = grouped(x, dims, dtype);
  const shape = reducedShape(x, dims, keepdim);
  const values = emptyOn(x.backend, shape, dtype), indices = emptyOn(x.backend, shape, int64);
  const count = values.numElements;
  if (count > 0) {
    const kernel = x.backend.kernels[name] as unknown as AnyKernel, more = extra(n, count);
    kernel(values.pointer, indices.pointer, source.pointer, n, inner, ...more, 0, count);
  }
  return [convertTo(values, x.dtype), indices];
}

/** A contiguous `x` without history in `dtype`; `x` itself if it has it. */
export function convertTo(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : convert(x, dtype);
}
