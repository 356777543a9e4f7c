// Running totals over a block and over the whole device: what tells each element where its output goes.
#pragma once
#include "common.cuh"

constexpr int SUMMERS = 256, SUM_WARPS = SUMMERS / 32;

// The sum of the values of the threads before this one; `total` becomes that of all 256. Barriers: all threads come here.
template <class T> DEVICE T sumBefore(T value, T& total) {
  SHARED(T, part, [SUM_WARPS]);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  T sum = value;
  for (int d = 1; d < 32; d <<= 1) {
    const T other = __shfl_up_sync(0xffffffffu, sum, d);
    if (lane >= d) sum += other;
  }
  __syncthreads();  // the last call's parts may still be read
  if (lane == 31) part[warp] = sum;
  __syncthreads();
  T before = 0;
  total = 0;
  for (int w = 0; w < SUM_WARPS; w++) {
    if (w < warp) before += part[w];
    total += part[w];
  }
  return before + sum - value;
}

// Parts that a line of elements is cut into, each a block's, of tiles in which a thread has four neighbours.
constexpr Size MOST_PIECES = 1024, NEIGHBOURS = 4, LINE_TILE = SUMMERS * NEIGHBOURS;
struct Parts {
  Size n, tiles, parts;
  explicit Parts(Size n) : n(n), tiles((n + LINE_TILE - 1) / LINE_TILE), parts(tiles < MOST_PIECES ? tiles : MOST_PIECES) {}
  DEVICE Size begin(Size part) const { return tiles * part / parts * LINE_TILE; }
  DEVICE Size end(Size part) const {
    const Size end = begin(part + 1);
    return end < n ? end : n;
  }
};

// The sum of count(i), of whole numbers, over each part of n elements, in the working space.
template <class F> int64_t* partSums(Parts line, F count) {
  int64_t* sums = (int64_t*)current.workspace;
  forBlocks(0, line.parts, SUMMERS, [=] DEVICE(Size part) {
    int64_t sum = 0;
    for (Size i = line.begin(part) + threadIdx.x; i < line.end(part); i += SUMMERS) sum += count(i);
    sum = blockSum(sum);
    if (threadIdx.x == 0) sums[part] = sum;
  });
  return sums;
}

// The sum of `parts` sums, by a whole block.
inline DEVICE int64_t sumOfParts(const int64_t* sums, Size parts) {
  int64_t sum = 0;
  for (Size part = threadIdx.x; part < parts; part += blockDim.x) sum += sums[part];
  return blockSum(sum);
}

// put(i, before) for each of n elements: `before` is the sum of count over those before it. All lanes of a warp come to put
// together, those past the end with n or more.
template <class F, class G> void forSumsBefore(Size n, F count, G put) {
  const Parts line(n);
  const int64_t* sums = partSums(line, count);
  forBlocks(0, line.parts, SUMMERS, [=] DEVICE(Size part) {
    int64_t before = sumOfParts(sums, part);
    for (Size tile = line.begin(part); tile < line.end(part); tile += LINE_TILE) {
      const Size first = tile + threadIdx.x * NEIGHBOURS;
      int64_t counts[NEIGHBOURS], own = 0, all;
      for (Size k = 0; k < NEIGHBOURS; k++) own += counts[k] = first + k < n ? count(first + k) : 0;
      int64_t at = before + sumBefore(own, all);
      for (Size k = 0; k < NEIGHBOURS; k++) {
        put(first + k, at);
        at += counts[k];
      }
      before += all;
    }
  });
}
