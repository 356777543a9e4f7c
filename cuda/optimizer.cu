// Steps of the optimizers that train most models: parameters, gradients and state are contiguous, elements [begin, end) are
// done. What may change between steps (learning rate, decay, step number) is read from memory, so that a recorded step can be
// run again: `options` are float64 numbers in the order of each kernel's comment, `step` is a float32 count, raised by
// `advance` before. A `maximize` other than 0 turns the gradient round.
#include "common.cuh"

// a * b + c, rounded once.
static DEVICE float fused(float a, float b, float c) { return fmaf(a, b, c); }
static DEVICE double fused(double a, double b, double c) { return a * b + c; }

static void advance(float*, float*, float* step, const double*, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) { step[i] += 1; });
}

// Stochastic gradient descent. Options: rate, momentum, dampening, decay, nesterov, maximize.
template <class T>
static void sgd(T* p, const T* grad, T* a, T* b, T*, const float*, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const T rate = (T)-options[0], momentum = (T)options[1], rest = (T)(1 - options[2]), decay = (T)options[3];
    const T sign = options[5] != 0 ? -1 : 1, w = p[i];
    T g = fused(w, decay, grad[i] * sign);
    if (momentum != 0) {
      const T m = b ? fused(g, rest, b[i] * momentum) : g;
      a[i] = m;
      g = options[4] != 0 ? fused(m, momentum, g) : m;
    }
    p[i] = fused(g, rate, w);
  });
}

// Adam and AdamW. Options: rate, beta1, beta2, eps, decay, decoupled, amsgrad, maximize. The corrections are powers in
// float64, the same for all elements: a block works them out once.
template <class T>
static void adam(T* p, const T* grad, T* mean, T* square, T* largest, const float* step, const double* options, Size begin, Size end) {
  const Size n = end - begin, blocks = (n + 4 * THREADS - 1) / (4 * THREADS);
  forBlocks(0, blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS, THREADS, [=] DEVICE(Size block) {
    SHARED(T, shared, [2]);
    const double rate = options[0], beta1 = options[1], beta2 = options[2];
    if (threadIdx.x == 0) {
      const double t = (double)*step;
      shared[0] = (T)(-rate / (1 - std::pow(beta1, t)));
      shared[1] = (T)(1 / std::sqrt(1 - std::pow(beta2, t)));
    }
    __syncthreads();
    const T stride = shared[0], correction = shared[1], eps = (T)options[3];
    const bool decoupled = options[5] != 0, amsgrad = options[6] != 0;
    const T decay = (T)(decoupled ? 0 : options[4]), shrink = (T)(decoupled ? 1 - rate * options[4] : 1);
    const T sign = options[7] != 0 ? -1 : 1;
    for (Size i = begin + block * THREADS + threadIdx.x; i < end; i += gridDim.x * (Size)THREADS) {
      const T w = p[i] * shrink, g = fused(w, decay, grad[i] * sign);
      const T m = fused(g, (T)(1 - beta1), mean[i] * (T)beta1);
      T v = fused(g * (T)(1 - beta2), g, square[i] * (T)beta2);
      mean[i] = m;
      square[i] = v;
      if (amsgrad) largest[i] = v = Larger()(largest[i], v);
      p[i] = w + m * stride / fused(std::sqrt(v), correction, eps);
    }
  });
}

// RMSprop. Options: rate, alpha, eps, decay, momentum, centered, maximize.
template <class T>
static void rmsprop(T* p, const T* grad, T* square, T* mean, T* buffer, const float*, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const T rate = (T)-options[0], alpha = (T)options[1], rest = (T)(1 - options[1]), eps = (T)options[2], decay = (T)options[3];
    const T momentum = (T)options[4], sign = options[6] != 0 ? -1 : 1, w = p[i];
    const T g = fused(w, decay, grad[i] * sign), s = fused(g * rest, g, square[i] * alpha);
    square[i] = s;
    T spread = s;
    if (options[5] != 0) {
      const T m = fused(g, rest, mean[i] * alpha);
      mean[i] = m;
      spread = fused(-m, m, s);
    }
    const T denominator = std::sqrt(spread) + eps;
    if (momentum > 0) {
      const T b = buffer[i] * momentum + g / denominator;
      buffer[i] = b;
      p[i] = fused(b, rate, w);
    } else {
      p[i] = w + g * rate / denominator;
    }
  });
}

// Adagrad. Options: rate, rateDecay, decay, eps, maximize.
template <class T>
static void adagrad(T* p, const T* grad, T* a, T*, T*, const float* step, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const T rate = (T)(-options[0] / (1 + ((double)*step - 1) * options[1])), w = p[i];
    const T g = fused(w, (T)options[2], grad[i] * (T)(options[4] != 0 ? -1 : 1)), s = fused(g, g, a[i]);
    a[i] = s;
    p[i] = w + g * rate / (std::sqrt(s) + (T)options[3]);
  });
}

// Adadelta. Options: rate, rho, decay, eps, maximize.
template <class T>
static void adadelta(T* p, const T* grad, T* a, T* b, T*, const float*, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const T rate = (T)-options[0], rho = (T)options[1], rest = (T)(1 - options[1]), eps = (T)options[3], w = p[i];
    const T g = fused(w, (T)options[2], grad[i] * (T)(options[4] != 0 ? -1 : 1)), s = fused(g * rest, g, a[i] * rho);
    const T before = b[i], delta = std::sqrt(before + eps) / std::sqrt(s + eps) * g;
    a[i] = s;
    b[i] = fused(delta * rest, delta, before * rho);
    p[i] = fused(delta, rate, w);
  });
}

// Adamax. Options: rate, beta1, beta2, eps, decay, maximize.
template <class T>
static void adamax(T* p, const T* grad, T* a, T* b, T*, const float* step, const double* options, Size begin, Size end) {
  forEach(begin, end, [=] DEVICE(Size i) {
    const double beta1 = options[1], beta2 = options[2];
    const T rate = (T)(-options[0] / (1 - std::pow(beta1, (double)*step))), w = p[i];
    const T g = fused(w, (T)options[4], grad[i] * (T)(options[5] != 0 ? -1 : 1));
    const T m = fused(g, (T)(1 - beta1), a[i] * (T)beta1), most = Larger()(b[i] * (T)beta2, std::fabs(g) + (T)options[3]);
    a[i] = m;
    b[i] = most;
    p[i] = w + m * rate / most;
  });
}

FAMILY(optimizer, KERNEL(advance, advance), KERNEL_FLOATS(sgd, sgd), KERNEL_FLOATS(adam, adam), KERNEL_FLOATS(rmsprop, rmsprop),
       KERNEL_FLOATS(adagrad, adagrad), KERNEL_FLOATS(adadelta, adadelta), KERNEL_FLOATS(adamax, adamax))
