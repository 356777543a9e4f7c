/**
 * The CUDA device against the CPU on sizes that PyTorch's stored answers are too small for: several blocks, blocks of many
 * warps, long sums that are cut, large tiles, ragged ends.
 */
import { assert } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest } from "./cuda.ts";
import { flat, same, testCases } from "./cuda_same.ts";

const { nn } = torch, F = nn.functional;
type Tensor = torch.Tensor;

const CASES: [name: string, run: () => void][] = [
  ["elementwise", () => {
    const x = torch.randn(3, 1, 700), y = torch.randn(5, 700);
    same("add, mul, exp", (a, b) => a.add(b).mul(b).sigmoid(), x, y);
    same("where", (a, b) => torch.where(a.gt(0), a, b), x, y);
    same("clamp", (a) => a.clamp(-0.5, 0.5), x);
    same("transposed", (a) => a.transpose(0, 2).contiguous().mul(2), x);
    same(
      "misaligned",
      (
        a,
      ) => [
        a.index([torch.slice(1, 90)]).mul(2),
        a.index([torch.slice(1)]).add(a.index([torch.slice(0, -1)])),
      ],
      torch.randn(1001),
    );
    same(
      "a scalar, a row and a column",
      (a, b, c, d) => a.mul(b).add(c).mul(d),
      torch.randn(40, 36),
      torch.randn([]),
      torch.randn(36),
      torch.randn(40, 1),
    );
  }],
  ["copies", () => {
    const x = torch.randn(3, 70, 45, 20);
    for (const dims of [[0, 2, 1, 3], [0, 1, 3, 2], [3, 2, 1, 0], [0, 3, 1, 2], [2, 0, 3, 1]]) {
      for (const dtype of [torch.float32, torch.bfloat16, torch.int8, torch.float64]) {
        same(
          `permuted ${dims} ${dtype}`,
          (x) => x.to(dtype).permute(...dims).contiguous(),
          x.detach(),
        );
      }
    }
    // Squares that are full, ragged and on no boundary, a thin matrix, and a view with wider rows.
    for (const [rows, columns] of [[128, 192], [136, 264], [77, 131], [16, 1304], [1160, 24]]) {
      const x = torch.randn(2, rows, columns + 8);
      for (const dtype of [torch.float32, torch.bfloat16, torch.uint8, torch.float64]) {
        same(
          `${rows} x ${columns} turned, ${dtype}`,
          (x) =>
            x.mul(20).abs().to(dtype).index([torch.slice(), torch.slice(), torch.slice(0, columns)])
              .transpose(1, 2).contiguous(),
          x.detach(),
        );
      }
    }
    same(
      "narrow columns",
      (x) =>
        x.index([torch.slice(), torch.slice(), torch.slice(), torch.slice(4, 16)]).contiguous(),
      x,
    );
    same(
      "odd columns",
      (x) =>
        x.index([torch.slice(), torch.slice(), torch.slice(), torch.slice(3, 16)]).contiguous(),
      x,
    );
  }],
  ["sums over long, short and many slices", () => {
    same("one long sum", (x) => x.sum(), torch.randn(100_003));
    same(
      "from places on no boundary",
      (x) => [1, 2, 3].map((k) => x.index([torch.slice(k, -k)]).sum()),
      torch.randn(20_001),
    );
    same("few long sums", (x) => [x.sum(1), x.mean(0), x.norm(2, 1)], torch.randn(5, 40_001));
    same("rows", (x) => [x.sum(-1), x.amax(-1), x.var(-1), x.argmin(-1)], torch.randn(70, 1111));
    same("columns", (x) => [x.sum(0), x.amin(0), x.prod(0), x.argmax(0)], torch.randn(20, 5000));
    same("rows of a block", (x) => [x.sum(1), x.norm(1, 1)], torch.randn(300, 4101));
    same("rows of 16 bits", (x) => x.to(torch.bfloat16).sum(1), torch.randn(40, 1003));
    same("columns in parts", (x) => [x.sum(0), x.std(0)], torch.randn(2100, 132));
    same("long columns", (x) => [x.sum(0), x.var(0), x.norm(2, 0)], torch.randn(700, 36));
    same("columns in layers", (x) => [x.sum(1), x.mean([0, 2])], torch.randn(5, 300, 35));
    same("scans", (x) => [x.cumsum(0), x.logcumsumexp(1)], torch.randn(60, 90));
    same("int64", (x) => [x.sum(), x.max(), x.cumsum(0)], torch.randint(-9, 9, [3000]));
  }],
  ["softmax and losses", () => {
    const x = torch.randn(9, 1500);
    same("softmax", (x) => [x.softmax(-1), x.logSoftmax(0), x.logsumexp(1)], x);
    for (const n of [20, 258, 700, 1026, 3000, 9000, 9001]) {
      const x = torch.randn(3, n), target = torch.randint(0, n, [3]);
      same(`rows of ${n}`, (x) => [x.softmax(-1), x.logSoftmax(-1), x.logsumexp(-1)], x);
      same(
        `crossEntropy of ${n}`,
        (x) => F.crossEntropy(x, target.to(x.device), { labelSmoothing: 0.1 }),
        x,
      );
    }
    // Rows that fill a multiprocessor's shared memory, and longer ones.
    for (const n of [17000, 50257, 60001]) {
      same(`rows of ${n}`, (x) => [x.softmax(-1), x.logSoftmax(-1)], torch.randn(2, n));
    }
    for (const n of [9001, 20008]) {
      const x = torch.randn(2, n).to(torch.bfloat16).to(torch.float32);
      const y = x.to(torch.bfloat16).cuda().logSoftmax(-1);
      assert(
        y.cpu().allclose(x.logSoftmax(-1).to(torch.bfloat16), { rtol: 1e-2 }),
        `16 bits, ${n}`,
      );
    }
    const infinite = torch.randn(4, 9000);
    infinite.select(0, 1).fill_(-Infinity);
    infinite.select(0, 2).select(0, 8900).fill_(Infinity);
    for (const n of [300, 9000]) {
      const run = (device: string) => {
        const x = infinite.index([torch.slice(), torch.slice(9000 - n)]).contiguous().to(device);
        return [x.softmax(-1), x.logSoftmax(-1)].map((y) => y.cpu());
      };
      const here = run("cpu"), there = run("cuda");
      here.forEach((x, i) =>
        assert(x.allclose(there[i], { equalNan: true, rtol: 1e-5 }), `infinities, ${n}: ${i}`)
      );
    }
    const target = torch.randint(0, 1500, [9]), weight = torch.rand(1500);
    same("crossEntropy", (x) => F.crossEntropy(x, target.to(x.device)), x);
    const options = { labelSmoothing: 0.1, ignoreIndex: Number(target.at(0).item()) };
    const smooth = (x: Tensor) =>
      F.crossEntropy(x, target.to(x.device), { weight: weight.to(x.device), ...options });
    same("crossEntropy, smoothed and weighted", smooth, x);
    const many = torch.randint(0, 5, [5000]);
    same("crossEntropy of many", (x) => F.crossEntropy(x, many.to(x.device)), torch.randn(5000, 5));
    same("mseLoss", (x, y) => F.mseLoss(x, y), torch.randn(20_000), torch.randn(20_000));
    same("huberLoss", (x, y) => F.huberLoss(x, y), torch.randn(500), torch.randn(500));
  }],
  ["matrix products in small and large tiles", () => {
    same("130 x 70 x 300", (a, b) => a.matmul(b), torch.randn(130, 300), torch.randn(300, 70));
    same("700 x 20 x 650", (a, b) => a.matmul(b), torch.randn(700, 20), torch.randn(20, 650));
    same(
      "batches",
      (a, b) => a.matmul(b.transpose(-1, -2)),
      torch.randn(4, 33, 17),
      torch.randn(1, 65, 17),
    );
    const linear = new nn.Linear(100, 60);
    same(
      "linear",
      (x, w, b) => F.relu(F.linear(x, w, b)),
      torch.randn(40, 100),
      linear.weight,
      linear.bias!,
    );
    same(
      "float64",
      (a, b) => a.matmul(b),
      torch.randn(40, 50).double(),
      torch.randn(50, 30).double(),
    );
  }],
  ["normalisation", () => {
    const x = torch.randn(12, 1030), w = torch.rand(1030), b = torch.randn(1030);
    same("layerNorm", (x, w, b) => F.layerNorm(x, [1030], w, b), x, w, b);
    for (const n of [20, 258, 700, 3000, 9000, 9001]) {
      same(
        `layerNorm of ${n}`,
        (x, w, b) => F.layerNorm(x, [n], w, b),
        torch.randn(3, n),
        torch.rand(n),
        torch.randn(n),
      );
    }
    same(
      "layerNorm of many rows",
      (x, w, b) => F.layerNorm(x, [40], w, b),
      torch.randn(160, 40),
      torch.rand(40),
      torch.randn(40),
    );
    const image = torch.randn(6, 8, 11, 13);
    same("groupNorm", (x) => F.groupNorm(x, 4), image);
    const affine = [torch.rand(4), torch.randn(4)];
    const grouped = (x: Tensor, w: Tensor, b: Tensor) => F.groupNorm(x, 2, w, b);
    same("groupNorm in shared memory", grouped, torch.randn(2, 4, 75, 73), ...affine);
    same("rmsNorm in shared memory", (x) => F.rmsNorm(x, [9004]), torch.randn(2, 9004));
    for (const x of [image, torch.randn(20, 8, 12, 16)]) {
      same(
        "batchNorm",
        (x, w, b) => {
          const [mean, variance] = [torch.zeros(8), torch.ones(8)].map((t) => t.to(x.device));
          return [F.batchNorm(x, mean, variance, w, b, true), mean, variance];
        },
        x,
        torch.rand(8),
        torch.randn(8),
      );
    }
  }],
  ["convolution and pooling", () => {
    const x = torch.randn(3, 8, 19, 17), w = torch.randn(12, 4, 3, 3), b = torch.randn(12);
    same("conv2d", (x, w, b) => F.conv2d(x, w, b, { stride: 2, padding: 1, groups: 2 }), x, w, b);
    same("dilated", (x, w) => F.conv2d(x, w, { dilation: 2, padding: 2, groups: 2 }), x, w);
    same(
      "convTranspose2d",
      (x, w) => F.convTranspose2d(x, w, { stride: 2 }),
      x,
      torch.randn(8, 5, 3, 2),
    );
    const wide = torch.randn(2, 12, 9, 11), taps = torch.randn(20, 12, 3, 3);
    same(
      "conv2d of many channels",
      (x, w, b) => F.conv2d(x, w, b, { stride: [2, 1], padding: 1, dilation: [1, 2] }),
      wide,
      taps,
      torch.randn(20),
    );
    same(
      "conv2d of many channels in groups",
      (x, w) => F.conv2d(x, w, { groups: 2, padding: 1 }),
      torch.randn(2, 40, 7, 6),
      torch.randn(36, 20, 3, 2),
    );
    same(
      "conv2d of many positions",
      (x, w) => F.conv2d(x, w, { stride: [1, 2], padding: [0, 1] }),
      torch.randn(3, 16, 17, 35),
      torch.randn(17, 16, 1, 3),
    );
    same(
      "conv2d of few channels, with many positions",
      (x, w) => F.conv2d(x, w, { groups: 2 }),
      torch.randn(5, 4, 30, 28),
      torch.randn(6, 2, 3, 3),
    );
    same("depthwise", (x, w) => F.conv2d(x, w, { groups: 8 }), x, torch.randn(8, 1, 3, 3));
    same("maxPool2d", (x) => F.maxPool2d(x, 3, { stride: 2, padding: 1 }), x);
    const dilated = { stride: 1, padding: 1, dilation: [2, 1], ceilMode: true };
    same("maxPool2d, dilated", (x) => F.maxPool2d(x, [2, 3], dilated), x);
    same("adaptiveMaxPool2d", (x) => F.adaptiveMaxPool2d(x, [5, 4]), x);
    same("avgPool2d", (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1 }), x);
    same("adaptiveAvgPool2d", (x) => F.adaptiveAvgPool2d(x, [5, 4]), x);
  }],
  ["indexing", () => {
    const index = torch.randint(0, 300, [500]), x = torch.randn(300, 40);
    same("embedding", (w) => F.embedding(index.to(w.device), w), x);
    same(
      "indexAdd, many on one",
      (x, s) => {
        return x.indexAdd(0, index.fmod(7).to(x.device), s);
      },
      x,
      torch.randn(500, 40),
    );
    const ones = torch.randint(0, 50, [2, 400]);
    same(
      "scatterAdd, of single elements",
      (x, s) => x.scatterAdd(1, ones.to(x.device), s),
      torch.randn(2, 50),
      torch.randn(2, 400),
    );
    same(
      "gather",
      (x) =>
        x.gather(
          0,
          torch.randint(0, 300, [10, 40], { generator: new torch.Generator() }).to(x.device),
        ),
      x,
    );
    same("tril", (x) => [x.tril(), x.triu(2)], x);
    same("x[i]", (x) => x.index([index.to(x.device), torch.slice(3, 30)]), x);
    same("repeated slices", (x) => x.unfold(0, 40, 20), x);
  }],
  ["attention", () => {
    const q = torch.randn(2, 3, 70, 20),
      k = torch.randn(2, 3, 90, 20),
      v = torch.randn(2, 3, 90, 150);
    same("attention", (q, k, v) => F.scaledDotProductAttention(q, k, v), q, k, v);
    same("causal", (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true }), q, k, v);
    same(
      "masked",
      (q, k, v) => {
        const attnMask = torch.linspace(-3, 1, 70 * 90).view(70, 90).to(q.device);
        return F.scaledDotProductAttention(q, k, v, { attnMask });
      },
      q,
      k,
      v,
    );
  }],
  ["recurrent cells", () => {
    for (const Cell of [nn.LSTM, nn.GRU]) {
      torch.manualSeed(5);
      const here = new Cell(12, 20), there = new Cell(12, 20).to("cuda");
      there.loadStateDict(here.stateDict());
      const x = torch.randn(7, 4, 12);
      const run = (x: Tensor) => (x.device === "cpu" ? here : there)(x);
      same(Cell.name, (x) => flat(run(x)), x);
    }
  }],
];

/** The parameter after some steps of an optimizer. */
function trained(make: (p: Tensor[]) => torch.optim.Optimizer, device: string): Tensor {
  const p = torch.linspace(-2, 3, 600).to(device).requiresGrad_(), optimizer = make([p]);
  for (let step = 0; step < 8; step++) {
    optimizer.zeroGrad();
    p.sub(0.5).pow(2).mul(torch.linspace(0.1, 1, 600).to(device)).sum().backward();
    optimizer.step();
  }
  return p.detach().cpu();
}

const { optim } = torch;
const OPTIMIZERS: Record<string, (p: Tensor[]) => torch.optim.Optimizer> = {
  SGD: (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.1, amsgrad: true }),
  RMSprop: (p) => new optim.RMSprop(p, { lr: 0.1, momentum: 0.5, centered: true }),
  Adagrad: (p) => new optim.Adagrad(p, { lr: 0.1, lrDecay: 0.1 }),
  Adadelta: (p) => new optim.Adadelta(p),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.1 }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.1, weightDecay: 0.01 }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.1 }),
  Rprop: (p) => new optim.Rprop(p, { lr: 0.1 }),
  ASGD: (p) => new optim.ASGD(p, { lr: 0.1, t0: 3 }),
};

for (const [name, make] of Object.entries(OPTIMIZERS)) {
  cudaTest(`as the CPU: ${name}`, () => {
    const here = trained(make, "cpu"), there = trained(make, "cuda");
    const most = Number(here.sub(there).abs().max().item());
    assert(most < 1e-5, `differs by ${most}`);
  });
}

testCases(CASES);
