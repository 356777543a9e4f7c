// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of nine parameters a line.
/**
 * The register tile of the matrix products, and the packing of what it reads.
 *
 * A tile is rows x columns elements of c, kept in registers while it goes through the depth: each step loads a row of b
 * and multiplies it by one element of each row of a, spread over a vector. Where the columns are two vectors, V8 can
 * join them to one of 256 bits (a flag of its own), as they are loaded and stored side by side.
 */
import { fma } from "./simd";

/**
 * The tallest and the widest tile. GFLOP/s at depth 256 on one core of an AMD EPYC 9004 (128-bit peak 59), in Deno, in
 * Node 26, and in Deno without bounds checks and with 256-bit vectors: 6x8 53, 57, 83; 5x8 51, 54, 71; 4x8 48, 53, 58;
 * 4x12 32, 33, 78 (too many registers). Four rows of a from one load, its lanes turned to each place: 4x8 51, 51, 51;
 * 6x8 with four of its rows so 56, 55, 76.
 */
export const TILE_ROWS = 6;
export const TILE_COLUMNS = 8;

/** How tall the next tile is, when `left` rows are left: sixes, and fours where they fit better at the end. */
// @ts-ignore: decorator
@inline
export function tileRows(left: i32): i32 {
  return left <= 4 || left == 7 || left == 8 ? 4 : 6;
}

/**
 * c = before + a x b for a tile: packed a [depth, rows], b [depth, columns] with rows bStep apart -> c [rows, columns];
 * rows is 6 or 4, columns 8 or 4.
 */
export function tile(
  rows: i32, columns: i32, c: usize, cRow: usize, before: usize, beforeRow: usize, a: usize, b: usize, bStep: usize,
  depth: i32,
): void {
  if (rows == 6) {
    if (columns == 8) steps(true, true, c, cRow, before, beforeRow, a, b, bStep, depth);
    else steps(true, false, c, cRow, before, beforeRow, a, b, bStep, depth);
  } else {
    if (columns == 8) steps(false, true, c, cRow, before, beforeRow, a, b, bStep, depth);
    else steps(false, false, c, cRow, before, beforeRow, a, b, bStep, depth);
  }
}

/**
 * The tile of a fixed shape. Steps at a time, 512^3: four gave 51.5, eight 53.5. Addresses are sums, not offsets of the
 * instructions: their bounds checks would each take a subtraction more (four steps of the tile alone: 53, with offsets 48).
 */
// @ts-ignore: decorator
@inline
function steps(
  six: bool, wide: bool, c: usize, cRow: usize, before: usize, beforeRow: usize, a: usize, b: usize, bStep: usize,
  depth: i32,
): void {
  const aStep: usize = six ? 24 : 16;
  let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0, l4 = l0, l5 = l0, r0 = l0, r1 = l0, r2 = l0, r3 = l0, r4 = l0, r5 = l0;
  let left: v128, right: v128, x: v128;
  for (; depth >= 8; depth -= 8) {
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
    a += aStep, b += bStep;
  }
  for (; depth > 0; depth--, a += aStep, b += bStep) {
    left = v128.load(b), right = wide ? v128.load(b + 16) : left;
    x = v128.load32_splat(a), l0 = fma(x, left, l0), r0 = wide ? fma(x, right, r0) : r0;
    x = v128.load32_splat(a + 4), l1 = fma(x, left, l1), r1 = wide ? fma(x, right, r1) : r1;
    x = v128.load32_splat(a + 8), l2 = fma(x, left, l2), r2 = wide ? fma(x, right, r2) : r2;
    x = v128.load32_splat(a + 12), l3 = fma(x, left, l3), r3 = wide ? fma(x, right, r3) : r3;
    if (six) x = v128.load32_splat(a + 16), l4 = fma(x, left, l4), r4 = wide ? fma(x, right, r4) : r4;
    if (six) x = v128.load32_splat(a + 20), l5 = fma(x, left, l5), r5 = wide ? fma(x, right, r5) : r5;
  }
  store(wide, c, before, l0, r0);
  c += cRow, before += beforeRow;
  store(wide, c, before, l1, r1);
  c += cRow, before += beforeRow;
  store(wide, c, before, l2, r2);
  c += cRow, before += beforeRow;
  store(wide, c, before, l3, r3);
  if (!six) return;
  c += cRow, before += beforeRow;
  store(wide, c, before, l4, r4);
  c += cRow, before += beforeRow;
  store(wide, c, before, l5, r5);
}

/** A row of c = before + (l, r). */
// @ts-ignore: decorator
@inline
function store(wide: bool, c: usize, before: usize, l: v128, r: v128): void {
  const left = v128.load(before), right = wide ? v128.load(before, 16) : left;
  v128.store(c, f32x4.add(left, l));
  if (wide) v128.store(c, f32x4.add(right, r), 16);
}

/** Packs `lanes` rows of a: [lanes, depth] -> [depth, rows], rows 6 or 4. Up to 8 bytes behind it are written too. */
export function packStrip(to: usize, a: usize, aRow: usize, aColumn: usize, lanes: i32, rows: i32, depth: i32): void {
  if (rows == 4) {
    pack(to, 16, a, aRow, aColumn, lanes, depth);
    return;
  }
  // The last two first: they come as four, of which the next step covers two.
  pack(to + 16, 24, a + 4 * aRow, aRow, aColumn, lanes - 4, depth);
  pack(to, 24, a, aRow, aColumn, 4, depth);
}

/** Packs columns <= 8 of b: [depth, columns] -> [depth, 8], or [depth, 4] if they fit. */
export function packPanel(to: usize, b: usize, bRow: usize, bColumn: usize, columns: i32, depth: i32): void {
  if (columns <= 4) {
    pack(to, 16, b, bColumn, bRow, columns, depth);
  } else if (columns < 8 || bColumn != 4) {
    pack(to, 32, b, bColumn, bRow, 4, depth);
    pack(to + 16, 32, b + 4 * bColumn, bColumn, bRow, columns - 4, depth);
  } else {
    for (; depth > 0; depth--, to += 32, b += bRow) {
      v128.store(to, v128.load(b));
      v128.store(to, v128.load(b, 16), 16);
    }
  }
}

/**
 * Packs lanes <= 4 rows: [lanes, depth] -> [depth, 4], each four toStep bytes after the last. Absent lanes repeat the
 * last one, which needs no zeros and no cases of its own: nobody looks at what comes of them.
 */
export function pack(to: usize, toStep: usize, from0: usize, lane: usize, step: usize, lanes: i32, depth: i32): void {
  let from1 = lanes > 1 ? from0 + lane : from0;
  let from2 = lanes > 2 ? from1 + lane : from1;
  let from3 = lanes > 3 ? from2 + lane : from2;
  if (step == 4) { // transpose four by four
    for (; depth >= 4; depth -= 4, to += 4 * toStep) {
      const x0 = v128.load(from0), x1 = v128.load(from1), x2 = v128.load(from2), x3 = v128.load(from3);
      const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5), high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
      const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5), high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
      v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
      v128.store(to + toStep, i64x2.shuffle(low01, low23, 1, 3));
      v128.store(to + 2 * toStep, i64x2.shuffle(high01, high23, 0, 2));
      v128.store(to + 3 * toStep, i64x2.shuffle(high01, high23, 1, 3));
      from0 += 16, from1 += 16, from2 += 16, from3 += 16;
    }
  } else if (lane == 4 && lanes == 4) {
    for (; depth > 0; depth--, to += toStep, from0 += step) v128.store(to, v128.load(from0));
  }
  for (; depth > 0; depth--, to += toStep) {
    f32.store(to, f32.load(from0));
    f32.store(to, f32.load(from1), 4);
    f32.store(to, f32.load(from2), 8);
    f32.store(to, f32.load(from3), 12);
    from0 += step, from1 += step, from2 += step, from3 += step;
  }
}
