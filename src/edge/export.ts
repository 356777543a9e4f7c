/**
 * From a trained model to files that run anywhere.
 *
 * @module
 */
import { float32 } from "../backend/dtype.ts";
import { Module } from "../nn/module.ts";
import { describeValue } from "../tensor/describe.ts";
import { show } from "../tensor/shape.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { bundle, compileAll, type Flavour, kernelFiles } from "./compile.ts";
import { packWeights } from "./convolution.ts";
import { emit } from "./emit.ts";
import { writeEntries } from "./entries.ts";
import { fuse } from "./fuse.ts";
import { type Layout, layOut } from "./layout.ts";
import { lower, type Lowered } from "./lower.ts";
import { type Forward, namesOf, trace } from "./forward.ts";
import { programOf } from "./program.ts";
import type { Entry } from "./runtime.ts";
import { type Verified, verify } from "./verify.ts";
import { ENCODED, type WeightType, writeWeights } from "./weights.ts";

const CALL = "edge.export";

/** Options of `edge.export`. */
export interface ExportOptions {
  /** The folder that the files are written to; made if it is not there. */
  out: string | URL;
  /** How matrices and kernels are stored: `"float32"`, the default, `"float16"`, or `"int8"` with a scale for each row. */
  weights?: WeightType;
  /** The most samples that `infer` takes at once; 32 by default. */
  maxBatch?: number;
  /**
   * How far outputs may be from the model's own, relative to the largest of them; 1e-6 by default. Weights of fewer bits
   * than float32 are not held to it.
   */
  tolerance?: number;
  /** Whether everything goes into one file, `model.js`: false by default. */
  inline?: boolean;
}

/** What `edge.export` tells of its work. */
export interface ExportReport extends Verified {
  /** The files' names and lengths, and how many bytes they are when gzipped. */
  files: Record<string, { bytes: number; gzip: number }>;
  /** The operations of the program, in order: `"linear"`, `"convolution"`, a kernel's name. */
  operations: string[];
  /** Bytes of memory that a running model has: its weights, and room for all that is computed of `maxBatch` samples at most. */
  memory: number;
}

/** What the functions of this module are about: everything but the files. */
export interface Exported {
  /** model.js. */
  readonly script: string;
  /** The binaries. */
  readonly binaries: Readonly<Record<Flavour, Uint8Array<ArrayBuffer>>>;
  /** model.safetensors. */
  readonly weights: Uint8Array<ArrayBuffer>;
  /** The operations, in order. */
  readonly operations: readonly string[];
  /** Bytes of memory. */
  readonly memory: number;
  /** What entries export of what `create` makes: `"{ infer }"`, or `"model"`, all of it. */
  readonly binding: string;
  /** The type that `create` makes, and the declarations that it needs. */
  readonly made: string;
  readonly types: string;
}

/**
 * Writes a trained model as files that run in Cloudflare Workers, Deno, Node.js, Bun, Vercel's Edge and browsers, without
 * the library: `model.js`, `model.wasm` and `model.relaxed.wasm`, which hold what this model needs and nothing else,
 * `model.safetensors` with its weights, and an entry for each host that exports `infer`.
 *
 * The forward pass is captured in evaluation mode: run a few times with rows of `example`, while its kernel calls are
 * listed. The result is verified against the model's own output.
 *
 * ```ts ignore
 * const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
 * await torch.edge.export(model, torch.randn(1, 784), { out: "dist/digit" });
 * ```
 *
 * @param model Takes a batch of inputs and gives a batch of outputs, both of float32.
 * @param example A batch of inputs, [batch, ...]: one sample will do.
 * @throws Error when the forward pass cannot be captured, naming what stands in the way: numbers read back to
 * JavaScript, random draws, changed parameters, sizes that are no linear function of the batch; or when the result is
 * not the model's.
 * @throws RangeError for an example without a batch, or a maxBatch that is not a positive whole number.
 * @throws TypeError for an example or an output that is not float32, or options that are none.
 */
export async function exportModel(
  model: Forward,
  example: Tensor,
  options: ExportOptions,
): Promise<ExportReport> {
  const { out, weights = "float32", maxBatch = 32, tolerance = 1e-6, inline = false } =
    checkOptions(
      options,
    );
  checkExample(example);
  const wasTraining = model instanceof Module ? model.modules().filter((m) => m.training) : [];
  if (model instanceof Module) model.eval();
  try {
    const exported = await make(model, example, weights, maxBatch);
    const verified = await verify(CALL, model, example, exported, {
      maxBatch,
      tolerance: weights === "float32" ? tolerance : Infinity,
    });
    const files = await writeEntries(out, exported, inline);
    const { operations, memory } = exported;
    return { ...verified, files, operations: [...operations], memory };
  } finally {
    for (const m of wasTraining) m.training = true;
  }
}

function checkOptions(options: ExportOptions): ExportOptions {
  checkFiles(CALL, options);
  const { maxBatch = 32 } = options;
  if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) {
    throw new RangeError(
      `${CALL}: maxBatch must be a positive whole number, got ${describeValue(maxBatch)}`,
    );
  }
  return options;
}

/** Checks where files go, and how weights are stored. */
export function checkFiles(call: string, options: { out: unknown; weights?: unknown }): void {
  if (typeof options?.out !== "string" && !(options?.out instanceof URL)) {
    throw new TypeError(`${call}: out must be a folder's path, got ${describeValue(options?.out)}`);
  }
  const { weights = "float32" } = options;
  if (typeof weights !== "string" || !(weights in ENCODED)) {
    throw new TypeError(
      `${call}: weights must be "float32", "float16" or "int8", got ${describeValue(weights)}`,
    );
  }
}

function checkExample(example: Tensor): void {
  if (!(example instanceof Tensor) || example.dtype !== float32) {
    throw new TypeError(
      `${CALL}: the example must be a float32 tensor, got ${
        example instanceof Tensor ? example.dtype : describeValue(example)
      }`,
    );
  }
  if (example.ndim < 1 || example.numElements === 0) {
    throw new RangeError(
      `${CALL}: expected an example [batch, ...] of at least one sample, got shape ${
        show(example.shape)
      }`,
    );
  }
}

/** All of an export but the files. */
async function make(
  model: Forward,
  example: Tensor,
  type: WeightType,
  maxBatch: number,
): Promise<Exported> {
  // Below 8, no kernel that takes samples by the octet; 1 alone would hide what depends on their number.
  const traces = (maxBatch === 1 ? [1] : [2, 3, 5]).map((n) => trace(CALL, model, example, n));
  const program = lower(CALL, programOf(CALL, traces.map((t) => t.trace), namesOf(model)));
  const { output } = program;
  if (output.value.contents !== null || output.offset.perSample !== 0) {
    throw new Error(`${CALL}: the output does not depend on the input; this cannot be captured`);
  }
  fuse(program);
  packWeights(program.ops);
  const layout = layOut(program, maxBatch), { file, entries } = writeWeights(CALL, layout, type);
  const text = emit(program, layout, await kernelFiles());
  const run = `run_${await digest(text)}`,
    named = text.replace("function run(", `function ${run}(`);
  const sizes = [sizeOf(example.shape.slice(1)), sizeOf(traces[0].shape.slice(1))] as const;
  const script = await bundle(entryText(run, program, layout, sizes, maxBatch, entries, type));
  const binaries = await compileAll(named, layout.end, "speed");
  return {
    script,
    ...binaries,
    weights: file,
    operations: program.ops.map((op) => op.kind === "kernel" ? op.kernel : op.kind),
    binding: "{ infer }",
    made: "{ infer: Infer }",
    types: `/** Runs the model. input: [batch, ${sizes[0]}] -> [batch, ${
      sizes[1]
    }], both in row-major order; batch: 1 to ${maxBatch}, as many as there are inputs by default. */
export type Infer = (input: Float32Array, batch?: number) => Float32Array<ArrayBuffer>;`,
  };
}

/** What tells this program from others: eight digits of its text's hash. */
export async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex().slice(0, 8);
}

/** The module that esbuild makes model.js of. */
function entryText(
  run: string,
  { input, output }: Lowered,
  { addresses, chunk }: Layout,
  [inputSize, outputSize]: readonly [number, number],
  maxBatch: number,
  entries: readonly Entry[],
  type: WeightType,
): string {
  const numbers = [
    ...[addresses.get(input)!, inputSize, addresses.get(output.value)! + output.offset.base],
    ...[outputSize, maxBatch, chunk],
  ];
  const decode = type === "float32" ? null : type === "float16" ? "halves" : "bytes";
  const packs = entries.some(([, , , , outputs]) => outputs !== undefined);
  return `import { loader, model${decode === null ? "" : `, ${decode}`} } from "./runtime.ts";
${packs ? 'import { pack } from "./strips.ts";' : ""}
export { hasRelaxed } from "../backend/relaxed.ts";
export const create = model(${numbers.join(", ")}, "${run}", ${JSON.stringify(entries)}, {${
    decode === null ? "" : `${ENCODED[type]}: ${decode}`
  }}${packs ? ", pack" : ""});
export const load = loader(create);
`;
}
