// Resampling along one axis: y[i] is a weighted sum of elements of x, whatever the mode of interpolation and whether forward
// or back. Element i has the taps starts[i] <= k < starts[i + 1], of which k is weights[k] * x[places[k]]; `taps` holds the
// m + 1 starts, then the places, in int32. A thread does an element.
#include "common.cuh"

template <class T>
static DEVICE T tapSum(const T* x, const int32_t* taps, const T* weights, Size m, Size i, Size step) {
  const int32_t* places = taps + m + 1;
  const int last = taps[i + 1];
  int k = taps[i];
  if (k == last) return 0;
  // The first product is not added to 0, which would turn -0 into 0.
  T sum = weights[k] * x[places[k] * step];
  for (k++; k < last; k++) sum += weights[k] * x[places[k] * step];
  return sum;
}

// The rows [begin, end) of y [outer * m, inner] from x [outer, n, inner].
template <class T>
static void interpolate(T* y, const T* x, const int32_t* taps, const T* weights, Size n, Size m, Size inner, Size begin, Size end) {
  forEach(begin * inner, end * inner, [=] DEVICE(Size at) {
    const Size row = at / inner, plane = row / m;
    y[at] = tapSum(x + plane * n * inner + (at - row * inner), taps, weights, m, row - plane * m, inner);
  });
}

// The rows [begin, end) of y [outer, m] from x [outer, n].
template <class T>
static void interpolateLast(T* y, const T* x, const int32_t* taps, const T* weights, Size n, Size m, Size begin, Size end) {
  forEach(begin * m, end * m, [=] DEVICE(Size at) {
    const Size row = at / m;
    y[at] = tapSum(x + row * n, taps, weights, m, at - row * m, 1);
  });
}

FAMILY(interpolate, KERNEL_FLOATS(interpolate, interpolate), KERNEL_FLOATS(interpolate_last, interpolateLast))
