/**
 * Fine-tuning: a residual network whose features were learned on one task gets a new last layer for another, and only
 * that layer is trained.
 *
 *     deno task fine-tune                     learns the digits 0 to 4, then fine-tunes on 5 to 9
 *     deno task fine-tune --weights FILE      fine-tunes a ResNet of torchvision's, from a safetensors file
 *     deno task fine-tune --resume            goes on where Ctrl-C stopped it
 */
import * as torch from "../mod.ts";
import { models, nn, optim } from "../mod.ts";
import {
  accuracy,
  asImages,
  type DigitData,
  type DigitsCheckpoint,
  type DigitsOptions,
  loadDigits,
  stepsPerEpoch,
  trainDigits,
} from "./mnist.ts";
import { checkpointAt, exists, forget, parse, positive, program, run, stop } from "./program.ts";
import { curve, Interrupt, Progress } from "./terminal.ts";

const CLASSES = 5;

/** Digits are grey, and the network takes colours: each image goes in three times over. */
function takeGrey<M extends nn.Module>(model: M): M {
  model.registerForwardPreHook((_, [x]) => [(x as torch.Tensor).expand(-1, 3, -1, -1)]);
  return model;
}

/** The small network that learns the first task. */
export function smallResNet(): models.ResNet {
  const layers = [1, 1, 1, 1], size = { numClasses: CLASSES, inplanes: 16 };
  return takeGrey(new models.ResNet(models.BasicBlock, layers, size));
}

/** The residual network that a state dict with torchvision's names belongs to, with that state. */
export function resnetOf(state: Record<string, torch.Tensor>): models.ResNet {
  const names = Object.keys(state);
  const layers = [1, 2, 3, 4].map((i) =>
    names.filter((name) => name.startsWith(`layer${i}.`) && name.endsWith(".conv1.weight")).length
  );
  if (!state["conv1.weight"] || !state["fc.weight"] || layers.includes(0)) {
    throw new Error(
      "these are not the weights of a ResNet: expected conv1.weight, layer1 to layer4, and fc.weight",
    );
  }
  const block = state["layer1.0.conv3.weight"] ? models.Bottleneck : models.BasicBlock;
  const model = new models.ResNet(block, layers, {
    numClasses: state["fc.weight"].shape[0],
    inplanes: state["conv1.weight"].shape[0],
  });
  model.loadStateDict(state);
  return takeGrey(model);
}

/** A network with that state, all of it frozen but a new last layer. */
export function frozen(state: Record<string, torch.Tensor>): models.ResNet {
  const model = resnetOf(state);
  for (const param of model.parameters()) {
    param.requiresGrad = false;
  }
  // Parameters of newly constructed modules have requiresGrad = true by default
  model.fc = new nn.Linear(model.fc.inFeatures, CLASSES);
  return model;
}

/** Optimizes only the classifier. */
export function classifierOnly(model: nn.Module): optim.Optimizer {
  return new optim.SGD((model as models.ResNet).fc.parameters(), { lr: 1e-2, momentum: 0.9 });
}

/** The first `most` digits from `least` to `least + 4`, of each part, counted from 0. */
export function task({ train, test }: DigitData, least: number, most = Infinity): DigitData {
  const part = ({ images, labels }: DigitData["train"]) => {
    const chosen = labels.ge(least).logicalAnd(labels.lt(least + CLASSES)).nonzero().view(-1);
    const first = chosen.narrow(0, 0, Math.min(most, chosen.numel()));
    return {
      images: images.indexSelect(0, first),
      labels: labels.indexSelect(0, first).sub(least),
    };
  };
  return { train: part(train), test: part(test) };
}

type Options = ReturnType<typeof readOptions>;

const checkpointOf = (name: string, { out }: Options) => `${out}/${name}.checkpoint.safetensors`;

/** One training run, shown in the terminal; Ctrl-C saves it and ends the program. */
async function train(
  name: string,
  data: DigitData,
  options: Options,
  how: DigitsOptions,
): Promise<DigitsCheckpoint> {
  const { epochs, seed } = options, path = checkpointOf(name, options);
  using interrupt = new Interrupt();
  const total = epochs * stepsPerEpoch(data);
  const resume = await checkpointAt<DigitsCheckpoint>(path, total, options.resume);
  const progress = new Progress(name, total, resume?.losses.length);
  const result = await trainDigits(data, {
    ...how,
    epochs,
    seed,
    device: options.device,
    resume,
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
  return result;
}

/** The path of the weights to begin with: given, learned in an earlier run that is resumed, or learned now. */
async function pretrained(digits: DigitData, options: Options): Promise<string> {
  if (options.weights !== undefined) return options.weights;
  const path = `${options.out}/resnet.safetensors`;
  const isWhole = await exists(path) && !await exists(checkpointOf("pretrain", options));
  if (options.resume && isWhole) return path;
  const data = task(digits, 0, options.digits);
  console.log(
    `\nPretraining on ${data.train.labels.numel()} digits from 0 to 4: a small ResNet, Adam`,
  );
  const { model } = await train("pretrain", data, options, { network: smallResNet });
  await torch.save(model, path);
  await forget(checkpointOf("fine-tune", options)); // what was learned on top of other weights
  console.log(`saved to ${path}, with torchvision's names`);
  return path;
}

async function main(options: Options): Promise<void> {
  const digits = asImages(await loadDigits(options.data));
  const weights = await torch.load(await pretrained(digits, options));
  const data = task(digits, 5, options.digits), file = `${options.out}/fine_tuned.safetensors`;
  const model = frozen(weights),
    count = (tensors: torch.Tensor[]) => tensors.reduce((n, p) => n + p.numel(), 0);
  console.log(
    `\nFine-tuning on ${data.train.labels.numel()} digits from 5 to 9: ` +
      `${count(model.parameters().filter((p) => p.requiresGrad))} of ` +
      `${count(model.parameters())} parameters are trained, by SGD with momentum\n` +
      `before: test accuracy ${accuracy(model, data.test).toFixed(4)}`,
  );
  const result = await train("fine-tune", data, options, {
    network: () => frozen(weights),
    optimizerOf: classifierOnly,
  });
  await torch.save(result.model, file);
  const again = accuracy(resnetOf(await torch.load(file)), data.test);
  console.log(`saved to ${file}; loaded again: test accuracy ${again.toFixed(4)}`);
}

function readOptions() {
  const command = program(
    "fine-tune",
    "Fine-tunes a residual network on digits that it has not seen.",
    "build/fine_tune",
  )
    .option(
      "--weights <file>",
      "state dict of a ResNet with torchvision's names, in a safetensors file; by default a small one is trained first",
    )
    .option(
      "--data <folder>",
      "folder with MNIST's four files (gzipped or not); by default the 10,000 digits that come along",
    )
    .option("--digits <n>", "how many digits to train and to test with, at most", positive, 3000)
    .option("--epochs <n>", "passes over the digits, of each training", positive, 3);
  return parse<{ weights?: string; data?: string; digits: number; epochs: number }>(command);
}

if (import.meta.main) {
  const options = readOptions();
  await run(options.out, () => main(options));
}
