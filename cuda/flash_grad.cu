// The gradients of attention on tensor cores. With p = exp(scores - greatest) / sum and delta = sum over columns of g * o:
// ds = p * (g v^T - delta),
//
//     dq = scale ds k      dk = scale ds^T q      dv = p^T g
//
// One kernel works out delta, one goes along the keys for dq, and one along the queries for dk and dv: each sum is one
// thread's own, in order.
#include "flash.cuh"

constexpr unsigned ALL = 0xffffffffu;

// levels[item][query]: the power of two that exp2(scale score - it) is the weight for, by as many threads as a row has pieces;
// and means, the rows' deltas. What stands after the queries of an item gets weights and means of 0.
template <class T, int D>
__global__ void __launch_bounds__(THREADS) rowsKernel(const T* o, const T* g, const float* norms, FlashGrad s, Size rows) {
  constexpr int PIECES = D / PIECE<T>;
  const Size at = ((Size)blockIdx.x * THREADS + threadIdx.x) / PIECES, local = at / s.padded, i = at - local * s.padded;
  const int c = (int)threadIdx.x % PIECES * PIECE<T>;
  const bool inside = at < rows && i < s.f.queries;
  const Size item = s.item + local;
  float sum = 0;
  if (inside && c < s.f.columns) {
    const Size b = item / s.f.heads, h = item - b * s.f.heads;
    const Pack<T, PIECE<T>> x = loadPack<PIECE<T>>(o + s.f.o(b, h, i) + c), y = loadPack<PIECE<T>>(g + s.g(b, h, i) + c);
#pragma unroll
    for (int k = 0; k < PIECE<T>; k++) sum += widen(x.at[k]) * widen(y.at[k]);
  }
#pragma unroll
  for (int d = PIECES / 2; d > 0; d /= 2) sum += __shfl_xor_sync(ALL, sum, d);
  if (at < rows && c == 0) {
    const float* const norm = norms + 2 * item * s.f.queries + i;
    s.levels[at] = inside ? norm[0] * LOG2_E - log2f(norm[s.f.queries]) : INFINITY;
    s.means[at] = sum;
  }
}

// ---------------------------------------------------------------- dq: a tile of queries, along the keys

// Wide rows take more registers and more shared memory: a warp has fewer of them.
template <class T, int D> struct QueryTiles {
  static constexpr int LANES = 128, MT = sizeof(T) == 2 ? 2 : 1, QUERIES = LANES / 32 * MT * 16, KEYS = D * sizeof(T) <= 256 ? 32 : 16;
};

template <class T, int D>
__global__ void __launch_bounds__(QueryTiles<T, D>::LANES, 2)
    queriesKernel(T* dq, const T* g, const T* q, const T* k, const T* v, FlashGrad s) {
  using Q = QueryTiles<T, D>;
  constexpr int MT = Q::MT, LANES = Q::LANES, QUERIES = Q::QUERIES, KEYS = Q::KEYS, NT = KEYS / 8, TILE = KEYS * D;
  DYNAMIC_SHARED(T, tiles);
  T* const qTile = tiles;
  T* const gTile = qTile + QUERIES * D;
  T* const kTiles = gTile + QUERIES * D;  // two, and two of values
  T* const vTiles = kTiles + 2 * TILE;
  const Flash& f = s.f;
  const int lane = threadIdx.x % 32, first = (int)threadIdx.x / 32 * MT * 16;
  const Size item = s.item + blockIdx.x, b = item / f.heads, h = item - b * f.heads;
  const int i0 = (int)(f.causal ? gridDim.y - 1 - blockIdx.y : blockIdx.y) * QUERIES, queries = f.queries, keys = f.keys;
  const int visible = f.causal && i0 + QUERIES < keys ? i0 + QUERIES : keys, blocks = (visible + KEYS - 1) / KEYS;
  const T* const kRows = k + f.k(b, h, 0);
  const T* const vRows = v + f.v(b, h, 0);
  loadTile<T, D, QUERIES, LANES>(qTile, q + f.q(b, h, i0), f.q.row, queries - i0, f.width);
  loadTile<T, D, QUERIES, LANES>(gTile, g + s.g(b, h, i0), s.g.row, queries - i0, f.columns);
  loadTile<T, D, KEYS, LANES>(kTiles, kRows, f.k.row, keys, f.width);
  loadTile<T, D, KEYS, LANES>(vTiles, vRows, f.v.row, keys, f.columns);
  cpAsyncCommit();

  const float scale = f.scale * LOG2_E;
  float sum[MT][D / 8][4] = {}, top[MT][2], mean[MT][2];
#pragma unroll
  for (int m = 0; m < MT; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const Size i = blockIdx.x * s.padded + i0 + first + m * 16 + half * 8 + lane / 4;
      top[m][half] = s.levels[i], mean[m][half] = s.means[i];
    }
  }

  for (int block = 0; block < blocks; block++) {
    const int j0 = block * KEYS, stage = block % 2;
    cpAsyncWait<0>();
    __syncthreads();
    if (block + 1 < blocks) {
      const int next = j0 + KEYS;
      loadTile<T, D, KEYS, LANES>(kTiles + (1 - stage) * TILE, kRows + next * f.k.row, f.k.row, keys - next, f.width);
      loadTile<T, D, KEYS, LANES>(vTiles + (1 - stage) * TILE, vRows + next * f.v.row, f.v.row, keys - next, f.columns);
      cpAsyncCommit();
    }
    float p[MT][NT][4], ds[MT][NT][4];
    multiplyRows<T, D, MT, NT>(
        p, [&](uint32_t(&a)[4], int m, int step) { loadFirst<D>(a, qTile, first + m * 16, step); }, kTiles + stage * TILE);
    multiplyRows<T, D, MT, NT>(
        ds, [&](uint32_t(&a)[4], int m, int step) { loadFirst<D>(a, gTile, first + m * 16, step); }, vTiles + stage * TILE);
    const bool ragged = j0 + KEYS > keys || (f.causal && j0 + KEYS > i0 + first + 1);
#pragma unroll
    for (int m = 0; m < MT; m++) {
#pragma unroll
      for (int e = 0; e < NT * 4; e++) {
        const int n = e / 4, half = e % 4 / 2;
        float weight = exp2Fast(p[m][n][e % 4] * scale - top[m][half]);
        if (ragged) {
          const int j = j0 + n * 8 + lane % 4 * 2 + e % 2, i = i0 + first + m * 16 + lane / 4 + half * 8;
          if (j >= keys || (f.causal && j > i)) weight = 0;
        }
        ds[m][n][e % 4] = weight * (ds[m][n][e % 4] - mean[m][half]);
      }
    }
    addProduct<T, D, MT, NT>(sum, ds, kTiles + stage * TILE);
  }
  storeRows<T, D, MT>(dq + s.dq(b, h, i0), s.dq.row, first, queries - i0, f.width, sum, [&](int, int) { return f.scale; });
}

// ---------------------------------------------------------------- dk and dv: a tile of keys, along the queries

template <class T, int D> struct KeyTiles {
  static constexpr bool NARROW = D * sizeof(T) <= 128, WARPS8 = D * sizeof(T) == 256 && sizeof(T) == 2;
  static constexpr int MT = NARROW && sizeof(T) == 2 ? 2 : 1, LANES = WARPS8 ? 256 : 128, KEYS = LANES / 32 * MT * 16;
  static constexpr int QUERIES = WARPS8 ? 64 : D * sizeof(T) <= 256 ? 32 : 16;
};

template <class T, int D>
__global__ void __launch_bounds__(KeyTiles<T, D>::LANES, KeyTiles<T, D>::WARPS8 ? 1 : 2)
    keysKernel(T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, FlashGrad s) {
  using K = KeyTiles<T, D>;
  constexpr int MT = K::MT, LANES = K::LANES, KEYS = K::KEYS, QUERIES = K::QUERIES, NT = QUERIES / 8, TILE = QUERIES * D;
  DYNAMIC_SHARED(T, tiles);
  T* const kTile = tiles;
  T* const vTile = kTile + KEYS * D;
  T* const qTiles = vTile + KEYS * D;  // two, and two of g
  T* const gTiles = qTiles + 2 * TILE;
  SHARED(float, tops, [2][QUERIES]);
  SHARED(float, means, [2][QUERIES]);
  const Flash& f = s.f;
  const int tid = threadIdx.x, lane = tid % 32, first = tid / 32 * MT * 16;
  const Size item = s.item + blockIdx.x, b = item / f.heads, h = item - b * f.heads;
  const int j0 = (int)blockIdx.y * KEYS, queries = f.queries, keys = f.keys;
  const int begin = f.causal ? j0 / QUERIES : 0, blocks = (queries + QUERIES - 1) / QUERIES;
  const T* const qRows = q + f.q(b, h, 0);
  const T* const gRows = g + s.g(b, h, 0);
  const float* const levels = s.levels + blockIdx.x * s.padded;
  const float* const deltas = s.means + blockIdx.x * s.padded;
  const auto load = [&](int i, int stage) {
    loadTile<T, D, QUERIES, LANES>(qTiles + stage * TILE, qRows + i * f.q.row, f.q.row, queries - i, f.width);
    loadTile<T, D, QUERIES, LANES>(gTiles + stage * TILE, gRows + i * s.g.row, s.g.row, queries - i, f.columns);
    cpAsyncCommit();
  };
  const float scale = f.scale * LOG2_E;
  float ofKey[MT][D / 8][4] = {}, ofValue[MT][D / 8][4] = {};
  if (begin < blocks) {
    loadTile<T, D, KEYS, LANES>(kTile, k + f.k(b, h, j0), f.k.row, keys - j0, f.width);
    loadTile<T, D, KEYS, LANES>(vTile, v + f.v(b, h, j0), f.v.row, keys - j0, f.columns);
    load(begin * QUERIES, begin % 2);
    if (tid < QUERIES) {
      const int i = begin * QUERIES + tid;
      tops[begin % 2][tid] = levels[i], means[begin % 2][tid] = deltas[i];
    }
  }
  for (int block = begin; block < blocks; block++) {
    const int i0 = block * QUERIES, stage = block % 2;
    cpAsyncWait<0>();
    __syncthreads();
    float top = INFINITY, mean = 0;
    if (block + 1 < blocks) {
      load(i0 + QUERIES, 1 - stage);
      const int i = i0 + QUERIES + tid;
      if (tid < QUERIES) top = levels[i], mean = deltas[i];
    }
    float p[MT][NT][4], ds[MT][NT][4];
    multiplyRows<T, D, MT, NT>(
        p, [&](uint32_t(&a)[4], int m, int step) { loadFirst<D>(a, kTile, first + m * 16, step); }, qTiles + stage * TILE);
    const bool ragged = f.causal && j0 + first + MT * 16 > i0 + 1;
#pragma unroll
    for (int m = 0; m < MT; m++) {
#pragma unroll
      for (int e = 0; e < NT * 4; e++) {
        const int n = e / 4, c = n * 8 + lane % 4 * 2 + e % 2;
        float& weight = p[m][n][e % 4];
        weight = exp2Fast(weight * scale - tops[stage][c]);
        if (ragged && j0 + first + m * 16 + lane / 4 + e % 4 / 2 * 8 > i0 + c) weight = 0;
      }
    }
    addProduct<T, D, MT, NT>(ofValue, p, gTiles + stage * TILE);
    multiplyRows<T, D, MT, NT>(
        ds, [&](uint32_t(&a)[4], int m, int step) { loadFirst<D>(a, vTile, first + m * 16, step); }, gTiles + stage * TILE);
#pragma unroll
    for (int m = 0; m < MT; m++) {
#pragma unroll
      for (int e = 0; e < NT * 4; e++) {
        const int n = e / 4, c = n * 8 + lane % 4 * 2 + e % 2;
        ds[m][n][e % 4] = p[m][n][e % 4] * (ds[m][n][e % 4] - means[stage][c]);
      }
    }
    addProduct<T, D, MT, NT>(ofKey, ds, qTiles + stage * TILE);
    if (tid < QUERIES) tops[1 - stage][tid] = top, means[1 - stage][tid] = mean;
  }
  storeRows<T, D, MT>(dk + s.dk(b, h, j0), s.dk.row, first, keys - j0, f.width, ofKey, [&](int, int) { return f.scale; });
  storeRows<T, D, MT>(dv + s.dv(b, h, j0), s.dv.row, first, keys - j0, f.columns, ofValue, [](int, int) { return 1.0f; });
}

// ---------------------------------------------------------------- launches

template <class T, int D>
static void launch(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const T* o, const float* norms, FlashGrad s) {
  using K = KeyTiles<T, D>;
  using Q = QueryTiles<T, D>;
  const Size all = s.f.items, most = WORKSPACE / (Size)sizeof(float) / 2 / s.padded;
  const unsigned queryTiles = (unsigned)((s.f.queries + Q::QUERIES - 1) / Q::QUERIES);
  const unsigned keyTiles = (unsigned)((s.f.keys + K::KEYS - 1) / K::KEYS);
  // As many items at a time as there is room for.
  for (s.item = 0; s.item < all; s.item += most) {
    s.items = all - s.item < most ? all - s.item : most;
    const Size rows = s.items * s.padded;
    s.levels = (float*)current.workspace, s.means = s.levels + rows;
    LAUNCH(blocksOf(rows * (D / PIECE<T>)), THREADS, (rowsKernel<T, D>), o, g, norms, s, rows);
    if constexpr (sizeof(T) == 2) {
      if (hopperBackward(dq, dk, dv, g, q, k, v, s)) continue;
    }
    LAUNCH_SHARED((2 * Q::QUERIES + 4 * Q::KEYS) * D * sizeof(T), dim3((unsigned)s.items, queryTiles), Q::LANES, (queriesKernel<T, D>),
                  dq, g, q, k, v, s);
    LAUNCH_SHARED((2 * K::KEYS + 4 * K::QUERIES) * D * sizeof(T), dim3((unsigned)s.items, keyTiles), K::LANES, (keysKernel<T, D>),
                  dk, dv, g, q, k, v, s);
  }
}

template <class T>
bool flashBackward(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const T* o, const float* norms, const Flash& f,
                   const Rows& dqRows, const Rows& dkRows, const Rows& dvRows, const Rows& gRows) {
  if (!flashSizes<T>(f) || !flashRows(q, f.q) || !flashRows(k, f.k) || !flashRows(v, f.v) || !flashRows(o, f.o)) return false;
  if (!flashRows(dq, dqRows) || !flashRows(dk, dkRows) || !flashRows(dv, dvRows) || !flashRows(g, gRows)) return false;
  const Size padded = (f.queries + 127) / 128 * 128;
  if (padded > WORKSPACE / (Size)sizeof(float) / 2 || f.keys > 65535 * 64) return false;
  const FlashGrad s{f, dqRows, dkRows, dvRows, gRows, 0, 0, padded, nullptr, nullptr};
  switch (flashWidth(f)) {
    case 32: launch<T, 32>(dq, dk, dv, g, q, k, v, o, norms, s); break;
    case 64: launch<T, 64>(dq, dk, dv, g, q, k, v, o, norms, s); break;
    default: launch<T, 128>(dq, dk, dv, g, q, k, v, o, norms, s);
  }
  return true;
}
#define BACKWARD(T)                                                                                                             \
  template bool flashBackward(T*, T*, T*, const T*, const T*, const T*, const T*, const T*, const float*, const Flash&, const Rows&, \
                              const Rows&, const Rows&, const Rows&)
BACKWARD(float);
BACKWARD(__nv_bfloat16);
BACKWARD(__half);
