/**
 * Looking elements up in sorted ones, and telling runs of equal ones.
 */

// @ts-ignore: decorator
@inline
function searchOf<T>(
  y: usize,
  sorted: usize,
  x: usize,
  n: i32,
  row: i32,
  stride: i32,
  right: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const base = sorted + <usize> (i / row) * stride * sizeof<T>();
    const value = load<T>(x + <usize> i * sizeof<T>());
    let low = 0, high = n;
    while (low < high) {
      const middle = low + ((high - low) >> 1);
      const at = load<T>(base + <usize> middle * sizeof<T>());
      // Written so that a NaN goes to the end.
      if (right ? !(at > value) : !(at >= value)) low = middle + 1;
      else high = middle;
    }
    store<i64>(y + (<usize> i << 3), <i64> low);
  }
}

/**
 * How many of n sorted elements come before x[i] (with those equal to it, if `right`). Rows of `row` elements of x have sorted
 * sequences `stride` elements apart.
 */
export function searchsorted(
  y: usize,
  sorted: usize,
  x: usize,
  n: i32,
  row: i32,
  stride: i32,
  right: i32,
  begin: i32,
  end: i32,
): void {
  searchOf<f32>(y, sorted, x, n, row, stride, right, begin, end);
}

export function searchsorted_f64(
  y: usize,
  sorted: usize,
  x: usize,
  n: i32,
  row: i32,
  stride: i32,
  right: i32,
  begin: i32,
  end: i32,
): void {
  searchOf<f64>(y, sorted, x, n, row, stride, right, begin, end);
}

export function searchsorted_i64(
  y: usize,
  sorted: usize,
  x: usize,
  n: i32,
  row: i32,
  stride: i32,
  right: i32,
  begin: i32,
  end: i32,
): void {
  searchOf<i64>(y, sorted, x, n, row, stride, right, begin, end);
}

export function searchsorted_i32(
  y: usize,
  sorted: usize,
  x: usize,
  n: i32,
  row: i32,
  stride: i32,
  right: i32,
  begin: i32,
  end: i32,
): void {
  searchOf<i32>(y, sorted, x, n, row, stride, right, begin, end);
}

export function searchsorted_u8(
  y: usize,
  sorted: usize,
  x: usize,
  n: i32,
  row: i32,
  stride: i32,
  right: i32,
  begin: i32,
  end: i32,
): void {
  searchOf<u8>(y, sorted, x, n, row, stride, right, begin, end);
}

// @ts-ignore: decorator
@inline
function isinOf<T>(
  y: usize,
  x: usize,
  sorted: usize,
  n: i32,
  invert: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const value = load<T>(x + <usize> i * sizeof<T>());
    let low = 0, high = n;
    while (low < high) {
      const middle = low + ((high - low) >> 1);
      if (load<T>(sorted + <usize> middle * sizeof<T>()) < value) low = middle + 1;
      else high = middle;
    }
    const found = low < n && load<T>(sorted + <usize> low * sizeof<T>()) == value;
    store<u8>(y + i, <u8> (<i32> found ^ invert));
  }
}

/** Whether x[i] is among n sorted elements (or is not, if `invert` is 1); y is bool. */
export function isin(
  y: usize,
  x: usize,
  sorted: usize,
  n: i32,
  invert: i32,
  begin: i32,
  end: i32,
): void {
  isinOf<f32>(y, x, sorted, n, invert, begin, end);
}

export function isin_f64(
  y: usize,
  x: usize,
  sorted: usize,
  n: i32,
  invert: i32,
  begin: i32,
  end: i32,
): void {
  isinOf<f64>(y, x, sorted, n, invert, begin, end);
}

export function isin_i64(
  y: usize,
  x: usize,
  sorted: usize,
  n: i32,
  invert: i32,
  begin: i32,
  end: i32,
): void {
  isinOf<i64>(y, x, sorted, n, invert, begin, end);
}

export function isin_i32(
  y: usize,
  x: usize,
  sorted: usize,
  n: i32,
  invert: i32,
  begin: i32,
  end: i32,
): void {
  isinOf<i32>(y, x, sorted, n, invert, begin, end);
}

export function isin_u8(
  y: usize,
  x: usize,
  sorted: usize,
  n: i32,
  invert: i32,
  begin: i32,
  end: i32,
): void {
  isinOf<u8>(y, x, sorted, n, invert, begin, end);
}

// @ts-ignore: decorator
@inline
function runStartsOf<T>(y: usize, x: usize, columns: i32, begin: i32, end: i32): void {
  const bytes = <usize> columns * sizeof<T>();
  for (let i = begin; i < end; i++) {
    let differs = i == 0;
    for (let p = x + <usize> i * bytes, last = p + bytes; !differs && p < last; p += sizeof<T>()) {
      differs = load<T>(p) != load<T>(p - bytes);
    }
    store<u8>(y + i, <u8> differs);
  }
}

/** Whether row i of x: [rows, columns] differs from the row before it; y is bool. */
export function run_starts(y: usize, x: usize, columns: i32, begin: i32, end: i32): void {
  runStartsOf<f32>(y, x, columns, begin, end);
}

export function run_starts_f64(y: usize, x: usize, columns: i32, begin: i32, end: i32): void {
  runStartsOf<f64>(y, x, columns, begin, end);
}

export function run_starts_i64(y: usize, x: usize, columns: i32, begin: i32, end: i32): void {
  runStartsOf<i64>(y, x, columns, begin, end);
}

export function run_starts_i32(y: usize, x: usize, columns: i32, begin: i32, end: i32): void {
  runStartsOf<i32>(y, x, columns, begin, end);
}

export function run_starts_u8(y: usize, x: usize, columns: i32, begin: i32, end: i32): void {
  runStartsOf<u8>(y, x, columns, begin, end);
}

/** The number of the run (from 0) that each of n rows is in; `starts` is bool. */
export function run_numbers(y: usize, starts: usize, n: i32): void {
  let run: i64 = -1;
  for (let i = 0; i < n; i++) {
    run += <i64> load<u8>(starts + i);
    store<i64>(y + (<usize> i << 3), run);
  }
}

/** The lengths of `count` runs of n rows, from the positions at which they start. */
export function run_lengths(y: usize, positions: usize, count: i32, n: i32): void {
  for (let i = 0; i < count; i++) {
    const p = positions + (<usize> i << 3);
    store<i64>(y + (<usize> i << 3), (i + 1 < count ? load<i64>(p, 8) : <i64> n) - load<i64>(p));
  }
}

/** Whether row a of x comes before row b: at their first difference. */
// @ts-ignore: decorator
@inline
function rowBefore<T>(x: usize, columns: i32, a: u32, b: u32): bool {
  const bytes = <usize> columns * sizeof<T>();
  let p = x + <usize> a * bytes, q = x + <usize> b * bytes;
  for (let j = 0; j < columns; j++, p += sizeof<T>(), q += sizeof<T>()) {
    const v = load<T>(p), w = load<T>(q);
    if (v < w) return true;
    if (v > w) return false;
  }
  return false;
}

/** Merge sort of row numbers, from runs of one. */
// @ts-ignore: decorator
@inline
function rowOrderOf<T>(y: usize, x: usize, rows: i32, columns: i32, scratch: usize): void {
  let from = scratch, to = scratch + (<usize> rows << 2);
  for (let i = 0; i < rows; i++) store<u32>(from + (<usize> i << 2), i);
  for (let width = 1; width < rows; width *= 2) {
    for (let start = 0; start < rows; start += 2 * width) {
      const middle = min(start + width, rows), end = min(start + 2 * width, rows);
      let a = start, b = middle;
      for (let i = start; i < end; i++) {
        const p = from + (<usize> a << 2), q = from + (<usize> b << 2);
        const second = a == middle ||
          (b < end && rowBefore<T>(x, columns, load<u32>(q), load<u32>(p)));
        store<u32>(to + (<usize> i << 2), load<u32>(second ? q : p));
        if (second) b++;
        else a++;
      }
    }
    const swapped = from;
    from = to;
    to = swapped;
  }
  for (let i = 0; i < rows; i++) {
    store<i64>(y + (<usize> i << 3), <i64> load<u32>(from + (<usize> i << 2)));
  }
}

/** The row numbers of x: [rows, columns] in lexicographic order of the rows, stably; scratch of 8 bytes a row. */
export function row_order(y: usize, x: usize, rows: i32, columns: i32, scratch: usize): void {
  rowOrderOf<f32>(y, x, rows, columns, scratch);
}

export function row_order_f64(y: usize, x: usize, rows: i32, columns: i32, scratch: usize): void {
  rowOrderOf<f64>(y, x, rows, columns, scratch);
}

export function row_order_i64(y: usize, x: usize, rows: i32, columns: i32, scratch: usize): void {
  rowOrderOf<i64>(y, x, rows, columns, scratch);
}

export function row_order_i32(y: usize, x: usize, rows: i32, columns: i32, scratch: usize): void {
  rowOrderOf<i32>(y, x, rows, columns, scratch);
}

export function row_order_u8(y: usize, x: usize, rows: i32, columns: i32, scratch: usize): void {
  rowOrderOf<u8>(y, x, rows, columns, scratch);
}
