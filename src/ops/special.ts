/**
 * Special functions, elementwise: the error function, gamma functions, logit, sinc, Bessel functions.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { logitGrad } from "./activation_grad.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { cast } from "./copy.ts";
import { floatType, inPlace, kernelTable } from "./elementwise.ts";
import { where } from "./pointwise.ts";
import { exp } from "./unary.ts";
import { activate, type Parameters, realUnary, unaryInPlace } from "./unary_kernel.ts";

const ERF = kernelTable("erf"),
  ERFC = kernelTable("erfc"),
  ERFINV = kernelTable("erfinv"),
  LGAMMA = kernelTable("lgamma"),
  DIGAMMA = kernelTable("digamma"),
  POLYGAMMA = kernelTable("polygamma"),
  SINC = kernelTable("sinc"),
  SINC_DERIVATIVE = kernelTable("sinc_derivative"),
  I0 = kernelTable("i0"),
  I1 = kernelTable("i1"),
  LOGIT = kernelTable("logit");

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** The slope of erf: 2 / sqrt(pi) exp(-x^2). */
function bell(x: Tensor): Tensor {
  return mul(exp(mul(mul(x, x), -1)), TWO_OVER_SQRT_PI);
}

/** The error function. */
export function erf(x: Tensor): Tensor {
  return record("erf", realUnary("erf", ERF, x), [x], [(dy) => mul(dy, bell(x))], [x]);
}

/** 1 - erf(x), precise for large x. */
export function erfc(x: Tensor): Tensor {
  return record("erfc", realUnary("erfc", ERFC, x), [x], [(dy) => mul(dy, mul(bell(x), -1))], [x]);
}

/** The inverse of erf, from -1 to 1. */
export function erfinv(x: Tensor): Tensor {
  x = castFor("erfinv", x);
  const y = realUnary("erfinv", ERFINV, x);
  return record("erfinv", y, [x], [
    (dy) => mul(dy, mul(exp(mul(y, y)), 1 / TWO_OVER_SQRT_PI)),
  ], [y]);
}

/** The logarithm of |gamma(x)|. */
export function lgamma(x: Tensor): Tensor {
  return record("lgamma", realUnary("lgamma", LGAMMA, x), [x], [(dy) => mul(dy, digamma(x))], [x]);
}

/** The derivative of lgamma. */
export function digamma(x: Tensor): Tensor {
  return record("digamma", realUnary("digamma", DIGAMMA, x), [x], [
    (dy) => mul(dy, polygammaOf(1, x)),
  ], [x]);
}

/**
 * The derivative of digamma of order `n`.
 *
 * @throws RangeError when `n` is negative.
 */
export function polygamma(n: number | Tensor, x: Tensor | number): Tensor {
  // As a method, the tensor comes first.
  const [order, input] = typeof n === "number" ? [n, x as Tensor] : [x as number, n];
  checkTensor("polygamma", "input", input);
  if (wholeNumber("polygamma", "n", order) < 0) {
    throw new RangeError(`polygamma: n must not be negative, got ${order}`);
  }
  return polygammaOf(order, input);
}

function polygammaOf(n: number, x: Tensor): Tensor {
  const y = activate("polygamma", POLYGAMMA, cast(x, floatType(x.dtype)), [n, 0, 0]);
  return record("polygamma", y, [x], [(dy) => mul(dy, polygammaOf(n + 1, x))], [x]);
}

/** The arguments of `logit` after the tensor. */
export type LogitArgs = Args<[eps: number | null], {
  /** Clamps x to [eps, 1 - eps]. */
  eps?: number | null;
}>;

/** log(x / (1 - x)): the inverse of sigmoid. */
export function logit(x: Tensor, ...args: LogitArgs): Tensor {
  const { eps } = read("logit", { eps: null as number | null }, args);
  checkTensor("logit", "input", x);
  const z = cast(x, floatType(x.dtype)), round = z.dtype === float64 ? Number : Math.fround;
  const parameters: Parameters = eps === null ? [0, 1, 0] : [round(eps), round(1 - round(eps)), 1];
  const y = activate("logit", LOGIT, z, parameters);
  return record("logit", y, [x], [(dy) => logitGrad(dy, x, parameters)], [x]);
}

/** sin(pi x) / (pi x), and 1 at 0. */
export function sinc(x: Tensor): Tensor {
  return record("sinc", realUnary("sinc", SINC, x), [x], [(dy) => mul(dy, sincSlope(x))], [x]);
}

/** The derivative of sinc. Its own one is -pi^2 sinc(x) - 2 sinc'(x) / x, at 0 -pi^2 / 3. */
function sincSlope(x: Tensor): Tensor {
  const y = realUnary("sinc", SINC_DERIVATIVE, x);
  return record("sinc_derivative", y, [x], [(dy) => {
    const bend = sub(mul(sinc(x), -(Math.PI ** 2)), div(mul(sincSlope(x), 2), x));
    return mul(dy, where(eq(x, 0), -(Math.PI ** 2) / 3, bend));
  }], [x]);
}

/** The modified Bessel function of the first kind, order 0. */
export function i0(x: Tensor): Tensor {
  return record("i0", realUnary("i0", I0, x), [x], [(dy) => mul(dy, i1(x))], [x]);
}

/** The derivative of i0: the same of order 1. Its own one is i0(x) - i1(x) / x, at 0 a half. */
function i1(x: Tensor): Tensor {
  return record("special_i1", realUnary("i1", I1, x), [x], [
    (dy) => mul(dy, where(eq(x, 0), 0.5, sub(i0(x), div(i1(x), x)))),
  ], [x]);
}

/** x = erf(x), in place. */
export function erf_(x: Tensor): Tensor {
  return unaryInPlace("erf", x, ERF, erf);
}

/** x = erfc(x), in place. */
export function erfc_(x: Tensor): Tensor {
  return unaryInPlace("erfc", x, ERFC, erfc);
}

/** x = erfinv(x), in place. */
export function erfinv_(x: Tensor): Tensor {
  return unaryInPlace("erfinv", x, ERFINV, erfinv);
}

/** x = lgamma(x), in place. */
export function lgamma_(x: Tensor): Tensor {
  return unaryInPlace("lgamma", x, LGAMMA, lgamma);
}

/** x = digamma(x), in place. */
export function digamma_(x: Tensor): Tensor {
  return unaryInPlace("digamma", x, DIGAMMA, digamma);
}

/** x = sinc(x), in place. */
export function sinc_(x: Tensor): Tensor {
  return unaryInPlace("sinc", x, SINC, sinc);
}

/** x = i0(x), in place. */
export function i0_(x: Tensor): Tensor {
  return unaryInPlace("i0", x, I0, i0);
}

/** x = logit(x), in place. */
export function logit_(x: Tensor, ...args: LogitArgs): Tensor {
  return inPlace("logit_", x, [], (x) => logit(x, ...args));
}
