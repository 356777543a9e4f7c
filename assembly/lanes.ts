/**
 * Vectors of which memory holds only the first few lanes: the ends of rows, where a whole vector would reach into what
 * follows. Lanes are of four or eight bytes.
 */

/** The first `count` lanes (1 or more) from p, the others as in `rest`. */
// @ts-ignore: decorator
@inline
export function loadLanes<T>(p: usize, count: i32, rest: v128): v128 {
  if (count >= <i32> (16 / sizeof<T>())) return v128.load(p);
  let v = v128.load_lane<T>(p, rest, 0);
  if (sizeof<T>() == 4) {
    if (count > 1) v = v128.load_lane<T>(p, v, 1, 4);
    if (count > 2) v = v128.load_lane<T>(p, v, 2, 8);
  }
  return v;
}

/** Stores the first `count` lanes (1 or more) of v at p. */
// @ts-ignore: decorator
@inline
export function storeLanes<T>(p: usize, v: v128, count: i32): void {
  if (count >= <i32> (16 / sizeof<T>())) {
    v128.store(p, v);
    return;
  }
  v128.store_lane<T>(p, v, 0);
  if (sizeof<T>() == 4) {
    if (count > 1) v128.store_lane<T>(p, v, 1, 4);
    if (count > 2) v128.store_lane<T>(p, v, 2, 8);
  }
}
