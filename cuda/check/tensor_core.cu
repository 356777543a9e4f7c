// Whether the instructions of tensor_core.cuh do what it says: products of small whole numbers, exact in every type, whose
// registers are filled as the layout says, and once more by ldmatrix from matrices in shared memory that cp.async brought.
// A program of its own, for the emulator and a GPU alike; prints what is wrong, and ends with the number of failures.
#include "../tensor_core.cuh"

#include <cstdio>
#include <vector>

template <class T> static DEVICE uint32_t pack(const T* x, int step) {
  uint32_t r = 0;
  for (int h = 0; h < (int)(4 / sizeof(T)); h++) {
    uint32_t bits = 0;
    memcpy(&bits, x + h * step, sizeof(T));
    r |= bits << (16 * h);
  }
  return r;
}

// a [16, K] and b [K, 8], row-major, d [16, 8]. Registers filled from the layout (by 0), or by ldmatrix from shared memory:
// a as it lies and b transposed (1), or a transposed copy of each (2); float32 has no transposing ldmatrix.
template <class T> __global__ void productOfWarp(float* d, const T* a, const T* b, int by) {
  constexpr int K = TensorCore<T>::K, P = 4 / sizeof(T);
  DYNAMIC_SHARED(T, as);  // [16, K], or [K, 16]
  T* bs = as + 16 * K;    // [8, K], or [K, 8]
  const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
  uint32_t ra[4], rb[2];
  if (by == 0) {
    for (int i = 0; i < 4; i++) ra[i] = pack(a + (g + i % 2 * 8) * K + t * P + i / 2 * K / 2, 1);
    for (int i = 0; i < 2; i++) rb[i] = pack(b + (t * P + i * K / 2) * 8 + g, 8);
  } else {
    constexpr int E = 16 / sizeof(T);  // elements of 16 bytes: what a row of ldmatrix has
    for (int i = lane; i < 16 * K / E; i += 32) cpAsync16(as + i * E, a + i * E, 16);
    for (int i = lane; i < 8 * K / E; i += 32) cpAsync16(bs + i * E, b + i * E, 16);
    cpAsyncCommit();
    cpAsyncWait<0>();
    __syncwarp();
    const int row = lane % 8, m = lane / 8;
    if (by == 1) {
      ldmatrix(ra, as + (row + m % 2 * 8) * K + m / 2 * K / 2);
      ldmatrix(rb, bs + row * K + m % 2 * K / 2);
    } else {
      ldmatrixTransposed(ra, as + (row + m / 2 * 8) * 16 + m % 2 * 8);
      ldmatrixTransposed(rb, bs + (row + m % 2 * 8) * 8);
    }
  }
  float sum[4] = {1, 2, 3, 4};
  mma<T>(sum, ra, rb);
  for (int i = 0; i < 4; i++) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = sum[i];
}

// The first `bytes` bytes of each 16 or 4, and zeros.
static __global__ void copies(float* d, const float* x, int bytes) {
  DYNAMIC_SHARED(float, s);
  const int lane = threadIdx.x;
  cpAsync16(s + lane * 4, x + lane * 4, bytes);
  cpAsyncCommit();
  cpAsync4(s + 128 + lane, x + lane, bytes < 4 ? bytes : 4);
  cpAsyncCommit();
  cpAsyncWait<1>();
  for (int i = 0; i < 4; i++) d[lane * 4 + i] = s[lane * 4 + i];
  cpAsyncWait<0>();
  d[128 + lane] = s[128 + lane];
}

static int failures = 0;

static void check(const char* what, int by, const std::vector<float>& found, const std::vector<float>& expected) {
  for (size_t i = 0; i < found.size(); i++) {
    if (found[i] == expected[i]) continue;
    printf("%s, %d: element %d is %g, expected %g\n", what, by, (int)i, found[i], expected[i]);
    failures++;
    return;
  }
}

template <class T> static T* device(const std::vector<T>& x) {
  T* p;
  cudaMalloc(&p, x.size() * sizeof(T));
  cudaMemcpy(p, x.data(), x.size() * sizeof(T), cudaMemcpyHostToDevice);
  return p;
}

static std::vector<float> host(const float* p, size_t n) {
  std::vector<float> x(n);
  const cudaError_t error = cudaMemcpy(x.data(), p, n * 4, cudaMemcpyDeviceToHost);
  if (error != cudaSuccess) printf("%s\n", cudaGetErrorString(error)), failures++;
  return x;
}

template <class T> static void products(const char* name) {
  constexpr int K = TensorCore<T>::K;
  std::vector<T> a(16 * K), at(16 * K), b(8 * K), bt(8 * K);
  std::vector<float> x(16 * K), y(8 * K), expected(128);
  for (int i = 0; i < 16; i++) {
    for (int k = 0; k < K; k++) a[i * K + k] = at[k * 16 + i] = T(x[i * K + k] = (float)((i * 7 + k * 5) % 11 - 4));
  }
  for (int k = 0; k < K; k++) {
    for (int j = 0; j < 8; j++) b[k * 8 + j] = bt[j * K + k] = T(y[k * 8 + j] = (float)((j * 3 + k * 13) % 17 - 9));
  }
  for (int i = 0; i < 16; i++) {
    for (int j = 0; j < 8; j++) {
      expected[i * 8 + j] = (float)(i / 8 * 2 + j % 2 + 1);
      for (int k = 0; k < K; k++) expected[i * 8 + j] += x[i * K + k] * y[k * 8 + j];
    }
  }
  T *da = device(a), *dat = device(at), *db = device(b), *dbt = device(bt);
  for (int by = 0; by < (sizeof(T) == 2 ? 3 : 2); by++) {
    float* d = device(std::vector<float>(128, NAN));
    launchKernel(name, productOfWarp<T>, 1, 32, 24 * K * sizeof(T), nullptr, d, by == 2 ? dat : da, by == 1 ? dbt : db, by);
    check(name, by, host(d, 128), expected);
  }
}

int main() {
  products<__nv_bfloat16>("bfloat16");
  products<__half>("float16");
  products<float>("tf32");
  std::vector<float> x(128);
  for (int i = 0; i < 128; i++) x[i] = (float)(i + 1);
  float* dx = device(x);
  for (int bytes = 0; bytes <= 16; bytes += 4) {
    std::vector<float> expected(160);
    for (int i = 0; i < 128; i++) expected[i] = i % 4 < bytes / 4 ? x[i] : 0;
    for (int i = 0; i < 32; i++) expected[128 + i] = bytes ? x[i] : 0;
    float* d = device(std::vector<float>(160, NAN));
    launchKernel("copies", copies, 1, 32, 640, nullptr, d, dx, bytes);
    check("cp.async", bytes, host(d, 160), expected);
  }
  printf("%d failures\n", failures);
  return failures;
}
