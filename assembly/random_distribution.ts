/**
 * Fills from other distributions, and multinomial sampling; `state` is a generator, see random_mt19937.ts. Everything
 * is computed in double from one 53-bit uniform an element and rounded to the tensor's type, as PyTorch's CPU code does.
 */
import { fma_f64 } from "./random_fused";
import { log_f64 } from "./random_libm";
import { next_uniform_f64 } from "./random_mt19937";

/** Address of element i of y, whose elements are of type T. */
// @ts-ignore: decorator
@inline
function at<T>(y: usize, i: i32): usize {
  return y + (<usize> i << alignof<T>());
}

/**
 * scale * log(x), rounded to float32. The standard library's log is much faster than `log_f64` and less than
 * 2^-52 off; only where that could turn the rounding does the exact one decide.
 */
// @ts-ignore: decorator
@inline
function scaled_log(scale: f64, x: f64): f32 {
  const value = scale * NativeMath.log(x);
  const below = <f32> (value * (1.0 - 1e-15));
  return below == <f32> (value * (1.0 + 1e-15)) ? below : <f32> (scale * log_f64(x));
}

/** y[n] (float32): exponential with rate lambda: -log(1 - u) / lambda. */
export function exponential(y: usize, state: usize, n: i32, lambda: f64): void {
  const scale = -1.0 / lambda;
  for (let i = 0; i < n; i++) store<f32>(at<f32>(y, i), scaled_log(scale, 1.0 - next_uniform_f64(state)));
}

/** y[n] (float64): exponential with rate lambda. */
export function exponential_f64(y: usize, state: usize, n: i32, lambda: f64): void {
  const scale = -1.0 / lambda;
  for (let i = 0; i < n; i++) store<f64>(at<f64>(y, i), scale * log_f64(1.0 - next_uniform_f64(state)));
}

// @ts-ignore: decorator
@inline
function fill_cauchy<T>(y: usize, state: usize, n: i32, median: f64, sigma: f64): void {
  for (let i = 0; i < n; i++) {
    const slope = NativeMath.tan(NativeMath.PI * (next_uniform_f64(state) - 0.5));
    store<T>(at<T>(y, i), <T> fma_f64(sigma, slope, median));
  }
}

/** y[n] (float32): Cauchy: median + sigma * tan(pi (u - 1/2)). */
export function cauchy(y: usize, state: usize, n: i32, median: f64, sigma: f64): void {
  fill_cauchy<f32>(y, state, n, median, sigma);
}

/** y[n] (float64): Cauchy; the tangent may differ from the C library's in the last bit. */
export function cauchy_f64(y: usize, state: usize, n: i32, median: f64, sigma: f64): void {
  fill_cauchy<f64>(y, state, n, median, sigma);
}

// @ts-ignore: decorator
@inline
function fill_geometric<T>(y: usize, state: usize, n: i32, p: f64): void {
  const scale = log_f64(1.0 - p);
  for (let i = 0; i < n; i++) store<T>(at<T>(y, i), <T> ceil(log_f64(next_uniform_f64(state)) / scale));
}

/** y[n] (float32): trials up to the first success of probability p, 1, 2, ...: ceil(log u / log(1 - p)). */
export function geometric(y: usize, state: usize, n: i32, p: f64): void {
  fill_geometric<f32>(y, state, n, p);
}

/** y[n] (float64): trials up to the first success of probability p. */
export function geometric_f64(y: usize, state: usize, n: i32, p: f64): void {
  fill_geometric<f64>(y, state, n, p);
}

/** y[n] (int64): trials up to the first success of probability p. */
export function geometric_i64(y: usize, state: usize, n: i32, p: f64): void {
  fill_geometric<i64>(y, state, n, p);
}

// ------------------------------------------------------------------------------------------------------ multinomial

/**
 * score[n], p[n] (float32): the exponential race p / e with e from `exponential` with rate 1; the places of the k
 * largest scores of a row, largest first, are k draws without replacement (Efraimidis & Spirakis 2006).
 */
export function exponential_race(score: usize, p: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const e = scaled_log(-1.0, 1.0 - next_uniform_f64(state));
    store<f32>(at<f32>(score, i), load<f32>(at<f32>(p, i)) / e);
  }
}

/** score[n], p[n] (float64): the exponential race. */
export function exponential_race_f64(score: usize, p: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const e = -log_f64(1.0 - next_uniform_f64(state));
    store<f64>(at<f64>(score, i), load<f64>(at<f64>(p, i)) / e);
  }
}

/** One row: running sums of p over their total, then a binary search for the first that is not below each uniform. */
// @ts-ignore: decorator
@inline
function draw_row<T>(y: usize, cumulative: usize, p: usize, state: usize, columns: i32, samples: i32): void {
  let sum: T = 0;
  for (let j = 0; j < columns; j++) {
    sum += load<T>(at<T>(p, j));
    store<T>(at<T>(cumulative, j), sum);
  }
  for (let j = 0; j < columns; j++) store<T>(at<T>(cumulative, j), load<T>(at<T>(cumulative, j)) / sum);
  store<T>(at<T>(cumulative, columns - 1), 1); // whatever the rounding did
  for (let i = 0; i < samples; i++) {
    const u = next_uniform_f64(state);
    let low = 0, high = columns;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (<f64> load<T>(at<T>(cumulative, middle)) < u) low = middle + 1;
      else high = middle;
    }
    store<i64>(at<i64>(y, i), low);
  }
}

/**
 * y[rows, samples] (int64), p[rows, columns] (float32, not negative, some positive): draws with replacement;
 * `cumulative` is room for one row of p.
 */
export function multinomial(
  y: usize,
  cumulative: usize,
  p: usize,
  state: usize,
  rows: i32,
  columns: i32,
  samples: i32,
): void {
  for (let i = 0; i < rows; i++) {
    draw_row<f32>(at<i64>(y, i * samples), cumulative, at<f32>(p, i * columns), state, columns, samples);
  }
}

/** y[rows, samples] (int64), p[rows, columns] (float64): draws with replacement, as `multinomial`. */
export function multinomial_f64(
  y: usize,
  cumulative: usize,
  p: usize,
  state: usize,
  rows: i32,
  columns: i32,
  samples: i32,
): void {
  for (let i = 0; i < rows; i++) {
    draw_row<f64>(at<i64>(y, i * samples), cumulative, at<f64>(p, i * columns), state, columns, samples);
  }
}
