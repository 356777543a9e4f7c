/**
 * Reading from and writing to indexed positions. Indexes are int64 and within range, which the op has checked; a negative
 * one counts from the end. Elements that only move go by their size (b1, b2, b4, b8), rows as bytes.
 */
import { indexAt } from "./position";

// @ts-ignore: decorator
@inline
function extentOf<T>(y: usize, x: usize, n: i32): void {
  let low = load<T>(x), high = low, i = 1;
  if (isInteger<T>() && n >= 4) {
    let least = v128.load(x), greatest = least;
    for (i = 2; i + 2 <= n; i += 2) {
      const pair = v128.load(x + (<usize> i << 3));
      least = v128.bitselect(pair, least, i64x2.gt_s(least, pair));
      greatest = v128.bitselect(pair, greatest, i64x2.gt_s(pair, greatest));
    }
    low = <T> min(i64x2.extract_lane(least, 0), i64x2.extract_lane(least, 1));
    high = <T> max(i64x2.extract_lane(greatest, 0), i64x2.extract_lane(greatest, 1));
  }
  for (; i < n; i++) {
    const value = load<T>(x + <usize> i * sizeof<T>());
    if (isFloat<T>()) {
      low = min<T>(low, value);
      high = max<T>(high, value);
    } else {
      low = value < low ? value : low;
      high = value > high ? value : high;
    }
  }
  store<T>(y, low);
  store<T>(y, high, sizeof<T>());
}

/** The least and the greatest of n elements, n > 0: y[0] and y[1]; NaN if there is one. */
export function extent(y: usize, x: usize, n: i32): void {
  extentOf<f32>(y, x, n);
}

export function extent_f64(y: usize, x: usize, n: i32): void {
  extentOf<f64>(y, x, n);
}

export function extent_i64(y: usize, x: usize, n: i32): void {
  extentOf<i64>(y, x, n);
}

// @ts-ignore: decorator
@inline
function gather<T>(
  y: usize,
  x: usize,
  index: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  for (let o = begin; o < end; o++) {
    const slab = x + <usize> o * n * inner * sizeof<T>();
    let at = <usize> o * k * inner;
    if (inner == 1) {
      for (const last = at + k; at < last; at++) {
        const p = slab + indexAt(index + (at << 3), n) * sizeof<T>();
        store<T>(y + at * sizeof<T>(), load<T>(p));
      }
      continue;
    }
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < inner; j++, at++) {
        const row = indexAt(index + (at << 3), n);
        store<T>(y + at * sizeof<T>(), load<T>(slab + (row * inner + j) * sizeof<T>()));
      }
    }
  }
}

/** y[o, i, j] = x[o, index[o, i, j], j]: x is [outer, n, inner], y and index [outer, k, inner]. */
export function gather_b1(
  y: usize,
  x: usize,
  index: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  gather<u8>(y, x, index, n, k, inner, begin, end);
}

export function gather_b2(
  y: usize,
  x: usize,
  index: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  gather<u16>(y, x, index, n, k, inner, begin, end);
}

export function gather_b4(
  y: usize,
  x: usize,
  index: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  gather<u32>(y, x, index, n, k, inner, begin, end);
}

export function gather_b8(
  y: usize,
  x: usize,
  index: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  gather<u64>(y, x, index, n, k, inner, begin, end);
}

// @ts-ignore: decorator
@inline
function scatter<T>(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  for (let o = begin; o < end; o++) {
    const slab = y + <usize> o * n * inner * sizeof<T>();
    let at = <usize> o * k * inner;
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < inner; j++, at++) {
        const row = indexAt(index + (at << 3), n);
        store<T>(slab + (row * inner + j) * sizeof<T>(), load<T>(source + at * sizeof<T>()));
      }
    }
  }
}

/** y[o, index[o, i, j], j] = source[o, i, j], in order of i: y is [outer, n, inner], source and index [outer, k, inner]. */
export function scatter_b1(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u8>(y, index, source, n, k, inner, begin, end);
}

export function scatter_b2(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u16>(y, index, source, n, k, inner, begin, end);
}

export function scatter_b4(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u32>(y, index, source, n, k, inner, begin, end);
}

export function scatter_b8(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u64>(y, index, source, n, k, inner, begin, end);
}

/** y[o, i, :] = x[o, index[i], :], rows of `bytes` bytes, for rows [begin, end) of outer * k. */
export function index_select(
  y: usize,
  x: usize,
  index: usize,
  n: i32,
  k: i32,
  bytes: i32,
  begin: i32,
  end: i32,
): void {
  for (let r = begin; r < end; r++) {
    const o = r / k, i = r - o * k;
    const row = <usize> o * n + indexAt(index + (<usize> i << 3), n);
    const from = x + row * bytes, to = y + <usize> r * bytes;
    if (bytes == 4) store<u32>(to, load<u32>(from));
    else if (bytes == 8) store<u64>(to, load<u64>(from));
    else memory.copy(to, from, bytes);
  }
}

/** y[o, index[i], :] = source[o, i, :], in order of i, rows of `bytes` bytes: y is [outer, n], source [outer, k]. */
export function index_copy(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  bytes: i32,
  begin: i32,
  end: i32,
): void {
  for (let o = begin; o < end; o++) {
    for (let i = 0; i < k; i++) {
      const row = <usize> o * n + indexAt(index + (<usize> i << 3), n);
      memory.copy(y + row * bytes, source + (<usize> o * k + i) * bytes, bytes);
    }
  }
}

/** The number of true elements among n of a bool mask, to the int64 y. */
export function mask_count(y: usize, mask: usize, n: i32): void {
  let count: i64 = 0;
  for (let i = 0; i < n; i++) count += <i64> (load<u8>(mask + i) != 0);
  store<i64>(y, count);
}

/** The positions of the `count` true elements of a bool mask of n; the last of them ends the search. */
export function mask_positions(y: usize, mask: usize, count: i32, n: i32): void {
  // No branch on the mask, which cannot be foreseen: what is written for a false element is written over.
  const last = y + (<usize> count << 3);
  for (let i = 0; y < last; i++) {
    store<i64>(y, <i64> i);
    y += <usize> (load<u8>(mask + i) != 0) << 3;
  }
}

/** y[i, 0] = the index along one axis, of size n and stride `stride`, of position x[i]; rows of y have `axes` columns. */
export function unravel(
  y: usize,
  x: usize,
  axes: i32,
  n: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const position = <i32> load<i64>(x + (<usize> i << 3));
    store<i64>(y + (<usize> i * axes << 3), <i64> (position / stride % n));
  }
}
