/**
 * The methods of a tensor: their names, and from those their types. An op listed here can be chained: `x.add(y)` is
 * `add(x, y)`. mod.ts installs them (src/install.ts).
 *
 * @module
 */
import type * as access from "../ops/access.ts";
import type * as arithmetic from "../ops/arithmetic.ts";
import type * as division from "../ops/division.ts";
import type * as power from "../ops/power.ts";
import type * as extremum from "../ops/extremum.ts";
import type * as logic from "../ops/logic.ts";
import type * as copy from "../ops/copy.ts";
import type * as reduce from "../ops/reduce.ts";
import type * as unary from "../ops/unary.ts";
import type * as rounding from "../ops/rounding.ts";
import type * as trigonometry from "../ops/trigonometry.ts";
import type * as special from "../ops/special.ts";
import type * as view from "../ops/view.ts";
import type * as reshape from "../ops/reshape.ts";
import type * as axes from "../ops/axes.ts";
import type * as cut from "../ops/cut.ts";
import type * as rearrange from "../ops/rearrange.ts";
import type * as diagonal from "../ops/diagonal.ts";
import type * as data from "../ops/data.ts";
import type * as subscript from "../ops/subscript.ts";
import type * as compare from "../ops/compare.ts";
import type * as pointwise from "../ops/pointwise.ts";
import type * as activation from "../ops/activation.ts";
import type * as deviation from "../ops/deviation.ts";
import type * as difference from "../ops/difference.ts";
import type * as maxMin from "../ops/max_min.ts";
import type * as norms from "../ops/norm.ts";
import type * as scan from "../ops/scan.ts";
import type * as statistics from "../ops/statistics.ts";
import type * as softmax from "../ops/softmax.ts";
import type * as join from "../ops/join.ts";
import type * as pad from "../ops/pad.ts";
import type * as indexing from "../ops/index.ts";
import type * as scatter from "../ops/scatter.ts";
import type * as scatterReduce from "../ops/scatter_reduce.ts";
import type * as indexWrite from "../ops/index_write.ts";
import type * as sort from "../ops/sort.ts";
import type * as histogram from "../ops/histogram.ts";
import type * as createNew from "../ops/create_new.ts";
import type * as matmul from "../ops/matmul.ts";
import type * as matrixFunctions from "../ops/matrix_functions.ts";
import type * as addProduct from "../ops/add_product.ts";
import type * as tensorProduct from "../ops/tensor_product.ts";
import type * as einsum from "../ops/einsum.ts";
import type * as loss from "../ops/loss.ts";
import type * as random from "../ops/random.ts";
import type * as randomInPlace from "../ops/random_in_place.ts";
import type * as sweep from "../autograd/backward.ts";
import type * as hooks from "../autograd/hooks.ts";
import type * as legacy from "../legacy.ts";
import type { OverloadedMethods } from "./overloads.ts";
import type { Tensor } from "./tensor.ts";

/** A function of a tensor as a method of it. */
export type Method<F> = F extends (x: Tensor, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : F extends (x: infer _, ...rest: infer Rest) => infer Result ? (...rest: Rest) => Result
  : never;

/** The functions `Names` of a module as methods. */
export type Methods<M, Names extends readonly (keyof M)[]> = { [K in Names[number]]: Method<M[K]> };

/** Names of the methods, by the module under src/ops that holds the functions. */
export const METHODS = {
  access: [
    "stride",
    "numel",
    "dim",
    "isContiguous",
    "tolist",
    "numpy",
    "to",
    "cpu",
    "cuda",
    "float",
    "double",
    "half",
    "long",
    "int",
    "short",
    "char",
    "byte",
    "bool",
    "bfloat16",
    "typeAs",
    "elementSize",
    "storageOffset",
    "isFloatingPoint",
  ],
  // deno-fmt-ignore
  arithmetic: [
    "add", "add_", "sub", "sub_", "subtract", "subtract_", "mul", "mul_", "multiply",
    "multiply_", "div", "div_", "divide", "divide_", "trueDivide", "trueDivide_",
  ],
  // deno-fmt-ignore
  division: [
    "floorDivide", "remainder", "fmod", "floorDivide_", "remainder_", "fmod_",
  ],
  // deno-fmt-ignore
  power: [
    "pow", "pow_", "floatPower", "floatPower_", "ldexp", "ldexp_", "atan2", "atan2_", "arctan2",
    "arctan2_", "hypot", "hypot_", "logaddexp", "logaddexp2", "xlogy", "xlogy_", "copysign",
    "copysign_",
  ],
  // deno-fmt-ignore
  extremum: [
    "maximum", "minimum", "fmax", "fmin", "clamp", "clamp_", "clampMin", "clampMin_",
    "clampMax", "clampMax_", "clip", "clip_",
  ],
  // deno-fmt-ignore
  logic: [
    "logicalAnd", "logicalAnd_", "logicalOr", "logicalOr_", "logicalXor", "logicalXor_",
    "logicalNot", "logicalNot_", "bitwiseAnd", "bitwiseAnd_", "bitwiseOr", "bitwiseOr_",
    "bitwiseXor", "bitwiseXor_", "bitwiseNot", "bitwiseNot_", "bitwiseLeftShift",
    "bitwiseLeftShift_", "bitwiseRightShift", "bitwiseRightShift_",
  ],
  backward: ["backward"],
  legacy: ["__bool__", "__getitem__"],
  copy: ["contiguous", "clone", "copy_", "fill_", "zero_"],
  hooks: ["requiresGrad_", "registerHook", "retainGrad"],
  reduce: [
    "sum",
    "mean",
    "nansum",
    "nanmean",
    "prod",
    "logsumexp",
    "any",
    "all",
    "countNonzero",
  ],
  unary: [
    "neg",
    "neg_",
    "abs",
    "abs_",
    "sign",
    "sign_",
    "sgn",
    "sgn_",
    "square",
    "square_",
    "sqrt",
    "sqrt_",
    "rsqrt",
    "rsqrt_",
    "reciprocal",
    "reciprocal_",
    "exp",
    "exp_",
    "exp2",
    "exp2_",
    "expm1",
    "expm1_",
    "log",
    "log_",
    "log1p",
    "log1p_",
    "log2",
    "log2_",
    "log10",
    "log10_",
    "sigmoid",
    "sigmoid_",
    "tanh",
    "tanh_",
    "absolute",
    "absolute_",
    "negative",
    "negative_",
    "positive",
  ],
  rounding: [
    "floor",
    "floor_",
    "ceil",
    "ceil_",
    "trunc",
    "trunc_",
    "frac",
    "frac_",
    "round",
    "round_",
    "fix",
    "fix_",
  ],
  trigonometry: [
    "sin",
    "sin_",
    "cos",
    "cos_",
    "tan",
    "tan_",
    "asin",
    "asin_",
    "acos",
    "acos_",
    "atan",
    "atan_",
    "sinh",
    "sinh_",
    "cosh",
    "cosh_",
    "asinh",
    "asinh_",
    "acosh",
    "acosh_",
    "atanh",
    "atanh_",
    "deg2rad",
    "deg2rad_",
    "rad2deg",
    "rad2deg_",
    "arccos",
    "arccos_",
    "arccosh",
    "arccosh_",
    "arcsin",
    "arcsin_",
    "arcsinh",
    "arcsinh_",
    "arctan",
    "arctan_",
    "arctanh",
    "arctanh_",
  ],
  special: [
    "erf",
    "erf_",
    "erfc",
    "erfc_",
    "erfinv",
    "erfinv_",
    "lgamma",
    "lgamma_",
    "digamma",
    "digamma_",
    "sinc",
    "sinc_",
    "i0",
    "i0_",
    "logit",
    "logit_",
    "polygamma",
  ],
  view: [
    "asStrided",
    "view",
    "reshape",
    "permute",
    "transpose",
    "expand",
    "unsqueeze",
    "squeeze",
    "narrow",
    "select",
    "detach",
    "t",
  ],
  // shape
  reshape: ["flatten", "ravel", "unflatten", "viewAs", "reshapeAs", "expandAs", "broadcastTo"],
  axes: [
    "swapaxes",
    "swapdims",
    "movedim",
    "moveaxis",
    "adjoint",
    "squeeze_",
    "unsqueeze_",
    "transpose_",
    "swapaxes_",
    "swapdims_",
    "t_",
  ],
  cut: [
    "split",
    "splitWithSizes",
    "chunk",
    "tensorSplit",
    "hsplit",
    "vsplit",
    "dsplit",
    "unbind",
    "unfold",
    "selectScatter",
    "sliceScatter",
  ],
  rearrange: ["flip", "fliplr", "flipud", "roll", "rot90", "repeat", "tile", "repeatInterleave"],
  diagonal: [
    "diagonal",
    "diagEmbed",
    "diag",
    "diagflat",
    "diagonalScatter",
    "trace",
    "tril",
    "triu",
    "tril_",
    "triu_",
  ],
  data: ["resize_", "resizeAs_", "detach_"],
  // subscript
  subscript: ["at", "index", "indexPut", "indexPut_"],
  // deno-fmt-ignore
  compare: [
    "eq", "ne", "lt", "le", "gt", "ge", "notEqual", "less", "lessEqual", "greater",
    "greaterEqual", "isclose", "allclose", "equal", "isnan", "isinf", "isfinite", "isposinf",
    "isneginf", "isreal", "signbit",
  ],
  // deno-fmt-ignore
  pointwise: [
    "maskedFill", "maskedFill_", "nanToNum", "nanToNum_", "heaviside", "heaviside_", "lerp",
    "lerp_", "addcmul", "addcmul_", "addcdiv", "addcdiv_",
  ],
  // activation
  activation: [
    "relu",
    "relu_",
    "hardshrink",
    "prelu",
  ],
  // scan
  scan: ["cumsum", "cumsum_", "cumprod", "cumprod_", "logcumsumexp"],
  maxMin: ["amax", "amin", "aminmax", "argmax", "argmin", "cummax", "cummin"],
  // statistics
  statistics: ["mode", "quantile", "nanquantile"],
  deviation: ["var", "std"],
  difference: ["diff"],
  norms: ["norm", "dist", "renorm", "renorm_"],
  // softmax
  softmax: ["softmax", "logSoftmax"],
  // join
  join: [],
  // pad
  pad: [],
  // index
  index: ["gather", "takeAlongDim", "take", "indexSelect", "maskedSelect", "argwhere"],
  scatter: [
    "scatter",
    "scatter_",
    "scatterAdd",
    "scatterAdd_",
    "put",
    "put_",
    "maskedScatter",
    "maskedScatter_",
  ],
  scatterReduce: ["scatterReduce", "scatterReduce_", "indexReduce", "indexReduce_"],
  indexWrite: ["indexAdd", "indexAdd_", "indexCopy", "indexCopy_", "indexFill", "indexFill_"],
  // sort
  sort: ["sort", "argsort", "msort", "topk", "kthvalue"],
  histogram: ["bincount", "histc"],
  createNew: ["newEmpty", "newZeros", "newOnes", "newFull", "newTensor"],
  // linalg
  matrixFunctions: [
    "cholesky",
    "choleskyInverse",
    "choleskySolve",
    "det",
    "inverse",
    "logdet",
    "matrixExp",
    "matrixPower",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
  ],
  // matmul
  matmul: ["mm", "bmm", "mv", "dot", "vdot", "outer", "ger", "matmul"],
  addProduct: [
    "addmm",
    "addmm_",
    "baddbmm",
    "baddbmm_",
    "addbmm",
    "addbmm_",
    "addmv",
    "addmv_",
    "addr",
    "addr_",
  ],
  tensorProduct: ["inner", "kron", "cross"],
  // einsum
  einsum: [],
  // loss
  loss: [],
  // random
  random: ["bernoulli", "multinomial"],
  randomInPlace: [
    "uniform_",
    "normal_",
    "logNormal_",
    "cauchy_",
    "exponential_",
    "geometric_",
    "random_",
    "bernoulli_",
  ],
} as const;

/** The type of `METHODS`. */
export type Names = typeof METHODS;

/** Every method of a tensor. */
export interface TensorMethods
  extends
    OverloadedMethods,
    Methods<typeof access, Names["access"]>,
    Methods<typeof arithmetic, Names["arithmetic"]>,
    Methods<typeof division, Names["division"]>,
    Methods<typeof power, Names["power"]>,
    Methods<typeof extremum, Names["extremum"]>,
    Methods<typeof logic, Names["logic"]>,
    Methods<typeof sweep, Names["backward"]>,
    Methods<typeof copy, Names["copy"]>,
    Methods<typeof hooks, Names["hooks"]>,
    Methods<typeof legacy, Names["legacy"]>,
    Methods<typeof reduce, Names["reduce"]>,
    Methods<typeof unary, Names["unary"]>,
    Methods<typeof rounding, Names["rounding"]>,
    Methods<typeof trigonometry, Names["trigonometry"]>,
    Methods<typeof special, Names["special"]>,
    Methods<typeof view, Names["view"]>,
    Methods<typeof reshape, Names["reshape"]>,
    Methods<typeof axes, Names["axes"]>,
    Methods<typeof cut, Names["cut"]>,
    Methods<typeof rearrange, Names["rearrange"]>,
    Methods<typeof diagonal, Names["diagonal"]>,
    Methods<typeof data, Names["data"]>,
    Methods<typeof subscript, Names["subscript"]>,
    Methods<typeof compare, Names["compare"]>,
    Methods<typeof pointwise, Names["pointwise"]>,
    Methods<typeof activation, Names["activation"]>,
    Methods<typeof scan, Names["scan"]>,
    Methods<typeof maxMin, Names["maxMin"]>,
    Methods<typeof statistics, Names["statistics"]>,
    Methods<typeof deviation, Names["deviation"]>,
    Methods<typeof difference, Names["difference"]>,
    Methods<typeof norms, Names["norms"]>,
    Methods<typeof softmax, Names["softmax"]>,
    Methods<typeof join, Names["join"]>,
    Methods<typeof pad, Names["pad"]>,
    Methods<typeof indexing, Names["index"]>,
    Methods<typeof scatter, Names["scatter"]>,
    Methods<typeof scatterReduce, Names["scatterReduce"]>,
    Methods<typeof indexWrite, Names["indexWrite"]>,
    Methods<typeof sort, Names["sort"]>,
    Methods<typeof histogram, Names["histogram"]>,
    Methods<typeof createNew, Names["createNew"]>,
    Methods<typeof matmul, Names["matmul"]>,
    Methods<typeof matrixFunctions, Names["matrixFunctions"]>,
    Methods<typeof addProduct, Names["addProduct"]>,
    Methods<typeof tensorProduct, Names["tensorProduct"]>,
    Methods<typeof einsum, Names["einsum"]>,
    Methods<typeof loss, Names["loss"]>,
    Methods<typeof random, Names["random"]>,
    Methods<typeof randomInPlace, Names["randomInPlace"]> {
  /** The number, of a 0-d tensor: `loss.data[0]`. Today: `loss.item()`. */
  readonly 0: number;
  /** The elements nested as the axes are, for `JSON.stringify`; whole numbers beyond 2^53 as text. */
  toJSON(): unknown;
  /** All axes in reverse order. */
  readonly T: Tensor;
  /** The last two axes swapped. */
  readonly mT: Tensor;
  /** The same elements without history; setting it gives the tensor the elements, shape and dtype of another. */
  data: Tensor;
}
