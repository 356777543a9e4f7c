// Attention forward on the tensor cores of compute capability 9.0, for float16 and bfloat16, by the instructions of hopper.cuh;
// flash.cu is the twin for other GPUs, and for what this is not made for.
//
// A block does 128 queries of one head. One warpgroup has the copy engine bring tiles of keys and of values to shared memory,
// two of each at a time; two others do 64 queries each. Shah et al., "FlashAttention-3" (2024).
#include "flash.cuh"

#if !defined(__CUDACC__)
template <class T> bool hopperForward(T*, float*, const T*, const T*, const T*, const Flash&) { return false; }
#else
#include "gemm.cuh"
#include "hopper.cuh"

namespace {

constexpr int QUERIES = 128, KEYS = 128, LANES = 384, STAGES = 2, PART = 128;  // bytes of a row that lie together
// A tile of rows is one part of 64 elements after the other.
template <int D> constexpr int TILE = KEYS * D * 2;
template <int D> constexpr int SHARED_BYTES = (1 + 2 * STAGES) * TILE<D> + 2048;

#ifdef HOPPER_DEVICE
// Has the engine bring 128 rows from `row` on.
template <int D> DEVICE void copyTile(unsigned char* to, const CUtensorMap* map, uint64_t* barrier, int row, int h, int b) {
  hopper::arriveAndExpect(barrier, TILE<D>);
#pragma unroll
  for (int part = 0; part < D / 64; part++) hopper::copyBox(to + part * KEYS * PART, map, barrier, part * 64, row, h, b);
}
#endif

template <class T, int D>
__global__ void __launch_bounds__(LANES, 1)
    hopperKernel(const __grid_constant__ CUtensorMap qMap, const __grid_constant__ CUtensorMap kMap, const __grid_constant__ CUtensorMap vMap,
                 T* o, float* norms, const __grid_constant__ Flash f) {
#ifdef HOPPER_DEVICE
  DYNAMIC_SHARED(unsigned char, space);
  uint64_t* const qFull = (uint64_t*)space;
  uint64_t* const kFull = qFull + 1;
  uint64_t* const vFull = kFull + STAGES;
  uint64_t* const kEmpty = vFull + STAGES;
  uint64_t* const vEmpty = kEmpty + STAGES;
  unsigned char* const qTile = space + ((1024 - (hopper::address(space) & 1023)) & 1023) + 1024;
  unsigned char* const kTiles = qTile + TILE<D>;
  unsigned char* const vTiles = kTiles + STAGES * TILE<D>;
  if (threadIdx.x == 0) {
    hopper::initBarrier(qFull, 1);
    for (int s = 0; s < STAGES; s++) {
      hopper::initBarrier(kFull + s, 1), hopper::initBarrier(vFull + s, 1);
      hopper::initBarrier(kEmpty + s, 8), hopper::initBarrier(vEmpty + s, 8);
    }
    hopper::fenceBarriers();
  }
  __syncthreads();

  const int queries = f.queries, keys = f.keys;
  const Size item = blockIdx.x, b = item / f.heads, h = item - b * f.heads;
  // Causal, the last queries see most: those blocks come first.
  const int i0 = (int)(f.causal ? gridDim.y - 1 - blockIdx.y : blockIdx.y) * QUERIES;
  const int visible = f.causal && i0 + QUERIES < keys ? i0 + QUERIES : keys, blocks = (visible + KEYS - 1) / KEYS;
  const int group = threadIdx.x / 128;

  if (group == 0) {
    hopper::fewerRegisters<40>();
    if (threadIdx.x == 0) {
      copyTile<D>(qTile, &qMap, qFull, i0, (int)h, (int)b);
      for (int block = 0; block < blocks; block++) {
        const int stage = block % STAGES, parity = 1 - block / STAGES % 2;
        hopper::wait(kEmpty + stage, parity);
        copyTile<D>(kTiles + stage * TILE<D>, &kMap, kFull + stage, block * KEYS, (int)h, (int)b);
        hopper::wait(vEmpty + stage, parity);
        copyTile<D>(vTiles + stage * TILE<D>, &vMap, vFull + stage, block * KEYS, (int)h, (int)b);
      }
    }
  } else {
    hopper::moreRegisters<232>();
    const int lane = threadIdx.x % 32, first = 64 * (group - 1) + 16 * (threadIdx.x / 32 % 4) + lane / 4;
    const unsigned char* const own = qTile + 64 * (group - 1) * PART;
    const float scale = f.scale * LOG2_E;
    float sum[D / 2] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {};
    hopper::wait(qFull, 0);
    for (int block = 0; block < blocks; block++) {
      const int j0 = block * KEYS, stage = block % STAGES, parity = block / STAGES % 2;
      const unsigned char* const kTile = kTiles + stage * TILE<D>;
      const unsigned char* const vTile = vTiles + stage * TILE<D>;
      float s[KEYS / 2];
      hopper::wait(kFull + stage, parity);
      hopper::productsFence();
#pragma unroll
      for (int step = 0; step < D / 16; step++) {
        const int at = step / 4 * KEYS * PART + step % 4 * 32;
        hopper::product<T, KEYS, false, false>(s, hopper::matrix(own + at, 16, 1024), hopper::matrix(kTile + at, 16, 1024), step > 0);
      }
      hopper::productsCommit();
      hopper::productsWait<0>();
      if (lane == 0) hopper::arrive(kEmpty + stage);

      if (j0 + KEYS > keys || (f.causal && j0 + KEYS > i0 + first - lane / 4 + 1)) {
#pragma unroll
        for (int e = 0; e < KEYS / 2; e++) {
          const int j = j0 + e / 4 * 8 + lane % 4 * 2 + e % 2, i = i0 + first + e % 4 / 2 * 8;
          if (j >= keys || (f.causal && j > i)) s[e] = -INFINITY;
        }
      }
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float top = most[half];
#pragma unroll
        for (int e = 2 * half; e < KEYS / 2; e += 4) top = fmaxf(top, fmaxf(s[e], s[e + 1]));
        top = fmaxf(top, __shfl_xor_sync(~0u, top, 1));
        top = fmaxf(top, __shfl_xor_sync(~0u, top, 2));
        const float base = top * scale, factor = exp2Fast(most[half] * scale - base);
        most[half] = top;
        float added = 0;
#pragma unroll
        for (int e = 2 * half; e < KEYS / 2; e += 4) {
          added += s[e] = exp2Fast(s[e] * scale - base);
          added += s[e + 1] = exp2Fast(s[e + 1] * scale - base);
        }
        total[half] = total[half] * factor + added;
#pragma unroll
        for (int e = 2 * half; e < D / 2; e += 4) sum[e] *= factor, sum[e + 1] *= factor;
      }
      uint32_t p[KEYS / 16][4];
#pragma unroll
      for (int e = 0; e < KEYS / 4; e++) p[e / 4][e % 4] = pair(s[2 * e], s[2 * e + 1], T());

      hopper::wait(vFull + stage, parity);
      hopper::productsFence();
#pragma unroll
      for (int step = 0; step < KEYS / 16; step++) hopper::productOf<T, D>(sum, p[step], hopper::matrix(vTile + step * 16 * PART, KEYS * PART, 1024));
      hopper::productsCommit();
      hopper::productsWait<0>();
      if (lane == 0) hopper::arrive(vEmpty + stage);
    }

    T* const rows = o + f.o(b, h, i0);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float t = total[half];
      t += __shfl_xor_sync(~0u, t, 1);
      t += __shfl_xor_sync(~0u, t, 2);
      const int r = first + 8 * half, i = i0 + r;
      if (i >= queries) continue;
      const float by = 1 / t;
      if (lane % 4 == 0) {
        norms[2 * item * queries + i] = most[half] * f.scale;
        norms[(2 * item + 1) * queries + i] = by;
      }
      T* const to = rows + r * f.o.row + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < D / 8; n++) {
        if (n * 8 < f.columns) *(uint32_t*)(to + n * 8) = pair(sum[4 * n + 2 * half] * by, sum[4 * n + 2 * half + 1] * by, T());
      }
    }
  }
#endif
}

// Rows of a tensor as the copy engine sees them, [batch, head, row, width]; false where it cannot.
template <class T> bool describe(CUtensorMap& map, const T* data, const Rows& rows, Size batches, Size heads, int count, int width) {
  // An axis of one place may have any stride: none is taken.
  const Size row = count > 1 ? rows.row : 8, head = heads > 1 ? rows.head : 8, batch = batches > 1 ? rows.batch : 8;
  if (row <= 0 || head <= 0 || batch <= 0) return false;
  const cuuint64_t sizes[] = {(cuuint64_t)width, (cuuint64_t)count, (cuuint64_t)heads, (cuuint64_t)batches};
  const cuuint64_t strides[] = {(cuuint64_t)row * 2, (cuuint64_t)head * 2, (cuuint64_t)batch * 2};
  const cuuint32_t box[] = {64, KEYS, 1, 1}, ones[] = {1, 1, 1, 1};
  const auto type = std::is_same<T, __half>::value ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  return tensorMapEncoder()(&map, type, 4, (void*)data, sizes, strides, box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE,
                            CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

template <class T, int D> void launch(const CUtensorMap& q, const CUtensorMap& k, const CUtensorMap& v, T* o, float* norms, const Flash& f) {
  const dim3 grid((unsigned)f.items, (unsigned)((f.queries + QUERIES - 1) / QUERIES));
  LAUNCH_SHARED(SHARED_BYTES<D>, grid, LANES, (hopperKernel<T, D>), q, k, v, o, norms, f);
}

}  // namespace

template <class T> bool hopperForward(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f) {
  // Few rows leave most of such tiles empty.
  if (capability() != 9 || !tensorMapEncoder() || f.queries <= 64 || f.keys <= 64) return false;
  CUtensorMap qMap, kMap, vMap;
  const Size batches = f.items / f.heads;
  if (!describe(qMap, q, f.q, batches, f.heads, f.queries, f.width) || !describe(kMap, k, f.k, batches, f.heads, f.keys, f.width) ||
      !describe(vMap, v, f.v, batches, f.heads, f.keys, f.columns)) {
    return false;
  }
  flashWidth(f) <= 64 ? launch<T, 64>(qMap, kMap, vMap, o, norms, f) : launch<T, 128>(qMap, kMap, vMap, o, norms, f);
  return true;
}
#endif
template bool hopperForward(__nv_bfloat16*, float*, const __nv_bfloat16*, const __nv_bfloat16*, const __nv_bfloat16*, const Flash&);
template bool hopperForward(__half*, float*, const __half*, const __half*, const __half*, const Flash&);
