/**
 * Recording the kernel calls of a computation: run once, listed with what each argument stands for.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { DType } from "./dtype.ts";
import { type KernelName, type Kernels, manifest } from "./kernels.ts";
import type { Storage } from "./storage.ts";

/** What a kernel was given for one parameter: a number (a size, a scalar), or what its address stands for. */
export type Argument =
  | number
  | { readonly kind: "none" }
  | { readonly kind: "storage"; readonly storage: Storage; readonly offset: number }
  | {
    readonly kind: "constant";
    readonly value: number | bigint | boolean;
    readonly dtype: DType;
  }
  | { readonly kind: "scratch"; readonly bytes: number };

/** One kernel call: the arguments are in the manifest's order. */
export interface KernelCall {
  readonly kernel: KernelName;
  readonly args: readonly Argument[];
}

/** What `capture` saw. */
export interface Capture<T> {
  /** What the captured function returned. */
  readonly result: T;
  /** Every kernel call, in order. */
  readonly calls: readonly KernelCall[];
  /** Storages that hold the same bytes whatever the input is, by the bytes they held last. */
  readonly contents: ReadonlyMap<Storage, Uint8Array<ArrayBuffer>>;
}

/** A storage that was used lately stands at the end of the list of those; so many are looked through at most. */
const LATELY = 64;

type Kernel = (...values: number[]) => void;

/**
 * What a kernel does with each parameter: `"in"`, `"out"`, `"inout"`, `"scratch"`, `"size"` or `"scalar"`. The running
 * statistics of a batch norm are changed in training alone.
 */
export function kindsOf(kernel: KernelName, training: boolean): string[] {
  const kinds = manifest[kernel].map((parameter) => parameter.split(" ")[0]);
  return kernel.startsWith("batch_norm") && !training
    ? kinds.map((kind) => kind === "inout" ? "in" : kind)
    : kinds;
}

class Recorder {
  readonly calls: KernelCall[] = [];
  readonly contents = new Map<Storage, Uint8Array<ArrayBuffer>>();
  /** Storages whose bytes depend on the input. */
  readonly varying: Set<Storage>;
  /** Storages that were made while recording. */
  readonly made = new Set<Storage>();
  readonly #call: string;
  readonly #backend: Backend;
  readonly #lately: Storage[] = [];
  readonly #constants = new Map<number, { value: number | bigint | boolean; dtype: DType }>();
  #scratch = { address: 0, bytes: 0 };

  constructor(call: string, backend: Backend, inputs: readonly Storage[]) {
    this.#call = call;
    this.#backend = backend;
    this.varying = new Set(inputs);
  }

  /** The backend's functions, as they are while recording. */
  functions(): Partial<Backend> {
    const backend = this.#backend;
    const { kernels } = backend,
      bound = <K extends keyof Backend>(name: K) =>
        (backend[name] as (...values: never[]) => unknown).bind(backend) as Backend[K];
    const [allocate, touch, scalar] = [bound("allocate"), bound("touch"), bound("scalar")];
    const [scratch, read, write] = [bound("scratch"), bound("read"), bound("write")];
    const readElement = bound("readElement");
    return {
      kernels: Object.fromEntries(
        (Object.keys(manifest) as KernelName[]).map((name) => [
          name,
          (...values: number[]) => this.#record(name, kernels[name] as Kernel, values, read),
        ]),
      ) as unknown as Kernels,
      allocate: (bytes) => {
        const storage = allocate(bytes);
        this.made.add(storage);
        return storage;
      },
      touch: (storage) => {
        const at = this.#lately.lastIndexOf(storage);
        if (at >= 0) this.#lately.splice(at, 1);
        else if (this.#lately.length === LATELY) this.#lately.shift();
        this.#lately.push(storage);
        return touch(storage);
      },
      scalar: (value, dtype) => {
        const address = scalar(value, dtype);
        this.#constants.set(address, { value, dtype });
        return address;
      },
      scratch: (bytes, atOnce) => {
        const address = scratch(bytes, atOnce);
        this.#scratch = { address, bytes };
        return address;
      },
      read: (storage, offset, bytes) => {
        this.#checkRead(storage);
        return read(storage, offset, bytes);
      },
      readElement: (storage, index, dtype) => {
        this.#checkRead(storage);
        return readElement(storage, index, dtype);
      },
      write: (storage, offset, source) => {
        if (this.varying.has(storage) || !this.made.has(storage)) {
          throw new Error(
            `${this.#call}: forward writes JavaScript's numbers into a tensor that ${
              this.made.has(storage) ? "depends on the input" : "was there before"
            }; this cannot be captured`,
          );
        }
        write(storage, offset, source);
        this.contents.set(storage, read(storage, 0, storage.bytes));
      },
    };
  }

  #checkRead(storage: Storage): void {
    if (!this.varying.has(storage)) return;
    const last = this.calls.findLast(({ args }) =>
      args.some((a) => typeof a === "object" && a.kind === "storage" && a.storage === storage)
    );
    throw new Error(
      `${this.#call}: forward reads a number that depends on the input back to JavaScript` +
        `${
          last ? `, the result of the kernel ${last.kernel}` : ""
        }; what follows from it would be fixed, ` +
        "so this cannot be captured",
    );
  }

  #record(kernel: KernelName, run: Kernel, values: number[], read: Backend["read"]): void {
    const parameters = manifest[kernel];
    const args = values.map((value, i) => this.#argument(kernel, parameters[i], value));
    if (parameters.includes("inout state")) {
      throw new Error(
        `${this.#call}: forward draws random numbers, in the kernel ${kernel}; this cannot be captured`,
      );
    }
    const training = values[parameters.indexOf("size training")] !== 0;
    const kinds = kindsOf(kernel, training), written: Storage[] = [];
    let varies = false;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg !== "object" || arg.kind !== "storage") continue;
      const { storage } = arg, kind = kinds[i];
      if (kind !== "out" && this.varying.has(storage)) varies = true;
      if (kind === "in") this.#remember(storage, read);
      else written.push(storage);
      if (kind !== "in" && !this.made.has(storage) && !this.varying.has(storage)) {
        throw new Error(
          `${this.#call}: forward changes a parameter, a buffer or another tensor that was there before, ` +
            `in the kernel ${kernel}; this cannot be captured`,
        );
      }
    }
    this.calls.push({ kernel, args });
    run(...values);
    for (const storage of written) {
      if (varies) {
        this.varying.add(storage);
        this.contents.delete(storage);
      } else if (!this.varying.has(storage)) {
        this.contents.set(storage, read(storage, 0, storage.bytes));
      }
    }
  }

  /** Keeps the bytes of a tensor that was there before: they stay as they are. */
  #remember(storage: Storage, read: Backend["read"]): void {
    if (this.varying.has(storage) || this.made.has(storage) || this.contents.has(storage)) return;
    this.contents.set(storage, read(storage, 0, storage.bytes));
  }

  #argument(kernel: KernelName, parameter: string, value: number): Argument {
    if (/^(size|scalar) /.test(parameter)) return value;
    if (value === 0) return { kind: "none" };
    const { address, bytes } = this.#scratch;
    if (value >= address && value < address + Math.max(bytes, 1)) return { kind: "scratch", bytes };
    const constant = this.#constants.get(value);
    if (constant !== undefined) return { kind: "constant", ...constant };
    for (let i = this.#lately.length - 1; i >= 0; i--) {
      const storage = this.#lately[i], offset = value - storage.address;
      if (storage.address < 0 || offset < 0 || offset >= Math.max(storage.bytes, 1)) continue;
      return { kind: "storage", storage, offset };
    }
    throw new Error(
      `${this.#call}: the kernel ${kernel} was given an address of no tensor (${parameter})`,
    );
  }
}

/**
 * Runs `f` on the backend of `inputs`, and lists the kernel calls it makes. What depends on `inputs` is told from what
 * stays the same. Not reentrant; `f` must not wait for anything.
 *
 * @throws Error when `f` reads back what depends on the inputs, draws random numbers, or changes what was there before.
 */
export function capture<T>(
  call: string,
  backend: Backend,
  inputs: readonly Storage[],
  f: () => T,
): Capture<T> {
  const recorder = new Recorder(call, backend, inputs), { kernels } = backend;
  const functions = recorder.functions();
  // Functions of the class are shadowed by properties, which then go; `kernels` is a property itself.
  Object.assign(backend, functions);
  try {
    return { result: f(), calls: recorder.calls, contents: recorder.contents };
  } finally {
    for (const name of Object.keys(functions)) Reflect.deleteProperty(backend, name);
    Object.assign(backend, { kernels });
  }
}
