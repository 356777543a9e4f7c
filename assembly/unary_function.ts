/**
 * The functions of unary.ts: a vector form for float32 where there is one, a form in float64, and one for integers.
 */
import { cosVector, sinVector } from "./angle";
import { expm1Vector, log1pVector } from "./expm1";
import { constant, erfVector, EXP_USUAL, expUsual, expVector, logUsual, logVector, positive } from "./math";
import { sigmoidUsual, sigmoidVector, tanhVector, within } from "./math";
import { digammaOf, erfcOf, erfinvOf, erfOf, exp2Of, i0Of, i1Of, lgammaOf } from "./special";
import { log2Of, sigmoidOf, sincDerivativeOf, sincOf } from "./special";

export const NEG = 0, ABS = 1, SIGN = 2, SQRT = 3, RSQRT = 4, RECIPROCAL = 5;
export const FLOOR = 6, CEIL = 7, ROUND = 8, TRUNC = 9, FRAC = 10;
export const EXP = 11, LOG = 12, TANH = 13, SIGMOID = 14, ERF = 15, SIN = 16, COS = 17;
export const EXPM1 = 18, LOG1P = 19;
/** From here on, there is no vector form. */
export const SCALAR = 20;
export const EXP2 = 20, LOG2 = 21, LOG10 = 22;
export const TAN = 23, ASIN = 24, ACOS = 25, ATAN = 26;
export const SINH = 27, COSH = 28, ASINH = 29, ACOSH = 30, ATANH = 31;
export const ERFC = 32, ERFINV = 33, LGAMMA = 34, DIGAMMA = 35, SINC = 36, SINC_DERIVATIVE = 37;
export const I0 = 38, I1 = 39;

const ONE = memory.data<f32>([1], 4);

// @ts-ignore: decorator
@inline
export function vector(op: i32, x: v128): v128 {
  if (op == NEG) return f32x4.neg(x);
  if (op == ABS) return f32x4.abs(x);
  if (op == SIGN) {
    const zero = f32x4.splat(0), one = constant(ONE);
    return f32x4.sub(v128.and(f32x4.gt(x, zero), one), v128.and(f32x4.lt(x, zero), one));
  }
  if (op == SQRT) return f32x4.sqrt(x);
  if (op == RSQRT) return f32x4.div(constant(ONE), f32x4.sqrt(x));
  if (op == RECIPROCAL) return f32x4.div(constant(ONE), x);
  if (op == FLOOR) return f32x4.floor(x);
  if (op == CEIL) return f32x4.ceil(x);
  if (op == ROUND) return f32x4.nearest(x);
  if (op == TRUNC) return f32x4.trunc(x);
  if (op == FRAC) return f32x4.sub(x, f32x4.trunc(x));
  if (op == EXP) return expVector(x);
  if (op == LOG) return logVector(x);
  if (op == TANH) return tanhVector(x);
  if (op == SIGMOID) return sigmoidVector(x);
  if (op == ERF) return erfVector(x);
  if (op == EXPM1) return expm1Vector(x);
  if (op == LOG1P) return log1pVector(x);
  return op == SIN ? sinVector(x) : cosVector(x);
}

/** Whether `usual` is right for all lanes of four vectors. */
// @ts-ignore: decorator
@inline
export function isUsual(op: i32, x0: v128, x1: v128, x2: v128, x3: v128): bool {
  if (op == EXP || op == SIGMOID) return within(EXP_USUAL, x0, x1, x2, x3);
  if (op == LOG) return positive(x0, x1, x2, x3);
  return true;
}

/** The function where `isUsual`: the same bits as `vector`, for less. */
// @ts-ignore: decorator
@inline
export function usual(op: i32, x: v128): v128 {
  if (op == EXP) return expUsual(x);
  if (op == LOG) return logUsual(x);
  if (op == SIGMOID) return sigmoidUsual(x);
  return vector(op, x);
}

/** In float64. */
// @ts-ignore: decorator
@inline
export function real(op: i32, x: f64): f64 {
  if (op == NEG) return -x;
  if (op == ABS) return NativeMath.abs(x);
  if (op == SIGN) return <f64> (i32(x > 0) - i32(x < 0));
  if (op == SQRT) return NativeMath.sqrt(x);
  if (op == RSQRT) return 1 / NativeMath.sqrt(x);
  if (op == RECIPROCAL) return 1 / x;
  if (op == FLOOR) return NativeMath.floor(x);
  if (op == CEIL) return NativeMath.ceil(x);
  if (op == ROUND) return nearest<f64>(x);
  if (op == TRUNC) return NativeMath.trunc(x);
  if (op == FRAC) return x - NativeMath.trunc(x);
  if (op == EXP) return NativeMath.exp(x);
  if (op == LOG) return NativeMath.log(x);
  if (op == TANH) return NativeMath.tanh(x);
  if (op == SIGMOID) return sigmoidOf(x);
  if (op == ERF) return erfOf(x);
  if (op == EXP2) return exp2Of(x);
  if (op == EXPM1) return NativeMath.expm1(x);
  if (op == LOG1P) return NativeMath.log1p(x);
  if (op == LOG2) return log2Of(x);
  if (op == LOG10) return NativeMath.log10(x);
  if (op == SIN) return NativeMath.sin(x);
  if (op == COS) return NativeMath.cos(x);
  if (op == TAN) return NativeMath.tan(x);
  if (op == ASIN) return NativeMath.asin(x);
  if (op == ACOS) return NativeMath.acos(x);
  if (op == ATAN) return NativeMath.atan(x);
  if (op == SINH) return NativeMath.sinh(x);
  if (op == COSH) return NativeMath.cosh(x);
  if (op == ASINH) return NativeMath.asinh(x);
  if (op == ACOSH) return NativeMath.acosh(x);
  if (op == ATANH) return NativeMath.atanh(x);
  if (op == ERFC) return erfcOf(x);
  if (op == ERFINV) return erfinvOf(x);
  if (op == LGAMMA) return lgammaOf(x);
  if (op == DIGAMMA) return digammaOf(x);
  if (op == SINC) return sincOf(x);
  if (op == SINC_DERIVATIVE) return sincDerivativeOf(x);
  if (op == I0) return i0Of(x);
  return i1Of(x);
}

// @ts-ignore: decorator
@inline
export function integer<T>(op: i32, x: T): T {
  if (op == NEG) return <T> -x;
  if (op == SIGN) return <T> (i32(x > 0) - i32(x < 0));
  return x < <T> 0 ? <T> -x : x;
}
