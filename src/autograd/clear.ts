/**
 * Forgetting gradients.
 *
 * @module
 */
import { zero_ } from "../ops/copy.ts";
import { detach } from "../ops/view.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { noGrad } from "./record.ts";

/** Forgets the gradients of `parameters`, or makes them zero. */
export function clearGradients(parameters: readonly Tensor[], setToNone: boolean): void {
  for (const p of parameters) {
    const { grad } = p;
    if (grad === null) continue;
    if (setToNone) p.grad = null;
    else {
      if (grad.requiresGrad) p.grad = detach(grad);
      noGrad(() => zero_(p.grad!));
    }
  }
}
