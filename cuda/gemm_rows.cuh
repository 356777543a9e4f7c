// Products of a few rows with a large matrix: c[i, j] = sum over p of a[i, p] b[p, j], at most MOST_ROWS rows of c, where
// reading b is all the work. b is read once, 16 bytes at a time and thread, and widened; a and c may be of other types.
//
// Where b is contiguous along p, a warp does a column of c; where it is contiguous along j, a block does a few neighbouring
// columns, its threads going through different p, and the p may be divided among several blocks, whose sums a second pass adds.
#pragma once
#include "gemm.cuh"
#include "narrow.cuh"

constexpr Size MOST_ROWS = 8;

inline DEVICE float widen(int8_t x) { return (float)x; }

// Strides are in elements; a matrix begins aBatch, bBatch elements after the one before.
template <class A, class B> struct FewRows {
  const A* a;
  const B* b;
  Size batches, m, n, k, aRow, aColumn, bRow, bColumn, aBatch, bBatch;
};

// Elements of 16 bytes, widened.
template <class B> DEVICE void load16(float (&x)[16 / sizeof(B)], const B* from) {
  const uint4 bytes = *(const uint4*)from;
  B v[16 / sizeof(B)];
  memcpy(v, &bytes, 16);
#pragma unroll
  for (int e = 0; e < (int)(16 / sizeof(B)); e++) x[e] = (float)widen(v[e]);
}
// N elements, so many bytes that they are a multiple of 16, in vectors where they are aligned.
template <int N, class A> DEVICE void loadRow(float (&x)[N], const A* from, Size step, bool aligned) {
  constexpr int V = 16 / sizeof(A);
  static_assert(N % V == 0, "whole vectors");
#pragma unroll
  for (int v = 0; v < N; v += V) {
    if (aligned) {
      load16(*(float(*)[V])(x + v), from + v);
    } else {
#pragma unroll
      for (int e = v; e < v + V; e++) x[e] = (float)widen(from[e * step]);
    }
  }
}

inline DEVICE float warpTotal(float x) {
  for (int d = 16; d > 0; d >>= 1) x += __shfl_xor_sync(0xffffffffu, x, d);
  return x;
}

// A warp does a column. M rows at least m.
template <int M, class A, class B, class C> __global__ void __launch_bounds__(256) rowsAlongKernel(FewRows<A, B> x, C store) {
  constexpr int V = 16 / sizeof(B), AHEAD = 4;
  const int lane = threadIdx.x % 32;
  const Size j = (Size)blockIdx.x * 8 + threadIdx.x / 32;
  if (j >= x.n) return;
  const bool aligned = x.aColumn == 1 && ((uintptr_t)x.a | x.aRow * sizeof(A) | x.aBatch * sizeof(A)) % 16 == 0;
  for (Size t = blockIdx.y; t < x.batches; t += gridDim.y) {
    const A* const a = x.a + t * x.aBatch;
    const B* const b = x.b + t * x.bBatch + j * x.bColumn;
    float sum[M] = {};
    const auto add = [&](const float (&w)[V], Size p) {
#pragma unroll
      for (int i = 0; i < M; i++) {
        if (i >= x.m) break;
        float y[V];
        loadRow(y, a + i * x.aRow + p * x.aColumn, x.aColumn, aligned);
#pragma unroll
        for (int e = 0; e < V; e++) sum[i] += w[e] * y[e];
      }
    };
    Size p = lane * V;
    for (; p + (AHEAD - 1) * 32 * V + V <= x.k; p += AHEAD * 32 * V) {
      float w[AHEAD][V];
#pragma unroll
      for (int u = 0; u < AHEAD; u++) load16(w[u], b + p + u * 32 * V);
#pragma unroll
      for (int u = 0; u < AHEAD; u++) add(w[u], p + u * 32 * V);
    }
    for (; p + V <= x.k; p += 32 * V) {
      float w[V];
      load16(w, b + p);
      add(w, p);
    }
    for (p = x.k / V * V + lane; p < x.k; p += 32) {
      for (int i = 0; i < M && i < x.m; i++) sum[i] += (float)widen(b[p]) * (float)widen(a[i * x.aRow + p * x.aColumn]);
    }
#pragma unroll
    for (int i = 0; i < M; i++) {
      const float total = warpTotal(sum[i]);
      if (lane == 0 && i < x.m) store(t, i, j, total);
    }
  }
}

// A block does 8 threads' columns, of 16 bytes each; 32 rows of b at a time.
template <int M, class A, class B, class C>
__global__ void __launch_bounds__(256) rowsAcrossKernel(FewRows<A, B> x, Size depth, float* parts, C store) {
  constexpr int V = 16 / sizeof(B), WIDE = 8 * V, AHEAD = 4;
  SHARED(float, part, [32][WIDE + 1]);
  const int lane = threadIdx.x % 8, row = threadIdx.x / 8;
  const Size j0 = (Size)blockIdx.x * WIDE, j = j0 + lane * V;
  const Size begin = blockIdx.y * depth, end = begin + depth < x.k ? begin + depth : x.k;
  for (Size t = blockIdx.z; t < x.batches; t += gridDim.z) {
    const A* const a = x.a + t * x.aBatch;
    const B* const b = x.b + t * x.bBatch + j;
    float sum[M][V] = {};
    const auto add = [&](const float (&w)[V], Size p) {
#pragma unroll
      for (int i = 0; i < M; i++) {
        if (i >= x.m) break;
        const float y = (float)widen(a[i * x.aRow + p * x.aColumn]);
#pragma unroll
        for (int e = 0; e < V; e++) sum[i][e] += y * w[e];
      }
    };
    if (j + V <= x.n) {
      Size p = begin + row;
      for (; p + (AHEAD - 1) * 32 < end; p += AHEAD * 32) {
        float w[AHEAD][V];
#pragma unroll
        for (int u = 0; u < AHEAD; u++) load16(w[u], b + (p + u * 32) * x.bRow);
#pragma unroll
        for (int u = 0; u < AHEAD; u++) add(w[u], p + u * 32);
      }
      for (; p < end; p += 32) {
        float w[V];
        load16(w, b + p * x.bRow);
        add(w, p);
      }
    } else {
      for (Size p = begin + row; p < end; p += 32) {
        float w[V];
        for (int e = 0; e < V; e++) w[e] = j + e < x.n ? (float)widen(b[p * x.bRow + e]) : 0;
        add(w, p);
      }
    }
#pragma unroll
    for (int i = 0; i < M; i++) {
      if (i >= x.m) break;
      __syncthreads();  // the last row's parts may still be read
      for (int e = 0; e < V; e++) part[row][lane * V + e] = sum[i][e];
      __syncthreads();
      for (int c = threadIdx.x; c < WIDE; c += 256) {
        if (j0 + c >= x.n) break;
        float total = 0;
        for (int r = 0; r < 32; r++) total += part[r][c];
        if (parts) {
          parts[((blockIdx.y * x.batches + t) * x.m + i) * x.n + j0 + c] = total;
        } else {
          store(t, i, j0 + c, total);
        }
      }
    }
  }
}

// Launches a product, or returns false when it is not made for it. store(t, i, j, sum) puts a result away.
template <class A, class B, class C> bool fewRows(const FewRows<A, B>& x, C store) {
  constexpr Size V = 16 / sizeof(B);
  if (x.m > MOST_ROWS || x.n < 1 || x.k < 1 || ((uintptr_t)x.b & 15) || x.bBatch % V) return false;
  const unsigned batches = (unsigned)(x.batches < 65535 ? x.batches : 65535);
  if (x.bRow == 1 && x.bColumn % V == 0) {
    const unsigned blocks = (unsigned)((x.n + 7) / 8);
    const auto kernel = x.m == 1   ? rowsAlongKernel<1, A, B, C>
                        : x.m == 2 ? rowsAlongKernel<2, A, B, C>
                        : x.m <= 4 ? rowsAlongKernel<4, A, B, C>
                                   : rowsAlongKernel<8, A, B, C>;
    LAUNCH(dim3(blocks, batches), 256, kernel, x, store);
    return true;
  }
  if (x.bColumn != 1 || x.bRow % V) return false;
  const unsigned blocks = (unsigned)((x.n + 8 * V - 1) / (8 * V));
  // Several blocks for each SM, as long as each has some hundred rows of b.
  Size splits = 4 * processors() / ((Size)blocks * x.batches);
  const Size most = x.k / 256, room = WORKSPACE / 4 / (x.batches * x.m * x.n);
  splits = splits < most ? splits : most, splits = splits < room ? splits : room, splits = splits < 64 ? splits : 64;
  const Size depth = splits > 1 ? (x.k + splits - 1) / splits : x.k;
  splits = (x.k + depth - 1) / depth;
  float* const parts = splits > 1 ? (float*)current.workspace : nullptr;
  const auto kernel = x.m == 1   ? rowsAcrossKernel<1, A, B, C>
                      : x.m == 2 ? rowsAcrossKernel<2, A, B, C>
                      : x.m <= 4 ? rowsAcrossKernel<4, A, B, C>
                                 : rowsAcrossKernel<8, A, B, C>;
  LAUNCH(dim3(blocks, (unsigned)splits, batches), 256, kernel, x, depth, parts, store);
  if (parts) {
    const Size results = x.batches * x.m * x.n, m = x.m, n = x.n;
    forEach(0, results, [=] DEVICE(Size i) {
      float total = parts[i];
      for (Size s = 1; s < splits; s++) total += parts[s * results + i];
      const Size row = i / n;
      store(row / m, row % m, i - row * n, total);
    });
  }
  return true;
}
