// Products with a few rows, or a few columns, of c.
#include "gemm_rows.cuh"

template <class T> static bool rowsGemmOf(const Gemm& g) {
  const auto store = [=] DEVICE(Size t, Size i, Size j, float sum) {
    const Size row = t * g.m + i;
    ((T*)g.c)[row * g.n + j] = finish<T>(g, row, j, sum);
  };
  if (g.m <= g.n) {
    return fewRows(FewRows<T, T>{(const T*)g.a, (const T*)g.b, g.batches, g.m, g.n, g.k, g.aRow, g.aColumn, g.bRow, g.bColumn, g.aBatch, g.bBatch},
                   store);
  }
  // The transpose: c' = b' a'.
  const auto transposed = [=] DEVICE(Size t, Size j, Size i, float sum) { store(t, i, j, sum); };
  return fewRows(FewRows<T, T>{(const T*)g.b, (const T*)g.a, g.batches, g.n, g.m, g.k, g.bColumn, g.bRow, g.aColumn, g.aRow, g.bBatch, g.aBatch},
                 transposed);
}

bool rowsGemm(const Gemm& g) {
  // With more rows, larger tiles read as little and multiply faster.
  const Size few = g.m < g.n ? g.m : g.n;
  if (few > (g.type == GemmType::float32 ? MOST_ROWS : 4)) return false;
  switch (g.type) {
    case GemmType::bfloat16: return rowsGemmOf<__nv_bfloat16>(g);
    case GemmType::float16: return rowsGemmOf<__half>(g);
    default: return rowsGemmOf<float>(g);
  }
}
