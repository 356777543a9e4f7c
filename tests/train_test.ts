/**
 * The examples' networks: PyTorch's losses, and runs that are stopped and resumed.
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  accuracy,
  type DigitData,
  digitNetwork,
  loadDigits,
  trainDigits,
} from "../examples/mnist.ts";
import type { DigitsCheckpoint } from "../examples/mnist.ts";
import { difference, recorded } from "../examples/program.ts";
import { trainTwoLayerNet, type TwoLayerNetCheckpoint } from "../examples/two_layer_net.ts";
import * as torch from "../mod.ts";
import { runExample } from "./example.ts";

/** What a checkpoint is after it was saved and loaded. */
const throughFile = <T>(checkpoint: T): T => torch.load<T>(torch.saveBytes(checkpoint));

Deno.test("train: the two-layer network's 500 losses are PyTorch's", async () => {
  const { losses } = await trainTwoLayerNet();
  const theirs: number[] = (await recorded("two_layer_net")).losses;
  assertEquals(losses.length, 500);
  assertLess(difference(losses, theirs, 100), 1e-5);
  assertLess(difference(losses, theirs, 500), 5e-4);
});

Deno.test("train: a two-layer run that is stopped and resumed has the losses of one that is not", async () => {
  const whole = await trainTwoLayerNet({ steps: 20 });
  const part = await trainTwoLayerNet({ steps: 20, onStep: (losses) => losses.length === 7 });
  assertEquals(part.losses.length, 7);
  const resume = throughFile<TwoLayerNetCheckpoint>(part);
  assertEquals((await trainTwoLayerNet({ steps: 20, resume })).losses, whole.losses);
});

/** The first `n` digits of each part. */
function first(n: number, { train, test }: DigitData): DigitData {
  const cut = ({ images, labels }: DigitData["train"]) => ({
    images: images.narrow(0, 0, n),
    labels: labels.narrow(0, 0, n),
  });
  return { train: cut(train), test: cut(test) };
}

Deno.test("train: a digits' run that is stopped and resumed, in any epoch, goes on as one that is not", async () => {
  const data = first(500, await loadDigits()); // 8 batches an epoch
  const whole = await trainDigits(data, { epochs: 3 });
  assertEquals(whole.losses.length, 24);
  for (const step of [1, 8, 13, 23]) {
    const part = await trainDigits(data, { epochs: 3, onStep: (losses) => losses.length === step });
    assertEquals(part.losses.length, step);
    torch.manualSeed(99); // nothing may hang on what happens between
    const rest = await trainDigits(data, {
      epochs: 3,
      resume: throughFile<DigitsCheckpoint>(part),
    });
    assertEquals(rest.losses, whole.losses);
    assertEquals(rest.accuracies, whole.accuracies);
  }
});

Deno.test("train: a trained model, saved and loaded, names digits as before", async () => {
  const data = await loadDigits();
  const { model, accuracies } = await trainDigits(data, { epochs: 1 });
  assertGreater(accuracies[0], 0.85);
  const again = digitNetwork();
  again.loadStateDict(torch.load(torch.saveBytes(model)));
  assertEquals(accuracy(again, data.test), accuracies[0]);
});

const full = Deno.env.get("DINOTORCH_MNIST");
if (full === undefined) {
  console.log(
    "train: the run on the full MNIST set is left out: DINOTORCH_MNIST does not name a folder with its four files",
  );
}
Deno.test({
  name: "train: on the full MNIST set, the first 300 losses and both accuracies are PyTorch's",
  ignore: full === undefined,
  fn: async () => {
    const theirs = await recorded<{ test_accuracy: number[] }>("mnist_mlp");
    const { losses, accuracies } = await trainDigits(await loadDigits(full), { epochs: 2 });
    assertLess(difference(losses, theirs.losses, 300), 1e-5);
    assertEquals(
      accuracies.map((a) => a.toFixed(4)),
      theirs.test_accuracy.map((a) => a.toFixed(4)),
    );
    assert(losses.every(Number.isFinite));
  },
});

const program = (...args: string[]) => runExample("train.ts", ...args);

Deno.test("train: the program says in one line what is wrong, and takes npm's --", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/file`, out = `${folder}/out`;
    await Deno.writeTextFile(file, "");
    await Deno.mkdir(out);
    await Deno.writeTextFile(`${out}/two_layer_net.checkpoint.safetensors`, "damaged");
    await torch.save({ model: {}, losses: [1, 2] }, `${out}/digits.checkpoint.safetensors`);
    const failures = await Promise.all([
      program("two-layer", "--steps", "1", "--out", file),
      program("two-layer", "--steps", "1", "--out", "/proc/self"),
      program("two-layer", "--steps", "1", "--out", out, "--resume"),
      program("digits", "--out", out, "--resume"),
      program("digits", "--data", folder),
      program("digits", "--data", file),
      program("--seed", "1e30"),
    ]);
    for (const { code, output } of failures) {
      assertEquals(code, 1, output);
      assert(/(^|\n)error: .+\n$/.test(output), output);
      assert(!output.includes("    at "), output);
    }
    const { code, output } = await program("--", "--help");
    assert(code === 0 && output.includes("--resume"), output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
