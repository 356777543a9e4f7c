/**
 * gelu and its gradient, of four floats at once: x Phi(x) with the normal distribution Phi, and the form with tanh.
 *
 * The functions named ...Usual hold for |x| up to NORMAL_USUAL or TANH_FORM_USUAL, where they give the same bits as those
 * named ...Vector, which hold for all. Errors: see activation.ts.
 */
import {
  constant,
  demote,
  expOfRemainder,
  scaleTimes,
  scaleUsual,
  select,
  squareRemainder,
} from "./math";
import { fma } from "./simd";

const ONE = memory.data<f32>([1], 4);
const MINUS_HALF_LOG2_E = memory.data<f32>([-0.7213475204], 4);
const ROUND_F32 = memory.data<f32>([12582912], 4);
const MINUS_ZERO = memory.data<f32>([-0.0], 4);
const MINUS_INFINITY = memory.data<f32>([-Infinity], 4);
/** 1 / sqrt(2 pi) */
const DENSITY = memory.data<f32>([0.3989422804], 4);

// --- x Phi(x) = max(x, 0) - |x| Phi(-|x|) ---

// exp(a^2 / 2) Phi(-a), 0 <= a <= 15, as a quotient of polynomials; all their terms are positive, so nothing cancels.
const TAIL_0 = memory.data<f32>([0.5], 4);
const TAIL_1 = memory.data<f32>([0.438589483], 4);
const TAIL_2 = memory.data<f32>([0.183423981], 4);
const TAIL_3 = memory.data<f32>([0.0406883024], 4);
const TAIL_4 = memory.data<f32>([0.00412192428], 4);
const TAIL_BELOW_1 = memory.data<f32>([1.67506385], 4);
const TAIL_BELOW_2 = memory.data<f32>([1.20335138], 4);
const TAIL_BELOW_3 = memory.data<f32>([0.469961435], 4);
const TAIL_BELOW_4 = memory.data<f32>([0.101996675], 4);
const TAIL_BELOW_5 = memory.data<f32>([0.0103320181], 4);
/** Up to here, exp(-x^2 / 2) is normal. */
export const NORMAL_USUAL = memory.data<f32>([13], 4);
/** From here on, exp(-x^2 / 2) is 0. */
const NORMAL_HIGHEST = memory.data<f32>([15], 4);

/** The numerator of the tail. */
// @ts-ignore: decorator
@inline
function tailAbove(a: v128): v128 {
  let p = fma(constant(TAIL_4), a, constant(TAIL_3));
  p = fma(p, a, constant(TAIL_2));
  p = fma(p, a, constant(TAIL_1));
  return fma(p, a, constant(TAIL_0));
}

/** Its denominator. */
// @ts-ignore: decorator
@inline
function tailBelow(a: v128): v128 {
  let p = fma(constant(TAIL_BELOW_5), a, constant(TAIL_BELOW_4));
  p = fma(p, a, constant(TAIL_BELOW_3));
  p = fma(p, a, constant(TAIL_BELOW_2));
  p = fma(p, a, constant(TAIL_BELOW_1));
  return fma(p, a, constant(ONE));
}

/** exp(-a^2 / 2) for 0 <= a <= 13, or 15 if `all`. */
// @ts-ignore: decorator
@inline
function normalExp(all: bool, a: v128): v128 {
  const shifted = fma(f32x4.mul(a, a), constant(MINUS_HALF_LOG2_E), constant(ROUND_F32));
  const p = expOfRemainder(squareRemainder(a, shifted));
  return all ? scaleTimes(p, shifted, constant(ONE)) : scaleUsual(p, shifted);
}

// @ts-ignore: decorator
@inline
function normal(all: bool, x: v128): v128 {
  const zero = constant(MINUS_ZERO), size = f32x4.abs(x);
  let a = size, b = size;
  if (all) {
    a = f32x4.pmin(size, constant(NORMAL_HIGHEST));
    // -infinity times 0 is not a number, as in PyTorch.
    b = select(f32x4.eq(x, constant(MINUS_INFINITY)), size, a);
  }
  const below = f32x4.mul(normalExp(all, a), f32x4.div(f32x4.mul(b, tailAbove(a)), tailBelow(a)));
  return f32x4.sub(f32x4.pmax(x, zero), below);
}

/** Phi(x) + x phi(x); of -a, it is exp(-a^2 / 2) (tail(a) - a / sqrt(2 pi)). */
// @ts-ignore: decorator
@inline
function normalSlope(all: bool, x: v128): v128 {
  const size = f32x4.abs(x), a = all ? f32x4.pmin(size, constant(NORMAL_HIGHEST)) : size;
  const tail = f32x4.div(tailAbove(a), tailBelow(a));
  const rest = f32x4.sub(tail, f32x4.mul(size, constant(DENSITY)));
  const below = f32x4.mul(normalExp(all, a), rest);
  return select(f32x4.ge(x, f32x4.splat(0)), f32x4.sub(constant(ONE), below), below);
}

/** gelu(x) for |x| <= 13. */
// @ts-ignore: decorator
@inline
export function geluUsual(x: v128): v128 {
  return normal(false, x);
}

/** gelu(x). */
// @ts-ignore: decorator
@inline
export function geluVector(x: v128): v128 {
  return normal(true, x);
}

/** gelu'(x) for |x| <= 13. */
// @ts-ignore: decorator
@inline
export function geluSlopeUsual(x: v128): v128 {
  return normalSlope(false, x);
}

/** gelu'(x). */
// @ts-ignore: decorator
@inline
export function geluSlopeVector(x: v128): v128 {
  return normalSlope(true, x);
}

// --- the form with tanh: x sigmoid(v), v = x (A + B x^2), A = 2 sqrt(2 / pi), B = 0.044715 A ---

export const GELU_A: f64 = 1.5957691216057308;
export const GELU_B: f64 = 0.07135481627159826;
export const GELU_3B: f64 = 0.21406444881479477;
const A_F32 = memory.data<f32>([1.5957691216], 4);
const THREE_B_F32 = memory.data<f32>([0.2140644488], 4);
const A = memory.data<f64>([-1.5957691216057308], 8);
const B = memory.data<f64>([-0.07135481627159826], 8);
const LOG2_E = memory.data<f64>([1.4426950408889634], 8);
const LN2 = memory.data<f64>([0.6931471805599453], 8);
/** 1.5 * 2^52: adding it rounds to a whole number, which then stands in the low bits. */
const ROUND = memory.data<f64>([6755399441055744], 8);
/** Up to here, exp(v) and exp(-v) are normal. */
export const TANH_FORM_USUAL = memory.data<f32>([10], 4);
const TANH_FORM_SMALL = memory.data<f32>([-10], 4);
/** From here on, exp(-v) is 0. */
const TANH_FORM_HIGHEST = memory.data<f32>([12], 4);

/** -v in float64, of the two lower lanes: exp(-v) takes its relative error from the absolute one of v. */
// @ts-ignore: decorator
@inline
function exponent(x: v128): v128 {
  const d = f64x2.promote_low_f32x4(x);
  const slope = f64x2.add(f64x2.mul(f64x2.mul(d, d), v128.load64_splat(B)), v128.load64_splat(A));
  return f64x2.mul(d, slope);
}

/** n + ROUND, where n is the whole number nearest to v / log(2). */
// @ts-ignore: decorator
@inline
function wholes(v: v128): v128 {
  return f64x2.add(f64x2.mul(v, v128.load64_splat(LOG2_E)), v128.load64_splat(ROUND));
}

/** v - n log(2). */
// @ts-ignore: decorator
@inline
function remainder(v: v128, shifted: v128): v128 {
  const n = f64x2.sub(shifted, v128.load64_splat(ROUND));
  return f64x2.sub(v, f64x2.mul(n, v128.load64_splat(LN2)));
}

/** factor * exp(-v(x)) for |x| <= 12; the factor counts if `all`. */
// @ts-ignore: decorator
@inline
function tanhFormExp(all: bool, x: v128, factor: v128): v128 {
  const low = exponent(x), high = exponent(i64x2.shuffle(x, x, 1, 0));
  const s = wholes(low), t = wholes(high);
  const p = expOfRemainder(demote(remainder(low, s), remainder(high, t)));
  const shifted = i32x4.shuffle(s, t, 0, 2, 4, 6);
  return all ? scaleTimes(p, shifted, factor) : scaleUsual(p, shifted);
}

/** gelu's tanh form for |x| <= 10. */
// @ts-ignore: decorator
@inline
export function geluTanhUsual(x: v128): v128 {
  const one = constant(ONE);
  return f32x4.div(x, f32x4.add(one, tanhFormExp(false, x, one)));
}

/** x between -12 and 12. */
// @ts-ignore: decorator
@inline
function clamped(x: v128): v128 {
  const highest = constant(TANH_FORM_HIGHEST);
  return f32x4.pmax(f32x4.pmin(x, highest), f32x4.neg(highest));
}

/** gelu's tanh form: below -10, x / (1 + exp(-v)) is x exp(v). */
// @ts-ignore: decorator
@inline
export function geluTanhVector(x: v128): v128 {
  const one = constant(ONE), small = f32x4.lt(x, constant(TANH_FORM_SMALL)), z = clamped(x);
  const e = tanhFormExp(true, select(small, f32x4.neg(z), z), select(small, x, one));
  // x = -infinity makes NaN, as it does where x is multiplied by the 0 that the sigmoid is.
  const live = f32x4.gt(x, f32x4.neg(constant(TANH_FORM_HIGHEST)));
  return select(small, f32x4.mul(e, v128.and(one, live)), f32x4.div(x, f32x4.add(one, e)));
}

/** The derivative of v, from x^2. */
// @ts-ignore: decorator
@inline
function slopeOfExponent(square: v128): v128 {
  return fma(square, constant(THREE_B_F32), constant(A_F32));
}

/** The derivative of x s(v), s = sigmoid(v): s (1 + x (1 - s) v'), for |x| <= 10. */
// @ts-ignore: decorator
@inline
export function geluTanhSlopeUsual(x: v128): v128 {
  const one = constant(ONE), e = tanhFormExp(false, x, one), s = f32x4.div(one, f32x4.add(one, e));
  const rest = f32x4.mul(f32x4.mul(x, f32x4.mul(e, s)), slopeOfExponent(f32x4.mul(x, x)));
  return f32x4.mul(s, f32x4.add(one, rest));
}

/** The same for all x: below -10, s is exp(v), and 1 - s is 1. */
// @ts-ignore: decorator
@inline
export function geluTanhSlopeVector(x: v128): v128 {
  const one = constant(ONE), small = f32x4.lt(x, constant(TANH_FORM_SMALL)), z = clamped(x);
  const e = tanhFormExp(true, select(small, f32x4.neg(z), z), one);
  const s = select(small, e, f32x4.div(one, f32x4.add(one, e)));
  // Not a number, as x (1 - s) v' s is, where x is infinite.
  const other = f32x4.mul(f32x4.add(z, f32x4.sub(x, x)), select(small, one, f32x4.mul(e, s)));
  const rest = f32x4.mul(other, slopeOfExponent(f32x4.mul(z, z)));
  return f32x4.mul(s, f32x4.add(one, rest));
}
