/**
 * Activation functions of one variable, y[i] = f(x[i]) for i in [begin, end), both contiguous. The parameters a, b, c are
 *
 * - threshold: a threshold, b value          - hardtanh: a lowest, b highest
 * - leaky_relu: a slope                      - softshrink, hardshrink: a lambda
 * - softplus: a beta, b threshold            - logit: a lowest, b highest, c whether to clamp to them
 * - elu: a expm1(c x) below 0, b x above     - polygamma: a order
 *
 * Largest errors of float32, in units in the last place: silu and gelu's tanh form 2, mish 3.5; gelu 3.6 above -2,
 * 4.2 in the tail below (5 in the baseline flavour), where the rounding errors of the quotient and of exp(-x^2 / 2) add up.
 */
import {
  constant,
  EXP_SMALL,
  EXP_USUAL,
  expm1OfNegative,
  expTimes,
  expUsual,
  expVector,
  log1pOfUnit,
  select,
  within,
} from "./math";
import {
  GELU_A,
  GELU_B,
  geluTanhUsual,
  geluTanhVector,
  geluUsual,
  geluVector,
  NORMAL_USUAL,
  TANH_FORM_USUAL,
} from "./gelu";
import { loadLanes, storeLanes } from "./lanes";
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
/** Up to this size of x, exp(2 x) is far from overflow. */
const MISH_USUAL = memory.data<f32>([40], 4);

/** Whether `usual` is right for all lanes of four vectors. */
// @ts-ignore: decorator
@inline
function isUsual(op: i32, x0: v128, x1: v128, x2: v128, x3: v128): bool {
  if (op == GELU) return within(NORMAL_USUAL, x0, x1, x2, x3);
  if (op == GELU_TANH) return within(TANH_FORM_USUAL, x0, x1, x2, x3);
  if (op == SILU) return within(EXP_USUAL, x0, x1, x2, x3);
  if (op == MISH) return within(MISH_USUAL, x0, x1, x2, x3);
  return true;
}

/** The function where `isUsual`: the same bits as `vector`, for less. */
// @ts-ignore: decorator
@inline
function usual(op: i32, x: v128, a: v128, b: v128, c: v128): v128 {
  if (op == GELU) return geluUsual(x);
  if (op == GELU_TANH) return geluTanhUsual(x);
  if (op == SILU) return f32x4.div(x, f32x4.add(constant(ONE), expUsual(f32x4.neg(x))));
  if (op == MISH) {
    // tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) with e = exp(x)
    const e = expUsual(x), two = constant(TWO), e2 = f32x4.add(e, two);
    return f32x4.div(f32x4.mul(f32x4.mul(e, x), e2), f32x4.add(f32x4.mul(e, e2), two));
  }
  return vector(op, x, a, b, c);
}

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
  if (op == GELU) return geluVector(x);
  if (op == GELU_TANH) return geluTanhVector(x);
  if (op == SILU) {
    // Below -87, x / (1 + exp(-x)) is x exp(x).
    const small = f32x4.lt(x, constant(EXP_SMALL)), one = constant(ONE);
    const e = expTimes(select(small, x, f32x4.neg(x)), select(small, x, one));
    return select(small, e, f32x4.div(x, f32x4.add(one, e)));
  }
  if (op == MISH) {
    const highest = constant(MISH_USUAL), z = f32x4.pmin(x, highest);
    const e = expVector(z), two = constant(TWO), e2 = f32x4.add(e, two);
    const y = f32x4.div(f32x4.mul(expTimes(z, x), e2), f32x4.add(f32x4.mul(e, e2), two));
    return select(f32x4.gt(x, highest), x, y);
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
    while (left > 0) {
      if (left >= 16) {
        const x0 = v128.load(p),
          x1 = v128.load(p, 16),
          x2 = v128.load(p, 32),
          x3 = v128.load(p, 48);
        if (isUsual(op, x0, x1, x2, x3)) {
          // All results before the first store, after which V8 would load the constants again.
          const y0 = usual(op, x0, va, vb, vc),
            y1 = usual(op, x1, va, vb, vc),
            y2 = usual(op, x2, va, vb, vc),
            y3 = usual(op, x3, va, vb, vc);
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
        storeLanes<f32>(r, vector(op, loadLanes<f32>(p, left, va), va, vb, vc), left);
      }
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
