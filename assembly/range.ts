/**
 * Ranges and grids of indexes; histograms; rows of a table by index.
 */

// @ts-ignore: decorator
@inline
function arangeOf<T>(y: usize, start: f64, step: f64, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    store<T>(y + <usize> i * sizeof<T>(), <T> (start + <f64> i * step));
  }
}

/** y[i] = start + i * step. */
export function arange(y: usize, start: f64, step: f64, begin: i32, end: i32): void {
  arangeOf<f32>(y, start, step, begin, end);
}

export function arange_f64(y: usize, start: f64, step: f64, begin: i32, end: i32): void {
  arangeOf<f64>(y, start, step, begin, end);
}

export function arange_i64(y: usize, start: f64, step: f64, begin: i32, end: i32): void {
  arangeOf<i64>(y, start, step, begin, end);
}

/** The i-th of n numbers evenly spaced from `start` to `end`, from the nearer end, so that both are met exactly. */
// @ts-ignore: decorator
@inline
function spaced(start: f64, end: f64, n: i32, i: i32): f64 {
  if (n == 1) return start;
  const step = (end - start) / <f64> (n - 1);
  return i < n / 2 ? start + step * <f64> i : end - step * <f64> (n - 1 - i);
}

/** n numbers evenly spaced from `first` to `last`. */
export function linspace_f64(y: usize, n: i32, first: f64, last: f64, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) store<f64>(y + (<usize> i << 3), spaced(first, last, n, i));
}

/** `base` to the power of n numbers evenly spaced from `first` to `last`. */
export function logspace_f64(
  y: usize,
  n: i32,
  first: f64,
  last: f64,
  base: f64,
  begin: i32,
  end: i32,
): void {
  for (let i = begin; i < end; i++) {
    store<f64>(y + (<usize> i << 3), NativeMath.pow(base, spaced(first, last, n, i)));
  }
}

/**
 * Row and column numbers, [2, count], of the lower (`upper` 0) or upper (1) triangle of a matrix of `rows` x `columns`,
 * in row-major order; `offset` is that of the diagonal.
 */
export function triangle_indices(
  y: usize,
  rows: i32,
  columns: i32,
  offset: i32,
  upper: i32,
  count: i32,
): void {
  let p = y;
  for (let row = 0; row < rows; row++) {
    const diagonal = <i64> row + <i64> offset;
    const first = upper ? max<i64>(diagonal, 0) : 0;
    const last = upper ? <i64> columns : min<i64>(diagonal + 1, columns);
    for (let column = first; column < last; column++, p += 8) {
      store<i64>(p, row);
      store<i64>(p + (<usize> count << 3), column);
    }
  }
}

// @ts-ignore: decorator
@inline
function histcOf<T>(y: usize, x: usize, n: i32, bins: i32, low: f64, high: f64): void {
  const first = <T> low, last = <T> high;
  for (let i = 0; i < n; i++) {
    const value = load<T>(x + <usize> i * sizeof<T>());
    if (!(value >= first && value <= last)) continue;
    const bin = min<i32>(<i32> ((value - first) * <T> bins / (last - first)), bins - 1);
    const p = y + <usize> bin * sizeof<T>();
    store<T>(p, load<T>(p) + <T> 1);
  }
}

/**
 * Adds the counts of n elements of x in `bins` equal bins from `low` to `high` to y, of the dtype of x; what is outside
 * is not counted.
 */
export function histc(y: usize, x: usize, n: i32, bins: i32, low: f64, high: f64): void {
  histcOf<f32>(y, x, n, bins, low, high);
}

export function histc_f64(y: usize, x: usize, n: i32, bins: i32, low: f64, high: f64): void {
  histcOf<f64>(y, x, n, bins, low, high);
}

/** The p-norm of `columns` elements. */
// @ts-ignore: decorator
@inline
function norm<T>(x: usize, columns: i32, p: f64): f64 {
  let total: f64 = 0;
  for (let j = 0; j < columns; j++, x += sizeof<T>()) {
    const size = NativeMath.abs(<f64> load<T>(x));
    if (p == 2) total += size * size;
    else if (p == Infinity) total = max<f64>(total, size);
    else if (p == 1) total += size;
    else if (p == 0) total += size == 0 ? 0 : 1;
    else total += NativeMath.pow(size, p);
  }
  if (p == 2) return NativeMath.sqrt(total);
  if (p == Infinity || p == 1 || p == 0) return total;
  return NativeMath.pow(total, 1 / p);
}

// @ts-ignore: decorator
@inline
function renormOf<T>(
  y: usize,
  index: usize,
  columns: i32,
  p: f64,
  most: f64,
  begin: i32,
  end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const row = y + <usize> load<i64>(index + (<usize> i << 3)) * columns * sizeof<T>();
    const size = norm<T>(row, columns, p);
    if (!(size > most)) continue;
    const factor = <T> (most / (size + 1e-7));
    for (let q = row, last = row + <usize> columns * sizeof<T>(); q < last; q += sizeof<T>()) {
      store<T>(q, load<T>(q) * factor);
    }
  }
}

/** Scales those rows index[i] of y: [rows, columns] whose p-norm exceeds `most` down to it; no row twice. */
export function renorm_rows(
  y: usize,
  index: usize,
  columns: i32,
  p: f64,
  most: f64,
  begin: i32,
  end: i32,
): void {
  renormOf<f32>(y, index, columns, p, most, begin, end);
}

export function renorm_rows_f64(
  y: usize,
  index: usize,
  columns: i32,
  p: f64,
  most: f64,
  begin: i32,
  end: i32,
): void {
  renormOf<f64>(y, index, columns, p, most, begin, end);
}

// @ts-ignore: decorator
@inline
function segmentArgmaxOf<T>(
  y: usize,
  x: usize,
  starts: usize,
  columns: i32,
  rows: i32,
  begin: i32,
  end: i32,
): void {
  for (let s = begin; s < end; s++) {
    const first = <i32> load<i64>(starts + (<usize> s << 3)),
      last = <i32> load<i64>(starts + (<usize> s << 3), 8);
    for (let j = 0; j < columns; j++) {
      let at = first < last ? first : rows;
      for (let i = first + 1; i < last; i++) {
        const best = load<T>(x + (<usize> at * columns + j) * sizeof<T>());
        if (load<T>(x + (<usize> i * columns + j) * sizeof<T>()) > best) at = i;
      }
      store<i64>(y + (<usize> s * columns + j << 3), <i64> at);
    }
  }
}

/**
 * The row of the first maximum in each column of the segments [starts[s], starts[s + 1]) of x: [rows, columns]; `rows` for
 * an empty segment. y is [segments, columns], int64.
 */
export function segment_argmax(
  y: usize,
  x: usize,
  starts: usize,
  columns: i32,
  rows: i32,
  begin: i32,
  end: i32,
): void {
  segmentArgmaxOf<f32>(y, x, starts, columns, rows, begin, end);
}

export function segment_argmax_f64(
  y: usize,
  x: usize,
  starts: usize,
  columns: i32,
  rows: i32,
  begin: i32,
  end: i32,
): void {
  segmentArgmaxOf<f64>(y, x, starts, columns, rows, begin, end);
}
