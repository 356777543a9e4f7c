// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Convolution of planes with kernels of their own (depthwise: one input channel in each group), float32. A plane is copied
 * with its padding, its columns and rows dealt out to phases if the stride is not 1. Then all positions of the result are
 * one run, rows with some columns too many, and each element of the kernel meets that run at a constant offset.
 *
 * One geometry serves a convolution and its transpose, as in convolution_octet.ts: element k of the kernel and position q
 * meet at (q up + k dilation - padding) / down, where up or down is 1. If down is not, the positions q = i down + phase of
 * each phase are a run of their own. Figures: 8 x 64 planes of 32 x 32, 3 x 3, GFLOP/s.
 */
import { fma, sumLanes } from "./simd";

/** Elements of a run that are computed at a time: 8 vectors. */
const BLOCK = 32;

// The sizes of the call that is running; threads have instances of their own. Index 1 is for rows, 2 for columns.
let size1: i32 = 0, size2: i32 = 0, count1: i32 = 0, count2: i32 = 0, kernel1: i32 = 0, kernel2: i32 = 0;
let up1: i32 = 0, up2: i32 = 0, down1: i32 = 0, down2: i32 = 0;
let padding1: i32 = 0, padding2: i32 = 0, dilation1: i32 = 0, dilation2: i32 = 0;
/** Elements before the plane, of its copy; rows and columns of a phase of the copy. */
let low1: i32 = 0, low2: i32 = 0, rows: i32 = 0, columns: i32 = 0;
/** Bytes of the copy. */
let bytes: usize = 0;

// @ts-ignore: decorator
@inline
function ceilDiv(a: i32, b: i32): i32 {
  return a > 0 ? (a + b - 1) / b : 0;
}

/** Rows, or columns, of a phase of the copy. */
function extent(count: i32, kernel: i32, up: i32, down: i32, padding: i32, dilation: i32, low: i32): i32 {
  const reach = (down - 1) * up + (kernel - 1) * dilation - padding;
  const last = low + (reach < 0 ? 0 : reach / down);
  return ((ceilDiv(count, down) - 1) * up + last) / up + 1;
}

function begins(
  s1: i32, s2: i32, n1: i32, n2: i32, k1: i32, k2: i32, u1: i32, u2: i32, p1: i32, p2: i32, d1: i32, d2: i32, w1: i32, w2: i32,
): void {
  size1 = s1, size2 = s2, count1 = n1, count2 = n2, kernel1 = k1, kernel2 = k2, up1 = u1, up2 = u2;
  padding1 = p1, padding2 = p2, dilation1 = d1, dilation2 = d2, down1 = w1, down2 = w2;
  low1 = ceilDiv(p1, w1), low2 = ceilDiv(p2, w2);
  rows = extent(n1, k1, u1, w1, p1, d1, low1);
  columns = extent(n2, k2, u2, w2, p2, d2, low2);
  // A block beyond the last position, at the greatest offset, is inside, too.
  bytes = (<usize>(up1 * up2 * rows * columns + 2 * BLOCK) * 4 + 63) & ~63;
}

/** to = from, n elements. Rows are short: memory.copy would take longer. */
// @ts-ignore: decorator
@inline
function copyRow(to: usize, from: usize, n: i32): void {
  for (; n >= 4; n -= 4, to += 16, from += 16) v128.store(to, v128.load(from));
  for (; n > 0; n--, to += 4, from += 4) f32.store(to, f32.load(from));
}

/**
 * Copies a plane [size1, size2] to [up1, up2, rows, columns]: element (r, c) of it, padded, to phase (r % up1, c % up2).
 * Zeros are there already.
 */
function spread(to: usize, plane: usize): void {
  const n = min(size2, columns * up2 - low2), phaseBytes = <usize>(rows * columns) << 2;
  for (let r = low1; r < min(low1 + size1, rows * up1); r++, plane += <usize>size2 << 2) {
    const line = to + <usize>((r % up1) * up2) * phaseBytes + (<usize>(r / up1 * columns) << 2);
    if (up2 == 1) {
      copyRow(line + (<usize>low2 << 2), plane, n);
      continue;
    }
    let from = plane, c = low2;
    if (up2 == 2) {
      let even = line + <usize>(c & 1) * phaseBytes + (<usize>(c >> 1) << 2);
      let odd = line + <usize>(c + 1 & 1) * phaseBytes + (<usize>(c + 1 >> 1) << 2);
      for (; c + 8 <= low2 + n; c += 8, from += 32, even += 16, odd += 16) {
        const v0 = v128.load(from), v1 = v128.load(from, 16);
        v128.store(even, i32x4.shuffle(v0, v1, 0, 2, 4, 6));
        v128.store(odd, i32x4.shuffle(v0, v1, 1, 3, 5, 7));
      }
    }
    for (let phase = c % up2, at = line + (<usize>(c / up2) << 2); c < low2 + n; c++, from += 4) {
      f32.store(at + <usize>phase * phaseBytes, f32.load(from));
      if (++phase == up2) phase = 0, at += 4;
    }
  }
}

/** The offset in the copy, in bytes, at which an element of the kernel meets a phase of the result; -1 if nowhere. */
// @ts-ignore: decorator
@inline
function offset(phase1: i32, phase2: i32, k1: i32, k2: i32): i32 {
  const v1 = phase1 * up1 + k1 * dilation1 - padding1 + low1 * down1;
  const v2 = phase2 * up2 + k2 * dilation2 - padding2 + low2 * down2;
  if (v1 < 0 || v2 < 0 || v1 % down1 != 0 || v2 % down2 != 0) return -1;
  const b1 = v1 / down1, b2 = v2 / down2;
  return (((b1 % up1) * up2 + b2 % up2) * rows * columns + b1 / up1 * columns + b2 / up2) << 2;
}

/**
 * Appends an element of the kernel, [offset, bytes from the kernel's start, -1, -1], to the list [first, end) of those that
 * meet one phase of the result. Three at neighbouring offsets become one entry [offset, three times bytes]: they share what
 * they load. Returns the list's end.
 */
function append(first: usize, end: usize, at: i32, tap: i32): usize {
  if (end - first >= 32 && load<i32>(end - 16, 8) < 0 && load<i32>(end - 32, 8) < 0) {
    if (load<i32>(end - 16) == at - 4 && load<i32>(end - 32) == at - 8) {
      store<i32>(end - 32, load<i32>(end - 16, 4), 8);
      store<i32>(end - 32, tap, 12);
      return end - 16;
    }
  }
  store<i32>(end, at);
  store<i32>(end, tap, 4);
  store<i32>(end, -1, 8);
  store<i32>(end, -1, 12);
  return end + 16;
}

/** y + three neighbouring elements of the kernel times the run, of which `here` and `next` are eight elements. */
// @ts-ignore: decorator
@inline
function threeTimes(y: v128, w0: v128, w1: v128, w2: v128, here: v128, next: v128): v128 {
  y = fma(w0, here, y);
  y = fma(w1, i32x4.shuffle(here, next, 1, 2, 3, 4), y);
  return fma(w2, i32x4.shuffle(here, next, 2, 3, 4, 5), y);
}

/** to = bias + the sum of factors times the run at their offsets, n elements and up to a block more; list as append's. */
function weigh(to: usize, n: i32, run: usize, list: usize, end: usize, kernel: usize, bias: f32): void {
  const start = f32x4.splat(bias);
  for (; n > 0; n -= BLOCK, to += BLOCK * 4, run += BLOCK * 4) {
    let y0 = start, y1 = start, y2 = start, y3 = start, y4 = start, y5 = start, y6 = start, y7 = start;
    for (let at = list; at < end; at += 16) {
      const p = run + load<u32>(at), w0 = v128.load32_splat(kernel + load<u32>(at, 4));
      let here = v128.load(p);
      if (load<i32>(at, 8) >= 0) {
        const w1 = v128.load32_splat(kernel + load<u32>(at, 8)), w2 = v128.load32_splat(kernel + load<u32>(at, 12));
        let next = v128.load(p, 16);
        y0 = threeTimes(y0, w0, w1, w2, here, next);
        here = v128.load(p, 32);
        y1 = threeTimes(y1, w0, w1, w2, next, here);
        next = v128.load(p, 48);
        y2 = threeTimes(y2, w0, w1, w2, here, next);
        here = v128.load(p, 64);
        y3 = threeTimes(y3, w0, w1, w2, next, here);
        next = v128.load(p, 80);
        y4 = threeTimes(y4, w0, w1, w2, here, next);
        here = v128.load(p, 96);
        y5 = threeTimes(y5, w0, w1, w2, next, here);
        next = v128.load(p, 112);
        y6 = threeTimes(y6, w0, w1, w2, here, next);
        y7 = threeTimes(y7, w0, w1, w2, next, v128.load(p, 128));
      } else {
        y0 = fma(w0, here, y0);
        y1 = fma(w0, v128.load(p, 16), y1);
        y2 = fma(w0, v128.load(p, 32), y2);
        y3 = fma(w0, v128.load(p, 48), y3);
        y4 = fma(w0, v128.load(p, 64), y4);
        y5 = fma(w0, v128.load(p, 80), y5);
        y6 = fma(w0, v128.load(p, 96), y6);
        y7 = fma(w0, v128.load(p, 112), y7);
      }
    }
    v128.store(to, y0);
    v128.store(to, y1, 16);
    v128.store(to, y2, 32);
    v128.store(to, y3, 48);
    v128.store(to, y4, 64);
    v128.store(to, y5, 80);
    v128.store(to, y6, 96);
    v128.store(to, y7, 112);
  }
}

/** Adds to the sums [taps] what dy, as a run of n elements (a multiple of 8), makes with the run of x at the offsets of a list. */
function correlate(sums: usize, dy: usize, n: i32, run: usize, list: usize, end: usize): void {
  for (; list < end; list += 16) {
    let p = run + load<u32>(list), ys = dy;
    let a0 = f32x4.splat(0), b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0;
    if (load<i32>(list, 8) >= 0) {
      let here = v128.load(p);
      for (let i = 0; i < n; i += 8, ys += 32, p += 32) {
        const u = v128.load(ys), v = v128.load(ys, 16), next = v128.load(p, 16), last = v128.load(p, 32);
        a0 = fma(u, here, a0);
        a1 = fma(u, i32x4.shuffle(here, next, 1, 2, 3, 4), a1);
        a2 = fma(u, i32x4.shuffle(here, next, 2, 3, 4, 5), a2);
        b0 = fma(v, next, b0);
        b1 = fma(v, i32x4.shuffle(next, last, 1, 2, 3, 4), b1);
        b2 = fma(v, i32x4.shuffle(next, last, 2, 3, 4, 5), b2);
        here = last;
      }
      const s1 = sums + 2 * load<u32>(list, 8), s2 = sums + 2 * load<u32>(list, 12);
      store<f64>(s1, load<f64>(s1) + <f64>sumLanes(f32x4.add(a1, b1)));
      store<f64>(s2, load<f64>(s2) + <f64>sumLanes(f32x4.add(a2, b2)));
    } else {
      for (let i = 0; i < n; i += 8, ys += 32, p += 32) {
        a0 = fma(v128.load(ys), v128.load(p), a0);
        b0 = fma(v128.load(ys, 16), v128.load(p, 16), b0);
      }
    }
    const s0 = sums + 2 * load<u32>(list, 4);
    store<f64>(s0, load<f64>(s0) + <f64>sumLanes(f32x4.add(a0, b0)));
  }
}

/**
 * y [batch, groups * outputs, count] = the convolution of x [batch, groups, size] with weight [groups * outputs, kernel],
 * which is turned by half a turn if `turned` is set, + bias [groups * outputs] or none; planes [begin, end) of y. Scratch:
 * the copy, a run of the result, a list of offsets and factors.
 */
export function conv_plane(
  y: usize, x: usize, weight: usize, bias: usize, scratch: usize,
  groups: i32, outputs: i32, s1: i32, s2: i32, n1: i32, n2: i32, k1: i32, k2: i32,
  u1: i32, u2: i32, p1: i32, p2: i32, d1: i32, d2: i32, w1: i32, w2: i32, turned: i32, begin: i32, end: i32,
): void {
  begins(s1, s2, n1, n2, k1, k2, u1, u2, p1, p2, d1, d2, w1, w2);
  const taps = kernel1 * kernel2, result = scratch + bytes;
  const list = result + ((<usize>(ceilDiv(count1, down1) * columns + BLOCK) * 4 + 63) & ~63);
  memory.fill(scratch, 0, bytes);
  // For each phase of the result the end of its list, and the list: bytes from the copy's start, and from the kernel's.
  let tail = list;
  for (let phase1 = 0; phase1 < down1; phase1++) {
    for (let phase2 = 0; phase2 < down2; phase2++) {
      const head = tail;
      tail += 16;
      for (let k1 = 0, t = 0; k1 < kernel1; k1++) {
        for (let k2 = 0; k2 < kernel2; k2++, t++) {
          const at = offset(phase1, phase2, k1, k2);
          if (at >= 0) tail = append(head + 16, tail, at, (turned ? taps - 1 - t : t) << 2);
        }
      }
      store<u32>(head, <u32>tail);
    }
  }
  for (let i = begin; i < end; i++) {
    const channel = i % (groups * outputs), kernel = weight + (<usize>(channel * taps) << 2);
    const plane = y + (<usize>(i * count1 * count2) << 2), start = bias ? f32.load(bias + (<usize>channel << 2)) : 0;
    spread(scratch, x + (<usize>(i / outputs * size1 * size2) << 2));
    for (let phase1 = 0, head = list; phase1 < down1; phase1++) {
      for (let phase2 = 0; phase2 < down2; phase2++) {
        const next = <usize>load<u32>(head), high = ceilDiv(count1 - phase1, down1), wide = ceilDiv(count2 - phase2, down2);
        weigh(result, (high - 1) * columns + wide, scratch, head + 16, next, kernel, start);
        head = next;
        let from = result, to = plane + (<usize>(phase1 * count2 + phase2) << 2);
        for (let r = 0; r < high; r++, from += <usize>columns << 2, to += <usize>(down1 * count2) << 2) {
          if (down2 == 1) copyRow(to, from, wide);
          else {
            for (let c = 0, at = to; c < wide; c++, at += <usize>down2 << 2) f32.store(at, f32.load(from + (<usize>c << 2)));
          }
        }
      }
    }
  }
}

/** The gradient of conv_plane's weight, down = 1, not turned; channels [begin, end) of groups * outputs. */
export function conv_plane_grad_weight(
  dw: usize, dy: usize, x: usize, scratch: usize,
  batch: i32, groups: i32, outputs: i32, s1: i32, s2: i32, n1: i32, n2: i32, k1: i32, k2: i32,
  u1: i32, u2: i32, p1: i32, p2: i32, d1: i32, d2: i32, begin: i32, end: i32,
): void {
  begins(s1, s2, n1, n2, k1, k2, u1, u2, p1, p2, d1, d2, 1, 1);
  const taps = kernel1 * kernel2, run = scratch + bytes, n = (count1 * columns + 7) & ~7;
  const sums = run + ((<usize>n * 4 + 63) & ~63), channels = groups * outputs;
  // Where dy has no column, 0 stands: what it meets in the copy does not count.
  memory.fill(run, 0, <usize>n << 2);
  memory.fill(scratch, 0, bytes);
  const list = sums + (<usize>taps << 3);
  let tail = list;
  for (let k1 = 0, t = 0; k1 < kernel1; k1++) {
    for (let k2 = 0; k2 < kernel2; k2++, t += 4) tail = append(list, tail, offset(0, 0, k1, k2), t);
  }
  for (let channel = begin; channel < end; channel++) {
    for (let t = 0; t < taps; t++) store<f64>(sums + (t << 3), 0);
    for (let sample = 0; sample < batch; sample++) {
      spread(scratch, x + (<usize>((sample * groups + channel / outputs) * size1 * size2) << 2));
      let from = dy + (<usize>((sample * channels + channel) * count1 * count2) << 2);
      for (let r = 0; r < count1; r++, from += <usize>count2 << 2) {
        copyRow(run + (<usize>(r * columns) << 2), from, count2);
      }
      correlate(sums, run, n, scratch, list, tail);
    }
    for (let t = 0; t < taps; t++) f32.store(dw + (<usize>(channel * taps + t) << 2), <f32>load<f64>(sums + (t << 3)));
  }
}
