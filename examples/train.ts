/**
 * The tutorial's networks, trained in the terminal:
 *
 *     deno task train                      the two-layer network, then the digits
 *     deno task train digits --data DIR    on the full MNIST set
 *     deno task train --resume             goes on where Ctrl-C stopped it
 */
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
import { trainTwoLayerNet, type TwoLayerNetCheckpoint } from "./two_layer_net.ts";

const command = program(
  "train",
  "Trains the tutorial's networks: a two-layer network on random numbers, and an MLP on MNIST's digits.",
  "build/train",
)
  .argument("[network]", '"two-layer", "digits" or "all"', "all")
  .option(
    "--data <folder>",
    "folder with MNIST's four files (gzipped or not); by default the 10,000 digits that come along",
  )
  .option("--epochs <n>", "passes over the digits (5, or 2 with --data)", positive)
  .option("--steps <n>", "steps of the two-layer network", positive, 500);
const options = parse<{ data?: string; epochs?: number; steps: number }>(command);
const network = command.processedArgs[0] as string;
if (!["two-layer", "digits", "all"].includes(network)) {
  command.error(
    `error: no network ${JSON.stringify(network)}; expected "two-layer", "digits" or "all"`,
  );
}

using interrupt = new Interrupt();

async function twoLayer(): Promise<void> {
  const { steps } = options, path = `${options.out}/two_layer_net.checkpoint.safetensors`;
  console.log(
    "\nTwo-layer network: 1000 -> 100 -> 10, summed squared error, gradient descent, seed 0",
  );
  const resume = await checkpointAt<TwoLayerNetCheckpoint>(path, steps, options.resume);
  const progress = new Progress("two-layer", steps, resume?.losses.length);
  const start = performance.now(), first = resume?.losses.length ?? 0;
  const result = await trainTwoLayerNet({
    steps,
    device: options.device,
    resume,
    onStep: (losses) => {
      progress.update(losses.length, losses[losses.length - 1]);
      return interrupt.check();
    },
  });
  const seconds = (performance.now() - start) / 1e3, { losses } = result;
  progress.stop();
  if (losses.length < steps) await stop(path, result);
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
  const resume = await checkpointAt<DigitsCheckpoint>(path, total, options.resume);
  const progress = new Progress("digits", total, resume?.losses.length);
  const result = await trainDigits(data, {
    epochs,
    seed: options.seed,
    device: options.device,
    resume,
    onStep: (losses) => {
      progress.update(losses.length, losses[losses.length - 1]);
      return interrupt.check();
    },
  });
  progress.stop();
  if (result.losses.length < total) await stop(path, result);
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

await run(options.out, async () => {
  if (network !== "digits") await twoLayer();
  if (network !== "two-layer") await digits();
});
