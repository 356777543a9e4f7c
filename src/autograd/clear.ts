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
    const { gradient } = p;
    if (gradient === null) continue;
    if (setToNone) {
      // Nobody else has it: its memory is free at once.
      if (!p.gradientShared && !gradient.requiresGrad) gradient.storage.free();
      p.gradient = null;
    } else {
      if (gradient.requiresGrad) p.gradient = detach(gradient);
      noGrad(() => zero_(p.gradient!));
    }
  }
}
