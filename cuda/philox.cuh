// Random numbers that are computed from their place: Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", 2011), and which thread draws which element as PyTorch has it on CUDA, so that equal seeds give its
// numbers on the same GPU.
//
// A generator is a seed and an offset in the device's memory. A thread t of a draw encrypts the counters
// (offset / 4 + r, t), r = 0, 1, ..., under the seed; each gives four words. The draw then moves the offset on.
#pragma once
#include "common.cuh"

struct Generator {
  uint64_t seed, offset;
  // Blocks of the draw in progress that are done.
  unsigned done, unused;
  uint64_t reserved;
};

// The four words for a counter of 128 bits.
inline DEVICE uint4 philox(uint64_t seed, uint64_t low, uint64_t high) {
  unsigned key0 = (unsigned)seed, key1 = (unsigned)(seed >> 32);
  unsigned x = (unsigned)low, y = (unsigned)(low >> 32), z = (unsigned)high, w = (unsigned)(high >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    const unsigned a = __umulhi(0xD2511F53u, x), b = 0xD2511F53u * x, c = __umulhi(0xCD9E8D57u, z), d = 0xCD9E8D57u * z;
    x = c ^ y ^ key0;
    y = d;
    z = a ^ w ^ key1;
    w = b;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return make_uint4(x, y, z, w);
}

// Uniform in (0, 1]: 32 bits rounded to float32, or 53 bits of two words.
inline DEVICE float unit(unsigned x) { return (float)x * 2.3283064365386963e-10f + 1.1641532182693481e-10f; }
inline DEVICE double unit(unsigned x, unsigned y) {
  const uint64_t bits = (uint64_t)x ^ (uint64_t)y << 21;
  return (double)bits * 1.1102230246251565e-16 + 5.5511151231257827e-17;
}

// What a draw takes its words from.
struct Source {
  uint64_t seed, offset;
  DEVICE uint4 operator()(Size thread, Size round) const { return philox(seed, offset / 4 + (uint64_t)round, (uint64_t)thread); }
};

constexpr int DRAWERS = 256;

// Blocks of a draw of n elements: as many as the multiprocessors hold at once, at most.
inline unsigned drawBlocks(Size n) {
  static thread_local int known = -1;
  static thread_local Size most = 0;
  int device = 0;
  cudaGetDevice(&device);
  if (device != known) {
    cudaDeviceProp properties;
    cudaGetDeviceProperties(&properties, device);
    most = (Size)properties.multiProcessorCount * (properties.maxThreadsPerMultiProcessor / DRAWERS);
    known = device;
  }
  const Size blocks = (n + DRAWERS - 1) / DRAWERS;
  return (unsigned)(blocks < most ? blocks : most);
}

template <class F> __global__ void __launch_bounds__(DRAWERS) drawKernel(Generator* generator, uint64_t step, F f) {
  const Source source{generator->seed, generator->offset};
  f((Size)blockIdx.x * DRAWERS + threadIdx.x, (Size)gridDim.x * DRAWERS, source);
  // Every block has read the offset when the last of them is done.
  __syncthreads();
  if (threadIdx.x == 0 && atomicAdd(&generator->done, 1u) == gridDim.x - 1) {
    generator->done = 0;
    generator->offset = source.offset + step;
  }
}

// f(thread, threads, source) in each thread of a draw of n elements. The offset moves
// by four for every round of `width` elements a thread.
template <class F> void forDrawers(Generator* generator, Size n, int width, F f) {
  if (n == 0) return;
  const unsigned blocks = drawBlocks(n);
  const uint64_t rounds = (uint64_t)((n - 1) / ((Size)blocks * DRAWERS * width) + 1);
  LAUNCH(blocks, DRAWERS, drawKernel<F>, generator, 4 * rounds, f);
}

// put(i, value) for each of n elements: make(words, values) gives WIDTH values for four words, for elements that lie as many
// apart as there are threads.
template <int WIDTH, class V, class F, class G> void draw(Generator* generator, Size n, F make, G put) {
  forDrawers(generator, n, WIDTH, [=] DEVICE(Size thread, Size threads, Source words) {
    for (Size first = thread, round = 0; first < n; first += threads * WIDTH, round++) {
      V values[WIDTH];
      make(words(thread, round), values);
#pragma unroll
      for (int k = 0; k < WIDTH; k++) {
        if (first + k * threads < n) put(first + k * threads, values[k]);
      }
    }
  });
}
