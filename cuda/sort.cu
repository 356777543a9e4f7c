// Sorting along the middle axis of x: [outer, n, inner], for slices [begin, end) of outer * inner. Equal elements stay in
// order, whether that was asked for or not.
#include "sort.cuh"

template <class T>
static void sort(T* values, int64_t* indices, const T* x, Size n, Size inner, Size descending, Size, Scratch, Size begin, Size end) {
  sortSlices<T>(x, {values, indices, 0, n, inner, nullptr, 0}, n, inner, descending != 0, begin, end, current.workspace, current.room);
}

// The k greatest (or smallest) of each slice, in order: values and indices [outer, k, inner].
template <class T>
static void topk(T* values, int64_t* indices, const T* x, Size n, Size k, Size inner, Size largest, Size, Scratch, Size begin, Size end) {
  sortSlices<T>(x, {values, indices, 0, k, inner, nullptr, 0}, n, inner, largest != 0, begin, end, current.workspace, current.room);
}

// The k-th smallest of each slice, k from 1: values and indices [outer, inner].
template <class T>
static void kthvalue(T* values, int64_t* indices, const T* x, Size n, Size k, Size inner, Scratch, Size begin, Size end) {
  sortSlices<T>(x, {values, indices, k - 1, 1, inner, nullptr, 0}, n, inner, false, begin, end, current.workspace, current.room);
}

FAMILY(sort, KERNEL_ALL(sort, sort), KERNEL_ALL(topk, topk), KERNEL_ALL(kthvalue, kthvalue))
