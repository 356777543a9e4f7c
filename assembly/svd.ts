/**
 * Singular values and vectors by one-sided Jacobi rotations, in float64.
 *
 * @see Demmel and Veselic, "Jacobi's method is more accurate than QR" (1992)
 */
import { dot, rotate, swap } from "./rows_f64";

/** Sweeps after which it stops in any case; about ten are needed. */
const SWEEPS: i32 = 60;
/** Rows whose cosine is below this count as orthogonal. */
const ORTHOGONAL: f64 = 1e-15;

/** Rotates rows of w (and those of v with them) until all are orthogonal to each other. */
function orthogonalise(w: usize, v: usize, k: i32, m: i32): void {
  const wRow = <usize> m << 3, vRow = <usize> k << 3;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let done = true;
    for (let p = 0; p < k - 1; p++) {
      for (let q = p + 1; q < k; q++) {
        const a = w + <usize> p * wRow, b = w + <usize> q * wRow;
        const alpha = dot(a, a, m), beta = dot(b, b, m), gamma = dot(a, b, m);
        if (!(NativeMath.abs(gamma) > ORTHOGONAL * NativeMath.sqrt(alpha) * NativeMath.sqrt(beta))) {
          continue;
        }
        done = false;
        const zeta = (beta - alpha) / (2 * gamma), root = NativeMath.sqrt(1 + zeta * zeta);
        const t = 1 / (zeta >= 0 ? zeta + root : zeta - root);
        const c = 1 / NativeMath.sqrt(1 + t * t);
        rotate(a, b, m, c, c * t);
        rotate(v + <usize> p * vRow, v + <usize> q * vRow, k, c, c * t);
      }
    }
    if (done) return;
  }
}

/** Makes row i of w a unit vector orthogonal to all rows before it. */
function complete(w: usize, i: i32, m: i32): void {
  const row = <usize> m << 3, target = w + <usize> i * row;
  for (let axis = 0; axis < m; axis++) {
    memory.fill(target, 0, row);
    store<f64>(target + (<usize> axis << 3), 1);
    // Twice: once leaves what rounding brings back.
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const other = w + <usize> j * row, d = dot(target, other, m);
        for (let e: usize = 0; e < row; e += 8) {
          store<f64>(target + e, load<f64>(target + e) - d * load<f64>(other + e));
        }
      }
    }
    const size = NativeMath.sqrt(dot(target, target, m));
    // Some axis keeps at least 1 / sqrt(m) of its length.
    if (size * size * <f64> (2 * m) < 1) continue;
    for (let e: usize = 0; e < row; e += 8) store<f64>(target + e, load<f64>(target + e) / size);
    return;
  }
}

/**
 * x = v^T diag(s) u for matrices [begin, end) of x: [batch, k, m], k <= m -> u: [batch, k, m], s: [batch, k] in descending
 * order, v: [batch, k, k]; rows of u and of v are the singular vectors.
 */
export function svd(
  u: usize,
  s: usize,
  v: usize,
  x: usize,
  k: i32,
  m: i32,
  begin: i32,
  end: i32,
): void {
  const uBytes = <usize> (k * m) << 3, vBytes = <usize> (k * k) << 3;
  const uRow = <usize> m << 3, vRow = <usize> k << 3;
  for (let t = begin; t < end; t++) {
    const w = u + <usize> t * uBytes, turns = v + <usize> t * vBytes, values = s + <usize> t * vRow;
    memory.copy(w, x + <usize> t * uBytes, uBytes);
    memory.fill(turns, 0, vBytes);
    for (let i = 0; i < k; i++) store<f64>(turns + (<usize> (i * k + i) << 3), 1);
    orthogonalise(w, turns, k, m);
    for (let i = 0; i < k; i++) {
      const a = w + <usize> i * uRow;
      store<f64>(values + (<usize> i << 3), NativeMath.sqrt(dot(a, a, m)));
    }
    for (let i = 0; i < k - 1; i++) {
      let best = i;
      for (let j = i + 1; j < k; j++) {
        if (load<f64>(values + (<usize> j << 3)) > load<f64>(values + (<usize> best << 3))) best = j;
      }
      if (best == i) continue;
      swap(values + (<usize> i << 3), values + (<usize> best << 3), 1);
      swap(w + <usize> i * uRow, w + <usize> best * uRow, m);
      swap(turns + <usize> i * vRow, turns + <usize> best * vRow, k);
    }
    const least = load<f64>(values) * 1e-300;
    for (let i = 0; i < k; i++) {
      const value = load<f64>(values + (<usize> i << 3)), a = w + <usize> i * uRow;
      if (value > least || value != value) {
        for (let e: usize = 0; e < uRow; e += 8) store<f64>(a + e, load<f64>(a + e) / value);
      } else complete(w, i, m);
    }
  }
}
