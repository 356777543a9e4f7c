// deno-fmt-ignore-file: it deletes @inline before functions.
/** Rows of matrices in float64: what factorisations do with one or two of them. */

/** y += f x for n elements. */
// @ts-ignore: decorator
@inline
export function addScaled(y: usize, x: usize, f: f64, n: i32): void {
  const end = y + (<usize>n << 3), all = f64x2.splat(f);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, f64x2.add(v128.load(y), f64x2.mul(all, v128.load(x))));
  if (y < end) store<f64>(y, load<f64>(y) + f * load<f64>(x));
}

/** The sum of products of n elements. */
// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, n: i32): f64 {
  const end = a + (<usize>n << 3);
  let sums = f64x2.splat(0);
  for (; a + 16 <= end; a += 16, b += 16) sums = f64x2.add(sums, f64x2.mul(v128.load(a), v128.load(b)));
  const total = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  return a < end ? total + load<f64>(a) * load<f64>(b) : total;
}

/** y = f y for n elements. */
// @ts-ignore: decorator
@inline
export function scale(y: usize, f: f64, n: i32): void {
  for (const end = y + (<usize>n << 3); y < end; y += 8) store<f64>(y, load<f64>(y) * f);
}

/** Exchanges n elements. */
// @ts-ignore: decorator
@inline
export function swap(a: usize, b: usize, n: i32): void {
  for (const end = a + (<usize>n << 3); a < end; a += 8, b += 8) {
    const p = load<f64>(a);
    store<f64>(a, load<f64>(b));
    store<f64>(b, p);
  }
}

/** a = c a - s b, b = s a + c b for n elements. */
// @ts-ignore: decorator
@inline
export function rotate(a: usize, b: usize, n: i32, c: f64, s: f64): void {
  const end = a + (<usize>n << 3), vc = f64x2.splat(c), vs = f64x2.splat(s);
  for (; a + 16 <= end; a += 16, b += 16) {
    const p = v128.load(a), q = v128.load(b);
    v128.store(a, f64x2.sub(f64x2.mul(vc, p), f64x2.mul(vs, q)));
    v128.store(b, f64x2.add(f64x2.mul(vs, p), f64x2.mul(vc, q)));
  }
  if (a < end) {
    const p = load<f64>(a), q = load<f64>(b);
    store<f64>(a, c * p - s * q);
    store<f64>(b, s * p + c * q);
  }
}
