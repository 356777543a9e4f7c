// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Affine maps of exported programs: small, and without packing. Four columns are summed at a time, of two rows where there
 * are two. 32 x 784 times 784 x 128, Deno, one core of an AMD EPYC, GFLOP/s: one step of the depth at a time 42, two 46,
 * four 53; of three rows and columns, two steps at a time 51.
 */
import { loadLanes, storeLanes } from "../lanes";
import { fma } from "../simd";

/**
 * y = x w^T + bias, then its positive part if `relu`: [rows, k] x [n, k] + [n] -> [rows, n]; bias may be 0 (none). Each
 * row is summed as `matmul` sums a single one, whatever the number of rows.
 */
export function linear(
  y: usize, x: usize, w: usize, bias: usize, rows: i32, n: i32, k: i32, relu: bool,
): void {
  const row = <usize>k << 2;
  for (let j = 0; j < n; j += 4, w += 4 * row) {
    let from = x, to = y + (<usize>j << 2), left = rows;
    for (; left > 1; left -= 2, from += 2 * row, to += <usize>n << 3) columns(true, to, from, w, bias, j, n, k, relu);
    if (left > 0) columns(false, to, from, w, bias, j, n, k, relu);
  }
}

/** Up to four columns, from j on, of two rows of y, or of one. */
// @ts-ignore: decorator
@inline
function columns(
  two: bool, y: usize, x: usize, w0: usize, bias: usize, j: i32, n: i32, k: i32, relu: bool,
): void {
  const row = <usize>k << 2, left = n - j;
  // Absent columns repeat the last one.
  const w1 = w0 + (left > 1 ? row : 0), w2 = w1 + (left > 2 ? row : 0), w3 = w2 + (left > 3 ? row : 0);
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
  let p: usize = 0;
  let s: v128, t: v128, v: v128;
  for (; p + 64 <= row; ) {
    s = v128.load(x + p), t = two ? v128.load(x + row + p) : s;
    v = v128.load(w0 + p), s0 = fma(s, v, s0), t0 = two ? fma(t, v, t0) : t0;
    v = v128.load(w1 + p), s1 = fma(s, v, s1), t1 = two ? fma(t, v, t1) : t1;
    v = v128.load(w2 + p), s2 = fma(s, v, s2), t2 = two ? fma(t, v, t2) : t2;
    v = v128.load(w3 + p), s3 = fma(s, v, s3), t3 = two ? fma(t, v, t3) : t3;
    p += 16;
    s = v128.load(x + p), t = two ? v128.load(x + row + p) : s;
    v = v128.load(w0 + p), s0 = fma(s, v, s0), t0 = two ? fma(t, v, t0) : t0;
    v = v128.load(w1 + p), s1 = fma(s, v, s1), t1 = two ? fma(t, v, t1) : t1;
    v = v128.load(w2 + p), s2 = fma(s, v, s2), t2 = two ? fma(t, v, t2) : t2;
    v = v128.load(w3 + p), s3 = fma(s, v, s3), t3 = two ? fma(t, v, t3) : t3;
    p += 16;
    s = v128.load(x + p), t = two ? v128.load(x + row + p) : s;
    v = v128.load(w0 + p), s0 = fma(s, v, s0), t0 = two ? fma(t, v, t0) : t0;
    v = v128.load(w1 + p), s1 = fma(s, v, s1), t1 = two ? fma(t, v, t1) : t1;
    v = v128.load(w2 + p), s2 = fma(s, v, s2), t2 = two ? fma(t, v, t2) : t2;
    v = v128.load(w3 + p), s3 = fma(s, v, s3), t3 = two ? fma(t, v, t3) : t3;
    p += 16;
    s = v128.load(x + p), t = two ? v128.load(x + row + p) : s;
    v = v128.load(w0 + p), s0 = fma(s, v, s0), t0 = two ? fma(t, v, t0) : t0;
    v = v128.load(w1 + p), s1 = fma(s, v, s1), t1 = two ? fma(t, v, t1) : t1;
    v = v128.load(w2 + p), s2 = fma(s, v, s2), t2 = two ? fma(t, v, t2) : t2;
    v = v128.load(w3 + p), s3 = fma(s, v, s3), t3 = two ? fma(t, v, t3) : t3;
    p += 16;
  }
  for (; p + 16 <= row; ) {
    s = v128.load(x + p), t = two ? v128.load(x + row + p) : s;
    v = v128.load(w0 + p), s0 = fma(s, v, s0), t0 = two ? fma(t, v, t0) : t0;
    v = v128.load(w1 + p), s1 = fma(s, v, s1), t1 = two ? fma(t, v, t1) : t1;
    v = v128.load(w2 + p), s2 = fma(s, v, s2), t2 = two ? fma(t, v, t2) : t2;
    v = v128.load(w3 + p), s3 = fma(s, v, s3), t3 = two ? fma(t, v, t3) : t3;
    p += 16;
  }
  for (; p < row; p += 4) {
    s = v128.load32_zero(x + p), t = two ? v128.load32_zero(x + row + p) : s;
    v = v128.load32_zero(w0 + p);
    s0 = fma(s, v, s0), t0 = two ? fma(t, v, t0) : t0;
    v = v128.load32_zero(w1 + p);
    s1 = fma(s, v, s1), t1 = two ? fma(t, v, t1) : t1;
    v = v128.load32_zero(w2 + p);
    s2 = fma(s, v, s2), t2 = two ? fma(t, v, t2) : t2;
    v = v128.load32_zero(w3 + p);
    s3 = fma(s, v, s3), t3 = two ? fma(t, v, t3) : t3;
  }
  if (bias) bias += <usize>j << 2;
  finish(y, s0, s1, s2, s3, bias, left, relu);
  if (two) finish(y + (<usize>n << 2), t0, t1, t2, t3, bias, left, relu);
}

/** Stores up to four sums, each over the lanes in the order of sumLanes. */
function finish(y: usize, s0: v128, s1: v128, s2: v128, s3: v128, bias: usize, left: i32, relu: bool): void {
  const low01 = i32x4.shuffle(s0, s1, 0, 4, 1, 5), high01 = i32x4.shuffle(s0, s1, 2, 6, 3, 7);
  const low23 = i32x4.shuffle(s2, s3, 0, 4, 1, 5), high23 = i32x4.shuffle(s2, s3, 2, 6, 3, 7);
  const low = f32x4.add(i64x2.shuffle(low01, low23, 0, 2), i64x2.shuffle(low01, low23, 1, 3));
  const high = f32x4.add(i64x2.shuffle(high01, high23, 0, 2), i64x2.shuffle(high01, high23, 1, 3));
  let v = f32x4.add(low, high);
  if (bias) v = f32x4.add(v, loadLanes<f32>(bias, left, f32x4.splat(0)));
  if (relu) v = f32x4.pmax(v, f32x4.splat(0));
  storeLanes<f32>(y, v, left);
}
