// Factorisations of small matrices, row-major in float64, and what solves with them: a block takes a matrix, whose elements lie in
// the registers of 16 x 16 threads. Thread (r, c) has rows r, r + 16, ... and columns c, c + 16, ..., R of each. What all need of
// a step, a row or a column, goes through shared memory, in turns through two places, so that a barrier is enough.
#pragma once
#include "linalg.cuh"

constexpr int SIDE = 16;
// Rows and columns of the largest.
constexpr int SMALL = 8 * SIDE;

#define SMALL_KERNEL template <int R> __global__ void __launch_bounds__(SIDE * SIDE)

// LAUNCH_SMALL(n, blocks, kernel, ...): with the least R for n rows and columns.
#define LAUNCH_SMALL(bytes, n, blocks, kernel, ...)                                                     \
  do {                                                                                                  \
    if ((n) <= 2 * SIDE) LAUNCH_SHARED(bytes, blocks, SIDE * SIDE, kernel<2>, __VA_ARGS__);             \
    else if ((n) <= 4 * SIDE) LAUNCH_SHARED(bytes, blocks, SIDE * SIDE, kernel<4>, __VA_ARGS__);        \
    else LAUNCH_SHARED(bytes, blocks, SIDE * SIDE, kernel<8>, __VA_ARGS__);                             \
  } while (0)

// The lower factor of matrix blockIdx.x, as `cholesky` in linalg.cu. Until the end the columns are those of the factor times the
// roots of its diagonal's squares.
SMALL_KERNEL smallCholesky(double* y, int32_t* info, const double* x, int n) {
  SHARED(double, columns, [2][SIDE * R]);
  SHARED(double, squares, [SIDE * R]);
  const int r = threadIdx.x / SIDE, c = threadIdx.x % SIDE;
  const Size start = (Size)blockIdx.x * n * n;
  double a[R][R];
#pragma unroll
  for (int u = 0; u < R; u++) {
#pragma unroll
    for (int v = 0; v < R; v++) {
      const int i = r + SIDE * u, j = c + SIDE * v;
      a[u][v] = i < n && j <= i ? x[start + i * n + j] : 0;
    }
  }
  int bad = 0;
#pragma unroll
  for (int w = 0; w < R; w++) {
    for (int k = 0; k < SIDE && SIDE * w + k < n; k++) {
      const int j = SIDE * w + k;
      double* own = columns[k % 2];
      if (c == k) {
#pragma unroll
        for (int u = w; u < R; u++) own[r + SIDE * u] = a[u][w];
      }
      __syncthreads();
      const double square = own[j], inverse = 1 / square;
      if (!(square > 0) && bad == 0) bad = j + 1;
      if (threadIdx.x == 0) squares[j] = square;
      double f[R];
#pragma unroll
      for (int u = w; u < R; u++) f[u] = own[r + SIDE * u] * inverse;
#pragma unroll
      for (int v = w; v < R; v++) {
        if (v == w && c <= k) continue;
        const double g = own[c + SIDE * v];
#pragma unroll
        for (int u = w; u < R; u++) a[u][v] -= f[u] * g;
      }
    }
  }
  if (threadIdx.x == 0) info[blockIdx.x] = bad;
  __syncthreads();
#pragma unroll
  for (int v = 0; v < R; v++) {
    const int j = c + SIDE * v;
    if (j >= n) break;
    const double root = std::sqrt(squares[j]);
#pragma unroll
    for (int u = 0; u < R; u++) {
      const int i = r + SIDE * u;
      if (i < n) y[start + i * n + j] = j < i ? a[u][v] / root : j == i ? root : 0;
    }
  }
}

// The place in [first, n) of the greatest size in a column, found by every warp for itself; of equal ones the first.
// Not-a-number counts only in the first place, where nothing is greater.
inline DEVICE int pivotOf(const double* column, int first, int n) {
  uint64_t most = 0;
  int place = first;
  for (int i = first + (int)threadIdx.x % 32; i < n; i += 32) {
    const double size = std::fabs(column[i]);
    uint64_t key;
    memcpy(&key, &size, 8);
    key = size == size ? key + 1 : i == first ? ~0ull : 0;
    if (key > most) most = key, place = i;
  }
  const unsigned high = (unsigned)(most >> 32), highest = __reduce_max_sync(0xffffffffu, high);
  const unsigned low = high == highest ? (unsigned)most : 0, lowest = __reduce_max_sync(0xffffffffu, low);
  return (int)__reduce_min_sync(0xffffffffu, high == highest && low == lowest ? (unsigned)place : (unsigned)n);
}

// Both factors and the pivots of matrix blockIdx.x, as `lu` in linalg.cu.
SMALL_KERNEL smallLu(double* y, int32_t* pivots, const double* x, int m, int n) {
  SHARED(double, columns, [2][SIDE * R]);
  SHARED(double, upper, [SIDE * R]);
  SHARED(double, lower, [SIDE * R]);
  const int r = threadIdx.x / SIDE, c = threadIdx.x % SIDE, steps = m < n ? m : n;
  const Size start = (Size)blockIdx.x * m * n;
  double a[R][R];
#pragma unroll
  for (int u = 0; u < R; u++) {
#pragma unroll
    for (int v = 0; v < R; v++) {
      const int i = r + SIDE * u, j = c + SIDE * v;
      a[u][v] = i < m && j < n ? x[start + i * n + j] : 0;
    }
  }
#pragma unroll
  for (int w = 0; w < R; w++) {
    for (int k = 0; k < SIDE && SIDE * w + k < steps; k++) {
      const int j = SIDE * w + k;
      double* own = columns[k % 2];
      if (c == k) {
#pragma unroll
        for (int u = w; u < R; u++) own[r + SIDE * u] = a[u][w];
      }
      __syncthreads();
      const int best = pivotOf(own, j, m);
      const double pivot = own[best], inverse = 1 / pivot;
      if (threadIdx.x == 0) pivots[(Size)blockIdx.x * steps + j] = best;
      // The rows that change places: the best becomes U's.
#pragma unroll
      for (int u = w; u < R; u++) {
        const int i = r + SIDE * u;
#pragma unroll
        for (int v = 0; v < R; v++) {
          if (i == best) upper[c + SIDE * v] = a[u][v];
          if (i == j) lower[c + SIDE * v] = a[u][v];
        }
      }
      __syncthreads();
      if (best != j) {
#pragma unroll
        for (int u = w; u < R; u++) {
          const int i = r + SIDE * u;
#pragma unroll
          for (int v = 0; v < R; v++) {
            if (i == best) a[u][v] = lower[c + SIDE * v];
            if (i == j) a[u][v] = upper[c + SIDE * v];
          }
        }
      }
      if (pivot == 0) continue;
#pragma unroll
      for (int u = w; u < R; u++) {
        const int i = r + SIDE * u;
        if (i <= j) continue;
        const double value = own[i == best ? j : i];
        // The inverse of a subnormal pivot may be infinite.
        const double f = std::fabs(pivot) > 1e-300 ? value * inverse : value / pivot;
#pragma unroll
        for (int v = w; v < R; v++) {
          if (v > w || c > k) a[u][v] -= f * upper[c + SIDE * v];
          else if (c == k) a[u][v] = f;
        }
      }
    }
  }
#pragma unroll
  for (int u = 0; u < R; u++) {
#pragma unroll
    for (int v = 0; v < R; v++) {
      const int i = r + SIDE * u, j = c + SIDE * v;
      if (i < m && j < n) y[start + i * n + j] = a[u][v];
    }
  }
}

// ---------------------------------------------------------------- solving

// Columns of b that a block takes: two to a thread.
constexpr int TAKEN = 2 * SIDE;
// Elements from one row of a to the next in shared memory: odd, so that a column's lie in different banks.
inline DEVICE int pitchOf(int n) { return n | 1; }
inline Size solveBytes(Size n) { return n * (n + 1) * (Size)sizeof(double); }

// b = a^-1 b for a triangular a in shared memory: b's rows are those of this thread. Barriers.
template <int R, bool UPPER> static DEVICE void substituteSmall(double (&b)[R][2], const double* a, int n, bool unit) {
  SHARED(double, solved, [2][TAKEN]);
  const int r = threadIdx.x / SIDE, c = threadIdx.x % SIDE, pitch = pitchOf(n);
  __syncthreads();
#pragma unroll
  for (int s = 0; s < R; s++) {
    const int w = UPPER ? R - 1 - s : s;
    for (int q = 0; q < SIDE; q++) {
      const int k = UPPER ? SIDE - 1 - q : q, i = SIDE * w + k;
      if (i >= n) continue;
      double* own = solved[k % 2];
      if (r == k) {
#pragma unroll
        for (int h = 0; h < 2; h++) {
          if (!unit) b[w][h] /= a[i * pitch + i];
          own[c + SIDE * h] = b[w][h];
        }
      }
      __syncthreads();
#pragma unroll
      for (int u = UPPER ? 0 : w; u < (UPPER ? w + 1 : R); u++) {
        const int row = r + SIDE * u;
        if (UPPER ? row >= i : row <= i || row >= n) continue;
        const double f = a[row * pitch + i];
#pragma unroll
        for (int h = 0; h < 2; h++) b[u][h] -= f * own[c + SIDE * h];
      }
    }
  }
}

// b = a^-1 b for columns of b [.., n, k]; block x takes matrix x / groups. With pivots, a are the factors of `lu`; without, a is
// triangular.
SMALL_KERNEL smallSolve(double* b, const double* a, const int32_t* pivots, int n, Size k, unsigned groups, bool upper, bool unit) {
  DYNAMIC_SHARED(double, near);
  SHARED(int, order, [SIDE * R]);
  const int r = threadIdx.x / SIDE, c = threadIdx.x % SIDE;
  const Size t = blockIdx.x / groups, first = (blockIdx.x - t * groups) * TAKEN;
  for (int e = threadIdx.x; e < n * n; e += SIDE * SIDE) near[e / n * pitchOf(n) + e % n] = a[t * n * n + e];
  if (pivots && threadIdx.x == 0) {
    for (int i = 0; i < n; i++) order[i] = i;
    for (int i = 0; i < n; i++) {
      const int other = pivots[t * n + i], own = order[i];
      order[i] = order[other], order[other] = own;
    }
  }
  __syncthreads();
  double* columns = b + t * n * k + first;
  double values[R][2];
#pragma unroll
  for (int u = 0; u < R; u++) {
    const int i = r + SIDE * u;
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int column = c + SIDE * h;
      values[u][h] = i < n && first + column < k ? columns[(pivots ? order[i] : i) * k + column] : 0;
    }
  }
  if (pivots || !upper) substituteSmall<R, false>(values, near, n, pivots || unit);
  if (pivots || upper) substituteSmall<R, true>(values, near, n, !pivots && unit);
#pragma unroll
  for (int u = 0; u < R; u++) {
    const int i = r + SIDE * u;
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int column = c + SIDE * h;
      if (i < n && first + column < k) columns[i * k + column] = values[u][h];
    }
  }
}
