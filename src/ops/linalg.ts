/**
 * `torch.linalg`: linear algebra.
 *
 * @module
 */
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { mul } from "./arithmetic.ts";
import { matmul } from "./matmul.ts";
import { matrixProduct, productType } from "./product.ts";
import { sum } from "./reduce.ts";
import { cross as crossOf } from "./tensor_product.ts";
import { reshape } from "./view.ts";

export { cholesky, eigh, eigvalsh, qr } from "./factorise.ts";
export type { Eigen, EighOptions, QAndR, QrMode, Triangle, UpperOptions } from "./factorise.ts";
export { det, inv, slogdet, solve, tensorinv } from "./inverse.ts";
export type { SignAndLogarithm, SolveOptions } from "./inverse.ts";
export * from "./linalg_norm.ts";
export { lu, luFactor, luSolve } from "./lu.ts";
export type { LUFactor, LuSolveOptions, PLU } from "./lu.ts";
export * from "./matrix_power.ts";
export * from "./singular.ts";
export { solveTriangular, type SolveTriangularOptions } from "./triangular.ts";
export { matmul };

/** Options of `linalg.cross` and `linalg.vecdot`. */
export interface VectorAxisOptions {
  /** The axis that the vectors lie along. */
  dim?: number;
}

/**
 * Product of a chain of matrices, in the order that takes the fewest multiplications; the first and the last may be
 * vectors: [m, a], [a, b], ..., [z, n] -> [m, n].
 *
 * @throws RangeError when there are fewer than two, or the sizes of two neighbours do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.multi_dot.html
 */
export function multiDot(tensors: readonly Tensor[]): Tensor {
  if (!Array.isArray(tensors)) {
    throw new TypeError("multiDot: expected an array of tensors");
  }
  tensors.forEach((x, i) => checkTensor("multiDot", `tensor ${i}`, x));
  tensors = castAll("multiDot", ...tensors);
  const n = tensors.length;
  if (n < 2) throw new RangeError(`multiDot: expected at least 2 tensors, got ${n}`);
  productType("multiDot", tensors[0], ...tensors.slice(1));
  const isRow = tensors[0].ndim === 1, isColumn = tensors[n - 1].ndim === 1;
  const matrices = tensors.map((x, i) => {
    if (x.ndim === 2) return x;
    if (x.ndim === 1 && i === 0) return reshape(x, 1, x.shape[0]);
    if (x.ndim === 1 && i === n - 1) return reshape(x, x.shape[0], 1);
    throw new RangeError(
      `multiDot: expected matrices (vectors at the ends), got shape ${
        show(x.shape)
      } for tensor ${i}`,
    );
  });
  for (let i = 1; i < n; i++) {
    if (matrices[i - 1].shape[1] !== matrices[i].shape[0]) {
      throw new RangeError(
        `multiDot: tensors ${i - 1} and ${i} of shapes ${show(tensors[i - 1].shape)} and ${
          show(tensors[i].shape)
        } cannot be multiplied`,
      );
    }
  }
  const y = chain(matrices);
  if (!isRow && !isColumn) return y;
  return reshape(y, y.shape.filter((_, d) => d === 0 ? !isRow : !isColumn));
}

/** The product of matrices, split where dynamic programming finds the fewest multiplications. */
function chain(matrices: readonly Tensor[]): Tensor {
  const n = matrices.length, sizes = [matrices[0].shape[0], ...matrices.map((x) => x.shape[1])];
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const split = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let length = 1; length < n; length++) {
    for (let i = 0; i + length < n; i++) {
      const j = i + length;
      cost[i][j] = Infinity;
      for (let s = i; s < j; s++) {
        const total = cost[i][s] + cost[s + 1][j] + sizes[i] * sizes[s + 1] * sizes[j + 1];
        if (total < cost[i][j]) {
          cost[i][j] = total;
          split[i][j] = s;
        }
      }
    }
  }
  const product = (i: number, j: number): Tensor =>
    i === j ? matrices[i] : matrixProduct(
      "multiDot",
      "mm",
      product(i, split[i][j]),
      false,
      product(split[i][j] + 1, j),
      false,
    );
  return product(0, n - 1);
}

/** Cross product of vectors of 3 elements along axis `dim` (-1 by default); other axes broadcast. */
export function cross(
  input: Tensor,
  other: Tensor,
  ...args: Args<[dim: number], VectorAxisOptions>
): Tensor {
  return crossOf(input, other, read("linalg.cross", { dim: -1 }, args).dim);
}

/** Dot products of the vectors along axis `dim` (-1 by default) of two tensors; other axes broadcast. */
export function vecdot(
  x: Tensor,
  y: Tensor,
  ...args: Args<[dim: number], VectorAxisOptions>
): Tensor {
  checkTensor("linalg.vecdot", "x", x);
  checkTensor("linalg.vecdot", "y", y);
  productType("linalg.vecdot", x, y);
  return sum(mul(x, y), read("linalg.vecdot", { dim: -1 }, args).dim);
}
