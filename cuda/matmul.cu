// Matrix products [batch, m, k] x [batch, k, n] (+ bias) -> [batch, m, n], rows [begin, end) of the batch * m rows. Strides
// are in elements and may be anything, 0 included; c is contiguous. What is added to a row of c stands at bias, which may be
// left out, biasRow elements after that of the row before: 0 for one bias [n], n for a whole matrix. If relu is not 0,
// negative results become 0.
#include "gemm_rows.cuh"
#include "library.cuh"
#include "product.cuh"

// What is tried before the general kernel.
template <class T> static bool attemptOf(Gemm g) {
  if constexpr (std::is_same<T, float>::value) {
    g.type = libraryOptions[MATMUL_TF32] ? GemmType::tf32 : GemmType::float32;
    return quickGemm(g);
  } else if constexpr (sizeof(T) == 2) {
    g.type = std::is_same<T, __half>::value ? GemmType::float16 : GemmType::bfloat16;
    return quickGemm(g);
  } else {
    return false;
  }
}

template <class T>
static void matmul(T* c, const T* a, const T* b, const T* bias, Size m, Size n, Size k, Size aRow, Size aColumn, Size bRow,
                   Size bColumn, Size aBatch, Size bBatch, Size biasRow, Size relu, Scratch, Size begin, Size end) {
  if (begin >= end || n <= 0) return;
  using C = ComputedOf<T>;
  const Size first = begin / m, batches = (end - 1) / m - first + 1;
  if (begin % m == 0 && end % m == 0) {
    const T* added = bias ? bias + begin * biasRow : nullptr;
    const Gemm g = {c + begin * n, a + first * aBatch, b + first * bBatch, added, batches, m, n, k, aRow, aColumn, bRow,
                    bColumn, aBatch, bBatch, biasRow, relu != 0, GemmType::float32};
    if (attemptOf<T>(g)) return;
  }
  product<C>(
      batches, m, n, k, [=] DEVICE(Size t, Size i, Size p) { return widen(a[(first + t) * aBatch + i * aRow + p * aColumn]); },
      [=] DEVICE(Size t, Size p, Size j) { return widen(b[(first + t) * bBatch + p * bRow + j * bColumn]); },
      [=] DEVICE(Size t, Size i, Size j, C sum) {
        const Size row = (first + t) * m + i;
        if (row < begin || row >= end) return;
        if (bias) sum += widen(bias[row * biasRow + j]);
        c[row * n + j] = T(relu && sum < 0 ? C(0) : sum);
      });
}

// Products of float32 with narrow elements, columns [begin, end) of c: a [m, k] x b [k, n] (* scale [n]) (+ bias [n]) ->
// c [m, n]; a and c are contiguous.
template <class N>
static void matmul_mixed(float* c, const float* a, const N* b, const float* scale, const float* bias, Size m, Size n, Size k, Size bRow,
                         Size bColumn, Scratch, Size begin, Size end) {
  if (begin >= end || m <= 0) return;
  const auto store = [=] DEVICE(Size, Size i, Size j, float sum) {
    const Size column = begin + j;
    if (scale) sum *= scale[column];
    c[i * n + column] = bias ? sum + bias[column] : sum;
  };
  if (fewRows(FewRows<float, N>{a, b + begin * bColumn, 1, m, end - begin, k, k, 1, bRow, bColumn, 0, 0}, store)) return;
  product<float>(
      1, m, end - begin, k, [=] DEVICE(Size, Size i, Size p) { return a[i * k + p]; },
      [=] DEVICE(Size, Size p, Size j) { return (float)widen(b[p * bRow + (begin + j) * bColumn]); }, store);
}

FAMILY(matmul, KERNEL_NUMBERS(matmul, matmul), KERNEL_NARROW(matmul, matmul), KERNEL(matmul_mixed_f16, matmul_mixed<__half>),
       KERNEL(matmul_mixed_bf16, matmul_mixed<__nv_bfloat16>), KERNEL(matmul_mixed_i8, matmul_mixed<int8_t>))
