/**
 * The rows of the benchmark on a GPU: gpu_peer.py has PyTorch's, under the same names.
 */
import { gpt } from "../examples/gpt.ts";
import { cnn } from "../examples/mnist_cnn.ts";
import * as torch from "../mod.ts";

const { nn, optim } = torch, F = nn.functional, device = "cuda";
/** Draws on the device. */
const generator = new torch.Generator(device);
type DType = typeof torch.float32;

/** A row: what is run again and again, made when its turn comes. */
interface GpuRow {
  name: string;
  /** Operations, or bytes that are read and written at least. */
  amount?: number;
  unit?: "TFLOP/s" | "GB/s";
  /** Whether it is a training step: timed from the outside, as a program has it. */
  step?: boolean;
  make: () => () => unknown;
}

const randn = (shape: readonly number[], dtype: DType = torch.float32) =>
  torch.randn([...shape], { device, generator }).to(dtype);
const M = 1 << 20;

function matmuls(): GpuRow[] {
  const types = [["float32", torch.float32, false], ["TF32", torch.float32, true], [
    "bfloat16",
    torch.bfloat16,
    false,
  ]] as const;
  return [512, 1024, 2048, 4096, 8192].flatMap((n) =>
    types.map(([name, dtype, tf32]): GpuRow => ({
      name: `matmul ${n} ${name}`,
      amount: 2 * n ** 3,
      unit: "TFLOP/s",
      make() {
        torch.setFloat32MatmulPrecision(tf32 ? "high" : "highest");
        const a = randn([n, n], dtype), b = randn([n, n], dtype);
        return () => a.matmul(b);
      },
    }))
  );
}

/** A row that reads and writes so many bytes an element of `shape`. */
function memory(
  name: string,
  shape: readonly number[],
  perElement: number,
  run: (x: torch.Tensor) => unknown,
  dtype: DType = torch.float32,
): GpuRow {
  const n = shape.reduce((a, b) => a * b, 1);
  return {
    name,
    amount: n * perElement,
    unit: "GB/s",
    make() {
      const x = randn(shape, dtype);
      return () => run(x);
    },
  };
}

function attention(name: string, batch: number, length: number, dtype: DType, grad: boolean) {
  return {
    name,
    amount: (grad ? 7 : 2) * batch * 12 * length ** 2 * 64,
    unit: "TFLOP/s" as const,
    make() {
      const [q, k, v] = [0, 1, 2].map(() => randn([batch, 12, length, 64], dtype));
      const run = () => F.scaledDotProductAttention(q, k, v, { isCausal: true });
      if (!grad) return run;
      for (const x of [q, k, v]) x.requiresGrad_();
      return () => {
        const y = run();
        return torch.autograd.grad(y, [q, k, v], y.detach());
      };
    },
  };
}

/** A training step: with `graph`, recorded once and replayed. */
function step(
  name: string,
  make: () => { model: (x: torch.Tensor) => torch.Tensor; parameters: torch.Tensor[] },
  optimizerOf: (p: torch.Tensor[]) => { step(): void; zeroGrad(): void },
  data: () => torch.Tensor[],
  lossOf: (y: torch.Tensor, target: torch.Tensor) => torch.Tensor,
  graph = false,
): GpuRow {
  return {
    name: `${name}${graph ? ", as a graph" : ""}`,
    step: true,
    make() {
      torch.manualSeed(0);
      const { model, parameters } = make(), optimizer = optimizerOf(parameters);
      const [x, target] = data();
      const run = () => {
        using _ = torch.scope();
        const loss = lossOf(model(x), target);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
      };
      if (!graph) return run;
      for (let i = 0; i < 5; i++) run();
      const recorded = new torch.cuda.CUDAGraph();
      torch.cuda.graph(recorded, run);
      return () => recorded.replay();
    },
  };
}

/** A module on the device, as a function of one tensor. */
function module(m: torch.nn.Module): ReturnType<Parameters<typeof step>[1]> {
  m.to(device);
  const model = m as unknown as (x: torch.Tensor) => torch.Tensor;
  return { model, parameters: [...m.parameters()] };
}

function steps(): GpuRow[] {
  return [false, true].flatMap((graph) => [
    step(
      "two-layer network's step",
      () =>
        module(new nn.Sequential(new nn.Linear(1000, 100), new nn.ReLU(), new nn.Linear(100, 10))),
      (p) => new optim.SGD(p, { lr: 1e-6 }),
      () => [randn([64, 1000]), randn([64, 10])],
      (y, target) => F.mseLoss(y, target, { reduction: "sum" }),
      graph,
    ),
    step(
      "MNIST CNN's step",
      () => module(cnn()),
      (p) => new optim.Adam(p, { lr: 1e-3 }),
      () => [randn([64, 1, 28, 28]), torch.randint(0, 10, [64]).to(device)],
      (y, target) => F.crossEntropy(y, target),
      graph,
    ),
    step(
      "character GPT's step",
      () => module(gpt(65)),
      (p) => new optim.AdamW(p, { lr: 1e-3 }),
      () => [torch.randint(0, 65, [12, 64]).to(device), torch.randint(0, 65, [12 * 64]).to(device)],
      (y, target) => F.crossEntropy(y.flatten(0, 1), target),
      graph,
    ),
  ]);
}

const bf16 = torch.bfloat16;

/** All rows. */
export const gpuRows: readonly GpuRow[] = [
  ...matmuls(),
  memory("clone, 64 M", [64, M], 8, (x) => x.clone()),
  memory("add, 64 M", [64, M], 12, (x) => x.add(x)),
  memory("gelu, 64 M", [64, M], 8, (x) => F.gelu(x)),
  memory("gelu, 64 M, bfloat16", [64, M], 4, (x) => F.gelu(x), bf16),
  memory("transposed copy, 8192 x 8192", [8192, 8192], 8, (x) => x.t().contiguous()),
  memory("sum, 64 M", [64, M], 4, (x) => x.sum()),
  memory("sum of 65536 rows of 1024", [65536, 1024], 4, (x) => x.sum(1)),
  memory("sum of 1024 columns of 65536", [65536, 1024], 4, (x) => x.sum(0)),
  memory("softmax, rows of 1024", [65536, 1024], 8, (x) => x.softmax(-1)),
  memory("softmax, rows of 1024, bfloat16", [65536, 1024], 4, (x) => x.softmax(-1), bf16),
  memory("logSoftmax, rows of 50257", [2048, 50257], 8, (x) => x.logSoftmax(-1)),
  memory("layerNorm, rows of 768", [65536, 768], 8, (x) => F.layerNorm(x, [768])),
  memory("sort, 64 rows of 65536", [64, 65536], 12, (x) => x.sort(-1)),
  memory("topk 10, 64 rows of 65536", [64, 65536], 4, (x) => x.topk(10)),
  memory("median, 64 rows of 65536", [64, 65536], 4, (x) => x.median(-1)),
  memory(
    "interpolate bilinear, 16 x 64 x 128 x 128 to 256",
    [16, 64, 128, 128],
    20,
    (x) => F.interpolate(x, { scaleFactor: 2, mode: "bilinear" }),
  ),
  {
    name: "indexAdd, 1 M rows of 64 into 65536",
    amount: M * 64 * 4,
    unit: "GB/s",
    make() {
      const y = torch.zeros(65536, 64, { device }), x = randn([M, 64]);
      const at = torch.randint(0, 65536, [M]).to(device);
      return () => y.indexAdd(0, at, x);
    },
  },
  ...(["cholesky", "svd", "solve"] as const).map((name): GpuRow => ({
    name: `linalg.${name}, 256 of 64 x 64`,
    make() {
      const a = randn([256, 64, 64]), { linalg } = torch;
      const spd = a.matmul(a.transpose(1, 2)).add(torch.eye(64, { device }));
      if (name === "cholesky") return () => linalg.cholesky(spd);
      return name === "svd" ? () => linalg.svd(a) : () => linalg.solve(spd, a);
    },
  })),
  memory("dropout, 64 M", [64, M], 8, (x) => F.dropout(x, 0.1)),
  {
    name: "cross entropy, 8192 x 50257",
    amount: 4 * 8192 * 50257,
    unit: "GB/s",
    make() {
      const x = randn([8192, 50257]), t = torch.randint(0, 50257, [8192]).to(device);
      return () => F.crossEntropy(x, t);
    },
  },
  {
    name: "cross entropy and its gradient, 8192 x 50257",
    amount: 12 * 8192 * 50257,
    unit: "GB/s",
    make() {
      const x = randn([8192, 50257]).requiresGrad_(),
        t = torch.randint(0, 50257, [8192]).to(device);
      return () => torch.autograd.grad(F.crossEntropy(x, t), [x]);
    },
  },
  {
    name: "layerNorm and its gradients, rows of 768",
    amount: 20 * 65536 * 768,
    unit: "GB/s",
    make() {
      const x = randn([65536, 768]).requiresGrad_(), dy = randn([65536, 768]);
      const norm = new nn.LayerNorm(768).to(device);
      return () => torch.autograd.grad(norm(x), [x, ...norm.parameters()], dy);
    },
  },
  {
    name: "conv2d 3 x 3, 64 channels, 32 x 56 x 56",
    amount: 2 * 32 * 64 * 64 * 9 * 56 * 56,
    unit: "TFLOP/s",
    make() {
      const x = randn([32, 64, 56, 56]), w = randn([64, 64, 3, 3]);
      return () => F.conv2d(x, w, { padding: 1 });
    },
  },
  {
    name: "conv2d 3 x 3 and its gradients, 64 channels, 32 x 56 x 56",
    amount: 6 * 32 * 64 * 64 * 9 * 56 * 56,
    unit: "TFLOP/s",
    make() {
      const x = randn([32, 64, 56, 56]).requiresGrad_(), w = randn([64, 64, 3, 3]).requiresGrad_();
      const dy = randn([32, 64, 56, 56]);
      return () => torch.autograd.grad(F.conv2d(x, w, { padding: 1 }), [x, w], dy);
    },
  },
  attention("attention, causal, 8 x 12 x 512 x 64", 8, 512, torch.float32, false),
  attention("attention, causal, 16 x 12 x 1024 x 64, bfloat16", 16, 1024, bf16, false),
  attention("attention and its gradients, 16 x 12 x 1024 x 64, bfloat16", 16, 1024, bf16, true),
  ...steps(),
];

/** The least of several times of `f`, in milliseconds of the device's time for one call. */
function time(f: () => unknown): number {
  let best = Infinity, calls = 1;
  for (let round = 0; round < 6; round++) {
    const start = new torch.cuda.Event(), end = new torch.cuda.Event();
    start.record();
    for (let i = 0; i < calls; i++) {
      using _ = torch.scope();
      f();
    }
    end.record();
    const ms = start.elapsedTime(end) / calls;
    if (round > 1) best = Math.min(best, ms);
    if (ms > 500) return ms;
    calls = Math.max(3, Math.min(1500, Math.ceil(15 / ms))); // some 15 ms
  }
  return best;
}

/** The median of several times of a step, in milliseconds of the program's time. */
function timeStep(f: () => unknown): number {
  const began = performance.now();
  for (let i = 0; i < 150 && performance.now() - began < 3000; i++) f(); // until the compiler has seen it
  const times: number[] = [];
  for (let round = 0; round < 7 && performance.now() - began < 6000; round++) {
    torch.cuda.synchronize();
    const start = performance.now();
    for (let i = 0; i < 40; i++) f();
    torch.cuda.synchronize();
    times.push((performance.now() - start) / 40);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** Runs the rows with all of `words` in their names; tells each figure as it comes. */
export function runRows(
  words: readonly string[],
  tell: (row: string, figure: { ms: number } | { error: string }) => void,
): void {
  for (const { name, make, step } of gpuRows) {
    if (!words.every((word) => name.includes(word))) continue;
    // What NVIDIA's libraries have no part in is the same without them.
    if (Deno.env.get("DINOTORCH_BENCH") === "products" && !/matmul|conv|step/.test(name)) continue;
    try {
      using _ = torch.scope();
      const f = make();
      tell(name, { ms: step ? timeStep(f) : time(f) });
    } catch (e) {
      tell(name, { error: (e as Error).message });
    }
    torch.setFloat32MatmulPrecision("highest");
  }
}
