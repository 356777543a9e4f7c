// deno-fmt-ignore-file: it deletes @inline before functions.
/**
 * Blocks of attention: what its forward and backward kernels share.
 *
 * All products go through one register tile, [4, depth] x [depth, 8]. Its operands are packed: `strips` hold four rows
 * each ([rows / 4][depth][4]), `panels` eight columns ([columns / 8][depth][8]). Four rows of a strip come in one load
 * and are turned to each lane, so the result is skewed: lane l of vector x holds row l ^ x, column l. It stays so. Scores
 * are tiles of four keys by eight queries: the lanes are queries whatever the skew, and maxima, sums and exponentials
 * take no step across lanes. A strip of scores is of four queries, with 64 bytes for every four keys.
 */
import { fma, swapHalves, swapNeighbours } from "./simd";
import { loadLanes, storeLanes } from "./lanes";
import { pack } from "./tile";

/** Queries of a block. With 128, heads of 1024 x 64 gained 2 %, and there are half as many blocks for threads. */
export const QUERIES: i32 = 64;
/** Keys of a block. 256 x 64: forward 39 GFLOP/s with 128, 41 with 256; backward 43 and 44. */
export const KEYS: i32 = 256;

/** Bytes of a strip of scores. */
export const STRIP: usize = <usize>KEYS << 4;
/** Bytes of a skewed tile. */
export const TILE: usize = 128;

export const ones = memory.data<f32>([1, 1, 1, 1], 16);
export const lowest = memory.data<f32>([-Infinity, -Infinity, -Infinity, -Infinity], 16);
const LANES = memory.data<i32>([0, 1, 2, 3], 16);

/** `count` elements in whole panels. */
// @ts-ignore: decorator
@inline
export function wide(count: i32): i32 {
  return (count + 7) & ~7;
}

/** Packs rows of `width` elements, `row` bytes apart, as strips: [count, width] -> [count / 4][width][4]. */
export function packStrips(to: usize, from: usize, row: usize, count: i32, width: i32): void {
  for (; count > 0; count -= 4, to += <usize>width << 4, from += 4 * row) {
    pack(to, 16, from, row, 4, min(4, count), width);
  }
}

/** Packs them as the columns of panels, times `factor`: [count, width] -> [count / 8][width][8]. */
export function packColumns(to: usize, from: usize, row: usize, count: i32, width: i32, factor: f32): void {
  const bytes = <usize>width << 5, f = f32x4.splat(factor);
  for (; count > 0; count -= 8, to += bytes, from += 8 * row) {
    pack(to, 32, from, row, 4, min(4, count), width);
    if (count > 4) pack(to + 16, 32, from + 4 * row, row, 4, min(4, count - 4), width);
    if (factor == 1) continue;
    for (let p = to; p < to + bytes; p += 16) v128.store(p, f32x4.mul(v128.load(p), f));
  }
}

/** Packs them as the rows of panels, `step` bytes apart: [count, width] -> [width / 8][count][8]. */
export function packRows(to: usize, step: usize, from: usize, row: usize, count: i32, width: i32): void {
  for (; width >= 8; width -= 8, to += step, from += 32) {
    let p = to, source = from;
    for (let i = 0; i < count; i++, p += 32, source += row) {
      v128.store(p, v128.load(source));
      v128.store(p, v128.load(source, 16), 16);
    }
  }
  if (width == 0) return;
  // Absent columns repeat one that there is.
  const right = width > 4 ? from + 16 : from;
  pack(to, 32, from, 4, row, min(4, width), count);
  pack(to + 16, 32, right, 4, row, width > 4 ? width - 4 : width, count);
}

/**
 * left, right = factors * (left, right) + a x b: strip a [depth, 4], panel b [depth, 8] -> the halves of a skewed tile.
 * `factors` is the address of a factor for each row; 0 starts from zeros.
 */
export function product(left: usize, right: usize, factors: usize, a: usize, b: usize, depth: i32): void {
  let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0, r0 = l0, r1 = l0, r2 = l0, r3 = l0;
  if (factors != 0) {
    let f = v128.load(factors);
    l0 = f32x4.mul(f, v128.load(left));
    r0 = f32x4.mul(f, v128.load(right));
    f = swapNeighbours(f);
    l1 = f32x4.mul(f, v128.load(left, 16));
    r1 = f32x4.mul(f, v128.load(right, 16));
    f = swapHalves(f);
    l3 = f32x4.mul(f, v128.load(left, 48));
    r3 = f32x4.mul(f, v128.load(right, 48));
    f = swapNeighbours(f);
    l2 = f32x4.mul(f, v128.load(left, 32));
    r2 = f32x4.mul(f, v128.load(right, 32));
  }
  for (; depth > 0; depth--, a += 16, b += 32) {
    const low = v128.load(b), high = v128.load(b, 16);
    let rows = v128.load(a);
    l0 = fma(rows, low, l0);
    r0 = fma(rows, high, r0);
    rows = swapNeighbours(rows);
    l1 = fma(rows, low, l1);
    r1 = fma(rows, high, r1);
    rows = swapHalves(rows);
    l3 = fma(rows, low, l3);
    r3 = fma(rows, high, r3);
    rows = swapNeighbours(rows);
    l2 = fma(rows, low, l2);
    r2 = fma(rows, high, r2);
  }
  v128.store(left, l0);
  v128.store(left, l1, 16);
  v128.store(left, l2, 32);
  v128.store(left, l3, 48);
  v128.store(right, r0);
  v128.store(right, r1, 16);
  v128.store(right, r2, 32);
  v128.store(right, r3, 48);
}

/** The scores of `count` keys for the eight queries of a panel, in two strips. */
export function scores(to: usize, keys: usize, panel: usize, count: i32, width: i32): void {
  for (; count > 0; count -= 4, to += 64, keys += <usize>width << 4) {
    product(to, to + STRIP, 0, keys, panel, width);
  }
}

/** Stores the rows of four skewed vectors, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function storeRows(to: usize, step: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const low0 = i32x4.shuffle(x0, x1, 0, 5, 2, 7), high0 = i32x4.shuffle(x2, x3, 0, 5, 2, 7);
  const low1 = i32x4.shuffle(x1, x0, 0, 5, 2, 7), high1 = i32x4.shuffle(x3, x2, 0, 5, 2, 7);
  v128.store(to, i32x4.shuffle(low0, high0, 0, 1, 6, 7));
  to += step;
  v128.store(to, i32x4.shuffle(low1, high1, 0, 1, 6, 7));
  to += step;
  v128.store(to, i32x4.shuffle(high0, low0, 0, 1, 6, 7));
  to += step;
  v128.store(to, i32x4.shuffle(high1, low1, 0, 1, 6, 7));
}

/** Stores their columns, 16 bytes apart: with rows and columns changed about, the skew is the same. */
// @ts-ignore: decorator
@inline
export function storeColumns(to: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  storeRows(to, 16, x0, swapNeighbours(x1), swapHalves(x2), i32x4.shuffle(x3, x3, 3, 2, 1, 0));
}

/**
 * Writes rows <= 4 of the skewed tiles of a strip, each times its factor (at address `factors`): [columns / 8] tiles ->
 * [rows, columns], rows so many bytes apart. The tiles are lost.
 */
export function unpack(to: usize, row: usize, tiles: usize, factors: usize, rows: i32, columns: i32): void {
  const factor = v128.load(factors), f1 = swapNeighbours(factor), f3 = swapHalves(f1), f2 = swapNeighbours(f3);
  for (; columns > 0; columns -= 4, to += 16, tiles += 64) {
    const x0 = f32x4.mul(factor, v128.load(tiles)), x1 = f32x4.mul(f1, v128.load(tiles, 16));
    const x2 = f32x4.mul(f2, v128.load(tiles, 32)), x3 = f32x4.mul(f3, v128.load(tiles, 48));
    if (rows == 4 && columns >= 4) {
      storeRows(to, row, x0, x1, x2, x3);
      continue;
    }
    storeRows(tiles, 16, x0, x1, x2, x3);
    for (let i: usize = 0; i < <usize>rows; i++) {
      storeLanes<f32>(to + i * row, v128.load(tiles + (i << 4)), columns);
    }
  }
}

/** Hides keys of a strip of `count`, among the last four of its tiles: query l sees the first min(count, first + l). */
// @ts-ignore: decorator
@inline
export function hide(strip: usize, count: i32, first: i32): void {
  const from = max(0, count - 1) & ~3, four = strip + (<usize>from << 4);
  if (count - from >= 4 && first - from >= 4) return;
  const lanes = v128.load(LANES), hidden = v128.load(lowest);
  const limit = i32x4.min_s(i32x4.splat(count - from), i32x4.add(i32x4.splat(first - from), lanes));
  const l1 = swapNeighbours(lanes), l3 = swapHalves(l1), l2 = swapNeighbours(l3);
  v128.store(four, v128.bitselect(v128.load(four), hidden, i32x4.lt_s(lanes, limit)));
  v128.store(four, v128.bitselect(v128.load(four, 16), hidden, i32x4.lt_s(l1, limit)), 16);
  v128.store(four, v128.bitselect(v128.load(four, 32), hidden, i32x4.lt_s(l2, limit)), 32);
  v128.store(four, v128.bitselect(v128.load(four, 48), hidden, i32x4.lt_s(l3, limit)), 48);
}

/**
 * How many of `count` keys are left when the last ones, which the mask hides from all of these rows, are left out:
 * padding, and what causal masks hide. All of them, if 1 / sum of a row (at that address, if not 0) is not finite:
 * then the row sees no key at all, or one that spoils it, and every key gets what comes of that.
 */
export function seenKeys(mask: usize, row: usize, column: usize, inverse: usize, rows: i32, count: i32): i32 {
  for (let i = 0; inverse != 0 && i < rows; i++) if (!(f32.load(inverse + (<usize>i << 2)) < Infinity)) return count;
  for (; count > 0; count--) {
    const at = mask + <usize>(count - 1) * column;
    // From the last row on: where the mask is causal, it sees most.
    for (let i = rows - 1; i >= 0; i--) if (f32.load(at + <usize>i * row) != -Infinity) return count;
  }
  return 0;
}

/** Four elements of a row of the mask, so many bytes apart; absent ones repeat the last. */
// @ts-ignore: decorator
@inline
function maskRow(mask: usize, column: usize, count: i32): v128 {
  if (column == 4 && count >= 4) return v128.load(mask);
  let v = v128.load32_splat(mask);
  if (count > 1) v = v128.load_lane<f32>(mask + column, v, 1);
  if (count > 2) v = v128.load_lane<f32>(mask + 2 * column, v, 2);
  return count > 3 ? v128.load_lane<f32>(mask + 3 * column, v, 3) : v;
}

/** Adds a mask [rows, count], with steps in bytes, to the scores of rows <= 4 queries for `count` keys. */
export function addMask(strip: usize, mask: usize, row: usize, column: usize, rows: i32, count: i32): void {
  const row1 = rows > 1 ? row : 0, row2 = rows > 2 ? row1 + row : row1, row3 = rows > 3 ? row2 + row : row2;
  for (; count > 0; count -= 4, strip += 64, mask += 4 * column) {
    const m0 = maskRow(mask, column, count), m1 = maskRow(mask + row1, column, count);
    const m2 = maskRow(mask + row2, column, count), m3 = maskRow(mask + row3, column, count);
    const low0 = i32x4.shuffle(m0, m1, 0, 5, 2, 7), high0 = i32x4.shuffle(m2, m3, 0, 5, 2, 7);
    const low1 = i32x4.shuffle(m0, m1, 1, 4, 3, 6), high1 = i32x4.shuffle(m2, m3, 1, 4, 3, 6);
    const y0 = i32x4.shuffle(low0, high0, 0, 1, 6, 7), y2 = i32x4.shuffle(low0, high0, 2, 3, 4, 5);
    const y1 = i32x4.shuffle(low1, high1, 0, 1, 6, 7), y3 = i32x4.shuffle(low1, high1, 2, 3, 4, 5);
    v128.store(strip, f32x4.add(v128.load(strip), y0));
    v128.store(strip, f32x4.add(v128.load(strip, 16), y1), 16);
    v128.store(strip, f32x4.add(v128.load(strip, 32), y2), 32);
    v128.store(strip, f32x4.add(v128.load(strip, 48), y3), 48);
  }
}
