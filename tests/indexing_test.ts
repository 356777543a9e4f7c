/**
 * Indexing, sorting and searching beyond PyTorch's stored answers: derivatives, layouts, dtypes that are computed in wider
 * ones, sizes, and errors that change nothing.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { DType, Tensor } from "../mod.ts";

const { gradcheck, gradgradcheck } = torch.autograd;
const F = torch.nn.functional;

/** Numbers in [-2, 2), always the same ones. */
function numbers(count: number, seed = 1): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  });
}

/** A leaf of float64 with numbers all different. */
function leaf(shape: number[], seed = 1): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return torch.fromArray(numbers(count, seed), shape, { requiresGrad: true });
}

const index = (data: torch.Nested, dtype: DType = torch.int64) => torch.tensor(data, { dtype });

const SAME = index([[2, 0, 2], [1, 1, 0]]), LINE = index([1, 0, 1]);
const MASK = torch.tensor([[true, false, true], [false, true, true], [true, true, false]]);

// Each with duplicates among the indexes where they are allowed, and the first input transposed.
const FUNCTIONS: [string, (...x: Tensor[]) => Tensor, number[][]][] = [
  ["gather", (x) => torch.gather(x, 0, SAME), [[3, 3]]],
  ["gather less", (x) => torch.gather(x, 1, index([[2, 2, 0, 1]])), [[3, 3]]],
  ["takeAlongDim", (x) => torch.takeAlongDim(x, index([[0], [2], [2]]), 0), [[3, 3]]],
  ["take", (x) => torch.take(x, index([[-1, 0], [4, -1]])), [[3, 3]]],
  ["indexSelect", (x) => torch.indexSelect(x, 1, LINE), [[3, 3]]],
  ["maskedSelect", (x) => torch.maskedSelect(x, MASK), [[3, 3]]],
  ["scatter", (x, y) => torch.scatter(x, 0, index([[2, 0, 1]]), y), [[3, 3], [2, 4]]],
  ["scatterAdd", (x, y) => torch.scatterAdd(x, 0, SAME, y), [[3, 3], [2, 3]]],
  ["put", (x, y) => torch.put(x, index([-1, 3]), y), [[3, 3], [2]]],
  ["put more", (x, y) => torch.put(x, index([-1, 8]), y, true), [[3, 3], [2]]],
  ["maskedScatter", (x, y) => torch.maskedScatter(x, MASK, y), [[3, 3], [7]]],
  ["indexAdd", (x, y) => torch.indexAdd(x, 1, LINE, y, -0.5), [[3, 3], [3, 3]]],
  ["indexCopy", (x, y) => torch.indexCopy(x, 1, index([2, 0]), y), [[3, 3], [3, 2]]],
  ["indexFill", (x, y) => torch.indexFill(x, 1, index([-1, 2, 0]), y), [[3, 3], []]],
  ["sort", (x) => torch.sort(x, 0, true).values, [[3, 3]]],
  ["topk", (x) => torch.topk(x, 2, 0).values, [[3, 3]]],
  ["kthvalue", (x) => torch.kthvalue(x, 2, 0).values, [[3, 3]]],
  ...(["sum", "prod", "mean", "amax", "amin"] as const).flatMap((reduce) =>
    [true, false].map((includeSelf): (typeof FUNCTIONS)[number] => [
      `scatterReduce ${reduce} ${includeSelf}`,
      (x, y) => torch.scatterReduce(x, 0, SAME, y, reduce, includeSelf),
      [[3, 3], [2, 3]],
    ])
  ),
  ["indexReduce", (x, y) => torch.indexReduce(x, 1, LINE, y, "prod"), [[3, 3], [3, 3]]],
  ["embedding", (x) => F.embedding(SAME, x), [[3, 3]]],
  ["embeddingBag max", (x) => F.embeddingBag(SAME, x, { mode: "max" }), [[3, 3]]],
  ["embeddingBag mean", (x) => F.embeddingBag(SAME, x, { paddingIdx: -1 }), [[3, 3]]],
  [
    "embeddingBag sum",
    (x, y) => F.embeddingBag(LINE, x, index([0, 1]), { mode: "sum", perSampleWeights: y }),
    [[3, 3], [3]],
  ],
];

for (const [name, f, shapes] of FUNCTIONS) {
  Deno.test(`${name}: first and second derivatives, also of a transposed tensor`, () => {
    using _ = torch.scope();
    const g = (x: Tensor, ...rest: Tensor[]) => f(x.t(), ...rest);
    const inputs = shapes.map((shape, i) => leaf(shape, i + 1));
    gradcheck(g, inputs);
    gradgradcheck(g, inputs);
  });
}

Deno.test("scatterReduce: the derivative of a product with zeros is the product of the others", () => {
  const x = torch.tensor([2, 0, 3], { requiresGrad: true });
  const y = torch.tensor([0, 5, 0, 0, 7], { requiresGrad: true });
  torch.scatterReduce(x, 0, index([0, 0, 1, 2, 2]), y, "prod").sum().backward();
  assertEquals(x.grad!.tolist(), [0, 0, 0]);
  assertEquals(y.grad!.tolist(), [10, 0, 0, 21, 0]);
});

/** The order that a stable sort gives, NaN as the greatest. */
function stableOrder(values: ArrayLike<number>, descending: boolean): number[] {
  const rank = (v: number) => Number.isNaN(v) ? [1, 0] : [0, v];
  return Array.from(values, (_, i) => i).sort((i, j) => {
    const [a, x] = rank(values[i]), [b, y] = rank(values[j]);
    return (descending ? -1 : 1) * (a - b || (x < y ? -1 : x > y ? 1 : 0)) || i - j;
  });
}

Deno.test("sort: stable for every dtype, size and order; topk and kthvalue agree", () => {
  const dtypes = [
    torch.float32,
    torch.float64,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.float16,
    torch.bfloat16,
  ];
  for (const n of [...Array.from({ length: 70 }, (_, i) => i + 1), 300, 5000]) {
    using _ = torch.scope();
    const dtype = dtypes[n % dtypes.length], descending = n % 2 === 0;
    const values = Array.from(numbers(n, n), (v) => Math.round(v * 20));
    if (dtype === torch.uint8) values.forEach((v, i) => values[i] = v + 60);
    if (dtype.isFloatingPoint) {
      values.forEach((v, i) => values[i] = i % 7 === 3 ? NaN : v === 1 ? -0 : v);
    }
    const x = torch.tensor(values, { dtype }), order = stableOrder(values, descending);
    const sorted = torch.sort(x, { stable: true, descending });
    assertEquals(sorted.indices.tolist(), order, `${dtype} ${n}`);
    assertEquals(sorted.values.tolist(), order.map((i) => values[i] + 0), `${dtype} ${n}`);
    const k = Math.ceil(n / 3), top = torch.topk(x, k, { largest: descending });
    assertEquals(top.values.tolist(), order.slice(0, k).map((i) => values[i] + 0));
    const upward = stableOrder(values, false);
    assertEquals(torch.kthvalue(x, k).values.item(), values[upward[k - 1]] + 0);
  }
});

Deno.test("16-bit floats and small integers move, add and count like others", () => {
  for (const dtype of [torch.float16, torch.bfloat16, torch.int8, torch.int16, torch.bool]) {
    using _ = torch.scope();
    const x = torch.tensor([1, 0, 1, 1], { dtype }), y = torch.tensor([1, 1], { dtype });
    const bool = (v: number[]) => v.map((n) => dtype === torch.bool ? n !== 0 : n);
    assertEquals(torch.gather(x, 0, index([1, 0])).tolist(), bool([0, 1]));
    assertEquals(torch.indexAdd(x, 0, index([1, 1]), y).tolist(), bool([1, 2, 1, 1]));
    assertEquals(torch.scatterAdd(x, 0, index([0, 0]), y).tolist(), bool([3, 0, 1, 1]));
    assertEquals(torch.unique(x).tolist(), bool([0, 1]));
    assertEquals(torch.nonzero(x).tolist(), [[0], [2], [3]]);
  }
});

Deno.test("indexes may be int32; sources may share memory with what is written to", () => {
  const x = torch.tensor([1, 2, 3, 4]), at = index([3, 0], torch.int32);
  assertEquals(torch.indexSelect(x, 0, at).tolist(), [4, 1]);
  x.indexCopy_(0, index([3, 2, 1, 0]), x);
  assertEquals(x.tolist(), [4, 3, 2, 1]);
  const i = index([1, 2, 0]);
  i.scatter_(0, i, i);
  assertEquals(i.tolist(), [0, 1, 2]);
  const square = torch.arange(9).view(3, 3);
  square.t().indexAdd_(0, index([0]), square.narrow(0, 2, 1));
  assertEquals(square.tolist(), [[6, 1, 2], [10, 4, 5], [14, 7, 8]]);
});

Deno.test("in place on a part of a tensor: gradients of both", () => {
  const x = leaf([3, 4]), y = leaf([2, 2], 2);
  const f = (x: Tensor, y: Tensor) => {
    const z = torch.mul(x, 2);
    z.narrow(1, 1, 2).scatterAdd_(0, index([[2, 2], [0, 2]]), y);
    z.select(0, 1).indexFill_(0, index([0, -1]), 3);
    return torch.mul(z, z);
  };
  gradcheck(f, [x, y]);
});

Deno.test("a call that is refused changes nothing", () => {
  const x = torch.zeros([3]), version = x.version, one = torch.ones([1]);
  const bad: (() => unknown)[] = [
    () => x.scatter_(0, index([3]), 1),
    () => x.scatter_(0, index([-1]), 1),
    () => x.scatterAdd_(0, index([0, 3]), torch.ones([2])),
    () => x.scatterReduce_(0, index([5]), one, "amax"),
    () => x.indexAdd_(0, index([7]), one),
    () => x.indexCopy_(0, index([0, 1]), one),
    () => x.indexFill_(0, index([-4]), 1),
    () => x.put_(index([1, 3]), torch.ones([2])),
    () => x.maskedScatter_(torch.tensor([true, true, false]), one),
  ];
  for (const call of bad) {
    const { message } = assertThrows(call, RangeError);
    assert(/^\w+_: .*\d/.test(message), message);
  }
  assertThrows(() => x.scatter_(0, torch.zeros([1]), 1), TypeError, "index must be int64 or int32");
  assertThrows(() => x.indexAdd_(0, index([0]), one.double()), TypeError, "float32");
  assertThrows(
    () => torch.gather(x, { dim: 0, indices: index([0]) } as never),
    TypeError,
    "indices",
  );
  const message = "gather: index 3 is out of range for axis 0 of size 3";
  assertThrows(() => torch.gather(x, 0, index([0, 3])), RangeError, message);
  assertEquals(x.tolist(), [0, 0, 0]);
  assertEquals(x.version, version);
});

Deno.test("embedding: maxNorm scales the rows that are read, once and in place", () => {
  const weight = torch.tensor([[3, 4], [0.3, 0.4], [6, 8]]);
  const table = weight.t().contiguous().t();
  for (const w of [weight, table]) {
    const before = w.version, y = F.embedding(index([0, 0, 1]), w, { maxNorm: 1 });
    assertEquals(y.tolist(), w.indexSelect(0, index([0, 0, 1])).tolist());
    const [a, b] = (w.tolist() as number[][])[0];
    assert(Math.abs(a - 0.6) < 1e-6 && Math.abs(b - 0.8) < 1e-6);
    assertEquals((w.tolist() as number[][])[2], [6, 8]);
    assert(w.version > before);
  }
});

Deno.test("unique: NaN is never equal, zeros are", () => {
  const x = torch.tensor([NaN, 0, -0, NaN, 1]);
  const [values, inverse, counts] = torch.unique(x, { returnInverse: true, returnCounts: true });
  assertEquals(values.tolist(), [0, 1, NaN, NaN]);
  assertEquals(inverse.tolist(), [2, 0, 0, 3, 1]);
  assertEquals(counts.tolist(), [2, 1, 1, 1]);
});

Deno.test("sums over rows for every tail of a vector", () => {
  for (let n = 1; n <= 40; n++) {
    using _ = torch.scope();
    const rows = torch.fromArray(Float32Array.from(numbers(3 * n, n)), [3, n]);
    const y = torch.indexAdd(torch.zeros(2, n), 0, index([1, 0, 1]), rows);
    const [a, b, c] = rows.tolist() as number[][];
    assertEquals(y.tolist(), [b, a.map((v, i) => Math.fround(v + c[i]))]);
  }
});

Deno.test("full: the value's kind decides the dtype", () => {
  assertEquals(torch.full([2], 7).dtype, torch.float32);
  assertEquals(torch.full([2], 7n).dtype, torch.int64);
  assertEquals(torch.full([2], true).dtype, torch.bool);
  assertEquals(torch.arange(5n).dtype, torch.int64);
});
