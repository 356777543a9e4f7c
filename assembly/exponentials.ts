/**
 * Maxima and sums of exponentials of float32 slices, for softmax and its like.
 */
import { loadLanes, storeLanes } from "./lanes";
import { constant, expOfRemainder, expRemainder, expShifted } from "./math";
import { sumLanes } from "./simd";

/** Vectors summed in one go before they join the total. */
export const BLOCK = 256;

/** Lanes that take no part in a maximum or in a sum of exponentials. */
export const lowest = memory.data<f32>([-Infinity, -Infinity, -Infinity, -Infinity], 16);

const LOWEST_NORMAL = memory.data<f32>([-87], 4);
const ONE = memory.data<f32>([1], 4);

/**
 * exp(x) for x up to 88, but 0 where that is below the normal numbers: masked elements are common, and an exponential that
 * underflows takes 100 times as long as one that does not.
 */
// @ts-ignore: decorator
@inline
export function expFlushed(x: v128): v128 {
  const limit = constant(LOWEST_NORMAL), z = f32x4.pmax(x, limit), shifted = expShifted(z);
  // 2^n at once: it is a normal number.
  const power = i32x4.add(i32x4.shl(shifted, 23), constant(ONE));
  return v128.andnot(f32x4.mul(expOfRemainder(expRemainder(z, shifted)), power), f32x4.lt(x, limit));
}

/**
 * The maximum of n consecutive floats, in all lanes. One that is not a number may be left out: it makes the sum of the exponentials
 * one that is not a number either.
 */
// @ts-ignore: decorator
@inline
export function maxRow(x: usize, n: i32): v128 {
  let m0 = v128.load(lowest), m1 = m0, p = x, left = n;
  for (; left >= 8; left -= 8, p += 32) {
    m0 = f32x4.pmax(m0, v128.load(p));
    m1 = f32x4.pmax(m1, v128.load(p, 16));
  }
  m0 = f32x4.pmax(m0, m1);
  for (; left > 0; left -= 4, p += 16) {
    m0 = f32x4.pmax(m0, loadLanes<f32>(p, left, v128.load(lowest)));
  }
  m0 = f32x4.pmax(m0, i32x4.shuffle(m0, m0, 2, 3, 0, 1));
  return f32x4.pmax(m0, i32x4.shuffle(m0, m0, 1, 0, 3, 2));
}

/** The maximum of each of `count` neighbouring columns; those that are not numbers may be left out. */
// @ts-ignore: decorator
@inline
export function maxColumns(x: usize, length: usize, stride: usize, count: i32): v128 {
  let m = v128.load(lowest);
  for (let p: usize = 0; p < length; p += stride) {
    m = f32x4.pmax(m, loadLanes<f32>(x + p, count, m));
  }
  return m;
}

/** The sum of exp(x - m) over n consecutive floats; the exponentials go to y unless that is 0. */
// @ts-ignore: decorator
@inline
export function exponentials(x: usize, y: usize, n: i32, m: v128): f64 {
  let total: f64 = 0, left = n, p: usize = 0;
  while (left >= 8) {
    // Two vectors at a time: one waits for the results of its own operations.
    let s0 = f32x4.splat(0), s1 = s0;
    const stop = max(left - 8 * BLOCK, 7);
    for (; left > stop; left -= 8, p += 32) {
      const e0 = expFlushed(f32x4.sub(v128.load(x + p), m));
      const e1 = expFlushed(f32x4.sub(v128.load(x + p, 16), m));
      if (y) {
        v128.store(y + p, e0);
        v128.store(y + p, e1, 16);
      }
      s0 = f32x4.add(s0, e0);
      s1 = f32x4.add(s1, e1);
    }
    total += <f64> sumLanes(f32x4.add(s0, s1));
  }
  for (; left > 0; left -= 4, p += 16) {
    const e = expFlushed(f32x4.sub(loadLanes<f32>(x + p, left, v128.load(lowest)), m));
    if (y) storeLanes<f32>(y + p, e, left);
    total += <f64> sumLanes(e);
  }
  return total;
}

/** The same for each of `count` neighbouring columns. */
// @ts-ignore: decorator
@inline
export function exponentialsOfColumns(
  x: usize,
  y: usize,
  length: usize,
  stride: usize,
  count: i32,
  m: v128,
): v128 {
  const zero = f32x4.splat(0);
  let total = zero;
  for (let p: usize = 0; p < length;) {
    let s = zero;
    for (const stop = min(p + <usize> BLOCK * stride, length); p < stop; p += stride) {
      const e = expFlushed(f32x4.sub(loadLanes<f32>(x + p, count, zero), m));
      if (y) storeLanes<f32>(y + p, e, count);
      s = f32x4.add(s, e);
    }
    total = f32x4.add(total, s);
  }
  return total;
}
