/**
 * Largest and smallest elements over the middle axis of [outer, n, inner], n at least 1, and where they are. One that is
 * not a number counts as both. Kernels do the slices [begin, end) of the outer * inner slices.
 */

/** Rows gone through in one go: few enough for the hardware's prefetching. */
const ROWS: i32 = 16;

/**
 * The larger (or smaller) of each lane; not a number where one of them is not. Of floats, pmax keeps the first where it
 * is not a number, and the mask adds the second: f32x4.max takes three times as many instructions on x64.
 */
// @ts-ignore: decorator
@inline
function better<T>(largest: bool, a: v128, b: v128): v128 {
  if (sizeof<T>() == 8 && isInteger<T>()) {
    return largest
      ? v128.bitselect(a, b, v128.gt<T>(a, b))
      : v128.bitselect(a, b, v128.lt<T>(a, b));
  }
  if (isFloat<T>()) {
    return v128.or(largest ? v128.pmax<T>(a, b) : v128.pmin<T>(a, b), v128.ne<T>(b, b));
  }
  return largest ? v128.max<T>(a, b) : v128.min<T>(a, b);
}

/** Whether x comes before the best so far: it is better, or the first that is not a number. */
// @ts-ignore: decorator
@inline
function improves<T>(largest: bool, x: T, best: T): bool {
  if (largest ? x > best : x < best) return true;
  return isFloat<T>() && x != x && best == best;
}

/** The best lane of m, as a number. */
// @ts-ignore: decorator
@inline
function bestLane<T>(largest: bool, m: v128): T {
  m = better<T>(
    largest,
    m,
    i8x16.shuffle(m, m, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7),
  );
  if (sizeof<T>() <= 4) {
    m = better<T>(
      largest,
      m,
      i8x16.shuffle(m, m, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3),
    );
  }
  if (sizeof<T>() == 1) {
    m = better<T>(
      largest,
      m,
      i8x16.shuffle(m, m, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1),
    );
    m = better<T>(
      largest,
      m,
      i8x16.shuffle(m, m, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0),
    );
  }
  return v128.extract_lane<T>(m, 0);
}

/** The best of n consecutive elements. */
// @ts-ignore: decorator
@inline
function bestOfRow<T>(largest: bool, x: usize, n: i32): T {
  const width = <i32> (16 / sizeof<T>());
  let best = load<T>(x), i = 1;
  if (n >= 4 * width) {
    let m0 = v128.load(x), m1 = v128.load(x, 16), m2 = v128.load(x, 32), m3 = v128.load(x, 48);
    for (i = 4 * width; i + 4 * width <= n; i += 4 * width) {
      const p = x + <usize> i * sizeof<T>();
      m0 = better<T>(largest, m0, v128.load(p));
      m1 = better<T>(largest, m1, v128.load(p, 16));
      m2 = better<T>(largest, m2, v128.load(p, 32));
      m3 = better<T>(largest, m3, v128.load(p, 48));
    }
    best = bestLane<T>(
      largest,
      better<T>(largest, better<T>(largest, m0, m1), better<T>(largest, m2, m3)),
    );
  }
  for (; i < n; i++) {
    const v = load<T>(x + <usize> i * sizeof<T>());
    if (improves<T>(largest, v, best)) best = v;
  }
  return best;
}

/** The best of each of `count` neighbouring columns of n rows, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function bestOfColumns<T>(
  largest: bool,
  y: usize,
  x: usize,
  n: i32,
  stride: usize,
  count: i32,
): void {
  memory.copy(y, x, <usize> count * sizeof<T>());
  const width = <i32> (16 / sizeof<T>());
  for (let i = 1; i < n; i += ROWS) {
    const bytes = <usize> min(ROWS, n - i) * stride;
    let p = x + <usize> i * stride, q = y, left = count;
    for (; left >= 4 * width; left -= 4 * width, p += 64, q += 64) {
      let m0 = v128.load(q), m1 = v128.load(q, 16), m2 = v128.load(q, 32), m3 = v128.load(q, 48);
      for (let r = p; r < p + bytes; r += stride) {
        m0 = better<T>(largest, m0, v128.load(r));
        m1 = better<T>(largest, m1, v128.load(r, 16));
        m2 = better<T>(largest, m2, v128.load(r, 32));
        m3 = better<T>(largest, m3, v128.load(r, 48));
      }
      v128.store(q, m0);
      v128.store(q, m1, 16);
      v128.store(q, m2, 32);
      v128.store(q, m3, 48);
    }
    for (; left >= width; left -= width, p += 16, q += 16) {
      let m = v128.load(q);
      for (let r = p; r < p + bytes; r += stride) m = better<T>(largest, m, v128.load(r));
      v128.store(q, m);
    }
    for (; left > 0; left--, p += sizeof<T>(), q += sizeof<T>()) {
      let best = load<T>(q);
      for (let r = p; r < p + bytes; r += stride) {
        const v = load<T>(r);
        if (improves<T>(largest, v, best)) best = v;
      }
      store<T>(q, best);
    }
  }
}

// @ts-ignore: decorator
@inline
function extremes<T>(
  largest: bool,
  y: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  const size = sizeof<T>(), stride = <usize> inner * size;
  for (let i = begin; i < end;) {
    const outer = i / inner, column = i - outer * inner;
    const from = x + <usize> outer * <usize> n * stride + <usize> column * size;
    const to = y + <usize> i * size;
    if (inner == 1) {
      store<T>(to, bestOfRow<T>(largest, from, n));
      i++;
    } else {
      const count = min(inner - column, end - i);
      bestOfColumns<T>(largest, to, from, n, stride, count);
      i += count;
    }
  }
}

/** The first of n consecutive elements that equals `best`, which is among them. */
// @ts-ignore: decorator
@inline
function find<T>(x: usize, n: i32, best: T): i32 {
  const width = <i32> (16 / sizeof<T>()), wanted = v128.splat<T>(best);
  let i = 0;
  if (best == best) {
    for (; i + width <= n; i += width) {
      if (v128.any_true(v128.eq<T>(v128.load(x + <usize> i * sizeof<T>()), wanted))) break;
    }
    while (i < n - 1 && load<T>(x + <usize> i * sizeof<T>()) != best) i++;
  } else {
    while (i < n - 1) {
      const v = load<T>(x + <usize> i * sizeof<T>());
      if (v != v) break;
      i++;
    }
  }
  return i;
}

/** The best of each of `count` neighbouring columns of n rows, `stride` bytes apart, and the first row that has it. */
// @ts-ignore: decorator
@inline
function placesOfColumns<T>(
  largest: bool,
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  stride: usize,
  count: i32,
): void {
  const width = <i32> (16 / sizeof<T>()), end = <usize> n * stride;
  let left = count, p = x;
  for (; left >= width; left -= width, p += 16, y += 16, index += <usize> width << 3) {
    let best = v128.load(p), place = i64x2.splat(0), k = 0;
    for (let r = p + stride; r < p + end; r += stride) {
      const v = v128.load(r);
      let wins = largest ? v128.gt<T>(v, best) : v128.lt<T>(v, best);
      if (isFloat<T>()) {
        wins = v128.or(wins, v128.andnot(v128.ne<T>(v, v), v128.ne<T>(best, best)));
      }
      best = v128.bitselect(v, best, wins);
      k++;
      place = v128.bitselect(
        sizeof<T>() == 4 ? i32x4.splat(k) : i64x2.splat(k),
        place,
        wins,
      );
    }
    v128.store(y, best);
    if (sizeof<T>() == 4) {
      v128.store(index, i64x2.extend_low_i32x4_s(place));
      v128.store(index, i64x2.extend_high_i32x4_s(place), 16);
    } else v128.store(index, place);
  }
  for (; left > 0; left--, p += sizeof<T>(), y += sizeof<T>(), index += 8) {
    let best = load<T>(p), place: i64 = 0, k: i64 = 0;
    for (let r = p + stride; r < p + end; r += stride) {
      const v = load<T>(r);
      k++;
      if (improves<T>(largest, v, best)) {
        best = v;
        place = k;
      }
    }
    store<T>(y, best);
    store<i64>(index, place);
  }
}

// @ts-ignore: decorator
@inline
function places<T>(
  largest: bool,
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  const size = sizeof<T>(), stride = <usize> inner * size;
  for (let i = begin; i < end;) {
    const outer = i / inner, column = i - outer * inner;
    const from = x + <usize> outer * <usize> n * stride + <usize> column * size;
    const to = y + <usize> i * size, at = index + (<usize> i << 3);
    if (inner == 1) {
      const best = bestOfRow<T>(largest, from, n);
      store<T>(to, best);
      store<i64>(at, find<T>(from, n, best));
      i++;
      continue;
    }
    const count = min(inner - column, end - i);
    placesOfColumns<T>(largest, to, at, from, n, stride, count);
    i += count;
  }
}

/**
 * The best up to each element, and where it was: of equal ones the last, of those that are not numbers as well.
 */
// @ts-ignore: decorator
@inline
function running<T>(
  largest: bool,
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  const size = sizeof<T>();
  for (let i = begin; i < end; i++) {
    const outer = i / inner, first = outer * n * inner + (i - outer * inner);
    let best = load<T>(x + <usize> first * size), place: i64 = 0;
    for (let k = 0, at = first; k < n; k++, at += inner) {
      const v = load<T>(x + <usize> at * size);
      if (
        (isFloat<T>() && v != v) || (best == best && (largest ? v >= best : v <= best))
      ) {
        best = v;
        place = k;
      }
      store<T>(y + <usize> at * size, best);
      store<i64>(index + (<usize> at << 3), place);
    }
  }
}

export function amax(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<f32>(true, y, x, n, inner, begin, end);
}

export function amax_f64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<f64>(true, y, x, n, inner, begin, end);
}

export function amax_i64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<i64>(true, y, x, n, inner, begin, end);
}

export function amax_u8(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<u8>(true, y, x, n, inner, begin, end);
}

export function amin(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<f32>(false, y, x, n, inner, begin, end);
}

export function amin_f64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<f64>(false, y, x, n, inner, begin, end);
}

export function amin_i64(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<i64>(false, y, x, n, inner, begin, end);
}

export function amin_u8(y: usize, x: usize, n: i32, inner: i32, begin: i32, end: i32): void {
  extremes<u8>(false, y, x, n, inner, begin, end);
}

export function argmax(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  places<f32>(true, y, index, x, n, inner, begin, end);
}

export function argmax_f64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  places<f64>(true, y, index, x, n, inner, begin, end);
}

export function argmax_i64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  places<i64>(true, y, index, x, n, inner, begin, end);
}

export function argmin(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  places<f32>(false, y, index, x, n, inner, begin, end);
}

export function argmin_f64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  places<f64>(false, y, index, x, n, inner, begin, end);
}

export function argmin_i64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  places<i64>(false, y, index, x, n, inner, begin, end);
}

export function cummax(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  running<f32>(true, y, index, x, n, inner, begin, end);
}

export function cummax_f64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  running<f64>(true, y, index, x, n, inner, begin, end);
}

export function cummax_i64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  running<i64>(true, y, index, x, n, inner, begin, end);
}

export function cummin(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  running<f32>(false, y, index, x, n, inner, begin, end);
}

export function cummin_f64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  running<f64>(false, y, index, x, n, inner, begin, end);
}

export function cummin_i64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  running<i64>(false, y, index, x, n, inner, begin, end);
}
