/**
 * Sorting along the middle axis of x: [outer, n, inner]. Kernels do the slices [begin, end) of outer * inner; `scratch`
 * has room for 4 n keys (of 4 bytes, or 8 for 8-byte elements) and 1024 more: see order.ts.
 */
import { makePairs, nthElement, quickSelect, smallest, stableSort, unstableSort } from "./order";

/** The values and indices of pairs[0 .. k) to a slice of `values` and `indices` with k elements, `inner` apart. */
// @ts-ignore: decorator
@inline
function writeSlice<T, K>(
  values: usize,
  indices: usize,
  x: usize,
  pairs: usize,
  k: i32,
  inner: usize,
): void {
  for (let i = 0; i < k; i++, pairs += 2 * sizeof<K>()) {
    const index = load<K>(pairs, sizeof<K>());
    store<T>(values, load<T>(x + <usize> index * inner * sizeof<T>()));
    store<i64>(indices, <i64> index);
    values += inner * sizeof<T>();
    indices += inner << 3;
  }
}

/** Up to this size, a sort that need not be stable leaves equal elements in PyTorch's order; above, stable is quicker. */
const UNSTABLE = 1024;

// @ts-ignore: decorator
@inline
function sortOf<T, K>(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  inner: i32,
  descending: i32,
  stable: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const step = <usize> inner, room = <usize> n * 2 * sizeof<K>();
  const flip = descending ? ~<K> 0 : <K> 0;
  for (let s = begin; s < end; s++) {
    const start = <usize> (s / inner) * n * step + <usize> (s % inner);
    const slice = x + start * sizeof<T>();
    makePairs<T, K>(scratch, slice, n, step * sizeof<T>(), flip);
    let sorted = scratch;
    if (stable || n > UNSTABLE) sorted = stableSort<K>(scratch, scratch + room, scratch + 2 * room, n);
    else unstableSort<K>(scratch, scratch + room);
    writeSlice<T, K>(values + start * sizeof<T>(), indices + (start << 3), slice, sorted, n, step);
  }
}

/** Sorts, stably if `stable`; NaN is the greatest. */
export function sort(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  inner: i32,
  descending: i32,
  stable: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  sortOf<f32, u32>(values, indices, x, n, inner, descending, stable, scratch, begin, end);
}

export function sort_f64(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  inner: i32,
  descending: i32,
  stable: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  sortOf<f64, u64>(values, indices, x, n, inner, descending, stable, scratch, begin, end);
}

export function sort_i64(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  inner: i32,
  descending: i32,
  stable: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  sortOf<i64, u64>(values, indices, x, n, inner, descending, stable, scratch, begin, end);
}

export function sort_i32(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  inner: i32,
  descending: i32,
  stable: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  sortOf<i32, u32>(values, indices, x, n, inner, descending, stable, scratch, begin, end);
}

export function sort_u8(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  inner: i32,
  descending: i32,
  stable: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  sortOf<u8, u32>(values, indices, x, n, inner, descending, stable, scratch, begin, end);
}

// @ts-ignore: decorator
@inline
function topkOf<T, K>(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  largest: i32,
  sorted: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const step = <usize> inner, flip = largest ? ~<K> 0 : <K> 0, pair = 2 * sizeof<K>();
  const last = scratch + <usize> n * pair;
  for (let s = begin; s < end; s++) {
    const o = <usize> (s / inner), j = <usize> (s % inner);
    const slice = x + (o * n * step + j) * sizeof<T>(), start = o * k * step + j;
    // PyTorch's choice of algorithms, so that ties are ordered as there.
    if (<i64> k * 64 <= <i64> n) {
      smallest<T, K>(scratch, k, slice, n, step * sizeof<T>(), flip);
    } else {
      makePairs<T, K>(scratch, slice, n, step * sizeof<T>(), flip);
      const nth = scratch + <usize> (k - 1) * pair;
      nthElement<K>(scratch, nth, last);
      if (sorted) unstableSort<K>(scratch, nth);
    }
    writeSlice<T, K>(values + start * sizeof<T>(), indices + (start << 3), slice, scratch, k, step);
  }
}

/** The k greatest (or smallest) of each slice: values and indices [outer, k, inner]. */
export function topk(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  largest: i32,
  sorted: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  topkOf<f32, u32>(values, indices, x, n, k, inner, largest, sorted, scratch, begin, end);
}

export function topk_f64(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  largest: i32,
  sorted: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  topkOf<f64, u64>(values, indices, x, n, k, inner, largest, sorted, scratch, begin, end);
}

export function topk_i64(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  largest: i32,
  sorted: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  topkOf<i64, u64>(values, indices, x, n, k, inner, largest, sorted, scratch, begin, end);
}

export function topk_i32(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  largest: i32,
  sorted: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  topkOf<i32, u32>(values, indices, x, n, k, inner, largest, sorted, scratch, begin, end);
}

export function topk_u8(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  largest: i32,
  sorted: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  topkOf<u8, u32>(values, indices, x, n, k, inner, largest, sorted, scratch, begin, end);
}

// @ts-ignore: decorator
@inline
function kthvalueOf<T, K>(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const step = <usize> inner;
  for (let s = begin; s < end; s++) {
    const slice = x + (<usize> (s / inner) * n * step + <usize> (s % inner)) * sizeof<T>();
    makePairs<T, K>(scratch, slice, n, step * sizeof<T>(), <K> 0);
    quickSelect<K>(scratch, n, k - 1);
    const index = load<K>(scratch + <usize> (k - 1) * 2 * sizeof<K>(), sizeof<K>());
    store<T>(values + <usize> s * sizeof<T>(), load<T>(slice + <usize> index * step * sizeof<T>()));
    store<i64>(indices + (<usize> s << 3), <i64> index);
  }
}

/** The k-th smallest of each slice, k from 1: values and indices [outer, inner]. */
export function kthvalue(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  kthvalueOf<f32, u32>(values, indices, x, n, k, inner, scratch, begin, end);
}

export function kthvalue_f64(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  kthvalueOf<f64, u64>(values, indices, x, n, k, inner, scratch, begin, end);
}

export function kthvalue_i64(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  kthvalueOf<i64, u64>(values, indices, x, n, k, inner, scratch, begin, end);
}

export function kthvalue_i32(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  kthvalueOf<i32, u32>(values, indices, x, n, k, inner, scratch, begin, end);
}

export function kthvalue_u8(
  values: usize,
  indices: usize,
  x: usize,
  n: i32,
  k: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  kthvalueOf<u8, u32>(values, indices, x, n, k, inner, scratch, begin, end);
}
