// Products of float32 matrices on tensor cores, which round the elements to tf32.
#include "gemm_tensor.cuh"

bool tensorGemmTf32(const Gemm& g) { return tensorGemmOf<float>(g); }
