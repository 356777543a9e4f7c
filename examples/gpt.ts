/**
 * A GPT that learns to write like Shakespeare, character by character. From its own seed, its losses are PyTorch's.
 *
 *     deno task gpt                  2,000 steps, some minutes; text is sampled as it learns
 *     deno task gpt --data FILE      on a text of your own
 *     deno task gpt --resume         goes on where Ctrl-C stopped it
 */
import * as torch from "../mod.ts";
import { F, models, nn, optim, type Tensor } from "../mod.ts";
import { gunzip } from "../src/io/idx.ts";
import {
  checkpointAt,
  difference,
  forget,
  parse,
  positive,
  program,
  recorded,
  run,
  stop,
} from "./program.ts";
import { curve, Interrupt, Progress } from "./terminal.ts";

/** Characters that it sees at once, and sequences of a step. */
const BLOCK = 64, BATCH = 12;
const STEPS = 2000, SEED = 1337;

/** A text as numbers: what is trained on and what is tested with, the last tenth; each [characters] of int64. */
export interface Text {
  /** What each number stands for. */
  characters: string[];
  train: Tensor;
  val: Tensor;
}

/** The text of a file, gzipped or not; Shakespeare's without one. */
export async function loadText(file?: string): Promise<Text> {
  const path = file ?? new URL("data/tinyshakespeare/input.txt.gz", import.meta.url);
  const bytes = await gunzip(await Deno.readFile(path), String(path));
  const all = [...new TextDecoder().decode(bytes)], characters = [...new Set(all)].sort();
  const least = 10 * (BLOCK + 2);
  if (all.length < least) {
    throw new Error(`${path} holds ${all.length} characters, expected at least ${least}`);
  }
  const numbers = new Map(characters.map((c, i) => [c, BigInt(i)]));
  const ids = torch.fromArray(BigInt64Array.from(all, (c) => numbers.get(c)!));
  const first = Math.floor(0.9 * all.length);
  return {
    characters,
    train: ids.narrow(0, 0, first),
    val: ids.narrow(0, first, all.length - first),
  };
}

/** The network: 4 layers of 128 numbers, 4 heads, for so many characters. */
export function gpt(vocabSize: number): models.GPT {
  const size = { nLayer: 4, nHead: 4, nEmbd: 128 };
  return new models.GPT({ vocabSize, blockSize: BLOCK, ...size, bias: false });
}

/** The mean cross-entropy of each next character of the sequences that begin at `starts`: [n] -> []. */
function lossAt(model: models.GPT, data: Tensor, starts: Tensor): Tensor {
  const places = starts.view(-1, 1).add(torch.arange(BLOCK)).to(data.device);
  const logits = model(data.take(places));
  return F.crossEntropy(logits.flatten(0, 1), data.take(places.add(1)).flatten());
}

/** The mean loss of 20 batches from `data`. */
export function evaluate(
  model: models.GPT,
  data: Tensor,
  options: { generator?: torch.Generator } = {},
): number {
  using _scope = torch.scope();
  using _mode = torch.noGrad();
  model.eval();
  const batches = torch.randint(0, data.numel() - BLOCK, [20, BATCH], options);
  let sum = 0;
  for (let i = 0; i < 20; i++) sum += Number(lossAt(model, data, batches.at(i)).item());
  model.train();
  return sum / 20;
}

/** `length` characters that the model writes after a line break. */
export function sample(
  model: models.GPT,
  { characters }: Text,
  length: number,
  seed: number,
): string {
  using _ = torch.scope();
  const { device } = model.parameters()[0];
  const first = torch.tensor([[BigInt(Math.max(characters.indexOf("\n"), 0))]], { device });
  const generator = new torch.Generator(device).manualSeed(seed); // of its own: training draws what it would without
  model.eval();
  const ids = model.generate(first, length, { temperature: 0.8, generator });
  model.train();
  const written = ids.narrow(1, 1, length).toTypedArray() as BigInt64Array;
  return Array.from(written, (i) => characters[Number(i)]).join("");
}

/** The learning rate: it rises for 100 steps, then falls along a cosine. */
function learningRate(step: number, steps: number): number {
  const peak = 1e-3, low = 1e-4, warmup = 100;
  if (step < warmup) return peak * (step + 1) / (warmup + 1);
  const angle = Math.PI * (step - warmup) / (steps - warmup);
  return low + 0.5 * (1 + Math.cos(angle)) * (peak - low);
}

/** What a run that was stopped goes on from. */
export interface GptCheckpoint {
  characters: string[];
  model: Record<string, Tensor>;
  optimizer: optim.OptimizerStateDict;
  /** The random numbers' state after the last step. */
  random: Tensor;
  losses: number[];
  /** Norms of the gradients before they were clipped. */
  norms: number[];
}

/** How to run it. */
export interface GptOptions {
  steps?: number;
  seed?: number;
  /** Where to compute: `"cpu"` or `"cuda"`. */
  device?: string;
  resume?: GptCheckpoint | null;
  /** Called after each step; true, or a promise of it, stops there. */
  onStep?: (losses: readonly number[], model: models.GPT) => boolean | Promise<boolean>;
}

/** Trains from `torch.manualSeed(seed)`, or goes on from a checkpoint. */
export async function trainGpt(text: Text, options: GptOptions = {}): Promise<GptCheckpoint> {
  const { steps = STEPS, seed = SEED, resume = null, onStep = () => false } = options;
  const { device = "cpu" } = options, { characters } = text, train = text.train.to(device);
  torch.manualSeed(seed);
  const model = gpt(characters.length).to(device), params = model.parameters();
  const optimizer = new optim.AdamW([
    { params: params.filter((p) => p.dim() >= 2), weightDecay: 0.1 },
    { params: params.filter((p) => p.dim() < 2), weightDecay: 0 },
  ], { lr: 1e-3, betas: [0.9, 0.99] });
  const losses = [...resume?.losses ?? []], norms = [...resume?.norms ?? []];
  if (resume) {
    if (resume.characters.join("") !== characters.join("")) {
      throw new Error("the checkpoint was trained on a text of other characters");
    }
    model.loadStateDict(resume.model);
    optimizer.loadStateDict(resume.optimizer);
    torch.setRngState(resume.random);
  }
  while (losses.length < steps) {
    using _ = torch.scope();
    for (const group of optimizer.paramGroups) group.lr = learningRate(losses.length, steps);
    const loss = lossAt(model, train, torch.randint(0, train.numel() - BLOCK, [BATCH]));
    optimizer.zeroGrad();
    loss.backward();
    norms.push(Number(nn.utils.clipGradNorm_(params, 1).item()));
    optimizer.step();
    losses.push(Number(loss.item()));
    if (await onStep(losses, model)) break;
  }
  return {
    characters,
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    random: torch.getRngState(),
    losses,
    norms,
  };
}

type Options = ReturnType<typeof readOptions>;

async function main(options: Options): Promise<void> {
  const { steps, seed, out, sampleEvery, length } = options;
  const path = `${out}/gpt.checkpoint.safetensors`, file = `${out}/gpt.safetensors`;
  using interrupt = new Interrupt();
  const text = await loadText(options.data), vocabulary = text.characters.length;
  console.log(
    `\nGPT of 4 layers, 4 heads and 128 numbers; ${text.train.numel()} characters to train on, ` +
      `${text.val.numel()} to test with, ${vocabulary} different ones, seed ${seed}`,
  );
  const resume = await checkpointAt<GptCheckpoint>(path, steps, options.resume);
  const progress = new Progress("gpt", steps, resume?.losses.length);
  const result = await trainGpt(text, {
    steps,
    seed,
    device: options.device,
    resume,
    onStep: (losses, model) => {
      const step = losses.length;
      progress.update(step, losses[step - 1]);
      if (step % sampleEvery === 0 && step < steps) {
        const generator = new torch.Generator().manualSeed(seed);
        const loss = evaluate(model, text.val.to(options.device), { generator });
        progress.print(
          `\nstep ${step}: validation loss ${loss.toFixed(4)}\n${
            sample(model, text, length, seed)
          }\n`,
        );
      }
      return interrupt.check();
    },
  });
  progress.stop();
  if (result.losses.length < steps) await stop(path, result);
  await forget(path);
  await torch.save(result.model, file);
  const model = gpt(vocabulary);
  model.loadStateDict(await torch.load(file));
  console.log(curve(result.losses));
  torch.setRngState(result.random);
  const train = evaluate(model, text.train), val = evaluate(model, text.val);
  console.log(
    `saved to ${file}; training loss ${train.toFixed(4)}, validation loss ${val.toFixed(4)}`,
  );
  if (options.data === undefined && seed === SEED) {
    const theirs = await recorded<{ final_loss: { val: number } }>("char_gpt");
    const end = steps === STEPS
      ? `, and its validation loss ${theirs.final_loss.val.toFixed(4)}`
      : "";
    console.log(
      `against what PyTorch ${theirs.torch} recorded: the first ${
        Math.min(steps, theirs.losses.length)
      } losses within ${
        difference(result.losses, theirs.losses).toExponential(1)
      } (relative)${end}`,
    );
  }
  console.log(`\n${sample(model, text, length, seed)}`);
}

function readOptions() {
  const command = program(
    "gpt",
    "Trains a GPT on the characters of Shakespeare's plays.",
    "build/gpt",
    SEED,
  )
    .option("--data <file>", "a text, gzipped or not; by default Shakespeare's, which comes along")
    .option("--steps <n>", "steps of 12 times 64 characters", positive, STEPS)
    .option("--sample-every <n>", "after so many steps it shows what it writes", positive, 250)
    .option("--length <n>", "how many characters it writes then", positive, 300);
  return parse<{ data?: string; steps: number; sampleEvery: number; length: number }>(command);
}

if (import.meta.main) {
  const options = readOptions();
  await run(options.out, () => main(options));
}
