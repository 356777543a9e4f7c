// Fills with random numbers from a generator on the device. What becomes of the uniform numbers, and of which width they are
// for each type, is as in PyTorch's kernels for CUDA.
#include "philox.cuh"

struct Uniforms4 {
  DEVICE void operator()(uint4 w, float (&u)[4]) const { u[0] = unit(w.x), u[1] = unit(w.y), u[2] = unit(w.z), u[3] = unit(w.w); }
};
struct UniformsDouble {
  DEVICE void operator()(uint4 w, double (&u)[2]) const { u[0] = unit(w.x, w.y), u[1] = unit(w.z, w.w); }
};

// Two normal numbers by Box & Muller (1958), the sine first.
struct Normals4 {
  static DEVICE void pair(unsigned x, unsigned y, float& sine, float& cosine) {
    const float radius = sqrtf(-2.0f * logf(unit(x)));
    const float angle = fmaf((float)y, 1.4629180792671596e-9f, 7.314590396335798e-10f);
    sine = radius * __sinf(angle);
    cosine = radius * __cosf(angle);
  }
  DEVICE void operator()(uint4 w, float (&z)[4]) const {
    pair(w.x, w.y, z[0], z[1]);
    pair(w.z, w.w, z[2], z[3]);
  }
};
struct NormalsDouble {
  DEVICE void operator()(uint4 w, double (&z)[2]) const {
    const double radius = std::sqrt(-2.0 * std::log(unit(w.x, w.y))), turn = 2 * unit(w.z, w.w);
    double sine, cosine;
    sincospi(turn, &sine, &cosine);
    z[0] = radius * sine;
    z[1] = radius * cosine;
  }
};

struct Words {
  DEVICE void operator()(uint4 w, unsigned (&v)[4]) const { v[0] = w.x, v[1] = w.y, v[2] = w.z, v[3] = w.w; }
};
struct LongWords {
  DEVICE void operator()(uint4 w, uint64_t (&v)[2]) const { v[0] = (uint64_t)w.x << 32 | w.y, v[1] = (uint64_t)w.z << 32 | w.w; }
};

// By the type of elements: what draws are computed in, and the draws. Integers are drawn as float32 is.
template <class T> struct Drawn {
  static constexpr int width = 4;
  using type = float;
  using Uniforms = Uniforms4;
  using Normals = Normals4;
};
template <> struct Drawn<double> {
  static constexpr int width = 2;
  using type = double;
  using Uniforms = UniformsDouble;
  using Normals = NormalsDouble;
};

inline DEVICE float fused(float a, float b, float c) { return fmaf(a, b, c); }
inline DEVICE double fused(double a, double b, double c) { return fma(a, b, c); }

// Of float32, the fast functions, as in PyTorch's draws: some units in the last place are lost.
inline DEVICE float exponentialOf(float x) { return __expf(x); }
inline DEVICE double exponentialOf(double x) { return std::exp(x); }
inline DEVICE float logarithmOf(float x) { return __logf(x); }
inline DEVICE double logarithmOf(double x) { return std::log(x); }

// put(i, u) with u uniform in (0, 1], or z normal.
template <class T, class G> static void drawUniforms(Generator* g, Size n, G put) {
  draw<Drawn<T>::width, typename Drawn<T>::type>(g, n, typename Drawn<T>::Uniforms(), put);
}
template <class T, class G> static void drawNormals(Generator* g, Size n, G put) {
  draw<Drawn<T>::width, typename Drawn<T>::type>(g, n, typename Drawn<T>::Normals(), put);
}

// y[n]: the words themselves.
static void random_words(uint32_t* y, Generator* g, Size n) {
  draw<4, unsigned>(g, n, Words(), [=] DEVICE(Size i, unsigned word) { y[i] = word; });
}

// y[n]: uniform in [from, to); the numbers lie in (0, 1], so the upper bound becomes the lower one.
template <class T> static void uniform(T* y, Generator* g, Size n, double from, double to) {
  const T low = (T)from, high = (T)to, range = high - low;
  drawUniforms<T>(g, n, [=] DEVICE(Size i, T u) {
    const T value = fused(u, range, low);
    y[i] = value == high ? low : value;
  });
}

template <class T> static void normal(T* y, Generator* g, Size n, double mean, double std) {
  const T shift = (T)mean, scale = (T)std;
  drawNormals<T>(g, n, [=] DEVICE(Size i, T z) { y[i] = fused(z, scale, shift); });
}
template <class T> static void log_normal(T* y, Generator* g, Size n, double mean, double std) {
  const T shift = (T)mean, scale = (T)std;
  drawNormals<T>(g, n, [=] DEVICE(Size i, T z) { y[i] = exponentialOf(fused(z, scale, shift)); });
}

template <class T> struct Epsilon {
  static constexpr T value = sizeof(T) == 4 ? (T)1.1920928955078125e-7 : (T)2.220446049250313e-16;
};

// tan(pi (u - 1/2)); of float32 it is large at the ends, not infinite.
inline DEVICE float quantile(float u) {
  constexpr float LEAST = Epsilon<float>::value;
  const float inside = u > 1 - LEAST ? 1 - LEAST : u < LEAST ? LEAST : u;
  return __tanf(3.14159265358979323846f * (inside - 0.5f));
}
inline DEVICE double quantile(double u) { return std::tan(3.14159265358979323846 * (u - 0.5)); }

// y[n]: median + sigma tan(pi (u - 1/2)).
template <class T> static void cauchy(T* y, Generator* g, Size n, double median, double sigma) {
  const T shift = (T)median, scale = (T)sigma;
  drawUniforms<T>(g, n, [=] DEVICE(Size i, T u) { y[i] = fused(scale, quantile(u), shift); });
}

// y[n]: exponential of rate lambda, never 0.
template <class T> static DEVICE T logarithm(T u) {
  constexpr T HALF = Epsilon<T>::value / 2;
  return u >= 1 - HALF ? -HALF : logarithmOf(u);
}
template <class T> static void exponential(T* y, Generator* g, Size n, double lambda) {
  const T scale = (T)-1 / (T)lambda;
  drawUniforms<T>(g, n, [=] DEVICE(Size i, T u) { y[i] = scale * logarithm(u); });
}
// score[n] = p / e with e exponential of rate 1.
template <class T> static void exponential_race(T* score, const T* p, Generator* g, Size n) {
  drawUniforms<T>(g, n, [=] DEVICE(Size i, T u) { score[i] = p[i] / -logarithm(u); });
}

// y[n]: trials up to the first success of probability p.
inline DEVICE float logarithmOfRest(float p) { return __logf(1 - p); }
inline DEVICE double logarithmOfRest(double p) { return std::log1p(-p); }
template <class T> static void geometric(T* y, Generator* g, Size n, double p) {
  using V = typename Drawn<T>::type;
  const V success = (V)p;
  drawUniforms<T>(g, n, [=] DEVICE(Size i, V u) {
    const V trials = std::ceil(logarithmOf(u) / logarithmOfRest(success));
    y[i] = (T)(trials < 1 ? (V)1 : trials);
  });
}

// y[n]: 1 with probability p, else 0.
template <class T> static void bernoulli(T* y, Generator* g, Size n, double p) {
  using V = typename Drawn<T>::type;
  const V limit = (V)p;
  drawUniforms<T>(g, n, [=] DEVICE(Size i, V u) { y[i] = (T)(u < limit); });
}
// mask[n]: 0 with probability p, else 1 / (1 - p).
template <class T> static void dropout_mask(T* mask, Generator* g, Size n, double p) {
  const T keep = (T)(1 - p), scale = 1 / keep;
  drawUniforms<T>(g, n, [=] DEVICE(Size i, T u) { mask[i] = u < keep ? scale : 0; });
}

// y[n]: 1 with probability p[i], else 0: a thread draws for four neighbours.
template <class T> static void bernoulli_tensor(T* y, const T* p, Generator* g, Size n) {
  constexpr uint64_t STEP = 12;
  const auto fill = [=] DEVICE(Size thread, Size threads, Source words) {
    for (Size four = thread; four * 4 < n; four += threads) {
      float u[4];
      Uniforms4()(words(four, 0), u);
      for (int k = 0; k < 4 && four * 4 + k < n; k++) y[four * 4 + k] = (T)(u[k] <= p[four * 4 + k]);
    }
  };
  if (n > 0) LAUNCH(drawBlocks((n + 3) / 4), DRAWERS, drawKernel<decltype(fill)>, g, STEP, fill);
}

// y[n]: whole numbers low + word % range; ranges from 2^28 take two words. A range of 0 is 2^64.
template <class T> static void integers(T* y, Generator* g, Size n, uint64_t low, uint64_t range) {
  if (range == 0) draw<2, uint64_t>(g, n, LongWords(), [=] DEVICE(Size i, uint64_t word) { y[i] = (T)(int64_t)word; });
  else if (range >> 28) draw<2, uint64_t>(g, n, LongWords(), [=] DEVICE(Size i, uint64_t word) { y[i] = (T)(int64_t)(word % range + low); });
  else draw<4, unsigned>(g, n, Words(), [=] DEVICE(Size i, unsigned word) { y[i] = (T)(int64_t)(word % (unsigned)range + low); });
}
// A double that holds a whole number, as 64 bits: 2^63 wraps.
static uint64_t whole(double x) { return x >= 9223372036854775808.0 ? 1ull << 63 : (uint64_t)(int64_t)x; }
template <class T> static void randint(T* y, Generator* g, Size n, double low, double high) {
  integers<T>(y, g, n, whole(low), whole(high) - whole(low));
}
static uint64_t joined(Size upper, Size lower) { return (uint64_t)upper << 32 | (uint32_t)lower; }
static void randint_wide(int64_t* y, Generator* g, Size n, Size lowUpper, Size lowLower, Size rangeUpper, Size rangeLower) {
  integers<int64_t>(y, g, n, joined(lowUpper, lowLower), joined(rangeUpper, rangeLower));
}
// y[n]: whole numbers 0 .. 2^53.
static void random_double(double* y, Generator* g, Size n) { integers<double>(y, g, n, 0, (1ull << 53) + 1); }

FAMILY(random, KERNEL(random_words, random_words), KERNEL_FLOATS(uniform, uniform), KERNEL_FLOATS(normal, normal),
       KERNEL_FLOATS(normal_elementwise, normal), KERNEL_FLOATS(log_normal, log_normal), KERNEL_FLOATS(cauchy, cauchy),
       KERNEL_FLOATS(exponential, exponential), KERNEL_FLOATS(exponential_race, exponential_race),
       KERNEL_NUMBERS(geometric, geometric), KERNEL_NUMBERS(bernoulli, bernoulli), KERNEL(bernoulli_u8, bernoulli<uint8_t>),
       KERNEL_FLOATS(dropout_mask, dropout_mask), KERNEL_FLOATS(bernoulli_tensor, bernoulli_tensor), KERNEL_ALL(randint, randint),
       KERNEL(randint_i16, randint<int16_t>), KERNEL(randint_i8, randint<int8_t>), KERNEL(randint_wide_i64, randint_wide),
       KERNEL(random_f64, random_double))
