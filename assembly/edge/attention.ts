// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * What a language model does with one token at a time: its heads attend to the keys and values of all tokens so far, which
 * are kept.
 */
import { softmax } from "../softmax";
import { fma, sumLanes } from "../simd";

/** y = a + b, n elements; up to 12 bytes more are written. */
export function sum(y: usize, a: usize, b: usize, n: i32): void {
  const end = <usize>n << 2;
  for (let i: usize = 0; i < end; i += 16) v128.store(y + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
}

/**
 * The heads of token number `position`: qkv [3, heads, size] -> y [heads, size]. Its key and value join those before, keys
 * and values [positions, heads, size]. Scratch: scores and weights, [heads, position + 1] each, at `scores` and `weights`.
 */
export function attend(
  y: usize, qkv: usize, keys: usize, values: usize, scores: usize, weights: usize, position: i32, heads: i32, size: i32,
): void {
  const head = <usize>size << 2, row = <usize>heads * head, n = position + 1, end = head & ~15;
  const scale = <f32>(1 / Math.sqrt(<f64>size));
  memory.copy(keys + <usize>position * row, qkv + row, row);
  memory.copy(values + <usize>position * row, qkv + 2 * row, row);
  for (let h = 0; h < heads; h++) {
    const q = qkv + <usize>h * head;
    for (let t = 0; t < n; t++) {
      const k = keys + <usize>t * row + <usize>h * head;
      let sums = f32x4.splat(0);
      let d: usize = 0;
      for (; d < end; d += 16) sums = fma(v128.load(q + d), v128.load(k + d), sums);
      for (; d < head; d += 4) sums = fma(v128.load32_zero(q + d), v128.load32_zero(k + d), sums);
      f32.store(scores + (<usize>(h * n + t) << 2), sumLanes(sums) * scale);
    }
  }
  softmax(weights, scores, n, 1, 0, heads);
  memory.fill(y, 0, row);
  for (let h = 0; h < heads; h++) {
    const to = y + <usize>h * head;
    for (let t = 0; t < n; t++) {
      const w = v128.load32_splat(weights + (<usize>(h * n + t) << 2)), v = values + <usize>t * row + <usize>h * head;
      let d: usize = 0;
      for (; d < end; d += 16) v128.store(to + d, fma(w, v128.load(v + d), v128.load(to + d)));
      for (; d < head; d += 4) v128.store_lane<f32>(to + d, fma(w, v128.load32_zero(v + d), v128.load32_zero(to + d)), 0);
    }
  }
}
