// The one header for what CUDA gives: the CUDA runtime under nvcc, the emulator (emulator/) under any C++17 compiler.
//
// Kernels use plain CUDA and these spellings, which both understand:
//   SHARED(float, tile, [32][33]);    static shared memory: __shared__ float tile[32][33]
//   DYNAMIC_SHARED(float, slabs);     shared memory whose size the launch gives, 128-byte aligned: float* slabs
//   DEVICE                            a lambda, or a function, of the device
#pragma once

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

#define SHARED(T, name, dims) __shared__ T name dims
#define DYNAMIC_SHARED(T, name)                                  \
  extern __shared__ __align__(128) unsigned char dynamicShared[]; \
  T* name = reinterpret_cast<T*>(dynamicShared)
#define DEVICE __device__

// Arguments are converted to the parameters' types, which are deduced from the kernel alone.
template <class T> struct NoDeduce {
  using type = T;
};

template <class... P>
inline cudaError_t launchKernel(const char*, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                                typename NoDeduce<P>::type... arguments) {
  if (shared > 48 * 1024) {
    const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
    if (error != cudaSuccess) return error;
  }
  kernel<<<grid, block, shared, stream>>>(arguments...);
  return cudaGetLastError();
}
#else
#include "emulator/emulator.h"
#define DEVICE
#endif
