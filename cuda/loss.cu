// Losses of pairs: a value for each element of a prediction x and a target t; the formulas are those of assembly/loss.ts.
// Each comes as a tensor of losses, as their sum over a divisor, and with its gradient dx = factor * dy * derivative, where
// dy is one number (dyStep 0) or one for each element (1).
#include "common.cuh"

// A loss of x, t and its parameter, and its derivative by x.
struct Mse {
  template <class T> static DEVICE T value(T x, T t, T) { return (x - t) * (x - t); }
  template <class T> static DEVICE T slope(T x, T t, T) { return 2 * (x - t); }
};
// 1 with the sign of d, 0 for 0, not-a-number for itself.
template <class T> static DEVICE T signOf(T d) { return d > 0 ? T(1) : d < 0 ? T(-1) : d; }
struct L1 {
  template <class T> static DEVICE T value(T x, T t, T) { return std::fabs(x - t); }
  template <class T> static DEVICE T slope(T x, T t, T) { return signOf(x - t); }
};
struct SmoothL1 {
  template <class T> static DEVICE T value(T x, T t, T p) {
    const T d = x - t, a = std::fabs(d);
    return a < p ? T(0.5) * d * d / p : a - T(0.5) * p;
  }
  template <class T> static DEVICE T slope(T x, T t, T p) {
    const T d = x - t;
    return std::fabs(d) < p ? d / p : signOf(d);
  }
};
struct Huber {
  template <class T> static DEVICE T value(T x, T t, T p) {
    const T d = x - t, a = std::fabs(d);
    return a < p ? T(0.5) * d * d : p * (a - T(0.5) * p);
  }
  template <class T> static DEVICE T slope(T x, T t, T p) {
    const T d = x - t;
    return std::fabs(d) < p ? d : p * signOf(d);
  }
};
struct Probabilities {
  template <class T> static DEVICE T value(T x, T t, T) {
    const T yes = std::log(x), no = std::log1p(-x);
    // The order of the operands keeps not-a-number.
    return (t - 1) * (no < -100 ? T(-100) : no) - t * (yes < -100 ? T(-100) : yes);
  }
  template <class T> static DEVICE T slope(T x, T t, T) {
    const T spread = (1 - x) * x;
    return (x - t) / (spread < T(1e-12) ? T(1e-12) : spread);
  }
};
struct Logits {
  template <class T> static DEVICE T value(T x, T t, T) {
    return (1 - t) * x + std::log1p(std::exp(-std::fabs(x))) + (x < 0 ? -x : 0);
  }
  template <class T> static DEVICE T slope(T x, T t, T) {
    const T e = std::exp(-std::fabs(x));
    return (x >= 0 ? 1 : e) / (1 + e) - t;
  }
};

template <class L, class T> static void loss(T* y, const T* x, const T* t, double parameter, Size begin, Size end) {
  const T p = (T)parameter;
  forEach(begin, end, [=] DEVICE(Size i) { y[i] = L::value(x[i], t[i], p); });
}

// The elements are summed by as many blocks as keep a GPU busy, and those sums by one.
template <class L, class T> static void lossSum(T* y, const T* x, const T* t, double parameter, double divisor, Size n) {
  const T p = (T)parameter;
  const Size parts = n < 4096 ? 1 : n < 4096 * 512 ? n / 4096 : 512;
  double* partial = (double*)current.workspace;
  forBlocks(0, parts, THREADS, [=] DEVICE(Size part) {
    double sum = 0;
    for (Size i = n * part / parts + threadIdx.x, end = n * (part + 1) / parts; i < end; i += blockDim.x) {
      sum += (double)L::value(x[i], t[i], p);
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) partial[part] = sum;
  });
  forBlocks(0, 1, THREADS, [=] DEVICE(Size) {
    double sum = 0;
    for (Size part = threadIdx.x; part < parts; part += blockDim.x) sum += partial[part];
    sum = blockSum(sum);
    if (threadIdx.x == 0) *y = (T)(sum / divisor);
  });
}

template <class L, class T>
static void lossGrad(T* dx, const T* dy, const T* x, const T* t, double parameter, double factor, Size dyStep, Size begin, Size end) {
  const T p = (T)parameter, f = (T)factor;
  forEach(begin, end, [=] DEVICE(Size i) { dx[i] = f * dy[i * dyStep] * L::slope(x[i], t[i], p); });
}

#define LOSS(name, L)                                                                                                     \
  KERNEL(name, loss<L, float>), KERNEL(name##_f64, loss<L, double>), KERNEL(name##_grad, lossGrad<L, float>),             \
      KERNEL(name##_grad_f64, lossGrad<L, double>)
#define LOSS_SUM(name, L) KERNEL(name, lossSum<L, float>), KERNEL(name##_f64, lossSum<L, double>)

FAMILY(loss, LOSS(mse_loss, Mse), LOSS(l1_loss, L1), LOSS(smooth_l1_loss, SmoothL1), LOSS(huber_loss, Huber),
       LOSS(binary_cross_entropy, Probabilities), LOSS(binary_cross_entropy_with_logits, Logits),
       LOSS_SUM(mse_loss_sum, Mse), LOSS_SUM(l1_loss_sum, L1), LOSS_SUM(smooth_l1_loss_sum, SmoothL1),
       LOSS_SUM(huber_loss_sum, Huber), LOSS_SUM(binary_cross_entropy_sum, Probabilities),
       LOSS_SUM(binary_cross_entropy_with_logits_sum, Logits))
