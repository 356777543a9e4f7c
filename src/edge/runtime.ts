/**
 * What an exported model brings along to run: reads the weights into the program's memory, and calls it. It is bundled
 * with each model and has no imports but the test for relaxed SIMD.
 *
 * @module
 */
import { hasRelaxed } from "../backend/relaxed.ts";

/** A tensor of the weights' file: name, type, shape, where it lies in memory, and rows of a group if it lies in strips. */
export type Entry = [
  name: string,
  dtype: string,
  shape: number[],
  address: number,
  outputs?: number,
];

/** Where one tensor lies in the weights' file. */
export type Take = (name: string, dtype: string, shape: number[]) => Uint8Array<ArrayBuffer>;

/** Writes the numbers of a tensor of another type than float32. */
export type Decode = (to: Float32Array, entry: Entry, take: Take) => void;

/** Writes the rows of a matrix in strips. */
export type Pack = (to: Float32Array, from: Float32Array, rows: number, outputs: number) => void;

/** A program: its function's name, its weights, and what brings them to their places. */
export type Program = [
  run: string,
  entries: Entry[],
  decoders?: Record<string, Decode>,
  pack?: Pack,
];

/** What `create` takes. */
export interface Parts {
  /** The compiled `model.wasm` or `model.relaxed.wasm`. */
  module: WebAssembly.Module;
  /** The bytes of `model.safetensors`. */
  weights: ArrayBuffer | ArrayBufferView<ArrayBuffer>;
}

/** A model that is ready to run. */
export interface Model {
  /** The outputs of a batch of inputs, one after another. */
  infer(input: Float32Array, batch?: number): Float32Array<ArrayBuffer>;
}

/** A half-precision file's numbers: the bits of float16, moved to where float32 has them; exact. */
export const halves: Decode = (to, [name, dtype, shape], take) => {
  const from = new Uint16Array(take(name, dtype, shape).slice().buffer);
  const bits = new Uint32Array(to.buffer, to.byteOffset, to.length);
  for (let i = 0; i < from.length; i++) {
    bits[i] = (from[i] & 0x8000) << 16 | (from[i] & 0x7fff) << 13;
    to[i] *= 2 ** 112; // between the two exponents' biases; denormals come right, too
  }
};

/** An 8-bit file's numbers: each row has a scale of its own. */
export const bytes: Decode = (to, [name, dtype, shape], take) => {
  const from = new Int8Array(take(name, dtype, shape).slice().buffer), row = from.length / shape[0];
  const scale = new Float32Array(take(`${name}.scale`, "F32", [shape[0]]).slice().buffer);
  for (let i = 0; i < from.length; i++) to[i] = from[i] * scale[i / row | 0];
};

/** The program of `run`, with its weights in place: its memory, and the function. */
export function connect(
  { module, weights }: Parts,
  ...[run, entries, decoders, pack]: Program
): [memory: Float32Array<ArrayBuffer>, run: (...values: number[]) => number] {
  const exports = new WebAssembly.Instance(module).exports as unknown as {
    memory: WebAssembly.Memory;
  } & Record<string, (...values: number[]) => number>;
  if (!exports[run]) {
    throw new Error("create: the module is that of another model, or of another export");
  }
  const memory = new Float32Array(exports.memory.buffer as ArrayBuffer);
  const file = ArrayBuffer.isView(weights)
    ? new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)
    : new Uint8Array(weights);
  let header: Record<string, { dtype?: unknown; shape?: unknown; data_offsets?: number[] }>;
  let start = 8;
  try {
    start += Number(new DataView(file.buffer, file.byteOffset, file.length).getBigUint64(0, true));
    header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  } catch {
    throw new Error(
      `weights: ${file.length} bytes that are no safetensors file, or only its beginning`,
    );
  }
  const take: Take = (name, dtype, shape) => {
    const found = header?.[name];
    if (!found) throw new RangeError(`weights: no tensor "${name}"`);
    if (found.dtype !== dtype || `${found.shape}` !== `${shape}`) {
      throw new (found.dtype === dtype ? RangeError : TypeError)(
        `weights: "${name}" is ${found.dtype} [${found.shape}], expected ${dtype} [${shape}]`,
      );
    }
    const [begin, end] = [0, 1].map((i) => start + found.data_offsets?.[i]!);
    const size = shape.reduce((a, b) => a * b, dtype === "F32" ? 4 : dtype === "F16" ? 2 : 1);
    if (!(begin >= start && end <= file.length && end - begin === size)) {
      throw new RangeError(
        `weights: "${name}" takes bytes ${begin} to ${end} of a file of ${file.length}, expected ${size} bytes within it`,
      );
    }
    return file.subarray(begin, end);
  };
  for (const entry of entries) {
    const [name, dtype, shape, address, outputs] = entry, decode = decoders?.[dtype];
    const place = memory.subarray(address / 4), size = shape.reduce((a, b) => a * b, 1);
    if (!decode && !outputs) {
      new Uint8Array(memory.buffer).set(take(name, dtype, shape), address);
      continue;
    }
    const to = outputs ? new Float32Array(size) : place.subarray(0, size);
    if (decode) decode(to, entry, take);
    else new Uint8Array(to.buffer).set(take(name, dtype, shape));
    if (outputs) pack!(place, to, shape[0], outputs);
  }
  return [memory, exports[run]];
}

/** Reads the files that `create` takes, by name. */
export function loader<T>(create: (parts: Parts) => T) {
  return async (read: (name: string) => Promise<BufferSource>): Promise<T> => {
    const [binary, weights] = await Promise.all([
      read(hasRelaxed() ? "model.relaxed.wasm" : "model.wasm"),
      read("model.safetensors"),
    ]);
    return create({ module: await WebAssembly.compile(binary), weights: weights as ArrayBuffer });
  };
}

/** How a model is made from its parts. */
export function model(
  input: number,
  inputSize: number,
  output: number,
  outputSize: number,
  maxBatch: number,
  chunk: number,
  ...program: Program
): (parts: Parts) => Model {
  return (parts) => {
    const [memory, compute] = connect(parts, ...program);
    return {
      infer(x, batch = x.length / inputSize) {
        if (!(x instanceof Float32Array)) throw new TypeError("infer: expected a Float32Array");
        if (
          !(batch >= 1 && batch <= maxBatch && batch % 1 === 0 && x.length === batch * inputSize)
        ) {
          throw new RangeError(
            `infer: got ${x.length} numbers${
              batch % 1 ? "" : ` for ${batch} samples`
            }, expected ${inputSize} for each of 1 to ${maxBatch} samples`,
          );
        }
        const y = new Float32Array(batch * outputSize);
        for (let i = 0; i < batch; i += chunk) {
          const n = Math.min(chunk, batch - i);
          memory.set(x.subarray(i * inputSize, (i + n) * inputSize), input / 4);
          if (compute(n)) throw new RangeError(`infer: input[${x.findIndex(Number.isNaN)}] is NaN`);
          y.set(memory.subarray(output / 4, output / 4 + n * outputSize), i * outputSize);
        }
        return y;
      },
    };
  };
}
