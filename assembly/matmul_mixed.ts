// deno-fmt-ignore-file: it deletes @inline before functions.
/**
 * Products of float32 with narrow elements, columns [begin, end) of c: a [m, k] x b [k, n] (* scale [n]) (+ bias [n]) ->
 * c [m, n]. a and c are contiguous float32; b is float16, bfloat16 or int8, and bRow or bColumn is 1 (for int8 bRow: the
 * weight of a linear layer, [n, k]). scale, which is int8's, and bias are float32 or 0 (none). Narrow elements are widened
 * in registers, or a panel at a time; sums are float32. Scratch: PACKED_BYTES + 2 * PANEL_BYTES + TILE_BYTES, and
 * 4 * (k + 32) for each of up to eight rows. The order in which an element is summed does not depend on begin and end.
 *
 * A few rows are bound by memory where b is wide: there, narrow weights are fast for being few bytes. Figures: one core of
 * an AMD EPYC, Deno 2.9.6, relaxed flavour, n = k = 4096, one row; dots of float32 take 2.9 ms. A load is dear, for it
 * carries a bounds check, so that as many rows share those of a as registers allow: eight took 1.5 ms (bfloat16), 1.8
 * (float16) and 0.9 (int8), four 1.9, 2.5 and 1.1.
 */
import { Brain, evens, Half, odds, widenHigh, widenLow, widenOne, widenRun } from "./half";
import { addEdge, BLOCK_DEPTH, BLOCK_ROWS, PACKED_BYTES, PANEL_BYTES, zeros } from "./matmul";
import { fma, sumLanes } from "./simd";
import { packPanel, packStrip, tile, TILE_COLUMNS, tileRows } from "./tile";

/** Up to so many rows, weights are widened for one or two rows at a time; for more, in panels. */
const FEW_ROWS: i32 = 8;
/** Up to so many rows, the rows of b are added. */
const ROWS_TO_ADD: i32 = 3;
/** Steps of 16 int8 after which sums of products with int16 might overflow: (127 + 1) * 4 * 2^7 * 2^15 = 2^31. */
const INTEGER_STEPS: i32 = 127;

/** b float16. */
export function matmul_mixed_f16(
  c: usize, a: usize, b: usize, scale: usize, bias: usize, m: i32, n: i32, k: i32, bRow: i32, bColumn: i32,
  scratch: usize, begin: i32, end: i32,
): void {
  mixed<Half>(c, a, b, bias, m, n, k, bRow, bColumn, scratch, begin, end);
}

/** b bfloat16. */
export function matmul_mixed_bf16(
  c: usize, a: usize, b: usize, scale: usize, bias: usize, m: i32, n: i32, k: i32, bRow: i32, bColumn: i32,
  scratch: usize, begin: i32, end: i32,
): void {
  mixed<Brain>(c, a, b, bias, m, n, k, bRow, bColumn, scratch, begin, end);
}

/**
 * b int8. Each row of a is rounded to 16 bits of its largest magnitude, and the products are added as integers, exactly:
 * twice as fast as widening the weights to float32. A row with an infinity or NaN gives NaN.
 */
export function matmul_mixed_i8(
  c: usize, a: usize, b: usize, scale: usize, bias: usize, m: i32, n: i32, k: i32, bRow: i32, bColumn: i32,
  scratch: usize, begin: i32, end: i32,
): void {
  fewRows<i8>(c, a, b, scale, bias, m, n, k, bColumn, scratch, begin, end);
}

// @ts-ignore: decorator
@inline
function mixed<T>(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, bRow: i32, bColumn: i32,
  scratch: usize, begin: i32, end: i32,
): void {
  if (bRow == 1 && m <= FEW_ROWS) fewRows<T>(c, a, b, 0, bias, m, n, k, bColumn, scratch, begin, end);
  else if (bColumn == 1 && m <= ROWS_TO_ADD) addRows<T>(c, a, b, bias, m, n, k, bRow, scratch, begin, end);
  else panels<T>(c, a, b, bias, m, n, k, bRow, bColumn, scratch, begin, end);
}

/** What c has to be multiplied by and increased by. */
// @ts-ignore: decorator
@inline
function finish(y: f32, factor: f32, scale: usize, bias: usize): f32 {
  y *= factor;
  if (scale) y *= f32.load(scale);
  if (bias) y += f32.load(bias);
  return y;
}

/** Adds the products of infinite and NaN float16, which `evens` and `odds` take for finite ones. */
function addInfinite(c: usize, a: usize, b: usize, bStep: usize, k: i32): void {
  for (let p = 0; p < k; p++, a += 4, b += bStep) {
    const bits = load<u16>(b);
    if ((bits & 0x7c00) == 0x7c00) f32.store(c, f32.load(c) + f32.load(a) * widenOne<Half>(bits));
  }
}

/** The greatest float16 so far as signed integers, among which positive infinity and NaN are; nothing for other types. */
// @ts-ignore: decorator
@inline
function above<T>(most: v128, v: v128): v128 {
  return sizeof<T>() == 2 && isSigned<T>() ? i16x8.max_s(most, v) : most;
}

/** The greatest as unsigned integers, among which the negative ones are. */
// @ts-ignore: decorator
@inline
function below<T>(most: v128, v: v128): v128 {
  return sizeof<T>() == 2 && isSigned<T>() ? i16x8.max_u(most, v) : most;
}

/** Whether there was an infinity or NaN among them. */
// @ts-ignore: decorator
@inline
function isInfinite(most: v128, least: v128): bool {
  return v128.any_true(v128.or(i16x8.gt_s(most, i16x8.splat(0x7bff)), i16x8.gt_u(least, i16x8.splat(<i16>0xfbff))));
}

/**
 * A row of a as `evens` and `odds` of b meet it: for each 16 bytes of b its even elements, then its odd ones, and zeros
 * beyond the end. For int8, as int16. Gives what products with it are to be multiplied by.
 */
function arrange<T>(to: usize, a: usize, k: i32): f32 {
  let factor: f32 = 1, times: f32 = 1;
  if (sizeof<T>() == 1 || isSigned<T>()) {
    let most = i32x4.splat(0), p = 0;
    for (; p + 4 <= k; p += 4) most = i32x4.max_u(most, i32x4.shl(v128.load(a + (<usize>p << 2)), 1));
    for (; p < k; p++) most = i32x4.max_u(most, i32x4.shl(v128.load32_zero(a + (<usize>p << 2)), 1));
    most = i32x4.max_u(most, i32x4.shuffle(most, most, 2, 3, 0, 1));
    const bits = <u32>i32x4.extract_lane(i32x4.max_u(most, i32x4.shuffle(most, most, 1, 0, 3, 2)), 0) >> 1;
    if (sizeof<T>() == 1) {
      const greatest = reinterpret<f32>(bits);
      factor = bits >= 0x7f800000 ? <f32>NaN : greatest / 32767;
      times = greatest > <f32>1e-30 ? 32767 / greatest : 0; // what is smaller counts as zero
    } else {
      // The float16 are 2^-112 times as large; a power of two that makes up for it, but where that would overflow.
      const exponent = min(112, 253 - <i32>(bits >> 23));
      times = reinterpret<f32>((127 + exponent) << 23);
      factor = reinterpret<f32>((127 + 112 - exponent) << 23);
    }
  }
  const scale = f32x4.splat(times);
  for (; k > 0; k -= 16 / sizeof<T>(), to += 32) {
    const left = min(k, 16 / sizeof<T>());
    if (left < 16 / sizeof<T>()) {
      // The end goes through where it is to be, so that zeros follow it.
      memory.fill(to, 0, 64 / sizeof<T>());
      memory.copy(to, a, <usize>left << 2);
      a = to;
    }
    const x0 = f32x4.mul(scale, v128.load(a)), x1 = f32x4.mul(scale, v128.load(a, 16));
    if (sizeof<T>() == 1) {
      const x2 = f32x4.mul(scale, v128.load(a, 32)), x3 = f32x4.mul(scale, v128.load(a, 48));
      const low = i16x8.narrow_i32x4_s(wholes(x0), wholes(x1)), high = i16x8.narrow_i32x4_s(wholes(x2), wholes(x3));
      v128.store(to, i16x8.shuffle(low, high, 0, 2, 4, 6, 8, 10, 12, 14));
      v128.store(to, i16x8.shuffle(low, high, 1, 3, 5, 7, 9, 11, 13, 15), 16);
      a += 64;
    } else {
      v128.store(to, i32x4.shuffle(x0, x1, 0, 2, 4, 6));
      v128.store(to, i32x4.shuffle(x0, x1, 1, 3, 5, 7), 16);
      a += 32;
    }
  }
  return factor;
}

// @ts-ignore: decorator
@inline
function wholes(x: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(x));
}

/** c for b whose columns lie in one piece: dots with one row of a and eight columns, or two rows and four columns. */
function fewRows<T>(
  c: usize, a: usize, b: usize, scale: usize, bias: usize, m: i32, n: i32, k: i32, bColumn: i32, scratch: usize,
  begin: i32, end: i32,
): void {
  const per = 16 / sizeof<T>(), row = <usize>((k + per - 1) / per) * 32, bStep = <usize>bColumn * sizeof<T>();
  const factors = scratch, x = scratch + 32;
  for (let i0 = 0; i0 < m; i0 += FEW_ROWS) {
    const rows = min(m - i0, FEW_ROWS);
    for (let i = 0; i < rows; i++) {
      f32.store(factors + (<usize>i << 2), arrange<T>(x + <usize>i * row, a + (<usize>((i0 + i) * k) << 2), k));
    }
    for (let j = begin; j < end; j += 8) {
      const columns = min(8, end - j), bt = b + <usize>j * bStep;
      const ct = c + (<usize>(i0 * n + j) << 2), cRow = <usize>n << 2;
      let unusual = false;
      for (let half = 0; half < columns; half += 4) {
        const bh = bt + <usize>half * bStep, ch = ct + (<usize>half << 2);
        for (let i = 0; i < rows - 1; i += 2) {
          const at = <usize>i;
          if (twoRows<T>(ch + at * cRow, cRow, x + at * row, row, bh, bStep, columns - half, k)) unusual = true;
        }
      }
      if (rows & 1) {
        const i = <usize>(rows - 1);
        if (oneRow<T>(ct + i * cRow, x + i * row, bt, bStep, columns, k)) unusual = true;
      }
      for (let i = 0; i < rows; i++) {
        const ci = ct + <usize>i * cRow, factor = f32.load(factors + (<usize>i << 2));
        for (let q = 0; q < columns; q++) {
          const at = <usize>q << 2, s = scale ? scale + (<usize>j << 2) + at : 0;
          f32.store(ci + at, finish(f32.load(ci + at), factor, s, bias ? bias + (<usize>j << 2) + at : 0));
          if (unusual) addInfinite(ci + at, a + (<usize>((i0 + i) * k) << 2), bt + <usize>q * bStep, sizeof<T>(), k);
        }
      }
    }
  }
}

/** s + the products of a vector of narrow elements with the even and the odd elements of a row. */
// @ts-ignore: decorator
@inline
function both<T>(s: v128, v: v128, even: v128, odd: v128): v128 {
  if (sizeof<T>() == 1) {
    s = i32x4.add(s, i32x4.dot_i16x8_s(even, evens<T>(v)));
    return i32x4.add(s, i32x4.dot_i16x8_s(odd, odds<T>(v)));
  }
  return fma(odd, odds<T>(v), fma(even, evens<T>(v), s));
}

/** Adds the lanes of s to c, or sets c to their sum. */
// @ts-ignore: decorator
@inline
function put<T>(c: usize, column: i32, columns: i32, s: v128, first: bool): void {
  if (column >= columns) return;
  c += <usize>column << 2;
  const sum = sumLanes(sizeof<T>() == 1 ? f32x4.convert_i32x4_s(s) : s);
  f32.store(c, first ? sum : f32.load(c) + sum);
}

/** Which bytes of the 16 that end with a column are its last `rest`: those go first, zeros follow. */
// @ts-ignore: decorator
@inline
function lastBytes(rest: i32): v128 {
  return i8x16.add(i8x16.splat(<i8>(16 - rest)), i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/** The last `rest` bytes of a column, from b, and zeros. What lies before them is read, but not used. */
// @ts-ignore: decorator
@inline
function tail(b: usize, rest: i32, last: v128): v128 {
  return i8x16.swizzle(v128.load(b - (16 - rest)), last);
}

/** c = x times up to eight columns of b, absent ones repeating the last. Whether there were infinite float16. */
function oneRow<T>(c: usize, x: usize, b: usize, bStep: usize, columns: i32, k: i32): bool {
  let b0 = b, b1 = columns > 1 ? b0 + bStep : b0, b2 = columns > 2 ? b1 + bStep : b1, b3 = columns > 3 ? b2 + bStep : b2;
  let b4 = columns > 4 ? b3 + bStep : b3, b5 = columns > 5 ? b4 + bStep : b4, b6 = columns > 6 ? b5 + bStep : b5;
  let b7 = columns > 7 ? b6 + bStep : b6;
  let steps = k / (16 / sizeof<T>()), first = true, most = i32x4.splat(0), least = most;
  const rest = <i32>((k - steps * (16 / sizeof<T>())) * sizeof<T>()), last = lastBytes(rest);
  do {
    const count = sizeof<T>() == 1 ? min(steps, INTEGER_STEPS) : steps;
    let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (let p = count; p > 0; p--, x += 32) {
      const even = v128.load(x), odd = v128.load(x, 16);
      let v = v128.load(b0);
      most = above<T>(most, v), least = below<T>(least, v);
      s0 = both<T>(s0, v, even, odd);
      v = v128.load(b1);
      most = above<T>(most, v), least = below<T>(least, v);
      s1 = both<T>(s1, v, even, odd);
      v = v128.load(b2);
      most = above<T>(most, v), least = below<T>(least, v);
      s2 = both<T>(s2, v, even, odd);
      v = v128.load(b3);
      most = above<T>(most, v), least = below<T>(least, v);
      s3 = both<T>(s3, v, even, odd);
      v = v128.load(b4);
      most = above<T>(most, v), least = below<T>(least, v);
      s4 = both<T>(s4, v, even, odd);
      v = v128.load(b5);
      most = above<T>(most, v), least = below<T>(least, v);
      s5 = both<T>(s5, v, even, odd);
      v = v128.load(b6);
      most = above<T>(most, v), least = below<T>(least, v);
      s6 = both<T>(s6, v, even, odd);
      v = v128.load(b7);
      most = above<T>(most, v), least = below<T>(least, v);
      s7 = both<T>(s7, v, even, odd);
      b0 += 16, b1 += 16, b2 += 16, b3 += 16, b4 += 16, b5 += 16, b6 += 16, b7 += 16;
    }
    steps -= count;
    if (steps == 0 && rest > 0) {
      const even = v128.load(x), odd = v128.load(x, 16);
      const v0 = tail(b0, rest, last), v1 = tail(b1, rest, last), v2 = tail(b2, rest, last);
      const v3 = tail(b3, rest, last), v4 = tail(b4, rest, last), v5 = tail(b5, rest, last);
      const v6 = tail(b6, rest, last), v7 = tail(b7, rest, last);
      most = above<T>(above<T>(above<T>(above<T>(most, v0), v1), v2), v3);
      least = below<T>(below<T>(below<T>(below<T>(least, v0), v1), v2), v3);
      most = above<T>(above<T>(above<T>(above<T>(most, v4), v5), v6), v7);
      least = below<T>(below<T>(below<T>(below<T>(least, v4), v5), v6), v7);
      s0 = both<T>(s0, v0, even, odd), s1 = both<T>(s1, v1, even, odd);
      s2 = both<T>(s2, v2, even, odd), s3 = both<T>(s3, v3, even, odd);
      s4 = both<T>(s4, v4, even, odd), s5 = both<T>(s5, v5, even, odd);
      s6 = both<T>(s6, v6, even, odd), s7 = both<T>(s7, v7, even, odd);
    }
    put<T>(c, 0, columns, s0, first), put<T>(c, 1, columns, s1, first);
    put<T>(c, 2, columns, s2, first), put<T>(c, 3, columns, s3, first);
    put<T>(c, 4, columns, s4, first), put<T>(c, 5, columns, s5, first);
    put<T>(c, 6, columns, s6, first), put<T>(c, 7, columns, s7, first);
    first = false;
  } while (steps > 0);
  return isInfinite(most, least);
}

/** oneRow for two rows of x and up to four columns. */
function twoRows<T>(
  c: usize, cRow: usize, x: usize, row: usize, b: usize, bStep: usize, columns: i32, k: i32,
): bool {
  let b0 = b, b1 = columns > 1 ? b0 + bStep : b0, b2 = columns > 2 ? b1 + bStep : b1, b3 = columns > 3 ? b2 + bStep : b2;
  let y = x + row, steps = k / (16 / sizeof<T>()), first = true, most = i32x4.splat(0), least = most;
  const rest = <i32>((k - steps * (16 / sizeof<T>())) * sizeof<T>()), last = lastBytes(rest);
  do {
    const count = sizeof<T>() == 1 ? min(steps, INTEGER_STEPS) : steps;
    let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
    for (let p = count; p > 0; p--, x += 32, y += 32) {
      const xe = v128.load(x), xo = v128.load(x, 16), ye = v128.load(y), yo = v128.load(y, 16);
      let v = v128.load(b0);
      most = above<T>(most, v), least = below<T>(least, v);
      s0 = both<T>(s0, v, xe, xo), t0 = both<T>(t0, v, ye, yo);
      v = v128.load(b1);
      most = above<T>(most, v), least = below<T>(least, v);
      s1 = both<T>(s1, v, xe, xo), t1 = both<T>(t1, v, ye, yo);
      v = v128.load(b2);
      most = above<T>(most, v), least = below<T>(least, v);
      s2 = both<T>(s2, v, xe, xo), t2 = both<T>(t2, v, ye, yo);
      v = v128.load(b3);
      most = above<T>(most, v), least = below<T>(least, v);
      s3 = both<T>(s3, v, xe, xo), t3 = both<T>(t3, v, ye, yo);
      b0 += 16, b1 += 16, b2 += 16, b3 += 16;
    }
    steps -= count;
    if (steps == 0 && rest > 0) {
      const xe = v128.load(x), xo = v128.load(x, 16), ye = v128.load(y), yo = v128.load(y, 16);
      const v0 = tail(b0, rest, last), v1 = tail(b1, rest, last), v2 = tail(b2, rest, last);
      const v3 = tail(b3, rest, last);
      most = above<T>(above<T>(above<T>(above<T>(most, v0), v1), v2), v3);
      least = below<T>(below<T>(below<T>(below<T>(least, v0), v1), v2), v3);
      s0 = both<T>(s0, v0, xe, xo), s1 = both<T>(s1, v1, xe, xo), s2 = both<T>(s2, v2, xe, xo), s3 = both<T>(s3, v3, xe, xo);
      t0 = both<T>(t0, v0, ye, yo), t1 = both<T>(t1, v1, ye, yo), t2 = both<T>(t2, v2, ye, yo), t3 = both<T>(t3, v3, ye, yo);
    }
    put<T>(c, 0, columns, s0, first), put<T>(c, 1, columns, s1, first);
    put<T>(c, 2, columns, s2, first), put<T>(c, 3, columns, s3, first);
    const d = c + cRow;
    put<T>(d, 0, columns, t0, first), put<T>(d, 1, columns, t1, first);
    put<T>(d, 2, columns, t2, first), put<T>(d, 3, columns, t3, first);
    first = false;
  } while (steps > 0);
  return isInfinite(most, least);
}

/**
 * c for b whose rows lie in one piece: sums of the rows of b, four at a time. Eight columns of c are meanwhile held as
 * evens and odds.
 */
function addRows<T>(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, bRow: i32, scratch: usize,
  begin: i32, end: i32,
): void {
  const whole = begin + ((end - begin) & ~7), bStep = <usize>bRow << 1, last = lastBytes((end - whole) << 1);
  for (let i = 0; i < m; i++, a += <usize>k << 2, c += <usize>n << 2) {
    const factor = arrange<T>(scratch, a, k);
    let most = i32x4.splat(0), least = most, p = 0;
    for (let j = begin; j < whole; j++) f32.store(c + (<usize>j << 2), 0);
    let row = b;
    for (; p + 4 <= k; p += 4, row += 4 * bStep) {
      const x0 = f32x4.splat(arranged(scratch, p)), x1 = f32x4.splat(arranged(scratch, p + 1));
      const x2 = f32x4.splat(arranged(scratch, p + 2)), x3 = f32x4.splat(arranged(scratch, p + 3));
      let b0 = row + (<usize>begin << 1), b1 = b0 + bStep, b2 = b1 + bStep, b3 = b2 + bStep;
      let to = c + (<usize>begin << 2);
      for (let j = begin; j < whole; j += 8, to += 32, b0 += 16, b1 += 16, b2 += 16, b3 += 16) {
        let even = v128.load(to), odd = v128.load(to, 16), v = v128.load(b0);
        most = above<T>(most, v), least = below<T>(least, v);
        even = fma(x0, evens<T>(v), even), odd = fma(x0, odds<T>(v), odd);
        v = v128.load(b1);
        most = above<T>(most, v), least = below<T>(least, v);
        even = fma(x1, evens<T>(v), even), odd = fma(x1, odds<T>(v), odd);
        v = v128.load(b2);
        most = above<T>(most, v), least = below<T>(least, v);
        even = fma(x2, evens<T>(v), even), odd = fma(x2, odds<T>(v), odd);
        v = v128.load(b3);
        most = above<T>(most, v), least = below<T>(least, v);
        v128.store(to, fma(x3, evens<T>(v), even));
        v128.store(to, fma(x3, odds<T>(v), odd), 16);
      }
    }
    for (; p < k; p++, row += bStep) {
      const x = f32x4.splat(arranged(scratch, p));
      for (let j = begin; j < whole; j += 8) {
        const to = c + (<usize>j << 2), v = v128.load(row + (<usize>j << 1));
        most = above<T>(most, v), least = below<T>(least, v);
        v128.store(to, fma(x, evens<T>(v), v128.load(to)));
        v128.store(to, fma(x, odds<T>(v), v128.load(to, 16)), 16);
      }
    }
    for (let j = begin; j < whole; j += 8) {
      const to = c + (<usize>j << 2), even = v128.load(to), odd = v128.load(to, 16);
      v128.store(to, i32x4.shuffle(even, odd, 0, 4, 1, 5));
      v128.store(to, i32x4.shuffle(even, odd, 2, 6, 3, 7), 16);
    }
    if (whole < end) {
      let even = i32x4.splat(0), odd = even, from = b + (<usize>whole << 1);
      for (p = 0; p < k; p++, from += bStep) {
        const x = f32x4.splat(arranged(scratch, p)), v = tail(from, (end - whole) << 1, last);
        most = above<T>(most, v), least = below<T>(least, v);
        even = fma(x, evens<T>(v), even), odd = fma(x, odds<T>(v), odd);
      }
      for (let j = whole; j < end; j += 2) {
        f32.store(c + (<usize>j << 2), f32x4.extract_lane(even, 0));
        if (j + 1 < end) f32.store(c + (<usize>j << 2), f32x4.extract_lane(odd, 0), 4);
        even = i32x4.shuffle(even, even, 1, 2, 3, 0), odd = i32x4.shuffle(odd, odd, 1, 2, 3, 0);
      }
    }
    const unusual = isInfinite(most, least);
    for (let j = begin; j < end; j++) {
      const at = <usize>j << 2;
      f32.store(c + at, finish(f32.load(c + at), factor, 0, bias ? bias + at : 0));
      if (unusual) addInfinite(c + at, a, b + (<usize>j << 1), bStep, k);
    }
  }
}

/** Element p of a row that was arranged for 16-bit floats. */
// @ts-ignore: decorator
@inline
function arranged(x: usize, p: i32): f32 {
  return f32.load(x + (<usize>((p & ~7) | ((p & 1) << 2) | ((p & 7) >> 1)) << 2));
}

/**
 * c by the tiles of matmul, whose sums do not depend on their shape; the panels of b are widened when they
 * are packed, so that b as a whole never is.
 */
function panels<T>(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, bRow: i32, bColumn: i32,
  scratch: usize, begin: i32, end: i32,
): void {
  const panel = scratch + PACKED_BYTES, wide = panel + PANEL_BYTES, edge = wide + PANEL_BYTES;
  const aRow = <usize>k << 2, cRow = <usize>n << 2;
  const blocks = max(1, (k + BLOCK_DEPTH - 1) / BLOCK_DEPTH), blockDepth = (k + blocks - 1) / blocks;
  for (let i0 = 0; i0 < m; i0 += BLOCK_ROWS) {
    const i1 = min(i0 + BLOCK_ROWS, m);
    let p = 0;
    do {
      const depth = min(blockDepth, k - p);
      let packed = scratch;
      for (let i = i0; i < i1; ) {
        const left = i1 - i, height = tileRows(left);
        packStrip(packed, a + <usize>i * aRow + (<usize>p << 2), aRow, 4, min(height, left), height, depth);
        packed += <usize>(height * depth) << 2;
        i += height;
      }
      for (let j = begin; j < end; j += TILE_COLUMNS) {
        const columns = min(TILE_COLUMNS, end - j), width = bRow == 1 && columns <= 4 ? 4 : 8;
        widenPanel<T>(panel, wide, b + (<usize>(p * bRow + j * bColumn) << 1), bRow, bColumn, columns, depth);
        packed = scratch;
        for (let i = i0; i < i1; ) {
          const left = i1 - i, height = tileRows(left), ct = c + <usize>i * cRow + (<usize>j << 2);
          const before = p > 0 ? ct : bias ? bias + (<usize>j << 2) : zeros, beforeRow = p > 0 ? cRow : 0;
          if (left >= height && columns == width) {
            tile(height, width, ct, cRow, before, beforeRow, packed, panel, width << 2, depth);
          } else {
            tile(height, width, edge, TILE_COLUMNS * 4, zeros, 0, packed, panel, width << 2, depth);
            addEdge(ct, cRow, before, beforeRow, edge, min(height, left), columns);
          }
          packed += <usize>(height * depth) << 2;
          i += height;
        }
      }
      p += depth;
    } while (p < k);
  }
}

/**
 * Columns <= 8 of b [depth, columns] -> [depth, 8], or [depth, 4] if they fit and lie in one piece each; nobody looks at
 * what comes of absent ones.
 */
function widenPanel<T>(
  panel: usize, wide: usize, b: usize, bRow: i32, bColumn: i32, columns: i32, depth: i32,
): void {
  if (bRow == 1) {
    const run = <usize>depth << 2;
    for (let j = 0; j < columns; j++) widenRun<T>(wide + <usize>j * run, b + (<usize>(j * bColumn) << 1), depth);
    packPanel(panel, wide, 4, run, columns, depth);
  } else if (columns == 8) {
    for (let p = 0; p < depth; p++, panel += 32, b += <usize>bRow << 1) {
      const v = v128.load(b);
      v128.store(panel, widenLow<T>(v));
      v128.store(panel, widenHigh<T>(v), 16);
    }
  } else {
    for (let p = 0; p < depth; p++, panel += 32, b += <usize>bRow << 1) widenRun<T>(panel, b, columns);
  }
}
