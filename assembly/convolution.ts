// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * Convolution over three axes; with fewer, the first ones have size 1. It is a product of matrices: the weight of a group
 * [outputs, depth], depth = channels * kernel size, times patches [depth, columns], where a column holds what one position
 * of the result reads of x. Patches of all positions would take as much memory as x times the kernel's size, so they are
 * gathered for a block at a time: `samples` samples whole, or, when that is 1, `band` positions of one.
 *
 * x [batch, groups * channels, size], y [batch, groups * outputs, count], weight [groups * outputs, channels, kernel];
 * `channels` and `outputs` are those of one group. Scratch: patches, then the block of y [outputs, columns], then a part of a
 * sum, then what matmul needs; each rounded up to 64 bytes.
 */
import { matmul, matmul_f64, matmul_i64 } from "./matmul";

/** Terms of a long sum that are added before they join the rest. */
const PART: i32 = 256;

// The sizes of the call that is running; functions of one kernel share them, and threads have instances of their own.
let batch: i32 = 0, groups: i32 = 0, channels: i32 = 0, outputs: i32 = 0;
let size0: i32 = 0, size1: i32 = 0, size2: i32 = 0;
let count0: i32 = 0, count1: i32 = 0, count2: i32 = 0;
let kernel0: i32 = 0, kernel1: i32 = 0, kernel2: i32 = 0;
let stride0: i32 = 0, stride1: i32 = 0, stride2: i32 = 0;
let padding0: i32 = 0, padding1: i32 = 0, padding2: i32 = 0;
let dilation0: i32 = 0, dilation1: i32 = 0, dilation2: i32 = 0;
let samples: i32 = 0, band: i32 = 0, rows: i32 = 0;
let volume: i32 = 0, positions: i32 = 0, depth: i32 = 0;
/** Whether the patches of one sample are that sample as it lies: a kernel of size 1. */
let direct: bool = false;

function begins(
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32, some: i32,
): void {
  batch = n, groups = g, channels = c, outputs = o;
  size0 = s0, size1 = s1, size2 = s2;
  count0 = n0, count1 = n1, count2 = n2;
  kernel0 = k0, kernel1 = k1, kernel2 = k2;
  stride0 = t0, stride1 = t1, stride2 = t2;
  padding0 = p0, padding1 = p1, padding2 = p2;
  dilation0 = d0, dilation1 = d1, dilation2 = d2;
  samples = block, band = most, rows = some;
  volume = s0 * s1 * s2, positions = n0 * n1 * n2, depth = c * k0 * k1 * k2;
  direct = block == 1 && k0 * k1 * k2 == 1 && t0 * t1 * t2 == 1 && (p0 | p1 | p2) == 0 && volume == positions;
}

/** c = a x b: [m, k] x [k, n] -> [m, n]; strides in elements. */
// @ts-ignore: decorator
@inline
function multiply<T>(
  c: usize, a: usize, b: usize, m: i32, n: i32, k: i32, aRow: i32, aColumn: i32, bRow: i32, bColumn: i32, scratch: usize,
): void {
  if (sizeof<T>() == 4) matmul(c, a, b, 0, m, n, k, aRow, aColumn, bRow, bColumn, 0, 0, 0, 0, scratch, 0, m);
  else if (isFloat<T>()) matmul_f64(c, a, b, 0, m, n, k, aRow, aColumn, bRow, bColumn, 0, 0, 0, 0, scratch, 0, m);
  else matmul_i64(c, a, b, 0, m, n, k, aRow, aColumn, bRow, bColumn, 0, 0, 0, 0, scratch, 0, m);
}

/** Bytes that n elements take in scratch. */
// @ts-ignore: decorator
@inline
function room<T>(n: i32): usize {
  return (<usize>n * sizeof<T>() + 63) & ~63;
}

/** The address of element i of p. */
// @ts-ignore: decorator
@inline
function at<T>(p: usize, i: i32): usize {
  return p + <usize>i * sizeof<T>();
}

/** Writes n times `value` from `to`. */
// @ts-ignore: decorator
@inline
function fill<T>(to: usize, n: i32, value: T): void {
  const end = at<T>(to, n), all = v128.splat<T>(value);
  for (; to + 16 <= end; to += 16) v128.store(to, all);
  for (; to < end; to += sizeof<T>()) store<T>(to, value);
}

/** to = from (+ value), n elements; adds to what is there if `into` is set. */
// @ts-ignore: decorator
@inline
function move<T>(to: usize, from: usize, n: i32, value: T, into: bool): void {
  const end = at<T>(to, n), all = v128.splat<T>(value);
  for (; to + 16 <= end; to += 16, from += 16) {
    const v = v128.load(from);
    v128.store(to, v128.add<T>(v, into ? v128.load(to) : all));
  }
  for (; to < end; to += sizeof<T>(), from += sizeof<T>()) {
    store<T>(to, load<T>(from) + (into ? load<T>(to) : value));
  }
}

/** to = from, n elements. */
// @ts-ignore: decorator
@inline
function copy<T>(to: usize, from: usize, n: i32): void {
  const end = at<T>(to, n);
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += sizeof<T>(), from += sizeof<T>()) store<T>(to, load<T>(from));
}

/**
 * The patches [channels * kernel, n] of n positions of one sample, from `first` on; their rows lie `columns` apart. Gathers
 * them from x, or, if `add` is set, adds them to x.
 */
// @ts-ignore: decorator
@inline
function patch<T>(add: bool, patches: usize, columns: i32, x: usize, channels: i32, first: i32, n: i32): void {
  const rowStep = at<T>(0, columns), step = at<T>(0, stride2), width = size2, across = count2;
  const start = first / across, w0 = first - start * across, d0 = start / count1, h0 = start - d0 * count1;
  for (let c = 0; c < channels; c++, x += at<T>(0, volume)) {
    for (let k0 = 0; k0 < kernel0; k0++) {
      for (let k1 = 0; k1 < kernel1; k1++) {
        for (let k2 = 0; k2 < kernel2; k2++, patches += rowStep) {
          // Along the last axis, this element of the kernel meets x at positions [low, high).
          const shift = k2 * dilation2 - padding2;
          const low = shift >= 0 ? 0 : min(across, (stride2 - 1 - shift) / stride2);
          const high = shift >= width ? 0 : min(across, (width - 1 - shift) / stride2 + 1);
          let to = patches, left = n, w = w0, h = h0, d = d0;
          while (left > 0) {
            const stop = min(across, w + left), y = h * stride1 + k1 * dilation1 - padding1;
            const z = d * stride0 + k0 * dilation0 - padding0;
            const met = <u32>y < <u32>size1 && <u32>z < <u32>size0;
            const from = met ? min(max(low, w), stop) : stop, end = met ? max(from, min(high, stop)) : stop;
            if (!add) fill<T>(to, from - w, <T>0);
            let inside = at<T>(to, from - w), source = at<T>(x, (z * size1 + y) * width + from * stride2 + shift);
            if (stride2 == 1) {
              if (add) move<T>(source, inside, end - from, <T>0, true);
              else copy<T>(inside, source, end - from);
            } else {
              for (let i = from; i < end; i++, inside += sizeof<T>(), source += step) {
                if (add) store<T>(source, load<T>(source) + load<T>(inside));
                else store<T>(inside, load<T>(source));
              }
            }
            if (!add) fill<T>(at<T>(to, end - w), stop - end, <T>0);
            to = at<T>(to, stop - w);
            left -= stop - w;
            w = 0;
            if (++h == count1) h = 0, d++;
          }
        }
      }
    }
  }
}

function gather<T>(patches: usize, columns: i32, x: usize, first: i32, n: i32): void {
  patch<T>(false, patches, columns, x, channels, first, n);
}

function scatter<T>(patches: usize, columns: i32, x: usize, some: i32, first: i32, n: i32): void {
  patch<T>(true, patches, columns, x, some, first, n);
}

/** Gathers the patches of `n` positions of each of `block` samples from sample `first` on: [depth, block * n]. */
// @ts-ignore: decorator
@inline
function gatherBlock<T>(patches: usize, x: usize, g: i32, first: i32, block: i32, p: i32, n: i32): void {
  for (let s = 0; s < block; s++) {
    gather<T>(at<T>(patches, s * n), block * n, at<T>(x, ((first + s) * groups + g) * channels * volume), p, n);
  }
}

/** Gathers all positions of `some` outputs of `block` samples of dy, from sample `first` on: [some, block * positions]. */
// @ts-ignore: decorator
@inline
function gatherOutputs<T>(to: usize, dy: usize, g: i32, first: i32, block: i32, output: i32, some: i32): void {
  for (let o = output; o < output + some; o++) {
    for (let s = 0; s < block; s++, to += at<T>(0, positions)) {
      copy<T>(to, at<T>(dy, (((first + s) * groups + g) * outputs + o) * positions), positions);
    }
  }
}

// @ts-ignore: decorator
@inline
function forward<T>(y: usize, x: usize, weight: usize, bias: usize, scratch: usize, begin: i32, end: i32): void {
  const blocks = (batch + samples - 1) / samples, bands = (positions + band - 1) / band;
  const result = scratch + room<T>(depth * samples * band);
  const part = result + room<T>(outputs * samples * band), rest = part + room<T>(samples * band);
  for (let i = begin; i < end; i++) {
    const j = i / bands, p = (i - j * bands) * band, n = min(band, positions - p);
    const g = j / blocks, first = (j - g * blocks) * samples, block = min(samples, batch - first), columns = block * n;
    const a = at<T>(weight, g * outputs * depth);
    let b = at<T>(x, (first * groups + g) * channels * volume + p), bRow = volume;
    if (!direct) {
      gatherBlock<T>(scratch, x, g, first, block, p, n);
      b = scratch;
      bRow = columns;
    }
    const whole = block == 1 && n == positions;
    const c = whole ? at<T>(y, (first * groups + g) * outputs * positions) : result;
    // matmul sums a single row in one go, which loses digits where it is long; this has room for a part of it.
    const step = outputs == 1 && depth > 2 * PART && columns <= depth ? PART : max(depth, 1);
    multiply<T>(c, a, b, outputs, columns, min(step, depth), depth, 1, bRow, 1, rest);
    for (let q = step; q < depth; q += step) {
      const length = min(step, depth - q);
      multiply<T>(part, at<T>(a, q), at<T>(b, q * bRow), 1, columns, length, depth, 1, bRow, 1, rest);
      move<T>(c, part, columns, <T>0, true);
    }
    if (whole && !bias) continue;
    for (let o = 0; o < outputs; o++) {
      const value = bias ? load<T>(at<T>(bias, g * outputs + o)) : <T>0;
      for (let s = 0; s < block; s++) {
        const to = at<T>(y, (((first + s) * groups + g) * outputs + o) * positions + p);
        move<T>(to, at<T>(c, o * columns + s * n), n, value, false);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function backward<T>(dx: usize, dy: usize, weight: usize, bias: usize, scratch: usize, begin: i32, end: i32): void {
  const blocks = (batch + samples - 1) / samples, parts = (channels + rows - 1) / rows, taps = kernel0 * kernel1 * kernel2;
  const side = scratch + room<T>(rows * taps * samples * band), rest = side + room<T>(outputs * samples * band);
  for (let i = begin; i < end; i++) {
    const j = i / parts, channel = (i - j * parts) * rows, some = min(rows, channels - channel);
    const g = j / blocks, first = (j - g * blocks) * samples, block = min(samples, batch - first);
    const a = at<T>(weight, g * outputs * depth + channel * taps);
    const sample = at<T>(dx, ((first * groups + g) * channels + channel) * volume), step = at<T>(0, groups * channels * volume);
    for (let s = 0; s < block && !direct; s++) {
      for (let c = 0; c < some; c++) {
        const value = bias ? load<T>(at<T>(bias, g * channels + channel + c)) : <T>0;
        fill<T>(sample + s * step + at<T>(0, c * volume), volume, value);
      }
    }
    for (let p = 0; p < positions; p += band) {
      const n = min(band, positions - p), columns = block * n;
      let b = at<T>(dy, (first * groups + g) * outputs * positions + p), bRow = positions;
      if (block > 1) {
        gatherOutputs<T>(side, dy, g, first, block, 0, outputs);
        b = side;
        bRow = columns;
      }
      multiply<T>(direct ? sample : scratch, a, b, some * taps, columns, outputs, 1, depth, bRow, 1, rest);
      if (!direct) {
        for (let s = 0; s < block; s++) scatter<T>(at<T>(scratch, s * n), columns, sample + s * step, some, p, n);
      } else if (bias) {
        for (let c = 0; c < some; c++) {
          const to = at<T>(sample, c * volume);
          move<T>(to, to, volume, load<T>(at<T>(bias, g * channels + channel + c)), false);
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function weightGradient<T>(dw: usize, dy: usize, x: usize, scratch: usize, begin: i32, end: i32): void {
  const parts = (outputs + rows - 1) / rows;
  const side = scratch + room<T>(depth * samples * band);
  const product = side + room<T>(rows * samples * band), rest = product + room<T>(rows * depth);
  for (let i = begin; i < end; i++) {
    const g = i / parts, output = (i - g * parts) * rows, some = min(rows, outputs - output);
    const to = at<T>(dw, (g * outputs + output) * depth);
    let started = false;
    for (let first = 0; first < batch; first += samples) {
      const block = min(samples, batch - first);
      for (let p = 0; p < positions; p += band) {
        const n = min(band, positions - p), columns = block * n;
        let b = at<T>(x, (first * groups + g) * channels * volume + p), bColumn = volume;
        if (!direct) {
          gatherBlock<T>(scratch, x, g, first, block, p, n);
          b = scratch;
          bColumn = columns;
        }
        let a = at<T>(dy, ((first * groups + g) * outputs + output) * positions + p), aRow = positions;
        if (block > 1) {
          gatherOutputs<T>(side, dy, g, first, block, output, some);
          a = side;
          aRow = columns;
        }
        multiply<T>(started ? product : to, a, b, some, depth, columns, aRow, 1, 1, bColumn, rest);
        if (started) move<T>(to, product, some * depth, <T>0, true);
        started = true;
      }
    }
  }
}

/** y = conv(x, weight) + bias [outputs], or no bias if 0; blocks [begin, end) of groups x blocks of samples x bands. */
export function conv(
  y: usize, x: usize, weight: usize, bias: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, 0);
  forward<f32>(y, x, weight, bias, scratch, begin, end);
}

/** The same in float64. */
export function conv_f64(
  y: usize, x: usize, weight: usize, bias: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, 0);
  forward<f64>(y, x, weight, bias, scratch, begin, end);
}

/** The same in int64; it wraps. */
export function conv_i64(
  y: usize, x: usize, weight: usize, bias: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, 0);
  forward<i64>(y, x, weight, bias, scratch, begin, end);
}

/** The gradient of conv's x, which is the transposed convolution of dy, + bias [channels] or none, `some` channels at a time. */
export function conv_grad_x(
  dx: usize, dy: usize, weight: usize, bias: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32, some: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, some);
  backward<f32>(dx, dy, weight, bias, scratch, begin, end);
}

/** The same in float64. */
export function conv_grad_x_f64(
  dx: usize, dy: usize, weight: usize, bias: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32, some: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, some);
  backward<f64>(dx, dy, weight, bias, scratch, begin, end);
}

/** The same in int64; it wraps. */
export function conv_grad_x_i64(
  dx: usize, dy: usize, weight: usize, bias: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32, some: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, some);
  backward<i64>(dx, dy, weight, bias, scratch, begin, end);
}

/** The gradient of conv's weight, `some` outputs at a time. */
export function conv_grad_weight(
  dw: usize, dy: usize, x: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32, some: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, some);
  weightGradient<f32>(dw, dy, x, scratch, begin, end);
}

/** The same in float64. */
export function conv_grad_weight_f64(
  dw: usize, dy: usize, x: usize, scratch: usize,
  n: i32, g: i32, c: i32, o: i32, s0: i32, s1: i32, s2: i32, n0: i32, n1: i32, n2: i32, k0: i32, k1: i32, k2: i32,
  t0: i32, t1: i32, t2: i32, p0: i32, p1: i32, p2: i32, d0: i32, d1: i32, d2: i32, block: i32, most: i32, some: i32,
  begin: i32, end: i32,
): void {
  begins(n, g, c, o, s0, s1, s2, n0, n1, n2, k0, k1, k2, t0, t1, t2, p0, p1, p2, d0, d1, d2, block, most, some);
  weightGradient<f64>(dw, dy, x, scratch, begin, end);
}
