/**
 * Flags and hooks of single tensors.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type GradHook, nodeOf } from "./record.ts";

/** Sets whether a leaf collects a gradient; returns it. */
export function requiresGrad_(x: Tensor, requiresGrad = true): Tensor {
  x.requiresGrad = requiresGrad;
  return x;
}

/** Calls `hook` with the gradient of `x` during each backward; a tensor it returns goes on instead. */
export function registerHook(x: Tensor, hook: GradHook): { remove(): void } {
  if (typeof hook !== "function") {
    throw new TypeError(`registerHook: the hook must be a function, got ${describeValue(hook)}`);
  }
  const node = nodeOf(x);
  if (node === null) throw new Error("registerHook: the tensor does not require a gradient");
  const output = node.leaf === null ? x.outputNumber : 0;
  node.hooks ??= new Map();
  const list = node.hooks.get(output) ?? [];
  list.push(hook);
  node.hooks.set(output, list);
  return {
    remove() {
      const at = list.indexOf(hook);
      if (at >= 0) list.splice(at, 1);
    },
  };
}

/** Keeps the gradient of a computed tensor in its `grad`, as if it were a leaf. */
export function retainGrad(x: Tensor): void {
  if (!x.requiresGrad) throw new Error("retainGrad: the tensor does not require a gradient");
  const node = x.gradFn;
  if (node === null) return;
  node.retained ??= [];
  if (!node.retained.includes(x)) node.retained.push(x);
}
