/**
 * Inverses, determinants and systems of linear equations, by triangular factors with partial pivoting.
 *
 * @module
 */
import { record, recordAll } from "../autograd/record.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { fromArray } from "../tensor/create.ts";
import { type NamedTuple, namedTuple } from "../tensor/named_tuple.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { mul } from "./arithmetic.ts";
import { eq, lt } from "./compare.ts";
import { dense } from "./copy.ts";
import { zerosLike } from "./create.ts";
import { diagonal } from "./diagonal.ts";
import {
  checkAlike,
  checkMatrices,
  checkSquare,
  identity,
  inBatch,
  turned,
  wideCopy,
} from "./matrix.ts";
import { luFactors } from "./lu.ts";
import { matmul } from "./matmul.ts";
import { where } from "./pointwise.ts";
import { prod, sum } from "./reduce.ts";
import { checkFlag, convertTo } from "./reduction.ts";
import { thinSvd } from "./svd.ts";
import { together } from "./triangular.ts";
import { abs, log, neg, sign } from "./unary.ts";
import { detach, expand, reshape, squeeze, unsqueeze } from "./view.ts";

/** Triangular factors of square matrices in float64, without history. */
interface Factors {
  /** [..., n, n] */
  readonly lu: Tensor;
  /** Rows that were swapped, [..., n] in int32. */
  readonly pivots: Tensor;
  /** The diagonals of the upper factors, [..., n]. */
  readonly diagonal: Float64Array;
}

function factorsOf(x: Tensor): Factors {
  // A copy, so that the diagonals alone come from the device.
  const factors = luFactors(x), pivots = dense(diagonal(factors.lu, 0, -2, -1));
  return { ...factors, diagonal: pivots.toTypedArray() as Float64Array };
}

/** Throws `Error` when a matrix has no inverse. */
function refuseSingular(call: string, x: Tensor, { diagonal }: Factors): void {
  const at = diagonal.indexOf(0), n = x.shape[x.ndim - 1];
  if (at < 0) return;
  throw new Error(
    `${call}: ${inBatch(x, Math.floor(at / n))}the matrix is singular: it has no pivot in column ${
      at % n
    }`,
  );
}

/** a^-1 b for the matrices of `factors`, b [..., n, k] with the same batch; no history. */
function solved({ lu, pivots }: Factors, b: Tensor): Tensor {
  const [n, k] = b.shape.slice(-2), y = wideCopy(b);
  if (y.numElements > 0) {
    const { lu_solve } = b.backend.kernels;
    lu_solve(y.pointer, lu.pointer, pivots.pointer, n, k, 0, sizeOf(b.shape.slice(0, -2)));
  }
  return convertTo(y, b.dtype);
}

/** The inverse; of a singular matrix something that is not finite, unless `call` says who refuses it. */
export function inverted(call: string | null, x: Tensor): Tensor {
  const factors = factorsOf(x), n = x.shape[x.ndim - 1];
  if (call !== null) refuseSingular(call, x, factors);
  const y = solved(factors, expand(identity(x, n), x.shape));
  const grad = (dy: Tensor) => neg(matmul(matmul(turned(y), dy), turned(y)));
  return record("linalg_inv_ex", y, [x], [grad], [y]);
}

/**
 * Inverses of square matrices. [..., n, n] -> [..., n, n]; computed in float64.
 *
 * @throws Error when a matrix is singular.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.inv.html
 */
export function inv(x: Tensor): Tensor {
  checkSquare("linalg.inv", "input", x);
  return inverted("linalg.inv", x);
}

/** 1 or -1 for each matrix: whether its rows were swapped an even number of times. */
function parities({ lu, pivots }: Factors): Tensor {
  const n = lu.shape[lu.ndim - 1], batch = lu.shape.slice(0, -2);
  const rows = pivots.toTypedArray() as Int32Array, signs = new Float64Array(sizeOf(batch)).fill(1);
  rows.forEach((row, i) => {
    if (row !== i % n) signs[Math.floor(i / n)] *= -1;
  });
  return fromArray(signs, batch, { device: lu.device });
}

/** `x` [...] as [..., 1, 1], to multiply matrices. */
function asFactor(x: Tensor): Tensor {
  return unsqueeze(unsqueeze(x, -1), -1);
}

/** The derivative of the determinants of any matrices by their elements, by singular values. */
function cofactors(x: Tensor): Tensor {
  const [u, s, v] = thinSvd(x), k = s.shape[s.ndim - 1];
  const own = eq(identity(s, k), 1);
  const others = prod(where(own, 1, unsqueeze(s, -2)), -1), product = matmul(u, turned(v));
  return mul(asFactor(detach(det(product))), matmul(mul(u, unsqueeze(others, -2)), turned(v)));
}

/**
 * Determinants of square matrices. [..., n, n] -> [...]
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.det.html
 */
export function det(x: Tensor): Tensor {
  checkSquare("linalg.det", "input", x);
  const factors = factorsOf(x);
  const wide = mul(prod(diagonal(factors.lu, 0, -2, -1), -1), parities(factors));
  const y = convertTo(wide, x.dtype);
  const grad = (dy: Tensor) =>
    factors.diagonal.includes(0)
      ? mul(asFactor(dy), cofactors(x))
      : mul(asFactor(mul(dy, det(x))), turned(inverted(null, x)));
  return record("linalg_det", y, [x], [grad], [x]);
}

/** The sign of a determinant, and the logarithm of its size. */
export type SignAndLogarithm = NamedTuple<["sign", "logabsdet"]>;

/**
 * Signs of determinants and logarithms of their sizes, which do not overflow: [..., n, n] -> [...], [...]. Those of
 * singular matrices are 0 and -Infinity.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.slogdet.html
 */
export function slogdet(x: Tensor): SignAndLogarithm {
  checkSquare("linalg.slogdet", "input", x);
  const factors = factorsOf(x), pivots = diagonal(factors.lu, 0, -2, -1);
  const signs = convertTo(mul(prod(sign(pivots), -1), parities(factors)), x.dtype);
  const logarithms = convertTo(sum(log(abs(pivots)), -1), x.dtype);
  recordAll("linalg_slogdet", [signs, logarithms], [x], ([, dy]) => [
    dy === null ? zerosLike(x) : mul(asFactor(dy), turned(inverted(null, x))),
  ], [x]);
  return namedTuple(["sign", "logabsdet"], [signs, logarithms]);
}

/** Logarithms of determinants of square matrices; NaN where one is negative. [..., n, n] -> [...] */
export function logdet(x: Tensor): Tensor {
  checkSquare("logdet", "input", x);
  const { sign, logabsdet } = slogdet(x);
  return where(lt(sign, 0), NaN, logabsdet);
}

/** Options of `linalg.solve`. */
export interface SolveOptions {
  /** Whether to solve A X = B (the default), or X A = B. */
  left?: boolean;
}

/**
 * The X with A X = B. A: [..., n, n], B: [..., n, k] -> [..., n, k], batches broadcast; or B: [..., n] with the batch of A,
 * or [n] -> [..., n]. Computed in float64.
 *
 * @throws RangeError when the shapes do not fit.
 * @throws Error when a matrix is singular.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve.html
 */
export function solve(a: Tensor, b: Tensor, ...args: Args<[left: boolean], SolveOptions>): Tensor {
  const { left } = read("linalg.solve", { left: true }, args);
  checkFlag("linalg.solve", "left", left);
  checkSquare("linalg.solve", "A", a);
  const isVector = b.ndim === 1 ||
    (b.ndim + 1 === a.ndim && sameShape(b.shape, a.shape.slice(0, -1)));
  const columns = isVector ? unsqueeze(b, -1) : b;
  checkMatrices("linalg.solve", "B", columns);
  checkAlike("linalg.solve", a, b);
  if (!left) {
    if (isVector) throw new RangeError("linalg.solve: X A = B needs matrices B, got a vector");
    return turned(solve(turned(a), turned(b)));
  }
  const [p, q] = together("linalg.solve", a, columns), factors = factorsOf(p);
  refuseSingular("linalg.solve", p, factors);
  const y = solveWith(factors, p, q);
  return isVector ? squeeze(y, -1) : y;
}

function solveWith(factors: Factors, a: Tensor, b: Tensor): Tensor {
  const y = solved(factors, b);
  const gradB = (dy: Tensor) => solve(turned(a), dy);
  const gradA = (dy: Tensor) => neg(matmul(gradB(dy), turned(y)));
  return record("linalg_solve_ex", y, [a, b], [gradA, gradB], [a, y]);
}

/**
 * The inverse of the linear map that a tensor is: [...a, ...b] -> [...b, ...a], where `ind` is the number of axes of a, and
 * a and b have equally many elements.
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.tensorinv.html
 */
export function tensorinv(x: Tensor, ...args: Args<[ind: number], { ind?: number }>): Tensor {
  const { ind } = read("linalg.tensorinv", { ind: 2 }, args);
  const front = x.shape.slice(0, ind), back = x.shape.slice(ind);
  if (!(ind > 0) || sizeOf(front) !== sizeOf(back)) {
    throw new RangeError(
      `linalg.tensorinv: the axes of shape ${
        show(x.shape)
      } before and from axis ${ind} must have equally many elements`,
    );
  }
  return reshape(inv(reshape(x, [sizeOf(front), -1])), [...back, ...front]);
}
