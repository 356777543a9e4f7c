/**
 * What is made of singular values: decompositions, ranks, pseudo-inverses, least squares, conditions.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float32, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { describeValue } from "../tensor/describe.ts";
import { type NamedTuple, namedTuple } from "../tensor/named_tuple.ts";
import { show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { eq, gt } from "./compare.ts";
import { cast, dense } from "./copy.ts";
import { eigh, eigvalsh, qr } from "./factorise.ts";
import { inverted, slogdet } from "./inverse.ts";
import { cat } from "./join.ts";
import { matrixNorm, type MatrixOrder } from "./linalg_norm.ts";
import { checkAlike, checkMatrices, checkSquare, turned } from "./matrix.ts";
import { matmul } from "./matmul.ts";
import { amax } from "./max_min.ts";
import { where } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { checkFlag } from "./reduction.ts";
import { thinSvd } from "./svd.ts";
import { abs, neg } from "./unary.ts";
import { detach, narrow, select, squeeze, unsqueeze } from "./view.ts";

/** Singular vectors, values, and vectors transposed. */
export type Svd = NamedTuple<["U", "S", "Vh"]>;

/** Options of `linalg.svd`. */
export interface SvdOptions {
  /** Whether U and Vh are square (the default), or have as many vectors as there are singular values. */
  fullMatrices?: boolean;
}

/** Orthonormal columns [..., m, k] with others after them, to be square. */
function completed(u: Tensor): Tensor {
  const [m, k] = u.shape.slice(-2);
  if (m === k) return u;
  const { Q } = qr(detach(u), "complete");
  return cat([u, narrow(Q, -1, k, m - k)], -1);
}

/**
 * x = U diag(S) Vh, S descending: [..., m, n] -> [..., m, m], [..., k], [..., n, n], k = min(m, n), or without
 * `fullMatrices` [..., m, k], [..., k], [..., k, n]. Computed in float64. The gradient of vectors of equal singular values is
 * not finite.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.svd.html
 */
export function svd(x: Tensor, ...args: Args<[fullMatrices: boolean], SvdOptions>): Svd {
  const { fullMatrices } = read("linalg.svd", { fullMatrices: true }, args);
  checkFlag("linalg.svd", "fullMatrices", fullMatrices);
  checkMatrices("linalg.svd", "input", x);
  const [u, s, v] = thinSvd(x);
  return namedTuple(
    ["U", "S", "Vh"],
    fullMatrices ? [completed(u), s, turned(completed(v))] : [u, s, turned(v)],
  );
}

/**
 * Singular values, descending: [..., m, n] -> [..., min(m, n)].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.svdvals.html
 */
export function svdvals(x: Tensor): Tensor {
  checkMatrices("linalg.svdvals", "input", x);
  return thinSvd(x)[1];
}

/** Options of `linalg.matrixRank` and `linalg.pinv`. */
export interface RankOptions {
  /** Values up to this count as zero. */
  atol?: number | Tensor | null;
  /** Values up to this times the largest one count as zero; max(m, n) times the dtype's precision by default. */
  rtol?: number | Tensor | null;
  /** Whether the matrices are symmetric, and their eigenvalues taken. */
  hermitian?: boolean;
}

/** The arguments of `linalg.matrixRank` and `linalg.pinv` after the input. */
export type RankArgs = Args<
  [atol: number | Tensor | null, rtol: number | Tensor | null, hermitian: boolean],
  RankOptions
>;

const RANK = {
  atol: null as number | Tensor | null,
  rtol: null as number | Tensor | null,
  hermitian: false,
};

/** Which of the sizes `s` [..., k] of singular values of matrices `x` count. */
function counted(x: Tensor, s: Tensor, { atol, rtol }: typeof RANK): Tensor {
  const [m, n] = x.shape.slice(-2);
  const precision = Math.max(m, n) * (x.dtype === float32 ? 2 ** -23 : 2 ** -52);
  // A given atol alone decides.
  const relative = rtol ??
    (atol === null || (typeof atol === "number" && atol <= 0) ? precision : 0);
  const column = (t: number | Tensor) => t instanceof Tensor ? unsqueeze(t, -1) : t;
  const share = mul(amax(s, -1, true), column(relative));
  const least = column(atol ?? 0);
  const bound = where(gt(share, least), share, least);
  return gt(s, bound);
}

/**
 * How many singular values of each matrix are not zero: [..., m, n] -> [...] in int64.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_rank.html
 */
export function matrixRank(x: Tensor, ...args: RankArgs): Tensor {
  const o = read("linalg.matrixRank", RANK, args);
  checkFlag("linalg.matrixRank", "hermitian", o.hermitian);
  checkMatrices("linalg.matrixRank", "input", x);
  if (o.hermitian) checkSquare("linalg.matrixRank", "input", x);
  const plain = detach(x), s = o.hermitian ? abs(eigvalsh(plain)) : svdvals(plain);
  if (s.shape[s.ndim - 1] === 0) return sum(cast(s, int64), -1);
  return sum(counted(x, s, o), -1);
}

/**
 * Pseudo-inverses of matrices: [..., m, n] -> [..., n, m]. Singular values that count as zero stay zero.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.pinv.html
 */
export function pinv(x: Tensor, ...args: RankArgs): Tensor {
  const o = read("linalg.pinv", RANK, args);
  checkFlag("linalg.pinv", "hermitian", o.hermitian);
  checkMatrices("linalg.pinv", "input", x);
  if (o.hermitian) checkSquare("linalg.pinv", "input", x);
  if (x.numElements === 0) return turned(x);
  const plain = detach(x);
  let y: Tensor;
  if (o.hermitian) {
    const { eigenvalues, eigenvectors } = eigh(plain);
    y = inverseOf(x, eigenvectors, eigenvalues, eigenvectors, o);
  } else {
    const [u, s, v] = thinSvd(plain);
    y = inverseOf(x, u, s, v, o);
  }
  return record("linalg_pinv", dense(y), [x], [(dy) => pinvGrad(x, y, dy)], [x, y]);
}

/** v diag(1 / s) u^T, where s counts. */
function inverseOf(x: Tensor, u: Tensor, s: Tensor, v: Tensor, o: typeof RANK): Tensor {
  const factors = where(counted(x, abs(s), o), div(1, s), 0);
  return matmul(mul(v, unsqueeze(factors, -2)), turned(u));
}

/**
 * The gradient of p = pinv(x), of constant rank.
 * @see Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973)
 */
function pinvGrad(x: Tensor, p: Tensor, dp: Tensor): Tensor {
  // With G = dp: -(p G^T p)^T + (I - x p) G^T p p^T + p^T p G^T (I - p x).
  const g = turned(dp), pt = turned(p);
  const right = matmul(matmul(g, p), pt), left = matmul(matmul(pt, p), g);
  const outside = sub(right, matmul(x, matmul(p, right)));
  const inside = sub(left, matmul(matmul(left, p), x));
  return add(neg(turned(matmul(matmul(p, g), p))), add(outside, inside));
}

/** A solution of least squares, sums of squares left, ranks, and singular values. */
export type LeastSquares = NamedTuple<["solution", "residuals", "rank", "singularValues"]>;
/** Which of LAPACK's ways is meant; all give the solution of least norm here. */
export type LeastSquaresDriver = "gels" | "gelsy" | "gelsd" | "gelss";

/** Options of `linalg.lstsq`. */
export interface LstsqOptions {
  /** Singular values up to this times the largest one count as zero. */
  rcond?: number | null;
  /** Which results there are: `"gels"` gives no ranks, only `"gelsd"` and `"gelss"` give singular values. */
  driver?: LeastSquaresDriver | null;
}

/**
 * The X of least norm that makes the sum of squares of A X - B least. A: [..., m, n], B: [..., m, k] or [..., m] -> X:
 * [..., n, k] or [..., n]. The sums that are left are given where m > n and A has rank n.
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lstsq.html
 */
export function lstsq(
  a: Tensor,
  b: Tensor,
  ...args: Args<[rcond: number | null, driver: LeastSquaresDriver | null], LstsqOptions>
): LeastSquares {
  const o = read("linalg.lstsq", {
    rcond: null as number | null,
    driver: "gelsy" as LeastSquaresDriver | null,
  }, args);
  const driver = o.driver ?? "gelsy";
  if (!["gels", "gelsy", "gelsd", "gelss"].includes(driver)) {
    throw new TypeError(
      `linalg.lstsq: driver must be "gels", "gelsy", "gelsd" or "gelss", got ${
        describeValue(driver)
      }`,
    );
  }
  checkMatrices("linalg.lstsq", "A", a);
  checkTensor("linalg.lstsq", "B", b);
  const isVector = b.ndim + 1 === a.ndim, columns = isVector ? unsqueeze(b, -1) : b;
  const [m, n] = a.shape.slice(-2);
  if (columns.ndim < 2 || columns.shape[columns.ndim - 2] !== m) {
    throw new RangeError(
      `linalg.lstsq: A of shape ${show(a.shape)} and B of shape ${
        show(b.shape)
      } have no equal numbers of rows`,
    );
  }
  checkAlike("linalg.lstsq", a, b);
  const rtol = o.rcond ?? (a.dtype === float32 ? 2 ** -23 : 2 ** -52) * Math.max(m, n);
  const x = matmul(pinv(a, { rtol }), columns), ranks = matrixRank(a, { rtol });
  const full = (ranks.toTypedArray() as BigInt64Array).every((rank) => Number(rank) === n);
  const none = emptyOn(a.backend, [0], a.dtype), left = sub(matmul(a, x), columns);
  return namedTuple(["solution", "residuals", "rank", "singularValues"], [
    isVector ? squeeze(x, -1) : x,
    m > n && full && driver !== "gelsy" ? sum(mul(left, left), -2) : none,
    driver === "gels" ? emptyOn(a.backend, [0], int64) : ranks,
    driver === "gelsd" || driver === "gelss" ? svdvals(detach(a)) : none,
  ]);
}

/**
 * The condition of matrices: the norm of each times that of its inverse; for `p` null or 2 the largest singular value
 * divided by the smallest, for -2 the other way round. [..., m, n] -> [...]; Infinity where there is no inverse.
 *
 * @throws RangeError when the matrices are not square, but for p null, 2 and -2.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cond.html
 */
export function cond(
  x: Tensor,
  ...args: Args<[p: MatrixOrder | null], { p?: MatrixOrder | null }>
): Tensor {
  const { p } = read("linalg.cond", { p: null as MatrixOrder | null }, args);
  checkMatrices("linalg.cond", "input", x);
  if (p === null || p === 2 || p === -2) {
    const s = svdvals(x), most = select(s, -1, 0), least = select(s, -1, -1);
    return p === -2 ? div(least, most) : div(most, least);
  }
  checkSquare("linalg.cond", "input", x);
  const y = mul(matrixNorm(x, p), matrixNorm(inverted(null, x), p));
  return where(eq(slogdet(x).sign, 0), Infinity, y);
}
