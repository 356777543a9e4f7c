/**
 * gelu's tanh form, x sigmoid(x (A + B x^2)) with A = 2 sqrt(2 / pi) and B = 0.044715 A: what the function and its
 * gradient share.
 */
export const GELU_A: f64 = 1.5957691216057308;
export const GELU_B: f64 = 0.07135481627159826;
export const GELU_3B: f64 = 0.21406444881479477;
export const GELU_A_F32 = memory.data<f32>([1.5957691216], 4);
export const GELU_3B_F32 = memory.data<f32>([0.2140644488], 4);
const GELU_A_F64 = memory.data<f64>([1.5957691216057308], 8);
const GELU_B_F64 = memory.data<f64>([0.07135481627159826], 8);
/** Above this, exp(-x (A + B x^2)) is 0. */
export const GELU_HIGHEST = memory.data<f32>([12], 4);
/** -x (A + B x^2) in float64, of the two lower lanes. */
// @ts-ignore: decorator
@inline
export function geluExponent(x: v128): v128 {
  const d = f64x2.promote_low_f32x4(x);
  const slope = f64x2.add(
    f64x2.mul(f64x2.mul(d, d), v128.load64_splat(GELU_B_F64)),
    v128.load64_splat(GELU_A_F64),
  );
  return f64x2.neg(f64x2.mul(d, slope));
}
