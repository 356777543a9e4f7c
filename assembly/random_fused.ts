/**
 * Fused multiply-adds (one rounding of a * b + c) out of ordinary arithmetic: baseline WebAssembly has none, and the
 * relaxed one may or may not be fused. PyTorch's random numbers depend on them in the last bit.
 */

/**
 * The float32 a * b + c of float32 numbers held in doubles, for two lanes; returned in double, one f32 rounding short.
 * a * b is exact (48 bits). The sum is rounded to odd: when it is inexact and its last bit is even, it moves one double
 * towards the error, so that the caller's rounding to float32 can never land on a false half-way case.
 * Source: Knuth's TwoSum; Boldo & Melquiond, "Emulation of FMA and correctly rounded sums" (2008).
 */
// @ts-ignore: decorator
@inline
export function fma_odd_f64x2(a: v128, b: v128, c: v128): v128 {
  const product = f64x2.mul(a, b);
  const sum = f64x2.add(product, c);
  const back = f64x2.sub(sum, product);
  const error = f64x2.add(f64x2.sub(product, f64x2.sub(sum, back)), f64x2.sub(c, back));
  const inexact = f64x2.ne(error, f64x2.splat(0));
  const even = i64x2.eq(v128.and(sum, i64x2.splat(1)), i64x2.splat(0));
  // +1 on the bits moves away from zero, which is right when sum and error have one sign; otherwise -1 = 1 - 2.
  const towards_zero = v128.and(i64x2.shr_u(v128.xor(sum, error), 62), i64x2.splat(2));
  const move = i64x2.sub(i64x2.splat(1), towards_zero);
  return i64x2.add(sum, v128.and(move, v128.and(inexact, even)));
}

/** Two doubles rounded to float32, stored side by side. */
// @ts-ignore: decorator
@inline
export function store_f32x2(at: usize, x: v128): void {
  v128.store64_lane(at, f32x4.demote_f64x2_zero(x), 0);
}

/** The upper 26 bits of a double (Veltkamp's split); the rest is a - high(a), exactly. */
// @ts-ignore: decorator
@inline
function high(a: f64): f64 {
  const t = a * 134217729.0;
  return t - (t - a);
}

/**
 * The double a * b + c with one rounding, where nothing overflows or becomes subnormal on the way.
 * The product becomes two doubles (Dekker), c is added to both (TwoSum), the two small parts are added with rounding to
 * odd, and one last addition rounds. Source: Boldo & Melquiond (2008), algorithm Fmac.
 */
// @ts-ignore: decorator
@inline
export function fma_f64(a: f64, b: f64, c: f64): f64 {
  const product = a * b;
  const ah = high(a), al = a - ah, bh = high(b), bl = b - bh;
  const rest = al * bl - (((product - ah * bh) - al * bh) - ah * bl);
  const low = c + rest;
  const t = low - c;
  const low_error = (c - (low - t)) + (rest - t);
  const sum = product + low;
  const s = sum - product;
  const sum_error = (product - (sum - s)) + (low - s);
  return sum + add_odd(sum_error, low_error);
}

/** a + b rounded to odd. */
// @ts-ignore: decorator
@inline
function add_odd(a: f64, b: f64): f64 {
  const sum = a + b;
  const t = sum - a;
  const error = (a - (sum - t)) + (b - t);
  const bits = reinterpret<i64>(sum);
  if (error == 0 || (bits & 1) != 0) return sum;
  return reinterpret<f64>(bits + 1 - (((bits ^ reinterpret<i64>(error)) >>> 62) & 2));
}
