// Products of matrices on the tensor cores of compute capability 9.0, by the instructions of hopper.cuh; gemm_tensor.cuh has
// the twin for other GPUs, and for what these are not made for. DINOTORCH_HOPPER=0 in the environment turns them off.
//
// As many blocks as there are SMs go through the tiles of c. In each, one warpgroup has the copy engine bring slabs of a and b
// to shared memory, 128 bytes deep along k, up to STAGES ahead; two others multiply them, 64 rows of the tile each. A pair of
// barriers for each stage says that it is full, and that it may be filled anew.
#include "gemm.cuh"

#if !defined(__CUDACC__)
bool hopperGemm(const Gemm&) { return false; }
#else
#include "hopper.cuh"

namespace {

enum class Along { k, side };

constexpr int ROWS = 128, THREADS = 384, ROW_BYTES = 128;
template <int COLUMNS> constexpr int STAGES = COLUMNS == 256 ? 4 : COLUMNS == 128 ? 6 : 8;
template <int COLUMNS> constexpr int SLAB = (ROWS + COLUMNS) * ROW_BYTES;
// The barriers, and what aligns the slabs to the swizzle's 1024 bytes.
template <int COLUMNS> constexpr int SHARED_BYTES = STAGES<COLUMNS>* SLAB<COLUMNS> + 2048;

// A tile of c and a range of k.
struct Item {
  Size batch, row, column;
  int split, begin, count;
};

struct Items {
  Size total, rows, columns;
  int splits, depth, slabs;

  // Number `i`; `depth` and `slabs` count slabs.
  [[maybe_unused]] DEVICE Item at(Size i) const {
    const Size tiles = rows * columns, matrix = i / tiles;
    const TilePlace place = tilePlace(i - matrix * tiles, rows, columns);
    const int split = (int)(matrix % splits), begin = split * depth, rest = slabs - begin;
    return {matrix / splits, place.row, place.column, split, begin, rest < depth ? rest : depth};
  }
};

#ifdef HOPPER_DEVICE
// Four lanes side by side hold 8 columns each of four groups of 8, two at a time: afterwards a lane has all 8 of one group.
DEVICE void gather(uint32_t (&x)[4]) {
  const int t = threadIdx.x % 4;
  const uint32_t a = __shfl_xor_sync(~0u, t & 1 ? x[0] : x[1], 1), b = __shfl_xor_sync(~0u, t & 1 ? x[2] : x[3], 1);
  if (t & 1) {
    x[0] = a, x[2] = b;
  } else {
    x[1] = a, x[3] = b;
  }
  const uint32_t c = __shfl_xor_sync(~0u, t & 2 ? x[0] : x[2], 2), d = __shfl_xor_sync(~0u, t & 2 ? x[1] : x[3], 2);
  if (t & 2) {
    x[0] = c, x[1] = d;
  } else {
    x[2] = c, x[3] = d;
  }
}

template <class T> DEVICE uint32_t pack(T x, T y) {
  uint16_t low, high;
  memcpy(&low, &x, 2), memcpy(&high, &y, 2);
  return (uint32_t)low | (uint32_t)high << 16;
}

// Stores what a thread has of 8 columns from `column` on; `to` is the row's beginning.
template <class R> DEVICE void storePair(R* to, Size column, Size n, bool pairs, R x, R y) {
  struct alignas(2 * sizeof(R)) Pair {
    R x, y;
  };
  if (column + 1 < n && pairs) {
    *(Pair*)(to + column) = {x, y};
  } else {
    if (column < n) to[column] = x;
    if (column + 1 < n) to[column + 1] = y;
  }
}

template <class T, int COLUMNS>
DEVICE void storeTile(const Gemm& g, float* parts, const Item& item, int group, const float (&sum)[COLUMNS / 2]) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4, t = lane % 4;
  const Size j0 = item.column * COLUMNS;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const Size i = item.row * ROWS + 64 * group + 16 * warp + 8 * h + lane / 4, row = item.batch * g.m + i;
    const bool inside = i < g.m;
    if (parts) {
      float* to = parts + (item.split * g.batches * g.m + row) * g.n;
      if (!inside) continue;
#pragma unroll
      for (int j = 0; j < COLUMNS / 8; j++) storePair(to, j0 + 8 * j + 2 * t, g.n, g.n % 2 == 0, sum[4 * j + 2 * h], sum[4 * j + 2 * h + 1]);
      continue;
    }
    T* const to = (T*)g.c + row * g.n;
    // The result in column j0 + 8 j + 2 t + e, 0 beyond the matrix.
    const auto result = [&](int j, int e) {
      const Size column = j0 + 8 * j + 2 * t + e;
      return inside && column < g.n ? finish<T>(g, row, column, sum[4 * j + 2 * h + e]) : T(0.0f);
    };
    if (sizeof(T) == 2 && g.n % 8 == 0 && ((uintptr_t)g.c & 15) == 0) {
#pragma unroll
      for (int j = 0; j < COLUMNS / 8; j += 4) {
        uint32_t x[4];
#pragma unroll
        for (int q = 0; q < 4; q++) x[q] = pack(result(j + q, 0), result(j + q, 1));
        gather(x);
        const Size column = j0 + 8 * (j + t);
        if (inside && column < g.n) *(uint4*)(to + column) = {x[0], x[1], x[2], x[3]};
      }
    } else if (inside) {
      const bool pairs = g.n % 2 == 0 && (uintptr_t)g.c % (2 * sizeof(T)) == 0;
#pragma unroll
      for (int j = 0; j < COLUMNS / 8; j++) storePair(to, j0 + 8 * j + 2 * t, g.n, pairs, result(j, 0), result(j, 1));
    }
  }
}

// Slabs of 64 elements of the side are separate boxes where the side is contiguous.
template <class T, int SIDE, Along ALONG>
DEVICE void copySlab(unsigned char* to, const CUtensorMap* map, uint64_t* barrier, int k, int side, int batch) {
  if (ALONG == Along::k) {
    hopper::copyBox(to, map, barrier, k, side, batch);
  } else {
#pragma unroll
    for (int s = 0; s < SIDE; s += 64) hopper::copyBox(to + s * ROW_BYTES, map, barrier, side + s, k, batch);
  }
}

// Step `step` of four of a slab, from row `side` on.
template <int SIDE, Along ALONG> DEVICE uint64_t matrixOf(const unsigned char* slab, int side, int step) {
  return ALONG == Along::k ? hopper::matrix(slab + side * ROW_BYTES + 32 * step, 16, 1024)
                           : hopper::matrix(slab + side * ROW_BYTES + 2048 * step, 64 * ROW_BYTES, 1024);
}
#endif

template <class T, int COLUMNS, Along ALONG_A, Along ALONG_B>
__global__ void __launch_bounds__(THREADS, 1)
    hopperKernel(const __grid_constant__ CUtensorMap mapA, const __grid_constant__ CUtensorMap mapB, const __grid_constant__ Gemm g,
                 const __grid_constant__ Items items, float* parts, int batchesA, int batchesB) {
#ifdef HOPPER_DEVICE
  constexpr int N = STAGES<COLUMNS>, DEEP = ROW_BYTES / sizeof(T), A = ROWS * ROW_BYTES;
  DYNAMIC_SHARED(unsigned char, space);
  uint64_t* const full = (uint64_t*)space;
  uint64_t* const empty = full + N;
  unsigned char* const slabs = space + ((1024 - (hopper::address(space) & 1023)) & 1023) + 1024;
  if (threadIdx.x == 0) {
    for (int s = 0; s < N; s++) hopper::initBarrier(full + s, 1), hopper::initBarrier(empty + s, 8);
    hopper::fenceBarriers();
  }
  __syncthreads();
  const int group = threadIdx.x / 128;

  if (group == 0) {
    hopper::fewerRegisters<40>();
    if (threadIdx.x == 0) {
      hopper::prefetchMap(&mapA), hopper::prefetchMap(&mapB);
      int stage = 0, parity = 1;
      for (Size i = blockIdx.x; i < items.total; i += gridDim.x) {
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
    hopper::moreRegisters<232>();
    const int half = group - 1, lane = threadIdx.x % 32;
    int stage = 0, parity = 0;
    for (Size i = blockIdx.x; i < items.total; i += gridDim.x) {
      const Item item = items.at(i);
      float sum[COLUMNS / 2];
      int last = 0;
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
        if (s > 0) {
          hopper::productsWait<1>();
          if (lane == 0) hopper::arrive(empty + last);
        }
        last = stage;
        if (++stage == N) stage = 0, parity ^= 1;
      }
      hopper::productsWait<0>();
      if (lane == 0) hopper::arrive(empty + last);
      storeTile<T, COLUMNS>(g, parts, item, half, sum);
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

namespace {

template <class T> constexpr CUtensorMapDataType dataType() {
  return std::is_same<T, __nv_bfloat16>::value ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
         : std::is_same<T, __half>::value      ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                                               : CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
}

// An operand as the copy engine sees it: [batch, row, 128 bytes]; false when it is not aligned for that.
template <class T>
bool describe(CUtensorMap& map, Along along, const void* data, Size k, Size side, Size step, Size sideStep, Size batches, Size batch, int tile) {
  const cuuint32_t elements = ROW_BYTES / sizeof(T);
  const Size row = along == Along::k ? sideStep : step, quantum = 16 / sizeof(T);
  if (row % quantum || batch % quantum || ((uintptr_t)data & 15) || row < 0 || batch < 0) return false;
  if (batch == 0) batches = 1;
  const Size rows = along == Along::k ? side : k, width = along == Along::k ? k : side;
  // A single row or matrix may have any stride: none is taken.
  const cuuint64_t sizes[] = {(cuuint64_t)width, (cuuint64_t)rows, (cuuint64_t)batches};
  const cuuint64_t strides[] = {(cuuint64_t)(row ? row : quantum) * sizeof(T), (cuuint64_t)(batches > 1 ? batch : quantum) * sizeof(T)};
  const cuuint32_t box[] = {elements, along == Along::k ? (cuuint32_t)tile : elements, 1}, ones[] = {1, 1, 1};
  if (row == 0 && rows > 1) return false;
  return tensorMapEncoder()(&map, dataType<T>(), 3, (void*)data, sizes, strides, box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE,
                   CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

template <class T, int COLUMNS> bool launch(const Gemm& g, const Cut& cut, Along a, Along b) {
  using K = void (*)(CUtensorMap, CUtensorMap, Gemm, Items, float*, int, int);
  K kernel = hopperKernel<T, COLUMNS, Along::k, Along::k>;
  if constexpr (sizeof(T) == 2) {
    if (a == Along::k && b == Along::side) kernel = hopperKernel<T, COLUMNS, Along::k, Along::side>;
    if (a == Along::side && b == Along::k) kernel = hopperKernel<T, COLUMNS, Along::side, Along::k>;
    if (a == Along::side && b == Along::side) kernel = hopperKernel<T, COLUMNS, Along::side, Along::side>;
  }
  CUtensorMap mapA, mapB;
  if (!describe<T>(mapA, a, g.a, g.k, g.m, g.aColumn, g.aRow, g.batches, g.aBatch, ROWS) ||
      !describe<T>(mapB, b, g.b, g.k, g.n, g.bRow, g.bColumn, g.batches, g.bBatch, COLUMNS)) {
    return false;
  }
  constexpr Size DEEP = ROW_BYTES / sizeof(T);
  const Size rows = (g.m + ROWS - 1) / ROWS, columns = (g.n + COLUMNS - 1) / COLUMNS, total = rows * columns * g.batches * cut.splits;
  const int slabs = (int)((g.k + DEEP - 1) / DEEP), depth = cut.splits > 1 ? (int)(cut.depth / DEEP) : slabs;
  float* parts = cut.splits > 1 ? (float*)current.workspace : nullptr;
  const unsigned blocks = (unsigned)(total < processors() ? total : processors());
  LAUNCH_SHARED(SHARED_BYTES<COLUMNS>, blocks, THREADS, kernel, mapA, mapB, g, Items{total, rows, columns, cut.splits, depth, slabs}, parts,
                g.aBatch ? (int)g.batches : 1, g.bBatch ? (int)g.batches : 1);
  if (parts) joinSplits(g, cut.splits);
  return true;
}

template <class T> bool hopperGemmOf(const Gemm& g) {
  const Along a = g.aColumn == 1 ? Along::k : Along::side, b = g.bRow == 1 ? Along::k : Along::side;
  if ((a == Along::side && g.aRow != 1) || (b == Along::side && g.bColumn != 1)) return false;
  // tf32 is multiplied along k alone.
  if (sizeof(T) == 4 && (a == Along::side || b == Along::side)) return false;
  constexpr float rate = sizeof(T) == 2 ? 1 : 0.5f;
  static const Tile tiles[] = {{ROWS, 256, 3300 * rate}, {ROWS, 128, 2800 * rate}, {ROWS, 64, 1700 * rate}};
  const Cut cut = cutGemm(g, tiles, 3, ROW_BYTES / sizeof(T));
  return cut.tile == 0 ? launch<T, 256>(g, cut, a, b) : cut.tile == 1 ? launch<T, 128>(g, cut, a, b) : launch<T, 64>(g, cut, a, b);
}

}  // namespace

bool hopperGemm(const Gemm& g) {
  constexpr Size MOST = 1 << 30;
  if (g.type == GemmType::float32 || capability() != 9 || !tensorMapEncoder()) return false;
  if (g.m <= 32 || g.n < 32 || g.k < 16 || g.k > MOST || g.m > MOST || g.n > MOST || g.batches > 65535) return false;
  return g.type == GemmType::bfloat16 ? hopperGemmOf<__nv_bfloat16>(g) : g.type == GemmType::float16 ? hopperGemmOf<__half>(g) : hopperGemmOf<float>(g);
}
#endif
