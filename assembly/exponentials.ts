/**
 * Maxima and sums of exponentials of float32 slices, for softmax and its like.
 */
import { loadLanes, storeLanes } from "./lanes";
import { expFlushed } from "./math";
import { sumLanes } from "./simd";

/** Vectors summed in one go before they join the total. */
export const BLOCK = 256;

/** Lanes that take no part in a maximum or in a sum of exponentials. */
export const lowest = memory.data<f32>([-Infinity, -Infinity, -Infinity, -Infinity], 16);

/**
 * The maximum of n consecutive floats, in all lanes. One that is not a number may be left out: it makes the sum of the exponentials
 * one that is not a number either.
 */
// @ts-ignore: decorator
@inline
export function maxRow(x: usize, n: i32): v128 {
  let m0 = v128.load(lowest), m1 = m0, m2 = m0, m3 = m0, p = x, left = n;
  for (; left >= 16; left -= 16, p += 64) {
    m0 = f32x4.pmax(m0, v128.load(p));
    m1 = f32x4.pmax(m1, v128.load(p, 16));
    m2 = f32x4.pmax(m2, v128.load(p, 32));
    m3 = f32x4.pmax(m3, v128.load(p, 48));
  }
  m0 = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3));
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
  while (left >= 16) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    const stop = max(left - 16 * BLOCK, 15);
    for (; left > stop; left -= 16, p += 64) {
      const e0 = expFlushed(f32x4.sub(v128.load(x + p), m));
      const e1 = expFlushed(f32x4.sub(v128.load(x + p, 16), m));
      const e2 = expFlushed(f32x4.sub(v128.load(x + p, 32), m));
      const e3 = expFlushed(f32x4.sub(v128.load(x + p, 48), m));
      if (y) {
        v128.store(y + p, e0);
        v128.store(y + p, e1, 16);
        v128.store(y + p, e2, 32);
        v128.store(y + p, e3, 48);
      }
      s0 = f32x4.add(s0, e0);
      s1 = f32x4.add(s1, e1);
      s2 = f32x4.add(s2, e2);
      s3 = f32x4.add(s3, e3);
    }
    total += <f64> sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  }
  let s = f32x4.splat(0);
  for (; left > 0; left -= 4, p += 16) {
    const e = expFlushed(f32x4.sub(loadLanes<f32>(x + p, left, v128.load(lowest)), m));
    if (y) storeLanes<f32>(y + p, e, left);
    s = f32x4.add(s, e);
  }
  return total + <f64> sumLanes(s);
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
