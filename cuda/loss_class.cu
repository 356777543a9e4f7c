// Losses over classes: x [outer, classes, inner], targets (int64) [outer, inner], which the op has checked: each is from 0 to
// classes - 1, or equal to `ignore` and takes no part. weight [classes] may be left out. A position is one of the
// outer * inner targets; kernels do the positions [begin, end).
//
//     nll            -w[t] x[t]
//     cross_entropy  (1 - s) w[t] (lse - x[t]) + s / classes * sum over c of w[c] (lse - x[c]), lse = log sum exp x
//
// stats holds, for each position, the largest x and the logarithm of the sum of exp(x - largest).
#include "rows.cuh"

template <class T> static DEVICE double weightOf(const T* weight, Size c) { return weight ? (double)weight[c] : 1.0; }

// The class of a target. One that is out of range counts as 0: the op's check, which may be known later, makes an error of it.
static DEVICE Size classOf(int64_t target, Size classes, Size ignore) {
  return target == ignore || (target >= 0 && target < classes) ? target : 0;
}

template <class T>
static void nll_loss(T* y, const T* x, const int64_t* target, const T* weight, Size classes, Size inner, Size ignore, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const Size t = classOf(target[i], classes, ignore);
    y[i] = t == ignore ? T(0) : (T)(-(double)x[sliceStart(i, classes, inner) + t * inner] * weightOf(weight, t));
  });
}

// dy of a position, divided by the total weight if there is one.
template <class T> static DEVICE double gradOf(const T* dy, const T* total, Size dyStep, Size i) {
  return total ? (double)dy[i * dyStep] / (double)*total : (double)dy[i * dyStep];
}

template <class T>
static void nll_loss_grad(T* dx, const T* dy, const T* total, const int64_t* target, const T* weight, Size classes, Size inner,
                          Size ignore, Size dyStep, Size begin, Size end) {
  forEach(begin * classes, end * classes, [=] DEVICE(Size at) {
    const Size outer = at / (classes * inner), rest = at - outer * classes * inner, c = rest / inner, i = outer * inner + rest % inner;
    const Size t = classOf(target[i], classes, ignore);
    dx[at] = t == c && t != ignore ? (T)(-gradOf(dy, total, dyStep, i) * weightOf(weight, t)) : T(0);
  });
}

// y = sum of losses / total, total = sum of the weights of the targets: of parts first, then of those.
template <class T>
static void weighted_mean(T* y, T* total, const T* losses, const int64_t* target, const T* weight, Size classes, Size ignore, Size count) {
  const Size parts = count < 2048 ? 1 : count < 2048 * 512 ? count / 2048 : 512;
  double* partial = (double*)current.workspace;
  forBlocks(0, parts, THREADS, [=] DEVICE(Size part) {
    double sum = 0, w = 0;
    for (Size i = count * part / parts + threadIdx.x; i < count * (part + 1) / parts; i += blockDim.x) {
      sum += (double)losses[i];
      if (target[i] != ignore) w += weightOf(weight, classOf(target[i], classes, ignore));
    }
    sum = blockSum(sum);
    w = blockSum(w);
    if (threadIdx.x == 0) partial[2 * part] = sum, partial[2 * part + 1] = w;
  });
  forBlocks(0, 1, THREADS, [=] DEVICE(Size) {
    double sum = 0, w = 0;
    for (Size part = threadIdx.x; part < parts; part += blockDim.x) sum += partial[2 * part], w += partial[2 * part + 1];
    sum = blockSum(sum);
    w = blockSum(w);
    if (threadIdx.x == 0) *total = (T)w, *y = (T)(sum / w);
  });
}

template <class T, class C = ComputedOf<T>> struct EntropySlice {
  C* y;
  C* stats;
  const T* x;
  const int64_t* target;
  const C* weight;
  Size classes, inner, ignore;
  double smoothing;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const T* column = x + sliceStart(i, classes, inner);
    C most = -INFINITY;
    for (Size c = g.first(); c < classes; c += g.step()) most = Larger()(most, (C)column[c * inner]);
    most = g.reduce(most, C(-INFINITY), Larger());
    double sum = 0, soft = 0, weights = 0;
    for (Size c = g.first(); c < classes; c += g.step()) {
      const C d = (C)column[c * inner] - most;
      sum += (double)std::exp(d);
      if (smoothing != 0) soft -= weightOf(weight, c) * (double)d, weights += weightOf(weight, c);
    }
    const double log = std::log(g.reduce(sum, 0.0, Plus()));
    if (smoothing != 0) soft = g.reduce(soft, 0.0, Plus()) + log * g.reduce(weights, 0.0, Plus());
    if (g.first() != 0) return;
    stats[2 * i] = most;
    stats[2 * i + 1] = (C)log;
    const Size t = classOf(target[i], classes, ignore);
    if (t == ignore) {
      y[i] = 0;
      return;
    }
    const double hard = weightOf(weight, t) * (log - (double)((C)column[t * inner] - most));
    y[i] = (C)((1 - smoothing) * hard + smoothing / (double)classes * soft);
  }
};
// The same of rows: inner is 1.
template <class T, class C = ComputedOf<T>> struct EntropyRow {
  static constexpr bool SHIFTS = true;
  C* y;
  C* stats;
  const T* x;
  const int64_t* target;
  const C* weight;
  int classes;
  Size ignore;
  float smoothing;
  template <class S, bool WHOLE> DEVICE void run(Size i) const {
    constexpr int E = S::E;
    const T* row = x + i * classes;
    const S span(row, classes);
    float r[E], w[E], most;
    const float log = (float)std::log(rowExponentials<false, false, WHOLE>(span, row, r, most));
    RowSum<WHOLE> soft = 0, weights = 0;
    for (int base = 0; base < (WHOLE ? 1 : span.end()) && smoothing != 0; base += S::CHUNK) {
      if (!WHOLE) span.load(r, row, base, 0);
      if (weight) span.load(w, weight, base, 0);
#pragma unroll
      for (int j = 0; j < E; j++) {
        const bool inside = span.has(base + span.place(j));
        w[j] = !inside ? 0 : weight ? w[j] : 1;
        if (!inside) r[j] = most;
      }
      soft += sumOver<E>([&](int j) { return w[j] * (most - r[j]); });
      weights += sumOver<E>([&](int j) { return w[j]; });
    }
    if (smoothing != 0) soft = rowSum(soft) + log * rowSum(weights);
    if (threadIdx.x != 0) return;
    stats[2 * i] = (C)most;
    stats[2 * i + 1] = (C)log;
    const Size t = classOf(target[i], classes, ignore);
    const double hard = t == ignore ? 0 : weightOf(weight, t) * (double)(log - ((float)row[t] - most));
    y[i] = t == ignore ? C(0) : (C)((1 - (double)smoothing) * hard + (double)smoothing / classes * (double)soft);
  }
};
template <class T, class C = ComputedOf<T>>
static void cross_entropy(C* y, C* stats, const T* x, const int64_t* target, const C* weight, Size classes, Size inner, Size ignore,
                          double smoothing, Size begin, Size end) {
  if constexpr (sizeof(T) <= 4) {
    if (inner == 1 && classes > 8 && classes < LONGEST) {
      const EntropyRow<T> row{y, stats, x, target, weight, (int)classes, ignore, (float)smoothing};
      return forRows<T>(classes, weight ? packRows<T>(classes, x, weight) : alignmentOf<T>(classes, x), begin, end, row);
    }
  }
  forSlices(classes, inner, begin, end, EntropySlice<T>{y, stats, x, target, weight, classes, inner, ignore, smoothing});
}

template <class T, class C = ComputedOf<T>> struct EntropyGradSlice {
  T* dx;
  const C* dy;
  const C* total;
  const C* stats;
  const T* x;
  const int64_t* target;
  const C* weight;
  Size classes, inner, ignore;
  double smoothing;
  Size dyStep;
  template <class G> DEVICE void operator()(G g, Size i) const {
    const Size start = sliceStart(i, classes, inner);
    const Size t = classOf(target[i], classes, ignore);
    // What all classes should get together: the share of the softmax.
    double mass = 0;
    if (smoothing != 0) {
      for (Size c = g.first(); c < classes; c += g.step()) mass += weightOf(weight, c);
      mass = smoothing / (double)classes * g.reduce(mass, 0.0, Plus());
    }
    const bool ignored = t == ignore;
    const double grad = ignored ? 0 : gradOf(dy, total, dyStep, i);
    const double hard = ignored ? 0 : (1 - smoothing) * weightOf(weight, t), share = smoothing / (double)classes;
    const C most = stats[2 * i], log = stats[2 * i + 1];
    for (Size c = g.first(); c < classes; c += g.step()) {
      const Size at = start + c * inner;
      if (ignored) {
        dx[at] = (T)C(0);
        continue;
      }
      const double softmax = (double)std::exp((C)x[at] - most - log);
      dx[at] = (T)(C)(grad * ((hard + mass) * softmax - share * weightOf(weight, c) - (c == t ? hard : 0)));
    }
  }
};
template <class T, class C = ComputedOf<T>> struct EntropyGradRow {
  static constexpr bool SHIFTS = true;
  T* dx;
  const C* dy;
  const C* total;
  const C* stats;
  const T* x;
  const int64_t* target;
  const C* weight;
  int classes;
  Size ignore;
  float smoothing;
  Size dyStep;
  template <class S, bool WHOLE> DEVICE void run(Size i) const {
    constexpr int E = S::E;
    const T* row = x + i * classes;
    const S span(row, classes);
    const Size t = classOf(target[i], classes, ignore);
    float r[E], w[E];
    // What all classes should get together: the share of the softmax.
    RowSum<WHOLE> weights = 0;
    for (int base = 0; base < (WHOLE ? 1 : span.end()) && smoothing != 0; base += S::CHUNK) {
      if (weight) span.load(w, weight, base, 0);
      weights += sumOver<E>([&](int j) { return !span.has(base + span.place(j)) ? 0.0f : weight ? w[j] : 1.0f; });
    }
    const float share = smoothing / classes, mass = smoothing != 0 ? share * (float)rowSum(weights) : 0;
    const bool ignored = t == ignore;
    const float grad = ignored ? 0 : (float)gradOf(dy, total, dyStep, i);
    const float hard = ignored ? 0 : (1 - smoothing) * (float)weightOf(weight, t);
    const float most = stats[2 * i], log = stats[2 * i + 1];
    for (int base = 0; base < (WHOLE ? 1 : span.end()); base += S::CHUNK) {
      span.load(r, row, base, 0);
      if (weight && smoothing != 0) span.load(w, weight, base, 0);
#pragma unroll
      for (int j = 0; j < E; j++) {
        float slope = (hard + mass) * std::exp(r[j] - most - log);
        if (smoothing != 0) slope -= weight ? share * w[j] : share;
        if (base + span.place(j) == t) slope -= hard;
        r[j] = ignored ? 0 : grad * slope;
      }
      span.store(dx + i * classes, base, r);
    }
  }
};
template <class T, class C = ComputedOf<T>>
static void cross_entropy_grad(T* dx, const C* dy, const C* total, const C* stats, const T* x, const int64_t* target, const C* weight,
                               Size classes, Size inner, Size ignore, double smoothing, Size dyStep, Size begin, Size end) {
  if constexpr (sizeof(T) <= 4) {
    if (inner == 1 && classes > 8 && classes < LONGEST) {
      const EntropyGradRow<T> row{dx, dy, total, stats, x, target, weight, (int)classes, ignore, (float)smoothing, dyStep};
      return forRows<T>(classes, weight ? packRows<T>(classes, dx, x, weight) : alignmentOf<T>(classes, dx, x), begin, end, row);
    }
  }
  forSlices(classes, inner, begin, end,
            EntropyGradSlice<T>{dx, dy, total, stats, x, target, weight, classes, inner, ignore, smoothing, dyStep});
}

// What each class of each position should get: w[c] (s / classes + (1 - s) [c is the target]).
template <class T>
static void cross_entropy_target(T* y, const int64_t* target, const T* weight, Size classes, Size inner, Size ignore, double smoothing,
                                 Size begin, Size end) {
  forEach(begin * classes, end * classes, [=] DEVICE(Size at) {
    const Size outer = at / (classes * inner), rest = at - outer * classes * inner, c = rest / inner;
    const Size t = classOf(target[outer * inner + rest % inner], classes, ignore);
    const double share = smoothing / (double)classes + (c == t ? 1 - smoothing : 0);
    y[at] = t == ignore ? T(0) : (T)(share * weightOf(weight, c));
  });
}

FAMILY(loss_class, KERNEL_FLOATS(nll_loss, nll_loss),
       KERNEL_FLOATS(nll_loss_grad, nll_loss_grad), KERNEL_FLOATS(weighted_mean, weighted_mean),
       KERNEL_FLOATS(cross_entropy, cross_entropy), KERNEL_FLOATS(cross_entropy_grad, cross_entropy_grad),
       KERNEL_FLOATS(cross_entropy_target, cross_entropy_target), KERNEL_NARROW(cross_entropy, cross_entropy),
       KERNEL_NARROW(cross_entropy_grad, cross_entropy_grad))
