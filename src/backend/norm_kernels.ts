/**
 * The manifest's parameters of kernels that normalise.
 *
 * @module
 */

/** Lists of parameters of kernels that normalise. */
// deno-fmt-ignore
export const NORM_SIGNATURES = {
  rowNorm: [
    "out y", "out stats", "in x", "in weight", "in bias", "size rows", "size groups", "size channels", "size inner",
    "size centred", "scalar eps", "size begin", "size end",
  ],
  rowNormGrad: [
    "out dx", "in dy", "in x", "in stats", "in weight", "size rows", "size groups", "size channels", "size inner",
    "size centred", "size begin", "size end",
  ],
  rowNormGradAffine: [
    "out dWeight", "out dBias", "in dy", "in x", "in stats", "size rows", "size groups", "size channels",
    "size inner", "size begin", "size end",
  ],
  batchNorm: [
    "out y", "out stats", "inout runningMean", "inout runningVar", "in x", "in weight", "in bias", "size batches",
    "size channels", "size inner", "size training", "scalar momentum", "scalar eps", "size begin", "size end",
  ],
  batchNormGrad: [
    "out dx", "out dWeight", "out dBias", "in dy", "in x", "in stats", "in weight", "size batches", "size channels",
    "size inner", "size training", "size begin", "size end",
  ],
  addNorm: [
    "out s", "out y", "out stats", "in x", "in z", "in weight", "in bias", "size rows", "size n", "scalar eps",
  ],
  addNormGrad: [
    "out dx", "out dz", "out dWeight", "out dBias", "in ds", "in dy", "in s", "in stats", "in weight", "size rows", "size n",
  ],
} as const;
