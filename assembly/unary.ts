/**
 * Functions of one variable: y[i] = f(x[i]) for i in [begin, end), both contiguous.
 *
 * float32 goes through the vector functions of math.ts where they have one, else through float64 and one rounding.
 */
import { cosVector, sinVector } from "./angle";
import { constant, erfVector, expVector, logVector, sigmoidVector, tanhVector } from "./math";
import { digammaOf, erfcOf, erfinvOf, erfOf, exp2Of, i0Of, i1Of, lgammaOf } from "./special";
import { log2Of, sigmoidOf, sincDerivativeOf, sincOf } from "./special";

// The functions. The loops below are inlined into each export, where the function is a constant.
const NEG = 0, ABS = 1, SIGN = 2, SQRT = 3, RSQRT = 4, RECIPROCAL = 5;
const FLOOR = 6, CEIL = 7, ROUND = 8, TRUNC = 9, FRAC = 10;
const EXP = 11, LOG = 12, TANH = 13, SIGMOID = 14, ERF = 15, SIN = 16, COS = 17;
/** From here on, there is no vector form. */
const SCALAR = 18;
const EXP2 = 18, EXPM1 = 19, LOG1P = 20, LOG2 = 21, LOG10 = 22;
const TAN = 23, ASIN = 24, ACOS = 25, ATAN = 26;
const SINH = 27, COSH = 28, ASINH = 29, ACOSH = 30, ATANH = 31;
const ERFC = 32, ERFINV = 33, LGAMMA = 34, DIGAMMA = 35, SINC = 36, SINC_DERIVATIVE = 37;
const I0 = 38, I1 = 39;

const ONE = memory.data<f32>([1], 4);

// @ts-ignore: decorator
@inline
function vector(op: i32, x: v128): v128 {
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
  return op == SIN ? sinVector(x) : cosVector(x);
}

/** In float64. */
// @ts-ignore: decorator
@inline
function real(op: i32, x: f64): f64 {
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
function integer<T>(op: i32, x: T): T {
  if (op == NEG) return <T> -x;
  if (op == SIGN) return <T> (i32(x > 0) - i32(x < 0));
  return x < <T> 0 ? <T> -x : x;
}

// @ts-ignore: decorator
@inline
function loop<T>(op: i32, y: usize, x: usize, begin: i32, end: i32): void {
  let p = x + <usize> begin * sizeof<T>(), r = y + <usize> begin * sizeof<T>();
  let left = end - begin;
  if (isFloat<T>() && sizeof<T>() == 4 && op < SCALAR) {
    if (op < EXP) {
      for (; left >= 16; left -= 16, p += 64, r += 64) {
        const x0 = v128.load(p),
          x1 = v128.load(p, 16),
          x2 = v128.load(p, 32),
          x3 = v128.load(p, 48);
        v128.store(r, vector(op, x0));
        v128.store(r, vector(op, x1), 16);
        v128.store(r, vector(op, x2), 32);
        v128.store(r, vector(op, x3), 48);
      }
    }
    for (; left >= 4; left -= 4, p += 16, r += 16) v128.store(r, vector(op, v128.load(p)));
    for (; left > 0; left--, p += 4, r += 4) {
      store<f32>(r, f32x4.extract_lane(vector(op, v128.load32_splat(p)), 0));
    }
  } else {
    for (; left > 0; left--, p += sizeof<T>(), r += sizeof<T>()) {
      if (isFloat<T>()) store<T>(r, <T> real(op, <f64> load<T>(p)));
      else store<T>(r, integer<T>(op, load<T>(p)));
    }
  }
}

export function neg(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(NEG, y, x, begin, end);
}

export function neg_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(NEG, y, x, begin, end);
}

export function neg_i64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i64>(NEG, y, x, begin, end);
}

export function neg_i32(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i32>(NEG, y, x, begin, end);
}

export function neg_u8(y: usize, x: usize, begin: i32, end: i32): void {
  loop<u8>(NEG, y, x, begin, end);
}

export function abs(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ABS, y, x, begin, end);
}

export function abs_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ABS, y, x, begin, end);
}

export function abs_i64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i64>(ABS, y, x, begin, end);
}

export function abs_i32(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i32>(ABS, y, x, begin, end);
}

export function abs_u8(y: usize, x: usize, begin: i32, end: i32): void {
  loop<u8>(ABS, y, x, begin, end);
}

export function sign(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SIGN, y, x, begin, end);
}

export function sign_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SIGN, y, x, begin, end);
}

export function sign_i64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i64>(SIGN, y, x, begin, end);
}

export function sign_i32(y: usize, x: usize, begin: i32, end: i32): void {
  loop<i32>(SIGN, y, x, begin, end);
}

export function sign_u8(y: usize, x: usize, begin: i32, end: i32): void {
  loop<u8>(SIGN, y, x, begin, end);
}

export function sqrt(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SQRT, y, x, begin, end);
}

export function sqrt_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SQRT, y, x, begin, end);
}

export function rsqrt(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(RSQRT, y, x, begin, end);
}

export function rsqrt_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(RSQRT, y, x, begin, end);
}

export function reciprocal(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(RECIPROCAL, y, x, begin, end);
}

export function reciprocal_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(RECIPROCAL, y, x, begin, end);
}

export function floor(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(FLOOR, y, x, begin, end);
}

export function floor_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(FLOOR, y, x, begin, end);
}

export function ceil(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(CEIL, y, x, begin, end);
}

export function ceil_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(CEIL, y, x, begin, end);
}

export function round(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ROUND, y, x, begin, end);
}

export function round_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ROUND, y, x, begin, end);
}

export function trunc(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(TRUNC, y, x, begin, end);
}

export function trunc_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(TRUNC, y, x, begin, end);
}

export function frac(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(FRAC, y, x, begin, end);
}

export function frac_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(FRAC, y, x, begin, end);
}

export function exp(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(EXP, y, x, begin, end);
}

export function exp_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(EXP, y, x, begin, end);
}

export function log(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(LOG, y, x, begin, end);
}

export function log_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(LOG, y, x, begin, end);
}

export function tanh(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(TANH, y, x, begin, end);
}

export function tanh_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(TANH, y, x, begin, end);
}

export function sigmoid(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SIGMOID, y, x, begin, end);
}

export function sigmoid_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SIGMOID, y, x, begin, end);
}

export function erf(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ERF, y, x, begin, end);
}

export function erf_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ERF, y, x, begin, end);
}

export function exp2(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(EXP2, y, x, begin, end);
}

export function exp2_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(EXP2, y, x, begin, end);
}

export function expm1(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(EXPM1, y, x, begin, end);
}

export function expm1_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(EXPM1, y, x, begin, end);
}

export function log1p(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(LOG1P, y, x, begin, end);
}

export function log1p_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(LOG1P, y, x, begin, end);
}

export function log2(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(LOG2, y, x, begin, end);
}

export function log2_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(LOG2, y, x, begin, end);
}

export function log10(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(LOG10, y, x, begin, end);
}

export function log10_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(LOG10, y, x, begin, end);
}

export function sin(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SIN, y, x, begin, end);
}

export function sin_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SIN, y, x, begin, end);
}

export function cos(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(COS, y, x, begin, end);
}

export function cos_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(COS, y, x, begin, end);
}

export function tan(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(TAN, y, x, begin, end);
}

export function tan_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(TAN, y, x, begin, end);
}

export function asin(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ASIN, y, x, begin, end);
}

export function asin_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ASIN, y, x, begin, end);
}

export function acos(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ACOS, y, x, begin, end);
}

export function acos_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ACOS, y, x, begin, end);
}

export function atan(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ATAN, y, x, begin, end);
}

export function atan_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ATAN, y, x, begin, end);
}

export function sinh(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SINH, y, x, begin, end);
}

export function sinh_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SINH, y, x, begin, end);
}

export function cosh(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(COSH, y, x, begin, end);
}

export function cosh_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(COSH, y, x, begin, end);
}

export function asinh(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ASINH, y, x, begin, end);
}

export function asinh_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ASINH, y, x, begin, end);
}

export function acosh(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ACOSH, y, x, begin, end);
}

export function acosh_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ACOSH, y, x, begin, end);
}

export function atanh(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ATANH, y, x, begin, end);
}

export function atanh_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ATANH, y, x, begin, end);
}

export function erfc(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ERFC, y, x, begin, end);
}

export function erfc_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ERFC, y, x, begin, end);
}

export function erfinv(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(ERFINV, y, x, begin, end);
}

export function erfinv_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(ERFINV, y, x, begin, end);
}

export function lgamma(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(LGAMMA, y, x, begin, end);
}

export function lgamma_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(LGAMMA, y, x, begin, end);
}

export function digamma(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(DIGAMMA, y, x, begin, end);
}

export function digamma_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(DIGAMMA, y, x, begin, end);
}

export function sinc(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SINC, y, x, begin, end);
}

export function sinc_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SINC, y, x, begin, end);
}

export function sinc_derivative(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SINC_DERIVATIVE, y, x, begin, end);
}

export function sinc_derivative_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SINC_DERIVATIVE, y, x, begin, end);
}

export function i0(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(I0, y, x, begin, end);
}

export function i0_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(I0, y, x, begin, end);
}

export function i1(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(I1, y, x, begin, end);
}

export function i1_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(I1, y, x, begin, end);
}
