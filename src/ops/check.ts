/**
 * Checks of elements by the device that has them.
 *
 * @module
 */
import { int64 } from "../backend/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What `checkRange` takes for right, and of which elements. */
export interface CheckedRange {
  /** The least that is right; 0 if left out. */
  low?: number;
  /** What is above all that are right; more than `low`. */
  high: number;
  /** One more that is right. */
  spared?: number;
  /** The first element that is looked at, and how many are: all if left out. */
  first?: number;
  count?: number;
}

/**
 * Throws `RangeError` with what `says` says of the first of the elements of `ids` (contiguous, int64) that is neither from
 * `low` below `high` nor `spared`: at once, or where a device works by itself, when something next waits for it.
 */
export function checkRange(
  ids: Tensor,
  { low = 0, high, spared = low, first = 0, count = ids.numElements }: CheckedRange,
  says: (element: string) => string,
): void {
  if (count === 0) return;
  const { backend } = ids, { range_check } = backend.kernels;
  backend.check(
    int64,
    (verdict) => range_check(verdict, ids.pointer + first * 8, low, high, spared, count),
    (element) => {
      throw new RangeError(says(element));
    },
  );
}
