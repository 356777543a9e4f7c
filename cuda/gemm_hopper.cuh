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
  unsigned total, rows, columns;
  // `depth` and `slabs` count slabs. The splits of a tile are neighbours: where they are `together`, a cluster does them.
  unsigned splits;
  int depth, slabs;
  bool together;

  // Number `i`.
  [[maybe_unused]] DEVICE Item at(unsigned i) const {
    const unsigned tile = i / splits, tiles = rows * columns, matrix = tile / tiles;
    const TilePlace place = tilePlace(tile - matrix * tiles, rows, columns);
    const int split = (int)(i - tile * splits), begin = split * depth, rest = slabs - begin;
    return {matrix, place.row, place.column, split, begin, rest < depth ? rest : depth};
  }
};

// A cluster adds at most so many splits.
constexpr int TOGETHER = 8;

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
