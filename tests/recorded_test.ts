/**
 * Training runs that PyTorch recorded, followed step for step from the same seeds.
 */
import { assertEquals, assertLess } from "@std/assert";
import { gpt, loadText, trainGpt } from "../examples/gpt.ts";
import { accuracy, asImages, digitNetwork, loadDigits } from "../examples/mnist.ts";
import { cnn } from "../examples/mnist_cnn.ts";
import { CharGRU, loadNames, makeNames, trainNames } from "../examples/names.ts";
import { difference } from "../examples/program.ts";
import * as torch from "../mod.ts";
import {
  assertBits,
  assertLosses,
  digitBatches,
  followFineTuning,
  recorded,
  trainCnn,
} from "./recorded_runs.ts";
import { sha256 } from "./sha256.ts";

Deno.test("recorded: the first 40 losses of the CNN", async () => {
  const run = await recorded("mnist_cnn");
  torch.manualSeed(0);
  const model = cnn();
  await assertBits(model.stateDict(), run, "initial.");
  assertLosses(trainCnn(model, await digitBatches(40)), run, 40);
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

Deno.test("recorded: the frozen ResNet with a new fc", () => followFineTuning());
