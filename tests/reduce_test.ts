/**
 * Reductions and scans beyond PyTorch's stored answers: gradients against finite differences, twice; every tail of a
 * vector; kernels split anywhere; accuracy; ties; errors.
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { cpu } from "../src/backend/wasm.ts";

const { linalg, float32, float64, int64 } = torch;

/** Distinct numbers in (-4, 4), always the same ones, none of them near 0. */
function numbers(count: number, seed = 1): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = state / 2 ** 29 - 4;
    return value + Math.sign(value) * 0.05;
  });
}

function assertClose(got: Tensor, want: Tensor, tolerance: number, what: string) {
  assertEquals(got.shape, want.shape, what);
  const a = got.detach().contiguous().toTypedArray(), b = want.detach().contiguous().toTypedArray();
  for (let i = 0; i < a.length; i++) {
    const x = Number(a[i]), y = Number(b[i]);
    assert(Math.abs(x - y) <= tolerance * (1 + Math.abs(y)), `${what}[${i}]: ${x}, not ${y}`);
  }
}

type Op = (x: Tensor) => Tensor | readonly Tensor[];

const SMOOTH: Record<string, Op> = {
  sum: (x) => x.sum([0, 2]),
  mean: (x) => x.mean(1, true),
  nansum: (x) => torch.nansum(x, 1),
  nanmean: (x) => torch.nanmean(x),
  prod: (x) => x.prod(),
  "prod of an axis": (x) => x.prod(1, true),
  logsumexp: (x) => x.logsumexp([0, 2]),
  max: (x) => x.max(),
  "max of an axis": (x) => x.max(-1).values,
  amin: (x) => x.amin([0, 1]),
  aminmax: (x) => torch.aminmax(x, { dim: 1 }),
  cummax: (x) => x.cummax(1).values,
  cumsum: (x) => x.cumsum(0),
  cumprod: (x) => x.cumprod(1),
  logcumsumexp: (x) => x.logcumsumexp(-1),
  median: (x) => x.median(),
  "median of an axis": (x) => x.median(0).values,
  mode: (x) => x.mode(1).values,
  quantile: (x) => x.quantile(0.3, 1),
  "all quantiles": (x) => x.quantile(torch.tensor([0.2, 0.7], { dtype: float64 })),
  nanquantile: (x) => x.nanquantile(0.6, -1, true, "midpoint"),
  var: (x) => torch.var(x, [0, 1]),
  std: (x) => x.std(2, false),
  stdMean: (x) => torch.stdMean(x, { dim: 1, correction: 0, keepdim: true }),
  diff: (x) => x.diff(2, 1),
  "norm 1": (x) => x.norm(1, 1),
  "norm 2": (x) => x.norm(),
  "norm 3": (x) => x.norm(3, [0, 2], true),
  "norm 1.5": (x) => x.norm(1.5, 1),
  "norm 0.5": (x) => x.norm(0.5, 1),
  "norm -1": (x) => x.norm(-1),
  "norm inf": (x) => x.norm(Infinity, 0),
  "nuclear norm": (x) => x.norm("nuc", [0, 2]),
  "spectral norm": (x) => linalg.matrixNorm(x, 2),
  "smallest singular value": (x) => linalg.matrixNorm(x, -2, [2, 0]),
  "matrix norm 1": (x) => linalg.matrixNorm(x, 1, [0, 2], true),
  softmax: (x) => x.softmax(1),
  logSoftmax: (x) => x.logSoftmax(0),
};

Deno.test("gradients of reductions and scans, and theirs, of a tensor with permuted axes", () => {
  for (const [name, op] of Object.entries(SMOOTH)) {
    using _ = torch.scope();
    const leaf = torch.fromArray(numbers(24, 3), [4, 2, 3], { requiresGrad: true });
    const f = (x: Tensor) => op(x.permute(1, 2, 0));
    assert(torch.autograd.gradcheck(f, leaf), name);
    assert(torch.autograd.gradgradcheck(f, leaf), `${name}, twice`);
  }
});

Deno.test("gradients of products with zeros", () => {
  const zeros = [[0, 0, 0], [2, 0, 3], [0, 2, 0], [1, 2, 0]].map((row) => [...row, 1.5]);
  const ops: Op[] = [(x) => x.prod(1), (x) => x.cumprod(1), (x) => x.cumprod(0), (x) => x.prod()];
  for (const op of ops) {
    const x = torch.tensor(zeros, { dtype: float64, requiresGrad: true });
    assert(torch.autograd.gradcheck(op, x));
    assert(torch.autograd.gradgradcheck(op, x));
  }
});

const NARROW: Record<string, Op> = {
  sum: (x) => x.sum(1),
  mean: (x) => x.mean(1),
  nansum: (x) => torch.nansum(x, 1),
  prod: (x) => x.mul(0.5).prod(1),
  amax: (x) => x.amax(1),
  max: (x) => x.max(1),
  min: (x) => x.min(1),
  cummin: (x) => x.cummin(1),
  std: (x) => x.std(1, { correction: 0 }),
  "norm 1": (x) => x.norm(1, 1),
  "norm 2": (x) => x.norm(2, 1),
  "norm 3": (x) => x.norm(3, 1),
  cumsum: (x) => x.cumsum(1),
  cumprod: (x) => x.mul(0.5).cumprod(1),
  logsumexp: (x) => x.logsumexp(1),
  logcumsumexp: (x) => x.logcumsumexp(1),
  median: (x) => x.median(1),
};

Deno.test("float32 agrees with float64 for every tail of a vector, along and across rows", () => {
  for (let n = 1; n <= 40; n++) {
    for (const shape of [[3, n, 1], [2, n % 7 + 1, n]]) {
      using _ = torch.scope();
      const x32 = torch.fromArray(numbers(shape.reduce((a, b) => a * b), n), shape).to(float32);
      const x64 = x32.to(float64);
      for (const [name, op] of Object.entries(NARROW)) {
        const [a, b] = [op(x32), op(x64)].map((y) => y instanceof torch.Tensor ? [y] : y);
        (a as Tensor[]).forEach((y, i) =>
          assertClose(y.to(float64), (b as Tensor[])[i].to(float64), 3e-6, `${name} of [${shape}]`)
        );
      }
    }
  }
});

Deno.test("the results of kernels do not depend on where their range is split", () => {
  type Kernel = (...values: number[]) => void;
  const kernels = cpu.kernels as unknown as Record<string, Kernel>;
  const outer = 2, n = 35, count = outer * n * 45;
  const source = torch.fromArray(numbers(count), [count], { dtype: float32 });
  const other = torch.fromArray(numbers(count, 9), [count], { dtype: float32 });
  const cases: [name: string, arguments: (y: Tensor, z: Tensor, inner: number) => number[]][] = [
    ["sum", (y, _, inner) => [y.pointer, source.pointer, n, inner, 0]],
    ["norm_l2", (y, _, inner) => [y.pointer, source.pointer, n, inner, 0]],
    ["prod", (y, _, inner) => [y.pointer, source.pointer, n, inner]],
    ["amax", (y, _, inner) => [y.pointer, source.pointer, n, inner]],
    ["softmax", (y, _, inner) => [y.pointer, source.pointer, n, inner]],
    ["log_softmax", (y, _, inner) => [y.pointer, source.pointer, n, inner]],
    ["logsumexp", (y, _, inner) => [y.pointer, source.pointer, n, inner]],
    ["deviations", (y, _, inner) => [y.pointer, source.pointer, other.pointer, n, inner, 0]],
    ["softmax_grad", (y, _, inner) => [y.pointer, source.pointer, other.pointer, n, inner]],
    ["log_softmax_grad", (y, _, inner) => [y.pointer, source.pointer, other.pointer, n, inner]],
    ["argmax", (y, z, inner) => [y.pointer, z.pointer, source.pointer, n, inner]],
    ["cummin", (y, z, inner) => [y.pointer, z.pointer, source.pointer, n, inner]],
    ["cumsum", (y, _, inner) => [y.pointer, source.pointer, n, inner, 1]],
    ["linear_recurrence", (y, _, inner) => [y.pointer, source.pointer, other.pointer, n, inner, 0]],
  ];
  for (const inner of [1, 45]) {
    const slices = outer * inner;
    for (const [name, args] of cases) {
      using _ = torch.scope();
      const run = (...ends: number[]) => {
        const y = torch.zeros(count), z = torch.zeros(count, { dtype: int64 });
        ends.forEach((end, i) =>
          kernels[name](...args(y, z, inner), i === 0 ? 0 : ends[i - 1], end)
        );
        return [y.toTypedArray(), z.toTypedArray()];
      };
      const whole = run(slices);
      for (const cut of inner === 1 ? [1] : [1, 7, 16, 33, 45, 46, 77, 89]) {
        assertEquals(run(cut, slices), whole, `${name}, inner ${inner}, split at ${cut}`);
      }
    }
  }
});

Deno.test("float32 sums of a million numbers keep seven digits, in each layout", () => {
  using _ = torch.scope();
  const x = torch.fromArray(Float32Array.from({ length: 1 << 20 }, (_, i) => 0.1 + (i % 7)));
  const exact = x.to(float64).sum().item() as number;
  for (const shape of [[1, 1 << 20], [1 << 18, 4], [1 << 10, 1 << 10], [1 << 14, 64]]) {
    const y = x.reshape(shape), axis = shape[0] === 1 ? 1 : 0;
    assertAlmostEquals(Number(y.sum(axis).to(float64).sum().item()) / exact, 1, 5e-7, `${shape}`);
    assertClose(y.std(axis).double(), y.double().std(axis), 1e-6, `std of [${shape}]`);
    assertClose(y.norm(2, axis).double(), y.double().norm(2, axis), 1e-6, `norm of [${shape}]`);
  }
});

Deno.test("ties: extremes share, choices take the first, running ones the last", () => {
  const x = torch.tensor([[1, 3, 3, 2, 3]], { requiresGrad: true });
  const grad = (y: Tensor) => torch.autograd.grad([y.sum()], [x])[0]!.tolist();
  const third = Math.fround(1 / 3);
  assertEquals(grad(x.max()), [[0, third, third, 0, third]]);
  assertEquals(grad(x.amax(1)), [[0, third, third, 0, third]]);
  assertEquals(grad(x.max(1).values), [[0, 1, 0, 0, 0]]);
  assertEquals(x.max(1).indices.tolist(), [1]);
  assertEquals(x.argmax().item(), 1);
  assertEquals(x.cummax(1).indices.tolist(), [[0, 1, 2, 2, 4]]);
  assertEquals(x.mode(1).indices.tolist(), [4]);
  assertEquals(x.median(1).indices.tolist(), [1]);
  assertEquals(torch.max(x, torch.tensor(2.5)).tolist(), [[2.5, 3, 3, 2.5, 3]]);
  const [values, indices] = x.min(1, { keepdim: true });
  assertEquals([values.tolist(), indices.tolist()], [[[1]], [[0]]]);
});

Deno.test("what is not a number wins, except where only numbers count", () => {
  for (const dtype of [float32, float64]) {
    // Long enough for whole vectors, and on either side of them.
    for (const at of [0, 5, 18]) {
      const row = Array.from({ length: 19 }, (_, i) => i === at ? NaN : i);
      for (
        const x of [torch.tensor([row], { dtype }), torch.tensor(row.map((v) => [v]), { dtype })]
      ) {
        const d = x.shape[0] === 1 ? 1 : 0;
        assert(Number.isNaN(x.amax(d).item()) && Number.isNaN(x.amin().item()));
        assertEquals([x.argmax(d).item(), x.argmin().item()], [at, at]);
        assertEquals([x.median(d).indices.item(), x.max(d).indices.item()], [at, at]);
        assertEquals(torch.nansum(x).item(), 171 - at);
        assertEquals(x.nanmedian().item(), at <= 8 ? 9 : 8);
      }
    }
  }
});

Deno.test("no elements, no axes", () => {
  const none = torch.zeros([0, 3]);
  assertEquals(none.sum().item(), 0);
  assertEquals(none.prod(0).tolist(), [1, 1, 1]);
  assertEquals(none.any(0).tolist(), [false, false, false]);
  assertEquals(none.all().item<boolean>(), true);
  assert(Number.isNaN(none.mean().item()) && Number.isNaN(none.var().item()));
  assertEquals(none.max(1).values.shape, [0]);
  assertEquals(none.logsumexp(0).tolist(), [-Infinity, -Infinity, -Infinity]);
  assertEquals(none.cumsum(0).shape, [0, 3]);
  assertEquals(none.norm(3).item(), 0);
  const one = torch.tensor(3, { requiresGrad: true });
  for (const y of [one.sum(0), one.max(-1).values, one.prod(0), one.cumprod(0), one.median(0)[0]]) {
    assertEquals([y.shape, y.item()], [[], 3]);
    assertEquals(torch.autograd.grad([y], [one])[0]!.item(), 1);
  }
});

Deno.test("dtypes of results", () => {
  const flags = torch.tensor([true, false, true]), bytes = flags.to(torch.uint8);
  assertEquals([flags.sum().dtype, flags.sum().item()], [int64, 2]);
  assertEquals([bytes.prod().dtype, bytes.cumsum(0).dtype], [int64, int64]);
  assertEquals([bytes.any().dtype, flags.int().any().dtype], [torch.uint8, torch.bool]);
  assertEquals([flags.max().dtype, flags.max(0).values.dtype], [torch.bool, torch.bool]);
  assertEquals(flags.sum({ dtype: float32 }).dtype, float32);
  assertEquals(torch.tensor([1.5, 2.5]).sum({ dtype: int64 }).item(), 3);
  assertEquals(torch.tensor([250, 10], { dtype: torch.uint8 }).amax().item(), 250);
  assertEquals(torch.tensor([2n ** 62n, 1n]).sum().item<bigint>(), 2n ** 62n + 1n);
  for (const dtype of [torch.float16, torch.bfloat16]) {
    const x = torch.tensor([[1, 2], [3, 4]], { dtype, requiresGrad: true });
    for (const y of [x.sum(0), x.mean(1), x.max(1).values, x.std(0), x.cumprod(1), x.norm()]) {
      assertEquals(y.dtype, dtype);
      assertEquals(torch.autograd.grad([y.sum()], [x])[0]!.dtype, dtype);
    }
  }
});

Deno.test("bad reductions are refused, by name", () => {
  const x = torch.zeros([2, 3]), none = torch.zeros([0, 3]);
  const refuse = (f: () => unknown, type: typeof RangeError | typeof TypeError, text: string) =>
    void assertThrows(f, type, text);
  refuse(() => x.sum(2), RangeError, "sum: dim 2 is out of range");
  refuse(() => x.mean([0, -2]), RangeError, "mean: an axis appears twice");
  refuse(() => x.long().mean(), TypeError, "mean: the mean of torch.int64");
  refuse(() => x.long().std(), TypeError, "std: expected a floating-point tensor");
  refuse(() => none.max(), RangeError, "max: a tensor of shape [0, 3] has no elements");
  refuse(() => none.amin(0), RangeError, "amin: axis 0");
  refuse(() => none.argmax(), RangeError, "argmax: axis 0");
  refuse(() => none.quantile(0.5), RangeError, "quantile: a tensor of shape [0, 3]");
  refuse(() => x.quantile(1.5), RangeError, "quantile: q must be from 0 to 1");
  refuse(() => x.var(0, { unbiased: true, correction: 1 }), TypeError, "not both");
  refuse(() => x.norm("abc" as "fro"), RangeError, 'norm: p must be "fro", "nuc" or a number');
  refuse(() => x.norm("nuc", 0), RangeError, "expected two axes");
  refuse(() => linalg.matrixNorm(x, 3), RangeError, "linalg.matrixNorm: ord must be");
  refuse(() => linalg.vectorNorm(none, Infinity), RangeError, "has no elements");
  refuse(() => torch.tensor(1).diff(), RangeError, "diff: a 0-d tensor");
  refuse(() => torch.logsumexp(x), TypeError, "logsumexp: dim must be given");
  refuse(() => x.sum(0, 1 as unknown as boolean), TypeError, "sum: keepdim must be true or false");
  refuse(() => x.sum({ dim: 0, dtype: "f" as unknown as torch.DType }), TypeError, "sum: dtype");
  refuse(() => x.bool().argmax(), TypeError, "argmax: not defined for torch.bool");
});

Deno.test("x.cumsum_ and x.cumprod_ write into x", () => {
  const x = torch.tensor([[1, 2], [3, 4]]);
  assertEquals(x.cumsum_(0).tolist(), [[1, 2], [4, 6]]);
  assertEquals(x.t().cumprod_(0).tolist(), [[1, 4], [2, 24]]);
  assertEquals(x.tolist(), [[1, 2], [4, 24]]);
});

Deno.test("logsumexp of infinite elements, along rows and columns", () => {
  const i = Infinity,
    x = torch.tensor([[i, 1, 2], [1, i, i], [-i, -i, -i], [i, NaN, 1], [-i, 0, 0]]);
  for (const y of [x.logsumexp(1), x.t().contiguous().logsumexp(0)]) {
    const [a, b, c, d, e] = y.tolist() as number[];
    assertEquals([a, b, c, d], [i, i, -i, NaN]);
    assertAlmostEquals(e, Math.LN2, 1e-6);
  }
});
