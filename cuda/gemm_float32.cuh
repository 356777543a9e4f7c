// The tile that float32 products and convolutions share, on the ordinary arithmetic units: slabs of a and b, DEPTH deep along
// k, come to shared memory by cp.async, two of them ahead of the one that is multiplied; the elements of the next step are
// read while those of this one are multiplied. Terms are added in the order of k.
#pragma once
#include "gemm.cuh"
#include "tensor_core.cuh"

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
inline DEVICE void read4(float* to, const float* from) {
  const float4 v = *(const float4*)from;
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

// What a thread does of a tile: 8 x COLUMNS results. A warp's lanes lie 4 x 8; a lane has the rows 4 y .. 4 y + 3 and 16 more
// of its warp's 32, and the columns 4 x .. 4 x + 3 of each 32 of its warp's 8 COLUMNS.
template <int TILE_M, int TILE_N, int COLUMNS> struct ThreadTile {
  static constexpr int ACROSS = TILE_N / (8 * COLUMNS), THREADS = TILE_M / 32 * ACROSS * 32;
  // Elements of a slab of a, and of b, and of all that are in shared memory.
  static constexpr int A = DEPTH * (TILE_M + 4), B = DEPTH * (TILE_N + 4), SLABS = STAGES * (A + B);
  float sum[8][COLUMNS] = {};

  DEVICE static int row() { return threadIdx.x / 32 / ACROSS * 32 + threadIdx.x % 32 / 8 * 4; }
  DEVICE static int column() { return threadIdx.x / 32 % ACROSS * 8 * COLUMNS + threadIdx.x % 8 * 4; }
  // Row r and column s of the thread's results in the tile.
  DEVICE static int rowOf(int r) { return row() + r / 4 * 16 + r % 4; }
  DEVICE static int columnOf(int s) { return column() + s / 4 * 32 + s % 4; }

  // Adds `count` slabs, which fetch(as, bs) begins to copy, one after the other: it is called for each and twice more.
  template <class F> DEVICE void add(float* slabs, int count, F fetch) {
    float *const as = slabs, *const bs = slabs + STAGES * A;
    float x[2][8], y[2][COLUMNS];
    const int row0 = row(), column0 = column();
    const auto fetchTo = [&](int stage) {
      fetch(as + stage * A, bs + stage * B);
      cpAsyncCommit();
    };
    const auto readStep = [&](float (&x)[8], float (&y)[COLUMNS], int stage, int p) {
      const float* from = as + stage * A + p * (TILE_M + 4) + row0;
      read4(x, from), read4(x + 4, from + 16);
      from = bs + stage * B + p * (TILE_N + 4) + column0;
#pragma unroll
      for (int v = 0; v < COLUMNS / 4; v++) read4(y + 4 * v, from + 32 * v);
    };
    fetchTo(0), fetchTo(1);
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
        if (p == 0) fetchTo(stage == 0 ? STAGES - 1 : stage - 1);  // the slab after next, in place of the one before
#pragma unroll
        for (int r = 0; r < 8; r++) {
#pragma unroll
          for (int s = 0; s < COLUMNS; s++) sum[r][s] += x[p % 2][r] * y[p % 2][s];
        }
      }
      stage = following;
    }
  }
};
