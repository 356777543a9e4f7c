/**
 * Random fills, equal to PyTorch's CPU generator bit for bit (its AVX2 path). `state` is a generator, see
 * random_mt19937.ts; tensors are filled in memory order, one element after another, so one call has to do a whole tensor.
 * Kernels without a suffix write float32. Scalars are doubles, rounded to the tensor's type where PyTorch does so.
 */
import { fma_f64, fma_odd_f64x2, store_f32x2 } from "./random_fused";
import {
  next_uniform,
  next_uniform_f64,
  next_uniforms_f64x2,
  next_word,
  next_word64,
  next_words_x4,
  words_ready,
} from "./random_mt19937";

export { random_words, seed_generator } from "./random_mt19937";
export * from "./random_normal";
export * from "./random_distribution";
export * from "./random_poisson";
export * from "./random_initial";

/** y[i] = value, rounded to T. */
// @ts-ignore: decorator
@inline
function put<T>(y: usize, i: i32, value: f64): void {
  store<T>(y + (<usize> i << alignof<T>()), <T> value);
}

// ---------------------------------------------------------------------------------------------------------- uniform

/** y[n] (float32): uniform in [from, to): 24 random bits u, then u * (to - from) + from with one rounding. */
export function uniform(y: usize, state: usize, n: i32, from: f64, to: f64): void {
  const low = <f64> <f32> from;
  const width = <f64> (<f32> to - <f32> from);
  const unit = low == 0 && width == 1; // u itself: nothing to round
  const step = f64x2.splat(width * (1.0 / 16777216.0));
  const start = f64x2.splat(low);
  let i = 0;
  while (i < n) {
    const run = i + min(words_ready(state), n - i);
    for (; i + 4 <= run; i += 4) {
      const bits = v128.and(next_words_x4(state), i32x4.splat(0xffffff));
      const at = y + (<usize> i << 2);
      if (unit) {
        v128.store(at, f32x4.mul(f32x4.convert_i32x4_s(bits), f32x4.splat(1.0 / 16777216.0)));
      } else {
        const upper = i8x16.shuffle(bits, bits, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
        store_f32x2(at, fma_odd_f64x2(f64x2.convert_low_i32x4_s(bits), step, start));
        store_f32x2(at + 8, fma_odd_f64x2(f64x2.convert_low_i32x4_s(upper), step, start));
      }
    }
    for (; i < run; i++) {
      const u = f64x2.splat(<f64> next_uniform(state));
      const value = fma_odd_f64x2(u, f64x2.splat(width), start);
      put<f32>(y, i, f64x2.extract_lane(value, 0));
    }
  }
}

/** y[n] (float64): uniform in [from, to): 53 random bits u, then u * (to - from) + from with one rounding. */
export function uniform_f64(y: usize, state: usize, n: i32, from: f64, to: f64): void {
  const width = to - from;
  const unit = from == 0 && width == 1;
  for (let i = 0; i < n; i++) {
    const u = next_uniform_f64(state);
    put<f64>(y, i, unit ? u : fma_f64(u, width, from));
  }
}

// --------------------------------------------------------------------------------------------------------- integers

/** A double that holds an integer as int64; 2^63, the open end of the full range, wraps to -2^63. */
// @ts-ignore: decorator
@inline
function whole(x: f64): i64 {
  return x >= 9223372036854775808.0 ? i64.MIN_VALUE : <i64> x;
}

/** y[n]: word % (high - low) + low. Ranges of 2^32 and more take two words a number if `wide`. */
// @ts-ignore: decorator
@inline
function fill_integers<T>(y: usize, state: usize, n: i32, low: f64, high: f64, wide: bool): void {
  const base = whole(low);
  const range = <u64> whole(high) - <u64> base; // 0 stands for 2^64
  if (range == 0) {
    for (let i = 0; i < n; i++) store<T>(y + (<usize> i << alignof<T>()), <T> <i64> next_word64(state));
  } else if (range >> 32 == 0) {
    const short = <u32> range;
    for (let i = 0; i < n; i++) {
      store<T>(y + (<usize> i << alignof<T>()), <T> (<i64> (next_word(state) % short) + base));
    }
  } else {
    for (let i = 0; i < n; i++) {
      const word = wide ? next_word64(state) : <u64> next_word(state);
      store<T>(y + (<usize> i << alignof<T>()), <T> (<i64> (word % range) + base));
    }
  }
}

/**
 * y[n] (int64): integers in [low, high). Bounds are doubles that hold integers: all up to 2^53 and every larger one a
 * double has, so [0, 2^63) is `random_()` and [-2^63, 2^63) the full range.
 */
export function randint_i64(y: usize, state: usize, n: i32, low: f64, high: f64): void {
  fill_integers<i64>(y, state, n, low, high, true);
}

/** Two halves as one 64-bit number. */
// @ts-ignore: decorator
@inline
function joined(upper: i32, lower: i32): u64 {
  return (<u64> upper << 32) | <u64> <u32> lower;
}

/** y[n] (int64): as `randint_i64`, for bounds that no double holds: low and range as their upper and lower halves. */
export function randint_wide_i64(
  y: usize,
  state: usize,
  n: i32,
  low_upper: i32,
  low_lower: i32,
  range_upper: i32,
  range_lower: i32,
): void {
  const low = joined(low_upper, low_lower), range = joined(range_upper, range_lower);
  for (let i = 0; i < n; i++) {
    const word = range >> 32 == 0 ? <u64> next_word(state) : next_word64(state);
    store<u64>(y + (<usize> i << 3), word % range + low);
  }
}

/** y[n] (int32): integers in [low, high); [0, 2^31) is `random_()`. */
export function randint_i32(y: usize, state: usize, n: i32, low: f64, high: f64): void {
  fill_integers<i32>(y, state, n, low, high, false);
}

/** y[n] (int16): integers in [low, high). */
export function randint_i16(y: usize, state: usize, n: i32, low: f64, high: f64): void {
  fill_integers<i16>(y, state, n, low, high, false);
}

/** y[n] (int8): integers in [low, high). */
export function randint_i8(y: usize, state: usize, n: i32, low: f64, high: f64): void {
  fill_integers<i8>(y, state, n, low, high, false);
}

/** y[n] (uint8 or bool): integers in [low, high). */
export function randint_u8(y: usize, state: usize, n: i32, low: f64, high: f64): void {
  fill_integers<u8>(y, state, n, low, high, false);
}

/** y[n] (float32): integers in [low, high); [0, 2^24 + 1) is `random_()`. */
export function randint(y: usize, state: usize, n: i32, low: f64, high: f64): void {
  fill_integers<f32>(y, state, n, low, high, true);
}

/** y[n] (float64): integers in [low, high), with the bounds of `randint_i64`; for `random_()` see `random_f64`. */
export function randint_f64(y: usize, state: usize, n: i32, low: f64, high: f64): void {
  fill_integers<f64>(y, state, n, low, high, true);
}

/** y[n] (float64): integers 0 .. 2^53, word64 % (2^53 + 1): `random_()`, whose bound no double holds. */
export function random_f64(y: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) put<f64>(y, i, <f64> (next_word64(state) % 9007199254740993));
}

/** y[n] (int64): a permutation of 0 .. n-1 (Fisher & Yates from the front, n - 1 words). */
export function randperm_i64(y: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<i64>(y + (<usize> i << 3), i);
  for (let i = 0; i < n - 1; i++) {
    const here = y + (<usize> i << 3);
    const there = here + (<usize> (next_word(state) % <u32> (n - i)) << 3);
    const value = load<i64>(here);
    store<i64>(here, load<i64>(there));
    store<i64>(there, value);
  }
}

// ------------------------------------------------------------------------------------------------ bernoulli, dropout

/** y[n] = u < p ? yes : 0 with a 53-bit uniform u each, two elements at a time. */
// @ts-ignore: decorator
@inline
function fill_coins<T>(y: usize, state: usize, n: i32, p: f64, yes: T): void {
  const limit = f64x2.splat(p);
  let i = 0;
  while (i < n) {
    const run = i + min(words_ready(state) >> 1, n - i);
    for (; i + 2 <= run; i += 2) {
      const hit = f64x2.lt(next_uniforms_f64x2(state), limit);
      const at = y + (<usize> i << alignof<T>());
      store<T>(at, i64x2.extract_lane(hit, 0) ? yes : <T> 0);
      store<T>(at, i64x2.extract_lane(hit, 1) ? yes : <T> 0, sizeof<T>());
    }
    // The last element, or one whose two words lie on both sides of a twist.
    if (i < n) {
      store<T>(y + (<usize> i << alignof<T>()), next_uniform_f64(state) < p ? yes : <T> 0);
      i++;
    }
  }
}

/** y[n] (float32): 1 with probability p, else 0: `bernoulli_(p)`. */
export function bernoulli(y: usize, state: usize, n: i32, p: f64): void {
  fill_coins<f32>(y, state, n, p, 1);
}

/** y[n] (float64): 1 with probability p, else 0. */
export function bernoulli_f64(y: usize, state: usize, n: i32, p: f64): void {
  fill_coins<f64>(y, state, n, p, 1);
}

/** y[n] (uint8 or bool): 1 with probability p, else 0. */
export function bernoulli_u8(y: usize, state: usize, n: i32, p: f64): void {
  fill_coins<u8>(y, state, n, p, 1);
}

/** y[n] (int64): 1 with probability p, else 0. */
export function bernoulli_i64(y: usize, state: usize, n: i32, p: f64): void {
  fill_coins<i64>(y, state, n, p, 1);
}

/** y[n], p[n] (float32): 1 with probability p[i], else 0, by one 24-bit uniform each: `bernoulli(tensor)`. */
export function bernoulli_tensor(y: usize, p: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    put<f32>(y, i, next_uniform(state) < load<f32>(p + (<usize> i << 2)) ? 1 : 0);
  }
}

/** y[n], p[n] (float64): 1 with probability p[i], else 0, by one 53-bit uniform each. */
export function bernoulli_tensor_f64(y: usize, p: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    put<f64>(y, i, next_uniform_f64(state) < load<f64>(p + (<usize> i << 3)) ? 1 : 0);
  }
}

/** mask[n] (float32): 0 with probability p, else 1 / (1 - p): for x * mask. PyTorch draws nothing for p = 0 and 1. */
export function dropout_mask(mask: usize, state: usize, n: i32, p: f64): void {
  fill_coins<f32>(mask, state, n, 1 - p, <f32> 1 / <f32> (1 - p));
}

/** mask[n] (float64): 0 with probability p, else 1 / (1 - p). */
export function dropout_mask_f64(mask: usize, state: usize, n: i32, p: f64): void {
  fill_coins<f64>(mask, state, n, 1 - p, 1 / (1 - p));
}

/** y[n] = x[n] times 1 / (1 - p) where mask[n] (bool) is 1, with probability 1 - p, else times 0. */
export function dropout(y: usize, mask: usize, x: usize, state: usize, n: i32, p: f64): void {
  fill_coins<u8>(mask, state, n, 1 - p, 1);
  dropout_grad(y, x, mask, p, 0, n);
}

/** The same in float64. */
export function dropout_f64(y: usize, mask: usize, x: usize, state: usize, n: i32, p: f64): void {
  fill_coins<u8>(mask, state, n, 1 - p, 1);
  dropout_grad_f64(y, x, mask, p, 0, n);
}

/** dx = dy times 1 / (1 - p) where the mask is 1, else times 0. */
export function dropout_grad(dx: usize, dy: usize, mask: usize, p: f64, begin: i32, end: i32): void {
  const scale = <f32> 1 / <f32> (1 - p), scales = f32x4.splat(scale);
  let i = begin;
  for (; i + 4 <= end; i += 4) {
    const at = <usize> i << 2;
    const bytes = v128.load32_zero(mask + i);
    const stays = i32x4.neg(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)));
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), v128.and(stays, scales)));
  }
  for (; i < end; i++) {
    const at = <usize> i << 2;
    store<f32>(dx + at, load<f32>(dy + at) * (load<u8>(mask + i) ? scale : <f32> 0));
  }
}

/** The same in float64. */
export function dropout_grad_f64(dx: usize, dy: usize, mask: usize, p: f64, begin: i32, end: i32): void {
  const scale = 1 / (1 - p);
  for (let i = begin; i < end; i++) {
    const at = <usize> i << 3;
    store<f64>(dx + at, load<f64>(dy + at) * (load<u8>(mask + i) ? scale : 0));
  }
}
