// Products of float16 matrices on tensor cores.
#include "gemm_tensor.cuh"

bool tensorGemmFloat16(const Gemm& g) { return tensorGemmOf<__half>(g); }
