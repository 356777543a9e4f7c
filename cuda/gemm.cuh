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

// The ways to compute one: each launches it and returns true, or returns false when it is not made for it.

// NVIDIA's library's, where it was found; else null.
extern bool (*libraryGemm)(const Gemm&);
// On tensor cores: all types but float32.
bool hopperGemm(const Gemm& g);
bool tensorGemm(const Gemm& g);
// float32, on the ordinary arithmetic units.
bool tiledGemm(const Gemm& g);
