// Products of bfloat16 matrices on tensor cores.
#include "gemm_tensor.cuh"

bool tensorGemmBfloat16(const Gemm& g) { return tensorGemmOf<__nv_bfloat16>(g); }
