/**
 * Times what moves memory on a GPU, and attention, with the GPU's own clock: gpu_rows.py has the same rows for PyTorch.
 *
 *     deno run -A bench/gpu_rows.ts [--small]
 *
 * With `--small` everything is so small that the emulator can run it, to see that it does.
 */
import * as torch from "../mod.ts";

const { functional: F } = torch.nn;
type Tensor = torch.Tensor;

const problem = torch.cuda.problem();
if (problem !== null) {
  console.error(problem);
  Deno.exit(1);
}

const device = "cuda", small = Deno.args.includes("--small"), elements = small ? 2 ** 12 : 2 ** 26;
const randn = (...shape: number[]) => torch.randn(shape, { device });

/** The median of several times of `f`, in milliseconds of the device's time for one call. */
function time(f: () => unknown): number {
  const times: number[] = [];
  for (let round = 0; round < (small ? 2 : 8); round++) {
    const start = new torch.cuda.Event(),
      end = new torch.cuda.Event(),
      calls = round === 0 || small ? 1 : 5;
    start.record();
    for (let i = 0; i < calls; i++) {
      using _ = torch.scope();
      f();
    }
    end.record();
    if (round > 0) times.push(start.elapsedTime(end) / calls);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** Prints what it took, and of `amount` (operations or bytes) how much a second. */
function row(name: string, amount: number, unit: "GB/s" | "TFLOP/s", f: () => unknown): void {
  const ms = time(f), rate = amount / ms / (unit === "GB/s" ? 1e6 : 1e9);
  console.log(
    `${name.padEnd(48)} ${ms.toFixed(3).padStart(9)} ms ${rate.toFixed(0).padStart(7)} ${unit}`,
  );
}

console.log(`${torch.cuda.getDeviceName()}, dinotorch\n`);
{
  using _ = torch.scope();
  const x = randn(elements / 1024, 1024), y = randn(elements / 1024, 1024), bytes = 4 * x.numel();
  const bias = randn(1024), column = randn(elements / 1024, 1), narrow = x.to(torch.bfloat16);
  row("copy, 64 M", 2 * bytes, "GB/s", () => x.clone());
  row("add", 3 * bytes, "GB/s", () => x.add(y));
  row("mul by a number", 2 * bytes, "GB/s", () => x.mul(3));
  row("add a bias", 2 * bytes, "GB/s", () => x.add(bias));
  row("mul by a column", 2 * bytes, "GB/s", () => x.mul(column));
  row("gelu", 2 * bytes, "GB/s", () => F.gelu(x));
  row("add, bfloat16", 1.5 * bytes, "GB/s", () => narrow.add(narrow));
  row("float32 to bfloat16", 1.5 * bytes, "GB/s", () => x.to(torch.bfloat16));
  row("transpose, 65536 x 1024", 2 * bytes, "GB/s", () => x.t().contiguous());
  const heads = x.view(-1, elements / 65536 > 1 ? 1024 : 4, 16, 64);
  row("permute heads", 2 * bytes, "GB/s", () => heads.transpose(1, 2).contiguous());
  row("sum", bytes, "GB/s", () => x.sum());
  row("sum of columns", bytes, "GB/s", () => x.sum(0));
  row("sum of rows", bytes, "GB/s", () => x.sum(1));
  row("amax of rows", bytes, "GB/s", () => x.amax(1));
}
for (const n of [64, 1024, 4096, 50257]) {
  using _ = torch.scope();
  const x = randn(Math.max(1, Math.floor(elements / n)), n), bytes = 4 * x.numel();
  const y = x.softmax(-1).requiresGrad_(), leaf = x.detach().requiresGrad_();
  row(`softmax, rows of ${n}`, 2 * bytes, "GB/s", () => x.softmax(-1));
  row(`logSoftmax, rows of ${n}`, 2 * bytes, "GB/s", () => x.logSoftmax(-1));
  const out = leaf.softmax(-1);
  row(
    `softmax, backward`,
    3 * bytes,
    "GB/s",
    () => torch.autograd.grad(out, leaf, { gradOutputs: y, retainGraph: true }),
  );
  const target = torch.randint(0, n, [x.shape[0]]).to(device);
  row(`crossEntropy`, bytes, "GB/s", () => F.crossEntropy(x, target));
  const loss = F.crossEntropy(leaf, target);
  row(
    `crossEntropy, backward`,
    2 * bytes,
    "GB/s",
    () => torch.autograd.grad(loss, leaf, { retainGraph: true }),
  );
}
for (const n of [768, 4096]) {
  using _ = torch.scope();
  const x = randn(Math.max(1, Math.floor(elements / n)), n).requiresGrad_(), bytes = 4 * x.numel();
  const w = randn(n).requiresGrad_(), b = randn(n).requiresGrad_(), dy = randn(...x.shape);
  row(`layerNorm, rows of ${n}`, 2 * bytes, "GB/s", () => F.layerNorm(x, [n], w, b));
  const y = F.layerNorm(x, [n], w, b);
  row(
    `layerNorm, backward`,
    5 * bytes,
    "GB/s",
    () => torch.autograd.grad(y, [x, w, b], { gradOutputs: dy, retainGraph: true }),
  );
}
{
  using _ = torch.scope();
  const x = randn(elements >> 18 || 1, 64, 64, 64).requiresGrad_(),
    dy = randn(...x.shape),
    bytes = 4 * x.numel();
  const w = torch.ones(64, { device }).requiresGrad_(),
    b = torch.zeros(64, { device }).requiresGrad_();
  const norm = () => F.batchNorm(x, null, null, w, b, true), y = norm();
  row("batchNorm, 64 channels of 64 x 64", 2 * bytes, "GB/s", norm);
  row(
    "batchNorm, backward",
    3 * bytes,
    "GB/s",
    () => torch.autograd.grad(y, [x, w, b], { gradOutputs: dy, retainGraph: true }),
  );
}
const SIZES = [[4, 16, 4096, 64, 2], [4, 16, 4096, 128, 2], [16, 12, 1024, 64, 2], [
  4,
  12,
  1024,
  64,
  4,
]];
for (const [batch, heads, whole, width, size] of SIZES) {
  const length = small ? whole / 64 : whole;
  for (const isCausal of [false, true]) {
    using _ = torch.scope();
    const dtype = size === 2 ? torch.bfloat16 : torch.float32;
    const [q, k, v, dy] = [0, 0, 0, 0].map(() =>
      randn(batch, heads, length, width).to(dtype).requiresGrad_()
    );
    const flops = 4 * batch * heads * length ** 2 * width / (isCausal ? 2 : 1);
    const name = `attention ${dtype.name}, ${batch} x ${heads} x ${length} x ${width}${
      isCausal ? ", causal" : ""
    }`;
    row(name, flops, "TFLOP/s", () => F.scaledDotProductAttention(q, k, v, { isCausal }));
    const y = F.scaledDotProductAttention(q, k, v, { isCausal });
    row(
      `  backward`,
      2.5 * flops,
      "TFLOP/s",
      () => torch.autograd.grad(y, [q, k, v], { gradOutputs: dy.detach(), retainGraph: true }),
    );
  }
}
