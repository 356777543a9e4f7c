/**
 * Modules that hold parameters: in a list, under names.
 *
 * @module
 */
import type { DType } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Named, pairs, position } from "./container.ts";
import { isParameter, ownMembers } from "./members.ts";
import { Module, refuseForward } from "./module.ts";
import { Parameter } from "./parameter.ts";

function held(container: Module): [string, Parameter][] {
  return ownMembers(container, isParameter);
}

/** Makes `value` the parameter called `name`; a tensor becomes a parameter. */
function put(container: Module, name: string, value: Tensor): void {
  checkTensor(container.constructor.name, name, value);
  container.registerParameter(name, value instanceof Parameter ? value : new Parameter(value));
}

/** PyTorch's old names of types, which it prints for dictionaries. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  float16: "HalfTensor",
  bfloat16: "BFloat16Tensor",
  float32: "FloatTensor",
  float64: "DoubleTensor",
  int8: "CharTensor",
  int16: "ShortTensor",
  int32: "IntTensor",
  int64: "LongTensor",
  uint8: "ByteTensor",
  bool: "BoolTensor",
};

function describe(container: Module, typeName: (dtype: DType) => string): string {
  return held(container).map(([name, p]) => {
    const on = p.device === "cpu" ? "" : ` (${p.device.replace("cuda:", "GPU ")})`;
    return `  (${name}): Parameter containing: [${typeName(p.dtype)} of size ${
      p.shape.join("x")
    }${on}]`;
  }).join("\n");
}

/**
 * A list of parameters.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterList.html
 */
export class ParameterList extends Module {
  /** The parameter at a position: `weights[0]`. */
  // deno-lint-ignore no-explicit-any
  [index: number]: any;

  /** Takes any iterable of tensors; those that are not parameters become such. */
  constructor(values: Iterable<Tensor> = []) {
    super();
    this.extend(values);
  }

  override forward(): never {
    refuseForward(this);
  }

  /** How many parameters there are. */
  override get length(): number {
    return held(this).length;
  }

  /** The parameter at `index`; -1 is the last. */
  at(index: number): Parameter {
    const values = held(this);
    return values[position("ParameterList.at", index, values.length)][1];
  }

  /** Makes `value` the parameter at `index`. */
  set(index: number, value: Tensor): this {
    put(this, String(position("ParameterList.set", index, this.length)), value);
    return this;
  }

  /** Adds a parameter at the end; returns the list. */
  append(value: Tensor): this {
    put(this, String(this.length), value);
    return this;
  }

  /** Adds parameters at the end; returns the list. */
  extend(values: Iterable<Tensor>): this {
    for (const value of values) this.append(value);
    return this;
  }

  /** Iterates over the parameters. */
  [Symbol.iterator](): Iterator<Parameter> {
    return held(this).map(([, p]) => p)[Symbol.iterator]();
  }

  override extraRepr(): string {
    return describe(this, String);
  }
}

/**
 * Parameters under names.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html
 */
export class ParameterDict extends Module {
  /** Takes a record, a Map, or pairs of names and tensors; those that are not parameters become such. */
  constructor(values: Named<Tensor> = {}) {
    super();
    this.update(values);
  }

  override forward(): never {
    refuseForward(this);
  }

  /** How many parameters there are. */
  override get length(): number {
    return held(this).length;
  }

  /** Whether there is a parameter called `name`. */
  has(name: string): boolean {
    return this.keys().includes(name);
  }

  /** The parameter called `name`, or `fallback` (null by default) when there is none. */
  get(name: string, fallback: Tensor | null = null): Tensor | null {
    return held(this).find(([key]) => key === name)?.[1] ?? fallback;
  }

  /** Makes `value` the parameter called `name`; returns the dict. */
  set(name: string, value: Tensor): this {
    put(this, name, value);
    return this;
  }

  /** Sets several parameters. */
  update(values: Named<Tensor>): void {
    for (const [name, value] of pairs("ParameterDict", values)) this.set(name, value);
  }

  /** Takes the parameter called `name` out and returns it. Throws `RangeError` when there is none. */
  pop(name: string): Parameter {
    const found = this.get(name);
    if (!(found instanceof Parameter)) {
      throw new RangeError(`ParameterDict.pop: no parameter ${JSON.stringify(name)}`);
    }
    delete (this as unknown as Record<string, unknown>)[name];
    return found;
  }

  /** Takes all parameters out. */
  clear(): void {
    for (const name of this.keys()) this.pop(name);
  }

  /** The names. */
  keys(): string[] {
    return held(this).map(([name]) => name);
  }

  /** The parameters. */
  values(): Parameter[] {
    return held(this).map(([, p]) => p);
  }

  /** Names and parameters. */
  entries(): [string, Parameter][] {
    return held(this);
  }

  /** The same as `entries`. */
  items(): [string, Parameter][] {
    return this.entries();
  }

  /** Iterates over the names, as PyTorch does. */
  [Symbol.iterator](): Iterator<string> {
    return this.keys()[Symbol.iterator]();
  }

  override extraRepr(): string {
    return describe(this, (dtype) => `torch.${TYPE_NAMES[dtype.name]}`);
  }
}
