// Products of float32 matrices on the ordinary arithmetic units, in tiles of gemm_float32.cuh: a thread does 8 x 4, 8 x 8 or
// 8 x 16 results.
#include "gemm_float32.cuh"

namespace {

template <int TILE_M, int TILE_N, int COLUMNS, int RESIDENT, Load LOAD_A, Load LOAD_B>
__global__ void __launch_bounds__(ThreadTile<TILE_M, TILE_N, COLUMNS>::THREADS, RESIDENT)
    float32Kernel(Gemm g, Size depth, float* parts) {
  using Threads = ThreadTile<TILE_M, TILE_N, COLUMNS>;
  constexpr int THREADS = Threads::THREADS;
  SHARED(float4, slabs, [Threads::SLABS / 4]);
  const TilePlace place = tilePlace(blockIdx.x, (g.m + TILE_M - 1) / TILE_M, (g.n + TILE_N - 1) / TILE_N);
  const Size i0 = place.row * TILE_M, j0 = place.column * TILE_N, t = blockIdx.z;
  const Size begin = blockIdx.y * depth, end = begin + depth < g.k ? begin + depth : g.k;
  Loader<TILE_M, THREADS, LOAD_A> loadA((const float*)g.a + t * g.aBatch, g.aColumn, g.aRow, begin, i0, g.m);
  Loader<TILE_N, THREADS, LOAD_B> loadB((const float*)g.b + t * g.bBatch, g.bRow, g.bColumn, begin, j0, g.n);
  const bool inside = i0 + TILE_M <= g.m && j0 + TILE_N <= g.n;
  int left = (int)(end - begin);
  const auto fetch = [&](float* as, float* bs) {
    if (inside && left >= DEPTH) {
      loadA(as, true, DEPTH), loadB(bs, true, DEPTH);
    } else if (left > 0) {
      loadA(as, false, left), loadB(bs, false, left);
    }
    left -= DEPTH;
  };
  Threads threads;
  threads.add((float*)slabs, (int)((end - begin + DEPTH - 1) / DEPTH), fetch);

  const bool vectors = g.n % 4 == 0 && ((uintptr_t)g.c & 15) == 0;
#pragma unroll
  for (int r = 0; r < 8; r++) {
    const Size i = i0 + Threads::rowOf(r);
    if (i >= g.m) continue;
    const Size place = t * g.m + i;
    float* to = parts ? parts + ((Size)blockIdx.y * g.batches * g.m + place) * g.n : (float*)g.c + place * g.n;
#pragma unroll
    for (int v = 0; v < COLUMNS / 4; v++) {
      const Size j = j0 + Threads::columnOf(4 * v);
      float z[4];
      for (int s = 0; s < 4; s++) {
        z[s] = threads.sum[r][4 * v + s];
        if (!parts && j + s < g.n) z[s] = finish<float>(g, place, j + s, z[s]);
      }
      if (vectors && j < g.n) {
        *(float4*)(to + j) = {z[0], z[1], z[2], z[3]};
      } else {
        for (int s = 0; s < 4; s++) {
          if (j + s < g.n) to[j + s] = z[s];
        }
      }
    }
  }
}

using Kernel = void (*)(Gemm, Size, float*);
#define OF(A, B) float32Kernel<TILE_M, TILE_N, COLUMNS, RESIDENT, A, B>
template <int TILE_M, int TILE_N, int COLUMNS, int RESIDENT> Kernel kernelOf(Load a, Load b) {
  static const Kernel kernels[2][2] = {{OF(VECTORS, VECTORS), OF(VECTORS, ALONG_K)}, {OF(ALONG_K, VECTORS), OF(ALONG_K, ALONG_K)}};
  return kernels[a][b];
}
// Of operands that are contiguous along the side, but not aligned.
template <int TILE_M, int TILE_N, int COLUMNS, int RESIDENT> Kernel unalignedKernelOf(Load a, Load b) {
  if (a != ALONG_SIDE) return a == VECTORS ? OF(VECTORS, ALONG_SIDE) : OF(ALONG_K, ALONG_SIDE);
  return b == VECTORS ? OF(ALONG_SIDE, VECTORS) : b == ALONG_K ? OF(ALONG_SIDE, ALONG_K) : OF(ALONG_SIDE, ALONG_SIDE);
}
#undef OF

Load loadOf(const void* data, Size step, Size sideStep, Size batch) {
  if (sideStep == 1 && step % 4 == 0 && batch % 4 == 0 && ((uintptr_t)data & 15) == 0) return VECTORS;
  return step == 1 || sideStep != 1 ? ALONG_K : ALONG_SIDE;
}

const Tile TILES[] = {{128, 256, 86, 82}, {128, 128, 84, 80}, {64, 64, 75, 55}};

}  // namespace

bool tiledGemm(const Gemm& g) {
  if (g.type != GemmType::float32 || g.k >= 1 << 30) return false;
  const Load a = loadOf(g.a, g.aColumn, g.aRow, g.aBatch), b = loadOf(g.b, g.bRow, g.bColumn, g.bBatch);
  const bool unaligned = a == ALONG_SIDE || b == ALONG_SIDE;
  Cut cut = cutGemm(g, unaligned ? TILES + 1 : TILES, unaligned ? 1 : 3, DEPTH);
  if (unaligned) cut.tile = 1;
  else if (onlyTile < 0 && hopperFloat32Gemm(g, cut.cycles)) return true;
  const Tile& tile = TILES[cut.tile];
  const auto kernel = unaligned       ? unalignedKernelOf<128, 128, 8, 2>(a, b)
                      : cut.tile == 0 ? kernelOf<128, 256, 16, 1>(a, b)
                      : cut.tile == 1 ? kernelOf<128, 128, 8, 2>(a, b)
                                      : kernelOf<64, 64, 4, 4>(a, b);
  const int threads = cut.tile == 2 ? 128 : 256;
  const Size blocks = (g.m + tile.rows - 1) / tile.rows * ((g.n + tile.columns - 1) / tile.columns);
  float* parts = cut.splits > 1 ? (float*)current.workspace : nullptr;
  // Batches beyond what a grid has go in further launches.
  for (Size first = 0; first < g.batches; first += 65535) {
    const Gemm part = someBatches(g, first, 4);
    LAUNCH(dim3((unsigned)blocks, (unsigned)cut.splits, (unsigned)part.batches), threads, kernel, part, cut.depth, parts);
  }
  if (parts) joinSplits(g, cut.splits);
  return true;
}
