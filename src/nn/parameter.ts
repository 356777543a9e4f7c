/**
 * Tensors that a module learns.
 *
 * @module
 */
import { zeros } from "../ops/create.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Options of `Parameter`. */
export interface ParameterOptions {
  /** Whether it collects a gradient; true by default. */
  requiresGrad?: boolean;
}

/**
 * A tensor that is a parameter of the module it is assigned to: `this.weight = new nn.Parameter(torch.randn(3, 4))`.
 * It shares the elements of `data`, and outlives every scope.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
 */
export class Parameter extends Tensor {
  /** For types alone: a tensor that is assigned to a parameter would take its place, and no longer be one. */
  declare protected readonly isParameter: true;

  /** Wraps `data`, by default an empty tensor. */
  constructor(
    data: Tensor = zeros(0),
    ...args: Args<[requiresGrad: boolean], ParameterOptions>
  ) {
    checkTensor("Parameter", "data", data);
    const { requiresGrad } = read("Parameter", { requiresGrad: true }, args);
    super(data.storage, data.shape, data.dtype, data.strides, data.offset);
    this.counter = data.counter;
    if (requiresGrad) this.requiresGrad = true;
    this.storage.outlive();
  }

  /** As PyTorch prints it. */
  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }

  /** The same in `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** The same in Node's `console.log`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
