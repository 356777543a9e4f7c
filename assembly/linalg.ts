// deno-fmt-ignore-file: it deletes @inline before functions.
/**
 * Factorisations of matrices, row-major in float64, and what solves with them. Ranges count matrices of a batch.
 *
 * @see Golub and Van Loan, "Matrix Computations" (4th edition), algorithms 3.4.1, 3.1.1 to 3.1.3, 4.2.1 and 5.2.1
 */

import { addScaled, dot, scale, swap } from "./rows_f64";

/**
 * x = P L U with partial pivoting: x [batch, m, n] -> both factors in y [batch, m, n], L's diagonal of ones left out, and
 * pivots [batch, min(m, n)] in int32: step i swapped rows i and pivots[i]. A column without a pivot is left as it is.
 */
export function lu(y: usize, pivots: usize, x: usize, m: i32, n: i32, begin: i32, end: i32): void {
  const k = min(m, n), bytes = <usize>(m * n) << 3, row = <usize>n << 3;
  memory.copy(y + <usize>begin * bytes, x + <usize>begin * bytes, <usize>(end - begin) * bytes);
  for (let t = begin; t < end; t++) {
    const a = y + <usize>t * bytes, p = pivots + (<usize>(t * k) << 2);
    for (let j = 0; j < k; j++) {
      const column = a + (<usize>j << 3), own = a + <usize>j * row;
      let best = j, size = NativeMath.abs(load<f64>(column + <usize>j * row));
      for (let i = j + 1; i < m; i++) {
        const other = NativeMath.abs(load<f64>(column + <usize>i * row));
        if (other > size) size = other, best = i;
      }
      store<i32>(p + (<usize>j << 2), best);
      if (best != j) swap(own, a + <usize>best * row, n);
      const pivot = load<f64>(own + (<usize>j << 3));
      if (pivot == 0) continue;
      for (let i = j + 1; i < m; i++) {
        const other = a + <usize>i * row + (<usize>j << 3), f = load<f64>(other) / pivot;
        store<f64>(other, f);
        if (f != 0) addScaled(other + 8, own + (<usize>(j + 1) << 3), -f, n - j - 1);
      }
    }
  }
}

/** b = a^-1 b for a triangular a [n, n] and b [n, k]. */
// @ts-ignore: decorator
@inline
function substitute(b: usize, a: usize, n: i32, k: i32, upper: i32, unit: i32): void {
  const aRow = <usize>n << 3, bRow = <usize>k << 3;
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step, own = b + <usize>i * bRow, factors = a + <usize>i * aRow;
    const first = upper ? i + 1 : 0, last = upper ? n : i;
    for (let j = first; j < last; j++) {
      const f = load<f64>(factors + (<usize>j << 3));
      if (f != 0) addScaled(own, b + <usize>j * bRow, -f, k);
    }
    if (!unit) {
      const f = load<f64>(factors + (<usize>i << 3));
      for (let at = own; at < own + bRow; at += 8) store<f64>(at, load<f64>(at) / f);
    }
  }
}

/** b = a^-1 b for triangular matrices a [batch, n, n], of which the other triangle is not read; b [batch, n, k]. */
export function triangular_solve(
  b: usize, a: usize, n: i32, k: i32, upper: i32, unit: i32, begin: i32, end: i32,
): void {
  for (let t = begin; t < end; t++) {
    substitute(b + (<usize>t * <usize>(n * k) << 3), a + (<usize>t * <usize>(n * n) << 3), n, k, upper, unit);
  }
}

/** b = a^-1 b, where `factors` and `pivots` are what `lu` makes of a [batch, n, n]; b [batch, n, k]. */
export function lu_solve(
  b: usize, factors: usize, pivots: usize, n: i32, k: i32, begin: i32, end: i32,
): void {
  const row = <usize>k << 3;
  for (let t = begin; t < end; t++) {
    const own = b + <usize>t * <usize>n * row, a = factors + (<usize>t * <usize>(n * n) << 3);
    const p = pivots + (<usize>(t * n) << 2);
    for (let i = 0; i < n; i++) {
      const other = load<i32>(p + (<usize>i << 2));
      if (other != i) swap(own + <usize>i * row, own + <usize>other * row, k);
    }
    substitute(own, a, n, k, 0, 1);
    substitute(own, a, n, k, 1, 0);
  }
}

/**
 * x = L L^T: the lower triangle of x [batch, n, n] -> y [batch, n, n], zeros above the diagonal. `info` [batch] in int32 is
 * 0, or the order of the first leading minor that is not positive.
 */
export function cholesky(y: usize, info: usize, x: usize, n: i32, begin: i32, end: i32): void {
  const row = <usize>n << 3, bytes = <usize>n * row;
  for (let t = begin; t < end; t++) {
    const l = y + <usize>t * bytes, a = x + <usize>t * bytes;
    let failed = 0;
    for (let i = 0; i < n; i++) {
      const own = l + <usize>i * row;
      memory.copy(own, a + <usize>i * row, <usize>(i + 1) << 3);
      memory.fill(own + (<usize>(i + 1) << 3), 0, <usize>(n - i - 1) << 3);
      for (let j = 0; j < i; j++) {
        const other = l + <usize>j * row, at = own + (<usize>j << 3);
        store<f64>(at, (load<f64>(at) - dot(own, other, j)) / load<f64>(other + (<usize>j << 3)));
      }
      const at = own + (<usize>i << 3), square = load<f64>(at) - dot(own, own, i);
      if (!(square > 0) && failed == 0) failed = i + 1;
      store<f64>(at, NativeMath.sqrt(square));
    }
    store<i32>(info + (<usize>t << 2), failed);
  }
}

/**
 * x = Q R by Householder reflections, all transposed: x [batch, n, m] -> q [batch, columns, m], r [batch, n, columns], where
 * columns is min(m, n), or m for all of Q. x itself becomes working space.
 */
export function qr(q: usize, r: usize, x: usize, m: i32, n: i32, columns: i32, begin: i32, end: i32): void {
  const k = min(m, n), line = <usize>m << 3, rRow = <usize>columns << 3;
  for (let t = begin; t < end; t++) {
    const w = x + <usize>t * <usize>n * line, rt = r + <usize>t * <usize>n * rRow, qt = q + <usize>t * <usize>columns * line;
    memory.fill(rt, 0, <usize>n * rRow);
    for (let j = 0; j < n; j++) {
      const own = w + <usize>j * line, at = own + (<usize>j << 3), result = rt + <usize>j * rRow;
      memory.copy(result, own, <usize>min(j, k) << 3);
      if (j >= k) continue;
      const first = load<f64>(at), rest = dot(at + 8, at + 8, m - j - 1);
      // Below the diagonal are zeros: no reflection, and no change of sign.
      if (rest == 0) {
        store<f64>(result + (<usize>j << 3), first);
        store<f64>(at, 0);
        continue;
      }
      const norm = NativeMath.sqrt(first * first + rest), diagonal = first > 0 ? -norm : norm;
      store<f64>(result + (<usize>j << 3), diagonal);
      store<f64>(at, first - diagonal);
      // The vector is scaled so that the reflection is I - v v^T.
      scale(at, NativeMath.sqrt(2 / ((first - diagonal) * (first - diagonal) + rest)), m - j);
      for (let i = j + 1; i < n; i++) {
        const other = w + <usize>i * line + (<usize>j << 3);
        addScaled(other, at, -dot(at, other, m - j), m - j);
      }
    }
    memory.fill(qt, 0, <usize>columns * line);
    for (let c = 0; c < columns; c++) {
      const own = qt + <usize>c * line;
      store<f64>(own + (<usize>c << 3), 1);
      for (let j = min(c, k - 1); j >= 0; j--) {
        const v = w + <usize>j * line + (<usize>j << 3), part = own + (<usize>j << 3);
        addScaled(part, v, -dot(v, part, m - j), m - j);
      }
    }
  }
}
