/**
 * Datasets, samplers and loaders. The orders are PyTorch's, for the same seed.
 */
// deno-lint-ignore-file no-explicit-any
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";

const {
  BatchSampler,
  ChainDataset,
  ConcatDataset,
  DataLoader,
  Dataset,
  defaultCollate,
  defaultConvert,
  IterableDataset,
  RandomSampler,
  randomSplit,
  SequentialSampler,
  Subset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} = torch.utils.data;

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const lists = (loader: Iterable<any>) => [...loader].map((b) => b.tolist());

Deno.test("data: samplers draw what PyTorch's draw", () => {
  torch.manualSeed(5);
  const ten = range(10);
  assertEquals([...new RandomSampler(ten)], [7, 6, 5, 4, 8, 3, 2, 9, 0, 1]);
  // deno-fmt-ignore
  assertEquals([...new RandomSampler(ten, { replacement: true, numSamples: 35 })], [
    8, 2, 4, 9, 7, 5, 8, 0, 7, 6, 9, 3, 2, 5, 6, 1, 9, 0, 1, 9, 5, 1, 8, 6, 6, 1, 4, 4, 0, 8, 6, 4, 3, 7, 4,
  ]);
  assertEquals([...new RandomSampler(ten, false, 13)], [1, 7, 4, 2, 6, 5, 3, 0, 8, 9, 8, 1, 5]);
  const generator = new torch.Generator().manualSeed(1);
  assertEquals([...new RandomSampler(ten, { generator })], [5, 6, 1, 2, 0, 8, 9, 3, 7, 4]);
  assertEquals([...new SubsetRandomSampler([3, 5, 7, 9])], [3, 9, 7, 5]);
  const weighted = new WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3, 0.6], 5);
  assertEquals([...weighted], [5, 4, 3, 4, 2]);
  assertEquals(
    [...new WeightedRandomSampler([0.9, 0.4, 0.05, 0.2, 0.3, 0.1], 5, false)],
    [1, 0, 5, 4, 3],
  );
  assertEquals(randomSplit(range(11), [0.3, 0.3, 0.4]).map((part) => part.indices), [
    [1, 6, 5, 9],
    [3, 0, 10],
    [8, 4, 7, 2],
  ]);
  assertEquals(torch.rand(1).item(), 0.3590012192726135);
  assertEquals([...new SequentialSampler(range(3))], [0, 1, 2]);
  assertEquals([...new BatchSampler(range(5), 2, true)], [[0, 1], [2, 3]]);
  assertEquals(new BatchSampler(range(5), { batchSize: 2 }).length, 3);
});

Deno.test("data: batches of tensors, equal through both ways of collating", () => {
  using _ = torch.scope();
  const x = torch.randn(7, 3), y = torch.tensor(range(7).map(BigInt));
  const pairs = new TensorDataset(x, y);
  assertEquals([pairs.length, pairs.get(2).map((t) => t.shape)], [7, [[3], []]]);
  for (const dataset of [pairs, new Subset(pairs, [6, 0, 2, 2, 5])]) {
    const quick = [...new DataLoader(dataset, { batchSize: 2 })];
    const plain = [
      ...new DataLoader(dataset, { batchSize: 2, collateFn: (s) => defaultCollate(s) }),
    ];
    assertEquals(
      quick.map((b) => b.map((t) => [t.shape, t.dtype, t.tolist()])),
      plain.map(
        (b) => b.map((t) => [t.shape, t.dtype, t.tolist()]),
      ),
    );
  }
  // Destructured, typed, and gradients flow to the tensors.
  const w = torch.ones(4, 2).requiresGrad_();
  for (const [rows] of new DataLoader(new TensorDataset(w), { batchSize: 3 })) {
    rows.sum().backward();
  }
  assertEquals(w.grad?.tolist(), torch.ones(4, 2).tolist());
  // A tensor is a dataset too.
  assertEquals(lists(new DataLoader(y, { batchSize: 4 })), [[0, 1, 2, 3], [4, 5, 6]]);
  const both = new ConcatDataset([range(3), new Subset(range(10), [9, 8])]);
  assertEquals(lists(new DataLoader(both, { batchSize: 5 })), [[0, 1, 2, 9, 8]]);
  assertEquals([both.get(-1), both.length, both.cumulativeSizes], [8, 5, [3, 5]]);
});

Deno.test("data: defaultCollate", () => {
  using _ = torch.scope();
  const show = (batch: readonly unknown[]) => {
    const t = defaultCollate(batch) as torch.Tensor;
    return [t.dtype.name, t.tolist()];
  };
  assertEquals(show([1, 2]), ["int64", [1, 2]]);
  assertEquals(show([1.5, 2]), ["float64", [1.5, 2]]);
  assertEquals(show([3n, 4n]), ["int64", [3, 4]]);
  assertEquals(show([true, false]), ["bool", [true, false]]);
  assertEquals(show([new Float32Array([1, 2]), new Float32Array([3, 4])]), ["float32", [[1, 2], [
    3,
    4,
  ]]]);
  assertEquals(defaultCollate(["a", "b"]), ["a", "b"]);
  const [a, b] = defaultCollate([[1, torch.ones(2)], [3, torch.zeros(2)]] as [
    number,
    torch.Tensor,
  ][]);
  assertEquals([a.tolist(), b.tolist()], [[1, 3], [[1, 1], [0, 0]]]);
  const record = defaultCollate([{ x: 1, name: "p", deep: { y: [1.5] } }, {
    x: 2,
    name: "q",
    deep: { y: [2.5] },
  }]);
  assertEquals(record.x.tolist(), [1, 2]);
  assertEquals([record.name, record.deep.y[0].tolist()], [["p", "q"], [1.5, 2.5]]);
  assertThrows(() => defaultCollate([[1, 2], [3]]), RangeError, "lengths: 2, 1");
  assertThrows(() => defaultCollate([torch.ones(2), torch.ones(3)]), RangeError);
  assertThrows(() => defaultCollate([null]), TypeError, "null");
  assertThrows(() => defaultCollate([1, "a"]), TypeError, "number and string");
  assertThrows(() => defaultCollate([{ a: 1 }, { b: 1 }]), TypeError, '"a"');
  assertThrows(() => defaultCollate([]), TypeError, "one sample");
  assertEquals((defaultConvert([new Int32Array([1]), "s"]) as any)[0].tolist(), [1]);
});

Deno.test("data: streams, single samples, samplers of one's own", () => {
  class Count extends IterableDataset<number> {
    override *[Symbol.iterator]() {
      yield* range(7);
    }
  }
  assertEquals(lists(new DataLoader(new Count(), { batchSize: 3 })), [[0, 1, 2], [3, 4, 5], [6]]);
  assertEquals(
    lists(new DataLoader(new Count(), { batchSize: 3, dropLast: true })),
    [[0, 1, 2], [3, 4, 5]],
  );
  assertEquals([...new DataLoader(new Count(), { batchSize: null })], range(7) as any);
  assertEquals([...new DataLoader(range(3), { batchSize: null })], range(3) as any);
  assertEquals(lists(new DataLoader(new Set([5, 6, 7]), 2)), [[5, 6], [7]]);
  assertEquals(lists(new DataLoader(new ChainDataset([[1], [2, 3]]), 3)), [[1, 2, 3]]);
  const batchSampler = [[3, 1], [0]];
  assertEquals(lists(new DataLoader(range(4), { batchSampler })), [[3, 1], [0]]);
  assertEquals(lists(new DataLoader(range(4), { sampler: [2, 0], batchSize: 2 })), [[2, 0]]);
  assertEquals(new DataLoader(range(10), { batchSize: 3 }).length, 4);
  assertEquals(new DataLoader(range(10), { batchSize: 3, dropLast: true }).length, 3);
  assertEquals(new DataLoader(range(4), { batchSampler }).length, 2);
  assertThrows(() => new DataLoader(new Count()).length, TypeError, "length");
  assertEquals([...new DataLoader([], { batchSize: 2 })], []);
});

Deno.test("data: for await, with batches loaded ahead", async () => {
  let running = 0, most = 0;
  class Slow extends Dataset<[number, torch.Tensor]> {
    override get length() {
      return 9;
    }
    override async get(i: number): Promise<[number, torch.Tensor]> {
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, i === 0 ? 4 : 1));
      running--;
      if (i === 8) throw new RangeError("sample 8 is broken");
      return [i, torch.zeros(2).fill_(i)];
    }
  }
  const seen: unknown[] = [];
  const loader = new DataLoader(new Slow(), { batchSize: 2, prefetchFactor: 3 });
  await assertRejects(
    async () => {
      for await (const [i, x] of loader) {
        // Batches that are loaded during the block, and arrive later, do not belong to its scope.
        using _ = torch.scope();
        seen.push([i.tolist(), x.shape, x.sum().item()]);
      }
    },
    RangeError,
    "sample 8",
  );
  assertEquals(seen, [
    [[0, 1], [2, 2], 2],
    [[2, 3], [2, 2], 10],
    [[4, 5], [2, 2], 18],
    [[6, 7], [2, 2], 26],
  ]);
  assertEquals(most, 6);
  assertThrows(() => [...loader], TypeError, "for await");

  async function* stream() {
    for (const i of range(5)) yield await Promise.resolve(i);
  }
  const gathered = async (data: any, options: any) => {
    const batches = [];
    for await (const batch of new DataLoader(data, options)) batches.push((batch as any).tolist());
    return batches;
  };
  assertEquals(await gathered(stream(), { batchSize: 2 }), [[0, 1], [2, 3], [4]]);
  assertEquals(await gathered(stream(), { batchSize: 2, dropLast: true }), [[0, 1], [2, 3]]);
  assertThrows(() => [...new DataLoader(stream())], TypeError, "for await");
  // The same order as with a synchronous loop.
  torch.manualSeed(3);
  const order = lists(new DataLoader(range(9), { batchSize: 4, shuffle: true }));
  torch.manualSeed(3);
  assertEquals(await gathered(range(9), { batchSize: 4, shuffle: true }), order);
});

Deno.test("data: bad arguments", () => {
  const make = (options: any, data: any = range(4)) => () => new DataLoader(data, options);
  assertThrows(
    make({ batchSize: 0 }),
    RangeError,
    "batchSize must be a whole number from 1, got 0",
  );
  assertThrows(make({ batchSize: 1.5 }), RangeError, "1.5");
  assertThrows(make({ batch_size: 2 }), TypeError, "no option batch_size");
  assertThrows(make({ shuffle: 1 }), TypeError, "boolean");
  assertThrows(make({ shuffle: true, sampler: [0] }), TypeError, "excludes shuffle");
  assertThrows(make({ batchSampler: [[0]], batchSize: 2 }), TypeError, "excludes batchSize");
  assertThrows(make({ batchSampler: [[0]], dropLast: true }), TypeError, "excludes dropLast");
  assertThrows(make({ batchSize: null, dropLast: true }), TypeError, "excludes dropLast");
  assertThrows(make({ numWorkers: -1 }), RangeError, "numWorkers");
  assertThrows(make({ prefetchFactor: 0 }), RangeError, "prefetchFactor");
  assertThrows(make({ generator: 5 }), TypeError, "Generator");
  assertThrows(make({ collateFn: 5 }), TypeError, "function");
  assertThrows(make({ shuffle: true }, new Set([1])), TypeError, "without indexes");
  assertThrows(make({ shuffle: true }, []), RangeError, "numSamples");
  assertThrows(make({}, 5), TypeError, "dataset must be");
  assertThrows(make({}, torch.tensor(5)), RangeError, "0-d");
  assertThrows(() => new TensorDataset(torch.ones(2), torch.ones(3)), RangeError, "[2], [3]");
  assertThrows(() => new TensorDataset(), TypeError, "one tensor");
  assertThrows(() => new ConcatDataset([]), TypeError, "one dataset");
  assertThrows(() => new ConcatDataset([range(3)]).get(3), RangeError, "3 samples");
  assertThrows(() => new Subset(range(3), [5]).get(0), RangeError, "out of range");
  assertThrows(() => new Subset(range(3), [1]).get(1), RangeError, "out of range");
  assertThrows(() => randomSplit(range(3), [1, 1]), RangeError, "sum to 3");
  assertThrows(() => randomSplit(range(3), [1.5, -0.5]), RangeError, "fraction 0");
  assertThrows(() => new WeightedRandomSampler([1], 0), RangeError, "numSamples");
  assertThrows(
    () => [...new DataLoader(new TensorDataset(torch.ones(2)), { sampler: [2] })],
    RangeError,
    "2 samples",
  );
  assert(new DataLoader(range(2), { numWorkers: 2, pinMemory: true }).length === 2);
});
