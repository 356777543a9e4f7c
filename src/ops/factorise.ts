/**
 * Factorisations of matrices: Cholesky, QR, and eigenvalues of symmetric ones.
 *
 * @module
 */
import { record, recordAll } from "../autograd/record.ts";
import { float64, int32 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { describeValue } from "../tensor/describe.ts";
import { type NamedTuple, namedTuple } from "../tensor/named_tuple.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { dense, denseAs } from "./copy.ts";
import { diagEmbed, tril, triu } from "./diagonal.ts";
import { solveTriangular } from "./triangular.ts";
import { cat } from "./join.ts";
import {
  checkAlike,
  checkMatrices,
  checkSquare,
  identity,
  inBatch,
  turned,
  wideCopy,
} from "./matrix.ts";
import { matmul } from "./matmul.ts";
import { checkFlag, convertTo } from "./reduction.ts";
import { sumTo } from "./sum_to.ts";
import { neg } from "./unary.ts";
import { detach, expand, narrow, unsqueeze } from "./view.ts";

/** Whether a triangle is the upper one. */
export interface UpperOptions {
  /** Whether the upper triangle is meant; the lower one by default. */
  upper?: boolean;
}

function readUpper(call: string, args: readonly unknown[]): boolean {
  const { upper } = read(call, { upper: false }, args);
  checkFlag(call, "upper", upper);
  return upper;
}

/**
 * The triangular L with x = L L^T, or with `upper` the U with x = U^T U, of symmetric positive-definite matrices, of which
 * the other triangle is not read. [..., n, n] -> [..., n, n]; computed in float64.
 *
 * @throws Error when a matrix is not positive-definite.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cholesky.html
 */
export function cholesky(x: Tensor, ...args: Args<[upper: boolean], UpperOptions>): Tensor {
  const upper = readUpper("linalg.cholesky", args);
  checkSquare("linalg.cholesky", "input", x);
  return upper ? turned(lowerFactor(turned(x))) : lowerFactor(x);
}

function lowerFactor(x: Tensor): Tensor {
  const n = x.shape[x.ndim - 1], count = sizeOf(x.shape.slice(0, -2)), { backend } = x;
  const source = denseAs(x, float64), y = emptyOn(backend, x.shape, float64);
  const info = emptyOn(backend, [count], int32);
  if (y.numElements > 0) {
    backend.kernels.cholesky(y.pointer, info.pointer, source.pointer, n, 0, count);
    const orders = info.toTypedArray() as Int32Array, bad = orders.findIndex((order) => order > 0);
    if (bad >= 0) {
      throw new Error(
        `linalg.cholesky: ${
          inBatch(x, bad)
        }the matrix is not positive-definite: its leading minor of order ${
          orders[bad]
        } is not positive`,
      );
    }
  }
  const l = convertTo(y, x.dtype);
  // With P the lower triangle of L^T dL, its diagonal halved: L^-T (P + P^T) L^-1 / 2.
  const grad = (dl: Tensor) => {
    const p = tril(matmul(turned(l), dl)), both = add(p, turned(tril(p, -1))), t = turned(l);
    const left = solveTriangular(t, mul(both, 0.5), { upper: true });
    return solveTriangular(l, left, { upper: false, left: false });
  };
  return record("linalg_cholesky_ex", l, [x], [grad], [l]);
}

/**
 * The X with A X = B, from the factor `l` that `cholesky` makes of A: B [..., n, k], l [..., n, n] -> [..., n, k].
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_solve.html
 */
export function choleskySolve(
  b: Tensor,
  l: Tensor,
  ...args: Args<[upper: boolean], UpperOptions>
): Tensor {
  const upper = readUpper("choleskySolve", args);
  checkMatrices("choleskySolve", "input", b);
  checkSquare("choleskySolve", "factor", l);
  checkAlike("choleskySolve", b, l);
  return fromFactor(b, l, upper);
}

/** The same for checked matrices. As in PyTorch, the gradient of l is that of a full matrix, of which l l^T is made. */
function fromFactor(b: Tensor, l: Tensor, upper: boolean): Tensor {
  const lower = detach(upper ? turned(l) : l);
  const half = solveTriangular(lower, detach(b), { upper: false });
  const y = solveTriangular(turned(lower), half, { upper: true });
  const gradB = (dy: Tensor) => sumTo(fromFactor(dy, l, upper), b.shape);
  const gradL = (dy: Tensor) => {
    const z = matmul(fromFactor(dy, l, upper), turned(y)), both = neg(add(z, turned(z)));
    return sumTo(upper ? matmul(l, both) : matmul(both, l), l.shape);
  };
  return record("cholesky_solve", y, [b, l], [gradB, gradL], [l, y]);
}

/**
 * The inverse of A from the factor `l` that `cholesky` makes of it. [n, n] -> [n, n]
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_inverse.html
 */
export function choleskyInverse(l: Tensor, ...args: Args<[upper: boolean], UpperOptions>): Tensor {
  const upper = readUpper("choleskyInverse", args);
  checkSquare("choleskyInverse", "factor", l);
  return choleskySolve(expand(identity(l, l.shape[l.ndim - 1]), l.shape), l, upper);
}

/** What of Q is computed: as many columns as R has rows, all, or none. */
export type QrMode = "reduced" | "complete" | "r";
/** Orthogonal and triangular factors. */
export type QAndR = NamedTuple<["Q", "R"]>;

/**
 * x = Q R with orthonormal columns of Q and an upper triangle R: [..., m, n] -> [..., m, k], [..., k, n], where k is
 * min(m, n), or m in mode `"complete"`; in mode `"r"` Q is empty. Computed in float64.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.qr.html
 */
export function qr(x: Tensor, ...args: Args<[mode: QrMode], { mode?: QrMode }>): QAndR {
  const { mode } = read("linalg.qr", { mode: "reduced" as QrMode }, args);
  if (mode !== "reduced" && mode !== "complete" && mode !== "r") {
    throw new TypeError(
      `linalg.qr: mode must be "reduced", "complete" or "r", got ${describeValue(mode)}`,
    );
  }
  checkMatrices("linalg.qr", "input", x);
  const [m, n] = x.shape.slice(-2), batch = x.shape.slice(0, -2), { backend } = x;
  const columns = mode === "complete" ? m : Math.min(m, n), work = wideCopy(turned(x));
  const qt = emptyOn(backend, [...batch, columns, m], float64);
  const rt = emptyOn(backend, [...batch, n, columns], float64);
  if (qt.numElements > 0) {
    backend.kernels.qr(
      qt.pointer,
      rt.pointer,
      work.pointer,
      m,
      n,
      columns,
      0,
      sizeOf(batch),
    );
  }
  const back = (t: Tensor) => convertTo(dense(turned(t)), x.dtype);
  const q = mode === "r" ? emptyOn(backend, [0], x.dtype) : back(qt), r = back(rt);
  recordAll("linalg_qr", [q, r], [x], ([dq, dr]) => {
    if (mode === "r" || (mode === "complete" && m > n)) {
      throw new Error(
        `backward: linalg.qr in mode "${mode}" of matrices of shape [${m}, ${n}] has no derivative; use mode "reduced"`,
      );
    }
    return [qrGrad(q, r, dq, dr)];
  }, [q, r]);
  return namedTuple(["Q", "R"], [q, r]);
}

/** The gradient of x = q r. @see Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2018) */
function qrGrad(q: Tensor, r: Tensor, dq: Tensor | null, dr: Tensor | null): Tensor | null {
  if (dq === null && dr === null) return null;
  const [m, n] = r.shape.slice(-2);
  if (n > m) {
    // The columns beyond the square part are q times their part of r: q takes a gradient from them.
    const first = (t: Tensor) => narrow(t, -1, 0, m), rest = (t: Tensor) => narrow(t, -1, m, n - m);
    if (dr === null) return withZeros(squareGrad(q, first(r), dq, null), n - m);
    const through = matmul(matmul(q, rest(r)), turned(rest(dr)));
    const dx = squareGrad(q, first(r), dq === null ? through : add(dq, through), first(dr));
    return cat([dx, matmul(q, rest(dr))], -1);
  }
  return squareGrad(q, r, dq, dr);
}

/** `x` with `n` columns of zeros after its own. */
function withZeros(x: Tensor, n: number): Tensor {
  return cat([x, mul(expand(narrow(x, -1, 0, 1), [...x.shape.slice(0, -1), n]), 0)], -1);
}

/** The same for a square r: (dq + q (S + S^T)) r^-T, S the upper triangle of dr r^T - q^T dq, its diagonal halved. */
function squareGrad(q: Tensor, r: Tensor, dq: Tensor | null, dr: Tensor | null): Tensor {
  let s = dr === null ? null : matmul(dr, turned(r));
  if (dq !== null) {
    const t = matmul(turned(q), dq);
    s = s === null ? neg(t) : sub(s, t);
  }
  const inner = matmul(q, add(triu(s!), turned(triu(s!, 1))));
  const sum = dq === null ? inner : add(inner, dq);
  return solveTriangular(turned(r), sum, { upper: false, left: false });
}

/** Which triangle of a symmetric matrix is read. */
export type Triangle = "L" | "U";
/** Eigenvalues and eigenvectors. */
export type Eigen = NamedTuple<["eigenvalues", "eigenvectors"]>;

/** Options of `linalg.eigh` and `linalg.eigvalsh`. */
export interface EighOptions {
  /** Which triangle is read: `"L"`, the lower one, or `"U"`. */
  UPLO?: Triangle;
}

function eigen(
  call: string,
  x: Tensor,
  args: readonly unknown[],
): [values: Tensor, vectors: Tensor] {
  const { UPLO } = read(call, { UPLO: "L" as Triangle }, args);
  checkTensor(call, "input", x);
  checkSquare(call, "input", x);
  if (UPLO !== "L" && UPLO !== "U") {
    throw new TypeError(`${call}: UPLO must be "L" or "U", got ${describeValue(UPLO)}`);
  }
  const n = x.shape[x.ndim - 1], batch = x.shape.slice(0, -2), { backend } = x;
  const source = denseAs(UPLO === "L" ? x : turned(x), float64);
  const s = emptyOn(backend, [...batch, n], float64);
  const vt = emptyOn(backend, x.shape, float64), work = emptyOn(backend, x.shape, float64);
  if (s.numElements > 0) {
    const { eigh } = backend.kernels;
    eigh(s.pointer, vt.pointer, work.pointer, source.pointer, n, 0, sizeOf(batch));
  }
  const values = convertTo(s, x.dtype), v = convertTo(dense(turned(vt)), x.dtype);
  // v (diag(dValues) + W / E) v^T with the antisymmetric part W of v^T dv, E[i, j] = values[j] - values[i], 1 on the diagonal.
  const grad = ([ds, dv]: (Tensor | null)[]): (Tensor | null)[] => {
    let inner = ds === null ? null : diagEmbed(ds);
    if (dv !== null) {
      const gaps = add(sub(unsqueeze(values, -2), unsqueeze(values, -1)), identity(x, n));
      const w = matmul(turned(v), dv), part = div(mul(sub(w, turned(w)), 0.5), gaps);
      inner = inner === null ? part : add(inner, part);
    }
    return [inner === null ? null : matmul(matmul(v, inner), turned(v))];
  };
  recordAll("linalg_eigh", [values, v], [x], grad, [values, v]);
  return [values, v];
}

/**
 * Eigenvalues of symmetric matrices, ascending, and their eigenvectors as columns: [..., n, n] -> [..., n], [..., n, n].
 * Computed in float64. The gradient of vectors of equal eigenvalues is not finite.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.eigh.html
 */
export function eigh(x: Tensor, ...args: Args<[UPLO: Triangle], EighOptions>): Eigen {
  return namedTuple(["eigenvalues", "eigenvectors"], eigen("linalg.eigh", x, args));
}

/**
 * Eigenvalues of symmetric matrices, ascending: [..., n, n] -> [..., n].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.eigvalsh.html
 */
export function eigvalsh(x: Tensor, ...args: Args<[UPLO: Triangle], EighOptions>): Tensor {
  return eigen("linalg.eigvalsh", x, args)[0];
}
