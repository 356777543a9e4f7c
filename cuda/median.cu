// Medians and modes over the middle axis of [outer, n, inner], n at least 1, and where they are, for slices [begin, end).
// Equal elements are ordered by index.
#include "choose.cuh"

// The rank of the median of n elements, of which `others` are not numbers.
static DEVICE Size medianRank(Size n, Size others, bool numbers) {
  const Size last = n - others > 0 ? n - others - 1 : 0;
  return others == 0 || numbers ? last / 2 : n - others;
}

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
    if (g.first() == 0) ranks[i - base] = medianRank(n, others, numbers);
  }
};

// The same for long slices, each counted by many blocks.
template <class T> static void longMedianRanks(int64_t* ranks, const T* x, Size n, Size inner, bool numbers, Size begin, Size slices) {
  const Size parts = (n + CHOICE_PART - 1) / CHOICE_PART;
  forEach(0, slices, [=] DEVICE(Size s) { ranks[s] = 0; });
  forBlocks(0, slices * parts, THREADS, [=] DEVICE(Size block) {
    const Size s = block / parts, first = block % parts * CHOICE_PART;
    const T* slice = x + sliceStart(begin + s, n, inner);
    Size others = 0;
    for (Size k = first + threadIdx.x; k < n && k < first + CHOICE_PART; k += THREADS) others += slice[k * inner] != slice[k * inner];
    others = blockSum(others);
    if (threadIdx.x == 0 && others > 0) atomicAdd((unsigned long long*)&ranks[s], (unsigned long long)others);
  });
  forEach(0, slices, [=] DEVICE(Size s) { ranks[s] = medianRank(n, ranks[s], numbers); });
}

// The element in the middle, of an even number the first of both. The first that is not a number, if there is one; with
// `numbers`, the middle of those that are.
template <class T>
static void median(T* y, int64_t* index, const T* x, Size n, Size inner, Size numbers, Scratch, Size begin, Size end) {
  constexpr Size MOST = WORKSPACE / 4 / sizeof(int64_t);
  int64_t* ranks = (int64_t*)current.workspace;
  for (Size from = begin; from < end; from += MOST) {
    const Size to = end - from < MOST ? end : from + MOST;
    const Ranks<T> out{y + from, index + from, 0, 1, inner, ranks, from};
    if (n > TILE_OF<T>) {
      longMedianRanks(ranks, x, n, inner, numbers != 0, from, to - from);
      chooseSlices<T>(x, out, n, inner, from, to, ranks + MOST, WORKSPACE / 4 * 3);
    } else {
      forSlices(n, inner, from, to, MedianRank<T>{ranks, x, n, inner, numbers != 0, from});
      sortSlices<T>(x, out, n, inner, false, from, to, nullptr, 0);
    }
  }
}

// The most frequent element, the smallest of several, and where it is last: the longest run of the sorted slice.
template <class T> static void mode(T* y, int64_t* index, const T* x, Size n, Size inner, Scratch, Size begin, Size end) {
  const Size sorted = n * (Size)(sizeof(T) + sizeof(int64_t)) + sizeof(int64_t);
  const Size most = current.room / (sorted + (n > TILE_OF<T> ? sortRoom<T>(n) : 0)), parts = (n + CHOICE_PART - 1) / CHOICE_PART;
  for (Size from = begin; from < end; from += most) {
    const Size slices = end - from < most ? end - from : most;
    // Of the longest run of each slice: the length, and below it how far its end is from the end, so that the first counts.
    unsigned long long* longest = (unsigned long long*)current.workspace;
    int64_t* places = (int64_t*)(longest + slices);
    T* values = (T*)(places + slices * n);
    uint8_t* rest = (uint8_t*)current.workspace + slices * sorted;
    const Ranks<T> all{values, places, 0, n, 1, nullptr, from};
    sortSlices<T>(x, all, n, inner, false, from, from + slices, rest, current.room - slices * sorted);
    forEach(0, slices, [=] DEVICE(Size s) { longest[s] = 0; });
    forBlocks(0, slices * parts, n <= 512 ? 32 : THREADS, [=] DEVICE(Size block) {
      const Size s = block / parts, first = block % parts * CHOICE_PART;
      const T* v = values + s * n;
      unsigned long long best = 0;
      for (Size i = first + threadIdx.x; i < n && i < first + CHOICE_PART; i += blockDim.x) {
        if (i + 1 < n && v[i] == v[i + 1]) continue;
        Size low = 0, high = i;
        while (low < high) {
          const Size middle = (low + high) / 2;
          if (keyOf(v[middle]) < keyOf(v[i])) low = middle + 1;
          else high = middle;
        }
        const Size length = v[i] == v[i] ? i - low + 1 : 1;
        const unsigned long long run = (unsigned long long)length << 32 | (unsigned long long)(n - 1 - i);
        if (run > best) best = run;
      }
      best = blockReduce(best, 0ull, Larger());
      if (threadIdx.x == 0) atomicMax(&longest[s], best);
    });
    forEach(0, slices, [=] DEVICE(Size s) {
      const Size last = n - 1 - (Size)(longest[s] & 0xffffffff);
      y[from + s] = values[s * n + last];
      index[from + s] = places[s * n + last];
    });
  }
}

FAMILY(median, KERNEL_NUMBERS(median, median), KERNEL_NUMBERS(mode, mode))
