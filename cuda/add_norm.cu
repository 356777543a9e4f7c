// A sum and its norm by rows, in one pass: s = x + z, and of its rows y = (s - mean) * rstd * weight + bias, as layer norms
// between residual blocks are. x and s are float32, z and y narrow; sums of a row, of at most 1024 elements and a multiple of
// 4, are float32. Backward, with the gradients ds (which may be left out) and dy of both results:
//
//     dx = ds + rstd * (g - sum g / n - h * sum (g * h) / n)     g = dy * weight, h = (s - mean) * rstd     dz = dx, narrow
//     dWeight = sum over rows of dy * h                          dBias = sum over rows of dy
//
// A warp does a row, with its elements in registers: lane l has 4 from 4 l on in each stretch of 128. Going back, a block
// does every BLOCKS-th group of rows, so that the order of sums over rows follows from the sizes alone.
#include "sums.cuh"

constexpr int WARPS = THREADS / 32;
constexpr Size GRAD_BLOCKS = 256;
constexpr Size LONGEST_ROW = 1024;

template <class T, int J>
__global__ void __launch_bounds__(THREADS) addNormKernel(float* s, T* y, float* stats, const float* x, const T* z, const float* weight,
                                                         const float* bias, Size rows, int n, float eps) {
  const Size row = (Size)blockIdx.x * WARPS + threadIdx.y, start = row * n;
  if (row >= rows) return;
  Pack<float, 4> r[J];
  Pack<T, 4> b[J];
#pragma unroll
  for (int j = 0; j < J; j++) {
    const int c = (j * 32 + (int)threadIdx.x) * 4;
    r[j] = {0, 0, 0, 0};
    if (c < n) r[j] = loadPack<4>(x + start + c), b[j] = loadPack<4>(z + start + c);
  }
  float total = 0;
#pragma unroll
  for (int j = 0; j < J; j++) {
    const int c = (j * 32 + (int)threadIdx.x) * 4;
    if (c >= n) break;
#pragma unroll
    for (int k = 0; k < 4; k++) r[j].at[k] += widen(b[j].at[k]);
    storePack<4>(s + start + c, r[j]);
    total += (r[j].at[0] + r[j].at[1]) + (r[j].at[2] + r[j].at[3]);
  }
  const float mean = blockSum(total) / n;
  float squares = 0;
#pragma unroll
  for (int j = 0; j < J; j++) {
    if ((j * 32 + (int)threadIdx.x) * 4 < n) {
#pragma unroll
      for (int k = 0; k < 4; k++) squares += (r[j].at[k] - mean) * (r[j].at[k] - mean);
    }
  }
  const float rstd = 1 / std::sqrt(blockSum(squares) / n + eps);
  if (threadIdx.x == 0) stats[row] = mean, stats[rows + row] = rstd;
#pragma unroll
  for (int j = 0; j < J; j++) {
    const int c = (j * 32 + (int)threadIdx.x) * 4;
    if (c >= n) break;
    Pack<float, 4> w{1, 1, 1, 1}, b{0, 0, 0, 0};
    if (weight) w = loadPack<4>(weight + c);
    if (bias) b = loadPack<4>(bias + c);
    Pack<T, 4> result;
#pragma unroll
    for (int k = 0; k < 4; k++) result.at[k] = narrow<T>((r[j].at[k] - mean) * rstd * w.at[k] + b.at[k]);
    storePack<4>(y + start + c, result);
  }
}

// partial: [gridDim.x, 2, n], each block's share of dWeight and dBias.
template <class T, int J>
__global__ void __launch_bounds__(THREADS, J > 6 ? 1 : 2)
    addNormGradKernel(float* dx, T* dz, float* partial, const float* ds, const T* dy, const float* s, const float* stats,
                      const float* weight, Size rows, int n) {
  SHARED(float, sums, [2][LONGEST_ROW]);
  float dw[J][4] = {}, db[J][4] = {};
  const auto at = [](int j) { return (j * 32 + (int)threadIdx.x) * 4; };
  for (Size row = (Size)blockIdx.x * WARPS + threadIdx.y; row < rows; row += (Size)gridDim.x * WARPS) {
    const Size start = row * n;
    const float mean = stats[row], rstd = stats[rows + row];
    // All of a row is on its way before the first of it is used.
    Pack<float, 4> v[J];
    Pack<T, 4> d[J];
#pragma unroll
    for (int j = 0; j < J; j++) {
      if (at(j) < n) v[j] = loadPack<4>(s + start + at(j)), d[j] = loadPack<4>(dy + start + at(j));
    }
    // The j-th four of g and h.
    const auto terms = [&](int j, float(&g)[4], float(&h)[4]) {
      Pack<float, 4> w{1, 1, 1, 1};
      if (weight) w = loadPack<4>(weight + at(j));
#pragma unroll
      for (int k = 0; k < 4; k++) g[k] = widen(d[j].at[k]) * w.at[k], h[k] = (v[j].at[k] - mean) * rstd;
    };
    float total = 0, product = 0;
#pragma unroll
    for (int j = 0; j < J; j++) {
      if (at(j) >= n) break;
      float g[4], h[4];
      terms(j, g, h);
#pragma unroll
      for (int k = 0; k < 4; k++) {
        total += g[k], product += g[k] * h[k];
        dw[j][k] += widen(d[j].at[k]) * h[k], db[j][k] += widen(d[j].at[k]);
      }
    }
    total = blockSum(total) / n;
    product = blockSum(product) / n;
    constexpr int H = J / 2;
#pragma unroll
    for (int half = 0; half < J; half += H) {
      Pack<float, 4> e[H];
#pragma unroll
      for (int j = 0; j < H; j++) {
        e[j] = {0, 0, 0, 0};
        if (ds && at(half + j) < n) e[j] = loadPack<4>(ds + start + at(half + j));
      }
#pragma unroll
      for (int j = 0; j < H; j++) {
        const int c = at(half + j);
        if (c >= n) break;
        float g[4], h[4];
        terms(half + j, g, h);
        Pack<T, 4> result;
#pragma unroll
        for (int k = 0; k < 4; k++) e[j].at[k] += rstd * (g[k] - total - h[k] * product), result.at[k] = narrow<T>(e[j].at[k]);
        storePack<4>(dx + start + c, e[j]);
        storePack<4>(dz + start + c, result);
      }
    }
  }
  for (int w = 0; w < WARPS; w++) {
    if ((int)threadIdx.y == w) {
#pragma unroll
      for (int j = 0; j < J; j++) {
        const int c = (j * 32 + (int)threadIdx.x) * 4;
        if (c >= n) break;
#pragma unroll
        for (int k = 0; k < 4; k++) {
          sums[0][c + k] = w ? sums[0][c + k] + dw[j][k] : dw[j][k];
          sums[1][c + k] = w ? sums[1][c + k] + db[j][k] : db[j][k];
        }
      }
    }
    __syncthreads();
  }
  for (int i = threadIdx.y * 32 + threadIdx.x; i < 2 * n; i += THREADS) {
    partial[(Size)blockIdx.x * 2 * n + i] = i < n ? sums[0][i] : sums[1][i - n];
  }
}

// run(std::integral_constant<int, J>()) for as many stretches of 128 elements as a row has.
template <class F> static void stretches(Size n, F run) {
  if (n <= 256) run(std::integral_constant<int, 2>());
  else if (n <= 512) run(std::integral_constant<int, 4>());
  else if (n <= 768) run(std::integral_constant<int, 6>());
  else run(std::integral_constant<int, 8>());
}

template <class T>
static void add_norm(float* s, T* y, float* stats, const float* x, const T* z, const float* weight, const float* bias, Size rows, Size n,
                     double eps) {
  if (rows <= 0) return;
  stretches(n, [=](auto j) {
    LAUNCH((unsigned)((rows + WARPS - 1) / WARPS), dim3(32, WARPS), (addNormKernel<T, decltype(j)::value>), s, y, stats, x, z, weight, bias,
           rows, (int)n, (float)eps);
  });
}

template <class T>
static void add_norm_grad(float* dx, T* dz, float* dWeight, float* dBias, const float* ds, const T* dy, const float* s, const float* stats,
                          const float* weight, Size rows, Size n) {
  if (rows <= 0) return;
  float* partial = (float*)current.workspace;
  const Size groups = (rows + WARPS - 1) / WARPS, blocks = groups < GRAD_BLOCKS ? groups : GRAD_BLOCKS;
  stretches(n, [=](auto j) {
    LAUNCH((unsigned)blocks, dim3(32, WARPS), (addNormGradKernel<T, decltype(j)::value>), dx, dz, partial, ds, dy, s, stats, weight, rows,
           (int)n);
  });
  if (!dWeight) return;
  forBlocks(0, 2 * n, 32, [=] DEVICE(Size c) {
    double sum = 0;
    for (Size b = threadIdx.x; b < blocks; b += 32) sum += (double)partial[b * 2 * n + c];
    sum = blockSum(sum);
    if (threadIdx.x == 0) (c < n ? dWeight[c] : dBias[c - n]) = (float)sum;
  });
}

FAMILY(add_norm, KERNEL_NARROW(add_norm, add_norm), KERNEL_NARROW(add_norm_grad, add_norm_grad))
