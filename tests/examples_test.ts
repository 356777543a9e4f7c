/**
 * The examples run, say what is wrong, stop at Ctrl-C and go on from there.
 */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { classifierOnly, frozen, resnetOf, smallResNet, task } from "../examples/fine_tune.ts";
import { type GptCheckpoint, loadText, sample, trainGpt } from "../examples/gpt.ts";
import { asImages, type DigitsCheckpoint, loadDigits, trainDigits } from "../examples/mnist.ts";
import { cnn } from "../examples/mnist_cnn.ts";
import { loadNames, type NamesCheckpoint, trainNames } from "../examples/names.ts";
import * as torch from "../mod.ts";
import { runExample, startExample } from "./example.ts";

/** What a checkpoint is after it was saved and loaded. */
const throughFile = <T>(checkpoint: T): T => torch.load<T>(torch.saveBytes(checkpoint));

/** Asserts that a run of 3 steps is the same when it is stopped after the second and resumed. */
async function assertResumes<T extends { losses: number[] }>(
  train: (resume: T | null, onStep: (losses: readonly number[]) => boolean) => Promise<T>,
): Promise<T> {
  const at = (step: number) => (losses: readonly number[]) => losses.length === step;
  const whole = await train(null, at(3)), part = await train(null, at(2));
  assertEquals([whole.losses.length, part.losses.length], [3, 2]);
  torch.manualSeed(99); // nothing may hang on what happens between
  const rest = await train(throughFile(part), at(3));
  assertEquals(rest.losses, whole.losses);
  return rest;
}

Deno.test("examples: the GPT, stopped and resumed, and what it writes", async () => {
  const text = await loadText();
  await assertResumes<GptCheckpoint>((resume, onStep) => trainGpt(text, { resume, onStep }));
  const model = new torch.models.GPT({
    vocabSize: 65,
    blockSize: 8,
    nLayer: 1,
    nHead: 1,
    nEmbd: 4,
  });
  const written = sample(model, text, 30, 1);
  assertEquals([written.length, written], [30, sample(model, text, 30, 1)]);
});

Deno.test("examples: the GRU of names, stopped and resumed", async () => {
  const names = await loadNames();
  await assertResumes<NamesCheckpoint>((resume, onStep) => trainNames(names, { resume, onStep }));
});

Deno.test("examples: the CNN, stopped and resumed", async () => {
  const data = asImages(await loadDigits());
  await assertResumes<DigitsCheckpoint>((resume, onStep) =>
    trainDigits(data, { network: cnn, resume, onStep })
  );
});

Deno.test("examples: fine-tuning trains the new layer alone", async () => {
  torch.manualSeed(0);
  const weights = smallResNet().stateDict();
  const data = task(asImages(await loadDigits()), 5, 500);
  assertEquals(data.train.labels.shape, [500]);
  assertEquals(data.train.labels.unique().tolist(), [0, 1, 2, 3, 4]);
  const options = { network: () => frozen(weights), optimizerOf: classifierOnly };
  const { model } = await assertResumes<DigitsCheckpoint>((resume, onStep) =>
    trainDigits(data, { ...options, resume, onStep })
  );
  const changed = Object.keys(model).filter((name) => !torch.equal(model[name], weights[name]));
  // Batch normalisation goes on counting in training mode, as in PyTorch.
  assertEquals(changed.filter((name) => !/running_|num_batches/.test(name)), [
    "fc.weight",
    "fc.bias",
  ]);
});

Deno.test("examples: a ResNet is made to fit its state dict", () => {
  const { BasicBlock, Bottleneck, ResNet } = torch.models;
  for (const block of [BasicBlock, Bottleneck]) {
    const model = new ResNet(block, [1, 2, 1, 1], { numClasses: 7, inplanes: 4 });
    assertEquals(String(resnetOf(model.stateDict())), String(model));
  }
});

Deno.test("examples: the programs run", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const runs = await Promise.all([
      runExample(
        "gpt.ts",
        "--out",
        `${folder}/gpt`,
        ..."--steps 2 --sample-every 1 --length 9".split(" "),
      ),
      runExample("names.ts", "--steps", "5", "--out", `${folder}/names`),
      runExample("mnist_cnn.ts", "--epochs", "1", "--out", `${folder}/cnn`),
      runExample("fine_tune.ts", "--epochs", "1", "--digits", "300", "--out", `${folder}/tuned`),
    ]);
    for (const { code, output } of runs) assertEquals(code, 0, output);
    const [gpt, names, , tuned] = runs.map((r) => r.output);
    const said = gpt.match(/the first 2 losses within (\S+) \(relative\)/);
    assertLess(Number(said?.[1] ?? NaN), 1e-6);
    assertStringIncludes(gpt, "step 1: validation loss ");
    assertStringIncludes(names, "against the losses that PyTorch");
    assertStringIncludes(tuned, "645 of 310101 parameters are trained");
    const { "fc.bias": bias } = await torch.load(`${folder}/tuned/fine_tuned.safetensors`);
    assertEquals(bias.shape, [5]);
    const wrong = await Promise.all([
      runExample("fine_tune.ts", "--out", folder, "--weights", `${folder}/cnn/cnn.safetensors`),
      runExample("gpt.ts", "--out", folder, "--data", `${folder}/none`),
      runExample("mnist_cnn.ts", "--device", "tpu"),
    ]);
    for (const { code, output } of wrong) {
      assertEquals(code, 1, output);
      assert(/(^|\n)error: .+\n$/.test(output) && !output.includes("    at "), output);
    }
    assertStringIncludes(wrong[0].output, "not the weights of a ResNet");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("examples: Ctrl-C saves, and --resume goes on", async () => {
  const out = await Deno.makeTempDir();
  try {
    await using child = startExample("names.ts", "--steps", "100000", "--out", out);
    const reader = child.stderr.getReader();
    await reader.read(); // the progress bar: it trains
    reader.releaseLock();
    child.kill("SIGINT");
    const { code, stdout } = await child.output();
    const steps = new TextDecoder().decode(stdout).match(/stopped at step (\d+)/);
    assertEquals([code, steps === null], [130, false]);
    const path = `${out}/names.checkpoint.safetensors`;
    const { losses } = await torch.load<NamesCheckpoint>(path);
    assertEquals(losses.length, Number(steps![1]));
    const total = String(losses.length + 3);
    const resumed = await runExample("names.ts", "--steps", total, "--out", out, "--resume");
    assertStringIncludes(resumed.output, `going on from ${path}`);
    assertEquals(resumed.code, 0, resumed.output);
    assertEquals([...Deno.readDirSync(out)].map((f) => f.name), ["names.safetensors"]);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});
