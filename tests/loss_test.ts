/**
 * Losses beyond the golden cases: second derivatives, the sizes where vectors end, memory layouts, the older arguments,
 * and what is refused.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";

const { F } = torch;
const float64 = torch.float64;

let seed = 7;
const random = () => {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const values = (n: number, low = -2, high = 2) =>
  Float64Array.from({ length: n }, () => low + random() * (high - low));
const numbers = (x: torch.Tensor) => Array.from(x.toTypedArray(), Number);

/** Asserts that the gradient of the gradient of `loss` by `x` agrees with finite differences of the gradient. */
function checkSecond(
  name: string,
  loss: (x: torch.Tensor) => torch.Tensor,
  x: Float64Array,
  shape: number[],
): void {
  const direction = torch.fromArray(values(x.length), shape);
  const firstAt = (at: Float64Array, createGraph: boolean) => {
    const leaf = torch.fromArray(at, shape, { requiresGrad: true });
    const y = loss(leaf);
    const [grad] = torch.autograd.grad([y.mul(y).sum()], [leaf], { createGraph });
    return { leaf, value: grad!.mul(direction).sum() };
  };
  const { leaf, value } = firstAt(x, true);
  value.backward();
  const got = numbers(leaf.grad!);
  x.forEach((_, i) => {
    const step = 1e-5, up = x.slice(), down = x.slice();
    up[i] += step;
    down[i] -= step;
    const rise = (firstAt(up, false).value.item() as number) -
      (firstAt(down, false).value.item() as number);
    assertAlmostEquals(got[i], rise / (2 * step), 2e-5 * (1 + Math.abs(got[i])), `${name} at ${i}`);
  });
}

Deno.test("losses are differentiable twice", () => {
  using _ = torch.scope();
  const pairs = (low: number, high: number) =>
    torch.fromArray(values(6, low, high), [2, 3]).to(float64);
  const x = values(6), p = values(6, 0.1, 0.9), t = pairs(-2, 2), q = pairs(0, 1);
  const signs = torch.tensor([[1, -1, 1], [-1, 1, -1]], { dtype: float64 });
  const classes = torch.tensor([2n, 0n]), weight = torch.fromArray(values(3, 0.5, 2));
  const all: [string, Float64Array, (x: torch.Tensor) => torch.Tensor][] = [
    ["mse", x, (x) => F.mseLoss(x, t)],
    ["mse none", x, (x) => F.mseLoss(x, t, { reduction: "none" })],
    ["mse target", x, (x) => F.mseLoss(t, x)],
    ["l1", x, (x) => F.l1Loss(x, t)],
    ["smooth l1", x, (x) => F.smoothL1Loss(x, t, { beta: 1.5 })],
    ["huber", x, (x) => F.huberLoss(x, t, { delta: 1.5, reduction: "none" })],
    ["bce", p, (x) => F.binaryCrossEntropy(x, q)],
    ["bce target", p, (x) => F.binaryCrossEntropy(q, x)],
    ["logits", x, (x) => F.binaryCrossEntropyWithLogits(x, q)],
    ["logits target", x, (x) => F.binaryCrossEntropyWithLogits(q, x, { reduction: "sum" })],
    ["logits weights", x, (x) => F.binaryCrossEntropyWithLogits(x, q, { posWeight: weight })],
    ["nll", x, (x) => F.nllLoss(x, classes, { weight })],
    ["cross entropy", x, (x) => F.crossEntropy(x, classes)],
    ["cross entropy none", x, (x) => F.crossEntropy(x, classes, { weight, reduction: "none" })],
    ["smoothing", x, (x) => F.crossEntropy(x, classes, { weight, labelSmoothing: 0.2 })],
    ["probabilities", x, (x) => F.crossEntropy(x, q, { weight })],
    ["kl", x, (x) => F.klDiv(x, q)],
    ["poisson", x, (x) => F.poissonNllLoss(x, q)],
    ["gaussian", x, (x) => F.gaussianNllLoss(x, t, q.add(0.5))],
    ["variance", p, (x) => F.gaussianNllLoss(t, q, x)],
    ["triplet", x, (x) => F.tripletMarginLoss(x, t, q)],
    ["cosine", x, (x) => F.cosineEmbeddingLoss(x, t, torch.tensor([1, -1]), { margin: -1 })],
    ["multi margin", x, (x) => F.multiMarginLoss(x, classes, { p: 2 })],
    ["soft margin", x, (x) => F.softMarginLoss(x, signs)],
    [
      "multilabel",
      x,
      (x) => F.multilabelMarginLoss(x, torch.tensor([[0n, -1n, 0n], [2n, 1n, -1n]])),
    ],
  ];
  for (const [name, at, loss] of all) checkSecond(name, loss, at, [2, 3]);
  const images = torch.tensor([[[2n, 0n]], [[1n, 1n]]]);
  checkSecond("per pixel", (x) => F.crossEntropy(x, images), values(12), [2, 3, 1, 2]);
});

Deno.test("fused losses in float32 agree with float64 at every size", () => {
  for (let n = 1; n <= 40; n++) {
    using _ = torch.scope();
    const x = torch.fromArray(values(n, -5, 5)), t = torch.fromArray(values(n, 0, 1));
    const rows = torch.fromArray(values(3 * n, -5, 5), [3, n]), columns = rows.t();
    const targets = torch.tensor([0n, BigInt(n >> 1), BigInt(n - 1)]);
    const losses: [torch.Tensor, (x: torch.Tensor, cast: typeof near) => torch.Tensor][] = [
      [x, (x, as) => F.mseLoss(x, as(t))],
      [x, (x, as) => F.l1Loss(x, as(t), { reduction: "sum" })],
      [x, (x, as) => F.smoothL1Loss(x, as(t), { reduction: "none" })],
      [x, (x, as) => F.huberLoss(x, as(t), { delta: 2 })],
      [x, (x, as) => F.binaryCrossEntropyWithLogits(x, as(t))],
      [rows, (x) => F.crossEntropy(x, targets)],
      [rows, (x) => F.crossEntropy(x, targets, { labelSmoothing: 0.1, reduction: "none" })],
      // The class axis first in memory, and inside of others.
      [columns, (x) => F.crossEntropy(x.t(), targets, { reduction: "sum" })],
      [columns, (x) => F.crossEntropy(x.unsqueeze(0), torch.zeros([1, 3], { dtype: torch.int64 }))],
    ];
    const near = (x: torch.Tensor) => x.to(torch.float32);
    losses.forEach(([x, loss], which) => {
      const results = [near, (x: torch.Tensor) => x].map((as) => {
        const leaf = as(x).detach().requiresGrad_(true), y = loss(leaf, as);
        y.sum().backward();
        return [...numbers(y), ...numbers(leaf.grad!)];
      });
      results[0].forEach((got, i) =>
        assertAlmostEquals(got, results[1][i], 2e-6 * (1 + Math.abs(got)), `${which}, size ${n}`)
      );
    });
  }
});

Deno.test("cross entropy of large logits stays exact", () => {
  const x = torch.tensor([[1000, 999, -1000]], { requiresGrad: true });
  const y = F.crossEntropy(x, torch.tensor([0n]));
  assertAlmostEquals(y.item() as number, Math.log(1 + Math.exp(-1)), 1e-7);
  y.backward();
  const p = 1 / (1 + Math.exp(-1));
  numbers(x.grad!).forEach((g, i) => assertAlmostEquals(g, [p - 1, 1 - p, 0][i], 1e-7));
});

Deno.test("the older arguments of losses", () => {
  const x = torch.tensor([1, 2, 4]), t = torch.tensor([0, 0, 0]);
  assertEquals(F.mseLoss(x, t, { sizeAverage: false }).item(), 21);
  assertEquals(F.mseLoss(x, t, false).item(), 21);
  assertEquals(F.mseLoss(x, t, null, false).tolist(), [1, 4, 16]);
  assertEquals(F.mseLoss(x, t, { sizeAverage: true, reduction: "sum" }).item(), 7);
  assertEquals(F.l1Loss(torch.tensor([1n]), torch.tensor([3n]), { reduce: false }).tolist(), [2]);
});

Deno.test("losses keep PyTorch's names in the history", () => {
  const x = torch.zeros([2, 3], { requiresGrad: true }), t = torch.tensor([0n, 1n]);
  assertEquals(F.crossEntropy(x, t).gradFn!.name, "NllLossBackward0");
  assertEquals(F.mseLoss(x, torch.zeros(2, 3)).gradFn!.name, "MseLossBackward0");
  const pixels = F.crossEntropy(x.unsqueeze(2), t.unsqueeze(1));
  assertEquals(pixels.gradFn!.name, "NllLoss2DBackward0");
});

Deno.test("ctcLoss: layouts of targets agree, and a loss of no path is infinite or zero", () => {
  const x = torch.fromArray(values(4 * 2 * 3), [4, 2, 3]).to(float64).logSoftmax(2);
  const padded = F.ctcLoss(x, torch.tensor([[1n, 2n], [2n, 9n]]), [4, 3], [2, 1]);
  const lengths = [torch.tensor([4n, 3n]), torch.tensor([2n, 1n])];
  const joined = F.ctcLoss(x, torch.tensor([1n, 2n, 2n]), lengths[0], lengths[1]);
  assertEquals(padded.item(), joined.item());
  const short = torch.zeros([1, 1, 3], { requiresGrad: true });
  const target = torch.tensor([[1n, 2n]]);
  assertEquals(F.ctcLoss(short, target, [1], [2], { reduction: "sum" }).item(), Infinity);
  const zero = F.ctcLoss(short, target, [1], [2], { reduction: "sum", zeroInfinity: true });
  zero.backward({ retainGraph: true });
  assertEquals([zero.item(), ...numbers(short.grad!)], [0, 0, 0, 0]);
  assertThrows(() => F.ctcLoss(x, target, [4, 4], [2, 2]), RangeError, "targets");
  assertThrows(() => F.ctcLoss(x, torch.tensor([1n, 7n]), [4, 4], [1, 1]), RangeError, "label 7");
  assertThrows(() => F.ctcLoss(x, torch.tensor([1n, 1n]), [4, 5], [1, 1]), RangeError, "0 to 4");
  const [grad] = torch.autograd.grad([zero], [short], { createGraph: true, retainGraph: true });
  assertThrows(() => grad!.sum().backward(), Error, "ctcLoss");
});

Deno.test("losses refuse what does not fit, and name it", () => {
  const x = torch.zeros(3, 5);
  assertThrows(() => F.crossEntropy(x, torch.tensor([0n, 1n, 5n])), RangeError, "target 5");
  assertThrows(() => F.nllLoss(x, torch.tensor([0n, -1n, 2n])), RangeError, "target -1");
  assertThrows(() => F.crossEntropy(x, torch.tensor([0n, 1n])), RangeError, "batch of 3");
  assertThrows(() => F.crossEntropy(x, torch.zeros(3)), TypeError, "int64");
  assertThrows(
    () => F.crossEntropy(x, torch.tensor([0n, 1n, 2n]), { weight: torch.ones(4) }),
    RangeError,
    "5 classes",
  );
  assertThrows(() => F.mseLoss(x, x, { reduction: "avg" as "mean" }), RangeError, '"avg"');
  assertThrows(() => F.binaryCrossEntropy(x.add(2), x), RangeError, "between 0 and 1, got 2");
  assertThrows(() => F.huberLoss(x, x, { delta: 0 }), RangeError, "positive");
  assertThrows(
    () => F.multilabelMarginLoss(x, torch.ones([3, 5], { dtype: torch.int64 }).mul(5)),
    RangeError,
    "out of bounds",
  );
  assert(Number.isNaN(F.crossEntropy(x, torch.tensor([-100n, -100n, -100n])).item()));
});

Deno.test("a triplet whose positive is the anchor has a finite gradient without eps", () => {
  const x = torch.ones([1, 3], { requiresGrad: true });
  F.tripletMarginLoss(x, x.detach(), torch.zeros(1, 3), { eps: 0, margin: 9 }).backward();
  numbers(x.grad!).forEach((g) => assertAlmostEquals(g, -1 / Math.sqrt(3), 1e-6));
});
