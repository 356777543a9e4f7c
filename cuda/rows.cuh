// Kernels that take a contiguous row at a time: rows of up to 1024 elements go to a warp each, up to 8192 to a block, with
// all values in registers; of longer ones a block keeps one operand in shared memory, where there is room for it, and what is
// not kept is read again for every pass. Elements are float32 or narrower; what is computed is float32, sums of many chunks
// float64.
#pragma once
#include "narrow.cuh"
#include "vector.cuh"

// How rows lie: anywhere, so that neighbouring threads have neighbouring elements; on 16 bytes, and are read so; or each at its
// own distance from such a boundary, the same for all operands: what is whole between boundaries is read so.
enum class Alignment { SINGLES, PACKS, SHIFTED };

// E elements of a row for each of STEP threads, a row of the block's.
template <class T, int STEP, int ELEMENTS, Alignment HOW> struct Span {
  static constexpr int E = ELEMENTS, N = HOW == Alignment::SINGLES ? 1 : PACK<T>, CHUNK = STEP * E;
  int n, shift;

  // Of a row of n elements, which begins `shift` after a boundary.
  DEVICE Span(const T* row, int n) : n(n), shift(HOW == Alignment::SHIFTED ? (int)((uintptr_t)row / sizeof(T) % N) : 0) {}
  // What chunks are counted up to.
  DEVICE int end() const { return HOW == Alignment::SHIFTED ? n + shift : n; }
  // The place of this thread's j-th element in a chunk.
  DEVICE int place(int j) const { return (int)threadIdx.x * N + j / N * (STEP * N) + j % N - (HOW == Alignment::SHIFTED ? shift : 0); }
  // Whether element k, and with it the M - 1 that follow, is in the row.
  template <int M = 1> DEVICE bool has(int k) const { return HOW == Alignment::SHIFTED ? k >= 0 && k + M <= n : k < n; }
  // The chunk from `base` on, with `otherwise` before the row's beginning and after its end.
  template <class U> DEVICE void load(float (&r)[E], const U* row, int base, float otherwise) const {
    constexpr int M = N < PACK<U> ? N : PACK<U>;
    Pack<U, M> values[E / M];
#pragma unroll
    for (int v = 0; v < E / M; v++) {
      if (has<M>(base + place(v * M))) values[v] = loadPack<M>(row + base + place(v * M));
    }
#pragma unroll
    for (int v = 0; v < E / M; v++) {
      const int k = base + place(v * M);
      const bool whole = has<M>(k);
#pragma unroll
      for (int i = 0; i < M; i++) r[v * M + i] = whole ? (float)values[v].at[i] : otherwise;
      if (HOW == Alignment::SHIFTED && !whole && k < n) {
#pragma unroll
        for (int i = 0; i < M; i++) {
          if (has(k + i)) r[v * M + i] = (float)row[k + i];
        }
      }
    }
  }
  template <class U> DEVICE void store(U* row, int base, const float (&r)[E]) const {
    constexpr int M = N < PACK<U> ? N : PACK<U>;
#pragma unroll
    for (int v = 0; v < E / M; v++) {
      const int k = base + place(v * M);
      Pack<U, M> values;
#pragma unroll
      for (int i = 0; i < M; i++) values.at[i] = (U)r[v * M + i];
      if (has<M>(k)) {
        storePack<M>(row + k, values);
      } else if (HOW == Alignment::SHIFTED && k < n) {
#pragma unroll
        for (int i = 0; i < M; i++) {
          if (has(k + i)) row[k + i] = values.at[i];
        }
      }
    }
  }
  // A load of what another pass needs again, and the load of that pass, from the same row.
  template <class U> DEVICE void keep(float (&r)[E], const U* row, int base, float otherwise) const { load(r, row, base, otherwise); }
  template <class U> DEVICE void again(float (&r)[E], const U* row, int base, float otherwise) const { load(r, row, base, otherwise); }
};

// The same with a row in shared memory: each thread keeps its own elements, and there are no barriers.
template <class T, int STEP, int ELEMENTS, Alignment HOW> struct KeptSpan : Span<T, STEP, ELEMENTS, HOW> {
  using Base = Span<T, STEP, ELEMENTS, HOW>;
  using Base::Base;
  DEVICE void keep(float (&r)[ELEMENTS], const T* row, int base, float otherwise) const {
    DYNAMIC_SHARED(T, kept);
    Base::load(r, row, base, otherwise);
    Base::store(kept + this->shift, base, r);
  }
  DEVICE void again(float (&r)[ELEMENTS], const T*, int base, float otherwise) const {
    DYNAMIC_SHARED(T, kept);
    Base::load(r, kept + this->shift, base, otherwise);
  }
};

// How rows of n elements from each of these addresses on lie; null is anywhere. Elements are of type T or wider.
template <class T, class... P> static Alignment alignmentOf(Size n, const P*... p) {
  if (!(packed<PACK<T>>((const T*)p) && ...)) return Alignment::SINGLES;
  return n % PACK<T> == 0 ? Alignment::PACKS : Alignment::SHIFTED;
}
// The same where other operands than rows, such as weights, have to lie on 16 bytes as well.
template <class T, class... P> static Alignment packRows(Size n, const P*... p) {
  const Alignment how = alignmentOf<T>(n, p...);
  return how == Alignment::SHIFTED ? Alignment::SINGLES : how;
}

// The sum of f(j) for the j below E: four sums side by side.
template <int E, class F> DEVICE float sumOver(F f) {
  float sums[4] = {};
#pragma unroll
  for (int j = 0; j < E; j++) sums[j % 4] += f(j);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

template <class S, bool WHOLE, class F> __global__ void __launch_bounds__(THREADS, 2) rowsKernel(Size begin, Size end, F f) {
  const Size row = begin + (Size)blockIdx.x * blockDim.y + threadIdx.y;
  if (row < end) f.template run<S, WHOLE>(row);
}

constexpr int LONG_THREADS = 512;
template <class S, int STEP, class F> __global__ void __launch_bounds__(STEP, 1024 / STEP) keptRowsKernel(Size begin, F f) {
  f.template run<S, false>(begin + blockIdx.x);
}

// Bytes of shared memory that a block may have.
inline Size mostShared() {
  int device = 0, bytes = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  return bytes;
}

// Whether f calls keep and again, as its constant KEEPS says.
template <class F, class = void> struct Keeps : std::false_type {};
template <class F> struct Keeps<F, std::void_t<decltype(F::KEEPS)>> : std::bool_constant<F::KEEPS> {};

// Whether f asks a Span for its places, and may be given rows that are shifted: its constant SHIFTS.
template <class F, class = void> struct Shifts : std::false_type {};
template <class F> struct Shifts<F, std::void_t<decltype(F::SHIFTS)>> : std::bool_constant<F::SHIFTS> {};

// Rows that are longer than this are not for forRows.
constexpr Size LONGEST = INT32_MAX - 32 * THREADS;

// f.run<S, WHOLE>(row), S a Span of elements T, for each row of [begin, end), of n elements: WHOLE where a single chunk is all.
template <class T, Alignment HOW, class F> void forRows(Size n, Size begin, Size end, F f) {
  const Size rows = end - begin;
  if (rows <= 0) return;
  // Rows of a warp are short enough to be read one element at a time.
  constexpr Alignment SHORT = HOW == Alignment::PACKS ? HOW : Alignment::SINGLES;
  const bool warps = n <= 1024;
  const dim3 block = warps ? dim3(32, THREADS / 32) : dim3(THREADS);
  const unsigned grid = (unsigned)((rows + block.y - 1) / block.y);
  if (n <= 256) {
    LAUNCH(grid, block, (rowsKernel<Span<T, 32, 8, SHORT>, true, F>), begin, end, f);
  } else if (n <= 768) {
    LAUNCH(grid, block, (rowsKernel<Span<T, 32, 24, SHORT>, true, F>), begin, end, f);
  } else if (warps) {
    LAUNCH(grid, block, (rowsKernel<Span<T, 32, 32, SHORT>, true, F>), begin, end, f);
  } else if (HOW == Alignment::PACKS && n <= 8 * THREADS) {
    LAUNCH(grid, block, (rowsKernel<Span<T, THREADS, 8, SHORT>, true, F>), begin, end, f);
  } else if (HOW != Alignment::SINGLES && (HOW == Alignment::PACKS ? n : n + PACK<T>) <= 32 * THREADS) {
    LAUNCH(grid, block, (rowsKernel<Span<T, THREADS, 32, HOW>, true, F>), begin, end, f);
  } else {
    if constexpr (Keeps<F>::value && HOW != Alignment::SINGLES) {
      // Besides a row, a block has sums of its warps there.
      const Size bytes = (n + PACK<T>) * (Size)sizeof(T);
      if (bytes + 1024 <= mostShared()) {
        if (n > 32 * LONG_THREADS) {
          LAUNCH_SHARED(bytes, grid, LONG_THREADS, (keptRowsKernel<KeptSpan<T, LONG_THREADS, 16, HOW>, LONG_THREADS, F>), begin, f);
        } else {
          LAUNCH_SHARED(bytes, grid, THREADS, (keptRowsKernel<KeptSpan<T, THREADS, 16, HOW>, THREADS, F>), begin, f);
        }
        return;
      }
    }
    LAUNCH(grid, block, (rowsKernel<Span<T, THREADS, 16, HOW>, false, F>), begin, end, f);
  }
}
template <class T, class F> void forRows(Size n, Alignment how, Size begin, Size end, F f) {
  if (how == Alignment::PACKS) return forRows<T, Alignment::PACKS>(n, begin, end, f);
  if constexpr (Shifts<F>::value) {
    if (how == Alignment::SHIFTED) return forRows<T, Alignment::SHIFTED>(n, begin, end, f);
  }
  forRows<T, Alignment::SINGLES>(n, begin, end, f);
}

// The sum over a row of threads.
DEVICE inline float rowSum(float value) { return blockReduce(value, 0.0f, Plus()); }
DEVICE inline double rowSum(double value) { return blockReduce(value, 0.0, Plus()); }
DEVICE inline float rowMost(float value) { return blockReduce(value, -INFINITY, Larger()); }
// What sums of rows are kept in.
template <bool WHOLE> using RowSum = std::conditional_t<WHOLE, float, double>;

// A number to subtract from others: 0 in the place of an infinity.
DEVICE inline float finite(float x) { return std::fabs(x) == INFINITY ? 0.0f : x; }

// The greatest of a row, and the sum of exp(x - greatest), in one pass over it. Of a WHOLE row, r holds the only chunk after
// it, or those exponentials. An infinite maximum counts as 0 with INFINITE, and gives a sum that is not a number without.
template <bool INFINITE, bool EXPONENTIALS, bool WHOLE, class S, class T>
DEVICE RowSum<WHOLE> rowExponentials(S span, const T* row, float (&r)[S::E], float& most) {
  constexpr int E = S::E;
  most = -INFINITY;
  RowSum<WHOLE> sum = 0;
  for (int base = 0; base < (WHOLE ? 1 : span.end()); base += S::CHUNK) {
    span.keep(r, row, base, -INFINITY);
    const float before = most;
#pragma unroll
    for (int j = 0; j < E; j++) most = Larger()(most, r[j]);
    if (!WHOLE) {
      const float top = finite(most);
      sum = (sum == 0 ? 0 : sum * std::exp(before - top)) + sumOver<E>([&](int j) { return std::exp(r[j] - top); });
    }
  }
  const float own = finite(most);
  most = rowMost(most);
  if (INFINITE) most = finite(most);
  if (WHOLE) {
    sum = sumOver<E>([&](int j) {
      const float e = std::exp(r[j] - most);
      if (EXPONENTIALS) r[j] = e;
      return e;
    });
  } else {
    sum = !INFINITE && std::fabs(most) == INFINITY ? NAN : sum == 0 ? 0 : sum * std::exp(own - most);
  }
  return rowSum(sum);
}
