/**
 * Other tensors over the same elements, for operations that only pass gradients on.
 *
 * @module
 */
import { alias as over, link } from "../ops/view.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A tensor over the elements of `x`, without history; in-place changes of either are tracked as between views. */
export function alias(x: Tensor): Tensor {
  const y = over(x);
  link(y, x, null);
  return y;
}
