// deno-fmt-ignore-file: it would break short lines.
/**
 * Eigenvalues and eigenvectors of symmetric matrices in float64: Householder reflections to a tridiagonal matrix, and QL
 * steps with implicit shifts until that is diagonal.
 *
 * @see Golub and Van Loan, "Matrix Computations" (4th edition), algorithms 8.3.1 and 8.3.3
 */
import { addScaled, dot, rotate, scale, swap } from "./rows_f64";

/** Steps for one eigenvalue after which it is left as it is; about two are needed. */
const STEPS: i32 = 60;
/** The precision of float64. */
const EPSILON: f64 = 2.220446049250313e-16;

/** Element i of a row. */
// @ts-ignore: decorator
@inline
function get(p: usize, i: i32): f64 {
  return load<f64>(p + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
function put(p: usize, i: i32, value: f64): void {
  store<f64>(p + (<usize>i << 3), value);
}

/**
 * a = Q T Q^T: writes T's diagonal to d, its other diagonal to the diagonal of a, and in row j of a, from element j + 1, a
 * vector v of the reflections I - v v^T that Q is the product of. `w` is a row of working space.
 */
function tridiagonalise(d: usize, a: usize, w: usize, n: i32): void {
  const row = <usize>n << 3;
  for (let j = 0; j < n; j++) {
    const own = a + <usize>j * row, size = n - j - 1, v = own + (<usize>(j + 1) << 3);
    put(d, j, get(own, j));
    put(own, j, size > 0 ? load<f64>(v) : 0);
    if (size < 2) continue;
    const first = load<f64>(v), rest = dot(v + 8, v + 8, size - 1);
    if (rest == 0) {
      memory.fill(v, 0, <usize>size << 3);
      continue;
    }
    const norm = NativeMath.sqrt(first * first + rest), element = first > 0 ? -norm : norm;
    put(own, j, element);
    store<f64>(v, first - element);
    scale(v, NativeMath.sqrt(2 / ((first - element) * (first - element) + rest)), size);
    // With w = A v - (v . A v) v / 2 the rest becomes A - v w^T - w v^T.
    for (let i = 0; i < size; i++) put(w, i, dot(v + <usize>(i + 1) * row, v, size));
    addScaled(w, v, -0.5 * dot(v, w, size), size);
    for (let i = 0; i < size; i++) {
      const other = v + <usize>(i + 1) * row;
      addScaled(other, w, -get(v, i), size);
      addScaled(other, v, -get(w, i), size);
    }
  }
}

/** Writes Q^T to q, from the vectors of the reflections. */
function reflect(q: usize, a: usize, n: i32): void {
  const row = <usize>n << 3;
  memory.fill(q, 0, <usize>n * row);
  for (let c = 0; c < n; c++) {
    const own = q + <usize>c * row;
    put(own, c, 1);
    for (let j = min(c - 1, n - 3); j >= 0; j--) {
      const v = a + <usize>j * row + (<usize>(j + 1) << 3), part = own + (<usize>(j + 1) << 3);
      addScaled(part, v, -dot(v, part, n - j - 1), n - j - 1);
    }
  }
}

/** Makes the tridiagonal matrix of diagonals d and e diagonal, and turns the rows of q with it. */
function diagonalise(d: usize, e: usize, q: usize, n: i32): void {
  const row = <usize>n << 3;
  for (let l = 0; l < n; l++) {
    for (let step = 0; step < STEPS; step++) {
      // The block from l to m has no zero beside its diagonal.
      let m = l;
      for (; m < n - 1; m++) {
        if (NativeMath.abs(get(e, m)) <= EPSILON * (NativeMath.abs(get(d, m)) + NativeMath.abs(get(d, m + 1)))) break;
      }
      if (m == l) break;
      // The eigenvalue of the block's first 2 x 2 part that is nearer to its corner, as Wilkinson's shift.
      const half = (get(d, l + 1) - get(d, l)) / (2 * get(e, l)), root = NativeMath.sqrt(half * half + 1);
      let g = get(d, m) - get(d, l) + get(e, l) / (half + (half < 0 ? -root : root));
      let s: f64 = 1, c: f64 = 1, shift: f64 = 0, i = m - 1;
      for (; i >= l; i--) {
        const f = s * get(e, i), b = c * get(e, i), r = NativeMath.sqrt(f * f + g * g);
        put(e, i + 1, r);
        if (r == 0) {
          put(d, i + 1, get(d, i + 1) - shift);
          put(e, m, 0);
          break;
        }
        s = f / r, c = g / r;
        g = get(d, i + 1) - shift;
        const t = (get(d, i) - g) * s + 2 * c * b;
        shift = s * t;
        put(d, i + 1, g + shift);
        g = c * t - b;
        rotate(q + <usize>i * row, q + <usize>(i + 1) * row, n, c, s);
      }
      if (i >= l) continue;
      put(d, l, get(d, l) - shift);
      put(e, l, g);
      put(e, m, 0);
    }
  }
}

/**
 * x = v^T diag(values) v: the lower triangles of x [batch, n, n] -> values [batch, n], ascending, v [batch, n, n], whose
 * rows are the eigenvectors. `work` [batch, n, n] is working space. What is not finite gives NaN.
 */
export function eigh(
  values: usize, vectors: usize, work: usize, x: usize, n: i32, begin: i32, end: i32,
): void {
  const row = <usize>n << 3, bytes = <usize>n * row;
  for (let t = begin; t < end; t++) {
    const d = values + <usize>t * row, q = vectors + <usize>t * bytes, a = work + <usize>t * bytes;
    const from = x + <usize>t * bytes;
    let most: f64 = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) most = max(most, NativeMath.abs(get(from + <usize>i * row, j)));
    }
    // NaN, or infinite: no step would end.
    if (!(most < Infinity)) {
      for (let i = 0; i < n; i++) put(d, i, NaN);
      for (let at: usize = 0; at < bytes; at += 8) store<f64>(q + at, NaN);
      continue;
    }
    // Scaled, so that squares neither overflow nor vanish.
    const size = most > 0 ? most : 1;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const value = get(from + <usize>i * row, j) / size;
        put(a + <usize>i * row, j, value);
        put(a + <usize>j * row, i, value);
      }
    }
    tridiagonalise(d, a, q, n);
    reflect(q, a, n);
    for (let i = 0; i < n; i++) put(a, i, get(a + <usize>i * row, i));
    diagonalise(d, a, q, n);
    scale(d, size, n);
    for (let i = 0; i < n - 1; i++) {
      let least = i;
      for (let j = i + 1; j < n; j++) {
        if (get(d, j) < get(d, least)) least = j;
      }
      if (least == i) continue;
      swap(d + (<usize>i << 3), d + (<usize>least << 3), 1);
      swap(q + <usize>i * row, q + <usize>least * row, n);
    }
  }
}
