// Ordering on the device: keys that compare as unsigned integers, a stable radix sort of what one block holds, and the same
// over many blocks; outputs are chosen by rank, so that sort, topk and mode are one computation.
//
// A digit is a byte of the key, least significant first. Within a tile, warps count the digits of the elements they hold, 32
// neighbours at a time by votes, which gives each element its rank among those of its digit in order: the sort is stable, and
// equal calls give equal bits.
#pragma once
#include "prefix.cuh"

template <class T> struct KeyType {
  using type = uint32_t;
};
template <> struct KeyType<double> {
  using type = uint64_t;
};
template <> struct KeyType<int64_t> {
  using type = uint64_t;
};
template <class T> using KeyOf = typename KeyType<T>::type;

// The key of x: NaN has the greatest, both zeros have one.
inline DEVICE uint32_t keyOf(float x) {
  if (x != x) return ~0u;
  if (x == 0) return 0x80000000u;
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
inline DEVICE uint64_t keyOf(double x) {
  if (x != x) return ~0ull;
  if (x == 0) return 1ull << 63;
  uint64_t bits;
  memcpy(&bits, &x, 8);
  return bits >> 63 ? ~bits : bits | 1ull << 63;
}
inline DEVICE uint64_t keyOf(int64_t x) { return (uint64_t)x ^ 1ull << 63; }
inline DEVICE uint32_t keyOf(int32_t x) { return (uint32_t)x ^ 0x80000000u; }
inline DEVICE uint32_t keyOf(uint8_t x) { return x; }

constexpr int SORTERS = SUMMERS, SORT_WARPS = SORTERS / 32, DIGITS = 256;
// Elements that a thread holds at most, and a block then sorts by itself.
template <class T> constexpr int MOST_ITEMS = sizeof(T) == 8 ? 8 : 16;
template <class T> constexpr int TILE_OF = SORTERS * MOST_ITEMS<T>;

// The elements of a tile, in a block's registers: item k of a thread stands at place(k) of the tile.
template <class T, int ITEMS> struct Tile {
  T values[ITEMS];
  unsigned indices[ITEMS];

  struct Space {
    unsigned counts[SORT_WARPS][DIGITS];
    T values[SORTERS * ITEMS];
    unsigned indices[SORTERS * ITEMS];
  };
  // In shared memory, once for all that sorts.
  static DEVICE Space& space() {
    SHARED(Space, space, );
    return space;
  }

  static DEVICE int place(int k) { return (int)(threadIdx.x / 32) * 32 * ITEMS + k * 32 + (int)(threadIdx.x % 32); }

  // Moves the elements to the places that a stable sort by `digit` (a function of value and index) gives them; `n` elements
  // are there. starts[d] becomes the place of the first with digit d.
  template <class F> DEVICE void sortBy(int n, F digit, unsigned* starts) {
    Space& moved = space();
    unsigned (&counts)[SORT_WARPS][DIGITS] = moved.counts;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned ranks[ITEMS];  // among those of its digit, with the digit in the upper half
    for (int d = lane; d < DIGITS; d += 32) counts[warp][d] = 0;
    __syncwarp();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
      // What is not there stands behind the others and has the last digit, so it stays behind them.
      const unsigned d = place(k) < n ? digit(values[k], indices[k]) : DIGITS - 1;
      unsigned same = 0xffffffffu;
#pragma unroll
      for (int b = 0; b < 8; b++) {
        const unsigned vote = __ballot_sync(0xffffffffu, d >> b & 1);
        same &= d >> b & 1 ? vote : ~vote;
      }
      const unsigned before = counts[warp][d], lower = (unsigned)__popc(same & ((1u << lane) - 1));
      ranks[k] = d << 16 | (before + lower);
      __syncwarp();
      if (lower == 0) counts[warp][d] = before + (unsigned)__popc(same);
      __syncwarp();
    }
    __syncthreads();
    unsigned sum = 0, all;
    for (int w = 0; w < SORT_WARPS; w++) sum += counts[w][threadIdx.x];
    unsigned at = sumBefore(sum, all);
    starts[threadIdx.x] = at;
    for (int w = 0; w < SORT_WARPS; w++) {
      const unsigned count = counts[w][threadIdx.x];
      counts[w][threadIdx.x] = at;
      at += count;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
      const unsigned to = counts[warp][ranks[k] >> 16] + (ranks[k] & 0xffff);
      moved.values[to] = values[k];
      moved.indices[to] = indices[k];
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
      values[k] = moved.values[place(k)];
      indices[k] = moved.indices[place(k)];
    }
    __syncthreads();
  }

  // Sorts the n elements by their keys; by their indices first where they are not in order of them.
  DEVICE void sort(int n, KeyOf<T> flip, bool byIndex) {
    SHARED(unsigned, starts, [DIGITS]);
    // Bits in which not all elements are equal: digits without any need no pass.
    KeyOf<T> ones = 0, zeros = 0;
    unsigned indexOnes = 0, indexZeros = 0;
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
      if (place(k) >= n) continue;
      ones |= keyOf(values[k]);
      zeros |= ~keyOf(values[k]);
      indexOnes |= indices[k];
      indexZeros |= ~indices[k];
    }
    const auto either = [](auto a, auto b) { return a | b; };
    const KeyOf<T> differ = blockReduce(ones, (KeyOf<T>)0, either) & blockReduce(zeros, (KeyOf<T>)0, either);
    if (byIndex) {
      const unsigned indexDiffer = blockReduce(indexOnes, 0u, either) & blockReduce(indexZeros, 0u, either);
      for (int shift = 0; shift < 32; shift += 8) {
        if (indexDiffer >> shift & 255) sortBy(n, [=](T, unsigned index) { return index >> shift & 255; }, starts);
      }
    }
    for (int shift = 0; shift < 8 * (int)sizeof(T); shift += 8) {
      if (!(differ >> shift & 255)) continue;
      sortBy(n, [=](T value, unsigned) { return (unsigned)((keyOf(value) ^ flip) >> shift & 255); }, starts);
    }
  }
};

// Where the elements of slices go that were chosen by rank: ranks [first, first + count) of slice s of [outer, n, inner] to
// slice s - base of values and indices [outer, count, inner]. With `firsts`, each slice has a first rank of its own.
template <class T> struct Ranks {
  T* values;
  int64_t* indices;
  Size first, count, inner;
  const int64_t* firsts;
  Size base;
  DEVICE void put(Size s, Size rank, T value, Size index) const {
    rank -= firsts ? firsts[s - base] : first;
    if (rank < 0 || rank >= count) return;
    const Size at = sliceStart(s - base, count, inner) + rank * inner;
    values[at] = value;
    indices[at] = index;
  }
};

// forBlocks, for blocks that sort: two of them fit a multiprocessor's registers.
template <class F> __global__ void __launch_bounds__(SORTERS, 2) sortersKernel(Size begin, Size end, F f) {
  for (Size i = begin + blockIdx.x; i < end; i += gridDim.x) f(i);
}
template <class F> void forSorters(Size begin, Size end, F f) {
  const Size n = end - begin;
  if (n > 0) LAUNCH((unsigned)(n < MOST_BLOCKS ? n : MOST_BLOCKS), SORTERS, sortersKernel<F>, begin, end, f);
}

// Sorts slices [begin, end) of n elements of x: [outer, n, inner], each in a block.
template <class T, int ITEMS> void sortInBlocks(const T* x, Ranks<T> out, Size n, Size inner, KeyOf<T> flip, Size begin, Size end) {
  forSorters(begin, end, [=] DEVICE(Size s) {
    const T* slice = x + sliceStart(s, n, inner);
    Tile<T, ITEMS> tile;
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
      const int i = tile.place(k);
      tile.values[k] = i < n ? slice[i * inner] : T(0);
      tile.indices[k] = (unsigned)i;
    }
    tile.sort((int)n, flip, false);
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
      if (tile.place(k) < n) out.put(s, tile.place(k), tile.values[k], tile.indices[k]);
    }
  });
}

// The same for up to 32 elements, each slice in a warp: an element's rank is the number of those before it.
template <class T> void sortInWarps(const T* x, Ranks<T> out, Size n, Size inner, KeyOf<T> flip, Size begin, Size end) {
  forBlocks(0, (end - begin + SORT_WARPS - 1) / SORT_WARPS, SORTERS, [=] DEVICE(Size group) {
    const Size s = begin + group * SORT_WARPS + threadIdx.x / 32;
    const int i = threadIdx.x % 32;
    if (s >= end) return;
    const T value = i < n ? x[sliceStart(s, n, inner) + i * inner] : T(0);
    const KeyOf<T> key = keyOf(value) ^ flip;
    int rank = 0;
    for (int j = 0; j < n; j++) {
      const KeyOf<T> other = __shfl_sync(0xffffffffu, key, j);
      rank += other < key || (other == key && j < i);
    }
    if (i < n) out.put(s, rank, value, i);
  });
}

// Bytes of working space that a long slice of n elements takes.
template <class T> Size sortRoom(Size n) {
  const Size tiles = (n + TILE_OF<T> - 1) / TILE_OF<T>;
  return (2 * n * (Size)(sizeof(T) + 4) + (tiles + 1) * DIGITS * 4 + 15) / 16 * 16;
}

// The same for long slices, `slices` of them at once: for each of the lower `passes` digits, tiles count theirs, the counts are
// summed up over the tiles, and each tile moves its elements to their places. `room` is sortRoom() bytes for each.
template <class T>
void sortOverBlocks(const T* x, Ranks<T> out, Size n, Size inner, KeyOf<T> flip, int passes, Size begin, Size slices, void* room) {
  constexpr int ITEMS = MOST_ITEMS<T>, TILE = TILE_OF<T>;
  const Size tiles = (n + TILE - 1) / TILE;
  T* values = (T*)room;
  unsigned* indices = (unsigned*)(values + 2 * slices * n);
  unsigned* counts = indices + 2 * slices * n;      // [slices, digits, tiles]
  unsigned* totals = counts + slices * DIGITS * tiles;  // [slices, digits]
  for (int pass = 0; pass < passes; pass++) {
    const int shift = 8 * pass;
    const Size from = (pass + 1) % 2 * slices * n, to = pass % 2 * slices * n;
    const auto read = [=] DEVICE(Size s, Size i) {
      return pass == 0 ? x[sliceStart(begin + s, n, inner) + i * inner] : values[from + s * n + i];
    };
    forBlocks(0, slices * tiles, SORTERS, [=] DEVICE(Size block) {
      SHARED(unsigned, own, [DIGITS]);
      const Size s = block / tiles, tile = block % tiles;
      __syncthreads();
      own[threadIdx.x] = 0;
      __syncthreads();
      for (Size i = tile * TILE + threadIdx.x; i < n && i < (tile + 1) * TILE; i += SORTERS) {
        atomicAdd(&own[(keyOf(read(s, i)) ^ flip) >> shift & 255], 1u);
      }
      __syncthreads();
      counts[(s * DIGITS + threadIdx.x) * tiles + tile] = own[threadIdx.x];
    });
    forBlocks(0, slices * DIGITS, SORTERS, [=] DEVICE(Size row) {
      unsigned before = 0;
      for (Size tile = 0; tile < tiles; tile += SORTERS) {
        const Size at = row * tiles + tile + threadIdx.x;
        const bool mine = tile + threadIdx.x < tiles;
        unsigned all;
        const unsigned sum = before + sumBefore(mine ? counts[at] : 0u, all);
        if (mine) counts[at] = sum;
        before += all;
      }
      if (threadIdx.x == 0) totals[row] = before;
    });
    forSorters(0, slices * tiles, [=] DEVICE(Size block) {
      SHARED(unsigned, starts, [DIGITS]);
      SHARED(unsigned, places, [DIGITS]);
      const Size s = block / tiles, first = block % tiles * TILE;
      const int held = (int)(n - first < TILE ? n - first : TILE);
      Tile<T, ITEMS> tile;
#pragma unroll
      for (int k = 0; k < ITEMS; k++) {
        const int i = tile.place(k);
        tile.values[k] = i < held ? read(s, first + i) : T(0);
        tile.indices[k] = pass == 0 || i >= held ? (unsigned)(first + i) : indices[from + s * n + first + i];
      }
      const auto digit = [=](T value, unsigned) { return (unsigned)((keyOf(value) ^ flip) >> shift & 255); };
      tile.sortBy(held, digit, starts);
      unsigned all;
      const unsigned base = sumBefore(totals[s * DIGITS + threadIdx.x], all);
      places[threadIdx.x] = base + counts[(s * DIGITS + threadIdx.x) * tiles + block % tiles] - starts[threadIdx.x];
      __syncthreads();
#pragma unroll
      for (int k = 0; k < ITEMS; k++) {
        const int i = tile.place(k);
        if (i >= held) continue;
        const Size at = (unsigned)(places[digit(tile.values[k], 0u)] + (unsigned)i);
        if (pass == passes - 1) {
          out.put(begin + s, at, tile.values[k], tile.indices[k]);
        } else {
          values[to + s * n + at] = tile.values[k];
          indices[to + s * n + at] = tile.indices[k];
        }
      }
      __syncthreads();
    });
  }
}

// Sorts slices [begin, end) of x: [outer, n, inner], n below 2^31; `room` has space for at least one long slice. `digits` are
// the lower ones in which elements may differ.
template <class T>
void sortSlices(const T* x, Ranks<T> out, Size n, Size inner, bool descending, Size begin, Size end, void* room, Size bytes,
                int digits = (int)sizeof(T)) {
  const KeyOf<T> flip = descending ? ~(KeyOf<T>)0 : 0;
  if (n <= 32) return sortInWarps<T>(x, out, n, inner, flip, begin, end);
  if (n <= SORTERS) return sortInBlocks<T, 1>(x, out, n, inner, flip, begin, end);
  if (n <= 4 * SORTERS) return sortInBlocks<T, 4>(x, out, n, inner, flip, begin, end);
  if (n <= TILE_OF<T>) return sortInBlocks<T, MOST_ITEMS<T>>(x, out, n, inner, flip, begin, end);
  const Size most = bytes / sortRoom<T>(n);
  for (Size s = begin; s < end; s += most) sortOverBlocks<T>(x, out, n, inner, flip, digits, s, most < end - s ? most : end - s, room);
}
