/**
 * How much of a convolution is done at a time: see assembly/edge/convolution.ts.
 *
 * @module
 */
import type { ConvolutionOperation } from "./operation.ts";

/** Bytes of patches that stay in a second-level cache. */
const PATCHES = 256 << 10;

/** How many positions' patches are gathered at a time: a multiple of 8. */
export function bandOf(op: ConvolutionOperation): number {
  const depth = op.channels * op.kernel[0] * op.kernel[1], positions = op.count[0] * op.count[1];
  const most = Math.max(8, Math.floor(PATCHES / (4 * depth)) & ~7);
  const bands = Math.ceil(positions / most);
  return Math.ceil(positions / bands / 8) * 8;
}

/** Bytes that the patches of a band take. */
export function convolutionScratch(op: ConvolutionOperation): number {
  return 4 * op.channels * op.kernel[0] * op.kernel[1] * bandOf(op);
}
