// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Convolution of eight samples at a time, float32. Samples lie in the lanes: x is arranged as [position, channel, sample]
 * with eight samples last, so what a position of the result reads is a few runs of consecutive rows of eight, one run for
 * each row of the kernel: a product of matrices without any patches. It is exact at the borders, too: a position's list of
 * runs leaves out what lies in the padding, which is 5/9 of a 3x3 kernel on maps of 2x2.
 *
 * One geometry serves a convolution and its transpose: along each axis, element k of the kernel and position q of the
 * result meet at u = q up + k dilation - padding, which is source position u / down if that is whole and in the source.
 */
import { fma, swapHalves, swapNeighbours } from "./simd";

const LANES = 8;
/** Rows of the register tile; see matmul.ts, whose tile this is. */
const ROWS = 4;
/** Bytes of a run in a list: of a, of b, and the number of rows. */
const RUN = 12;

// @ts-ignore: decorator
@inline
function ceilDiv(a: i32, b: i32): i32 {
  return a > 0 ? (a + b - 1) / b : 0;
}

/** Bytes rounded up to a cache line. */
// @ts-ignore: decorator
@inline
function room(bytes: usize): usize {
  return (bytes + 63) & ~63;
}

/**
 * Interleaves four signals of n elements that lie `lane` bytes apart: [4, n] -> [n, 4], rows of the result `step` bytes
 * apart. Of missing lanes the last one is repeated: nobody looks at what comes of them.
 */
function interleave(to: usize, step: usize, from: usize, lane: usize, lanes: i32, n: i32): void {
  let p0 = from, p1 = lanes > 1 ? p0 + lane : p0, p2 = lanes > 2 ? p1 + lane : p1, p3 = lanes > 3 ? p2 + lane : p2;
  for (; n >= 4; n -= 4, to += 4 * step) {
    const x0 = v128.load(p0), x1 = v128.load(p1), x2 = v128.load(p2), x3 = v128.load(p3);
    const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5), high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
    const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5), high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
    v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
    v128.store(to + step, i64x2.shuffle(low01, low23, 1, 3));
    v128.store(to + 2 * step, i64x2.shuffle(high01, high23, 0, 2));
    v128.store(to + 3 * step, i64x2.shuffle(high01, high23, 1, 3));
    p0 += 16, p1 += 16, p2 += 16, p3 += 16;
  }
  for (; n > 0; n--, to += step, p0 += 4, p1 += 4, p2 += 4, p3 += 4) {
    f32.store(to, f32.load(p0));
    f32.store(to, f32.load(p1), 4);
    f32.store(to, f32.load(p2), 8);
    f32.store(to, f32.load(p3), 12);
  }
}

/** interleave of up to eight signals: [8, n] -> [n, 8]. */
function interleave8(to: usize, step: usize, from: usize, lane: usize, lanes: i32, n: i32): void {
  interleave(to, step, from, lane, min(4, lanes), n);
  interleave(to + 16, step, lanes > 4 ? from + 4 * lane : from, lane, max(1, lanes - 4), n);
}

/** The reverse, + value: [n, 4], rows `step` bytes apart -> `lanes` signals of n elements, `lane` bytes apart. */
function separate(to: usize, lane: usize, from: usize, step: usize, lanes: i32, n: i32, value: f32): void {
  let p0 = to, p1 = lanes > 1 ? p0 + lane : p0, p2 = lanes > 2 ? p1 + lane : p1, p3 = lanes > 3 ? p2 + lane : p2;
  const all = f32x4.splat(value);
  for (; n >= 4; n -= 4, from += 4 * step) {
    const x0 = f32x4.add(v128.load(from), all), x1 = f32x4.add(v128.load(from + step), all);
    const x2 = f32x4.add(v128.load(from + 2 * step), all), x3 = f32x4.add(v128.load(from + 3 * step), all);
    const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5), high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
    const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5), high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
    // From the last lane to the first: where lanes are missing, the one they share is written last.
    v128.store(p3, i64x2.shuffle(high01, high23, 1, 3));
    v128.store(p2, i64x2.shuffle(high01, high23, 0, 2));
    v128.store(p1, i64x2.shuffle(low01, low23, 1, 3));
    v128.store(p0, i64x2.shuffle(low01, low23, 0, 2));
    p0 += 16, p1 += 16, p2 += 16, p3 += 16;
  }
  for (; n > 0; n--, from += step, p0 += 4, p1 += 4, p2 += 4, p3 += 4) {
    f32.store(p3, f32.load(from, 12) + value);
    f32.store(p2, f32.load(from, 8) + value);
    f32.store(p1, f32.load(from, 4) + value);
    f32.store(p0, f32.load(from) + value);
  }
}

/**
 * to = a x b, or to + a x b if `add`: [4, 8] in one piece, for a [rows, 4] and b [rows, 8] that consist of the runs of the
 * list [run, end). Lane l of accumulator x collects row l ^ x, as in matmul.ts.
 */
function tile(to: usize, a: usize, b: usize, run: usize, end: usize, add: bool): void {
  product(to, a, b, run, end, 32, 16, add);
}

/** The same where rows of b are `step` bytes apart and their right halves lie `right` bytes after their left ones. */
function tileApart(to: usize, a: usize, b: usize, run: usize, end: usize, step: usize, right: usize): void {
  product(to, a, b, run, end, step, right, true);
}

// @ts-ignore: decorator
@inline
function product(
  to: usize, a: usize, b: usize, run: usize, end: usize, step: usize, apart: usize, add: bool,
): void {
  let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0, r0 = l0, r1 = l0, r2 = l0, r3 = l0;
  for (; run < end; run += RUN) {
    let ap = a + load<u32>(run), bp = b + load<u32>(run, 4);
    for (let n = load<i32>(run, 8); n > 0; n--, ap += 16, bp += step) {
      const left = v128.load(bp), right = v128.load(bp + apart);
      let rows = v128.load(ap);
      l0 = fma(rows, left, l0);
      r0 = fma(rows, right, r0);
      rows = swapNeighbours(rows);
      l1 = fma(rows, left, l1);
      r1 = fma(rows, right, r1);
      rows = swapHalves(rows);
      l3 = fma(rows, left, l3);
      r3 = fma(rows, right, r3);
      rows = swapNeighbours(rows);
      l2 = fma(rows, left, l2);
      r2 = fma(rows, right, r2);
    }
  }
  storeRows(to, l0, l1, l2, l3, add);
  storeRows(to + 16, r0, r1, r2, r3, add);
}

/** Rows of four, 32 bytes apart, whose element (l ^ x, l) is lane l of accumulator x. */
// @ts-ignore: decorator
@inline
function storeRows(to: usize, x0: v128, x1: v128, x2: v128, x3: v128, add: bool): void {
  const low0 = i32x4.shuffle(x0, x1, 0, 5, 2, 7), high0 = i32x4.shuffle(x2, x3, 0, 5, 2, 7);
  const low1 = i32x4.shuffle(x1, x0, 0, 5, 2, 7), high1 = i32x4.shuffle(x3, x2, 0, 5, 2, 7);
  let y0 = i32x4.shuffle(low0, high0, 0, 1, 6, 7), y1 = i32x4.shuffle(low1, high1, 0, 1, 6, 7);
  let y2 = i32x4.shuffle(high0, low0, 0, 1, 6, 7), y3 = i32x4.shuffle(high1, low1, 0, 1, 6, 7);
  if (add) {
    y0 = f32x4.add(y0, v128.load(to)), y1 = f32x4.add(y1, v128.load(to, 32));
    y2 = f32x4.add(y2, v128.load(to, 64)), y3 = f32x4.add(y3, v128.load(to, 96));
  }
  v128.store(to, y0);
  v128.store(to, y1, 32);
  v128.store(to, y2, 64);
  v128.store(to, y3, 96);
}

/** Appends `n` rows at `a` and `b` to the list [first, end), or to its last run if they follow it; returns its end. */
// @ts-ignore: decorator
@inline
function append(first: usize, end: usize, a: i32, b: i32, n: i32): usize {
  if (end > first) {
    const rows = load<i32>(end - RUN, 8);
    if (load<i32>(end - RUN) + (rows << 4) == a && load<i32>(end - RUN, 4) + (rows << 5) == b) {
      store<i32>(end - RUN, rows + n, 8);
      return end;
    }
  }
  return put(end, a, b, n);
}

/** Appends `n` rows at `a` and `b` to the list that ends at `end`; returns its end. */
// @ts-ignore: decorator
@inline
function put(end: usize, a: i32, b: i32, n: i32): usize {
  store<i32>(end, a);
  store<i32>(end, b, 4);
  store<i32>(end, n, 8);
  return end + RUN;
}

/**
 * The weight as conv_octet reads it: [groups, strips, kernel, channels, 4], where a strip is four rows. Steps are in
 * elements: weight element (g, row, c, k0, k1, k2) -> g groupStep + row rowStep + ...; strips [begin, end) of all groups.
 */
export function conv_octet_pack(
  packed: usize, weight: usize, rows: i32, channels: i32, kernel0: i32, kernel1: i32, kernel2: i32,
  groupStep: i32, rowStep: i32, channelStep: i32, step0: i32, step1: i32, step2: i32, begin: i32, end: i32,
): void {
  const strips = (rows + ROWS - 1) / ROWS, pitch = <usize>channelStep << 2;
  let to = packed + (<usize>(begin * kernel0 * kernel1 * kernel2 * channels) << 4);
  for (let i = begin; i < end; i++) {
    const g = i / strips, row = (i - g * strips) * ROWS;
    const lane1 = <usize>(min(1, rows - 1 - row) * rowStep) << 2, lane2 = <usize>(min(2, rows - 1 - row) * rowStep) << 2;
    const lane3 = <usize>(min(3, rows - 1 - row) * rowStep) << 2;
    const strip = weight + (<usize>(g * groupStep + row * rowStep) << 2);
    for (let k0 = 0; k0 < kernel0; k0++) {
      for (let k1 = 0; k1 < kernel1; k1++) {
        for (let k2 = 0; k2 < kernel2; k2++) {
          let from = strip + (<usize>(k0 * step0 + k1 * step1 + k2 * step2) << 2);
          for (let c = 0; c < channels; c++, from += pitch, to += 16) {
            let v = v128.load32_zero(from);
            v = v128.load_lane<f32>(from + lane1, v, 1);
            v = v128.load_lane<f32>(from + lane2, v, 2);
            v128.store(to, v128.load_lane<f32>(from + lane3, v, 3));
          }
        }
      }
    }
  }
}

/**
 * y [batch, groups * outputs, count] = bias + the sum of what weight (packed) and x [batch, groups * channels, size] make
 * where they meet. Blocks [begin, end) of groups x blocks of `strips` strips x blocks of `octets` octets of samples x bands
 * of `band` rows of the result. Scratch: x arranged, y arranged, a list of runs.
 */
export function conv_octet(
  y: usize, x: usize, weight: usize, bias: usize, scratch: usize,
  batch: i32, groups: i32, channels: i32, outputs: i32, size0: i32, size1: i32, size2: i32,
  count0: i32, count1: i32, count2: i32, kernel0: i32, kernel1: i32, kernel2: i32, up0: i32, up1: i32, up2: i32,
  padding0: i32, padding1: i32, padding2: i32, dilation0: i32, dilation1: i32, dilation2: i32,
  down0: i32, down1: i32, down2: i32, octets: i32, band: i32, strips: i32, begin: i32, end: i32,
): void {
  const volume = size0 * size1 * size2, positions = count0 * count1 * count2, rows = count0 * count1;
  const depth = channels * kernel0 * kernel1 * kernel2, stripBytes = <usize>depth << 4;
  // From position to position; a power of 2 would crowd into few cache sets (8 x 64 x 8 x 8, 3 x 3: 8 % slower).
  const rowBytes = <usize>(channels % 32 == 0 ? channels + 2 : channels) << 5;
  const allStrips = (outputs + ROWS - 1) / ROWS, stripBlocks = (allStrips + strips - 1) / strips;
  const allOctets = (batch + LANES - 1) / LANES, octetBlocks = (allOctets + octets - 1) / octets;
  const bands = (rows + band - 1) / band;
  for (let i = begin; i < end; i++) {
    const j = i / bands, row = (i - j * bands) * band, stop = min(rows, row + band);
    const l = j / octetBlocks, octet = (j - l * octetBlocks) * octets, someOctets = min(octets, allOctets - octet);
    const g = l / stripBlocks, strip = (l - g * stripBlocks) * strips, someStrips = min(strips, allStrips - strip);

    // The rows of x that these rows of y read: whole planes if there are several.
    const plane0 = row / count1, plane1 = (stop - 1) / count1;
    let low: i32, high: i32;
    if (size0 > 1 || count0 > 1) {
      low = ceilDiv(plane0 * up0 - padding0, down0) * size1;
      high = min(size0, (plane1 * up0 + (kernel0 - 1) * dilation0 - padding0 + down0) / down0) * size1;
    } else {
      low = ceilDiv(row * up1 - padding1, down1);
      high = min(size1, ((stop - 1) * up1 + (kernel1 - 1) * dilation1 - padding1 + down1) / down1);
    }
    const first = low * size2, n = max(0, (high - low) * size2), bytes = <usize>n * rowBytes;
    const width = (stop - row) * count2;
    for (let o = 0; o < someOctets; o++) {
      const sample = (octet + o) * LANES, lanes = min(LANES, batch - sample);
      let from = x + (<usize>((sample * groups + g) * channels * volume + first) << 2), to = scratch + o * bytes;
      for (let c = 0; c < channels; c++, from += <usize>volume << 2, to += 32) {
        interleave8(to, rowBytes, from, <usize>(groups * channels * volume) << 2, lanes, n);
      }
    }

    const result = scratch + room(octets * bytes), resultBytes = <usize>(someStrips * width) << 7;
    const list = result + octets * resultBytes;
    let place = result;
    for (let r = row; r < stop; r++) {
      const q0 = r / count1, u0 = q0 * up0 - padding0, u1 = (r - q0 * count1) * up1 - padding1;
      for (let q2 = 0; q2 < count2; q2++, place += 128) {
        const u2 = q2 * up2 - padding2;
        let tail = list, a = 0;
        for (let k0 = 0, v0 = u0; k0 < kernel0; k0++, v0 += dilation0) {
          const z0 = down0 == 1 ? v0 : v0 / down0;
          if (v0 < 0 || z0 >= size0 || z0 * down0 != v0) {
            a += kernel1 * kernel2 * channels;
            continue;
          }
          for (let k1 = 0, v1 = u1; k1 < kernel1; k1++, v1 += dilation1) {
            const z1 = down1 == 1 ? v1 : v1 / down1;
            if (v1 < 0 || z1 >= size1 || z1 * down1 != v1) {
              a += kernel2 * channels;
              continue;
            }
            const line = (z0 * size1 + z1 - low) * size2;
            for (let k2 = 0, v2 = u2; k2 < kernel2; k2++, v2 += dilation2, a += channels) {
              const z2 = down2 == 1 ? v2 : v2 / down2;
              if (v2 < 0 || z2 >= size2 || z2 * down2 != v2) continue;
              tail = append(list, tail, a << 4, (line + z2) * <i32>rowBytes, channels);
            }
          }
        }
        let w = weight + <usize>(g * allStrips + strip) * stripBytes, to = place;
        for (let s = 0; s < someStrips; s++, w += stripBytes, to += <usize>width << 7) {
          for (let o = 0; o < someOctets; o++) tile(to + o * resultBytes, w, scratch + o * bytes, list, tail, false);
        }
      }
    }

    for (let o = 0; o < someOctets; o++) {
      const sample = (octet + o) * LANES, lanes = min(LANES, batch - sample), pitch = <usize>(groups * outputs * positions) << 2;
      const channel = strip * ROWS, some = min(someStrips * ROWS, outputs - channel);
      for (let c = 0; c < some; c++) {
        const at = g * outputs + channel + c, value = bias ? f32.load(bias + (<usize>at << 2)) : 0;
        const from = result + o * resultBytes + (<usize>((c >> 2) * width) << 7) + ((c & 3) << 5);
        const to = y + (<usize>((sample * groups * outputs + at) * positions + row * count2) << 2);
        separate(to, pitch, from, 128, min(4, lanes), width, value);
        if (lanes > 4) separate(to + 4 * pitch, pitch, from + 16, 128, lanes - 4, width, value);
      }
    }
  }
}

/**
 * The gradient of conv's weight [groups * outputs, channels, kernel], for the part of the kernel from `first` on, of
 * `used` elements along each axis; the rest, which meets nothing but padding, becomes 0. Channels lie in the lanes: dy is
 * arranged as [strip of four outputs, position, sample, 4], x as [panel of eight channels, position, sample, 8], so one
 * element of the kernel is again a product along runs of consecutive rows. Blocks [begin, end) of groups x blocks of
 * `strips` strips x blocks of `panels` panels; each goes through `samples` samples and `band` rows of dy at a time.
 * Scratch: x arranged, dy arranged, the sums, a list of runs.
 */
export function conv_octet_grad_weight(
  dw: usize, dy: usize, x: usize, scratch: usize,
  batch: i32, groups: i32, channels: i32, outputs: i32, size0: i32, size1: i32, size2: i32,
  count0: i32, count1: i32, count2: i32, kernel0: i32, kernel1: i32, kernel2: i32, stride0: i32, stride1: i32, stride2: i32,
  padding0: i32, padding1: i32, padding2: i32, dilation0: i32, dilation1: i32, dilation2: i32,
  samples: i32, band: i32, strips: i32, panels: i32, begin: i32, end: i32,
): void {
  const volume = size0 * size1 * size2, positions = count0 * count1 * count2, rows = count0 * count1;
  const taps = kernel0 * kernel1 * kernel2;
  const allStrips = (outputs + ROWS - 1) / ROWS, stripBlocks = (allStrips + strips - 1) / strips;
  const allPanels = (channels + LANES - 1) / LANES, panelBlocks = (allPanels + panels - 1) / panels;
  for (let i = begin; i < end; i++) {
    const j = i / panelBlocks, panel = (i - j * panelBlocks) * panels, somePanels = min(panels, allPanels - panel);
    const g = j / stripBlocks, strip = (j - g * stripBlocks) * strips, someStrips = min(strips, allStrips - strip);
    const sums = scratch, list0 = sums + (<usize>(someStrips * somePanels * taps) << 7);
    memory.fill(sums, 0, list0 - sums);
    for (let sample = 0; sample < batch; sample += samples) {
      const some = min(samples, batch - sample);
      for (let row = 0; row < rows; row += band) {
        const stop = min(rows, row + band), width = (stop - row) * count2;
        const plane0 = row / count1, plane1 = (stop - 1) / count1;
        let low: i32, high: i32;
        if (size0 > 1 || count0 > 1) {
          low = max(0, plane0 * stride0 - padding0) * size1;
          high = min(size0, max(0, plane1 * stride0 + (kernel0 - 1) * dilation0 - padding0 + 1)) * size1;
        } else {
          low = max(0, row * stride1 - padding1);
          high = min(size1, max(0, (stop - 1) * stride1 + (kernel1 - 1) * dilation1 - padding1 + 1));
        }
        const n = max(0, (high - low) * size2), xs = list0 + room(<usize>((stop - row) * (stride2 == 1 ? 1 : count2) * RUN));
        const panelBytes = <usize>(n * some) << 5, ys = xs + somePanels * panelBytes, stripBytes = <usize>(width * some) << 4;
        for (let s = 0; s < some; s++) {
          let to = xs + (s << 5);
          for (let p = panel; p < panel + somePanels; p++, to += panelBytes) {
            const from = x + (<usize>((((sample + s) * groups + g) * channels + p * LANES) * volume + low * size2) << 2);
            interleave8(to, <usize>some << 5, from, <usize>volume << 2, min(LANES, channels - p * LANES), n);
          }
          to = ys + (s << 4);
          for (let p = strip; p < strip + someStrips; p++, to += stripBytes) {
            const from = dy + (<usize>((((sample + s) * groups + g) * outputs + p * ROWS) * positions + row * count2) << 2);
            interleave(to, <usize>some << 4, from, <usize>positions << 2, min(ROWS, outputs - p * ROWS), width);
          }
        }
        let tap = 0;
        for (let k0 = 0; k0 < kernel0; k0++) {
          for (let k1 = 0; k1 < kernel1; k1++) {
            for (let k2 = 0; k2 < kernel2; k2++, tap++) {
              const shift = k2 * dilation2 - padding2;
              const q2 = min(count2, ceilDiv(-shift, stride2)), last = shift >= size2 ? q2 : max(q2, min(count2, (size2 - 1 - shift) / stride2 + 1));
              let tail = list0, a = 0;
              for (let r = row; r < stop; r++, a += count2) {
                const q0 = r / count1, z0 = q0 * stride0 + k0 * dilation0 - padding0;
                const z1 = (r - q0 * count1) * stride1 + k1 * dilation1 - padding1;
                if (<u32>z0 >= <u32>size0 || <u32>z1 >= <u32>size1) continue;
                const line = (z0 * size1 + z1 - low) * size2 + shift;
                if (stride2 == 1) {
                  if (last > q2) tail = append(list0, tail, (a + q2) * some << 4, (line + q2) * some << 5, (last - q2) * some);
                } else {
                  for (let q = q2; q < last; q++) tail = append(list0, tail, (a + q) * some << 4, (line + q * stride2) * some << 5, some);
                }
              }
              if (tail == list0) continue;
              for (let p = 0; p < somePanels; p++) {
                let to = sums + (<usize>(p * someStrips * taps + tap) << 7), at = ys;
                for (let s = 0; s < someStrips; s++, to += <usize>taps << 7, at += stripBytes) {
                  tile(to, at, xs + p * panelBytes, list0, tail, true);
                }
              }
            }
          }
        }
      }
    }
    for (let s = 0; s < min(someStrips * ROWS, outputs - strip * ROWS); s++) {
      let to = dw + (<usize>(((g * outputs + strip * ROWS + s) * channels + panel * LANES) * taps) << 2);
      const some = min(somePanels * LANES, channels - panel * LANES);
      for (let c = 0; c < some; c += 4, to += <usize>taps << 4) {
        const from = sums + (<usize>(((c >> 3) * someStrips + (s >> 2)) * taps) << 7) + ((s & 3) << 5) + ((c & 4) << 2);
        if (taps == 1 && some - c >= 4) v128.store(to, v128.load(from));
        else separate(to, <usize>taps << 2, from, 128, min(4, some - c), taps, 0);
      }
    }
  }
}

/**
 * The same for few channels of an image, size0 = count0 = kernel0 = 1: elements of the kernel lie in the lanes, eight of
 * one row of it, or up to four of each of two rows. They are x, padded, as it lies. dilation2 = 1, kernel2 <= 8. Blocks
 * [begin, end) of groups x strips.
 */
export function conv_few_grad_weight(
  dw: usize, dy: usize, x: usize, scratch: usize,
  batch: i32, groups: i32, channels: i32, outputs: i32, size1: i32, size2: i32, count1: i32, count2: i32,
  kernel1: i32, kernel2: i32, stride1: i32, stride2: i32, padding1: i32, padding2: i32, dilation1: i32,
  samples: i32, band: i32, strips: i32, begin: i32, end: i32,
): void {
  const volume = size1 * size2, positions = count1 * count2, taps = kernel1 * kernel2;
  const allStrips = (outputs + ROWS - 1) / ROWS, stripBlocks = (allStrips + strips - 1) / strips;
  // A row of x, padded; each row of the result reads two rows or eight elements even if the kernel is smaller.
  const pairs = kernel2 <= 4, pitch = <usize>((count2 - 1) * stride2 + (pairs ? 4 : 8)) << 2;
  const right = pairs ? dilation1 * pitch : 16, pieces = pairs ? (kernel1 + 1) >> 1 : kernel1;
  const pieceStep = pairs ? 2 * dilation1 * pitch : dilation1 * pitch;
  const reach = (pairs ? 2 * pieces - 1 : kernel1 - 1) * dilation1 + 1;
  const copied = max(0, min(size2, <i32>(pitch >> 2) - padding2));
  for (let i = begin; i < end; i++) {
    const g = i / stripBlocks, strip = (i - g * stripBlocks) * strips, someStrips = min(strips, allStrips - strip);
    const sums = scratch, list = sums + (<usize>(someStrips * channels * pieces) << 7);
    memory.fill(sums, 0, list - sums);
    for (let sample = 0; sample < batch; sample += samples) {
      const some = min(samples, batch - sample);
      for (let row = 0; row < count1; row += band) {
        const high = min(band, count1 - row), width = high * count2, rows = (high - 1) * stride1 + reach;
        const xs = list + room(<usize>(high * some * RUN)), imageBytes = rows * pitch, channelBytes = some * imageBytes;
        const ys = xs + room(channels * channelBytes), stripBytes = <usize>(some * width) << 4;
        memory.fill(xs, 0, channels * channelBytes);
        let tail = list;
        for (let s = 0; s < some; s++) {
          for (let c = 0; c < channels; c++) {
            const image = x + (<usize>(((sample + s) * groups + g) * channels + c) * volume << 2);
            let to = xs + c * channelBytes + s * imageBytes + (padding2 << 2);
            for (let r = 0, z = row * stride1 - padding1; r < rows; r++, z++, to += pitch) {
              if (<u32>z < <u32>size1) memory.copy(to, image + (<usize>(z * size2) << 2), copied << 2);
            }
          }
          for (let p = 0; p < someStrips; p++) {
            const from = dy + (<usize>((((sample + s) * groups + g) * outputs + (strip + p) * ROWS) * positions + row * count2) << 2);
            interleave(ys + p * stripBytes + (<usize>(s * width) << 4), 16, from, <usize>positions << 2, min(ROWS, outputs - (strip + p) * ROWS), width);
          }
          for (let r = 0; r < high; r++) {
            tail = put(tail, (s * width + r * count2) << 4, s * <i32>imageBytes + r * stride1 * <i32>pitch, count2);
          }
        }
        let to = sums;
        for (let c = 0; c < channels; c++) {
          for (let k = 0; k < pieces; k++) {
            for (let p = 0; p < someStrips; p++, to += 128) {
              tileApart(to, ys + p * stripBytes, xs + c * channelBytes + k * pieceStep, list, tail, <usize>stride2 << 2, right);
            }
          }
        }
      }
    }
    for (let s = 0; s < min(someStrips * ROWS, outputs - strip * ROWS); s++) {
      let to = dw + (<usize>((g * outputs + strip * ROWS + s) * channels * taps) << 2);
      for (let c = 0; c < channels; c++) {
        for (let k = 0; k < kernel1; k++) {
          const piece = pairs ? k >> 1 : k;
          let from = sums + (<usize>((c * pieces + piece) * someStrips + (s >> 2)) << 7) + ((s & 3) << 5) + (pairs ? (k & 1) << 4 : 0);
          for (let t = 0; t < kernel2; t++, to += 4, from += 4) f32.store(to, f32.load(from));
        }
      }
    }
  }
}
