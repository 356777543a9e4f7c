/**
 * What inference in 16 and 8 bits costs and saves:
 *
 *     deno task precision
 *
 * trains the digits' network and the GPT of `deno task gpt` for a while, in float32, and tests both in float32, bfloat16,
 * float16 and int8.
 */
import { Command } from "commander";
import * as torch from "../mod.ts";
import { F, type models, nn, quantization, type Tensor } from "../mod.ts";
import { gpt, loadText, type Text, trainGpt } from "./gpt.ts";
import {
  accuracy,
  digitNetwork,
  type Digits,
  loadDigits,
  stepsPerEpoch,
  trainDigits,
} from "./mnist.ts";
import { positive } from "./program.ts";
import { Interrupt, Progress } from "./terminal.ts";

const program = new Command("deno task precision")
  .description(
    "Tests MNIST's MLP and a character GPT in float32, bfloat16, float16 and int8, and times a large layer in each.",
  )
  .option("--digits <n>", "digits to train on and to test with, at most", positive, 8000)
  .option("--epochs <n>", "passes over the digits", positive, 2)
  .option("--steps <n>", "steps of the GPT", positive, 200)
  .option("--characters <n>", "characters to test the GPT with, at most", positive, 16000)
  .option("--size <n>", "features of the large layer", positive, 4096)
  .option("--threads <n>", "threads to time it with", positive, 1);
// `deno task` hands on the "--" that npm's users put before options.
program.parse(Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args, { from: "user" });
const options = program.opts<
  Record<
    "digits" | "epochs" | "steps" | "characters" | "size" | "threads",
    number
  >
>();

/** Copies of a model in one precision, and inputs for it. */
interface Precision {
  name: string;
  model<M extends nn.Module>(model: M): M;
  input(x: Tensor): Tensor;
}

const PRECISIONS: readonly Precision[] = [
  { name: "float32", model: (m) => m, input: (x) => x },
  { name: "bfloat16", model: (m) => torch.deepcopy(m).bfloat16(), input: (x) => x.bfloat16() },
  { name: "float16", model: (m) => torch.deepcopy(m).half(), input: (x) => x.half() },
  {
    name: "int8",
    model: (m) => quantization.quantizeDynamic(m, [nn.Linear, nn.Embedding]),
    input: (x) => x,
  },
];

/** The bytes of a model's parameters and buffers, shared ones counted once. */
function bytesOf(model: nn.Module): number {
  return [...model.parameters(), ...model.buffers()]
    .reduce((sum, t) => sum + t.numel() * t.dtype.size, 0);
}

/** The mean cross-entropy, in nats a character, of a GPT over the first characters of the text to test with. */
function validationLoss(model: models.GPT, { val }: Text): number {
  using _scope = torch.scope();
  using _mode = torch.noGrad();
  const { blockSize } = model.config, most = Math.min(options.characters, val.numel() - 1);
  const count = Math.max(1, Math.floor(most / blockSize));
  const part = (start: number) => val.narrow(0, start, count * blockSize).view(count, blockSize);
  const logits = model(part(0)).float().flatten(0, 1);
  return Number(F.crossEntropy(logits, part(1).flatten()).item());
}

/** The least milliseconds of a call: of a thousand, or as many as a second has. */
function time(f: () => void): number {
  let least = Infinity;
  const start = performance.now();
  for (let calls = 0, now = start; calls < 1000 && now - start < 1000; calls++) {
    const before = now;
    f();
    now = performance.now();
    least = Math.min(least, now - before);
  }
  return least;
}

/** The bytes of the large layer in each precision, and the milliseconds that one row takes. */
function largeLayers(): { bytes: number; milliseconds: number }[] {
  using _mode = torch.noGrad();
  const layer = new nn.Linear(options.size, options.size), x = torch.randn([1, options.size]);
  torch.setNumThreads(options.threads);
  return PRECISIONS.map(({ model, input }) => {
    const converted = model(layer), row = input(x);
    const milliseconds = time(() => {
      using _ = torch.scope();
      converted(row);
    });
    return { bytes: bytesOf(converted), milliseconds };
  });
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
  ).join("\n");
}

using interrupt = new Interrupt();

async function stopIfAsked(): Promise<void> {
  if (!await interrupt.check()) return;
  console.log("\nstopped");
  Deno.exit(130);
}

const all = await loadDigits(), text = await loadText();
const cut = ({ images, labels }: Digits): Digits => {
  const n = Math.min(options.digits, labels.numel());
  return { images: images.narrow(0, 0, n), labels: labels.narrow(0, 0, n) };
};
const digits = { train: cut(all.train), test: cut(all.test) };

let progress = new Progress("digits", options.epochs * stepsPerEpoch(digits));
const { model: state } = await trainDigits(digits, {
  epochs: options.epochs,
  onStep: async (losses) => {
    progress.update(losses.length, losses[losses.length - 1]);
    await stopIfAsked();
    return false;
  },
});
progress.stop();
const mlp = digitNetwork();
mlp.loadStateDict(state);
mlp.eval();

progress = new Progress("gpt", options.steps);
const trained = await trainGpt(text, {
  steps: options.steps,
  onStep: async (losses) => {
    progress.update(losses.length, losses[losses.length - 1]);
    await stopIfAsked();
    return false;
  },
});
progress.stop();
const language = gpt(text.characters.length);
language.loadStateDict(trained.model);
language.eval();

const layers = largeLayers(), { size, threads } = options;
const rows = [[
  "",
  "MLP, bytes",
  "test accuracy",
  "GPT, bytes",
  "validation loss",
  `${size}x${size}, bytes`,
  "ms a row",
  "speed",
]];
for (const [i, { name, model, input }] of PRECISIONS.entries()) {
  const [digit, character] = [model(mlp), model(language)], { bytes, milliseconds } = layers[i];
  const test = { images: input(digits.test.images), labels: digits.test.labels };
  rows.push([
    name,
    bytesOf(digit).toLocaleString("en"),
    accuracy(digit, test).toFixed(4),
    bytesOf(character).toLocaleString("en"),
    validationLoss(character, text).toFixed(4),
    bytes.toLocaleString("en"),
    milliseconds.toFixed(3),
    `${(layers[0].milliseconds / milliseconds).toFixed(2)}x`,
  ]);
}
console.log(`\n${table(rows)}`);
console.log(
  `\nTimes: the best of one row through a linear layer, on ${threads} thread${
    threads === 1 ? "" : "s"
  }.`,
);
