/**
 * Eigenvalues and eigenvectors of symmetric matrices by Jacobi rotations, in float64.
 *
 * @see Golub and Van Loan, "Matrix Computations" (4th edition), section 8.5
 */

/** Sweeps after which it stops in any case; about eight are needed. */
const SWEEPS: i32 = 60;

/** Elements p and q of two rows, `step` bytes from one to the next: p = c p - s q, q = s p + c q. */
// @ts-ignore: decorator
@inline
function rotate(p: usize, q: usize, step: usize, n: i32, c: f64, s: f64): void {
  for (let i = 0; i < n; i++, p += step, q += step) {
    const a = load<f64>(p), b = load<f64>(q);
    store<f64>(p, c * a - s * b);
    store<f64>(q, s * a + c * b);
  }
}

/** Rotates the symmetric a [n, n] until it is diagonal, and the rows of v with it. */
function diagonalise(a: usize, v: usize, n: i32): void {
  const row = <usize> n << 3;
  let most: f64 = 0;
  for (let at = a, end = a + <usize> n * row; at < end; at += 8) most = max(most, NativeMath.abs(load<f64>(at)));
  // Elements this small move eigenvalues by less than rounding does.
  const least = most * 1e-17;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let done = true;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const pRow = a + <usize> p * row, qRow = a + <usize> q * row;
        const at = pRow + (<usize> q << 3), apq = load<f64>(at);
        const app = load<f64>(pRow + (<usize> p << 3)), aqq = load<f64>(qRow + (<usize> q << 3));
        if (!(NativeMath.abs(apq) > least)) continue;
        done = false;
        const theta = (aqq - app) / (2 * apq);
        const root = NativeMath.sqrt(1 + theta * theta);
        const t = 1 / (theta >= 0 ? theta + root : theta - root);
        const c = 1 / NativeMath.sqrt(1 + t * t), s = c * t;
        rotate(pRow, qRow, 8, n, c, s);
        rotate(a + (<usize> p << 3), a + (<usize> q << 3), row, n, c, s);
        rotate(v + <usize> p * row, v + <usize> q * row, 8, n, c, s);
      }
    }
    if (done) return;
  }
}

/**
 * x = v^T diag(values) v: the lower triangles of x [batch, n, n] -> values [batch, n], ascending, v [batch, n, n], whose
 * rows are the eigenvectors. `work` [batch, n, n] is working space.
 */
export function eigh(
  values: usize,
  vectors: usize,
  work: usize,
  x: usize,
  n: i32,
  begin: i32,
  end: i32,
): void {
  const row = <usize> n << 3, bytes = <usize> n * row;
  for (let t = begin; t < end; t++) {
    const a = work + <usize> t * bytes, v = vectors + <usize> t * bytes, from = x + <usize> t * bytes;
    const s = values + <usize> t * row;
    memory.fill(v, 0, bytes);
    for (let i = 0; i < n; i++) {
      store<f64>(v + <usize> i * row + (<usize> i << 3), 1);
      for (let j = 0; j < n; j++) {
        const read = <usize> max(i, j) * row + (<usize> min(i, j) << 3);
        store<f64>(a + <usize> i * row + (<usize> j << 3), load<f64>(from + read));
      }
    }
    diagonalise(a, v, n);
    for (let i = 0; i < n; i++) store<f64>(s + (<usize> i << 3), load<f64>(a + <usize> i * row + (<usize> i << 3)));
    for (let i = 0; i < n - 1; i++) {
      let least = i;
      for (let j = i + 1; j < n; j++) {
        if (load<f64>(s + (<usize> j << 3)) < load<f64>(s + (<usize> least << 3))) least = j;
      }
      if (least == i) continue;
      const a = load<f64>(s + (<usize> i << 3));
      store<f64>(s + (<usize> i << 3), load<f64>(s + (<usize> least << 3)));
      store<f64>(s + (<usize> least << 3), a);
      // A rotation by a quarter turn swaps two rows, one of them with its sign turned: an eigenvector as good as before.
      rotate(v + <usize> i * row, v + <usize> least * row, 8, n, 0, 1);
    }
  }
}
