// The element of given rank of long slices, without sorting them: the digits of its key are found one after the other, the
// most significant first, by counting how many elements that agree so far have each; of elements with equal keys the one of
// lower index comes first, so the digits of the index follow.
#pragma once
#include "sort.cuh"

// What is known of a slice's element: digits of key and index, its rank among those that agree so far, how many agree in the
// digits of the key. Where no other has its key, the index stays unknown.
struct Choice {
  uint64_t key, index;
  int64_t rank, agree;
  // How the element with this key and index stands to the chosen one.
  DEVICE bool is(uint64_t k, Size i) const { return k == key && (agree == 1 || (uint64_t)i == index); }
  DEVICE bool isNotBefore(uint64_t k, Size i) const { return k < key || (k == key && (agree == 1 || (uint64_t)i <= index)); }
};

// Elements of a slice that a block looks through.
constexpr Size CHOICE_PART = 1 << 13;
constexpr Size CHOICE_ROOM = sizeof(Choice) + DIGITS * sizeof(unsigned);

// One digit, of the key or of the index, of the choices in each of `slices` slices from `begin` on of x: [outer, n, inner].
template <class T>
void chooseDigit(Choice* choices, unsigned* counts, const T* x, Size n, Size inner, KeyOf<T> flip, Size begin, Size slices, bool byIndex,
                 int shift) {
  const Size parts = (n + CHOICE_PART - 1) / CHOICE_PART;
  forBlocks(0, slices * parts, SORTERS, [=] DEVICE(Size block) {
    SHARED(unsigned, own, [DIGITS]);
    const Size s = block / parts, first = block % parts * CHOICE_PART;
    const T* slice = x + sliceStart(begin + s, n, inner);
    const Choice choice = choices[s];
    if (byIndex && choice.agree == 1) return;
    __syncthreads();
    own[threadIdx.x] = 0;
    __syncthreads();
    for (Size i = first + threadIdx.x; i < n && i < first + CHOICE_PART; i += SORTERS) {
      const uint64_t key = (KeyOf<T>)(keyOf(slice[i * inner]) ^ flip);
      const uint64_t differ = byIndex ? (uint64_t)i ^ choice.index : key ^ choice.key;
      // Shifted in two steps: by all bits of the number it would stay as it is.
      if ((byIndex && key != choice.key) || differ >> shift >> 8) continue;
      atomicAdd(&own[(byIndex ? (uint64_t)i : key) >> shift & 255], 1u);
    }
    __syncthreads();
    if (own[threadIdx.x]) atomicAdd(&counts[s * DIGITS + threadIdx.x], own[threadIdx.x]);
  });
  forBlocks(0, slices, DIGITS, [=] DEVICE(Size s) {
    const int64_t wanted = choices[s].rank;
    if (byIndex && choices[s].agree == 1) return;
    const unsigned count = counts[s * DIGITS + threadIdx.x];
    counts[s * DIGITS + threadIdx.x] = 0;
    unsigned all;
    const int64_t before = sumBefore(count, all);
    if (wanted < before || wanted >= before + count) return;
    (byIndex ? choices[s].index : choices[s].key) |= (uint64_t)threadIdx.x << shift;
    choices[s].rank = wanted - before;
    if (!byIndex) choices[s].agree = count;
  });
}

// Finds, for the slices, the element of rank ranks[s], or `rank` where ranks are null. `room` is CHOICE_ROOM bytes for each.
template <class T>
Choice* choose(const T* x, Size n, Size inner, KeyOf<T> flip, const int64_t* ranks, Size rank, Size begin, Size slices, void* room) {
  Choice* choices = (Choice*)room;
  unsigned* counts = (unsigned*)(choices + slices);
  forEach(0, slices * DIGITS, [=] DEVICE(Size i) {
    counts[i] = 0;
    if (i < slices) choices[i] = {0, 0, ranks ? ranks[i] : rank, n};
  });
  for (int shift = 8 * (int)sizeof(T) - 8; shift >= 0; shift -= 8) {
    chooseDigit<T>(choices, counts, x, n, inner, flip, begin, slices, false, shift);
  }
  int bits = 0;
  while (bits < 32 && (n - 1) >> bits) bits += 8;
  for (int shift = bits - 8; shift >= 0; shift -= 8) chooseDigit<T>(choices, counts, x, n, inner, flip, begin, slices, true, shift);
  return choices;
}

// Writes the elements of rank out.first (or out.firsts), one of each slice [begin, end).
template <class T>
void chooseSlices(const T* x, Ranks<T> out, Size n, Size inner, Size begin, Size end, void* room, Size bytes) {
  const Size most = bytes / CHOICE_ROOM;
  for (Size s = begin; s < end; s += most) {
    const Size slices = most < end - s ? most : end - s;
    const int64_t* ranks = out.firsts ? out.firsts + (s - out.base) : nullptr;
    const Choice* choices = choose<T>(x, n, inner, 0, ranks, out.first, s, slices, room);
    forEach(0, slices * n, [=] DEVICE(Size at) {
      const Size i = at / n, k = at % n;
      const T value = x[sliceStart(s + i, n, inner) + k * inner];
      if (!choices[i].is(keyOf(value), k)) return;
      out.values[s - out.base + i] = value;
      out.indices[s - out.base + i] = k;
    });
  }
}

// Sorts, for each slice from `begin` on, k elements that were gathered in any order; equal ones by their indices.
template <class T, int ITEMS>
void sortGathered(const T* values, const unsigned* indices, Ranks<T> out, Size k, KeyOf<T> flip, Size begin, Size slices) {
  forSorters(0, slices, [=] DEVICE(Size s) {
    Tile<T, ITEMS> tile;
#pragma unroll
    for (int item = 0; item < ITEMS; item++) {
      const int i = tile.place(item);
      tile.values[item] = i < k ? values[s * k + i] : T(0);
      tile.indices[item] = i < k ? indices[s * k + i] : 0;
    }
    tile.sort((int)k, flip, true);
#pragma unroll
    for (int item = 0; item < ITEMS; item++) {
      if (tile.place(item) < k) out.put(begin + s, tile.place(item), tile.values[item], tile.indices[item]);
    }
  });
}

// The first k elements of slices [begin, end), in order; k up to TILE_OF<T>: those up to the one of rank k - 1 are gathered
// and sorted.
template <class T>
void chooseFirst(const T* x, Ranks<T> out, Size n, Size k, Size inner, bool descending, Size begin, Size end, void* room, Size bytes) {
  const KeyOf<T> flip = descending ? ~(KeyOf<T>)0 : 0;
  const Size each = CHOICE_ROOM + k * (Size)(sizeof(T) + 4) + 4, most = bytes / each, parts = (n + CHOICE_PART - 1) / CHOICE_PART;
  for (Size s = begin; s < end; s += most) {
    const Size slices = most < end - s ? most : end - s;
    const Choice* choices = choose<T>(x, n, inner, flip, nullptr, k - 1, s, slices, room);
    T* values = (T*)((uint8_t*)room + slices * CHOICE_ROOM);
    unsigned* indices = (unsigned*)(values + slices * k);
    unsigned* filled = indices + slices * k;
    forEach(0, slices, [=] DEVICE(Size i) { filled[i] = 0; });
    forBlocks(0, slices * parts, SORTERS, [=] DEVICE(Size block) {
      const Size i = block / parts, first = block % parts * CHOICE_PART;
      const T* slice = x + sliceStart(s + i, n, inner);
      const Choice choice = choices[i];
      for (Size at = first + threadIdx.x; at < n && at < first + CHOICE_PART; at += SORTERS) {
        const T value = slice[at * inner];
        if (!choice.isNotBefore((KeyOf<T>)(keyOf(value) ^ flip), at)) continue;
        // Places are given by chance: the sort that follows does away with that.
        const Size place = i * k + atomicAdd(&filled[i], 1u);
        values[place] = value;
        indices[place] = (unsigned)at;
      }
    });
    if (k <= SORTERS) sortGathered<T, 1>(values, indices, out, k, flip, s, slices);
    else if (k <= 4 * SORTERS) sortGathered<T, 4>(values, indices, out, k, flip, s, slices);
    else sortGathered<T, MOST_ITEMS<T>>(values, indices, out, k, flip, s, slices);
  }
}
