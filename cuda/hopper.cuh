// Instructions of compute capability 9.0 (sm_90a) alone: barriers in shared memory that count bytes, the copy engine, and
// products of a warpgroup, which is four warps. The emulator has none of them; what uses them has a twin by tensor_core.cuh.
#pragma once
#include <cuda.h>
#include <cudaTypedefs.h>

#include "port.cuh"

// The driver's function that describes a tensor to the copy engine; null where it is not there, or DINOTORCH_HOPPER=0 in the
// environment turns off what needs it.
PFN_cuTensorMapEncodeTiled_v12000 tensorMapEncoder();

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define HOPPER_DEVICE 1

namespace hopper {

#define INSTRUCTION static __device__ __forceinline__

INSTRUCTION uint32_t address(const void* shared) { return (uint32_t)__cvta_generic_to_shared(shared); }

// ---------------------------------------------------------------- barriers

// A barrier's phase ends when `count` threads have arrived, and the bytes that were announced.
INSTRUCTION void initBarrier(uint64_t* barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(address(barrier)), "r"(count) : "memory");
}
// What was initialised is seen by the copy engine.
INSTRUCTION void fenceBarriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
// What this thread has stored in shared memory is seen by products and the copy engine, once others know of it.
INSTRUCTION void fenceStores() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
INSTRUCTION void arrive(uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(address(barrier)) : "memory");
}
INSTRUCTION void arriveAndExpect(uint64_t* barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address(barrier)), "r"(bytes) : "memory");
}
// Waits until the phase of that parity is over: of a new barrier, that of parity 1 is.
INSTRUCTION void wait(uint64_t* barrier, int parity) {
  uint32_t over;
  do {
    asm volatile(
        "{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
        : "=r"(over)
        : "r"(address(barrier)), "r"(parity)
        : "memory");
  } while (!over);
}

// ---------------------------------------------------------------- the copy engine

// Begins to copy a box of a tensor of three axes to shared memory; its bytes count on the barrier.
INSTRUCTION void copyBox(void* to, const CUtensorMap* map, uint64_t* barrier, int x, int y, int z) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];" ::"r"(
          address(to)),
      "l"(map), "r"(address(barrier)), "r"(x), "r"(y), "r"(z)
      : "memory");
}
// The same of a tensor of four axes.
INSTRUCTION void copyBox(void* to, const CUtensorMap* map, uint64_t* barrier, int x, int y, int z, int w) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];" ::"r"(
          address(to)),
      "l"(map), "r"(address(barrier)), "r"(x), "r"(y), "r"(z), "r"(w)
      : "memory");
}
// The same of `bytes` bytes that lie in a row, a multiple of 16 as the addresses are.
INSTRUCTION void copyBytes(void* to, const void* from, int bytes, uint64_t* barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(address(to)), "l"(from),
               "r"(bytes), "r"(address(barrier))
               : "memory");
}
// Begins to bring a box of a tensor of three axes to the L2 cache.
INSTRUCTION void prefetchBox(const CUtensorMap* map, int x, int y, int z) {
  asm volatile("cp.async.bulk.prefetch.tensor.3d.L2.global.tile [%0, {%1, %2, %3}];" ::"l"(map), "r"(x), "r"(y), "r"(z) : "memory");
}
// Reads 4 elements, and brings the 256 bytes that they lie in to the L2 cache.
INSTRUCTION float4 readAhead(const float* from) {
  float4 v;
  asm volatile("ld.global.nc.L2::256B.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(from));
  return v;
}
INSTRUCTION void prefetchMap(const CUtensorMap* map) { asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory"); }

// ---------------------------------------------------------------- products of a warpgroup

// Registers of each thread, given up or asked for by a whole warpgroup.
template <int N> INSTRUCTION void fewerRegisters() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N)); }
template <int N> INSTRUCTION void moreRegisters() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N)); }

INSTRUCTION void productsFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
INSTRUCTION void productsCommit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
// Waits until all groups but the last N are done.
template <int N> INSTRUCTION void productsWait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory"); }

// A matrix in shared memory, in swizzled rows of 128 bytes, eight of which are `stride` bytes from the next eight; where rows
// go along k, `leading` bytes separate 128 bytes of the other axis from the next. It begins `offset` bytes, a multiple of 16,
// after the start: of several of a start, one addition each is left.
INSTRUCTION uint64_t matrix(const void* start, int leading, int stride, int offset = 0) {
  const uint32_t low = ((address(start) & 0x3ffff) >> 4 | (uint32_t)(leading >> 4) << 16) + (uint32_t)(offset >> 4);
  return (uint64_t)((uint32_t)(stride >> 4) | 1u << 30) << 32 | low;
}

// d [64, N] = a [64, K] b [K, N] (+ d, unless `add` is 0), where K takes 32 bytes. Thread t of the warpgroup, lane l of its
// warp w, holds of row 16 w + l / 4 and the eighth after it what mma.m16n8 gives it, for each 8 columns. SIDE_A and SIDE_B: rows
// of a, of b, go along k, and 128 bytes of m, of n, are contiguous; 16-bit elements alone.
template <class T, int N, bool SIDE_A, bool SIDE_B> INSTRUCTION void product(float (&d)[N / 2], uint64_t a, uint64_t b, int add);

#define REGISTERS_32 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define REGISTERS_64 \
  REGISTERS_32 ", " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define REGISTERS_128 \
  REGISTERS_64 ", " \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define SUMS_8(i) \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define SUMS_32(i) SUMS_8(i), SUMS_8(i + 8), SUMS_8(i + 16), SUMS_8(i + 24)
#define SUMS_64(i) SUMS_32(i), SUMS_32(i + 32)
#define SUMS_128(i) SUMS_64(i), SUMS_64(i + 64)
// COUNT registers; a, b, add and the flags stand after them.
#define PRODUCT(T, N, COUNT, A, B, ADD, instruction, flags, SIDE_A, SIDE_B)                                                    \
  template <> __device__ __forceinline__ void product<T, N, SIDE_A, SIDE_B>(float(&d)[N / 2], uint64_t a, uint64_t b, int add) { \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %" ADD ", 0; wgmma.mma_async.sync.aligned.m64n" #N instruction                \
                 " {" REGISTERS_##COUNT "}, %" A ", %" B ", p, 1, 1" flags "; }"                                               \
                 : SUMS_##COUNT(0)                                                                                             \
                 : "l"(a), "l"(b), "r"(add));                                                                                  \
  }
#define PRODUCT_SIZES(T, instruction, flags, SIDE_A, SIDE_B)                              \
  PRODUCT(T, 64, 32, "32", "33", "34", instruction, flags, SIDE_A, SIDE_B)                \
  PRODUCT(T, 128, 64, "64", "65", "66", instruction, flags, SIDE_A, SIDE_B)               \
  PRODUCT(T, 256, 128, "128", "129", "130", instruction, flags, SIDE_A, SIDE_B)
#define PRODUCT_SIDES(T, instruction)                        \
  PRODUCT_SIZES(T, instruction, ", 0, 0", false, false)      \
  PRODUCT_SIZES(T, instruction, ", 0, 1", false, true)       \
  PRODUCT_SIZES(T, instruction, ", 1, 0", true, false)       \
  PRODUCT_SIZES(T, instruction, ", 1, 1", true, true)
PRODUCT_SIDES(__nv_bfloat16, "k16.f32.bf16.bf16")
PRODUCT_SIDES(__half, "k16.f32.f16.f16")
PRODUCT_SIZES(float, "k8.f32.tf32.tf32", "", false, false)

// d = a b (+ d), with a in registers, as mma.m16n8k16 takes it from each warp; 128 bytes of n are contiguous in b.
template <class T, int N> INSTRUCTION void productOf(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t b, int add);
#define PRODUCT_OF(T, N, COUNT, A, B, C, D, MATRIX, ADD, instruction)                                                             \
  template <> __device__ __forceinline__ void productOf<T, N>(float(&d)[N / 2], const uint32_t(&a)[4], uint64_t b, int add) {     \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %" ADD ", 0; wgmma.mma_async.sync.aligned.m64n" #N instruction " {"              \
                 REGISTERS_##COUNT "}, {%" A ", %" B ", %" C ", %" D "}, %" MATRIX ", p, 1, 1, 1; }"                             \
                 : SUMS_##COUNT(0)                                                                                                \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));                                                 \
  }
#define PRODUCT_OF_SIZES(T, instruction)                                       \
  PRODUCT_OF(T, 64, 32, "32", "33", "34", "35", "36", "37", instruction)       \
  PRODUCT_OF(T, 128, 64, "64", "65", "66", "67", "68", "69", instruction)
PRODUCT_OF_SIZES(__nv_bfloat16, "k16.f32.bf16.bf16")
PRODUCT_OF_SIZES(__half, "k16.f32.f16.f16")
// The same of float32 elements, read as tf32, (+ d, unless `add` is 0): a as mma.m16n8k8 takes it, and k contiguous in b.
template <int N> INSTRUCTION void productOfTf32(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t b, int add);
#define PRODUCT_OF_TF32(N, COUNT, A, B, C, D, MATRIX, ADD)                                                                             \
  template <> __device__ __forceinline__ void productOfTf32<N>(float(&d)[N / 2], const uint32_t(&a)[4], uint64_t b, int add) {           \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %" ADD ", 0; wgmma.mma_async.sync.aligned.m64n" #N "k8.f32.tf32.tf32 {" REGISTERS_##COUNT \
                 "}, {%" A ", %" B ", %" C ", %" D "}, %" MATRIX ", p, 1, 1; }"                                                        \
                 : SUMS_##COUNT(0)                                                                                                     \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));                                                      \
  }
PRODUCT_OF_TF32(64, 32, "32", "33", "34", "35", "36", "37")
PRODUCT_OF_TF32(128, 64, "64", "65", "66", "67", "68", "69")
PRODUCT_OF_TF32(256, 128, "128", "129", "130", "131", "132", "133")
#undef PRODUCT_OF_TF32
#undef PRODUCT_OF_SIZES
#undef PRODUCT_OF
#undef PRODUCT_SIDES
#undef PRODUCT_SIZES
#undef PRODUCT
#undef SUMS_128
#undef SUMS_64
#undef SUMS_32
#undef SUMS_8
#undef REGISTERS_128
#undef REGISTERS_64
#undef REGISTERS_32

// Four lanes side by side hold 8 columns each of four groups of 8, two at a time: afterwards a lane has all 8 of one group.
INSTRUCTION void gather(uint32_t (&x)[4]) {
  const int t = threadIdx.x % 4;
  const uint32_t a = __shfl_xor_sync(~0u, t & 1 ? x[0] : x[1], 1), b = __shfl_xor_sync(~0u, t & 1 ? x[2] : x[3], 1);
  if (t & 1) {
    x[0] = a, x[2] = b;
  } else {
    x[1] = a, x[3] = b;
  }
  const uint32_t c = __shfl_xor_sync(~0u, t & 2 ? x[0] : x[2], 2), d = __shfl_xor_sync(~0u, t & 2 ? x[1] : x[3], 2);
  if (t & 2) {
    x[0] = c, x[1] = d;
  } else {
    x[2] = c, x[3] = d;
  }
}
#undef INSTRUCTION

}  // namespace hopper
#endif
