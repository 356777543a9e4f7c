// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Affine maps of exported programs: small, and without packing. Figures: GFLOP/s on one core, see convolution.ts.
 */
import { fma, sumLanes } from "../simd";

/**
 * y = x w^T + bias, then its positive part if `relu`: [rows, k] x [n, k] + [n] -> [rows, n]; bias may be 0 (none). Each
 * row is summed as `matmul` sums a single one, whatever the number of rows.
 */
export function linear(
  y: usize, x: usize, w: usize, bias: usize, rows: i32, n: i32, k: i32, relu: bool,
): void {
  const row = <usize>k << 2;
  for (let j = 0; j < n; j += 4) {
    // Absent columns repeat the last one.
    const w0 = w + <usize>j * row, w1 = w0 + (j + 1 < n ? row : 0), w2 = w1 + (j + 2 < n ? row : 0);
    const w3 = w2 + (j + 3 < n ? row : 0), columns = min(4, n - j);
    let from = x, to = y + (<usize>j << 2);
    for (let r = 0; r < rows; r++, from += row, to += <usize>n << 2) {
      let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      let p: usize = 0;
      for (; p + 16 <= row; p += 16) {
        const v = v128.load(from + p);
        s0 = fma(v, v128.load(w0 + p), s0);
        s1 = fma(v, v128.load(w1 + p), s1);
        s2 = fma(v, v128.load(w2 + p), s2);
        s3 = fma(v, v128.load(w3 + p), s3);
      }
      for (; p < row; p += 4) {
        const v = v128.load32_zero(from + p);
        s0 = fma(v, v128.load32_zero(w0 + p), s0);
        s1 = fma(v, v128.load32_zero(w1 + p), s1);
        s2 = fma(v, v128.load32_zero(w2 + p), s2);
        s3 = fma(v, v128.load32_zero(w3 + p), s3);
      }
      for (let q = 0; q < columns; q++) {
        let sum = sumLanes(q == 0 ? s0 : q == 1 ? s1 : q == 2 ? s2 : s3);
        if (bias) sum += f32.load(bias + (<usize>(j + q) << 2));
        f32.store(to + (<usize>q << 2), relu && sum < 0 ? 0 : sum);
      }
    }
  }
}
