/**
 * The forward pass as a list of kernel calls for any number of samples: the same calls, captured for a few numbers of
 * samples, are laid over each other, and what differs is a function of that number.
 *
 * @module
 */
import type { Argument, Capture } from "../backend/capture.ts";
import { type KernelName, manifest } from "../backend/kernels.ts";
import type { Storage } from "../backend/storage.ts";

/** A number that depends on how many samples there are, n: `base + perSample * n`. */
export interface Affine {
  /** What does not depend on n. */
  readonly base: number;
  /** What each sample adds. */
  readonly perSample: number;
}

/** A block of memory of the exported program. */
export interface Value {
  /** Its name in the weights' file, or in messages. */
  readonly name: string;
  /** How long it is. */
  readonly bytes: Affine;
  /** Its bytes where they are the same for every input; null where they are computed, or are the input. */
  readonly contents: Uint8Array<ArrayBuffer> | null;
  /** The type and shape of the tensor it holds, in a weights' file: bytes where that is not known. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of a convolution's weight, which lies in memory in strips: how many rows a group has. */
  readonly outputs?: number;
}

/** An element of a value, from which a kernel begins. */
export interface Place {
  /** The value. */
  readonly value: Value;
  /** Bytes from its start. */
  readonly offset: Affine;
}

/** What an address of a kernel call stands for; `null` for none. */
export type Address =
  | Place
  | null
  | { readonly constant: number | bigint | boolean; readonly suffix: string }
  | { readonly scratch: readonly number[] };

/** A kernel call for any number of samples. */
export interface Step {
  /** The kernel. */
  readonly kernel: KernelName;
  /** Its addresses, by the parameters' names. */
  readonly at: Readonly<Record<string, Address>>;
  /** Its sizes and scalars, by the parameters' names: one for each captured number of samples. */
  readonly n: Readonly<Record<string, readonly number[]>>;
}

/** The whole forward pass. */
export interface Program {
  /** How many samples were in each capture. */
  readonly batches: readonly number[];
  /** The calls, in order. */
  readonly steps: readonly Step[];
  /** Where the input is written. */
  readonly input: Value;
  /** Where the output begins. */
  readonly output: Place;
}

/** What a parameter or buffer is called, and what it is in a file. */
export interface Named {
  /** Its name in the state dict. */
  readonly name: string;
  /** The file's word for its type. */
  readonly dtype: string;
  /** Its shape. */
  readonly shape: readonly number[];
}

/** A captured forward pass: of `batch` samples. */
export interface Trace extends Capture<{ storage: Storage; offset: number }> {
  /** How many samples the input had. */
  readonly batch: number;
  /** The input's storage. */
  readonly input: Storage;
}

/** Whether an address is an element of a value. */
export function isPlace(address: Address | undefined): address is Place {
  return address !== null && address !== undefined && "value" in address;
}

/** The number that never changes. */
export function fixed(base: number): Affine {
  return { base, perSample: 0 };
}

/** Its value for n samples. */
export function valueFor(a: Affine, n: number): number {
  return a.base + a.perSample * n;
}

/** `values`, one for each of `batches`, as a function of the number of samples; null if they lie on no line. */
export function line(batches: readonly number[], values: readonly number[]): Affine | null {
  const [first] = values;
  if (values.every((v) => Object.is(v, first))) return fixed(first);
  const perSample = (values[1] - first) / (batches[1] - batches[0]);
  const a = { base: first - perSample * batches[0], perSample };
  return batches.every((n, i) => valueFor(a, n) === values[i]) ? a : null;
}

/** As `line`, of what `kernel` was given for `parameter`. @throws Error if they lie on no line. */
export function affine(
  call: string,
  batches: readonly number[],
  kernel: string,
  parameter: string,
  values: readonly number[],
): Affine {
  const a = line(batches, values);
  if (a !== null) return a;
  throw new Error(
    `${call}: "${parameter}" of the kernel ${kernel} was ${values.join(", ")} for ${
      batches.join(", ")
    } samples, which no line goes through; this cannot be captured (maxBatch: 1 may be)`,
  );
}

/** Lays the traces over each other. @throws Error where they differ by more than numbers. */
export function programOf(
  call: string,
  traces: readonly Trace[],
  names: ReadonlyMap<Storage, Named>,
): Program {
  const batches = traces.map((t) => t.batch), [first] = traces;
  const values = new Map<Storage, Value>();
  // A storage of the first trace, and its counterparts in the others.
  const others = traces.map(() => new Map<Storage, Storage>());
  let constants = 0;
  const valueOf = (storages: readonly Storage[], kernel: string): Value => {
    const known = values.get(storages[0]);
    if (known !== undefined) {
      if (storages.some((s, i) => others[i].get(storages[0]) !== s)) differ(call, batches, kernel);
      return known;
    }
    const contents = traces.map((t, i) => t.contents.get(storages[i]) ?? null);
    const sizes = storages.map((s) => s.bytes);
    // What does not depend on the input, but on the number of samples, is computed each time.
    const same = contents[0] !== null &&
      contents.every((c) => c !== null && sameBytes(c, contents[0]!));
    const named = names.get(storages[0]);
    const value: Value = {
      name: named?.name ?? (same ? `constant.${constants++}` : `value.${values.size}`),
      bytes: affine(call, batches, kernel, "bytes", sizes),
      contents: same ? contents[0] : null,
      dtype: named?.dtype ?? "U8",
      shape: named?.shape ?? [sizes[0]],
    };
    values.set(storages[0], value);
    storages.forEach((s, i) => others[i].set(storages[0], s));
    return value;
  };
  const placeOf = (
    places: readonly { storage: Storage; offset: number }[],
    kernel: string,
  ): Place => ({
    value: valueOf(places.map((p) => p.storage), kernel),
    offset: affine(call, batches, kernel, "offset", places.map((p) => p.offset)),
  });
  const input = valueOf(traces.map((t) => t.input), "input");
  const steps: Step[] = [];
  if (traces.some((t) => t.calls.length !== first.calls.length)) {
    const at = first.calls.findIndex((c, i) => traces.some((t) => t.calls[i]?.kernel !== c.kernel));
    differ(call, batches, first.calls[at]?.kernel ?? "after the last common kernel");
  }
  for (let i = 0; i < first.calls.length; i++) {
    const calls = traces.map((t) => t.calls[i]), { kernel } = calls[0];
    if (calls.some((c) => c.kernel !== kernel)) differ(call, batches, kernel);
    const at: Record<string, Address> = {}, n: Record<string, number[]> = {};
    manifest[kernel].forEach((parameter, j) => {
      const [kind, name] = parameter.split(" "), args = calls.map((c) => c.args[j]);
      if (kind === "size" || kind === "scalar") n[name] = args as number[];
      else at[name] = addressOf(args, kernel);
    });
    steps.push({ kernel, at, n });
  }
  const output = placeOf(traces.map((t) => t.result), "output");
  return { batches, steps, input, output };

  function addressOf(args: readonly Argument[], kernel: string): Address {
    const all = args as readonly Exclude<Argument, number>[], [arg] = all;
    if (all.some((a) => a.kind !== arg.kind)) differ(call, batches, kernel);
    if (arg.kind === "none") return null;
    if (arg.kind === "scratch") return { scratch: all.map((a) => (a as typeof arg).bytes) };
    if (arg.kind === "storage") return placeOf(all as readonly (typeof arg)[], kernel);
    if (all.some((a) => !Object.is((a as typeof arg).value, arg.value))) {
      throw new Error(
        `${call}: a number that the kernel ${kernel} takes depends on the number of samples; this cannot be captured ` +
          "(maxBatch: 1 may be)",
      );
    }
    return { constant: arg.value, suffix: arg.dtype.suffix };
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

function differ(call: string, batches: readonly number[], kernel: string): never {
  throw new Error(
    `${call}: forward makes other kernel calls for ${
      batches.join(" than for ")
    } samples, at ${kernel}; ` +
      "this cannot be captured (maxBatch: 1 may be)",
  );
}
