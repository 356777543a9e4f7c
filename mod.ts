/**
 * PyTorch for Deno: tensors, autograd, nn and optim with PyTorch's names, numbers and errors.
 *
 * @module
 */
import { register } from "./ffi/cuda.ts";
import { install } from "./src/install.ts";

install();
register();

export {
  bfloat16,
  bool,
  DType,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  promoteTypes,
  qint8,
  uint8,
} from "./src/backend/dtype.ts";
export { scope } from "./src/backend/storage.ts";
export { Tensor } from "./src/tensor/tensor.ts";
export { asTensor, fromArray, fromArray as fromNumpy, tensor } from "./src/tensor/create.ts";
export { defaultGenerator, Generator } from "./src/tensor/generator.ts";
export { setPrintOptions } from "./src/tensor/print.ts";
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setGradEnabled,
} from "./src/autograd/record.ts";
export * as autograd from "./src/autograd/autograd.ts";
export { resultType } from "./src/ops/elementwise.ts";
export * from "./src/ops/arithmetic.ts";
export * from "./src/ops/division.ts";
export * from "./src/ops/power.ts";
export * from "./src/ops/extremum.ts";
export * from "./src/ops/logic.ts";
export * from "./src/ops/create.ts";
export { clone } from "./src/ops/copy.ts";
export { isFloatingPoint, isTensor, numel } from "./src/ops/access.ts";
export * from "./src/ops/reduce.ts";
export * from "./src/ops/unary.ts";
export * from "./src/ops/rounding.ts";
export * from "./src/ops/trigonometry.ts";
export * from "./src/ops/special.ts";
export {
  celu,
  celu_,
  hardshrink,
  prelu,
  relu,
  relu_,
  selu,
  selu_,
  threshold,
  threshold_,
} from "./src/ops/activation.ts";
export { rrelu, rrelu_ } from "./src/ops/rrelu.ts";
export {
  asStrided,
  detach,
  narrow,
  permute,
  reshape,
  select,
  squeeze,
  t,
  transpose,
  unsqueeze,
} from "./src/ops/view.ts";
export {
  type AtLeast,
  atleast1d,
  atleast2d,
  atleast3d,
  broadcastShapes,
  broadcastTensors,
  broadcastTo,
  flatten,
  ravel,
  unflatten,
} from "./src/ops/reshape.ts";
export { adjoint, moveaxis, type Moved, movedim, swapaxes, swapdims } from "./src/ops/axes.ts";
export {
  chunk,
  dsplit,
  hsplit,
  selectScatter,
  sliceScatter,
  split,
  type SplitPlaces,
  splitWithSizes,
  tensorSplit,
  unbind,
  vsplit,
} from "./src/ops/cut.ts";
export * from "./src/ops/rearrange.ts";
export * from "./src/ops/diagonal.ts";
export { type Index, type IndexPutOptions, Slice, slice } from "./src/ops/subscript.ts";
export * from "./src/ops/compare.ts";
export * from "./src/ops/pointwise.ts";
export * from "./src/ops/scan.ts";
export * from "./src/ops/max_min.ts";
export * from "./src/ops/statistics.ts";
export * from "./src/ops/deviation.ts";
export * from "./src/ops/difference.ts";
export * from "./src/ops/norm.ts";
export { logSoftmax, softmax } from "./src/ops/softmax.ts";
export { groupNorm, layerNorm, rmsNorm } from "./src/ops/normalize.ts";
export { cdist, cosineSimilarity, pairwiseDistance, pdist } from "./src/ops/similarity.ts";
export * from "./src/ops/join.ts";
export * from "./src/ops/index.ts";
export * from "./src/ops/scatter.ts";
export * from "./src/ops/scatter_reduce.ts";
export * from "./src/ops/index_write.ts";
export * from "./src/ops/sort.ts";
export * from "./src/ops/search.ts";
export * from "./src/ops/unique.ts";
export * from "./src/ops/histogram.ts";
export * from "./src/ops/range.ts";
export * from "./src/ops/matmul.ts";
export * from "./src/ops/add_product.ts";
export * from "./src/ops/tensor_product.ts";
export * from "./src/ops/einsum.ts";
export * from "./src/ops/convolution.ts";
export {
  adaptiveAvgPool1d,
  type AdaptiveAvgPoolArgs,
  avgPool1d,
  type AvgPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type MaxPoolArgs,
  type MaxPoolOptions,
  type OutputSize,
} from "./src/ops/pooling.ts";
export { channelShuffle, pixelShuffle, pixelUnshuffle } from "./src/ops/shuffle.ts";
export * from "./src/ops/matrix_functions.ts";
export * as linalg from "./src/ops/linalg.ts";
export * from "./src/ops/random.ts";
export {
  BFloat16Tensor,
  BoolTensor,
  ByteTensor,
  CharTensor,
  DoubleTensor,
  FloatTensor,
  HalfTensor,
  IntTensor,
  type LegacyArgs,
  LongTensor,
  ShortTensor,
  type TensorType,
} from "./src/legacy.ts";
export { getNumThreads, setNumThreads } from "./src/threads.ts";
export {
  type Float32MatmulPrecision,
  getFloat32MatmulPrecision,
  setFloat32MatmulPrecision,
} from "./src/backends/precision.ts";
export * as cuda from "./src/cuda.ts";
export * as backends from "./src/backends/namespace.ts";
export * as memory from "./src/memory.ts";
export * as nn from "./src/nn/nn.ts";
export { deepcopy } from "./src/nn/deepcopy.ts";
export * as quantization from "./src/nn/quantization.ts";
export * as F from "./src/nn/functional.ts";
export * as optim from "./src/optim/optim.ts";
export * as amp from "./src/optim/amp.ts";
export {
  autocast,
  clearAutocastCache,
  getAutocastDtype,
  isAutocastCacheEnabled,
  isAutocastEnabled,
} from "./src/ops/autocast_context.ts";
export type { AutocastDevice } from "./src/ops/autocast.ts";
export type { AutocastArgs, AutocastOptions } from "./src/ops/autocast_context.ts";
export * as utils from "./src/data/namespace.ts";
export * as models from "./src/models/models.ts";
export * as edge from "./src/edge/namespace.ts";
export { load, loadMetadata, loadSync, save, saveBytes, saveSync } from "./src/io/save.ts";

export type { BackwardOptions } from "./src/autograd/backward.ts";
export type { Grad, GradHook, GradMode, Grads, Node } from "./src/autograd/record.ts";
export type { Backend, MemoryStats } from "./src/backend/backend.ts";
export type { CudaDeviceName } from "./src/cuda.ts";
export type { TypedArray } from "./src/backend/dtype.ts";
export type {
  FAMILIES,
  Family,
  KernelName,
  Kernels,
  NamesOf,
  Numbers,
  SIGNATURES,
} from "./src/backend/kernels.ts";
export type { NARROW_FAMILIES, NarrowFamily, NarrowName } from "./src/backend/narrow_kernels.ts";
export type { Scope, Storage } from "./src/backend/storage.ts";
export type { KernelTable, Operand } from "./src/ops/elementwise.ts";
export type { Element, NestedElements, ToOptions } from "./src/ops/access.ts";
export type { FillArgs, FillValue } from "./src/ops/copy.ts";
export type {
  DimArgs,
  DimOptions,
  Dims,
  DimsArgs,
  DimsOptions,
  ReduceArgs,
  ReduceOptions,
} from "./src/ops/reduction.ts";
export type {
  EluArgs,
  GeluArgs,
  GluArgs,
  HardtanhArgs,
  InplaceArgs,
  InplaceOptions,
  LeakyReluArgs,
  ShrinkArgs,
  SoftplusArgs,
  ThresholdArgs,
} from "./src/ops/activation.ts";
export type { RreluArgs } from "./src/ops/rrelu.ts";
export type {
  BatchNormOptions,
  GroupNormOptions,
  InstanceNormOptions,
  LayerNormOptions,
  RMSNormOptions,
} from "./src/ops/normalize.ts";
export type {
  CdistOptions,
  CosineSimilarityOptions,
  PairwiseDistanceOptions,
} from "./src/ops/similarity.ts";
export type { SoftmaxArgs, SoftmaxOptions } from "./src/ops/softmax.ts";
export type { Args, Sizes } from "./src/tensor/arguments.ts";
export type { DropoutArgs, DropoutOptions } from "./src/ops/dropout.ts";
export type { GeneratorOption } from "./src/ops/draw.ts";
export type { Path } from "./src/io/files.ts";
export type { LoadArgs, LoadOptions, SaveOptions } from "./src/io/save.ts";
export type { MultinomialOptions } from "./src/ops/multinomial.ts";
export type {
  NormalOptions,
  RandomRangeOptions,
  UniformOptions,
} from "./src/ops/random_in_place.ts";
export type { Nested, TensorOptions } from "./src/tensor/create.ts";
export type { OverloadedMethods } from "./src/tensor/overloads.ts";
export type { Method, METHODS, Methods, Names, TensorMethods } from "./src/tensor/methods.ts";
export type { NamedTuple, ValuesAndIndices } from "./src/tensor/named_tuple.ts";
export type { PrintOptions } from "./src/tensor/print.ts";
export type { Layout } from "./src/tensor/layout.ts";
export type { VersionCounter, ViewOf } from "./src/tensor/tensor.ts";
