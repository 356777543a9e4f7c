// Running totals along the middle axis of [outer, n, inner]; a thread does a slice. float32 is computed in float64 and
// rounded at each element.
#include "common.cuh"

struct RunningSum {
  template <class A> static DEVICE A start() { return 0; }
  template <class A> static DEVICE A next(A total, A x) { return total + x; }
};
struct RunningProduct {
  template <class A> static DEVICE A start() { return 1; }
  template <class A> static DEVICE A next(A total, A x) { return total * x; }
};
struct RunningLogSumExp {
  template <class A> static DEVICE A start() { return -INFINITY; }
  template <class A> static DEVICE A next(A a, A b) {
    if (a != a || b != b) return NAN;
    const A high = a > b ? a : b, low = a > b ? b : a;
    if (high == low && std::fabs(high) == INFINITY) return high;
    return high + std::log1p(std::exp(low - high));
  }
};

template <class K, class T> static void scan(T* y, const T* x, Size n, Size inner, Size reverse, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const Size step = reverse ? -inner : inner;
    Size at = sliceStart(i, n, inner) + (reverse ? (n - 1) * inner : 0);
    SumOf<T> total = K::template start<SumOf<T>>();
    for (Size k = 0; k < n; k++, at += step) {
      total = K::next(total, (SumOf<T>)x[at]);
      y[at] = (T)total;
    }
  });
}

// y[k] = b[k] + a[k] * y[k - 1], or in reverse y[k] = b[k] + a[k + 1] * y[k + 1]; a[0] is not used.
template <class T>
static void recurrence(T* y, const T* a, const T* b, Size n, Size inner, Size reverse, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const Size first = sliceStart(i, n, inner);
    double total = 0;
    for (Size k = 0; k < n; k++) {
      const Size at = first + (reverse ? n - 1 - k : k) * inner;
      total = (double)b[at] + (k > 0 ? (double)a[reverse ? at + inner : at] * total : 0);
      y[at] = (T)total;
    }
  });
}

#define FLOATS(name, K) KERNEL(name, scan<K, float>), KERNEL(name##_f64, scan<K, double>)

FAMILY(scan, FLOATS(cumsum, RunningSum), KERNEL(cumsum_i64, scan<RunningSum, int64_t>), FLOATS(cumprod, RunningProduct),
       KERNEL(cumprod_i64, scan<RunningProduct, int64_t>), FLOATS(logcumsumexp, RunningLogSumExp),
       KERNEL_FLOATS(linear_recurrence, recurrence))
