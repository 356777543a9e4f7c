// Normalisation of rows and of channels: y = (x - mean) * rstd * weight + bias with rstd = 1 / sqrt(variance + eps), and its
// gradients
//
//     dx = rstd * (g - sum g / n - xhat * sum (g * xhat) / n)     g = dy * weight, xhat = (x - mean) * rstd
//     dWeight = sum dy * xhat                                    dBias = sum dy
//
// Rows: x is [rows, channels, inner]; the channels of row r are weight[(r % groups) * channels ...]. Not `centred`, the mean
// counts as zero. Channels: x is [batches, channels, inner]. `stats` holds all means, then all rstd. weight, bias and the
// running statistics may be left out.
#include "rows.cuh"
#include "sums.cuh"

template <class T> static DEVICE double at(const T* p, Size i, double otherwise) { return p ? (double)p[i] : otherwise; }
static int threadsFor(Size n) { return n <= 512 ? 32 : THREADS; }

// f(j, the weight, the bias) for the elements j of a chunk of a row, whose channels begin at `first`: as many neighbours to each
// as `inner`. They are read as they are needed: registers are for the row.
template <class S, class A, class F>
static DEVICE void forAffine(S span, const A* weight, const A* bias, Size first, int inner, int base, F f) {
  constexpr int M = S::N < PACK<A> ? S::N : PACK<A>;
#pragma unroll
  for (int j = 0; j < S::E; j += M) {
    const int k = base + span.place(j);
    if (k >= span.n) continue;
    Pack<A, M> w, b;
#pragma unroll
    for (int i = 0; i < M; i++) w.at[i] = 1, b.at[i] = 0;
    if (inner == 1) {
      if (weight) w = loadPack<M>(weight + first + k);
      if (bias) b = loadPack<M>(bias + first + k);
    } else {
#pragma unroll
      for (int i = 0; i < M; i++) {
        const Size c = first + (unsigned)(k + i) / (unsigned)inner;
        if (weight) w.at[i] = weight[c];
        if (bias) b.at[i] = bias[c];
      }
    }
#pragma unroll
    for (int i = 0; i < M; i++) f(j + i, (float)w.at[i], (float)b.at[i]);
  }
}

template <class X, class Y, class A> struct NormRow {
  static constexpr bool KEEPS = true;
  Y* y;
  A* stats;
  const X* x;
  const A* weight;
  const A* bias;
  Size rows, groups, channels;
  int n, inner;
  bool centred;
  float eps;
  template <class S, bool WHOLE> DEVICE void run(Size row) const {
    constexpr int E = S::E;
    const X* from = x + row * n;
    const S span(from, n);
    const Size first = row % groups * channels;
    float r[E];
    if (WHOLE) span.load(r, from, 0, 0);
    RowSum<WHOLE> total = 0;
    for (int base = 0; base < (WHOLE ? 1 : n) && centred; base += S::CHUNK) {
      if (!WHOLE) span.keep(r, from, base, 0);
      total += sumOver<E>([&](int j) { return r[j]; });
    }
    const float mean = centred ? (float)(rowSum(total) / n) : 0;
    RowSum<WHOLE> squares = 0;
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      if (!WHOLE && centred) span.again(r, from, base, 0);
      if (!WHOLE && !centred) span.keep(r, from, base, 0);
      squares += sumOver<E>([&](int j) {
        const float d = base + span.place(j) < n ? r[j] - mean : 0;
        return d * d;
      });
    }
    const float rstd = (float)(1 / std::sqrt(rowSum(squares) / n + eps));
    if (threadIdx.x == 0) stats[row] = (A)mean, stats[rows + row] = (A)rstd;
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      if (!WHOLE) span.again(r, from, base, 0);
      forAffine(span, weight, bias, first, inner, base, [&](int j, float w, float b) { r[j] = (r[j] - mean) * rstd * w + b; });
      span.store(y + row * n, base, r);
    }
  }
};

template <class X, class Y, class A> struct NormGradRow {
  static constexpr bool KEEPS = true;
  X* dx;
  const Y* dy;
  const X* x;
  const A* stats;
  const A* weight;
  Size rows, groups, channels;
  int n, inner;
  bool centred;
  template <class S, bool WHOLE> DEVICE void run(Size row) const {
    constexpr int E = S::E;
    const Size start = row * n, first = row % groups * channels;
    const S span(x + start, n);
    const float mean = (float)stats[row], rstd = (float)stats[rows + row];
    float g[E], d[E];
    const auto weigh = [&](float(&g)[E], float(&d)[E], int base) {
      forAffine(span, weight, (const A*)nullptr, first, inner, base, [&](int j, float w, float) { g[j] *= w, d[j] -= mean; });
    };
    RowSum<WHOLE> total = 0, product = 0;
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      span.load(g, dy + start, base, 0);
      span.keep(d, x + start, base, 0);
      weigh(g, d, base);
      total += sumOver<E>([&](int j) { return g[j]; });
      product += sumOver<E>([&](int j) { return g[j] * d[j]; });
    }
    total = rowSum(total);
    product = rowSum(product);
    const float shift = centred ? (float)(total / n) : 0, slope = (float)(rstd * rstd * product / n);
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      if (!WHOLE) {
        span.load(g, dy + start, base, 0);
        span.again(d, x + start, base, 0);
        weigh(g, d, base);
      }
#pragma unroll
      for (int j = 0; j < E; j++) g[j] = rstd * (g[j] - shift - d[j] * slope);
      span.store(dx + start, base, g);
    }
  }
};

template <class X, class Y = X, class A = ComputedOf<X>>
static void row_norm(Y* y, A* stats, const X* x, const A* weight, const A* bias, Size rows, Size groups, Size channels, Size inner,
                     Size centred, double eps, Size begin, Size end) {
  const Size n = channels * inner;
  if constexpr (sizeof(X) <= 4) {
    // Few elements: differences of nearly equal numbers, which want the float64 below.
    if (n > 16 && n < LONGEST) {
      const NormRow<X, Y, A> row{y, stats, x, weight, bias, rows, groups, channels, (int)n, (int)inner, centred != 0, (float)eps};
      return forRows<X>(n, packRows<X>(n, y, x, weight, bias), begin, end, row);
    }
  }
  forBlocks(begin, end, threadsFor(n), [=] DEVICE(Size r) {
    const X* from = x + r * n;
    double sum = 0;
    if (centred) {
      for (Size k = threadIdx.x; k < n; k += blockDim.x) sum += (double)from[k];
      sum = blockSum(sum);
    }
    const A mean = (A)(sum / (double)n);
    double squares = 0;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const double d = (double)((A)from[k] - mean);
      squares += d * d;
    }
    const double rstd = 1 / std::sqrt(blockSum(squares) / (double)n + eps);
    if (threadIdx.x == 0) stats[r] = mean, stats[rows + r] = (A)rstd;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const Size c = r % groups * channels + k / inner;
      y[r * n + k] = (Y)(A)((double)((A)from[k] - mean) * rstd * at(weight, c, 1) + at(bias, c, 0));
    }
  });
}

template <class X, class Y = X, class A = ComputedOf<X>>
static void row_norm_grad(X* dx, const Y* dy, const X* x, const A* stats, const A* weight, Size rows, Size groups, Size channels,
                          Size inner, Size centred, Size begin, Size end) {
  const Size n = channels * inner;
  if constexpr (sizeof(X) <= 4) {
    // Few elements: differences of nearly equal numbers, which want the float64 below.
    if (n > 16 && n < LONGEST) {
      const NormGradRow<X, Y, A> row{dx, dy, x, stats, weight, rows, groups, channels, (int)n, (int)inner, centred != 0};
      return forRows<X>(n, packRows<X>(n, dx, dy, x, weight), begin, end, row);
    }
  }
  forBlocks(begin, end, threadsFor(n), [=] DEVICE(Size r) {
    const Size start = r * n, first = r % groups * channels;
    const double mean = (double)stats[r], rstd = (double)stats[rows + r];
    double total = 0, product = 0;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const double g = (double)dy[start + k] * at(weight, first + k / inner, 1);
      total += g;
      product += g * ((double)x[start + k] - mean);
    }
    total = blockSum(total);
    product = blockSum(product);
    const double shift = centred ? total / (double)n : 0, slope = rstd * rstd * product / (double)n;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const double g = (double)dy[start + k] * at(weight, first + k / inner, 1);
      dx[start + k] = (X)(A)(rstd * (g - shift - ((double)x[start + k] - mean) * slope));
    }
  });
}

// dWeight and dBias where a channel of a row is one element, N channels at a time.
template <int N, class X, class Y, class A>
static void affineColumns(A* dWeight, A* dBias, const Y* dy, const X* x, const A* stats, Size rows, Size groups, Size channels) {
  const Size columns = groups * channels;
  columnSums<A, N, 2>(
      1, rows / groups, columns,
      [=] DEVICE(Size, Size b, Size c, A(&t)[2][N]) {
        const Size r = groups == 1 ? b : b * groups + c / channels;
        const A mean = stats[r], rstd = stats[rows + r];
        const Pack<Y, N> g = loadPack<N>(dy + b * columns + c);
        const Pack<X, N> v = loadPack<N>(x + b * columns + c);
#pragma unroll
        for (int i = 0; i < N; i++) t[0][i] += (A)g.at[i] * (((A)v.at[i] - mean) * rstd), t[1][i] += (A)g.at[i];
      },
      [=] DEVICE(Size, Size c, const SumOf<A>* s) { dWeight[c] = (A)s[0], dBias[c] = (A)s[1]; });
}

// dWeight and dBias of the channels [begin, end) of groups * channels.
template <class X, class Y = X, class A = ComputedOf<X>>
static void row_norm_grad_affine(A* dWeight, A* dBias, const Y* dy, const X* x, const A* stats, Size rows, Size groups, Size channels,
                                 Size inner, Size begin, Size end) {
  const Size batches = rows / groups, columns = groups * channels, n = batches * inner;
  constexpr int N = PACK<A>;
  if (inner == 1 && begin == 0 && end == columns) {
    if (channels % N == 0 && packed<N>(dy) && packed<N>(x)) return affineColumns<N>(dWeight, dBias, dy, x, stats, rows, groups, channels);
    return affineColumns<1>(dWeight, dBias, dy, x, stats, rows, groups, channels);
  }
  forBlocks(begin, end, threadsFor(n), [=] DEVICE(Size c) {
    double bias = 0, weight = 0;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const Size b = k / inner, r = b * groups + c / channels, place = (b * columns + c) * inner + k % inner;
      const double g = (double)dy[place];
      bias += g;
      weight += g * ((double)x[place] - (double)stats[r]) * (double)stats[rows + r];
    }
    bias = blockSum(bias);
    weight = blockSum(weight);
    if (threadIdx.x == 0) dBias[c] = (A)bias, dWeight[c] = (A)weight;
  });
}

// The elements of a channel, N neighbours at a time, in parts for a block each.
template <int N> struct Channels {
  Size channels, inner, n, parts;
  Channels(Size batches, Size channels, Size inner, Size count)
      : channels(channels), inner(inner / N), n(batches * inner / N), parts(WAVE / count) {
    const Size room = WORKSPACE / (count * 4 * (Size)sizeof(double)), longest = n / THREADS;
    parts = parts < room ? parts : room;
    parts = parts < longest ? parts : longest;
    if (parts < 1) parts = 1;
  }
  DEVICE Size begin(Size part) const { return n * part / parts; }
  // f(place) for all elements of a part of channel c that are this thread's.
  template <class F> DEVICE void forPart(Size c, Size part, F f) const {
#pragma unroll 4
    for (Size k = begin(part) + threadIdx.x; k < begin(part + 1); k += blockDim.x) {
      const Size batch = k >> 32 ? k / inner : (Size)((uint32_t)k / (uint32_t)inner);
      f(((batch * channels + c) * inner + (k - batch * inner)) * N);
    }
  }
};

template <int N, class T>
static void batchNorm(T* y, T* stats, T* runningMean, T* runningVar, const T* x, const T* weight, const T* bias, Size batches,
                      Size channels, Size inner, Size training, double momentum, double eps, Size begin, Size end) {
  const Channels<N> all(batches, channels, inner, end - begin);
  const Size parts = all.parts, n = batches * inner;
  double* partial = (double*)current.workspace;
  // The mean of each part, and the sum of squares around it.
  if (training) {
    forBlocks(0, (end - begin) * parts, THREADS, [=] DEVICE(Size i) {
      const Size c = begin + i / parts, part = i % parts;
      double sum = 0, squares = 0;
      all.forPart(c, part, [&](Size place) {
        const Pack<T, N> v = loadPack<N>(x + place);
        T own = 0;
        for (int k = 0; k < N; k++) own += v.at[k];
        sum += (double)own;
      });
      const double mean = blockSum(sum) / (double)((all.begin(part + 1) - all.begin(part)) * N);
      all.forPart(c, part, [&](Size place) {
        const Pack<T, N> v = loadPack<N>(x + place);
        T own = 0;
        for (int k = 0; k < N; k++) own += (v.at[k] - (T)mean) * (v.at[k] - (T)mean);
        squares += (double)own;
      });
      squares = blockSum(squares);
      if (threadIdx.x == 0) partial[2 * i] = mean, partial[2 * i + 1] = squares;
    });
  }
  forBlocks(begin, end, 32, [=] DEVICE(Size c) {
    double mean = at(runningMean, c, 0), variance = at(runningVar, c, 1);
    if (training) {
      const double* own = partial + (c - begin) * parts * 2;
      const auto elements = [=](Size part) { return (double)((all.begin(part + 1) - all.begin(part)) * N); };
      double sum = 0, squares = 0;
      for (Size p = threadIdx.x; p < parts; p += 32) sum += own[2 * p] * elements(p);
      mean = (double)(T)(blockSum(sum) / (double)n);
      // Around the part's mean as it was taken off, rounded.
      for (Size p = threadIdx.x; p < parts; p += 32) {
        const double off = (double)(T)own[2 * p], d = off - mean;
        squares += own[2 * p + 1] + 2 * d * elements(p) * (own[2 * p] - off) + elements(p) * d * d;
      }
      variance = blockSum(squares) / (double)n;
    }
    if (threadIdx.x != 0) return;
    stats[c] = (T)mean, stats[channels + c] = (T)(1 / std::sqrt(variance + eps));
    if (!training) return;
    if (runningMean) runningMean[c] = (T)((1 - momentum) * (double)runningMean[c] + momentum * mean);
    const double unbiased = variance * ((double)n / (double)(n - 1));
    if (runningVar) runningVar[c] = (T)((1 - momentum) * (double)runningVar[c] + momentum * unbiased);
  });
  forBlocks(0, (end - begin) * parts, THREADS, [=] DEVICE(Size i) {
    const Size c = begin + i / parts;
    const T mean = stats[c], scale = stats[channels + c] * (weight ? weight[c] : T(1)), shift = bias ? bias[c] : T(0);
    all.forPart(c, i % parts, [&](Size place) {
      Pack<T, N> v = loadPack<N>(x + place);
      for (int k = 0; k < N; k++) v.at[k] = (v.at[k] - mean) * scale + shift;
      storePack<N>(y + place, v);
    });
  });
}
template <class T>
static void batch_norm(T* y, T* stats, T* runningMean, T* runningVar, const T* x, const T* weight, const T* bias, Size batches,
                       Size channels, Size inner, Size training, double momentum, double eps, Size begin, Size end) {
  constexpr int N = PACK<T>;
  if (end <= begin) return;
  const auto run = inner % N == 0 && packed<N>(x) && packed<N>(y) ? batchNorm<N, T> : batchNorm<1, T>;
  run(y, stats, runningMean, runningVar, x, weight, bias, batches, channels, inner, training, momentum, eps, begin, end);
}

template <int N, class T>
static void batchNormGrad(T* dx, T* dWeight, T* dBias, const T* dy, const T* x, const T* stats, const T* weight, Size batches,
                          Size channels, Size inner, Size training, Size begin, Size end) {
  const Channels<N> all(batches, channels, inner, end - begin);
  const Size parts = all.parts, n = batches * inner;
  double* partial = (double*)current.workspace;
  double* sums = partial + (end - begin) * parts * 2;
  forBlocks(0, (end - begin) * parts, THREADS, [=] DEVICE(Size i) {
    const Size c = begin + i / parts;
    const T mean = stats[c];
    double total = 0, product = 0;
    all.forPart(c, i % parts, [&](Size place) {
      const Pack<T, N> g = loadPack<N>(dy + place), v = loadPack<N>(x + place);
      T sum = 0, slope = 0;
      for (int k = 0; k < N; k++) sum += g.at[k], slope += g.at[k] * (v.at[k] - mean);
      total += (double)sum, product += (double)slope;
    });
    total = blockSum(total);
    product = blockSum(product);
    if (threadIdx.x == 0) partial[2 * i] = total, partial[2 * i + 1] = product;
  });
  forBlocks(begin, end, 32, [=] DEVICE(Size c) {
    double total = 0, product = 0;
    for (Size p = (c - begin) * parts + threadIdx.x; p < (c - begin + 1) * parts; p += 32) {
      total += partial[2 * p], product += partial[2 * p + 1];
    }
    total = blockSum(total);
    product = blockSum(product);
    if (threadIdx.x != 0) return;
    dBias[c] = (T)total, dWeight[c] = (T)(product * (double)stats[channels + c]);
    sums[2 * (c - begin)] = total, sums[2 * (c - begin) + 1] = product;
  });
  if (!dx) return;
  forBlocks(0, (end - begin) * parts, THREADS, [=] DEVICE(Size i) {
    const Size c = begin + i / parts;
    const double rstd = (double)stats[channels + c], factor = rstd * at(weight, c, 1), share = training ? factor / (double)n : 0;
    const T mean = stats[c], by = (T)factor, shift = (T)(share * sums[2 * (c - begin)]);
    const T slope = (T)(share * rstd * rstd * sums[2 * (c - begin) + 1]);
    all.forPart(c, i % parts, [&](Size place) {
      const Pack<T, N> g = loadPack<N>(dy + place), v = loadPack<N>(x + place);
      Pack<T, N> d;
      for (int k = 0; k < N; k++) d.at[k] = g.at[k] * by - (v.at[k] - mean) * slope - shift;
      storePack<N>(dx + place, d);
    });
  });
}
// dx (which may be left out), dWeight and dBias.
template <class T>
static void batch_norm_grad(T* dx, T* dWeight, T* dBias, const T* dy, const T* x, const T* stats, const T* weight, Size batches,
                            Size channels, Size inner, Size training, Size begin, Size end) {
  constexpr int N = PACK<T>;
  if (end <= begin) return;
  const auto run = inner % N == 0 && packed<N>(dx) && packed<N>(dy) && packed<N>(x) ? batchNormGrad<N, T> : batchNormGrad<1, T>;
  run(dx, dWeight, dBias, dy, x, stats, weight, batches, channels, inner, training, begin, end);
}

// x is float32 and y narrow.
#define ROW_NORM_MIXED(suffix, T)                                                                                              \
  KERNEL(row_norm_mixed_##suffix, row_norm<float, T>), KERNEL(row_norm_mixed_grad_##suffix, row_norm_grad<float, T>),          \
      KERNEL(row_norm_mixed_grad_affine_##suffix, row_norm_grad_affine<float, T>)

FAMILY(normalize, KERNEL_FLOATS(row_norm, row_norm), KERNEL_FLOATS(row_norm_grad, row_norm_grad),
       KERNEL_FLOATS(row_norm_grad_affine, row_norm_grad_affine), KERNEL_FLOATS(batch_norm, batch_norm),
       KERNEL_FLOATS(batch_norm_grad, batch_norm_grad), KERNEL_NARROW(row_norm, row_norm),
       KERNEL_NARROW(row_norm_grad, row_norm_grad), KERNEL_NARROW(row_norm_grad_affine, row_norm_grad_affine),
       ROW_NORM_MIXED(f16, __half), ROW_NORM_MIXED(bf16, __nv_bfloat16))
