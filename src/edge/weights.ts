/**
 * The weights' file of an exported model.
 *
 * @module
 */
import { float16 } from "../backend/dtype.ts";
import { formatSafetensors, type RawTensor } from "../io/safetensors.ts";
import { convert, fromArray } from "../tensor/create.ts";
import type { Layout } from "./layout.ts";
import type { Value } from "./program.ts";
import type { Entry } from "./runtime.ts";

/** How weights are stored: matrices and kernels as named, vectors always as float32. */
export type WeightType = "float32" | "float16" | "int8";

/** What a file calls the types that are decoded on reading. */
export const ENCODED: Readonly<Record<WeightType, string | null>> = {
  float32: null,
  float16: "F16",
  int8: "I8",
};

/** The file's bytes, and what the program must know of it. */
export interface WeightFile {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly entries: readonly Entry[];
}

/**
 * The weights of `layout` in a file.
 *
 * @throws RangeError when one is not finite, or too great for float16.
 */
export function writeWeights(
  call: string,
  layout: Pick<Layout, "weights" | "addresses">,
  type: WeightType,
): WeightFile {
  const tensors: [string, RawTensor][] = [], entries: Entry[] = [], names = new Set<string>();
  for (const value of layout.weights) {
    let { name } = value;
    while (names.has(name)) name += "'";
    names.add(name);
    const found = encode(call, name, value, type);
    for (const [name, tensor] of found) tensors.push([name, tensor]);
    const [, { dtype, shape }] = found[0];
    const entry: Entry = [name, dtype, [...shape], layout.addresses.get(value)!];
    if (value.outputs !== undefined) entry.push(value.outputs);
    entries.push(entry);
  }
  return { file: formatSafetensors(tensors) as Uint8Array<ArrayBuffer>, entries };
}

/** A tensor as it is stored, and its scales after it if it has some. */
function encode(call: string, name: string, value: Value, type: WeightType): [string, RawTensor][] {
  const { dtype, shape, contents } = value, plain: RawTensor = { dtype, shape, data: contents! };
  if (dtype !== "F32") return [[name, plain]];
  const floats = new Float32Array(contents!.slice().buffer);
  const bad = floats.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new RangeError(`${call}: ${name} holds ${floats[bad]}`);
  if (type === "float32" || shape.length < 2) return [[name, plain]];
  if (type === "float16") {
    const most = floats.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    if (most >= 65520) throw new RangeError(`${call}: ${name} holds ${most}, too much for float16`);
    const half = convert(fromArray(floats), float16);
    const data = half.backend.read(half.storage, 0, 2 * floats.length);
    return [[name, { dtype: "F16", shape, data }]];
  }
  const rows = shape[0], row = floats.length / rows;
  const scale = new Float32Array(rows), data = new Int8Array(floats.length);
  for (let r = 0; r < rows; r++) {
    const part = floats.subarray(r * row, (r + 1) * row);
    scale[r] = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    for (let i = 0; i < row; i++) {
      data[r * row + i] = scale[r] === 0
        ? 0
        : Math.max(-127, Math.min(127, Math.round(part[i] / scale[r])));
    }
  }
  return [
    [name, { dtype: "I8", shape, data: new Uint8Array(data.buffer) }],
    [`${name}.scale`, { dtype: "F32", shape: [rows], data: new Uint8Array(scale.buffer) }],
  ];
}
