/**
 * The part of the manifest that only devices with narrow arithmetic have: kernels whose tensors are float16 or bfloat16, as
 * CUDA's. Their parameters are those of the float32 kernels; sums, statistics and whatever is computed between loading and
 * storing are float32. On a device without such a kernel, the operation computes in float32 and converts.
 *
 * @module
 */

import { type KernelName, manifest, type NamesOf, parametersOf } from "./kernels.ts";

/** Their names, as in the manifest. */
// deno-fmt-ignore
export const NARROW_FAMILIES = [
  // arithmetic
  { kernels: ["add", "sub", "mul", "div", "maximum", "minimum"], types: ["_f16", "_bf16"], signature: "binary" },
  // a and y are float32
  { kernels: ["add_mixed"], types: ["_f16", "_bf16"], signature: "binary" },
  // pointwise
  { kernels: ["addcmul", "lerp", "clamp"], types: ["_f16", "_bf16"], signature: "ternary" },
  // unary
  {
    kernels: ["neg", "abs", "sqrt", "rsqrt", "reciprocal", "exp", "log", "sin", "cos", "tanh", "sigmoid", "erf"],
    types: ["_f16", "_bf16"],
    signature: "unary",
  },
  // activation
  {
    kernels: ["relu", "gelu", "gelu_tanh", "silu", "mish", "hardswish", "hardsigmoid", "logsigmoid"],
    types: ["_f16", "_bf16"],
    signature: "unary",
  },
  {
    kernels: [
      "sigmoid_grad", "tanh_grad", "gelu_grad", "gelu_tanh_grad", "silu_grad", "mish_grad", "hardswish_grad",
      "hardsigmoid_grad", "logsigmoid_grad",
    ],
    types: ["_f16", "_bf16"],
    signature: "unaryGrad",
  },
  { kernels: ["threshold", "hardtanh", "leaky_relu", "elu", "softplus"], types: ["_f16", "_bf16"], signature: "activation" },
  {
    kernels: ["threshold_grad", "hardtanh_grad", "leaky_relu_grad", "elu_grad", "softplus_grad"],
    types: ["_f16", "_bf16"],
    signature: "activationGrad",
  },
  // reduce
  { kernels: ["sum"], types: ["_f16", "_bf16"], signature: "sum" },
  // softmax
  { kernels: ["softmax", "log_softmax"], types: ["_f16", "_bf16"], signature: "reduce" },
  { kernels: ["softmax_grad", "log_softmax_grad"], types: ["_f16", "_bf16"], signature: "reduceGrad" },
  // loss: x and dx are narrow, the losses and their gradients, stats and weight float32
  { kernels: ["cross_entropy"], types: ["_f16", "_bf16"], signature: "entropy" },
  { kernels: ["cross_entropy_grad"], types: ["_f16", "_bf16"], signature: "entropyGrad" },
  // normalize: x, y, dx and dy are narrow; stats, weight, bias and their gradients float32
  { kernels: ["row_norm"], types: ["_f16", "_bf16"], signature: "rowNorm" },
  { kernels: ["row_norm_grad"], types: ["_f16", "_bf16"], signature: "rowNormGrad" },
  { kernels: ["row_norm_grad_affine"], types: ["_f16", "_bf16"], signature: "rowNormGradAffine" },
  // x and dx are float32 too, y and dy narrow
  { kernels: ["row_norm_mixed"], types: ["_f16", "_bf16"], signature: "rowNorm" },
  { kernels: ["row_norm_mixed_grad"], types: ["_f16", "_bf16"], signature: "rowNormGrad" },
  { kernels: ["row_norm_mixed_grad_affine"], types: ["_f16", "_bf16"], signature: "rowNormGradAffine" },
  // add_norm: z, y and their gradients are narrow, the others float32
  { kernels: ["add_norm"], types: ["_f16", "_bf16"], signature: "addNorm" },
  { kernels: ["add_norm_grad"], types: ["_f16", "_bf16"], signature: "addNormGrad" },
  // matmul: c, a, b and bias are narrow
  { kernels: ["matmul"], types: ["_f16", "_bf16"], signature: "matmul" },
  // attention: q, k, v, o, their gradients and mask are narrow, norms is float32
  { kernels: ["attention"], types: ["_f16", "_bf16"], signature: "attention" },
  { kernels: ["attention_grad"], types: ["_f16", "_bf16"], signature: "attentionGrad" },
] as const;

/** One row. */
export type NarrowFamily = (typeof NARROW_FAMILIES)[number];
/** The name of such a kernel. */
export type NarrowName = NamesOf<NarrowFamily>;

/** Kernel name -> parameters. */
export const narrowManifest: Readonly<Record<NarrowName, readonly string[]>> = parametersOf(
  NARROW_FAMILIES,
);
/** Those of all kernels, narrow or not. */
export const parameters: Readonly<Record<KernelName | NarrowName, readonly string[]>> = {
  ...manifest,
  ...narrowManifest,
};
