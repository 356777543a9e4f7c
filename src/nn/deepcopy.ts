/**
 * Copies of whole modules.
 *
 * @module
 */
import { Storage, unscoped } from "../backend/storage.ts";
import { isOptions } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isModule, registryOf } from "./members.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/**
 * A copy of a module, a tensor, or arrays, maps, sets and plain objects of them, that shares no element with the original;
 * what was shared within the original is shared within the copy. Whatever else it meets is taken over as it is. Private
 * fields (`#field`) are out of its reach: a module whose `forward` reads them has to be made anew.
 *
 * @throws Error for a tensor that was computed with gradients: those have no copy of their history.
 * @see https://docs.python.org/3/library/copy.html#copy.deepcopy
 */
export function deepcopy<T>(x: T): T {
  return unscoped(() => copyOf(x, new Map()) as T);
}

function copyOf(x: unknown, made: Map<unknown, unknown>): unknown {
  if (x === null || (typeof x !== "object" && !isModule(x))) return x;
  const before = made.get(x);
  if (before !== undefined) return before;
  if (isModule(x)) return copyModule(x, made);
  if (x instanceof Tensor) return copyTensor(x, made);
  if (x instanceof Storage) return copyStorage(x, made);
  if (Array.isArray(x)) {
    const copy: unknown[] = [];
    made.set(x, copy);
    for (const part of x) copy.push(copyOf(part, made));
    return copy;
  }
  if (x instanceof Map) {
    const copy = new Map();
    made.set(x, copy);
    for (const [key, value] of x) copy.set(copyOf(key, made), copyOf(value, made));
    return copy;
  }
  if (x instanceof Set) {
    const copy = new Set();
    made.set(x, copy);
    for (const value of x) copy.add(copyOf(value, made));
    return copy;
  }
  if (!isOptions(x)) return x;
  const copy: Record<string, unknown> = {};
  made.set(x, copy);
  for (const [key, value] of Object.entries(x)) copy[key] = copyOf(value, made);
  return copy;
}

function copyModule(x: Module, made: Map<unknown, unknown>): Module {
  // The base's constructor alone makes the callable; the class's own would draw new parameters.
  const copy: Module = Reflect.construct(Module, [], x.constructor as new () => Module);
  made.set(x, copy);
  const { hooks, buffers } = registryOf(x), to = registryOf(copy);
  for (const kind of ["pre", "post", "backward"] as const) {
    (to.hooks[kind] as unknown[]).push(...hooks[kind]);
  }
  to.hooks.any = hooks.any;
  to.inferenceOnly = registryOf(x).inferenceOnly;
  for (const [name, persistent] of buffers) to.buffers.set(name, persistent);
  for (const [name, value] of Object.entries(x)) {
    (copy as unknown as Record<string, unknown>)[name] = copyOf(value, made);
  }
  return copy;
}

function copyTensor(x: Tensor, made: Map<unknown, unknown>): Tensor {
  if (!x.isLeaf) {
    throw new Error(
      "deepcopy: only leaves can be copied, this tensor was computed with gradients; detach() it first",
    );
  }
  const storage = copyOf(x.storage, made) as Storage;
  let copy = new Tensor(storage, x.shape, x.dtype, x.strides, x.offset);
  if (x instanceof Parameter) copy = new Parameter(copy, x.requiresGrad);
  else {
    if (x.requiresGrad) copy.requiresGrad = true;
    if (x.grad !== null) copy.grad = copyOf(x.grad, made) as Tensor;
  }
  made.set(x, copy);
  return copy;
}

function copyStorage(x: Storage, made: Map<unknown, unknown>): Storage {
  const backend = x.backend!, copy = backend.allocate(x.bytes);
  backend.write(copy, 0, backend.read(x, 0, x.bytes));
  made.set(x, copy);
  return copy;
}
