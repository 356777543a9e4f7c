/**
 * Trains a model of GPT-2's smallest size (124M parameters) on random tokens, in bfloat16 with float32 weights, and tells
 * tokens per second. bench/gpu_gpt2.py is the same in PyTorch.
 *
 *     deno run -A bench/gpu_gpt2.ts [--batch 16] [--steps 20] [--layers 12] [--float32] [--profile]
 */
import * as torch from "../mod.ts";

const { optim, models } = torch, F = torch.nn.functional;

const problem = torch.cuda.problem();
if (problem !== null) {
  console.error(problem);
  Deno.exit(1);
}

const option = (name: string, value: number) => {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? value : Number(Deno.args[at + 1]);
};
const batch = option("batch", 16), length = option("length", 1024), steps = option("steps", 20);
const narrow = !Deno.args.includes("--float32"), device = "cuda", warmUp = 5;
const vocabSize = option("vocabulary", 50304);

torch.manualSeed(1337);
const model = new models.GPT({
  vocabSize,
  blockSize: length,
  nLayer: option("layers", 12),
  nHead: option("heads", 12),
  nEmbd: option("width", 768),
}).to(device);
const parameters = [...model.parameters()];
const optimizer = new optim.AdamW([
  { params: parameters.filter((p) => p.ndim > 1), weightDecay: 0.1 },
  { params: parameters.filter((p) => p.ndim === 1), weightDecay: 0 },
], { lr: 6e-4, betas: [0.9, 0.95] });
const idx = torch.randint(vocabSize, [batch, length]).to(device);
const target = torch.randint(vocabSize, [batch, length]).to(device).view(-1);

function step(): torch.Tensor {
  using scope = torch.scope();
  const loss = torch.autocast(
    device,
    { dtype: torch.bfloat16, enabled: narrow },
    () => F.crossEntropy(model(idx).view(-1, vocabSize), target),
  );
  optimizer.zeroGrad();
  loss.backward();
  torch.nn.utils.clipGradNorm_(parameters, 1);
  optimizer.step();
  return scope.keep(loss.detach());
}

/** Prints what kernels take in one step, by name, the longest first: each is timed by itself, with some microseconds more. */
function profile(): void {
  const { backend } = parameters[0], { kernels } = backend;
  const times = new Map<string, { ms: number; calls: number }>();
  const pending: [name: string, from: torch.cuda.Event, to: torch.cuda.Event][] = [];
  const timed = Object.fromEntries(
    (Object.entries(kernels) as [string, (...values: number[]) => void][]).map(([name, kernel]) => [
      name,
      (...values: number[]) => {
        const from = new torch.cuda.Event(), to = new torch.cuda.Event();
        from.record();
        kernel(...values);
        to.record();
        pending.push([name, from, to]);
      },
    ]),
  );
  Object.assign(backend, { kernels: timed });
  try {
    step();
  } finally {
    Object.assign(backend, { kernels });
  }
  torch.cuda.synchronize();
  for (const [name, from, to] of pending) {
    const entry = times.get(name) ?? { ms: 0, calls: 0 };
    times.set(name, { ms: entry.ms + from.elapsedTime(to), calls: entry.calls + 1 });
  }
  const rows = [...times].sort(([, a], [, b]) => b.ms - a.ms);
  const total = rows.reduce((sum, [, { ms }]) => sum + ms, 0);
  console.log(`kernels of a step: ${pending.length} calls, ${total.toFixed(1)} ms`);
  for (const [name, { ms, calls }] of rows.slice(0, 24)) {
    console.log(
      `  ${name.padEnd(32)} ${ms.toFixed(2).padStart(8)} ms ${String(calls).padStart(6)} calls`,
    );
  }
}

const losses: torch.Tensor[] = [];
for (let i = 0; i < warmUp; i++) losses.push(step());
torch.cuda.synchronize();
const start = performance.now();
let asked = 0;
for (let i = 0; i < steps; i++) {
  const t = performance.now();
  losses.push(step());
  asked += performance.now() - t;
}
torch.cuda.synchronize();
const ms = (performance.now() - start) / steps;
const { backend } = parameters[0], { movedOut } = backend.memory();
const count = parameters.reduce((n, p) => n + p.numElements, 0);
console.log(
  `dinotorch GPT-2 ${(count / 1e6).toFixed(0)}M, batch ${batch} x ${length}, ${
    narrow ? "bfloat16" : "float32"
  }: ` +
    `${(batch * length / ms * 1000).toFixed(0)} tokens/s, ${ms.toFixed(1)} ms a step ` +
    `(${(asked / steps).toFixed(1)} ms until the last kernel is asked for), loss ${
      Number(losses[0].item()).toFixed(4)
    } -> ${Number(losses.at(-1)!.item()).toFixed(4)}, ${
      (torch.cuda.maxMemoryAllocated() / 2 ** 30).toFixed(1)
    } GiB, ${movedOut} bytes moved out`,
);
if (Deno.args.includes("--profile")) profile();
