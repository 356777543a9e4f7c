/**
 * Modules that hold other modules: in a row, in a list, under names.
 *
 * @module
 */
import { isOptions } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isModule, ownModules } from "./members.ts";
import { Module, refuseForward } from "./module.ts";

/** Names and values, as a record, a Map, or pairs. */
export type Named<T> = Readonly<Record<string, T>> | Iterable<readonly [string, T]>;

/** The pairs of `named`. */
export function pairs<T>(call: string, named: Named<T>): [string, T][] {
  if (named !== null && typeof named === "object") {
    if (Symbol.iterator in named) return [...named].map(([name, value]) => [name, value]);
    if (isOptions(named)) return Object.entries(named) as [string, T][];
  }
  throw new TypeError(`${call}: expected a record or a Map, got ${typeof named}`);
}

/** `index` counted from the start. Throws `RangeError` when there are not so many. */
export function position(call: string, index: number, length: number): number {
  if (!Number.isInteger(index) || index < -length || index >= length) {
    throw new RangeError(`${call}: index ${index} is out of range: there are ${length}`);
  }
  return index < 0 ? index + length : index;
}

/** The modules of a container in order, one that is there twice included. */
function held(container: Module): Module[] {
  return ownModules(container).map(([, m]) => m);
}

/** Numbers the modules of a container anew. */
function renumber(container: Module, modules: readonly Module[]): void {
  const record = container as unknown as Record<string, unknown>;
  for (const [name] of ownModules(container)) delete record[name];
  modules.forEach((m, i) => container.addModule(String(i), m));
}

/**
 * Modules in a row: the output of each is the input of the next. `new nn.Sequential(a, b)`, or with names
 * `new nn.Sequential({ a, b })`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export class Sequential extends Module {
  /** The module at a position: `model[0]`. */
  // deno-lint-ignore no-explicit-any
  [index: number]: any;

  /** Takes modules, or one record or Map of them by name. */
  constructor(...modules: Module[] | [Named<Module>]) {
    super();
    const [first] = modules;
    if (modules.length === 1 && !isModule(first)) {
      for (const [name, module] of pairs("Sequential", first as Named<Module>)) {
        this.addModule(name, module);
      }
    } else (modules as Module[]).forEach((m, i) => this.addModule(String(i), m));
  }

  override forward(input: Tensor): Tensor {
    for (const module of held(this)) input = module(input);
    return input;
  }

  /** How many modules there are. */
  override get length(): number {
    return held(this).length;
  }

  /** The module at `index`; -1 is the last. */
  at(index: number): Module {
    return held(this)[position("Sequential.at", index, this.length)];
  }

  /** The modules from `start` to before `end`, in a Sequential of their own. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(Object.fromEntries(ownModules(this).slice(start, end)));
  }

  /** Adds a module at the end; returns the container. */
  append(module: Module): this {
    this.addModule(String(this.length), module);
    return this;
  }

  /** Adds modules at the end; returns the container. */
  extend(modules: Iterable<Module>): this {
    for (const module of modules) this.append(module);
    return this;
  }

  /** Puts a module in before `index`. */
  insert(index: number, module: Module): this {
    const modules = held(this);
    modules.splice(index, 0, module);
    renumber(this, modules);
    return this;
  }

  /** Takes the module at `index` out and returns it; those that are left are numbered anew. */
  pop(index = -1): Module {
    const modules = held(this);
    const [module] = modules.splice(position("Sequential.pop", index, modules.length), 1);
    renumber(this, modules);
    return module;
  }

  /** Iterates over the modules. */
  [Symbol.iterator](): Iterator<Module> {
    return held(this)[Symbol.iterator]();
  }
}

/**
 * A list of modules. It has no `forward` of its own: its owner decides what to do with them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
 */
export class ModuleList extends Module {
  /** The module at a position: `layers[0]`. */
  // deno-lint-ignore no-explicit-any
  [index: number]: any;

  /** Takes any iterable of modules. */
  constructor(modules: Iterable<Module> = []) {
    super();
    this.extend(modules);
  }

  override forward(): never {
    refuseForward(this);
  }

  /** How many modules there are. */
  override get length(): number {
    return held(this).length;
  }

  /** The module at `index`; -1 is the last. */
  at(index: number): Module {
    return held(this)[position("ModuleList.at", index, this.length)];
  }

  /** The modules from `start` to before `end`, in a list of their own. */
  slice(start?: number, end?: number): ModuleList {
    return new ModuleList(held(this).slice(start, end));
  }

  /** Adds a module at the end; returns the list. */
  append(module: Module): this {
    this.addModule(String(this.length), module);
    return this;
  }

  /** Adds modules at the end; returns the list. */
  extend(modules: Iterable<Module>): this {
    for (const module of modules) this.append(module);
    return this;
  }

  /** Puts a module in before `index`. */
  insert(index: number, module: Module): void {
    const modules = held(this);
    modules.splice(index, 0, module);
    renumber(this, modules);
  }

  /** Takes the module at `index` out and returns it; those behind it move up. */
  pop(index = -1): Module {
    const modules = held(this);
    const [module] = modules.splice(position("ModuleList.pop", index, modules.length), 1);
    renumber(this, modules);
    return module;
  }

  /** Iterates over the modules. */
  [Symbol.iterator](): Iterator<Module> {
    return held(this)[Symbol.iterator]();
  }
}

/**
 * Modules under names. It has no `forward` of its own.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
 */
export class ModuleDict extends Module {
  /** Takes a record, a Map, or pairs of names and modules. */
  constructor(modules: Named<Module> = {}) {
    super();
    this.update(modules);
  }

  override forward(): never {
    refuseForward(this);
  }

  /** How many modules there are. */
  override get length(): number {
    return held(this).length;
  }

  /** Whether there is a module called `name`. */
  has(name: string): boolean {
    return this.keys().includes(name);
  }

  /** The module called `name`. Throws `RangeError` when there is none. */
  get(name: string): Module {
    const entry = ownModules(this).find(([key]) => key === name);
    if (entry === undefined) {
      throw new RangeError(
        `ModuleDict.get: no module ${JSON.stringify(name)}; there are ${this.keys().join(", ")}`,
      );
    }
    return entry[1];
  }

  /** Makes `module` the one called `name`; returns the dict. */
  set(name: string, module: Module): this {
    this.addModule(name, module);
    return this;
  }

  /** Sets several modules. */
  update(modules: Named<Module>): void {
    for (const [name, module] of pairs("ModuleDict", modules)) this.set(name, module);
  }

  /** Takes the module called `name` out and returns it. */
  pop(name: string): Module {
    const module = this.get(name);
    delete (this as unknown as Record<string, unknown>)[name];
    return module;
  }

  /** Takes all modules out. */
  clear(): void {
    renumber(this, []);
  }

  /** The names. */
  keys(): string[] {
    return ownModules(this).map(([name]) => name);
  }

  /** The modules. */
  values(): Module[] {
    return held(this);
  }

  /** Names and modules. */
  entries(): [string, Module][] {
    return ownModules(this);
  }

  /** The same as `entries`. */
  items(): [string, Module][] {
    return this.entries();
  }

  /** Iterates over the names, as PyTorch does. */
  [Symbol.iterator](): Iterator<string> {
    return this.keys()[Symbol.iterator]();
  }
}
