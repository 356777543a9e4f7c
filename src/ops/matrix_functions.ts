/**
 * The functions of linear algebra that `torch` itself has.
 *
 * @module
 */
import { type Args, read } from "../tensor/arguments.ts";
import { type NamedTuple, namedTuple } from "../tensor/named_tuple.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { cholesky as choleskyOf, type QAndR, qr as qrOf, type UpperOptions } from "./factorise.ts";
import { checkMatrices, turned } from "./matrix.ts";
import { checkFlag } from "./reduction.ts";
import { pinv, svd as svdOf } from "./singular.ts";
import { thinSvd } from "./svd.ts";

export { choleskyInverse, choleskySolve } from "./factorise.ts";
export type { QAndR, UpperOptions } from "./factorise.ts";
export type { SignAndLogarithm } from "./inverse.ts";
export { det, inv as inverse, logdet, slogdet } from "./inverse.ts";
export { matrixExp, matrixPower } from "./matrix_power.ts";

/** The factor that `linalg.cholesky` gives. */
export function cholesky(x: Tensor, ...args: Args<[upper: boolean], UpperOptions>): Tensor {
  return choleskyOf(x, ...args);
}

/** Options of `qr` and `svd`. */
export interface SomeOptions {
  /** Whether Q, U and V have only as many columns as are needed (the default), or are square. */
  some?: boolean;
}

/** x = Q R, as `linalg.qr` gives it. */
export function qr(x: Tensor, ...args: Args<[some: boolean], SomeOptions>): QAndR {
  const { some } = read("qr", { some: true }, args);
  checkFlag("qr", "some", some);
  return qrOf(x, some ? "reduced" : "complete");
}

/** Singular vectors as columns, and values. */
export type SvdColumns = NamedTuple<["U", "S", "V"]>;

/** x = U diag(S) V^T: [..., m, n] -> [..., m, k], [..., k], [..., n, k], k = min(m, n), or square without `some`. */
export function svd(x: Tensor, ...args: Args<[some: boolean], SomeOptions>): SvdColumns {
  const { some } = read("svd", { some: true }, args);
  checkFlag("svd", "some", some);
  checkMatrices("svd", "input", x);
  if (some) return namedTuple(["U", "S", "V"], thinSvd(x));
  const { U, S, Vh } = svdOf(x);
  return namedTuple(["U", "S", "V"], [U, S, turned(Vh)]);
}

/** Pseudo-inverses; singular values up to `rcond` times the largest count as zero. [..., m, n] -> [..., n, m] */
export function pinverse(x: Tensor, ...args: Args<[rcond: number], { rcond?: number }>): Tensor {
  const { rcond } = read("pinverse", { rcond: 1e-15 }, args);
  return pinv(x, { rtol: rcond });
}
