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

// The weights of the elements of a row, whose channels begin at `first`: as many neighbours to each as `inner`.
template <class S, class T> static DEVICE void loadAffine(S span, float (&r)[S::E], const T* p, Size first, int inner, int base, float otherwise) {
  if (p && inner == 1) return span.load(r, p + first, base, otherwise);
#pragma unroll
  for (int j = 0; j < S::E; j++) {
    const int k = base + S::place(j);
    r[j] = p && k < span.n ? (float)p[first + (unsigned)k / (unsigned)inner] : otherwise;
  }
}

template <class X, class Y, class A> struct NormRow {
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
    const S span{n};
    const X* from = x + row * n;
    const Size first = row % groups * channels;
    float r[E], w[E], b[E];
    if (WHOLE) span.load(r, from, 0, 0);
    RowSum<WHOLE> total = 0;
    for (int base = 0; base < (WHOLE ? 1 : n) && centred; base += S::CHUNK) {
      if (!WHOLE) span.load(r, from, base, 0);
      total += sumOver<E>([&](int j) { return r[j]; });
    }
    const float mean = centred ? (float)(rowSum(total) / n) : 0;
    RowSum<WHOLE> squares = 0;
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      if (!WHOLE) span.load(r, from, base, 0);
      squares += sumOver<E>([&](int j) {
        const float d = base + S::place(j) < n ? r[j] - mean : 0;
        return d * d;
      });
    }
    const float rstd = (float)(1 / std::sqrt(rowSum(squares) / n + eps));
    if (threadIdx.x == 0) stats[row] = (A)mean, stats[rows + row] = (A)rstd;
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      if (!WHOLE) span.load(r, from, base, 0);
      loadAffine(span, w, weight, first, inner, base, 1);
      loadAffine(span, b, bias, first, inner, base, 0);
#pragma unroll
      for (int j = 0; j < E; j++) r[j] = (r[j] - mean) * rstd * w[j] + b[j];
      span.store(y + row * n, base, r);
    }
  }
};

template <class X, class Y, class A> struct NormGradRow {
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
    const S span{n};
    const Size start = row * n, first = row % groups * channels;
    const float mean = (float)stats[row], rstd = (float)stats[rows + row];
    float g[E], d[E], w[E];
    const auto read = [&](int base) {
      span.load(g, dy + start, base, 0);
      span.load(d, x + start, base, 0);
      loadAffine(span, w, weight, first, inner, base, 1);
#pragma unroll
      for (int j = 0; j < E; j++) g[j] *= w[j], d[j] -= mean;
    };
    RowSum<WHOLE> total = 0, product = 0;
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      read(base);
      total += sumOver<E>([&](int j) { return g[j]; });
      product += sumOver<E>([&](int j) { return g[j] * d[j]; });
    }
    total = rowSum(total);
    product = rowSum(product);
    const float shift = centred ? (float)(total / n) : 0, slope = (float)(rstd * rstd * product / n);
    for (int base = 0; base < (WHOLE ? 1 : n); base += S::CHUNK) {
      if (!WHOLE) read(base);
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

template <class T>
static void batch_norm(T* y, T* stats, T* runningMean, T* runningVar, const T* x, const T* weight, const T* bias, Size batches,
                       Size channels, Size inner, Size training, double momentum, double eps, Size begin, Size end) {
  const Size n = batches * inner;
  forBlocks(begin, end, threadsFor(n), [=] DEVICE(Size c) {
    const auto place = [=](Size k) { return (k / inner * channels + c) * inner + k % inner; };
    T mean;
    double rstd;
    if (training) {
      double sum = 0, squares = 0;
      for (Size k = threadIdx.x; k < n; k += blockDim.x) sum += (double)x[place(k)];
      mean = (T)(blockSum(sum) / (double)n);
      for (Size k = threadIdx.x; k < n; k += blockDim.x) {
        const double d = (double)(x[place(k)] - mean);
        squares += d * d;
      }
      const double variance = blockSum(squares) / (double)n;
      rstd = 1 / std::sqrt(variance + eps);
      if (threadIdx.x == 0) {
        if (runningMean) runningMean[c] = (T)((1 - momentum) * (double)runningMean[c] + momentum * (double)mean);
        const double unbiased = variance * ((double)n / (double)(n - 1));
        if (runningVar) runningVar[c] = (T)((1 - momentum) * (double)runningVar[c] + momentum * unbiased);
      }
    } else {
      mean = (T)at(runningMean, c, 0);
      rstd = 1 / std::sqrt(at(runningVar, c, 1) + eps);
    }
    if (threadIdx.x == 0) stats[c] = mean, stats[channels + c] = (T)rstd;
    const double scale = rstd * at(weight, c, 1), shift = at(bias, c, 0);
    for (Size k = threadIdx.x; k < n; k += blockDim.x) y[place(k)] = (T)((double)(x[place(k)] - mean) * scale + shift);
  });
}

// dx (which may be left out), dWeight and dBias.
template <class T>
static void batch_norm_grad(T* dx, T* dWeight, T* dBias, const T* dy, const T* x, const T* stats, const T* weight, Size batches,
                            Size channels, Size inner, Size training, Size begin, Size end) {
  const Size n = batches * inner;
  forBlocks(begin, end, threadsFor(n), [=] DEVICE(Size c) {
    const auto place = [=](Size k) { return (k / inner * channels + c) * inner + k % inner; };
    const double mean = (double)stats[c], rstd = (double)stats[channels + c];
    double total = 0, product = 0;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const double g = (double)dy[place(k)];
      total += g;
      product += g * ((double)x[place(k)] - mean);
    }
    total = blockSum(total);
    product = blockSum(product);
    if (threadIdx.x == 0) dBias[c] = (T)total, dWeight[c] = (T)(product * rstd);
    if (!dx) return;
    const double factor = rstd * at(weight, c, 1), share = training ? factor / (double)n : 0;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const Size p = place(k);
      dx[p] = (T)((double)dy[p] * factor - ((double)x[p] - mean) * (share * rstd * rstd * product) - share * total);
    }
  });
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
