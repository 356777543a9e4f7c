// Checks every kernel of matrix products against sums in float64, and on a GPU times them: a program of its own, for the
// emulator and a GPU alike.
//
//     gemm check [way [type]]           the checks of a way: rows, float32, tensor, hopper, hopper32, one of its tiles as hopper/128x64,
//                                       or all of them, hopper/
//     gemm time [way [type [shape]]]    the times of large products
//
// With --splits=4 those products are cut along k into so many ranges that can be, with --layouts=1 the first is timed alone.
//
// Elements are multiples of 1/64 below 2, so that sums of some hundred products are exact in float32 in every order, and a
// result has one right value, which is compared bit for bit; further cases have normal numbers, and a tolerance.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "../gemm.cuh"
#include "../library.cuh"

extern "C" int32_t dino_library_places(int32_t library, const uint8_t* text, int32_t bytes);

namespace {

using Way = bool (*)(const Gemm&);
struct Named {
  const char* name;
  Way run;
  std::vector<GemmType> types;
  // The one tile to take, of those the way has.
  int tile;
};
const GemmType F32 = GemmType::float32, TF32 = GemmType::tf32, BF16 = GemmType::bfloat16, F16 = GemmType::float16;
const char* const TYPES[] = {"float32", "tf32", "bfloat16", "float16"};

// The plain way: a thread an element, in float64.
template <class T> bool plainOf(const Gemm& g) {
  forEach(0, g.batches * g.m * g.n, [=] DEVICE(Size x) {
    const Size row = x / g.n, j = x % g.n, t = row / g.m, i = row % g.m;
    double sum = 0;
    for (Size p = 0; p < g.k; p++) {
      sum += (double)(float)((const T*)g.a)[t * g.aBatch + i * g.aRow + p * g.aColumn] *
             (double)(float)((const T*)g.b)[t * g.bBatch + p * g.bRow + j * g.bColumn];
    }
    if (g.bias) sum += (double)(float)((const T*)g.bias)[row * g.biasRow + j];
    ((double*)g.c)[x] = g.relu && sum < 0 ? 0 : sum;
  });
  return true;
}
bool plain(const Gemm& g) { return g.type == BF16 ? plainOf<__nv_bfloat16>(g) : g.type == F16 ? plainOf<__half>(g) : plainOf<float>(g); }

// cuBLASLt, where DINOTORCH_CUBLASLT is its path.
bool byLibrary(const Gemm& g) {
  static const char* const path = getenv("DINOTORCH_CUBLASLT");
  static const bool there = path && dino_library_places(CUBLASLT, (const uint8_t*)path, (int32_t)strlen(path)) == 0;
  return there && libraryGemm && libraryGemm(g);
}

bool byHopper32(const Gemm& g) { return hopperFloat32Gemm(g, INFINITY); }

size_t sizeOf(GemmType type) { return type == F32 || type == TF32 ? 4 : 2; }

std::mt19937 rng(7);

int failures = 0, passed = 0, refused = 0, layouts = 4;

bool good(const char* what, cudaError_t error) {
  if (error == cudaSuccess) return true;
  printf("%s: %s\n", what, cudaGetErrorString(error));
  failures++;
  return false;
}

// Device memory that lives as long as this.
struct Memory {
  void* data = nullptr;
  explicit Memory(size_t bytes) { good("cudaMalloc", cudaMalloc(&data, bytes < 16 ? 16 : bytes)); }
  ~Memory() { cudaFree(data); }
  Memory(const Memory&) = delete;
};

// n numbers, from a place that differs from call to call of a list of many.
template <class T> std::vector<T> numbers(size_t n, bool exact) {
  static std::vector<T> lists[2];
  std::vector<T>& list = lists[exact];
  if (list.empty()) {
    std::normal_distribution<float> normal;
    list.resize(1000003);
    for (auto& v : list) v = T(exact ? (float)((int)(rng() % 255) - 127) / 64 : normal(rng));
  }
  std::vector<T> x(n);
  const size_t first = rng() % list.size();
  for (size_t i = 0; i < n; i++) x[i] = list[(first + i) % list.size()];
  return x;
}
void fill(void* to, size_t n, GemmType type, bool exact) {
  const auto put = [&](const auto& x) { cudaMemcpy(to, x.data(), n * sizeof x[0], cudaMemcpyHostToDevice); };
  if (type == BF16) return put(numbers<__nv_bfloat16>(n, exact));
  if (type == F16) return put(numbers<__half>(n, exact));
  put(numbers<float>(n, exact));
}

struct Case {
  Size batches, m, n, k;
  bool transposedA, transposedB;
  // Elements that rows are longer than they need to be, and that matrices begin after an aligned address.
  int padding = 0, offset = 0;
  // 0 none, 1 [n], 2 [batches, m, n].
  int bias = 0;
  bool relu = false, exact = true, sharedB = false;
};

void check(const Named& way, GemmType type, const Case& x) {
  const size_t size = sizeOf(type);
  Gemm g = {};
  g.batches = x.batches, g.m = x.m, g.n = x.n, g.k = x.k, g.relu = x.relu, g.type = type;
  const Size widthA = (x.transposedA ? x.m : x.k) + x.padding, widthB = (x.transposedB ? x.k : x.n) + x.padding;
  g.aRow = x.transposedA ? 1 : widthA, g.aColumn = x.transposedA ? widthA : 1;
  g.bRow = x.transposedB ? 1 : widthB, g.bColumn = x.transposedB ? widthB : 1;
  g.aBatch = widthA * (x.transposedA ? x.k : x.m), g.bBatch = x.sharedB ? 0 : widthB * (x.transposedB ? x.n : x.k);
  const size_t na = (size_t)(g.aBatch * x.batches + x.offset), nb = (size_t)(widthB * (x.transposedB ? x.n : x.k) * x.batches + x.offset);
  const size_t results = (size_t)(x.batches * x.m * x.n), nBias = x.bias == 1 ? (size_t)x.n : x.bias == 2 ? results : 0;
  Memory a(na * size), b(nb * size), bias(nBias * size), c((results + 64) * size), expected(results * 8);
  fill(a.data, na, type, x.exact), fill(b.data, nb, type, x.exact), fill(bias.data, nBias, type, x.exact);
  g.a = (char*)a.data + x.offset * size, g.b = (char*)b.data + x.offset * size;
  g.bias = x.bias ? bias.data : nullptr, g.biasRow = x.bias == 2 ? x.n : 0;
  g.c = expected.data;
  plain(g);
  g.c = c.data;
  cudaMemset(c.data, 0xff, (results + 64) * size);
  char name[200];
  snprintf(name, sizeof name, "%s %s [%d, %d, %d] x %d%s%s padding %d offset %d bias %d%s", way.name, TYPES[(int)type], (int)x.m, (int)x.n,
           (int)x.k, (int)x.batches, x.transposedA ? " T" : " N", x.transposedB ? "T" : "N", x.padding, x.offset, x.bias,
           x.relu ? " relu" : "");
  current.error = cudaSuccess;
  if (!way.run(g)) {
    refused++;
    return;
  }
  if (!good(name, current.error) || !good(name, cudaDeviceSynchronize())) return;
  std::vector<char> found((results + 64) * size);
  std::vector<double> right(results);
  cudaMemcpy(found.data(), c.data, found.size(), cudaMemcpyDeviceToHost);
  cudaMemcpy(right.data(), expected.data, results * 8, cudaMemcpyDeviceToHost);
  const auto at = [&](size_t i) {
    if (type == BF16) return (double)(float)((__nv_bfloat16*)found.data())[i];
    if (type == F16) return (double)(float)((__half*)found.data())[i];
    return (double)((float*)found.data())[i];
  };
  const auto rounded = [&](double v) {
    return type == BF16 ? (double)(float)__nv_bfloat16((float)v) : type == F16 ? (double)(float)__half((float)v) : (double)(float)v;
  };
  // Of normal numbers: what rounding of the operands (tf32), of the sums and of the result may make.
  const double part = type == TF32 ? 1e-3 : 2e-6, last = type == BF16 ? 1.0 / 256 : type == F16 ? 1.0 / 2048 : 1e-6;
  size_t wrong = 0;
  for (size_t i = 0; i < results; i++) {
    const double error = std::fabs(at(i) - right[i]);
    const bool ok = x.exact ? at(i) == rounded(right[i]) : error <= part * 4 * std::sqrt((double)x.k + 1) + last * std::fabs(right[i]);
    if (ok) continue;
    if (wrong++ == 0) printf("WRONG %s: at %d, %d is %g, expected %g", name, (int)(i / x.n), (int)(i % x.n), at(i), right[i]);
  }
  if (wrong) printf(" (%d of %d are wrong)\n", (int)wrong, (int)results);
  bool beyond = false;
  for (size_t i = results * size; i < found.size(); i++) beyond |= found[i] != (char)0xff;
  if (beyond) printf("WRONG %s: written beyond the end\n", name);
  if (wrong || beyond) failures++;
  else passed++;
}

#ifdef CUDA_EMULATOR
constexpr bool GPU = false;
#else
constexpr bool GPU = true;
#endif

void checks(const Named& way) {
  const std::vector<std::vector<Size>> shapes = GPU
    ? std::vector<std::vector<Size>>{{1, 128, 256, 64}, {1, 1, 1, 1}, {1, 16, 8, 16}, {1, 130, 70, 100}, {1, 257, 300, 200}, {1, 512, 512, 512},
                                     {3, 100, 60, 136}, {1, 1000, 1032, 264}, {2, 320, 1000, 72}, {1, 64, 64, 1000}, {1, 31, 517, 33},
                                     {1, 1300, 1544, 320}, {70, 33, 64, 64}, {1, 3, 4096, 1000}, {1, 4096, 3, 512}, {2, 1, 1000, 4096}, {1, 1, 8, 100000}, {1, 200, 264, 3000}}
    : std::vector<std::vector<Size>>{{1, 1, 1, 1}, {1, 16, 8, 16}, {1, 130, 70, 100}, {2, 50, 260, 72}, {1, 20, 40, 520}, {1, 3, 130, 264}, {2, 1, 70, 1032}, {1, 300, 2, 100}};
  for (const GemmType type : way.types) {
    for (const auto& s : shapes) {
      // The emulator takes its time.
      if (!GPU && (way.tile >= 0 || type == F16) && s[3] != 100) continue;
      for (int layout = 0; layout < 4; layout++) {
        Case x = {s[0], s[1], s[2], s[3], (layout & 1) != 0, (layout & 2) != 0};
        check(way, type, x);
        x.bias = 1 + layout % 2, x.relu = layout < 2, x.padding = 8;
        check(way, type, x);
        if (GPU || s[0] > 1 || s[3] == 100) {
          x.bias = 2 - layout % 2, x.padding = 3, x.offset = 1, x.relu = false, x.sharedB = true;
          check(way, type, x);
          x.padding = x.offset = 0, x.sharedB = false, x.exact = false;
          check(way, type, x);
        }
      }
    }
  }
}

// Milliseconds of one launch: the median of several rounds.
float timeOf(Way way, const Gemm& g) {
  cudaEvent_t start, end;
  cudaEventCreate(&start), cudaEventCreate(&end);
  std::vector<float> times;
  for (int i = 0; i < 3; i++) way(g);
  const int calls = g.m < 2048 ? 20 : g.m < 5000 ? 5 : 2;
  for (int round = 0; round < 5; round++) {
    cudaEventRecord(start);
    for (int i = 0; i < calls; i++) way(g);
    cudaEventRecord(end);
    cudaEventSynchronize(end);
    float ms;
    cudaEventElapsedTime(&ms, start, end);
    times.push_back(ms / (float)calls);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// Uniform numbers in [-1, 1) of a hash.
template <class T> void noise(T* to, Size n) {
  forEach(0, n, [=] DEVICE(Size i) {
    uint32_t x = (uint32_t)i * 2654435761u + 12345u;
    x ^= x >> 16, x *= 0x85ebca6bu, x ^= x >> 13, x *= 0xc2b2ae35u, x ^= x >> 16;
    to[i] = T((float)(x >> 8) / 8388608.0f - 1.0f);
  });
}

void times(const Named& way, const std::string& only) {
  struct Shape {
    const char* what;
    Size batches, m, n, k;
  };
  const Shape shapes[] = {{"512", 1, 512, 512, 512}, {"1024", 1, 1024, 1024, 1024}, {"2048", 1, 2048, 2048, 2048}, {"4096", 1, 4096, 4096, 4096}, {"8192", 1, 8192, 8192, 8192},
                          {"8192x768x3072", 1, 8192, 768, 3072}, {"768x3072x8192", 1, 768, 3072, 8192}, {"96x 512x512x64", 96, 512, 512, 64}, {"1x4096x16384", 1, 1, 4096, 16384}};
  for (const GemmType type : way.types) {
    for (const Shape& s : shapes) {
      if (only.empty() ? way.tile >= 0 && s.n != s.k : only != s.what) continue;
      printf("%-19s %-9s %-19s", way.name, TYPES[(int)type], s.what);
      for (int layout = 0; layout < layouts; layout++) {
        const bool ta = layout & 1, tb = layout & 2;
        const size_t size = sizeOf(type);
        Gemm g = {};
        g.batches = s.batches, g.m = s.m, g.n = s.n, g.k = s.k, g.type = type;
        g.aRow = ta ? 1 : s.k, g.aColumn = ta ? s.m : 1, g.bRow = tb ? 1 : s.n, g.bColumn = tb ? s.k : 1;
        g.aBatch = s.m * s.k, g.bBatch = s.n * s.k;
        Memory a((size_t)(s.batches * s.m * s.k) * size), b((size_t)(s.batches * s.n * s.k) * size), c((size_t)(s.batches * s.m * s.n) * size);
        const auto fillBoth = [&](auto zero) {
          noise((decltype(zero)*)a.data, s.batches * s.m * s.k), noise((decltype(zero)*)b.data, s.batches * s.n * s.k);
        };
        type == BF16 ? fillBoth(__nv_bfloat16(0.0f)) : type == F16 ? fillBoth(__half(0.0f)) : fillBoth(0.0f);
        g.a = a.data, g.b = b.data, g.c = c.data;
        if (!way.run(g)) {
          printf("  %s      -", layout == 0 ? "NN" : layout == 1 ? "TN" : layout == 2 ? "NT" : "TT");
          continue;
        }
        const float ms = timeOf(way.run, g);
        printf("  %s %6.1f", layout == 0 ? "NN" : layout == 1 ? "TN" : layout == 2 ? "NT" : "TT",
               2e-9 * (double)(s.batches * s.m * s.n) * (double)s.k / ms);
        if (!good(s.what, cudaDeviceSynchronize()) || !good(s.what, current.error)) exit(1);
      }
      printf("  TFLOP/s\n");
      fflush(stdout);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 1; i < count; i++) {
    if (sscanf(arguments[i], "--splits=%d", &onlySplits) != 1 && sscanf(arguments[i], "--layouts=%d", &layouts) != 1) continue;
    for (int j = i--; j + 1 < count; j++) arguments[j] = arguments[j + 1];
    count--;
  }
  const std::string mode = count > 1 ? arguments[1] : "check", only = count > 2 ? arguments[2] : "", type = count > 3 ? arguments[3] : "",
                    shape = count > 4 ? arguments[4] : "";
  std::vector<Named> ways = {
      {"cublas", byLibrary, {F32, TF32, BF16}, -1},
      {"rows", rowsGemm, {F32, BF16, F16}, -1},
      {"float32", tiledGemm, {F32}, -1},
      {"float32/128x256", tiledGemm, {F32}, 0},
      {"float32/128x128", tiledGemm, {F32}, 1},
      {"float32/64x64", tiledGemm, {F32}, 2},
      {"tensor", tensorGemm, {BF16, F16, TF32}, -1},
      {"tensor/64x64", tensorGemm, {BF16, TF32}, 0},
      {"tensor/128x128", tensorGemm, {BF16, TF32}, 1},
      {"tensor/128x256", tensorGemm, {BF16, TF32}, 2},
      {"hopper32", byHopper32, {F32}, -1},
      {"hopper32/128x256", byHopper32, {F32}, 0},
      {"hopper32/128x128", byHopper32, {F32}, 1},
      {"hopper", hopperGemm, {BF16, F16, TF32}, -1},
      {"hopper/128x256", hopperGemm, {BF16, TF32}, 0},
      {"hopper/128x128", hopperGemm, {BF16, TF32}, 1},
      {"hopper/128x64", hopperGemm, {BF16, TF32}, 2},
  };
  Memory workspace(WORKSPACE);
  current = {};
  current.workspace = workspace.data, current.name = "gemm";
  for (Named& way : ways) {
    const std::string name = way.name;
    if (!only.empty() && name != only && (only.back() != '/' || name.rfind(only, 0) != 0)) continue;
    const auto unwanted = [&](GemmType t) { return !type.empty() && type != TYPES[(int)t]; };
    way.types.erase(std::remove_if(way.types.begin(), way.types.end(), unwanted), way.types.end());
    onlyTile = way.tile;
    if (mode == "time") {
      times(way, shape);
      continue;
    }
    passed = refused = 0;
    const int before = failures;
    const auto start = std::chrono::steady_clock::now();
    checks(way);
    printf("%-19s %d right, %d wrong, %d not made for it, %.1f s\n", way.name, passed, failures - before, refused,
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    fflush(stdout);
  }
  return failures > 0;
}
