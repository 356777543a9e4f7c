/**
 * Exporting a GPT: its forward pass for one token at a time, which keeps the keys and values of those before.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { hasRelaxed } from "../backend/relaxed.ts";
import { int64 } from "../backend/dtype.ts";
import { scope } from "../backend/storage.ts";
import { GPT } from "../models/gpt.ts";
import { fromArray } from "../tensor/create.ts";
import { describeValue } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { bundle, compileAll, type Flavour, kernelFiles } from "./compile.ts";
import { writeEntries } from "./entries.ts";
import {
  checkFiles,
  digest,
  type Exported,
  type ExportOptions,
  type ExportReport,
} from "./export.ts";
import type { LanguageModel } from "./gpt_runtime.ts";
import { fixed, type Value } from "./program.ts";
import { createOf, type Verified } from "./verify.ts";
import { ENCODED, type WeightType, writeWeights } from "./weights.ts";

const CALL = "edge.exportGPT";

/** Options of `edge.exportGPT`. */
export type GPTExportOptions = Omit<ExportOptions, "maxBatch">;

/**
 * Writes a GPT as `edge.export` writes other models; the entries export `model`, which reads a token at a time and keeps
 * what it needs of those before:
 *
 * ```ts ignore
 * await torch.edge.exportGPT(gpt, { out: "dist/gpt" });
 * // elsewhere:
 * import { model } from "./dist/gpt/worker.js";
 * for (const token of model.generate(prompt, 100, { temperature: 0.8, topK: 20 })) write(token);
 * ```
 *
 * @throws Error when the result is not the model's.
 * @throws TypeError unless the model is a `models.GPT` in float32, or for options that are none.
 */
export async function exportGPT(model: GPT, options: GPTExportOptions): Promise<ExportReport> {
  if (!(model instanceof GPT)) {
    throw new TypeError(`${CALL}: expected a models.GPT, got ${describeValue(model)}`);
  }
  checkFiles(CALL, options);
  const { out, weights = "float32", tolerance = 1e-6, inline = false } = options;
  const exported = await make(model, weights);
  const wasTraining = model.modules().filter((m) => m.training);
  model.eval();
  try {
    const verified = await verify(model, exported, weights === "float32" ? tolerance : Infinity);
    const files = await writeEntries(out, exported, inline);
    const { operations, memory } = exported;
    return { ...verified, files, operations: [...operations], memory };
  } finally {
    for (const m of wasTraining) m.training = true;
  }
}

/** Addresses, handed out one after another. */
class Addresses {
  readonly weights: Value[] = [];
  readonly addresses = new Map<Value, number>();
  readonly #known = new Map<Tensor, number>();
  end = 64;

  /** Room for `n` floats. */
  take(n: number): number {
    const address = this.end;
    this.end += Math.ceil((4 * n + 64) / 64) * 64;
    return address;
  }

  /** Where a parameter lies; 0 if there is none. */
  of(name: string, t: Tensor | null): number {
    if (t === null) return 0;
    let address = this.#known.get(t);
    if (address !== undefined) return address;
    if (t.dtype.name !== "float32") {
      throw new TypeError(`${CALL}: ${name} must be float32, got ${t.dtype}`);
    }
    const contents = new Uint8Array(t.toTypedArray().buffer as ArrayBuffer);
    const value = { name, bytes: fixed(contents.length), contents, dtype: "F32", shape: t.shape };
    this.#known.set(t, address = this.take(t.numElements));
    this.weights.push(value);
    this.addresses.set(value, address);
    return address;
  }
}

/** All of an export but the files. */
async function make(model: GPT, type: WeightType): Promise<Exported> {
  const { vocabSize, blockSize, nLayer, nHead, nEmbd } = model.config;
  const parameters = new Map<string, Tensor>(model.namedParameters());
  const memory = new Addresses(), lines: string[] = [], operations: string[] = [];
  const at = (name: string) => memory.of(name, parameters.get(name) ?? null);
  const table = memory.of("transformer.wte.weight", model.transformer.wte.weight);
  const places = at("transformer.wpe.weight");
  const { eps } = model.transformer.ln_f;
  for (let i = 0; i < nLayer; i++) {
    for (const part of ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"]) {
      at(`transformer.h.${i}.${part}.weight`);
      at(`transformer.h.${i}.${part}.bias`);
    }
  }
  at("transformer.ln_f.weight");
  at("transformer.ln_f.bias");
  const x = memory.take(nEmbd), y = memory.take(nEmbd), wide = memory.take(4 * nEmbd);
  const stats = memory.take(2), logits = memory.take(vocabSize);
  const scores = memory.take(nHead * blockSize), shares = memory.take(nHead * blockSize);
  const call = (operation: string, ...args: (number | string)[]) => {
    operations.push(operation);
    lines.push(`  ${operation}(${args.join(", ")});`);
  };
  const norm = (name: string) => {
    const affine = [at(`${name}.weight`), at(`${name}.bias`)];
    call("row_norm", y, stats, x, ...affine, 1, 1, nEmbd, 1, 1, eps, 0, 1);
  };
  const linear = (to: number, from: number, name: string, n: number, k: number) =>
    call("linear", to, from, at(`${name}.weight`), at(`${name}.bias`), 1, n, k, "false");
  call("sum", x, `${table} + token * ${4 * nEmbd}`, `${places} + position * ${4 * nEmbd}`, nEmbd);
  for (let i = 0; i < nLayer; i++) {
    const block = `transformer.h.${i}`, keys = memory.take(blockSize * nEmbd);
    const values = memory.take(blockSize * nEmbd);
    norm(`${block}.ln_1`);
    linear(wide, y, `${block}.attn.c_attn`, 3 * nEmbd, nEmbd);
    call("attend", y, wide, keys, values, scores, shares, "position", nHead, nEmbd / nHead);
    linear(wide, y, `${block}.attn.c_proj`, nEmbd, nEmbd);
    call("sum", x, x, wide, nEmbd);
    norm(`${block}.ln_2`);
    linear(wide, y, `${block}.mlp.c_fc`, 4 * nEmbd, nEmbd);
    call("gelu", wide, wide, 0, 4 * nEmbd);
    linear(y, wide, `${block}.mlp.c_proj`, nEmbd, 4 * nEmbd);
    call("sum", x, x, y, nEmbd);
  }
  norm("transformer.ln_f");
  call("linear", logits, y, table, 0, 1, vocabSize, nEmbd, "false");
  const fileOf = await kernelFiles();
  const text = `import { attend, sum } from "./edge/attention";
import { linear } from "./edge/linear";
import { row_norm } from "${fileOf("row_norm")}";
import { gelu } from "${fileOf("gelu")}";
export function run(token: i32, position: i32): void {
${lines.join("\n")}
}
`;
  const run = `run_${await digest(text)}`,
    named = text.replace("function run(", `function ${run}(`);
  const { file, entries } = writeWeights(CALL, memory, type);
  const decode = type === "float32" ? null : type === "float16" ? "halves" : "bytes";
  const script = await bundle(
    `import { loader${decode === null ? "" : `, ${decode}`} } from "./runtime.ts";
import { languageModel } from "./gpt_runtime.ts";
export { hasRelaxed } from "../backend/relaxed.ts";
export const create = languageModel(${logits}, ${vocabSize}, ${blockSize}, "${run}", ${
      JSON.stringify(entries)
    }, ${decode === null ? "" : `{ ${ENCODED[type]}: ${decode} }`});
export const load = loader(create);
`,
  );
  return {
    script,
    ...await compileAll(named, memory.end, "size"),
    weights: file,
    operations,
    binding: "model",
    made: "LanguageModel",
    types: TYPES,
  };
}

const TYPES = `/** How the next token is drawn. */
export interface Sampling {
  /** What the logits are divided by: below 1 likely tokens become likelier. 1 by default. */
  temperature?: number;
  /** How many of the likeliest tokens may be drawn; all by default. */
  topK?: number;
  /** Draws numbers from 0 to 1; Math.random by default. */
  random?: () => number;
}
/** A language model that is ready to run. */
export interface LanguageModel {
  /** How many tokens it has read. */
  readonly length: number;
  /** Forgets them. */
  reset(): void;
  /** Reads one token, and gives the logits of the next. */
  step(token: number): Float32Array<ArrayBuffer>;
  /** Reads tokens, and yields those that follow, up to count, or until there is no room for more. */
  generate(tokens: Iterable<number>, count: number, options?: Sampling): Generator<number>;
}`;

/** Reads as many tokens as there is room for, and compares all logits with the model's. */
async function verify(model: GPT, exported: Exported, tolerance: number): Promise<Verified> {
  const create = await createOf<LanguageModel>(exported.script), { binaries, weights } = exported;
  const { vocabSize, blockSize } = model.config, count = Math.min(blockSize, 64);
  const tokens = Int32Array.from({ length: count }, (_, i) => (i * 7919) % vocabSize);
  using _ = scope();
  const y = noGrad(() => model(fromArray(tokens, [1, count], { dtype: int64 })) as Tensor)
    .toTypedArray() as Float32Array;
  const most = y.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  const result: Verified = { maxError: 0, exact: false };
  for (const flavour of ["baseline", "relaxed"] satisfies Flavour[]) {
    if (flavour === "relaxed" && !hasRelaxed()) continue;
    const made = create({ module: new WebAssembly.Module(binaries[flavour]), weights });
    let same = true;
    tokens.forEach((token, t) =>
      made.step(token).forEach((z, i) => {
        const v = y[t * vocabSize + i];
        same &&= Object.is(v, z);
        const error = Math.abs(v - z) / most;
        if (!(error <= result.maxError)) result.maxError = error;
      })
    );
    result.exact ||= same;
    if (!(result.maxError <= tolerance)) {
      throw new Error(
        `${CALL}: the exported program (${flavour}) differs from the model by ${result.maxError}, more than ` +
          `${tolerance}, relative to the largest logit`,
      );
    }
  }
  return result;
}
