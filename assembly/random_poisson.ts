/** Poisson numbers, as PyTorch's CPU code draws them; `state` is a generator, see random_mt19937.ts. */
import { next_uniform_f64 } from "./random_mt19937";

/** log(k!) for whole k >= 0: the exact product up to 15!, Stirling's series from there on. */
function log_factorial(k: f64): f64 {
  if (k < 16) {
    let product = 1.0;
    for (let i = 2.0; i <= k; i++) product *= i;
    return NativeMath.log(product);
  }
  const x = k + 1, z = 1 / (x * x);
  const series = (1.0 / 12.0 - z * (1.0 / 360.0 - z * (1.0 / 1260.0 - z * (1.0 / 1680.0)))) / x;
  return (x - 0.5) * NativeMath.log(x) - x + 0.9189385332046728 + series; // log(2 pi) / 2
}

/** One Poisson number of a small rate, 0 < rate < 10: how many uniforms make their product fall to exp(-rate). */
function count_uniforms(state: usize, rate: f64): f64 {
  const limit = NativeMath.exp(-rate);
  let product = next_uniform_f64(state), count = 0.0;
  while (product > limit) {
    product *= next_uniform_f64(state);
    count++;
  }
  return count;
}

/**
 * One Poisson number of a rate of 10 or more: transformed rejection with squeeze.
 * Source: Hoermann, "The transformed rejection method for generating Poisson random variables" (1993), PTRS.
 */
function reject(state: usize, rate: f64): f64 {
  const log_rate = NativeMath.log(rate);
  const b = 0.931 + 2.53 * sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  while (true) {
    const u = next_uniform_f64(state) - 0.5;
    const v = next_uniform_f64(state);
    const us = 0.5 - abs(u);
    const k = floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const height = NativeMath.log(v) + NativeMath.log(inverse_alpha) - NativeMath.log(a / (us * us) + b);
    if (height <= k * log_rate - rate - log_factorial(k)) return k;
  }
}

// @ts-ignore: decorator
@inline
function fill_poisson<T>(y: usize, rate: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const at = <usize> i << alignof<T>();
    const r = <f64> load<T>(rate + at);
    store<T>(y + at, <T> (r >= 10 ? reject(state, r) : r > 0 ? count_uniforms(state, r) : 0.0));
  }
}

/** y[n], rate[n] (float32, finite): Poisson numbers. */
export function poisson(y: usize, rate: usize, state: usize, n: i32): void {
  fill_poisson<f32>(y, rate, state, n);
}

/** y[n], rate[n] (float64, finite): Poisson numbers. */
export function poisson_f64(y: usize, rate: usize, state: usize, n: i32): void {
  fill_poisson<f64>(y, rate, state, n);
}
