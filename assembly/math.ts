/**
 * Elementary functions of four floats at once, for every family to inline.
 *
 * The functions named ...Vector hold for every float32, denormals, infinities and NaN included; those named ...Usual for
 * the arguments that `usual` or their comments tell, where they give the same bits for less. The errors given are the
 * largest found over a sweep of the whole range, in units in the last place of float32 (tests/unary_test.ts). A remainder
 * of fewer than four elements goes through the same functions, so that a result never depends on where a loop was split.
 *
 * Polynomials: minimax fits to the functions named, their coefficients rounded to float32 from the lowest on. Constants
 * are loaded from memory: V8 makes a vector constant anew at each use. Loops take four vectors at a time, and ask once for
 * all four whether they are usual: exp of a million floats took 0.93 ms always careful and one vector at a time, 0.63 in
 * its usual form, 0.48 with four vectors at a time (0.45 with all constants in local variables; AMD EPYC, Deno 2.9.6).
 */
import { fma } from "./simd";

const LOG2_E = memory.data<f32>([1.4426950408889634], 4);
// log(2) in two parts; the first has 9 bits, so that its product with a whole number below 2^15 is exact.
const LN2_HIGH = memory.data<f32>([0.693359375], 4);
const LN2_LOW = memory.data<f32>([-2.12194440e-4], 4);
const MINUS_LN2_HIGH = memory.data<f32>([-0.693359375], 4);
const MINUS_LN2_LOW = memory.data<f32>([2.12194440e-4], 4);
/** 1.5 * 2^23: adding it rounds to a whole number, which then stands in the low bits. */
const ROUND = memory.data<f32>([12582912], 4);
const ONE = memory.data<f32>([1], 4);
const HALF = memory.data<f32>([0.5], 4);
const MINUS_HALF = memory.data<f32>([-0.5], 4);
const TWO_TO_23 = memory.data<f32>([8388608], 4);
const INFINITY = memory.data<u32>([0x7f800000], 4);
const SIGN = memory.data<u32>([0x80000000], 4);

/** A constant in all four lanes. */
// @ts-ignore: decorator
@inline
export function constant(address: usize): v128 {
  return v128.load32_splat(address);
}

/** `x` where its mask is set, else `y`. */
// @ts-ignore: decorator
@inline
export function select(mask: v128, x: v128, y: v128): v128 {
  return v128.bitselect(x, y, mask);
}

/** The two float64 pairs as four floats. */
// @ts-ignore: decorator
@inline
export function demote(low: v128, high: v128): v128 {
  return i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/** Whether no lane of four vectors is above `limit` in size, or not a number. The limit is given by its bits. */
// @ts-ignore: decorator
@inline
export function within(limit: usize, x0: v128, x1: v128, x2: v128, x3: v128): bool {
  const a = i32x4.max_s(f32x4.abs(x0), f32x4.abs(x1)), b = i32x4.max_s(f32x4.abs(x2), f32x4.abs(x3));
  return !v128.any_true(i32x4.gt_s(i32x4.max_s(a, b), constant(limit)));
}

// --- exp: x = n log(2) + r, |r| <= log(2) / 2; exp(x) = 2^n exp(r) ---

// (exp(r) - 1 - r) / r^2
const EXP_0 = memory.data<f32>([0.49999994], 4);
const EXP_1 = memory.data<f32>([0.166665167], 4);
const EXP_2 = memory.data<f32>([0.041668281], 4);
const EXP_3 = memory.data<f32>([0.00836924929], 4);
const EXP_4 = memory.data<f32>([0.00138207746], 4);
const EXP_LOWEST = memory.data<f32>([-104], 4);
/** The first number whose exponential is infinite. */
const EXP_HIGHEST = memory.data<f32>([88.72284], 4);
/** log(2^-126): below it, exponentials are denormal. */
/** Below this, 1 + exp(-x) is exp(-x), and may overflow. */
export const EXP_SMALL = memory.data<f32>([-87], 4);
const EXP_DENORMAL = memory.data<f32>([-87.33654], 4);
/** Up to this size, exp(x) and exp(-x) are normal. */
export const EXP_USUAL = memory.data<f32>([87], 4);
/** ROUND + 127: what stands in the low bits, moved to the exponent's place, is a power of two. */
const ROUND_BIASED = memory.data<f32>([12583039], 4);
const DENORMAL_BIAS = memory.data<i32>([276], 4); // 149 + 127

/** n + ROUND, where n is the whole number nearest to x / log(2). */
// @ts-ignore: decorator
@inline
export function expShifted(x: v128): v128 {
  return fma(x, constant(LOG2_E), constant(ROUND));
}

/** r = x - n log(2). */
// @ts-ignore: decorator
@inline
export function expRemainder(x: v128, shifted: v128): v128 {
  const n = f32x4.sub(shifted, constant(ROUND));
  return fma(n, constant(MINUS_LN2_LOW), fma(n, constant(MINUS_LN2_HIGH), x));
}

/** The sign, the exponent and 12 bits of the mantissa, whose square is exact. */
const HIGH_BITS = memory.data<u32>([0xfffff000], 4);

/** r = -a^2 / 2 - n log(2), the square not rounded. */
// @ts-ignore: decorator
@inline
export function squareRemainder(a: v128, shifted: v128): v128 {
  const n = f32x4.sub(shifted, constant(ROUND)), half = constant(MINUS_HALF);
  if (ASC_FEATURE_RELAXED_SIMD) {
    const r = fma(a, f32x4.mul(a, half), f32x4.mul(n, constant(MINUS_LN2_HIGH)));
    return fma(n, constant(MINUS_LN2_LOW), r);
  }
  const high = v128.and(a, constant(HIGH_BITS));
  const main = f32x4.mul(f32x4.mul(high, high), half);
  const rest = f32x4.mul(f32x4.mul(f32x4.sub(a, high), f32x4.add(a, high)), half);
  return f32x4.add(
    fma(n, constant(MINUS_LN2_HIGH), main),
    fma(n, constant(MINUS_LN2_LOW), rest),
  );
}

/** exp(r) for |r| <= 0.35. */
// @ts-ignore: decorator
@inline
export function expOfRemainder(r: v128): v128 {
  let p = fma(constant(EXP_4), r, constant(EXP_3));
  p = fma(p, r, constant(EXP_2));
  p = fma(p, r, constant(EXP_1));
  p = fma(p, r, constant(EXP_0));
  p = fma(p, r, constant(ONE));
  return fma(p, r, constant(ONE));
}

/** 2^n p, where that is a normal number. */
// @ts-ignore: decorator
@inline
export function scaleUsual(p: v128, shifted: v128): v128 {
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** exp(x) for |x| <= 87. */
// @ts-ignore: decorator
@inline
export function expUsual(x: v128): v128 {
  const shifted = expShifted(x);
  return scaleUsual(expOfRemainder(expRemainder(x, shifted)), shifted);
}

/** exp(x). Largest error 1 ulp. */
// @ts-ignore: decorator
@inline
export function expVector(x: v128): v128 {
  // The order of the operands makes pmin and pmax keep a NaN.
  const z = f32x4.pmax(f32x4.pmin(x, constant(EXP_HIGHEST)), constant(EXP_LOWEST));
  const shifted = expShifted(z), p = expOfRemainder(expRemainder(z, shifted));
  const normal = i32x4.min_s(scaleUsual(p, shifted), constant(INFINITY));
  // A denormal as a whole number of its last places, which adding 2^23 leaves in the low bits: the processor takes many
  // times as long where an operation's result is denormal.
  const places = f32x4.mul(p, i32x4.shl(i32x4.add(shifted, constant(DENORMAL_BIAS)), 23));
  const denormal = i32x4.sub(f32x4.add(places, constant(TWO_TO_23)), constant(TWO_TO_23));
  const y = select(f32x4.lt(z, constant(EXP_DENORMAL)), denormal, normal);
  return v128.or(y, f32x4.ne(x, x));
}

/**
 * exp(x) for x <= 0, but 0 where that is below the normal numbers: as terms of a sum that is no less than 1 they do not
 * count, and masked elements are common.
 */
// @ts-ignore: decorator
@inline
export function expFlushed(x: v128): v128 {
  const z = f32x4.pmax(x, constant(EXP_LOWEST)), round = constant(ROUND_BIASED);
  const shifted = fma(z, constant(LOG2_E), round), n = f32x4.sub(shifted, round);
  const r = fma(n, constant(MINUS_LN2_LOW), fma(n, constant(MINUS_LN2_HIGH), z));
  return f32x4.mul(expOfRemainder(r), i32x4.max_s(i32x4.shl(shifted, 23), i32x4.splat(0)));
}

// 2^n as a product of two, each within the range of normal numbers: 2^n itself may be below it.

/** 2^floor(n / 2). */
// @ts-ignore: decorator
@inline
function expScaleFirst(shifted: v128): v128 {
  const half = i32x4.shr_s(i32x4.sub(shifted, constant(ROUND)), 1);
  return i32x4.add(i32x4.shl(half, 23), constant(ONE));
}

/** 2^ceil(n / 2). */
// @ts-ignore: decorator
@inline
function expScaleSecond(shifted: v128): v128 {
  const n = i32x4.sub(shifted, constant(ROUND));
  return i32x4.add(i32x4.shl(i32x4.sub(n, i32x4.shr_s(n, 1)), 23), constant(ONE));
}

/** 2^n p factor, which may be denormal; p is about 1. Its bits are those of `scaleUsual` times the factor. */
// @ts-ignore: decorator
@inline
export function scaleTimes(p: v128, shifted: v128, factor: v128): v128 {
  return f32x4.mul(
    f32x4.mul(f32x4.mul(p, expScaleFirst(shifted)), factor),
    expScaleSecond(shifted),
  );
}

const EXP_TINY = memory.data<f32>([-174], 4);

/** factor * exp(x) for x <= 87, right also where exp(x) alone would be denormal. */
// @ts-ignore: decorator
@inline
export function expTimes(x: v128, factor: v128): v128 {
  const z = f32x4.pmax(x, constant(EXP_TINY)), shifted = expShifted(z);
  const p = expOfRemainder(expRemainder(z, shifted));
  // An infinite factor of exp(x) = 0 makes NaN.
  return f32x4.mul(scaleTimes(p, shifted, factor), v128.and(constant(ONE), f32x4.ge(x, constant(EXP_TINY))));
}

// --- expm1, for elu ---

// (expm1(r) - r) / r^2
const EXPM1_0 = memory.data<f32>([0.5], 4);
const EXPM1_1 = memory.data<f32>([0.166666657], 4);
const EXPM1_2 = memory.data<f32>([0.0416664854], 4);
const EXPM1_3 = memory.data<f32>([0.00833354145], 4);
const EXPM1_4 = memory.data<f32>([0.00139332283], 4);
const EXPM1_5 = memory.data<f32>([0.000197669942], 4);
const EXPM1_LOWEST = memory.data<f32>([-20], 4);

/** exp(x) - 1 for -20 <= x <= 87: 2^n (exp(r) - 1) + (2^n - 1), where n = 0 leaves the polynomial alone. */
// @ts-ignore: decorator
@inline
export function expm1Usual(x: v128): v128 {
  const shifted = expShifted(x), r = expRemainder(x, shifted);
  let p = fma(constant(EXPM1_5), r, constant(EXPM1_4));
  p = fma(p, r, constant(EXPM1_3));
  p = fma(p, r, constant(EXPM1_2));
  p = fma(p, r, constant(EXPM1_1));
  p = fma(p, r, constant(EXPM1_0));
  p = fma(f32x4.mul(r, r), p, r);
  const scale = i32x4.add(i32x4.shl(shifted, 23), constant(ONE));
  return fma(p, scale, f32x4.sub(scale, constant(ONE)));
}

/** exp(x) - 1 for x <= 0. Largest error 2 ulp. */
// @ts-ignore: decorator
@inline
export function expm1OfNegative(x: v128): v128 {
  return expm1Usual(f32x4.pmax(x, constant(EXPM1_LOWEST)));
}

// --- tanh ---

// tanh(x / 2) = n / (2 + e), n = x times a polynomial in x^2, e = x^2 times another, |x| < 9.2; all terms are positive, so
// nothing cancels. tanh(x) = 2 n (2 + e) / (n^2 + (2 + e)^2) takes the less of their errors the nearer it is to 1, and
// what is added to the whole numbers, of the errors of small terms, the less the nearer it is to 0.
const TANH_1 = memory.data<f32>([0.0297649372], 4);
const TANH_2 = memory.data<f32>([0.00011406008], 4);
const TANH_BELOW_1 = memory.data<f32>([0.226196468], 4);
const TANH_BELOW_2 = memory.data<f32>([0.00241123629], 4);
const TANH_BELOW_3 = memory.data<f32>([2.44972148e-06], 4);
const FOUR = memory.data<f32>([4], 4);
/** From here on, tanh is 1. */
const TANH_HIGHEST = memory.data<f32>([9], 4);
const TANH_LOWEST = memory.data<f32>([-9], 4);

/** tanh(x). Largest error 3.7 ulp, 4 in the baseline flavour. */
// @ts-ignore: decorator
@inline
export function tanhVector(x: v128): v128 {
  const z = f32x4.pmax(f32x4.pmin(x, constant(TANH_HIGHEST)), constant(TANH_LOWEST));
  const s = f32x4.mul(z, z), four = constant(FOUR);
  const n = fma(fma(constant(TANH_2), s, constant(TANH_1)), f32x4.mul(z, s), z), twice = f32x4.add(n, n);
  let e = fma(constant(TANH_BELOW_3), s, constant(TANH_BELOW_2));
  e = f32x4.mul(fma(e, s, constant(TANH_BELOW_1)), s);
  const above = fma(twice, e, f32x4.add(twice, twice));
  const below = f32x4.add(fma(e, f32x4.add(e, four), f32x4.mul(n, n)), four);
  const y = f32x4.div(above, below);
  if (ASC_FEATURE_RELAXED_SIMD) return y;
  // Where products are rounded, some results near 1 are one place above.
  const one = constant(ONE);
  return f32x4.pmax(f32x4.pmin(y, one), f32x4.neg(one));
}

/** 1 / (1 + exp(-x)) for |x| <= 87. */
// @ts-ignore: decorator
@inline
export function sigmoidUsual(x: v128): v128 {
  const one = constant(ONE);
  return f32x4.div(one, f32x4.add(one, expUsual(f32x4.neg(x))));
}

/** 1 / (1 + exp(-x)), which is exp(x) where it is small. Largest error 2 ulp. */
// @ts-ignore: decorator
@inline
export function sigmoidVector(x: v128): v128 {
  const one = constant(ONE), small = f32x4.lt(x, constant(EXP_SMALL));
  const e = expVector(select(small, x, f32x4.neg(x)));
  return select(small, e, f32x4.div(one, f32x4.add(one, e)));
}

// --- log: x = 2^n (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); log(x) = n log(2) + log(1 + f) ---

// (log(1 + f) - f + f^2 / 2) / f^3
const LOG_0 = memory.data<f32>([0.333333313], 4);
const LOG_1 = memory.data<f32>([-0.250008255], 4);
const LOG_2 = memory.data<f32>([0.20001249], 4);
const LOG_3 = memory.data<f32>([-0.166231886], 4);
const LOG_4 = memory.data<f32>([0.142012209], 4);
const LOG_5 = memory.data<f32>([-0.131615311], 4);
const LOG_6 = memory.data<f32>([0.127658874], 4);
const LOG_7 = memory.data<f32>([-0.0763584077], 4);
/** The bits of sqrt(1/2), and of a mantissa. */
export const LOG_SQRT_HALF = memory.data<i32>([0x3f3504f3], 4);
export const LOG_MANTISSA = memory.data<i32>([0x007fffff], 4);
const LOWEST_NORMAL = memory.data<f32>([1.17549435e-38], 4);
/** How many bit patterns are normal numbers above 0. */
const NORMALS = memory.data<u32>([0x7f000000], 4);
const TWENTY_THREE = memory.data<f32>([23], 4);

/** n log(2) + log(1 + f). */
// @ts-ignore: decorator
@inline
export function logOfParts(n: v128, f: v128): v128 {
  let p = fma(constant(LOG_7), f, constant(LOG_6));
  p = fma(p, f, constant(LOG_5));
  p = fma(p, f, constant(LOG_4));
  p = fma(p, f, constant(LOG_3));
  p = fma(p, f, constant(LOG_2));
  p = fma(p, f, constant(LOG_1));
  p = fma(p, f, constant(LOG_0));
  const f2 = f32x4.mul(f, f);
  // Smallest terms first.
  let y = f32x4.mul(f32x4.mul(f2, f), p);
  y = fma(n, constant(LN2_LOW), y);
  y = fma(f2, constant(MINUS_HALF), y);
  y = f32x4.add(y, f);
  return fma(n, constant(LN2_HIGH), y);
}

/** log(x) for normal x > 0. */
// @ts-ignore: decorator
@inline
export function logUsual(x: v128): v128 {
  const bits = i32x4.sub(x, constant(LOG_SQRT_HALF));
  const m = i32x4.add(v128.and(bits, constant(LOG_MANTISSA)), constant(LOG_SQRT_HALF));
  return logOfParts(f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23)), f32x4.sub(m, constant(ONE)));
}

/** Whether all lanes of four vectors are normal numbers above 0. */
// @ts-ignore: decorator
@inline
export function positive(x0: v128, x1: v128, x2: v128, x3: v128): bool {
  const low = constant(LOWEST_NORMAL);
  const a = i32x4.max_u(i32x4.sub(x0, low), i32x4.sub(x1, low));
  const b = i32x4.max_u(i32x4.sub(x2, low), i32x4.sub(x3, low));
  return i32x4.all_true(i32x4.lt_u(i32x4.max_u(a, b), constant(NORMALS)));
}

/** log(x); NaN below 0. Largest error 1 ulp. */
// @ts-ignore: decorator
@inline
export function logVector(x: v128): v128 {
  const denormal = f32x4.lt(x, constant(LOWEST_NORMAL));
  const z = select(denormal, f32x4.mul(x, constant(TWO_TO_23)), x);
  const bits = i32x4.sub(z, constant(LOG_SQRT_HALF));
  const m = i32x4.add(v128.and(bits, constant(LOG_MANTISSA)), constant(LOG_SQRT_HALF));
  const n = f32x4.sub(
    f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23)),
    v128.and(denormal, constant(TWENTY_THREE)),
  );
  const y = logOfParts(n, f32x4.sub(m, constant(ONE)));
  // 0 -> -inf, inf -> inf, below 0 and NaN -> NaN.
  const zero = f32x4.splat(0), infinity = constant(INFINITY);
  const above = select(f32x4.eq(x, infinity), infinity, y);
  const right = select(f32x4.eq(x, zero), f32x4.neg(infinity), above);
  return v128.or(right, v128.not(f32x4.ge(x, zero)));
}

const SQRT_2_LESS_1 = memory.data<f32>([0.41421356], 4);

/** log(1 + x) for 0 <= x <= 1: of the halved 1 + x where that is above sqrt(2). Largest error 2 ulp. */
// @ts-ignore: decorator
@inline
export function log1pOfUnit(x: v128): v128 {
  const one = constant(ONE), above = f32x4.gt(x, constant(SQRT_2_LESS_1));
  const f = select(above, f32x4.mul(f32x4.sub(x, one), constant(HALF)), x);
  return logOfParts(v128.and(above, one), f);
}

// --- erf ---

// erf(x) / x - 1 as a polynomial in x^2, |x| < 0.9278
const ERF_0 = memory.data<f32>([0.128379151], 4);
const ERF_1 = memory.data<f32>([-0.376124918], 4);
const ERF_2 = memory.data<f32>([0.112817667], 4);
const ERF_3 = memory.data<f32>([-0.0267643146], 4);
const ERF_4 = memory.data<f32>([0.00498935999], 4);
const ERF_5 = memory.data<f32>([-0.000596986734], 4);
// -log(erfc(x)) / x - 1, 0.92 < x < 4
const ERFC_0 = memory.data<f32>([0.128514364], 4);
const ERFC_1 = memory.data<f32>([0.635718286], 4);
const ERFC_2 = memory.data<f32>([0.105261914], 4);
const ERFC_3 = memory.data<f32>([-0.0228900388], 4);
const ERFC_4 = memory.data<f32>([0.00321499095], 4);
const ERFC_5 = memory.data<f32>([-0.000213991167], 4);
const ERF_BORDER = memory.data<f32>([0.9277344], 4);
const ERF_HIGHEST = memory.data<f32>([4], 4);

/** erf(x): a polynomial near 0, 1 - exp(polynomial) elsewhere. Largest error 1 ulp. */
// @ts-ignore: decorator
@inline
export function erfVector(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), constant(ERF_HIGHEST)), s = f32x4.mul(a, a);
  let near = fma(constant(ERF_5), s, constant(ERF_4));
  near = fma(near, s, constant(ERF_3));
  near = fma(near, s, constant(ERF_2));
  near = fma(near, s, constant(ERF_1));
  near = fma(near, s, constant(ERF_0));
  near = fma(near, a, a);
  let far = fma(constant(ERFC_5), a, constant(ERFC_4));
  far = fma(far, a, constant(ERFC_3));
  far = fma(far, a, constant(ERFC_2));
  far = fma(far, a, constant(ERFC_1));
  far = fma(far, a, constant(ERFC_0));
  far = fma(far, a, a);
  const z = f32x4.neg(far), shifted = expShifted(z);
  const e = expOfRemainder(expRemainder(z, shifted));
  const scale = i32x4.add(i32x4.shl(shifted, 23), constant(ONE));
  far = f32x4.sub(constant(ONE), f32x4.mul(e, scale));
  const y = select(f32x4.lt(a, constant(ERF_BORDER)), near, far);
  return v128.or(y, v128.and(x, constant(SIGN)));
}
