// Softmax, its logarithm, their gradients, and the logarithm of the sum of exponentials, over the middle axis of
// [outer, n, inner].
//
//     softmax      y = exp(x - max) / sum exp(x - max)       dx = y * (dy - sum dy * y)
//     log_softmax  y = x - max - log(sum exp(x - max))       dx = dy - exp(y) * sum dy
#include "rows.cuh"

enum Kind { SOFTMAX, LOG_SOFTMAX, LOG_SUM_EXP };

template <Kind K, class C, class S> DEVICE C forwardOf(C x, C most, S rest) {
  const C d = x - most;
  return K == SOFTMAX ? std::exp(d) * (C)rest : d - (C)rest;
}

template <Kind K, class T> struct ForwardRow {
  static constexpr bool KEEPS = K != LOG_SUM_EXP, SHIFTS = true;
  T* y;
  const T* x;
  int n;
  template <class S, bool WHOLE> DEVICE void run(Size row) const {
    constexpr int E = S::E;
    const S span(x + row * n, n);
    float r[E], most;
    const auto sum = rowExponentials<K == LOG_SUM_EXP, K == SOFTMAX, WHOLE>(span, x + row * n, r, most);
    if (K == LOG_SUM_EXP) {
      if (threadIdx.x == 0) y[row] = (T)(float)(most + std::log(sum));
      return;
    }
    const float rest = (float)(K == SOFTMAX ? 1 / sum : std::log(sum));
    for (int base = 0; base < (WHOLE ? 1 : span.end()); base += S::CHUNK) {
      if (!WHOLE) span.again(r, x + row * n, base, 0);
#pragma unroll
      for (int j = 0; j < E; j++) r[j] = WHOLE && K == SOFTMAX ? r[j] * rest : forwardOf<K>(r[j], most, rest);
      span.store(y + row * n, base, r);
    }
  }
};

template <Kind K, class T> struct BackwardRow {
  static constexpr bool KEEPS = true, SHIFTS = true;
  T* dx;
  const T* dy;
  const T* y;
  int n;
  template <class S, bool WHOLE> DEVICE void run(Size row) const {
    constexpr int E = S::E;
    const Size start = row * n;
    const S span(dy + start, n);
    float g[E], r[E];
    RowSum<WHOLE> total = 0;
    for (int base = 0; base < (WHOLE ? 1 : span.end()); base += S::CHUNK) {
      span.keep(g, dy + start, base, 0);
      if (WHOLE || K == SOFTMAX) span.load(r, y + start, base, 0);
      total += sumOver<E>([&](int j) { return K == SOFTMAX ? g[j] * r[j] : g[j]; });
    }
    const float sum = (float)rowSum(total);
    for (int base = 0; base < (WHOLE ? 1 : span.end()); base += S::CHUNK) {
      if (!WHOLE) span.again(g, dy + start, base, 0), span.load(r, y + start, base, 0);
#pragma unroll
      for (int j = 0; j < E; j++) r[j] = K == SOFTMAX ? r[j] * (g[j] - sum) : g[j] - std::exp(r[j]) * sum;
      span.store(dx + start, base, r);
    }
  }
};

// ---------------------------------------------------------------- any slices

template <Kind K, class T> struct Forward {
  T* y;
  const T* x;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    using C = ComputedOf<T>;
    const Size start = sliceStart(i, n, inner);
    const T* from = x + start;
    C most = -INFINITY;
    for (Size k = g.first(); k < n; k += g.step()) most = Larger()(most, (C)from[k * inner]);
    most = g.reduce(most, C(-INFINITY), Larger());
    if (K == LOG_SUM_EXP && std::fabs(most) == INFINITY) most = 0;
    SumOf<C> sum = 0;
    for (Size k = g.first(); k < n; k += g.step()) sum += std::exp((C)from[k * inner] - most);
    sum = g.reduce(sum, SumOf<C>(0), Plus());
    if (K == LOG_SUM_EXP) {
      if (g.first() == 0) y[i] = (T)(C)(most + std::log(sum));
      return;
    }
    const C rest = (C)(K == SOFTMAX ? 1 / sum : std::log(sum));
    for (Size k = g.first(); k < n; k += g.step()) y[start + k * inner] = (T)forwardOf<K>((C)from[k * inner], most, rest);
  }
};
template <Kind K, class T> static void forward(T* y, const T* x, Size n, Size inner, Size begin, Size end) {
  if constexpr (sizeof(T) <= 4) {
    if (inner == 1 && n > 8 && n < LONGEST) {
      return forRows<T>(n, alignmentOf<T>(n, K == LOG_SUM_EXP ? x : y, x), begin, end, ForwardRow<K, T>{y, x, (int)n});
    }
  }
  forSlices(n, inner, begin, end, Forward<K, T>{y, x, n, inner});
}

template <Kind K, class T> struct Backward {
  T* dx;
  const T* dy;
  const T* y;
  Size n, inner;
  template <class G> DEVICE void operator()(G g, Size i) const {
    using C = ComputedOf<T>;
    const Size start = sliceStart(i, n, inner);
    SumOf<C> total = 0;
    for (Size k = g.first(); k < n; k += g.step()) {
      const Size at = start + k * inner;
      total += K == SOFTMAX ? (SumOf<C>)dy[at] * (SumOf<C>)y[at] : (SumOf<C>)dy[at];
    }
    const C sum = (C)g.reduce(total, SumOf<C>(0), Plus());
    for (Size k = g.first(); k < n; k += g.step()) {
      const Size at = start + k * inner;
      dx[at] = (T)(K == SOFTMAX ? (C)y[at] * ((C)dy[at] - sum) : (C)dy[at] - std::exp((C)y[at]) * sum);
    }
  }
};
template <Kind K, class T> static void backward(T* dx, const T* dy, const T* y, Size n, Size inner, Size begin, Size end) {
  if constexpr (sizeof(T) <= 4) {
    if (inner == 1 && n > 8 && n < LONGEST) {
      return forRows<T>(n, alignmentOf<T>(n, dx, dy, y), begin, end, BackwardRow<K, T>{dx, dy, y, (int)n});
    }
  }
  forSlices(n, inner, begin, end, Backward<K, T>{dx, dy, y, n, inner});
}

#define FLOATS(name, f, K) KERNEL(name, f<K, float>), KERNEL(name##_f64, f<K, double>)
#define NARROW(name, f, K) KERNEL(name##_f16, f<K, __half>), KERNEL(name##_bf16, f<K, __nv_bfloat16>)

FAMILY(softmax, FLOATS(softmax, forward, SOFTMAX), FLOATS(log_softmax, forward, LOG_SOFTMAX),
       FLOATS(logsumexp, forward, LOG_SUM_EXP), FLOATS(softmax_grad, backward, SOFTMAX),
       FLOATS(log_softmax_grad, backward, LOG_SOFTMAX), NARROW(softmax, forward, SOFTMAX),
       NARROW(log_softmax, forward, LOG_SOFTMAX), NARROW(softmax_grad, backward, SOFTMAX),
       NARROW(log_softmax_grad, backward, LOG_SOFTMAX))
