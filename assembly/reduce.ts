/**
 * Reductions over the middle axis of x: [outer, n, inner] -> y: [outer, inner], for outer indexes [begin, end).
 */
import { sumLanes } from "./simd";

/** Rows summed in one go before they join the total: two levels keep the rounding error near sqrt(n). */
const BLOCK = 256;

/** The sum of n consecutive floats: 16 lanes, in blocks whose sums are added in float64. */
// @ts-ignore: decorator
@inline
function sumRow(x: usize, n: i32): f64 {
  let total: f64 = 0, p = x, left = n;
  while (left >= 16) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    const stop = max(left - 16 * BLOCK, 15);
    for (; left > stop; left -= 16, p += 64) {
      s0 = f32x4.add(s0, v128.load(p));
      s1 = f32x4.add(s1, v128.load(p, 16));
      s2 = f32x4.add(s2, v128.load(p, 32));
      s3 = f32x4.add(s3, v128.load(p, 48));
    }
    total += <f64> sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  }
  for (; left > 0; left--, p += 4) total += <f64> load<f32>(p);
  return total;
}

/** Sum. */
export function sum(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  const stride = <usize> inner << 2;
  for (let o = begin; o < end; o++) {
    const source = x + <usize> o * <usize> n * stride;
    let target = y + <usize> o * stride;
    if (inner == 1) {
      store<f32>(target, <f32> sumRow(source, n));
      continue;
    }
    let j = 0;
    for (; j + 4 <= inner; j += 4, target += 16) {
      let total = f32x4.splat(0), p = source + (<usize> j << 2);
      for (let i = 0; i < n;) {
        let s = f32x4.splat(0);
        for (const stop = min(i + BLOCK, n); i < stop; i++, p += stride) {
          s = f32x4.add(s, v128.load(p));
        }
        total = f32x4.add(total, s);
      }
      v128.store(target, total);
    }
    for (; j < inner; j++, target += 4) {
      let total: f64 = 0, p = source + (<usize> j << 2);
      for (let i = 0; i < n; i++, p += stride) total += <f64> load<f32>(p);
      store<f32>(target, <f32> total);
    }
  }
}

// @ts-ignore: decorator
@inline
function sumOf<T>(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  const stride = <usize> inner * sizeof<T>();
  for (let o = begin; o < end; o++) {
    for (let j = 0; j < inner; j++) {
      let total: T = 0, p = x + <usize> o * <usize> n * stride + <usize> j * sizeof<T>();
      for (let i = 0; i < n; i++, p += stride) total += load<T>(p);
      store<T>(y + <usize> o * stride + <usize> j * sizeof<T>(), total);
    }
  }
}

/** Sum in float64. */
export function sum_f64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  sumOf<f64>(y, x, n, inner, begin, end);
}

/** Sum in int64. */
export function sum_i64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  sumOf<i64>(y, x, n, inner, begin, end);
}
