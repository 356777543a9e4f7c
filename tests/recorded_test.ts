/**
 * Training runs that PyTorch recorded, followed step for step from the same seeds.
 *
 * A run that sums in another order drifts from PyTorch's; how far that may be shows PyTorch itself, whose runs in float32
 * and float64 from the same start were both recorded. Ours may be 4 times as far from the float64 losses, and where those
 * two hardly differ 1e-6, some units in the last place of float32.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { gpt, loadText, trainGpt } from "../examples/gpt.ts";
import { accuracy, asImages, digitNetwork, type Digits, loadDigits } from "../examples/mnist.ts";
import { readDigits } from "../examples/mnist.ts";
import { cnn } from "../examples/mnist_cnn.ts";
import { CharGRU, loadNames, makeNames, trainNames } from "../examples/names.ts";
import { difference, recorded as read } from "../examples/program.ts";
import * as torch from "../mod.ts";
import { sha256 } from "./sha256.ts";

const { F, models, nn, optim } = torch;

interface Run {
  losses: number[];
  losses_float64: number[];
  /** Digests of what the run began with, by name. */
  sha256: Record<string, string>;
}

const recorded = <T extends object = object>(name: string) => read<Run & T>(name);

/** Asserts that the first `n` of `losses` are PyTorch's, and that there are so many. */
function assertLosses(losses: readonly number[], run: Run, n: number): void {
  assertEquals(losses.length, n);
  const drift = difference(run.losses, run.losses_float64, n);
  assertLess(difference(losses, run.losses_float64, n), Math.max(4 * drift, 1e-6));
}

/** Asserts that the tensors named `prefix`... in the record have its bits. */
async function assertBits(
  state: Record<string, torch.Tensor>,
  run: Run,
  prefix: string,
): Promise<void> {
  const names = Object.keys(run.sha256).filter((name) => name.startsWith(prefix));
  assert(names.length > 0);
  for (const name of names) {
    assertEquals(await sha256(state[name.slice(prefix.length)]), run.sha256[name], name);
  }
}

/** Trains the CNN on batches of 64; the losses. */
function trainCnn(model: torch.nn.Module, batches: Iterable<Digits>): number[] {
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 }), losses: number[] = [];
  for (const { images, labels } of batches) {
    using _ = torch.scope();
    const loss = F.crossEntropy(model(images), labels);
    losses.push(Number(loss.item()));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  }
  return losses;
}

Deno.test("recorded: the first 40 losses of the CNN", async () => {
  const run = await recorded("mnist_cnn");
  const { images, labels } = await readDigits(
    new URL("golden/train/", import.meta.url),
    "mnist_cnn",
  );
  torch.manualSeed(0);
  const model = cnn();
  await assertBits(model.stateDict(), run, "initial.");
  const batches = Array.from({ length: 40 }, (_, i) => ({
    images: images.narrow(0, 64 * i, 64).view(-1, 1, 28, 28),
    labels: labels.narrow(0, 64 * i, 64),
  }));
  assertLosses(trainCnn(model, batches), run, 40);
});

const full = Deno.env.get("DINOTORCH_MNIST");
if (full === undefined) {
  console.log(
    "recorded: the CNN's whole epoch is left out: DINOTORCH_MNIST does not name a folder with MNIST's four files",
  );
}
Deno.test({
  name: "recorded: the CNN's whole epoch, in the order of the MLP's first, and its accuracy",
  ignore: full === undefined,
  fn: async () => {
    const run = await recorded<{ test_accuracy: number; epoch_mean_loss: number }>("mnist_cnn");
    const { train, test } = asImages(await loadDigits(full));
    torch.manualSeed(0);
    digitNetwork();
    const indexes = torch.arange(train.labels.numel());
    const options = { batchSize: 64, shuffle: true };
    const order = [...new torch.utils.data.DataLoader(indexes, options)];
    await assertBits({ order: torch.cat(order).to(torch.int32) }, {
      ...run,
      sha256: { order: run.sha256.order },
    }, "");
    torch.manualSeed(0);
    const model = cnn();
    const batches = order.map((batch) => ({
      images: train.images.indexSelect(0, batch),
      labels: train.labels.indexSelect(0, batch),
    }));
    const losses = trainCnn(model, batches);
    assertLosses(losses.slice(0, 200), run, 200);
    const mean = losses.reduce((a, b) => a + b) / losses.length;
    assertLess(Math.abs(mean / run.epoch_mean_loss - 1), 1e-3);
    assertEquals(accuracy(model, test).toFixed(4), run.test_accuracy.toFixed(4));
  },
});

Deno.test("recorded: the first 20 losses and gradients of the GPT, and all that it draws", async () => {
  const run = await recorded<{ grad_norms: number[] }>("char_gpt"), text = await loadText();
  torch.manualSeed(1337);
  const model = gpt(text.characters.length);
  await assertBits(model.stateDict(), run, "initial.");
  const draw = (data: torch.Tensor, ...shape: number[]) =>
    torch.randint(0, data.numel() - 64, shape);
  // Each step draws by itself: that is the same as all at once.
  assertEquals(await sha256(draw(text.train, 2000, 12)), run.sha256.starts);
  assertEquals(await sha256(draw(text.train, 20, 12)), run.sha256["eval_starts.train"]);
  assertEquals(await sha256(draw(text.val, 20, 12)), run.sha256["eval_starts.val"]);
  const { losses, norms } = await trainGpt(text, { onStep: (losses) => losses.length === 20 });
  assertLosses(losses, run, 20);
  assertLess(difference(norms, run.grad_norms, 20), 1e-6);
});

Deno.test("recorded: the GRU's 300 losses, its test loss, and the names it makes up", async () => {
  const run = await recorded<{ test_loss: number; samples: string[]; sample_seed: number }>(
    "char_rnn_names",
  );
  const names = await loadNames();
  torch.manualSeed(3407);
  const order = torch.randperm(names.length);
  assertEquals(await sha256(order.to(torch.int32)), run.sha256.perm);
  const model = new CharGRU();
  await assertBits(model.stateDict(), run, "initial.");
  const batches = torch.randint(0, names.length - 1000, [300, 32]);
  assertEquals(await sha256(batches), run.sha256.batches);
  const trained = await trainNames(names);
  assertLosses(trained.losses, run, 300);
  assertLess(Math.abs(trained.testLoss! / run.test_loss - 1), 1e-6);
  model.loadStateDict(trained.model);
  assertEquals(makeNames(model, 10, run.sample_seed), run.samples);
});

Deno.test("recorded: the frozen ResNet with a new fc", async () => {
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
  const x = torch.randn(10, 8, 3, 32, 32), y = torch.randint(0, 100, [10, 8]);
  await assertBits({ x, y }, { ...run, sha256: { x: run.sha256.x, y: run.sha256.y } }, "");
  const near = (got: torch.Tensor, want: torch.Tensor, tolerance = 1e-5) => {
    const difference = got.detach().sub(want).abs().max().div(want.abs().max());
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
});
