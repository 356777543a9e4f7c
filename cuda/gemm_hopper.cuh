// What products of matrices by the instructions of compute capability 9.0 share: as many blocks as there are SMs go through
// tiles of c, in each of which some warps have the copy engine bring slabs of a and b to shared memory, and others multiply them.
#pragma once
#include "gemm.cuh"
#include "hopper.cuh"

// A tile of c and a range of k.
struct Item {
  Size batch, row, column;
  int split, begin, count;
};

struct Items {
  Size total, rows, columns;
  // `depth` and `slabs` count slabs. The splits of a tile are neighbours: where they are `together`, a cluster does them.
  int splits, depth, slabs;
  bool together;

  // Number `i`.
  [[maybe_unused]] DEVICE Item at(Size i) const {
    const Size tile = i / splits, tiles = rows * columns, matrix = tile / tiles;
    const TilePlace place = tilePlace(tile - matrix * tiles, rows, columns);
    const int split = (int)(i - tile * splits), begin = split * depth, rest = slabs - begin;
    return {matrix, place.row, place.column, split, begin, rest < depth ? rest : depth};
  }
};

// A cluster adds at most so many splits.
constexpr int TOGETHER = 8;

#ifdef HOPPER_DEVICE
// Adds the sums of a cluster's blocks, each [ROWS, COLUMNS] in rows of PITCH, in the blocks' order, and stores the results, each
// block some of the rows. `thread` of so many of each block.
template <class T, int ROWS, int COLUMNS, int PITCH>
DEVICE void storeTogether(const Gemm& g, const float* sums, Size batch, Size i0, Size j0, int blocks, int thread, int threads) {
  constexpr int WIDTH = COLUMNS / 4;
  hopper::clusterSync();
  const Size j = j0 + thread % WIDTH * 4;
  const bool vectors = g.n % 4 == 0 && (uintptr_t)g.c % (4 * sizeof(T)) == 0;
  for (int r = hopper::clusterRank() + blocks * (thread / WIDTH); r < ROWS && i0 + r < g.m; r += blocks * (threads / WIDTH)) {
    if (j >= g.n) break;
    const float* const from = sums + r * PITCH + thread % WIDTH * 4;
    float4 sum = hopper::readOf(0, from);
    for (int b = 1; b < blocks; b++) {
      const float4 v = hopper::readOf(b, from);
      sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
    }
    const Size row = batch * g.m + i0 + r;
    const float z[4] = {sum.x, sum.y, sum.z, sum.w};
    struct alignas(4 * sizeof(T)) Results {
      T x[4];
    } results;
#pragma unroll
    for (int e = 0; e < 4; e++) results.x[e] = j + e < g.n ? finish<T>(g, row, j + e, z[e]) : T(0.0f);
    T* const to = (T*)g.c + row * g.n + j;
    if (vectors) {
      *(Results*)to = results;
    } else {
#pragma unroll
      for (int e = 0; e < 4; e++) {
        if (j + e < g.n) to[e] = results.x[e];
      }
    }
  }
  hopper::clusterSync();
}
#endif

// Launches a kernel in clusters of so many blocks.
template <class... P>
void launchClusters(int size, unsigned blocks, int threads, int bytes, void (*kernel)(P...), typename NoDeduce<P>::type... arguments) {
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = (unsigned)size, cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
  config.gridDim = blocks, config.blockDim = threads, config.dynamicSmemBytes = bytes, config.stream = current.stream;
  config.attrs = &cluster, config.numAttrs = 1;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error == cudaSuccess) error = cudaLaunchKernelEx(&config, kernel, arguments...);
  if (current.error == cudaSuccess) current.error = error;
}

// Matrices [batches, rows, width] as the copy engine sees them, for boxes of [boxRows, boxWidth]; elements have `size` bytes,
// `row` and `batch` are strides. False when they are not aligned for that.
bool describeMatrix(CUtensorMap& map, CUtensorMapDataType type, int size, const void* data, Size width, Size rows, Size row, Size batches,
                    Size batch, int boxWidth, int boxRows, CUtensorMapSwizzle swizzle);
