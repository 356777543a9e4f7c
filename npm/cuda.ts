/**
 * Stands in for ffi/cuda.ts where there is no Deno to load CUDA kernels with.
 */

/** Registers nothing: `torch.cuda.problem()` says why. */
export function register(): void {}
