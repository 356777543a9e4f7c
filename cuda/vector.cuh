// Elementwise kernels: y[i] = f(x[i], ...), each thread doing as many neighbours as 16 bytes hold of the widest type, in one
// access. What does not lie on such boundaries goes one element at a time.
//
// y may be one of the operands: a thread reads what it needs before it writes.
#pragma once
#include "narrow.cuh"

// N neighbouring elements; no access is wider than 16 bytes.
template <class T, int N> struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
  T at[N];
};

constexpr int widest(std::initializer_list<size_t> sizes) {
  size_t most = 1;
  for (size_t size : sizes) most = size > most ? size : most;
  return (int)most;
}
// How many elements of these types go into an access.
template <class... T> constexpr int PACK = 16 / widest({sizeof(T)...});

template <int N, class T> static bool packed(const T* p) { return (uintptr_t)p % (sizeof(T) * N) == 0; }

template <int N, class T> DEVICE Pack<T, N> loadPack(const T* p) { return *(const Pack<T, N>*)p; }
template <int N, class T> DEVICE void storePack(T* p, const Pack<T, N>& values) { *(Pack<T, N>*)p = values; }

template <int N, class F, class Y, class... X> DEVICE void applyPack(const F& f, Y* y, const Pack<X, N>&... x) {
  Pack<Y, N> result;
#pragma unroll
  for (int k = 0; k < N; k++) result.at[k] = f(x.at[k]...);
  storePack<N>(y, result);
}

template <int N, class F, class Y, class... X> __global__ void mapKernel(Size n, F f, Y* y, const X*... x) {
  const Size i = ((Size)blockIdx.x * blockDim.x + threadIdx.x) * N;
  if (i + N <= n) {
    applyPack<N>(f, y + i, loadPack<N>(x + i)...);
  } else {
    for (Size k = i; k < n; k++) y[k] = f(x[k]...);
  }
}

// Blocks of THREADS threads for n threads.
inline unsigned blocksOf(Size n) { return (unsigned)((n + THREADS - 1) / THREADS); }

// y[i] = f(x[i], ...) for each i of [begin, end): contiguous operands.
template <class F, class Y, class... X> void map(Size begin, Size end, F f, Y* y, const X*... x) {
  const Size n = end - begin;
  if (n <= 0) return;
  constexpr int N = PACK<Y, X...>;
  if (packed<N>(y + begin) && (packed<N>(x + begin) && ...)) {
    LAUNCH(blocksOf((n + N - 1) / N), THREADS, (mapKernel<N, F, Y, X...>), n, f, y + begin, x + begin...);
  } else {
    LAUNCH(blocksOf(n), THREADS, (mapKernel<1, F, Y, X...>), n, f, y + begin, x + begin...);
  }
}

// a / b: a division of 32 bits where they are enough, as that of 64 takes longer than the rest of a kernel.
inline DEVICE Size quotient(Size a, Size b) { return (a | b) >> 32 ? a / b : (Size)((uint32_t)a / (uint32_t)b); }

// An operand that is broadcast: see binary.cuh.
template <class T> struct Operand {
  const T* p;
  Size row, column;
  // N neighbours of row r from column c on.
  template <int N> DEVICE Pack<T, N> get(Size r, Size c) const {
    const T* from = p + r * row + c * column;
    if (N > 1 && column == 1) return loadPack<N>(from);
    Pack<T, N> values;
    if (column == 0) {
      const T value = *from;
#pragma unroll
      for (int k = 0; k < N; k++) values.at[k] = value;
    } else {
#pragma unroll
      for (int k = 0; k < N; k++) values.at[k] = from[k * column];
    }
    return values;
  }
  template <int N> bool packs() const { return column != 1 || (packed<N>(p) && row % N == 0); }
};

template <int N, class F, class Y, class... X>
__global__ void broadcastKernel(Size columns, Size begin, Size end, F f, Y* y, Operand<X>... x) {
  const Size i = begin + ((Size)blockIdx.x * blockDim.x + threadIdx.x) * N;
  if (i >= end) return;
  const Size r = i < columns ? 0 : quotient(i, columns);
  const Size c = i - r * columns;
  if (i + N <= end) {
    applyPack<N>(f, y + i, x.template get<N>(r, c)...);
  } else {
    for (Size k = 0; k < end - i; k++) y[i + k] = f(x.p[r * x.row + (c + k) * x.column]...);
  }
}

// y[i] = f(x, ...) for each i of [begin, end) of a contiguous y [rows, columns].
template <class F, class Y, class... X> void broadcastMap(Size columns, Size begin, Size end, F f, Y* y, Operand<X>... x) {
  const Size n = end - begin;
  if (n <= 0) return;
  if (((x.row == columns * x.column) && ...)) columns = end;  // one long row
  constexpr int N = PACK<Y, X...>;
  if ((columns % N == 0 || end <= columns) && begin % N == 0 && packed<N>(y) && (x.template packs<N>() && ...)) {
    LAUNCH(blocksOf((n + N - 1) / N), THREADS, (broadcastKernel<N, F, Y, X...>), columns, begin, end, f, y, x...);
  } else {
    LAUNCH(blocksOf(n), THREADS, (broadcastKernel<1, F, Y, X...>), columns, begin, end, f, y, x...);
  }
}
