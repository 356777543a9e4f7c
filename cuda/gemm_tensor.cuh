// Products of matrices on tensor cores, by the instructions of compute capability 8.0: what gemm_bf16.cu, gemm_f16.cu and
// gemm_tf32.cu share, of elements T. float32 elements are rounded to tf32.
//
// A block does a tile of c, each warp a part of it. Slabs of a and b, 128 bytes deep along k, come to shared memory by
// cp.async, some of them ahead of the one that is multiplied. A slab is rows of 16-byte chunks, [side, k] or [k, side],
// whichever is contiguous in memory; a chunk's place in its row depends on the row, so that neither the copies nor the reads
// meet in a bank. Operands that are not aligned, or contiguous along neither axis, come element by element.
#pragma once
#include "gemm.cuh"
#include "tensor_core.cuh"

// How an operand lies in memory: contiguous along k, along the other axis (of a: m; of b: n).
enum class Along { k, side };

template <class T> constexpr int DEEP = 128 / sizeof(T);

// The place of chunk c of a row among the row's: tf32's fragments are read element by element where k goes over the rows.
template <class T, Along ALONG> DEVICE int swizzle(int row, int c) {
  return c ^ (sizeof(T) == 4 && ALONG == Along::side ? (row & 3) * 2 : row & 7);
}

// Brings an operand's slabs to shared memory, one after the other. What lies beyond the matrix's end is 0.
template <class T, int SIDE, int THREADS, Along ALONG, bool ALIGNED> struct SlabLoader {
  static constexpr int ELEMENTS = 16 / sizeof(T), CHUNKS = ALONG == Along::k ? 8 : SIDE / ELEMENTS;
  static constexpr int ROWS = THREADS / CHUNKS, EACH = SIDE * 8 / THREADS;
  static_assert(ROWS % (sizeof(T) == 4 && ALONG == Along::side ? 4 : 8) == 0, "a thread's chunks have one swizzle");

  const T *from, *valid;
  // Elements to the next slab, to the next row that this thread brings, and to the next element of a chunk.
  Size slab, next, element;
  // This thread's first row and first element; its place in shared memory; how far it is to the end along the side.
  int row, first, place, left;

  // A [k, side] matrix with elements `step` and `sideStep` apart, from (k0, s0) on.
  DEVICE SlabLoader(const T* data, Size step, Size sideStep, Size k0, Size s0, Size side) {
    const int c = threadIdx.x % CHUNKS;
    row = threadIdx.x / CHUNKS, first = c * ELEMENTS, place = row * CHUNKS + swizzle<T, ALONG>(row, c);
    const int k = ALONG == Along::k ? first : row, s = ALONG == Along::k ? row : first;
    from = data + (k0 + k) * step + (s0 + s) * sideStep, valid = data;
    slab = DEEP<T> * step;
    next = ROWS * (ALONG == Along::k ? sideStep : step);
    element = ALONG == Along::k ? step : sideStep;
    const Size rest = side - s0;
    left = (int)(rest < SIDE ? rest : SIDE);
  }

  // With `whole` nothing of the slab lies beyond the end; else it has `depth` steps of k.
  DEVICE void operator()(uint4* to, bool whole, int depth) {
    const T* p = from;
#pragma unroll
    for (int r = 0; r < EACH; r++, p += next) {
      uint4* const at = to + place + r * ROWS * CHUNKS;
      int count = ELEMENTS;
      if (!whole) {
        const int rest = (ALONG == Along::k ? depth : left) - first;
        const bool inside = row + r * ROWS < (ALONG == Along::k ? left : depth);
        count = !inside || rest <= 0 ? 0 : rest < ELEMENTS ? rest : ELEMENTS;
      }
      if (ALIGNED) {
        cpAsync16(at, count ? p : valid, count * (int)sizeof(T));
      } else {
        alignas(16) T x[ELEMENTS];
#pragma unroll
        for (int e = 0; e < ELEMENTS; e++) x[e] = e < count ? p[e * element] : T(0.0f);
        memcpy(at, x, 16);
      }
    }
    from += slab;
  }
};

// A warp's fragments of a, 16 rows each, or of b, 16 columns each, of one step of k.
template <class T, int SIDE, Along ALONG, bool OF_A> DEVICE void readFragment(uint32_t (&r)[4], const uint4* slab, int base, int step) {
  constexpr int ELEMENTS = 16 / sizeof(T), CHUNKS = ALONG == Along::k ? 8 : SIDE / ELEMENTS;
  const int lane = threadIdx.x % 32, m = lane / 8;
  // Which half of the 16 a matrix of 8 x 8 has, and which half of k.
  const int half = OF_A ? m % 2 : m / 2, deep = OF_A ? m / 2 : m % 2;
  if (ALONG == Along::k) {
    const int row = base + lane % 8 + half * 8;
    ldmatrix(r, slab + row * CHUNKS + swizzle<T, ALONG>(row, 2 * step + deep));
  } else if (sizeof(T) == 2) {
    const int row = step * 16 + lane % 8 + deep * 8;
    ldmatrixTransposed(r, slab + row * CHUNKS + swizzle<T, ALONG>(row, base / 8 + half));
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = step * 8 + lane % 4 + (OF_A ? i / 2 : i % 2) * 4, s = base + lane / 4 + (OF_A ? i % 2 : i / 2) * 8;
      memcpy(&r[i], (const float*)(slab + row * CHUNKS + swizzle<T, ALONG>(row, s / 4)) + s % 4, 4);
    }
  }
  if (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < 4; i++) r[i] = roundToTf32(r[i]);
  }
}


// Two neighbouring results: of c, or of a range of k to the working space.
template <class T> DEVICE void storePair(const Gemm& g, float* parts, Size row, Size column, bool pairs, float x, float y) {
  if (column >= g.n) return;
  const bool both = column + 1 < g.n;
  if (parts) {
    float* to = parts + row * g.n + column;
    if (pairs) {
      *(float2*)to = {x, y};
    } else {
      to[0] = x;
      if (both) to[1] = y;
    }
    return;
  }
  T* to = (T*)g.c + row * g.n + column;
  const T first = finish<T>(g, row, column, x), second = both ? finish<T>(g, row, column + 1, y) : first;
  if (pairs) {
    struct alignas(2 * sizeof(T)) Pair {
      T x, y;
    };
    *(Pair*)to = {first, second};
  } else {
    to[0] = first;
    if (both) to[1] = second;
  }
}

template <int TILE_M, int TILE_N, int WARP_M, int WARP_N> constexpr int warpsOf = TILE_M / WARP_M * (TILE_N / WARP_N);

template <class T, int TILE_M, int TILE_N, int WARP_M, int WARP_N, int STAGES, Along ALONG_A, Along ALONG_B, bool ALIGNED>
__global__ void __launch_bounds__(32 * warpsOf<TILE_M, TILE_N, WARP_M, WARP_N>)
    tensorKernel(Gemm g, Size depth, float* parts) {
  constexpr int THREADS = 32 * warpsOf<TILE_M, TILE_N, WARP_M, WARP_N>, ACROSS = TILE_N / WARP_N;
  constexpr int A = TILE_M * 8, B = TILE_N * 8, STEPS = 4, MS = WARP_M / 16, NS = WARP_N / 16;
  DYNAMIC_SHARED(uint4, as);
  uint4* const bs = as + STAGES * A;

  const TilePlace place = tilePlace(blockIdx.x, (g.m + TILE_M - 1) / TILE_M, (g.n + TILE_N - 1) / TILE_N);
  const Size i0 = place.row * TILE_M, j0 = place.column * TILE_N, t = blockIdx.z;
  const Size begin = blockIdx.y * depth, end = begin + depth < g.k ? begin + depth : g.k;
  SlabLoader<T, TILE_M, THREADS, ALONG_A, ALIGNED> loadA((const T*)g.a + t * g.aBatch, g.aColumn, g.aRow, begin, i0, g.m);
  SlabLoader<T, TILE_N, THREADS, ALONG_B, ALIGNED> loadB((const T*)g.b + t * g.bBatch, g.bRow, g.bColumn, begin, j0, g.n);
  const bool inside = i0 + TILE_M <= g.m && j0 + TILE_N <= g.n;
  int left = (int)(end - begin), fetched = 0;
  const auto fetch = [&] {
    if (inside && left >= DEEP<T>) {
      loadA(as + fetched * A, true, DEEP<T>), loadB(bs + fetched * B, true, DEEP<T>);
    } else if (left > 0) {
      loadA(as + fetched * A, false, left), loadB(bs + fetched * B, false, left);
    }
    left -= DEEP<T>;
    if (++fetched == STAGES) fetched = 0;
    cpAsyncCommit();
  };

  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int row = warp / ACROSS * WARP_M, column = warp % ACROSS * WARP_N;
  uint32_t x[2][MS][4], y[2][NS][4];
  float sum[MS][2 * NS][4] = {};
  const auto readStep = [&](uint32_t (&x)[MS][4], uint32_t (&y)[NS][4], int stage, int step) {
#pragma unroll
    for (int i = 0; i < MS; i++) readFragment<T, TILE_M, ALONG_A, true>(x[i], as + stage * A, row + 16 * i, step);
#pragma unroll
    for (int j = 0; j < NS; j++) readFragment<T, TILE_N, ALONG_B, false>(y[j], bs + stage * B, column + 16 * j, step);
  };

  const int count = (int)((end - begin + DEEP<T> - 1) / DEEP<T>);
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) fetch();
  cpAsyncWait<STAGES - 2>();
  __syncthreads();
  if (count > 0) readStep(x[0], y[0], 0, 0);
  int stage = 0;
  for (int slab = 0; slab < count; slab++) {
    const int following = stage + 1 == STAGES ? 0 : stage + 1;
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      if (step == STEPS - 1) {
        cpAsyncWait<STAGES - 2>();
        __syncthreads();  // the next slab is there, and nobody reads the one before this any more
        if (slab + 1 < count) readStep(x[0], y[0], following, 0);
      } else {
        readStep(x[(step + 1) % 2], y[(step + 1) % 2], stage, step + 1);
      }
      if (step == 0) fetch();
#pragma unroll
      for (int i = 0; i < MS; i++) {
#pragma unroll
        for (int j = 0; j < 2 * NS; j++) {
          const uint32_t part[2] = {y[step % 2][j / 2][j % 2 * 2], y[step % 2][j / 2][j % 2 * 2 + 1]};
          mma<T>(sum[i][j], x[step % 2][i], part);
        }
      }
    }
    stage = following;
  }

  if (parts) parts += (Size)blockIdx.y * g.batches * g.m * g.n;
  const bool pairs = g.n % 2 == 0 && (uintptr_t)g.c % (2 * sizeof(T)) == 0;
#pragma unroll
  for (int i = 0; i < MS; i++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const Size r = i0 + row + 16 * i + 8 * h + lane / 4;
      if (r >= g.m) continue;
#pragma unroll
      for (int j = 0; j < 2 * NS; j++) {
        storePair<T>(g, parts, t * g.m + r, j0 + column + 8 * j + lane % 4 * 2, pairs, sum[i][j][2 * h], sum[i][j][2 * h + 1]);
      }
    }
  }
}

template <class T, int TILE_M, int TILE_N, int WARP_M, int WARP_N, int STAGES, bool ALIGNED>
void launchTensor(const Gemm& g, const Cut& cut, Along a, Along b) {
  using K = void (*)(Gemm, Size, float*);
#define OF(A, B) tensorKernel<T, TILE_M, TILE_N, WARP_M, WARP_N, STAGES, Along::A, Along::B, ALIGNED>
  static const K kernels[2][2] = {{OF(k, k), OF(k, side)}, {OF(side, k), OF(side, side)}};
#undef OF
  const K kernel = kernels[(int)a][(int)b];
  const Size blocks = (g.m + TILE_M - 1) / TILE_M * ((g.n + TILE_N - 1) / TILE_N);
  constexpr int threads = 32 * warpsOf<TILE_M, TILE_N, WARP_M, WARP_N>, bytes = STAGES * (TILE_M + TILE_N) * 128;
  float* parts = cut.splits > 1 ? (float*)current.workspace : nullptr;
  // Batches beyond what a grid has go in further launches.
  for (Size first = 0; first < g.batches; first += 65535) {
    const Gemm part = someBatches(g, first, sizeof(T));
    LAUNCH_SHARED(bytes, dim3((unsigned)blocks, (unsigned)cut.splits, (unsigned)part.batches), threads, kernel, part, cut.depth, parts);
  }
  if (parts) joinSplits(g, cut.splits);
}

// How an operand lies, if every 16 bytes of it that a copy takes are aligned.
inline bool lies(Along& along, const void* data, Size step, Size sideStep, Size batch, int elements) {
  along = step == 1 || sideStep != 1 ? Along::k : Along::side;
  return (step == 1 || sideStep == 1) && (step == 1 ? sideStep : step) % elements == 0 && batch % elements == 0 && ((uintptr_t)data & 15) == 0;
}

template <class T> bool tensorGemmOf(const Gemm& g) {
  constexpr int elements = 16 / sizeof(T);
  constexpr float rate = sizeof(T) == 2 ? 1 : 0.5f;
  // The largest, whose slabs take 144 KB, comes last: not every GPU has so much.
  static const Tile tiles[] = {{64, 64, 650 * rate, 400 * rate}, {128, 128, 920 * rate, 520 * rate}, {128, 256, 936 * rate, 800 * rate}};
  Along a, b;
  const bool alignedA = lies(a, g.a, g.aColumn, g.aRow, g.aBatch, elements), alignedB = lies(b, g.b, g.bRow, g.bColumn, g.bBatch, elements);
  if (!alignedA || !alignedB) {
    launchTensor<T, 128, 128, 64, 64, 3, false>(g, cutGemm(g, tiles + 1, 1, DEEP<T>), a, b);
    return true;
  }
  const Cut cut = cutGemm(g, tiles, sharedMemory() >= 147456 ? 3 : 2, DEEP<T>);
  switch (cut.tile) {
    case 0: launchTensor<T, 64, 64, 32, 32, 4, true>(g, cut, a, b); break;
    case 1: launchTensor<T, 128, 128, 64, 64, 3, true>(g, cut, a, b); break;
    default: launchTensor<T, 128, 256, 64, 64, 3, true>(g, cut, a, b);
  }
  return true;
}
