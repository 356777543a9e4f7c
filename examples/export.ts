/**
 * Exports a trained model to files that run in Workers, browsers, Node.js, Bun and Deno:
 *
 *     deno task cnn
 *     deno task export examples/edge/digit.ts build/cnn/cnn.safetensors --out examples/edge/site/digit
 *     deno task gpt
 *     deno task export examples/edge/gpt.ts build/gpt/gpt.safetensors --out examples/edge/site/gpt
 *
 * The program's default export makes the model from the saved weights; its export `shape` is that of one sample, which a
 * GPT does not have. Its export `files`, if there is one, are texts that are written beside the others.
 */
import { Command, Option } from "commander";
import * as torch from "../mod.ts";
import { positive } from "./program.ts";

/** What a program exports. */
export interface Program {
  default: (state: Record<string, torch.Tensor>) => torch.edge.Forward | torch.models.GPT;
  shape?: number[];
  files?: Record<string, string>;
}

/** What the command line says. */
export interface Options {
  out: string;
  weights?: torch.edge.WeightType;
  maxBatch?: number;
  inline?: boolean;
}

/** Exports what a program makes of the weights `state`. */
export async function exportProgram(
  { default: make, shape, files }: Program,
  state: Record<string, torch.Tensor>,
  options: Options,
): Promise<torch.edge.ExportReport> {
  const model = make(state);
  const report = model instanceof torch.models.GPT
    ? await torch.edge.exportGPT(model, options)
    : await torch.edge.export(model, torch.rand([1, ...shape!]), options);
  for (const [name, text] of Object.entries(files ?? {})) {
    await Deno.writeTextFile(`${options.out}/${name}`, text);
  }
  return report;
}

async function main(program: string, checkpoint: string, options: Options): Promise<void> {
  const path = new URL(program, `file://${Deno.cwd()}/`).href;
  const { files, maxError, exact, operations, memory } = await exportProgram(
    await import(path),
    await torch.load(checkpoint),
    options,
  );
  console.log(`${operations.join(", ")}\n`);
  for (const [name, { bytes, gzip }] of Object.entries(files)) {
    console.log(`${name.padEnd(20)} ${String(bytes).padStart(9)} bytes, gzipped ${gzip}`);
  }
  console.log(`\n${(memory / 2 ** 20).toFixed(1)} MB of memory`);
  console.log(
    exact
      ? "the same bits as the model"
      : `within ${maxError.toExponential(1)} of the model's largest output`,
  );
}

if (import.meta.main) {
  await new Command("export")
    .description("Exports a trained model to files that run anywhere.")
    .argument("<program>", "module whose default export makes the model")
    .argument("<checkpoint>", "file with the trained weights")
    .requiredOption("--out <folder>", "where the files go")
    .addOption(
      new Option("--weights <type>", "how weights are stored")
        .choices(["float32", "float16", "int8"]).default("float32"),
    )
    .option("--max-batch <n>", "most samples at once", positive, 32)
    .option("--inline", "everything in one file", false)
    .action(main)
    .parseAsync();
}
