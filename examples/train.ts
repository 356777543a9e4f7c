/**
 * The tutorial's networks, trained in the terminal:
 *
 *     deno task train                      the two-layer network, then the digits
 *     deno task train digits --data DIR    on the full MNIST set
 *     deno task train --resume             goes on where Ctrl-C stopped it
 */
import { Command, InvalidArgumentError } from "commander";
import * as torch from "../mod.ts";
import {
  accuracy,
  type DigitData,
  digitNetwork,
  type DigitsCheckpoint,
  loadDigits,
  stepsPerEpoch,
  trainDigits,
} from "./mnist.ts";
import { curve, Interrupt, Progress } from "./terminal.ts";
import { trainTwoLayerNet, type TwoLayerNetCheckpoint } from "./two_layer_net.ts";

function positive(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) {
    throw new InvalidArgumentError("expected a whole number from 1");
  }
  return n;
}

function seed(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0 || text.trim() === "") {
    throw new InvalidArgumentError("expected a whole number from 0 to 2^53 - 1");
  }
  return n;
}

const program = new Command("deno task train")
  .description(
    "Trains the tutorial's networks: a two-layer network on random numbers, and an MLP on MNIST's digits.",
  )
  .argument("[network]", '"two-layer", "digits" or "all"', "all")
  .option(
    "--data <folder>",
    "folder with MNIST's four files (gzipped or not); by default the 10,000 digits that come along",
  )
  .option("--epochs <n>", "passes over the digits (5, or 2 with --data)", positive)
  .option("--steps <n>", "steps of the two-layer network", positive, 500)
  .option("--seed <n>", "seed of the digits' run", seed, 0)
  .option("--out <folder>", "where models and checkpoints go", "build/train")
  .option("--resume", "go on from the checkpoints in that folder");
// `deno task` hands on the "--" that npm's users put before options.
program.parse(Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args, { from: "user" });
const options = program.opts<
  { data?: string; epochs?: number; steps: number; seed: number; out: string; resume?: boolean }
>();
const network = program.processedArgs[0] as string;
if (!["two-layer", "digits", "all"].includes(network)) {
  program.error(
    `error: no network ${JSON.stringify(network)}; expected "two-layer", "digits" or "all"`,
  );
}

using interrupt = new Interrupt();

/** What every checkpoint holds. */
interface Checkpoint {
  losses: number[];
}

/** The checkpoint at `path`, if it is to be resumed and there is one; it is of one of the `total` steps. */
async function checkpointAt<T extends Checkpoint>(path: string, total: number): Promise<T | null> {
  if (!options.resume) return null;
  let checkpoint: T;
  try {
    checkpoint = await torch.load<T>(path);
  } catch (e) {
    const missing = await Deno.stat(path).then(
      () => false,
      (e) => e instanceof Deno.errors.NotFound,
    );
    if (!missing) throw e;
    console.log(`no checkpoint ${path}: starting from the beginning`);
    return null;
  }
  const steps = checkpoint?.losses?.length;
  if (steps === undefined) throw new Error(`${path} is no checkpoint: there are no losses in it`);
  if (steps >= total) {
    throw new Error(
      `${path} is of step ${steps} already, and this run ends at step ${total}: ask for more steps or epochs`,
    );
  }
  console.log(`going on from ${path}`);
  return checkpoint;
}

/** Saves what Ctrl-C left and ends the program. */
async function stop(path: string, checkpoint: unknown, step: number): Promise<never> {
  await torch.save(checkpoint, path);
  console.log(
    `\nstopped at step ${step}; saved to ${path}; the same command with --resume goes on`,
  );
  Deno.exit(130);
}

async function forget(path: string): Promise<void> {
  await Deno.remove(path).catch((e) => {
    if (!(e instanceof Deno.errors.NotFound)) throw e;
  });
}

/** The largest |a / b - 1| over the first n of both. */
function difference(a: readonly number[], b: readonly number[], n: number): number {
  let largest = 0;
  for (let i = 0; i < Math.min(n, a.length, b.length); i++) {
    largest = Math.max(largest, Math.abs(a[i] / b[i] - 1));
  }
  return largest;
}

/** The losses that PyTorch recorded for the same run. */
async function recorded(run: string): Promise<{ torch: string; losses: number[] }> {
  return JSON.parse(
    await Deno.readTextFile(new URL(`../tests/golden/train/${run}.json`, import.meta.url)),
  );
}

async function twoLayer(): Promise<void> {
  const { steps } = options, path = `${options.out}/two_layer_net.checkpoint.safetensors`;
  console.log(
    "\nTwo-layer network: 1000 -> 100 -> 10, summed squared error, gradient descent, seed 0",
  );
  const resume = await checkpointAt<TwoLayerNetCheckpoint>(path, steps);
  const progress = new Progress("two-layer", steps, resume?.losses.length);
  const start = performance.now(), first = resume?.losses.length ?? 0;
  const result = await trainTwoLayerNet({
    steps,
    resume,
    onStep: (losses) => {
      progress.update(losses.length, losses[losses.length - 1]);
      return interrupt.check();
    },
  });
  const seconds = (performance.now() - start) / 1e3, { losses } = result;
  progress.stop();
  if (losses.length < steps) await stop(path, result, losses.length);
  await forget(path);
  console.log(curve(losses, { log: true }));
  console.log(
    `loss ${losses[0].toPrecision(6)} -> ${losses[losses.length - 1].toPrecision(6)}, ` +
      `${(seconds * 1e3 / Math.max(losses.length - first, 1)).toFixed(2)} ms a step`,
  );
  const theirs = await recorded("two_layer_net");
  console.log(
    `against the losses that PyTorch ${theirs.torch} recorded: the first 100 within ` +
      `${difference(losses, theirs.losses, 100).toExponential(1)}, all within ` +
      `${difference(losses, theirs.losses, losses.length).toExponential(1)} (relative)`,
  );
}

async function digits(): Promise<void> {
  const epochs = options.epochs ?? (options.data ? 2 : 5);
  const path = `${options.out}/digits.checkpoint.safetensors`,
    model = `${options.out}/digits.safetensors`;
  const data: DigitData = await loadDigits(options.data);
  console.log(
    `\nDigits: 784 -> 128 -> 10, cross-entropy, Adam; ${data.train.labels.numel()} images to train on, ` +
      `${data.test.labels.numel()} to test with, seed ${options.seed}`,
  );
  const total = epochs * stepsPerEpoch(data);
  const resume = await checkpointAt<DigitsCheckpoint>(path, total);
  const progress = new Progress("digits", total, resume?.losses.length);
  const result = await trainDigits(data, {
    epochs,
    seed: options.seed,
    resume,
    onStep: (losses) => {
      progress.update(losses.length, losses[losses.length - 1]);
      return interrupt.check();
    },
  });
  progress.stop();
  if (result.losses.length < total) await stop(path, result, result.losses.length);
  await forget(path);
  console.log(curve(result.losses));
  result.accuracies.forEach((a, i) => console.log(`epoch ${i + 1}: test accuracy ${a.toFixed(4)}`));
  if (options.data && options.seed === 0) {
    const theirs = await recorded("mnist_mlp");
    console.log(
      `against the losses that PyTorch ${theirs.torch} recorded: the first 300 within ` +
        `${difference(result.losses, theirs.losses, 300).toExponential(1)} (relative)`,
    );
  }
  await torch.save(result.model, model);
  const again = digitNetwork();
  again.loadStateDict(await torch.load(model));
  const { size } = await Deno.stat(model);
  console.log(
    `saved to ${model} (${size} bytes); loaded again: test accuracy ${
      accuracy(again, data.test).toFixed(4)
    }`,
  );
}

try {
  await Deno.mkdir(options.out, { recursive: true });
  // Where nothing can be written, that is said before the training, not after it.
  await Deno.remove(await Deno.makeTempFile({ dir: options.out }));
  if (network !== "digits") await twoLayer();
  if (network !== "two-layer") await digits();
} catch (e) {
  if (!(e instanceof Error)) throw e;
  console.error(`\nerror: ${e.message.replaceAll(/\s*\n\s*/g, " ")}`);
  Deno.exit(1);
}
