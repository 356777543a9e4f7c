// Reading from and writing to indexed positions, and combining elements into them. Indexes are int64; a negative one counts
// from the end. What is out of range counts as 0: the op's check, which may be known later, makes an error of it. Elements
// that only move go by their size (b1, b2, b4, b8).
//
// Where several elements meet in one position they are taken in order, so equal calls give equal bits: no atomics. Either a
// thread goes through all elements of a column, or a warp looks through all indexes for those of its row.
#include "common.cuh"

static DEVICE Size indexAt(const int64_t* index, Size i, Size n) {
  const Size at = index[i] < 0 ? index[i] + n : index[i];
  return at < 0 || at >= n ? 0 : at;
}

// y[o, i, j] = x[o, index[o, i, j], j]: x is [outer, n, inner], y and index [outer, k, inner]; `outer` from begin to end.
template <class T>
static void gather(T* y, const T* x, const int64_t* index, Size n, Size k, Size inner, Size begin, Size end) {
  forEach(begin * k * inner, end * k * inner, [=] DEVICE(Size at) {
    const Size o = at / (k * inner);
    y[at] = x[(o * n + indexAt(index, at, n)) * inner + at % inner];
  });
}

template <class W> static void selectRows(void* y, const void* x, const int64_t* index, Size n, Size k, Size words, Size begin, Size end) {
  W* to = (W*)y;
  const W* from = (const W*)x;
  forEach(begin * words, end * words, [=] DEVICE(Size at) {
    const Size r = at / words, o = r / k;
    to[at] = from[(o * n + indexAt(index, r - o * k, n)) * words + at % words];
  });
}

// The widest type in which rows of `bytes` bytes can be moved.
static int widthOf(const void* a, const void* b, Size bytes) {
  const uintptr_t all = (uintptr_t)a | (uintptr_t)b | (uintptr_t)bytes;
  return all % 16 == 0 ? 16 : all % 8 == 0 ? 8 : all % 4 == 0 ? 4 : 1;
}

// y[o, i, :] = x[o, index[i], :], rows of `bytes` bytes, for rows [begin, end) of outer * k.
static void index_select(void* y, const void* x, const int64_t* index, Size n, Size k, Size bytes, Size begin, Size end) {
  switch (widthOf(y, x, bytes)) {
    case 16: return selectRows<uint4>(y, x, index, n, k, bytes / 16, begin, end);
    case 8: return selectRows<uint64_t>(y, x, index, n, k, bytes / 8, begin, end);
    case 4: return selectRows<uint32_t>(y, x, index, n, k, bytes / 4, begin, end);
    default: return selectRows<uint8_t>(y, x, index, n, k, bytes, begin, end);
  }
}

// y[i, 0] = the index along one axis, of size n and stride `stride`, of position x[i]; rows of y have `axes` columns.
static void unravel(int64_t* y, const int64_t* x, Size axes, Size n, Size stride, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { y[i * axes] = x[i] / stride % n; });
}

// y[i] = start + i * step.
template <class T> static void arange(T* y, double start, double step, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = (T)(start + (double)i * step); });
}

// The i-th of n numbers evenly spaced from `first` to `last`, from the nearer end, so that both are met exactly.
static DEVICE double spaced(double first, double last, Size n, Size i) {
  if (n == 1) return first;
  const double step = (last - first) / (double)(n - 1);
  return i < n / 2 ? first + step * (double)i : last - step * (double)(n - 1 - i);
}
static void linspace(double* y, Size n, double first, double last, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = spaced(first, last, n, i); });
}
static void logspace(double* y, Size n, double first, double last, double base, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = std::pow(base, spaced(first, last, n, i)); });
}

#define SIZES(name, ...)                                                                                       \
  KERNEL(name##_b1, __VA_ARGS__ uint8_t>), KERNEL(name##_b2, __VA_ARGS__ uint16_t>),                           \
      KERNEL(name##_b4, __VA_ARGS__ uint32_t>), KERNEL(name##_b8, __VA_ARGS__ uint64_t>)

FAMILY(index, SIZES(gather, gather<), KERNEL(index_select, index_select), KERNEL(unravel, unravel),
       KERNEL_NUMBERS(arange, arange), KERNEL(linspace_f64, linspace), KERNEL(logspace_f64, logspace))
