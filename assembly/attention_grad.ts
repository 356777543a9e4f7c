/**
 * The gradients of attention (assembly/attention.ts). The weights are computed anew, p = exp(scores - maximum) / sum, and with
 * g = do, delta = the rows' sums of g * o, and ds = p * (g v^T - delta):
 *
 *     dv = p^T g        dq = scale ds k        dk = scale ds^T q
 *
 * For each block of keys, the blocks of queries follow one another: dk and dv are summed up in tiles of the block, dq
 * in tiles for all queries. Kernels do the items [begin, end) of batch * heads: splitting a head by queries for dq and
 * by keys for dk and dv would take the scores and g v^T twice, seven products for five.
 */
import {
  addMask, hide, KEYS, ones, packColumns, packRows, packStrips, product, QUERIES, scores, seenKeys, storeColumns,
  storeRows, STRIP, TILE, unpack, wide,
} from "./attention_block";
import { expFlushed } from "./exponentials";
import { fma, sumLanes } from "./simd";

/** The sum of a * b over `count` elements. */
// @ts-ignore: decorator
@inline
function dot(a: usize, b: usize, count: i32): f32 {
  let sum = f32x4.splat(0);
  for (; count >= 4; count -= 4, a += 16, b += 16) sum = fma(v128.load(a), v128.load(b), sum);
  for (; count > 0; count--, a += 4, b += 4) sum = fma(v128.load32_zero(a), v128.load32_zero(b), sum);
  return sumLanes(sum);
}

/** Zeros for the keys from `count` to `end` of a strip of p or ds. */
function clear(p: usize, count: i32, end: i32): void {
  for (let j = (count + 3) & ~3; j < end; j += 4) memory.fill(p + (<usize>(QUERIES * j) << 2), 0, 64);
}

/**
 * From the scores and g v^T of a strip, p as [4 keys][query][key] at `p` and ds likewise at `ds`, each four keys
 * QUERIES rows after the last; and ds as [key][4 queries] in the place of g v^T.
 */
function slopes(
  p: usize, ds: usize, strip: usize, products: usize, maximum: usize, inverse: usize, delta: usize, count: i32,
): void {
  const m = v128.load(maximum), r = v128.load(inverse), d = v128.load(delta), end = strip + (<usize>((count + 3) >> 2) << 6);
  for (; strip < end; strip += 64, products += 64, p += <usize>QUERIES << 4, ds += <usize>QUERIES << 4) {
    const p0 = f32x4.mul(expFlushed(f32x4.sub(v128.load(strip), m)), r), p1 = f32x4.mul(expFlushed(f32x4.sub(v128.load(strip, 16), m)), r);
    const p2 = f32x4.mul(expFlushed(f32x4.sub(v128.load(strip, 32), m)), r), p3 = f32x4.mul(expFlushed(f32x4.sub(v128.load(strip, 48), m)), r);
    storeColumns(p, p0, p1, p2, p3);
    const s0 = f32x4.mul(p0, f32x4.sub(v128.load(products), d));
    const s1 = f32x4.mul(p1, f32x4.sub(v128.load(products, 16), d));
    const s2 = f32x4.mul(p2, f32x4.sub(v128.load(products, 32), d));
    const s3 = f32x4.mul(p3, f32x4.sub(v128.load(products, 48), d));
    storeColumns(ds, s0, s1, s2, s3);
    storeRows(products, 16, s0, s1, s2, s3);
  }
}

/** tiles = factors * tiles + a strip times each of so many panels, `step` bytes apart; 0 for none, as in `product`. */
function accumulate(
  tiles: usize, factors: usize, strip: usize, panel: usize, step: usize, panels: i32, depth: i32,
): void {
  for (; panels > 0; panels--, tiles += TILE, panel += step) product(tiles, tiles + 64, factors, strip, panel, depth);
}

export function attention_grad(
  dq: usize, dk: usize, dv: usize, g: usize, q: usize, k: usize, v: usize, o: usize, norms: usize, mask: usize,
  dqBatch: i32, dqHead: i32, dqRow: i32, dkBatch: i32, dkHead: i32, dkRow: i32, dvBatch: i32, dvHead: i32, dvRow: i32,
  gBatch: i32, gHead: i32, gRow: i32,
  heads: i32, queries: i32, keys: i32, width: i32, valueWidth: i32, qBatch: i32, qHead: i32, qRow: i32,
  kBatch: i32, kHead: i32, kRow: i32, vBatch: i32, vHead: i32, vRow: i32, oBatch: i32, oHead: i32, oRow: i32,
  maskBatch: i32, maskHead: i32, maskRow: i32, maskColumn: i32, causal: i32, scale: f32,
  scratch: usize, begin: i32, end: i32,
): void {
  const panels = wide(width) >> 3, valuePanels = wide(valueWidth) >> 3;
  const tiles = <usize>panels * TILE, valueTiles = <usize>valuePanels * TILE;
  const kStrips = scratch, vStrips = kStrips + (<usize>(KEYS * width) << 2);
  const kPanels = vStrips + (<usize>(KEYS * valueWidth) << 2), qColumns = kPanels + (<usize>(KEYS * panels) << 5);
  const gColumns = qColumns + (<usize>(QUERIES * width) << 2), qRows = gColumns + (<usize>(QUERIES * valueWidth) << 2);
  const gRows = qRows + (<usize>(QUERIES * panels) << 5), weights = gRows + (<usize>(QUERIES * valuePanels) << 5);
  const products = weights + 2 * STRIP, p = products + 2 * STRIP, ds = p + (<usize>(KEYS * QUERIES) << 2);
  const dkTiles = ds + (<usize>(KEYS * QUERIES) << 2), dvTiles = dkTiles + <usize>(KEYS >> 2) * tiles;
  const scales = dvTiles + <usize>(KEYS >> 2) * valueTiles, maxima = scales + 16;
  const inverses = maxima + (<usize>wide(queries) << 2), deltas = inverses + (<usize>wide(queries) << 2);
  const dqTiles = deltas + (<usize>wide(queries) << 2);
  const qStep = <usize>qRow << 2, kStep = <usize>kRow << 2, vStep = <usize>vRow << 2, gStep = <usize>gRow << 2;
  const mRow = <usize>maskRow << 2, mColumn = <usize>maskColumn << 2;
  v128.store(scales, f32x4.splat(scale));
  for (let item = begin; item < end; item++) {
    const batch = item / heads, head = item - batch * heads;
    const qAt = q + (<usize>(batch * qBatch + head * qHead) << 2);
    const kAt = k + (<usize>(batch * kBatch + head * kHead) << 2);
    const vAt = v + (<usize>(batch * vBatch + head * vHead) << 2);
    const gAt = g + (<usize>(batch * gBatch + head * gHead) << 2);
    const oAt = o + (<usize>(batch * oBatch + head * oHead) << 2);
    const maskAt = mask + (<usize>(batch * maskBatch + head * maskHead) << 2);
    const normsAt = norms + (<usize>(2 * item * queries) << 2);
    memory.copy(maxima, normsAt, <usize>queries << 2);
    memory.copy(inverses, normsAt + (<usize>queries << 2), <usize>queries << 2);
    for (let i = 0; i < queries; i++) {
      const sum = dot(gAt + <usize>i * gStep, oAt + (<usize>(i * oRow) << 2), valueWidth);
      f32.store(deltas + (<usize>i << 2), sum);
    }
    for (let from = 0; from < keys; from += KEYS) {
      const block = min(KEYS, keys - from);
      packStrips(kStrips, kAt + <usize>from * kStep, kStep, block, width);
      packStrips(vStrips, vAt + <usize>from * vStep, vStep, block, valueWidth);
      packRows(kPanels, <usize>KEYS << 5, kAt + <usize>from * kStep, kStep, block, width);
      memory.fill(dkTiles, 0, <usize>((block + 3) >> 2) * tiles);
      memory.fill(dvTiles, 0, <usize>((block + 3) >> 2) * valueTiles);
      for (let first = causal ? from / QUERIES * QUERIES : 0; first < queries; first += QUERIES) {
        const rows = min(QUERIES, queries - first);
        packColumns(qColumns, qAt + <usize>first * qStep, qStep, rows, width, scale);
        packColumns(gColumns, gAt + <usize>first * gStep, gStep, rows, valueWidth, 1);
        packRows(qRows, <usize>QUERIES << 5, qAt + <usize>first * qStep, qStep, rows, width);
        packRows(gRows, <usize>QUERIES << 5, gAt + <usize>first * gStep, gStep, rows, valueWidth);
        for (let i = 0; i < rows; i += 8) {
          const own = causal ? first + i - from : block, at = <usize>(first + i) << 2;
          let seen = min(block, own + 8);
          if (seen <= 0) continue;
          const maskRows = maskAt + <usize>(first + i) * mRow + <usize>from * mColumn;
          if (mask) seen = seenKeys(maskRows, mRow, mColumn, inverses + at, min(8, rows - i), seen);
          scores(weights, kStrips, qColumns + (<usize>(i * width) << 2), seen, width);
          scores(products, vStrips, gColumns + (<usize>(i * valueWidth) << 2), seen, valueWidth);
          for (let s = 0; s < 2 && i + 4 * s < rows; s++) {
            const count = min(seen, own + 4 * s + 4), row = i + 4 * s, strip = weights + <usize>s * STRIP;
            const sides = products + <usize>s * STRIP, place = <usize>row << 4, offset = at + (<usize>s << 4);
            if (mask) {
              addMask(strip, maskRows + <usize>(4 * s) * mRow, mRow, mColumn, min(4, rows - row), count);
              clear(p + place, count, block);
              clear(ds + place, count, block);
            }
            hide(strip, count, own + 4 * s + 1);
            slopes(p + place, ds + place, strip, sides, maxima + offset, inverses + offset, deltas + offset, count);
            const factors = from == 0 ? 0 : ones;
            accumulate(dqTiles + (offset >> 4) * tiles, factors, sides, kPanels, <usize>KEYS << 5, panels, count);
          }
        }
        for (let j = 0; j < block; j += 4) {
          // The first query that sees key j.
          const skip = causal ? max(0, from + j - first) : 0, strip = <usize>(QUERIES * j + 4 * skip) << 2;
          if (skip >= rows) continue;
          const to = <usize>(j >> 2), at = <usize>skip << 5;
          const step = <usize>QUERIES << 5, depth = rows - skip;
          accumulate(dvTiles + to * valueTiles, ones, p + strip, gRows + at, step, valuePanels, depth);
          accumulate(dkTiles + to * tiles, ones, ds + strip, qRows + at, step, panels, depth);
        }
      }
      const dkAt = dk + (<usize>(batch * dkBatch + head * dkHead + from * dkRow) << 2), dkStep = <usize>dkRow << 2;
      const dvAt = dv + (<usize>(batch * dvBatch + head * dvHead + from * dvRow) << 2), dvStep = <usize>dvRow << 2;
      for (let j = 0; j < block; j += 4) {
        const count = min(4, block - j), to = <usize>(j >> 2);
        unpack(dkAt + <usize>j * dkStep, dkStep, dkTiles + to * tiles, scales, count, width);
        unpack(dvAt + <usize>j * dvStep, dvStep, dvTiles + to * valueTiles, ones, count, valueWidth);
      }
    }
    const dqAt = dq + (<usize>(batch * dqBatch + head * dqHead) << 2), dqStep = <usize>dqRow << 2;
    for (let i = 0; i < queries; i += 4) {
      unpack(dqAt + <usize>i * dqStep, dqStep, dqTiles + <usize>(i >> 2) * tiles, scales, min(4, queries - i), width);
    }
  }
}
