// Eigenvalues and eigenvectors of symmetric matrices, row-major in float64: Householder reflections to a tridiagonal matrix,
// and QL steps with implicit shifts until that is diagonal, as in assembly/eigh.ts. A block does a matrix.
#include "linalg.cuh"

// Steps for one eigenvalue after which it is left as it is; about two are needed.
constexpr int STEPS = 60;
// The precision of float64.
constexpr double EPSILON = 2.220446049250313e-16;
// Rotations that are worked out by one thread before all turn the vectors with them, and the largest matrix whose diagonals
// are in shared memory.
constexpr int ROTATIONS = 256, MOST_SHARED = 1024;

// a = Q T Q^T: writes T's diagonal to d, its other diagonal to the diagonal of a, and in row j of a, from element j + 1, a
// vector v of the reflections I - v v^T that Q is the product of. `w` is a row of working space. Barriers.
static DEVICE void tridiagonalise(double* d, double* a, double* w, Size n) {
  const int warp = threadIdx.x / 32, warps = blockDim.x / 32, lane = threadIdx.x % 32;
  for (Size j = 0; j < n; j++) {
    double *own = a + j * n + j, *v = own + 1;
    const Size size = n - j - 1;
    const double diagonal = *own, first = size > 0 ? *v : 0, rest = blockDot(v + 1, v + 1, size - 1);
    __syncthreads();
    const double norm = std::sqrt(first * first + rest), element = rest == 0 ? first : first > 0 ? -norm : norm;
    if (threadIdx.x == 0) d[j] = diagonal, *own = element;
    if (size < 2) continue;
    const double scale = rest == 0 ? 0 : std::sqrt(2 / ((first - element) * (first - element) + rest));
    for (Size i = threadIdx.x; i < size; i += blockDim.x) v[i] = rest == 0 ? 0 : (i == 0 ? first - element : v[i]) * scale;
    __syncthreads();
    if (rest == 0) continue;
    // With w = A v - (v . A v) v / 2 the rest becomes A - v w^T - w v^T.
    for (Size i = warp; i < size; i += warps) {
      const double product = warpDot(v + (i + 1) * n, v, size);
      if (lane == 0) w[i] = product;
    }
    __syncthreads();
    const double half = -0.5 * blockDot(v, w, size);
    __syncthreads();
    for (Size i = threadIdx.x; i < size; i += blockDim.x) w[i] += half * v[i];
    __syncthreads();
    for (Size i = warp; i < size; i += warps) {
      double* other = v + (i + 1) * n;
      const double p = v[i], q = w[i];
      for (Size c = lane; c < size; c += 32) other[c] = other[c] - p * w[c] - q * v[c];
    }
    __syncthreads();
  }
}

// Writes Q^T to q, from the vectors of the reflections; a warp does a row.
static DEVICE void reflect(double* q, const double* a, Size n) {
  for (Size c = threadIdx.x / 32; c < n; c += blockDim.x / 32) {
    double* own = q + c * n;
    for (Size i = threadIdx.x % 32; i < n; i += 32) own[i] = i == c ? 1 : 0;
    for (Size j = c - 1 < n - 3 ? c - 1 : n - 3; j >= 0; j--) {
      const double* v = a + j * n + j + 1;
      __syncwarp();
      warpAddScaled(own + j + 1, v, -warpDot(v, own + j + 1, n - j - 1), n - j - 1);
    }
  }
}

// The rotations that make a tridiagonal matrix of diagonals d and e diagonal, one after the other.
struct Rotations {
  double *d, *e;
  Size n, l, m, i;
  int step;
  bool within;
  double g, s, c, shift;
  // Works out the next one, of rows i + 1 and i + 2 as i is afterwards; false when there is none.
  DEVICE bool next() {
    for (;;) {
      if (!within) {
        // The block from l to m has no zero beside its diagonal.
        for (; l < n; l++, step = 0) {
          m = l;
          while (m < n - 1 && std::fabs(e[m]) > EPSILON * (std::fabs(d[m]) + std::fabs(d[m + 1]))) m++;
          if (m > l && step < STEPS) break;
        }
        if (l == n) return false;
        // The eigenvalue of the block's first 2 x 2 part that is nearer to its corner, as Wilkinson's shift.
        const double half = (d[l + 1] - d[l]) / (2 * e[l]), root = std::sqrt(half * half + 1);
        g = d[m] - d[l] + e[l] / (half + (half < 0 ? -root : root));
        s = 1, c = 1, shift = 0, i = m - 1, within = true;
      }
      if (i < l) {
        d[l] -= shift;
        e[l] = g;
        e[m] = 0;
        within = false, step++;
        continue;
      }
      const double f = s * e[i], b = c * e[i], r = std::sqrt(f * f + g * g);
      e[i + 1] = r;
      if (r == 0) {
        d[i + 1] -= shift;
        e[m] = 0;
        within = false, step++;
        continue;
      }
      s = f / r, c = g / r;
      g = d[i + 1] - shift;
      const double t = (d[i] - g) * s + 2 * c * b;
      shift = s * t;
      d[i + 1] = g + shift;
      g = c * t - b;
      i--;
      return true;
    }
  }
};

// Makes the tridiagonal matrix of diagonals d and e diagonal, and turns the rows of q with it. Barriers.
static DEVICE void diagonalise(double* d, double* e, double* q, Size n) {
  SHARED(double, cosines, [ROTATIONS]);
  SHARED(double, sines, [ROTATIONS]);
  SHARED(int, rows, [ROTATIONS]);
  SHARED(int, total, [1]);
  Rotations rotations{d, e, n, 0, 0, 0, 0, false, 0, 1, 1, 0};
  for (bool more = true; more;) {
    if (threadIdx.x == 0) {
      int count = 0;
      while (count < ROTATIONS && rotations.next()) {
        cosines[count] = rotations.c, sines[count] = rotations.s;
        rows[count++] = (int)rotations.i + 1;
      }
      *total = count;
    }
    __syncthreads();
    const int count = *total;
    more = count == ROTATIONS;
    // Rows mostly follow each other upwards: the upper row of a rotation is the lower one of the next.
    for (Size column = threadIdx.x; column < n; column += blockDim.x) {
      double* at = q + column;
      double carried = 0;
      for (int k = 0, row = -1; k < count; k++) {
        const double b = row == rows[k] + 1 ? carried : at[(rows[k] + 1) * n];
        if (row >= 0 && row != rows[k] + 1) at[row * n] = carried;
        row = rows[k];
        const double a = at[row * n], c = cosines[k], s = sines[k];
        at[(row + 1) * n] = s * a + c * b;
        carried = c * a - s * b;
        if (k == count - 1) at[row * n] = carried;
      }
    }
    __syncthreads();
  }
}

// x = v^T diag(values) v: the lower triangles of x [batch, n, n] -> values [batch, n], ascending, v [batch, n, n], whose rows
// are the eigenvectors. `work` [batch, n, n] is working space. What is not finite gives NaN.
static void eigh(double* values, double* vectors, double* work, const double* x, Size n, Size begin, Size end) {
  forBlocks(begin, end, threadsFor(n * n), [=] DEVICE(Size t) {
    SHARED(double, diagonals, [2][MOST_SHARED]);
    double *d = values + t * n, *q = vectors + t * n * n, *a = work + t * n * n;
    const double* from = x + t * n * n;
    const int warp = threadIdx.x / 32, warps = blockDim.x / 32, lane = threadIdx.x % 32;
    double most = 0;
    for (Size i = warp; i < n; i += warps) {
      for (Size j = lane; j <= i; j += 32) most = Larger()(most, std::fabs(from[i * n + j]));
    }
    most = blockReduce(most, 0.0, Larger());
    // NaN, or infinite: no step would end.
    if (!(most < INFINITY)) {
      for (Size i = threadIdx.x; i < n; i += blockDim.x) d[i] = NAN;
      for (Size i = threadIdx.x; i < n * n; i += blockDim.x) q[i] = NAN;
      return;
    }
    // Scaled, so that squares neither overflow nor vanish.
    const double size = most > 0 ? most : 1;
    for (Size i = warp; i < n; i += warps) {
      for (Size j = lane; j < n; j += 32) a[i * n + j] = from[j <= i ? i * n + j : j * n + i] / size;
    }
    __syncthreads();
    tridiagonalise(d, a, q, n);
    __syncthreads();
    reflect(q, a, n);
    __syncthreads();
    const bool fits = n <= MOST_SHARED;
    double *main = fits ? diagonals[0] : d, *other = fits ? diagonals[1] : a;
    for (Size i = threadIdx.x; i < n; i += blockDim.x) main[i] = d[i], other[i] = a[i * n + i];
    __syncthreads();
    diagonalise(main, other, q, n);
    for (Size i = threadIdx.x; i < n; i += blockDim.x) d[i] = main[i] * size;
    __syncthreads();
    for (Size i = 0; i < n - 1; i++) {
      const Size least = i + blockArgmax(n - i, [=](Size j) { return -d[i + j]; });
      __syncthreads();
      if (least != i) {
        if (threadIdx.x == 0) {
          const double p = d[i];
          d[i] = d[least];
          d[least] = p;
        }
        blockSwap(q + i * n, q + least * n, n);
      }
      __syncthreads();
    }
  });
}

FAMILY(eigh, KERNEL(eigh, eigh))
