// Attention forward on the tensor cores of compute capability 9.0, for float16 and bfloat16; flash.cu is the twin for other
// GPUs, and for what this is not made for. The queries are the block's own, keys and values stream past. While the tensor cores
// multiply the weights of one tile with its values, and the next queries with keys, the weights of the next tile are made.
#include "flash_hopper.cuh"

#if !defined(__CUDACC__)
template <class T> bool hopperForward(T*, float*, const T*, const T*, const T*, const Flash&) { return false; }
#else

namespace {

// Tiles for a width: groups of 64 queries, keys, and the places of the rings of queries, and of keys and values.
template <int D> struct Forward {
  static constexpr int GROUPS = D == 64 ? 3 : 2, QUERIES = 64 * GROUPS, LANES = 128 * (GROUPS + 1);
  static constexpr int KEYS = 128, OWN = 2, STAGES = D == 64 ? 4 : 2;
  static constexpr int SHARED_BYTES = (OWN * QUERIES + 2 * STAGES * KEYS) * D * 2 + 2048;
};

template <class T, int D>
__global__ void __launch_bounds__(Forward<D>::LANES, 1)
    hopperKernel(const __grid_constant__ CUtensorMap qMap, const __grid_constant__ CUtensorMap kMap,
                 const __grid_constant__ CUtensorMap vMap, T* o, float* norms, const __grid_constant__ Flash f,
                 const __grid_constant__ Schedule items) {
#ifdef HOPPER_DEVICE
  using S = Forward<D>;
  constexpr int KEYS = S::KEYS, QUERIES = S::QUERIES, OWN = S::OWN, STAGES = S::STAGES, GROUPS = S::GROUPS;
  constexpr int TILE = KEYS * D * 2, OWN_TILE = QUERIES * D * 2;
  DYNAMIC_SHARED(unsigned char, space);
  uint64_t* const barriers = (uint64_t*)space;
  Ring<OWN> own{barriers, barriers + OWN};
  Ring<STAGES> keys{barriers + 2 * OWN, barriers + 2 * OWN + STAGES}, values{keys.full + 2 * STAGES, keys.empty + 2 * STAGES};
  int* const itemOf = (int*)(values.empty + STAGES);
  unsigned char* const qTiles = space + ((1024 - (hopper::address(space) & 1023)) & 1023) + 1024;
  unsigned char* const kTiles = qTiles + OWN * OWN_TILE;
  unsigned char* const vTiles = kTiles + STAGES * TILE;
  if (threadIdx.x == 0) {
    own.init(4 * GROUPS), keys.init(4 * GROUPS), values.init(4 * GROUPS);
    hopper::fenceBarriers();
  }
  __syncthreads();
  const int group = uniform(threadIdx.x / 128);
  // The tiles of keys that queries up to `end` see.
  const auto tilesBefore = [&](int end) { return ((f.causal && end < f.keys ? end : f.keys) + KEYS - 1) / KEYS; };

  if (group == 0) {
    hopper::fewerRegisters<LOAD_REGISTERS<GROUPS>>();
    if (threadIdx.x == 0) {
      int item = takeItem(items);
      for (;; own.next()) {
        own.waitEmpty();
        itemOf[own.place] = item;
        if (item < 0) break;
        int head, tile;
        items.at(item, head, tile);
        const int b = head / (int)f.heads, h = head - b * (int)f.heads, i0 = (f.causal ? items.tiles - 1 - tile : tile) * QUERIES;
        hopper::arriveAndExpect(own.full + own.place, OWN_TILE);
        copyTile<D>(qTiles + own.place * OWN_TILE, &qMap, own.full + own.place, QUERIES, i0, h, b);
        item = takeItem(items);
        for (int block = 0; block < tilesBefore(i0 + QUERIES); block++, keys.next(), values.next()) {
          keys.waitEmpty();
          hopper::arriveAndExpect(keys.full + keys.place, TILE);
          copyTile<D>(kTiles + keys.place * TILE, &kMap, keys.full + keys.place, KEYS, block * KEYS, h, b);
          values.waitEmpty();
          hopper::arriveAndExpect(values.full + values.place, TILE);
          copyTile<D>(vTiles + values.place * TILE, &vMap, values.full + values.place, KEYS, block * KEYS, h, b);
        }
      }
      hopper::arrive(own.full + own.place);
      takeNoMore();
    }
  } else {
    hopper::moreRegisters<COMPUTE_REGISTERS<GROUPS>>();
    const int lane = threadIdx.x % 32, first = 64 * (group - 1), row = first + 16 * (threadIdx.x / 32 % 4) + lane / 4;
    const float scale = f.scale * LOG2_E;
    for (;; own.next()) {
      own.waitFull();
      const int item = uniform(itemOf[own.place]);
      if (item < 0) break;
      int head, tile;
      items.at(item, head, tile);
      const int b = head / (int)f.heads, h = head - b * (int)f.heads, i0 = (f.causal ? items.tiles - 1 - tile : tile) * QUERIES;
      const int all = tilesBefore(i0 + QUERIES), blocks = i0 + first < f.queries ? tilesBefore(i0 + first + 64) : 0;
      const unsigned char* const qTile = qTiles + own.place * OWN_TILE + first * PART;

      float s[KEYS / 2], sum[D / 2], most[2] = {-INFINITY, -INFINITY}, total[2] = {}, factor[2];
      uint32_t w[KEYS / 16][4];
      // Scores become weights, and what was summed has to be multiplied by `factor`.
      const auto weigh = [&](int j0) {
        if (j0 + KEYS > f.keys || (f.causal && j0 + KEYS > i0 + first + 1)) {
#pragma unroll
          for (int half = 0; half < 2; half++) {
            const int end = (f.causal && i0 + row + 8 * half < f.keys ? i0 + row + 8 * half + 1 : f.keys) - j0 - lane % 4 * 2;
#pragma unroll
            for (int e = 2 * half; e < KEYS / 2; e += 4) {
              if (e / 4 * 8 >= end) s[e] = -INFINITY;
              if (e / 4 * 8 + 1 >= end) s[e + 1] = -INFINITY;
            }
          }
        }
        // Two chains for each row, so that few operations wait for each other.
        float tops[2][2] = {{most[0], most[0]}, {most[1], most[1]}}, base[2], added[2][2] = {};
#pragma unroll
        for (int e = 0; e < KEYS / 2; e += 2) {
          float& top = tops[e % 4 / 2][e / 4 % 2];
          top = fmaxf(top, fmaxf(s[e], s[e + 1]));
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
          float top = fmaxf(tops[half][0], tops[half][1]);
          top = fmaxf(top, __shfl_xor_sync(~0u, top, 1));
          top = fmaxf(top, __shfl_xor_sync(~0u, top, 2));
          base[half] = top * scale;
          factor[half] = exp2Fast(most[half] * scale - base[half]);
          most[half] = top;
        }
#pragma unroll
        for (int e = 0; e < KEYS / 2; e++) added[e % 4 / 2][e % 2] += s[e] = exp2Fast(s[e] * scale - base[e % 4 / 2]);
#pragma unroll
        for (int half = 0; half < 2; half++) total[half] = total[half] * factor[half] + (added[half][0] + added[half][1]);
      };
      const auto beginScores = [&] {
        hopper::productsFence();
        beginRows<T, D, QUERIES, KEYS>(s, qTile, kTiles + keys.place * TILE);
        hopper::productsCommit();
      };
      const auto beginValues = [&](bool add) {
        values.waitFull();
        hopper::productsFence();
        beginSum<T, D, KEYS>(sum, w, vTiles + values.place * TILE, add);
        hopper::productsCommit();
      };
      if (blocks > 0) {
        keys.waitFull();
        beginScores();
        hopper::productsWait<0>();
        keys.pass();
        weigh(0);
        weightsOf<T, KEYS>(w, s);
        if (blocks > 1) keys.waitFull();
        for (int block = 1; block < blocks; block++) {
          beginScores();
          beginValues(block > 1);
          hopper::productsWait<1>();
          keys.pass();
          weigh(block * KEYS);
          // Here, because the compiler moves the wait below to before the weights, but not across a branch.
          if (block + 1 < blocks) keys.waitFull();
          hopper::productsWait<0>();
          values.pass();
#pragma unroll
          for (int e = 0; e < D / 2; e++) sum[e] *= factor[e % 4 / 2];
          weightsOf<T, KEYS>(w, s);
        }
        own.release(own.place);
        beginValues(blocks > 1);
        hopper::productsWait<0>();
        values.pass();
      } else {
        own.release(own.place);
      }
      for (int block = blocks; block < all; block++) {
        keys.waitFull(), keys.pass();
        values.waitFull(), values.pass();
      }

#pragma unroll
      for (int half = 0; half < 2; half++) {
        float& t = total[half];
        t += __shfl_xor_sync(~0u, t, 1);
        t += __shfl_xor_sync(~0u, t, 2);
        factor[half] = 1 / t;
        const int i = i0 + row + 8 * half;
        if (lane % 4 == 0 && i < f.queries) {
          norms[2 * (Size)head * f.queries + i] = most[half] * f.scale;
          norms[(2 * (Size)head + 1) * f.queries + i] = factor[half];
        }
      }
      if (blocks > 0) storeSums<T, D>(o + f.o(b, h, i0), f.o.row, row, f.queries - i0, f.columns, sum, factor);
    }
  }
#endif
}

template <class T, int D> bool launch(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f) {
  using S = Forward<D>;
  CUtensorMap qMap, kMap, vMap;
  if (!describeRows(qMap, q, f.q, f, f.queries, f.width, S::QUERIES) || !describeRows(kMap, k, f.k, f, f.keys, f.width, S::KEYS) ||
      !describeRows(vMap, v, f.v, f, f.keys, f.columns, S::KEYS)) {
    return false;
  }
  const Schedule items = scheduleOf(f.items, f.queries, S::QUERIES, 2 * (Size)f.keys, D);
  LAUNCH_SHARED(S::SHARED_BYTES, blocksFor(items), S::LANES, (hopperKernel<T, D>), qMap, kMap, vMap, o, norms, f, items);
  return true;
}

}  // namespace

template <class T> bool hopperForward(T* o, float* norms, const T* q, const T* k, const T* v, const Flash& f) {
  if (!hopperSizes(f)) return false;
  return flashWidth(f) <= 64 ? launch<T, 64>(o, norms, q, k, v, f) : launch<T, 128>(o, norms, q, k, v, f);
}
#endif
template bool hopperForward(__nv_bfloat16*, float*, const __nv_bfloat16*, const __nv_bfloat16*, const __nv_bfloat16*, const Flash&);
template bool hopperForward(__half*, float*, const __half*, const __half*, const __half*, const Flash&);
