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
