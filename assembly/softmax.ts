/**
 * Softmax, its logarithm, their gradients, and the logarithm of the sum of exponentials, over the middle axis of
 * [outer, n, inner].
 *
 *     softmax      y = exp(x - max) / sum exp(x - max)       dx = y * (dy - sum dy * y)
 *     log_softmax  y = x - max - log(sum exp(x - max))       dx = dy - exp(y) * sum dy
 *
 * Kernels do the slices [begin, end) of the outer * inner slices of n elements. Where inner is 1 a vector holds four
 * neighbours of a slice, else the same element of four neighbouring slices. Sums go in two levels.
 */
import {
  BLOCK,
  exponentials,
  exponentialsOfColumns,
  lowest,
  maxColumns,
  maxRow,
} from "./exponentials";
import { loadLanes, storeLanes } from "./lanes";
import { expFlushed, logVector } from "./math";
import { sumLanes } from "./simd";

/** One slice of consecutive elements. */
// @ts-ignore: decorator
@inline
function forwardRow(log: bool, y: usize, x: usize, n: i32): void {
  const m = maxRow(x, n);
  const total = exponentials(x, log ? 0 : y, n, m);
  const c = f32x4.splat(<f32> (log ? NativeMath.log(total) : 1 / total)), from = log ? x : y;
  let p: usize = 0, left = n;
  for (; left >= 16; left -= 16, p += 64) {
    const q = from + p, r = y + p;
    const v0 = v128.load(q), v1 = v128.load(q, 16), v2 = v128.load(q, 32), v3 = v128.load(q, 48);
    v128.store(r, forwardVector(log, v0, m, c));
    v128.store(r, forwardVector(log, v1, m, c), 16);
    v128.store(r, forwardVector(log, v2, m, c), 32);
    v128.store(r, forwardVector(log, v3, m, c), 48);
  }
  for (; left > 0; left -= 4, p += 16) {
    storeLanes<f32>(y + p, forwardVector(log, loadLanes<f32>(from + p, left, m), m, c), left);
  }
}

/** From an element or its exponential, the maximum, and the logarithm of the sum or its reciprocal. */
// @ts-ignore: decorator
@inline
function forwardVector(log: bool, v: v128, m: v128, c: v128): v128 {
  return log ? f32x4.sub(f32x4.sub(v, m), c) : f32x4.mul(v, c);
}

/** The same element of up to four neighbouring slices in each vector. */
// @ts-ignore: decorator
@inline
function forwardColumns(log: bool, y: usize, x: usize, n: i32, stride: usize, count: i32): void {
  const length = <usize> n * stride, zero = f32x4.splat(0);
  const m = maxColumns(x, length, stride, count);
  const total = exponentialsOfColumns(x, log ? 0 : y, length, stride, count, m);
  const c = log ? logVector(total) : f32x4.div(f32x4.splat(1), total);
  for (let p: usize = 0; p < length; p += stride) {
    const v = log
      ? f32x4.sub(f32x4.sub(loadLanes<f32>(x + p, count, zero), m), c)
      : f32x4.mul(loadLanes<f32>(y + p, count, zero), c);
    storeLanes<f32>(y + p, v, count);
  }
}

/** Sixteen neighbouring slices: all of a cache line of each row at once. */
// @ts-ignore: decorator
@inline
function forwardWide(log: bool, y: usize, x: usize, n: i32, stride: usize): void {
  const length = <usize> n * stride;
  let m0 = v128.load(lowest), m1 = m0, m2 = m0, m3 = m0;
  for (let p = x; p < x + length; p += stride) {
    m0 = f32x4.pmax(m0, v128.load(p));
    m1 = f32x4.pmax(m1, v128.load(p, 16));
    m2 = f32x4.pmax(m2, v128.load(p, 32));
    m3 = f32x4.pmax(m3, v128.load(p, 48));
  }
  let t0 = f32x4.splat(0), t1 = t0, t2 = t0, t3 = t0;
  for (let p: usize = 0; p < length;) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (const stop = min(p + <usize> BLOCK * stride, length); p < stop; p += stride) {
      const e0 = expFlushed(f32x4.sub(v128.load(x + p), m0));
      const e1 = expFlushed(f32x4.sub(v128.load(x + p, 16), m1));
      const e2 = expFlushed(f32x4.sub(v128.load(x + p, 32), m2));
      const e3 = expFlushed(f32x4.sub(v128.load(x + p, 48), m3));
      if (!log) {
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
    t0 = f32x4.add(t0, s0);
    t1 = f32x4.add(t1, s1);
    t2 = f32x4.add(t2, s2);
    t3 = f32x4.add(t3, s3);
  }
  const one = f32x4.splat(1);
  t0 = log ? logVector(t0) : f32x4.div(one, t0);
  t1 = log ? logVector(t1) : f32x4.div(one, t1);
  t2 = log ? logVector(t2) : f32x4.div(one, t2);
  t3 = log ? logVector(t3) : f32x4.div(one, t3);
  for (let p: usize = 0; p < length; p += stride) {
    const q = (log ? x : y) + p, r = y + p;
    const v0 = v128.load(q), v1 = v128.load(q, 16), v2 = v128.load(q, 32), v3 = v128.load(q, 48);
    v128.store(r, log ? f32x4.sub(f32x4.sub(v0, m0), t0) : f32x4.mul(v0, t0));
    v128.store(r, log ? f32x4.sub(f32x4.sub(v1, m1), t1) : f32x4.mul(v1, t1), 16);
    v128.store(r, log ? f32x4.sub(f32x4.sub(v2, m2), t2) : f32x4.mul(v2, t2), 32);
    v128.store(r, log ? f32x4.sub(f32x4.sub(v3, m3), t3) : f32x4.mul(v3, t3), 48);
  }
}

// @ts-ignore: decorator
@inline
function forward(log: bool, y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  const stride = <usize> inner << 2;
  if (inner == 1) {
    for (let i = begin; i < end; i++) {
      const row = <usize> i * (<usize> n << 2);
      forwardRow(log, y + row, x + row, n);
    }
    return;
  }
  for (let i = begin; i < end;) {
    const outer = i / inner, column = i - outer * inner;
    const left = min(inner - column, end - i), count = left >= 16 ? 16 : min(left, 4);
    const at = <usize> outer * <usize> n * stride + (<usize> column << 2);
    if (count == 16) forwardWide(log, y + at, x + at, n, stride);
    else forwardColumns(log, y + at, x + at, n, stride, count);
    i += count;
  }
}

/** One slice in float64. */
// @ts-ignore: decorator
@inline
function forwardSlice(log: bool, y: usize, x: usize, n: i32, stride: usize): void {
  const end = <usize> n * stride;
  let m: f64 = -Infinity, total: f64 = 0;
  for (let p: usize = 0; p < end; p += stride) m = max(m, load<f64>(x + p));
  for (let p: usize = 0; p < end; p += stride) {
    const e = NativeMath.exp(load<f64>(x + p) - m);
    if (!log) store<f64>(y + p, e);
    total += e;
  }
  const c = log ? NativeMath.log(total) : total;
  for (let p: usize = 0; p < end; p += stride) {
    store<f64>(y + p, log ? load<f64>(x + p) - m - c : load<f64>(y + p) / c);
  }
}

// @ts-ignore: decorator
@inline
function forward64(log: bool, y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  const stride = <usize> inner << 3;
  for (let i = begin; i < end; i++) {
    const outer = i / inner;
    const at = <usize> outer * <usize> n * stride + (<usize> (i - outer * inner) << 3);
    forwardSlice(log, y + at, x + at, n, stride);
  }
}

export function softmax(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  forward(false, y, x, n, inner, begin, end);
}

export function softmax_f64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  forward64(false, y, x, n, inner, begin, end);
}

export function log_softmax(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  forward(true, y, x, n, inner, begin, end);
}

export function log_softmax_f64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  forward64(true, y, x, n, inner, begin, end);
}

/** The gradient of one slice of consecutive elements. */
// @ts-ignore: decorator
@inline
function gradRow(log: bool, dx: usize, dy: usize, y: usize, n: i32): void {
  const zero = f32x4.splat(0);
  let total: f64 = 0, p: usize = 0, left = n;
  while (left >= 16) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    const stop = max(left - 16 * BLOCK, 15);
    for (; left > stop; left -= 16, p += 64) {
      const q = dy + p, r = y + p;
      s0 = f32x4.add(s0, gradTerm(log, v128.load(q), r));
      s1 = f32x4.add(s1, gradTerm(log, v128.load(q, 16), r + 16));
      s2 = f32x4.add(s2, gradTerm(log, v128.load(q, 32), r + 32));
      s3 = f32x4.add(s3, gradTerm(log, v128.load(q, 48), r + 48));
    }
    total += <f64> sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  }
  let s = zero;
  for (; left > 0; left -= 4, p += 16) {
    const v = loadLanes<f32>(dy + p, left, zero);
    s = f32x4.add(s, log ? v : f32x4.mul(v, loadLanes<f32>(y + p, left, zero)));
  }
  const c = f32x4.splat(<f32> (total + <f64> sumLanes(s)));
  for (p = 0, left = n; left >= 16; left -= 16, p += 64) {
    const q = dy + p, r = y + p, o = dx + p;
    const v0 = gradVector(log, v128.load(q), v128.load(r), c),
      v1 = gradVector(log, v128.load(q, 16), v128.load(r, 16), c),
      v2 = gradVector(log, v128.load(q, 32), v128.load(r, 32), c),
      v3 = gradVector(log, v128.load(q, 48), v128.load(r, 48), c);
    v128.store(o, v0);
    v128.store(o, v1, 16);
    v128.store(o, v2, 32);
    v128.store(o, v3, 48);
  }
  for (; left > 0; left -= 4, p += 16) {
    const v = loadLanes<f32>(dy + p, left, zero), w = loadLanes<f32>(y + p, left, zero);
    storeLanes<f32>(dx + p, gradVector(log, v, w, c), left);
  }
}

/** What is summed over a slice: dy, or its product with the y at `y`. */
// @ts-ignore: decorator
@inline
function gradTerm(log: bool, dy: v128, y: usize): v128 {
  return log ? dy : f32x4.mul(dy, v128.load(y));
}

// @ts-ignore: decorator
@inline
function gradVector(log: bool, dy: v128, y: v128, c: v128): v128 {
  return log ? f32x4.sub(dy, f32x4.mul(expFlushed(y), c)) : f32x4.mul(y, f32x4.sub(dy, c));
}

/** The gradient of up to four neighbouring slices. */
// @ts-ignore: decorator
@inline
function gradColumns(
  log: bool,
  dx: usize,
  dy: usize,
  y: usize,
  n: i32,
  stride: usize,
  count: i32,
): void {
  const end = <usize> n * stride, zero = f32x4.splat(0);
  let total = zero;
  for (let p: usize = 0; p < end;) {
    let s = zero;
    for (const stop = min(p + <usize> BLOCK * stride, end); p < stop; p += stride) {
      const v = loadLanes<f32>(dy + p, count, zero);
      s = f32x4.add(s, log ? v : f32x4.mul(v, loadLanes<f32>(y + p, count, zero)));
    }
    total = f32x4.add(total, s);
  }
  for (let p: usize = 0; p < end; p += stride) {
    storeLanes<f32>(
      dx + p,
      gradVector(log, loadLanes<f32>(dy + p, count, zero), loadLanes<f32>(y + p, count, zero), total),
      count,
    );
  }
}

/** The gradient of sixteen neighbouring slices. */
// @ts-ignore: decorator
@inline
function gradWide(log: bool, dx: usize, dy: usize, y: usize, n: i32, stride: usize): void {
  const length = <usize> n * stride;
  let t0 = f32x4.splat(0), t1 = t0, t2 = t0, t3 = t0;
  for (let p: usize = 0; p < length;) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (const stop = min(p + <usize> BLOCK * stride, length); p < stop; p += stride) {
      const q = dy + p, r = y + p;
      const g0 = v128.load(q), g1 = v128.load(q, 16), g2 = v128.load(q, 32), g3 = v128.load(q, 48);
      s0 = f32x4.add(s0, log ? g0 : f32x4.mul(g0, v128.load(r)));
      s1 = f32x4.add(s1, log ? g1 : f32x4.mul(g1, v128.load(r, 16)));
      s2 = f32x4.add(s2, log ? g2 : f32x4.mul(g2, v128.load(r, 32)));
      s3 = f32x4.add(s3, log ? g3 : f32x4.mul(g3, v128.load(r, 48)));
    }
    t0 = f32x4.add(t0, s0);
    t1 = f32x4.add(t1, s1);
    t2 = f32x4.add(t2, s2);
    t3 = f32x4.add(t3, s3);
  }
  for (let p: usize = 0; p < length; p += stride) {
    const q = dy + p, r = y + p, o = dx + p;
    v128.store(o, gradVector(log, v128.load(q), v128.load(r), t0));
    v128.store(o, gradVector(log, v128.load(q, 16), v128.load(r, 16), t1), 16);
    v128.store(o, gradVector(log, v128.load(q, 32), v128.load(r, 32), t2), 32);
    v128.store(o, gradVector(log, v128.load(q, 48), v128.load(r, 48), t3), 48);
  }
}

// @ts-ignore: decorator
@inline
function grad(
  log: bool,
  dx: usize,
  dy: usize,
  y: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  const stride = <usize> inner << 2;
  if (inner == 1) {
    for (let i = begin; i < end; i++) {
      const row = <usize> i * (<usize> n << 2);
      gradRow(log, dx + row, dy + row, y + row, n);
    }
    return;
  }
  for (let i = begin; i < end;) {
    const outer = i / inner, column = i - outer * inner;
    const left = min(inner - column, end - i), count = left >= 16 ? 16 : min(left, 4);
    const at = <usize> outer * <usize> n * stride + (<usize> column << 2);
    if (count == 16) gradWide(log, dx + at, dy + at, y + at, n, stride);
    else gradColumns(log, dx + at, dy + at, y + at, n, stride, count);
    i += count;
  }
}

// @ts-ignore: decorator
@inline
function grad64(
  log: bool,
  dx: usize,
  dy: usize,
  y: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  const stride = <usize> inner << 3, length = <usize> n * stride;
  for (let i = begin; i < end; i++) {
    const outer = i / inner;
    const first = <usize> outer * length + (<usize> (i - outer * inner) << 3);
    const last = first + length;
    let total: f64 = 0;
    for (let p = first; p < last; p += stride) {
      total += log ? load<f64>(dy + p) : load<f64>(dy + p) * load<f64>(y + p);
    }
    for (let p = first; p < last; p += stride) {
      const g = load<f64>(dy + p), v = load<f64>(y + p);
      store<f64>(dx + p, log ? g - NativeMath.exp(v) * total : v * (g - total));
    }
  }
}

export function softmax_grad(
  dx: usize,
  dy: usize,
  y: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  grad(false, dx, dy, y, n, inner, begin, end);
}

export function softmax_grad_f64(
  dx: usize,
  dy: usize,
  y: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  grad64(false, dx, dy, y, n, inner, begin, end);
}

export function log_softmax_grad(
  dx: usize,
  dy: usize,
  y: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  grad(true, dx, dy, y, n, inner, begin, end);
}

export function log_softmax_grad_f64(
  dx: usize,
  dy: usize,
  y: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  grad64(true, dx, dy, y, n, inner, begin, end);
}

/** m, but 0 where it is infinite. */
// @ts-ignore: decorator
@inline
function finite(m: v128): v128 {
  return v128.andnot(m, f32x4.eq(f32x4.abs(m), f32x4.splat(Infinity)));
}

/** Infinity, or NaN if that is among `n` elements. */
function infinite(from: usize, stride: usize, n: i32): f32 {
  for (let i = 0; i < n; i++) {
    const x = load<f32>(from + <usize> i * stride);
    if (x != x) return x;
  }
  return Infinity;
}

/**
 * log(sum exp(x)), without overflow; the largest element is left in where it is infinite.
 */
export function logsumexp(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  const stride = <usize> inner << 2, length = <usize> n * stride;
  for (let i = begin; i < end;) {
    const outer = i / inner, column = i - outer * inner;
    const from = x + <usize> outer * length + (<usize> column << 2), to = y + (<usize> i << 2);
    if (inner == 1) {
      const most = f32x4.extract_lane(maxRow(from, n), 0), m = finite(f32x4.splat(most)), total = exponentials(from, 0, n, m);
      // The exponentials are made for numbers below the largest: of Infinity they give NaN.
      const y = <f32> (<f64> f32x4.extract_lane(m, 0) + NativeMath.log(total));
      store<f32>(to, most == Infinity ? infinite(from, 4, n) : y);
      i++;
      continue;
    }
    const count = min(4, min(inner - column, end - i));
    const most = maxColumns(from, length, stride, count), m = finite(most);
    const total = exponentialsOfColumns(from, 0, length, stride, count, m);
    storeLanes<f32>(to, f32x4.add(m, logVector(total)), count);
    if (v128.any_true(f32x4.eq(most, f32x4.splat(Infinity)))) {
      for (let c = 0; c < count; c++) {
        const at = <usize> c << 2;
        if (isNaN(load<f32>(to + at))) store<f32>(to + at, infinite(from + at, stride, n));
      }
    }
    i += count;
  }
}

export function logsumexp_f64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  const stride = <usize> inner << 3, length = <usize> n * stride;
  for (let i = begin; i < end; i++) {
    const outer = i / inner;
    const first = x + <usize> outer * length + (<usize> (i - outer * inner) << 3);
    let m: f64 = -Infinity, total: f64 = 0;
    for (let p = first; p < first + length; p += stride) m = max(m, load<f64>(p));
    if (m == Infinity || m == -Infinity) m = 0;
    for (let p = first; p < first + length; p += stride) total += NativeMath.exp(load<f64>(p) - m);
    store<f64>(y + (<usize> i << 3), m + NativeMath.log(total));
  }
}
