/**
 * Checks of elements that a device makes.
 *
 * @module
 */
import type { Tensor } from "../tensor/tensor.ts";

/** Element `place` of `x`, which is contiguous, for the message that it is not as it should be. */
export function elementAt(x: Tensor, place: number): string {
  // A device may tell late, when the program has freed what the call was given.
  if (x.storage.freed) return `${place} of a tensor that was freed since`;
  return String(x.backend.readElement(x.storage, x.offset + place, x.dtype));
}
