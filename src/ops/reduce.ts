/**
 * Reductions over axes.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { computeType, type DType, int64 } from "../backend/dtype.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { axes, sameShape } from "../tensor/shape.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import { type KernelTable, kernelTable } from "./elementwise.ts";
import { expand, reshape, unsqueeze } from "./view.ts";

const SUM = kernelTable("sum");

/** One axis, several, or (null) all. */
export type Dims = number | readonly number[] | null;

/** Options of reductions. */
export interface ReduceOptions {
  /** Axes to reduce; all by default. */
  dim?: Dims;
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
  /** The dtype that the result is computed in. */
  dtype?: DType | null;
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
  const moved = new Tensor(
    x.storage,
    [...kept, ...dims].map((d) => x.shape[d]),
    x.dtype,
    [...kept, ...dims].map((d) => x.strides[d]),
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

type ReduceKernel = (
  y: number,
  x: number,
  n: number,
  inner: number,
  begin: number,
  end: number,
) => void;

/** y = kernel(x) over `dims`, computed in `dtype`; no history. */
export function reduce(
  call: string,
  table: KernelTable,
  x: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  dtype: DType,
): Tensor {
  const compute = computeType(dtype), name = table[compute.id];
  if (name === undefined) throw new TypeError(`${call}: not defined for ${dtype}`);
  const { x: source, outer, n, inner } = grouped(x, dims, compute);
  const y = emptyOn(x.backend, reducedShape(x, dims, keepdim), compute);
  if (y.numElements > 0) {
    (x.backend.kernels[name] as unknown as ReduceKernel)(
      y.pointer,
      source.pointer,
      n,
      inner,
      0,
      outer,
    );
  }
  return compute === dtype ? y : convert(y, dtype);
}

/** The sum over axes `dim` (all by default). Integers and booleans give int64. */
export function sum(
  x: Tensor,
  ...args: Args<[dim: Dims, keepdim: boolean, dtype: DType | null], ReduceOptions>
): Tensor {
  const { dim, keepdim, dtype } = read("sum", {
    dim: null as Dims,
    keepdim: false,
    dtype: null as DType | null,
  }, args);
  const dims = axes("sum", dim, x.ndim);
  const type = dtype ?? (x.dtype.kind === "float" ? x.dtype : int64);
  const y = reduce("sum", SUM, x, dims, keepdim, type);
  return record("sum", y, [x], [
    (dy) => expand(restoreAxes(dy.to(x.dtype), dims, keepdim), x.shape),
  ]);
}

/** `x`, summed over the axes along which a tensor of `shape` was broadcast to its shape. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const skip = x.ndim - shape.length;
  const dims = x.shape.map((_, d) => d).filter((d) =>
    d < skip || (shape[d - skip] === 1 && x.shape[d] !== 1)
  );
  const y = dims.length === 0 ? x : sum(x, dims, true);
  return skip > 0 ? reshape(y, shape) : y;
}
