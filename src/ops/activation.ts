/**
 * Activation functions.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { record } from "../autograd/record.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axis, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll, castFor } from "./autocast.ts";
import {
  eluGrad,
  geluGrad,
  geluTanhGrad,
  hardsigmoidGrad,
  hardswishGrad,
  hardtanhGrad,
  leakyReluGrad,
  logsigmoidGrad,
  mishGrad,
  shrinkGrad,
  siluGrad,
  softplusGrad,
  thresholdGrad,
} from "./activation_grad.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { gt, le } from "./compare.ts";
import { binary, gradFor, inPlace, kernelTable, unary } from "./elementwise.ts";
import { where } from "./pointwise.ts";
import { abs, expm1, sigmoid, tanh } from "./unary.ts";
import { activate, type Parameters, unaryInPlace } from "./unary_kernel.ts";
import { detach, narrow, reshape } from "./view.ts";

const RELU = kernelTable("relu"),
  MAXIMUM = kernelTable("maximum"),
  MINIMUM = kernelTable("minimum"),
  THRESHOLD = kernelTable("threshold"),
  HARDTANH = kernelTable("hardtanh"),
  LEAKY_RELU = kernelTable("leaky_relu"),
  ELU = kernelTable("elu"),
  GELU = kernelTable("gelu"),
  GELU_TANH = kernelTable("gelu_tanh"),
  SILU = kernelTable("silu"),
  MISH = kernelTable("mish"),
  SOFTPLUS = kernelTable("softplus"),
  HARDSWISH = kernelTable("hardswish"),
  HARDSIGMOID = kernelTable("hardsigmoid"),
  LOGSIGMOID = kernelTable("logsigmoid"),
  SOFTSHRINK = kernelTable("softshrink"),
  HARDSHRINK = kernelTable("hardshrink");

/** The one argument of several activations after the tensor. */
export type InplaceArgs = Args<[inplace: boolean], InplaceOptions>;

/** Options of activations that can write into their input. */
export interface InplaceOptions {
  /** Whether the result is written into the input. */
  inplace?: boolean;
}

/** f(x), or f_(x) where `inplace` is set. */
function choose(
  call: string,
  x: Tensor,
  inplace: boolean,
  f: (x: Tensor) => Tensor,
): Tensor {
  checkTensor(call, "input", x);
  return inplace ? inPlace(`${call}_`, x, [], f) : f(x);
}

const INPLACE = { inplace: false };

function checkNotBool(call: string, x: Tensor): void {
  if (x.dtype.kind === "bool") throw new TypeError(`${call}: not defined for torch.bool`);
}

function reluOf(x: Tensor): Tensor {
  checkNotBool("relu", x);
  if (x.dtype.kind === "int") return binary("relu", MAXIMUM, x, 0, x.dtype);
  const y = unary("relu", RELU, x);
  return record("relu", y, [x], [(dy) => thresholdGrad(dy, y, 0)], [y]);
}

/** max(x, 0). */
export function relu(x: Tensor, ...args: InplaceArgs): Tensor {
  checkTensor("relu", "input", x);
  if (args.length > 0 && read("relu", INPLACE, args).inplace) return relu_(x);
  return reluOf(x);
}

/** x = max(x, 0), in place. */
export function relu_(x: Tensor): Tensor {
  return unaryInPlace("relu", x, RELU, reluOf, (dy, y) => thresholdGrad(dy, y, 0));
}

/** The arguments of `hardtanh` after the tensor. */
export type HardtanhArgs = Args<[minVal: number, maxVal: number, inplace: boolean], {
  /** The lowest value; -1 by default. */
  minVal?: number;
  /** The highest value; 1 by default. */
  maxVal?: number;
  /** Whether the result is written into the input. */
  inplace?: boolean;
}>;

/** x, at least `minVal` (-1) and at most `maxVal` (1); flat at the borders. */
export function hardtanh(x: Tensor, ...args: HardtanhArgs): Tensor {
  const { minVal, maxVal, inplace } = read(
    "hardtanh",
    { minVal: -1, maxVal: 1, inplace: false },
    args,
  );
  return choose("hardtanh", x, inplace, (x) => bounded("hardtanh", x, minVal, maxVal));
}

function bounded(call: string, x: Tensor, low: number, high: number): Tensor {
  checkNotBool(call, x);
  if (x.dtype.kind === "int") {
    const [first, last] = [Math.trunc(low), Math.trunc(high)];
    if (x.dtype.name === "uint8" && (first < 0 || last < 0)) {
      throw new RangeError(
        `${call}: limits ${low} and ${high} of torch.uint8 must not be negative`,
      );
    }
    const above = binary(call, MAXIMUM, x, first, x.dtype);
    return binary(call, MINIMUM, above, last, x.dtype);
  }
  return record("hardtanh", activate(call, HARDTANH, x, [low, high, 0]), [x], [
    (dy) => hardtanhGrad(dy, x, low, high),
  ], [x]);
}

/** x = hardtanh(x), in place. */
export function hardtanh_(x: Tensor, ...args: HardtanhArgs): Tensor {
  return inPlace("hardtanh_", x, [], (x) => hardtanh(x, ...args));
}

/** x, at least 0 and at most 6. */
export function relu6(x: Tensor, ...args: InplaceArgs): Tensor {
  const { inplace } = read("relu6", INPLACE, args);
  return choose("relu6", x, inplace, (x) => bounded("relu6", x, 0, 6));
}

/** The arguments of `threshold` after the tensor. */
export type ThresholdArgs = Args<[threshold: number, value: number, inplace: boolean], {
  /** Above this, x stays. */
  threshold?: number;
  /** What takes its place elsewhere. */
  value?: number;
  /** Whether the result is written into the input. */
  inplace?: boolean;
}>;

/** x where x > threshold, else value. */
export function threshold(x: Tensor, ...args: ThresholdArgs): Tensor {
  const options = read("threshold", {
    threshold: undefined as number | undefined,
    value: undefined as number | undefined,
    inplace: false,
  }, args);
  const { threshold: limit, value } = options;
  if (typeof limit !== "number" || typeof value !== "number") {
    throw new TypeError(
      `threshold: expected numbers threshold and value, got ${limit} and ${value}`,
    );
  }
  return choose("threshold", x, options.inplace, (x) => {
    checkNotBool("threshold", x);
    if (x.dtype.kind === "int") return where(le(x, Math.trunc(limit)), Math.trunc(value), x);
    return record("threshold", activate("threshold", THRESHOLD, x, [limit, value, 0]), [x], [
      (dy) => thresholdGrad(dy, x, limit),
    ], [x]);
  });
}

/** x = threshold(x), in place. */
export function threshold_(x: Tensor, ...args: ThresholdArgs): Tensor {
  return inPlace("threshold_", x, [], (x) => threshold(x, ...args));
}

/** The arguments of `leakyRelu` after the tensor. */
export type LeakyReluArgs = Args<[negativeSlope: number, inplace: boolean], {
  /** The slope below 0; 0.01 by default. */
  negativeSlope?: number;
  /** Whether the result is written into the input. */
  inplace?: boolean;
}>;

/** x where x > 0, else negativeSlope * x. */
export function leakyRelu(x: Tensor, ...args: LeakyReluArgs): Tensor {
  const { negativeSlope, inplace } = read(
    "leakyRelu",
    { negativeSlope: 0.01, inplace: false },
    args,
  );
  return choose("leakyRelu", x, inplace, (x) => {
    const y = activate("leakyRelu", LEAKY_RELU, x, [negativeSlope, 0, 0]);
    return record("leaky_relu", y, [x], [(dy) => leakyReluGrad(dy, x, negativeSlope)], [x]);
  });
}

/** x = leakyRelu(x), in place. */
export function leakyRelu_(x: Tensor, ...args: LeakyReluArgs): Tensor {
  return inPlace("leakyRelu_", x, [], (x) => leakyRelu(x, ...args));
}

/** The arguments of `elu` and `celu` after the tensor. */
export type EluArgs = Args<[alpha: number, inplace: boolean], {
  /** Minus the value that is approached below 0; 1 by default. */
  alpha?: number;
  /** Whether the result is written into the input. */
  inplace?: boolean;
}>;

/** a expm1(c x) below 0, b x above; the gradient takes `slope` for c. */
function exponentialLinear(
  call: string,
  op: string,
  x: Tensor,
  [a, b, c]: Parameters,
  slope: number = c,
): Tensor {
  return record(op, activate(call, ELU, x, [a, b, c]), [x], [
    (dy) => eluGrad(dy, x, [a * slope, b, slope]),
  ], [x]);
}

/** x where x > 0, else alpha (exp(x) - 1). */
export function elu(x: Tensor, ...args: EluArgs): Tensor {
  const { alpha, inplace } = read("elu", { alpha: 1, inplace: false }, args);
  return choose("elu", x, inplace, (x) => exponentialLinear("elu", "elu", x, [alpha, 1, 1]));
}

/** x = elu(x), in place. */
export function elu_(x: Tensor, ...args: EluArgs): Tensor {
  return inPlace("elu_", x, [], (x) => elu(x, ...args));
}

const SELU_ALPHA = 1.6732632423543772, SELU_SCALE = 1.0507009873554805;

/** scale * elu(x, alpha) with the constants of self-normalizing networks. */
export function selu(x: Tensor, ...args: InplaceArgs): Tensor {
  const { inplace } = read("selu", INPLACE, args);
  const parameters: Parameters = [SELU_ALPHA * SELU_SCALE, SELU_SCALE, 1];
  return choose("selu", x, inplace, (x) => exponentialLinear("selu", "elu", x, parameters));
}

/** x = selu(x), in place. */
export function selu_(x: Tensor): Tensor {
  return inPlace("selu_", x, [], selu);
}

/**
 * x where x > 0, else alpha (exp(x / alpha) - 1).
 *
 * @throws RangeError when `alpha` is 0.
 */
export function celu(x: Tensor, ...args: EluArgs): Tensor {
  const { alpha, inplace } = read("celu", { alpha: 1, inplace: false }, args);
  if (alpha === 0) throw new RangeError("celu: alpha must not be 0");
  // PyTorch's gradient rounds alpha to float32, whatever the dtype.
  const parameters: Parameters = [alpha, 1, 1 / alpha], slope = 1 / Math.fround(alpha);
  return choose("celu", x, inplace, (x) => {
    // The kernel is for exponents below 0.
    if (alpha < 0) return where(gt(x, 0), x, mul(expm1(div(x, alpha)), alpha));
    return exponentialLinear("celu", "celu", x, parameters, slope);
  });
}

/** x = celu(x), in place. */
export function celu_(x: Tensor, ...args: EluArgs): Tensor {
  return inPlace("celu_", x, [], (x) => celu(x, ...args));
}

/** The arguments of `gelu` after the tensor. */
export type GeluArgs = Args<[approximate: "none" | "tanh"], {
  /** `"none"` for the normal distribution itself, `"tanh"` for its approximation. */
  approximate?: "none" | "tanh";
}>;

/** x Phi(x), where Phi is the distribution function of the normal distribution. */
export function gelu(x: Tensor, ...args: GeluArgs): Tensor {
  const { approximate } = read("gelu", { approximate: "none" as "none" | "tanh" }, args);
  checkTensor("gelu", "input", x);
  if (approximate !== "none" && approximate !== "tanh") {
    throw new TypeError(
      `gelu: approximate must be "none" or "tanh", got ${describeValue(approximate)}`,
    );
  }
  const tanhForm = approximate === "tanh";
  const y = unary("gelu", tanhForm ? GELU_TANH : GELU, x);
  return record("gelu", y, [x], [
    (dy) => tanhForm ? geluTanhGrad(dy, x) : geluGrad(dy, x),
  ], [x]);
}

/** x sigmoid(x). */
export function silu(x: Tensor, ...args: InplaceArgs): Tensor {
  const { inplace } = read("silu", INPLACE, args);
  return choose("silu", x, inplace, (x) => {
    return record("silu", unary("silu", SILU, x), [x], [(dy) => siluGrad(dy, x)], [x]);
  });
}

/** x tanh(softplus(x)). */
export function mish(x: Tensor, ...args: InplaceArgs): Tensor {
  const { inplace } = read("mish", INPLACE, args);
  return choose("mish", x, inplace, (x) => {
    return record("mish", unary("mish", MISH, x), [x], [(dy) => mishGrad(dy, x)], [x]);
  });
}

/** The arguments of `softplus` after the tensor. */
export type SoftplusArgs = Args<[beta: number, threshold: number], {
  /** How sharply it bends; 1 by default. */
  beta?: number;
  /** Above this, beta * x counts as linear; 20 by default. */
  threshold?: number;
}>;

/** log(1 + exp(beta x)) / beta; x itself where beta x > threshold. */
export function softplus(x: Tensor, ...args: SoftplusArgs): Tensor {
  x = castFor("softplus", x);
  const { beta, threshold: limit } = read("softplus", { beta: 1, threshold: 20 }, args);
  const y = activate("softplus", SOFTPLUS, x, [beta, limit, 0]);
  return record("softplus", y, [x], [(dy) => softplusGrad(dy, x, beta, limit)], [x]);
}

/** log(sigmoid(x)). */
export function logsigmoid(x: Tensor): Tensor {
  checkTensor("logsigmoid", "input", x);
  const y = unary("logsigmoid", LOGSIGMOID, x);
  return record("log_sigmoid", y, [x], [(dy) => logsigmoidGrad(dy, x)], [x]);
}

/** x relu6(x + 3) / 6. */
export function hardswish(x: Tensor, ...args: InplaceArgs): Tensor {
  const { inplace } = read("hardswish", INPLACE, args);
  return choose("hardswish", x, inplace, (x) => {
    const y = unary("hardswish", HARDSWISH, x);
    return record("hardswish", y, [x], [(dy) => hardswishGrad(dy, x)], [x]);
  });
}

/** relu6(x + 3) / 6. */
export function hardsigmoid(x: Tensor, ...args: InplaceArgs): Tensor {
  const { inplace } = read("hardsigmoid", INPLACE, args);
  return choose("hardsigmoid", x, inplace, (x) => {
    const y = unary("hardsigmoid", HARDSIGMOID, x);
    return record("hardsigmoid", y, [x], [(dy) => hardsigmoidGrad(dy, x)], [x]);
  });
}

/** x / (1 + |x|). */
export function softsign(x: Tensor): Tensor {
  checkTensor("softsign", "input", x);
  return div(x, add(abs(x), 1));
}

/** x - tanh(x). */
export function tanhshrink(x: Tensor): Tensor {
  checkTensor("tanhshrink", "input", x);
  checkNotBool("tanhshrink", x);
  return sub(x, tanh(x));
}

/** The arguments of `softshrink` and `hardshrink` after the tensor. */
export type ShrinkArgs = Args<[lambd: number], {
  /** Up to this far from 0, the result is 0; 0.5 by default. */
  lambd?: number;
}>;

/**
 * x moved towards 0 by `lambd` (0.5), and 0 within that distance.
 *
 * @throws RangeError when `lambd` is negative.
 */
export function softshrink(x: Tensor, ...args: ShrinkArgs): Tensor {
  const { lambd } = read("softshrink", { lambd: 0.5 }, args);
  if (!(lambd >= 0)) throw new RangeError(`softshrink: lambd must not be negative, got ${lambd}`);
  return record("softshrink", activate("softshrink", SOFTSHRINK, x, [lambd, 0, 0]), [x], [
    (dy) => shrinkGrad("softshrink", dy, x, lambd),
  ], [x]);
}

/** x where |x| > lambd (0.5), else 0. */
export function hardshrink(x: Tensor, ...args: ShrinkArgs): Tensor {
  const { lambd } = read("hardshrink", { lambd: 0.5 }, args);
  return record("hardshrink", activate("hardshrink", HARDSHRINK, x, [lambd, 0, 0]), [x], [
    (dy) => shrinkGrad("hardshrink", dy, x, lambd),
  ], [x]);
}

/** The arguments of `glu` after the tensor. */
export type GluArgs = Args<[dim: number], {
  /** The axis to halve; the last by default. */
  dim?: number;
}>;

/**
 * The first half of x along `dim` times the sigmoid of the second: [..., 2n, ...] -> [..., n, ...].
 *
 * @throws RangeError when the size along `dim` is odd.
 */
export function glu(x: Tensor, ...args: GluArgs): Tensor {
  const { dim } = read("glu", { dim: -1 }, args);
  checkTensor("glu", "input", x);
  if (x.dtype.kind !== "float") throw new TypeError(`glu: not defined for ${x.dtype}`);
  if (x.ndim === 0) throw new RangeError("glu: a 0-d tensor has no axis to halve");
  const d = axis("glu", dim, x.ndim), half = x.shape[d] / 2;
  if (!Number.isInteger(half)) {
    throw new RangeError(`glu: axis ${d} of ${show(x.shape)} must have an even size`);
  }
  return mul(narrow(x, d, 0, half), sigmoid(narrow(x, d, half, half)));
}

/**
 * x where x > 0, else weight * x: one weight for all, or one for each channel, the second axis.
 *
 * @throws RangeError when the weights are not one, or as many as channels.
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  [x, weight] = castAll("prelu", x, weight);
  checkTensor("prelu", "input", x);
  checkTensor("prelu", "weight", weight);
  if (x.dtype !== weight.dtype || x.dtype.kind !== "float") {
    throw new TypeError(
      `prelu: input and weight must be of one floating-point dtype, got ${x.dtype} and ${weight.dtype}`,
    );
  }
  const n = weight.numElements, channels = x.ndim > 1 ? x.shape[1] : 1;
  if (weight.ndim > 1 || (n !== 1 && (n !== channels || x.ndim === 0))) {
    throw new RangeError(
      `prelu: expected one weight, or ${channels} for the channels of ${show(x.shape)}, got ${
        show(weight.shape)
      }`,
    );
  }
  const row = x.ndim > 1 && n > 1 ? [n, ...x.shape.slice(2).fill(1)] : [];
  return preluOf(x, reshape(weight, row));
}

function preluOf(x: Tensor, weight: Tensor): Tensor {
  const above = gt(x, 0), z = detach(x);
  const y = where(above, z, mul(z, detach(weight)));
  return record("prelu", y, [x, weight], [
    (dy) => where(above, dy, mul(dy, weight)),
    (dy) => gradFor(where(above, 0, mul(dy, x)), weight),
  ], [x, weight]);
}
