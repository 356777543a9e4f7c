// Products of float32 matrices on the ordinary arithmetic units of compute capability 9.0, fed by the copy engine;
// gemm_float32.cu has the twin for other GPUs, and for what this is not made for.
//
// A slab is [DEEP, side] of each operand. What is contiguous along the side the copy engine brings; what is contiguous along k
// the threads of one warpgroup bring, and transpose on the way. The others multiply, 8 x 16 results a thread: instructions that
// do not multiply are few, and nobody waits for a whole block. Terms are added in the order of k.
#include "gemm.cuh"

#if !defined(__CUDACC__)
bool hopperFloat32Gemm(const Gemm&, float) { return false; }
#else
#include "gemm_hopper_store.cuh"

namespace {

constexpr int DEEP = 16, TILE_M = 128;
template <int TILE_N> constexpr int STAGES = TILE_N == 256 ? 6 : 5;
template <int TILE_N> constexpr int SLAB = DEEP * (TILE_M + TILE_N);
template <int TILE_N> constexpr int SHARED_BYTES = STAGES<TILE_N>* SLAB<TILE_N> * 4 + 1024;
// A group of 128 threads brings, others multiply 128 columns each.
template <int TILE_N> constexpr int THREADS_OF = 128 + TILE_N;

// An operand: [batch, k, side].
struct Operand {
  const float* data;
  Size side, sideStep, batch;
  bool alongK;
};

#ifdef HOPPER_DEVICE
DEVICE void read4(float* to, const float* from) {
  const float4 v = *(const float4*)from;
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

// Brings slabs of an operand that is contiguous along k: a thread has 4 rows of 4 elements at a time.
template <int SIDE> struct Transposer {
  static constexpr int EACH = SIDE / 128;
  const float* from;
  Size step;
  int left;
  float x[EACH][4][4];

  DEVICE static int row(int u) { return (u * 4 + threadIdx.x / 32) * 32 + threadIdx.x % 8 * 4; }
  DEVICE static int deep() { return threadIdx.x % 32 / 8 * 4; }
  DEVICE void begin(const Operand& o, Size batch, Size s0, Size k0) {
    step = o.sideStep, from = o.data + batch * o.batch + (s0 + row(0)) * step + k0 + deep(), left = leftOf(o.side, s0, SIDE);
  }
  // The next slab, which has `depth` steps of k. That of a whole one is straight code: loads do not wait for each other.
  DEVICE void load(int depth) {
    const float* at = from;
    if (left == SIDE && depth >= DEEP) {
#pragma unroll
      for (int u = 0; u < EACH; u++, at += 124 * step) {
#pragma unroll
        for (int i = 0; i < 4; i++, at += step) {
          const float4 v = hopper::readAhead(at);
          x[u][i][0] = v.x, x[u][i][1] = v.y, x[u][i][2] = v.z, x[u][i][3] = v.w;
        }
      }
    } else {
#pragma unroll
      for (int u = 0; u < EACH; u++, at += 124 * step) {
#pragma unroll
        for (int i = 0; i < 4; i++, at += step) {
#pragma unroll
          for (int e = 0; e < 4; e++) x[u][i][e] = row(u) + i < left && deep() + e < depth ? at[e] : 0;
        }
      }
    }
    from += DEEP;
  }
  DEVICE void store(float* slab) const {
#pragma unroll
    for (int u = 0; u < EACH; u++) {
#pragma unroll
      for (int e = 0; e < 4; e++) *(float4*)(slab + (deep() + e) * SIDE + row(u)) = {x[u][0][e], x[u][1][e], x[u][2][e], x[u][3][e]};
    }
  }
};
#endif

template <int TILE_N, bool K_A, bool K_B>
__global__ void __launch_bounds__(THREADS_OF<TILE_N>, 256 / TILE_N)
    hopperFloat32Kernel(const __grid_constant__ CUtensorMap mapA, const __grid_constant__ CUtensorMap mapB,
                        const __grid_constant__ Gemm g, const __grid_constant__ Items items, const __grid_constant__ Operand operandA,
                        const __grid_constant__ Operand operandB, float* parts) {
#ifdef HOPPER_DEVICE
  constexpr int N = STAGES<TILE_N>, A = DEEP * TILE_M;
  DYNAMIC_SHARED(float, space);
  uint64_t* const full = (uint64_t*)space;
  uint64_t* const empty = full + N;
  float* const slabs = space + 256 - (hopper::address(space) & 1023) / 4 % 256;
  if (threadIdx.x == 0) {
    for (int s = 0; s < N; s++) hopper::initBarrier(full + s, 1 + (K_A || K_B ? 128 : 0)), hopper::initBarrier(empty + s, TILE_N / 32);
    hopper::fenceBarriers();
  }
  __syncthreads();

  if (threadIdx.x < 128) {
    hopper::fewerRegisters<TILE_N == 256 ? 88 : 40>();
    if (!K_A && !K_B && threadIdx.x > 0) return;
    int stage = 0, parity = 1;
    [[maybe_unused]] Transposer<TILE_M> a;
    [[maybe_unused]] Transposer<TILE_N> b;
    for (unsigned i = blockIdx.x; i < items.total; i += gridDim.x) {
      const Item item = items.at(i);
      const Size i0 = item.row * TILE_M, j0 = item.column * TILE_N;
      if (K_A) a.begin(operandA, item.batch, i0, (Size)item.begin * DEEP);
      if (K_B) b.begin(operandB, item.batch, j0, (Size)item.begin * DEEP);
      for (int s = 0; s < item.count; s++) {
        const int k0 = (item.begin + s) * DEEP, depth = (int)g.k - k0;
        float* const to = slabs + stage * SLAB<TILE_N>;
        if (K_A) a.load(depth);
        if (K_B && (TILE_N == 256 || !K_A)) b.load(depth);
        hopper::wait(empty + stage, parity);
        if (threadIdx.x == 0) {
          hopper::arriveAndExpect(full + stage, 4 * DEEP * ((K_A ? 0 : TILE_M) + (K_B ? 0 : TILE_N)));
          if (!K_A) hopper::copyBox(to, &mapA, full + stage, (int)i0, k0, operandA.batch ? (int)item.batch : 0);
          if (!K_B) hopper::copyBox(to + A, &mapB, full + stage, (int)j0, k0, operandB.batch ? (int)item.batch : 0);
        }
        if (K_A) a.store(to);
        if (K_B && TILE_N != 256 && K_A) b.load(depth);
        if (K_B) b.store(to + A);
        if (K_A || K_B) hopper::arrive(full + stage);
        if (++stage == N) stage = 0, parity ^= 1;
      }
    }
    return;
  }

  hopper::moreRegisters<TILE_N == 256 ? 208 : 216>();
  // A warp does 32 x 128 results, its lanes lie 4 x 8: each has 4 rows and 4 more DOWN on, and four times 4 columns ACROSS from
  // each other. UNROLLED steps of k stand in one piece of code.
  constexpr int UNROLLED = 8, DOWN = 16, ACROSS = 32;
  const int warp = threadIdx.x / 32 - 4, lane = threadIdx.x % 32, row = warp % 4 * 32 + lane / 8 * 4;
  const int column = warp / 4 * 128 + lane % 8 * 4;
  int stage = 0, parity = 0;
  float x[2][8], y[2][16];
  const auto read = [&](float (&x)[8], float (&y)[16], const float* as, const float* bs) {
    read4(x, as), read4(x + 4, as + DOWN);
#pragma unroll
    for (int v = 0; v < 4; v++) read4(y + 4 * v, bs + ACROSS * v);
  };
  for (unsigned i = blockIdx.x; i < items.total; i += gridDim.x) {
    const Item item = items.at(i);
    float sum[8][16] = {};
    const float *as, *bs;
    const auto begin = [&] {
      hopper::wait(full + stage, parity);
      as = slabs + stage * SLAB<TILE_N> + row, bs = slabs + stage * SLAB<TILE_N> + A + column;
    };
    begin();
    read(x[0], y[0], as, bs);
    for (int s = 0; s < item.count; s++) {
      uint64_t* const done = empty + stage;
      if (++stage == N) stage = 0, parity ^= 1;
#pragma unroll 1
      for (int part = UNROLLED; part <= DEEP; part += UNROLLED) {
#pragma unroll
        for (int p = 0; p < UNROLLED; p++) {
          if (p < UNROLLED - 1) {
            read(x[(p + 1) % 2], y[(p + 1) % 2], as + (p + 1) * TILE_M, bs + (p + 1) * TILE_N);
          } else {
            as += UNROLLED * TILE_M, bs += UNROLLED * TILE_N;
            if (part == DEEP && s + 1 < item.count) begin();
            if (part < DEEP || s + 1 < item.count) read(x[0], y[0], as, bs);
          }
#pragma unroll
          for (int r = 0; r < 8; r++) {
#pragma unroll
            for (int c = 0; c < 16; c++) sum[r][c] += x[p % 2][r] * y[p % 2][c];
          }
        }
      }
      __syncwarp();
      if (lane == 0) hopper::arrive(done);
    }

    const Size j = item.column * TILE_N + column;
    const int columns = leftOf(g.n, j, TILE_N);
    const bool vectors = g.n % 4 == 0 && ((uintptr_t)g.c & 15) == 0;
    const auto store = [&](auto extras) {
      constexpr bool EXTRAS = decltype(extras)::value;
#pragma unroll
      for (int r = 0; r < 8; r++) {
        const Size i = item.row * TILE_M + row + r / 4 * DOWN + r % 4, place = item.batch * g.m + i;
        if (i >= g.m) continue;
        float* const to = (parts ? parts + item.split * g.batches * g.m * g.n : (float*)g.c) + place * g.n + j;
        const float* const added = EXTRAS && g.bias ? (const float*)g.bias + place * g.biasRow + j : nullptr;
#pragma unroll
        for (int v = 0; v < 4; v++) {
          float z[4];
#pragma unroll
          for (int e = 0; e < 4; e++) {
            z[e] = extended<float, EXTRAS>(sum[r][4 * v + e], added + ACROSS * v + e, added && ACROSS * v + e < columns, g.relu);
          }
          if (vectors && ACROSS * v < columns) {
            *(float4*)(to + ACROSS * v) = {z[0], z[1], z[2], z[3]};
          } else {
#pragma unroll
            for (int e = 0; e < 4; e++) {
              if (ACROSS * v + e < columns) to[ACROSS * v + e] = z[e];
            }
          }
        }
      }
    };
    if (!parts && (g.bias || g.relu)) store(std::true_type());
    else store(std::false_type());
  }
#endif
}

// ---------------------------------------------------------------- the host

bool aligned(const Operand& o, Size step) {
  const Size row = o.alongK ? o.sideStep : step;
  return (o.alongK || o.sideStep == 1) && row > 0 && row % 4 == 0 && o.batch >= 0 && o.batch % 4 == 0 && ((uintptr_t)o.data & 15) == 0;
}

Operand first(const Gemm& g) { return {(const float*)g.a, g.m, g.aRow, g.aBatch, g.aColumn == 1}; }
Operand second(const Gemm& g) { return {(const float*)g.b, g.n, g.bColumn, g.bBatch, g.bRow == 1}; }

template <int TILE_N> bool launch(const Gemm& g, const Cut& cut) {
  using K = void (*)(CUtensorMap, CUtensorMap, Gemm, Items, Operand, Operand, float*);
#define OF(A, B) hopperFloat32Kernel<TILE_N, A, B>
  static const K kernels[2][2] = {{OF(false, false), OF(false, true)}, {OF(true, false), OF(true, true)}};
#undef OF
  const Operand a = first(g), b = second(g);
  CUtensorMap mapA = {}, mapB = {};
  constexpr auto type = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  constexpr auto plain = CU_TENSOR_MAP_SWIZZLE_NONE;
  if (!a.alongK && !describeMatrix(mapA, type, 4, g.a, g.m, g.k, g.aColumn, g.batches, g.aBatch, TILE_M, DEEP, plain)) return false;
  if (!b.alongK && !describeMatrix(mapB, type, 4, g.b, g.n, g.k, g.bRow, g.batches, g.bBatch, TILE_N, DEEP, plain)) return false;
  const Size rows = (g.m + TILE_M - 1) / TILE_M, columns = (g.n + TILE_N - 1) / TILE_N, total = rows * columns * g.batches * cut.splits;
  const int slabs = (int)((g.k + DEEP - 1) / DEEP), depth = cut.splits > 1 ? (int)(cut.depth / DEEP) : slabs;
  const K kernel = kernels[a.alongK][b.alongK];
  const Items items = {(unsigned)total, (unsigned)rows, (unsigned)columns, (unsigned)cut.splits, depth, slabs};
  float* parts = cut.splits > 1 ? (float*)current.workspace : nullptr;
  const Size most = processors() * (256 / TILE_N);
  LAUNCH_SHARED(SHARED_BYTES<TILE_N>, (unsigned)(total < most ? total : most), THREADS_OF<TILE_N>, kernel, mapA, mapB, g, items, a, b, parts);
  if (parts) joinSplits(g, cut.splits);
  return true;
}

}  // namespace

bool hopperFloat32Gemm(const Gemm& g, float most) {
  constexpr Size MOST = 1 << 30;
  if (capability() != 9 || !tensorMapEncoder() || g.m < 64 || g.n < 64 || g.k < 16 || g.k > MOST || g.m > MOST || g.n > MOST) return false;
  if (!aligned(first(g), g.aColumn) || !aligned(second(g), g.bRow)) return false;
  static const Tile tiles[] = {{TILE_M, 256, 101, 95}, {TILE_M, 128, 88, 67}};
  const Cut cut = cutGemm(g, tiles, 2, DEEP);
  if (cut.cycles >= most) return false;
  return cut.tile == 0 ? launch<256>(g, cut) : launch<128>(g, cut);
}
#endif
