// Matrices, row-major in float64, that a block of threads works on together.
#pragma once
#include "common.cuh"

// Threads for a matrix of n elements.
inline int threadsFor(Size n) { return n <= 64 ? 32 : n <= 1024 ? 128 : n <= 16384 ? 256 : 512; }

// The sum of products of n elements; every thread of a warp gets it.
inline DEVICE double warpDot(const double* a, const double* b, Size n) {
  double sum = 0;
  for (Size i = threadIdx.x % 32; i < n; i += 32) sum += a[i] * b[i];
  for (int d = 16; d > 0; d >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, d);
  return sum;
}

// y += f x for n elements, by a warp.
inline DEVICE void warpAddScaled(double* y, const double* x, double f, Size n) {
  for (Size i = threadIdx.x % 32; i < n; i += 32) y[i] += f * x[i];
}

// The sum of products of n elements, by a block. Barriers.
inline DEVICE double blockDot(const double* a, const double* b, Size n) {
  double sum = 0;
  for (Size i = threadIdx.x; i < n; i += blockDim.x) sum += a[i] * b[i];
  return blockSum(sum);
}

// Exchanges n elements, by a block.
inline DEVICE void blockSwap(double* a, double* b, Size n) {
  for (Size i = threadIdx.x; i < n; i += blockDim.x) {
    const double p = a[i];
    a[i] = b[i];
    b[i] = p;
  }
}

// The place of the greatest of n values, f(i) for place i; of equal ones the first. Not-a-number counts only in the first
// place, where nothing is greater. Barriers.
template <class F> DEVICE Size blockArgmax(Size n, F f) {
  double value = -INFINITY;
  Size place = n;
  for (Size i = threadIdx.x; i < n; i += blockDim.x) {
    const double other = f(i);
    if (i == 0 && other != other) value = INFINITY, place = 0;
    else if (other > value) value = other, place = i;
  }
  const double most = blockReduce(value, -(double)INFINITY, Larger());
  const Size first = blockReduce(value == most ? place : n, n, Smaller());
  return first < n ? first : 0;
}

// The same by a warp, for itself: no barriers.
template <class F> DEVICE Size warpArgmax(Size n, F f) {
  double value = -INFINITY;
  Size place = n;
  for (Size i = threadIdx.x % 32; i < n; i += 32) {
    const double other = f(i);
    if (i == 0 && other != other) value = INFINITY, place = 0;
    else if (other > value) value = other, place = i;
  }
  for (int d = 16; d > 0; d >>= 1) {
    const double other = __shfl_xor_sync(0xffffffffu, value, d);
    const Size from = __shfl_xor_sync(0xffffffffu, place, d);
    if (other > value || (other == value && from < place)) value = other, place = from;
  }
  return place < n ? place : 0;
}

// ---------------------------------------------------------------- small matrices, in shared memory

// Matrices of up to so many rows and columns lie in a block's shared memory while it works on them.
constexpr Size SMALL = 128;
// Elements from one of their rows to the next: odd, so that columns lie in different banks.
inline Size pitchOf(Size columns) { return columns | 1; }
inline int smallThreads(Size n) { return n <= 16 ? 64 : n <= 32 ? 256 : 512; }

// Copies rows of a matrix, by a block; rows lie `toRow` and `fromRow` apart.
inline DEVICE void blockCopy(double* to, Size toRow, const double* from, Size fromRow, Size rows, Size columns) {
  for (int e = threadIdx.x; e < (int)(rows * columns); e += blockDim.x) {
    const int i = e / (int)columns, j = e - i * (int)columns;
    to[i * toRow + j] = from[i * fromRow + j];
  }
}

// f(i, shared) for each i of [begin, end), each by a whole block, which has so many numbers in shared memory.
template <class F> __global__ void __launch_bounds__(512) sharedBlocksKernel(Size begin, Size end, F f) {
  DYNAMIC_SHARED(double, shared);
  for (Size i = begin + blockIdx.x; i < end; i += gridDim.x) {
    f(i, shared);
    __syncthreads();
  }
}
template <class F> void forSharedBlocks(Size numbers, Size begin, Size end, int threads, F f) {
  const Size n = end - begin;
  if (n <= 0) return;
  LAUNCH_SHARED(numbers * 8, (unsigned)(n < MOST_BLOCKS ? n : MOST_BLOCKS), threads, sharedBlocksKernel<F>, begin, end, f);
}
