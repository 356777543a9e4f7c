/** Kernels of the family activation. */
