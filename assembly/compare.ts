/** Kernels of the family compare. */
