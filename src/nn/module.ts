/**
 * The base of all modules: what holds parameters, and other modules, and computes with them.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { unscoped } from "../backend/storage.ts";
import { bfloat16, DType, float16, float32, float64 } from "../backend/dtype.ts";
import { cast } from "../ops/copy.ts";
import { to, type ToOptions } from "../ops/access.ts";
import { setData } from "../ops/data.ts";
import { detach } from "../ops/view.ts";
import { clearGradients } from "../autograd/clear.ts";
import { noGrad } from "../autograd/record.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import {
  addHook,
  type BackwardHook,
  callWithHooks,
  type ForwardHook,
  type ForwardPreHook,
  type Hooks,
  type RemovableHandle,
} from "./hooks.ts";
import { Parameter } from "./parameter.ts";
import {
  checkName,
  get,
  holder,
  isParameter,
  join,
  listMembers,
  ownBuffers,
  ownMembers,
  ownModules,
  register,
  registryOf,
  set,
  stateOf,
  submodule,
} from "./members.ts";
import { type IncompatibleKeys, loadState, type StateDict } from "./state_dict.ts";
import { describe } from "./text.ts";

/** Options of the functions that list members by name. */
export interface NamedOptions {
  /** Put before every name. */
  prefix?: string;
  /** Whether the members of submodules are listed too; true by default. */
  recurse?: boolean;
}

/** Options of `stateDict`. */
export interface StateDictOptions {
  /** Put before every name. */
  prefix?: string;
  /** Give the parameters themselves, instead of detached tensors over the same elements. */
  keepVars?: boolean;
}

/** A module is called like a function: `model(x)` runs `forward` and the hooks around it. */
export interface Module {
  (...inputs: Parameters<this["forward"]>): ReturnType<this["forward"]>;
}

/**
 * The base class of all modules. A subclass assigns parameters and modules to properties, and defines `forward`:
 *
 * ```ts
 * class Net extends nn.Module {
 *   fc1 = new nn.Linear(20, 64);
 *   fc2 = new nn.Linear(64, 1);
 *   forward(x: Tensor): Tensor {
 *     return this.fc2(F.relu(this.fc1(x)));
 *   }
 * }
 * ```
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html
 */
export abstract class Module {
  /** Whether it is in training mode: dropout drops, batch statistics are used. */
  declare training: boolean;

  /** Makes a function of the class: every instance can be called. */
  constructor() {
    const hooks: Hooks = { any: false, pre: [], post: [], backward: [] };
    const self = ((...inputs: unknown[]) => {
      if (self.forward === undefined) refuseForward(self);
      return hooks.any ? callWithHooks(self, hooks, inputs) : self.forward(...inputs);
    }) as unknown as Module;
    // A function's own properties would shadow those of the class.
    const own = self as unknown as Record<string, unknown>;
    delete own.name;
    delete own.length;
    Object.setPrototypeOf(self, new.target.prototype);
    register(self, { hooks, buffers: new Map() });
    self.training = true;
    return self;
  }

  /** What the module computes; each subclass defines its own. Call the module itself, not this: that runs the hooks. */
  // deno-lint-ignore no-explicit-any
  abstract forward(...inputs: any[]): any;

  /** Settings to show between the parentheses of the printed form. */
  extraRepr(): string {
    return "";
  }

  /** As PyTorch prints it: `Linear(in_features=2, out_features=3, bias=True)`. */
  toString(): string {
    return describe(this.constructor.name, this.extraRepr(), ownModules(this));
  }

  /** The same in `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** The same in Node's `console.log`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** Makes `tensor` part of the module, but not a parameter: it moves with it, and unless not `persistent` is saved with it. */
  registerBuffer(
    name: string,
    tensor: Tensor | null,
    ...args: Args<[persistent: boolean], { persistent?: boolean }>
  ): void {
    const { persistent } = read("registerBuffer", { persistent: true }, args);
    const { buffers } = registryOf(this);
    checkName("registerBuffer", this, name, buffers.has(name));
    if (tensor !== null && !(tensor instanceof Tensor)) {
      throw new TypeError(`registerBuffer: ${name} must be a tensor or null, got ${typeof tensor}`);
    }
    buffers.set(name, persistent);
    tensor?.storage.outlive();
    set(this, name, tensor);
  }

  /** Makes `parameter` a property of the module, as assigning it does. */
  registerParameter(name: string, parameter: Parameter | null): void {
    checkName("registerParameter", this, name, get(this, name) instanceof Parameter);
    if (parameter !== null && !(parameter instanceof Parameter)) {
      throw new TypeError(
        `registerParameter: ${name} must be an nn.Parameter or null, got ${typeof parameter}`,
      );
    }
    if (parameter !== null && !parameter.isLeaf) {
      throw new Error(
        `registerParameter: ${name} is not a leaf: a parameter must be made, not computed; compute in forward()`,
      );
    }
    set(this, name, parameter);
  }

  /** Makes `module` a property of this one, as assigning it does. */
  addModule(name: string, module: Module | null): void {
    if (module !== null && !(module instanceof Module)) {
      throw new TypeError(`addModule: ${name} must be a module or null, got ${typeof module}`);
    }
    checkName("addModule", this, name, get(this, name) instanceof Module);
    set(this, name, module);
  }

  /** The same as `addModule`. */
  registerModule(name: string, module: Module | null): void {
    this.addModule(name, module);
  }

  /** The modules that it holds itself, by name, each once. */
  namedChildren(): [string, Module][] {
    const seen = new Set<Module>();
    return ownModules(this).filter(([, m]) => !seen.has(m) && seen.add(m));
  }

  /** The modules that it holds itself. */
  children(): Module[] {
    return this.namedChildren().map(([, m]) => m);
  }

  /** The module itself, under the name `prefix`, and all that it holds at any depth, each once. */
  namedModules(...args: Args<[prefix: string], { prefix?: string }>): [string, Module][] {
    const { prefix } = read("namedModules", { prefix: "" }, args);
    const found: [string, Module][] = [], seen = new Set<Module>();
    const visit = (module: Module, name: string) => {
      if (seen.has(module)) return;
      seen.add(module);
      found.push([name, module]);
      for (const [key, child] of ownModules(module)) visit(child, join(name, key));
    };
    visit(this, prefix);
    return found;
  }

  /** The module itself and all that it holds, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, m]) => m);
  }

  /** The parameters by name, `"fc1.weight"`, each once. */
  namedParameters(
    ...args: Args<[prefix: string, recurse: boolean], NamedOptions>
  ): [string, Parameter][] {
    const { prefix, recurse } = read("namedParameters", { prefix: "", recurse: true }, args);
    return listMembers(this, prefix, recurse, (m) => ownMembers(m, isParameter));
  }

  /** The parameters, each once: what an optimizer takes. */
  parameters(...args: Args<[recurse: boolean], { recurse?: boolean }>): Parameter[] {
    const { recurse } = read("parameters", { recurse: true }, args);
    return this.namedParameters("", recurse).map(([, p]) => p);
  }

  /** The buffers by name, each once. */
  namedBuffers(
    ...args: Args<[prefix: string, recurse: boolean], NamedOptions>
  ): [string, Tensor][] {
    const { prefix, recurse } = read("namedBuffers", { prefix: "", recurse: true }, args);
    return listMembers(this, prefix, recurse, (m) => ownBuffers(m, false));
  }

  /** The buffers, each once. */
  buffers(...args: Args<[recurse: boolean], { recurse?: boolean }>): Tensor[] {
    const { recurse } = read("buffers", { recurse: true }, args);
    return this.namedBuffers("", recurse).map(([, b]) => b);
  }

  /** The module at a path: `"layer1.0.conv1"`. */
  getSubmodule(target: string): Module {
    return submodule("getSubmodule", this, target);
  }

  /** The parameter at a path: `"fc1.weight"`. */
  getParameter(target: string): Parameter {
    const [module, name] = holder("getParameter", this, target), found = get(module, name);
    if (found instanceof Parameter) return found;
    throw new RangeError(`getParameter: no parameter ${JSON.stringify(target)}`);
  }

  /** The buffer at a path: `"bn1.running_mean"`. */
  getBuffer(target: string): Tensor {
    const [module, name] = holder("getBuffer", this, target), found = get(module, name);
    if (found instanceof Tensor && registryOf(module).buffers.has(name)) return found;
    throw new RangeError(`getBuffer: no buffer ${JSON.stringify(target)}`);
  }

  /** Calls `f` with every module that it holds, at any depth, and then with itself. */
  apply(f: (module: Module) => void): this {
    for (const child of this.children()) child.apply(f);
    f(this);
    return this;
  }

  /** Sets the training mode, of all submodules too. Throws `Error` where one of them is for inference alone. */
  train(mode = true): this {
    if (typeof mode !== "boolean") {
      throw new TypeError(`train: the mode must be true or false, got ${describeValue(mode)}`);
    }
    if (mode) {
      for (const [path, module] of this.namedModules()) {
        if (registryOf(module).inferenceOnly) refuseTraining(module, path);
      }
    }
    this.training = mode;
    for (const child of this.children()) child.train(mode);
    return this;
  }

  /** Sets the evaluation mode: the same as `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Sets whether its parameters collect gradients. */
  requiresGrad_(requiresGrad = true): this {
    for (const p of this.parameters()) p.requiresGrad = requiresGrad;
    return this;
  }

  /** Forgets the gradients of its parameters, or with `setToNone: false` makes them zero. */
  zeroGrad(...args: Args<[setToNone: boolean], { setToNone?: boolean }>): void {
    const { setToNone } = read("zeroGrad", { setToNone: true }, args);
    clearGradients(this.parameters(), setToNone);
  }

  /**
   * Moves it to a device, or its floating-point tensors to a dtype, or both as another tensor's.
   *
   * @throws TypeError for a dtype that is not floating-point.
   */
  to(...args: (DType | string | Tensor | boolean | null | undefined | ToOptions)[]): this {
    const options: { dtype: DType | null; device: string | null } = { dtype: null, device: null };
    for (const arg of args) {
      if (arg instanceof DType) options.dtype = arg;
      else if (typeof arg === "string") options.device = arg;
      else if (arg !== null && typeof arg === "object") {
        options.dtype = arg.dtype ?? options.dtype;
        options.device = arg.device ?? options.device;
      } else if (arg !== null && arg !== undefined && typeof arg !== "boolean") {
        throw new TypeError(
          `to: expected a dtype, a device or a tensor, got ${describeValue(arg)}`,
        );
      }
    }
    const { dtype, device } = options;
    if (dtype !== null && !dtype.isFloatingPoint) {
      throw new TypeError(`to: a module can only be moved to a floating-point dtype, got ${dtype}`);
    }
    return convert(this, (t) => to(t, { device, dtype: t.dtype.isFloatingPoint ? dtype : null }));
  }

  /** Converts all its parameters and buffers to a dtype. */
  type(dtype: DType): this {
    return convert(this, (t) => cast(t, dtype));
  }

  /** Converts its floating-point tensors to float32. */
  float(): this {
    return this.to(float32);
  }

  /** Converts its floating-point tensors to float64. */
  double(): this {
    return this.to(float64);
  }

  /** Converts its floating-point tensors to float16. */
  half(): this {
    return this.to(float16);
  }

  /** Converts its floating-point tensors to bfloat16. */
  bfloat16(): this {
    return this.to(bfloat16);
  }

  /** Moves it to the CPU. */
  cpu(): this {
    return this.to("cpu");
  }

  /** Moves it to a GPU. */
  cuda(device: string | number = "cuda"): this {
    return this.to(typeof device === "number" ? `cuda:${device}` : device);
  }

  /** Its parameters and persistent buffers by PyTorch's names; they share the elements of the module's own. */
  stateDict(
    ...args: Args<[destination: StateDict | null, prefix: string], StateDictOptions>
  ): StateDict {
    const { destination, prefix, keepVars } = read("stateDict", {
      destination: null as StateDict | null,
      prefix: "",
      keepVars: false,
    }, args);
    const state: StateDict = destination ?? {};
    for (const [name, t] of stateOf(this, prefix)) state[name] = keepVars ? t : detach(t);
    return state;
  }

  /**
   * Copies a state (from `stateDict`, or a file) into its parameters and buffers; an error leaves them all as they were.
   * They keep their dtype, but for this: a state all in float64 makes a module all in float32 one in float64.
   *
   * @throws Error naming every key that is missing or unexpected, unless `strict` is false.
   * @throws RangeError naming every tensor of another size.
   */
  loadStateDict(
    state: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
    ...args: Args<[strict: boolean], { strict?: boolean }>
  ): IncompatibleKeys {
    const { strict } = read("loadStateDict", { strict: true }, args);
    const own = new Map(stateOf(this, ""));
    return loadState(this.constructor.name, own, state, strict, () => this.double());
  }

  /** Runs `hook(module, inputs)` before each `forward`; what it returns takes the inputs' place. */
  registerForwardPreHook(hook: ForwardPreHook): RemovableHandle {
    return addHook(registryOf(this).hooks, "pre", hook);
  }

  /** Runs `hook(module, inputs, output)` after each `forward`; what it returns takes the output's place. */
  registerForwardHook(hook: ForwardHook): RemovableHandle {
    return addHook(registryOf(this).hooks, "post", hook);
  }

  /** Runs `hook(module, gradInput, gradOutput)` in each backward; what it returns takes the place of `gradInput`. */
  registerFullBackwardHook(hook: BackwardHook): RemovableHandle {
    return addHook(registryOf(this).hooks, "backward", hook);
  }

  /** The same as `registerFullBackwardHook`. */
  registerBackwardHook(hook: BackwardHook): RemovableHandle {
    return this.registerFullBackwardHook(hook);
  }
}

/** Applies `f` to every parameter, its gradient, and every buffer; the objects stay the same. */
function convert<M extends Module>(module: M, f: (t: Tensor) => Tensor): M {
  unscoped(() =>
    noGrad(() => {
      const tensors = new Set<Tensor>([...module.parameters(), ...module.buffers()]);
      for (const t of tensors) {
        const converted = f(detach(t));
        if (converted.storage !== t.storage) setData(t, converted);
        if (t.grad !== null) t.grad = f(detach(t.grad));
      }
    })
  );
  return module;
}

/** Throws because the module at `path` cannot be trained. */
function refuseTraining(module: Module, path: string): never {
  throw new Error(
    `train: ${module.constructor.name}${
      path === "" ? "" : ` (${path})`
    } is quantized, for inference ` +
      "alone: train the model that it was made from, and quantize that anew",
  );
}

/** Throws because `module` cannot be called. */
export function refuseForward(module: Module): never {
  throw new Error(
    `${module.constructor.name}: forward is not defined: the module cannot be called`,
  );
}
