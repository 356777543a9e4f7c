// Triangular factors of matrices, row-major in float64, and what solves with them. Ranges count matrices of a batch.
//
// A block factors a small matrix, or solves with it, in its shared memory. The factorisation of a large one goes through panels
// of 32 columns: a block per matrix factors the panel, and all blocks there are take its products off what is right of it.
#include "linalg.cuh"

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

// The columns [j0, j1) of a's factors, whose rows lie `row` apart, by a block; the columns from `last` on only have their rows
// swapped. Barriers.
static DEVICE void factorPanel(double* a, int32_t* pivots, Size row, Size m, Size n, Size j0, Size j1, Size last) {
  const int warp = threadIdx.x / 32, warps = blockDim.x / 32, lane = threadIdx.x % 32;
  for (Size j = j0; j < j1; j++) {
    double* own = a + j * row;
    const auto size = [=](Size i) { return std::fabs(own[i * row + j]); };
    const Size best = j + (m - j <= SMALL ? warpArgmax(m - j, size) : blockArgmax(m - j, size));
    if (threadIdx.x == 0) pivots[j] = (int32_t)best;
    __syncthreads();
    if (best != j) {
      blockSwap(own, a + best * row, n);
      __syncthreads();
    }
    const double pivot = own[j];
    if (pivot != 0) {
      for (Size i = j + 1 + threadIdx.x; i < m; i += blockDim.x) a[i * row + j] /= pivot;
      __syncthreads();
      for (Size i = j + 1 + warp; i < m; i += warps) {
        const double f = a[i * row + j];
        if (f == 0) continue;
        for (Size c = j + 1 + lane; c < last; c += 32) a[i * row + c] -= f * own[c];
      }
    }
    __syncthreads();
  }
}

// x = P L U with partial pivoting: x [batch, m, n] -> both factors in y [batch, m, n], L's diagonal of ones left out, and
// pivots [batch, min(m, n)] in int32: step i swapped rows i and pivots[i]. A column without a pivot is left as it is.
static void lu(double* y, int32_t* pivots, const double* x, Size m, Size n, Size begin, Size end) {
  const Size k = m < n ? m : n, step = m * n;
  if (m <= SMALL && n <= SMALL) {
    const Size row = pitchOf(n);
    forSharedBlocks(m * row, begin, end, smallThreads(m > n ? m : n), [=] DEVICE(Size t, double* a) {
      blockCopy(a, row, x + t * step, n, m, n);
      __syncthreads();
      factorPanel(a, pivots + t * k, row, m, n, 0, k, n);
      blockCopy(y + t * step, n, a, row, m, n);
    });
    return;
  }
  forEach(begin * step, end * step, [=] DEVICE(Size i) { y[i] = x[i]; });
  for (Size j0 = 0; j0 < k; j0 += PANEL) {
    const Size j1 = j0 + PANEL < k ? j0 + PANEL : k;
    forBlocks(begin, end, threadsFor(m * (j1 - j0)), [=] DEVICE(Size t) {
      factorPanel(y + t * step, pivots + t * k, n, m, n, j0, j1, j1);
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

// b = a^-1 b for a triangular a [n, n] and `columns` columns, at most 32, of b, whose rows lie `row` and k apart; by a block.
// Barriers.
static DEVICE void substitute(double* b, const double* a, Size n, Size row, Size k, int columns, Size upper, Size unit) {
  int width = 1;
  while (width < columns) width *= 2;
  const int c = threadIdx.x % width, first = threadIdx.x / width, stride = blockDim.x / width;
  for (Size step = 0; step < n; step++) {
    const Size i = upper ? n - 1 - step : step, low = upper ? 0 : i + 1, high = upper ? i : n;
    double* own = b + i * k;
    if (!unit && (int)threadIdx.x < columns) own[threadIdx.x] /= a[i * row + i];
    __syncthreads();
    if (c < columns) {
      for (Size r = low + first; r < high; r += stride) {
        const double f = a[r * row + i];
        if (f != 0) b[r * k + c] -= f * own[c];
      }
    }
    __syncthreads();
  }
}

// A matrix and up to 32 columns that are solved with it: rows lie `row` and k apart.
struct System {
  Size t;
  const double* a;
  double* b;
  Size row, k;
  int columns;
};

// f(system) for the columns of b [batch, n, k] in groups, with a [batch, n, n]; small systems lie in shared memory.
template <class F> static void forSystems(double* b, const double* a, Size n, Size k, Size begin, Size end, F f) {
  const Size groups = (k + 31) / 32, row = pitchOf(n), most = k < 32 ? k : 32;
  const auto system = [=] DEVICE(Size block) {
    const Size t = block / groups, first = (block - t * groups) * 32;
    return System{t, a + t * n * n, b + t * n * k + first, n, k, (int)(k - first < 32 ? k - first : 32)};
  };
  if (n <= SMALL) {
    forSharedBlocks(n * (row + most), begin * groups, end * groups, threadsFor(n * most), [=] DEVICE(Size block, double* shared) {
      const System far = system(block);
      const System near{far.t, shared, shared + n * row, row, far.columns, far.columns};
      blockCopy(shared, row, far.a, n, n, n);
      blockCopy(near.b, near.k, far.b, k, n, far.columns);
      __syncthreads();
      f(near);
      blockCopy(far.b, k, near.b, near.k, n, far.columns);
    });
  } else {
    forBlocks(begin * groups, end * groups, threadsFor(n * most), [=] DEVICE(Size block) { f(system(block)); });
  }
}

// b = a^-1 b for triangular matrices a [batch, n, n], of which the other triangle is not read; b [batch, n, k].
static void triangular_solve(double* b, const double* a, Size n, Size k, Size upper, Size unit, Size begin, Size end) {
  forSystems(b, a, n, k, begin, end, [=] DEVICE(const System& s) { substitute(s.b, s.a, n, s.row, s.k, s.columns, upper, unit); });
}

// b = a^-1 b, where `factors` and `pivots` are what `lu` makes of a [batch, n, n]; b [batch, n, k].
static void lu_solve(double* b, const double* factors, const int32_t* pivots, Size n, Size k, Size begin, Size end) {
  forSystems(b, factors, n, k, begin, end, [=] DEVICE(const System& s) {
    if ((int)threadIdx.x < s.columns) {
      double* column = s.b + threadIdx.x;
      for (Size i = 0; i < n; i++) {
        const Size other = pivots[s.t * n + i];
        const double p = column[i * s.k];
        column[i * s.k] = column[other * s.k];
        column[other * s.k] = p;
      }
    }
    __syncthreads();
    substitute(s.b, s.a, n, s.row, s.k, s.columns, 0, 1);
    substitute(s.b, s.a, n, s.row, s.k, s.columns, 1, 0);
  });
}

// The factor of the square at `l`, whose rows lie `row` apart, in its place; by a block. info, if still 0, becomes the number
// of the first leading minor that is not positive, counted from `before`. Barriers.
static DEVICE void choleskySquare(double* l, int32_t* info, Size row, Size size, Size before) {
  const int warp = threadIdx.x / 32, warps = blockDim.x / 32, lane = threadIdx.x % 32;
  for (Size j = 0; j < size; j++) {
    const double square = l[j * row + j], root = std::sqrt(square);
    if (threadIdx.x == 0 && !(square > 0) && *info == 0) *info = (int32_t)(before + j + 1);
    __syncthreads();
    for (Size i = j + threadIdx.x; i < size; i += blockDim.x) l[i * row + j] = i == j ? root : l[i * row + j] / root;
    __syncthreads();
    for (Size i = j + 1 + warp; i < size; i += warps) {
      const double f = l[i * row + j];
      for (Size c = j + 1 + lane; c <= i; c += 32) l[i * row + c] -= f * l[c * row + j];
    }
    __syncthreads();
  }
}

// x = L L^T: the lower triangle of x [batch, n, n] -> y [batch, n, n], zeros above the diagonal. `info` [batch] in int32 is
// the number of the first leading minor that is not positive, or 0.
static void cholesky(double* y, int32_t* info, const double* x, Size n, Size begin, Size end) {
  const Size step = n * n;
  if (n <= SMALL) {
    const Size row = pitchOf(n);
    forSharedBlocks(n * row, begin, end, smallThreads(n), [=] DEVICE(Size t, double* l) {
      if (threadIdx.x == 0) info[t] = 0;
      blockCopy(l, row, x + t * step, n, n, n);
      __syncthreads();
      choleskySquare(l, info + t, row, n, 0);
      for (int e = threadIdx.x; e < (int)step; e += blockDim.x) {
        const int i = e / (int)n, j = e - i * (int)n;
        y[t * step + e] = j <= i ? l[i * row + j] : 0;
      }
    });
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
      __syncthreads();  // the last matrix may still be read
      blockCopy(l[0], PANEL + 1, a, n, size, size);
      __syncthreads();
      choleskySquare(l[0], info + t, PANEL + 1, size, j0);
      blockCopy(a, n, l[0], PANEL + 1, size, size);
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
