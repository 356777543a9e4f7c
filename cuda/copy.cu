// Copies between layouts and between dtypes, and triangles of matrices.
//
// A copy goes over up to four axes of sizes [n0, n1, n2, n3], each with a stride (in elements) on either side; n0 is implied
// by the range of rows, a row being one index of the first three axes.
#include "vector.cuh"

// One side of a copy: where it begins, and its strides.
template <class T> struct Side {
  T* p;
  Size stride[4];
};

template <class T, class I> __global__ void copyKernel(I begin, I end, I n1, I n2, I n3, Side<T> y, Side<const T> x) {
  const I i = begin + (I)blockIdx.x * THREADS + threadIdx.x;
  if (i >= end) return;
  I at[4] = {0, 0, i / n3, 0};
  at[3] = i - at[2] * n3;
  if (end > n3) {
    at[1] = at[2] / n2, at[2] -= at[1] * n2;
    at[0] = at[1] / n1, at[1] -= at[0] * n1;
  }
  Size to = 0, from = 0;
#pragma unroll
  for (int d = 0; d < 4; d++) to += (Size)at[d] * y.stride[d], from += (Size)at[d] * x.stride[d];
  y.p[to] = x.p[from];
}

// A copy that is read along axis a, whose stride in x is 1, and written along axis b, whose stride in y is 1; c and d are the
// other two.
struct Turn {
  Size a, b, c, items, yA, yC, yD, xB, xC, xD;
};

// It goes in squares through shared memory.
constexpr int SQUARE = 64, SQUARE_ROWS = 8;
// Of a grid's third axis.
constexpr Size MOST_ITEMS = 65535;
// Squares that blocks take in order along b, before the next along a: those that are on their way together make a large
// square, whose rows are long in x and in y.
constexpr Size BAND = 64;

// The square of this block, of `size` elements each way.
struct Place {
  Size a, b;
};
static DEVICE Place squareOf(const Turn& t, int size) {
  const unsigned across = (unsigned)((t.a + size - 1) / size), down = (unsigned)((t.b + size - 1) / size);
  const unsigned band = blockIdx.x / (across * (unsigned)BAND), at = blockIdx.x - band * across * (unsigned)BAND;
  const unsigned first = band * (unsigned)BAND, height = down - first < BAND ? down - first : (unsigned)BAND;
  return {(Size)(at / height) * size, (Size)(first + at % height) * size};
}

template <class T> __global__ void __launch_bounds__(32 * SQUARE_ROWS, sizeof(T) < 8 ? 4 : 2) turnKernel(T* y, const T* x, Turn t) {
  constexpr int S = SQUARE, EACH = S / SQUARE_ROWS;
  SHARED(T, square, [S][S + (sizeof(T) < 4 ? 4 / sizeof(T) : 1)]);
  const Place at = squareOf(t, S);
  for (Size item = blockIdx.z; item < t.items; item += gridDim.z) {
    const Size d = item / t.c, c = item - d * t.c;
    const T* from = x + d * t.xD + c * t.xC + at.a;
    T* to = y + d * t.yD + c * t.yC + at.b;
    T values[EACH][S / 32];
#pragma unroll
    for (int k = 0; k < EACH; k++) {
#pragma unroll
      for (int h = 0; h < S / 32; h++) {
        const int r = threadIdx.y + k * SQUARE_ROWS, l = threadIdx.x + 32 * h;
        if (at.b + r < t.b && at.a + l < t.a) values[k][h] = from[(at.b + r) * t.xB + l];
      }
    }
#pragma unroll
    for (int k = 0; k < EACH; k++) {
#pragma unroll
      for (int h = 0; h < S / 32; h++) square[threadIdx.y + k * SQUARE_ROWS][threadIdx.x + 32 * h] = values[k][h];
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < EACH; k++) {
#pragma unroll
      for (int h = 0; h < S / 32; h++) {
        const int r = threadIdx.y + k * SQUARE_ROWS, l = threadIdx.x + 32 * h;
        if (at.a + r < t.a && at.b + l < t.b) to[(at.a + r) * t.yA + l] = square[l][r];
      }
    }
    __syncthreads();
  }
}

// The same where packs of neighbours lie on their boundaries in x and in y: each thread turns a square of them in registers.
template <class T> constexpr int TURN_PACK = sizeof(T) == 1 ? 8 : 16 / sizeof(T);

template <class T> __global__ void __launch_bounds__(256) turnPacksKernel(T* y, const T* x, Turn t) {
  constexpr int N = TURN_PACK<T>, ACROSS = 16, S = N * ACROSS;
  using P = Pack<T, N>;
  SHARED(P, square, [S][ACROSS]);
  // Rows of the square are those of y; the packs of a row change places, so that a warp's lie in different banks.
  const auto place = [](int row, int pack) { return pack ^ (row / N % (int)(128 / sizeof(P))); };
  const Place at = squareOf(t, S);
  const int l = threadIdx.x % ACROSS, r = threadIdx.x / ACROSS;
  for (Size item = blockIdx.z; item < t.items; item += gridDim.z) {
    const Size d = item / t.c, c = item - d * t.c;
    const T* from = x + d * t.xD + c * t.xC + at.a + l * N;
    T* to = y + d * t.yD + c * t.yC + at.b + l * N;
    if (at.a + l * N < t.a && at.b + r * N < t.b) {
      P rows[N];
#pragma unroll
      for (int k = 0; k < N; k++) rows[k] = loadPack<N>(from + (at.b + r * N + k) * t.xB);
#pragma unroll
      for (int k = 0; k < N; k++) {
        P column;
#pragma unroll
        for (int i = 0; i < N; i++) column.at[i] = rows[i].at[k];
        square[l * N + k][place(l * N + k, r)] = column;
      }
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < N; k++) {
      const int row = r + k * ACROSS;
      if (at.a + row < t.a && at.b + l * N < t.b) storePack<N>(to + (at.a + row) * t.yA, square[row][place(row, l)]);
    }
    __syncthreads();
  }
}

// False where there are more squares than a grid has blocks.
template <class T> static bool turned(T* y, const T* x, const Turn& t) {
  constexpr int N = TURN_PACK<T>;
  const Size all = t.a | t.b | t.yA | t.xB | (t.items > 1 ? t.yC | t.yD | t.xC | t.xD : 0);
  const bool packs = all % N == 0 && packed<N>(y) && packed<N>(x);
  const int size = packs ? 16 * N : SQUARE;
  const Size squares = ((t.a + size - 1) / size) * ((t.b + size - 1) / size);
  if (squares * BAND > INT32_MAX) return false;
  const dim3 grid((unsigned)squares, 1, (unsigned)(t.items < MOST_ITEMS ? t.items : MOST_ITEMS));
  if (packs) LAUNCH(grid, 256, turnPacksKernel<T>, y, x, t);
  else LAUNCH(grid, dim3(32, SQUARE_ROWS), turnKernel<T>, y, x, t);
  return true;
}

template <class T> struct Wider;
template <> struct Wider<uint8_t> { using type = uint16_t; };
template <> struct Wider<uint16_t> { using type = uint32_t; };
template <> struct Wider<uint32_t> { using type = uint64_t; };
template <> struct Wider<uint64_t> { using type = Pack<uint64_t, 2>; };

template <class T> static void copySizes(const Size (&n)[4], const Side<T>& y, const Side<const T>& x) {
  bool even = y.stride[3] == 1 && x.stride[3] == 1 && n[3] % 2 == 0;
  for (int d = 0; d < 3; d++) even = even && (n[d] == 1 || (y.stride[d] % 2 == 0 && x.stride[d] % 2 == 0));
  if constexpr (sizeof(T) < 16) {
    // Pairs of neighbours are one element of twice the width.
    using W = typename Wider<T>::type;
    if (even && (uintptr_t)y.p % sizeof(W) == 0 && (uintptr_t)x.p % sizeof(W) == 0) {
      Side<W> to{(W*)y.p, {0, 0, 0, 1}};
      Side<const W> from{(const W*)x.p, {0, 0, 0, 1}};
      for (int d = 0; d < 3; d++) to.stride[d] = y.stride[d] / 2, from.stride[d] = x.stride[d] / 2;
      return copySizes<W>({n[0], n[1], n[2], n[3] / 2}, to, from);
    }
    int a = -1, b = -1;
    for (int d = 0; d < 4; d++) {
      if (n[d] >= 16 && x.stride[d] == 1 && y.stride[d] != 1) a = d;
      if (n[d] >= 16 && y.stride[d] == 1 && x.stride[d] != 1) b = d;
    }
    if (a >= 0 && b >= 0) {
      int rest[2], count = 0;
      for (int d = 0; d < 4; d++) {
        if (d != a && d != b) rest[count++] = d;
      }
      const int d = rest[0], c = rest[1];
      const Turn turn{n[a], n[b], n[c], n[c] * n[d], y.stride[a], y.stride[c], y.stride[d], x.stride[b], x.stride[c], x.stride[d]};
      if (turned(y.p, x.p, turn)) return;
    }
  }
  const Size total = n[0] * n[1] * n[2] * n[3];
  if (total <= INT32_MAX) {
    const uint32_t all = (uint32_t)total, n1 = (uint32_t)n[1], n2 = (uint32_t)n[2], n3 = (uint32_t)n[3];
    LAUNCH(blocksOf(total), THREADS, (copyKernel<T, uint32_t>), 0u, all, n1, n2, n3, y, x);
  } else {
    LAUNCH(blocksOf(total), THREADS, (copyKernel<T, Size>), 0, total, n[1], n[2], n[3], y, x);
  }
}

template <class T>
static void copy(T* y, const T* x, Size n1, Size n2, Size n3, Size y0, Size y1, Size y2, Size y3, Size x0, Size x1, Size x2,
                 Size x3, Size begin, Size end) {
  const Size each = n1 * n2, rows = end - begin;
  if (rows <= 0 || n3 == 0) return;
  const Side<T> to{y, {y0, y1, y2, y3}};
  const Side<const T> from{x, {x0, x1, x2, x3}};
  if (begin == 0 && rows % each == 0) return copySizes<T>({rows / each, n1, n2, n3}, to, from);
  LAUNCH(blocksOf(rows * n3), THREADS, (copyKernel<T, Size>), begin * n3, end * n3, n1, n2, n3, to, from);
}

// One element in another type. Floats go to whole numbers through 64 bits, which saturate.
template <class U, class T> static DEVICE U convert(T x) {
  if constexpr ((T)0.5f == (T)0 || (U)0.5f != (U)0) return (U)x;
  else return x != x ? (U)0 : x >= (T)9223372036854775808.0 ? (U)INT64_MAX : x <= (T)-9223372036854775808.0 ? (U)INT64_MIN : (U)(int64_t)x;
}

template <class U> struct Convert {
  template <class T> DEVICE U operator()(T x) const { return convert<U>(x); }
};
struct NotZero {
  template <class T> DEVICE uint8_t operator()(T x) const { return x != (T)0; }
};
struct Half {
  template <class T> DEVICE __half operator()(T x) const { return __float2half((float)x); }
};
struct Brain {
  template <class T> DEVICE __nv_bfloat16 operator()(T x) const { return __float2bfloat16((float)x); }
};
struct Single {
  DEVICE float operator()(__half x) const { return __half2float(x); }
  DEVICE float operator()(__nv_bfloat16 x) const { return __bfloat162float(x); }
};

template <class T> static void castFrom(void* y, const void* x, Size to, Size begin, Size end) {
  const T* from = (const T*)x;
  switch (to) {
    case 0: return map(begin, end, NotZero(), (uint8_t*)y, from);
    case 1: return map(begin, end, Convert<uint8_t>(), (uint8_t*)y, from);
    case 2: return map(begin, end, Convert<int8_t>(), (int8_t*)y, from);
    case 3: return map(begin, end, Convert<int16_t>(), (int16_t*)y, from);
    case 4: return map(begin, end, Convert<int32_t>(), (int32_t*)y, from);
    case 5: return map(begin, end, Convert<int64_t>(), (int64_t*)y, from);
    case 6: return map(begin, end, Half(), (__half*)y, from);
    case 7: return map(begin, end, Brain(), (__nv_bfloat16*)y, from);
    case 8: return map(begin, end, Convert<float>(), (float*)y, from);
    default: return map(begin, end, Convert<double>(), (double*)y, from);
  }
}

// y[i] = x[i] in another dtype; `from` and `to` are dtypes' ids. float16 and bfloat16 go to and from float32 only.
static void cast(void* y, const void* x, Size from, Size to, Size begin, Size end) {
  switch (from) {
    case 0:
    case 1: return castFrom<uint8_t>(y, x, to, begin, end);
    case 2: return castFrom<int8_t>(y, x, to, begin, end);
    case 3: return castFrom<int16_t>(y, x, to, begin, end);
    case 4: return castFrom<int32_t>(y, x, to, begin, end);
    case 5: return castFrom<int64_t>(y, x, to, begin, end);
    case 6: return map(begin, end, Single(), (float*)y, (const __half*)x);
    case 7: return map(begin, end, Single(), (float*)y, (const __nv_bfloat16*)x);
    case 8: return castFrom<float>(y, x, to, begin, end);
    default: return castFrom<double>(y, x, to, begin, end);
  }
}

FAMILY(copy, KERNEL(copy_b1, copy<uint8_t>), KERNEL(copy_b2, copy<uint16_t>), KERNEL(copy_b4, copy<uint32_t>),
       KERNEL(copy_b8, copy<uint64_t>), KERNEL(cast, cast))
