// Attention on tensor cores, without a mask: Dao, "FlashAttention-2" (2023). Tiles of queries, keys and values lie in shared
// memory; scores, weights and results in registers, as the products' instructions want them (tensor_core.cuh). A warp has MT
// times 16 rows of a tile.
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

// Elements in a piece of 16 bytes, in which tiles are copied.
template <class T> constexpr int PIECE = 16 / sizeof(T);

// Whether these kernels are for such rows, in whole pieces.
template <class T> bool flashRows(const T* p, const Rows& rows) {
  return (uintptr_t)p % 16 == 0 && rows.batch % PIECE<T> == 0 && rows.head % PIECE<T> == 0 && rows.row % PIECE<T> == 0;
}
template <class T> bool flashSizes(const Flash& f) {
  return f.width % PIECE<T> == 0 && f.columns % PIECE<T> == 0 && f.width <= 128 && f.columns <= 128 && f.scale > 0;
}
// The width of the tiles.
inline int flashWidth(const Flash& f) {
  const int most = f.width > f.columns ? f.width : f.columns;
  return most <= 32 ? 32 : most <= 64 ? 64 : 128;
}

// Of the gradients: how they lie, and the items that are done at a time. Of their queries, `padded` rows of each, a multiple
// of 128, the levels and means that flash_grad.cu says.
struct FlashGrad {
  Flash f;
  Rows dq, dk, dv, g;
  Size item, items, padded;
  float *levels, *means;
};

// Each launches what it is called, or returns false where it is not made for the operands.
template <class T> bool flashForward(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f);
// The same on Hopper's tensor cores, where those are and it is made for the sizes; elements of 16 bits.
template <class T> bool hopperForward(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f);
template <class T>
bool flashBackward(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const T* o, const float* norms, const Flash& f,
                   const Rows& dqRows, const Rows& dkRows, const Rows& dvRows, const Rows& gRows);

// The same for the items of s, whose levels and means are there.
template <class T> bool hopperBackward(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const FlashGrad& s);

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

// d += a b. Of float32, tensor cores leave out the last 13 bits; what those bits are worth is multiplied by itself.
template <class T> DEVICE void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (sizeof(T) == 4) {
    const auto rest = [](uint32_t bits) { return __float_as_uint(__uint_as_float(bits) - __uint_as_float(bits & 0xffffe000u)); };
    const uint32_t aRest[4] = {rest(a[0]), rest(a[1]), rest(a[2]), rest(a[3])}, bRest[2] = {rest(b[0]), rest(b[1])};
    mma<T>(d, aRest, b);
    mma<T>(d, a, bRest);
  }
  mma<T>(d, a, b);
}

// ---------------------------------------------------------------- tiles [rows][D] in shared memory

// Where a piece begins: those of a row change places, so that 8 rows' pieces of one column lie in different banks.
template <class T, int D> DEVICE int place(int row, int piece) {
  return row * D + (piece ^ (D * sizeof(T) == 64 ? row >> 1 & 3 : row & 7)) * PIECE<T>;
}

// Begins to copy rows of `width` elements, `stride` apart; zeros where there are none.
template <class T, int D, int R, int W> DEVICE void loadTile(T* tile, const T* from, Size stride, int rows, int width) {
  constexpr int PIECES = D / PIECE<T>, STEP = W / PIECES;
  static_assert(STEP <= R);
  const int first = (int)threadIdx.x / PIECES, c = (int)threadIdx.x % PIECES;
  const T* at = from + first * stride + c * PIECE<T>;
  rows = c * PIECE<T> < width ? rows - first : 0;
#pragma unroll
  for (int i = 0; i < R / STEP; i++, at += STEP * stride) {
    const bool inside = i * STEP < rows;
    cpAsync16(tile + place<T, D>(first + i * STEP, c), inside ? at : from, inside ? 16 : 0);
  }
}

// The depth of a product, `step` of them along a row: 32 bytes.
template <class T> constexpr int DEPTH = TensorCore<T>::K;

// Rows [row, row + 16) of a tile as the first operand of a product.
template <int D, class T> DEVICE void loadFirst(uint32_t (&a)[4], const T* tile, int row, int step) {
  const int lane = threadIdx.x % 32;
  ldmatrix(a, tile + place<T, D>(row + lane % 16, step * 2 + lane / 16));
}
// The same of 16 rows as the columns of the second operand: two of 8 columns.
template <int D, class T> DEVICE void loadSecond(uint32_t (&low)[2], uint32_t (&high)[2], const T* tile, int row, int step) {
  const int lane = threadIdx.x % 32;
  uint32_t r[4];
  ldmatrix(r, tile + place<T, D>(row + lane / 16 * 8 + lane % 8, step * 2 + lane / 8 % 2));
  low[0] = r[0], low[1] = r[1], high[0] = r[2], high[1] = r[3];
}
// DEPTH rows as rows of the second operand, and 16 columns from `column` on. Of float32, rows 2t and 2t + 1 are in the places
// of t and t + 4, as in firstOf.
template <int D, class T> DEVICE void loadSecondRows(uint32_t (&low)[2], uint32_t (&high)[2], const T* tile, int row, int column) {
  const int lane = threadIdx.x % 32;
  if constexpr (sizeof(T) == 2) {
    uint32_t r[4];
    ldmatrixTransposed(r, tile + place<T, D>(row + lane % 16, column / 8 + lane / 16));
    low[0] = r[0], low[1] = r[1], high[0] = r[2], high[1] = r[3];
  } else {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int r = row + lane % 4 * 2 + i, c = column / 4 + lane / 16, within = lane / 4 % 4;
      low[i] = __float_as_uint(tile[place<T, D>(r, c) + within]);
      high[i] = __float_as_uint(tile[place<T, D>(r, c + 2) + within]);
    }
  }
}
// Weights in the places of a result, as the first operand of a product of depth step `step`.
template <class T, int NT> DEVICE void firstOf(uint32_t (&a)[4], const float (&w)[NT][4], int step) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if constexpr (sizeof(T) == 2) a[i] = pair(w[2 * step + i / 2][i % 2 * 2], w[2 * step + i / 2][i % 2 * 2 + 1], T());
    else a[i] = __float_as_uint(w[step][i % 2 * 2 + i / 2]);
  }
}

// s = a b^T: `first(a, m, step)` loads the first operand, b is a tile of NT * 8 rows.
template <class T, int D, int MT, int NT, class F> DEVICE void multiplyRows(float (&s)[MT][NT][4], F first, const T* b) {
#pragma unroll
  for (int m = 0; m < MT; m++) {
#pragma unroll
    for (int n = 0; n < NT; n++) s[m][n][0] = s[m][n][1] = s[m][n][2] = s[m][n][3] = 0;
  }
#pragma unroll
  for (int step = 0; step < D / DEPTH<T>; step++) {
    uint32_t a[MT][4];
#pragma unroll
    for (int m = 0; m < MT; m++) first(a[m], m, step);
#pragma unroll
    for (int n = 0; n < NT; n += 2) {
      uint32_t low[2], high[2];
      loadSecond<D>(low, high, b, n * 8, step);
#pragma unroll
      for (int m = 0; m < MT; m++) multiply<T>(s[m][n], a[m], low), multiply<T>(s[m][n + 1], a[m], high);
    }
  }
}

// sum += w b: w the weights in the places of a result of multiplyRows, b a tile of NT * 8 rows.
template <class T, int D, int MT, int NT> DEVICE void addProduct(float (&sum)[MT][D / 8][4], const float (&w)[MT][NT][4], const T* b) {
#pragma unroll
  for (int step = 0; step < NT * 8 / DEPTH<T>; step++) {
    uint32_t a[MT][4];
#pragma unroll
    for (int m = 0; m < MT; m++) firstOf<T>(a[m], w[m], step);
#pragma unroll
    for (int n = 0; n < D / 8; n += 2) {
      uint32_t low[2], high[2];
      loadSecondRows<D>(low, high, b, step * DEPTH<T>, n * 8);
#pragma unroll
      for (int m = 0; m < MT; m++) multiply<T>(sum[m][n], a[m], low), multiply<T>(sum[m][n + 1], a[m], high);
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
        const float low = sum[m][n][half * 2] * by, high = sum[m][n][half * 2 + 1] * by;
        if (n * 8 + lane % 4 * 2 < width) storePack<2>(at + n * 8, Pack<T, 2>{narrow<T>(low), narrow<T>(high)});
      }
    }
  }
}
