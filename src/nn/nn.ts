/**
 * `torch.nn`: modules.
 *
 * @module
 */
export * as functional from "./functional.ts";
export * as utils from "./namespace.ts";
export * as init from "./init.ts";
export * as quantized from "./quantized.ts";
export { Parameter } from "./parameter.ts";
export { Module } from "./module.ts";
export { ModuleDict, ModuleList, Sequential } from "./container.ts";
export { ParameterDict, ParameterList } from "./parameter_container.ts";
export { Bilinear, Identity, Linear } from "./linear.ts";
export {
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
} from "./convolution.ts";
export {
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  LPPool1d,
  LPPool2d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  MaxUnpool1d,
  MaxUnpool2d,
  MaxUnpool3d,
} from "./pooling.ts";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
} from "./adaptive_pooling.ts";
export {
  AlphaDropout,
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  FeatureAlphaDropout,
} from "./dropout.ts";
export { Flatten, Unflatten } from "./flatten.ts";
export { Upsample, UpsamplingBilinear2d, UpsamplingNearest2d } from "./upsample.ts";
export { ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold } from "./rearrange.ts";
export { Embedding, EmbeddingBag } from "./embedding.ts";
export { MultiheadAttention } from "./attention.ts";
export { Transformer, TransformerDecoder, TransformerEncoder } from "./transformer.ts";
export { TransformerDecoderLayer, TransformerEncoderLayer } from "./transformer_layer.ts";
export { GRU, LSTM, RNN, RNNBase } from "./recurrent.ts";
export { GRUCell, LSTMCell, RNNCell, RNNCellBase } from "./recurrent_cell.ts";
export {
  Hardsigmoid,
  Hardswish,
  LogSigmoid,
  Mish,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  Softsign,
  Tanh,
  Tanhshrink,
} from "./activation.ts";
export { CELU, ELU, Hardtanh, LeakyReLU, PReLU, RReLU, Threshold } from "./rectifier.ts";
export { GELU, GLU, Hardshrink, Softplus, Softshrink } from "./activation_settings.ts";
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
} from "./batch_norm.ts";
export { GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm } from "./normalize.ts";
export { CosineSimilarity, PairwiseDistance } from "./similarity.ts";
export { LogSoftmax, Softmax, Softmax2d, Softmin } from "./softmax.ts";
export { BCELoss, BCEWithLogitsLoss, HuberLoss, L1Loss, MSELoss, SmoothL1Loss } from "./loss.ts";
export {
  CrossEntropyLoss,
  CTCLoss,
  GaussianNLLLoss,
  KLDivLoss,
  NLLLoss,
  PoissonNLLLoss,
} from "./loss_class.ts";
export {
  CosineEmbeddingLoss,
  HingeEmbeddingLoss,
  MarginRankingLoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  SoftMarginLoss,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from "./loss_margin.ts";

export type { BackwardHook, ForwardHook, ForwardPreHook, RemovableHandle } from "./hooks.ts";
export type { Named } from "./container.ts";
export type { NamedOptions, StateDictOptions } from "./module.ts";
export type { ParameterOptions } from "./parameter.ts";
export type { IncompatibleKeys, StateDict } from "./state_dict.ts";
export type { BilinearOptions, FactoryOptions, LinearOptions } from "./linear.ts";
export type {
  ConvolutionModule,
  ConvolutionModuleArgs,
  ConvolutionModuleOptions,
  ConvolutionSettings,
  PaddingMode,
  PlainConvolution,
  TransposedConvolution,
  TransposedConvolutionModuleArgs,
  TransposedConvolutionModuleOptions,
} from "./convolution.ts";
export type {
  AvgPool,
  AvgPool1dModuleArgs,
  AvgPoolModuleArgs,
  AvgPoolModuleOptions,
  LPPool,
  MaxPool,
  MaxPoolModuleArgs,
  MaxPoolModuleOptions,
  MaxUnpool,
  MaxUnpoolModuleArgs,
} from "./pooling.ts";
export type {
  AdaptiveAvgPool,
  AdaptiveMaxPool,
  AdaptiveMaxPoolModuleArgs,
  AdaptivePool,
  AdaptivePoolOptions,
} from "./adaptive_pooling.ts";
export type { DropoutModule, DropoutModuleOptions } from "./dropout.ts";
export type { FlattenOptions, UnflattenOptions } from "./flatten.ts";
export type { UpsampleModuleOptions, Upsampling2dOptions } from "./upsample.ts";
export type { InplaceModule, InplaceModuleOptions } from "./activation.ts";
export type {
  CELUOptions,
  ELUOptions,
  HardtanhOptions,
  LeakyReLUOptions,
  PReLUOptions,
  RReLUOptions,
  ThresholdOptions,
} from "./rectifier.ts";
export type {
  GELUOptions,
  GLUOptions,
  HardshrinkOptions,
  SoftplusOptions,
  SoftshrinkOptions,
} from "./activation_settings.ts";
export type { ChannelNorm, ChannelNormOptions } from "./batch_norm.ts";
export type {
  GroupNormModuleOptions,
  LayerNormModuleOptions,
  LocalResponseNormModuleOptions,
  RMSNormModuleOptions,
} from "./normalize.ts";
export type { CosineSimilarityModuleOptions, PairwiseDistanceModuleOptions } from "./similarity.ts";
export type { SoftmaxModule, SoftmaxModuleOptions } from "./softmax.ts";
export type {
  EmbeddingBagModuleOptions,
  EmbeddingTable,
  EmbeddingTableOptions,
  PretrainedOptions,
} from "./embedding.ts";
export type {
  HiddenAndCellArgs,
  HiddenArgs,
  LSTMOptions,
  RecurrentOptions,
  RNNOptions,
} from "./recurrent.ts";
export type {
  AttentionCallArgs,
  AttentionCallOptions,
  MultiheadAttentionOptions,
} from "./attention.ts";
export type {
  EncoderMasks,
  TransformerMasks,
  TransformerOptions,
  TransformerStackOptions,
} from "./transformer.ts";
export type {
  DecoderArgs,
  DecoderMasks,
  EncoderLayerArgs,
  EncoderLayerMasks,
  TransformerActivation,
  TransformerLayerArgs,
  TransformerLayerOptions,
} from "./transformer_layer.ts";
export type { QuantizedEmbeddingOptions } from "./quantized.ts";
export type { DynamicLinearOptions } from "./quantized_dynamic.ts";
export type { QuantizedModule } from "./quantized_module.ts";
export type { CellOptions, RNNCellOptions } from "./recurrent_cell.ts";
export type { CellKind } from "../ops/recurrent.ts";
export type {
  BCELossOptions,
  BCEWithLogitsLossOptions,
  HuberLossOptions,
  LossModule,
  LossModuleOptions,
  ReductionOptions,
  SmoothL1LossOptions,
} from "./loss.ts";
export type {
  CrossEntropyLossOptions,
  CTCLossOptions,
  GaussianNLLLossOptions,
  KLDivLossOptions,
  NLLLossOptions,
  PoissonNLLLossOptions,
} from "./loss_class.ts";
export type {
  CosineEmbeddingLossOptions,
  HingeEmbeddingLossOptions,
  MarginRankingLossOptions,
  MultiLabelSoftMarginLossOptions,
  MultiMarginLossOptions,
  TripletMarginLossOptions,
  TripletMarginWithDistanceLossOptions,
} from "./loss_margin.ts";
