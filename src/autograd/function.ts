/**
 * Operations with a derivative of one's own.
 *
 * @module
 */
import { cast } from "../ops/copy.ts";
import { beginInPlace } from "../ops/in_place.ts";
import { sumTo } from "../ops/sum_to.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { broadcast, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { alias } from "./alias.ts";
import { mode, Node, noGrad, recording } from "./record.ts";

/** What `forward` leaves for `backward`: passed to both as the first argument. Other properties may be added to it. */
export class FunctionContext {
  /** Whatever `forward` leaves here for `backward`. */
  // deno-lint-ignore no-explicit-any
  [name: string]: any;
  /** For each input, whether its gradient is wanted. */
  needsInputGrad: boolean[] = [];
  /** The tensors given to `saveForBackward`, with null where null was given. */
  savedTensors: Tensor[] = [];
  /** Inputs that `forward` changed in place. */
  dirty: readonly Tensor[] = [];
  /** Outputs that take no gradient. */
  nonDifferentiable: readonly Tensor[] = [];
  /** Whether gradients that did not arrive are given to `backward` as zeros. */
  materializeGrads = true;

  /** Keeps tensors for `backward`, which finds them in `savedTensors`; changing one in place in between is an error. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.savedTensors = tensors as Tensor[];
  }

  /** Says that `forward` changed these inputs in place. They must be returned as outputs. */
  markDirty(...tensors: Tensor[]): void {
    this.dirty = tensors;
  }

  /** Says that these outputs take no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.nonDifferentiable = tensors;
  }

  /** Says whether gradients that did not arrive are given to `backward` as zeros (the default) or as null. */
  setMaterializeGrads(value: boolean): void {
    this.materializeGrads = value;
  }
}

/** What a subclass of `autograd.Function` defines, as static methods. */
export interface CustomFunction {
  /** The name of the class. */
  readonly name: string;
  /** Computes the output, or an array of outputs, without being recorded. */
  // deno-lint-ignore no-explicit-any
  forward(ctx: any, ...inputs: any[]): any;
  /** The gradient of each input, from those of the outputs; null for inputs that have none. */
  // deno-lint-ignore no-explicit-any
  backward(ctx: any, ...gradOutputs: any[]): any;
}

/** The inputs of a function's `forward`, without the context. */
export type Inputs<F> = F extends (ctx: infer _, ...inputs: infer I) => unknown ? I : never;

/**
 * An operation with a derivative of one's own: a subclass defines `forward` and `backward`, and is used by its `apply`.
 *
 * ```ts
 * class Cube extends torch.autograd.Function {
 *   static forward(ctx: FunctionContext, x: Tensor): Tensor {
 *     ctx.saveForBackward(x);
 *     return x.mul(x).mul(x);
 *   }
 *   static backward(ctx: FunctionContext, dy: Tensor): Tensor {
 *     const [x] = ctx.savedTensors;
 *     return dy.mul(x.mul(x)).mul(3);
 *   }
 * }
 * const y = Cube.apply(x);
 * ```
 *
 * @see https://pytorch.org/docs/stable/autograd.html#function
 */
export abstract class AutogradFunction {
  /** Runs `forward` on `inputs` and records it, with `backward` as its derivative. */
  static apply<F extends CustomFunction>(
    this: F,
    ...inputs: Inputs<F["forward"]>
  ): ReturnType<F["forward"]> {
    return run(this, inputs as unknown[]) as ReturnType<F["forward"]>;
  }
}

function run(custom: CustomFunction, inputs: unknown[]): unknown {
  if (typeof custom.forward !== "function" || typeof custom.backward !== "function") {
    throw new TypeError(`${custom.name}: forward and backward must be defined, as static methods`);
  }
  const ctx = new FunctionContext(), records = recording(inputs);
  ctx.needsInputGrad = inputs.map((x) => x instanceof Tensor && x.requiresGrad);
  const value: unknown = noGrad(() => custom.forward(ctx, ...inputs));
  const single = !Array.isArray(value), outputs: unknown[] = single ? [value] : [...value];
  outputs.forEach((y, i) => {
    // An input that comes out as it went in must not lose its own history.
    if (y instanceof Tensor && inputs.includes(y) && !ctx.dirty.includes(y)) outputs[i] = alias(y);
  });
  for (const x of ctx.dirty) {
    if (!outputs.includes(x)) {
      throw new Error(`${custom.name}: an input marked as dirty was not returned as an output`);
    }
    if (!records) continue;
    beginInPlace(custom.name, x);
    if (x.viewOf !== null) {
      throw new Error(`${custom.name}: a view cannot be marked as dirty; clone() it first`);
    }
  }
  if (records) {
    const saved = ctx.savedTensors.filter((t) => t !== null);
    // Not the tensors themselves: only what was saved is kept in memory.
    const [from, to] = [inputs, outputs].map((list) => list.map(formOf));
    const node = new Node(
      `${custom.name}Backward`,
      inputs,
      (dys) => gradients(custom, ctx, from, to, dys),
      saved,
    );
    node.custom = true;
    node.outputs = outputs.length;
    outputs.forEach((y, i) => {
      if (!(y instanceof Tensor) || !y.dtype.isFloatingPoint) return;
      if (ctx.nonDifferentiable.includes(y)) return;
      y.node = node;
      y.outputNumber = i;
      if (ctx.dirty.includes(y)) y.rewritten++;
    });
  }
  for (const y of outputs) if (mode.inference && y instanceof Tensor) y.inference = true;
  return single ? outputs[0] : outputs;
}

/** What a gradient must look like. */
type Form = Pick<Tensor, "backend" | "shape" | "dtype"> | null;

function formOf(x: unknown): Form {
  return x instanceof Tensor ? { backend: x.backend, shape: x.shape, dtype: x.dtype } : null;
}

/** What `backward` gives, checked and brought to the inputs' shapes and dtypes. */
function gradients(
  custom: CustomFunction,
  ctx: FunctionContext,
  inputs: readonly Form[],
  outputs: readonly Form[],
  dys: (Tensor | null)[],
): (Tensor | null)[] {
  const given = dys.map((dy, i) => {
    const y = outputs[i];
    return dy === null && y !== null && ctx.materializeGrads
      ? fillWith(emptyOn(y.backend, y.shape, y.dtype), 0)
      : dy;
  });
  const value: unknown = custom.backward(ctx, ...given);
  const grads: unknown[] = Array.isArray(value) ? [...value] : [value];
  while (grads.length > inputs.length && (grads.at(-1) ?? null) === null) grads.pop();
  if (grads.length !== inputs.length) {
    throw new RangeError(
      `${custom.name}: backward returned ${grads.length} gradients, expected ${inputs.length}: one for each input of forward`,
    );
  }
  return grads.map((grad, i) => {
    if (grad === null || grad === undefined || !ctx.needsInputGrad[i]) return null;
    if (!(grad instanceof Tensor)) {
      throw new TypeError(
        `${custom.name}: backward returned a ${typeof grad} for input ${i}, expected a tensor or null`,
      );
    }
    const x = inputs[i]!;
    if (sameShape(grad.shape, x.shape)) return cast(grad, x.dtype);
    if (!broadcastsTo(x.shape, grad.shape)) {
      throw new RangeError(
        `${custom.name}: backward returned a gradient of shape ${
          show(grad.shape)
        } for input ${i}, whose shape is ${show(x.shape)}`,
      );
    }
    return cast(sumTo(grad, x.shape), x.dtype);
  });
}

function broadcastsTo(shape: readonly number[], to: readonly number[]): boolean {
  try {
    return sameShape(broadcast("backward", shape, to), to);
  } catch {
    return false;
  }
}
