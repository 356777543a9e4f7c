/**
 * Other tensors over the same elements, for operations that only pass gradients on.
 *
 * @module
 */
import { asStrided, detach } from "../ops/view.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A tensor over the elements of `x`, without history; in-place changes of either are tracked as between views. */
export function alias(x: Tensor): Tensor {
  const y = detach(x), base = x.viewOf === null ? x : x.viewOf.base;
  y.viewOf = {
    base,
    seen: base.rewritten,
    renew(view) {
      view.viewOf!.seen = base.rewritten;
      const fresh = asStrided(base, view.shape, view.strides, view.offset - base.offset);
      view.node = fresh.node;
      view.outputNumber = fresh.outputNumber;
    },
  };
  return y;
}
