/**
 * `torch.autograd`: gradients of several results at once, and of results with respect to chosen inputs.
 *
 * @module
 */
import { read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type BackwardOptions, sweep } from "./backward.ts";

const list = <T>(x: T | readonly T[] | null | undefined): readonly T[] =>
  x === null || x === undefined ? [] : Array.isArray(x) ? x : [x as T];

/** Adds the gradients of all `tensors`, given the gradient of each, to the `grad` of the leaves they were computed from. */
export function backward(
  tensors: Tensor | readonly Tensor[],
  gradTensors?: Tensor | null | readonly (Tensor | null)[],
  options: BackwardOptions = {},
): void {
  sweep("autograd.backward", list(tensors), list(gradTensors), options);
}

/** Options of `grad`. */
export interface GradOptions extends BackwardOptions {
  /** The gradients of the outputs; ones for outputs of a single element. */
  gradOutputs?: Tensor | null | readonly (Tensor | null)[];
  /** Give null for inputs that were not used, instead of throwing. */
  allowUnused?: boolean;
}

/**
 * The gradients of `outputs` with respect to `inputs`, without touching any `grad`.
 *
 * @throws Error when an input was not used, unless `allowUnused`.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  ...args: [GradOptions?] | [gradOutputs: Tensor | null | readonly (Tensor | null)[], GradOptions?]
): Tensor[] {
  const o = read("autograd.grad", {
    gradOutputs: null as GradOptions["gradOutputs"],
    retainGraph: null as boolean | null,
    createGraph: false,
    allowUnused: false,
  }, args);
  const options = { retainGraph: o.retainGraph ?? o.createGraph, createGraph: o.createGraph };
  const results = sweep("autograd.grad", list(outputs), list(o.gradOutputs), options, list(inputs));
  results.forEach((g, i) => {
    if (g === null && !o.allowUnused) {
      throw new Error(
        `autograd.grad: input ${i} was not used in computing the outputs; pass { allowUnused: true } to get null for it`,
      );
    }
  });
  return results as Tensor[];
}
