// How products of matrices are cut into tiles, and the second pass of those that are cut along k.
#include "gemm.cuh"

#include "library.cuh"

bool (*libraryGemm)(const Gemm&) = nullptr;
int onlyTile = -1, onlySplits = 0;

// An attribute of the current device, asked for once.
static int attributeOf(cudaDeviceAttr attribute, int (&known)[64]) {
  int device = 0, value = 0;
  cudaGetDevice(&device);
  if (device < 64 && known[device]) return known[device];
  if (cudaDeviceGetAttribute(&value, attribute, device) != cudaSuccess) return 1;
  if (device < 64) known[device] = value;
  return value;
}
int processors() {
  static int known[64];
  return attributeOf(cudaDevAttrMultiProcessorCount, known);
}
int capability() {
  static int known[64];
  return attributeOf(cudaDevAttrComputeCapabilityMajor, known);
}
int sharedMemory() {
  static int known[64];
  return attributeOf(cudaDevAttrMaxSharedMemoryPerBlockOptin, known);
}

// Whether the kernels here are quicker on Hopper than NVIDIA's library, whose calls take longer, too: of products up to 1024 cubed
// that fill their tiles. Of a smaller or a long and narrow one too few blocks would do too much each.
static bool ownFirst(const Gemm& g) {
  constexpr Size LEAST = 256;
  constexpr double MOST = 1 << 30;
  return capability() == 9 && !libraryOptions[SMALL_PROBLEMS] && g.m >= LEAST && g.n >= LEAST && g.k >= LEAST &&
         (double)g.batches * g.m * g.n * g.k <= MOST;
}

bool quickGemm(const Gemm& g) {
  if (ownFirst(g) && (g.type == GemmType::float32 ? hopperFloat32Gemm(g, INFINITY) : hopperGemm(g))) return true;
  if ((libraryGemm && libraryGemm(g)) || rowsGemm(g) || hopperGemm(g) || tensorGemm(g)) return true;
  Gemm wide = g;
  wide.type = GemmType::float32;
  return (g.type == GemmType::float32 || g.type == GemmType::tf32) && tiledGemm(wide);
}

bool tensorGemm(const Gemm& g) {
  if (g.type == GemmType::float32 || capability() < 8 || g.k >= 1 << 30) return false;
  return g.type == GemmType::bfloat16 ? tensorGemmBfloat16(g) : g.type == GemmType::float16 ? tensorGemmFloat16(g) : tensorGemmTf32(g);
}

Cut cutGemm(const Gemm& g, const Tile* tiles, int count, int step) {
  // In cycles: for a tile to begin and end, and how many results it stores in one; to launch the second pass, and bytes that it
  // moves in one on each SM.
  constexpr float BLOCK = 2000, STORED = 8, PASS = 6000, BYTES = 12;
  const Size sms = processors(), results = g.batches * g.m * g.n;
  Cut best = {0, 1, g.k, INFINITY};
  for (int tile = 0; tile < count; tile++) {
    if (onlyTile >= 0 && onlyTile < count && tile != onlyTile) continue;
    const Tile& t = tiles[tile];
    const Size blocks = g.batches * ((g.m + t.rows - 1) / t.rows) * ((g.n + t.columns - 1) / t.columns);
    for (int splits = 1; splits <= 64; splits += splits < 8 ? 1 : splits / 2) {
      if (splits > 1 && (g.k < splits * 4 * step || splits * results * 4 > WORKSPACE || g.batches > 65535)) break;
      if (onlySplits && splits != onlySplits) continue;
      const Size depth = splits == 1 ? g.k : (g.k + splits * step - 1) / (splits * step) * step;
      const Size ranges = splits == 1 ? 1 : (g.k + depth - 1) / depth;
      const float rounds = (float)((blocks * ranges + sms - 1) / sms), size = (float)t.rows * t.columns;
      float cycles = rounds * (size * depth / (rounds > 1 ? t.rate : t.alone) + size / STORED + BLOCK);
      if (ranges > 1) cycles += PASS + (float)results * 4 * (ranges + 1) / (BYTES * sms);
      if (cycles < best.cycles) best = {tile, (int)ranges, depth, cycles};
    }
  }
  return best;
}

template <class T> static void joinSplitsOf(const Gemm& g, int splits) {
  const float* part = (const float*)current.workspace;
  const Size results = g.batches * g.m * g.n;
  T* c = (T*)g.c;
  forEach(0, results, [=] DEVICE(Size i) {
    float sum = part[i];
    for (int s = 1; s < splits; s++) sum += part[s * results + i];
    const Size row = i / g.n;
    c[i] = finish<T>(g, row, i - row * g.n, sum);
  });
}
void joinSplits(const Gemm& g, int splits) {
  switch (g.type) {
    case GemmType::bfloat16: return joinSplitsOf<__nv_bfloat16>(g, splits);
    case GemmType::float16: return joinSplitsOf<__half>(g, splits);
    default: return joinSplitsOf<float>(g, splits);
  }
}
