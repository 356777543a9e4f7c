/**
 * Medians and modes over the middle axis of [outer, n, inner], n at least 1, and where they are. Kernels do the slices
 * [begin, end) of the outer * inner slices.
 *
 * The median is the lower one; scratch holds n 32-bit indexes. Of equal elements PyTorch's index is the one that std::nth_element leaves in the middle. So this is libstdc++'s
 * introselect, step by step (without its guard against inputs made to defeat the choice of the pivot).
 */

/** Whether the element at index i sorts before the one at index j; those that are not numbers come last. */
// @ts-ignore: decorator
@inline
function before<T>(x: usize, stride: usize, i: u32, j: u32): bool {
  const a = load<T>(x + <usize> i * stride), b = load<T>(x + <usize> j * stride);
  if (isFloat<T>() && b != b) return a == a;
  return a < b;
}

// @ts-ignore: decorator
@inline
function swap(p: usize, q: usize): void {
  const i = load<u32>(p);
  store<u32>(p, load<u32>(q));
  store<u32>(q, i);
}

/** Moves the median of the three elements at a, b and c to `to`. */
function medianOfThree<T>(x: usize, stride: usize, to: usize, a: usize, b: usize, c: usize): void {
  const i = load<u32>(a), j = load<u32>(b), k = load<u32>(c);
  let middle = b;
  if (before<T>(x, stride, i, j)) {
    if (!before<T>(x, stride, j, k)) middle = before<T>(x, stride, i, k) ? c : a;
  } else if (before<T>(x, stride, i, k)) middle = a;
  else if (before<T>(x, stride, j, k)) middle = c;
  swap(to, middle);
}

/** Orders the indexes [first, last) such that the one at `nth` is that of the element that sorting would put there. */
function select<T>(x: usize, stride: usize, first: usize, nth: usize, last: usize): u32 {
  while (last - first > 12) {
    const middle = first + (((last - first) >> 3) << 2);
    medianOfThree<T>(x, stride, first, first + 4, middle, last - 4);
    const pivot = load<u32>(first);
    let low = first + 4, high = last;
    while (true) {
      while (before<T>(x, stride, load<u32>(low), pivot)) low += 4;
      high -= 4;
      while (before<T>(x, stride, pivot, load<u32>(high))) high -= 4;
      if (low >= high) break;
      swap(low, high);
      low += 4;
    }
    if (low <= nth) first = low;
    else last = low;
  }
  for (let p = first + 4; p < last; p += 4) {
    const i = load<u32>(p);
    let q = p;
    for (; q > first && before<T>(x, stride, i, load<u32>(q - 4)); q -= 4) {
      store<u32>(q, load<u32>(q - 4));
    }
    store<u32>(q, i);
  }
  return load<u32>(nth);
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
      const middle = max(n - others - 1, 0) >> 1;
      place = select<T>(
        from,
        stride,
        scratch,
        scratch + (<usize> middle << 2),
        scratch + (<usize> n << 2),
      );
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

/**
 * The most frequent element of sorted slices x: [outer, n, inner], n at least 1, the smallest of several, and where the
 * last of them was before sorting: `order` holds those indexes.
 */
// @ts-ignore: decorator
@inline
function modes<T>(
  y: usize,
  index: usize,
  x: usize,
  order: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const outer = i / inner, first = outer * n * inner + (i - outer * inner);
    let most = 0, run = 0, place: usize = 0;
    for (let k = 0, at = first; k < n; k++, at += inner) {
      run++;
      const v = load<T>(x + <usize> at * sizeof<T>());
      if (k < n - 1 && load<T>(x + <usize> (at + inner) * sizeof<T>()) == v) continue;
      if (run > most) {
        most = run;
        place = at;
      }
      run = 0;
    }
    store<T>(y + <usize> i * sizeof<T>(), load<T>(x + place * sizeof<T>()));
    store<i64>(index + (<usize> i << 3), load<i64>(order + (place << 3)));
  }
}

export function mode(
  y: usize,
  index: usize,
  x: usize,
  order: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  modes<f32>(y, index, x, order, n, inner, begin, end);
}

export function mode_f64(
  y: usize,
  index: usize,
  x: usize,
  order: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  modes<f64>(y, index, x, order, n, inner, begin, end);
}

export function mode_i64(
  y: usize,
  index: usize,
  x: usize,
  order: usize,
  n: i32,
  inner: i32,
  begin: i32,
  end: i32,
): void {
  modes<i64>(y, index, x, order, n, inner, begin, end);
}
