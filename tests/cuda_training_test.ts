/**
 * Training runs that PyTorch recorded, followed on a CUDA device as far as tests/recorded_test.ts and tests/train_test.ts
 * follow them on the CPU: models are made there from the recorded seeds and moved. The GPT is followed for all that is
 * recorded of it by
 *
 *     deno task test:cuda:runs
 */
import { assertLess } from "@std/assert";
import { loadText, trainGpt } from "../examples/gpt.ts";
import { cnn } from "../examples/mnist_cnn.ts";
import { loadNames, trainNames } from "../examples/names.ts";
import { difference } from "../examples/program.ts";
import { trainTwoLayerNet } from "../examples/two_layer_net.ts";
import * as torch from "../mod.ts";
import { cudaTest, setOrder } from "./cuda.ts";
import {
  assertLosses,
  digitBatches,
  followFineTuning,
  recorded,
  trainCnn,
} from "./recorded_runs.ts";

const device = "cuda", whole = Deno.env.get("DINOTORCH_CUDA_RUNS") === "whole";

/** Says how far a long run is, every ten seconds. */
function progress(name: string, n: number): (losses: readonly number[]) => void {
  let last = performance.now();
  return ({ length }) => {
    if (!whole || performance.now() - last < 10_000) return;
    last = performance.now();
    Deno.stderr.writeSync(new TextEncoder().encode(`${name}: ${length} of ${n} steps\n`));
  };
}

/** A run: `follow` asserts that n steps of it are PyTorch's, with the emulator's threads in `order`. */
function run(name: string, order: string, n: number, follow: (n: number) => Promise<void>): void {
  cudaTest(`recorded: ${name}, ${n} steps`, async () => {
    setOrder(order);
    try {
      await follow(n);
    } finally {
      setOrder("forward");
    }
  });
}

run("the two-layer network", "reverse", 500, async (n) => {
  const theirs = await recorded("two_layer_net"), said = progress("two-layer network", n);
  const onStep = (losses: readonly number[]) => (said(losses), false);
  const { losses } = await trainTwoLayerNet({ steps: n, device, onStep });
  assertLosses(losses, theirs, n);
});

run("the CNN", "random:3", 40, async (n) => {
  const theirs = await recorded("mnist_cnn");
  torch.manualSeed(0);
  const model = cnn().to(device);
  assertLosses(trainCnn(model, await digitBatches(n, device), progress("CNN", n)), theirs, n);
});

run("the GPT", "forward", whole ? 100 : 20, async (n) => {
  const theirs = await recorded<{ grad_norms: number[] }>("char_gpt"), said = progress("GPT", n);
  const { losses, norms } = await trainGpt(await loadText(), {
    device,
    onStep: (losses) => (said(losses), losses.length === n),
  });
  assertLosses(losses, theirs, n);
  // As far as the CPU's are compared.
  assertLess(difference(norms, theirs.grad_norms, Math.min(n, 20)), 1e-5);
});

run("the GRU", "forward", 300, async (n) => {
  const theirs = await recorded<{ test_loss: number }>("char_rnn_names"), said = progress("GRU", n);
  const trained = await trainNames(await loadNames(), {
    steps: n,
    device,
    onStep: (losses) => (said(losses), false),
  });
  assertLosses(trained.losses, theirs, n);
  assertLess(Math.abs(trained.testLoss! / theirs.test_loss - 1), 1e-5);
});

run("the frozen ResNet", "reverse", 10, () => followFineTuning(device));
