// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Convolution of exported programs over two axes, with what follows it: a bias, a sum, the positive part. Weights are read
 * as they lie, without packing; patches [depth, band] are gathered for a band of positions at a time, and multiplied in
 * tiles of 4 rows by 8 positions. 3 x 3 convolutions of ResNet-18 in Deno, relaxed flavour, one core of an AMD EPYC, GFLOP/s:
 * one step of the depth at a time 34, two 37, four 32; tiles of 6 x 8 and two steps 34.
 *
 * x [batch, groups * channels, h, w], y [batch, groups * outputs, oh, ow], weight [groups * outputs, channels, kh, kw];
 * `channels` and `outputs` are those of one group.
 */
import { loadLanes, storeLanes } from "../lanes";
import { fma } from "../simd";

/** Longest sum before it joins the rest, as in matmul: short sums lose fewer digits. */
const DEPTH: i32 = 256;

/** Zeros from `to` to `end`, four at a time: up to 12 bytes more. */
// @ts-ignore: decorator
@inline
function zero(to: usize, end: usize): void {
  for (; to < end; to += 16) v128.store(to, f32x4.splat(0));
}

/** The patches of n positions from `first` on, [depth, band]; rows are written in order, as each may reach into the next. */
function gather(
  to: usize, band: i32, x: usize, first: i32, n: i32, channels: i32, h: i32, w: i32, ow: i32, kh: i32, kw: i32,
  sh: i32, sw: i32, ph: i32, pw: i32, dh: i32, dw: i32,
): void {
  const row = <usize>band << 2, step = <usize>sw << 2, y0 = first / ow, x0 = first - y0 * ow;
  for (let c = 0; c < channels; c++, x += <usize>(h * w) << 2) {
    for (let ky = 0; ky < kh; ky++) {
      for (let kx = 0; kx < kw; kx++, to += row) {
        // Along a row of positions, this element of the kernel meets x at [low, high).
        const shift = kx * dw - pw;
        const low = shift >= 0 ? 0 : (sw - 1 - shift) / sw;
        const high = shift >= w ? 0 : (w - 1 - shift) / sw + 1;
        let p = to, from = x0, y = y0 * sh + ky * dh - ph;
        const end = to + (<usize>n << 2);
        for (; p < end; from = 0, y += sh) {
          const stop = min(ow, from + <i32>((end - p) >> 2)), next = p + (<usize>(stop - from) << 2);
          const a = <u32>y < <u32>h ? min(max(low, from), stop) : stop, b = max(a, min(high, stop));
          let q = p + (<usize>(a - from) << 2), source = x + (<usize>(y * w + a * sw + shift) << 2);
          const inner = p + (<usize>(b - from) << 2);
          zero(p, q);
          if (sw == 1) for (; q < inner; q += 16, source += 16) v128.store(q, v128.load(source));
          else for (; q < inner; q += 4, source += step) f32.store(q, f32.load(source));
          if (a < stop) zero(inner, next);
          p = next;
        }
      }
    }
  }
}

/** What happens to sums of a part of the depth: they begin, join those before, and at last get what follows. */
function finish(
  y: usize, l: v128, r: v128, columns: i32, begun: bool, last: bool, bias: usize, residual: usize, relu: bool,
): void {
  for (; columns > 0; columns -= 4, y += 16, l = r) {
    if (begun) l = f32x4.add(v128.load(y), l);
    if (last) {
      if (bias) l = f32x4.add(l, v128.load32_splat(bias));
      if (residual) l = f32x4.add(l, v128.load(residual)), residual += 16;
      if (relu) l = f32x4.pmax(l, f32x4.splat(0));
    }
    storeLanes<f32>(y, l, columns);
  }
}

/** y = conv(x, weight) + bias + residual, then its positive part if `relu`; bias and residual may be 0 (none). */
export function convolution(
  y: usize, x: usize, weight: usize, bias: usize, residual: usize, scratch: usize, relu: bool, batch: i32, groups: i32,
  channels: i32, outputs: i32, h: i32, w: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, ph: i32, pw: i32,
  dh: i32, dw: i32, band: i32,
): void {
  const depth = channels * kh * kw, positions = oh * ow, bRow = <usize>band << 2, yRow = <usize>positions << 2;
  const parts = (depth + DEPTH - 1) / DEPTH, part = (depth + parts - 1) / parts;
  for (let i = 0; i < batch * groups; i++, x += <usize>(channels * h * w) << 2) {
    const first = i % groups * outputs, rows = <usize>(i * outputs) * yRow;
    for (let at = 0; at < positions; at += band) {
      const n = min(band, positions - at);
      gather(scratch, band, x, at, n, channels, h, w, ow, kh, kw, sh, sw, ph, pw, dh, dw);
      for (let q = 0; q < depth; q += part) {
        const length = min(part, depth - q), last = q + length == depth, begun = q > 0;
        for (let o = 0; o < outputs; o += 4) {
          // Absent rows repeat the last one, and are not stored.
          const left = outputs - o, aRow = <usize>depth << 2;
          const a0 = weight + <usize>(first + o) * aRow + (<usize>q << 2), a1 = a0 + (left > 1 ? aRow : 0);
          const a2 = a1 + (left > 2 ? aRow : 0), a3 = a2 + (left > 3 ? aRow : 0);
          for (let j = 0; j < n; j += 8) {
            let b = scratch + <usize>q * bRow + (<usize>j << 2);
            let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0, r0 = l0, r1 = l0, r2 = l0, r3 = l0;
            let l: v128, r: v128, v: v128, p: usize = 0;
            const stop = <usize>length << 2;
            for (; p + 8 <= stop; ) {
              l = v128.load(b), r = v128.load(b + 16);
              v = v128.load32_splat(a0 + p);
              l0 = fma(v, l, l0), r0 = fma(v, r, r0);
              v = v128.load32_splat(a1 + p);
              l1 = fma(v, l, l1), r1 = fma(v, r, r1);
              v = v128.load32_splat(a2 + p);
              l2 = fma(v, l, l2), r2 = fma(v, r, r2);
              v = v128.load32_splat(a3 + p);
              l3 = fma(v, l, l3), r3 = fma(v, r, r3);
              p += 4, b += bRow;
              l = v128.load(b), r = v128.load(b + 16);
              v = v128.load32_splat(a0 + p);
              l0 = fma(v, l, l0), r0 = fma(v, r, r0);
              v = v128.load32_splat(a1 + p);
              l1 = fma(v, l, l1), r1 = fma(v, r, r1);
              v = v128.load32_splat(a2 + p);
              l2 = fma(v, l, l2), r2 = fma(v, r, r2);
              v = v128.load32_splat(a3 + p);
              l3 = fma(v, l, l3), r3 = fma(v, r, r3);
              p += 4, b += bRow;
            }
            for (; p < stop; p += 4, b += bRow) {
              l = v128.load(b), r = v128.load(b + 16);
              v = v128.load32_splat(a0 + p);
              l0 = fma(v, l, l0), r0 = fma(v, r, r0);
              v = v128.load32_splat(a1 + p);
              l1 = fma(v, l, l1), r1 = fma(v, r, r1);
              v = v128.load32_splat(a2 + p);
              l2 = fma(v, l, l2), r2 = fma(v, r, r2);
              v = v128.load32_splat(a3 + p);
              l3 = fma(v, l, l3), r3 = fma(v, r, r3);
            }
            for (let s = 0; s < min(4, left); s++) {
              const place = rows + <usize>(o + s) * yRow + (<usize>(at + j) << 2);
              const l = s == 0 ? l0 : s == 1 ? l1 : s == 2 ? l2 : l3, r = s == 0 ? r0 : s == 1 ? r1 : s == 2 ? r2 : r3;
              finish(
                y + place, l, r, min(8, n - j), begun, last, bias ? bias + (<usize>(first + o + s) << 2) : 0,
                residual ? residual + place : 0, relu,
              );
            }
          }
        }
      }
    }
  }
}
