/**
 * Trigonometric and hyperbolic functions, elementwise.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { checkTensor } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { binary, floatType, inPlace, kernelTable } from "./elementwise.ts";
import { rsqrt } from "./unary.ts";
import { realUnary, unaryInPlace } from "./unary_kernel.ts";

const SIN = kernelTable("sin"),
  COS = kernelTable("cos"),
  TAN = kernelTable("tan"),
  ASIN = kernelTable("asin"),
  ACOS = kernelTable("acos"),
  ATAN = kernelTable("atan"),
  SINH = kernelTable("sinh"),
  COSH = kernelTable("cosh"),
  ASINH = kernelTable("asinh"),
  ACOSH = kernelTable("acosh"),
  ATANH = kernelTable("atanh"),
  MUL = kernelTable("mul");

/** The sine of x, in radians. */
export function sin(x: Tensor): Tensor {
  return record("sin", realUnary("sin", SIN, x), [x], [(dy) => mul(dy, cos(x))], [x]);
}

/** The cosine of x, in radians. */
export function cos(x: Tensor): Tensor {
  return record("cos", realUnary("cos", COS, x), [x], [(dy) => mul(dy, mul(sin(x), -1))], [x]);
}

/** The tangent of x, in radians. */
export function tan(x: Tensor): Tensor {
  x = castFor("tan", x);
  const y = realUnary("tan", TAN, x);
  return record("tan", y, [x], [(dy) => mul(dy, add(mul(y, y), 1))], [y]);
}

/** The angle in [-pi/2, pi/2] whose sine is x. */
export function asin(x: Tensor): Tensor {
  x = castFor("asin", x);
  return record("asin", realUnary("asin", ASIN, x), [x], [
    (dy) => mul(dy, rsqrt(mul(sub(1, x), add(x, 1)))),
  ], [x]);
}

/** The angle in [0, pi] whose cosine is x. */
export function acos(x: Tensor): Tensor {
  x = castFor("acos", x);
  return record("acos", realUnary("acos", ACOS, x), [x], [
    (dy) => mul(dy, mul(rsqrt(mul(sub(1, x), add(x, 1))), -1)),
  ], [x]);
}

/** The angle in [-pi/2, pi/2] whose tangent is x. */
export function atan(x: Tensor): Tensor {
  return record("atan", realUnary("atan", ATAN, x), [x], [(dy) => div(dy, add(mul(x, x), 1))], [x]);
}

/** The hyperbolic sine. */
export function sinh(x: Tensor): Tensor {
  x = castFor("sinh", x);
  return record("sinh", realUnary("sinh", SINH, x), [x], [(dy) => mul(dy, cosh(x))], [x]);
}

/** The hyperbolic cosine. */
export function cosh(x: Tensor): Tensor {
  x = castFor("cosh", x);
  return record("cosh", realUnary("cosh", COSH, x), [x], [(dy) => mul(dy, sinh(x))], [x]);
}

/** The inverse of sinh. */
export function asinh(x: Tensor): Tensor {
  return record("asinh", realUnary("asinh", ASINH, x), [x], [
    (dy) => mul(dy, rsqrt(add(mul(x, x), 1))),
  ], [x]);
}

/** The inverse of cosh, from 1 on. */
export function acosh(x: Tensor): Tensor {
  return record("acosh", realUnary("acosh", ACOSH, x), [x], [
    (dy) => mul(dy, rsqrt(mul(sub(x, 1), add(x, 1)))),
  ], [x]);
}

/** The inverse of tanh, between -1 and 1. */
export function atanh(x: Tensor): Tensor {
  return record("atanh", realUnary("atanh", ATANH, x), [x], [
    (dy) => div(dy, mul(sub(1, x), add(x, 1))),
  ], [x]);
}

/** y = factor x, recorded as `op`. */
function scaled(op: string, x: Tensor, factor: number): Tensor {
  checkTensor(op, "input", x);
  return record(op, binary(op, MUL, x, factor, floatType(x.dtype)), [x], [
    (dy) => mul(dy, factor),
  ]);
}

/** Degrees as radians. */
export function deg2rad(x: Tensor): Tensor {
  return scaled("deg2rad", x, Math.PI / 180);
}

/** Radians as degrees. */
export function rad2deg(x: Tensor): Tensor {
  return scaled("rad2deg", x, 180 / Math.PI);
}

/** x = sin(x), in place. */
export function sin_(x: Tensor): Tensor {
  return unaryInPlace("sin", x, SIN, sin);
}

/** x = cos(x), in place. */
export function cos_(x: Tensor): Tensor {
  return unaryInPlace("cos", x, COS, cos);
}

/** x = tan(x), in place. */
export function tan_(x: Tensor): Tensor {
  return unaryInPlace("tan", x, TAN, tan);
}

/** x = asin(x), in place. */
export function asin_(x: Tensor): Tensor {
  return unaryInPlace("asin", x, ASIN, asin);
}

/** x = acos(x), in place. */
export function acos_(x: Tensor): Tensor {
  return unaryInPlace("acos", x, ACOS, acos);
}

/** x = atan(x), in place. */
export function atan_(x: Tensor): Tensor {
  return unaryInPlace("atan", x, ATAN, atan);
}

/** x = sinh(x), in place. */
export function sinh_(x: Tensor): Tensor {
  return unaryInPlace("sinh", x, SINH, sinh);
}

/** x = cosh(x), in place. */
export function cosh_(x: Tensor): Tensor {
  return unaryInPlace("cosh", x, COSH, cosh);
}

/** x = asinh(x), in place. */
export function asinh_(x: Tensor): Tensor {
  return unaryInPlace("asinh", x, ASINH, asinh);
}

/** x = acosh(x), in place. */
export function acosh_(x: Tensor): Tensor {
  return unaryInPlace("acosh", x, ACOSH, acosh);
}

/** x = atanh(x), in place. */
export function atanh_(x: Tensor): Tensor {
  return unaryInPlace("atanh", x, ATANH, atanh);
}

/** x = deg2rad(x), in place. */
export function deg2rad_(x: Tensor): Tensor {
  return inPlace("deg2rad_", x, [], deg2rad);
}

/** x = rad2deg(x), in place. */
export function rad2deg_(x: Tensor): Tensor {
  return inPlace("rad2deg_", x, [], rad2deg);
}

export {
  acos as arccos,
  acos_ as arccos_,
  acosh as arccosh,
  acosh_ as arccosh_,
  asin as arcsin,
  asin_ as arcsin_,
  asinh as arcsinh,
  asinh_ as arcsinh_,
  atan as arctan,
  atan_ as arctan_,
  atanh as arctanh,
  atanh_ as arctanh_,
};
