// Sorting along the middle axis of x: [outer, n, inner], for slices [begin, end) of outer * inner. Equal elements stay in
// order, whether that was asked for or not.
#include "choose.cuh"

template <class T>
static void sort(T* values, int64_t* indices, const T* x, Size n, Size inner, Size descending, Size, Scratch, Size begin, Size end) {
  const Ranks<T> all{values, indices, 0, n, inner, nullptr, 0};
  sortSlices<T>(x, all, n, inner, descending != 0, begin, end, current.workspace, current.room);
}

// The k greatest (or smallest) of each slice, in order: values and indices [outer, k, inner]. Few of long slices are chosen
// without sorting the others: the op asks for working space by the same rule.
template <class T>
static void topk(T* values, int64_t* indices, const T* x, Size n, Size k, Size inner, Size largest, Size, Scratch, Size begin, Size end) {
  constexpr Size FEW = 2048;
  const Ranks<T> first{values, indices, 0, k, inner, nullptr, 0};
  if (n > TILE_OF<T> && k <= FEW) chooseFirst<T>(x, first, n, k, inner, largest != 0, begin, end, current.workspace, current.room);
  else sortSlices<T>(x, first, n, inner, largest != 0, begin, end, current.workspace, current.room);
}

// The k-th smallest of each slice, k from 1: values and indices [outer, inner].
template <class T>
static void kthvalue(T* values, int64_t* indices, const T* x, Size n, Size k, Size inner, Scratch, Size begin, Size end) {
  const Ranks<T> one{values, indices, k - 1, 1, inner, nullptr, 0};
  if (n > TILE_OF<T>) chooseSlices<T>(x, one, n, inner, begin, end, current.workspace, current.room);
  else sortSlices<T>(x, one, n, inner, false, begin, end, nullptr, 0);
}

FAMILY(sort, KERNEL_ALL(sort, sort), KERNEL_ALL(topk, topk), KERNEL_ALL(kthvalue, kthvalue))
