/**
 * Functions of one variable, elementwise: signs, powers, exponentials and logarithms.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { int64 } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { sigmoidGrad, tanhGrad } from "./activation_grad.ts";
import { add, div, mul } from "./arithmetic.ts";
import { zerosLike } from "./create.ts";
import { binary, inPlace, kernelTable, unary } from "./elementwise.ts";
import { realUnary, unaryInPlace } from "./unary_kernel.ts";

const NEG = kernelTable("neg"),
  ABS = kernelTable("abs"),
  SIGN = kernelTable("sign"),
  MUL = kernelTable("mul"),
  SQRT = kernelTable("sqrt"),
  RSQRT = kernelTable("rsqrt"),
  RECIPROCAL = kernelTable("reciprocal"),
  EXP = kernelTable("exp"),
  EXP2 = kernelTable("exp2"),
  EXPM1 = kernelTable("expm1"),
  LOG = kernelTable("log"),
  LOG1P = kernelTable("log1p"),
  LOG2 = kernelTable("log2"),
  LOG10 = kernelTable("log10"),
  SIGMOID = kernelTable("sigmoid"),
  TANH = kernelTable("tanh");

/** Throws `TypeError` unless `x` is a tensor of numbers. */
function checkNumbers(call: string, x: Tensor, instead = ""): void {
  checkTensor(call, "input", x);
  if (x.dtype.kind === "bool") throw new TypeError(`${call}: not defined for torch.bool${instead}`);
}

/** -x. */
export function neg(x: Tensor): Tensor {
  checkNumbers("neg", x, "; use logicalNot");
  return record("neg", unary("neg", NEG, x), [x], [(dy) => neg(dy)]);
}

/** x itself. */
export function positive(x: Tensor): Tensor {
  checkNumbers("positive", x);
  return x;
}

/** |x|. */
export function abs(x: Tensor): Tensor {
  checkNumbers("abs", x);
  return record("abs", unary("abs", ABS, x), [x], [(dy) => mul(dy, sign(x))], [x]);
}

/** -1, 0 or 1: the sign of x; 0 for NaN. */
export function sign(x: Tensor): Tensor {
  checkTensor("sign", "input", x);
  return record("sign", unary("sign", SIGN, x), [x], [(dy) => zerosLike(dy)]);
}

/** The sign of x; as `sign`, for real numbers. */
export function sgn(x: Tensor): Tensor {
  checkTensor("sgn", "input", x);
  return record("sgn", unary("sgn", SIGN, x), [x], [(dy) => zerosLike(dy)]);
}

/** x^2. Booleans give int64. */
export function square(x: Tensor): Tensor {
  checkTensor("square", "input", x);
  const dtype = x.dtype.kind === "bool" ? int64 : x.dtype;
  return record("pow", binary("square", MUL, x, x, dtype), [x], [
    (dy) => mul(dy, mul(x, 2)),
  ], [x]);
}

/** The square root. */
export function sqrt(x: Tensor): Tensor {
  const y = realUnary("sqrt", SQRT, x);
  return record("sqrt", y, [x], [(dy) => sqrtGrad(dy, y)], [y]);
}

function sqrtGrad(dy: Tensor, y: Tensor): Tensor {
  return div(dy, mul(y, 2));
}

/** 1 / sqrt(x). */
export function rsqrt(x: Tensor): Tensor {
  x = castFor("rsqrt", x);
  const y = realUnary("rsqrt", RSQRT, x);
  return record("rsqrt", y, [x], [(dy) => mul(dy, mul(mul(mul(y, y), y), -0.5))], [y]);
}

/** 1 / x. */
export function reciprocal(x: Tensor): Tensor {
  x = castFor("reciprocal", x);
  const y = realUnary("reciprocal", RECIPROCAL, x);
  return record("reciprocal", y, [x], [(dy) => mul(dy, mul(mul(y, y), -1))], [y]);
}

/** e to the power of x. */
export function exp(x: Tensor): Tensor {
  x = castFor("exp", x);
  const y = realUnary("exp", EXP, x);
  return record("exp", y, [x], [(dy) => mul(dy, y)], [y]);
}

/** 2 to the power of x. */
export function exp2(x: Tensor): Tensor {
  const y = realUnary("exp2", EXP2, x);
  return record("exp2", y, [x], [(dy) => mul(dy, mul(y, Math.LN2))], [y]);
}

/** exp(x) - 1, precise near 0. */
export function expm1(x: Tensor): Tensor {
  x = castFor("expm1", x);
  const y = realUnary("expm1", EXPM1, x);
  return record("expm1", y, [x], [(dy) => mul(dy, add(y, 1))], [y]);
}

/** The natural logarithm. */
export function log(x: Tensor): Tensor {
  x = castFor("log", x);
  return record("log", realUnary("log", LOG, x), [x], [(dy) => div(dy, x)], [x]);
}

/** log(1 + x), precise near 0. */
export function log1p(x: Tensor): Tensor {
  x = castFor("log1p", x);
  return record("Log1PBackward0", realUnary("log1p", LOG1P, x), [x], [(dy) => div(dy, add(x, 1))], [
    x,
  ]);
}

/** The logarithm to base 2. */
export function log2(x: Tensor): Tensor {
  x = castFor("log2", x);
  return record("log2", realUnary("log2", LOG2, x), [x], [
    (dy) => div(dy, mul(x, Math.LN2)),
  ], [x]);
}

/** The logarithm to base 10. */
export function log10(x: Tensor): Tensor {
  x = castFor("log10", x);
  return record("log10", realUnary("log10", LOG10, x), [x], [
    (dy) => div(dy, mul(x, Math.LN10)),
  ], [x]);
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(x: Tensor): Tensor {
  const y = realUnary("sigmoid", SIGMOID, x);
  return record("sigmoid", y, [x], [(dy) => sigmoidGrad(dy, y)], [y]);
}

/** The hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  const y = realUnary("tanh", TANH, x);
  return record("tanh", y, [x], [(dy) => tanhGrad(dy, y)], [y]);
}

/** x = -x, in place. */
export function neg_(x: Tensor): Tensor {
  return unaryInPlace("neg", x, NEG, neg);
}

/** x = |x|, in place. */
export function abs_(x: Tensor): Tensor {
  return unaryInPlace("abs", x, ABS, abs);
}

/** x = the sign of x, in place. */
export function sign_(x: Tensor): Tensor {
  return unaryInPlace("sign", x, SIGN, sign);
}

/** x = the sign of x, in place. */
export function sgn_(x: Tensor): Tensor {
  return unaryInPlace("sgn", x, SIGN, sgn);
}

/** x = x^2, in place. */
export function square_(x: Tensor): Tensor {
  return inPlace("square_", x, [], square);
}

/** x = sqrt(x), in place. */
export function sqrt_(x: Tensor): Tensor {
  return unaryInPlace("sqrt", x, SQRT, sqrt, sqrtGrad);
}

/** x = 1 / sqrt(x), in place. */
export function rsqrt_(x: Tensor): Tensor {
  return unaryInPlace("rsqrt", x, RSQRT, rsqrt);
}

/** x = 1 / x, in place. */
export function reciprocal_(x: Tensor): Tensor {
  return unaryInPlace("reciprocal", x, RECIPROCAL, reciprocal);
}

/** x = exp(x), in place. */
export function exp_(x: Tensor): Tensor {
  return unaryInPlace("exp", x, EXP, exp, mul);
}

/** x = 2 to the power of x, in place. */
export function exp2_(x: Tensor): Tensor {
  return unaryInPlace("exp2", x, EXP2, exp2);
}

/** x = exp(x) - 1, in place. */
export function expm1_(x: Tensor): Tensor {
  return unaryInPlace("expm1", x, EXPM1, expm1);
}

/** x = log(x), in place. */
export function log_(x: Tensor): Tensor {
  return unaryInPlace("log", x, LOG, log);
}

/** x = log(1 + x), in place. */
export function log1p_(x: Tensor): Tensor {
  return unaryInPlace("log1p", x, LOG1P, log1p);
}

/** x = log2(x), in place. */
export function log2_(x: Tensor): Tensor {
  return unaryInPlace("log2", x, LOG2, log2);
}

/** x = log10(x), in place. */
export function log10_(x: Tensor): Tensor {
  return unaryInPlace("log10", x, LOG10, log10);
}

/** x = sigmoid(x), in place. */
export function sigmoid_(x: Tensor): Tensor {
  return unaryInPlace("sigmoid", x, SIGMOID, sigmoid, sigmoidGrad);
}

/** x = tanh(x), in place. */
export function tanh_(x: Tensor): Tensor {
  return unaryInPlace("tanh", x, TANH, tanh, tanhGrad);
}

export { abs as absolute, abs_ as absolute_, neg as negative, neg_ as negative_, sigmoid as expit };
