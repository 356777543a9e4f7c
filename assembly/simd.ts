/**
 * What all kernels share: the fused multiply-add of the flavour, sums over lanes, and swaps of lanes.
 */

/** a * b + c in each lane: one rounding in the relaxed flavour, two in the baseline. */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** Lanes 1, 0, 3, 2. */
// @ts-ignore: decorator
@inline
export function swapNeighbours(x: v128): v128 {
  return i32x4.shuffle(x, x, 1, 0, 3, 2);
}

/** Lanes 2, 3, 0, 1. */
// @ts-ignore: decorator
@inline
export function swapHalves(x: v128): v128 {
  return i32x4.shuffle(x, x, 2, 3, 0, 1);
}
