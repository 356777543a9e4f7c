// Steps of the optimizers that train most models: parameters, gradients and state are contiguous, elements [begin, end) are
// done. What may change between steps (learning rate, decay, step number) is read from memory, so that a recorded step can be
// run again: `options` are float64 numbers in the order of each kernel's comment, `step` is a float32 count, raised by
// `advance` before. A `maximize` other than 0 turns the gradient round.
#include "vector.cuh"

// a * b + c, rounded once.
static DEVICE float fused(float a, float b, float c) { return fmaf(a, b, c); }
static DEVICE double fused(double a, double b, double c) { return a * b + c; }

// One part of several: a step count, to be raised.
struct Count {
  float* p;
};
static void raise(Gathered<Count>& counts) {
  const Gathered<Count> all = counts;
  forEach(0, all.count, [=] DEVICE(Size i) { *all.parts[i].p += 1; });
  counts.count = 0;
}
static void advance(float*, float*, float* step, const double*, Size begin, Size end) {
  if (end - begin != 1) {
    forEach(begin, end, [=] DEVICE(Size i) { step[i] += 1; });
    return;
  }
  static thread_local Gathered<Count> counts;
  if (counts.has(step + begin)) raise(counts);
  if (counts.add({step + begin})) raise(counts);
}

// One part of several: a parameter, its gradient and state, n elements from these addresses on. `first` is the first block
// that does it.
template <class T> struct Update {
  T* p;
  const T* grad;
  T* a;
  T* b;
  T* c;
  const float* step;
  const double* options;
  Size n, first;
};

// Elements for each thread of a block.
constexpr int EACH = 16;

// Each block reads what all elements of its parameter share (Rule's constructor), and goes through its elements.
template <class Rule, class T> __global__ void __launch_bounds__(THREADS) updateKernel(Gathered<Update<T>> all) {
  int k = 0;
  while (k + 1 < all.count && all.parts[k + 1].first <= (Size)blockIdx.x) k++;
  const Update<T> u = all.parts[k];
  const Rule rule(u);
  constexpr int N = PACK<T>;
  const Size start = ((Size)blockIdx.x - u.first) * THREADS * EACH;
  const bool packs = ((uintptr_t)u.p | (uintptr_t)u.grad | (uintptr_t)u.a | (uintptr_t)u.b | (uintptr_t)u.c) % 16 == 0;
  if (packs && start + THREADS * EACH <= u.n) {
#pragma unroll 2
    for (int e = 0; e < EACH / N; e++) {
      const Size i = start + ((Size)e * THREADS + threadIdx.x) * N;
      Pack<T, N> p = loadPack<N>(u.p + i), a, b, c;
      const Pack<T, N> g = loadPack<N>(u.grad + i);
      if (u.a) a = loadPack<N>(u.a + i);
      if (u.b) b = loadPack<N>(u.b + i);
      if (u.c) c = loadPack<N>(u.c + i);
#pragma unroll
      for (int j = 0; j < N; j++) rule(p.at[j], g.at[j], a.at[j], b.at[j], c.at[j]);
      storePack<N>(u.p + i, p);
      if (u.a) storePack<N>(u.a + i, a);
      if (Rule::WRITES_B && u.b) storePack<N>(u.b + i, b);
      if (u.c) storePack<N>(u.c + i, c);
    }
    return;
  }
  const Size end = start + THREADS * EACH < u.n ? start + THREADS * EACH : u.n;
  for (Size i = start + threadIdx.x; i < end; i += THREADS) {
    T p = u.p[i], a = u.a ? u.a[i] : T(0), b = u.b ? u.b[i] : T(0), c = u.c ? u.c[i] : T(0);
    rule(p, u.grad[i], a, b, c);
    u.p[i] = p;
    if (u.a) u.a[i] = a;
    if (Rule::WRITES_B && u.b) u.b[i] = b;
    if (u.c) u.c[i] = c;
  }
}

template <class Rule, class T>
static void update(T* p, const T* grad, T* a, T* b, T* c, const float* step, const double* options, Size begin, Size end) {
  static thread_local Gathered<Update<T>> updates;
  const auto launch = [] {
    Size blocks = 0;
    for (int k = 0; k < updates.count; k++) {
      updates.parts[k].first = blocks;
      blocks += (updates.parts[k].n + THREADS * EACH - 1) / (THREADS * EACH);
    }
    if (blocks > 0) LAUNCH((unsigned)blocks, THREADS, (updateKernel<Rule, T>), updates);
    updates.count = 0;
  };
  if (updates.has(p + begin)) launch();
  const auto at = [=](T* x) { return x ? x + begin : x; };
  if (updates.add({p + begin, grad + begin, at(a), at(b), at(c), step, options, end - begin, 0})) launch();
}

// Stochastic gradient descent. Options: rate, momentum, dampening, decay, nesterov, maximize. b is the momentum's buffer
// before, which may be left out; a becomes the one after.
template <class T> struct Sgd {
  static constexpr bool WRITES_B = false;
  T rate, momentum, rest, decay, sign;
  bool nesterov, begun;
  DEVICE explicit Sgd(const Update<T>& u)
      : rate((T)-u.options[0]), momentum((T)u.options[1]), rest((T)(1 - u.options[2])), decay((T)u.options[3]),
        sign(u.options[5] != 0 ? -1 : 1), nesterov(u.options[4] != 0), begun(u.b != nullptr) {}
  DEVICE void operator()(T& p, T grad, T& a, T& b, T&) const {
    T g = fused(p, decay, grad * sign);
    if (momentum != 0) {
      const T m = begun ? fused(g, rest, b * momentum) : g;
      a = m;
      g = nesterov ? fused(m, momentum, g) : m;
    }
    p = fused(g, rate, p);
  }
};

// Adam and AdamW: a, b and c are the running means of the gradient and of its square, and the greatest of the latter, which
// may be left out. Options: rate, beta1, beta2, eps, decay, decoupled, amsgrad, maximize. The corrections are powers in
// float64, the same for all elements: a block works them out once.
template <class T> struct Adam {
  static constexpr bool WRITES_B = true;
  T stride, correction, eps, decay, shrink, sign, beta1, beta2, rest1, rest2;
  bool amsgrad;
  DEVICE explicit Adam(const Update<T>& u) {
    SHARED(T, shared, [2]);
    const double* options = u.options;
    const double rate = options[0];
    if (threadIdx.x == 0) {
      const double t = (double)*u.step;
      shared[0] = (T)(-rate / (1 - std::pow(options[1], t)));
      shared[1] = (T)(1 / std::sqrt(1 - std::pow(options[2], t)));
    }
    __syncthreads();
    stride = shared[0], correction = shared[1], eps = (T)options[3];
    const bool decoupled = options[5] != 0;
    amsgrad = options[6] != 0;
    decay = (T)(decoupled ? 0 : options[4]), shrink = (T)(decoupled ? 1 - rate * options[4] : 1);
    sign = options[7] != 0 ? -1 : 1;
    beta1 = (T)options[1], beta2 = (T)options[2], rest1 = (T)(1 - options[1]), rest2 = (T)(1 - options[2]);
  }
  DEVICE void operator()(T& p, T grad, T& mean, T& square, T& largest) const {
    const T w = p * shrink, g = fused(w, decay, grad * sign);
    const T m = fused(g, rest1, mean * beta1);
    T v = fused(g * rest2, g, square * beta2);
    mean = m;
    square = v;
    if (amsgrad) largest = v = Larger()(largest, v);
    p = w + m * stride / fused(std::sqrt(v), correction, eps);
  }
};

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

FAMILY(optimizer, KERNEL(advance, advance), KERNEL(sgd, update<Sgd<float>, float>), KERNEL(sgd_f64, update<Sgd<double>, double>),
       KERNEL(adam, update<Adam<float>, float>), KERNEL(adam_f64, update<Adam<double>, double>), KERNEL_FLOATS(rmsprop, rmsprop),
       KERNEL_FLOATS(adagrad, adagrad), KERNEL_FLOATS(adadelta, adadelta), KERNEL_FLOATS(adamax, adamax))
