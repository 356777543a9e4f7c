// The gradients of attention on the tensor cores of compute capability 9.0, for float16 and bfloat16; flash_grad.cu has the
// formulas and the twins of both kernels. Each has its own rows' sums in registers, and makes the weights anew: seven products
// instead of five, but no sum is anybody else's, so that equal calls give equal bits.
#include "flash_hopper.cuh"

#if !defined(__CUDACC__)
template <class T> bool hopperBackward(T*, T*, T*, const T*, const T*, const T*, const T*, const FlashGrad&) { return false; }
#else

namespace {

// Tiles for a width D: G groups of 64 own rows, N rows that stream past, and the places of both rings; two tiles in each.
template <int D, int N, int G> struct Tiles {
  static constexpr int OWN_ROWS = 64 * G, LANES = 128 * (G + 1), ROWS = N, OWN = D == 64 ? 2 : 1, STAGES = N * D > 64 * 64 ? 3 : 5;
  static constexpr int TILE = ROWS * D * 2, OWN_TILE = OWN_ROWS * D * 2;
  static constexpr int SHARED_BYTES = 2 * OWN * OWN_TILE + 2 * STAGES * (TILE + ROWS * (int)sizeof(float)) + 2048;
};
// More rows have no room in the registers.
template <int D> using QueryTiles = Tiles<D, D == 64 ? 128 : 64, 2>;
template <int D> using KeyTiles = Tiles<D, 64, 2>;

#ifdef HOPPER_DEVICE
// Where in shared memory things lie.
template <class S> struct Layout {
  Ring<S::OWN> own;
  Ring<S::STAGES> stream;
  int* itemOf;
  // Two tiles for each place of a ring; levels and means.
  unsigned char *ownTiles, *tiles;
  float* rows;
  DEVICE explicit Layout(unsigned char* space)
      : own{(uint64_t*)space, (uint64_t*)space + S::OWN},
        stream{own.empty + S::OWN, own.empty + S::OWN + S::STAGES},
        itemOf((int*)(stream.empty + S::STAGES)),
        ownTiles(space + ((1024 - (hopper::address(space) & 1023)) & 1023) + 1024),
        tiles(ownTiles + 2 * S::OWN * S::OWN_TILE),
        rows((float*)(tiles + 2 * S::STAGES * S::TILE)) {
    if (threadIdx.x == 0) {
      own.init(S::OWN_ROWS / 16), stream.init(S::OWN_ROWS / 16);
      hopper::fenceBarriers();
    }
    __syncthreads();
  }
  DEVICE unsigned char* ownTile(int which) const { return ownTiles + (2 * own.place + which) * S::OWN_TILE; }
  DEVICE unsigned char* tile(int which) const { return tiles + (2 * stream.place + which) * S::TILE; }
  DEVICE float* row(int which) const { return rows + (2 * stream.place + which) * S::ROWS; }

  // One thread fills the rings, item after item: own tiles of both maps' rows from rowOf(tile) on, then what bring(head, row, h, b)
  // has stream past those.
  template <int D, class R, class B>
  DEVICE void load(const Schedule& items, const FlashGrad& s, const CUtensorMap* map, const CUtensorMap* other, R rowOf, B bring) {
    int item = takeItem(items);
    for (;; own.next()) {
      own.waitEmpty();
      itemOf[own.place] = item;
      uint64_t* const full = own.full + own.place;
      if (item < 0) {
        hopper::arrive(full);
        break;
      }
      int head, tile;
      items.at(item, head, tile);
      const int heads = (int)s.f.heads, all = (int)s.item + head, b = all / heads, h = all - b * heads, row = rowOf(tile);
      hopper::arriveAndExpect(full, 2 * S::OWN_TILE);
      copyTile<D>(ownTile(0), map, full, S::OWN_ROWS, row, h, b);
      copyTile<D>(ownTile(1), other, full, S::OWN_ROWS, row, h, b);
      item = takeItem(items);
      bring(head, row, h, b);
    }
    takeNoMore();
  }
};
#endif

// ---------------------------------------------------------------- dq: own queries and gradients, keys and values stream past

template <class T, int D>
__global__ void __launch_bounds__(QueryTiles<D>::LANES, 1)
    queriesKernel(const __grid_constant__ CUtensorMap qMap, const __grid_constant__ CUtensorMap gMap,
                  const __grid_constant__ CUtensorMap kMap, const __grid_constant__ CUtensorMap vMap, T* dq,
                  const __grid_constant__ FlashGrad s, const __grid_constant__ Schedule items) {
#ifdef HOPPER_DEVICE
  using S = QueryTiles<D>;
  constexpr int KEYS = S::ROWS, OWN_ROWS = S::OWN_ROWS;
  const Flash& f = s.f;
  DYNAMIC_SHARED(unsigned char, space);
  Layout<S> at(space);
  const int group = uniform(threadIdx.x / 128);
  const auto tilesBefore = [&](int end) { return ((f.causal && end < f.keys ? end : f.keys) + KEYS - 1) / KEYS; };
  // Causal, the last queries see most: those come first.
  const auto rowOf = [&](int tile) { return (f.causal ? items.tiles - 1 - tile : tile) * OWN_ROWS; };

  if (group == 0) {
    hopper::fewerRegisters<LOAD_REGISTERS<OWN_ROWS / 64>>();
    if (threadIdx.x == 0) {
      at.template load<D>(items, s, &qMap, &gMap, rowOf, [&](int, int i0, int h, int b) {
        for (int block = 0; block < tilesBefore(i0 + OWN_ROWS); block++, at.stream.next()) {
          uint64_t* const full = at.stream.full + at.stream.place;
          at.stream.waitEmpty();
          hopper::arriveAndExpect(full, 2 * S::TILE);
          copyTile<D>(at.tile(0), &kMap, full, KEYS, block * KEYS, h, b);
          copyTile<D>(at.tile(1), &vMap, full, KEYS, block * KEYS, h, b);
        }
      });
    }
  } else {
    hopper::moreRegisters<COMPUTE_REGISTERS<OWN_ROWS / 64>>();
    const int lane = threadIdx.x % 32, first = 64 * (group - 1), row = first + 16 * (threadIdx.x / 32 % 4) + lane / 4;
    const float scale = f.scale * LOG2_E;
    for (;; at.own.next()) {
      at.own.waitFull();
      const int item = uniform(at.itemOf[at.own.place]);
      if (item < 0) break;
      int head, tile;
      items.at(item, head, tile);
      const int i0 = rowOf(tile);
      const int all = tilesBefore(i0 + OWN_ROWS), blocks = i0 + first < f.queries ? tilesBefore(i0 + first + 64) : 0;
      const unsigned char* const qTile = at.ownTile(0) + first * PART;
      const unsigned char* const gTile = at.ownTile(1) + first * PART;
      const Size place = head * s.padded + i0 + row;
      const float top[] = {s.levels[place], s.levels[place + 8]}, mean[] = {s.means[place], s.means[place + 8]};
      // Each row sees the keys before that one, less those before the lane's.
      int end[2];
      for (int half = 0; half < 2; half++) {
        const int i = i0 + row + 8 * half;
        end[half] = (f.causal && i < f.keys ? i + 1 : f.keys) - lane % 4 * 2;
      }
      float p[KEYS / 2], ds[KEYS / 2], sum[D / 2];
      uint32_t w[KEYS / 16][4];
      const auto begin = [&] {
        at.stream.waitFull();
        hopper::productsFence();
        beginRows<T, D, OWN_ROWS, KEYS>(p, qTile, at.tile(0));
        hopper::productsCommit();
        beginRows<T, D, OWN_ROWS, KEYS>(ds, gTile, at.tile(1));
        hopper::productsCommit();
      };
      if (blocks > 0) {
        begin();
        int last = 0;
        for (int block = 0;;) {
          // The sums of the tile before are done, too, and nobody needs its keys any more.
          hopper::productsWait<1>();
          if (block > 0) at.stream.release(last);
#pragma unroll
          for (int e = 0; e < KEYS / 2; e++) p[e] = exp2Fast(p[e] * scale - top[e % 4 / 2]);
          const int j0 = block * KEYS;
          if (j0 + KEYS > f.keys || (f.causal && j0 + KEYS > i0 + first + 1)) {
#pragma unroll
            for (int e = 0; e < KEYS / 2; e++) {
              if (e / 4 * 8 + e % 2 >= end[e % 4 / 2] - j0) p[e] = 0;
            }
          }
          hopper::productsWait<0>();
#pragma unroll
          for (int e = 0; e < KEYS / 2; e++) ds[e] = p[e] * (ds[e] - mean[e % 4 / 2]);
          weightsOf<T, KEYS>(w, ds);
          hopper::productsFence();
          beginSum<T, D, KEYS>(sum, w, at.tile(0), block > 0);
          hopper::productsCommit();
          last = at.stream.place;
          at.stream.next();
          if (++block == blocks) break;
          begin();
        }
        hopper::productsWait<0>();
        at.stream.release(last);
      }
      at.own.release(at.own.place);
      for (int block = blocks; block < all; block++) at.stream.waitFull(), at.stream.pass();
      const Size whole = s.item + head, b = whole / f.heads, h = whole - b * f.heads;
      if (blocks > 0) storeSums<T, D>(dq + s.dq(b, h, i0), s.dq.row, row, f.queries - i0, f.width, sum, {f.scale, f.scale});
    }
  }
#endif
}

// ---------------------------------------------------------------- dk and dv: own keys and values, queries and gradients stream past

template <class T, int D>
__global__ void __launch_bounds__(KeyTiles<D>::LANES, 1)
    keysKernel(const __grid_constant__ CUtensorMap qMap, const __grid_constant__ CUtensorMap gMap,
               const __grid_constant__ CUtensorMap kMap, const __grid_constant__ CUtensorMap vMap, T* dk, T* dv,
               const __grid_constant__ FlashGrad s, const __grid_constant__ Schedule items) {
#ifdef HOPPER_DEVICE
  using S = KeyTiles<D>;
  constexpr int QUERIES = S::ROWS, OWN_ROWS = S::OWN_ROWS;
  const Flash& f = s.f;
  DYNAMIC_SHARED(unsigned char, space);
  Layout<S> at(space);
  const int group = uniform(threadIdx.x / 128), blocks = (f.queries + QUERIES - 1) / QUERIES;
  // The first tile of queries that see keys from j on; the last where none does.
  const auto tileFrom = [&](int j) { return !f.causal ? 0 : j / QUERIES < blocks ? j / QUERIES : blocks; };

  if (group == 0) {
    hopper::fewerRegisters<LOAD_REGISTERS<OWN_ROWS / 64>>();
    if (threadIdx.x == 0) {
      at.template load<D>(items, s, &kMap, &vMap, [](int tile) { return tile * OWN_ROWS; }, [&](int head, int j0, int h, int b) {
        for (int block = tileFrom(j0); block < blocks; block++, at.stream.next()) {
          uint64_t* const full = at.stream.full + at.stream.place;
          const Size rows = head * s.padded + block * QUERIES;
          at.stream.waitEmpty();
          hopper::arriveAndExpect(full, 2 * S::TILE + 2 * QUERIES * 4);
          copyTile<D>(at.tile(0), &qMap, full, QUERIES, block * QUERIES, h, b);
          hopper::copyBytes(at.row(0), s.levels + rows, QUERIES * 4, full);
          copyTile<D>(at.tile(1), &gMap, full, QUERIES, block * QUERIES, h, b);
          hopper::copyBytes(at.row(1), s.means + rows, QUERIES * 4, full);
        }
      });
    }
  } else {
    hopper::moreRegisters<COMPUTE_REGISTERS<OWN_ROWS / 64>>();
    const int lane = threadIdx.x % 32, first = 64 * (group - 1), row = first + 16 * (threadIdx.x / 32 % 4) + lane / 4;
    const float scale = f.scale * LOG2_E;
    for (;; at.own.next()) {
      at.own.waitFull();
      const int item = uniform(at.itemOf[at.own.place]);
      if (item < 0) break;
      int head, tile;
      items.at(item, head, tile);
      const int j0 = tile * OWN_ROWS, begin = tileFrom(j0 + first);
      const unsigned char* const kTile = at.ownTile(0) + first * PART;
      const unsigned char* const vTile = at.ownTile(1) + first * PART;
      float p[QUERIES / 2], ds[QUERIES / 2], ofKey[D / 2] = {}, ofValue[D / 2] = {};
      uint32_t pw[QUERIES / 16][4], w[QUERIES / 16][4];
      for (int block = tileFrom(j0); block < begin; block++) at.stream.waitFull(), at.stream.pass();
      const auto beginScores = [&] {
        at.stream.waitFull();
        hopper::productsFence();
        beginRows<T, D, OWN_ROWS, QUERIES>(p, kTile, at.tile(0));
        hopper::productsCommit();
      };
      if (begin < blocks) {
        beginScores();
        int last = 0;
        for (int block = begin;;) {
          // The sums of the tile before are done.
          hopper::productsWait<1>();
          if (block > begin) at.stream.release(last);
          hopper::productsFence();
          beginRows<T, D, OWN_ROWS, QUERIES>(ds, vTile, at.tile(1));
          hopper::productsCommit();
          hopper::productsWait<1>();
          const float* const tops = at.row(0) + lane % 4 * 2;
#pragma unroll
          for (int e = 0; e < QUERIES / 2; e += 4) {
            const float2 top = *(const float2*)(tops + e * 2);
            p[e] = exp2Fast(p[e] * scale - top.x), p[e + 1] = exp2Fast(p[e + 1] * scale - top.y);
            p[e + 2] = exp2Fast(p[e + 2] * scale - top.x), p[e + 3] = exp2Fast(p[e + 3] * scale - top.y);
          }
          const int i0 = block * QUERIES;
          if (f.causal && j0 + first + 63 > i0) {
            // Queries before the key's do not see it.
            const int before = j0 + row - i0 - lane % 4 * 2;
#pragma unroll
            for (int e = 0; e < QUERIES / 2; e++) {
              if (e / 4 * 8 + e % 2 < before + e % 4 / 2 * 8) p[e] = 0;
            }
          }
          weightsOf<T, QUERIES>(pw, p);
          hopper::productsFence();
          beginSum<T, D, QUERIES>(ofValue, pw, at.tile(1), true);
          hopper::productsCommit();
          hopper::productsWait<1>();
          const float* const means = at.row(1) + lane % 4 * 2;
#pragma unroll
          for (int e = 0; e < QUERIES / 2; e += 4) {
            const float2 mean = *(const float2*)(means + e * 2);
            ds[e] = p[e] * (ds[e] - mean.x), ds[e + 1] = p[e + 1] * (ds[e + 1] - mean.y);
            ds[e + 2] = p[e + 2] * (ds[e + 2] - mean.x), ds[e + 3] = p[e + 3] * (ds[e + 3] - mean.y);
          }
          weightsOf<T, QUERIES>(w, ds);
          hopper::productsFence();
          beginSum<T, D, QUERIES>(ofKey, w, at.tile(0), true);
          hopper::productsCommit();
          last = at.stream.place;
          at.stream.next();
          if (++block == blocks) break;
          beginScores();
        }
        hopper::productsWait<0>();
        at.stream.release(last);
      }
      at.own.release(at.own.place);
      const Size whole = s.item + head, b = whole / f.heads, h = whole - b * f.heads;
      storeSums<T, D>(dk + s.dk(b, h, j0), s.dk.row, row, f.keys - j0, f.width, ofKey, {f.scale, f.scale});
      storeSums<T, D>(dv + s.dv(b, h, j0), s.dv.row, row, f.keys - j0, f.columns, ofValue, {1, 1});
    }
  }
#endif
}

// ---------------------------------------------------------------- launches

template <class T, int D> bool launch(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const FlashGrad& s) {
  using Q = QueryTiles<D>;
  using K = KeyTiles<D>;
  const Flash& f = s.f;
  // As own tiles, and as tiles that stream past.
  CUtensorMap own[4], stream[4];
  const auto describe = [&](CUtensorMap(&maps)[4], int queries, int keys) {
    return describeRows(maps[0], q, f.q, f, f.queries, f.width, queries) &&
           describeRows(maps[1], g, s.g, f, f.queries, f.columns, queries) && describeRows(maps[2], k, f.k, f, f.keys, f.width, keys) &&
           describeRows(maps[3], v, f.v, f, f.keys, f.columns, keys);
  };
  if (!describe(own, Q::OWN_ROWS, K::OWN_ROWS) || !describe(stream, K::ROWS, Q::ROWS)) return false;
  const Schedule queries = scheduleOf(s.items, f.queries, Q::OWN_ROWS, 2 * (Size)f.keys, D);
  const Schedule keys = scheduleOf(s.items, f.keys, K::OWN_ROWS, 2 * (Size)f.queries, D);
  LAUNCH_SHARED(Q::SHARED_BYTES, blocksFor(queries), Q::LANES, (queriesKernel<T, D>), own[0], own[1], stream[2], stream[3], dq, s,
                queries);
  LAUNCH_SHARED(K::SHARED_BYTES, blocksFor(keys), K::LANES, (keysKernel<T, D>), stream[0], stream[1], own[2], own[3], dk, dv, s, keys);
  return true;
}

}  // namespace

template <class T> bool hopperBackward(T* dq, T* dk, T* dv, const T* g, const T* q, const T* k, const T* v, const FlashGrad& s) {
  if (!hopperSizes(s.f)) return false;
  return flashWidth(s.f) <= 64 ? launch<T, 64>(dq, dk, dv, g, q, k, v, s) : launch<T, 128>(dq, dk, dv, g, q, k, v, s);
}
#endif
#define BACKWARD(T) template bool hopperBackward(T*, T*, T*, const T*, const T*, const T*, const T*, const FlashGrad&)
BACKWARD(__nv_bfloat16);
BACKWARD(__half);
