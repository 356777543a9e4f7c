/**
 * Times kernels on a GPU that are no layers of most models: resampling, factorisations, rare losses, writes by index.
 *
 *     deno run -A bench/gpu_rare.ts
 */
import * as torch from "../mod.ts";

const { linalg } = torch, F = torch.nn.functional;

const problem = torch.cuda.problem();
if (problem !== null) {
  console.error(problem);
  Deno.exit(1);
}

const device = "cuda";
const randn = (...shape: number[]) => torch.randn(shape, { device });
const indexes = (below: number, count: number) => torch.randint(0, below, [count]).to(device);

/** Prints the least of several times of `f`, in milliseconds of the device's time for one call. */
function row(name: string, f: () => unknown, calls = 3): void {
  let best = Infinity;
  for (let round = 0; round < 4; round++) {
    const start = new torch.cuda.Event(), end = new torch.cuda.Event();
    start.record();
    for (let i = 0; i < (round === 0 ? 1 : calls); i++) {
      using _ = torch.scope();
      f();
    }
    end.record();
    if (round > 0) best = Math.min(best, start.elapsedTime(end) / calls);
  }
  console.log(`${name.padEnd(52)} ${best.toFixed(3).padStart(9)} ms`);
}

/** Prints the times of `f` and of its gradients by the operands. */
function both(name: string, f: (...x: torch.Tensor[]) => torch.Tensor, ...x: torch.Tensor[]): void {
  row(name, () => f(...x));
  const live = x.map((t) => t.detach().requiresGrad_());
  row(`${name}, with gradients`, () => {
    for (const t of live) t.grad = null;
    f(...live).sum().backward();
  });
}

const image = randn(16, 64, 64, 64);
for (const mode of ["bilinear", "bicubic"] as const) {
  both(
    `interpolate 16 x 64 x 64^2 by 2, ${mode}`,
    (x) => F.interpolate(x, { scaleFactor: 2, mode }),
    image,
  );
}
const grid = torch.rand(16, 64, 64, 2, { device }).mul(2).sub(1);
both("gridSample 16 x 64 x 64^2, anywhere", (x, g) => F.gridSample(x, g), image, grid);
const smooth = F.affineGrid(
  torch.tensor([[[0.9, 0.2, 0.1], [-0.2, 0.9, 0]]], { device }).expand(16, 2, 3),
  [16, 64, 64, 64],
);
both("gridSample 16 x 64 x 64^2, turned", (x, g) => F.gridSample(x, g), image, smooth);
both(
  "gridSample 4 x 3 x 512^2, turned",
  (x, g) => F.gridSample(x, g),
  randn(4, 3, 512, 512),
  F.affineGrid(torch.tensor([[[0.9, 0.2, 0.1], [-0.2, 0.9, 0]]], { device }).expand(4, 2, 3), [
    4,
    3,
    512,
    512,
  ]),
);
const flat = randn(1 << 22);
row("lgamma, 4 M elements", () => torch.lgamma(flat));
row("erfinv, 4 M elements", () => torch.erfinv(flat));

for (const [batch, n] of [[4096, 8], [256, 64], [1, 256], [1, 1024]]) {
  const a = randn(batch, n, n).add(torch.eye(n, { device }).mul(2 * Math.sqrt(n))),
    b = randn(batch, n, 1);
  const s = a.matmul(a.mT), size = `${batch} x ${n}^2`;
  row(`luFactor ${size}`, () => linalg.luFactor(a));
  row(`solve ${size}`, () => linalg.solve(a, b));
  row(`inv ${size}`, () => linalg.inv(a));
  row(`cholesky ${size}`, () => linalg.cholesky(s));
  row(`qr ${size}`, () => linalg.qr(a), 1);
  if (n > 256) continue;
  row(`eigh ${size}`, () => linalg.eigh(s), 1);
  row(`svd ${size}`, () => linalg.svd(a), 1);
}

const targets = torch.randint(1, 64, [32, 100]).to(device);
both(
  "ctcLoss, 400 steps, 32 x 64, 100 labels",
  (x) => F.ctcLoss(F.logSoftmax(x, -1), targets, new Array(32).fill(400), new Array(32).fill(100)),
  randn(400, 32, 64),
);
const table = randn(50257, 768),
  tokens = indexes(50257, 16384),
  rows = randn(16384, 768),
  few = indexes(3, 1 << 20),
  line = randn(1 << 20);
row("indexAdd 16 K rows of 768 into 50 K", () => table.indexAdd_(0, tokens, rows));
row("indexAdd 1 M elements into 3", () => torch.zeros(3, { device }).indexAdd_(0, few, line));
const where = indexes(1 << 20, 1 << 20);
row(
  "scatterAdd 1 M elements into 1 M",
  () => torch.zeros(1 << 20, { device }).scatterAdd_(0, where, line),
);
row(
  "indexPut 1 M elements into 1 M",
  () => torch.zeros(1 << 20, { device }).indexPut_([where], line),
);
row(
  "indexPut 1 M elements into 1 M, added",
  () => torch.zeros(1 << 20, { device }).indexPut_([where], line, true),
);
