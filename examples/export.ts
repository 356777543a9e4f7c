/**
 * Exports a trained model to files that run in Workers, browsers, Node.js, Bun and Deno:
 *
 *     deno task cnn
 *     deno task export examples/edge/digit.ts build/cnn/cnn.safetensors --out examples/edge/site/digit
 *
 * The program's default export makes the model from the saved weights; its export `shape` is that of one sample.
 */
import { Command, Option } from "commander";
import * as torch from "../mod.ts";
import { positive } from "./program.ts";

interface Program {
  default: (state: Record<string, torch.Tensor>) => torch.edge.Forward;
  shape: number[];
}

interface Options {
  out: string;
  weights: torch.edge.WeightType;
  maxBatch: number;
  inline: boolean;
}

async function main(program: string, checkpoint: string, options: Options): Promise<void> {
  const path = new URL(program, `file://${Deno.cwd()}/`).href;
  const { default: make, shape }: Program = await import(path);
  const model = make(await torch.load(checkpoint));
  const { files, maxError, exact, operations } = await torch.edge.export(
    model,
    torch.rand([1, ...shape]),
    options,
  );
  console.log(`${operations.join(", ")}\n`);
  for (const [name, { bytes, gzip }] of Object.entries(files)) {
    console.log(`${name.padEnd(20)} ${String(bytes).padStart(9)} bytes, gzipped ${gzip}`);
  }
  console.log(
    exact
      ? "\nthe same bits as the model"
      : `\nwithin ${maxError.toExponential(1)} of the model's largest output`,
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
