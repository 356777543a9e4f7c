/**
 * Steps of the optimizers that train most models: parameters, gradients and state are contiguous, elements [begin, end)
 * are done. What may change between steps (learning rate, decay, step number) is read from memory, so that a recorded
 * step can be run again: `options` are float64 numbers in the order of each kernel's comment, `step` is a float32 count,
 * raised by `advance` before. A `maximize` other than 0 turns the gradient round.
 */
import { fma } from "./simd";

/** Option `i` of the kernel. */
// @ts-ignore: decorator
@inline
export function option(options: usize, i: i32): f64 {
  return load<f64>(options + (<usize> i << 3));
}

/** a * b + c, rounded once, as the vector form does where the machine can. */
// @ts-ignore: decorator
@inline
export function fused<T>(a: T, b: T, c: T): T {
  if (sizeof<T>() == 4) return <T> (<f64> a * <f64> b + <f64> c);
  return <T> (a * b + c);
}

/** step[i] += 1. */
export function advance(a: usize, b: usize, step: usize, options: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    const p = step + (<usize> i << 2);
    store<f32>(p, load<f32>(p) + 1);
  }
}

/** w + rate (decay w + sign g) */
// @ts-ignore: decorator
@inline
function descend(w: v128, g: v128, decay: v128, sign: v128, rate: v128): v128 {
  return fma(fma(w, decay, f32x4.mul(g, sign)), rate, w);
}

/**
 * Stochastic gradient descent: g += decay * p; a = momentum * b + (1 - dampening) * g, where b is the buffer before (the
 * same memory), or null in the first step: then a = g; p -= rate * (nesterov ? g + momentum * a : a). Without momentum
 * the step is rate * g. Options: rate, momentum, dampening, decay, nesterov, maximize.
 */
// @ts-ignore: decorator
@inline
function sgdLoop<T>(
  p: usize,
  grad: usize,
  a: usize,
  b: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  const rate = -option(options, 0), momentum = option(options, 1);
  const rest = 1 - option(options, 2), decay = option(options, 3);
  const nesterov = option(options, 4) != 0, sign = option(options, 5) != 0 ? -1.0 : 1.0;
  const size = <usize> sizeof<T>();
  let i = begin;
  if (sizeof<T>() == 4) {
    const rateV = f32x4.splat(<f32> rate), momentumV = f32x4.splat(<f32> momentum);
    const restV = f32x4.splat(<f32> rest), decayV = f32x4.splat(<f32> decay);
    const signV = f32x4.splat(<f32> sign);
    if (momentum == 0) {
      for (; i + 16 <= end; i += 16) {
        const at = <usize> i << 2, q = p + at, g = grad + at;
        const w0 = descend(v128.load(q), v128.load(g), decayV, signV, rateV),
          w1 = descend(v128.load(q, 16), v128.load(g, 16), decayV, signV, rateV),
          w2 = descend(v128.load(q, 32), v128.load(g, 32), decayV, signV, rateV),
          w3 = descend(v128.load(q, 48), v128.load(g, 48), decayV, signV, rateV);
        v128.store(q, w0);
        v128.store(q, w1, 16);
        v128.store(q, w2, 32);
        v128.store(q, w3, 48);
      }
      for (; i + 4 <= end; i += 4) {
        const at = <usize> i << 2;
        v128.store(p + at, descend(v128.load(p + at), v128.load(grad + at), decayV, signV, rateV));
      }
    } else {
      for (; i + 4 <= end; i += 4) {
        const at = <usize> i << 2, w = v128.load(p + at);
        const g = fma(w, decayV, f32x4.mul(v128.load(grad + at), signV));
        const m = b == 0 ? g : fma(g, restV, f32x4.mul(v128.load(b + at), momentumV));
        v128.store(a + at, m);
        v128.store(p + at, fma(nesterov ? fma(m, momentumV, g) : m, rateV, w));
      }
    }
  }
  for (; i < end; i++) {
    const at = <usize> i * size, w = load<T>(p + at);
    let g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    if (momentum != 0) {
      const m = b == 0 ? g : fused<T>(g, <T> rest, load<T>(b + at) * <T> momentum);
      store<T>(a + at, m);
      g = nesterov ? fused<T>(m, <T> momentum, g) : m;
    }
    store<T>(p + at, fused<T>(g, <T> rate, w));
  }
}

export function sgd(
  p: usize,
  grad: usize,
  a: usize,
  b: usize,
  c: usize,
  step: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  sgdLoop<f32>(p, grad, a, b, options, begin, end);
}

export function sgd_f64(
  p: usize,
  grad: usize,
  a: usize,
  b: usize,
  c: usize,
  step: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  sgdLoop<f64>(p, grad, a, b, options, begin, end);
}

/**
 * Adam (Kingma, Ba 2014; AdamW: Loshchilov, Hutter 2017): mean m and mean square v of the gradient decay by beta1 and
 * beta2; p -= rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps). Options: rate, beta1, beta2, eps, decay,
 * decoupled (decay p itself, not through the gradient), amsgrad (use the largest v so far), maximize.
 */
// @ts-ignore: decorator
@inline
function adamLoop<T>(
  p: usize,
  grad: usize,
  mean: usize,
  square: usize,
  largest: usize,
  step: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  const t = <f64> load<f32>(step), rate = option(options, 0);
  const beta1 = option(options, 1), beta2 = option(options, 2), eps = option(options, 3);
  const decoupled = option(options, 5) != 0, amsgrad = option(options, 6) != 0;
  const decay = decoupled ? 0.0 : option(options, 4);
  const shrink = decoupled ? 1 - rate * option(options, 4) : 1.0;
  const sign = option(options, 7) != 0 ? -1.0 : 1.0;
  const stride = -rate / (1 - NativeMath.pow(beta1, t));
  const correction = 1 / NativeMath.sqrt(1 - NativeMath.pow(beta2, t));
  const size = <usize> sizeof<T>();
  let i = begin;
  if (sizeof<T>() == 4) {
    const beta1V = f32x4.splat(<f32> beta1), rest1V = f32x4.splat(<f32> (1 - beta1));
    const beta2V = f32x4.splat(<f32> beta2), rest2V = f32x4.splat(<f32> (1 - beta2));
    const epsV = f32x4.splat(<f32> eps), decayV = f32x4.splat(<f32> decay);
    const shrinkV = f32x4.splat(<f32> shrink), signV = f32x4.splat(<f32> sign);
    const strideV = f32x4.splat(<f32> stride), correctionV = f32x4.splat(<f32> correction);
    for (; i + 4 <= end; i += 4) {
      const at = <usize> i << 2, w = f32x4.mul(v128.load(p + at), shrinkV);
      const g = fma(w, decayV, f32x4.mul(v128.load(grad + at), signV));
      const m = fma(g, rest1V, f32x4.mul(v128.load(mean + at), beta1V));
      let v = fma(f32x4.mul(g, rest2V), g, f32x4.mul(v128.load(square + at), beta2V));
      v128.store(mean + at, m);
      v128.store(square + at, v);
      if (amsgrad) {
        v = f32x4.max(v128.load(largest + at), v);
        v128.store(largest + at, v);
      }
      const denominator = fma(f32x4.sqrt(v), correctionV, epsV);
      v128.store(p + at, f32x4.add(w, f32x4.div(f32x4.mul(m, strideV), denominator)));
    }
  }
  for (; i < end; i++) {
    const at = <usize> i * size, w = load<T>(p + at) * <T> shrink;
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const m = fused<T>(g, <T> (1 - beta1), load<T>(mean + at) * <T> beta1);
    let v = fused<T>(g * <T> (1 - beta2), g, load<T>(square + at) * <T> beta2);
    store<T>(mean + at, m);
    store<T>(square + at, v);
    if (amsgrad) {
      v = max<T>(load<T>(largest + at), v);
      store<T>(largest + at, v);
    }
    store<T>(p + at, w + m * <T> stride / fused<T>(sqrt<T>(v), <T> correction, <T> eps));
  }
}

export function adam(
  p: usize,
  grad: usize,
  a: usize,
  b: usize,
  c: usize,
  step: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  adamLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function adam_f64(
  p: usize,
  grad: usize,
  a: usize,
  b: usize,
  c: usize,
  step: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  adamLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}

/**
 * RMSprop (Hinton 2012): square = alpha * square + (1 - alpha) g^2, mean likewise if centered;
 * g / (sqrt(square - mean^2) + eps) is the step, through a momentum buffer if there is momentum. Options: rate, alpha,
 * eps, decay, momentum, centered, maximize.
 */
// @ts-ignore: decorator
@inline
function rmspropLoop<T>(
  p: usize,
  grad: usize,
  square: usize,
  buffer: usize,
  mean: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  const rate = -option(options, 0), alpha = option(options, 1), eps = option(options, 2);
  const decay = option(options, 3), momentum = option(options, 4);
  const centered = option(options, 5) != 0, sign = option(options, 6) != 0 ? -1.0 : 1.0;
  const size = <usize> sizeof<T>();
  let i = begin;
  if (sizeof<T>() == 4) {
    const rateV = f32x4.splat(<f32> rate), alphaV = f32x4.splat(<f32> alpha);
    const restV = f32x4.splat(<f32> (1 - alpha)), epsV = f32x4.splat(<f32> eps);
    const decayV = f32x4.splat(<f32> decay), momentumV = f32x4.splat(<f32> momentum);
    const signV = f32x4.splat(<f32> sign);
    for (; i + 4 <= end; i += 4) {
      const at = <usize> i << 2, w = v128.load(p + at);
      const g = fma(w, decayV, f32x4.mul(v128.load(grad + at), signV));
      const s = fma(f32x4.mul(g, restV), g, f32x4.mul(v128.load(square + at), alphaV));
      v128.store(square + at, s);
      let spread = s;
      if (centered) {
        const m = fma(g, restV, f32x4.mul(v128.load(mean + at), alphaV));
        v128.store(mean + at, m);
        spread = fma(f32x4.neg(m), m, s);
      }
      const denominator = f32x4.add(f32x4.sqrt(spread), epsV);
      if (momentum > 0) {
        const b = f32x4.add(f32x4.mul(v128.load(buffer + at), momentumV), f32x4.div(g, denominator));
        v128.store(buffer + at, b);
        v128.store(p + at, fma(b, rateV, w));
      } else v128.store(p + at, f32x4.add(w, f32x4.div(f32x4.mul(g, rateV), denominator)));
    }
  }
  for (; i < end; i++) {
    const at = <usize> i * size, w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const s = fused<T>(g * <T> (1 - alpha), g, load<T>(square + at) * <T> alpha);
    store<T>(square + at, s);
    let spread = s;
    if (centered) {
      const m = fused<T>(g, <T> (1 - alpha), load<T>(mean + at) * <T> alpha);
      store<T>(mean + at, m);
      spread = fused<T>(-m, m, s);
    }
    const denominator = sqrt<T>(spread) + <T> eps;
    if (momentum > 0) {
      const b = load<T>(buffer + at) * <T> momentum + g / denominator;
      store<T>(buffer + at, b);
      store<T>(p + at, fused<T>(b, <T> rate, w));
    } else store<T>(p + at, w + g * <T> rate / denominator);
  }
}

export function rmsprop(
  p: usize,
  grad: usize,
  a: usize,
  b: usize,
  c: usize,
  step: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  rmspropLoop<f32>(p, grad, a, b, c, options, begin, end);
}

export function rmsprop_f64(
  p: usize,
  grad: usize,
  a: usize,
  b: usize,
  c: usize,
  step: usize,
  options: usize,
  begin: i32,
  end: i32,
): void {
  rmspropLoop<f64>(p, grad, a, b, c, options, begin, end);
}
