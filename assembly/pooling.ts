// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Pooling over three axes of planes [size0, size1, size2] -> [count0, count1, count2]; with fewer axes, the first ones have
 * size 1. Planes [begin, end).
 *
 * A stride of 0 stands for adaptive windows: window i of n elements in m windows is [floor(i n / m), ceil((i + 1) n / m)).
 */

/** Where window i begins; it may be in the padding. */
// @ts-ignore: decorator
@inline
function startOf(i: i32, size: i32, count: i32, stride: i32, padding: i32): i32 {
  return stride > 0 ? i * stride - padding : <i32>(<i64>i * size / count);
}

/** Where window i, which begins at `start`, ends; it may be beyond the plane. */
// @ts-ignore: decorator
@inline
function endOf(i: i32, start: i32, size: i32, count: i32, reach: i32, stride: i32): i32 {
  return stride > 0 ? start + reach : <i32>((<i64>(i + 1) * size + count - 1) / count);
}

/** The first element of a window in the plane: every `step`-th one from `start` belongs to it. */
// @ts-ignore: decorator
@inline
function within(start: i32, step: i32): i32 {
  return start < 0 ? start + (step - 1 - start) / step * step : start;
}

/** The four elements from p on that lie `step` elements apart; reads nothing between the last one and what follows. */
// @ts-ignore: decorator
@inline
function four(p: usize, step: i32): v128 {
  if (step == 1) return v128.load(p);
  if (step == 2) return i32x4.shuffle(v128.load(p), v128.load(p, 12), 0, 2, 5, 7);
  const bytes = <usize>step << 2;
  let v = v128.load32_zero(p);
  v = v128.load_lane<f32>(p + bytes, v, 1);
  v = v128.load_lane<f32>(p + 2 * bytes, v, 2);
  return v128.load_lane<f32>(p + 3 * bytes, v, 3);
}

/** a where the mask is set, else b. */
// @ts-ignore: decorator
@inline
function choose(a: v128, b: v128, mask: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_laneselect(a, b, mask);
  return v128.bitselect(a, b, mask);
}

/** The first of the windows along an axis that do not begin in the padding. */
// @ts-ignore: decorator
@inline
function firstInside(stride: i32, padding: i32): i32 {
  return (padding + stride - 1) / stride;
}

/** Where the windows along an axis end that do not reach beyond the plane. */
// @ts-ignore: decorator
@inline
function endInside(size: i32, count: i32, reach: i32, stride: i32, padding: i32): i32 {
  return size + padding < reach ? 0 : min(count, (size + padding - reach) / stride + 1);
}

/**
 * Writes the maxima and places of four windows that lie side by side, the first of which begins at column s2 of the
 * plane; rows [a0, b0) x [a1, b1) of each.
 */
// @ts-ignore: decorator
@inline
function fourMaxima(
  to: usize, at: usize, plane: usize, size1: i32, size2: i32, a0: i32, b0: i32, a1: i32, b1: i32, s2: i32,
  kernel2: i32, stride2: i32, dilation0: i32, dilation1: i32, dilation2: i32, lanes: v128, step: v128,
): void {
  let greatest = f32x4.splat(-Infinity), place = i32x4.add(i32x4.splat((a0 * size1 + a1) * size2 + s2), lanes);
  for (let d = a0; d < b0; d += dilation0) {
    for (let h = a1; h < b1; h += dilation1) {
      const row = (d * size1 + h) * size2 + s2;
      let from = plane + (<usize>row << 2), here = i32x4.add(i32x4.splat(row), lanes);
      for (let k = 0; k < kernel2; k++, from += <usize>dilation2 << 2) {
        const values = four(from, stride2);
        const mask = v128.or(f32x4.gt(values, greatest), f32x4.ne(values, values));
        greatest = choose(values, greatest, mask);
        place = choose(here, place, mask);
        here = i32x4.add(here, step);
      }
    }
  }
  v128.store(to, greatest);
  v128.store(at, i64x2.extend_low_i32x4_s(place));
  v128.store(at, i64x2.extend_high_i32x4_s(place), 16);
}

/** The means of four windows that lie side by side, as fourMaxima. */
// @ts-ignore: decorator
@inline
function fourMeans(
  to: usize, plane: usize, size1: i32, size2: i32, a0: i32, b0: i32, a1: i32, b1: i32, s2: i32, kernel2: i32,
  stride2: i32, by: i32,
): void {
  let low = f64x2.splat(0), high = low;
  for (let d = a0; d < b0; d++) {
    for (let h = a1; h < b1; h++) {
      let from = plane + (<usize>((d * size1 + h) * size2 + s2) << 2);
      for (let k = 0; k < kernel2; k++, from += 4) {
        const values = four(from, stride2);
        low = f64x2.add(low, f64x2.promote_low_f32x4(values));
        high = f64x2.add(high, f64x2.promote_low_f32x4(i32x4.shuffle(values, values, 2, 3, 2, 3)));
      }
    }
  }
  const divisor = f64x2.splat(<f64>by);
  low = f32x4.demote_f64x2_zero(f64x2.div(low, divisor));
  high = f32x4.demote_f64x2_zero(f64x2.div(high, divisor));
  v128.store(to, i64x2.shuffle(low, high, 0, 2));
}

// @ts-ignore: decorator
@inline
function maxima<T>(
  y: usize, index: usize, x: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32, dilation0: i32, dilation1: i32, dilation2: i32, begin: i32, end: i32,
): void {
  const reach0 = (kernel0 - 1) * dilation0 + 1, reach1 = (kernel1 - 1) * dilation1 + 1;
  const reach2 = (kernel2 - 1) * dilation2 + 1, planeBytes = <usize>(size0 * size1 * size2) * sizeof<T>();
  // Windows that lie inside along the last axis go four at a time, if there are four; the last four may overlap others.
  const lanes = sizeof<T>() == 4 && stride2 > 0;
  const inside = lanes ? firstInside(stride2, padding2) : 0;
  const outside = lanes ? endInside(size2, count2, reach2, stride2, padding2) : 0;
  const columns = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(stride2)), step = i32x4.splat(dilation2);
  let to = y + <usize>(begin * count0 * count1 * count2) * sizeof<T>(), at = index + (<usize>(begin * count0 * count1 * count2) << 3);
  for (let p = begin; p < end; p++) {
    const plane = x + <usize>p * planeBytes;
    for (let i0 = 0; i0 < count0; i0++) {
      const s0 = startOf(i0, size0, count0, stride0, padding0), a0 = within(s0, dilation0);
      const b0 = min(endOf(i0, s0, size0, count0, reach0, stride0), size0);
      for (let i1 = 0; i1 < count1; i1++) {
        const s1 = startOf(i1, size1, count1, stride1, padding1), a1 = within(s1, dilation1);
        const b1 = min(endOf(i1, s1, size1, count1, reach1, stride1), size1);
        for (let i2 = 0; i2 < count2; i2++, to += sizeof<T>(), at += 8) {
          if (lanes && i2 == inside && outside - inside >= 4) {
            for (let done = i2; done < outside; done += 4) {
              const i = min(done, outside - 4), offset = <usize>(i - i2);
              fourMaxima(
                to + (offset << 2), at + (offset << 3), plane, size1, size2, a0, b0, a1, b1, i * stride2 - padding2,
                kernel2, stride2, dilation0, dilation1, dilation2, columns, step,
              );
            }
            to += <usize>(outside - inside) << 2;
            at += <usize>(outside - inside) << 3;
            i2 = outside;
            if (i2 == count2) break;
          }
          const s2 = startOf(i2, size2, count2, stride2, padding2), a2 = within(s2, dilation2);
          const b2 = min(endOf(i2, s2, size2, count2, reach2, stride2), size2);
          let greatest = <T>-Infinity, place = (a0 * size1 + a1) * size2 + a2;
          for (let d = a0; d < b0; d += dilation0) {
            for (let h = a1; h < b1; h += dilation1) {
              const row = (d * size1 + h) * size2;
              for (let w = a2; w < b2; w += dilation2) {
                const value = load<T>(plane + <usize>(row + w) * sizeof<T>());
                // Of equal elements the first one counts, and of those that are not numbers the last.
                if (value > greatest || value != value) {
                  greatest = value;
                  place = row + w;
                }
              }
            }
          }
          store<T>(to, greatest);
          store<i64>(at, <i64>place);
        }
      }
    }
  }
}

/** Writes averages of x to y, or, if `back` is set, adds to x the shares that its elements have in the gradient y. */
// @ts-ignore: decorator
@inline
function averages<T>(
  back: bool, y: usize, x: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32, includePadding: i32, divisor: i32, begin: i32, end: i32,
): void {
  const planeBytes = <usize>(size0 * size1 * size2) * sizeof<T>();
  const lanes = sizeof<T>() == 4 && !back && stride2 > 0;
  const inside = lanes ? firstInside(stride2, padding2) : 0;
  const outside = lanes ? endInside(size2, count2, kernel2, stride2, padding2) : 0;
  y += <usize>(begin * count0 * count1 * count2) * sizeof<T>();
  for (let p = begin; p < end; p++) {
    const plane = x + <usize>p * planeBytes;
    if (back) memory.fill(plane, 0, planeBytes);
    for (let i0 = 0; i0 < count0; i0++) {
      let a0 = startOf(i0, size0, count0, stride0, padding0), b0 = endOf(i0, a0, size0, count0, kernel0, stride0);
      const padded0 = min(b0, size0 + padding0) - a0;
      a0 = max(a0, 0), b0 = min(b0, size0);
      for (let i1 = 0; i1 < count1; i1++) {
        let a1 = startOf(i1, size1, count1, stride1, padding1), b1 = endOf(i1, a1, size1, count1, kernel1, stride1);
        const padded1 = min(b1, size1 + padding1) - a1;
        a1 = max(a1, 0), b1 = min(b1, size1);
        for (let i2 = 0; i2 < count2; i2++, y += sizeof<T>()) {
          if (lanes && i2 == inside && outside - inside >= 4 && a0 < b0 && a1 < b1) {
            const by = divisor != 0 ? divisor
              : includePadding ? padded0 * padded1 * kernel2
              : (b0 - a0) * (b1 - a1) * kernel2;
            for (let done = i2; done < outside; done += 4) {
              const i = min(done, outside - 4);
              fourMeans(
                y + (<usize>(i - i2) << 2), plane, size1, size2, a0, b0, a1, b1, i * stride2 - padding2, kernel2, stride2, by,
              );
            }
            y += <usize>(outside - inside) << 2;
            i2 = outside;
            if (i2 == count2) break;
          }
          let a2 = startOf(i2, size2, count2, stride2, padding2), b2 = endOf(i2, a2, size2, count2, kernel2, stride2);
          const padded2 = min(b2, size2 + padding2) - a2;
          a2 = max(a2, 0), b2 = min(b2, size2);
          const met = a0 < b0 && a1 < b1 && a2 < b2;
          const by = divisor != 0 ? divisor
            : includePadding ? padded0 * padded1 * padded2
            : (b0 - a0) * (b1 - a1) * (b2 - a2);
          if (!met) {
            if (!back) store<T>(y, 0);
            continue;
          }
          if (back) {
            const share = load<T>(y) / <T>by;
            for (let d = a0; d < b0; d++) {
              for (let h = a1; h < b1; h++) {
                let from = plane + <usize>((d * size1 + h) * size2 + a2) * sizeof<T>(), w = a2;
                if (sizeof<T>() == 4) {
                  const shares = f32x4.splat(<f32>share);
                  for (; w + 4 <= b2; w += 4, from += 16) v128.store(from, f32x4.add(v128.load(from), shares));
                }
                for (; w < b2; w++, from += sizeof<T>()) store<T>(from, load<T>(from) + share);
              }
            }
          } else if (isFloat<T>()) {
            let sum: f64 = 0;
            for (let d = a0; d < b0; d++) {
              for (let h = a1; h < b1; h++) {
                let from = plane + <usize>((d * size1 + h) * size2 + a2) * sizeof<T>();
                for (let w = a2; w < b2; w++, from += sizeof<T>()) sum += <f64>load<T>(from);
              }
            }
            store<T>(y, <T>(sum / <f64>by));
          } else {
            let sum: T = 0;
            for (let d = a0; d < b0; d++) {
              for (let h = a1; h < b1; h++) {
                let from = plane + <usize>((d * size1 + h) * size2 + a2) * sizeof<T>();
                for (let w = a2; w < b2; w++, from += sizeof<T>()) sum += load<T>(from);
              }
            }
            store<T>(y, sum / <T>by);
          }
        }
      }
    }
  }
}

/** The greatest element of each window, and its place in the plane. */
export function max_pool(
  y: usize, index: usize, x: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  dilation0: i32, dilation1: i32, dilation2: i32, begin: i32, end: i32,
): void {
  maxima<f32>(
    y, index, x, size0, size1, size2, count0, count1, count2, kernel0, kernel1, kernel2,
    stride0, stride1, stride2, padding0, padding1, padding2,
    dilation0, dilation1, dilation2, begin, end,
  );
}

/** The same in float64. */
export function max_pool_f64(
  y: usize, index: usize, x: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  dilation0: i32, dilation1: i32, dilation2: i32, begin: i32, end: i32,
): void {
  maxima<f64>(
    y, index, x, size0, size1, size2, count0, count1, count2, kernel0, kernel1, kernel2,
    stride0, stride1, stride2, padding0, padding1, padding2,
    dilation0, dilation1, dilation2, begin, end,
  );
}

/** Zeros, with each element of dy added at its place in the plane. */
// @ts-ignore: decorator
@inline
function addAtMaxima<T>(
  dx: usize, dy: usize, index: usize, volume: i32, positions: i32, begin: i32, end: i32,
): void {
  const bytes = <usize> volume * sizeof<T>();
  memory.fill(dx + <usize> begin * bytes, 0, <usize> (end - begin) * bytes);
  for (let p = begin; p < end; p++) {
    const plane = dx + <usize> p * bytes, first = <usize> p * positions;
    for (let i = first; i < first + positions; i++) {
      const to = plane + <usize> load<i64>(index + (i << 3)) * sizeof<T>();
      store<T>(to, load<T>(to) + load<T>(dy + i * sizeof<T>()));
    }
  }
}

/** The gradient of max_pool's x. */
export function max_pool_grad(
  dx: usize, dy: usize, index: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  dilation0: i32, dilation1: i32, dilation2: i32, begin: i32, end: i32,
): void {
  addAtMaxima<f32>(dx, dy, index, size0 * size1 * size2, count0 * count1 * count2, begin, end);
}

/** The same in float64. */
export function max_pool_grad_f64(
  dx: usize, dy: usize, index: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  dilation0: i32, dilation1: i32, dilation2: i32, begin: i32, end: i32,
): void {
  addAtMaxima<f64>(dx, dy, index, size0 * size1 * size2, count0 * count1 * count2, begin, end);
}

/** The mean of each window: its sum divided by `divisor`, if not 0, else by its size with or without padding. */
export function avg_pool(
  y: usize, x: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  includePadding: i32, divisor: i32, begin: i32, end: i32,
): void {
  averages<f32>(
    false, y, x, size0, size1, size2, count0, count1, count2, kernel0, kernel1, kernel2,
    stride0, stride1, stride2, padding0, padding1, padding2,
    includePadding, divisor, begin, end,
  );
}

/** The same in float64. */
export function avg_pool_f64(
  y: usize, x: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  includePadding: i32, divisor: i32, begin: i32, end: i32,
): void {
  averages<f64>(
    false, y, x, size0, size1, size2, count0, count1, count2, kernel0, kernel1, kernel2,
    stride0, stride1, stride2, padding0, padding1, padding2,
    includePadding, divisor, begin, end,
  );
}

/** The same in int64, rounded towards zero. */
export function avg_pool_i64(
  y: usize, x: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  includePadding: i32, divisor: i32, begin: i32, end: i32,
): void {
  averages<i64>(
    false, y, x, size0, size1, size2, count0, count1, count2, kernel0, kernel1, kernel2,
    stride0, stride1, stride2, padding0, padding1, padding2,
    includePadding, divisor, begin, end,
  );
}

/** The gradient of avg_pool's x. */
export function avg_pool_grad(
  dx: usize, dy: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  includePadding: i32, divisor: i32, begin: i32, end: i32,
): void {
  averages<f32>(
    true, dy, dx, size0, size1, size2, count0, count1, count2, kernel0, kernel1, kernel2,
    stride0, stride1, stride2, padding0, padding1, padding2,
    includePadding, divisor, begin, end,
  );
}

/** The same in float64. */
export function avg_pool_grad_f64(
  dx: usize, dy: usize, size0: i32, size1: i32, size2: i32, count0: i32, count1: i32, count2: i32,
  kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32,
  includePadding: i32, divisor: i32, begin: i32, end: i32,
): void {
  averages<f64>(
    true, dy, dx, size0, size1, size2, count0, count1, count2, kernel0, kernel1, kernel2,
    stride0, stride1, stride2, padding0, padding1, padding2,
    includePadding, divisor, begin, end,
  );
}
