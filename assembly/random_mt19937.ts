/**
 * The Mersenne Twister mt19937 and the uniform numbers PyTorch's CPU generator makes from it.
 *
 * A generator is 2512 bytes of linear memory at `state` (aligned to 8 bytes), saved and restored by copying them:
 *
 * | bytes        | content                                                                   |
 * | ------------ | ------------------------------------------------------------------------- |
 * | 0 .. 2495    | the 624 words of the twister, u32                                         |
 * | 2496 .. 2499 | position of the next word, i32, 0 .. 624; 624 asks for a twist            |
 * | 2500 .. 2503 | 1 when a normal number is cached, else 0, i32                             |
 * | 2504 .. 2511 | the cached normal number, f64                                             |
 *
 * Source: Matsumoto & Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998); PyTorch's CPU generator for the uniforms.
 */

const WORDS: i32 = 624;
const POSITION: usize = 2496;
const HAS_CACHED: usize = 2500;
const CACHED: usize = 2504;

/** 2^-24 and 2^-53: the steps of the float32 and of the float64 uniforms. */
const STEP24: f32 = 1.0 / 16777216.0;
const STEP53: f64 = 1.0 / 9007199254740992.0;

/** Starts the generator at `state` from the low 32 bits of a seed; the next draw twists first, no normal is cached. */
export function seed_generator(state: usize, seed: i32): void {
  let word = <u32> seed;
  store<u32>(state, word);
  for (let k = 1; k < WORDS; k++) {
    word = 1812433253 * (word ^ (word >> 30)) + k;
    store<u32>(state + (<usize> k << 2), word);
  }
  store<i32>(state, WORDS, POSITION);
  store<i32>(state, 0, HAS_CACHED);
  store<f64>(state, 0, CACHED);
}

/** y[n] (u32): raw words of the stream. The data loader's base seed is two of them: high word first, modulo 2^63. */
export function random_words(y: usize, state: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<u32>(y + (<usize> i << 2), next_word(state));
}

/** One word of the recurrence: the top bit of `a`, the rest of `b`, shifted and combined with the word 397 ahead. */
// @ts-ignore: decorator
@inline
function recur(a: u32, b: u32, ahead: u32): u32 {
  const y = (a & 0x80000000) | (b & 0x7fffffff);
  return ahead ^ (y >> 1) ^ (-(y & 1) & 0x9908b0df);
}

/** Four words of the recurrence: those at `at`, with the words 397 ahead at `ahead`. */
// @ts-ignore: decorator
@inline
function recur_x4(at: usize, ahead: usize): void {
  const y = v128.bitselect(v128.load(at), v128.load(at, 4), i32x4.splat(0x80000000));
  const odd = i32x4.shr_s(i32x4.shl(y, 31), 31);
  const mixed = v128.xor(v128.load(ahead), i32x4.shr_u(y, 1));
  v128.store(at, v128.xor(mixed, v128.and(odd, i32x4.splat(0x9908b0df))));
}

/** Replaces the 624 words by the next 624, in place. Word k + 397 is still old for k < 227 and already new after. */
function twist(state: usize): void {
  let k: usize = 0;
  for (; k < 224; k += 4) recur_x4(state + (k << 2), state + ((k + 397) << 2));
  for (; k < 227; k++) {
    const at = state + (k << 2);
    store<u32>(at, recur(load<u32>(at), load<u32>(at, 4), load<u32>(at, 397 * 4)));
  }
  for (; k < 623; k += 4) recur_x4(state + (k << 2), state + ((k - 227) << 2));
  const last = state + 623 * 4;
  store<u32>(last, recur(load<u32>(last), load<u32>(state), load<u32>(state, 396 * 4)));
  store<i32>(state, 0, POSITION);
}

/** The next word of the stream, tempered. */
// @ts-ignore: decorator
@inline
export function next_word(state: usize): u32 {
  if (load<i32>(state, POSITION) == WORDS) twist(state);
  const position = load<i32>(state, POSITION);
  store<i32>(state, position + 1, POSITION);
  let y = load<u32>(state + (<usize> position << 2));
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >> 18);
}

/** How many words can be drawn with `next_words_x4` before the next twist; twists if there are none. */
// @ts-ignore: decorator
@inline
export function words_ready(state: usize): i32 {
  if (load<i32>(state, POSITION) == WORDS) twist(state);
  return WORDS - load<i32>(state, POSITION);
}

/** The next four words of the stream, tempered; `words_ready` must have said 4 or more. */
// @ts-ignore: decorator
@inline
export function next_words_x4(state: usize): v128 {
  const position = load<i32>(state, POSITION);
  store<i32>(state, position + 4, POSITION);
  let y = v128.load(state + (<usize> position << 2));
  y = v128.xor(y, i32x4.shr_u(y, 11));
  y = v128.xor(y, v128.and(i32x4.shl(y, 7), i32x4.splat(0x9d2c5680)));
  y = v128.xor(y, v128.and(i32x4.shl(y, 15), i32x4.splat(0xefc60000)));
  return v128.xor(y, i32x4.shr_u(y, 18));
}

/** Two words as one 64-bit number, the first word high. */
// @ts-ignore: decorator
@inline
export function next_word64(state: usize): u64 {
  const high = <u64> next_word(state);
  return (high << 32) | <u64> next_word(state);
}

/** A uniform float32 in [0, 1) with 24 random bits, from one word. */
// @ts-ignore: decorator
@inline
export function next_uniform(state: usize): f32 {
  return <f32> <i32> (next_word(state) & 0xffffff) * STEP24;
}

/** A uniform float64 in [0, 1) with 53 random bits, from two words. */
// @ts-ignore: decorator
@inline
export function next_uniform_f64(state: usize): f64 {
  return <f64> <i64> (next_word64(state) & 0x1fffffffffffff) * STEP53;
}

/** Two uniform float64 in [0, 1), from four words; `words_ready` must have said 4 or more. */
// @ts-ignore: decorator
@inline
export function next_uniforms_f64x2(state: usize): v128 {
  const words = next_words_x4(state);
  const high = v128.and(
    i8x16.shuffle(words, words, 0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11),
    i32x4.splat(0x1fffff),
  );
  const low = i8x16.shuffle(words, words, 4, 5, 6, 7, 12, 13, 14, 15, 4, 5, 6, 7, 12, 13, 14, 15);
  // 21 bits times 2^32 plus 32 bits: exact in a double.
  const whole = f64x2.add(
    f64x2.mul(f64x2.convert_low_i32x4_u(high), f64x2.splat(4294967296.0)),
    f64x2.convert_low_i32x4_u(low),
  );
  return f64x2.mul(whole, f64x2.splat(STEP53));
}

/** Whether a normal number is cached. */
// @ts-ignore: decorator
@inline
export function has_cached_normal(state: usize): bool {
  return load<i32>(state, HAS_CACHED) != 0;
}

/** Takes the cached normal number out of the generator. */
// @ts-ignore: decorator
@inline
export function take_cached_normal(state: usize): f64 {
  store<i32>(state, 0, HAS_CACHED);
  return load<f64>(state, CACHED);
}

/** Leaves a normal number in the generator for the next element-by-element draw. */
// @ts-ignore: decorator
@inline
export function cache_normal(state: usize, value: f64): void {
  store<i32>(state, 1, HAS_CACHED);
  store<f64>(state, value, CACHED);
}
