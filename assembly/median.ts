/**
 * Medians and modes over the middle axis of [outer, n, inner], n at least 1, and where they are. Kernels do the slices
 * [begin, end) of the outer * inner slices; scratch holds n 32-bit indexes, which are ordered in place of the elements.
 */

/** Ranges up to this length, in bytes of indexes, are left to insertion. */
const SHORT_MEDIAN: usize = 12;
const SHORT_MODE: usize = 64;

/**
 * Whether the element at index i comes before that at index j. For medians (`total`), equal elements are ordered by index
 * and those that are not numbers come last; for modes, neither has an order.
 */
// @ts-ignore: decorator
@inline
function before<T>(total: bool, x: usize, stride: usize, i: u32, j: u32): bool {
  const a = load<T>(x + <usize> i * stride), b = load<T>(x + <usize> j * stride);
  if (!total || a != b) {
    if (total && isFloat<T>()) {
      if (a != a) return b != b && i < j;
      if (b != b) return true;
    }
    return a < b;
  }
  return i < j;
}

// @ts-ignore: decorator
@inline
function swap(p: usize, q: usize): void {
  const i = load<u32>(p);
  store<u32>(p, load<u32>(q));
  store<u32>(q, i);
}

/** Swaps the median of the three elements at a, b and c with that at `to`. */
// @ts-ignore: decorator
@inline
function medianOfThree<T>(
  total: bool,
  x: usize,
  stride: usize,
  to: usize,
  a: usize,
  b: usize,
  c: usize,
): void {
  const i = load<u32>(a), j = load<u32>(b), k = load<u32>(c);
  let middle = b;
  if (before<T>(total, x, stride, i, j)) {
    if (!before<T>(total, x, stride, j, k)) middle = before<T>(total, x, stride, i, k) ? c : a;
  } else if (before<T>(total, x, stride, i, k)) middle = a;
  else if (before<T>(total, x, stride, j, k)) middle = c;
  swap(to, middle);
}

/** Divides [first, last) in two, none of the first part after any of the second; returns where the second begins. */
// @ts-ignore: decorator
@inline
function partition<T>(total: bool, x: usize, stride: usize, first: usize, last: usize): usize {
  const middle = first + (((last - first) >> 3) << 2);
  medianOfThree<T>(total, x, stride, first, first + 4, middle, last - 4);
  const pivot = load<u32>(first);
  let low = first + 4, high = last;
  while (true) {
    // The pivot's neighbours in order stop both; elements that have no order might not, so the bounds do.
    while (low < last && before<T>(total, x, stride, load<u32>(low), pivot)) low += 4;
    high -= 4;
    while (high > first && before<T>(total, x, stride, pivot, load<u32>(high))) high -= 4;
    if (low >= high) return low;
    swap(low, high);
    low += 4;
  }
}

/** Sorts [first, last); equal elements keep their order. */
// @ts-ignore: decorator
@inline
function insert<T>(total: bool, x: usize, stride: usize, first: usize, last: usize): void {
  for (let p = first + 4; p < last; p += 4) {
    const i = load<u32>(p);
    let q = p;
    for (; q > first && before<T>(total, x, stride, i, load<u32>(q - 4)); q -= 4) {
      store<u32>(q, load<u32>(q - 4));
    }
    store<u32>(q, i);
  }
}

function medians<T>(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  numbers: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const size = sizeof<T>(), stride = <usize> inner * size;
  for (let i = begin; i < end; i++) {
    const outer = i / inner;
    const from = x + <usize> outer * <usize> n * stride + <usize> (i - outer * inner) * size;
    let place: u32 = 0, others = 0;
    if (isFloat<T>()) {
      for (let k = 0; k < n; k++) {
        const v = load<T>(from + <usize> k * stride);
        if (v == v) continue;
        if (others == 0) place = k;
        others++;
      }
    }
    // One that is not a number is the median, unless numbers alone count.
    if (others == 0 || numbers) {
      for (let k = 0; k < n; k++) store<u32>(scratch + (<usize> k << 2), k);
      const nth = scratch + (<usize> (max(n - others - 1, 0) >> 1) << 2);
      let first = scratch, last = scratch + (<usize> n << 2);
      while (last - first > SHORT_MEDIAN) {
        const cut = partition<T>(true, from, stride, first, last);
        if (cut <= nth) first = cut;
        else last = cut;
      }
      insert<T>(true, from, stride, first, last);
      place = load<u32>(nth);
    }
    store<T>(y + <usize> i * size, load<T>(from + <usize> place * stride));
    store<i64>(index + (<usize> i << 3), place);
  }
}

/** Partitions [first, last) down to short ranges, `depth` times at most. */
function divide<T>(x: usize, stride: usize, first: usize, last: usize, depth: i32): void {
  while (last - first > SHORT_MODE && depth-- > 0) {
    const cut = partition<T>(false, x, stride, first, last);
    divide<T>(x, stride, cut, last, depth);
    last = cut;
  }
}

/**
 * The most frequent element, the smallest of several. Its index is that of the last of a run after sorting as
 * std::sort of libstdc++ does, as PyTorch has it: quicksort down to ranges of 16, then insertion.
 */
function modes<T>(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const size = sizeof<T>(), stride = <usize> inner * size, last = scratch + (<usize> n << 2);
  for (let i = begin; i < end; i++) {
    const outer = i / inner;
    const from = x + <usize> outer * <usize> n * stride + <usize> (i - outer * inner) * size;
    for (let k = 0; k < n; k++) store<u32>(scratch + (<usize> k << 2), k);
    divide<T>(from, stride, scratch, last, 2 * (31 - clz(n)));
    insert<T>(false, from, stride, scratch, last);
    let most = 0, run = 0, place: u32 = 0;
    for (let p = scratch; p < last; p += 4) {
      run++;
      const at = load<u32>(p), v = load<T>(from + <usize> at * stride);
      if (p + 4 < last && load<T>(from + <usize> load<u32>(p + 4) * stride) == v) continue;
      if (run > most) {
        most = run;
        place = at;
      }
      run = 0;
    }
    store<T>(y + <usize> i * size, load<T>(from + <usize> place * stride));
    store<i64>(index + (<usize> i << 3), place);
  }
}

export function median(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  numbers: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  medians<f32>(y, index, x, n, inner, numbers, scratch, begin, end);
}

export function median_f64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  numbers: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  medians<f64>(y, index, x, n, inner, numbers, scratch, begin, end);
}

export function median_i64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  numbers: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  medians<i64>(y, index, x, n, inner, numbers, scratch, begin, end);
}

export function mode(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  modes<f32>(y, index, x, n, inner, scratch, begin, end);
}

export function mode_f64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  modes<f64>(y, index, x, n, inner, scratch, begin, end);
}

export function mode_i64(
  y: usize,
  index: usize,
  x: usize,
  n: i32,
  inner: i32,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  modes<i64>(y, index, x, n, inner, scratch, begin, end);
}
