/**
 * Activation functions of one variable, y[i] = f(x[i]) for i in [begin, end), both contiguous. The parameters a, b, c are
 *
 * - threshold: a threshold, b value          - hardtanh: a lowest, b highest
 * - leaky_relu: a slope                      - softshrink, hardshrink: a lambda
 * - softplus: a beta, b threshold            - logit: a lowest, b highest, c whether to clamp to them
 * - elu: a expm1(c x) below 0, b x above     - polygamma: a order
 *
 * Largest errors of float32, in units in the last place: silu and gelu's tanh form 3, mish 4, gelu 4 above -2 and 6 in
 * the tail below, where the rounding errors of the quotient and of exp(-x^2 / 2) add up.
 */
import {
  constant,
  demote,
  expm1OfNegative,
  expOfRemainder,
  expRemainder,
  expRemainderOfSum,
  expScaleFirst,
  expScaleSecond,
  expShifted,
  expVector,
  log1pOfUnit,
  normalArgument,
  normalExp,
  normalTail,
  select,
} from "./math";
import { GELU_A, GELU_B, GELU_HIGHEST, geluExponent } from "./gelu";
import { erfcOf, polygammaOf, sigmoidOf } from "./special";

// The functions. The loop below is inlined into each export, where the function is a constant.
const THRESHOLD = 0, HARDTANH = 1, LEAKY_RELU = 2, ELU = 3, GELU = 4, GELU_TANH = 5, SILU = 6;
const MISH = 7, SOFTPLUS = 8, HARDSWISH = 9, HARDSIGMOID = 10, LOGSIGMOID = 11;
const SOFTSHRINK = 12, HARDSHRINK = 13, RELU = 14;
/** From here on, there is no vector form. */
const SCALAR = 15;
const LOGIT = 15, POLYGAMMA = 16;

const ONE = memory.data<f32>([1], 4);
const TWO = memory.data<f32>([2], 4);
const THREE = memory.data<f32>([3], 4);
const SIX = memory.data<f32>([6], 4);
const SQRT_HALF: f64 = 0.7071067811865476;
/** Below this, exp(x) times any finite number is 0. */
const EXP_TINY = memory.data<f32>([-174], 4);

// @ts-ignore: decorator
@inline
function vector(op: i32, x: v128, a: v128, b: v128, c: v128): v128 {
  const zero = f32x4.splat(0);
  // The order of the operands makes pmin and pmax keep a NaN in x.
  if (op == RELU) return f32x4.pmax(x, zero);
  if (op == THRESHOLD) return select(f32x4.le(x, a), b, x);
  if (op == HARDTANH) return f32x4.pmin(f32x4.pmax(x, a), b);
  if (op == LEAKY_RELU) return select(f32x4.gt(x, zero), x, f32x4.mul(x, a));
  if (op == ELU) {
    const below = f32x4.mul(expm1OfNegative(f32x4.pmin(f32x4.mul(x, c), zero)), a);
    return select(f32x4.le(x, zero), below, f32x4.mul(x, b));
  }
  if (op == GELU) {
    // x Phi(x), with Phi(-|x|) = exp(-x^2 / 2) tail(|x|). Below 0 the small factor comes last: it may be denormal.
    const z = normalArgument(x), tail = normalTail(z), e = normalExp(z, constant(ONE));
    const above = f32x4.mul(x, f32x4.sub(constant(ONE), f32x4.mul(e, tail)));
    return select(f32x4.ge(x, zero), above, f32x4.mul(e, f32x4.mul(tail, x)));
  }
  if (op == GELU_TANH || op == SILU || op == MISH) {
    // With e = exp(-|v|): x sigmoid(v) is x / (1 + e) or x e / (1 + e). Of mish, v = x and
    // tanh(log(1 + exp(x))) is (1 + 2e) / (1 + 2e + 2e^2) or e (e + 2) / (e (e + 2) + 2).
    let shifted: v128, r: v128, live: v128;
    if (op == GELU_TANH) {
      const z = f32x4.pmin(f32x4.abs(x), constant(GELU_HIGHEST));
      const low = geluExponent(z), high = geluExponent(i64x2.shuffle(z, z, 1, 0));
      const main = demote(low, high);
      const rest = demote(
        f64x2.sub(low, f64x2.promote_low_f32x4(main)),
        f64x2.sub(high, f64x2.promote_low_f32x4(i64x2.shuffle(main, main, 1, 0))),
      );
      shifted = expShifted(main);
      r = expRemainderOfSum(main, rest, shifted);
      live = f32x4.lt(z, constant(GELU_HIGHEST));
    } else {
      const v = f32x4.neg(f32x4.abs(x)), z = f32x4.pmax(v, constant(EXP_TINY));
      shifted = expShifted(z);
      r = expRemainder(z, shifted);
      live = f32x4.ge(v, constant(EXP_TINY));
    }
    const p = f32x4.mul(expOfRemainder(r), expScaleFirst(shifted));
    const last = v128.and(expScaleSecond(shifted), live);
    const e = f32x4.mul(p, last), xe = f32x4.mul(f32x4.mul(p, x), last);
    const one = constant(ONE), positive = f32x4.ge(x, zero);
    if (op != MISH) return f32x4.div(select(positive, x, xe), f32x4.add(one, e));
    const e2 = f32x4.add(e, constant(TWO));
    const up = f32x4.add(one, f32x4.add(e, e)), down = f32x4.mul(e, e2);
    const square = f32x4.mul(e, e);
    return f32x4.div(
      select(positive, f32x4.mul(x, up), f32x4.mul(xe, e2)),
      select(positive, f32x4.add(up, f32x4.add(square, square)), f32x4.add(down, constant(TWO))),
    );
  }
  if (op == SOFTPLUS) {
    const z = f32x4.mul(x, a);
    const y = f32x4.add(
      f32x4.pmax(z, zero),
      log1pOfUnit(expVector(f32x4.neg(f32x4.abs(z)))),
    );
    return select(f32x4.gt(z, b), x, f32x4.div(y, a));
  }
  if (op == LOGSIGMOID) {
    return f32x4.sub(f32x4.pmin(x, zero), log1pOfUnit(expVector(f32x4.neg(f32x4.abs(x)))));
  }
  if (op == HARDSWISH || op == HARDSIGMOID) {
    const six = constant(SIX);
    const y = f32x4.div(f32x4.pmin(f32x4.pmax(f32x4.add(x, constant(THREE)), zero), six), six);
    return op == HARDSWISH ? f32x4.mul(x, y) : y;
  }
  if (op == SOFTSHRINK) {
    const above = v128.and(f32x4.sub(x, a), f32x4.gt(x, a));
    return v128.or(above, v128.and(f32x4.add(x, a), f32x4.lt(x, f32x4.neg(a))));
  }
  // HARDSHRINK
  return v128.andnot(x, v128.and(f32x4.ge(x, f32x4.neg(a)), f32x4.le(x, a)));
}

/** The same in float64; of float32 and float64 where there is no vector form. */
// @ts-ignore: decorator
@inline
function real(op: i32, x: f64, a: f64, b: f64, c: f64): f64 {
  if (op == RELU) return x < 0 ? 0 : x;
  if (op == THRESHOLD) return x <= a ? b : x;
  if (op == HARDTANH) {
    const z = x < a ? a : x;
    return z > b ? b : z;
  }
  if (op == LEAKY_RELU) return x > 0 ? x : x * a;
  if (op == ELU) return x <= 0 ? NativeMath.expm1(x * c) * a : x * b;
  if (op == GELU) return x * (0.5 * erfcOf(-SQRT_HALF * x));
  if (op == GELU_TANH) return x * sigmoidOf(x * (GELU_A + GELU_B * x * x));
  if (op == SILU) return x * sigmoidOf(x);
  if (op == MISH) {
    const e = NativeMath.exp(-NativeMath.abs(x));
    if (x >= 0) return x * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e));
    return x * (e * (e + 2) / (e * (e + 2) + 2));
  }
  if (op == SOFTPLUS) {
    const z = x * a;
    if (z > b) return x;
    return ((z > 0 ? z : 0) + NativeMath.log1p(NativeMath.exp(-NativeMath.abs(z)))) / a;
  }
  if (op == LOGSIGMOID) {
    return (x < 0 ? x : 0) - NativeMath.log1p(NativeMath.exp(-NativeMath.abs(x)));
  }
  if (op == HARDSWISH || op == HARDSIGMOID) {
    let z = x + 3;
    z = (z < 0 ? 0 : z > 6 ? 6 : z) / 6;
    return op == HARDSWISH ? x * z : z;
  }
  if (op == SOFTSHRINK) return x > a ? x - a : x < -a ? x + a : 0;
  if (op == HARDSHRINK) return x >= -a && x <= a ? 0 : x;
  if (op == LOGIT) {
    const z = c == 0 ? x : x < a ? a : x > b ? b : x;
    return NativeMath.log(z / (1 - z));
  }
  return polygammaOf(a, x);
}

// @ts-ignore: decorator
@inline
function loop<T>(op: i32, y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  let p = x + <usize> begin * sizeof<T>(), r = y + <usize> begin * sizeof<T>();
  let left = end - begin;
  if (sizeof<T>() == 4 && op < SCALAR) {
    const va = f32x4.splat(<f32> a), vb = f32x4.splat(<f32> b), vc = f32x4.splat(<f32> c);
    for (; left >= 4; left -= 4, p += 16, r += 16) {
      v128.store(r, vector(op, v128.load(p), va, vb, vc));
    }
    for (; left > 0; left--, p += 4, r += 4) {
      const last = vector(op, v128.load32_splat(p), va, vb, vc);
      store<f32>(r, f32x4.extract_lane(last, 0));
    }
  } else {
    for (; left > 0; left--, p += sizeof<T>(), r += sizeof<T>()) {
      store<T>(r, <T> real(op, <f64> load<T>(p), a, b, c));
    }
  }
}

export function relu(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(RELU, y, x, 0, 0, 0, begin, end);
}

export function relu_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(RELU, y, x, 0, 0, 0, begin, end);
}

export function gelu(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(GELU, y, x, 0, 0, 0, begin, end);
}

export function gelu_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(GELU, y, x, 0, 0, 0, begin, end);
}

export function gelu_tanh(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(GELU_TANH, y, x, 0, 0, 0, begin, end);
}

export function gelu_tanh_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(GELU_TANH, y, x, 0, 0, 0, begin, end);
}

export function silu(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SILU, y, x, 0, 0, 0, begin, end);
}

export function silu_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SILU, y, x, 0, 0, 0, begin, end);
}

export function mish(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(MISH, y, x, 0, 0, 0, begin, end);
}

export function mish_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(MISH, y, x, 0, 0, 0, begin, end);
}

export function hardswish(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(HARDSWISH, y, x, 0, 0, 0, begin, end);
}

export function hardswish_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(HARDSWISH, y, x, 0, 0, 0, begin, end);
}

export function hardsigmoid(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(HARDSIGMOID, y, x, 0, 0, 0, begin, end);
}

export function hardsigmoid_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(HARDSIGMOID, y, x, 0, 0, 0, begin, end);
}

export function logsigmoid(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(LOGSIGMOID, y, x, 0, 0, 0, begin, end);
}

export function logsigmoid_f64(y: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(LOGSIGMOID, y, x, 0, 0, 0, begin, end);
}

export function threshold(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(THRESHOLD, y, x, a, b, c, begin, end);
}

export function threshold_f64(
  y: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(THRESHOLD, y, x, a, b, c, begin, end);
}

export function hardtanh(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(HARDTANH, y, x, a, b, c, begin, end);
}

export function hardtanh_f64(
  y: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(HARDTANH, y, x, a, b, c, begin, end);
}

export function leaky_relu(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(LEAKY_RELU, y, x, a, b, c, begin, end);
}

export function leaky_relu_f64(
  y: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(LEAKY_RELU, y, x, a, b, c, begin, end);
}

export function elu(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(ELU, y, x, a, b, c, begin, end);
}

export function elu_f64(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f64>(ELU, y, x, a, b, c, begin, end);
}

export function softplus(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(SOFTPLUS, y, x, a, b, c, begin, end);
}

export function softplus_f64(
  y: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(SOFTPLUS, y, x, a, b, c, begin, end);
}

export function softshrink(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(SOFTSHRINK, y, x, a, b, c, begin, end);
}

export function softshrink_f64(
  y: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(SOFTSHRINK, y, x, a, b, c, begin, end);
}

export function hardshrink(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(HARDSHRINK, y, x, a, b, c, begin, end);
}

export function hardshrink_f64(
  y: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(HARDSHRINK, y, x, a, b, c, begin, end);
}

export function logit(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(LOGIT, y, x, a, b, c, begin, end);
}

export function logit_f64(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f64>(LOGIT, y, x, a, b, c, begin, end);
}

export function polygamma(y: usize, x: usize, a: f64, b: f64, c: f64, begin: i32, end: i32): void {
  loop<f32>(POLYGAMMA, y, x, a, b, c, begin, end);
}

export function polygamma_f64(
  y: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(POLYGAMMA, y, x, a, b, c, begin, end);
}
