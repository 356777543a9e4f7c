// A product of matrices on its way to whatever computes it best: c[t, i, j] = sum over p of a(t, i, p) b(t, p, j) (+ bias).
#pragma once
#include "common.cuh"

enum class GemmType { float32, tf32, bfloat16, float16 };

// c is contiguous [batches, m, n] in the type of the inputs; sums are float32. Strides are in elements. What is added to
// row r of the batches * m rows of c stands at bias, which may be null, r * biasRow elements on: 0 for one bias [n], n for a
// whole matrix. With relu, negative results become 0.
struct Gemm {
  void* c;
  const void* a;
  const void* b;
  const void* bias;
  Size batches, m, n, k, aRow, aColumn, bRow, bColumn, aBatch, bBatch, biasRow;
  bool relu;
  // tf32: of float32 elements, which are rounded to tf32 before they are multiplied.
  GemmType type;
};

// Launches one by the quickest way that is made for it; false where there is none. tf32 may become float32.
bool quickGemm(const Gemm& g);

// The ways to compute one: each launches it and returns true, or returns false when it is not made for it.

// NVIDIA's library's, where it was found; else null.
extern bool (*libraryGemm)(const Gemm&);
// Few rows, or few columns: all types.
bool rowsGemm(const Gemm& g);
// On tensor cores: all types but float32.
bool hopperGemm(const Gemm& g);
bool tensorGemm(const Gemm& g);
bool tensorGemmBfloat16(const Gemm& g);
bool tensorGemmFloat16(const Gemm& g);
bool tensorGemmTf32(const Gemm& g);
// float32, on the ordinary arithmetic units; on Hopper's way if that is estimated to take fewer cycles than `most`.
bool hopperFloat32Gemm(const Gemm& g, float most);
bool tiledGemm(const Gemm& g);

// ---------------------------------------------------------------- tiles

// A size of tiles that a kernel has: a block does one at a time.
struct Tile {
  int rows, columns;
  // How many products and sums an SM does a cycle with such tiles, and with a single one.
  float rate, alone;
};

// How a product is cut: into tiles, and along k into `splits` ranges of `depth`, whose sums are added by a second pass.
struct Cut {
  int tile, splits;
  Size depth;
  // The estimate.
  float cycles;
};

// The cut that is estimated to take the least time. Ranges of k are multiples of `step`; the sums of the ranges have to fit
// in the working space.
// Only the tile of that place is taken where `onlyTile` is not negative, as the checks of cuda/check/gemm.cu ask.
extern int onlyTile, onlySplits;
Cut cutGemm(const Gemm& g, const Tile* tiles, int count, int step);
// c from the sums of the ranges, [splits, batches, m, n] in the working space.
void joinSplits(const Gemm& g, int splits);

// Of the current device: the number of SMs, the first figure of the compute capability, and the bytes of shared memory that a
// block may have.
int processors();
int capability();
int sharedMemory();

// The batches from `first` on, as many as a grid may have; of elements of `size` bytes.
inline Gemm someBatches(const Gemm& g, Size first, Size size) {
  Gemm part = g;
  part.batches = g.batches - first < 65535 ? g.batches - first : 65535;
  part.c = (char*)g.c + first * g.m * g.n * size;
  part.a = (const char*)g.a + first * g.aBatch * size;
  part.b = (const char*)g.b + first * g.bBatch * size;
  if (g.bias) part.bias = (const char*)g.bias + first * g.m * g.biasRow * size;
  return part;
}

// Tiles are numbered so that those which run at the same time lie in a square: they read the same rows and columns, which
// the L2 cache then holds.
struct TilePlace {
  Size row, column;
};
inline __host__ DEVICE TilePlace tilePlace(unsigned number, unsigned rows, unsigned columns) {
  constexpr unsigned BAND = 8;
  const unsigned first = number / (BAND * columns) * BAND, left = rows - first, height = left < BAND ? left : BAND;
  const unsigned inside = number - first * columns, column = inside / height;
  return {first + inside - column * height, column};
}

// A result as it is stored.
template <class T> DEVICE T finish(const Gemm& g, Size row, Size column, float sum) {
  if (g.bias) sum += (float)((const T*)g.bias)[row * g.biasRow + column];
  return T(g.relu && sum < 0 ? 0.0f : sum);
}
