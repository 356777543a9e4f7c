/**
 * Training runs that PyTorch recorded, on any device: what tests/recorded_test.ts follows on the CPU and
 * tests/cuda_training_test.ts on a CUDA device.
 *
 * A run that sums in another order drifts from PyTorch's; how far that may be shows PyTorch itself, whose runs in float32
 * and float64 from the same start were both recorded. Ours may be 4 times as far from the float64 losses, and where those
 * two hardly differ 1e-6, some units in the last place of float32.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { type Digits, readDigits } from "../examples/mnist.ts";
import { difference, recorded as read } from "../examples/program.ts";
import * as torch from "../mod.ts";
import { sha256 } from "./sha256.ts";

const { F, models, nn, optim } = torch;
type Tensor = torch.Tensor;

/** What is recorded of every run. */
export interface Run {
  losses: number[];
  losses_float64: number[];
  /** Digests of what the run began with, by name. */
  sha256: Record<string, string>;
}

/** The record of the run `name`. */
export const recorded = <T extends object = object>(name: string): Promise<Run & T> =>
  read<Run & T>(name);

/** Asserts that the first `n` of `losses` are PyTorch's, and that there are so many. */
export function assertLosses(losses: readonly number[], run: Run, n: number): void {
  assertEquals(losses.length, n);
  const theirs = run.losses_float64 ?? run.losses;
  const drift = difference(run.losses, theirs, n);
  assertLess(difference(losses, theirs, n), Math.max(4 * drift, 1e-6));
}

/** Asserts that the tensors named `prefix`... in the record have its bits. */
export async function assertBits(
  state: Record<string, Tensor>,
  run: Run,
  prefix: string,
): Promise<void> {
  const names = Object.keys(run.sha256).filter((name) => name.startsWith(prefix));
  assert(names.length > 0);
  for (const name of names) {
    assertEquals(await sha256(state[name.slice(prefix.length)]), run.sha256[name], name);
  }
}

/** The first `n` batches of 64 digits of the CNN's epoch, on `device`; 40 are there. */
export async function digitBatches(n: number, device = "cpu"): Promise<Digits[]> {
  const { images, labels } = await readDigits(
    new URL("golden/train/", import.meta.url),
    "mnist_cnn",
  );
  return Array.from({ length: n }, (_, i) => ({
    images: images.narrow(0, 64 * i, 64).view(-1, 1, 28, 28).to(device),
    labels: labels.narrow(0, 64 * i, 64).to(device),
  }));
}

/** Trains the CNN on batches of 64; the losses. */
export function trainCnn(
  model: torch.nn.Module,
  batches: Iterable<Digits>,
  onStep: (losses: readonly number[]) => void = () => {},
): number[] {
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 }), losses: number[] = [];
  for (const { images, labels } of batches) {
    using _ = torch.scope();
    const loss = F.crossEntropy(model(images), labels);
    losses.push(Number(loss.item()));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    onStep(losses);
  }
  return losses;
}

/** Follows the frozen ResNet with a new fc to its end: what it begins with, its losses, gradient and final state. */
export async function followFineTuning(device = "cpu"): Promise<void> {
  const run = await recorded("resnet_finetune");
  const theirs = await torch.load(
    new URL("golden/train/resnet_finetune.safetensors", import.meta.url),
  );
  torch.manualSeed(11);
  const size = { numClasses: 10, inplanes: 8 };
  const model = new models.ResNet(models.BasicBlock, [1, 1, 1, 1], size);
  torch.noGrad(() => {
    for (const m of model.modules()) {
      if (!(m instanceof nn.BatchNorm2d)) continue;
      m.weight!.uniform_(0.5, 1.5);
      m.bias!.normal_(0, 0.1);
      m.runningMean!.normal_(0, 0.1);
      m.runningVar!.uniform_(0.5, 1.5);
    }
  });
  await assertBits(model.stateDict(), run, "pretrained.");
  for (const param of model.parameters()) param.requiresGrad = false;
  model.fc = new nn.Linear(64, 100);
  await assertBits(model.fc.stateDict(), run, "initial.fc.");
  let x = torch.randn(10, 8, 3, 32, 32), y = torch.randint(0, 100, [10, 8]);
  await assertBits({ x, y }, { ...run, sha256: { x: run.sha256.x, y: run.sha256.y } }, "");
  model.to(device);
  [x, y] = [x.to(device), y.to(device)];
  const near = (got: Tensor, want: Tensor, tolerance = 1e-5) => {
    const difference = got.detach().cpu().sub(want).abs().max().div(want.abs().max());
    assertLess(Number(difference.item()), tolerance);
  };
  const evaluated = () => torch.noGrad(() => model.eval()(x.at(0)));
  near(evaluated(), theirs.eval_logits_before);
  model.train();
  const optimizer = new optim.SGD(model.fc.parameters(), { lr: 1e-2, momentum: 0.9 });
  const losses: number[] = [];
  for (let t = 0; t < 10; t++) {
    const logits = model(x.at(t)), loss = F.crossEntropy(logits, y.at(t));
    if (t === 0) near(logits, theirs.logits0);
    optimizer.zeroGrad();
    loss.backward();
    if (t === 0) near(model.fc.bias!.grad!, theirs["grad0.fc.bias"]);
    optimizer.step();
    losses.push(Number(loss.item()));
  }
  assertLosses(losses, run, 10);
  near(evaluated(), theirs.eval_logits_after);
  const state = model.stateDict();
  const final = Object.keys(theirs).filter((name) => name.startsWith("final."));
  assertEquals(final.length, 38);
  for (const name of final) near(state[name.slice(6)].float(), theirs[name].float());
}
