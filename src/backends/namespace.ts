/**
 * `torch.backends`: which libraries compute, and how exactly.
 *
 * @module
 */
export * as cuda from "./cuda.ts";
export { cudnn, type CudnnSettings } from "./cudnn.ts";
