/**
 * `Variable`, which remembered its history when tensors did not yet.
 *
 * @module
 */
import { alias } from "../ops/view.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mode } from "./mode.ts";

/** Options of `Variable`. */
export interface VariableOptions {
  /** Whether it collects a gradient. */
  requiresGrad?: boolean;
  /** Nothing that is computed from it is recorded. Today: `torch.noGrad`. */
  volatile?: boolean;
}

/** Makes a variable of a tensor: `autograd.Variable(x, { requiresGrad: true })`, with or without `new`. */
export interface VariableConstructor {
  /** A tensor over the elements of `data`, without its history. */
  (
    data: Tensor,
    ...args: Args<[requiresGrad: boolean, volatile: boolean], VariableOptions>
  ): Tensor;
  /** The same. */
  new (
    data: Tensor,
    ...args: Args<[requiresGrad: boolean, volatile: boolean], VariableOptions>
  ): Tensor;
}

/** A tensor over the elements of another, without its history. Every tensor is a variable today. */
export const Variable: VariableConstructor = function (data: Tensor, ...args: unknown[]): Tensor {
  checkTensor("Variable", "data", data);
  const { requiresGrad, volatile } = read(
    "Variable",
    { requiresGrad: false, volatile: false },
    args,
  );
  if (requiresGrad && volatile) {
    throw new TypeError("Variable: a volatile variable cannot require a gradient");
  }
  const x = alias(data);
  if (requiresGrad) x.requiresGrad = true;
  if (volatile) (mode.volatile ??= new WeakSet()).add(x);
  return x;
} as unknown as VariableConstructor;
