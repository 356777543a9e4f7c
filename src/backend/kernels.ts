/**
 * The manifest: every kernel, with its parameters in order.
 *
 * A parameter is a kind and a name. `out`, `in` and `inout` are addresses of tensors' elements, `scratch` an address of
 * working space, `size` a whole number (sizes, strides in elements, indexes), `scalar` a floating-point number. The last
 * two of a kernel that can be split are the range `begin`, `end` of its outer loop.
 *
 * @module
 */
import { LINALG_FAMILIES, LINALG_SIGNATURES } from "./linalg_kernels.ts";
import type { NarrowFamily } from "./narrow_kernels.ts";
import { NORM_SIGNATURES } from "./norm_kernels.ts";
import { WINDOW_FAMILIES, WINDOW_SIGNATURES } from "./window_kernels.ts";

/** The sizes of sampling at the points of a grid, how it is done, and the range of its outer loop. */
// deno-fmt-ignore
const SAMPLING = [
  "size channels", "size size0", "size size1", "size size2", "size points", "size axes", "size mode", "size padding",
  "size corners", "scratch scratch", "size begin", "size end",
] as const;

/** The sizes of attention, the strides of its operands, and the range of its outer loop. */
// deno-fmt-ignore
const ATTENTION = [
  "size heads", "size queries", "size keys", "size width", "size valueWidth", "size qBatch", "size qHead", "size qRow",
  "size kBatch", "size kHead", "size kRow", "size vBatch", "size vHead", "size vRow", "size oBatch", "size oHead",
  "size oRow", "size maskBatch", "size maskHead", "size maskRow", "size maskColumn", "size causal", "scalar scale",
  "scratch scratch", "size begin", "size end",
] as const;

/** Lists of parameters that kernels share. */
// deno-fmt-ignore
export const SIGNATURES = {
  copy: [
    "out y", "in x", "size n1", "size n2", "size n3",
    "size y0", "size y1", "size y2", "size y3", "size x0", "size x1", "size x2", "size x3",
    "size begin", "size end",
  ],
  addStrided: [
    "inout y", "in x", "size n0", "size n1", "size n2", "size n3",
    "size y0", "size y1", "size y2", "size y3", "size x0", "size x1", "size x2", "size x3",
  ],
  triangleOf: [
    "out y", "in x", "size rows", "size columns", "size diagonal", "size lower", "size begin", "size end",
  ],
  indexOffsets: [
    "inout offsets", "in index", "size inner", "size count", "size size", "size stride", "size begin", "size end",
  ],
  axisOffsets: ["inout offsets", "size inner", "size count", "size stride", "size begin", "size end"],
  takeOffsets: [
    "out y", "in x", "in offsets", "size n", "size inner", "size stride", "size begin", "size end",
  ],
  putOffsets: [
    "inout y", "in x", "in offsets", "size n", "size inner", "size stride", "size begin", "size end",
  ],
  maskCount: ["out count", "in mask", "size n"],
  maskCoordinate: ["out y", "in mask", "size n", "size inner", "size size"],
  repeatCounts: ["out y", "in counts", "size n"],
  cast: ["out y", "in x", "size from", "size to", "size begin", "size end"],
  binary: [
    "out y", "in a", "in b", "size columns", "size aRow", "size aColumn", "size bRow", "size bColumn",
    "size begin", "size end",
  ],
  ternary: [
    "out y", "in a", "in b", "in c", "size columns", "size aRow", "size aColumn", "size bRow", "size bColumn",
    "size cRow", "size cColumn", "size begin", "size end",
  ],
  unary: ["out y", "in x", "size begin", "size end"],
  unaryGrad: ["out dx", "in dy", "in x", "size begin", "size end"],
  activation: ["out y", "in x", "scalar a", "scalar b", "scalar c", "size begin", "size end"],
  activationGrad: [
    "out dx", "in dy", "in x", "scalar a", "scalar b", "scalar c", "size begin", "size end",
  ],
  reduce: ["out y", "in x", "size n", "size inner", "size begin", "size end"],
  reducePower: [
    "out y", "in x", "size n", "size inner", "scalar p", "size begin", "size end",
  ],
  sum: [
    "out y", "in x", "size n", "size inner", "scratch scratch", "size begin", "size end",
  ],
  deviations: [
    "out y", "in x", "in mean", "size n", "size inner", "scratch scratch", "size begin", "size end",
  ],
  reduceIndexed: ["out y", "out index", "in x", "size n", "size inner", "size begin", "size end"],
  median: [
    "out y", "out index", "in x", "size n", "size inner", "size numbers", "scratch scratch",
    "size begin", "size end",
  ],
  mode: [
    "out y", "out index", "in x", "size n", "size inner", "scratch scratch", "size begin", "size end",
  ],
  scan: ["out y", "in x", "size n", "size inner", "size reverse", "size begin", "size end"],
  recurrence: [
    "out y", "in a", "in b", "size n", "size inner", "size reverse", "size begin", "size end",
  ],
  lstmCell: [
    "out h", "out next", "out gates", "in x", "in s", "in c", "size hidden", "size begin", "size end",
  ],
  lstmCellGrad: [
    "out dGates", "out dc", "in dh", "in dNext", "in gates", "in c", "in next", "size hidden",
    "size begin", "size end",
  ],
  gruCell: [
    "out y", "out gates", "in x", "in s", "in h", "size hidden", "size begin", "size end",
  ],
  gruCellGrad: [
    "out dx", "out ds", "out dh", "in dy", "in gates", "in s", "in h", "size hidden", "size begin", "size end",
  ],
  reduceGrad: ["out dx", "in dy", "in y", "size n", "size inner", "size begin", "size end"],
  pairLoss: ["out y", "in x", "in t", "scalar parameter", "size begin", "size end"],
  pairLossSum: ["out y", "in x", "in t", "scalar parameter", "scalar divisor", "size n"],
  pairLossGrad: [
    "out dx", "in dy", "in x", "in t", "scalar parameter", "scalar factor", "size dyStep", "size begin", "size end",
  ],
  rangeCheck: ["inout verdict", "in x", "size low", "size high", "size spared", "size count"],
  unitCheck: ["inout verdict", "in x", "size count"],
  nllLoss: [
    "out y", "in x", "in target", "in weight", "size classes", "size inner", "size ignore", "size begin", "size end",
  ],
  nllLossGrad: [
    "out dx", "in dy", "in total", "in target", "in weight", "size classes", "size inner", "size ignore",
    "size dyStep", "size begin", "size end",
  ],
  weightedMean: [
    "out y", "out total", "in losses", "in target", "in weight", "size classes", "size ignore", "size count",
  ],
  entropy: [
    "out y", "out stats", "in x", "in target", "in weight", "size classes", "size inner", "size ignore",
    "scalar smoothing", "size begin", "size end",
  ],
  entropyGrad: [
    "out dx", "in dy", "in total", "in stats", "in x", "in target", "in weight", "size classes", "size inner",
    "size ignore", "scalar smoothing", "size dyStep", "size begin", "size end",
  ],
  entropyShares: [
    "out y", "in target", "in weight", "size classes", "size inner", "size ignore", "scalar smoothing",
    "size begin", "size end",
  ],
  multilabel: ["out y", "in x", "in target", "size classes", "size begin", "size end"],
  multilabelGrad: [
    "out dx", "in dy", "in x", "in target", "size classes", "size begin", "size end",
  ],
  ctc: [
    "out y", "out alpha", "in x", "in targets", "in lengths", "size steps", "size batches", "size classes",
    "size states", "size blank", "size begin", "size end",
  ],
  ctcGrad: [
    "out dx", "scratch beta", "in dy", "in y", "in alpha", "in x", "in targets", "in lengths", "size steps",
    "size batches", "size classes", "size states", "size blank", "size zeroInfinity", "size begin", "size end",
  ],
  ...NORM_SIGNATURES,
  matmul: [
    "out c", "in a", "in b", "in bias", "size m", "size n", "size k",
    "size aRow", "size aColumn", "size bRow", "size bColumn", "size aBatch", "size bBatch",
    "size biasRow", "size relu", "scratch scratch", "size begin", "size end",
  ],
  matmulMixed: [
    "out c", "in a", "in b", "in scale", "in bias", "size m", "size n", "size k", "size bRow", "size bColumn",
    "scratch scratch", "size begin", "size end",
  ],
  attention: ["out o", "out norms", "in q", "in k", "in v", "in mask", ...ATTENTION],
  attentionGrad: [
    "out dq", "out dk", "out dv", "in g", "in q", "in k", "in v", "in o", "in norms", "in mask", "size dqBatch",
    "size dqHead", "size dqRow", "size dkBatch", "size dkHead", "size dkRow", "size dvBatch", "size dvHead",
    "size dvRow", "size gBatch", "size gHead", "size gRow", ...ATTENTION,
  ],
  ...WINDOW_SIGNATURES,
  interpolate: [
    "out y", "in x", "in taps", "in weights", "size n", "size m", "size inner", "size begin", "size end",
  ],
  interpolateLast: [
    "out y", "in x", "in taps", "in weights", "size n", "size m", "size begin", "size end",
  ],
  gridSample: ["out y", "in x", "in grid", ...SAMPLING],
  gridSampleGradX: ["out dx", "in dy", "in grid", ...SAMPLING],
  gridSampleGradGrid: ["out dGrid", "in dy", "in x", "in grid", ...SAMPLING],
  ...LINALG_SIGNATURES,
  extent: ["out y", "in x", "size n"],
  maskPositions: ["out y", "in mask", "size count", "size n"],
  gather: ["out y", "in x", "in index", "size n", "size k", "size inner", "size begin", "size end"],
  scatter: ["inout y", "in index", "in source", "size n", "size k", "size inner", "size begin", "size end"],
  indexSelect: ["out y", "in x", "in index", "size n", "size k", "size bytes", "size begin", "size end"],
  indexCopy: ["inout y", "in index", "in source", "size n", "size k", "size bytes", "size begin", "size end"],
  unravel: ["out y", "in x", "size axes", "size n", "size stride", "size begin", "size end"],
  sort: [
    "out values", "out indices", "in x", "size n", "size inner", "size descending", "size stable",
    "scratch scratch", "size begin", "size end",
  ],
  topk: [
    "out values", "out indices", "in x", "size n", "size k", "size inner", "size largest", "size sorted",
    "scratch scratch", "size begin", "size end",
  ],
  kthvalue: [
    "out values", "out indices", "in x", "size n", "size k", "size inner", "scratch scratch",
    "size begin", "size end",
  ],
  search: [
    "out y", "in sorted", "in x", "size n", "size row", "size stride", "size right", "size begin", "size end",
  ],
  isin: ["out y", "in x", "in sorted", "size n", "size invert", "size begin", "size end"],
  runStarts: ["out y", "in x", "size columns", "size begin", "size end"],
  runLengths: ["out y", "in positions", "size count", "size n"],
  rowOrder: ["out y", "in x", "size rows", "size columns", "scratch scratch"],
  arange: ["out y", "scalar start", "scalar step", "size begin", "size end"],
  linspace: ["out y", "size n", "scalar first", "scalar last", "size begin", "size end"],
  logspace: ["out y", "size n", "scalar first", "scalar last", "scalar base", "size begin", "size end"],
  triangle: ["out y", "size rows", "size columns", "size offset", "size upper", "size count"],
  histc: ["inout y", "in x", "size n", "size bins", "scalar low", "scalar high"],
  renormRows: ["inout y", "in index", "size columns", "scalar p", "scalar most", "size begin", "size end"],
  segmentArgmax: [
    "out y", "in x", "in starts", "size columns", "size rows", "size begin", "size end",
  ],
  seed: ["out state", "size seed"],
  orthonormalize: ["inout y", "size rows", "size columns"],
  clearRows: ["inout y", "scratch order", "inout state", "size rows", "size columns", "size zeros"],
  draw: ["out y", "inout state", "size n"],
  draw1: ["out y", "inout state", "size n", "scalar a"],
  draw2: ["out y", "inout state", "size n", "scalar a", "scalar b"],
  drawWide: [
    "out y", "inout state", "size n", "size lowUpper", "size lowLower", "size rangeUpper", "size rangeLower",
  ],
  drawFrom: ["out y", "in p", "inout state", "size n"],
  dropout: ["out y", "out mask", "in x", "inout state", "size n", "scalar p"],
  dropoutGrad: ["out dx", "in dy", "in mask", "scalar p", "size begin", "size end"],
  multinomial: [
    "out y", "scratch cumulative", "in p", "inout state", "size rows", "size columns", "size samples",
  ],
  optimize: [
    "inout p", "in grad", "inout a", "inout b", "inout c", "in step", "in options", "size begin", "size end",
  ],
  advance: ["inout a", "inout b", "inout step", "in options", "size begin", "size end"],
} as const;

/** Every kernel: names, the dtype suffixes each comes with (`""` is float32, or any dtype of a size), and parameters. */
// deno-fmt-ignore
export const FAMILIES = [
  // copy
  { kernels: ["copy_b1", "copy_b2", "copy_b4", "copy_b8"], types: [""], signature: "copy" },
  { kernels: ["cast"], types: [""], signature: "cast" },
  // strided
  { kernels: ["add_strided"], types: ["", "_f64"], signature: "addStrided" },
  { kernels: ["triangle_b1", "triangle_b2", "triangle_b4", "triangle_b8"], types: [""], signature: "triangleOf" },
  // subscript
  { kernels: ["index_offsets"], types: [""], signature: "indexOffsets" },
  { kernels: ["axis_offsets"], types: [""], signature: "axisOffsets" },
  { kernels: ["take_offsets_b1", "take_offsets_b2", "take_offsets_b4", "take_offsets_b8"], types: [""], signature: "takeOffsets" },
  { kernels: ["put_offsets_b1", "put_offsets_b2", "put_offsets_b4", "put_offsets_b8"], types: [""], signature: "putOffsets" },
  { kernels: ["add_offsets"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "putOffsets" },
  { kernels: ["mask_count"], types: [""], signature: "maskCount" },
  { kernels: ["mask_coordinate"], types: [""], signature: "maskCoordinate" },
  { kernels: ["repeat_count", "repeat_indexes"], types: [""], signature: "repeatCounts" },
  // arithmetic
  { kernels: ["add", "sub", "mul", "maximum", "minimum"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "binary" },
  { kernels: ["div"], types: ["", "_f64"], signature: "binary" },
  { kernels: ["div_trunc", "pow"], types: ["", "_f64", "_i64"], signature: "binary" },
  { kernels: ["div_floor", "remainder", "fmod"], types: ["_f64", "_i64"], signature: "binary" },
  { kernels: ["atan2", "hypot", "logaddexp", "logaddexp2", "xlogy", "copysign", "fmax", "fmin"], types: ["_f64"], signature: "binary" },
  { kernels: ["bitwise_and", "bitwise_or", "bitwise_xor"], types: ["_i64", "_u8"], signature: "binary" },
  { kernels: ["bitwise_left_shift", "bitwise_right_shift"], types: ["_i64"], signature: "binary" },
  // unary
  { kernels: ["neg", "abs", "sign"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "unary" },
  {
    kernels: [
      "sqrt", "rsqrt", "reciprocal", "floor", "ceil", "round", "trunc", "frac",
      "exp", "exp2", "expm1", "log", "log1p", "log2", "log10",
      "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
      "sigmoid", "erf", "erfc", "erfinv", "lgamma", "digamma", "sinc", "sinc_derivative", "i0", "i1",
    ],
    types: ["", "_f64"],
    signature: "unary",
  },
  // reduce
  { kernels: ["sum"], types: ["", "_f64", "_i64", "_u8"], signature: "sum" },
  { kernels: ["prod"], types: ["", "_f64", "_i64"], signature: "reduce" },
  { kernels: ["nansum", "norm_l1", "norm_l2"], types: ["", "_f64"], signature: "sum" },
  { kernels: ["norm_lp"], types: ["", "_f64"], signature: "reducePower" },
  { kernels: ["deviations"], types: ["", "_f64"], signature: "deviations" },
  { kernels: ["amax", "amin"], types: ["", "_f64", "_i64", "_u8"], signature: "reduce" },
  { kernels: ["argmax", "argmin", "cummax", "cummin"], types: ["", "_f64", "_i64"], signature: "reduceIndexed" },
  { kernels: ["median"], types: ["", "_f64", "_i64"], signature: "median" },
  { kernels: ["mode"], types: ["", "_f64", "_i64"], signature: "mode" },
  // compare
  { kernels: ["eq", "ne", "lt", "le"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "binary" },
  // pointwise
  { kernels: ["where_b1", "where_b2", "where_b4", "where_b8"], types: [""], signature: "ternary" },
  { kernels: ["lerp", "addcmul"], types: ["", "_f64"], signature: "ternary" },
  { kernels: ["clamp"], types: ["", "_f64", "_i64"], signature: "ternary" },
  // recurrent
  { kernels: ["lstm_cell"], types: ["", "_f64"], signature: "lstmCell" },
  { kernels: ["lstm_cell_grad"], types: ["", "_f64"], signature: "lstmCellGrad" },
  { kernels: ["gru_cell"], types: ["", "_f64"], signature: "gruCell" },
  { kernels: ["gru_cell_grad"], types: ["", "_f64"], signature: "gruCellGrad" },
  // activation
  {
    kernels: ["relu", "gelu", "gelu_tanh", "silu", "mish", "hardswish", "hardsigmoid", "logsigmoid"],
    types: ["", "_f64"],
    signature: "unary",
  },
  {
    kernels: [
      "sigmoid_grad", "tanh_grad", "gelu_grad", "gelu_tanh_grad", "silu_grad", "mish_grad",
      "hardswish_grad", "hardsigmoid_grad", "logsigmoid_grad",
    ],
    types: ["", "_f64"],
    signature: "unaryGrad",
  },
  {
    kernels: [
      "threshold", "hardtanh", "leaky_relu", "elu", "softplus", "softshrink", "hardshrink",
      "logit", "polygamma",
    ],
    types: ["", "_f64"],
    signature: "activation",
  },
  {
    kernels: [
      "threshold_grad", "hardtanh_grad", "leaky_relu_grad", "elu_grad", "softplus_grad",
      "shrink_grad", "logit_grad",
    ],
    types: ["", "_f64"],
    signature: "activationGrad",
  },
  // scan
  { kernels: ["cumsum", "cumprod"], types: ["", "_f64", "_i64"], signature: "scan" },
  { kernels: ["logcumsumexp"], types: ["", "_f64"], signature: "scan" },
  { kernels: ["linear_recurrence"], types: ["", "_f64"], signature: "recurrence" },
  // softmax
  { kernels: ["softmax", "log_softmax", "logsumexp"], types: ["", "_f64"], signature: "reduce" },
  { kernels: ["softmax_grad", "log_softmax_grad"], types: ["", "_f64"], signature: "reduceGrad" },
  // index
  { kernels: ["extent"], types: ["", "_f64", "_i64"], signature: "extent" },
  { kernels: ["gather_b1", "gather_b2", "gather_b4", "gather_b8"], types: [""], signature: "gather" },
  { kernels: ["scatter_b1", "scatter_b2", "scatter_b4", "scatter_b8"], types: [""], signature: "scatter" },
  { kernels: ["scatter_add", "scatter_prod", "scatter_amax", "scatter_amin", "index_add"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "scatter" },
  { kernels: ["index_select"], types: [""], signature: "indexSelect" },
  { kernels: ["index_copy"], types: [""], signature: "indexCopy" },
  { kernels: ["mask_count"], types: [""], signature: "extent" },
  { kernels: ["mask_positions"], types: [""], signature: "maskPositions" },
  { kernels: ["unravel"], types: [""], signature: "unravel" },
  { kernels: ["arange"], types: ["", "_f64", "_i64"], signature: "arange" },
  { kernels: ["linspace"], types: ["_f64"], signature: "linspace" },
  { kernels: ["logspace"], types: ["_f64"], signature: "logspace" },
  { kernels: ["triangle_indices"], types: [""], signature: "triangle" },
  { kernels: ["histc"], types: ["", "_f64"], signature: "histc" },
  { kernels: ["renorm_rows"], types: ["", "_f64"], signature: "renormRows" },
  { kernels: ["segment_argmax"], types: ["", "_f64"], signature: "segmentArgmax" },
  // sort
  { kernels: ["sort"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "sort" },
  { kernels: ["topk"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "topk" },
  { kernels: ["kthvalue"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "kthvalue" },
  { kernels: ["searchsorted"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "search" },
  { kernels: ["isin"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "isin" },
  { kernels: ["run_starts"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "runStarts" },
  { kernels: ["run_numbers"], types: [""], signature: "extent" },
  { kernels: ["run_lengths"], types: [""], signature: "runLengths" },
  { kernels: ["row_order"], types: ["", "_f64", "_i64", "_i32", "_u8"], signature: "rowOrder" },
  // loss
  {
    kernels: [
      "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    ],
    types: ["", "_f64"],
    signature: "pairLoss",
  },
  {
    kernels: [
      "mse_loss_sum", "l1_loss_sum", "smooth_l1_loss_sum", "huber_loss_sum", "binary_cross_entropy_sum",
      "binary_cross_entropy_with_logits_sum",
    ],
    types: ["", "_f64"],
    signature: "pairLossSum",
  },
  {
    kernels: [
      "mse_loss_grad", "l1_loss_grad", "smooth_l1_loss_grad", "huber_loss_grad", "binary_cross_entropy_grad",
      "binary_cross_entropy_with_logits_grad",
    ],
    types: ["", "_f64"],
    signature: "pairLossGrad",
  },
  { kernels: ["range_check"], types: [""], signature: "rangeCheck" },
  { kernels: ["unit_check"], types: ["", "_f64"], signature: "unitCheck" },
  { kernels: ["nll_loss"], types: ["", "_f64"], signature: "nllLoss" },
  { kernels: ["nll_loss_grad"], types: ["", "_f64"], signature: "nllLossGrad" },
  { kernels: ["weighted_mean"], types: ["", "_f64"], signature: "weightedMean" },
  { kernels: ["cross_entropy"], types: ["", "_f64"], signature: "entropy" },
  { kernels: ["cross_entropy_grad"], types: ["", "_f64"], signature: "entropyGrad" },
  { kernels: ["cross_entropy_target"], types: ["", "_f64"], signature: "entropyShares" },
  { kernels: ["multilabel_margin_loss"], types: ["", "_f64"], signature: "multilabel" },
  { kernels: ["multilabel_margin_loss_grad"], types: ["", "_f64"], signature: "multilabelGrad" },
  { kernels: ["ctc_loss"], types: ["", "_f64"], signature: "ctc" },
  { kernels: ["ctc_loss_grad"], types: ["", "_f64"], signature: "ctcGrad" },
  // normalize
  { kernels: ["row_norm"], types: ["", "_f64"], signature: "rowNorm" },
  { kernels: ["row_norm_grad"], types: ["", "_f64"], signature: "rowNormGrad" },
  { kernels: ["row_norm_grad_affine"], types: ["", "_f64"], signature: "rowNormGradAffine" },
  { kernels: ["batch_norm"], types: ["", "_f64"], signature: "batchNorm" },
  { kernels: ["batch_norm_grad"], types: ["", "_f64"], signature: "batchNormGrad" },
  // matmul
  { kernels: ["matmul"], types: ["", "_f64", "_i64"], signature: "matmul" },
  { kernels: ["matmul_mixed"], types: ["_f16", "_bf16", "_i8"], signature: "matmulMixed" },
  // attention
  { kernels: ["attention"], types: [""], signature: "attention" },
  { kernels: ["attention_grad"], types: [""], signature: "attentionGrad" },
  ...WINDOW_FAMILIES,
  // interpolate
  { kernels: ["interpolate"], types: ["", "_f64"], signature: "interpolate" },
  { kernels: ["interpolate_last"], types: ["", "_f64"], signature: "interpolateLast" },
  // grid_sample
  { kernels: ["grid_sample"], types: ["", "_f64"], signature: "gridSample" },
  { kernels: ["grid_sample_grad_x"], types: ["", "_f64"], signature: "gridSampleGradX" },
  { kernels: ["grid_sample_grad_grid"], types: ["", "_f64"], signature: "gridSampleGradGrid" },
  // linalg
  ...LINALG_FAMILIES,
  // random: each draws a whole tensor, in order
  { kernels: ["seed_generator"], types: [""], signature: "seed" },
  { kernels: ["random_words"], types: [""], signature: "draw" },
  { kernels: ["random"], types: ["_f64"], signature: "draw" },
  { kernels: ["randperm"], types: ["_i64"], signature: "draw" },
  { kernels: ["uniform", "normal", "normal_elementwise", "log_normal", "cauchy"], types: ["", "_f64"], signature: "draw2" },
  { kernels: ["randint"], types: ["", "_f64", "_i64", "_i32", "_i16", "_i8", "_u8"], signature: "draw2" },
  { kernels: ["bernoulli"], types: ["", "_f64", "_i64", "_u8"], signature: "draw1" },
  { kernels: ["geometric"], types: ["", "_f64", "_i64"], signature: "draw1" },
  { kernels: ["exponential", "dropout_mask"], types: ["", "_f64"], signature: "draw1" },
  { kernels: ["dropout"], types: ["", "_f64"], signature: "dropout" },
  { kernels: ["dropout_grad"], types: ["", "_f64"], signature: "dropoutGrad" },
  { kernels: ["randint_wide"], types: ["_i64"], signature: "drawWide" },
  { kernels: ["bernoulli_tensor", "exponential_race", "poisson"], types: ["", "_f64"], signature: "drawFrom" },
  { kernels: ["multinomial"], types: ["", "_f64"], signature: "multinomial" },
  { kernels: ["clear_random_rows"], types: ["", "_f64"], signature: "clearRows" },
  { kernels: ["orthonormalize"], types: ["_f64"], signature: "orthonormalize" },
  // optimizer
  {
    kernels: [
      "sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam", "rprop", "asgd",
    ],
    types: ["", "_f64"],
    signature: "optimize",
  },
  { kernels: ["advance", "nadam_advance", "asgd_advance"], types: [""], signature: "advance" },
] as const;

/** One row of the manifest. */
export type Family = (typeof FAMILIES)[number];
/** The kernels' names of a row. */
export type NamesOf<F> = F extends
  { kernels: readonly (infer N extends string)[]; types: readonly (infer S extends string)[] }
  ? `${N}${S}`
  : never;
/** As many numbers as there are parameters. */
export type Numbers<P extends readonly unknown[]> = { -readonly [I in keyof P]: number };

/** The name of a kernel that every device has. */
export type KernelName = NamesOf<Family>;
/** The kernels of a device: functions of numbers, as the manifest lists their parameters; not all devices have narrow ones. */
export type Kernels =
  & {
    readonly [F in Family as NamesOf<F>]: (
      ...values: Numbers<(typeof SIGNATURES)[F["signature"]]>
    ) => void;
  }
  & {
    readonly [F in NarrowFamily as NamesOf<F>]?: (
      ...values: Numbers<(typeof SIGNATURES)[F["signature"]]>
    ) => void;
  };

/** The kernels of rows of the manifest: name -> parameters, each `"kind name"`. */
export function parametersOf<F extends Family | NarrowFamily>(
  families: readonly F[],
): Readonly<Record<NamesOf<F>, readonly string[]>> {
  return Object.fromEntries(
    families.flatMap((f) =>
      f.kernels.flatMap((k) => f.types.map((t) => [k + t, SIGNATURES[f.signature]]))
    ),
  ) as unknown as Record<NamesOf<F>, readonly string[]>;
}

/** Kernel name -> parameters. */
export const manifest: Readonly<Record<KernelName, readonly string[]>> = parametersOf(FAMILIES);
