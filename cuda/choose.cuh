// The element of given rank of long slices, without sorting them: the digits of its key are found one after the other, the
// most significant first, by counting how many elements that agree so far have each; of elements with equal keys the one of
// lower index comes first, so the digits of the index follow.
#pragma once
#include "sort.cuh"

// What is known of a slice's element: digits of key and index, its rank among those that agree so far, how many these are.
struct Choice {
  uint64_t key, index;
  int64_t rank;
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
    const unsigned count = counts[s * DIGITS + threadIdx.x];
    counts[s * DIGITS + threadIdx.x] = 0;
    unsigned all;
    const int64_t before = sumBefore(count, all);
    if (wanted < before || wanted >= before + count) return;
    (byIndex ? choices[s].index : choices[s].key) |= (uint64_t)threadIdx.x << shift;
    choices[s].rank = wanted - before;
  });
}

// Finds, for the slices, the element of rank ranks[s], or `rank` where ranks are null. `room` is CHOICE_ROOM bytes for each.
template <class T>
Choice* choose(const T* x, Size n, Size inner, KeyOf<T> flip, const int64_t* ranks, Size rank, Size begin, Size slices, void* room) {
  Choice* choices = (Choice*)room;
  unsigned* counts = (unsigned*)(choices + slices);
  forEach(0, slices * DIGITS, [=] DEVICE(Size i) {
    counts[i] = 0;
    if (i < slices) choices[i] = {0, 0, ranks ? ranks[i] : rank};
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
    forEach(0, slices, [=] DEVICE(Size i) {
      const Size index = (Size)choices[i].index;
      out.values[s - out.base + i] = x[sliceStart(s + i, n, inner) + index * inner];
      out.indices[s - out.base + i] = index;
    });
  }
}
