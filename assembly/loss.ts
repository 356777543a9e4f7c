/**
 * Losses of pairs: a value for each element of a prediction x and a target t.
 *
 *     mse                  (x - t)^2
 *     l1                   |x - t|
 *     smooth_l1            (x - t)^2 / (2 p) where |x - t| < p, else |x - t| - p / 2
 *     huber                (x - t)^2 / 2 where |x - t| < p, else p (|x - t| - p / 2)
 *     binary_cross_entropy -t max(log x, -100) - (1 - t) max(log(1 - x), -100)
 *      ... _with_logits    (1 - t) x + log(1 + exp(-x)), as (1 - t) x + max(-x, 0) + log(1 + exp(-|x|))
 *
 * Each comes as a tensor of losses [begin, end), as their sum over a divisor, and with its gradient
 * dx = factor * dy * derivative, where dy is one number (dyStep 0) or one for each element (1).
 */
import { loadLanes, storeLanes } from "./lanes";
import { constant, expVector, log1pOfUnit, select, sigmoidVector } from "./math";
import { sumLanes } from "./simd";

const MSE = 0;
const L1 = 1;
const SMOOTH_L1 = 2;
const HUBER = 3;
const LOGITS = 4;
const PROBABILITIES = 5;

/** Vectors summed in one go before they join the total: two levels keep the rounding error small. */
const BLOCK = 256;

const ONE = memory.data<f32>([1], 4);
const HALF = memory.data<f32>([0.5], 4);
const SIGN = memory.data<u32>([0x80000000], 4);

/** The loss of four elements. */
// @ts-ignore: decorator
@inline
function lossVector(kind: i32, x: v128, t: v128, p: v128): v128 {
  if (kind == LOGITS) {
    const zero = f32x4.splat(0), a = f32x4.abs(x);
    const tail = log1pOfUnit(expVector(f32x4.neg(a)));
    const linear = f32x4.mul(f32x4.sub(constant(ONE), t), x);
    return f32x4.add(linear, f32x4.add(tail, f32x4.pmax(zero, f32x4.neg(x))));
  }
  const d = f32x4.sub(x, t), a = f32x4.abs(d);
  if (kind == MSE) return f32x4.mul(d, d);
  if (kind == L1) return a;
  const half = constant(HALF);
  const near = f32x4.mul(f32x4.mul(d, d), half), far = f32x4.sub(a, f32x4.mul(half, p));
  if (kind == SMOOTH_L1) return select(f32x4.lt(a, p), f32x4.div(near, p), far);
  return select(f32x4.lt(a, p), near, f32x4.mul(p, far));
}

/** 1 with the sign of d, 0 for 0, NaN for NaN. */
// @ts-ignore: decorator
@inline
function signVector(d: v128): v128 {
  const unit = v128.or(v128.and(d, constant(SIGN)), constant(ONE));
  return select(f32x4.ne(d, f32x4.splat(0)), select(f32x4.eq(d, d), unit, d), f32x4.splat(0));
}

/** The derivative of the loss of four elements by x. */
// @ts-ignore: decorator
@inline
function slopeVector(kind: i32, x: v128, t: v128, p: v128): v128 {
  if (kind == LOGITS) return f32x4.sub(sigmoidVector(x), t);
  const d = f32x4.sub(x, t);
  if (kind == MSE) return f32x4.add(d, d);
  const sign = signVector(d);
  if (kind == L1) return sign;
  const near = f32x4.lt(f32x4.abs(d), p);
  if (kind == SMOOTH_L1) return select(near, f32x4.div(d, p), sign);
  return select(near, d, f32x4.mul(p, sign));
}

/** The loss of one element. */
// @ts-ignore: decorator
@inline
function lossOf(kind: i32, x: f64, t: f64, p: f64): f64 {
  if (kind == PROBABILITIES) {
    const yes = NativeMath.log(x), no = NativeMath.log1p(-x);
    // The order of the operands keeps a NaN.
    return (t - 1) * (no < -100 ? -100 : no) - t * (yes < -100 ? -100 : yes);
  }
  if (kind == LOGITS) {
    return (1 - t) * x + NativeMath.log1p(NativeMath.exp(-NativeMath.abs(x))) + (x < 0 ? -x : 0);
  }
  const d = x - t, a = NativeMath.abs(d);
  if (kind == MSE) return d * d;
  if (kind == L1) return a;
  if (kind == SMOOTH_L1) return a < p ? 0.5 * d * d / p : a - 0.5 * p;
  return a < p ? 0.5 * d * d : p * (a - 0.5 * p);
}

/** The derivative of the loss of one element by x. */
// @ts-ignore: decorator
@inline
function slopeOf(kind: i32, x: f64, t: f64, p: f64): f64 {
  if (kind == PROBABILITIES) return (x - t) / max((1 - x) * x, 1e-12);
  if (kind == LOGITS) {
    const e = NativeMath.exp(-NativeMath.abs(x));
    return (x >= 0 ? 1 : e) / (1 + e) - t;
  }
  const d = x - t;
  if (kind == MSE) return 2 * d;
  const sign: f64 = d > 0 ? 1 : d < 0 ? -1 : d;
  if (kind == L1) return sign;
  const near = NativeMath.abs(d) < p;
  if (kind == SMOOTH_L1) return near ? d / p : sign;
  return near ? d : p * sign;
}

// @ts-ignore: decorator
@inline
function each(kind: i32, y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  const p = f32x4.splat(<f32> parameter), zero = f32x4.splat(0);
  for (let i = begin; i < end; i += 4) {
    const at = <usize> i << 2, count = end - i;
    const v = lossVector(kind, loadLanes<f32>(x + at, count, zero), loadLanes<f32>(t + at, count, zero), p);
    storeLanes<f32>(y + at, v, count);
  }
}

// @ts-ignore: decorator
@inline
function eachOf<T>(kind: i32, y: usize, x: usize, t: usize, p: f64, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>();
    store<T>(y + at, <T> lossOf(kind, <f64> load<T>(x + at), <f64> load<T>(t + at), p));
  }
}

// @ts-ignore: decorator
@inline
function total(kind: i32, y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  const p = f32x4.splat(<f32> parameter);
  let sum: f64 = 0, left = n;
  while (left >= 4) {
    let s0 = f32x4.splat(0), s1 = s0;
    const stop = max(left - 8 * BLOCK, 3);
    for (; left >= 8 && left > stop; left -= 8, x += 32, t += 32) {
      s0 = f32x4.add(s0, lossVector(kind, v128.load(x), v128.load(t), p));
      s1 = f32x4.add(s1, lossVector(kind, v128.load(x, 16), v128.load(t, 16), p));
    }
    if (left < 8 && left >= 4) {
      s0 = f32x4.add(s0, lossVector(kind, v128.load(x), v128.load(t), p));
      left -= 4, x += 16, t += 16;
    }
    sum += <f64> sumLanes(f32x4.add(s0, s1));
  }
  for (; left > 0; left--, x += 4, t += 4) {
    sum += lossOf(kind, <f64> load<f32>(x), <f64> load<f32>(t), parameter);
  }
  store<f32>(y, <f32> (sum / divisor));
}

// @ts-ignore: decorator
@inline
function totalOf<T>(kind: i32, y: usize, x: usize, t: usize, p: f64, divisor: f64, n: i32): void {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++, x += sizeof<T>(), t += sizeof<T>()) {
    sum += lossOf(kind, <f64> load<T>(x), <f64> load<T>(t), p);
  }
  store<T>(y, <T> (sum / divisor));
}

// @ts-ignore: decorator
@inline
function slopes(
  kind: i32, dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32,
  begin: i32, end: i32,
): void {
  const p = f32x4.splat(<f32> parameter), zero = f32x4.splat(0);
  const scale = f32x4.splat(<f32> factor);
  const whole = dyStep == 0 && begin < end ? f32x4.mul(scale, v128.load32_splat(dy)) : scale;
  for (let i = begin; i < end; i += 4) {
    const at = <usize> i << 2, count = end - i;
    const slope = slopeVector(kind, loadLanes<f32>(x + at, count, zero), loadLanes<f32>(t + at, count, zero), p);
    const g = dyStep == 0 ? whole : f32x4.mul(scale, loadLanes<f32>(dy + at, count, zero));
    storeLanes<f32>(dx + at, f32x4.mul(slope, g), count);
  }
}

// @ts-ignore: decorator
@inline
function slopesOf<T>(
  kind: i32, dx: usize, dy: usize, x: usize, t: usize, p: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>();
    const g = factor * <f64> load<T>(dy + at * <usize> dyStep);
    store<T>(dx + at, <T> (g * slopeOf(kind, <f64> load<T>(x + at), <f64> load<T>(t + at), p)));
  }
}

export function mse_loss(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  each(MSE, y, x, t, parameter, begin, end);
}

export function mse_loss_sum(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  total(MSE, y, x, t, parameter, divisor, n);
}

export function mse_loss_grad(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopes(MSE, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function mse_loss_f64(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  eachOf<f64>(MSE, y, x, t, parameter, begin, end);
}

export function mse_loss_sum_f64(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  totalOf<f64>(MSE, y, x, t, parameter, divisor, n);
}

export function mse_loss_grad_f64(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopesOf<f64>(MSE, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function l1_loss(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  each(L1, y, x, t, parameter, begin, end);
}

export function l1_loss_sum(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  total(L1, y, x, t, parameter, divisor, n);
}

export function l1_loss_grad(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopes(L1, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function l1_loss_f64(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  eachOf<f64>(L1, y, x, t, parameter, begin, end);
}

export function l1_loss_sum_f64(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  totalOf<f64>(L1, y, x, t, parameter, divisor, n);
}

export function l1_loss_grad_f64(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopesOf<f64>(L1, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function smooth_l1_loss(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  each(SMOOTH_L1, y, x, t, parameter, begin, end);
}

export function smooth_l1_loss_sum(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  total(SMOOTH_L1, y, x, t, parameter, divisor, n);
}

export function smooth_l1_loss_grad(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopes(SMOOTH_L1, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function smooth_l1_loss_f64(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  eachOf<f64>(SMOOTH_L1, y, x, t, parameter, begin, end);
}

export function smooth_l1_loss_sum_f64(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  totalOf<f64>(SMOOTH_L1, y, x, t, parameter, divisor, n);
}

export function smooth_l1_loss_grad_f64(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopesOf<f64>(SMOOTH_L1, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function huber_loss(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  each(HUBER, y, x, t, parameter, begin, end);
}

export function huber_loss_sum(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  total(HUBER, y, x, t, parameter, divisor, n);
}

export function huber_loss_grad(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopes(HUBER, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function huber_loss_f64(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  eachOf<f64>(HUBER, y, x, t, parameter, begin, end);
}

export function huber_loss_sum_f64(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  totalOf<f64>(HUBER, y, x, t, parameter, divisor, n);
}

export function huber_loss_grad_f64(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopesOf<f64>(HUBER, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function binary_cross_entropy_with_logits(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  each(LOGITS, y, x, t, parameter, begin, end);
}

export function binary_cross_entropy_with_logits_sum(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  total(LOGITS, y, x, t, parameter, divisor, n);
}

export function binary_cross_entropy_with_logits_grad(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopes(LOGITS, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function binary_cross_entropy_with_logits_f64(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  eachOf<f64>(LOGITS, y, x, t, parameter, begin, end);
}

export function binary_cross_entropy_with_logits_sum_f64(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  totalOf<f64>(LOGITS, y, x, t, parameter, divisor, n);
}

export function binary_cross_entropy_with_logits_grad_f64(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopesOf<f64>(LOGITS, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function binary_cross_entropy(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  eachOf<f32>(PROBABILITIES, y, x, t, parameter, begin, end);
}

export function binary_cross_entropy_sum(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  totalOf<f32>(PROBABILITIES, y, x, t, parameter, divisor, n);
}

export function binary_cross_entropy_grad(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopesOf<f32>(PROBABILITIES, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}

export function binary_cross_entropy_f64(y: usize, x: usize, t: usize, parameter: f64, begin: i32, end: i32): void {
  eachOf<f64>(PROBABILITIES, y, x, t, parameter, begin, end);
}

export function binary_cross_entropy_sum_f64(y: usize, x: usize, t: usize, parameter: f64, divisor: f64, n: i32): void {
  totalOf<f64>(PROBABILITIES, y, x, t, parameter, divisor, n);
}

export function binary_cross_entropy_grad_f64(
  dx: usize, dy: usize, x: usize, t: usize, parameter: f64, factor: f64, dyStep: i32, begin: i32, end: i32,
): void {
  slopesOf<f64>(PROBABILITIES, dx, dy, x, t, parameter, factor, dyStep, begin, end);
}
