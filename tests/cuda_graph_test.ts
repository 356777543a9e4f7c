/**
 * Recorded graphs of a CUDA device, and its checks, which come when something waits for it.
 */
import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest } from "./cuda.ts";

const { nn, optim } = torch, F = nn.functional, device = "cuda";

/** A network, its optimizer, and a step that trains it on `x` and `y`. */
function program() {
  torch.manualSeed(4);
  const model = new nn.Sequential(new nn.Linear(20, 16), new nn.ReLU(), new nn.Linear(16, 5));
  model.to(device);
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const batches = [...Array(8)].map(() => ({
    x: torch.randn(12, 20, { device }),
    y: torch.randint(0, 5, [12]).to(device),
  }));
  const x = batches[0].x.clone(), y = batches[0].y.clone();
  const step = () => {
    using scope = torch.scope();
    const loss = F.crossEntropy(model(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return scope.keep(loss);
  };
  const load = (i: number) => {
    x.copy_(batches[i].x);
    y.copy_(batches[i].y);
  };
  return { model, optimizer, step, load, y };
}

cudaTest("graph: a training step that is replayed gives the losses of one that is not", () => {
  const losses = (record: boolean) => {
    const { optimizer, step, load } = program(), out: unknown[] = [];
    const graph = new torch.cuda.CUDAGraph();
    let recorded: torch.Tensor | null = null;
    for (let i = 0; i < 8; i++) {
      load(i);
      if (i === 5) {
        optimizer.paramGroups[0].lr = 0.002;
        optimizer.writeOptions();
      }
      if (record && i === 2) {
        recorded = torch.cuda.graph(graph, () => {
          assert(torch.cuda.isCurrentStreamCapturing());
          return step();
        });
      }
      if (recorded !== null) graph.replay();
      out.push((recorded ?? step()).item());
    }
    assert(!torch.cuda.isCurrentStreamCapturing());
    graph.reset();
    return out;
  };
  const eager = losses(false);
  assertEquals(new Set(eager).size, 8);
  assertEquals(losses(true), eager);
});

cudaTest("graph: what it made outlives it, and its memory goes back", () => {
  torch.cuda.emptyCache();
  const x = torch.arange(6, { device, dtype: torch.float32 }), graph = new torch.cuda.CUDAGraph();
  const before = torch.cuda.memoryReserved();
  const y = torch.cuda.graph(graph, () => x.mul(2).add(0.5));
  assertGreater(torch.cuda.memoryReserved(), before);
  graph.replay();
  assertEquals(y.tolist(), [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]);
  x.fill_(1);
  assertEquals(y.sum().item(), 33);
  graph.replay();
  assertEquals(y.sum().item(), 15);
  graph.reset();
  assertEquals(torch.cuda.memoryReserved(), before);
  assertEquals(y.sum().item(), 15);
  assertThrows(() => graph.replay(), Error, "nothing was recorded");
});

cudaTest("graph: storages that it uses stay where they are when memory runs short", () => {
  const x = torch.ones(1000, { device }), graph = new torch.cuda.CUDAGraph();
  const y = torch.cuda.graph(graph, () => x.add(1));
  const { heap } = x.backend as unknown as { heap: { budget: number; used: number } };
  const { budget } = heap;
  heap.budget = heap.used + (4 << 20);
  for (let i = 0; i < 30; i++) torch.ones(1 << 18, { device });
  heap.budget = budget;
  x.fill_(5);
  graph.replay();
  assertEquals(y.sum().item(), 6000);
  graph.reset();
});

cudaTest("graph: what cannot be recorded is refused, and the device goes on", () => {
  const x = torch.ones(4, { device }), graph = new torch.cuda.CUDAGraph();
  const refused = (f: () => unknown, message: string) =>
    assertThrows(() => torch.cuda.graph(graph, f), Error, message);
  refused(() => x.sum().item(), "cuda.graph: the recorded function reads an element");
  refused(() => x.add(1).tolist(), "reads a tensor's elements");
  refused(() => torch.tensor([1, 2], { device }), "writes JavaScript's numbers");
  refused(() => torch.cuda.synchronize(), "waits for the device");
  refused(
    () => torch.cuda.graph(new torch.cuda.CUDAGraph(), () => 1),
    "a graph is being recorded already",
  );
  assertThrows(() => graph.replay(), Error, "nothing was recorded");
  assertEquals(x.add(1).tolist(), [2, 2, 2, 2]);

  const y = torch.ones(4, { device });
  torch.cuda.graph(graph, () => y.mul(2));
  y[Symbol.dispose]();
  assertThrows(() => graph.replay(), Error, "of 16 bytes, was freed since");
  graph.reset();
});

cudaTest("checks of indexes and targets are made when something waits", () => {
  const x = torch.ones(3, 4, { device }), weight = torch.randn(5, 2, { device });
  const bad = torch.tensor([0, 7, 1], { dtype: torch.int64, device });
  const loss = F.crossEntropy(x, bad);
  assertThrows(() => loss.item(), RangeError, "target 7 is out of bounds: expected 0 to 3");
  const far = torch.tensor([0, 2 ** 40, 1], { dtype: torch.int64, device });
  const share = torch.ones(4, { device });
  for (const given of [null, share]) {
    const y = x.clone().requiresGrad_();
    F.crossEntropy(y, far, { weight: given }).backward();
    F.nllLoss(y, far, { weight: given }).backward();
    assertThrows(() => y.grad!.tolist(), RangeError, "target 1099511627776 is out of bounds");
  }
  F.embedding(bad, weight);
  assertThrows(() => torch.cuda.synchronize(), RangeError, "index 7 is out of range");
  {
    using _ = torch.scope();
    F.embedding(bad.clone(), weight);
  }
  // The device has kept the index.
  assertThrows(() => x.tolist(), RangeError, "index 7 is out of range for axis 0 of size 5");
  assertEquals(x.sum().item(), 12); // nothing is left of them
  F.crossEntropy(x, torch.tensor([0, -100, 3], { dtype: torch.int64, device }));
  torch.cuda.synchronize();
});

cudaTest(
  "checks of indexes that may count from the end, and of labels, wait for nothing either",
  () => {
    const x = torch.ones(3, 4, { device }), logits = torch.zeros(6, 2, 4, { device });
    const last = torch.tensor([-3, -4, 9], { dtype: torch.int64, device });
    const labels = torch.tensor([[0, 7], [0, 7]], { dtype: torch.int64, device });
    const late: [f: () => unknown, message: string][] = [
      [() => x.take(last.mul(4)), "take: index -16 is out of range for axis 0 of size 12"],
      [() => x.at(last), "index -4 is out of range for axis 0 of size 3"],
      [
        () => x.clone().put_(last.mul(3), torch.ones(3, { device })),
        "put_: index 27 is out of range for axis 0 of size 12",
      ],
      [
        () => F.ctcLoss(logits, labels, [6, 6], [1, 2]),
        "ctcLoss: label 7 of target 1 is out of bounds: expected 0 to 3",
      ],
    ];
    for (const [f, message] of late) {
      f();
      assertThrows(() => torch.cuda.synchronize(), RangeError, message);
    }
    // More than a table holds; of several bad ones the first is told, and nothing is left of the others.
    const zeros = torch.zeros([4], { dtype: torch.int64, device });
    for (let i = 0; i < 2500; i++) x.take(zeros);
    x.take(last.mul(4)), x.take(last.add(20));
    assertThrows(() => torch.cuda.synchronize(), RangeError, "index -16 is");
    torch.cuda.synchronize();
    // In one part, and in several.
    for (const count of [4000, 70_000]) {
      const many = torch.zeros([count], { dtype: torch.int64, device });
      many.narrow(0, count - 3, 3).fill_(20);
      many.narrow(0, count - 500, 1).fill_(30);
      x.take(many);
      assertThrows(() => torch.cuda.synchronize(), RangeError, "index 30 is");
    }
  },
);

cudaTest("checks of a graph: what one of several replays finds stays until something waits", () => {
  const { step, load, y } = program(), graph = new torch.cuda.CUDAGraph();
  step();
  const recorded = torch.cuda.graph(graph, step);
  load(1);
  graph.replay();
  assertGreater(recorded.item(), 0);
  y.fill_(9);
  graph.replay();
  assertThrows(() => recorded.item(), RangeError, "target 9 is out of bounds");
  // What one of several replays has found stays, though the targets of the last are fine.
  for (const target of [8, -1]) {
    load(1);
    graph.replay();
    y.fill_(target);
    graph.replay();
    y.fill_(7);
    graph.replay();
    load(3);
    graph.replay();
    assertThrows(() => recorded.item(), RangeError, `target ${target} is out of bounds`);
    assertGreater(recorded.item(), 0);
  }
  load(2);
  graph.replay();
  assertGreater(recorded.item(), 0);
  graph.reset();

  // Indexes that count from the end can be recorded, too.
  const x = torch.arange(12, { device }), index = torch.tensor([-1, 2], { dtype: torch.int64 });
  const places = index.to(device), taken = torch.cuda.graph(graph, () => x.take(places));
  graph.replay();
  assertEquals(taken.tolist(), [11, 2]);
  for (const place of [-13, 0]) {
    places.fill_(place);
    graph.replay();
  }
  assertThrows(() => taken.tolist(), RangeError, "take: index -13 is out of range");
  assertEquals(taken.tolist(), [0, 0]);
  graph.reset();
});
