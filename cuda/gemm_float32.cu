// Products of float32 matrices on the ordinary arithmetic units.
//
// A block does a tile of c: a thread 8 x 4, 8 x 8 or 8 x 16 results, whose columns and rows it reads from shared memory in
// vectors of 4. Slabs of a and b, DEPTH deep along k, come to shared memory by cp.async, two of them ahead of the one that is
// multiplied; the elements of the next step are read while those of this one are multiplied. Terms are added in the order
// of k.
#include "gemm.cuh"
#include "tensor_core.cuh"

namespace {

constexpr int DEPTH = 8, STAGES = 3;

// How an operand is read, a [k, side] matrix (of a, the side is m; of b, n): 16 bytes along the side where it is contiguous
// and aligned, else 4 bytes, neighbouring threads going along k or along the side.
enum Load { VECTORS, ALONG_K, ALONG_SIDE };

// Brings an operand's slabs to shared memory, one after the other, as [DEPTH, SIDE + 4]. What lies beyond the matrix's end
// is 0.
template <int SIDE, int THREADS, Load LOAD> struct Loader {
  static constexpr int PITCH = SIDE + 4, WIDTH = SIDE / 4;
  // Threads that go along the side, and along k.
  static constexpr int ROWS = LOAD == VECTORS ? WIDTH : LOAD == ALONG_K ? THREADS / DEPTH : SIDE, DEEP = THREADS / ROWS;
  static constexpr int EACH = SIDE * DEPTH / THREADS / (LOAD == VECTORS ? 4 : 1);

  const float *from, *valid;
  // Elements to the next slab, and to the next that this thread brings.
  Size slab, next;
  // This thread's first place in the slab, and how far it is to the matrix's end.
  int place, left;

  // A [k, side] matrix with elements `step` and `sideStep` apart, from (k0, s0) on.
  DEVICE Loader(const float* data, Size step, Size sideStep, Size k0, Size s0, Size side) {
    const int t = threadIdx.x, p = LOAD == ALONG_K ? t % DEPTH : t / ROWS;
    const int s = LOAD == VECTORS ? t % WIDTH * 4 : LOAD == ALONG_K ? t / DEPTH : t % SIDE;
    from = data + (k0 + p) * step + (s0 + s) * sideStep;
    valid = data;
    slab = DEPTH * step;
    next = LOAD == ALONG_K ? ROWS * sideStep : DEEP * step;
    place = p * PITCH + s;
    const Size rest = side - s0 - s;
    left = (int)(rest < -1 ? -1 : rest < SIDE ? rest : SIDE);
  }

  // With `whole` nothing of the slab lies beyond the end; else it has `depth` steps of k.
  DEVICE void operator()(float* to, bool whole, int depth) {
    const float* p = from;
#pragma unroll
    for (int r = 0; r < EACH; r++, p += next) {
      float* const at = to + place + r * (LOAD == ALONG_K ? ROWS : DEEP * PITCH);
      constexpr int most = LOAD == VECTORS ? 16 : 4;
      int bytes = most;
      if (!whole) {
        const int k = LOAD == ALONG_K ? threadIdx.x % DEPTH : threadIdx.x / ROWS + r * DEEP;
        const int rest = 4 * (left - (LOAD == ALONG_K ? r * ROWS : 0));
        bytes = k >= depth || rest <= 0 ? 0 : rest < most ? rest : most;
      }
      if (LOAD == VECTORS) {
        cpAsync16(at, bytes ? p : valid, bytes);
      } else {
        cpAsync4(at, bytes ? p : valid, bytes);
      }
    }
    from += slab;
  }
};

// One 4-vector of shared memory.
DEVICE void read4(float* to, const float* from) {
  const float4 v = *(const float4*)from;
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

// A warp's lanes lie 4 x 8; a lane has the rows 4 y .. 4 y + 3 and 16 more of its warp's 32, and the columns 4 x .. 4 x + 3
// of each 32 of its warp's 8 COLUMNS.
template <int TILE_M, int TILE_N, int COLUMNS, int RESIDENT, Load LOAD_A, Load LOAD_B>
__global__ void __launch_bounds__(TILE_M / 32 * (TILE_N / (8 * COLUMNS)) * 32, RESIDENT)
    float32Kernel(Gemm g, Size depth, float* parts) {
  constexpr int ACROSS = TILE_N / (8 * COLUMNS), THREADS = TILE_M / 32 * ACROSS * 32;
  constexpr int A = DEPTH * (TILE_M + 4), B = DEPTH * (TILE_N + 4);
  SHARED(float4, slabs, [STAGES * (A + B) / 4]);
  float* as = (float*)slabs;
  float* bs = as + STAGES * A;

  const TilePlace place = tilePlace(blockIdx.x, (g.m + TILE_M - 1) / TILE_M, (g.n + TILE_N - 1) / TILE_N);
  const Size i0 = place.row * TILE_M, j0 = place.column * TILE_N, t = blockIdx.z;
  const Size begin = blockIdx.y * depth, end = begin + depth < g.k ? begin + depth : g.k;
  Loader<TILE_M, THREADS, LOAD_A> loadA((const float*)g.a + t * g.aBatch, g.aColumn, g.aRow, begin, i0, g.m);
  Loader<TILE_N, THREADS, LOAD_B> loadB((const float*)g.b + t * g.bBatch, g.bRow, g.bColumn, begin, j0, g.n);
  const bool inside = i0 + TILE_M <= g.m && j0 + TILE_N <= g.n;
  int left = (int)(end - begin);
  const auto fetch = [&](int stage) {
    if (inside && left >= DEPTH) {
      loadA(as + stage * A, true, DEPTH), loadB(bs + stage * B, true, DEPTH);
    } else if (left > 0) {
      loadA(as + stage * A, false, left), loadB(bs + stage * B, false, left);
    }
    left -= DEPTH;
    cpAsyncCommit();
  };

  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int row = warp / ACROSS * 32 + lane / 8 * 4, column = warp % ACROSS * 8 * COLUMNS + lane % 8 * 4;
  float x[2][8], y[2][COLUMNS], sum[8][COLUMNS] = {};
  const auto readStep = [&](float (&x)[8], float (&y)[COLUMNS], int stage, int p) {
    const float* from = as + stage * A + p * (TILE_M + 4) + row;
    read4(x, from), read4(x + 4, from + 16);
    from = bs + stage * B + p * (TILE_N + 4) + column;
#pragma unroll
    for (int v = 0; v < COLUMNS / 4; v++) read4(y + 4 * v, from + 32 * v);
  };

  const int count = (int)((end - begin + DEPTH - 1) / DEPTH);
  fetch(0), fetch(1);
  cpAsyncWait<1>();
  __syncthreads();
  if (count > 0) readStep(x[0], y[0], 0, 0);
  int stage = 0;
  for (int slab = 0; slab < count; slab++) {
    const int following = stage + 1 == STAGES ? 0 : stage + 1;
#pragma unroll
    for (int p = 0; p < DEPTH; p++) {
      if (p == DEPTH - 1) {
        cpAsyncWait<1>();
        __syncthreads();  // the next slab is there, and nobody reads the one before this any more
        if (slab + 1 < count) readStep(x[0], y[0], following, 0);
      } else {
        readStep(x[(p + 1) % 2], y[(p + 1) % 2], stage, p + 1);
      }
      if (p == 0) fetch(stage == 0 ? STAGES - 1 : stage - 1);  // the slab after next, in place of the one before
#pragma unroll
      for (int r = 0; r < 8; r++) {
#pragma unroll
        for (int s = 0; s < COLUMNS; s++) sum[r][s] += x[p % 2][r] * y[p % 2][s];
      }
    }
    stage = following;
  }

  const bool vectors = g.n % 4 == 0 && ((uintptr_t)g.c & 15) == 0;
#pragma unroll
  for (int r = 0; r < 8; r++) {
    const Size i = i0 + row + r / 4 * 16 + r % 4;
    if (i >= g.m) continue;
    const Size place = t * g.m + i;
    float* to = parts ? parts + ((Size)blockIdx.y * g.batches * g.m + place) * g.n : (float*)g.c + place * g.n;
#pragma unroll
    for (int v = 0; v < COLUMNS / 4; v++) {
      const Size j = j0 + column + 32 * v;
      float z[4];
      for (int s = 0; s < 4; s++) z[s] = parts || j + s >= g.n ? sum[r][4 * v + s] : finish<float>(g, place, j + s, sum[r][4 * v + s]);
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
template <int TILE_M, int TILE_N, int COLUMNS, int RESIDENT> Kernel kernelOf(Load a, Load b) {
#define OF(A) \
  {float32Kernel<TILE_M, TILE_N, COLUMNS, RESIDENT, A, VECTORS>, float32Kernel<TILE_M, TILE_N, COLUMNS, RESIDENT, A, ALONG_K>, \
   float32Kernel<TILE_M, TILE_N, COLUMNS, RESIDENT, A, ALONG_SIDE>}
  static const Kernel kernels[3][3] = {OF(VECTORS), OF(ALONG_K), OF(ALONG_SIDE)};
#undef OF
  return kernels[a][b];
}

Load loadOf(const void* data, Size step, Size sideStep, Size batch) {
  if (sideStep == 1 && step % 4 == 0 && batch % 4 == 0 && ((uintptr_t)data & 15) == 0) return VECTORS;
  return step == 1 || sideStep != 1 ? ALONG_K : ALONG_SIDE;
}

const Tile TILES[] = {{128, 256, 105}, {128, 128, 95}, {64, 64, 70}};

}  // namespace

bool tiledGemm(const Gemm& g) {
  if (g.type != GemmType::float32 || g.k >= 1 << 30) return false;
  const Cut cut = cutGemm(g, TILES, 3, DEPTH);
  const Tile& tile = TILES[cut.tile];
  const Load a = loadOf(g.a, g.aColumn, g.aRow, g.aBatch), b = loadOf(g.b, g.bRow, g.bColumn, g.bBatch);
  const auto kernel = cut.tile == 0   ? kernelOf<128, 256, 16, 1>(a, b)
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
