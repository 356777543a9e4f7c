/**
 * A convolutional network that reads handwritten digits, trained by Adam:
 *
 *     deno task cnn                  on 8,000 of the 10,000 digits that come along; the other 2,000 test it
 *     deno task cnn --data DIR       on the full MNIST set
 *     deno task cnn --resume         goes on where Ctrl-C stopped it
 */
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";
import {
  accuracy,
  asImages,
  type DigitsCheckpoint,
  loadDigits,
  stepsPerEpoch,
  trainDigits,
} from "./mnist.ts";
import { checkpointAt, forget, parse, positive, program, run, stop } from "./program.ts";
import { curve, Interrupt, Progress } from "./terminal.ts";

/** Two convolutions and a linear layer: [N, 1, 28, 28] -> [N, 10]. */
export function cnn(): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(1, 8, 3),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(8, 16, 3),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(400, 10),
  );
}

async function main(options: Options): Promise<void> {
  const { data: folder, out, seed } = options, epochs = options.epochs ?? (folder ? 1 : 5);
  const path = `${out}/cnn.checkpoint.safetensors`, file = `${out}/cnn.safetensors`;
  using interrupt = new Interrupt();
  const data = asImages(await loadDigits(folder)), total = epochs * stepsPerEpoch(data);
  console.log(
    `\nConvolutional network, cross-entropy, Adam; ${data.train.labels.numel()} images to train on, ` +
      `${data.test.labels.numel()} to test with, seed ${seed}\n${cnn()}`,
  );
  const resume = await checkpointAt<DigitsCheckpoint>(path, total, options.resume);
  const progress = new Progress("cnn", total, resume?.losses.length);
  const result = await trainDigits(data, {
    epochs,
    seed,
    device: options.device,
    resume,
    network: cnn,
    onStep: (losses) => {
      progress.update(losses.length, losses[losses.length - 1]);
      return interrupt.check();
    },
    onEpoch: (all) =>
      progress.print(`epoch ${all.length}: test accuracy ${all[all.length - 1].toFixed(4)}`),
  });
  progress.stop();
  if (result.losses.length < total) await stop(path, result);
  await forget(path);
  console.log(curve(result.losses));
  await torch.save(result.model, file);
  const again = cnn();
  again.loadStateDict(await torch.load(file));
  console.log(
    `saved to ${file}; loaded again: test accuracy ${accuracy(again, data.test).toFixed(4)}`,
  );
}

type Options = ReturnType<typeof readOptions>;

function readOptions() {
  const command = program(
    "cnn",
    "Trains a convolutional network on MNIST's digits.",
    "build/cnn",
  )
    .option(
      "--data <folder>",
      "folder with MNIST's four files (gzipped or not); by default the 10,000 digits that come along",
    )
    .option("--epochs <n>", "passes over the digits (5, or 1 with --data)", positive);
  return parse<{ data?: string; epochs?: number }>(command);
}

if (import.meta.main) {
  const options = readOptions();
  await run(options.out, () => main(options));
}
