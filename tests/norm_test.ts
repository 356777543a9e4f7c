/** Normalisation beyond PyTorch's stored answers: derivatives by differences, tails of vectors, layouts, state, errors. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";

const { nn } = torch, F = nn.functional;

/** Numbers in [-4, 4), always the same ones. */
function numbers(shape: readonly number[], seed = 1, dtype = torch.float64): Tensor {
  let state = seed * 7919;
  const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 29 - 4;
  });
  return torch.fromArray(data, shape, { dtype });
}

function assertClose(got: Tensor, want: Tensor, tolerance: number, what: string) {
  assertEquals(got.shape, want.shape, what);
  const a = got.detach().double().contiguous().toTypedArray(),
    b = want.detach().double().contiguous().toTypedArray();
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    assert(Math.abs(x - y) <= tolerance * (1 + Math.abs(y)), `${what}[${i}]: ${x}, not ${y}`);
  }
}

type Call = (x: Tensor, w: Tensor, b: Tensor) => Tensor;

/** Calls of (x, weight, bias), with the shapes of x and weight. */
const CALLS: [name: string, call: Call, shape: number[], affine: number[]][] = [
  ["layer", (x, w, b) => F.layerNorm(x, w.shape, w, b), [3, 2, 3], [2, 3]],
  ["rms", (x, w, b) => F.rmsNorm(x, [5], w, 0.1).add(b), [4, 5], [5]],
  ["group", (x, w, b) => F.groupNorm(x, 2, w, b), [2, 4, 3], [4]],
  ["groups of columns", (x, w, b) => F.groupNorm(x, 2, w, b), [3, 6], [6]],
  ["instance", (x, w, b) => F.instanceNorm(x, null, null, w, b), [2, 3, 4], [3]],
  ["batch", (x, w, b) => F.batchNorm(x, null, null, w, b, true), [3, 2, 3], [2]],
  ["columns", (x, w, b) => F.batchNorm(x, null, null, w, b, true), [5, 3], [3]],
  [
    "fixed",
    (x, w, b) => {
      const [mean, variance] = [torch.tensor([0.5, -1]), torch.tensor([2, 0.25])];
      return F.batchNorm(x, mean.double(), variance.double(), w, b);
    },
    [3, 2, 3],
    [2],
  ],
];

Deno.test("normalisation: first and second derivatives against differences", () => {
  for (const [name, call, shape, affine] of CALLS) {
    using _ = torch.scope();
    const inputs = [numbers(shape, 1), numbers(affine, 2), numbers(affine, 3)];
    for (const t of inputs) t.requiresGrad = true;
    // A transposed input, too: its elements lie in another order.
    const turned = numbers(shape.toReversed(), 4).requiresGrad_();
    const ofTurned: Call = (x, w, b) => call(x.permute(shape.map((_, d) => d).reverse()), w, b);
    assert(torch.autograd.gradcheck(call, inputs), name);
    assert(torch.autograd.gradcheck(ofTurned, [turned, inputs[1], inputs[2]]), `${name}, turned`);
    assert(torch.autograd.gradgradcheck(call, inputs), `${name}, second`);
  }
});

Deno.test("normalisation by norms, and distances: derivatives against differences", () => {
  const x = numbers([3, 4], 1).requiresGrad_(), y = numbers([3, 4], 2).requiresGrad_();
  const images = numbers([2, 4, 3], 3).requiresGrad_();
  const check = (f: (...xs: Tensor[]) => Tensor, xs: Tensor[]) => {
    assert(torch.autograd.gradcheck(f, xs), String(f));
    assert(torch.autograd.gradgradcheck(f, xs), String(f));
  };
  check((x) => F.normalize(x, { p: 3, dim: 0 }), [x]);
  check((x) => F.localResponseNorm(x, 3, { alpha: 0.5, k: 2 }), [images]);
  check((x) => torch.renorm(x, 2, 0, 3), [x]);
  check((x, y) => F.cosineSimilarity(x, y), [x, y]);
  check((x, y) => F.pairwiseDistance(x, y, 3), [x, y]);
  check((x, y) => torch.cdist(x, y), [x, y]);
  check((x) => F.pdist(x), [x]);
});

Deno.test("normalisation in float32, forward and backward, for every tail", () => {
  const run = (call: Call, shape: number[], affine: number[], dtype: torch.DType) => {
    const [x, w, b, dy] = [shape, affine, affine, shape].map((s, i) => numbers(s, i + 1, dtype));
    for (const t of [x, w, b]) t.requiresGrad = true;
    const y = call(x, w, b);
    y.backward(dy);
    return [y, x.grad!, w.grad!, b.grad!];
  };
  for (let n = 2; n <= 40; n++) {
    using _ = torch.scope();
    const calls: [string, Call, number[], number[]][] = [
      ["layer", (x, w, b) => F.layerNorm(x, [n], w, b), [3, n], [n]],
      ["rms", (x, w, b) => F.rmsNorm(x, [n], w).add(b), [2, n], [n]],
      ["group", (x, w, b) => F.groupNorm(x, 2, w, b), [2, 4, n], [4]],
      ["batch", (x, w, b) => F.batchNorm(x, null, null, w, b, true), [3, 2, n], [2]],
      ["columns", (x, w, b) => F.batchNorm(x, null, null, w, b, true), [5 * n, n], [n]],
    ];
    for (const [name, ...call] of calls) {
      const [single, double] = [torch.float32, torch.float64].map((t) => run(...call, t));
      single.forEach((t, i) => assertClose(t, double[i], 8e-6, `${name} ${n}, result ${i}`));
    }
  }
});

Deno.test("normalisation: far from zero, long rows, no elements, 16 bits", () => {
  const x = numbers([2, 5000], 1, torch.float32).add(100);
  const y = F.layerNorm(x, [5000]).double();
  assertClose(y, F.layerNorm(x.double(), [5000]), 2e-5, "far from zero");
  for (const shape of [[0, 3], [2, 3, 0]]) {
    const empty = torch.zeros(shape, { requiresGrad: true }), w = torch.ones(3).requiresGrad_();
    const z = shape.length === 2 ? F.layerNorm(empty, [3], w) : F.groupNorm(empty, 1, w);
    assertEquals(z.shape, shape);
    z.sum().backward();
    assertEquals([empty.grad!.shape, w.grad!.tolist()], [shape, [0, 0, 0]]);
  }
  const means = torch.ones(3),
    same = F.batchNorm(torch.zeros(0, 3), means, null, { training: true });
  assertEquals([same.shape, means.tolist()], [[0, 3], [1, 1, 1]]);
  const half = numbers([4, 6], 2).half();
  assertEquals(F.layerNorm(half, [6]).dtype, torch.float16);
  assertEquals(F.batchNorm(half, torch.zeros(6), torch.ones(6)).dtype, torch.float16);
});

Deno.test("batch normalisation: running statistics, and what counts the batches", () => {
  const m = new nn.BatchNorm1d(2, { momentum: null }), seen: number[][] = [];
  for (const rows of [[[1, 2], [3, 6]], [[5, 0], [5, 4]]]) {
    m(torch.tensor(rows));
    seen.push(m.runningMean!.tolist() as number[]);
  }
  assertEquals(seen, [[2, 4], [3.5, 3]]);
  assertEquals(m.runningVar!.tolist(), [1, 8]);
  assertEquals([m.numBatchesTracked!.item(), m.numBatchesTracked!.dtype], [2, torch.int64]);
  assertEquals(Object.keys(m.stateDict()), [
    "weight",
    "bias",
    "running_mean",
    "running_var",
    "num_batches_tracked",
  ]);
  const other = new nn.BatchNorm1d(2).eval();
  other.loadStateDict(m.stateDict());
  const x = torch.tensor([[1, 2]]);
  assertEquals(other(x).tolist(), m.eval()(x).tolist());
  // A refused input leaves everything as it was, in a view too.
  const mean = torch.zeros(4).index([torch.slice(null, null, 2)]);
  assertThrows(() => F.batchNorm(x, mean, null, { training: true }), RangeError, "more than 1");
  F.batchNorm(torch.tensor([[1, 2], [3, 4]]), mean, null, { training: true, momentum: 1 });
  assertEquals(mean.tolist(), [2, 3]);
  m.train();
  assertThrows(() => m(x), RangeError, "more than 1 value per channel");
  assertEquals(m.numBatchesTracked!.item(), 2);
  const i = new nn.InstanceNorm1d(1, { trackRunningStats: true, momentum: 0.5 });
  assertEquals(i(torch.tensor([[1, 3]])).shape, [1, 2]);
  assertEquals([i.runningMean!.tolist(), i.runningVar!.tolist()], [[1], [1.5]]);
});

Deno.test("normalisation modules print as PyTorch's", () => {
  const printed: [torch.nn.Module, string][] = [
    [new nn.LayerNorm(4), "LayerNorm((4,), eps=1e-05, elementwise_affine=True)"],
    [new nn.RMSNorm([2, 3]), "RMSNorm((2, 3), eps=None, elementwise_affine=True)"],
    [new nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True)"],
    [
      new nn.BatchNorm2d(3),
      "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)",
    ],
    [
      new nn.InstanceNorm3d(3),
      "InstanceNorm3d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)",
    ],
    [new nn.LocalResponseNorm(2), "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)"],
    [new nn.CosineSimilarity(), "CosineSimilarity()"],
    [new nn.PairwiseDistance(), "PairwiseDistance()"],
  ];
  for (const [module, text] of printed) assertEquals(String(module), text);
});

Deno.test("normalisation: what is refused", () => {
  const x = torch.ones(2, 3, 4), y = torch.ones(2, 3);
  const refused: [() => unknown, typeof Error, string][] = [
    [() => F.layerNorm(x, [3]), RangeError, "expected an input [*, 3]"],
    [() => F.layerNorm(x, []), RangeError, "at least one axis"],
    [() => F.layerNorm(x, [4], torch.ones(3)), RangeError, "expected weight"],
    [() => F.layerNorm(x.long(), [4]), TypeError, "torch.int64"],
    [() => F.layerNorm(x, [4], torch.ones(4).double()), TypeError, "torch.float64"],
    [() => F.groupNorm(x, 2), RangeError, "divisible"],
    [() => F.groupNorm(x, 0), RangeError, "divisible"],
    [() => F.groupNorm(x, 3, torch.ones(2)), RangeError, "expected weight [3]"],
    [() => F.groupNorm(torch.ones(1, 2), 2), RangeError, "more than 1"],
    [() => F.batchNorm(y, null, null), Error, "must be defined"],
    [() => F.batchNorm(y, torch.ones(2), torch.ones(3)), RangeError, "should contain 3 elements"],
    [() => F.batchNorm(torch.ones(3), null, null, { training: true }), RangeError, "[N, C, ...]"],
    [() => F.instanceNorm(torch.ones(2, 3, 1)), RangeError, "more than 1 spatial element"],
    [() => F.instanceNorm(x, { useInputStats: false }), Error, "must be defined"],
    [() => F.localResponseNorm(y, 2), RangeError, "3 or more axes"],
    [() => F.localResponseNorm(x, 0), RangeError, "at least 1"],
    [() => torch.renorm(x, 0, 1, 1), RangeError, "positive"],
    [() => torch.renorm(torch.ones(3), 2, 0, 1), RangeError, "two or more axes"],
    [() => torch.cdist(y, torch.ones(2, 4)), RangeError, "[..., P, n]"],
    [() => new nn.GroupNorm(2, 5), RangeError, "divisible"],
    [() => new nn.BatchNorm1d(3)(torch.ones(2, 3, 4, 5)), RangeError, "expected 2D or 3D input"],
    [
      () => new nn.BatchNorm2d(3)(torch.ones(2, 4, 3, 3)),
      RangeError,
      "running_mean should contain 4",
    ],
    [() => new nn.InstanceNorm2d(3)(y), RangeError, "expected 3D or 4D input"],
  ];
  for (const [call, type, text] of refused) assertThrows(call, type, text);
});

Deno.test("cosineSimilarity: of scalars, and of floats with booleans", () => {
  const { F, tensor } = torch;
  assertEquals(F.cosineSimilarity(tensor(-3), tensor(2), { dim: -1 }).item(), -1);
  assertEquals(F.cosineSimilarity(tensor([[3, 4]]), tensor([[true, false]])).dtype, torch.float32);
});
