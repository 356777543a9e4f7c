/**
 * Vectors of four floats of which memory holds only the first few: the ends of rows, where a whole vector would reach
 * into what follows.
 */

/** The first `count` lanes (1 to 4) from p, the others as in `rest`. */
// @ts-ignore: decorator
@inline
export function loadLanes(p: usize, count: i32, rest: v128): v128 {
  if (count >= 4) return v128.load(p);
  let v = v128.load_lane<f32>(p, rest, 0);
  if (count > 1) v = v128.load_lane<f32>(p, v, 1, 4);
  if (count > 2) v = v128.load_lane<f32>(p, v, 2, 8);
  return v;
}

/** Stores the first `count` lanes (1 to 4) of v at p. */
// @ts-ignore: decorator
@inline
export function storeLanes(p: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(p, v);
    return;
  }
  v128.store_lane<f32>(p, v, 0);
  if (count > 1) v128.store_lane<f32>(p, v, 1, 4);
  if (count > 2) v128.store_lane<f32>(p, v, 2, 8);
}
