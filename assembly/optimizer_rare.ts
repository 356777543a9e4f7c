/**
 * Steps of the optimizers that are used now and then, written for brevity. Parameters, gradients and state are
 * contiguous; `options` and `step` as in optimizer.ts. In each, g is the gradient, with the sign of `maximize` and
 * decay * p added.
 */
import { fused, option } from "./optimizer";

/** The momentum of NAdam at step t. */
// @ts-ignore: decorator
@inline
function momentumAt(t: f64, options: usize): f64 {
  return option(options, 1) * (1 - 0.5 * NativeMath.pow(0.96, t * option(options, 5)));
}

/** Counts a step of NAdam, and multiplies a, the product of the momenta. */
export function nadam_advance(a: usize, b: usize, step: usize, options: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    const t = load<f32>(step) + 1;
    store<f32>(step, t);
    store<f32>(a, load<f32>(a) * <f32> momentumAt(<f64> t, options));
  }
}

/** After a step of ASGD: counts it, and sets the rate a and the averaging weight b of the next. */
export function asgd_advance(a: usize, b: usize, step: usize, options: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    const t = load<f32>(step) + 1, rate = option(options, 0);
    store<f32>(step, t);
    store<f32>(
      a,
      <f32> (rate / NativeMath.pow(1 + option(options, 1) * rate * <f64> t, option(options, 2))),
    );
    store<f32>(b, <f32> (1 / max<f64>(1, <f64> t - option(options, 3))));
  }
}

/**
 * Adagrad (Duchi et al. 2011): sum += g^2; p -= rate / (1 + (t - 1) * rateDecay) * g / (sqrt(sum) + eps). Options: rate,
 * rateDecay, decay, eps, maximize.
 */
// @ts-ignore: decorator
@inline
function adagradLoop<T>(
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
  const t = <f64> load<f32>(step);
  const rate = -option(options, 0) / (1 + (t - 1) * option(options, 1));
  const decay = option(options, 2), eps = option(options, 3);
  const sign = option(options, 4) != 0 ? -1.0 : 1.0;
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>(), w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const s = fused<T>(g, g, load<T>(a + at));
    store<T>(a + at, s);
    store<T>(p + at, w + g * <T> rate / (sqrt<T>(s) + <T> eps));
  }
}

export function adagrad(
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
  adagradLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function adagrad_f64(
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
  adagradLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}

/**
 * Adadelta (Zeiler 2012): a is the decaying mean of g^2, b that of the steps squared; the step is
 * sqrt(b + eps) / sqrt(a + eps) * g. Options: rate, rho, decay, eps, maximize.
 */
// @ts-ignore: decorator
@inline
function adadeltaLoop<T>(
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
  const rate = -option(options, 0), rho = option(options, 1);
  const decay = option(options, 2), eps = option(options, 3);
  const sign = option(options, 4) != 0 ? -1.0 : 1.0;
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>(), w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const s = fused<T>(g * <T> (1 - rho), g, load<T>(a + at) * <T> rho);
    const before = load<T>(b + at);
    const delta = sqrt<T>(before + <T> eps) / sqrt<T>(s + <T> eps) * g;
    store<T>(a + at, s);
    store<T>(b + at, fused<T>(delta * <T> (1 - rho), delta, before * <T> rho));
    store<T>(p + at, fused<T>(delta, <T> rate, w));
  }
}

export function adadelta(
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
  adadeltaLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function adadelta_f64(
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
  adadeltaLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}

/**
 * Adamax (Kingma, Ba 2014): a is the decaying mean of g, b its decaying largest size. Options: rate, beta1, beta2, eps,
 * decay, maximize.
 */
// @ts-ignore: decorator
@inline
function adamaxLoop<T>(
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
  const t = <f64> load<f32>(step), beta1 = option(options, 1), beta2 = option(options, 2);
  const rate = -option(options, 0) / (1 - NativeMath.pow(beta1, t));
  const eps = option(options, 3), decay = option(options, 4);
  const sign = option(options, 5) != 0 ? -1.0 : 1.0;
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>(), w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const m = fused<T>(g, <T> (1 - beta1), load<T>(a + at) * <T> beta1);
    const most = max<T>(load<T>(b + at) * <T> beta2, abs<T>(g) + <T> eps);
    store<T>(a + at, m);
    store<T>(b + at, most);
    store<T>(p + at, w + m * <T> rate / most);
  }
}

export function adamax(
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
  adamaxLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function adamax_f64(
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
  adamaxLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}

/**
 * NAdam (Dozat 2016): Adam with Nesterov momentum; c is the product of the momenta so far, raised by `nadam_advance`
 * before. Options: rate, beta1, beta2, eps, decay, momentumDecay.
 */
// @ts-ignore: decorator
@inline
function nadamLoop<T>(
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
  const t = <f64> load<f32>(step), beta1 = option(options, 1), beta2 = option(options, 2);
  const eps = option(options, 3), decay = option(options, 4), sign = 1.0;
  const correction = 1 - NativeMath.pow(beta2, t);
  const mu = momentumAt(t, options), next = momentumAt(t + 1, options);
  const product = <f64> load<f32>(c), productNext = <f64> (load<f32>(c) * <f32> mu * <f32> next);
  const rateG = -option(options, 0) * (1 - mu) / (1 - product);
  const rateM = -option(options, 0) * next / (1 - productNext);
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>(), w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const m = fused<T>(g, <T> (1 - beta1), load<T>(a + at) * <T> beta1);
    const v = fused<T>(g * <T> (1 - beta2), g, load<T>(b + at) * <T> beta2);
    store<T>(a + at, m);
    store<T>(b + at, v);
    const denominator = sqrt<T>(v / <T> correction) + <T> eps;
    store<T>(p + at, w + g * <T> rateG / denominator + m * <T> rateM / denominator);
  }
}

export function nadam(
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
  nadamLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function nadam_f64(
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
  nadamLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}

/**
 * RAdam (Liu et al. 2019): Adam whose adaptive rate waits until its variance is known. Options: rate, beta1, beta2, eps,
 * decay.
 */
// @ts-ignore: decorator
@inline
function radamLoop<T>(
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
  const t = <f64> load<f32>(step), rate = option(options, 0);
  const beta1 = option(options, 1), beta2 = option(options, 2);
  const eps = option(options, 3), decay = option(options, 4), sign = 1.0;
  const power = NativeMath.pow(beta2, t), correction1 = 1 - NativeMath.pow(beta1, t);
  const longest = 2 / (1 - beta2) - 1, length = longest - 2 * t * power / (1 - power);
  const adapts = length > 5;
  const rectify = adapts
    ? NativeMath.sqrt(
      (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length),
    )
    : 1.0;
  const root = NativeMath.sqrt(1 - power);
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>(), w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const m = fused<T>(g, <T> (1 - beta1), load<T>(a + at) * <T> beta1);
    const v = fused<T>(g * <T> (1 - beta2), g, load<T>(b + at) * <T> beta2);
    store<T>(a + at, m);
    store<T>(b + at, v);
    let change = m / <T> correction1 * <T> rate;
    if (adapts) change = change * (<T> root / (sqrt<T>(v) + <T> eps)) * <T> rectify;
    store<T>(p + at, w - change);
  }
}

export function radam(
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
  radamLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function radam_f64(
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
  radamLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}

/**
 * Rprop (Riedmiller, Braun 1993): each element has a step size b of its own, which grows while the gradient keeps its
 * sign and shrinks when it turns; a is the gradient before. Options: shrink, grow, smallest, largest, maximize.
 */
// @ts-ignore: decorator
@inline
function rpropLoop<T>(
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
  const shrink = option(options, 0), grow = option(options, 1);
  const smallest = option(options, 2), largest = option(options, 3), decay = 0.0;
  const sign = option(options, 4) != 0 ? -1.0 : 1.0;
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>(), w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const turn = g * load<T>(a + at);
    const factor = turn > 0 ? grow : turn < 0 ? shrink : 1.0;
    const length = min<T>(max<T>(load<T>(b + at) * <T> factor, <T> smallest), <T> largest);
    const used = turn < 0 ? <T> 0 : g;
    store<T>(a + at, used);
    store<T>(b + at, length);
    store<T>(p + at, used > 0 ? w - length : used < 0 ? w + length : w);
  }
}

export function rprop(
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
  rpropLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function rprop_f64(
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
  rpropLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}

/**
 * Averaged SGD (Polyak, Juditsky 1992): a is the running average of p; b holds the rate and c the averaging weight,
 * which `asgd_advance` sets for the next step. Options: rate, lambda, alpha, t0, decay, maximize.
 */
// @ts-ignore: decorator
@inline
function asgdLoop<T>(
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
  const rate = <f64> load<f32>(b), weight = <f64> load<f32>(c);
  const shrink = 1 - option(options, 1) * rate, decay = option(options, 4);
  const sign = option(options, 5) != 0 ? -1.0 : 1.0;
  for (let i = begin; i < end; i++) {
    const at = <usize> i * sizeof<T>(), w = load<T>(p + at);
    const g = fused<T>(w, <T> decay, load<T>(grad + at) * <T> sign);
    const now = fused<T>(g, <T> -rate, w * <T> shrink), average = load<T>(a + at);
    store<T>(p + at, now);
    store<T>(a + at, weight == 1 ? now : average + (now - average) * <T> weight);
  }
}

export function asgd(
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
  asgdLoop<f32>(p, grad, a, b, c, step, options, begin, end);
}

export function asgd_f64(
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
  asgdLoop<f64>(p, grad, a, b, c, step, options, begin, end);
}
