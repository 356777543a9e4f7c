/** Kernels of the family sort. */
