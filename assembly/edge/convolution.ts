// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Convolution of exported programs over two axes, with what follows it: a bias, a sum, the positive part. There are no
 * patches: positions of the result lie in the lanes, and what element (c, ky, kx) of the kernel reads for eight of them is
 * one run of x. For that x has zeros around it, between the end of a row and the beginning of the next, and with strides one
 * plane for each phase: it is copied so, unless it is so; bands of rows at a time. The positions between rows are computed
 * with the others, and left out when the result is stored.
 *
 * Tiles are those of tile.ts, 6 or 4 outputs by 8 positions, with the offsets of runs from a list. 3 x 3 kernels over 64
 * channels, relaxed flavour, Deno, one core of an AMD EPYC (128-bit peak 59): two steps at a time 49 GFLOP/s, four 52.
 *
 * x [batch, groups * channels, h, w], y [batch, groups * outputs, oh, ow]; `channels` and `outputs` are those of one group;
 * weight [groups, strips, channels * kh * kw, rows], in strips as high as tiles (see src/edge/convolution.ts).
 */
import { storeLanes } from "../lanes";
import { fma } from "../simd";
import { tileRows } from "../tile";

/** Longest sum before it joins the rest, as in matmul: short sums lose fewer digits. */
const DEPTH: i32 = 256;

/** c = a x b or c + a x b: packed a [depth, 6 or 4], 8 columns of b from each offset of the list -> c [6 or 4, 8]. */
// @ts-ignore: decorator
@inline
function steps(six: bool, c: usize, cRow: usize, a: usize, b: usize, list: usize, depth: i32, add: bool): void {
  const aStep: usize = six ? 24 : 16;
  let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0, l4 = l0, l5 = l0, r0 = l0, r1 = l0, r2 = l0, r3 = l0, r4 = l0, r5 = l0;
  let p: usize, left: v128, right: v128, v: v128;
  for (; depth >= 4; depth -= 4) {
    p = b + <usize>load<u32>(list), list += 4, left = v128.load(p), right = v128.load(p + 16);
    v = v128.load32_splat(a), l0 = fma(v, left, l0), r0 = fma(v, right, r0);
    v = v128.load32_splat(a + 4), l1 = fma(v, left, l1), r1 = fma(v, right, r1);
    v = v128.load32_splat(a + 8), l2 = fma(v, left, l2), r2 = fma(v, right, r2);
    v = v128.load32_splat(a + 12), l3 = fma(v, left, l3), r3 = fma(v, right, r3);
    if (six) v = v128.load32_splat(a + 16), l4 = fma(v, left, l4), r4 = fma(v, right, r4);
    if (six) v = v128.load32_splat(a + 20), l5 = fma(v, left, l5), r5 = fma(v, right, r5);
    a += aStep;
    p = b + <usize>load<u32>(list), list += 4, left = v128.load(p), right = v128.load(p + 16);
    v = v128.load32_splat(a), l0 = fma(v, left, l0), r0 = fma(v, right, r0);
    v = v128.load32_splat(a + 4), l1 = fma(v, left, l1), r1 = fma(v, right, r1);
    v = v128.load32_splat(a + 8), l2 = fma(v, left, l2), r2 = fma(v, right, r2);
    v = v128.load32_splat(a + 12), l3 = fma(v, left, l3), r3 = fma(v, right, r3);
    if (six) v = v128.load32_splat(a + 16), l4 = fma(v, left, l4), r4 = fma(v, right, r4);
    if (six) v = v128.load32_splat(a + 20), l5 = fma(v, left, l5), r5 = fma(v, right, r5);
    a += aStep;
    p = b + <usize>load<u32>(list), list += 4, left = v128.load(p), right = v128.load(p + 16);
    v = v128.load32_splat(a), l0 = fma(v, left, l0), r0 = fma(v, right, r0);
    v = v128.load32_splat(a + 4), l1 = fma(v, left, l1), r1 = fma(v, right, r1);
    v = v128.load32_splat(a + 8), l2 = fma(v, left, l2), r2 = fma(v, right, r2);
    v = v128.load32_splat(a + 12), l3 = fma(v, left, l3), r3 = fma(v, right, r3);
    if (six) v = v128.load32_splat(a + 16), l4 = fma(v, left, l4), r4 = fma(v, right, r4);
    if (six) v = v128.load32_splat(a + 20), l5 = fma(v, left, l5), r5 = fma(v, right, r5);
    a += aStep;
    p = b + <usize>load<u32>(list), list += 4, left = v128.load(p), right = v128.load(p + 16);
    v = v128.load32_splat(a), l0 = fma(v, left, l0), r0 = fma(v, right, r0);
    v = v128.load32_splat(a + 4), l1 = fma(v, left, l1), r1 = fma(v, right, r1);
    v = v128.load32_splat(a + 8), l2 = fma(v, left, l2), r2 = fma(v, right, r2);
    v = v128.load32_splat(a + 12), l3 = fma(v, left, l3), r3 = fma(v, right, r3);
    if (six) v = v128.load32_splat(a + 16), l4 = fma(v, left, l4), r4 = fma(v, right, r4);
    if (six) v = v128.load32_splat(a + 20), l5 = fma(v, left, l5), r5 = fma(v, right, r5);
    a += aStep;
  }
  for (; depth > 0; depth--, a += aStep) {
    p = b + <usize>load<u32>(list), list += 4, left = v128.load(p), right = v128.load(p + 16);
    v = v128.load32_splat(a), l0 = fma(v, left, l0), r0 = fma(v, right, r0);
    v = v128.load32_splat(a + 4), l1 = fma(v, left, l1), r1 = fma(v, right, r1);
    v = v128.load32_splat(a + 8), l2 = fma(v, left, l2), r2 = fma(v, right, r2);
    v = v128.load32_splat(a + 12), l3 = fma(v, left, l3), r3 = fma(v, right, r3);
    if (six) v = v128.load32_splat(a + 16), l4 = fma(v, left, l4), r4 = fma(v, right, r4);
    if (six) v = v128.load32_splat(a + 20), l5 = fma(v, left, l5), r5 = fma(v, right, r5);
  }
  put(c, l0, r0, add);
  put(c += cRow, l1, r1, add);
  put(c += cRow, l2, r2, add);
  put(c += cRow, l3, r3, add);
  if (six) put(c += cRow, l4, r4, add);
  if (six) put(c += cRow, l5, r5, add);
}

/** Eight elements, or what they add to those there. */
// @ts-ignore: decorator
@inline
function put(to: usize, left: v128, right: v128, add: bool): void {
  if (add) left = f32x4.add(v128.load(to), left), right = f32x4.add(v128.load(to, 16), right);
  v128.store(to, left);
  v128.store(to, right, 16);
}

/** A tile; its two heights are functions of their own. */
function tile(six: bool, c: usize, cRow: usize, a: usize, b: usize, list: usize, depth: i32, add: bool): void {
  if (six) steps(true, c, cRow, a, b, list, depth, add);
  else steps(false, c, cRow, a, b, list, depth, add);
}

/** Zeros from `to` to `end`, four at a time: up to 12 bytes more. */
// @ts-ignore: decorator
@inline
function zero(to: usize, end: usize): void {
  for (; to < end; to += 16) v128.store(to, f32x4.splat(0));
}

/** a / b, rounded up, and no less than 0. */
// @ts-ignore: decorator
@inline
function ceilDiv(a: i32, b: i32): i32 {
  return a > 0 ? (a + b - 1) / b : 0;
}

/**
 * Copies rows from y0 on of `channels` planes of x: [channels, phases, rows, pitch], zeros where x has none. Everything is
 * written in order, as vectors may reach into what follows.
 */
function spread(
  to: usize, x: usize, channels: i32, h: i32, w: i32, phases1: i32, phases2: i32, rows: i32, pitch: i32, y0: i32,
  sh: i32, sw: i32, pw: i32,
): void {
  const row = <usize>pitch << 2, step = <usize>sw << 2;
  for (let c = 0; c < channels; c++, x += <usize>(h * w) << 2) {
    for (let phase1 = 0; phase1 < phases1; phase1++) {
      for (let phase2 = 0; phase2 < phases2; phase2++) {
        const low = ceilDiv(pw - phase2, sw), high = min(pitch, ceilDiv(w + pw - phase2, sw));
        for (let r = 0, y = y0 + phase1; r < rows; r++, y += sh, to += row) {
          const inside = <u32>y < <u32>h;
          const from = to + (inside ? <usize>low << 2 : row), end = to + (inside ? <usize>high << 2 : row);
          let p = from, source = x + (<usize>(y * w + low * sw + phase2 - pw) << 2);
          zero(to, from);
          if (sw == 1) for (; p < end; p += 16, source += 16) v128.store(p, v128.load(source));
          else for (; p < end; p += 4, source += step) f32.store(p, f32.load(source));
          zero(end, to + row);
        }
      }
    }
  }
  zero(to, to + (<usize>pw << 2)); // the last row's end
}

/** y = sums + bias + residual, n elements, then the positive part. */
// @ts-ignore: decorator
@inline
function finish(y: usize, sums: usize, n: i32, bias: v128, residual: usize, relu: bool): void {
  for (; n > 0; n -= 4, y += 16, sums += 16) {
    let v = f32x4.add(v128.load(sums), bias);
    if (residual) v = f32x4.add(v, v128.load(residual)), residual += 16;
    if (relu) v = f32x4.pmax(v, f32x4.splat(0));
    storeLanes<f32>(y, v, n);
  }
}

/** y = the greatest of two by two sums, the lower ones `row` bytes after the upper, + bias: n elements, then the positive part. */
// @ts-ignore: decorator
@inline
function finishPooled(y: usize, sums: usize, row: usize, n: i32, bias: v128, relu: bool): void {
  for (; n > 0; n -= 4, y += 16, sums += 32) {
    const left = f32x4.max(v128.load(sums), v128.load(sums + row));
    const right = f32x4.max(v128.load(sums, 16), v128.load(sums + row, 16));
    let v = f32x4.max(i32x4.shuffle(left, right, 0, 2, 4, 6), i32x4.shuffle(left, right, 1, 3, 5, 7));
    v = f32x4.add(v, bias);
    if (relu) v = f32x4.pmax(v, f32x4.splat(0));
    storeLanes<f32>(y, v, n);
  }
}

/**
 * y = conv(x, weight) + bias + residual, then its positive part if `relu`; bias and residual may be 0 (none). With `pool`, y
 * has the greatest of two by two positions, and no residual. Scratch: sums of a strip, the list, and, where x has strides or
 * padding, its copy.
 */
export function convolution(
  y: usize, x: usize, weight: usize, bias: usize, residual: usize, scratch: usize, relu: bool, pool: bool, batch: i32, groups: i32,
  channels: i32, outputs: i32, h: i32, w: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, ph: i32, pw: i32,
  dh: i32, dw: i32, band: i32, rows: i32, pitch: i32,
): void {
  const direct = (sh | sw) == 1 && (ph | pw) == 0, phases1 = kh == 1 ? 1 : sh, phases2 = kw == 1 ? 1 : sw;
  const depth = channels * kh * kw, plane = direct ? h * w : rows * pitch;
  const parts = (depth + DEPTH - 1) / DEPTH, part = (depth + parts - 1) / parts;
  const row = <usize>((band * pitch + 7) & ~7) << 2, list = scratch + 6 * row, copy = list + ((<usize>depth << 2) + 63 & ~63);
  let entry = list;
  for (let c = 0; c < channels; c++) {
    for (let ky = 0; ky < kh; ky++) {
      const v1 = ky * dh, at = (c * phases1 + v1 % sh) * phases2;
      for (let kx = 0; kx < kw; kx++, entry += 4) {
        const v2 = kx * dw;
        store<i32>(entry, (at + v2 % sw) * plane + v1 / sh * pitch + v2 / sw << 2);
      }
    }
  }
  let strips = weight;
  for (let i = 0; i < batch * groups; i++, x += <usize>(channels * h * w) << 2) {
    const start = i % groups == 0 ? weight : strips;
    for (let first = 0; first < oh; first += band) {
      let channel = i * outputs;
      const some = min(band, oh - first), n = (some - 1) * pitch + ow;
      if (!direct) spread(copy, x, channels, h, w, phases1, phases2, rows, pitch, first * sh - ph, sh, sw, pw);
      const runs = direct ? x + (<usize>(first * pitch) << 2) : copy;
      strips = start;
      for (let left = outputs; left > 0; ) {
        const height = tileRows(left);
        for (let q = 0; q < depth; q += part) {
          const length = min(part, depth - q);
          for (let j: usize = 0; j < <usize>n << 2; j += 32) {
            tile(height == 6, scratch + j, row, strips + (<usize>(q * height) << 2), runs + j, list + (<usize>q << 2), length, q > 0);
          }
        }
        strips += <usize>(depth * height) << 2;
        const end = channel + min(left, height);
        for (let sums = scratch; channel < end; channel++, sums += row) {
          const b = bias ? v128.load32_splat(bias + (<usize>(channel % (groups * outputs)) << 2)) : f32x4.splat(0);
          const line = <usize>pitch << 2;
          let from = sums, place = <usize>(channel * oh + first) * ow << 2;
          if (pool) {
            let to = y + (<usize>((channel * (oh >> 1) + (first >> 1)) * (ow >> 1)) << 2);
            for (let r = 1; r < some; r += 2, to += <usize>(ow >> 1) << 2, from += 2 * line) {
              finishPooled(to, from, line, ow >> 1, b, relu);
            }
          } else if (pitch == ow) finish(y + place, from, n, b, residual ? residual + place : 0, relu);
          else {
            for (let r = 0; r < some; r++, place += <usize>ow << 2, from += line) {
              finish(y + place, from, ow, b, residual ? residual + place : 0, relu);
            }
          }
        }
        left -= height;
      }
    }
  }
}
