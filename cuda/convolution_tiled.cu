// Convolution by the tiles of float32 products: for each tap of the window a product of the weights [rows, depth] with the
// columns of x that the tap reads, whose places are worked out once for each tap; the sums of all taps stay in registers. The
// gradient of a tap's weights is the product of dy [outputs, batch * positions] with what the tap reads of x.
#include <algorithm>

#include "gemm_float32.cuh"
#include "window.cuh"

namespace {

struct Taps {
  const float *x, *weight, *bias;
  float* y;
  Window w;
  bool backward;
  Size groups, rows, rowStep, depthStep;
  int depth, in, out;
};

template <int TILE_M, int TILE_N, int COLUMNS, int RESIDENT>
__global__ void __launch_bounds__(ThreadTile<TILE_M, TILE_N, COLUMNS>::THREADS, RESIDENT) tapsKernel(Taps c) {
  using Threads = ThreadTile<TILE_M, TILE_N, COLUMNS>;
  constexpr int THREADS = Threads::THREADS, ROWS = THREADS / DEPTH, DEEP = THREADS / TILE_N;
  SHARED(float4, slabs, [Threads::SLABS / 4]);
  const Size t = blockIdx.z, group = t % c.groups;
  const int i0 = blockIdx.x * TILE_M, j0 = blockIdx.y * TILE_N, rows = (int)c.rows;
  const float* const x = c.x + t * c.depth * c.in;
  const float* const weight = c.weight + group * (c.backward ? c.depth * c.depthStep : c.rows * c.rowStep);

  // What this thread copies: of the weights one step of the depth and some rows, of x one column and some steps.
  const int pa = threadIdx.x % DEPTH, ia = threadIdx.x / DEPTH, jb = threadIdx.x % TILE_N, pb = threadIdx.x / TILE_N;
  const int slabsOfTap = (c.depth + DEPTH - 1) / DEPTH;
  const bool inside = j0 + jb < c.out;
  int tap = -1, slab = slabsOfTap - 1, place = -1;
  const auto fetch = [&](float* as, float* bs) {
    if (++slab == slabsOfTap) {
      slab = 0;
      if (++tap >= c.w.taps) return;
      place = !inside ? -1 : c.backward ? c.w.position(j0 + jb, tap) : c.w.place(j0 + jb, tap);
    }
    if (tap >= c.w.taps) return;
    const int d = slab * DEPTH;
    const float* from = weight + (d + pa) * c.depthStep + (i0 + ia) * c.rowStep + tap;
#pragma unroll
    for (int r = 0; r < TILE_M / ROWS; r++, from += ROWS * c.rowStep) {
      const bool there = d + pa < c.depth && i0 + ia + r * ROWS < rows;
      cpAsync4(as + pa * (TILE_M + 4) + ia + r * ROWS, there ? from : weight, there ? 4 : 0);
    }
    from = x + (Size)(d + pb) * c.in + place;
#pragma unroll
    for (int r = 0; r < DEPTH / DEEP; r++, from += DEEP * c.in) {
      const bool there = place >= 0 && d + pb + r * DEEP < c.depth;
      cpAsync4(bs + (pb + r * DEEP) * (TILE_N + 4) + jb, there ? from : x, there ? 4 : 0);
    }
  };
  Threads threads;
  threads.add((float*)slabs, slabsOfTap * c.w.taps, fetch);

  float* const y = c.y + t * c.rows * c.out;
#pragma unroll
  for (int r = 0; r < 8; r++) {
    const int i = i0 + Threads::rowOf(r);
    if (i >= rows) continue;
    const float added = c.bias ? c.bias[group * c.rows + i] : 0;
#pragma unroll
    for (int s = 0; s < COLUMNS; s++) {
      const int j = j0 + Threads::columnOf(s);
      if (j < c.out) y[(Size)i * c.out + j] = threads.sum[r][s] + added;
    }
  }
}

struct WeightTaps {
  const float *x, *dy;
  // [ranges, groups, outputs, channels, taps]
  float* sums;
  Window w;
  Size groups, outputs, channels, terms, range;
};

// A block does a tile of the gradients of a tap's weights, for a range of the terms: samples' positions, one after the other.
template <int TILE, int COLUMNS, int RESIDENT>
__global__ void __launch_bounds__(ThreadTile<TILE, TILE, COLUMNS>::THREADS, RESIDENT) weightTapsKernel(WeightTaps c) {
  using Threads = ThreadTile<TILE, TILE, COLUMNS>;
  constexpr int ROWS = Threads::THREADS / DEPTH, PITCH = TILE + 4;
  SHARED(float4, slabs, [Threads::SLABS / 4]);
  const int across = (int)((c.channels + TILE - 1) / TILE), i0 = blockIdx.x / across * TILE, j0 = blockIdx.x % across * TILE;
  const int group = blockIdx.z / c.w.taps, tap = blockIdx.z % c.w.taps, outputs = (int)c.outputs, channels = (int)c.channels;
  const Size begin = blockIdx.y * c.range, end = begin + c.range < c.terms ? begin + c.range : c.terms;

  // What this thread copies: one term of each slab, and some rows.
  const int pa = threadIdx.x % DEPTH, ia = threadIdx.x / DEPTH;
  Size term = begin + pa, sample = term / c.w.positions;
  int pos = (int)(term - sample * c.w.positions);
  const auto fetch = [&](float* as, float* bs) {
    const bool inside = term < end;
    const int place = inside ? c.w.place(pos, tap) : -1;
    const float* from = c.dy + ((sample * c.groups + group) * outputs + i0 + ia) * c.w.positions + pos;
#pragma unroll
    for (int r = 0; r < TILE / ROWS; r++, from += (Size)ROWS * c.w.positions) {
      const bool there = inside && i0 + ia + r * ROWS < outputs;
      cpAsync4(as + pa * PITCH + ia + r * ROWS, there ? from : c.dy, there ? 4 : 0);
    }
    from = c.x + ((sample * c.groups + group) * channels + j0 + ia) * c.w.volume + place;
#pragma unroll
    for (int r = 0; r < TILE / ROWS; r++, from += (Size)ROWS * c.w.volume) {
      const bool there = place >= 0 && j0 + ia + r * ROWS < channels;
      cpAsync4(bs + pa * PITCH + ia + r * ROWS, there ? from : c.x, there ? 4 : 0);
    }
    term += DEPTH;
    for (pos += DEPTH; pos >= c.w.positions; pos -= c.w.positions) sample++;
  };
  Threads threads;
  threads.add((float*)slabs, (int)((end - begin + DEPTH - 1) / DEPTH), fetch);

  float* const sums = c.sums + ((Size)blockIdx.y * c.groups + group) * outputs * channels * c.w.taps + tap;
#pragma unroll
  for (int r = 0; r < 8; r++) {
    const int i = i0 + Threads::rowOf(r);
#pragma unroll
    for (int s = 0; s < COLUMNS; s++) {
      const int j = j0 + Threads::columnOf(s);
      if (i < outputs && j < channels) sums[((Size)i * channels + j) * c.w.taps] = threads.sum[r][s];
    }
  }
}

}  // namespace

bool tiledWeightGradient(float* dw, const float* dy, const float* x, const Window& w, Size batch, Size groups, Size outputs, Size channels) {
  const Size results = groups * outputs * channels * w.taps, terms = batch * w.positions;
  if (outputs < 16 || channels < 16 || groups * w.taps > 65535 || results * 4 > WORKSPACE || terms < 1) return false;
  const int tile = outputs > 64 && channels > 64 ? 128 : 64, resident = tile == 128 ? 2 : 4;
  const Size tiles = ((outputs + tile - 1) / tile) * ((channels + tile - 1) / tile), blocks = tiles * groups * w.taps;
  // As many ranges as keep the device busy and fit in the working space, of some hundred terms at least.
  Size ranges = processors() * resident / blocks;
  ranges = std::min({ranges, terms / 256, WORKSPACE / (results * 4)});
  if (ranges < 1) ranges = 1;
  const Size range = ((terms + ranges - 1) / ranges + DEPTH - 1) / DEPTH * DEPTH;
  ranges = (terms + range - 1) / range;
  float* const sums = ranges > 1 ? (float*)current.workspace : dw;
  const WeightTaps c = {x, dy, sums, w, groups, outputs, channels, terms, range};
  const dim3 grid((unsigned)tiles, (unsigned)ranges, (unsigned)(groups * w.taps));
  if (tile == 128) LAUNCH(grid, 256, (weightTapsKernel<128, 8, 2>), c);
  else LAUNCH(grid, 128, (weightTapsKernel<64, 4, 4>), c);
  if (ranges == 1) return true;
  forEach(0, results, [=] DEVICE(Size i) {
    float sum = sums[i];
    for (Size r = 1; r < ranges; r++) sum += sums[r * results + i];
    dw[i] = sum;
  });
  return true;
}

bool tiledConvolution(float* y, const float* x, const float* weight, const float* bias, const Window& w, bool backward, Size batch,
                      Size groups, Size rows, Size depth, Size rowStep, Size depthStep) {
  const int in = backward ? w.positions : w.volume, out = backward ? w.volume : w.positions;
  const Size matrices = batch * groups, tiles = ((rows + 127) / 128) * ((out + 127) / 128);
  // Of few channels most of a tile would be empty.
  if (rows < 16 || depth < 4 || matrices < 1 || matrices > 65535 || out > 60000 * 64) return false;
  const Taps c = {x, weight, bias, y, w, backward, groups, rows, rowStep, depthStep, (int)depth, in, out};
  if (rows > 64 && tiles * matrices >= processors()) {
    LAUNCH(dim3((unsigned)((rows + 127) / 128), (unsigned)((out + 127) / 128), (unsigned)matrices), 256, (tapsKernel<128, 128, 8, 2>), c);
  } else {
    LAUNCH(dim3((unsigned)((rows + 63) / 64), (unsigned)((out + 63) / 64), (unsigned)matrices), 128, (tapsKernel<64, 64, 4, 4>), c);
  }
  return true;
}
