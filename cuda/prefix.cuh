// Running totals over the threads of a block.
#pragma once
#include "common.cuh"

// The sum of `value` over the threads before this one; *total gets that of all threads. Barriers: all threads come here.
inline DEVICE int blockPrefix(int value, int* total) {
  SHARED(int, sums, [32]);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  int sum = value;
  for (int d = 1; d < 32; d <<= 1) {
    const int other = __shfl_up_sync(0xffffffffu, sum, d);
    if (lane >= d) sum += other;
  }
  __syncthreads();  // the last call's sums may still be read
  if (lane == 31) sums[warp] = sum;
  __syncthreads();
  int before = 0, all = 0;
  for (int w = 0; w < warps; w++) {
    if (w == warp) before = all;
    all += sums[w];
  }
  *total = all;
  return before + sum - value;
}
