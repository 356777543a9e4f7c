/**
 * Attention: o = softmax(scale q k^T + mask) v for each of batch * heads: q [queries, width], k [keys, width],
 * v [keys, valueWidth] -> o [queries, valueWidth], and norms [2, queries], the rows' maxima and one over
 * their sums of exponentials.
 *
 * The scores are never whole in memory: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018), and
 * Dao et al., "FlashAttention" (2022). For each block of queries, the blocks of keys follow one another; what is summed
 * up so far is multiplied by exp(old maximum - new maximum) first. Causal attention leaves out what it does not see, by
 * four keys and four queries.
 *
 * Strides are in elements; the last axis of all but the mask is contiguous. The mask is what is added to the scores; 0
 * is none. Kernels do the items [begin, end) of the batch * heads * ceil(queries / 64) blocks of queries.
 */
import {
  addMask, hide, KEYS, lowest, packColumns, packRows, packStrips, product, QUERIES, scores, seenKeys, storeRows, STRIP,
  TILE, unpack, wide,
} from "./attention_block";
import { expFlushed } from "./exponentials";
import { storeLanes } from "./lanes";

/** The numbers of a strip: its maxima, its sums, and by what the sums before the current block are to be multiplied. */
const MAXIMA: usize = 0, SUMS: usize = 16, FACTORS: usize = 32, STATS: usize = 48;

/** The maximum, but 0 where it is -Infinity: then no key was seen yet. */
// @ts-ignore: decorator
@inline
function finite(m: v128): v128 {
  return v128.andnot(m, f32x4.eq(m, v128.load(lowest)));
}

/** Turns a strip's scores into weights [key][4 queries], exp(score - maximum), and brings its numbers up to date. */
function weigh(strip: usize, stats: usize, count: i32): void {
  const end = strip + (<usize>((count + 3) >> 2) << 6), before = v128.load(stats, MAXIMA);
  let m0 = before, m1 = v128.load(lowest), m2 = m1, m3 = m1;
  for (let p = strip; p < end; p += 64) {
    m0 = f32x4.pmax(m0, v128.load(p));
    m1 = f32x4.pmax(m1, v128.load(p, 16));
    m2 = f32x4.pmax(m2, v128.load(p, 32));
    m3 = f32x4.pmax(m3, v128.load(p, 48));
  }
  const max = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3)), m = finite(max);
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (let p = strip; p < end; p += 64) {
    const x0 = expFlushed(f32x4.sub(v128.load(p), m)), x1 = expFlushed(f32x4.sub(v128.load(p, 16), m));
    s0 = f32x4.add(s0, x0);
    s1 = f32x4.add(s1, x1);
    const x2 = expFlushed(f32x4.sub(v128.load(p, 32), m)), x3 = expFlushed(f32x4.sub(v128.load(p, 48), m));
    s2 = f32x4.add(s2, x2);
    s3 = f32x4.add(s3, x3);
    storeRows(p, 16, x0, x1, x2, x3);
  }
  const factors = expFlushed(f32x4.sub(before, m)), sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  v128.store(stats, max, MAXIMA);
  v128.store(stats, f32x4.add(f32x4.mul(factors, v128.load(stats, SUMS)), sum), SUMS);
  v128.store(stats, factors, FACTORS);
}

export function attention(
  o: usize, norms: usize, q: usize, k: usize, v: usize, mask: usize,
  heads: i32, queries: i32, keys: i32, width: i32, valueWidth: i32, qBatch: i32, qHead: i32, qRow: i32,
  kBatch: i32, kHead: i32, kRow: i32, vBatch: i32, vHead: i32, vRow: i32, oBatch: i32, oHead: i32, oRow: i32,
  maskBatch: i32, maskHead: i32, maskRow: i32, maskColumn: i32, causal: i32, scale: f32,
  scratch: usize, begin: i32, end: i32,
): void {
  const panels = wide(valueWidth) >> 3, tiles = <usize>panels * TILE;
  const kStrips = scratch, vPanels = kStrips + (<usize>(KEYS * width) << 2);
  const qPanels = vPanels + (<usize>(KEYS * panels) << 5), weights = qPanels + (<usize>(QUERIES * width) << 2);
  const sums = weights + 2 * STRIP, stats = sums + <usize>(QUERIES >> 2) * tiles;
  const blocks = (queries + QUERIES - 1) / QUERIES;
  const qStep = <usize>qRow << 2, kStep = <usize>kRow << 2, vStep = <usize>vRow << 2, oStep = <usize>oRow << 2;
  const mRow = <usize>maskRow << 2, mColumn = <usize>maskColumn << 2;
  for (let item = begin, packed = -1; item < end; item++) {
    const at = item / blocks, batch = at / heads, head = at - batch * heads;
    const first = (item - at * blocks) * QUERIES, rows = min(QUERIES, queries - first);
    const kAt = k + (<usize>(batch * kBatch + head * kHead) << 2);
    const vAt = v + (<usize>(batch * vBatch + head * vHead) << 2);
    const oAt = o + (<usize>(batch * oBatch + head * oHead + first * oRow) << 2);
    const qAt = q + (<usize>(batch * qBatch + head * qHead + first * qRow) << 2);
    const maskAt = mask + (<usize>(batch * maskBatch + head * maskHead + first * maskRow) << 2);
    packColumns(qPanels, qAt, qStep, rows, width, scale);
    for (let i = 0; i < rows; i += 4) {
      v128.store(stats + <usize>(i >> 2) * STATS, v128.load(lowest), MAXIMA);
      v128.store(stats + <usize>(i >> 2) * STATS, f32x4.splat(0), SUMS);
    }
    const visible = causal ? min(keys, first + rows) : keys;
    for (let from = 0; from < visible; from += KEYS) {
      const block = min(KEYS, keys - from);
      if (keys > KEYS || packed != at) {
        packStrips(kStrips, kAt + <usize>from * kStep, kStep, block, width);
        packRows(vPanels, <usize>KEYS << 5, vAt + <usize>from * vStep, vStep, block, valueWidth);
        packed = at;
      }
      for (let i = 0; i < rows; i += 8) {
        // The keys of the block up to that of query i: what a causal query sees ends with its own.
        const own = causal ? first + i - from : block, strips = i + 4 < rows ? 2 : 1;
        let seen = min(block, own + 8);
        if (seen <= 0) continue;
        const maskRows = maskAt + <usize>i * mRow + <usize>from * mColumn;
        if (mask) seen = seenKeys(maskRows, mRow, mColumn, 0, min(8, rows - i), seen);
        scores(weights, kStrips, qPanels + (<usize>(i * width) << 2), seen, width);
        for (let s = 0; s < strips; s++) {
          const strip = weights + <usize>s * STRIP, count = min(seen, own + 4 * s + 4);
          if (mask) addMask(strip, maskRows + <usize>(4 * s) * mRow, mRow, mColumn, min(4, rows - i - 4 * s), count);
          hide(strip, count, own + 4 * s + 1);
          weigh(strip, stats + <usize>((i >> 2) + s) * STATS, count);
        }
        for (let j = 0; j < panels; j++) {
          const b = vPanels + (<usize>(KEYS * j) << 5);
          for (let s = 0; s < strips; s++) {
            const strip = (i >> 2) + s, to = sums + <usize>strip * tiles + <usize>j * TILE;
            const factors = from == 0 ? 0 : stats + <usize>strip * STATS + FACTORS;
            product(to, to + 64, factors, weights + <usize>s * STRIP, b, min(seen, own + 4 * s + 4));
          }
        }
      }
    }
    for (let i = 0; i < rows; i += 4) {
      const numbers = stats + <usize>(i >> 2) * STATS, sum = v128.load(numbers, SUMS), count = min(4, rows - i);
      const to = norms + (<usize>(2 * at * queries + first + i) << 2), inverse = f32x4.div(f32x4.splat(1), sum);
      storeLanes<f32>(to, v128.load(numbers, MAXIMA), count);
      storeLanes<f32>(to + (<usize>queries << 2), inverse, count);
      v128.store(numbers, inverse, FACTORS);
      unpack(oAt + <usize>i * oStep, oStep, sums + <usize>(i >> 2) * tiles, numbers + FACTORS, count, valueWidth);
    }
  }
}
