/**
 * Gradients of activation functions, dx[i] = dy[i] f'(x[i]) for i in [begin, end), all contiguous. The parameters are
 * those of the functions (activation.ts), except of elu: a exp(c x) below 0, b above.
 *
 * relu (threshold_grad), sigmoid and tanh take their gradients from the result, in the place of x.
 */
import { constant, EXP_SMALL, EXP_USUAL, expUsual, expVector, select, within } from "./math";
import {
  GELU_3B,
  GELU_A,
  GELU_B,
  geluSlopeUsual,
  geluSlopeVector,
  geluTanhSlopeUsual,
  geluTanhSlopeVector,
  NORMAL_USUAL,
  TANH_FORM_USUAL,
} from "./gelu";
import { loadLanes, storeLanes } from "./lanes";
import { erfcOf, sigmoidOf } from "./special";

// The functions. The loop below is inlined into each export, where the function is a constant.
const THRESHOLD = 0, HARDTANH = 1, LEAKY_RELU = 2, ELU = 3, GELU = 4, GELU_TANH = 5, SILU = 6;
const MISH = 7, SOFTPLUS = 8, HARDSWISH = 9, HARDSIGMOID = 10, LOGSIGMOID = 11, SHRINK = 12;
const SIGMOID = 13, TANH = 14;
/** From here on, there is no vector form. */
const SCALAR = 15;
const LOGIT = 15;

const ONE = memory.data<f32>([1], 4);
const TWO = memory.data<f32>([2], 4);
const THREE = memory.data<f32>([3], 4);
const HALF = memory.data<f32>([0.5], 4);
const SQRT_HALF: f64 = 0.7071067811865476;
/** 1 / 6, as PyTorch has it: rounded to float32 in float64 too. */
const SIXTH: f64 = 0.1666666716337204;
const SIXTH_F32 = memory.data<f32>([0.1666666716337204], 4);
/** 1 / sqrt(2 pi) */
const DENSITY: f64 = 0.3989422804014327;

/** Whether `usualSlope` is right, of those that have it, for all lanes of four vectors of x. */
// @ts-ignore: decorator
@inline
function isUsual(op: i32, x0: v128, x1: v128, x2: v128, x3: v128): bool {
  if (op == GELU) return within(NORMAL_USUAL, x0, x1, x2, x3);
  if (op == GELU_TANH) return within(TANH_FORM_USUAL, x0, x1, x2, x3);
  if (op == SILU) return within(EXP_USUAL, x0, x1, x2, x3);
  return true;
}

/** The derivative where `isUsual`: the same bits as in `vector`, for less. */
// @ts-ignore: decorator
@inline
function usualSlope(op: i32, x: v128): v128 {
  if (op == GELU) return geluSlopeUsual(x);
  if (op == GELU_TANH) return geluTanhSlopeUsual(x);
  // s (1 + x (1 - s)), s = 1 / (1 + e)
  const one = constant(ONE), e = expUsual(f32x4.neg(x)), s = f32x4.div(one, f32x4.add(one, e));
  return f32x4.mul(s, f32x4.add(one, f32x4.mul(x, f32x4.mul(e, s))));
}

// @ts-ignore: decorator
@inline
function vector(op: i32, dy: v128, x: v128, a: v128, b: v128, c: v128): v128 {
  const zero = f32x4.splat(0), one = constant(ONE);
  if (op == THRESHOLD) return v128.andnot(dy, f32x4.le(x, a));
  if (op == HARDTANH) return v128.andnot(dy, v128.or(f32x4.le(x, a), f32x4.ge(x, b)));
  if (op == LEAKY_RELU) return select(f32x4.gt(x, zero), dy, f32x4.mul(dy, a));
  if (op == ELU) {
    const below = f32x4.mul(expVector(f32x4.pmin(f32x4.mul(x, c), zero)), a);
    return f32x4.mul(dy, select(f32x4.gt(x, zero), b, below));
  }
  if (op == SIGMOID) return f32x4.mul(dy, f32x4.mul(x, f32x4.sub(one, x)));
  if (op == TANH) return f32x4.mul(dy, f32x4.mul(f32x4.sub(one, x), f32x4.add(one, x)));
  if (op == GELU) return f32x4.mul(dy, geluSlopeVector(x));
  if (op == GELU_TANH) return f32x4.mul(dy, geluTanhSlopeVector(x));
  if (op == SILU) {
    // Below -87, s is exp(x), and 1 - s is 1.
    const small = f32x4.lt(x, constant(EXP_SMALL)), e = expVector(select(small, x, f32x4.neg(x)));
    const s = select(small, e, f32x4.div(one, f32x4.add(one, e)));
    const other = select(small, one, f32x4.mul(e, s));
    return f32x4.mul(dy, f32x4.mul(s, f32x4.add(one, f32x4.mul(x, other))));
  }
  if (op == MISH) {
    // With n / d as in the function itself: (n + 4 x (e^2 or e) (1 + e) / d) / d.
    const e = expVector(f32x4.neg(f32x4.abs(x))), positive = f32x4.ge(x, zero);
    const square = f32x4.mul(e, e), twice = f32x4.add(e, e);
    const n = f32x4.add(twice, select(positive, one, square));
    const d = f32x4.add(n, select(positive, f32x4.add(square, square), constant(TWO)));
    const g = f32x4.mul(select(positive, f32x4.mul(e, twice), twice), f32x4.add(one, e));
    const rest = f32x4.div(f32x4.mul(x, f32x4.add(g, g)), d);
    return f32x4.mul(dy, f32x4.div(f32x4.add(n, rest), d));
  }
  if (op == SOFTPLUS || op == LOGSIGMOID) {
    const z = op == SOFTPLUS ? f32x4.mul(x, a) : f32x4.neg(x);
    const e = expVector(f32x4.neg(f32x4.abs(z)));
    const s = f32x4.div(select(f32x4.ge(z, zero), one, e), f32x4.add(one, e));
    const y = f32x4.mul(dy, s);
    return op == SOFTPLUS ? select(f32x4.gt(z, b), dy, y) : y;
  }
  if (op == HARDSWISH) {
    const three = constant(THREE);
    const inner = f32x4.mul(dy, f32x4.add(f32x4.div(x, three), constant(HALF)));
    const y = select(f32x4.ge(x, three), dy, inner);
    return v128.andnot(y, f32x4.lt(x, f32x4.neg(three)));
  }
  if (op == HARDSIGMOID) {
    const three = constant(THREE);
    const inside = v128.and(f32x4.gt(x, f32x4.neg(three)), f32x4.lt(x, three));
    return v128.and(f32x4.mul(dy, constant(SIXTH_F32)), inside);
  }
  // SHRINK
  return v128.andnot(dy, v128.and(f32x4.ge(x, f32x4.neg(a)), f32x4.le(x, a)));
}

// @ts-ignore: decorator
@inline
function real(op: i32, dy: f64, x: f64, a: f64, b: f64, c: f64): f64 {
  if (op == THRESHOLD) return x <= a ? 0 : dy;
  if (op == HARDTANH) return x <= a || x >= b ? 0 : dy;
  if (op == LEAKY_RELU) return x > 0 ? dy : dy * a;
  if (op == ELU) return dy * (x > 0 ? b : a * NativeMath.exp(x * c));
  if (op == SIGMOID) return dy * (x * (1 - x));
  if (op == TANH) return dy * ((1 - x) * (1 + x));
  if (op == GELU) {
    const density = DENSITY * NativeMath.exp(-0.5 * x * x);
    return dy * (0.5 * erfcOf(-SQRT_HALF * x) + x * density);
  }
  if (op == GELU_TANH || op == SILU) {
    const v = op == SILU ? x : x * (GELU_A + GELU_B * x * x);
    const slope = op == SILU ? 1 : GELU_A + GELU_3B * x * x;
    return dy * (sigmoidOf(v) * (1 + x * sigmoidOf(-v) * slope));
  }
  if (op == MISH) {
    const e = NativeMath.exp(-NativeMath.abs(x));
    const n = 2 * e + (x >= 0 ? 1 : e * e), d = n + (x >= 0 ? 2 * e * e : 2);
    return dy * ((n + 4 * x * (x >= 0 ? e * e : e) * (1 + e) / d) / d);
  }
  if (op == SOFTPLUS) return x * a > b ? dy : dy * sigmoidOf(x * a);
  if (op == LOGSIGMOID) return dy * sigmoidOf(-x);
  if (op == HARDSWISH) return x < -3 ? 0 : x >= 3 ? dy : dy * (x / 3 + 0.5);
  if (op == HARDSIGMOID) return x > -3 && x < 3 ? dy * SIXTH : 0;
  if (op == LOGIT) {
    if (x < a || x > b) return c == 0 ? NaN : 0;
    return dy / (x * (1 - x));
  }
  return x >= -a && x <= a ? 0 : dy;
}

// @ts-ignore: decorator
@inline
function loop<T>(
  op: i32,
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  const offset = <usize> begin * sizeof<T>();
  let p = x + offset, q = dy + offset, r = dx + offset;
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
          // All before the first store, after which V8 would load the constants again.
          let y0: v128, y1: v128, y2: v128, y3: v128;
          if (op == GELU || op == GELU_TANH || op == SILU) {
            y0 = usualSlope(op, x0);
            y1 = usualSlope(op, x1);
            y2 = usualSlope(op, x2);
            y3 = usualSlope(op, x3);
            y0 = f32x4.mul(v128.load(q), y0);
            y1 = f32x4.mul(v128.load(q, 16), y1);
            y2 = f32x4.mul(v128.load(q, 32), y2);
            y3 = f32x4.mul(v128.load(q, 48), y3);
          } else {
            y0 = vector(op, v128.load(q), x0, va, vb, vc);
            y1 = vector(op, v128.load(q, 16), x1, va, vb, vc);
            y2 = vector(op, v128.load(q, 32), x2, va, vb, vc);
            y3 = vector(op, v128.load(q, 48), x3, va, vb, vc);
          }
          v128.store(r, y0);
          v128.store(r, y1, 16);
          v128.store(r, y2, 32);
          v128.store(r, y3, 48);
          left -= 16;
          p += 64;
          q += 64;
          r += 64;
          continue;
        }
      }
      for (const stop = max(left - 16, 0); left > stop; left -= 4, p += 16, q += 16, r += 16) {
        const g = loadLanes<f32>(q, left, va), x = loadLanes<f32>(p, left, va);
        storeLanes<f32>(r, vector(op, g, x, va, vb, vc), left);
      }
    }
  } else {
    for (; left > 0; left--, p += sizeof<T>(), q += sizeof<T>(), r += sizeof<T>()) {
      store<T>(r, <T> real(op, <f64> load<T>(q), <f64> load<T>(p), a, b, c));
    }
  }
}

export function sigmoid_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SIGMOID, dx, dy, x, 0, 0, 0, begin, end);
}

export function sigmoid_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SIGMOID, dx, dy, x, 0, 0, 0, begin, end);
}

export function tanh_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(TANH, dx, dy, x, 0, 0, 0, begin, end);
}

export function tanh_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(TANH, dx, dy, x, 0, 0, 0, begin, end);
}

export function gelu_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(GELU, dx, dy, x, 0, 0, 0, begin, end);
}

export function gelu_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(GELU, dx, dy, x, 0, 0, 0, begin, end);
}

export function gelu_tanh_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(GELU_TANH, dx, dy, x, 0, 0, 0, begin, end);
}

export function gelu_tanh_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(GELU_TANH, dx, dy, x, 0, 0, 0, begin, end);
}

export function silu_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(SILU, dx, dy, x, 0, 0, 0, begin, end);
}

export function silu_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(SILU, dx, dy, x, 0, 0, 0, begin, end);
}

export function mish_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(MISH, dx, dy, x, 0, 0, 0, begin, end);
}

export function mish_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(MISH, dx, dy, x, 0, 0, 0, begin, end);
}

export function hardswish_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(HARDSWISH, dx, dy, x, 0, 0, 0, begin, end);
}

export function hardswish_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(HARDSWISH, dx, dy, x, 0, 0, 0, begin, end);
}

export function hardsigmoid_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(HARDSIGMOID, dx, dy, x, 0, 0, 0, begin, end);
}

export function hardsigmoid_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(HARDSIGMOID, dx, dy, x, 0, 0, 0, begin, end);
}

export function logsigmoid_grad(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f32>(LOGSIGMOID, dx, dy, x, 0, 0, 0, begin, end);
}

export function logsigmoid_grad_f64(dx: usize, dy: usize, x: usize, begin: i32, end: i32): void {
  loop<f64>(LOGSIGMOID, dx, dy, x, 0, 0, 0, begin, end);
}

export function threshold_grad(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f32>(THRESHOLD, dx, dy, x, a, b, c, begin, end);
}

export function threshold_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(THRESHOLD, dx, dy, x, a, b, c, begin, end);
}

export function hardtanh_grad(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f32>(HARDTANH, dx, dy, x, a, b, c, begin, end);
}

export function hardtanh_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(HARDTANH, dx, dy, x, a, b, c, begin, end);
}

export function leaky_relu_grad(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f32>(LEAKY_RELU, dx, dy, x, a, b, c, begin, end);
}

export function leaky_relu_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(LEAKY_RELU, dx, dy, x, a, b, c, begin, end);
}

export function elu_grad(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f32>(ELU, dx, dy, x, a, b, c, begin, end);
}

export function elu_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(ELU, dx, dy, x, a, b, c, begin, end);
}

export function softplus_grad(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f32>(SOFTPLUS, dx, dy, x, a, b, c, begin, end);
}

export function softplus_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(SOFTPLUS, dx, dy, x, a, b, c, begin, end);
}

export function shrink_grad(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f32>(SHRINK, dx, dy, x, a, b, c, begin, end);
}

export function shrink_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(SHRINK, dx, dy, x, a, b, c, begin, end);
}

export function logit_grad(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f32>(LOGIT, dx, dy, x, a, b, c, begin, end);
}

export function logit_grad_f64(
  dx: usize,
  dy: usize,
  x: usize,
  a: f64,
  b: f64,
  c: f64,
  begin: i32,
  end: i32,
): void {
  loop<f64>(LOGIT, dx, dy, x, a, b, c, begin, end);
}
