// Orthogonal factors of matrices, row-major in float64, by Householder reflections and by Gram and Schmidt.
#include "linalg.cuh"

// x = Q R, all transposed: x [batch, n, m] -> q [batch, columns, m], r [batch, n, columns], where columns is min(m, n), or m
// for all of Q. x itself becomes working space.
static void qr(double* q, double* r, double* x, Size m, Size n, Size columns, Size begin, Size end) {
  const Size k = m < n ? m : n;
  forEach(begin * n * columns, end * n * columns, [=] DEVICE(Size i) { r[i] = 0; });
  // A warp reflects a row.
  forBlocks(begin, end, threadsFor(m * n), [=] DEVICE(Size t) {
    double* w = x + t * n * m;
    const int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    for (Size j = 0; j < n; j++) {
      double *own = w + j * m, *v = own + j, *result = r + (t * n + j) * columns;
      for (Size i = threadIdx.x; i < j && i < k; i += blockDim.x) result[i] = own[i];
      if (j >= k) continue;
      const double first = *v, rest = blockDot(v + 1, v + 1, m - j - 1);
      __syncthreads();
      // Below the diagonal are zeros: no reflection, and no change of sign.
      const double norm = std::sqrt(first * first + rest), diagonal = rest == 0 ? first : first > 0 ? -norm : norm;
      if (threadIdx.x == 0) result[j] = diagonal;
      if (rest == 0) {
        if (threadIdx.x == 0) *v = 0;
        continue;
      }
      // The vector is scaled so that the reflection is I - v v^T.
      const double scale = std::sqrt(2 / ((first - diagonal) * (first - diagonal) + rest));
      for (Size i = threadIdx.x; i < m - j; i += blockDim.x) v[i] = (i == 0 ? first - diagonal : v[i]) * scale;
      __syncthreads();
      for (Size i = j + 1 + warp; i < n; i += warps) {
        double* other = w + i * m + j;
        warpAddScaled(other, v, -warpDot(v, other, m - j), m - j);
      }
      __syncthreads();
    }
  });
  forBlocks(begin * columns, end * columns, 32, [=] DEVICE(Size at) {
    const Size t = at / columns, c = at - t * columns;
    double* own = q + at * m;
    for (Size i = threadIdx.x; i < m; i += 32) own[i] = i == c ? 1 : 0;
    for (Size j = c < k ? c : k - 1; j >= 0; j--) {
      const double* v = x + (t * n + j) * m + j;
      __syncwarp();
      warpAddScaled(own + j, v, -warpDot(v, own + j, m - j), m - j);
    }
  });
}

// y [rows, columns], rows <= columns, in place: the rows made orthogonal, each of length 1. That is Q^T of the factorisation
// y^T = Q R in which the diagonal of R is positive. Each row twice, which is as accurate as Householder's reflections
// (Giraud, Langou & Rozloznik 2005). A row that depends on those before it becomes zero.
static void orthonormalize(double* y, Size rows, Size columns) {
  // Of the row at hand: its squared length at first, and its products with the rows before it.
  double* parts = (double*)current.workspace;
  for (Size i = 0; i < rows; i++) {
    double* row = y + i * columns;
    for (int pass = 0; pass < (i > 0 ? 2 : 1); pass++) {
      forBlocks(pass, i + 1, THREADS, [=] DEVICE(Size j) {
        const double part = blockDot(row, j == 0 ? row : y + (j - 1) * columns, columns);
        if (threadIdx.x == 0) parts[j] = part;
      });
      forEach(0, columns, [=] DEVICE(Size c) {
        double value = row[c];
        for (Size j = 0; j < i; j++) value -= parts[j + 1] * y[j * columns + c];
        row[c] = value;
      });
    }
    forBlocks(0, 1, THREADS, [=] DEVICE(Size) {
      const double length = std::sqrt(blockDot(row, row, columns));
      __syncthreads();
      const double scale = length > std::sqrt(parts[0]) * 1e-14 ? 1 / length : 0.0;
      for (Size c = threadIdx.x; c < columns; c += blockDim.x) row[c] *= scale;
    });
  }
}

FAMILY(qr, KERNEL(qr, qr), KERNEL(orthonormalize_f64, orthonormalize))
