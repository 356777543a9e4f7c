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
  unsigned total, rows, columns, splits;
  int depth, slabs;

  // Number `i`; `depth` and `slabs` count slabs.
  [[maybe_unused]] DEVICE Item at(unsigned i) const {
    const unsigned tiles = rows * columns, matrix = i / tiles;
    const TilePlace place = tilePlace(i - matrix * tiles, rows, columns);
    const int split = (int)(matrix % splits), begin = split * depth, rest = slabs - begin;
    return {matrix / splits, place.row, place.column, split, begin, rest < depth ? rest : depth};
  }
};

// Matrices [batches, rows, width] as the copy engine sees them, for boxes of [boxRows, boxWidth]; elements have `size` bytes,
// `row` and `batch` are strides. False when they are not aligned for that.
bool describeMatrix(CUtensorMap& map, CUtensorMapDataType type, int size, const void* data, Size width, Size rows, Size row, Size batches,
                    Size batch, int boxWidth, int boxRows, CUtensorMapSwizzle swizzle);
