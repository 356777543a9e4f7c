/**
 * Inference alone: tensors, and functions of them. No methods, no gradients, no modules; a bundle keeps the functions that
 * it calls. For a model that was trained with the library, `edge.export` makes something smaller still.
 *
 * ```ts
 * import { add, fromArray, linear, relu } from "@dinotorch/dinotorch/edge";
 *
 * const x = fromArray(Float32Array.of(1, -2), [1, 2]);
 * const weight = fromArray(Float32Array.of(1, 0, 0, 1), [2, 2]);
 * console.log([...relu(add(linear(x, weight), 1)).toTypedArray()]); // [2, 0]
 * ```
 *
 * @module
 */
export { bool, DType, float16, float32, float64, int32, int64, uint8 } from "./backend/dtype.ts";
export { type Scope, scope, type Storage } from "./backend/storage.ts";
export { Tensor } from "./tensor/tensor.ts";
export { fromArray, tensor } from "./tensor/create.ts";
export { parseSafetensors, type RawTensor, type SafetensorsFile } from "./io/safetensors.ts";
export { add, div, mul, sub } from "./ops/arithmetic.ts";
export { abs, exp, log, neg, rsqrt, sigmoid, sqrt, square, tanh } from "./ops/unary.ts";
export { elu, gelu, hardtanh, leakyRelu, relu, silu } from "./ops/activation.ts";
export { eq, ge, gt, le, lt, ne } from "./ops/compare.ts";
export { clamp } from "./ops/extremum.ts";
export { maskedFill, where } from "./ops/pointwise.ts";
export { mean, sum } from "./ops/reduce.ts";
export { argmax, max } from "./ops/max_min.ts";
export { logSoftmax, softmax } from "./ops/softmax.ts";
export { topk } from "./ops/sort.ts";
export { batchNorm, layerNorm } from "./ops/normalize.ts";
export { linear } from "./ops/linear.ts";
export { matmul } from "./ops/matmul.ts";
export { conv1d, conv2d } from "./ops/convolution.ts";
export { adaptiveAvgPool2d, avgPool2d, maxPool2d } from "./ops/pooling.ts";
export { embedding } from "./ops/embedding.ts";
export { scaledDotProductAttention } from "./ops/attention.ts";
export { cat, stack } from "./ops/join.ts";
export { cast, contiguous } from "./ops/copy.ts";
export { narrow, permute, reshape, select, squeeze, transpose, unsqueeze } from "./ops/view.ts";
export { flatten } from "./ops/reshape.ts";
export { arange } from "./ops/range.ts";
export { item } from "./ops/access.ts";

export type { Grad, GradHook, Grads, Node } from "./autograd/record.ts";
export type { Backend, MemoryStats } from "./backend/backend.ts";
export type { TypedArray } from "./backend/dtype.ts";
export type { Kernels } from "./backend/kernels.ts";
export type { Element } from "./ops/access.ts";
export type {
  EluArgs,
  GeluArgs,
  HardtanhArgs,
  InplaceArgs,
  InplaceOptions,
  LeakyReluArgs,
} from "./ops/activation.ts";
export type {
  AlphaArgs,
  AlphaOptions,
  DivArgs,
  DivOptions,
  RoundingMode,
} from "./ops/arithmetic.ts";
export type { ScaledDotProductAttentionOptions } from "./ops/attention.ts";
export type { ConvolutionArgs, ConvolutionOptions, ConvolutionPadding } from "./ops/convolution.ts";
export type { FillArgs, FillValue } from "./ops/copy.ts";
export type { Operand } from "./ops/elementwise.ts";
export type { EmbeddingOptions } from "./ops/embedding.ts";
export type { Bound, ClampArgs, ClampOptions } from "./ops/extremum.ts";
export type { LinearOptions } from "./ops/linear.ts";
export type { OtherOptions } from "./ops/max_min.ts";
export type { BatchNormOptions, LayerNormArgs, LayerNormOptions } from "./ops/normalize.ts";
export type {
  AdaptiveAvgPoolArgs,
  AvgPoolArgs,
  AvgPoolDivisorOptions,
  MaxPoolArgs,
  MaxPoolOptions,
  OutputSize,
} from "./ops/pooling.ts";
export type { ArangeOptions, Scalar } from "./ops/range.ts";
export type { DimArgs, DimOptions, Dims, ReduceArgs, ReduceOptions } from "./ops/reduction.ts";
export type { SoftmaxArgs, SoftmaxOptions } from "./ops/softmax.ts";
export type { TopkOptions } from "./ops/sort.ts";
export type { Spatial } from "./ops/spatial.ts";
export type { Args, Sizes } from "./tensor/arguments.ts";
export type { Nested, TensorOptions } from "./tensor/create.ts";
export type { Methods, Names, TensorMethods } from "./tensor/methods.ts";
export type { NamedTuple, ValuesAndIndices } from "./tensor/named_tuple.ts";
export type { OverloadedMethods } from "./tensor/overloads.ts";
export type { VersionCounter, ViewOf } from "./tensor/tensor.ts";

export type { FAMILIES, Family, NamesOf, Numbers, SIGNATURES } from "./backend/kernels.ts";
export type { NARROW_FAMILIES, NarrowFamily, NarrowName } from "./backend/narrow_kernels.ts";
export type { AvgPoolOptions } from "./ops/pooling.ts";
export type { DimsOptions } from "./ops/reduction.ts";
export type { Method, METHODS } from "./tensor/methods.ts";
export type { UniqueConsecutiveOptions } from "./ops/unique.ts";
export type { UniqueOptions } from "./ops/unique.ts";
export type { ValuesAlone } from "./ops/unique.ts";
