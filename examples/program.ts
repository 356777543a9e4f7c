/**
 * What the programs share: their options, checkpoints that Ctrl-C leaves and `--resume` takes, errors in one line.
 */
import { Command, InvalidArgumentError } from "commander";
import * as torch from "../mod.ts";

/** An option's whole number from 1. */
export function positive(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) {
    throw new InvalidArgumentError("expected a whole number from 1");
  }
  return n;
}

/** An option's seed. */
export function seed(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0 || text.trim() === "") {
    throw new InvalidArgumentError("expected a whole number from 0 to 2^53 - 1");
  }
  return n;
}

function device(text: string): string {
  if (text === "cpu") return text;
  if (!/^cuda(:\d+)?$/.test(text)) throw new InvalidArgumentError('expected "cpu" or "cuda"');
  const problem = torch.cuda.problem();
  if (problem !== null) throw new InvalidArgumentError(problem);
  return text;
}

/** The options of every program. */
export interface RunOptions {
  seed: number;
  out: string;
  resume?: boolean;
  device: string;
}

/** A program, its other options to be added; `folder` is where it writes by default. */
export function program(task: string, description: string, folder: string, seed0 = 0): Command {
  return new Command(`deno task ${task}`)
    .description(description)
    .option("--seed <n>", "seed of the random numbers", seed, seed0)
    .option("--out <folder>", "where models and checkpoints go", folder)
    .option("--resume", "go on from the checkpoints in that folder")
    .option("--device <name>", "where to compute: cpu, cuda, cuda:1", device, "cpu");
}

/** Reads the command line. */
export function parse<T extends object>(command: Command): T & RunOptions {
  // `deno task` hands on the "--" that npm's users put before options.
  command.parse(Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args, { from: "user" });
  return command.opts<T & RunOptions>();
}

/** Runs a program that writes to `folder`; an error ends it with one line that says what is wrong. */
export async function run(folder: string, main: () => Promise<void>): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    // Where nothing can be written, that is said before the training, not after it.
    await Deno.remove(await Deno.makeTempFile({ dir: folder }));
    await main();
  } catch (e) {
    if (!(e instanceof Error)) throw e;
    console.error(`\nerror: ${e.message.replaceAll(/\s*\n\s*/g, " ")}`);
    Deno.exit(1);
  }
}

/** What every checkpoint holds. */
interface Checkpoint {
  losses: number[];
}

/** The checkpoint at `path`, if it is to be resumed and there is one; it is of one of the `total` steps. */
export async function checkpointAt<T extends Checkpoint>(
  path: string,
  total: number,
  resume = false,
): Promise<T | null> {
  if (!resume) return null;
  let checkpoint: T;
  try {
    checkpoint = await torch.load<T>(path);
  } catch (e) {
    if (await exists(path)) throw e;
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

/** Whether there is something at `path`. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(
    () => true,
    (e) => !(e instanceof Deno.errors.NotFound),
  );
}

/** Saves what Ctrl-C left and ends the program. */
export async function stop(path: string, checkpoint: Checkpoint): Promise<never> {
  await torch.save(checkpoint, path);
  const step = checkpoint.losses.length;
  console.log(
    `\nstopped at step ${step}; saved to ${path}; the same command with --resume goes on`,
  );
  Deno.exit(130);
}

/** Removes the checkpoint of a run that is over. */
export async function forget(path: string): Promise<void> {
  await Deno.remove(path).catch((e) => {
    if (!(e instanceof Deno.errors.NotFound)) throw e;
  });
}

/** What PyTorch recorded of one of its runs. */
export interface Recorded {
  torch: string;
  losses: number[];
}

/** What PyTorch recorded of the run `name`. */
export async function recorded<T extends object = object>(name: string): Promise<T & Recorded> {
  const url = new URL(`../tests/golden/train/${name}.json`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(url));
}

/** The largest |a / b - 1| over the first n of both. */
export function difference(a: readonly number[], b: readonly number[], n = Infinity): number {
  let largest = 0;
  for (let i = 0; i < Math.min(n, a.length, b.length); i++) {
    largest = Math.max(largest, Math.abs(a[i] / b[i] - 1));
  }
  return largest;
}
