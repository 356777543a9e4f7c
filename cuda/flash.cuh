// Attention on tensor cores, for elements of 16 bits without a mask: Dao, "FlashAttention-2" (2023). Tiles of queries, keys and
// values lie in shared memory; scores, weights and results in registers, as the products' instructions want them
// (tensor_core.cuh). A warp has MT times 16 rows of a tile.
#pragma once
#include "narrow.cuh"
#include "tensor_core.cuh"
#include "vector.cuh"

// How rows of a tensor lie.
struct Rows {
  Size batch, head, row;
  DEVICE Size operator()(Size b, Size h, Size i) const { return b * batch + h * head + i * row; }
};

// The sizes of a call; an item is a head of a batch.
struct Flash {
  Size items, heads;
  int queries, keys, width, columns;
  Rows q, k, v, o;
  bool causal;
  float scale;
};

// Whether these kernels are for rows of such elements: on 16 bytes, in whole pieces of 16 bytes.
inline bool flashRows(const void* p, const Rows& rows) {
  return (uintptr_t)p % 16 == 0 && rows.batch % 8 == 0 && rows.head % 8 == 0 && rows.row % 8 == 0;
}
inline bool flashSizes(const Flash& f) {
  return f.width % 8 == 0 && f.columns % 8 == 0 && f.width <= 128 && f.columns <= 128 && f.scale > 0;
}
// The width of the tiles.
inline int flashWidth(const Flash& f) {
  const int most = f.width > f.columns ? f.width : f.columns;
  return most <= 32 ? 32 : most <= 64 ? 64 : 128;
}

template <class T> bool flashForward(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f);
template <class T>
bool flashBackward(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const T* o, const float* norms, const Flash& f,
                   const Rows& dqRows, const Rows& dkRows, const Rows& dvRows, const Rows& gRows);

constexpr float LOG2_E = 1.4426950408889634f;

// 2^x, 0 for what is below the normal numbers.
#if defined(__CUDACC__)
static __device__ __forceinline__ float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
#else
inline float exp2Fast(float x) { return x < -126 ? 0 : exp2f(x); }
#endif

// Two neighbours in a register, the first of them the lower half.
DEVICE inline uint32_t pair(float low, float high, __nv_bfloat16) {
  const __nv_bfloat162 two = __floats2bfloat162_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &two, 4);
  return bits;
}
DEVICE inline uint32_t pair(float low, float high, __half) {
  const __half2 two = __floats2half2_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &two, 4);
  return bits;
}

// ---------------------------------------------------------------- tiles [rows][D] in shared memory

// Where 8 elements lie: pieces of a row change places, so that 8 rows' pieces of one column lie in different banks.
template <int D> DEVICE int place(int row, int piece) { return row * D + (piece ^ (D == 32 ? row >> 1 & 3 : row & 7)) * 8; }

// Begins to copy rows of `width` elements, `stride` apart; zeros where there are none.
template <class T, int D, int R, int W> DEVICE void loadTile(T* tile, const T* from, Size stride, int rows, int width) {
  constexpr int PIECES = D / 8, STEP = W / PIECES;  // a multiple of 8: pieces of one column keep their place
  const int first = (int)threadIdx.x / PIECES, c = (int)threadIdx.x % PIECES;
  T* const to = tile + place<D>(first, c);
  const T* at = from + first * stride + c * 8;
  rows = c * 8 < width ? rows - first : 0;
#pragma unroll
  for (int i = 0; i < R / STEP; i++, at += STEP * stride) {
    const bool inside = i * STEP < rows;
    cpAsync16(to + i * STEP * D, inside ? at : from, inside ? 16 : 0);
  }
}

// Rows [row, row + 16) and columns [16 step, 16 step + 16) of a tile as the first operand of a product.
template <int D, class T> DEVICE void loadFirst(uint32_t (&a)[4], const T* tile, int row, int step) {
  const int lane = threadIdx.x % 32;
  ldmatrix(a, tile + place<D>(row + lane % 16, step * 2 + lane / 16));
}
// The same of 16 rows as the columns of the second operand: two of 8 columns.
template <int D, class T> DEVICE void loadSecond(uint32_t (&low)[2], uint32_t (&high)[2], const T* tile, int row, int step) {
  const int lane = threadIdx.x % 32;
  uint32_t r[4];
  ldmatrix(r, tile + place<D>(row + lane / 16 * 8 + lane % 8, step * 2 + lane / 8 % 2));
  low[0] = r[0], low[1] = r[1], high[0] = r[2], high[1] = r[3];
}
// The same of 16 rows as rows of the second operand, and of 16 columns.
template <int D, class T> DEVICE void loadSecondRows(uint32_t (&low)[2], uint32_t (&high)[2], const T* tile, int row, int step) {
  const int lane = threadIdx.x % 32;
  uint32_t r[4];
  ldmatrixTransposed(r, tile + place<D>(row + lane % 16, step * 2 + lane / 16));
  low[0] = r[0], low[1] = r[1], high[0] = r[2], high[1] = r[3];
}

// s = a b^T: `first(a, m, step)` loads the first operand, b is a tile of NT * 8 rows.
template <class T, int D, int MT, int NT, class F> DEVICE void multiplyRows(float (&s)[MT][NT][4], F first, const T* b) {
#pragma unroll
  for (int m = 0; m < MT; m++) {
#pragma unroll
    for (int n = 0; n < NT; n++) s[m][n][0] = s[m][n][1] = s[m][n][2] = s[m][n][3] = 0;
  }
#pragma unroll
  for (int step = 0; step < D / 16; step++) {
    uint32_t a[MT][4];
#pragma unroll
    for (int m = 0; m < MT; m++) first(a[m], m, step);
#pragma unroll
    for (int n = 0; n < NT; n += 2) {
      uint32_t low[2], high[2];
      loadSecond<D>(low, high, b, n * 8, step);
#pragma unroll
      for (int m = 0; m < MT; m++) mma<T>(s[m][n], a[m], low), mma<T>(s[m][n + 1], a[m], high);
    }
  }
}

// sum += w b: w the weights in the places of a result of multiplyRows, b a tile of NT * 8 rows.
template <class T, int D, int MT, int NT> DEVICE void addProduct(float (&sum)[MT][D / 8][4], const float (&w)[MT][NT][4], const T* b) {
#pragma unroll
  for (int step = 0; step < NT / 2; step++) {
    uint32_t a[MT][4];
#pragma unroll
    for (int m = 0; m < MT; m++) {
#pragma unroll
      for (int i = 0; i < 4; i++) a[m][i] = pair(w[m][2 * step + i / 2][i % 2 * 2], w[m][2 * step + i / 2][i % 2 * 2 + 1], T());
    }
#pragma unroll
    for (int n = 0; n < D / 8; n += 2) {
      uint32_t low[2], high[2];
      loadSecondRows<D>(low, high, b, step * 16, n / 2);
#pragma unroll
      for (int m = 0; m < MT; m++) mma<T>(sum[m][n], a[m], low), mma<T>(sum[m][n + 1], a[m], high);
    }
  }
}

// Stores a warp's rows of a result from `row` on, times factor(m, half); rows there are `rows`, columns `width`.
template <class T, int D, int MT, class F>
DEVICE void storeRows(T* to, Size stride, int row, int rows, int width, const float (&sum)[MT][D / 8][4], F factor) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int m = 0; m < MT; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int r = row + m * 16 + half * 8 + lane / 4;
      if (r >= rows) continue;
      T* at = to + r * stride + lane % 4 * 2;
      const float by = factor(m, half);
#pragma unroll
      for (int n = 0; n < D / 8; n++) {
        if (n * 8 < width) *(uint32_t*)(at + n * 8) = pair(sum[m][n][half * 2] * by, sum[m][n][half * 2 + 1] * by, T());
      }
    }
  }
}
