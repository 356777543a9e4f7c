/**
 * `torch.autograd`: gradients of several results at once, and of results with respect to chosen inputs.
 *
 * @module
 */
import { clone } from "../ops/copy.ts";
import { isExpanded } from "../tensor/layout.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type BackwardInputs, type BackwardOptions, collect, list, sweep } from "./backward.ts";

/** Adds the gradients of all `tensors`, given the gradient of each, to the `grad` of the leaves they were computed from. */
export function backward(
  tensors: Tensor | readonly Tensor[],
  ...args: Args<
    [
      gradTensors: Tensor | null | readonly (Tensor | null)[],
      retainGraph: boolean | null,
      createGraph: boolean,
    ],
    BackwardInputs & { gradTensors?: Tensor | null | readonly (Tensor | null)[] }
  >
): void {
  const { gradTensors, retainGraph, createGraph, inputs } = read("autograd.backward", {
    gradTensors: null as Tensor | null | readonly (Tensor | null)[],
    retainGraph: null as boolean | null,
    createGraph: false,
    inputs: null as Tensor | readonly Tensor[] | null,
  }, args);
  const ys = list(tensors), grads = list(gradTensors);
  if (grads.length > 0 && grads.length !== ys.length) {
    throw new RangeError(`autograd.backward: ${ys.length} tensors, but ${grads.length} gradients`);
  }
  collect("autograd.backward", ys, grads, {
    retainGraph: retainGraph ?? createGraph,
    createGraph,
    inputs,
  });
}

/** Options of `grad`. */
export interface GradOptions extends BackwardOptions {
  /** The gradients of the outputs; ones for outputs of a single element. */
  gradOutputs?: Tensor | null | readonly (Tensor | null)[];
  /** Has no effect: no other gradient is ever touched. */
  onlyInputs?: boolean;
  /** Give null for inputs that were not used, instead of throwing. */
  allowUnused?: boolean;
}

/**
 * The gradients of `outputs` with respect to `inputs`, without touching any `grad`.
 *
 * @throws Error when an input was not used, unless `allowUnused`: then its gradient is null.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  ...args: Args<
    [
      gradOutputs: Tensor | null | readonly (Tensor | null)[],
      retainGraph: boolean | null,
      createGraph: boolean,
      onlyInputs: boolean,
      allowUnused: boolean,
    ],
    GradOptions
  >
): Tensor[] {
  const { gradOutputs, retainGraph, createGraph, allowUnused } = read("autograd.grad", {
    gradOutputs: null as Tensor | null | readonly (Tensor | null)[],
    retainGraph: null as boolean | null,
    createGraph: false,
    onlyInputs: true,
    allowUnused: false,
  }, args);
  const ys = list(outputs),
    grads = list(gradOutputs),
    options = {
      retainGraph: retainGraph ?? createGraph,
      createGraph,
    };
  if (grads.length > 0 && grads.length !== ys.length) {
    throw new RangeError(`autograd.grad: ${ys.length} outputs, but ${grads.length} gradients`);
  }
  if (list(inputs).length === 0) throw new TypeError("autograd.grad: no inputs are given");
  const results = sweep("autograd.grad", ys, grads, options, list(inputs));
  results.forEach((g, i) => {
    if (g === null && !allowUnused) {
      throw new Error(
        `autograd.grad: input ${i} was not used in computing the outputs; pass { allowUnused: true } to get null for it`,
      );
    }
  });
  // A gradient that is one value everywhere may be an expanded tensor, which the caller could not change in place.
  return results.map((g) => g !== null && isExpanded(g) ? clone(g) : g) as Tensor[];
}

export { AutogradFunction as Function, FunctionContext } from "./function.ts";
export type { CustomFunction, Inputs } from "./function.ts";
export { detectAnomaly, setDetectAnomaly } from "./anomaly.ts";
export { gradcheck, gradgradcheck } from "./gradcheck.ts";
export type { GradcheckOptions, TensorFunction } from "./gradcheck.ts";
export type { BackwardInputs, BackwardOptions } from "./backward.ts";
export { Variable, type VariableConstructor, type VariableOptions } from "./variable.ts";
export * as functional from "./functional.ts";
