/**
 * Diagonals and triangles of matrices.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { bool } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyLike, emptyOn, fillWith } from "../tensor/create.ts";
import { axis, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { clone, copyInto, dense } from "./copy.ts";
import { written } from "./cut.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";
import { sum } from "./reduce.ts";
import { checkAxes, flatten } from "./reshape.ts";
import { embed, viewOf } from "./view.ts";

/** Options of `diagonal` and its like. */
export interface DiagonalOptions {
  /** Which diagonal: 0 the main one, above it from 1, below it from -1. */
  offset?: number;
  /** The axis of the rows. */
  dim1?: number;
  /** The axis of the columns. */
  dim2?: number;
}

/** The parameters of `diagonal` and its like. */
export type DiagonalArgs = Args<[offset: number, dim1: number, dim2: number], DiagonalOptions>;

/** The two axes, checked to differ. */
function plane(call: string, ndim: number, dim1: number, dim2: number): [number, number] {
  const a = axis(call, dim1, ndim), b = axis(call, dim2, ndim);
  if (a === b) {
    throw new RangeError(`${call}: dim1 and dim2 are the same axis, ${dim1} and ${dim2}`);
  }
  return [a, b];
}

/**
 * A diagonal of the matrices that two axes span, as a view with the diagonal as last axis: [..., m, n] -> [..., k].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.diagonal.html
 */
export function diagonal(x: Tensor, ...args: DiagonalArgs): Tensor {
  checkTensor("diagonal", "input", x);
  const { offset, dim1, dim2 } = read("diagonal", { offset: 0, dim1: 0, dim2: 1 }, args);
  wholeNumber("diagonal", "offset", offset);
  const [a, b] = plane("diagonal", x.ndim, dim1, dim2), from = x.shape;
  const length = Math.max(
    Math.min(from[a] - Math.max(-offset, 0), from[b] - Math.max(offset, 0)),
    0,
  );
  const start = length === 0 ? 0 : offset >= 0 ? offset * x.strides[b] : -offset * x.strides[a];
  const others = from.map((_, d) => d).filter((d) => d !== a && d !== b);
  return viewOf(
    "diagonal",
    x,
    [...others.map((d) => from[d]), length],
    [...others.map((d) => x.strides[d]), x.strides[a] + x.strides[b]],
    x.offset + start,
    (dy) => embed(dy, from, (dx) => diagonal(dx, offset, a, b)),
  );
}

/** Matrices with the last axis of `x` on a diagonal and zeros elsewhere: [..., k] -> [..., n, n]. */
export function diagEmbed(x: Tensor, ...args: DiagonalArgs): Tensor {
  checkTensor("diagEmbed", "input", x);
  const { offset, dim1, dim2 } = read("diagEmbed", { offset: 0, dim1: -2, dim2: -1 }, args);
  wholeNumber("diagEmbed", "offset", offset);
  checkAxes("diagEmbed", x, 1);
  const [a, b] = plane("diagEmbed", x.ndim + 1, dim1, dim2);
  const n = x.shape[x.ndim - 1] + Math.abs(offset), shape = x.shape.slice(0, -1);
  for (const d of a < b ? [a, b] : [b, a]) shape.splice(d, 0, n);
  const y = fillWith(emptyOn(x.backend, shape, x.dtype), 0);
  copyInto(diagonal(y, offset, a, b), x);
  return record("diag_embed", y, [x], [(dy) => diagonal(dy, offset, a, b)]);
}

/** A matrix with the 1-d tensor `x` on a diagonal: [k] -> [n, n]; or a diagonal of a matrix, copied: [m, n] -> [k]. */
export function diag(
  x: Tensor,
  ...args: Args<[diagonal: number], { diagonal?: number }>
): Tensor {
  checkTensor("diag", "input", x);
  const { diagonal: offset } = read("diag", { diagonal: 0 }, args);
  if (x.ndim === 1) return diagEmbed(x, offset);
  if (x.ndim === 2) return clone(diagonal(x, offset));
  throw new RangeError(`diag: expected one or two axes, got shape ${show(x.shape)}`);
}

/** A matrix with the elements of `x` on a diagonal. */
export function diagflat(
  x: Tensor,
  ...args: Args<[offset: number], { offset?: number }>
): Tensor {
  checkTensor("diagflat", "input", x);
  const { offset } = read("diagflat", { offset: 0 }, args);
  return diagEmbed(flatten(x), offset);
}

/** A copy of `x` with `src` written to a diagonal. */
export function diagonalScatter(x: Tensor, src: Tensor, ...args: DiagonalArgs): Tensor {
  checkTensor("diagonalScatter", "input", x);
  const o = read("diagonalScatter", { offset: 0, dim1: 0, dim2: 1 }, args);
  return written("diagonalScatter", x, src, (y) => diagonal(y, o));
}

/** The sum of the main diagonal of a matrix: [m, n] -> []. */
export function trace(x: Tensor): Tensor {
  checkTensor("trace", "input", x);
  if (x.ndim !== 2) throw new RangeError(`trace: expected a matrix, got shape ${show(x.shape)}`);
  if (x.dtype === bool) throw new TypeError("trace: not defined for torch.bool");
  return sum(diagonal(x));
}

/** The triangle of each matrix on one side of a diagonal, zeros elsewhere; no history. */
function triangle(call: string, x: Tensor, diagonal: number, lower: boolean): Tensor {
  checkAxes(call, x, 2);
  wholeNumber(call, "diagonal", diagonal);
  const y = emptyLike(x), source = dense(x);
  const [rows, columns] = x.shape.slice(-2);
  if (y.numElements > 0) {
    x.backend.kernels[`triangle_b${x.dtype.size as 1 | 2 | 4 | 8}`](
      y.pointer,
      source.pointer,
      rows,
      columns,
      Math.min(Math.max(diagonal, -rows), columns),
      lower ? 1 : 0,
      0,
      y.numElements / columns,
    );
  }
  return y;
}

/** The parameters of `tril` and `triu`. */
export type TriangleArgs = Args<[diagonal: number], { diagonal?: number }>;

/** The lower triangles: elements on and below `diagonal`, zeros above. [..., m, n] -> the same shape. */
export function tril(x: Tensor, ...args: TriangleArgs): Tensor {
  checkTensor("tril", "input", x);
  const { diagonal } = read("tril", { diagonal: 0 }, args);
  return record("tril", triangle("tril", x, diagonal, true), [x], [(dy) => tril(dy, diagonal)]);
}

/** The upper triangles: elements on and above `diagonal`, zeros below. [..., m, n] -> the same shape. */
export function triu(x: Tensor, ...args: TriangleArgs): Tensor {
  checkTensor("triu", "input", x);
  const { diagonal } = read("triu", { diagonal: 0 }, args);
  return record("triu", triangle("triu", x, diagonal, false), [x], [(dy) => triu(dy, diagonal)]);
}

/** Sets what lies above `diagonal` to zero, in place. */
export function tril_(x: Tensor, ...args: TriangleArgs): Tensor {
  checkTensor("tril_", "input", x);
  const { diagonal } = read("tril_", { diagonal: 0 }, args);
  const y = triangle("tril_", x, diagonal, true);
  beginInPlace("tril_", x);
  copyInto(x, y);
  return recordInPlace("tril", x, [x], [(dy) => tril(dy, diagonal)]);
}

/** Sets what lies below `diagonal` to zero, in place. */
export function triu_(x: Tensor, ...args: TriangleArgs): Tensor {
  checkTensor("triu_", "input", x);
  const { diagonal } = read("triu_", { diagonal: 0 }, args);
  const y = triangle("triu_", x, diagonal, false);
  beginInPlace("triu_", x);
  copyInto(x, y);
  return recordInPlace("triu", x, [x], [(dy) => triu(dy, diagonal)]);
}
