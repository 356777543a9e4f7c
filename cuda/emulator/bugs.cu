// Kernels with one bug each, which the emulator must find: a program of its own, run by tests/cuda_emulator_test.ts. Those
// that an argument names are AddressSanitizer's to find.
#include "../tensor_core.cuh"

#include <cstdio>

extern "C" void emu_reset();

static __global__ void divergentBarrier(float* x) {
  if (threadIdx.x < 32) {
    x[0] = 1;
    __syncthreads();
  } else {
    x[1] = 1;
    __syncthreads();
  }
}
static __global__ void shuffleOfExitedLane(float* x) {
  if (threadIdx.x >= 20) return;
  x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}
// Launched with 40 threads.
static __global__ void shuffleOfPartialWarp(float* x) { x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1); }
static __global__ void divergentShuffle(float* x) {
  float v = (float)threadIdx.x;
  if (threadIdx.x & 1) {
    v = __shfl_xor_sync(0xffffffffu, v, 1);
  } else {
    v = __shfl_xor_sync(0xffffffffu, v, 2);
  }
  x[threadIdx.x] = v;
}
static __global__ void barrierAgainstShuffle(float* x) {
  if (threadIdx.x == 0) {
    __syncthreads();
  } else {
    x[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 0);
  }
  __syncthreads();
}
static __global__ void tooMuchShared(float* x) {
  SHARED(float, s, [20000]);
  s[threadIdx.x] = 1;
  x[0] = s[0];
}
static __global__ void uninitialisedShared(float* x) {
  SHARED(float, s, [64]);
  if (threadIdx.x < 32) s[threadIdx.x] = 1;
  __syncthreads();
  x[threadIdx.x] = s[threadIdx.x];
}
static __global__ void missingBarrier(float* x) {
  SHARED(float, s, [64]);
  s[threadIdx.x] = (float)threadIdx.x;
  x[threadIdx.x] = s[63 - threadIdx.x];
}
static __global__ void missingWait(float* x) {
  DYNAMIC_SHARED(float, s);
  cpAsync4(s + threadIdx.x, x + threadIdx.x, 4);
  cpAsyncCommit();
  x[threadIdx.x] = s[threadIdx.x];
}
static __global__ void waitWithoutBarrier(float* x) {
  DYNAMIC_SHARED(float, s);
  cpAsync4(s + threadIdx.x, x + threadIdx.x, 4);
  cpAsyncCommit();
  cpAsyncWait<0>();
  x[threadIdx.x] = s[63 - threadIdx.x];
}
static __global__ void crookedRow(float* x) {
  DYNAMIC_SHARED(float, s);
  uint32_t r[4];
  ldmatrix(r, s + threadIdx.x);
  x[threadIdx.x] = (float)r[0];
}
static __global__ void crookedCopy(float* x) {
  DYNAMIC_SHARED(float, s);
  cpAsync16(s + threadIdx.x, x, 16);
}
static __global__ void divergentProduct(float* x) {
  float d[4] = {};
  const uint32_t a[4] = {}, b[2] = {};
  if (threadIdx.x & 1) {
    mma<__half>(d, a, b);
  } else {
    mma<float>(d, a, b);
  }
  x[threadIdx.x] = d[0];
}
static __global__ void beyondGlobal(float* x) { x[threadIdx.x + 1] = 1; }
static __global__ void beyondShared(float* x) {
  SHARED(float, s, [64]);
  s[threadIdx.x + 1] = 1;
  __syncthreads();
  x[threadIdx.x] = s[threadIdx.x];
}
static __global__ void twos(float* x) { x[threadIdx.x] = 2; }

static int missed = 0;

static void expect(const char* bug, bool found) {
  printf("%s: %s\n", bug, found ? "found" : "MISSED");
  missed += !found;
}

// Whether launching, or waiting for what was launched, gives an error.
template <class K> static bool fails(const char* name, K kernel, dim3 grid, dim3 block, size_t shared, float* x) {
  emu_reset();
  const cudaError_t error = launchKernel(name, kernel, grid, block, shared, nullptr, x);
  return error != cudaSuccess || cudaDeviceSynchronize() != cudaSuccess;
}

int main(int count, char** arguments) {
  float *x, host[64];
  cudaMalloc(&x, sizeof host);
  if (count > 1) {
    const bool global = !strcmp(arguments[1], "global");
    launchKernel("bug", global ? beyondGlobal : beyondShared, 1, 64, 0, nullptr, x);
    return cudaDeviceSynchronize() == cudaSuccess ? 0 : 1;
  }

  expect("a divergent barrier", fails("divergentBarrier", divergentBarrier, 1, 64, 0, x));
  expect("a shuffle of a lane that has left", fails("shuffleOfExitedLane", shuffleOfExitedLane, 1, 32, 0, x));
  expect("a shuffle of a warp that is not full", fails("shuffleOfPartialWarp", shuffleOfPartialWarp, 1, 40, 0, x));
  expect("a divergent shuffle", fails("divergentShuffle", divergentShuffle, 1, 32, 0, x));
  expect("a barrier against a shuffle", fails("barrierAgainstShuffle", barrierAgainstShuffle, 1, 32, 0, x));
  expect("too much shared memory", fails("tooMuchShared", tooMuchShared, 1, 32, 0, x));
  expect("too many threads", fails("twos", twos, 1, 1025, 0, x));
  expect("too large a grid", fails("twos", twos, dim3(1, 70000), 32, 0, x));
  expect("too much dynamic shared memory", fails("twos", twos, 1, 32, 240000, x));
  expect("a row of ldmatrix that is not aligned", fails("crookedRow", crookedRow, 1, 32, 1024, x));
  expect("a copy to shared memory that is not aligned", fails("crookedCopy", crookedCopy, 1, 32, 1024, x));
  expect("a divergent product of a warp", fails("divergentProduct", divergentProduct, 1, 32, 0, x));

  emu_reset();
  launchKernel("uninitialisedShared", uninitialisedShared, 1, 64, 0, nullptr, x);
  cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
  expect("shared memory that is read before it is written", host[40] != host[40]);
  launchKernel("missingBarrier", missingBarrier, 1, 64, 0, nullptr, x);
  cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
  bool wrong = false;
  for (int i = 0; i < 64; i++) wrong |= host[i] != (float)(63 - i);
  expect("a missing barrier", wrong);
  for (const auto kernel : {missingWait, waitWithoutBarrier}) {
    for (int i = 0; i < 64; i++) host[i] = (float)i;
    cudaMemcpy(x, host, sizeof host, cudaMemcpyHostToDevice);
    launchKernel("copies", kernel, 1, 64, 256, nullptr, x);
    cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
    wrong = false;
    for (int i = 0; i < 64; i++) wrong |= host[i] != (float)(kernel == missingWait ? i : 63 - i);
    expect(kernel == missingWait ? "a copy that is not waited for" : "others' copies without a barrier", wrong);
  }

  expect("a copy past the end", cudaMemcpy(x, host, sizeof host + 4, cudaMemcpyHostToDevice) != cudaSuccess);
  expect("a copy in the wrong direction", cudaMemcpy(host, x, 16, cudaMemcpyHostToDevice) != cudaSuccess);
  float* y;
  cudaMalloc(&y, 64);
  cudaFree(y);
  expect("memory that is freed twice", cudaFree(y) != cudaSuccess);

  // With EMU_ASYNC=1 work waits until it is waited for.
  emu_reset();
  cudaStream_t s, t;
  cudaStreamCreate(&s);
  cudaStreamCreate(&t);
  host[0] = 7;
  launchKernel("twos", twos, 1, 64, 0, s, x);
  cudaMemcpyAsync(host, x, sizeof host, cudaMemcpyDeviceToHost, s);
  expect("host memory that is read too early", host[0] == 7);
  cudaStreamSynchronize(s);
  cudaMemset(x, 0, sizeof host);
  launchKernel("twos", twos, 1, 64, 0, s, x);
  cudaMemcpyAsync(host, x, sizeof host, cudaMemcpyDeviceToHost, t);
  cudaStreamSynchronize(t);
  expect("two streams without an event", host[0] == 0);
  cudaStreamSynchronize(s);

  expect("none where there is none", !fails("twos", twos, 1, 64, 60000, x));
  return missed;
}
