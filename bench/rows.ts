/**
 * What is measured: each row is a piece of work here and, in PyTorch's words, there.
 */
import * as torch from "../mod.ts";
import { F, nn, type Tensor } from "../mod.ts";

/** One row of the benchmark. */
export interface Row {
  name: string;
  group: string;
  /** Prepares the work; the function it returns does it once. */
  ours: () => () => unknown;
  /** The same in Python: what is prepared, and the work. */
  setup: string;
  code: string;
  /** Floating-point operations of one run, for a rate in GFLOP/s. */
  flops?: number;
  /** Bytes that one run must read and write, for a rate in GB/s. */
  bytes?: number;
}

/** Runs `f` in a scope of its own, so that what it makes is freed at once. */
const scoped = (f: () => unknown) => () => {
  using _ = torch.scope();
  f();
};

function matmul(m: number, k: number, n: number, transposed = ""): Row {
  const aT = transposed.includes("a"), bT = transposed.includes("b");
  const label = `${m}x${k}x${n}${transposed && ` (${[...transposed].join(", ")} transposed)`}`;
  return {
    name: `matmul ${label}`,
    group: "matmul",
    ours: () => {
      const a = aT ? torch.randn(k, m).t() : torch.randn(m, k),
        b = bT ? torch.randn(n, k).t() : torch.randn(k, n);
      return scoped(() => a.matmul(b));
    },
    setup: `a = ${aT ? `torch.randn(${k}, ${m}).t()` : `torch.randn(${m}, ${k})`}; b = ${
      bT ? `torch.randn(${n}, ${k}).t()` : `torch.randn(${k}, ${n})`
    }`,
    code: "a @ b",
    flops: 2 * m * k * n,
  };
}

const MEGA = 1 << 20;

function elementwise(
  name: string,
  inputs: number,
  f: (x: Tensor, y: Tensor) => unknown,
  code: string,
  outputs = 1,
): Row {
  return {
    name: `${name}, 1M floats`,
    group: "elementwise and reductions",
    ours: () => {
      const x = torch.rand(1024, 1024), y = torch.rand(1024, 1024);
      return scoped(() => f(x, y));
    },
    setup: "x = torch.rand(1024, 1024); y = torch.rand(1024, 1024)",
    code,
    bytes: 4 * MEGA * (inputs + outputs),
  };
}

/** A training step of plain gradient descent, as in the tutorial. */
function twoLayerNet(): () => unknown {
  torch.manualSeed(0);
  const x = torch.randn(64, 1000), y = torch.randn(64, 10);
  const model = new nn.Sequential(new nn.Linear(1000, 100), new nn.ReLU(), new nn.Linear(100, 10));
  const lossFn = new nn.MSELoss({ reduction: "sum" });
  return scoped(() => {
    const loss = lossFn(model(x), y);
    model.zeroGrad();
    loss.backward();
    torch.noGrad(() => {
      for (const p of model.parameters()) p.sub_(p.grad!.mul(1e-4));
    });
  });
}

function mnistMlp(): () => unknown {
  torch.manualSeed(0);
  const x = torch.randn(64, 784), y = torch.randint(0, 10, [64]);
  const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
  const optimizer = new torch.optim.Adam(model.parameters(), { lr: 1e-3 });
  return scoped(() => {
    const loss = F.crossEntropy(model(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  });
}

/** Every row. */
export const ROWS: Row[] = [
  ...[32, 64, 128, 256, 512, 1024].map((n) => matmul(n, n, n)),
  matmul(64, 1000, 100, "b"),
  matmul(100, 64, 1000, "a"),
  matmul(64, 784, 128, "b"),
  elementwise("add", 2, (x, y) => x.add(y), "x + y"),
  elementwise("mul by a number", 1, (x) => x.mul(2.5), "x * 2.5"),
  elementwise("exp", 1, (x) => x.exp(), "x.exp()"),
  elementwise("tanh", 1, (x) => x.tanh(), "x.tanh()"),
  elementwise("sum", 1, (x) => x.sum(), "x.sum()", 0),
  elementwise("sum over rows", 1, (x) => x.sum(0), "x.sum(0)", 0),
  elementwise("softmax over columns", 1, (x) => F.softmax(x, 1), "F.softmax(x, 1)"),
  {
    name: "add, 8 floats",
    group: "one small operation",
    ours: () => {
      const x = torch.rand(8), y = torch.rand(8);
      return () => x.add(y);
    },
    setup: "x = torch.rand(8); y = torch.rand(8)",
    code: "x + y",
  },
  {
    name: "add, 8 floats, recorded",
    group: "one small operation",
    ours: () => {
      const x = torch.rand([8], { requiresGrad: true }), y = torch.rand(8);
      return () => x.add(y);
    },
    setup: "x = torch.rand(8, requires_grad=True); y = torch.rand(8)",
    code: "x + y",
  },
  {
    name: "two-layer net (64, 1000, 100, 10)",
    group: "training step",
    ours: twoLayerNet,
    setup: `x, y = torch.randn(64, 1000), torch.randn(64, 10)
model = nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10))
loss_fn = nn.MSELoss(reduction="sum")
def step():
    loss = loss_fn(model(x), y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 1e-4 * p.grad`,
    code: "step()",
  },
  {
    name: "MNIST MLP (64, 784, 128, 10), Adam",
    group: "training step",
    ours: mnistMlp,
    setup: `x, y = torch.randn(64, 784), torch.randint(0, 10, (64,))
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
def step():
    loss = F.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()`,
    code: "step()",
  },
];
