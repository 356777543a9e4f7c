/**
 * How a tensor was made: every differentiable result goes through `record`.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { Tensor } from "../tensor/tensor.ts";
import { mode } from "./mode.ts";

export { mode };

/** The gradient of one input, from the gradient `dy` of the output; null where there is none. */
export type Grad = (dy: Tensor) => Tensor | null;

/** The gradients of all inputs, from those of all outputs; null where an output was not used. */
export type Grads = (dys: (Tensor | null)[]) => (Tensor | null)[];

/** Called with the gradient that flows through; may return another one to go on with. */
export type GradHook = (grad: Tensor) => Tensor | null | void;

let count = 0;

/** One recorded operation: where its gradients go, and how they are computed. */
export class Node {
  /** Rises with each operation, so a node comes after everything it depends on; 0 for leaves. */
  readonly id: number;
  /** The operation: `"addmm"`, `"log_softmax"`. */
  readonly op: string;
  /** The nodes that made the inputs; null for inputs that take no gradient. */
  readonly next: (Node | null)[];
  /** Which output of its node each input is. */
  readonly nextOutputs: number[];
  /** The shape that each input had; it may be given another one in place. */
  readonly nextShapes: (readonly number[] | null)[];
  /** The derivative: a function for each input, or one for all; null once freed. */
  derivative: Grad[] | Grads | null;
  /** Hooks on the gradient of each output, by output number. */
  hooks: Map<number, GradHook[]> | null = null;
  /** Tensors that retain the gradient of an output. */
  retained: Tensor[] | null = null;
  /** The leaf it accumulates into; only in the node of a leaf. */
  readonly leaf: Tensor | null;
  /** How many outputs it has. */
  outputs = 1;
  /** Whether the derivative is the user's own code, which may hold on to the gradients it gives. */
  custom = false;
  /** Where it was recorded, in anomaly detection. */
  trace: string | null = null;
  /** Tensors whose elements the derivative reads, and their versions when they were saved. */
  #saved: readonly Tensor[];
  #versions: readonly number[];

  /** Records `op` over `inputs`; whatever among them is not a tensor is a constant. */
  constructor(
    op: string,
    inputs: readonly unknown[],
    derivative: Grad[] | Grads,
    saved: readonly Tensor[],
    leaf: Tensor | null = null,
  ) {
    this.op = op;
    this.leaf = leaf;
    this.derivative = derivative;
    const n = inputs.length;
    this.next = new Array(n);
    this.nextOutputs = new Array(n);
    this.nextShapes = new Array(n);
    for (let i = 0; i < n; i++) {
      const x = inputs[i];
      const source = x instanceof Tensor ? nodeOf(x) : null;
      this.next[i] = source;
      this.nextShapes[i] = source === null ? null : (x as Tensor).shape;
      this.nextOutputs[i] = source === null || source.leaf !== null
        ? 0
        : (x as Tensor).outputNumber;
    }
    for (let i = 0; i < saved.length; i++) if (saved[i].inference) refuseInference(op);
    // Numbered last: asking for the node of a view may have made a new one, which comes before this.
    this.id = leaf === null ? ++count : 0;
    this.#saved = saved;
    this.#versions = saved.length === 0 ? NO_VERSIONS : saved.map((t) => t.counter.version);
    if (mode.anomaly && leaf === null) this.trace = new Error(`recorded ${op}`).stack ?? null;
  }

  /** PyTorch's name of it: `"AddmmBackward0"`, `"AccumulateGrad"`. */
  get name(): string {
    if (this.leaf !== null) return "AccumulateGrad";
    const words = this.op.split("_").filter((w) => w !== "").map((w) =>
      w[0].toUpperCase() + w.slice(1)
    );
    return /^[A-Z]/.test(this.op) ? this.op : `${words.join("")}Backward0`;
  }

  /** The nodes of the inputs, as pairs of node and output number. */
  get nextFunctions(): [Node | null, number][] {
    return this.next.map((node, i) => [node, this.nextOutputs[i]]);
  }

  /** Throws when a saved tensor was changed in place since, or when the graph was freed. */
  check(): void {
    if (this.derivative === null) {
      throw new Error(
        `backward: the graph was already freed (at ${this.name}); call backward with { retainGraph: true } to go through it again`,
      );
    }
    for (let i = 0; i < this.#saved.length; i++) {
      const t = this.#saved[i];
      if (t.counter.version !== this.#versions[i]) {
        throw new Error(
          `backward: a tensor needed for the gradient of ${this.name} was changed in place: ${t.dtype.name} [${
            t.shape.join(", ")
          }] is at version ${t.counter.version}, expected version ${
            this.#versions[i]
          }; use the out-of-place operation, or clone() first`,
        );
      }
    }
  }

  /** The gradients of the inputs. */
  apply(dys: (Tensor | null)[]): (Tensor | null)[] {
    const { derivative, next } = this;
    if (typeof derivative === "function") {
      while (dys.length < this.outputs) dys.push(null);
      return derivative(dys);
    }
    const dy = dys[0];
    if (dy === null) return next.map(() => null);
    return derivative!.map((grad, i) => next[i] === null ? null : grad(dy));
  }

  /** Drops the derivative and what it saved. */
  free(): void {
    if (this.leaf !== null) return;
    this.derivative = null;
    this.#saved = NO_TENSORS;
  }

  /** As PyTorch shows it: `<AddmmBackward0>`. */
  toString(): string {
    return `<${this.name}>`;
  }

  /** The same in `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

function refuseInference(op: string): never {
  throw new Error(
    `${op}: its gradient needs a tensor made in inferenceMode, which takes no part in differentiation; clone() it outside of inferenceMode first`,
  );
}

const NO_TENSORS: readonly Tensor[] = [];
const NO_VERSIONS: readonly number[] = [];

/** The node that the gradient of `x` goes to; null if it takes none. */
export function nodeOf(x: Tensor): Node | null {
  const node = x.gradFn;
  if (node !== null) return node;
  if (!x.leafRequiresGrad) return null;
  return x.accumulator ??= new Node("accumulate_grad", NO_TENSORS, [], NO_TENSORS, x);
}

function anyVolatile(inputs: readonly unknown[]): boolean {
  return inputs.some((x) => x instanceof Tensor && mode.volatile!.has(x));
}

/** Whether an operation on `inputs` is to be recorded. */
export function recording(inputs: readonly unknown[]): boolean {
  if (!mode.grad || (mode.volatile !== null && anyVolatile(inputs))) return false;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i];
    if (x instanceof Tensor && x.requiresGrad) return true;
  }
  return false;
}

/**
 * Records that `y` was computed from `inputs` by `op` (PyTorch's name of it, in snake_case), with the gradient of each
 * input as a function of the gradient of `y`. `saved` are the tensors whose elements those functions read: changing one
 * in place makes `backward` throw. Returns `y`.
 */
export function record(
  op: string,
  y: Tensor,
  inputs: readonly unknown[],
  grads: Grad[],
  saved: readonly Tensor[] = NO_TENSORS,
): Tensor {
  if (mode.inference) y.inference = true;
  if (mode.volatile !== null && anyVolatile(inputs)) mode.volatile.add(y);
  if (y.dtype.kind === "float" && recording(inputs)) y.node = new Node(op, inputs, grads, saved);
  return y;
}

/** Records that `y` was computed from `inputs` by `call`, which has no derivative: going back through it throws. */
export function recordWithoutGrad(call: string, y: Tensor, inputs: readonly unknown[]): Tensor {
  const refuse = () => {
    throw new Error(`backward: ${call} has no derivative; use detach() on what goes into it`);
  };
  return record("NotImplemented", y, inputs, inputs.map(() => refuse));
}

/** Records several outputs of one operation; an output that is not floating-point takes no gradient. */
export function recordAll<T extends readonly Tensor[]>(
  op: string,
  ys: T,
  inputs: readonly unknown[],
  grads: Grads,
  saved: readonly Tensor[] = NO_TENSORS,
): T {
  if (mode.inference) { for (const y of ys) y.inference = true; }
  if (mode.volatile !== null && anyVolatile(inputs)) { for (const y of ys) mode.volatile.add(y); }
  if (!recording(inputs)) return ys;
  const node = new Node(op, inputs, grads, saved);
  node.outputs = ys.length;
  ys.forEach((y, i) => {
    if (!y.dtype.isFloatingPoint) return;
    y.node = node;
    y.outputNumber = i;
  });
  return ys;
}

/** Runs `f` with `mode[key] = value`, or without `f` gives a guard that restores it at the end of its `using` block. */
export function within<T>(settings: Partial<typeof mode>, f?: () => T): T | Disposable {
  if (f !== undefined && typeof f !== "function") {
    throw new TypeError(`expected a function to run in this mode, got ${describeValue(f)}`);
  }
  const saved = { ...mode };
  Object.assign(mode, settings);
  const restore = () => void Object.assign(mode, saved);
  if (f === undefined) return { [Symbol.dispose]: restore };
  let result: T;
  try {
    result = f();
  } catch (e) {
    restore();
    throw e;
  }
  if (result instanceof Promise) return result.finally(restore) as T;
  restore();
  return result;
}

/** What `noGrad` and its like take and give: a function to run, or nothing for a guard of a `using` block. */
export interface GradMode {
  /** Runs `f` in the mode and returns its result. An async `f` keeps the mode until it settles. */
  <T>(f: () => T): T;
  /** The mode, until the end of the block: `using _ = torch.noGrad();`. */
  (): Disposable;
}

/** Nothing is recorded: `torch.noGrad(() => ...)` or `using _ = torch.noGrad()`. */
export const noGrad: GradMode = (<T>(f?: () => T) => within({ grad: false }, f)) as GradMode;

/** Recording is on again, inside `noGrad`. */
export const enableGrad: GradMode = (<T>(f?: () => T) => within({ grad: true }, f)) as GradMode;

/** As `noGrad`; what is made in it can never take part in differentiation. */
export const inferenceMode: GradMode =
  (<T>(f?: () => T) => within({ grad: false, inference: true }, f)) as GradMode;

/** Switches recording on or off from here on, or (`using _ = torch.setGradEnabled(training)`) until the end of a block. */
export function setGradEnabled(enabled: boolean): Disposable {
  if (typeof enabled !== "boolean") {
    throw new TypeError(`setGradEnabled: expected true or false, got ${describeValue(enabled)}`);
  }
  const guard = within({ grad: enabled }) as Disposable;
  return guard;
}

/** Whether operations are recorded now. */
export function isGradEnabled(): boolean {
  return mode.grad;
}

/** Whether results are inference tensors now. */
export function isInferenceModeEnabled(): boolean {
  return mode.inference;
}
