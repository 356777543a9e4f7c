// Resampling along one axis: y[i] is a weighted sum of elements of x, whatever the mode of interpolation and whether forward
// or back. Element i has the taps starts[i] <= k < starts[i + 1], of which k is weights[k] * x[places[k]]; `taps` holds the
// m + 1 starts, then the places, in int32.
#include "vector.cuh"

// The sums of element i's taps for COUNT places side by side: `get(place, k)` is the k-th of them.
template <int COUNT, class T, class F>
static DEVICE void tapSums(T (&sums)[COUNT], const int32_t* taps, const T* weights, Size m, Size i, F get) {
  const int32_t* places = taps + m + 1;
  const int first = taps[i], last = taps[i + 1];
  // A product of -0 stays what it is when it is added to -0.
#pragma unroll
  for (int k = 0; k < COUNT; k++) sums[k] = first == last ? T(0) : -T(0);
#pragma unroll 2
  for (int tap = first; tap < last; tap++) {
    const T weight = weights[tap];
    const auto values = get(places[tap]);
#pragma unroll
    for (int k = 0; k < COUNT; k++) sums[k] += weight * values.at[k];
  }
}

// A thread does N neighbours.
template <int N, class T>
static void interpolateRows(T* y, const T* x, const int32_t* taps, const T* weights, Size n, Size m, Size inner, Size begin,
                            Size end) {
  const Size packs = inner / N;
  forEach(begin * packs, end * packs, [=] DEVICE(Size at) {
    const Size row = quotient(at, packs), plane = quotient(row, m), c = (at - row * packs) * N;
    const T* from = x + plane * n * inner + c;
    Pack<T, N> sums;
    tapSums<N>(sums.at, taps, weights, m, row - plane * m, [=](int place) { return loadPack<N>(from + place * inner); });
    storePack<N>(y + row * inner + c, sums);
  });
}

// The rows [begin, end) of y [outer * m, inner] from x [outer, n, inner].
template <class T>
static void interpolate(T* y, const T* x, const int32_t* taps, const T* weights, Size n, Size m, Size inner, Size begin, Size end) {
  constexpr int N = PACK<T>;
  if (inner % N == 0 && packed<N>(y) && packed<N>(x)) return interpolateRows<N>(y, x, taps, weights, n, m, inner, begin, end);
  interpolateRows<1>(y, x, taps, weights, n, m, inner, begin, end);
}

// The rows [begin, end) of y [outer, m] from x [outer, n]. A thread does an element of several rows, whose taps are the same.
template <class T>
static void interpolateLast(T* y, const T* x, const int32_t* taps, const T* weights, Size n, Size m, Size begin, Size end) {
  constexpr int R = 8;
  forEach(0, (end - begin + R - 1) / R * m, [=] DEVICE(Size at) {
    const Size group = quotient(at, m), i = at - group * m, row = begin + group * R;
    const int rows = end - row < R ? (int)(end - row) : R;
    const T* from = x + row * n;
    T sums[R];
    tapSums<R>(sums, taps, weights, m, i, [=](int place) {
      Pack<T, R> values;
#pragma unroll
      for (int k = 0; k < R; k++) values.at[k] = from[(k < rows ? k : 0) * n + place];
      return values;
    });
#pragma unroll
    for (int k = 0; k < R; k++) {
      if (k < rows) y[(row + k) * m + i] = sums[k];
    }
  });
}

FAMILY(interpolate, KERNEL_FLOATS(interpolate, interpolate), KERNEL_FLOATS(interpolate_last, interpolateLast))
