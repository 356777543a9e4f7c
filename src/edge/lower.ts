/**
 * From captured kernel calls to operations: products, convolutions and elementwise chains become their own, the rest stays
 * a call of the library's kernel. Every value is written once, where it can be told: an operation that overwrites all of
 * a block gets a new one.
 *
 * @module
 */
import { kindsOf } from "../backend/capture.ts";
import { type KernelName, manifest } from "../backend/kernels.ts";
import { formulaOf } from "./formula.ts";
import type { KernelArgument, Operation } from "./operation.ts";
import {
  type Address,
  type Affine,
  affine,
  fixed,
  isPlace,
  type Place,
  type Program,
  type Step,
  type Value,
} from "./program.ts";

/** A program of operations. */
export interface Lowered {
  /** The operations, in order. */
  ops: Operation[];
  /** Where the input is written. */
  readonly input: Value;
  /** Where the output begins. */
  readonly output: Place;
}

/** The operations of `program`. @throws Error naming what cannot be captured. */
export function lower(call: string, program: Program): Lowered {
  const lowering = new Lowering(call, program);
  for (const step of program.steps) lowering.add(step);
  return {
    ops: lowering.ops,
    input: program.input,
    output: lowering.current(program.output),
  };
}

function kindsIn(step: Step): string[] {
  return kindsOf(step.kernel, step.n.training?.[0] !== 0);
}

class Lowering {
  readonly ops: Operation[] = [];
  readonly #call: string;
  readonly #batches: readonly number[];
  /** What a block's bytes are now, where they were overwritten as a whole. */
  readonly #now = new Map<Value, Value>();
  readonly #touched = new Set<Value>();

  constructor(call: string, program: Program) {
    this.#call = call;
    this.#batches = program.batches;
    this.#touched.add(program.input);
  }

  /** `place`, in the value that its block holds now. */
  current(place: Place): Place {
    const value = this.#now.get(place.value) ?? place.value;
    return { value, offset: place.offset };
  }

  add(step: Step): void {
    const kinds = kindsIn(step);
    const written = manifest[step.kernel].flatMap((parameter, i) => {
      const address = step.at[parameter.split(" ")[1]];
      return kinds[i] !== "in" && isPlace(address) ? [address.value] : [];
    });
    if (written.length > 0 && written.every((v) => v.contents !== null)) return; // known already
    this.ops.push(
      this.#linear(step) ?? this.#convolution(step) ?? this.#elementwise(step) ??
        this.#kernel(step),
    );
  }

  #affine(step: Step, name: string): Affine {
    return affine(this.#call, this.#batches, step.kernel, name, step.n[name]);
  }

  /** A number that must not depend on the number of samples; null if it does. */
  #number(step: Step, name: string): number | null {
    const values = step.n[name];
    return values.every((v) => v === values[0]) ? values[0] : null;
  }

  #read(address: Address): Place | null {
    if (!isPlace(address)) return null;
    this.#touched.add(address.value);
    return this.current(address);
  }

  /** Where an operation writes `bytes` bytes: a new value, if they are all of the block, and it was used before. */
  #write(address: Address, bytes: Affine): Place {
    const place = address as Place, { value, offset } = place;
    const whole = offset.base === 0 && offset.perSample === 0 && bytes.base === value.bytes.base &&
      bytes.perSample === value.bytes.perSample;
    if (whole && this.#touched.has(value)) {
      this.#now.set(value, { ...value, name: `${value.name}'`, contents: null });
    }
    this.#touched.add(value);
    return this.current(place);
  }

  #linear(step: Step): Operation | null {
    if (step.kernel !== "matmul") return null;
    const { m, aRow, aBatch, begin } = step.n;
    const [n, k, aColumn, bRow, bColumn, bBatch] = [
      "n",
      "k",
      "aColumn",
      "bRow",
      "bColumn",
      "bBatch",
    ].map(
      (name) => this.#number(step, name),
    );
    const rowsFollow = m.every((rows, i) => step.n.end[i] === rows || aBatch[i] === rows * aRow[i]);
    if (
      n === null || k === null || aColumn !== 1 || bRow !== 1 || bColumn !== k || bBatch !== 0 ||
      aRow.some((row) => row !== k) || begin.some((b) => b !== 0) || !rowsFollow
    ) return null;
    const rows = this.#affine(step, "end");
    const x = this.#read(step.at.a),
      weight = this.#read(step.at.b),
      bias = this.#read(step.at.bias);
    if (x === null || weight === null || (bias === null && step.at.bias !== null)) return null;
    const bytes = { base: 4 * n * rows.base, perSample: 4 * n * rows.perSample };
    const y = this.#write(step.at.c, bytes);
    return { kind: "linear", y, x, weight, bias, relu: false, rows, n, k };
  }

  #convolution(step: Step): Operation | null {
    if (step.kernel !== "conv") return null;
    const number = (name: string) => this.#number(step, name);
    const pair = (name: string) => [number(`${name}1`), number(`${name}2`)] as [number, number];
    if (number("size0") !== 1 || number("kernel0") !== 1 || number("padding0") !== 0) return null;
    const [groups, channels, outputs] = ["groups", "channels", "outputs"].map(number) as number[];
    const x = this.#read(step.at.x),
      weight = this.#read(step.at.weight),
      bias = this.#read(step.at.bias);
    if (x === null || weight === null || (bias === null && step.at.bias !== null)) return null;
    if (weight.value.contents === null || weight.offset.perSample !== 0) return null;
    const batch = this.#affine(step, "batch"), count = pair("count");
    const sample = 4 * groups * outputs * count[0] * count[1];
    const bytes = { base: sample * batch.base, perSample: sample * batch.perSample };
    const [size, kernel, stride] = [pair("size"), pair("kernel"), pair("stride")];
    const [padding, dilation] = [pair("padding"), pair("dilation")],
      y = this.#write(step.at.y, bytes);
    const sizes = { size, count, kernel, stride, padding, dilation };
    const operands = { y, x, weight, bias, residual: null, relu: false, pool: false };
    return { kind: "convolution", ...operands, batch, groups, channels, outputs, ...sizes };
  }

  #elementwise(step: Step): Operation | null {
    const found = formulaOf(step);
    if (found === null) return null;
    const n = this.#affine(step, "end"), inputs: Place[] = [];
    for (const address of found.inputs) {
      const place = this.#read(address);
      if (place === null) return null;
      inputs.push(place);
    }
    const y = this.#write(step.at.y, { base: 4 * n.base, perSample: 4 * n.perSample });
    return { kind: "elementwise", y, inputs, formula: found.formula, n };
  }

  #kernel(step: Step): Operation {
    const { kernel } = step, reads: Place[] = [], writes: Place[] = [], kinds = kindsIn(step);
    const args = manifest[kernel as KernelName].map((parameter, i): KernelArgument => {
      const kind = kinds[i], name = parameter.split(" ")[1];
      if (kind === "size" || kind === "scalar") return this.#affine(step, name);
      const address = step.at[name];
      if (address === null) return fixed(0);
      if (!isPlace(address)) {
        if (!("scratch" in address)) return address;
        return { scratch: affine(this.#call, this.#batches, kernel, name, address.scratch) };
      }
      const place = this.#read(address)!;
      if (kind !== "out") reads.push(place);
      if (kind !== "in") writes.push(place);
      return { place };
    });
    return { kind: "kernel", kernel, args, reads, writes };
  }
}
