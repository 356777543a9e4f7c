// Instructions that CUDA C++ has no name for, each spelled once: PTX under nvcc, the emulator's own elsewhere. They are of
// compute capability 8.0. All lanes of a warp call mma and ldmatrix together, with registers as the PTX manual draws them:
// lane l has row g = l / 4 and place t = l % 4.
//
//     a [16, K]   registers 0 to 3: rows g, g + 8, g, g + 8, the last two in the second half of the columns
//     b [K, 8]    registers 0, 1: column g, rows of the first and second half
//     d [16, 8]   d[0], d[1]: row g, columns 2t and 2t + 1; d[2], d[3]: row g + 8
//
// With 16-bit elements K is 16, and a register has two neighbours along K, the first of them the lower half: 2t and 2t + 1 of
// its half. With float32 K is 8, and a register has one element, t of its half; tensor cores read it as tf32, without the
// last 13 bits.
#pragma once
#include "port.cuh"

// The depth of one product of tensor cores.
template <class T> struct TensorCore {
  static constexpr int K = 32 / sizeof(T);
};

#if defined(__CUDACC__)
#define INSTRUCTION static __device__ __forceinline__

INSTRUCTION uint32_t sharedAddress(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }

// d += a b.
template <class T> INSTRUCTION void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
#define MMA(T, ptx)                                                                                                       \
  template <> __device__ __forceinline__ void mma<T>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {     \
    asm volatile("mma.sync.aligned." ptx " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"               \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                         \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                                     \
  }
MMA(__nv_bfloat16, "m16n8k16.row.col.f32.bf16.bf16.f32")
MMA(__half, "m16n8k16.row.col.f32.f16.f16.f32")
MMA(float, "m16n8k8.row.col.f32.tf32.tf32.f32")
#undef MMA

// The bits of float32, rounded to tf32: to the nearest, ties away from zero.
INSTRUCTION uint32_t roundToTf32(uint32_t x) {
  uint32_t r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(__uint_as_float(x)));
  return r;
}

// Matrices of 8 x 8 16-bit elements from shared memory: lanes 8i to 8i + 7 give the addresses of the rows of matrix i, each
// a multiple of 16; r[i] gets what a lane holds of matrix i, row g and columns 2t and 2t + 1. Transposed: rows 2t and 2t + 1
// and column g.
INSTRUCTION void ldmatrix(uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(sharedAddress(row))
               : "memory");
}
INSTRUCTION void ldmatrixTransposed(uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(sharedAddress(row))
               : "memory");
}
INSTRUCTION void ldmatrix(uint32_t (&r)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(sharedAddress(row))
               : "memory");
}
INSTRUCTION void ldmatrixTransposed(uint32_t (&r)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(sharedAddress(row))
               : "memory");
}

// Begins to copy `bytes` bytes of 16 to shared memory, and zeros for the rest; both addresses are multiples of 16. With no
// bytes the source is not read, but is still to be an address of the device.
INSTRUCTION void cpAsync16(void* shared, const void* source, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(shared)), "l"(source), "r"(bytes) : "memory");
}
// The same of 4 bytes, or 4 zeros.
INSTRUCTION void cpAsync4(void* shared, const void* source, int bytes) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(sharedAddress(shared)), "l"(source), "r"(bytes) : "memory");
}
// Ends a group of copies of this thread's.
INSTRUCTION void cpAsyncCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until all groups of this thread's but the last N have arrived; others' threads copies need a barrier after it.
template <int N> INSTRUCTION void cpAsyncWait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

#else
#define INSTRUCTION static inline
#define WHERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

template <class T> INSTRUCTION void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], WHERE) {
  using emu::Fragment;
  constexpr Fragment kind = std::is_same<T, float>::value           ? Fragment::tf32
                            : std::is_same<T, __nv_bfloat16>::value ? Fragment::bf16
                                                                    : Fragment::f16;
  emu::mma(kind, d, a, b, file, line);
}
INSTRUCTION uint32_t roundToTf32(uint32_t x) {
  return (x & 0x7fffffffu) < 0x7f800000u ? (x + 0x1000u) & ~0x1fffu : x;
}
template <int N> INSTRUCTION void ldmatrix(uint32_t (&r)[N], const void* row, WHERE) { emu::ldmatrix(r, N, false, row, file, line); }
template <int N> INSTRUCTION void ldmatrixTransposed(uint32_t (&r)[N], const void* row, WHERE) {
  emu::ldmatrix(r, N, true, row, file, line);
}
INSTRUCTION void cpAsync16(void* shared, const void* source, int bytes) { emu::cpAsync(shared, source, 16, bytes); }
INSTRUCTION void cpAsync4(void* shared, const void* source, int bytes) { emu::cpAsync(shared, source, 4, bytes); }
INSTRUCTION void cpAsyncCommit() { emu::cpAsyncCommit(); }
template <int N> INSTRUCTION void cpAsyncWait() { emu::cpAsyncWait(N); }
#undef WHERE
#endif
#undef INSTRUCTION
