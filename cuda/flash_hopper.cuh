// What attention's kernels for compute capability 9.0 share (flash_hopper.cu, flash_hopper_grad.cu).
//
// A block stays, and takes one item after the other: a tile of rows of one head, which are its own, against the rows of the
// other side, which stream past. One warpgroup has the copy engine fill rings of tiles in shared memory; the others each have
// 64 of the item's rows. Shah et al., "FlashAttention-3" (2024).
#pragma once
#include "flash.cuh"

#if defined(__CUDACC__)
#include "gemm.cuh"
#include "hopper.cuh"

// The items of a launch, in the order in which they are taken: of some heads, whose streams the L2 cache can hold, the longest
// first.
struct Schedule {
  int heads, tiles, section;
  DEVICE int total() const { return heads * tiles; }
  DEVICE void at(int i, int& head, int& tile) const {
    const int first = i / (section * tiles) * section, count = heads - first < section ? heads - first : section;
    const int within = i - first * tiles;
    head = first + within % count, tile = within / count;
  }
};

// Bytes of a row of a tile that lie together: a tile is one part of 64 columns after the other.
constexpr int PART = 128;
// Registers of a thread that computes, and of one that loads, of the 65536 that a block has.
template <int GROUPS> constexpr int COMPUTE_REGISTERS = GROUPS == 2 ? 240 : GROUPS == 3 ? 160 : 112;
template <int GROUPS> constexpr int LOAD_REGISTERS = GROUPS == 2 ? 24 : 32;

// The items that were taken, and the blocks that have found none left; the last of those puts both back to 0. Launches come one
// after the other, in one stream.
static __device__ unsigned taken[2];

#ifdef HOPPER_DEVICE
// A ring of N places in shared memory: whoever fills a place waits until it is empty, whoever reads it until it is full.
template <int N> struct Ring {
  uint64_t *full, *empty;
  int place = 0, round = 0;
  DEVICE void init(int readers) {
    for (int i = 0; i < N; i++) hopper::initBarrier(full + i, 1), hopper::initBarrier(empty + i, readers);
  }
  DEVICE void waitEmpty() const { hopper::wait(empty + place, 1 - round); }
  DEVICE void waitFull() const { hopper::wait(full + place, round); }
  DEVICE void next() {
    if (++place == N) place = 0, round ^= 1;
  }
  // One lane of each warp that reads says so.
  DEVICE void release(int which) const {
    if (threadIdx.x % 32 == 0) hopper::arrive(empty + which);
  }
  DEVICE void pass() { release(place), next(); }
};

DEVICE inline int takeItem(const Schedule& items) {
  const unsigned i = atomicAdd(taken, 1);
  return i < (unsigned)items.total() ? (int)i : -1;
}
DEVICE inline void takeNoMore() {
  if (atomicAdd(taken + 1, 1) == gridDim.x - 1) taken[0] = taken[1] = 0;
}

// What all lanes of a warp have, for the compiler to know: what follows from it is worked out once, not by each lane.
DEVICE inline int uniform(int x) { return __shfl_sync(~0u, x, 0); }

// Has the engine bring `rows` rows from `row` on; the bytes were announced.
template <int D> DEVICE void copyTile(unsigned char* to, const CUtensorMap* map, uint64_t* barrier, int rows, int row, int h, int b) {
#pragma unroll
  for (int part = 0; part < D / 64; part++) hopper::copyBox(to + part * rows * PART, map, barrier, part * 64, row, h, b);
}

// s = a b^T: 64 rows of a tile of ROWS, and a tile of N rows; begun, not committed.
template <class T, int D, int ROWS, int N> DEVICE void beginRows(float (&s)[N / 2], const unsigned char* a, const unsigned char* b) {
#pragma unroll
  for (int step = 0; step < D / 16; step++) {
    const int part = step / 4, at = step % 4 * 32;
    hopper::product<T, N, false, false>(s, hopper::matrix(a, 16, 1024, part * ROWS * PART + at),
                                        hopper::matrix(b, 16, 1024, part * N * PART + at), step > 0);
  }
}
// sum = w b (+ sum): 64 rows of weights, and a tile of N rows; begun, not committed.
template <class T, int D, int N>
DEVICE void beginSum(float (&sum)[D / 2], const uint32_t (&w)[N / 16][4], const unsigned char* b, bool add) {
#pragma unroll
  for (int step = 0; step < N / 16; step++) {
    hopper::productOf<T, D>(sum, w[step], hopper::matrix(b, N * PART, 1024, step * 16 * PART), add || step > 0);
  }
}
// Results as weights of the next product.
template <class T, int N> DEVICE void weightsOf(uint32_t (&w)[N / 16][4], const float (&s)[N / 2]) {
#pragma unroll
  for (int e = 0; e < N / 4; e++) w[e / 4][e % 4] = pair(s[2 * e], s[2 * e + 1], T());
}

// Stores 64 rows of a result, of which a thread has rows `row` and row + 8, times `factor` of each; there are `rows` rows and
// `width` columns. Four lanes exchange what they have, so that each stores 16 bytes.
template <class T, int D>
DEVICE void storeSums(T* to, Size stride, int row, int rows, int width, const float (&sum)[D / 2], const float (&factor)[2]) {
  const int lane = threadIdx.x % 4;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int r = row + 8 * half;
#pragma unroll
    for (int n = 0; n < D / 8; n += 4) {
      uint32_t w[4];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int e = 4 * (n + j) + 2 * half;
        w[j] = pair(sum[e] * factor[half], sum[e + 1] * factor[half], T());
      }
      hopper::gather(w);
      const int column = (n + lane) * 8;
      if (r < rows && column < width) *(uint4*)(to + r * stride + column) = make_uint4(w[0], w[1], w[2], w[3]);
    }
  }
}
#endif

// Rows of a tensor as the copy engine sees them, [batch, head, row, width], in boxes of `box` rows; false where it cannot.
template <class T>
bool describeRows(CUtensorMap& map, const T* data, const Rows& rows, const Flash& f, int count, int width, int box) {
  // An axis of one place may have any stride: none is taken.
  const Size batches = f.items / f.heads;
  const Size row = count > 1 ? rows.row : 8, head = f.heads > 1 ? rows.head : 8, batch = batches > 1 ? rows.batch : 8;
  if (row <= 0 || head <= 0 || batch <= 0) return false;
  const cuuint64_t sizes[] = {(cuuint64_t)width, (cuuint64_t)count, (cuuint64_t)f.heads, (cuuint64_t)batches};
  const cuuint64_t strides[] = {(cuuint64_t)row * 2, (cuuint64_t)head * 2, (cuuint64_t)batch * 2};
  const cuuint32_t boxes[] = {64, (cuuint32_t)box, 1, 1}, ones[] = {1, 1, 1, 1};
  const auto type = std::is_same<T, __half>::value ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  return CUDA_SUCCESS == tensorMapEncoder()(&map, type, 4, (void*)data, sizes, strides, boxes, ones, CU_TENSOR_MAP_INTERLEAVE_NONE,
                                            CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                            CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}
// Whether these kernels are for such sizes: few rows leave most of their tiles empty.
inline bool hopperSizes(const Flash& f) {
  return capability() == 9 && tensorMapEncoder() && f.queries > 64 && f.keys > 64 && f.items * ((f.queries + f.keys) / 64) < 1 << 30;
}
// Items of `heads` heads with tiles of `rows` rows of `count`; heads of `length` rows in all have room in the L2 cache.
inline Schedule scheduleOf(Size heads, int count, int rows, Size length, int width) {
  const Size section = (Size)(16 << 20) / (length * width * 2);
  return {(int)heads, (count + rows - 1) / rows, (int)(section < 1 ? 1 : section > heads ? heads : section)};
}
inline unsigned blocksFor(const Schedule& items) {
  const Size total = (Size)items.heads * items.tiles;
  return (unsigned)(total < processors() ? total : processors());
}
#endif
