/**
 * A recurrent network that learns first names letter by letter, and makes up new ones. From its own seed, its losses
 * and its names are PyTorch's.
 *
 *     deno task names                300 steps, some seconds
 *     deno task names --resume       goes on where Ctrl-C stopped it
 */
import * as torch from "../mod.ts";
import { F, nn, optim, type Tensor } from "../mod.ts";
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

/** The letters from 1, and 0 before and after a name. */
const VOCABULARY = 27;
const BATCH = 32, TEST = 1000, STEPS = 300, SEED = 3407, LONGEST = 16;

/** An embedding, a GRU and a linear layer: letters [N, L] of int64 -> [N, L, 27], the logits of each next letter. */
export class CharGRU extends nn.Module {
  wte: torch.nn.Embedding = new nn.Embedding(VOCABULARY, 32);
  gru: torch.nn.GRU = new nn.GRU(32, 64, { batchFirst: true });
  lm_head: torch.nn.Linear = new nn.Linear(64, VOCABULARY);

  override forward(x: Tensor): Tensor {
    return this.lm_head(this.gru(this.wte(x))[0]);
  }
}

/** The 32,033 names. */
export async function loadNames(): Promise<string[]> {
  const url = new URL("data/names/names.txt.gz", import.meta.url);
  const text = new TextDecoder().decode(await gunzip(await Deno.readFile(url), url.pathname));
  return text.trim().split("\n");
}

/** Names as numbers, [names, L] each: `x` is 0, then the letters; `y` is the letters, then 0, then -1. */
export interface Encoded {
  x: Tensor;
  y: Tensor;
}

function encode(names: readonly string[]): Encoded {
  const width = 1 + Math.max(...names.map((name) => name.length));
  const x = new BigInt64Array(names.length * width);
  const y = new BigInt64Array(names.length * width).fill(-1n);
  names.forEach((name, i) => {
    const at = i * width;
    for (let j = 0; j < name.length; j++) {
      x[at + j + 1] = y[at + j] = BigInt(name.charCodeAt(j) - 96);
    }
    y[at + name.length] = 0n;
  });
  const shape = [names.length, width];
  return { x: torch.fromArray(x, shape), y: torch.fromArray(y, shape) };
}

function lossOf(model: CharGRU, { x, y }: Encoded): Tensor {
  return F.crossEntropy(model(x).transpose(1, 2), y, { ignoreIndex: -1 });
}

/** What a run that was stopped goes on from. */
export interface NamesCheckpoint {
  model: Record<string, Tensor>;
  optimizer: optim.OptimizerStateDict;
  /** The random numbers' state after the last step. */
  random: Tensor;
  losses: number[];
  /** The loss on names that it was not trained on; null before the end. */
  testLoss: number | null;
}

/** How to run it. */
export interface NamesOptions {
  steps?: number;
  seed?: number;
  /** Where to compute: `"cpu"` or `"cuda"`. */
  device?: string;
  resume?: NamesCheckpoint | null;
  /** Called after each step with the losses so far; true, or a promise of it, stops there. */
  onStep?: (losses: readonly number[]) => boolean | Promise<boolean>;
}

/** Trains from `torch.manualSeed(seed)`, or goes on from a checkpoint. */
export async function trainNames(
  names: readonly string[],
  options: NamesOptions = {},
): Promise<NamesCheckpoint> {
  const { steps = STEPS, seed = SEED, resume = null, onStep = () => false } = options;
  const { device = "cpu" } = options;
  torch.manualSeed(seed);
  const order = torch.randperm(names.length).toTypedArray() as BigInt64Array;
  const encoded = encode(Array.from(order, (i) => names[Number(i)]));
  const x = encoded.x.to(device), y = encoded.y.to(device);
  const first = names.length - TEST;
  const model = new CharGRU().to(device);
  const optimizer = new optim.AdamW(model.parameters(), {
    lr: 5e-3,
    weightDecay: 0.01,
    betas: [0.9, 0.99],
  });
  const losses = [...resume?.losses ?? []];
  if (resume) {
    model.loadStateDict(resume.model);
    optimizer.loadStateDict(resume.optimizer);
    torch.setRngState(resume.random);
  }
  while (losses.length < steps) {
    using _ = torch.scope();
    const batch = torch.randint(0, first, [BATCH]).to(device);
    const loss = lossOf(model, { x: x.indexSelect(0, batch), y: y.indexSelect(0, batch) });
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(Number(loss.item()));
    if (await onStep(losses)) break;
  }
  const test = () => {
    const last = { x: x.narrow(0, first, TEST), y: y.narrow(0, first, TEST) };
    return torch.noGrad(() => Number(lossOf(model, last).item()));
  };
  return {
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    random: torch.getRngState(),
    losses,
    testLoss: losses.length < steps ? null : test(),
  };
}

/** `count` names that the model makes up, from `torch.manualSeed(seed)`. */
export function makeNames(model: CharGRU, count: number, seed: number): string[] {
  using _mode = torch.noGrad();
  torch.manualSeed(seed);
  return Array.from({ length: count }, () => {
    using _ = torch.scope();
    let name = "", letter = torch.zeros([1, 1], { dtype: torch.int64 });
    let hidden: Tensor | null = null;
    while (name.length < LONGEST) {
      const [output, next] = model.gru(model.wte(letter), hidden) as [Tensor, Tensor];
      hidden = next;
      letter = torch.multinomial(F.softmax(model.lm_head(output.select(1, -1)), -1), 1);
      const n = Number(letter.item());
      if (n === 0) break;
      name += String.fromCharCode(96 + n);
    }
    return name;
  });
}

type Options = ReturnType<typeof readOptions>;

async function main({ steps, seed, out, ...options }: Options): Promise<void> {
  const path = `${out}/names.checkpoint.safetensors`, file = `${out}/names.safetensors`;
  using interrupt = new Interrupt();
  const names = await loadNames();
  console.log(
    `\nGRU of 64 units, cross-entropy, AdamW; ${names.length - TEST} names to train on, ` +
      `${TEST} to test with, seed ${seed}`,
  );
  const resume = await checkpointAt<NamesCheckpoint>(path, steps, options.resume);
  const progress = new Progress("names", steps, resume?.losses.length);
  const result = await trainNames(names, {
    steps,
    seed,
    device: options.device,
    resume,
    onStep: (losses) => {
      progress.update(losses.length, losses[losses.length - 1]);
      return interrupt.check();
    },
  });
  progress.stop();
  if (result.losses.length < steps) await stop(path, result);
  await forget(path);
  console.log(curve(result.losses));
  await torch.save(result.model, file);
  const model = new CharGRU();
  model.loadStateDict(await torch.load(file));
  console.log(`saved to ${file}; test loss ${result.testLoss!.toFixed(4)}`);
  const theirs = await recorded<{ samples: string[]; sample_seed: number }>("char_rnn_names");
  if (seed === SEED) {
    const n = Math.min(steps, theirs.losses.length);
    console.log(
      `against the losses that PyTorch ${theirs.torch} recorded: the first ${n} within ` +
        `${difference(result.losses, theirs.losses).toExponential(1)} (relative)`,
    );
  }
  console.log(`\n${makeNames(model, 10, theirs.sample_seed).join("\n")}`);
}

function readOptions() {
  const command = program("names", "Trains a GRU on first names.", "build/names", SEED)
    .option("--steps <n>", "steps of 32 names", positive, STEPS);
  return parse<{ steps: number }>(command);
}

if (import.meta.main) {
  const options = readOptions();
  await run(options.out, () => main(options));
}
