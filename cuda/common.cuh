// What the families share: how kernels are listed, launched over a range, and reduced over a block.
//
// A kernel of the manifest (src/backend/kernels.ts) is a host function here, of the same name and parameters:
//   out, in, inout -> pointers     size -> Size     scalar -> double     scratch -> Scratch, which kernels here do without
// It launches what computes on the current stream. The families list their kernels in tables; the library tells the tables'
// names and parameters to whoever loads it, so there are no numbers of operations to keep in step.
#pragma once
#include <utility>

#include "port.cuh"

using Size = int64_t;
using Byte = uint8_t;

// Scratch space of the CPU's kernels.
struct Scratch {};

// ---------------------------------------------------------------- the table of kernels

struct Kernel {
  const char* name;
  // One letter for each parameter: p pointer, n whole number, f number, s scratch.
  const char* parameters;
  // The alignment, in bytes, of each pointer; 1 for the others.
  const Byte* alignments;
  void (*run)(const double* values);
};

// Adds a family's kernels to the library's table: FAMILY(copy, KERNEL(copy_b1, copy<uint8_t>), ...).
struct Family {
  Family(const Kernel* kernels, int count);
};

template <class P> struct Parameter {
  static constexpr char kind = 'n';
  static constexpr Byte alignment = 1;
  static P from(double value) { return (P)value; }
};
template <class T> struct Parameter<T*> {
  static constexpr char kind = 'p';
  static constexpr Byte alignment = sizeof(T);
  static T* from(double value) { return (T*)(uintptr_t)value; }
};
template <> struct Parameter<void*> {
  static constexpr char kind = 'p';
  static constexpr Byte alignment = 1;
  static void* from(double value) { return (void*)(uintptr_t)value; }
};
template <> struct Parameter<const void*> : Parameter<void*> {};
template <> struct Parameter<double> {
  static constexpr char kind = 'f';
  static constexpr Byte alignment = 1;
  static double from(double value) { return value; }
};
template <> struct Parameter<Scratch> {
  static constexpr char kind = 's';
  static constexpr Byte alignment = 1;
  static Scratch from(double) { return {}; }
};

// The parameters of a host function, and a call of it with values from a command.
template <class F> struct Host;
template <class... P> struct Host<void (*)(P...)> {
  static constexpr char parameters[] = {Parameter<P>::kind..., 0};
  static constexpr Byte alignments[] = {Parameter<P>::alignment..., 0};
  template <void (*F)(P...)> static void run(const double* values) { unpack<F>(values, std::index_sequence_for<P...>{}); }
  template <void (*F)(P...), size_t... I> static void unpack(const double* values, std::index_sequence<I...>) {
    F(Parameter<P>::from(values[I])...);
  }
};

#define KERNEL(name, ...) \
  {#name, Host<decltype(&__VA_ARGS__)>::parameters, Host<decltype(&__VA_ARGS__)>::alignments, Host<decltype(&__VA_ARGS__)>::run<&__VA_ARGS__>}
// The same function template for several types of elements; the name without a suffix is float32's.
#define KERNEL_FLOATS(name, ...) KERNEL(name, __VA_ARGS__<float>), KERNEL(name##_f64, __VA_ARGS__<double>)
#define KERNEL_NUMBERS(name, ...) KERNEL_FLOATS(name, __VA_ARGS__), KERNEL(name##_i64, __VA_ARGS__<int64_t>)
#define KERNEL_ALL(name, ...) \
  KERNEL_NUMBERS(name, __VA_ARGS__), KERNEL(name##_i32, __VA_ARGS__<int32_t>), KERNEL(name##_u8, __VA_ARGS__<uint8_t>)
#define FAMILY(name, ...)                                   \
  static const Kernel name##_kernels[] = {__VA_ARGS__};     \
  static const Family name##_family(name##_kernels, (int)(sizeof name##_kernels / sizeof(Kernel)));

// ---------------------------------------------------------------- launches

// Bytes of working space on the device that a kernel may use for itself: commands are carried out one after the other. There
// is more, `current.room`, where the caller asked for it (`backend.scratch(bytes, atOnce)`).
constexpr Size WORKSPACE = 32 << 20;

// Of the command that is being carried out: the stream, the working space and its bytes, the kernel's name, and the first
// error.
struct Current {
  cudaStream_t stream;
  void* workspace;
  Size room;
  const char* name;
  cudaError_t error;
  // Whether the next command is a call of the same kernel, and will be carried out: see Gathered.
  bool more;
};
extern thread_local Current current;

// With `bytes` of dynamic shared memory, up to what the device has (227 KB on an H100, 163 KB on an A100).
#define LAUNCH_SHARED(bytes, grid, block, kernel, ...)                                                                 \
  do {                                                                                                                 \
    cudaError_t error_ = launchKernel(current.name, kernel, grid, block, bytes, current.stream, __VA_ARGS__);          \
    if (current.error == cudaSuccess) current.error = error_;                                                          \
  } while (0)
#define LAUNCH(grid, block, kernel, ...) LAUNCH_SHARED(0, grid, block, kernel, __VA_ARGS__)

// What calls of one kernel that come one after the other are about: one launch does for all of them. A host function adds its
// own part, and launches when `add` says so. Parts must not depend on each other: the first address of each is what it writes.
constexpr int MOST_PARTS = 16;
template <class Part> struct Gathered {
  int count;
  Part parts[MOST_PARTS];
  bool add(const Part& part) {
    parts[count++] = part;
    return !current.more || count == MOST_PARTS;
  }
  bool has(const void* written) const {
    for (int i = 0; i < count; i++) {
      if (parts[i].p == written) return true;
    }
    return false;
  }
};

constexpr int THREADS = 256;
// As many blocks as keep every GPU busy; a thread goes on with a stride when there are more elements.
constexpr Size MOST_BLOCKS = 8192;

template <class F> __global__ void eachKernel(Size begin, Size end, F f) {
  const Size step = (Size)gridDim.x * blockDim.x;
  for (Size i = begin + (Size)blockIdx.x * blockDim.x + threadIdx.x; i < end; i += step) f(i);
}

// f(i) for each i of [begin, end), each in a thread.
template <class F> void forEach(Size begin, Size end, F f) {
  const Size n = end - begin;
  if (n <= 0) return;
  const int threads = n < THREADS ? (int)((n + 31) / 32 * 32) : THREADS;
  const Size blocks = (n + threads - 1) / threads;
  LAUNCH((unsigned)(blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS), threads, eachKernel<F>, begin, end, f);
}

template <class F> __global__ void blocksKernel(Size begin, Size end, F f) {
  for (Size i = begin + blockIdx.x; i < end; i += gridDim.x) f(i);
}

// f(i) for each i of [begin, end), each by a whole block of `threads` threads: a multiple of 32.
template <class F> void forBlocks(Size begin, Size end, int threads, F f) {
  const Size n = end - begin;
  if (n <= 0) return;
  LAUNCH((unsigned)(n < MOST_BLOCKS ? n : MOST_BLOCKS), threads, blocksKernel<F>, begin, end, f);
}

// ---------------------------------------------------------------- reductions over a block

struct Plus {
  template <class T> DEVICE T operator()(T a, T b) const { return a + b; }
};
// Not-a-number wins.
struct Larger {
  template <class T> DEVICE T operator()(T a, T b) const { return a != a || a > b ? a : b; }
};
struct Smaller {
  template <class T> DEVICE T operator()(T a, T b) const { return a != a || a < b ? a : b; }
};

// op over the values of all threads of a block, in a fixed order; every thread gets the result. Barriers: all threads come here.
template <class T, class F> DEVICE T blockReduce(T value, T neutral, F op) {
  SHARED(T, part, [32]);
  for (int d = 16; d > 0; d >>= 1) value = op(value, (T)__shfl_xor_sync(0xffffffffu, value, d));
  const int warps = blockDim.x / 32, lane = threadIdx.x % 32;
  if (warps == 1) return value;
  __syncthreads();  // the last call's part may still be read
  if (lane == 0) part[threadIdx.x / 32] = value;
  __syncthreads();
  value = lane < warps ? part[lane] : neutral;
  for (int d = 16; d > 0; d >>= 1) value = op(value, (T)__shfl_xor_sync(0xffffffffu, value, d));
  return value;
}

template <class T> DEVICE T blockSum(T value) { return blockReduce(value, T(0), Plus()); }

// ---------------------------------------------------------------- slices: [outer, n, inner] along the middle axis

// What goes through a slice: one thread by itself, or a row of a block's threads together: all of them, or one warp of
// several. A reduction gives every thread the result.
struct Alone {
  DEVICE int first() const { return 0; }
  DEVICE int step() const { return 1; }
  template <class T, class F> DEVICE T reduce(T value, T, F) const { return value; }
};
struct Together {
  DEVICE int first() const { return threadIdx.x; }
  DEVICE int step() const { return blockDim.x; }
  template <class T, class F> DEVICE T reduce(T value, T neutral, F op) const { return blockReduce(value, neutral, op); }
};

template <class F> __global__ void slicesAloneKernel(Size begin, Size end, F f) {
  const Size step = (Size)gridDim.x * blockDim.x;
  for (Size i = begin + (Size)blockIdx.x * blockDim.x + threadIdx.x; i < end; i += step) f(Alone(), i);
}
template <class F> __global__ void slicesTogetherKernel(Size begin, Size end, F f) {
  const Size step = (Size)gridDim.x * blockDim.y;
  for (Size i = begin + (Size)blockIdx.x * blockDim.y + threadIdx.y; i < end; i += step) f(Together(), i);
}

// f(group, i) for each slice i of [begin, end), of n elements that lie `inner` apart: short ones, and many whose
// neighbours lie side by side, go to a thread each, the others to a warp or a block each.
template <class F> void forSlices(Size n, Size inner, Size begin, Size end, F f) {
  const Size slices = end - begin;
  if (slices <= 0) return;
  if (n <= 8 || (inner > 1 && slices >= 4096)) {
    const int threads = slices < THREADS ? (int)((slices + 31) / 32 * 32) : THREADS;
    const Size blocks = (slices + threads - 1) / threads;
    LAUNCH((unsigned)(blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS), threads, slicesAloneKernel<F>, begin, end, f);
  } else {
    const int warps = n > 512 ? 1 : slices < THREADS / 32 ? (int)slices : THREADS / 32;
    const Size blocks = (slices + warps - 1) / warps;
    LAUNCH((unsigned)(blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS), dim3(n > 512 ? THREADS : 32, warps), slicesTogetherKernel<F>, begin, end, f);
  }
}

// Where slice i begins.
inline DEVICE Size sliceStart(Size i, Size n, Size inner) {
  const Size outer = i / inner;
  return outer * n * inner + (i - outer * inner);
}

// What sums are kept in: float64 where the elements are float32, so that long sums stay as exact as the CPU's.
template <class T> struct Sum {
  using type = T;
};
template <> struct Sum<float> {
  using type = double;
};
template <class T> using SumOf = typename Sum<T>::type;
