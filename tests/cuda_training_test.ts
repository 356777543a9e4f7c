/**
 * Training runs that PyTorch recorded, followed on a CUDA device: models are made on the CPU from the recorded seeds and
 * moved. The first steps of each, which the emulator does in some seconds; tests/recorded_test.ts follows them further.
 */
import { assertEquals, assertLess } from "@std/assert";
import { loadText, trainGpt } from "../examples/gpt.ts";
import { readDigits } from "../examples/mnist.ts";
import { cnn } from "../examples/mnist_cnn.ts";
import { loadNames, trainNames } from "../examples/names.ts";
import { difference, recorded as read } from "../examples/program.ts";
import { trainTwoLayerNet } from "../examples/two_layer_net.ts";
import * as torch from "../mod.ts";
import { cudaTest, gpu, setOrder } from "./cuda.ts";

const { F, optim } = torch, device = "cuda";

/** How many steps: on the emulator some, on a GPU more. */
const steps = (emulated: number, real: number) => gpu ? real : emulated;

interface Run {
  losses: number[];
  losses_float64: number[];
}

/** Asserts that `losses` are PyTorch's: 4 times as far from its float64 losses as its float32 ones are, or 1e-6. */
async function assertLosses(losses: readonly number[], name: string): Promise<void> {
  const run = await read<Run>(name), n = losses.length;
  const theirs = run.losses_float64 ?? run.losses;
  const drift = difference(run.losses, theirs, n);
  assertLess(difference(losses, theirs, n), Math.max(4 * drift, 1e-6), name);
}

cudaTest("recorded: the two-layer network", async () => {
  setOrder("reverse");
  const n = steps(12, 100), { losses } = await trainTwoLayerNet({ steps: n, device });
  assertEquals(losses.length, n);
  await assertLosses(losses, "two_layer_net");
  setOrder("forward");
});

cudaTest("recorded: the CNN", async () => {
  setOrder("random:3");
  const { images, labels } = await readDigits(
    new URL("golden/train/", import.meta.url),
    "mnist_cnn",
  );
  torch.manualSeed(0);
  const model = cnn().to(device), optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const losses: number[] = [];
  for (let i = 0; i < steps(2, 40); i++) {
    using _ = torch.scope();
    const x = images.narrow(0, 64 * i, 64).view(-1, 1, 28, 28).to(device);
    const loss = F.crossEntropy(model(x), labels.narrow(0, 64 * i, 64).to(device));
    losses.push(Number(loss.item()));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  }
  await assertLosses(losses, "mnist_cnn");
  setOrder("forward");
});

cudaTest("recorded: the GPT", async () => {
  const n = steps(1, 20);
  const { losses, norms } = await trainGpt(await loadText(), {
    device,
    onStep: (losses) => losses.length === n,
  });
  await assertLosses(losses, "char_gpt");
  const theirs = await read<Run & { grad_norms: number[] }>("char_gpt");
  assertLess(difference(norms, theirs.grad_norms, n), 1e-5);
});

cudaTest("recorded: the GRU", async () => {
  const { losses } = await trainNames(await loadNames(), { steps: steps(3, 300), device });
  await assertLosses(losses, "char_rnn_names");
});
