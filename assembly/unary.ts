/**
 * Functions of one variable: y[i] = f(x[i]) for i in [begin, end), both contiguous.
 *
 * float32 goes through the vector functions of math.ts where they have one, else through float64 and one rounding.
 */
import { loadLanes, storeLanes } from "./lanes";
// The functions. The loop below is inlined into each export, where the function is a constant.
import { ABS, ACOS, ACOSH, ASIN, ASINH, ATAN, ATANH, CEIL, COS, COSH, DIGAMMA, ERF } from "./unary_function";
import { ERFC, ERFINV, EXP, EXP2, EXPM1, FLOOR, FRAC, I0, I1, LGAMMA, LOG, LOG10 } from "./unary_function";
import { LOG1P, LOG2, NEG, RECIPROCAL, ROUND, RSQRT, SCALAR, SIGMOID, SIGN, SIN, SINC } from "./unary_function";
import { SINC_DERIVATIVE, SINH, SQRT, TAN, TANH, TRUNC, integer, isUsual, real, usual } from "./unary_function";
import { vector } from "./unary_function";

// @ts-ignore: decorator
@inline
function loop<T>(op: i32, y: usize, x: usize, begin: i32, end: i32): void {
  let p = x + <usize> begin * sizeof<T>(), r = y + <usize> begin * sizeof<T>();
  let left = end - begin;
  if (isFloat<T>() && sizeof<T>() == 4 && op < SCALAR) {
    while (left > 0) {
      if (left >= 16) {
        const x0 = v128.load(p),
          x1 = v128.load(p, 16),
          x2 = v128.load(p, 32),
          x3 = v128.load(p, 48);
        if (isUsual(op, x0, x1, x2, x3)) {
          // All results before the first store, after which V8 would load the constants again.
          const y0 = usual(op, x0),
            y1 = usual(op, x1),
            y2 = usual(op, x2),
            y3 = usual(op, x3);
          v128.store(r, y0);
          v128.store(r, y1, 16);
          v128.store(r, y2, 32);
          v128.store(r, y3, 48);
          left -= 16;
          p += 64;
          r += 64;
          continue;
        }
      }
      for (const stop = max(left - 16, 0); left > stop; left -= 4, p += 16, r += 16) {
        storeLanes<f32>(r, vector(op, loadLanes<f32>(p, left, f32x4.splat(0))), left);
      }
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
