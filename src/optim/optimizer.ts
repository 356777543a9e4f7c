/**
 * What all optimizers share: parameter groups, state, and saving both.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { clearGradients } from "../autograd/clear.ts";
import { enableGrad, noGrad } from "../autograd/record.ts";
import { float32 } from "../backend/dtype.ts";
import { unscoped } from "../backend/storage.ts";
import { item } from "../ops/access.ts";
import { cast, clone, moved } from "../ops/copy.ts";
import { detach } from "../ops/view.ts";
import { show as showValue } from "../nn/text.ts";
import { type Args, isOptions, read } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Parameters that are optimized with the same options. */
export interface ParamGroup {
  /** The parameters. */
  params: Tensor[];
  /** The learning rate. */
  lr: number;
  /** The other options of the optimizer, by name. */
  // deno-lint-ignore no-explicit-any
  [option: string]: any;
}

/** A group as it is given: the parameters, and the options that differ from the optimizer's. */
export interface ParamGroupOptions {
  /** The parameters. */
  params: Tensor | Iterable<Tensor>;
  /** An option for these parameters. */
  [option: string]: unknown;
}

/** What an optimizer takes: parameters, or groups of them. */
export type Params = Iterable<Tensor> | Iterable<ParamGroupOptions>;

/** What an optimizer remembers of one parameter, under PyTorch's names: `exp_avg`, `momentum_buffer`. */
// deno-lint-ignore no-explicit-any
export type State = Record<string, any>;

/** An optimizer's state and options, in PyTorch's structure: parameters are numbers, names are in snake_case. */
export interface OptimizerStateDict {
  /** By parameter number, what is remembered of it. */
  state: Record<string, State>;
  /** The groups: their options, and the numbers of their parameters. */
  // deno-lint-ignore no-explicit-any
  param_groups: Record<string, any>[];
}

/** Computes the loss anew, and its gradients. */
export type Closure = () => Tensor | number;

const snake = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
const camel = (name: string) => name.replace(/_([a-z])/g, (_, c) => c.toUpperCase());

/** State that is one float32 number, whatever the dtype of the parameter. */
const SCALARS = new Set(["step", "eta", "mu", "mu_product"]);

/**
 * The base class of all optimizers. One of your own defines `update`, which changes one parameter, or the whole `step`.
 *
 * @see https://pytorch.org/docs/stable/optim.html
 */
export class Optimizer {
  /** Options of groups that do not set their own. */
  readonly defaults: Record<string, unknown>;
  /** The parameters, in groups with options of their own. */
  paramGroups: ParamGroup[] = [];
  /** What it remembers of each parameter. */
  state: Map<Tensor, State> = new Map();

  /** Takes parameters, or groups `{ params, ...options }`, and the options of all. */
  constructor(params: Params, defaults: Record<string, unknown>) {
    this.defaults = defaults;
    if (defaults.differentiable) {
      throw new Error(`${this.constructor.name}: differentiable steps are not supported`);
    }
    if (params instanceof Tensor || params === null || typeof params !== "object") {
      throw new TypeError(
        `${this.constructor.name}: expected an array of tensors or of groups, got ${
          params instanceof Tensor ? "a tensor" : typeof params
        }`,
      );
    }
    if (!(Symbol.iterator in params)) {
      throw new TypeError(`${this.constructor.name}: expected an array of tensors or of groups`);
    }
    const list = [...params as Iterable<Tensor | ParamGroupOptions>];
    if (list.length === 0) {
      throw new RangeError(`${this.constructor.name}: optimizer got an empty parameter list`);
    }
    const groups = isOptions(list[0])
      ? list as ParamGroupOptions[]
      : [{ params: list as Tensor[] }];
    for (const group of groups) this.addParamGroup(group);
  }

  /**
   * Adds parameters with options of their own.
   *
   * @throws Error for a parameter that was computed, or that is in another group.
   */
  addParamGroup(group: ParamGroupOptions): void {
    const call = this.constructor.name;
    if (!isOptions(group) || group.params === undefined) {
      throw new TypeError(`${call}: a parameter group must be an object with params`);
    }
    if (group.params instanceof Set) {
      throw new TypeError(`${call}: params must be in order: give an array, not a Set`);
    }
    const params = group.params instanceof Tensor ? [group.params] : [...group.params];
    const others = new Set(this.paramGroups.flatMap((g) => g.params));
    for (const p of params) {
      if (!(p instanceof Tensor)) {
        throw new TypeError(
          `${call}: an optimizer takes tensors, one of the params is ${typeof p}`,
        );
      }
      if (!p.isLeaf && !p.gradFn?.retained?.includes(p)) {
        throw new Error(`${call}: can't optimize a non-leaf tensor, one that was computed`);
      }
      if (others.has(p)) {
        throw new Error(`${call}: some parameters appear in more than one parameter group`);
      }
    }
    const options: Record<string, unknown> = { ...this.defaults };
    for (const [name, value] of Object.entries(group)) {
      if (name !== "params" && value !== undefined) options[name] = value;
    }
    for (const [name, value] of Object.entries(options)) {
      if (value === REQUIRED) {
        throw new TypeError(`${call}: the option ${name} is required, for every parameter group`);
      }
    }
    this.paramGroups.push({ params, ...options } as ParamGroup);
  }

  /** Forgets the gradients of all parameters, or with `setToNone: false` makes them zero. */
  zeroGrad(...args: Args<[setToNone: boolean], { setToNone?: boolean }>): void {
    const { setToNone } = read("zeroGrad", { setToNone: true }, args);
    for (const group of this.paramGroups) clearGradients(group.params, setToNone);
  }

  /** Changes every parameter that has a gradient. With `closure`, calls it first and returns the loss that it gives. */
  step<R extends Tensor | number>(closure: () => R): R;
  step(closure?: null): null;
  step(closure?: (() => Tensor | number) | null): Tensor | number | null {
    if (closure !== undefined && closure !== null && typeof closure !== "function") {
      throw new TypeError(
        `${this.constructor.name}.step: expected a function that computes the loss, got ${typeof closure}`,
      );
    }
    const loss = closure ? enableGrad(closure) : null;
    for (const group of this.paramGroups) this.checkGradients(group);
    noGrad(() =>
      unscoped(() => {
        for (const group of this.paramGroups) {
          this.beginGroup(group);
          for (const p of group.params) {
            const grad = this.gradientOf(p);
            if (grad === null) continue;
            let state = this.state.get(p);
            if (state === undefined) this.state.set(p, state = {});
            this.update(p, grad, state, group);
          }
          this.endGroup(group);
        }
      })
    );
    return loss;
  }

  /** Throws `RangeError` for a gradient of another shape than its parameter. */
  protected checkGradients({ params }: ParamGroup): void {
    for (const { shape, gradient: grad } of params) {
      if (grad === null || sameShape(grad.shape, shape)) continue;
      throw new RangeError(
        `${this.constructor.name}: a gradient of shape ${
          show(grad.shape)
        } for a parameter of shape ${show(shape)}`,
      );
    }
  }

  /** The gradient that `update` is given; one that it may keep. */
  protected gradientOf(p: Tensor): Tensor | null {
    return p.grad;
  }

  /** Called before the parameters of a group are updated. */
  protected beginGroup(_group: ParamGroup): void {}

  /** Called after them. */
  protected endGroup(_group: ParamGroup): void {}

  /** Changes one parameter, given its gradient, in a step. */
  protected update(_p: Tensor, _grad: Tensor, _state: State, _group: ParamGroup): void {
    throw new Error(
      `${this.constructor.name}: update is not defined; define it, or step, in the class`,
    );
  }

  /** The state and options, to be saved. The tensors are the optimizer's own. */
  stateDict(): OptimizerStateDict {
    const numbers = new Map<Tensor, number>();
    const groups = this.paramGroups.map(({ params, ...options }) => {
      for (const p of params) if (!numbers.has(p)) numbers.set(p, numbers.size);
      const named = Object.entries(options).map(([name, value]) => [snake(name), value]);
      return { ...Object.fromEntries(named), params: params.map((p) => numbers.get(p)!) };
    });
    const state: Record<string, State> = {};
    for (const [p, s] of this.state) {
      const number = numbers.get(p);
      if (number !== undefined) state[number] = { ...s };
    }
    return { state, param_groups: groups };
  }

  /**
   * Takes over a state and options (from `stateDict`, or a file); the parameters stay, in the same order. An error
   * leaves everything as it was.
   *
   * @throws RangeError when the groups or the sizes of parameters differ.
   */
  loadStateDict(saved: OptimizerStateDict): void {
    const call = `${this.constructor.name}.loadStateDict`;
    const groups = saved?.param_groups ??
      (saved as unknown as { paramGroups: OptimizerStateDict["param_groups"] })?.paramGroups;
    if (
      !Array.isArray(groups) || !groups.every((group) => Array.isArray(group?.params)) ||
      saved.state === null || typeof saved.state !== "object"
    ) {
      throw new TypeError(`${call}: expected { state, param_groups }`);
    }
    if (groups.length !== this.paramGroups.length) {
      throw new RangeError(
        `${call}: the state has ${groups.length} parameter groups, the optimizer ${this.paramGroups.length}`,
      );
    }
    const byNumber = new Map<string, Tensor>();
    groups.forEach((group, i) => {
      const { params } = this.paramGroups[i];
      if (group.params.length !== params.length) {
        throw new RangeError(
          `${call}: group ${i} of the state has ${group.params.length} parameters, the optimizer's ${params.length}`,
        );
      }
      group.params.forEach((n: unknown, k: number) => byNumber.set(String(n), params[k]));
    });
    const state = new Map<Tensor, State>();
    const entries = saved.state instanceof Map ? saved.state : Object.entries(saved.state);
    unscoped(() => {
      for (const [number, s] of entries) {
        const p = byNumber.get(String(number));
        if (p !== undefined) state.set(p, this.adoptState(call, p, s));
      }
    });
    this.paramGroups = groups.map((group, i) => {
      const options = Object.entries(group).filter(([name]) => name !== "params");
      const named = options.map(([name, value]) => [camel(name), value]);
      return { ...this.defaults, ...Object.fromEntries(named), params: this.paramGroups[i].params };
    });
    this.state = state;
  }

  /** A copy of what was remembered of `p`, in its dtype and on its device. */
  protected adoptState(call: string, p: Tensor, saved: State): State {
    const state: State = {};
    for (const [name, value] of Object.entries(saved)) {
      if (SCALARS.has(name)) state[name] = this.adoptScalar(p, name, value);
      else if (value instanceof Tensor) {
        if (!sameShape(value.shape, p.shape)) {
          throw new RangeError(
            `${call}: ${name} has shape ${show(value.shape)}, the parameter ${show(p.shape)}`,
          );
        }
        state[name] = clone(moved(cast(detach(value), p.dtype), p.backend));
      } else state[name] = value;
    }
    return state;
  }

  /** A number of the state as this optimizer keeps it: in a float32 tensor. */
  protected adoptScalar(p: Tensor, _name: string, value: Tensor | number): Tensor | number {
    return scalar(p, value instanceof Tensor ? Number(item(value)) : value);
  }

  /** As PyTorch prints it: the options of every group. */
  toString(): string {
    const groups = this.paramGroups.map((group, i) => {
      const options = Object.keys(group).filter((name) => name !== "params");
      const lines = options.map((name) => `    ${snake(name)}: ${showValue(group[name])}\n`);
      return `\nParameter Group ${i}\n${lines.sort().join("")}`;
    });
    return `${this.constructor.name} (${groups.join("")})`;
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

/** The default of an option that has to be given. */
export const REQUIRED: unique symbol = Symbol("required");

/** One number of the state of `p`, a float32 on its device. */
export function scalar(p: Tensor, value: number): Tensor {
  return fillWith(emptyOn(p.backend, [], float32), value);
}

/** Throws `RangeError` unless `low <= value` (and `value < high`). */
export function checkOption(
  call: string,
  name: string,
  value: unknown,
  low = 0,
  high = Infinity,
): void {
  if (value === REQUIRED) return;
  if (typeof value !== "number") {
    throw new TypeError(`${call}: ${name} must be a number, got ${describeValue(value)}`);
  }
  if (!(value >= low && value < high)) {
    throw new RangeError(
      `${call}: invalid ${name}: ${value}, expected ${
        high === Infinity ? `a number from ${low}` : `${low} <= ${name} < ${high}`
      }`,
    );
  }
}
