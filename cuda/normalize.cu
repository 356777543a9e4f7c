// Normalisation of rows and of channels: y = (x - mean) * rstd * weight + bias with rstd = 1 / sqrt(variance + eps), and its
// gradients
//
//     dx = rstd * (g - sum g / n - xhat * sum (g * xhat) / n)     g = dy * weight, xhat = (x - mean) * rstd
//     dWeight = sum dy * xhat                                    dBias = sum dy
//
// Rows: x is [rows, channels, inner]; the channels of row r are weight[(r % groups) * channels ...]. Not `centred`, the mean
// counts as zero. Channels: x is [batches, channels, inner]. `stats` holds all means, then all rstd. weight, bias and the
// running statistics may be left out. Sums are kept in float64; a block does a row, or a channel.
#include "common.cuh"

template <class T> static DEVICE double at(const T* p, Size i, double otherwise) { return p ? (double)p[i] : otherwise; }
static int threadsFor(Size n) { return n <= 512 ? 32 : THREADS; }

template <class T>
static void row_norm(T* y, T* stats, const T* x, const T* weight, const T* bias, Size rows, Size groups, Size channels, Size inner,
                     Size centred, double eps, Size begin, Size end) {
  const Size n = channels * inner;
  forBlocks(begin, end, threadsFor(n), [=] DEVICE(Size r) {
    const T* from = x + r * n;
    double sum = 0;
    if (centred) {
      for (Size k = threadIdx.x; k < n; k += blockDim.x) sum += (double)from[k];
      sum = blockSum(sum);
    }
    const T mean = (T)(sum / (double)n);
    double squares = 0;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const double d = (double)(from[k] - mean);
      squares += d * d;
    }
    const double rstd = 1 / std::sqrt(blockSum(squares) / (double)n + eps);
    if (threadIdx.x == 0) stats[r] = mean, stats[rows + r] = (T)rstd;
    for (Size k = threadIdx.x; k < n; k += blockDim.x) {
      const Size c = r % groups * channels + k / inner;
      y[r * n + k] = (T)((double)(from[k] - mean) * rstd * at(weight, c, 1) + at(bias, c, 0));
    }
  });
}

template <class T>
static void row_norm_grad(T* dx, const T* dy, const T* x, const T* stats, const T* weight, Size rows, Size groups, Size channels,
                          Size inner, Size centred, Size begin, Size end) {
  const Size n = channels * inner;
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
      dx[start + k] = (T)(rstd * (g - shift - ((double)x[start + k] - mean) * slope));
    }
  });
}

// dWeight and dBias of the channels [begin, end) of groups * channels.
template <class T>
static void row_norm_grad_affine(T* dWeight, T* dBias, const T* dy, const T* x, const T* stats, Size rows, Size groups, Size channels,
                                 Size inner, Size begin, Size end) {
  const Size batches = rows / groups, columns = groups * channels, n = batches * inner;
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
    if (threadIdx.x == 0) dBias[c] = (T)bias, dWeight[c] = (T)weight;
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

FAMILY(normalize, KERNEL_FLOATS(row_norm, row_norm), KERNEL_FLOATS(row_norm_grad, row_norm_grad),
       KERNEL_FLOATS(row_norm_grad_affine, row_norm_grad_affine), KERNEL_FLOATS(batch_norm, batch_norm),
       KERNEL_FLOATS(batch_norm_grad, batch_norm_grad))
