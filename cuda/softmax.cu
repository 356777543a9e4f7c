// Softmax, its logarithm, their gradients, and the logarithm of the sum of exponentials, over the middle axis of
// [outer, n, inner].
//
//     softmax      y = exp(x - max) / sum exp(x - max)       dx = y * (dy - sum dy * y)
//     log_softmax  y = x - max - log(sum exp(x - max))       dx = dy - exp(y) * sum dy
#include "common.cuh"

enum Kind { SOFTMAX, LOG_SOFTMAX, LOG_SUM_EXP };

template <Kind K, class T> struct Forward {
  T* y;
  const T* x;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const Size start = sliceStart(i, n, inner);
    const T* from = x + start;
    T most = -INFINITY;
    for (Size k = g.first(); k < n; k += g.step()) most = Larger()(most, from[k * inner]);
    most = g.reduce(most, T(-INFINITY), Larger());
    if (K == LOG_SUM_EXP && std::fabs(most) == INFINITY) most = 0;
    SumOf<T> sum = 0;
    for (Size k = g.first(); k < n; k += g.step()) sum += std::exp(from[k * inner] - most);
    sum = g.reduce(sum, SumOf<T>(0), Plus());
    if (K == LOG_SUM_EXP) {
      if (g.first() == 0) y[i] = (T)(most + std::log(sum));
      return;
    }
    const T rest = (T)(K == SOFTMAX ? 1 / sum : std::log(sum));
    for (Size k = g.first(); k < n; k += g.step()) {
      const T d = from[k * inner] - most;
      y[start + k * inner] = K == SOFTMAX ? std::exp(d) * rest : d - rest;
    }
  }
};
template <Kind K, class T> static void forward(T* y, const T* x, Size n, Size inner, Size begin, Size end) {
  forSlices(n, inner, begin, end, Forward<K, T>{y, x, n, inner});
}

template <Kind K, class T> struct Backward {
  T* dx;
  const T* dy;
  const T* y;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const Size start = sliceStart(i, n, inner);
    SumOf<T> total = 0;
    for (Size k = g.first(); k < n; k += g.step()) {
      const Size at = start + k * inner;
      total += K == SOFTMAX ? (SumOf<T>)dy[at] * y[at] : (SumOf<T>)dy[at];
    }
    const T sum = (T)g.reduce(total, SumOf<T>(0), Plus());
    for (Size k = g.first(); k < n; k += g.step()) {
      const Size at = start + k * inner;
      dx[at] = K == SOFTMAX ? y[at] * (dy[at] - sum) : dy[at] - std::exp(y[at]) * sum;
    }
  }
};
template <Kind K, class T> static void backward(T* dx, const T* dy, const T* y, Size n, Size inner, Size begin, Size end) {
  forSlices(n, inner, begin, end, Backward<K, T>{dx, dy, y, n, inner});
}

#define FLOATS(name, f, K) KERNEL(name, f<K, float>), KERNEL(name##_f64, f<K, double>)

FAMILY(softmax, FLOATS(softmax, forward, SOFTMAX), FLOATS(log_softmax, forward, LOG_SOFTMAX),
       FLOATS(logsumexp, forward, LOG_SUM_EXP), FLOATS(softmax_grad, backward, SOFTMAX),
       FLOATS(log_softmax_grad, backward, LOG_SOFTMAX))
