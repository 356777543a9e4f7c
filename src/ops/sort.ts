/**
 * Sorting, and the elements of given rank.
 *
 * @module
 */
import { recordAll } from "../autograd/record.ts";
import { computeType, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { convert, emptyOn, fillWith } from "../tensor/create.ts";
import { namedTuple, type ValuesAndIndices } from "../tensor/named_tuple.ts";
import { axis, splitAt } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { copyOf } from "./indexed.ts";
import { gatherGrad } from "./checked_index.ts";
import { denseAs } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { unsqueeze } from "./view.ts";

const SORT = kernelTable("sort"), TOPK = kernelTable("topk"), KTHVALUE = kernelTable("kthvalue");

/** Slices that a device sorts at once take about this many bytes at most, unless a single one does. */
const AT_ONCE = 2 ** 28;

/** Bytes to sort `slices` slices of n elements of `size` bytes at once (cuda/sort.cuh), with `extra` more an element. */
export function roomToSort(n: number, slices: number, size: number, extra = 0): number {
  const each = (5 * n + 1024) * Math.max(size, 4) + extra * n;
  return each * Math.min(slices, Math.max(1, Math.floor(AT_ONCE / each)));
}

/** Scratch space for sorting `slices` slices of n elements of `x`: one after the other (assembly/sort.ts), or at once. */
export function scratchFor(x: Tensor, n: number, slices: number): number {
  const { size } = x.dtype;
  return x.backend.scratch((4 * n + 1024) * Math.max(size, 4), roomToSort(n, slices, size));
}

/** Values and indices, with the gradient of the values going back to where they came from. */
function selected(op: string, x: Tensor, dim: number, values: Tensor, indices: Tensor) {
  const { shape } = x, kept = values.ndim === x.ndim;
  const [v, i] = recordAll(op, [values, indices] as const, [x], ([dv]) => {
    if (dv === null) return [null];
    return [
      kept ? gatherGrad(dv, shape, dim, indices) : gatherGrad(
        unsqueeze(dv, dim),
        shape,
        dim,
        new Tensor(indices.storage, [...shape.slice(0, dim), 1, ...shape.slice(dim + 1)], int64),
      ),
    ];
  }, [indices]);
  return namedTuple(["values", "indices"], [v, i]);
}

/** Options of `sort`. */
export interface SortOptions {
  /** The axis; the last by default. */
  dim?: number;
  /** Whether the greatest comes first. */
  descending?: boolean;
  /** Whether equal elements stay in the order in which they were. */
  stable?: boolean | null;
}

/** The arguments of `sort` after the tensor. */
export type SortArgs = Args<
  [dim: number, descending: boolean, stable: boolean | null],
  SortOptions
>;

/**
 * The elements of `x` in ascending (or descending) order along an axis, and the indexes they had; NaN is the greatest.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sort.html
 */
export function sort(x: Tensor, ...args: SortArgs): ValuesAndIndices {
  checkTensor("sort", "input", x);
  const { dim, descending, stable } = read("sort", {
    dim: -1,
    descending: false,
    stable: null as boolean | null,
  }, args);
  const d = axis("sort", dim, x.ndim), [outer, n, inner] = splitAt(x.shape, d);
  const source = denseAs(x, computeType(x.dtype)), { backend } = x;
  const values = emptyOn(backend, x.shape, source.dtype);
  const indices = emptyOn(backend, x.shape, int64);
  if (x.numElements > 0) {
    (backend.kernels[SORT[source.dtype.id]!] as typeof backend.kernels.sort)(
      values.pointer,
      indices.pointer,
      source.pointer,
      n,
      inner,
      descending ? 1 : 0,
      stable ? 1 : 0,
      scratchFor(source, n, outer * inner),
      0,
      outer * inner,
    );
  }
  return selected("sort", x, d, inTypeOf(values, x), indices);
}

/** `values`, computed in a wider type, in that of `x`. */
function inTypeOf(values: Tensor, x: Tensor): Tensor {
  return values.dtype === x.dtype ? values : convert(values, x.dtype);
}

/** The indexes that sort `x` along an axis: the second result of `sort`. */
export function argsort(x: Tensor, ...args: SortArgs): Tensor {
  checkTensor("argsort", "input", x);
  const options = read("argsort", {
    dim: -1,
    descending: false,
    stable: null as boolean | null,
  }, args);
  return sort(x, options).indices;
}

/** The elements of `x` in ascending order along the first axis. */
export function msort(x: Tensor): Tensor {
  checkTensor("msort", "input", x);
  return sort(x, 0).values;
}

/** Options of `topk`. */
export interface TopkOptions {
  /** How many. */
  k?: number;
  /** The axis; the last by default. */
  dim?: number | null;
  /** The greatest (the default), or the smallest. */
  largest?: boolean;
  /** Whether they come in order. */
  sorted?: boolean;
}

/**
 * The k greatest (or smallest) elements along an axis, and their indexes. x: [..., n, ...] -> [..., k, ...]. NaN is the
 * greatest.
 *
 * @throws RangeError when k is not in 0 .. n.
 * @see https://pytorch.org/docs/stable/generated/torch.topk.html
 */
export function topk(
  x: Tensor,
  ...args: Args<[k: number, dim: number | null, largest: boolean, sorted: boolean], TopkOptions>
): ValuesAndIndices {
  checkTensor("topk", "input", x);
  const { k, dim, largest, sorted } = read("topk", {
    k: NaN,
    dim: -1 as number | null,
    largest: true,
    sorted: true,
  }, args);
  const d = axis("topk", dim ?? -1, x.ndim), [outer, n, inner] = splitAt(x.shape, d);
  wholeNumber("topk", "k", k);
  if (k < 0 || k > n) {
    throw new RangeError(`topk: k ${k} is out of range: expected 0 to ${n}, the size of axis ${d}`);
  }
  const source = denseAs(x, computeType(x.dtype)), { backend } = x;
  if (x.ndim === 0) {
    return selected("topk", x, d, copyOf(x), fillWith(emptyOn(backend, [], int64), 0));
  }
  const shape = x.shape.map((m, i) => i === d ? k : m);
  const values = emptyOn(backend, shape, source.dtype), indices = emptyOn(backend, shape, int64);
  if (values.numElements > 0) {
    (backend.kernels[TOPK[source.dtype.id]!] as typeof backend.kernels.topk)(
      values.pointer,
      indices.pointer,
      source.pointer,
      n,
      k,
      inner,
      largest ? 1 : 0,
      sorted ? 1 : 0,
      scratchFor(source, n, outer * inner),
      0,
      outer * inner,
    );
  }
  return selected("topk", x, d, inTypeOf(values, x), indices);
}

/** Options of `kthvalue`. */
export interface KthvalueOptions {
  /** The rank, from 1. */
  k?: number;
  /** The axis; the last by default. */
  dim?: number;
  /** Whether the axis stays, with size 1. */
  keepdim?: boolean;
}

/**
 * The k-th smallest element along an axis, k from 1, and its index. NaN is the greatest.
 *
 * @throws RangeError when k is not in 1 .. n.
 */
export function kthvalue(
  x: Tensor,
  ...args: Args<[k: number, dim: number, keepdim: boolean], KthvalueOptions>
): ValuesAndIndices {
  checkTensor("kthvalue", "input", x);
  const { k, dim, keepdim } = read("kthvalue", { k: NaN, dim: -1, keepdim: false }, args);
  const d = axis("kthvalue", dim, x.ndim), [outer, n, inner] = splitAt(x.shape, d);
  wholeNumber("kthvalue", "k", k);
  if (k < 1 || k > n) {
    throw new RangeError(
      `kthvalue: k ${k} is out of range: expected 1 to ${n}, the size of axis ${d}`,
    );
  }
  const source = denseAs(x, computeType(x.dtype)), { backend } = x;
  const shape = keepdim
    ? x.shape.map((m, i) => i === d ? 1 : m)
    : x.shape.filter((_, i) => i !== d);
  const values = emptyOn(backend, shape, source.dtype), indices = emptyOn(backend, shape, int64);
  if (values.numElements > 0) {
    (backend.kernels[KTHVALUE[source.dtype.id]!] as typeof backend.kernels.kthvalue)(
      values.pointer,
      indices.pointer,
      source.pointer,
      n,
      k,
      inner,
      scratchFor(source, n, outer * inner),
      0,
      outer * inner,
    );
  }
  return selected("kthvalue", x, d, inTypeOf(values, x), indices);
}
