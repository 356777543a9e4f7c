// Matrix products [batch, m, k] x [batch, k, n] (+ bias) -> [batch, m, n], rows [begin, end) of the batch * m rows. Strides
// are in elements and may be anything, 0 included; c is contiguous. What is added to a row of c stands at bias, which may be
// left out, biasRow elements after that of the row before: 0 for one bias [n], n for a whole matrix. If relu is not 0,
// negative results become 0.
#include "narrow.cuh"
#include "gemm.cuh"
#include "product.cuh"

// What computes products of elements of a type, and what is tried before the general kernel, in this order.
template <class T> struct Ways {
  static bool run(const Gemm&) { return false; }
};
static bool attempt(const Gemm& g) { return (libraryGemm && libraryGemm(g)) || hopperGemm(g) || tensorGemm(g); }
template <> struct Ways<float> {
  static bool run(Gemm g) {
    g.type = current.tf32 ? GemmType::tf32 : GemmType::float32;
    return attempt(g) || (g.type = GemmType::float32, tiledGemm(g));
  }
};
template <> struct Ways<__nv_bfloat16> {
  static bool run(Gemm g) { return g.type = GemmType::bfloat16, attempt(g); }
};
template <> struct Ways<__half> {
  static bool run(Gemm g) { return g.type = GemmType::float16, attempt(g); }
};

template <class T>
static void matmul(T* c, const T* a, const T* b, const T* bias, Size m, Size n, Size k, Size aRow, Size aColumn, Size bRow,
                   Size bColumn, Size aBatch, Size bBatch, Size biasRow, Size relu, Scratch, Size begin, Size end) {
  if (begin >= end) return;
  const Size first = begin / m, batches = (end - 1) / m - first + 1;
  // Whole matrices.
  if (begin % m == 0 && end % m == 0 && n > 0 && Ways<T>::run({c + begin * n, a + first * aBatch, b + first * bBatch,
        bias ? bias + begin * biasRow : nullptr, batches, m, n, k, aRow, aColumn, bRow, bColumn, aBatch, bBatch, biasRow,
        relu != 0, GemmType::float32})) {
    return;
  }
  product<T>(
      batches, m, n, k, [=] DEVICE(Size t, Size i, Size p) { return a[(first + t) * aBatch + i * aRow + p * aColumn]; },
      [=] DEVICE(Size t, Size p, Size j) { return b[(first + t) * bBatch + p * bRow + j * bColumn]; },
      [=] DEVICE(Size t, Size i, Size j, T sum) {
        const Size row = (first + t) * m + i;
        if (row < begin || row >= end) return;
        if (bias) sum += bias[row * biasRow + j];
        c[row * n + j] = relu && sum < 0 ? T(0) : sum;
      });
}

// Products of float32 with narrow elements, columns [begin, end) of c: a [m, k] x b [k, n] (* scale [n]) (+ bias [n]) ->
// c [m, n]; a and c are contiguous.
template <class N>
static void matmul_mixed(float* c, const float* a, const N* b, const float* scale, const float* bias, Size m, Size n, Size k, Size bRow,
                         Size bColumn, Scratch, Size begin, Size end) {
  product<float>(
      1, m, end - begin, k, [=] DEVICE(Size, Size i, Size p) { return a[i * k + p]; },
      [=] DEVICE(Size, Size p, Size j) { return (float)widen(b[p * bRow + (begin + j) * bColumn]); },
      [=] DEVICE(Size, Size i, Size j, float sum) {
        const Size column = begin + j;
        if (scale) sum *= scale[column];
        c[i * n + column] = bias ? sum + bias[column] : sum;
      });
}

FAMILY(matmul, KERNEL_NUMBERS(matmul, matmul), KERNEL(matmul_mixed_f16, matmul_mixed<__half>),
       KERNEL(matmul_mixed_bf16, matmul_mixed<__nv_bfloat16>), KERNEL(matmul_mixed_i8, matmul_mixed<int8_t>))
