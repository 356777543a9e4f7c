// Triangular factors of matrices, row-major in float64, and what solves with them. Ranges count matrices of a batch.
//
// Small matrices have a block each (linalg_small.cuh). The factorisation of a large one goes through panels of 32 columns: a block
// per matrix factors the panel, and all blocks there are take its products off what is right of it.
#include "linalg_small.cuh"

constexpr Size PANEL = 32;
constexpr int TILE = 64;

// c -= a b for matrices [begin, end): c [m, n] with rows `row` apart, a [m, k], b [k, n], k <= PANEL. Where `lower` is set,
// only tiles that touch the lower triangle. Matrices lie `step` apart. The products are taken off in order.
static void subtractProduct(double* c, const double* a, const double* b, Size m, Size n, Size k, Size row, Size bRow, Size bColumn,
                            Size step, bool lower, Size begin, Size end) {
  if (m <= 0 || n <= 0) return;
  const Size down = (m + TILE - 1) / TILE, across = (n + TILE - 1) / TILE;
  forBlocks(begin * down * across, end * down * across, 256, [=] DEVICE(Size block) {
    SHARED(double, left, [TILE][PANEL + 1]);
    SHARED(double, right, [PANEL][TILE]);
    const Size t = block / (down * across), i0 = block / across % down * TILE, j0 = block % across * TILE, at = t * step;
    if (lower && i0 < j0) return;
    __syncthreads();  // the last tile's factors may still be read
    for (int e = threadIdx.x; e < TILE * PANEL; e += blockDim.x) {
      const Size i = e / PANEL, q = e % PANEL;
      left[i][q] = i0 + i < m && q < k ? a[at + (i0 + i) * row + q] : 0;
      // The faster index is the one along which b is contiguous.
      const Size p = bColumn == 1 ? e / TILE : e % PANEL, j = bColumn == 1 ? e % TILE : e / PANEL;
      right[p][j] = j0 + j < n && p < k ? b[at + p * bRow + (j0 + j) * bColumn] : 0;
    }
    __syncthreads();
    const int ti = threadIdx.x / 16, tj = threadIdx.x % 16;
    double sums[4][4];
    for (int u = 0; u < 4; u++) {
      for (int v = 0; v < 4; v++) {
        const Size i = i0 + ti + 16 * u, j = j0 + tj + 16 * v;
        sums[u][v] = i < m && j < n ? c[at + i * row + j] : 0;
      }
    }
    for (Size q = 0; q < k; q++) {
      for (int u = 0; u < 4; u++) {
        for (int v = 0; v < 4; v++) sums[u][v] -= left[ti + 16 * u][q] * right[q][tj + 16 * v];
      }
    }
    for (int u = 0; u < 4; u++) {
      for (int v = 0; v < 4; v++) {
        const Size i = i0 + ti + 16 * u, j = j0 + tj + 16 * v;
        if (i < m && j < n) c[at + i * row + j] = sums[u][v];
      }
    }
  });
}

// x = P L U with partial pivoting: x [batch, m, n] -> both factors in y [batch, m, n], L's diagonal of ones left out, and
// pivots [batch, min(m, n)] in int32: step i swapped rows i and pivots[i]. A column without a pivot is left as it is.
static void lu(double* y, int32_t* pivots, const double* x, Size m, Size n, Size begin, Size end) {
  const Size k = m < n ? m : n, step = m * n;
  if (m <= SMALL && n <= SMALL) {
    if (begin >= end) return;
    LAUNCH_SMALL(0, m > n ? m : n, (unsigned)(end - begin), smallLu, y + begin * step, pivots + begin * k, x + begin * step, (int)m, (int)n);
    return;
  }
  forEach(begin * step, end * step, [=] DEVICE(Size i) { y[i] = x[i]; });
  for (Size j0 = 0; j0 < k; j0 += PANEL) {
    const Size j1 = j0 + PANEL < k ? j0 + PANEL : k;
    forBlocks(begin, end, threadsFor(m * (j1 - j0)), [=] DEVICE(Size t) {
      double* a = y + t * step;
      const int warp = threadIdx.x / 32, warps = blockDim.x / 32, lane = threadIdx.x % 32;
      for (Size j = j0; j < j1; j++) {
        double* own = a + j * n;
        const Size best = j + blockArgmax(m - j, [=](Size i) { return std::fabs(own[i * n + j]); });
        if (threadIdx.x == 0) pivots[t * k + j] = (int32_t)best;
        if (best != j) blockSwap(own, a + best * n, n);
        __syncthreads();
        const double pivot = own[j];
        if (pivot != 0) {
          for (Size i = j + 1 + threadIdx.x; i < m; i += blockDim.x) a[i * n + j] /= pivot;
          __syncthreads();
          for (Size i = j + 1 + warp; i < m; i += warps) {
            const double f = a[i * n + j];
            if (f == 0) continue;
            for (Size c = j + 1 + lane; c < j1; c += 32) a[i * n + c] -= f * own[c];
          }
        }
        __syncthreads();
      }
    });
    if (j1 == n) continue;
    // The rows of U beside the panel.
    const Size right = n - j1;
    forEach(begin * right, end * right, [=] DEVICE(Size at) {
      const Size t = at / right;
      double* column = y + t * step + j1 + (at - t * right);
      const double* a = y + t * step;
      for (Size i = j0 + 1; i < j1; i++) {
        double sum = column[i * n];
        for (Size q = j0; q < i; q++) sum -= a[i * n + q] * column[q * n];
        column[i * n] = sum;
      }
    });
    subtractProduct(y + j1 * n + j1, y + j1 * n + j0, y + j0 * n + j1, m - j1, right, j1 - j0, n, n, 1, step, false, begin, end);
  }
}

// b = a^-1 b for a triangular a [n, n] and `columns` columns, at most 32, of b, whose rows lie k apart; by a block. Barriers.
static DEVICE void substitute(double* b, const double* a, Size n, Size k, int columns, Size upper, Size unit) {
  int width = 1;
  while (width < columns) width *= 2;
  const int c = threadIdx.x % width, first = threadIdx.x / width, stride = blockDim.x / width;
  for (Size step = 0; step < n; step++) {
    const Size i = upper ? n - 1 - step : step, low = upper ? 0 : i + 1, high = upper ? i : n;
    double* own = b + i * k;
    if (!unit && (int)threadIdx.x < columns) own[threadIdx.x] /= a[i * n + i];
    __syncthreads();
    if (c < columns) {
      for (Size r = low + first; r < high; r += stride) {
        const double f = a[r * n + i];
        if (f != 0) b[r * k + c] -= f * own[c];
      }
    }
    __syncthreads();
  }
}

// f(a matrix, a place in b, how many columns from there) for the columns of the matrices [begin, end), in groups.
template <class F> static void forColumns(Size n, Size k, Size begin, Size end, F f) {
  const Size groups = (k + 31) / 32;
  forBlocks(begin * groups, end * groups, threadsFor(n * (k < 32 ? k : 32)), [=] DEVICE(Size block) {
    const Size t = block / groups, first = (block - t * groups) * 32;
    f(t, t * n * k + first, (int)(k - first < 32 ? k - first : 32));
  });
}

// b = a^-1 b where a is small: see smallSolve.
static void solveSmall(double* b, const double* a, const int32_t* pivots, Size n, Size k, bool upper, bool unit, Size begin, Size end) {
  const Size groups = (k + TAKEN - 1) / TAKEN;
  if (begin >= end || groups == 0) return;
  LAUNCH_SMALL(solveBytes(n), n, (unsigned)((end - begin) * groups), smallSolve, b + begin * n * k, a + begin * n * n,
               pivots ? pivots + begin * n : nullptr, (int)n, k, (unsigned)groups, upper, unit);
}

// b = a^-1 b for triangular matrices a [batch, n, n], of which the other triangle is not read; b [batch, n, k].
static void triangular_solve(double* b, const double* a, Size n, Size k, Size upper, Size unit, Size begin, Size end) {
  if (n <= SMALL) return solveSmall(b, a, nullptr, n, k, upper != 0, unit != 0, begin, end);
  forColumns(n, k, begin, end, [=] DEVICE(Size t, Size at, int columns) { substitute(b + at, a + t * n * n, n, k, columns, upper, unit); });
}

// b = a^-1 b, where `factors` and `pivots` are what `lu` makes of a [batch, n, n]; b [batch, n, k].
static void lu_solve(double* b, const double* factors, const int32_t* pivots, Size n, Size k, Size begin, Size end) {
  if (n <= SMALL) return solveSmall(b, factors, pivots, n, k, false, false, begin, end);
  forColumns(n, k, begin, end, [=] DEVICE(Size t, Size at, int columns) {
    if ((int)threadIdx.x < columns) {
      double* column = b + at + threadIdx.x;
      for (Size i = 0; i < n; i++) {
        const Size other = pivots[t * n + i];
        const double p = column[i * k];
        column[i * k] = column[other * k];
        column[other * k] = p;
      }
    }
    __syncthreads();
    substitute(b + at, factors + t * n * n, n, k, columns, 0, 1);
    substitute(b + at, factors + t * n * n, n, k, columns, 1, 0);
  });
}

// x = L L^T: the lower triangle of x [batch, n, n] -> y [batch, n, n], zeros above the diagonal. `info` [batch] in int32 is
// the number of the first leading minor that is not positive, or 0.
static void cholesky(double* y, int32_t* info, const double* x, Size n, Size begin, Size end) {
  const Size step = n * n;
  if (n <= SMALL) {
    if (begin >= end) return;
    LAUNCH_SMALL(0, n, (unsigned)(end - begin), smallCholesky, y + begin * step, info + begin, x + begin * step, (int)n);
    return;
  }
  forEach(begin * step, end * step, [=] DEVICE(Size i) {
    y[i] = i % n <= i / n % n ? x[i] : 0;
    if (i % step == 0) info[i / step] = 0;
  });
  for (Size j0 = 0; j0 < n; j0 += PANEL) {
    const Size size = n - j0 < PANEL ? n - j0 : PANEL, j1 = j0 + size;
    // The square on the diagonal.
    forBlocks(begin, end, threadsFor(size * size), [=] DEVICE(Size t) {
      SHARED(double, l, [PANEL][PANEL + 1]);
      double* a = y + t * step + j0 * n + j0;
      const int warp = threadIdx.x / 32, warps = blockDim.x / 32, lane = threadIdx.x % 32;
      __syncthreads();  // the last matrix may still be read
      for (Size i = warp; i < size; i += warps) {
        if (lane < size) l[i][lane] = a[i * n + lane];
      }
      __syncthreads();
      for (Size j = 0; j < size; j++) {
        const double square = l[j][j], root = std::sqrt(square);
        if (threadIdx.x == 0 && !(square > 0) && info[t] == 0) info[t] = (int32_t)(j0 + j + 1);
        __syncthreads();
        for (Size i = j + threadIdx.x; i < size; i += blockDim.x) l[i][j] = i == j ? root : l[i][j] / root;
        __syncthreads();
        for (Size i = j + 1 + warp; i < size; i += warps) {
          if (lane > j && lane <= i) l[i][lane] -= l[i][j] * l[lane][j];
        }
        __syncthreads();
      }
      for (Size i = warp; i < size; i += warps) {
        if (lane <= i) a[i * n + lane] = l[i][lane];
      }
    });
    const Size below = n - j1;
    if (below == 0) break;
    // The rows below it.
    forEach(begin * below, end * below, [=] DEVICE(Size at) {
      const Size t = at / below;
      double* row = y + t * step + (j1 + at - t * below) * n;
      for (Size j = j0; j < j1; j++) {
        const double* l = y + t * step + j * n;
        double sum = row[j];
        for (Size q = j0; q < j; q++) sum -= row[q] * l[q];
        row[j] = sum / l[j];
      }
    });
    double* panel = y + j1 * n + j0;
    subtractProduct(y + j1 * n + j1, panel, panel, below, below, size, n, 1, n, step, true, begin, end);
  }
  // Tiles on the diagonal reach above it.
  forEach(begin * step, end * step, [=] DEVICE(Size i) {
    if (i % n > i / n % n) y[i] = 0;
  });
}

FAMILY(linalg, KERNEL(lu, lu), KERNEL(lu_solve, lu_solve), KERNEL(triangular_solve, triangular_solve), KERNEL(cholesky, cholesky))
