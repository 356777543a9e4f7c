/** Kernels of the family scan. */
