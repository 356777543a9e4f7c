/**
 * Combining elements into indexed positions: sums, products, extremes. Indexes as in index.ts. Several elements for one
 * position are combined in order.
 */
import { indexAt } from "./position";

// The operations. The loops below are inlined into each export, where the operation is a constant.
const ADD = 0, PROD = 1, AMAX = 2, AMIN = 3;

// @ts-ignore: decorator
@inline
function combine<T>(op: i32, a: T, b: T): T {
  if (op == ADD) return <T> (a + b);
  if (op == PROD) return <T> (a * b);
  if (isFloat<T>()) return op == AMAX ? max<T>(a, b) : min<T>(a, b);
  if (op == AMAX) return a > b ? a : b;
  return a < b ? a : b;
}

// @ts-ignore: decorator
@inline
function scatter<T>(
  op: i32,
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
    if (inner == 1) {
      for (const last = at + k; at < last; at++) {
        const p = slab + indexAt(index + (at << 3), n) * sizeof<T>();
        store<T>(p, combine<T>(op, load<T>(p), load<T>(source + at * sizeof<T>())));
      }
      continue;
    }
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < inner; j++, at++) {
        const p = slab + (indexAt(index + (at << 3), n) * inner + j) * sizeof<T>();
        store<T>(p, combine<T>(op, load<T>(p), load<T>(source + at * sizeof<T>())));
      }
    }
  }
}

/** y[o, index[o, i, j], j] += source[o, i, j]: y is [outer, n, inner], source and index [outer, k, inner]. */
export function scatter_add(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f32>(ADD, y, index, source, n, k, inner, begin, end);
}

export function scatter_add_f64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f64>(ADD, y, index, source, n, k, inner, begin, end);
}

export function scatter_add_i64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i64>(ADD, y, index, source, n, k, inner, begin, end);
}

export function scatter_add_i32(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i32>(ADD, y, index, source, n, k, inner, begin, end);
}

export function scatter_add_u8(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u8>(ADD, y, index, source, n, k, inner, begin, end);
}

/** As scatter_add, multiplying. */
export function scatter_prod(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f32>(PROD, y, index, source, n, k, inner, begin, end);
}

export function scatter_prod_f64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f64>(PROD, y, index, source, n, k, inner, begin, end);
}

export function scatter_prod_i64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i64>(PROD, y, index, source, n, k, inner, begin, end);
}

export function scatter_prod_i32(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i32>(PROD, y, index, source, n, k, inner, begin, end);
}

export function scatter_prod_u8(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u8>(PROD, y, index, source, n, k, inner, begin, end);
}

/** As scatter_add, with the greater of both; NaN wins. */
export function scatter_amax(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f32>(AMAX, y, index, source, n, k, inner, begin, end);
}

export function scatter_amax_f64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f64>(AMAX, y, index, source, n, k, inner, begin, end);
}

export function scatter_amax_i64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i64>(AMAX, y, index, source, n, k, inner, begin, end);
}

export function scatter_amax_i32(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i32>(AMAX, y, index, source, n, k, inner, begin, end);
}

export function scatter_amax_u8(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u8>(AMAX, y, index, source, n, k, inner, begin, end);
}

/** As scatter_add, with the lesser of both; NaN wins. */
export function scatter_amin(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f32>(AMIN, y, index, source, n, k, inner, begin, end);
}

export function scatter_amin_f64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<f64>(AMIN, y, index, source, n, k, inner, begin, end);
}

export function scatter_amin_i64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i64>(AMIN, y, index, source, n, k, inner, begin, end);
}

export function scatter_amin_i32(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<i32>(AMIN, y, index, source, n, k, inner, begin, end);
}

export function scatter_amin_u8(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  scatter<u8>(AMIN, y, index, source, n, k, inner, begin, end);
}

/** y[0 .. inner) += x[0 .. inner). */
// @ts-ignore: decorator
@inline
function addRow<T>(y: usize, x: usize, inner: i32): void {
  let j = 0;
  if (isFloat<T>() && sizeof<T>() == 4) {
    for (; j + 4 <= inner; j += 4, y += 16, x += 16) {
      v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
    }
  }
  for (; j < inner; j++, y += sizeof<T>(), x += sizeof<T>()) {
    store<T>(y, <T> (load<T>(y) + load<T>(x)));
  }
}

// @ts-ignore: decorator
@inline
function indexAdd<T>(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  const bytes = <usize> inner * sizeof<T>();
  for (let o = begin; o < end; o++) {
    for (let i = 0; i < k; i++) {
      const row = <usize> o * n + indexAt(index + (<usize> i << 3), n);
      addRow<T>(y + row * bytes, source + (<usize> o * k + i) * bytes, inner);
    }
  }
}

/** y[o, index[i], :] += source[o, i, :]: y is [outer, n, inner], source [outer, k, inner]. */
export function index_add(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  indexAdd<f32>(y, index, source, n, k, inner, begin, end);
}

export function index_add_f64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  indexAdd<f64>(y, index, source, n, k, inner, begin, end);
}

export function index_add_i64(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  indexAdd<i64>(y, index, source, n, k, inner, begin, end);
}

export function index_add_i32(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  indexAdd<i32>(y, index, source, n, k, inner, begin, end);
}

export function index_add_u8(
  y: usize,
  index: usize,
  source: usize,
  n: i32,
  k: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  indexAdd<u8>(y, index, source, n, k, inner, begin, end);
}
