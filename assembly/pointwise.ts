/** Kernels of the family pointwise. */
