// Singular values and vectors by one-sided Jacobi rotations, in float64 (Demmel and Veselic 1992). A block does a matrix; its
// warps rotate pairs of rows that have none in common, by the schedule of a tournament.
#include "linalg.cuh"

// Sweeps after which it stops in any case; about ten are needed.
constexpr int SWEEPS = 60;
// Rows whose cosine is below this count as orthogonal.
constexpr double ORTHOGONAL = 1e-15;

// a = c a - s b, b = s a + c b for n elements, by a warp.
static DEVICE void rotate(double* a, double* b, Size n, double c, double s) {
  for (Size i = threadIdx.x % 32; i < n; i += 32) {
    const double p = a[i], q = b[i];
    a[i] = c * p - s * q;
    b[i] = s * p + c * q;
  }
}

// Rotates rows of w [k, m] (and those of v [k, k] with them) until all are orthogonal to each other. Barriers.
static DEVICE void orthogonalise(double* w, double* v, Size k, Size m) {
  // Players of the tournament: one may be missing.
  const Size players = k + k % 2, rounds = players - 1;
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    int rotated = 0;
    for (Size round = 0; round < rounds; round++) {
      for (Size pair = threadIdx.x / 32; pair < players / 2; pair += blockDim.x / 32) {
        const Size one = pair == 0 ? rounds : (round + pair) % rounds, two = (round + rounds - pair) % rounds;
        const Size p = one < two ? one : two, q = one < two ? two : one;
        if (q == k) continue;
        double *a = w + p * m, *b = w + q * m;
        const double alpha = warpDot(a, a, m), beta = warpDot(b, b, m), gamma = warpDot(a, b, m);
        if (!(std::fabs(gamma) > ORTHOGONAL * std::sqrt(alpha) * std::sqrt(beta))) continue;
        rotated = 1;
        const double zeta = (beta - alpha) / (2 * gamma), root = std::sqrt(1 + zeta * zeta);
        const double t = 1 / (zeta >= 0 ? zeta + root : zeta - root), c = 1 / std::sqrt(1 + t * t);
        rotate(a, b, m, c, c * t);
        rotate(v + p * k, v + q * k, k, c, c * t);
      }
      __syncthreads();
    }
    if (!__syncthreads_or(rotated)) return;
  }
}

// Makes row i of w a unit vector orthogonal to all rows before it. Barriers.
static DEVICE void complete(double* w, Size i, Size m) {
  double* target = w + i * m;
  for (Size axis = 0; axis < m; axis++) {
    for (Size e = threadIdx.x; e < m; e += blockDim.x) target[e] = e == axis ? 1 : 0;
    // Twice: once leaves what rounding brings back.
    for (int pass = 0; pass < 2; pass++) {
      for (Size j = 0; j < i; j++) {
        const double* other = w + j * m;
        const double d = blockDot(target, other, m);
        // Each thread reads and writes the same elements throughout.
        for (Size e = threadIdx.x; e < m; e += blockDim.x) target[e] -= d * other[e];
      }
    }
    const double size = std::sqrt(blockDot(target, target, m));
    // Some axis keeps at least 1 / sqrt(m) of its length.
    if (size * size * (double)(2 * m) < 1) continue;
    for (Size e = threadIdx.x; e < m; e += blockDim.x) target[e] /= size;
    return;
  }
}

// x = v^T diag(s) u for matrices [begin, end) of x: [batch, k, m], k <= m -> u: [batch, k, m], s: [batch, k] in descending
// order, v: [batch, k, k]; rows of u and of v are the singular vectors.
static void svd(double* u, double* s, double* v, const double* x, Size k, Size m, Size begin, Size end) {
  forBlocks(begin, end, threadsFor(k * m), [=] DEVICE(Size t) {
    double *w = u + t * k * m, *turns = v + t * k * k, *values = s + t * k;
    const int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    for (Size i = threadIdx.x; i < k * m; i += blockDim.x) w[i] = x[t * k * m + i];
    for (Size i = threadIdx.x; i < k * k; i += blockDim.x) turns[i] = i / k == i % k ? 1 : 0;
    __syncthreads();
    orthogonalise(w, turns, k, m);
    for (Size i = warp; i < k; i += warps) {
      const double square = warpDot(w + i * m, w + i * m, m);
      if (threadIdx.x % 32 == 0) values[i] = std::sqrt(square);
    }
    __syncthreads();
    for (Size i = 0; i < k - 1; i++) {
      const Size best = i + blockArgmax(k - i, [=](Size j) { return values[i + j]; });
      __syncthreads();
      if (best != i) {
        if (threadIdx.x == 0) {
          const double p = values[i];
          values[i] = values[best];
          values[best] = p;
        }
        blockSwap(w + i * m, w + best * m, m);
        blockSwap(turns + i * k, turns + best * k, k);
      }
      __syncthreads();
    }
    const double least = values[0] * 1e-300;
    for (Size i = 0; i < k; i++) {
      const double value = values[i];
      double* a = w + i * m;
      if (value > least || value != value) {
        for (Size e = threadIdx.x; e < m; e += blockDim.x) a[e] /= value;
      } else {
        complete(w, i, m);
      }
      __syncthreads();
    }
  });
}

FAMILY(svd, KERNEL(svd, svd))
