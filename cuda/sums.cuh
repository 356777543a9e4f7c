// Sums that read memory as fast as it goes: of neighbours, and of columns. What float32 adds to each other are a few terms;
// those sums are added in float64. The order follows from the sizes alone, so equal calls give equal bits.
#pragma once
#include "vector.cuh"

// Blocks that keep a GPU busy once.
constexpr Size WAVE = 1024;

// The sum of term(x[k]) for k of [0, n) by a group of threads (Together, in common.cuh); `packs`: x lies on 16 bytes.
template <class A, class S, class G, class T, class F> DEVICE S sumOf(G g, const T* x, Size n, bool packs, F term) {
  constexpr int N = PACK<T>;
  S sum = 0;
  Size done = 0;
  if (packs) {
    done = n / N * N;
#pragma unroll 4
    for (Size k = (Size)g.first() * N; k < done; k += (Size)g.step() * N) {
      const Pack<T, N> values = loadPack<N>(x + k);
      A part = term((A)values.at[0]);
#pragma unroll
      for (int i = 1; i < N; i++) part += term((A)values.at[i]);
      sum += (S)part;
    }
  }
  for (Size k = done + g.first(); k < n; k += g.step()) sum += (S)term((A)x[k]);
  return g.reduce(sum, S(0), Plus());
}

// ---------------------------------------------------------------- columns

constexpr int STRIPES = THREADS / 32;
// Rows whose terms a thread adds before they join its sum.
constexpr int ROWS = 4;

// A warp goes along N columns for each of its lanes, the warps of a block side by side down a part of the rows.
template <class A, int N, int M, class F, class G>
__global__ void __launch_bounds__(THREADS) columnsKernel(Size outer, Size n, Size inner, F terms, G store) {
  using S = SumOf<A>;
  SHARED(S, sums, [STRIPES][M][32 * N]);
  const int lane = threadIdx.x % 32, stripe = threadIdx.x / 32;
  const Size c = ((Size)blockIdx.x * 32 + lane) * N, parts = gridDim.y, part = blockIdx.y;
  const Size from = n * part / parts, to = n * (part + 1) / parts;
  for (Size o = blockIdx.z; o < outer; o += gridDim.z) {
    S total[M][N] = {};
    const auto add = [&](const A(&t)[M][N]) {
#pragma unroll
      for (int i = 0; i < M * N; i++) total[i / N][i % N] += (S)t[i / N][i % N];
    };
    if (c < inner) {
      Size k = from + stripe;
      for (; k + (ROWS - 1) * STRIPES < to; k += ROWS * STRIPES) {
        A t[M][N] = {};
#pragma unroll
        for (int r = 0; r < ROWS; r++) terms(o, k + r * STRIPES, c, t);
        add(t);
      }
      for (; k < to; k += STRIPES) {
        A t[M][N] = {};
        terms(o, k, c, t);
        add(t);
      }
    }
#pragma unroll
    for (int i = 0; i < M * N; i++) sums[stripe][i / N][lane * N + i % N] = total[i / N][i % N];
    __syncthreads();
    const Size column = (Size)blockIdx.x * 32 * N + threadIdx.x;
    if (threadIdx.x < 32 * N && column < inner) {
      S result[M] = {};
      for (int s = 0; s < STRIPES; s++) {
        for (int m = 0; m < M; m++) result[m] += sums[s][m][threadIdx.x];
      }
      store(o, part, column, result);
    }
    __syncthreads();
  }
}

// M sums for each column of [outer, n, inner]: `terms(o, k, c, t)` adds to t[m][i] the terms of row k and column c + i, for N
// neighbouring columns (inner is a multiple of N); `finish(o, c, s)` takes the sums s[m] of column c.
template <class A, int N, int M, class F, class G> void columnSums(Size outer, Size n, Size inner, F terms, G finish) {
  using S = SumOf<A>;
  const Size across = (inner + 32 * N - 1) / (32 * N), layers = outer < 65535 ? outer : 65535;
  Size parts = WAVE / (across * layers);
  const Size most = WORKSPACE / (outer * inner * M * (Size)sizeof(S)), longest = n / (4 * STRIPES);
  parts = parts < most ? parts : most;
  parts = parts < longest ? parts : longest;
  const auto direct = [=] DEVICE(Size o, Size, Size c, const S* s) { finish(o, c, s); };
  if (parts <= 1) {
    LAUNCH(dim3((unsigned)across, 1, (unsigned)layers), THREADS, (columnsKernel<A, N, M, F, decltype(direct)>), outer, n, inner, terms, direct);
    return;
  }
  S* partial = (S*)current.workspace;
  const auto keep = [=] DEVICE(Size o, Size part, Size c, const S* s) {
    for (int m = 0; m < M; m++) partial[((o * parts + part) * M + m) * inner + c] = s[m];
  };
  const dim3 grid((unsigned)across, (unsigned)parts, (unsigned)layers);
  LAUNCH(grid, THREADS, (columnsKernel<A, N, M, F, decltype(keep)>), outer, n, inner, terms, keep);
  forEach(0, outer * inner, [=] DEVICE(Size i) {
    const Size o = i / inner, c = i - o * inner;
    S sum[M] = {};
    for (Size part = 0; part < parts; part++) {
      for (int m = 0; m < M; m++) sum[m] += partial[((o * parts + part) * M + m) * inner + c];
    }
    finish(o, c, sum);
  });
}
