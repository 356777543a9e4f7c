/**
 * Triangular factors of matrices with partial pivoting.
 *
 * @module
 */
import { record, recordAll } from "../autograd/record.ts";
import { float64, int32 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyLike, emptyOn, fromArray } from "../tensor/create.ts";
import { type NamedTuple, namedTuple } from "../tensor/named_tuple.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { add, sub } from "./arithmetic.ts";
import { dense, denseAs } from "./copy.ts";
import { zerosLike } from "./create.ts";
import { tril, triu } from "./diagonal.ts";
import { cat } from "./join.ts";
import { checkAlike, checkMatrices, checkSquare, identity, turned } from "./matrix.ts";
import { matmul } from "./matmul.ts";
import { checkFlag, convertTo } from "./reduction.ts";
import { solveTriangular } from "./triangular.ts";
import { narrow } from "./view.ts";

/** Both factors of matrices [..., m, n] in one, float64 without history, and the rows that were swapped, from 0. */
export function luFactors(x: Tensor): { lu: Tensor; pivots: Tensor } {
  const [m, n] = x.shape.slice(-2), batch = x.shape.slice(0, -2), { backend } = x;
  const source = denseAs(x, float64), lu = emptyLike(source);
  const pivots = emptyOn(backend, [...batch, Math.min(m, n)], int32);
  if (lu.numElements > 0) {
    backend.kernels.lu(lu.pointer, pivots.pointer, source.pointer, m, n, 0, sizeOf(batch));
  }
  return { lu, pivots };
}

/** The lower factor [..., m, k] of both in one. */
function lowerOf(lu: Tensor): Tensor {
  const [m, n] = lu.shape.slice(-2), k = Math.min(m, n);
  const below = tril(narrow(lu, -1, 0, k), -1);
  return add(below, narrow(identity(lu, m), -1, 0, k));
}

/** The upper factor [..., k, n] of both in one. */
function upperOf(lu: Tensor): Tensor {
  const [m, n] = lu.shape.slice(-2);
  return triu(narrow(lu, -2, 0, Math.min(m, n)));
}

/** The permutations [..., m, m] of which swapping rows by `pivots` [..., k] (from `first`) is the inverse. */
function permutations(like: Tensor, pivots: Tensor, m: number, first: number): Tensor {
  const batch = pivots.shape.slice(0, -1), k = pivots.shape[pivots.ndim - 1];
  const swaps = dense(pivots).toTypedArray() as Int32Array;
  const values = new Float64Array(sizeOf(batch) * m * m);
  for (let t = 0; t < sizeOf(batch); t++) {
    const rows = Array.from({ length: m }, (_, i) => i);
    for (let i = 0; i < k; i++) {
      const j = swaps[t * k + i] - first;
      [rows[i], rows[j]] = [rows[j], rows[i]];
    }
    rows.forEach((row, i) => values[(t * m + row) * m + i] = 1);
  }
  return fromArray(values, [...batch, m, m], { dtype: like.dtype, device: like.device });
}

/** The gradient of x = p l u. */
function luGrad(
  p: Tensor,
  l: Tensor,
  u: Tensor,
  dl: Tensor | null,
  du: Tensor | null,
): Tensor | null {
  if (dl === null && du === null) return null;
  const m = l.shape[l.ndim - 2], k = l.shape[l.ndim - 1], n = u.shape[u.ndim - 1];
  const l1 = narrow(l, -2, 0, k), u1 = narrow(u, -1, 0, k);
  /** y u^-T and l^-T y, for the square parts. */
  const byUpper = (y: Tensor) => solveTriangular(turned(u1), y, { upper: false, left: false });
  const byLower = (y: Tensor) =>
    solveTriangular(turned(l1), y, { upper: true, unitriangular: true });
  // l^-T (tril(l^T dl, -1) + triu(du u^T)) u^-T, where what lies beyond the square part adds to its gradients.
  let lower = dl === null ? null : matmul(turned(l1), narrow(dl, -2, 0, k));
  let upper = du === null ? null : matmul(narrow(du, -1, 0, k), turned(u1));
  let below: Tensor | null = null, beside: Tensor | null = null;
  if (m > k && dl !== null) {
    const l2 = narrow(l, -2, k, m - k), dl2 = narrow(dl, -2, k, m - k);
    below = byUpper(dl2);
    const share = matmul(turned(l2), dl2);
    upper = upper === null ? sub(0, share) : sub(upper, share);
  }
  if (n > k && du !== null) {
    const u2 = narrow(u, -1, k, n - k), du2 = narrow(du, -1, k, n - k);
    beside = byLower(du2);
    const share = matmul(du2, turned(u2));
    lower = lower === null ? sub(0, share) : sub(lower, share);
  }
  const parts = [lower === null ? null : tril(lower, -1), upper === null ? null : triu(upper)];
  const [a, b] = parts, middle = a === null ? b! : b === null ? a : add(a, b);
  let dx = byUpper(byLower(middle));
  if (m > k) dx = cat([dx, below ?? zerosLike(narrow(l, -2, k, m - k))], -2);
  if (n > k) dx = cat([dx, beside ?? zerosLike(narrow(u, -1, k, n - k))], -1);
  return matmul(p, dx);
}

/** A permutation and the triangular factors. */
export type PLU = NamedTuple<["P", "L", "U"]>;

/**
 * x = P L U with a permutation P, ones on the diagonal of L, and k = min(m, n): [..., m, n] -> [..., m, m], [..., m, k],
 * [..., k, n]. Computed in float64.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu.html
 */
export function lu(x: Tensor): PLU {
  checkMatrices("linalg.lu", "input", x);
  const { lu, pivots } = luFactors(x), both = convertTo(lu, x.dtype);
  const p = permutations(x, pivots, x.shape[x.ndim - 2], 0), l = lowerOf(both), u = upperOf(both);
  recordAll("linalg_lu", [l, u], [x], ([dl, du]) => [luGrad(p, l, u, dl, du)], [l, u]);
  return namedTuple(["P", "L", "U"], [p, l, u]);
}

/** Both factors in one, and the rows that were swapped. */
export type LUFactor = NamedTuple<["LU", "pivots"]>;

/**
 * The factors of `lu` in one, without L's diagonal, and the rows that were swapped, in int32 and counted from 1, as
 * `luSolve` takes them: [..., m, n] -> [..., m, n], [..., min(m, n)].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_factor.html
 */
export function luFactor(x: Tensor): LUFactor {
  checkMatrices("linalg.luFactor", "input", x);
  const { lu, pivots } = luFactors(x), both = convertTo(lu, x.dtype);
  const [m, n] = x.shape.slice(-2), k = Math.min(m, n);
  const grad = (dy: Tensor) =>
    luGrad(
      permutations(x, pivots, m, 0),
      lowerOf(both),
      upperOf(both),
      tril(narrow(dy, -1, 0, k), -1),
      triu(narrow(dy, -2, 0, k)),
    );
  record("linalg_lu_factor_ex", both, [x], [grad], [both]);
  return namedTuple(["LU", "pivots"], [both, add(pivots, 1)]);
}

/** Options of `linalg.luSolve`. */
export interface LuSolveOptions {
  /** Whether to solve A X = B (the default), or X A = B. */
  left?: boolean;
  /** Whether A is transposed. */
  adjoint?: boolean;
}

/**
 * The X with A X = B, from what `luFactor` makes of A: LU [..., n, n], pivots [..., n], B [..., n, k] -> [..., n, k].
 *
 * @throws RangeError when the shapes do not fit, or a pivot is not one of 1 .. n.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_solve.html
 */
export function luSolve(
  factors: Tensor,
  pivots: Tensor,
  b: Tensor,
  ...args: Args<[left: boolean, adjoint: boolean], LuSolveOptions>
): Tensor {
  const call = "linalg.luSolve", o = read(call, { left: true, adjoint: false }, args);
  checkFlag(call, "left", o.left);
  checkFlag(call, "adjoint", o.adjoint);
  checkSquare(call, "LU", factors);
  checkTensor(call, "pivots", pivots);
  checkMatrices(call, "B", b);
  checkAlike(call, factors, b);
  const n = factors.shape[factors.ndim - 1];
  if (pivots.dtype !== int32) {
    throw new TypeError(`${call}: pivots must be int32, got ${pivots.dtype}`);
  }
  if (!sameShape(pivots.shape, factors.shape.slice(0, -1))) {
    throw new RangeError(
      `${call}: pivots for LU of shape ${show(factors.shape)} have shape ${
        show(factors.shape.slice(0, -1))
      }, got ${show(pivots.shape)}`,
    );
  }
  const wrong = (dense(pivots).toTypedArray() as Int32Array).find((row) => row < 1 || row > n);
  if (wrong !== undefined) {
    throw new RangeError(`${call}: pivots must be from 1 to ${n}, got ${wrong}`);
  }
  if (!o.left) return turned(luSolve(factors, pivots, turned(b), true, !o.adjoint));
  const p = permutations(factors, pivots, n, 1), lower = { upper: false, unitriangular: true };
  if (!o.adjoint) {
    return solveTriangular(
      factors,
      solveTriangular(factors, matmul(turned(p), b), lower),
      { upper: true },
    );
  }
  const half = solveTriangular(turned(factors), b, { upper: false });
  return matmul(p, solveTriangular(turned(factors), half, { ...lower, upper: true }));
}
