// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of 16 parameters a line.
/**
 * Matrix products [batch, m, k] x [batch, k, n] (+ bias) -> [batch, m, n], rows [begin, end) of the batch * m rows.
 * Strides are in elements and may be anything, 0 included; c is contiguous. What is added to a row of c stands at bias,
 * biasRow elements after that of the row before: 0 for one bias [n], n for a whole matrix; bias 0 is none. If relu is not
 * 0, negative results become 0. The order in which a row is summed follows from m, n, k and the strides, never from
 * begin and end.
 *
 * The float32 product is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), and
 * BLIS: blocks of a and panels of b are packed in the order in which a register tile reads them, and packing takes care
 * of every stride. Figures: GFLOP/s on one core of an AMD EPYC 7003, Deno 2.9.6,
 * relaxed flavour (128-bit peak 51).
 */
import { relu } from "./activation";
import { fma, sumLanes } from "./simd";
import { packPanel, packStrip, tile, TILE_COLUMNS, TILE_ROWS, tileRows } from "./tile";

/** Longest block of k. 512^3: 128 gave 49.4, 256 50.7, 512 50.1. */
export const BLOCK_DEPTH: i32 = 256;
/** Rows of a packed at a time (252 KB). 512^3: 64 gave 48.9, 128 50.7, 256 51.1. */
export const BLOCK_ROWS: i32 = 252;
/** Up to so many rows, tiles read b where it lies. n = 1000: 50 against 42 (m = 12), 50 against 48 (m = 64). */
const IN_PLACE_ROWS: i32 = 64;
/** The same where b's rows crowd into few cache sets. n = 512: 46 against 42 (m = 16), 46 against 50 (m = 64). */
const IN_PLACE_ROWS_ALIASED: i32 = 16;

export const PACKED_BYTES: i32 = (BLOCK_ROWS + 4) * BLOCK_DEPTH * 4;
export const PANEL_BYTES: i32 = BLOCK_DEPTH * TILE_COLUMNS * 4;
export const TILE_BYTES: i32 = TILE_ROWS * TILE_COLUMNS * 4;

/** What a tile is added to when there is neither a bias nor an earlier block of k. */
export const zeros = memory.data(TILE_COLUMNS * 4, 16);

/** Bytes of scratch that matmul needs, whatever the sizes. */
export function matmul_scratch(m: i32, n: i32, k: i32): i32 {
  return PACKED_BYTES + PANEL_BYTES + TILE_BYTES;
}

/** float32 product. A single row or column is bound by memory and goes without packing if the strides allow. */
export function matmul(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, aRow: i32, aColumn: i32, bRow: i32, bColumn: i32,
  aBatch: i32, bBatch: i32, biasRow: i32, rectify: i32, scratch: usize, begin: i32, end: i32,
): void {
  const alongDepth = aColumn == 1 && bRow == 1;
  // Batches that follow each other in a and share b are one tall matrix.
  if (m > 1 && bBatch == 0 && aBatch == m * aRow) m = i32.MAX_VALUE;
  for (let row = begin; row < end; ) {
    const t = row / m, i = row - t * m, rows = min(min(m - i, end - row), BLOCK_ROWS);
    const ct = c + (<usize>(row * n) << 2);
    const at = a + (<usize>(t * aBatch + i * aRow) << 2);
    const bt = b + (<usize>(t * bBatch) << 2);
    const before = bias ? bias + (<usize>(row * biasRow) << 2) : 0, beforeRow = <usize>biasRow << 2;
    if (m == 1 && alongDepth) dots(ct, at, bt, before, 4, n, k, bColumn << 2);
    else if (n == 1 && alongDepth) dots(ct, bt, at, before, beforeRow, rows, k, aRow << 2);
    else if (m == 1 && bColumn == 1) sumRows(ct, at, bt, before, 4, n, k, aColumn << 2, bRow << 2);
    else if (n == 1 && aRow == 1) sumRows(ct, bt, at, before, beforeRow, rows, k, bRow << 2, aColumn << 2);
    else product(ct, at, bt, before, beforeRow, rows, n, k, aRow << 2, aColumn << 2, bRow << 2, bColumn << 2, scratch);
    if (rectify) relu(ct, ct, 0, rows * n); // while they are in the cache
    row += rows;
  }
}

/** c = a x b (+ bias): [rows, k] x [k, n] (+ [rows, n]) -> [rows, n], BLOCK_ROWS at most; strides in bytes from here on. */
function product(
  c: usize, a: usize, b: usize, bias: usize, biasRow: usize, rows: i32, n: i32, k: i32,
  aRow: usize, aColumn: usize, bRow: usize, bColumn: usize, scratch: usize,
): void {
  const panel = scratch + PACKED_BYTES, edge = panel + PANEL_BYTES, cRow = <usize>n << 2;
  const inPlace = bColumn == 4 && rows <= ((bRow & 2047) == 0 ? IN_PLACE_ROWS_ALIASED : IN_PLACE_ROWS);
  // Blocks of about equal depth: none is too short to pay for loading and storing its tiles.
  const blocks = max(1, (k + BLOCK_DEPTH - 1) / BLOCK_DEPTH), blockDepth = (k + blocks - 1) / blocks;
  let p = 0;
  do {
    const depth = min(blockDepth, k - p);
    let packed = scratch;
    for (let i = 0; i < rows; ) {
      const left = rows - i, height = tileRows(left);
      packStrip(packed, a + <usize>i * aRow + <usize>p * aColumn, aRow, aColumn, min(height, left), height, depth);
      packed += <usize>(height * depth) << 2;
      i += height;
    }
    for (let j = 0; j < n; j += TILE_COLUMNS) {
      const columns = min(TILE_COLUMNS, n - j), width = columns > 4 ? 8 : 4;
      let bp = b + <usize>p * bRow + <usize>j * bColumn, bStep = bRow;
      if (!inPlace || columns < width) {
        packPanel(panel, bp, bRow, bColumn, columns, depth);
        bp = panel;
        bStep = width << 2;
      }
      packed = scratch;
      for (let i = 0; i < rows; ) {
        const left = rows - i, height = tileRows(left);
        const ct = c + <usize>i * cRow + (<usize>j << 2);
        const before = p > 0 ? ct : bias ? bias + <usize>i * biasRow + (<usize>j << 2) : zeros;
        const beforeRow = p > 0 ? cRow : bias ? biasRow : 0;
        // A tile that c cuts off goes to scratch first, so that nothing beyond c and bias is touched.
        const whole = left >= height && columns == width;
        const to = whole ? ct : edge, toRow = whole ? cRow : TILE_COLUMNS * 4;
        const base = whole ? before : zeros, baseRow = whole ? beforeRow : 0;
        tile(height, width, to, toRow, base, baseRow, packed, bp, bStep, depth);
        if (!whole) addEdge(ct, cRow, before, beforeRow, edge, min(height, left), columns);
        packed += <usize>(height * depth) << 2;
        i += height;
      }
    }
    p += depth;
  } while (p < k);
}

/** The first rows and columns of c = before + edge, where edge is a tile in scratch. */
export function addEdge(c: usize, cRow: usize, before: usize, beforeRow: usize, edge: usize, rows: i32, columns: i32): void {
  for (; rows > 0; rows--, c += cRow, before += beforeRow, edge += TILE_COLUMNS * 4) {
    const stop = <usize>columns << 2;
    for (let j: usize = 0; j < stop; j += 4) f32.store(c + j, f32.load(before + j) + f32.load(edge + j));
  }
}

/** y = x times matrix (+ bias), [k] x [k, count] -> [count]: rows lie in one piece and are added, four at a time. */
function sumRows(
  y: usize, x: usize, matrix: usize, bias: usize, biasStep: usize, count: i32, k: i32, xStep: usize, rowStep: usize,
): void {
  const end = <usize>count << 2, whole = end & ~15;
  if (bias == 0) biasStep = 0; // no bias stays none
  for (let j: usize = 0; j < end; j += 4, bias += biasStep) f32.store(y + j, bias ? f32.load(bias) : 0);
  // The last columns, one by one, but as lanes: where a range is cut must not show in the rounding.
  for (let j = whole; j < end; j += 4) {
    let sum = v128.load32_zero(y + j), xp = x, from = matrix + j;
    for (let p = 0; p < k; p++, xp += xStep, from += rowStep) {
      sum = fma(v128.load32_zero(xp), v128.load32_zero(from), sum);
    }
    v128.store_lane<f32>(y + j, sum, 0);
  }
  for (; k >= 4; k -= 4, x += 4 * xStep, matrix += 4 * rowStep) {
    const x0 = v128.load32_splat(x), x1 = v128.load32_splat(x + xStep);
    const x2 = v128.load32_splat(x + 2 * xStep), x3 = v128.load32_splat(x + 3 * xStep);
    const row1 = matrix + rowStep, row2 = row1 + rowStep, row3 = row2 + rowStep;
    for (let j: usize = 0; j < whole; j += 16) {
      let sum = fma(x0, v128.load(matrix + j), v128.load(y + j));
      sum = fma(x1, v128.load(row1 + j), sum);
      sum = fma(x2, v128.load(row2 + j), sum);
      v128.store(y + j, fma(x3, v128.load(row3 + j), sum));
    }
  }
  for (; k > 0; k--, x += xStep, matrix += rowStep) {
    const x0 = v128.load32_splat(x);
    for (let j: usize = 0; j < whole; j += 16) v128.store(y + j, fma(x0, v128.load(matrix + j), v128.load(y + j)));
  }
}

/** y = x times matrix (+ bias), [k] x [k, count] -> [count]: columns and x lie in one piece; four columns at a time. */
function dots(
  y: usize, x: usize, matrix: usize, bias: usize, biasStep: usize, count: i32, k: i32, columnStep: usize,
): void {
  if (bias == 0) biasStep = 0; // no bias stays none
  for (; count > 0; count -= 4, matrix += 4 * columnStep) {
    // Absent columns repeat the last one.
    let xp = x, from0 = matrix, p = k;
    let from1 = count > 1 ? from0 + columnStep : from0;
    let from2 = count > 2 ? from1 + columnStep : from1;
    let from3 = count > 3 ? from2 + columnStep : from2;
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (; p >= 4; p -= 4, xp += 16) {
      const xs = v128.load(xp);
      s0 = fma(xs, v128.load(from0), s0);
      s1 = fma(xs, v128.load(from1), s1);
      s2 = fma(xs, v128.load(from2), s2);
      s3 = fma(xs, v128.load(from3), s3);
      from0 += 16, from1 += 16, from2 += 16, from3 += 16;
    }
    for (; p > 0; p--, xp += 4) {
      const xs = v128.load32_zero(xp);
      s0 = fma(xs, v128.load32_zero(from0), s0);
      s1 = fma(xs, v128.load32_zero(from1), s1);
      s2 = fma(xs, v128.load32_zero(from2), s2);
      s3 = fma(xs, v128.load32_zero(from3), s3);
      from0 += 4, from1 += 4, from2 += 4, from3 += 4;
    }
    for (let q = 0; q < min(4, count); q++, y += 4, bias += biasStep) {
      const sum = sumLanes(q == 0 ? s0 : q == 1 ? s1 : q == 2 ? s2 : s3);
      f32.store(y, bias ? sum + f32.load(bias) : sum);
    }
  }
}

/** float64 product. */
export function matmul_f64(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, aRow: i32, aColumn: i32, bRow: i32, bColumn: i32,
  aBatch: i32, bBatch: i32, biasRow: i32, rectify: i32, scratch: usize, begin: i32, end: i32,
): void {
  plain<f64>(c, a, b, bias, m, n, k, aRow, aColumn, bRow, bColumn, aBatch, bBatch, biasRow, rectify, begin, end);
}

/** int64 product; it wraps. */
export function matmul_i64(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, aRow: i32, aColumn: i32, bRow: i32, bColumn: i32,
  aBatch: i32, bBatch: i32, biasRow: i32, rectify: i32, scratch: usize, begin: i32, end: i32,
): void {
  plain<i64>(c, a, b, bias, m, n, k, aRow, aColumn, bRow, bColumn, aBatch, bBatch, biasRow, rectify, begin, end);
}

/** The product of 8-byte elements in plain loops: each row of c is a sum of rows of b. */
function plain<T>(
  c: usize, a: usize, b: usize, bias: usize, m: i32, n: i32, k: i32, aRow: i32, aColumn: i32, bRow: i32, bColumn: i32,
  aBatch: i32, bBatch: i32, biasRow: i32, rectify: i32, begin: i32, end: i32,
): void {
  const aStep = <usize>aColumn << 3, bStep = <usize>bColumn << 3;
  for (let row = begin; row < end; row++) {
    const t = row / m, to = c + (<usize>(row * n) << 3), stop = to + (<usize>n << 3);
    const before = bias + (<usize>(row * biasRow) << 3);
    for (let j: usize = 0; to + j < stop; j += 8) store<T>(to + j, bias ? load<T>(before + j) : <T>0);
    let ap = a + (<usize>(t * aBatch + (row - t * m) * aRow) << 3);
    let bp = b + (<usize>(t * bBatch) << 3);
    for (let p = 0; p < k; p++, ap += aStep, bp += <usize>bRow << 3) {
      const x = load<T>(ap);
      for (let cj = to, bj = bp; cj < stop; cj += 8, bj += bStep) store<T>(cj, load<T>(cj) + x * load<T>(bj));
    }
    if (rectify) {
      for (let cj = to; cj < stop; cj += 8) if (load<T>(cj) < <T>0) store<T>(cj, <T>0);
    }
  }
}
