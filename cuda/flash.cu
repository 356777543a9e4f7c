// Attention on tensor cores, forward: a block does a tile of queries of one head, going along the keys.
#include "flash.cuh"

constexpr int WARPS = 4, LANES = WARPS * 32, MT = 2, QUERIES = WARPS * MT * 16, KEYS = 64;

template <class T, int D>
__global__ void __launch_bounds__(LANES, 2) flashKernel(T* o, float* norms, const T* q, const T* k, const T* v, Flash f) {
  constexpr int NT = KEYS / 8, TILE = KEYS * D;
  DYNAMIC_SHARED(T, tiles);
  T* const qTile = tiles;
  T* const kTiles = qTile + QUERIES * D;  // two, and two of values
  T* const vTiles = kTiles + 2 * TILE;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = warp * MT * 16;
  const Size item = blockIdx.x, b = item / f.heads, h = item - b * f.heads;
  // Causal, the last queries see most: those blocks come first.
  const int i0 = (int)(f.causal ? gridDim.y - 1 - blockIdx.y : blockIdx.y) * QUERIES;
  const int queries = f.queries, keys = f.keys;
  const int visible = f.causal && i0 + QUERIES < keys ? i0 + QUERIES : keys, blocks = (visible + KEYS - 1) / KEYS;
  const T* const kRows = k + f.k(b, h, 0);
  const T* const vRows = v + f.v(b, h, 0);

  loadTile<T, D, QUERIES, LANES>(qTile, q + f.q(b, h, i0), f.q.row, queries - i0, f.width);
  loadTile<T, D, KEYS, LANES>(kTiles, kRows, f.k.row, keys, f.width);
  loadTile<T, D, KEYS, LANES>(vTiles, vRows, f.v.row, keys, f.columns);
  cpAsyncCommit();

  // What the registers have room for is loaded once.
  constexpr bool HELD = D <= 64;
  uint32_t held[HELD ? D / 16 : 1][MT][4];
  if (HELD) {
    cpAsyncWait<0>();
    __syncthreads();
#pragma unroll
    for (int step = 0; step < D / 16; step++) {
#pragma unroll
      for (int m = 0; m < MT; m++) loadFirst<D>(held[HELD ? step : 0][m], qTile, first + m * 16, step);
    }
  }
  const auto query = [&](uint32_t(&a)[4], int m, int step) {
    if (HELD) {
#pragma unroll
      for (int i = 0; i < 4; i++) a[i] = held[HELD ? step : 0][m][i];
    } else {
      loadFirst<D>(a, qTile, first + m * 16, step);
    }
  };

  const float scale = f.scale * LOG2_E;
  float sum[MT][D / 8][4] = {}, most[MT][2], total[MT][2] = {};
#pragma unroll
  for (int m = 0; m < MT; m++) most[m][0] = most[m][1] = -INFINITY;

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

    float s[MT][NT][4];
    multiplyRows<T, D, MT, NT>(s, query, kTiles + stage * TILE);
    if (j0 + KEYS > keys || (f.causal && j0 + KEYS > i0 + first + 1)) {
#pragma unroll
      for (int m = 0; m < MT; m++) {
#pragma unroll
        for (int e = 0; e < NT * 4; e++) {
          const int j = j0 + e / 4 * 8 + lane % 4 * 2 + e % 2, i = i0 + first + m * 16 + lane / 4 + e % 4 / 2 * 8;
          if (j >= keys || (f.causal && j > i)) s[m][e / 4][e % 4] = -INFINITY;
        }
      }
    }

#pragma unroll
    for (int m = 0; m < MT; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float top = most[m][half];
#pragma unroll
        for (int n = 0; n < NT; n++) top = fmaxf(top, fmaxf(s[m][n][half * 2], s[m][n][half * 2 + 1]));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 1));
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, 2));
        const float base = top * scale, factor = exp2Fast(most[m][half] * scale - base);
        most[m][half] = top;
        float own = 0;
#pragma unroll
        for (int n = 0; n < NT; n++) {
#pragma unroll
          for (int e = half * 2; e < half * 2 + 2; e++) own += s[m][n][e] = exp2Fast(s[m][n][e] * scale - base);
        }
        total[m][half] = total[m][half] * factor + own;
#pragma unroll
        for (int n = 0; n < D / 8; n++) sum[m][n][half * 2] *= factor, sum[m][n][half * 2 + 1] *= factor;
      }
    }
    addProduct<T, D, MT, NT>(sum, s, vTiles + stage * TILE);
  }

#pragma unroll
  for (int m = 0; m < MT; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float& t = total[m][half];
      t += __shfl_xor_sync(0xffffffffu, t, 1);
      t += __shfl_xor_sync(0xffffffffu, t, 2);
      t = 1 / t;
      const int i = i0 + first + m * 16 + half * 8 + lane / 4;
      if (lane % 4 == 0 && i < queries) {
        norms[2 * item * queries + i] = most[m][half] * f.scale;
        norms[(2 * item + 1) * queries + i] = t;
      }
    }
  }
  storeRows<T, D, MT>(o + f.o(b, h, i0), f.o.row, first, queries - i0, f.columns, sum, [&](int m, int half) { return total[m][half]; });
}

template <class T, int D> static void launch(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f) {
  const dim3 grid((unsigned)f.items, (unsigned)((f.queries + QUERIES - 1) / QUERIES));
  LAUNCH_SHARED((QUERIES + 4 * KEYS) * D * sizeof(T), grid, LANES, (flashKernel<T, D>), o, norms, q, k, v, f);
}

template <class T> bool flashForward(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f) {
  if (!flashSizes(f) || !flashRows(q, f.q) || !flashRows(k, f.k) || !flashRows(v, f.v) || !flashRows(o, f.o)) return false;
  if ((f.queries + QUERIES - 1) / QUERIES > 65535) return false;
  switch (flashWidth(f)) {
    case 32: launch<T, 32>(o, norms, q, k, v, f); break;
    case 64: launch<T, 64>(o, norms, q, k, v, f); break;
    default: launch<T, 128>(o, norms, q, k, v, f);
  }
  return true;
}
template bool flashForward(__nv_bfloat16*, float*, const __nv_bfloat16*, const __nv_bfloat16*, const __nv_bfloat16*, const Flash&);
template bool flashForward(__half*, float*, const __half*, const __half*, const __half*, const Flash&);
