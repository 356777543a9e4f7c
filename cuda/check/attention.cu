// Checks the kernels of attention on tensor cores, forward and gradients, against sums in float64, and on a GPU times them: a
// program of its own, for the emulator and a GPU alike. DINOTORCH_HOPPER=0 in the environment takes the twins of Hopper's kernels.
//
//     attention check
//     attention time
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "../flash.cuh"

namespace {

#ifdef CUDA_EMULATOR
constexpr bool GPU = false;
#else
constexpr bool GPU = true;
#endif

int failures = 0, passed = 0;

bool good(const char* what, cudaError_t error) {
  if (error == cudaSuccess && current.error == cudaSuccess) return true;
  printf("%s: %s\n", what, cudaGetErrorString(error == cudaSuccess ? current.error : error));
  exit(1);
}

// n elements on the device that live as long as this.
template <class T> struct Memory {
  T* data = nullptr;
  Size n;
  explicit Memory(Size n_) : n(n_) { good("cudaMalloc", cudaMalloc((void**)&data, (size_t)n * sizeof(T) + 256)); }
  ~Memory() { cudaFree(data); }
  Memory(const Memory&) = delete;
  // About normal numbers: sums of four uniform ones of a hash.
  void noise(uint32_t seed) {
    T* const to = data;
    forEach(0, n, [=] DEVICE(Size i) {
      float sum = 0;
      for (uint32_t part = 0; part < 4; part++) {
        uint32_t x = ((uint32_t)i * 4 + part) * 2654435761u + seed;
        x ^= x >> 16, x *= 0x85ebca6bu, x ^= x >> 13, x *= 0xc2b2ae35u, x ^= x >> 16;
        sum += (float)(x >> 8) / 8388608.0f - 1.0f;
      }
      to[i] = T(sum * 0.866f);
    });
  }
};

struct Case {
  Size batches, heads;
  int queries, keys, width, columns;
  bool causal;
  // Whether a row has all heads, as [batch, row, head, width]; else [batch, head, row, width].
  bool together;
};
Rows rowsOf(const Case& x, int count, int width) {
  if (x.together) return {count * x.heads * width, (Size)width, x.heads * width};
  return {x.heads * count * width, (Size)count * width, (Size)width};
}
Flash flashOf(const Case& x) {
  return {x.batches * x.heads,  x.heads,
          x.queries,            x.keys,
          x.width,              x.columns,
          rowsOf(x, x.queries, x.width),  rowsOf(x, x.keys, x.width),
          rowsOf(x, x.keys, x.columns),   rowsOf(x, x.queries, x.columns),
          x.causal,             0.125f};
}

// Operands and results of a case.
template <class T> struct Attention {
  Case x;
  Flash f;
  Memory<T> q, k, v, g, o, dq, dk, dv;
  Memory<float> norms;
  explicit Attention(const Case& c)
      : x(c), f(flashOf(c)), q(f.items * c.queries * c.width), k(f.items * c.keys * c.width), v(f.items * c.keys * c.columns),
        g(f.items * c.queries * c.columns), o(g.n), dq(q.n), dk(k.n), dv(v.n), norms(2 * f.items * c.queries) {
    q.noise(1), k.noise(2), v.noise(3), g.noise(4);
  }
  bool forward() { return flashForward(o.data, norms.data, q.data, k.data, v.data, f); }
  bool backward() {
    return flashBackward(dq.data, dk.data, dv.data, g.data, q.data, k.data, v.data, o.data, norms.data, f, f.q, f.k, f.v, f.o);
  }
};

// The same in float64, by a thread a row; gradients too. p = exp(score - most) / total.
struct Plain {
  Memory<double> o, dq, dk, dv, most, total, delta;
};
template <class T> void compute(const Plain& to, const Attention<T>& a) {
  const Flash f = a.f;
  const T *const Q = a.q.data, *const K = a.k.data, *const V = a.v.data, *const G = a.g.data;
  double *const O = to.o.data, *const DQ = to.dq.data, *const DK = to.dk.data, *const DV = to.dv.data;
  double *const M = to.most.data, *const L = to.total.data, *const D = to.delta.data;
  const auto score = [=] DEVICE(Size b, Size h, Size i, Size j) {
    double sum = 0;
    for (int c = 0; c < f.width; c++) sum += (double)(float)Q[f.q(b, h, i) + c] * (double)(float)K[f.k(b, h, j) + c];
    return sum * (double)f.scale;
  };
  forEach(0, f.items * f.queries, [=] DEVICE(Size at) {
    const Size item = at / f.queries, i = at % f.queries, b = item / f.heads, h = item % f.heads;
    const Size seen = f.causal && i + 1 < f.keys ? i + 1 : f.keys;
    double top = -INFINITY, sum = 0, d = 0;
    for (Size j = 0; j < seen; j++) top = fmax(top, score(b, h, i, j));
    for (Size j = 0; j < seen; j++) {
      const double p = exp(score(b, h, i, j) - top);
      sum += p;
      for (int c = 0; c < f.columns; c++) O[f.o(b, h, i) + c] = (j ? O[f.o(b, h, i) + c] : 0) + p * (double)(float)V[f.v(b, h, j) + c];
    }
    for (int c = 0; c < f.columns; c++) d += (O[f.o(b, h, i) + c] /= sum) * (double)(float)G[f.o(b, h, i) + c];
    for (Size j = 0; j < seen; j++) {
      double dp = -d;
      for (int c = 0; c < f.columns; c++) dp += (double)(float)G[f.o(b, h, i) + c] * (double)(float)V[f.v(b, h, j) + c];
      const double ds = exp(score(b, h, i, j) - top) / sum * dp * (double)f.scale;
      for (int c = 0; c < f.width; c++) DQ[f.q(b, h, i) + c] = (j ? DQ[f.q(b, h, i) + c] : 0) + ds * (double)(float)K[f.k(b, h, j) + c];
    }
    M[at] = top, L[at] = sum, D[at] = d;
  });
  forEach(0, f.items * f.keys, [=] DEVICE(Size at) {
    const Size item = at / f.keys, j = at % f.keys, b = item / f.heads, h = item % f.heads;
    for (int c = 0; c < f.width; c++) DK[f.k(b, h, j) + c] = 0;
    for (int c = 0; c < f.columns; c++) DV[f.v(b, h, j) + c] = 0;
    for (Size i = f.causal ? j : 0; i < f.queries; i++) {
      const Size row = item * f.queries + i;
      const double p = exp(score(b, h, i, j) - M[row]) / L[row];
      double dp = -D[row];
      for (int c = 0; c < f.columns; c++) dp += (double)(float)G[f.o(b, h, i) + c] * (double)(float)V[f.v(b, h, j) + c];
      for (int c = 0; c < f.width; c++) DK[f.k(b, h, j) + c] += p * dp * (double)f.scale * (double)(float)Q[f.q(b, h, i) + c];
      for (int c = 0; c < f.columns; c++) DV[f.v(b, h, j) + c] += p * (double)(float)G[f.o(b, h, i) + c];
    }
  });
}

template <class T> std::vector<T> read(const Memory<T>& x) {
  std::vector<T> y((size_t)x.n);
  good("cudaMemcpy", cudaMemcpy(y.data(), x.data, y.size() * sizeof(T), cudaMemcpyDeviceToHost));
  return y;
}

template <class T> void check(const Case& x, double most) {
  char name[120];
  snprintf(name, sizeof name, "%s %d x %d heads, %d queries, %d keys, %d and %d wide%s%s",
           sizeof(T) == 4 ? "float32" : std::is_same<T, __half>::value ? "float16" : "bfloat16", (int)x.batches, (int)x.heads, x.queries,
           x.keys, x.width, x.columns, x.causal ? ", causal" : "", x.together ? ", heads together" : "");
  Attention<T> a(x);
  const Size rows = a.f.items * x.queries;
  using M = Memory<double>;
  const Plain right{M(a.o.n), M(a.q.n), M(a.k.n), M(a.v.n), M(rows), M(rows), M(rows)};
  compute(right, a);
  std::vector<std::vector<T>> runs[2];
  for (auto& run : runs) {
    for (Memory<T>* y : {&a.o, &a.dq, &a.dk, &a.dv}) cudaMemset(y->data, 0xff, (size_t)y->n * sizeof(T));
    if (!a.forward() || !a.backward()) {
      printf("WRONG %s: not done\n", name);
      failures++;
      return;
    }
    good(name, cudaDeviceSynchronize());
    run = {read(a.o), read(a.dq), read(a.dk), read(a.dv)};
  }
  const std::vector<double> expected[] = {read(right.o), read(right.dq), read(right.dk), read(right.dv)};
  bool ok = true;
  for (int which = 0; which < 4; which++) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < expected[which].size(); i++) {
      const double d = (double)(float)runs[0][which][i] - expected[which][i];
      error += d * d, norm += expected[which][i] * expected[which][i];
    }
    error = std::sqrt(error / norm);
    const char* const names[] = {"the result", "dq", "dk", "dv"};
    if (!(error < most)) printf("WRONG %s: %s is off by %g\n", name, names[which], error), ok = false;
    if (memcmp(runs[0][which].data(), runs[1][which].data(), runs[0][which].size() * sizeof(T))) {
      printf("WRONG %s: %s has other bits again\n", name, names[which]), ok = false;
    }
  }
  ok ? passed++ : failures++;
  fflush(stdout);
}

void checks() {
  const Case cases[] = {{1, 2, 128, 128, 64, 64, false, false},   {2, 3, 128, 128, 64, 64, true, true},
                        {2, 3, 130, 70, 64, 64, true, true},      {1, 3, 70, 140, 128, 72, true, false},
                        {1, 2, 1024, 1024, 64, 64, true, true},   {1, 2, 333, 517, 64, 40, false, true},
                        {2, 2, 200, 500, 128, 128, true, true},   {1, 5, 700, 300, 96, 128, false, false},
                        {5, 40, 300, 300, 64, 64, true, true},    {1, 1, 2000, 2000, 128, 128, true, false},
                        {1, 2, 65, 1100, 48, 64, true, true},     {2, 2, 1100, 65, 64, 64, true, false}};
  for (const Case& x : cases) {
    // The emulator takes its time.
    if (!GPU && x.queries + x.keys > 220) continue;
    check<__nv_bfloat16>(x, 5e-3);
    check<__half>(x, 7e-4);
  }
  check<float>(cases[2], 6e-6);
  check<float>(cases[3], 6e-6);
  printf("attention: %d right, %d wrong\n", passed, failures);
}

// Milliseconds of a call: the least of several rounds.
template <class F> float timeOf(F f) {
  cudaEvent_t start, end;
  cudaEventCreate(&start), cudaEventCreate(&end);
  float least = INFINITY;
  f();
  for (int round = 0; round < 7; round++) {
    constexpr int CALLS = 10;
    cudaEventRecord(start);
    for (int i = 0; i < CALLS; i++) f();
    cudaEventRecord(end);
    good("time", cudaEventSynchronize(end));
    float ms;
    cudaEventElapsedTime(&ms, start, end);
    least = std::min(least, ms / CALLS);
  }
  return least;
}

void times() {
  const Case cases[] = {{16, 12, 1024, 1024, 64, 64, true, false},  {16, 12, 1024, 1024, 64, 64, true, true},
                        {16, 12, 1024, 1024, 64, 64, false, false}, {4, 12, 4096, 4096, 64, 64, true, false},
                        {8, 16, 2048, 2048, 128, 128, true, false}, {64, 8, 256, 256, 64, 64, true, false}};
  for (const Case& x : cases) {
    Attention<__nv_bfloat16> a(x);
    a.forward();
    const float forward = timeOf([&] { a.forward(); }), backward = timeOf([&] { a.backward(); });
    const double products = 2e-9 * (double)a.f.items * x.queries * x.keys * x.width / (x.causal ? 2 : 1);
    printf("%3d x %2d x %4d x %3d%s%s  forward %7.1f us %4.0f TFLOP/s  gradients %7.1f us %4.0f TFLOP/s\n", (int)x.batches,
           (int)x.heads, x.queries, x.width, x.causal ? " causal" : "       ", x.together ? " together" : "         ", 1e3 * forward,
           2 * products / forward, 1e3 * backward, 5 * products / backward);
    fflush(stdout);
  }
}

}  // namespace

int main(int count, char** arguments) {
  Memory<char> workspace(WORKSPACE);
  current = {};
  current.workspace = workspace.data, current.name = "attention";
  count > 1 && std::string(arguments[1]) == "time" ? times() : checks();
  return failures > 0;
}
