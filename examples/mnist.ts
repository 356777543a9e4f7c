/**
 * Handwritten digits: an MLP of 784, 128 and 10 units, trained by Adam; and the loop that trains the other networks of
 * digits, too.
 */
import * as torch from "../mod.ts";
import { F, nn, type Tensor } from "../mod.ts";
import { gunzip, parseIdx } from "../src/io/idx.ts";

const BATCH = 64, LEARNING_RATE = 1e-3;

/** Images [n, 784] or [n, 1, 28, 28], scaled to mean 0 and deviation 1 over the training set, and labels [n] from 0. */
export interface Digits {
  images: Tensor;
  labels: Tensor;
}

/** What is trained on and what is tested with. */
export interface DigitData {
  train: Digits;
  test: Digits;
}

async function readIdx(folder: URL, names: string[]) {
  for (const name of names) {
    const file = new URL(name, folder);
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(file);
    } catch (e) {
      if (e instanceof Deno.errors.NotFound) continue;
      throw e;
    }
    return parseIdx(await gunzip(bytes, file.pathname), file.pathname);
  }
  throw new Error(`${folder.pathname}: expected a file ${names.join(" or ")}`);
}

/** One pair of MNIST's files, `prefix` being "train" or "t10k"; gzipped or not. */
export async function readDigits(folder: URL, prefix: string): Promise<Digits> {
  const both = (name: string) => [`${name}.gz`, name];
  const images = await readIdx(folder, both(`${prefix}-images-idx3-ubyte`));
  const labels = await readIdx(folder, both(`${prefix}-labels-idx1-ubyte`));
  const [n, rows, columns] = images.shape;
  if (labels.shape[0] !== n || rows !== 28 || columns !== 28) {
    throw new Error(
      `${folder.pathname}: ${prefix}: expected images [n, 28, 28] and labels [n], ` +
        `got [${images.shape.join(", ")}] and [${labels.shape.join(", ")}]`,
    );
  }
  const pixels = torch.fromArray(images.data as Uint8Array, [n, 784]);
  return {
    images: pixels.to(torch.float32).div(255).sub(0.1307).div(0.3081),
    labels: torch.fromArray(labels.data as Uint8Array).to(torch.int64),
  };
}

/** The full set from `folder`; without one, the 10,000 test digits that come with the examples, cut 8,000 to 2,000. */
export async function loadDigits(folder?: string): Promise<DigitData> {
  if (folder !== undefined) {
    const url = new URL(`file://${await Deno.realPath(folder)}/`);
    return { train: await readDigits(url, "train"), test: await readDigits(url, "t10k") };
  }
  const { images, labels } = await readDigits(new URL("data/mnist/", import.meta.url), "t10k");
  const part = (start: number, length: number) => ({
    images: images.narrow(0, start, length),
    labels: labels.narrow(0, start, length),
  });
  return { train: part(0, 8000), test: part(8000, 2000) };
}

/** Digits as images of one channel: [n, 1, 28, 28]. */
export function asImages({ train, test }: DigitData): DigitData {
  const view = ({ images, labels }: Digits) => ({ images: images.view(-1, 1, 28, 28), labels });
  return { train: view(train), test: view(test) };
}

/** The network. */
export function digitNetwork(): nn.Sequential {
  return new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
}

/** The share of digits that `model` names rightly. */
export function accuracy(model: nn.Module, { images, labels }: Digits): number {
  using _scope = torch.scope();
  using _mode = torch.noGrad();
  const { training } = model;
  model.eval();
  let right = 0;
  for (let i = 0; i < labels.numel(); i += 1000) {
    const n = Math.min(1000, labels.numel() - i);
    right += Number(
      model(images.narrow(0, i, n)).argmax(1).eq(labels.narrow(0, i, n)).sum().item(),
    );
  }
  model.train(training);
  return right / labels.numel();
}

/** What a run that was stopped goes on from. */
export interface DigitsCheckpoint {
  model: Record<string, Tensor>;
  optimizer: torch.optim.OptimizerStateDict;
  /** Whole epochs behind it, and batches of the one it is in. */
  epoch: number;
  batch: number;
  /** The random numbers' state when that epoch began: its order of the digits follows from it. */
  random: Tensor;
  losses: number[];
  accuracies: number[];
}

/** How to run it. */
export interface DigitsOptions {
  epochs?: number;
  seed?: number;
  resume?: DigitsCheckpoint | null;
  /** Makes the network; the MLP by default. */
  network?: () => nn.Module;
  /** Makes what trains it; Adam by default. */
  optimizerOf?: (network: nn.Module) => torch.optim.Optimizer;
  /** Called after each step with the losses so far; true, or a promise of it, stops there. */
  onStep?: (losses: readonly number[]) => boolean | Promise<boolean>;
  /** Called after each epoch with the test accuracies so far. */
  onEpoch?: (accuracies: readonly number[]) => void;
}

function adam(network: nn.Module): torch.optim.Optimizer {
  return new torch.optim.Adam(network.parameters(), { lr: LEARNING_RATE });
}

/** Trains from `torch.manualSeed(seed)`, or goes on from a checkpoint. */
export async function trainDigits(
  data: DigitData,
  options: DigitsOptions = {},
): Promise<DigitsCheckpoint> {
  const { epochs = 2, seed = 0, resume = null, onStep = () => false, onEpoch = () => {} } = options;
  const { network = digitNetwork, optimizerOf = adam } = options;
  torch.manualSeed(seed);
  const model = network(), optimizer = optimizerOf(model);
  const dataset = new torch.utils.data.TensorDataset(data.train.images, data.train.labels);
  const loader = new torch.utils.data.DataLoader(dataset, { batchSize: BATCH, shuffle: true });
  const losses = [...resume?.losses ?? []], accuracies = [...resume?.accuracies ?? []];
  let epoch = 0, done = 0, random = torch.getRngState();
  if (resume) {
    model.loadStateDict(resume.model);
    optimizer.loadStateDict(resume.optimizer);
    ({ epoch, batch: done, random } = resume);
    torch.setRngState(random);
  }
  const checkpoint = (batch: number): DigitsCheckpoint => ({
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    epoch,
    batch,
    random,
    losses,
    accuracies,
  });
  for (; epoch < epochs; epoch++, done = 0) {
    random = torch.getRngState();
    let batch = 0;
    for (const [images, labels] of loader) {
      if (batch++ < done) continue;
      using _ = torch.scope();
      const loss = F.crossEntropy(model(images), labels);
      losses.push(Number(loss.item()));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      if (await onStep(losses)) return checkpoint(batch);
    }
    accuracies.push(accuracy(model, data.test));
    onEpoch(accuracies);
  }
  return checkpoint(0);
}

/** The number of steps of an epoch. */
export function stepsPerEpoch(data: DigitData): number {
  return Math.ceil(data.train.labels.numel() / BATCH);
}
