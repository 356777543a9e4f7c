/**
 * Checks of elements. A verdict, 16 bytes, is zero before; the kernel that finds an element that is not as it should be
 * leaves 1 there, an int64, and the first of them after it: as int64, or float64.
 *
 * @module
 */

/** Whether `count` elements of int64 are from `low` below `high`, or `spared`. */
export function range_check(verdict: usize, x: usize, low: i32, high: i32, spared: i32, count: i32): void {
  for (let i = 0; i < count; i++) {
    const v = load<i64>(x + (<usize> i << 3));
    if ((v >= <i64> low && v < <i64> high) || v == <i64> spared) continue;
    store<i64>(verdict, 1);
    store<i64>(verdict, v, 8);
    return;
  }
}

// @ts-ignore: decorator
@inline
function unitCheck<T>(verdict: usize, x: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const v = load<T>(x + <usize> i * sizeof<T>());
    if (v >= 0 && v <= 1) continue;
    store<i64>(verdict, 1);
    store<f64>(verdict, <f64> v, 8);
    return;
  }
}

/** Whether `count` elements are in [0, 1]; not-a-number is not. */
export function unit_check(verdict: usize, x: usize, count: i32): void {
  unitCheck<f32>(verdict, x, count);
}

export function unit_check_f64(verdict: usize, x: usize, count: i32): void {
  unitCheck<f64>(verdict, x, count);
}
