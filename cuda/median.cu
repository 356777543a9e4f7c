// Medians and modes over the middle axis of [outer, n, inner], n at least 1, and where they are, for slices [begin, end).
// Equal elements are ordered by index.
#include "choose.cuh"

// The rank of the median of slice i.
template <class T> struct MedianRank {
  int64_t* ranks;
  const T* x;
  Size n, inner;
  bool numbers;
  Size base;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const T* from = x + sliceStart(i, n, inner);
    Size others = 0;
    for (Size k = g.first(); k < n; k += g.step()) others += from[k * inner] != from[k * inner];
    others = g.reduce(others, (Size)0, Plus());
    const Size last = n - others > 0 ? n - others - 1 : 0;
    if (g.first() == 0) ranks[i - base] = others == 0 || numbers ? last / 2 : n - others;
  }
};

// The element in the middle, of an even number the first of both. The first that is not a number, if there is one; with
// `numbers`, the middle of those that are.
template <class T>
static void median(T* y, int64_t* index, const T* x, Size n, Size inner, Size numbers, Scratch, Size begin, Size end) {
  constexpr Size MOST = WORKSPACE / 4 / sizeof(int64_t);
  int64_t* ranks = (int64_t*)current.workspace;
  for (Size from = begin; from < end; from += MOST) {
    const Size to = end - from < MOST ? end : from + MOST;
    forSlices(n, inner, from, to, MedianRank<T>{ranks, x, n, inner, numbers != 0, from});
    const Ranks<T> out{y + from, index + from, 0, 1, inner, ranks, from};
    if (n > TILE_OF<T>) chooseSlices<T>(x, out, n, inner, from, to, ranks + MOST, WORKSPACE / 4 * 3);
    else sortSlices<T>(x, out, n, inner, false, from, to, nullptr, 0);
  }
}

// The most frequent element, the smallest of several, and where it is last: the longest run of the sorted slice.
template <class T> static void mode(T* y, int64_t* index, const T* x, Size n, Size inner, Scratch, Size begin, Size end) {
  const Size sorted = n * (Size)(sizeof(T) + sizeof(int64_t)), each = sorted + (n > TILE_OF<T> ? sortRoom<T>(n) : 0);
  const Size most = current.room / each;
  for (Size from = begin; from < end; from += most) {
    const Size slices = end - from < most ? end - from : most;
    int64_t* places = (int64_t*)current.workspace;
    T* values = (T*)(places + slices * n);
    uint8_t* rest = (uint8_t*)current.workspace + slices * sorted;
    // Sorted slices lie side by side, the first that is sorted here in front.
    sortSlices<T>(x, {values, places, 0, n, 1, nullptr, from}, n, inner, false, from, from + slices, rest, current.room - slices * sorted);
    forBlocks(0, slices, THREADS, [=] DEVICE(Size s) {
      const T* v = values + s * n;
      // The length of a run above, and below it how far its end is from the end: of equal lengths the first counts.
      int64_t best = 0;
      for (Size i = threadIdx.x; i < n; i += blockDim.x) {
        if (i + 1 < n && v[i] == v[i + 1]) continue;
        Size low = 0, high = i;
        while (low < high) {
          const Size middle = (low + high) / 2;
          if (keyOf(v[middle]) < keyOf(v[i])) low = middle + 1;
          else high = middle;
        }
        const int64_t length = v[i] == v[i] ? i - low + 1 : 1, run = length << 32 | (n - 1 - i);
        if (run > best) best = run;
      }
      best = blockReduce(best, (int64_t)0, Larger());
      if (threadIdx.x != 0) return;
      const Size last = n - 1 - (best & 0xffffffff);
      y[from + s] = v[last];
      index[from + s] = places[s * n + last];
    });
  }
}

FAMILY(median, KERNEL_NUMBERS(median, median), KERNEL_NUMBERS(mode, mode))
