/**
 * What the kernels of normalisation share (normalize.ts, batch_norm.ts): sums along rows and over rows, and the last step
 * of results and gradients. weight and bias are 0 where there are none.
 *
 * Sums go in two levels: blocks of vectors, then float64 (along a row) or blocks of rows (over rows).
 */
import { loadLanes, storeLanes } from "./lanes";

/** Vectors, or rows, summed in one go. */
export const BLOCK = 64;
/** Rows summed in one go where several columns are: few enough for the hardware's prefetching (see reduce.ts). */
const ROWS = 16;

/** The sum of the lanes. */
// @ts-ignore: decorator
@inline
export function lanes<T>(v: v128): f64 {
  if (sizeof<T>() == 4) {
    return (
      (<f64> v128.extract_lane<T>(v, 0) + <f64> v128.extract_lane<T>(v, 1)) +
      (<f64> v128.extract_lane<T>(v, 2) + <f64> v128.extract_lane<T>(v, 3))
    );
  }
  return <f64> v128.extract_lane<T>(v, 0) + <f64> v128.extract_lane<T>(v, 1);
}

// @ts-ignore: decorator
@inline
export function term<T>(squares: bool, v: v128, mean: v128): v128 {
  if (!squares) return v;
  const d = v128.sub<T>(v, mean);
  return v128.mul<T>(d, d);
}

/** The sum of n consecutive elements, or of their squared differences from the mean. */
// @ts-ignore: decorator
@inline
export function sumOf<T>(squares: bool, x: usize, n: i32, mean: v128): f64 {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>()), rest = squares ? mean : zero;
  let total: f64 = 0, p = x, left = n;
  while (left >= 4 * width) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    const stop = max(left - 4 * width * BLOCK, 4 * width - 1);
    for (; left > stop; left -= 4 * width, p += 64) {
      s0 = v128.add<T>(s0, term<T>(squares, v128.load(p), mean));
      s1 = v128.add<T>(s1, term<T>(squares, v128.load(p, 16), mean));
      s2 = v128.add<T>(s2, term<T>(squares, v128.load(p, 32), mean));
      s3 = v128.add<T>(s3, term<T>(squares, v128.load(p, 48), mean));
    }
    total += lanes<T>(v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3)));
  }
  let s = zero;
  for (; left > 0; left -= width, p += 16) {
    s = v128.add<T>(s, term<T>(squares, loadLanes<T>(p, left, rest), mean));
  }
  return total + lanes<T>(s);
}

/** The vector of gradients at dy, times that of weights at w if `weighted`. */
// @ts-ignore: decorator
@inline
function slope<T>(dy: usize, w: usize, weighted: bool): v128 {
  const g = v128.load(dy);
  return weighted ? v128.mul<T>(g, v128.load(w)) : g;
}

/** [sum of g, sum of g * (x - mean)] of n consecutive elements in float64; g is dy, times the weights at w unless w is 0. */
// @ts-ignore: decorator
@inline
export function gradSums<T>(dy: usize, x: usize, w: usize, n: i32, mean: v128): v128 {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>()), weighted = w != 0;
  let a: f64 = 0, b: f64 = 0, p: usize = 0, left = n;
  while (left >= 4 * width) {
    let s0 = zero, s1 = zero, t0 = zero, t1 = zero;
    const stop = max(left - 4 * width * BLOCK, 4 * width - 1);
    for (; left > stop; left -= 4 * width, p += 64) {
      const q = dy + p, f = x + p;
      let g0 = v128.load(q), g1 = v128.load(q, 16), g2 = v128.load(q, 32), g3 = v128.load(q, 48);
      if (weighted) {
        const at = w + p;
        g0 = v128.mul<T>(g0, v128.load(at));
        g1 = v128.mul<T>(g1, v128.load(at, 16));
        g2 = v128.mul<T>(g2, v128.load(at, 32));
        g3 = v128.mul<T>(g3, v128.load(at, 48));
      }
      s0 = v128.add<T>(s0, v128.add<T>(g0, g2));
      s1 = v128.add<T>(s1, v128.add<T>(g1, g3));
      t0 = v128.add<T>(t0, v128.mul<T>(g0, v128.sub<T>(v128.load(f), mean)));
      t1 = v128.add<T>(t1, v128.mul<T>(g1, v128.sub<T>(v128.load(f, 16), mean)));
      t0 = v128.add<T>(t0, v128.mul<T>(g2, v128.sub<T>(v128.load(f, 32), mean)));
      t1 = v128.add<T>(t1, v128.mul<T>(g3, v128.sub<T>(v128.load(f, 48), mean)));
    }
    a += lanes<T>(v128.add<T>(s0, s1));
    b += lanes<T>(v128.add<T>(t0, t1));
  }
  let s = zero, t = zero;
  for (; left > 0; left -= width, p += 16) {
    let g = loadLanes<T>(dy + p, left, zero);
    if (weighted) g = v128.mul<T>(g, loadLanes<T>(w + p, left, zero));
    s = v128.add<T>(s, g);
    t = v128.add<T>(t, v128.mul<T>(g, v128.sub<T>(loadLanes<T>(x + p, left, mean), mean)));
  }
  a += lanes<T>(s);
  b += lanes<T>(t);
  return f64x2.replace_lane(f64x2.splat(a), 1, b);
}

/** y = (x - mean) * scale + shift for n consecutive elements; times and plus those at w and b unless they are 0. */
// @ts-ignore: decorator
@inline
export function apply<T>(
  y: usize,
  x: usize,
  w: usize,
  b: usize,
  n: i32,
  mean: v128,
  scale: v128,
  shift: v128,
): void {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>());
  let left = n, p: usize = 0;
  for (; left >= 4 * width; left -= 4 * width, p += 64) {
    const q = x + p, r = y + p;
    let v0 = v128.mul<T>(v128.sub<T>(v128.load(q), mean), scale),
      v1 = v128.mul<T>(v128.sub<T>(v128.load(q, 16), mean), scale),
      v2 = v128.mul<T>(v128.sub<T>(v128.load(q, 32), mean), scale),
      v3 = v128.mul<T>(v128.sub<T>(v128.load(q, 48), mean), scale);
    if (w) {
      const at = w + p;
      v0 = v128.mul<T>(v0, v128.load(at));
      v1 = v128.mul<T>(v1, v128.load(at, 16));
      v2 = v128.mul<T>(v2, v128.load(at, 32));
      v3 = v128.mul<T>(v3, v128.load(at, 48));
    }
    let b0 = shift, b1 = shift, b2 = shift, b3 = shift;
    if (b) {
      const at = b + p;
      b0 = v128.load(at);
      b1 = v128.load(at, 16);
      b2 = v128.load(at, 32);
      b3 = v128.load(at, 48);
    }
    v128.store(r, v128.add<T>(v0, b0));
    v128.store(r, v128.add<T>(v1, b1), 16);
    v128.store(r, v128.add<T>(v2, b2), 32);
    v128.store(r, v128.add<T>(v3, b3), 48);
  }
  for (; left >= width; left -= width, p += 16) {
    let v = v128.mul<T>(v128.sub<T>(v128.load(x + p), mean), scale);
    if (w) v = v128.mul<T>(v, v128.load(w + p));
    v128.store(y + p, v128.add<T>(v, b ? v128.load(b + p) : shift));
  }
  if (left == 0) return;
  let v = v128.mul<T>(v128.sub<T>(loadLanes<T>(x + p, left, zero), mean), scale);
  if (w) v = v128.mul<T>(v, loadLanes<T>(w + p, left, zero));
  storeLanes<T>(y + p, v128.add<T>(v, b ? loadLanes<T>(b + p, left, zero) : shift), left);
}

/** dx = g * scale - (x - mean) * along - shift for n consecutive elements. */
// @ts-ignore: decorator
@inline
export function applyGrad<T>(
  dx: usize,
  dy: usize,
  x: usize,
  w: usize,
  n: i32,
  mean: v128,
  scale: v128,
  along: v128,
  shift: v128,
): void {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>()), weighted = w != 0;
  let left = n, p: usize = 0;
  for (; left >= 4 * width; left -= 4 * width, p += 64) {
    const q = dy + p, f = x + p, r = dx + p;
    let g0 = v128.load(q), g1 = v128.load(q, 16), g2 = v128.load(q, 32), g3 = v128.load(q, 48);
    if (weighted) {
      const at = w + p;
      g0 = v128.mul<T>(g0, v128.load(at));
      g1 = v128.mul<T>(g1, v128.load(at, 16));
      g2 = v128.mul<T>(g2, v128.load(at, 32));
      g3 = v128.mul<T>(g3, v128.load(at, 48));
    }
    v128.store(r, gradOf<T>(g0, v128.load(f), mean, scale, along, shift));
    v128.store(r, gradOf<T>(g1, v128.load(f, 16), mean, scale, along, shift), 16);
    v128.store(r, gradOf<T>(g2, v128.load(f, 32), mean, scale, along, shift), 32);
    v128.store(r, gradOf<T>(g3, v128.load(f, 48), mean, scale, along, shift), 48);
  }
  for (; left >= width; left -= width, p += 16) {
    const g = slope<T>(dy + p, w + p, weighted);
    v128.store(dx + p, gradOf<T>(g, v128.load(x + p), mean, scale, along, shift));
  }
  if (left == 0) return;
  let g = loadLanes<T>(dy + p, left, zero);
  if (weighted) g = v128.mul<T>(g, loadLanes<T>(w + p, left, zero));
  const v = gradOf<T>(g, loadLanes<T>(x + p, left, zero), mean, scale, along, shift);
  storeLanes<T>(dx + p, v, left);
}

// @ts-ignore: decorator
@inline
function gradOf<T>(g: v128, x: v128, mean: v128, scale: v128, along: v128, shift: v128): v128 {
  const d = v128.sub<T>(x, mean);
  return v128.sub<T>(v128.mul<T>(g, scale), v128.add<T>(v128.mul<T>(d, along), shift));
}

/** The element i at p, or `missing` if p is 0. */
// @ts-ignore: decorator
@inline
export function at<T>(p: usize, i: i32, missing: f64): f64 {
  return p ? <f64> load<T>(p + <usize> i * sizeof<T>()) : missing;
}

// @ts-ignore: decorator
@inline
export function put<T>(p: usize, i: i32, value: f64): void {
  store<T>(p + <usize> i * sizeof<T>(), <T> value);
}

/** Where element i of the tensor at p is; 0 if there is none. */
// @ts-ignore: decorator
@inline
export function place<T>(p: usize, i: i32): usize {
  return p ? p + <usize> i * sizeof<T>() : 0;
}

/** (x - mean) * rstd, with the statistics at m and r, or those given. */
// @ts-ignore: decorator
@inline
function standard<T>(own: bool, x: v128, m: usize, r: usize, mean: v128, rstd: v128): v128 {
  return own
    ? v128.mul<T>(v128.sub<T>(x, v128.load(m)), v128.load(r))
    : v128.mul<T>(v128.sub<T>(x, mean), rstd);
}

/** Adds four vectors to those at p. */
// @ts-ignore: decorator
@inline
function addTo<T>(p: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  v128.store(p, v128.add<T>(v128.load(p), v0));
  v128.store(p, v128.add<T>(v128.load(p, 16), v1), 16);
  v128.store(p, v128.add<T>(v128.load(p, 32), v2), 32);
  v128.store(p, v128.add<T>(v128.load(p, 48), v3), 48);
}

/**
 * dBias and dWeight of the columns [begin, end) of x: [rows, columns], by blocks of rows. Row i has the statistics
 * stats[i * groups], or every column c its own, stats[c], if groups is 0; rstd follow after `count` means.
 */
// @ts-ignore: decorator
@inline
export function columnGrads<T>(
  dWeight: usize,
  dBias: usize,
  dy: usize,
  x: usize,
  stats: usize,
  count: i32,
  groups: i32,
  rows: i32,
  columns: i32,
  begin: i32,
  end: i32,
): void {
  const zero = i64x2.splat(0), width = <i32> (16 / sizeof<T>());
  const stride = <usize> columns * sizeof<T>(), rstds = stats + <usize> count * sizeof<T>();
  memory.fill(dWeight + <usize> begin * sizeof<T>(), 0, <usize> (end - begin) * sizeof<T>());
  memory.fill(dBias + <usize> begin * sizeof<T>(), 0, <usize> (end - begin) * sizeof<T>());
  for (let block = 0; block < rows; block += ROWS) {
    const stop = min(block + ROWS, rows);
    let c = begin;
    // 64 bytes of each row at a time.
    for (; c + 4 * width <= end; c += 4 * width) {
      const column = <usize> c * sizeof<T>(), m = stats + column, r = rstds + column;
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero, t0 = zero, t1 = zero, t2 = zero, t3 = zero;
      let mean = zero, rstd = zero;
      for (let i = block, p = <usize> block * stride + column; i < stop; i++, p += stride) {
        if (groups) {
          mean = v128.splat<T>(load<T>(stats + <usize> (i * groups) * sizeof<T>()));
          rstd = v128.splat<T>(load<T>(rstds + <usize> (i * groups) * sizeof<T>()));
        }
        const own = groups == 0, g = dy + p, q = x + p;
        const g0 = v128.load(g), g1 = v128.load(g, 16), g2 = v128.load(g, 32), g3 = v128.load(g, 48);
        s0 = v128.add<T>(s0, g0);
        s1 = v128.add<T>(s1, g1);
        s2 = v128.add<T>(s2, g2);
        s3 = v128.add<T>(s3, g3);
        t0 = v128.add<T>(t0, v128.mul<T>(g0, standard<T>(own, v128.load(q), m, r, mean, rstd)));
        t1 = v128.add<T>(t1, v128.mul<T>(g1, standard<T>(own, v128.load(q, 16), m + 16, r + 16, mean, rstd)));
        t2 = v128.add<T>(t2, v128.mul<T>(g2, standard<T>(own, v128.load(q, 32), m + 32, r + 32, mean, rstd)));
        t3 = v128.add<T>(t3, v128.mul<T>(g3, standard<T>(own, v128.load(q, 48), m + 48, r + 48, mean, rstd)));
      }
      addTo<T>(dBias + column, s0, s1, s2, s3);
      addTo<T>(dWeight + column, t0, t1, t2, t3);
    }
    for (; c < end; c += width) {
      const column = <usize> c * sizeof<T>(), left = end - c;
      let mean = zero, rstd = zero, s = zero, t = zero;
      if (!groups) {
        mean = loadLanes<T>(stats + column, left, zero);
        rstd = loadLanes<T>(rstds + column, left, zero);
      }
      for (let i = block, p = <usize> block * stride + column; i < stop; i++, p += stride) {
        if (groups) {
          mean = v128.splat<T>(load<T>(stats + <usize> (i * groups) * sizeof<T>()));
          rstd = v128.splat<T>(load<T>(rstds + <usize> (i * groups) * sizeof<T>()));
        }
        const g = loadLanes<T>(dy + p, left, zero);
        const d = v128.mul<T>(v128.sub<T>(loadLanes<T>(x + p, left, zero), mean), rstd);
        s = v128.add<T>(s, g);
        t = v128.add<T>(t, v128.mul<T>(g, d));
      }
      const bias = dBias + column, weight = dWeight + column;
      storeLanes<T>(bias, v128.add<T>(s, loadLanes<T>(bias, left, zero)), left);
      storeLanes<T>(weight, v128.add<T>(t, loadLanes<T>(weight, left, zero)), left);
    }
  }
}
