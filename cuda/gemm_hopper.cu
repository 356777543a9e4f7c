// Products of matrices on the tensor cores of compute capability 9.0, by the instructions of hopper.cuh; gemm_tensor.cuh has
// the twin for other GPUs, and for what these are not made for. DINOTORCH_HOPPER=0 in the environment turns them off.
//
// As many blocks as there are SMs go through the tiles of c. In each, one warpgroup has the copy engine bring slabs of a and b
// to shared memory, 128 bytes deep along k, up to STAGES ahead; two others multiply them, 64 rows of the tile each. A pair of
// barriers for each stage says that it is full, and that it may be filled anew.
//
// Of float32 elements, which the copy engine rounds to tf32, tensor cores read matrices in shared memory along k alone. An
// operand that is contiguous along its side comes through registers, which the first of a product may: where that is b,
// c' = b' a' is computed. Where both are, the threads that bring slabs turn those of the second.
#include "gemm.cuh"

#if !defined(__CUDACC__)
bool hopperGemm(const Gemm&) { return false; }
#else
#include "gemm_hopper_store.cuh"
#include "tensor_core.cuh"

namespace {

enum class Along { k, side };

constexpr int ROWS = 128, LANES = 384, ROW_BYTES = 128;
template <int COLUMNS> constexpr int STAGES = COLUMNS == 256 ? 4 : COLUMNS == 128 ? 6 : 8;
template <int COLUMNS> constexpr int SLAB = (ROWS + COLUMNS) * ROW_BYTES;
// The barriers, and what aligns the slabs to the swizzle's 1024 bytes.
template <int COLUMNS> constexpr int SHARED_BYTES = STAGES<COLUMNS>* SLAB<COLUMNS> + 2048;

#ifdef HOPPER_DEVICE
// Of a tile's first operand in boxes of [32 of k, 32 of the side], a warpgroup's part in registers. The swizzle lays the 16
// bytes c of row k at c ^ k % 8; so that the lanes of a read meet in no bank, a thread has two neighbouring rows of the product.
struct Fragments {
  // The first of the two rows, in the tile; and where elements of k and k + 4 lie.
  int place, at[2];
  DEVICE explicit Fragments(int half) {
    const int warp = threadIdx.x / 32 % 4, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, box = 2 * half + warp / 2;
    const int chunk = warp % 2 * 2 + g % 2 * 4 + g / 4, pair = g / 2 % 2;
    place = 32 * box + 4 * chunk + 2 * pair;
    for (int i = 0; i < 2; i++) at[i] = box * 32 * ROW_BYTES + (t + 4 * i) * ROW_BYTES + (chunk ^ (t + 4 * i)) * 16 + pair * 8;
  }
  DEVICE void read(uint32_t (&x)[4][4], const unsigned char* slab) const {
#pragma unroll
    for (int step = 0; step < 4; step++) {
      const uint2 low = *(const uint2*)(slab + at[0] + 8 * step * ROW_BYTES), high = *(const uint2*)(slab + at[1] + 8 * step * ROW_BYTES);
      x[step][0] = low.x, x[step][1] = low.y, x[step][2] = high.x, x[step][3] = high.y;
    }
  }
};

// Slabs of 128 bytes of the side are separate boxes where the side is contiguous.
template <class T, int SIDE, Along ALONG>
DEVICE void copySlab(unsigned char* to, const CUtensorMap* map, uint64_t* barrier, int k, int side, int batch) {
  if (ALONG == Along::k) {
    hopper::copyBox(to, map, barrier, k, side, batch);
  } else {
#pragma unroll
    for (int s = 0; s < SIDE; s += ROW_BYTES / sizeof(T)) hopper::copyBox(to + s * ROW_BYTES, map, barrier, side + s, k, batch);
  }
}

// Brings slabs of float32 elements that are contiguous along the side as if they were contiguous along k: a thread has 4 x 4
// elements at a time. The lanes of eight that store together meet in no bank.
template <int SIDE> struct Turner {
  // Parts of 32 of the side and 16 of k that a warp brings, and of those along the side.
  static constexpr int EACH = SIDE / 64, ACROSS = SIDE / 32, PARTS = ACROSS < 8 ? 1 : 2;
  const float* from;
  Size step;
  int left;
  float x[EACH][4][4];

  // Of a [k, side] matrix, rows `step` apart, from (k0, s0) on.
  DEVICE void begin(const float* data, Size stepOf, Size k0, Size s0, Size side) {
    step = stepOf, from = data + (k0 + chunk(0) * 4) * step + s0 + place(0);
    left = (int)(side - s0 < SIDE ? side - s0 : SIDE);
  }
  DEVICE static int across(int u) { return ACROSS < 4 ? 0 : u * 4 % ACROSS; }
  DEVICE static int along(int u) { return ACROSS < 4 ? 0 : u * 4 / ACROSS; }
  DEVICE static int place(int u) { return (across(u) + threadIdx.x / 32 % ACROSS) * 32 + threadIdx.x % 32 / 4 * 4; }
  DEVICE static int chunk(int u) { return (along(u) + threadIdx.x / 32 / ACROSS) * 4 + threadIdx.x % 4; }
  // The next slab, which has `depth` steps of k. That of a whole one is straight code: loads do not wait for each other; the
  // pointer is kept from the compiler, which would have a register for each of its values.
  DEVICE void load(int depth) {
    if (left == SIDE && depth >= 32) {
      const float* at = from;
#pragma unroll
      for (int part = 0; part < EACH; part += PARTS) {
#pragma unroll
        for (int e = 0; e < 4; e++, at += step) {
          asm volatile("" : "+l"(at));
#pragma unroll
          for (int u = part; u < part + PARTS; u++) {
            const float4 v = *(const float4*)(at + across(u) * 32);
            x[u][e][0] = v.x, x[u][e][1] = v.y, x[u][e][2] = v.z, x[u][e][3] = v.w;
          }
        }
        at += 12 * step;
      }
    } else {
#pragma unroll
      for (int u = 0; u < EACH; u++) {
#pragma unroll
        for (int e = 0; e < 4; e++) {
          const float* const at = from + across(u) * 32 + (along(u) * 16 + e) * step;
#pragma unroll
          for (int i = 0; i < 4; i++) x[u][e][i] = chunk(u) * 4 + e < depth && place(u) + i < left ? at[i] : 0;
        }
      }
    }
    from += 32 * step;
  }
  DEVICE void store(unsigned char* slab) const {
    const auto rounded = [](float v) { return roundToTf32(__float_as_uint(v)); };
#pragma unroll
    for (int u = 0; u < EACH; u++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int row = place(u) + i;
        *(uint4*)(slab + row * ROW_BYTES + (chunk(u) ^ (row & 7)) * 16) = {rounded(x[u][0][i]), rounded(x[u][1][i]), rounded(x[u][2][i]),
                                                                           rounded(x[u][3][i])};
      }
    }
  }
};

// Step `step` of four of a slab, from row `side` on.
template <int SIDE, Along ALONG> DEVICE uint64_t matrixOf(const unsigned char* slab, int side, int step) {
  return ALONG == Along::k ? hopper::matrix(slab + side * ROW_BYTES + 32 * step, 16, 1024)
                           : hopper::matrix(slab + side * ROW_BYTES + 2048 * step, 64 * ROW_BYTES, 1024);
}
#endif

// a [m, k] and b [k, n], or where TRANSPOSED b' [n, k] and a' [k, m].
template <class T, int COLUMNS, Along ALONG_A, Along ALONG_B, bool TRANSPOSED>
__global__ void __launch_bounds__(LANES, 1)
    hopperKernel(const __grid_constant__ CUtensorMap mapA, const __grid_constant__ CUtensorMap mapB, const __grid_constant__ Gemm g,
                 const __grid_constant__ Items items, float* parts, int batchesA, int batchesB) {
#ifdef HOPPER_DEVICE
  constexpr bool TURNED = sizeof(T) == 4 && ALONG_B == Along::side;
  constexpr int N = STAGES<COLUMNS>, DEEP = ROW_BYTES / sizeof(T), A = ROWS * ROW_BYTES;
  DYNAMIC_SHARED(unsigned char, space);
  uint64_t* const full = (uint64_t*)space;
  uint64_t* const empty = full + N;
  unsigned char* const slabs = space + ((1024 - (hopper::address(space) & 1023)) & 1023) + 1024;
  if (threadIdx.x == 0) {
    for (int s = 0; s < N; s++) hopper::initBarrier(full + s, TURNED ? 129 : 1), hopper::initBarrier(empty + s, 8);
    hopper::fenceBarriers();
  }
  __syncthreads();
  const int group = threadIdx.x / 128;

  if (group == 0) {
    hopper::fewerRegisters<TURNED ? 104 : 40>();
    if constexpr (TURNED) {
      int stage = 0, parity = 1;
      Turner<COLUMNS> b;
      if (threadIdx.x == 0) hopper::prefetchMap(&mapA), hopper::prefetchMap(&mapB);
      for (unsigned i = blockIdx.x; i < items.total; i += gridDim.x) {
        const Item item = items.at(i);
        const auto depthOf = [&](int s) { return (int)g.k - (item.begin + s) * DEEP; };
        b.begin((const float*)g.b + item.batch * g.bBatch, g.bRow, (Size)item.begin * DEEP, item.column * COLUMNS, g.n);
        b.load(depthOf(0));
        for (int s = 0; s < item.count; s++) {
          unsigned char* const to = slabs + stage * SLAB<COLUMNS>;
          hopper::wait(empty + stage, parity);
          if (threadIdx.x == 0) {
            hopper::arriveAndExpect(full + stage, A);
            const int k = (item.begin + s) * DEEP;
            copySlab<T, ROWS, ALONG_A>(to, &mapA, full + stage, k, (int)item.row * ROWS, batchesA > 1 ? (int)item.batch : 0);
#pragma unroll
            for (int j = 0; j < COLUMNS; j += 32) {
              hopper::prefetchBox(&mapB, (int)item.column * COLUMNS + j, k + 4 * DEEP, batchesB > 1 ? (int)item.batch : 0);
            }
          }
          b.store(to + A);
          hopper::fenceStores();
          hopper::arrive(full + stage);
          if (s + 1 < item.count) b.load(depthOf(s + 1));
          if (++stage == N) stage = 0, parity ^= 1;
        }
      }
    } else if (threadIdx.x == 0) {
      hopper::prefetchMap(&mapA), hopper::prefetchMap(&mapB);
      int stage = 0, parity = 1;
      for (unsigned i = blockIdx.x; i < items.total; i += gridDim.x) {
        const Item item = items.at(i);
        const int batchA = batchesA > 1 ? (int)item.batch : 0, batchB = batchesB > 1 ? (int)item.batch : 0;
        for (int s = 0; s < item.count; s++) {
          hopper::wait(empty + stage, parity);
          hopper::arriveAndExpect(full + stage, SLAB<COLUMNS>);
          unsigned char* const to = slabs + stage * SLAB<COLUMNS>;
          const int k = (item.begin + s) * DEEP;
          copySlab<T, ROWS, ALONG_A>(to, &mapA, full + stage, k, (int)item.row * ROWS, batchA);
          copySlab<T, COLUMNS, ALONG_B>(to + A, &mapB, full + stage, k, (int)item.column * COLUMNS, batchB);
          if (++stage == N) stage = 0, parity ^= 1;
        }
      }
    }
  } else {
    hopper::moreRegisters<TURNED ? 200 : 232>();
    const int half = group - 1, lane = threadIdx.x % 32;
    int stage = 0, parity = 0;
    for (unsigned i = blockIdx.x; i < items.total; i += gridDim.x) {
      const Item item = items.at(i);
      float sum[COLUMNS / 2];
      int last = 0;
      // The products of the slab before this one are done: its place may be filled.
      const auto release = [&] {
        if (lane == 0) hopper::arrive(empty + last);
      };
      const auto advance = [&] {
        last = stage;
        if (++stage == N) stage = 0, parity ^= 1;
      };
      if constexpr (sizeof(T) == 4 && ALONG_A == Along::side) {
        const Fragments fragments(half);
        uint32_t x[2][4][4];
        const auto readNext = [&](uint32_t (&x)[4][4]) {
          hopper::wait(full + stage, parity);
          fragments.read(x, slabs + stage * SLAB<COLUMNS>);
        };
        const auto multiply = [&](int s, const uint32_t (&now)[4][4], uint32_t (&next)[4][4]) {
          hopper::productsFence();
#pragma unroll
          for (int step = 0; step < 4; step++) {
            hopper::productOfTf32<COLUMNS>(sum, now[step], matrixOf<COLUMNS, Along::k>(slabs + stage * SLAB<COLUMNS> + A, 0, step), s > 0 || step > 0);
          }
          hopper::productsCommit();
          if (s > 0) hopper::productsWait<1>(), release();
          advance();
          if (s + 1 < item.count) readNext(next);
        };
        readNext(x[0]);
        for (int s = 0; s < item.count; s += 2) {
          multiply(s, x[0], x[1]);
          if (s + 1 < item.count) multiply(s + 1, x[1], x[0]);
        }
        hopper::productsWait<0>();
        release();
        if constexpr (TRANSPOSED) storeTransposed<ROWS, COLUMNS>(g, parts, item, fragments.place, sum);
        else storeTile<T, ROWS, COLUMNS>(g, parts, item, fragments.place, 1, sum);
      } else {
        for (int s = 0; s < item.count; s++) {
          hopper::wait(full + stage, parity);
          const unsigned char* const slab = slabs + stage * SLAB<COLUMNS>;
          hopper::productsFence();
#pragma unroll
          for (int step = 0; step < 4; step++) {
            hopper::product<T, COLUMNS, ALONG_A == Along::side, ALONG_B == Along::side>(
                sum, matrixOf<ROWS, ALONG_A>(slab, 64 * half, step), matrixOf<COLUMNS, ALONG_B>(slab + A, 0, step), s > 0 || step > 0);
          }
          hopper::productsCommit();
          if (s > 0) hopper::productsWait<1>(), release();
          advance();
        }
        hopper::productsWait<0>();
        release();
        storeTile<T, ROWS, COLUMNS>(g, parts, item, 64 * half + threadIdx.x / 32 % 4 * 16 + lane / 4, 8, sum);
      }
    }
  }
#endif
}

// ---------------------------------------------------------------- the host

}  // namespace

PFN_cuTensorMapEncodeTiled_v12000 tensorMapEncoder() {
  static const PFN_cuTensorMapEncodeTiled_v12000 found = [] {
    const char* wanted = getenv("DINOTORCH_HOPPER");
    void* function = nullptr;
    cudaDriverEntryPointQueryResult result;
    if (wanted && !strcmp(wanted, "0")) return (PFN_cuTensorMapEncodeTiled_v12000) nullptr;
    if (cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &result) != cudaSuccess ||
        result != cudaDriverEntryPointSuccess) {
      cudaGetLastError();
      function = nullptr;
    }
    return (PFN_cuTensorMapEncodeTiled_v12000)function;
  }();
  return found;
}

bool describeMatrix(CUtensorMap& map, CUtensorMapDataType type, int size, const void* data, Size width, Size rows, Size row, Size batches,
                    Size batch, int boxWidth, int boxRows, CUtensorMapSwizzle swizzle) {
  const Size quantum = 16 / size;
  if (row % quantum || batch % quantum || ((uintptr_t)data & 15) || row < 0 || batch < 0) return false;
  if (batch == 0) batches = 1;
  if (row == 0 && rows > 1) return false;
  // A single row or matrix may have any stride: none is taken.
  const cuuint64_t sizes[] = {(cuuint64_t)width, (cuuint64_t)rows, (cuuint64_t)batches};
  const cuuint64_t strides[] = {(cuuint64_t)(row ? row : quantum) * size, (cuuint64_t)(batches > 1 ? batch : quantum) * size};
  const cuuint32_t box[] = {(cuuint32_t)boxWidth, (cuuint32_t)boxRows, 1}, ones[] = {1, 1, 1};
  return tensorMapEncoder()(&map, type, 3, (void*)data, sizes, strides, box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle,
                            CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

namespace {

template <class T> constexpr CUtensorMapDataType dataType() {
  return std::is_same<T, __nv_bfloat16>::value ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
         : std::is_same<T, __half>::value      ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                                               : CU_TENSOR_MAP_DATA_TYPE_TFLOAT32;
}

// An operand as the copy engine sees it: [batch, row, 128 bytes]; false when it is not aligned for that.
template <class T>
bool describe(CUtensorMap& map, Along along, const void* data, Size k, Size side, Size step, Size sideStep, Size batches, Size batch, int tile) {
  const int elements = ROW_BYTES / sizeof(T);
  return along == Along::k
             ? describeMatrix(map, dataType<T>(), sizeof(T), data, k, side, sideStep, batches, batch, elements, tile, CU_TENSOR_MAP_SWIZZLE_128B)
             : describeMatrix(map, dataType<T>(), sizeof(T), data, side, k, step, batches, batch, elements, elements, CU_TENSOR_MAP_SWIZZLE_128B);
}

// c' = b' a', without its results.
Gemm transposedOf(const Gemm& g) {
  Gemm t = g;
  t.a = g.b, t.aRow = g.bColumn, t.aColumn = g.bRow, t.aBatch = g.bBatch, t.m = g.n;
  t.b = g.a, t.bRow = g.aColumn, t.bColumn = g.aRow, t.bBatch = g.aBatch, t.n = g.m;
  return t;
}

template <class T, int COLUMNS> bool launch(const Gemm& g, const Cut& cut, Along a, Along b, bool transposed) {
  using K = void (*)(CUtensorMap, CUtensorMap, Gemm, Items, float*, int, int);
  K kernel = hopperKernel<T, COLUMNS, Along::k, Along::k, false>;
  if constexpr (sizeof(T) == 2) {
    if (a == Along::k && b == Along::side) kernel = hopperKernel<T, COLUMNS, Along::k, Along::side, false>;
    if (a == Along::side && b == Along::k) kernel = hopperKernel<T, COLUMNS, Along::side, Along::k, false>;
    if (a == Along::side && b == Along::side) kernel = hopperKernel<T, COLUMNS, Along::side, Along::side, false>;
  } else if (a == Along::side && b == Along::side) {
    kernel = hopperKernel<T, COLUMNS, Along::side, Along::side, false>;
  } else if (a == Along::side) {
    kernel = transposed ? hopperKernel<T, COLUMNS, Along::side, Along::k, true> : hopperKernel<T, COLUMNS, Along::side, Along::k, false>;
  }
  const Gemm t = transposed ? transposedOf(g) : g;
  CUtensorMap mapA, mapB;
  if (!describe<T>(mapA, a, t.a, t.k, t.m, t.aColumn, t.aRow, t.batches, t.aBatch, ROWS) ||
      !describe<T>(mapB, b, t.b, t.k, t.n, t.bRow, t.bColumn, t.batches, t.bBatch, COLUMNS)) {
    return false;
  }
  constexpr Size DEEP = ROW_BYTES / sizeof(T);
  const Size rows = (t.m + ROWS - 1) / ROWS, columns = (t.n + COLUMNS - 1) / COLUMNS, total = rows * columns * g.batches * cut.splits;
  const int slabs = (int)((g.k + DEEP - 1) / DEEP), depth = cut.splits > 1 ? (int)(cut.depth / DEEP) : slabs;
  const Items items = {(unsigned)total, (unsigned)rows, (unsigned)columns, (unsigned)cut.splits, depth, slabs};
  float* parts = cut.splits > 1 ? (float*)current.workspace : nullptr;
  const unsigned blocks = (unsigned)(total < processors() ? total : processors());
  LAUNCH_SHARED(SHARED_BYTES<COLUMNS>, blocks, LANES, kernel, mapA, mapB, g, items, parts, t.aBatch ? (int)g.batches : 1,
                t.bBatch ? (int)g.batches : 1);
  if (parts) joinSplits(g, cut.splits);
  return true;
}

template <class T> bool hopperGemmOf(const Gemm& g) {
  Along a = g.aColumn == 1 ? Along::k : Along::side, b = g.bRow == 1 ? Along::k : Along::side;
  if ((a == Along::side && g.aRow != 1) || (b == Along::side && g.bColumn != 1)) return false;
  const bool transposed = sizeof(T) == 4 && a == Along::k && b == Along::side;
  if (transposed) std::swap(a, b);
  constexpr float rate = sizeof(T) == 2 ? 1 : 0.5f;
  static const Tile tiles[] = {{ROWS, 256, 1700 * rate, 1700 * rate}, {ROWS, 128, 1550 * rate, 1550 * rate}, {ROWS, 64, 1000 * rate, 1000 * rate}};
  const Cut cut = cutGemm(transposed ? transposedOf(g) : g, tiles, 3, ROW_BYTES / sizeof(T));
  return cut.tile == 0   ? launch<T, 256>(g, cut, a, b, transposed)
         : cut.tile == 1 ? launch<T, 128>(g, cut, a, b, transposed)
                         : launch<T, 64>(g, cut, a, b, transposed);
}

}  // namespace

bool hopperGemm(const Gemm& g) {
  constexpr Size MOST = 1 << 30;
  if (g.type == GemmType::float32 || capability() != 9 || !tensorMapEncoder()) return false;
  if (g.m <= 32 || g.n < 32 || g.k < 16 || g.k > MOST || g.m > MOST || g.n > MOST || g.batches > 65535) return false;
  return g.type == GemmType::bfloat16 ? hopperGemmOf<__nv_bfloat16>(g) : g.type == GemmType::float16 ? hopperGemmOf<__half>(g) : hopperGemmOf<float>(g);
}
#endif
