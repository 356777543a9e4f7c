/**
 * Indexing by tensors of integers and by masks, for elements of any dtype of a size.
 *
 * The places to read or write are worked out once, as int64 offsets in elements, and used by all kernels: y or x is
 * [outer, ...] with a stride from one outer index to the next; each of the n offsets begins a run of `inner` elements.
 */

/**
 * Adds what one index contributes to the offsets [begin, end): offset i is at place (i / inner) % count of the index;
 * a negative index counts from the end of the axis, of `size` elements `stride` apart.
 */
export function index_offsets(
  offsets: usize,
  index: usize,
  inner: i32,
  count: i32,
  size: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  let i = begin;
  while (i < end) {
    const run = i / inner, place = run % count;
    const stop = min((run + 1) * inner, end);
    let value = load<i64>(index + (<usize> place << 3));
    if (value < 0) value += size;
    const step = value * stride;
    for (; i < stop; i++) {
      const p = offsets + (<usize> i << 3);
      store<i64>(p, load<i64>(p) + step);
    }
  }
}

/** Adds what an axis that is gone through in order contributes to the offsets [begin, end). */
export function axis_offsets(
  offsets: usize,
  inner: i32,
  count: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const p = offsets + (<usize> i << 3);
    store<i64>(p, load<i64>(p) + <i64> ((i / inner) % count) * stride);
  }
}

// @ts-ignore: decorator
@inline
function take<T>(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  const bytes = <usize> inner * sizeof<T>();
  let o = begin / n, i = begin - o * n;
  let target = y + <usize> begin * bytes, source = x + <usize> o * <usize> stride * sizeof<T>();
  for (let row = begin; row < end; row++, target += bytes) {
    const from = source + <usize> load<i64>(offsets + (<usize> i << 3)) * sizeof<T>();
    if (inner == 1) store<T>(target, load<T>(from));
    else memory.copy(target, from, bytes);
    if (++i == n) {
      i = 0;
      source += <usize> stride * sizeof<T>();
    }
  }
}

/** y[o, i, :] = x[o, offset i ...], elements of one byte, for rows [begin, end) of outer * n. */
export function take_offsets_b1(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  take<u8>(y, x, offsets, n, inner, stride, begin, end);
}

/** The same, of two bytes. */
export function take_offsets_b2(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  take<u16>(y, x, offsets, n, inner, stride, begin, end);
}

/** The same, of four bytes. */
export function take_offsets_b4(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  take<u32>(y, x, offsets, n, inner, stride, begin, end);
}

/** The same, of eight bytes. */
export function take_offsets_b8(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  take<u64>(y, x, offsets, n, inner, stride, begin, end);
}

/** Goes through the offsets in order within each outer index, so that of several writes to one place the last stays. */
// @ts-ignore: decorator
@inline
function put<T>(
  add: bool,
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  const bytes = <usize> inner * sizeof<T>();
  let source = x + <usize> begin * <usize> n * bytes;
  for (let o = begin; o < end; o++) {
    const base = y + <usize> o * <usize> stride * sizeof<T>();
    for (let i = 0; i < n; i++) {
      let target = base + <usize> load<i64>(offsets + (<usize> i << 3)) * sizeof<T>();
      if (!add && inner > 1) {
        memory.copy(target, source, bytes);
        source += bytes;
        continue;
      }
      const stop = source + bytes;
      if (add && isFloat<T>() && sizeof<T>() == 4) {
        for (; source + 16 <= stop; source += 16, target += 16) {
          v128.store(target, f32x4.add(v128.load(target), v128.load(source)));
        }
      }
      for (; source < stop; source += sizeof<T>(), target += sizeof<T>()) {
        const value = load<T>(source);
        store<T>(target, add ? <T> (load<T>(target) + value) : value);
      }
    }
  }
}

/** y[o, offset i ...] = x[o, i, :], elements of one byte, for outer indexes [begin, end). */
export function put_offsets_b1(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<u8>(false, y, x, offsets, n, inner, stride, begin, end);
}

/** The same, of two bytes. */
export function put_offsets_b2(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<u16>(false, y, x, offsets, n, inner, stride, begin, end);
}

/** The same, of four bytes. */
export function put_offsets_b4(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<u32>(false, y, x, offsets, n, inner, stride, begin, end);
}

/** The same, of eight bytes. */
export function put_offsets_b8(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<u64>(false, y, x, offsets, n, inner, stride, begin, end);
}

/** y[o, offset i ...] += x[o, i, :], for outer indexes [begin, end). */
export function add_offsets(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<f32>(true, y, x, offsets, n, inner, stride, begin, end);
}

/** The same in float64. */
export function add_offsets_f64(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<f64>(true, y, x, offsets, n, inner, stride, begin, end);
}

/** The same in int64. */
export function add_offsets_i64(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<i64>(true, y, x, offsets, n, inner, stride, begin, end);
}

/** The same in int32. */
export function add_offsets_i32(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<i32>(true, y, x, offsets, n, inner, stride, begin, end);
}

/** The same in uint8. */
export function add_offsets_u8(
  y: usize,
  x: usize,
  offsets: usize,
  n: i32,
  inner: i32,
  stride: i32,
  begin: i32,
  end: i32,
): void {
  put<u8>(true, y, x, offsets, n, inner, stride, begin, end);
}

/** count = how many of the n bytes of a mask are not zero, as int64. */
export function mask_count(count: usize, mask: usize, n: i32): void {
  let total: i64 = 0;
  for (let i = 0; i < n; i++) total += <i64> (load<u8>(mask + i) != 0);
  store<i64>(count, total);
}

/** For each byte of a mask that is not zero, in order: its coordinate (place / inner) % size, as int64. */
export function mask_coordinate(y: usize, mask: usize, n: i32, inner: i32, size: i32): void {
  for (let i = 0; i < n; i++) {
    if (load<u8>(mask + i) == 0) continue;
    store<i64>(y, (i / inner) % size);
    y += 8;
  }
}

/** total = the sum of n int64 counts, or -1 if one of them is negative. */
export function repeat_count(total: usize, counts: usize, n: i32): void {
  let sum: i64 = 0;
  for (let i = 0; i < n; i++) {
    const count = load<i64>(counts + (<usize> i << 3));
    if (count < 0) {
      store<i64>(total, -1);
      return;
    }
    sum += count;
  }
  store<i64>(total, sum);
}

/** Each of the numbers 0 .. n - 1, as often as its count says. */
export function repeat_indexes(y: usize, counts: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    for (let left = load<i64>(counts + (<usize> i << 3)); left > 0; left--, y += 8) {
      store<i64>(y, i);
    }
  }
}
