// Each case holds one planted bug; the emulator must report it. Cases named asan_* need -fsanitize=address.
#include "../port.cuh"
#include <cstdio>
#include <cstring>
#include <vector>
extern "C" const char* emu_last_message(); extern "C" void emu_reset();
__global__ void divergentBarrier(float* x) { if (threadIdx.x < 32) { x[0] = 1; __syncthreads(); }
  else { x[1] = 1; __syncthreads(); } }
__global__ void shuffleExitedLane(float* x) { if (threadIdx.x >= 20) return; x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1); }
__global__ void shufflePartialBlock(float* x) { x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1); }           // launched with 40 threads
__global__ void divergentShuffle(float* x) { float v = (float)threadIdx.x; if (threadIdx.x & 1) v = __shfl_xor_sync(0xffffffffu, v, 1);
  else v = __shfl_xor_sync(0xffffffffu, v, 2);
  x[threadIdx.x] = v; }
__global__ void barrierAndShuffleDeadlock(float* x) { if (threadIdx.x == 0) __syncthreads(); else x[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 0); __syncthreads(); }
__global__ void uninitialisedShared(float* x) { SHARED(float, s, [64]); if (threadIdx.x < 32) s[threadIdx.x] = 1; __syncthreads(); x[threadIdx.x] = s[threadIdx.x]; }
__global__ void missingBarrier(float* x) { SHARED(float, s, [64]); s[threadIdx.x] = (float)threadIdx.x; x[threadIdx.x] = s[63 - threadIdx.x]; }
__global__ void missingCpWait(float* x, const float* y) { SHARED(float4, s, [32]); ptx::cpAsync16(&s[threadIdx.x], y + threadIdx.x * 4, 16); ptx::cpAsyncCommit(); __syncthreads(); x[threadIdx.x] = s[threadIdx.x].x; }
__global__ void bigShared(float* x) { SHARED(float, s, [20000]); s[threadIdx.x] = 1; x[0] = s[0]; }
__global__ void oobGlobal(float* x) { x[threadIdx.x + 1] = 1; }
__global__ void oobShared(float* x) { SHARED(float, s, [64]); s[threadIdx.x + 1] = 1; __syncthreads(); x[threadIdx.x] = s[threadIdx.x]; }
__global__ void oobDynamic(float* x) { DYNAMIC_SHARED(float, s); s[threadIdx.x + 1] = 1; __syncthreads(); x[threadIdx.x] = s[threadIdx.x]; }
__global__ void fine(float* x) { x[threadIdx.x] = 2; }
static int bad = 0;
static void expect(const char* n, bool ok, const char* m) { printf("%-28s %s  %s\n", n, ok ? "found " : "MISSED", m); bad += !ok; }
int main(int argc, char** argv) {
  float *x, *y; cudaMalloc(&x, 64 * 4); cudaMalloc(&y, 128 * 4); cudaMemset(y, 0, 512);
  if (argc > 1) { if (!strcmp(argv[1], "global")) LAUNCH(oobGlobal, 1, 64, 0, nullptr, x); if (!strcmp(argv[1], "shared")) LAUNCH(oobShared, 1, 64, 0, nullptr, x); if (!strcmp(argv[1], "dynamic")) LAUNCH(oobDynamic, 1, 64, 256, nullptr, x); if (!strcmp(argv[1], "freed")) { cudaFree(x); LAUNCH(fine, 1, 64, 0, nullptr, x); } printf("not found\n"); return 0; }
#define MSG(k, n, ...) { emu_reset(); cudaError_t e = LAUNCH(k, 1, n, 0, nullptr, __VA_ARGS__); e = e ? e : cudaDeviceSynchronize(); expect(#k, e != cudaSuccess, cudaGetErrorString(e)); }
  MSG(divergentBarrier, 64, x) MSG(shuffleExitedLane, 32, x) MSG(shufflePartialBlock, 40, x) MSG(divergentShuffle, 32, x) MSG(barrierAndShuffleDeadlock, 32, x) MSG(bigShared, 32, x)
  emu_reset(); float h[64];
  auto run = [&](cudaError_t) { cudaMemcpy(h, x, 256, cudaMemcpyDeviceToHost); };
  run(LAUNCH(uninitialisedShared, 1, 64, 0, nullptr, x)); expect("uninitialisedShared", h[40] != h[40], "result is NaN");
  run(LAUNCH(missingBarrier, 1, 64, 0, nullptr, x)); { bool wrong = false; for (int i = 0; i < 64; i++) wrong |= h[i] != 63 - i; expect("missingBarrier", wrong, "wrong result"); }
  run(LAUNCH(missingCpWait, 1, 32, 0, nullptr, x, y)); expect("missingCpWait", h[0] != 0, "result is NaN");
  cudaError_t e = LAUNCH(fine, 1, 1025, 0, nullptr, x); expect("1025 threads", e != 0, cudaGetErrorString(e));
  e = LAUNCH(fine, dim3(1, 70000), 32, 0, nullptr, x); expect("grid.y = 70000", e != 0, cudaGetErrorString(e));
  e = LAUNCH(fine, 1, 32, 60000, nullptr, x); expect("60000 B dynamic shared", e != 0, cudaGetErrorString(e));
  e = cudaMemcpy(x, h, 300, cudaMemcpyHostToDevice); expect("copy past the end", e != 0, cudaGetErrorString(e));
  e = cudaMemcpy(h, x, 16, cudaMemcpyHostToDevice); expect("wrong copy direction", e != 0, cudaGetErrorString(e));
  e = cudaFree(x); e = cudaFree(x); expect("double free", e != 0, cudaGetErrorString(e)); cudaMalloc(&x, 256);
  cudaStream_t s, t; cudaStreamCreate(&s); cudaStreamCreate(&t);
  if (getenv("EMU_ASYNC")) { h[0] = 7; LAUNCH(fine, 1, 64, 0, s, x); cudaMemcpyAsync(h, x, 256, cudaMemcpyDeviceToHost, s); expect("host read before sync", h[0] == 7, "old value seen"); cudaStreamSynchronize(s);
    cudaMemset(x, 0, 256); LAUNCH(fine, 1, 64, 0, s, x); cudaMemcpyAsync(h, x, 256, cudaMemcpyDeviceToHost, t); cudaStreamSynchronize(t); expect("two streams without an event", h[0] == 0, "old value seen"); }
  emu_reset(); LAUNCH(fine, 1, 64, 0, nullptr, x); cudaMemcpy(h, x, 256, cudaMemcpyDeviceToHost); expect("(recovery after reset)", h[63] == 2, "");
  return bad;
}
