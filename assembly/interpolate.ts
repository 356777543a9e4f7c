// deno-fmt-ignore-file: it deletes @inline before functions.
/**
 * Resampling along one axis: y[i] is a weighted sum of elements of x, whatever the mode of interpolation and whether
 * forward or back. Element i has the taps starts[i] <= k < starts[i + 1], of which k is weights[k] * x[places[k]];
 * `taps` holds the m + 1 starts, then the places, in int32.
 */
import { fma } from "./simd";

/** a * b + c in each lane. */
// @ts-ignore: decorator
@inline
function multiplyAdd<T>(a: v128, b: v128, c: v128): v128 {
  if (sizeof<T>() == 4) return fma(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** y = a p + b q for rows of `bytes` bytes, added to what is there if `into` is set. */
// @ts-ignore: decorator
@inline
function sumOfTwo<T>(y: usize, p: usize, q: usize, a: T, b: T, bytes: usize, into: bool): void {
  const end = y + bytes, va = v128.splat<T>(a), vb = v128.splat<T>(b);
  for (; y + 16 <= end; y += 16, p += 16, q += 16) {
    let v = v128.mul<T>(va, v128.load(p));
    if (into) v = v128.add<T>(v, v128.load(y));
    v128.store(y, multiplyAdd<T>(vb, v128.load(q), v));
  }
  for (; y < end; y += sizeof<T>(), p += sizeof<T>(), q += sizeof<T>()) {
    let v = a * load<T>(p);
    if (into) v += load<T>(y);
    store<T>(y, v + b * load<T>(q));
  }
}

/** y = a p, added to what is there if `into` is set. */
// @ts-ignore: decorator
@inline
function scaled<T>(y: usize, p: usize, a: T, bytes: usize, into: bool): void {
  const end = y + bytes, va = v128.splat<T>(a);
  for (; y + 16 <= end; y += 16, p += 16) {
    const v = v128.mul<T>(va, v128.load(p));
    v128.store(y, into ? v128.add<T>(v, v128.load(y)) : v);
  }
  for (; y < end; y += sizeof<T>(), p += sizeof<T>()) {
    const v = a * load<T>(p);
    store<T>(y, into ? v + load<T>(y) : v);
  }
}

// @ts-ignore: decorator
@inline
function rows<T>(
  y: usize, x: usize, taps: usize, weights: usize, n: i32, m: i32, inner: i32, begin: i32, end: i32,
): void {
  const bytes = <usize>inner * sizeof<T>(), places = taps + (<usize>(m + 1) << 2);
  let to = y + <usize>begin * bytes, i = begin % m, plane = x + <usize>(begin / m) * <usize>n * bytes;
  for (let row = begin; row < end; row++, to += bytes) {
    const last = load<i32>(taps + (<usize>i << 2), 4);
    let k = load<i32>(taps + (<usize>i << 2)), into = false;
    if (k == last) memory.fill(to, 0, bytes);
    for (; k + 1 < last; k += 2, into = true) {
      const at = places + (<usize>k << 2), w = weights + <usize>k * sizeof<T>();
      const p = plane + <usize>load<i32>(at) * bytes, q = plane + <usize>load<i32>(at, 4) * bytes;
      const a = load<T>(w), b = load<T>(w + sizeof<T>());
      if (into) sumOfTwo<T>(to, p, q, a, b, bytes, true);
      else sumOfTwo<T>(to, p, q, a, b, bytes, false);
    }
    if (k < last) {
      const p = plane + <usize>load<i32>(places + (<usize>k << 2)) * bytes, a = load<T>(weights + <usize>k * sizeof<T>());
      if (into) scaled<T>(to, p, a, bytes, true);
      else if (a == 1) memory.copy(to, p, bytes);
      else scaled<T>(to, p, a, bytes, false);
    }
    if (++i == m) i = 0, plane += <usize>n * bytes;
  }
}

/** The rows [begin, end) of y [outer * m, inner] from x [outer, n, inner]. */
export function interpolate(
  y: usize, x: usize, taps: usize, weights: usize, n: i32, m: i32, inner: i32, begin: i32, end: i32,
): void {
  rows<f32>(y, x, taps, weights, n, m, inner, begin, end);
}

/** The same in float64. */
export function interpolate_f64(
  y: usize, x: usize, taps: usize, weights: usize, n: i32, m: i32, inner: i32, begin: i32, end: i32,
): void {
  rows<f64>(y, x, taps, weights, n, m, inner, begin, end);
}

/**
 * A vector holds one column of several rows, so each tap is read once for all of them. Rows beyond the last one stand in
 * for it, so that a row's sums do not depend on which rows are beside it.
 */
// @ts-ignore: decorator
@inline
function columns<T>(
  y: usize, x: usize, taps: usize, weights: usize, n: i32, m: i32, begin: i32, end: i32,
): void {
  const lanes = <i32>(16 / sizeof<T>()), places = taps + (<usize>(m + 1) << 2);
  const xRow = <usize>n * sizeof<T>(), yRow = <usize>m * sizeof<T>();
  for (let row = begin; row < end; row += lanes) {
    const r1 = min(row + 1, end - 1), r2 = min(row + 2, end - 1), r3 = min(row + 3, end - 1);
    const x0 = x + <usize>row * xRow, x1 = x + <usize>r1 * xRow, x2 = x + <usize>r2 * xRow, x3 = x + <usize>r3 * xRow;
    let y0 = y + <usize>row * yRow, y1 = y + <usize>r1 * yRow, y2 = y + <usize>r2 * yRow, y3 = y + <usize>r3 * yRow;
    let at = places, w = weights;
    for (let i = 0; i < m; i++) {
      const last = places + (<usize>load<i32>(taps + (<usize>i << 2), 4) << 2);
      let sum = i32x4.splat(0);
      for (let into = false; at < last; at += 4, w += sizeof<T>(), into = true) {
        const place = <usize>load<i32>(at) * sizeof<T>(), weight = v128.splat<T>(load<T>(w));
        let v = v128.load_zero<T>(x0 + place);
        v = v128.load_lane<T>(x1 + place, v, 1);
        if (sizeof<T>() == 4) {
          v = v128.load_lane<T>(x2 + place, v, 2);
          v = v128.load_lane<T>(x3 + place, v, 3);
        }
        // The first product is not added to 0, which would turn -0 into 0.
        sum = into ? multiplyAdd<T>(weight, v, sum) : v128.mul<T>(weight, v);
      }
      v128.store_lane<T>(y0, sum, 0);
      v128.store_lane<T>(y1, sum, 1);
      y0 += sizeof<T>(), y1 += sizeof<T>();
      if (sizeof<T>() == 4) {
        v128.store_lane<T>(y2, sum, 2);
        v128.store_lane<T>(y3, sum, 3);
        y2 += sizeof<T>(), y3 += sizeof<T>();
      }
    }
  }
}

/** The rows [begin, end) of y [outer, m] from x [outer, n]. */
export function interpolate_last(
  y: usize, x: usize, taps: usize, weights: usize, n: i32, m: i32, begin: i32, end: i32,
): void {
  columns<f32>(y, x, taps, weights, n, m, begin, end);
}

/** The same in float64. */
export function interpolate_last_f64(
  y: usize, x: usize, taps: usize, weights: usize, n: i32, m: i32, begin: i32, end: i32,
): void {
  columns<f64>(y, x, taps, weights, n, m, begin, end);
}
