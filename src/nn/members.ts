/**
 * What a module holds: its properties that are parameters, buffers and modules.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Hooks } from "./hooks.ts";
import type { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** What a module keeps beside its properties. */
export interface Registry {
  readonly hooks: Hooks;
  /** Names of buffers, and whether each belongs to the state. */
  readonly buffers: Map<string, boolean>;
  /** Whether it cannot be trained, as a quantized module. */
  inferenceOnly?: boolean;
}

const REGISTRY = Symbol("registry");

/** Makes `self` a module. */
export function register(self: Module, registry: Registry): void {
  Object.defineProperty(self, REGISTRY, { value: registry });
}

/** What `module` keeps beside its properties. */
export function registryOf(module: Module): Registry {
  return (module as unknown as { [REGISTRY]: Registry })[REGISTRY];
}

/** Whether `x` is a module. */
export function isModule(x: unknown): x is Module {
  return typeof x === "function" && REGISTRY in x;
}

/** The modules that `module` holds itself, by name; one that it holds twice is there twice. */
export function ownModules(module: Module): [string, Module][] {
  return ownMembers(module, isModule);
}

/** The module at a path: `"layer1.0.conv1"`. */
export function submodule(call: string, root: Module, path: string): Module {
  return (path === "" ? [] : path.split(".")).reduce((module, name) => {
    const next = get(module, name);
    if (isModule(next)) return next;
    throw new RangeError(
      `${call}: ${module.constructor.name} has no module ${JSON.stringify(name)} (in ${path})`,
    );
  }, root);
}

/** The module and the last name of a path: `"layer1.0.weight"`. */
export function holder(call: string, module: Module, target: string): [Module, string] {
  const dot = target.lastIndexOf(".");
  return [submodule(call, module, target.slice(0, Math.max(dot, 0))), target.slice(dot + 1)];
}

/** A property of `module`. */
export function get(module: Module, name: string): unknown {
  return (module as unknown as Record<string, unknown>)[name];
}

/** Sets a property of `module`. */
export function set(module: Module, name: string, value: unknown): void {
  (module as unknown as Record<string, unknown>)[name] = value;
}

/** Whether `x` is a parameter. */
export function isParameter(x: unknown): x is Parameter {
  return x instanceof Parameter;
}

/** The properties of `module` that hold what `is` accepts, in the order in which they were first assigned. */
export function ownMembers<T>(module: Module, is: (x: unknown) => x is T): [string, T][] {
  const found: [string, T][] = [];
  for (const name of Object.keys(module)) {
    const value = get(module, name);
    if (is(value)) found.push([name, value]);
  }
  return found;
}

/** The buffers of `module` itself by name, all or the persistent ones. */
export function ownBuffers(module: Module, persistent: boolean): [string, Tensor][] {
  const found: [string, Tensor][] = [];
  for (const [name, saved] of registryOf(module).buffers) {
    const value = get(module, name);
    // A parameter that was assigned to the name of a buffer is no buffer.
    if (value instanceof Tensor && !isParameter(value) && (saved || !persistent)) {
      found.push([name, value]);
    }
  }
  return found;
}

/** `name` within `prefix`. */
export function join(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}.${name}`;
}

/** What `list` finds in a module and (if `recurse`) in all that it holds, each once. */
export function listMembers<T extends Tensor>(
  module: Module,
  prefix: string,
  recurse: boolean,
  list: (module: Module) => [string, T][],
): [string, T][] {
  const found: [string, T][] = [], seen = new Set<T>();
  const modules = recurse ? module.namedModules(prefix) : [[prefix, module] as const];
  for (const [path, m] of modules) {
    for (const [name, t] of list(m)) {
      if (seen.has(t)) continue;
      seen.add(t);
      found.push([join(path, name), t]);
    }
  }
  return found;
}

/** Every parameter and persistent buffer, shared ones under all their names. */
export function stateOf(module: Module, prefix: string): [string, Tensor][] {
  const named: [string, Tensor][] = [
    ...ownMembers(module, isParameter),
    ...ownBuffers(module, true),
  ];
  const found = named.map(([name, t]): [string, Tensor] => [prefix + name, t]);
  for (const [name, child] of ownModules(module)) {
    found.push(...stateOf(child, `${prefix}${name}.`));
  }
  return found;
}

/** Throws unless `name` can be a property of `module`: new, or (if `replaces`) of the same kind. */
export function checkName(call: string, module: Module, name: string, replaces: boolean): void {
  if (typeof name !== "string") {
    throw new TypeError(`${call}: the name must be a string, got ${typeof name}`);
  }
  if (name === "" || name.includes(".")) {
    throw new RangeError(
      `${call}: a name cannot be empty or contain ".", got ${describeValue(name)}`,
    );
  }
  const value = get(module, name);
  if (value !== undefined && value !== null && !replaces) {
    throw new Error(`${call}: attribute '${name}' already exists`);
  }
}
