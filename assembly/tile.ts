// deno-fmt-ignore-file: it deletes @inline before functions.
/**
 * What the products of float32 matrices share: bringing their operands into the order in which a register tile reads
 * them, and the swaps of lanes with which it does.
 */

/** Lanes 1, 0, 3, 2. */
// @ts-ignore: decorator
@inline
export function swapNeighbours(x: v128): v128 {
  return i32x4.shuffle(x, x, 1, 0, 3, 2);
}

/** Lanes 2, 3, 0, 1. */
// @ts-ignore: decorator
@inline
export function swapHalves(x: v128): v128 {
  return i32x4.shuffle(x, x, 2, 3, 0, 1);
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
