/**
 * What runs around a module's `forward`: its hooks.
 *
 * @module
 */
import { alias } from "../autograd/alias.ts";
import { mode, recordAll } from "../autograd/record.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Module } from "./module.ts";

/** Runs before `forward`; what it returns, an array or one value, takes the inputs' place. */
// deno-lint-ignore no-explicit-any
export type ForwardPreHook = (module: any, inputs: any[]) => unknown;

/** Runs after `forward`; what it returns takes the output's place. */
// deno-lint-ignore no-explicit-any
export type ForwardHook = (module: any, inputs: any[], output: any) => unknown;

/**
 * Runs when the gradients with respect to a module's inputs are known; what it returns, an array or one tensor, takes
 * their place. Null stands for inputs and outputs that have no gradient.
 */
export type BackwardHook = (
  // deno-lint-ignore no-explicit-any
  module: any,
  gradInput: (Tensor | null)[],
  gradOutput: (Tensor | null)[],
) => Tensor | (Tensor | null)[] | null | void;

/** Takes a hook away again. */
export interface RemovableHandle {
  /** The hook runs no more. */
  remove(): void;
}

/** The hooks of one module. */
export interface Hooks {
  /** Whether there are any. */
  any: boolean;
  readonly pre: ForwardPreHook[];
  readonly post: ForwardHook[];
  readonly backward: BackwardHook[];
}

/** Adds a hook to one of the lists. */
export function addHook<K extends "pre" | "post" | "backward">(
  hooks: Hooks,
  kind: K,
  hook: Hooks[K][number],
): RemovableHandle {
  const list = hooks[kind] as unknown[];
  // A wrapper, so that a function added twice is removed once.
  const entry = (...args: unknown[]) => (hook as (...args: unknown[]) => unknown)(...args);
  list.push(entry);
  hooks.any = true;
  return {
    remove() {
      const at = list.indexOf(entry);
      if (at >= 0) list.splice(at, 1);
      hooks.any = hooks.pre.length + hooks.post.length + hooks.backward.length > 0;
    },
  };
}

/** `forward`, with everything around it. */
export function callWithHooks(module: Module, hooks: Hooks, inputs: unknown[]): unknown {
  for (const hook of [...hooks.pre]) {
    const result = hook(module, inputs);
    if (result !== undefined && result !== null) {
      inputs = Array.isArray(result) ? result : [result];
    }
  }
  const watch = hooks.backward.length > 0 && mode.grad
    ? new BackwardWatch(module, [...hooks.backward])
    : null;
  if (watch !== null) inputs = watch.inputs(inputs);
  let output: unknown = module.forward(...inputs);
  for (const hook of [...hooks.post]) {
    const result = hook(module, inputs, output);
    if (result !== undefined && result !== null) output = result;
  }
  return watch === null ? output : watch.outputs(output);
}

/** Puts an operation that changes nothing before and after `forward`, to see the gradients that pass there. */
class BackwardWatch {
  readonly #module: Module;
  readonly #hooks: readonly BackwardHook[];
  #gradOutput: (Tensor | null)[] = [];
  #inputs = 0;
  /** Where the tensors among the inputs are that take gradients. */
  #watched: number[] = [];

  constructor(module: Module, hooks: readonly BackwardHook[]) {
    this.#module = module;
    this.#hooks = hooks;
  }

  inputs(values: unknown[]): unknown[] {
    this.#inputs = values.length;
    this.#watched = indexes(values);
    if (!this.#watched.some((i) => (values[i] as Tensor).requiresGrad)) {
      this.#watched = [];
      return values;
    }
    return through(values, this.#watched, (grads) => {
      const result = this.#run(spread(grads, this.#watched, this.#inputs));
      return this.#watched.map((i) => result[i]);
    });
  }

  outputs(value: unknown): unknown {
    const values = Array.isArray(value) ? value : [value], watched = indexes(values);
    const results = through(values, watched, (grads) => {
      this.#gradOutput = spread(grads, watched, values.length);
      // No gradient will reach the inputs, so this is the time.
      if (this.#watched.length === 0) this.#run(new Array(this.#inputs).fill(null));
      return grads;
    });
    return Array.isArray(value) ? results : results[0];
  }

  #run(gradInput: (Tensor | null)[]): (Tensor | null)[] {
    for (const hook of this.#hooks) {
      const result = hook(this.#module, gradInput, this.#gradOutput);
      if (result === undefined || result === null) continue;
      const list = Array.isArray(result) ? result : [result];
      if (list.length !== gradInput.length) {
        throw new RangeError(
          `registerFullBackwardHook: the hook returned ${list.length} gradients, expected ${gradInput.length}`,
        );
      }
      gradInput = list;
    }
    return gradInput;
  }
}

function indexes(values: readonly unknown[]): number[] {
  return values.map((_, i) => i).filter((i) => values[i] instanceof Tensor);
}

function spread(grads: (Tensor | null)[], at: number[], length: number): (Tensor | null)[] {
  const result = new Array<Tensor | null>(length).fill(null);
  at.forEach((i, k) => result[i] = grads[k] ?? null);
  return result;
}

/** `values` with those at `at` sent through an operation that changes nothing, whose gradients `grads` sees. */
function through(
  values: unknown[],
  at: number[],
  grads: (grads: (Tensor | null)[]) => (Tensor | null)[],
): unknown[] {
  const tensors = at.map((i) => values[i] as Tensor);
  if (!tensors.some((t) => t.requiresGrad)) return values;
  const results = [...values];
  recordAll("BackwardHookFunctionBackward", tensors.map(alias), tensors, grads)
    .forEach((t, k) => results[at[k]] = t);
  return results;
}
