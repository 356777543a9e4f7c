/**
 * Normal and log-normal fills, equal to PyTorch's CPU generator bit for bit; `state` is a generator, see
 * random_mt19937.ts.
 */
import { fma_f64, fma_odd_f64x2, store_f32x2 } from "./random_fused";
import { cos_f64, log_f64, sin_f64 } from "./random_libm";
import { cache_normal, has_cached_normal, next_uniform_f64, take_cached_normal } from "./random_mt19937";
import { uniform, uniform_f64 } from "./random";

const TWO_PI: f64 = 6.283185307179586;

/** One standard normal in double (Box & Muller 1958): the cached one, or the first of a new pair. */
function next_normal(state: usize): f64 {
  if (has_cached_normal(state)) return take_cached_normal(state);
  const angle = TWO_PI * next_uniform_f64(state);
  const radius = sqrt(-2.0 * log_f64(1.0 - next_uniform_f64(state)));
  cache_normal(state, radius * sin_f64(angle));
  return radius * cos_f64(angle);
}

// @ts-ignore: decorator
@inline
function fill_normal<T>(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  for (let i = 0; i < n; i++) {
    store<T>(y + (<usize> i << alignof<T>()), <T> fma_f64(next_normal(state), std, mean));
  }
}

/** y[n] (float32): normal, element by element: what PyTorch does for tensors that are not contiguous. */
export function normal_elementwise(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  fill_normal<f32>(y, state, n, mean, std);
}

/** y[n] (float64): normal, element by element. */
export function normal_elementwise_f64(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  fill_normal<f64>(y, state, n, mean, std);
}

/**
 * y[n] (float32), contiguous: normal. Fewer than 16 elements one by one; else uniforms, then Box & Muller on blocks of
 * 16 in place; a last partial block draws 16 new uniforms over the last 16 elements. Neither uses the cached normal.
 */
export function normal(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  if (n < 16) return fill_normal<f32>(y, state, n, mean, std);
  uniform(y, state, n, 0, 1);
  for (let i = 0; i + 16 <= n; i += 16) box_muller(y + (<usize> i << 2), mean, std);
  if (n % 16 == 0) return;
  const last = y + (<usize> (n - 16) << 2);
  uniform(last, state, 16, 0, 1);
  box_muller(last, mean, std);
}

/** y[n] (float64), contiguous: normal, as `normal` with 53-bit uniforms and the double functions. */
export function normal_f64(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  if (n < 16) return fill_normal<f64>(y, state, n, mean, std);
  uniform_f64(y, state, n, 0, 1);
  for (let i = 0; i + 16 <= n; i += 16) box_muller_f64(y + (<usize> i << 3), mean, std);
  if (n % 16 == 0) return;
  const last = y + (<usize> (n - 16) << 3);
  uniform_f64(last, state, 16, 0, 1);
  box_muller_f64(last, mean, std);
}

/** Box & Muller on 16 uniform doubles in place: 8 radii from the first half, 8 angles from the second. */
function box_muller_f64(block: usize, mean: f64, std: f64): void {
  for (let at = block; at < block + 64; at += 8) {
    const radius = sqrt(-2.0 * log_f64(1.0 - load<f64>(at)));
    const angle = TWO_PI * load<f64>(at, 64);
    store<f64>(at, fma_f64(radius * cos_f64(angle), std, mean));
    store<f64>(at, fma_f64(radius * sin_f64(angle), std, mean), 64);
  }
}

/** Two doubles rounded to float32 values, still held as doubles. */
// @ts-ignore: decorator
@inline
function r32(x: v128): v128 {
  return f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(x));
}

/** The float32 fused a * b + c in double; see `box_muller` for why the half-way cases need no care there. */
// @ts-ignore: decorator
@inline
function fused(a: v128, b: v128, c: v128): v128 {
  return r32(f64x2.add(f64x2.mul(a, b), c));
}

/** A float32 constant in both lanes. */
// @ts-ignore: decorator
@inline
function constant(x: f32): v128 {
  return f64x2.splat(<f64> x);
}

/** The float32 log of PyTorch's vector code (Cephes) for x in (0, 1], two float32 values held in doubles. */
// @ts-ignore: decorator
@inline
function log_f32(v: v128): v128 {
  // x = m * 2^e with m in [0.5, 1); the exponent becomes a double through the bits of 2^52 + e.
  const biased = v128.or(i64x2.shr_u(v, 52), i64x2.splat(0x4330000000000000));
  let e = f64x2.sub(biased, f64x2.splat(4503599627370496.0 + 1022.0));
  const m = v128.or(v128.and(v, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3fe0000000000000));
  const small = f64x2.lt(m, constant(0.707106781186547524));
  e = f64x2.sub(e, v128.and(small, f64x2.splat(1)));
  const x = f64x2.add(f64x2.sub(m, f64x2.splat(1)), v128.and(small, m));
  const z = r32(f64x2.mul(x, x));
  let y = fused(constant(7.0376836292E-2), x, constant(-1.1514610310E-1));
  y = fused(y, x, constant(1.1676998740E-1));
  y = fused(y, x, constant(-1.2420140846E-1));
  y = fused(y, x, constant(1.4249322787E-1));
  y = fused(y, x, constant(-1.6668057665E-1));
  y = fused(y, x, constant(2.0000714765E-1));
  y = fused(y, x, constant(-2.4999993993E-1));
  y = fused(y, x, constant(3.3333331174E-1));
  y = r32(f64x2.mul(y, x));
  y = fused(y, z, r32(f64x2.mul(e, constant(-2.12194440e-4))));
  y = r32(f64x2.sub(y, f64x2.mul(z, f64x2.splat(0.5))));
  return fused(e, constant(0.693359375), r32(f64x2.add(x, y)));
}

/**
 * Box & Muller on 16 uniform float32 in place: y[j] = r cos(t) * std + mean, y[j + 8] = r sin(t) * std + mean with
 * r = sqrt(-2 log(1 - y[j])), t = 2 pi y[j + 8]. Each step is rounded to float32, the products of PyTorch's vector code
 * (Cephes polynomials for log and sincos) are fused. Arithmetic in double followed by a rounding to float32 is the
 * float32 operation; for the fused ones inside log and sincos that was checked for each of the 2^24 possible
 * uniforms. The last one has arbitrary std and mean and is done with rounding to odd.
 */
function box_muller(block: usize, mean: f64, std: f64): void {
  const shift = f64x2.splat(<f64> <f32> mean);
  const scale = f64x2.splat(<f64> <f32> std);
  for (let at = block; at < block + 32; at += 8) {
    const u = f64x2.promote_low_f32x4(v128.load64_zero(at));
    const log = log_f32(f64x2.sub(f64x2.splat(1), u));
    const radius = r32(f64x2.sqrt(f64x2.mul(f64x2.splat(-2), log)));

    const angle = r32(f64x2.mul(constant(6.283185307179586), f64x2.promote_low_f32x4(v128.load64_zero(at, 32))));
    // Cephes counts octants: j = (trunc(4 t / pi) + 1) & ~1. Here half = j / 2, 0 .. 4: the nearest quarter turn.
    const octant = f64x2.trunc(r32(f64x2.mul(angle, constant(1.27323954473516))));
    const half = f64x2.floor(f64x2.mul(f64x2.add(octant, f64x2.splat(1)), f64x2.splat(0.5)));
    const j = f64x2.add(half, half);
    let x = fused(j, constant(-0.78515625), angle);
    x = fused(j, constant(-2.4187564849853515625e-4), x);
    x = fused(j, constant(-3.77489497744594108e-8), x);
    const z = r32(f64x2.mul(x, x));
    let c = fused(constant(2.443315711809948e-5), z, constant(-1.388731625493765e-3));
    c = fused(c, z, constant(4.166664568298827e-2));
    c = r32(f64x2.mul(c, z));
    c = fused(c, z, f64x2.mul(z, f64x2.splat(-0.5)));
    c = r32(f64x2.add(c, f64x2.splat(1)));
    let s = fused(constant(-1.9515295891e-4), z, constant(8.3321608736e-3));
    s = fused(s, z, constant(-1.6666654611e-1));
    s = r32(f64x2.mul(s, z));
    s = fused(s, x, x);
    // Odd quarter turns swap sine and cosine; sine is negative for half 2 and 3, cosine for half 1 and 2.
    const turns = f64x2.add(half, f64x2.splat(4503599627370496.0));
    const keep = i64x2.eq(v128.and(turns, i64x2.splat(1)), i64x2.splat(0));
    const sine_sign = i64x2.shl(v128.and(turns, i64x2.splat(2)), 62);
    const cosine_sign = i64x2.shl(v128.and(i64x2.add(turns, i64x2.splat(1)), i64x2.splat(2)), 62);
    const sine = v128.xor(v128.bitselect(s, c, keep), sine_sign);
    const cosine = v128.xor(v128.bitselect(c, s, keep), cosine_sign);

    store_f32x2(at, fma_odd_f64x2(r32(f64x2.mul(radius, cosine)), scale, shift));
    store_f32x2(at + 32, fma_odd_f64x2(r32(f64x2.mul(radius, sine)), scale, shift));
  }
}

// @ts-ignore: decorator
@inline
function fill_log_normal<T>(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  for (let i = 0; i < n; i++) {
    const value = NativeMath.exp(fma_f64(next_normal(state), std, mean));
    store<T>(y + (<usize> i << alignof<T>()), <T> value);
  }
}

/** y[n] (float32): exp of a normal number with this mean and std, always element by element. */
export function log_normal(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  fill_log_normal<f32>(y, state, n, mean, std);
}

/** y[n] (float64): log-normal; the exponential may differ from the C library's in the last bit. */
export function log_normal_f64(y: usize, state: usize, n: i32, mean: f64, std: f64): void {
  fill_log_normal<f64>(y, state, n, mean, std);
}
