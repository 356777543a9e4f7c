// deno-fmt-ignore-file: it deletes @inline before functions.
/**
 * Narrow elements and float32: float16, bfloat16 and int8 are widened exactly; float32 is rounded to nearest, ties to even.
 * Kernels tell the three apart by a type of the same size: the two 16-bit ones differ in their sign.
 */

/** The bits of a float16. */
export type Half = i16;
/** The bits of a bfloat16. */
export type Brain = u16;

// V8 builds a constant vector anew wherever one is used; from a constant address it is loaded.
/** The upper half of each lane. */
const HIGH = memory.data<u32>([0xffff0000, 0xffff0000, 0xffff0000, 0xffff0000], 16);
/** A float32's sign, the lower five bits of its exponent and the upper ten of its mantissa: what a float16 has. */
const FIELDS = memory.data<u32>([0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000], 16);
/** 2^112: the exponents of float16 and float32 are biased by 15 and 127. */
const REBIAS = memory.data<u32>([0x77800000, 0x77800000, 0x77800000, 0x77800000], 16);
/** 2^16: what an infinite float16 becomes if its exponent is taken for any other. */
const BEYOND = memory.data<u32>([0x47800000, 0x47800000, 0x47800000, 0x47800000], 16);
const INFINITY = memory.data<u32>([0x7f800000, 0x7f800000, 0x7f800000, 0x7f800000], 16);
/** 2^13 in the lower half of each lane. */
const SHIFT = memory.data<u32>([0x2000, 0x2000, 0x2000, 0x2000], 16);

/**
 * The even elements of a vector of narrow ones. bfloat16: four float32. float16: four float32 2^-112 times as large, which
 * is exact for finite ones. int8: eight int16.
 */
// @ts-ignore: decorator
@inline
export function evens<T>(v: v128): v128 {
  if (sizeof<T>() == 1) return i16x8.shr_s(i16x8.shl(v, 8), 8);
  if (!isSigned<T>()) return i32x4.shl(v, 16);
  // A product of 16-bit integers extends the sign and shifts in one instruction.
  return v128.and(i32x4.dot_i16x8_s(v, v128.load(SHIFT)), v128.load(FIELDS));
}

/** The odd elements, as `evens` gives the even ones. */
// @ts-ignore: decorator
@inline
export function odds<T>(v: v128): v128 {
  if (sizeof<T>() == 1) return i16x8.shr_s(v, 8);
  if (!isSigned<T>()) return v128.and(v, v128.load(HIGH));
  return v128.and(i32x4.shr_s(v, 3), v128.load(FIELDS));
}

/** The 16-bit floats in the upper halves of the lanes as float32; the lower halves are zero. */
// @ts-ignore: decorator
@inline
function widen<T>(v: v128): v128 {
  if (!isSigned<T>()) return v;
  const x = f32x4.mul(v128.and(i32x4.shr_s(v, 3), v128.load(FIELDS)), v128.load(REBIAS));
  return v128.or(x, v128.and(f32x4.ge(f32x4.abs(x), v128.load(BEYOND)), v128.load(INFINITY)));
}

/** One 16-bit float as float32. */
// @ts-ignore: decorator
@inline
export function widenOne<T>(bits: u16): f32 {
  return f32x4.extract_lane(widen<T>(i32x4.splat(<i32>bits << 16)), 0);
}

/** Eight 16-bit floats from p: the first four as float32. */
// @ts-ignore: decorator
@inline
export function widenLow<T>(v: v128): v128 {
  return widen<T>(i16x8.shuffle(i32x4.splat(0), v, 0, 8, 1, 9, 2, 10, 3, 11));
}

/** The last four. */
// @ts-ignore: decorator
@inline
export function widenHigh<T>(v: v128): v128 {
  return widen<T>(i16x8.shuffle(i32x4.splat(0), v, 4, 12, 5, 13, 6, 14, 7, 15));
}

/** `count` 16-bit floats that lie in one piece, as float32. */
export function widenRun<T>(to: usize, from: usize, count: i32): void {
  for (; count >= 8; count -= 8, to += 32, from += 16) {
    const v = v128.load(from);
    v128.store(to, widenLow<T>(v));
    v128.store(to, widenHigh<T>(v), 16);
  }
  for (; count > 0; count--, to += 4, from += 2) f32.store(to, widenOne<T>(load<u16>(from)));
}

/** float32 rounded to 16-bit floats, each in the lower half of its lane. */
// @ts-ignore: decorator
@inline
function narrow<T>(x: v128): v128 {
  const magnitude = v128.and(x, i32x4.splat(0x7fffffff));
  const isNaN = i32x4.gt_s(magnitude, v128.load(INFINITY));
  if (!isSigned<T>()) {
    const tie = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
    const rounded = i32x4.shr_u(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), tie), 16);
    return v128.bitselect(i32x4.splat(0x7fc0), rounded, isNaN);
  }
  const tie = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  let y = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), tie), 13);
  // Subnormal: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits.
  const small = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  y = v128.bitselect(small, y, i32x4.lt_s(magnitude, i32x4.splat(0x38800000)));
  // 65520 and above round to infinity.
  y = v128.bitselect(i32x4.splat(0x7c00), y, i32x4.ge_s(magnitude, i32x4.splat(0x477ff000)));
  y = v128.bitselect(i32x4.splat(0x7e00), y, isNaN);
  return v128.or(y, v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000)));
}

/** One float32 rounded to a 16-bit float. */
// @ts-ignore: decorator
@inline
export function narrowOne<T>(x: f32): u16 {
  return <u16>i32x4.extract_lane(narrow<T>(f32x4.splat(x)), 0);
}

/** `count` float32 that lie in one piece, rounded to 16-bit floats. */
export function narrowRun<T>(to: usize, from: usize, count: i32): void {
  for (; count >= 8; count -= 8, to += 16, from += 32) {
    v128.store(to, i16x8.narrow_i32x4_u(narrow<T>(v128.load(from)), narrow<T>(v128.load(from, 16))));
  }
  for (; count > 0; count--, to += 2, from += 4) store<u16>(to, narrowOne<T>(f32.load(from)));
}
