/**
 * Times kernels and a training step on a GPU, with its own clock.
 *
 *     deno task bench:gpu
 */
import * as torch from "../mod.ts";
import { gpt } from "../examples/gpt.ts";

const { nn, optim } = torch, F = nn.functional;

const problem = torch.cuda.problem();
if (problem !== null) {
  console.error(problem);
  Deno.exit(1);
}

const device = "cuda";
const randn = (...shape: number[]) => torch.randn(shape, { device });

/** The least of several times of `f`, in milliseconds of the device's time for one call. */
function time(f: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const start = new torch.cuda.Event(), end = new torch.cuda.Event();
    const calls = round === 0 ? 1 : 10;
    start.record();
    for (let i = 0; i < calls; i++) {
      using _ = torch.scope();
      f();
    }
    end.record();
    if (round > 0) best = Math.min(best, start.elapsedTime(end) / calls);
  }
  return best;
}

/** Prints a row: what it took, and of `amount` (operations or bytes) how much a second. */
function row(name: string, amount: number, unit: "GFLOP/s" | "GB/s", f: () => unknown): void {
  const ms = time(f);
  console.log(
    `${name.padEnd(44)} ${ms.toFixed(3).padStart(9)} ms ${
      (amount / ms / 1e6).toFixed(0).padStart(8)
    } ${unit}`,
  );
}

console.log(`${torch.cuda.getDeviceName()}, Deno ${Deno.version.deno}\n`);
for (const n of [512, 2048, 4096]) {
  const a = randn(n, n), b = randn(n, n);
  row(`matmul ${n} x ${n} x ${n}`, 2 * n ** 3, "GFLOP/s", () => a.matmul(b));
}
const x = randn(64, 1 << 20), y = randn(64, 1 << 20), bytes = 4 * x.numel();
row("add, 64 M elements", 3 * bytes, "GB/s", () => x.add(y));
row("gelu, 64 M elements", 2 * bytes, "GB/s", () => F.gelu(x));
row("sum, 64 M elements", bytes, "GB/s", () => x.sum());
const rows = x.view(-1, 1024);
row("softmax, rows of 1024", 2 * bytes, "GB/s", () => rows.softmax(-1));
row("layerNorm, rows of 1024", 2 * bytes, "GB/s", () => F.layerNorm(rows, [1024]));
const image = randn(32, 64, 56, 56), weight = randn(64, 64, 3, 3);
row(
  "conv2d 3 x 3, 64 channels, 32 x 56 x 56",
  2 * 32 * 64 * 64 * 9 * 56 * 56,
  "GFLOP/s",
  () => F.conv2d(image, weight, { padding: 1 }),
);
const q = randn(8, 12, 512, 64);
row(
  "attention, causal, 8 x 12 x 512 x 64",
  2 * 8 * 12 * 512 ** 2 * 64,
  "GFLOP/s",
  () => F.scaledDotProductAttention(q, q, q, { isCausal: true }),
);

const model = gpt(65).to(device), optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
const ids = torch.randint(0, 65, [12, 64]).to(device);
function step(): void {
  using _ = torch.scope();
  const loss = F.crossEntropy(model(ids).flatten(0, 1), ids.flatten());
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
}
for (let i = 0; i < 20; i++) step(); // until the compiler has seen the program
torch.cuda.synchronize();
const start = performance.now();
for (let i = 0; i < 50; i++) step();
torch.cuda.synchronize();
console.log(
  `\na training step of a small GPT: ${((performance.now() - start) / 50).toFixed(2)} ms`,
);
