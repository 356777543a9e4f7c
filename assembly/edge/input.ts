// deno-fmt-ignore-file: it deletes @inline before functions, and gives each of many parameters a line.
/**
 * What exported programs ask of their input.
 */
import { loadLanes } from "../lanes";

/** Whether one of n elements is NaN. */
export function has_nan(x: usize, n: i32): bool {
  let seen = f32x4.splat(0);
  for (; n > 0; n -= 4, x += 16) {
    const v = loadLanes<f32>(x, n, f32x4.splat(0));
    seen = v128.or(seen, f32x4.ne(v, v));
  }
  return v128.any_true(seen);
}
