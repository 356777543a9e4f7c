/**
 * expm1 and log1p of four floats at once, for every float32; errors in units in the last place, as in math.ts.
 */
import {
  constant,
  EXP_USUAL,
  expm1Usual,
  expVector,
  LOG_MANTISSA,
  LOG_SQRT_HALF,
  logOfParts,
  logVector,
  select,
} from "./math";

const ONE = memory.data<f32>([1], 4);
const MINUS_ONE = memory.data<f32>([-1], 4);
const EXPM1_LOWEST = memory.data<f32>([-20], 4);
/** Above this, log(1 + x) is log(x). */
const LOG1P_HIGHEST = memory.data<f32>([1e30], 4);

/** exp(x) - 1: above 87 it is exp(x). Largest error 2 ulp. */
// @ts-ignore: decorator
@inline
export function expm1Vector(x: v128): v128 {
  const highest = constant(EXP_USUAL), above = f32x4.gt(x, highest);
  let y = expm1Usual(f32x4.pmax(f32x4.pmin(x, highest), constant(EXPM1_LOWEST)));
  // The sign of -0 is lost in the sums.
  y = select(f32x4.eq(x, f32x4.splat(0)), x, y);
  return v128.any_true(above) ? select(above, expVector(x), y) : y;
}

/** log(1 + x): of u = 1 + x as rounded, and what x - (u - 1) adds to it. Largest error 2 ulp. */
// @ts-ignore: decorator
@inline
export function log1pVector(x: v128): v128 {
  const one = constant(ONE), u = f32x4.add(x, one), lost = f32x4.sub(x, f32x4.sub(u, one));
  const bits = i32x4.sub(u, constant(LOG_SQRT_HALF)), n = i32x4.shr_s(bits, 23);
  const m = i32x4.add(v128.and(bits, constant(LOG_MANTISSA)), constant(LOG_SQRT_HALF));
  const scale = i32x4.sub(one, i32x4.shl(n, 23)); // 2^-n
  const f = f32x4.add(f32x4.sub(m, one), f32x4.mul(lost, scale));
  const y = logOfParts(f32x4.convert_i32x4_s(n), f);
  const usual = v128.and(f32x4.gt(x, constant(MINUS_ONE)), f32x4.lt(x, constant(LOG1P_HIGHEST)));
  const right = select(f32x4.eq(x, f32x4.splat(0)), x, y);
  return i32x4.all_true(usual)
    ? right
    : select(usual, right, logVector(select(f32x4.gt(x, one), x, u)));
}
