/**
 * Ordering: keys that compare as unsigned integers, and algorithms on arrays of (key, index) pairs.
 *
 * A pair is a key K (u32 or u64) followed by its index as a K, so `2 * sizeof<K>()` bytes. A smaller key comes first;
 * NaN has the greatest key, and both zeros have one key. For descending order every key is inverted (`flip`), so NaN
 * comes first there, as in PyTorch.
 */

/** The key of x. */
// @ts-ignore: decorator
@inline
export function keyOf<T, K>(x: T, flip: K): K {
  if (isFloat<T>()) {
    if (x != x) return ~<K> 0 ^ flip;
    if (x == <T> 0) return (<K> 1 << (8 * sizeof<K>() - 1)) ^ flip;
    const bits = reinterpret<K>(x), top = <K> 1 << (8 * sizeof<K>() - 1);
    return ((bits & top) != 0 ? ~bits : bits | top) ^ flip;
  }
  if (isSigned<T>()) return (<K> x ^ (<K> 1 << (8 * sizeof<K>() - 1))) ^ flip;
  return <K> x ^ flip;
}

/** Writes the pairs of n elements, `stride` bytes apart, to `pairs`. */
// @ts-ignore: decorator
@inline
export function makePairs<T, K>(pairs: usize, x: usize, n: i32, stride: usize, flip: K): void {
  for (let i = 0, p = pairs; i < n; i++, p += 2 * sizeof<K>(), x += stride) {
    store<K>(p, keyOf<T, K>(load<T>(x), flip));
    store<K>(p, <K> i, sizeof<K>());
  }
}

// @ts-ignore: decorator
@inline
function key<K>(p: usize): K {
  return load<K>(p);
}

/** *p = *q. */
// @ts-ignore: decorator
@inline
function move<K>(p: usize, q: usize): void {
  const k = load<K>(q), i = load<K>(q, sizeof<K>());
  store<K>(p, k);
  store<K>(p, i, sizeof<K>());
}

// @ts-ignore: decorator
@inline
function put<K>(p: usize, k: K, i: K): void {
  store<K>(p, k);
  store<K>(p, i, sizeof<K>());
}

// @ts-ignore: decorator
@inline
export function swap<K>(p: usize, q: usize): void {
  const k = load<K>(p), i = load<K>(p, sizeof<K>());
  move<K>(p, q);
  put<K>(q, k, i);
}

/** Below this size, shifting pairs into place is quicker than counting digits. */
const SMALL = 48;

/**
 * Sorts n pairs at `pairs`, stably; `spare` is room for as many, `counts` for 256 counters of 4 bytes for each byte of a
 * key. Returns where the sorted pairs are: `pairs` or `spare`. Least significant digit first, a byte at a time; digits
 * that all keys share are skipped.
 */
export function stableSort<K>(pairs: usize, spare: usize, counts: usize, n: i32): usize {
  const step = 2 * sizeof<K>();
  if (n <= SMALL) {
    for (let i = 1; i < n; i++) {
      let p = pairs + <usize> i * step;
      const k = load<K>(p), index = load<K>(p, sizeof<K>());
      while (p > pairs && load<K>(p - step) > k) {
        move<K>(p, p - step);
        p -= step;
      }
      put<K>(p, k, index);
    }
    return pairs;
  }
  memory.fill(counts, 0, 1024 * sizeof<K>());
  const last = pairs + <usize> n * step;
  for (let p = pairs; p < last; p += step) {
    let k = load<K>(p);
    for (let d: usize = 0; d < sizeof<K>(); d++, k >>= 8) {
      const c = counts + (d << 10) + (<usize> (k & 255) << 2);
      store<u32>(c, load<u32>(c) + 1);
    }
  }
  let from = pairs, to = spare;
  const first = load<K>(pairs);
  for (let d: usize = 0; d < sizeof<K>(); d++) {
    const shift = <K> (d << 3), base = counts + (d << 10);
    if (load<u32>(base + (<usize> ((first >> shift) & 255) << 2)) == <u32> n) continue;
    let total: u32 = 0;
    for (let c = base; c < base + 1024; c += 4) {
      const count = load<u32>(c);
      store<u32>(c, total);
      total += count;
    }
    for (let p = from; p < from + <usize> n * step; p += step) {
      const k = load<K>(p), c = base + (<usize> ((k >> shift) & 255) << 2), at = load<u32>(c);
      store<u32>(c, at + 1);
      put<K>(to + <usize> at * step, k, load<K>(p, sizeof<K>()));
    }
    const swapped = from;
    from = to;
    to = swapped;
  }
  return from;
}

// What follows takes the same steps as libstdc++'s nth_element, partial_sort and sort, so that equal keys end up in the
// order in which PyTorch leaves them. `first`, `last` and the like are addresses of pairs.

function pushHeap<K>(first: usize, hole: i32, top: i32, k: K, i: K): void {
  const step = 2 * sizeof<K>();
  let parent = (hole - 1) / 2;
  while (hole > top && key<K>(first + <usize> parent * step) < k) {
    move<K>(first + <usize> hole * step, first + <usize> parent * step);
    hole = parent;
    parent = (hole - 1) / 2;
  }
  put<K>(first + <usize> hole * step, k, i);
}

function adjustHeap<K>(first: usize, hole: i32, n: i32, k: K, i: K): void {
  const step = 2 * sizeof<K>(), top = hole;
  let child = hole;
  while (child < (n - 1) / 2) {
    child = 2 * (child + 1);
    if (key<K>(first + <usize> child * step) < key<K>(first + <usize> (child - 1) * step)) child--;
    move<K>(first + <usize> hole * step, first + <usize> child * step);
    hole = child;
  }
  if ((n & 1) == 0 && child == (n - 2) / 2) {
    child = 2 * (child + 1);
    move<K>(first + <usize> hole * step, first + <usize> (child - 1) * step);
    hole = child - 1;
  }
  pushHeap<K>(first, hole, top, k, i);
}

function popHeap<K>(first: usize, n: i32, result: usize): void {
  const k = load<K>(result), i = load<K>(result, sizeof<K>());
  move<K>(result, first);
  adjustHeap<K>(first, 0, n, k, i);
}

function makeHeap<K>(first: usize, n: i32): void {
  for (let parent = (n - 2) / 2; n >= 2 && parent >= 0; parent--) {
    const p = first + <usize> parent * (2 * sizeof<K>());
    adjustHeap<K>(first, parent, n, load<K>(p), load<K>(p, sizeof<K>()));
  }
}

function sortHeap<K>(first: usize, n: i32): void {
  for (; n > 1; n--) popHeap<K>(first, n - 1, first + <usize> (n - 1) * (2 * sizeof<K>()));
}

/** The n = middle - first smallest of [first, last) to [first, middle), as a heap. */
function heapSelect<K>(first: usize, middle: usize, last: usize): void {
  const step = 2 * sizeof<K>(), n = <i32> ((middle - first) / step);
  makeHeap<K>(first, n);
  for (let p = middle; p < last; p += step) {
    if (key<K>(p) < key<K>(first)) popHeap<K>(first, n, p);
  }
}

/**
 * The pairs of the k smallest of n elements, `stride` bytes apart, to `pairs`, sorted: partial_sort, but that pairs are
 * made only of those elements that enter the heap. 0 < k <= n.
 */
// @ts-ignore: decorator
@inline
export function smallest<T, K>(
  pairs: usize,
  k: i32,
  x: usize,
  n: i32,
  stride: usize,
  flip: K,
): void {
  makePairs<T, K>(pairs, x, k, stride, flip);
  makeHeap<K>(pairs, k);
  let p = x + <usize> k * stride;
  for (let i = k; i < n; i++, p += stride) {
    const key = keyOf<T, K>(load<T>(p), flip);
    if (key < load<K>(pairs)) adjustHeap<K>(pairs, 0, k, key, <K> i);
  }
  sortHeap<K>(pairs, k);
}

function insert<K>(last: usize): void {
  const step = 2 * sizeof<K>(), k = load<K>(last), i = load<K>(last, sizeof<K>());
  while (k < key<K>(last - step)) {
    move<K>(last, last - step);
    last -= step;
  }
  put<K>(last, k, i);
}

function insertionSort<K>(first: usize, last: usize): void {
  const step = 2 * sizeof<K>();
  for (let p = first + step; p < last; p += step) {
    if (key<K>(p) < key<K>(first)) {
      const k = load<K>(p), i = load<K>(p, sizeof<K>());
      memory.copy(first + step, first, p - first);
      put<K>(first, k, i);
    } else insert<K>(p);
  }
}

/** Puts the median of a, b and c at `result`. */
function medianToFirst<K>(result: usize, a: usize, b: usize, c: usize): void {
  const x = key<K>(a), y = key<K>(b), z = key<K>(c);
  let median: usize;
  if (x < y) median = y < z ? b : x < z ? c : a;
  else median = x < z ? a : y < z ? c : b;
  swap<K>(result, median);
}

function partition<K>(first: usize, last: usize): usize {
  const step = 2 * sizeof<K>(), n = (last - first) / step;
  medianToFirst<K>(first, first + step, first + (n / 2) * step, last - step);
  const pivot = key<K>(first);
  let p = first + step, q = last;
  while (true) {
    while (key<K>(p) < pivot) p += step;
    q -= step;
    while (pivot < key<K>(q)) q -= step;
    if (p >= q) return p;
    swap<K>(p, q);
    p += step;
  }
}

// @ts-ignore: decorator
@inline
function depthLimit(n: usize): i32 {
  return 2 * (31 - clz<u32>(<u32> n));
}

/** Puts the pair at `nth` where sorting would, with none greater before it. */
export function nthElement<K>(first: usize, nth: usize, last: usize): void {
  const step = 2 * sizeof<K>();
  if (first == last || nth == last) return;
  let depth = depthLimit((last - first) / step);
  while (last - first > 3 * step) {
    if (depth-- == 0) {
      heapSelect<K>(first, nth + step, last);
      swap<K>(first, nth);
      return;
    }
    const cut = partition<K>(first, last);
    if (cut <= nth) first = cut;
    else last = cut;
  }
  insertionSort<K>(first, last);
}

function sortLoop<K>(first: usize, last: usize, depth: i32): void {
  const step = 2 * sizeof<K>();
  while (last - first > 16 * step) {
    if (depth-- == 0) {
      heapSelect<K>(first, last, last);
      sortHeap<K>(first, <i32> ((last - first) / step));
      return;
    }
    const cut = partition<K>(first, last);
    sortLoop<K>(cut, last, depth);
    last = cut;
  }
}

/** Sorts [first, last), not stably. */
export function unstableSort<K>(first: usize, last: usize): void {
  const step = 2 * sizeof<K>();
  if (first >= last) return;
  sortLoop<K>(first, last, depthLimit((last - first) / step));
  if (last - first > 16 * step) {
    insertionSort<K>(first, first + 16 * step);
    for (let p = first + 16 * step; p < last; p += step) insert<K>(p);
  } else insertionSort<K>(first, last);
}

/**
 * Puts pair k (from 0) of n where sorting would: Hoare's selection with the median of three, in the steps of PyTorch's
 * own quick_select.
 */
export function quickSelect<K>(pairs: usize, n: i32, k: i32): void {
  const step = 2 * sizeof<K>(), target = pairs + <usize> k * step;
  let left = pairs, right = pairs + <usize> (n - 1) * step;
  while (left < right) {
    const second = left + step;
    if (right == second) {
      if (key<K>(left) > key<K>(right)) swap<K>(left, right);
      return;
    }
    swap<K>(left + ((right - left) / step / 2) * step, second);
    if (key<K>(second) > key<K>(right)) swap<K>(second, right);
    if (key<K>(left) > key<K>(right)) swap<K>(left, right);
    if (key<K>(second) > key<K>(left)) swap<K>(second, left);
    const pivot = key<K>(left);
    let i = second, j = right;
    while (true) {
      do i += step; while (pivot > key<K>(i));
      do j -= step; while (key<K>(j) > pivot);
      if (j < i) break;
      swap<K>(i, j);
    }
    swap<K>(left, j);
    if (j <= target) left = i;
    if (j >= target) right = j - step;
  }
}
