/**
 * Tensors, modules and optimizers on a CUDA device; its memory, errors and events.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { CudaHeap } from "../ffi/heap.ts";
import * as torch from "../mod.ts";
import { Storage } from "../src/backend/storage.ts";
import { cudaTest, gpu } from "./cuda.ts";
import { withoutLeaks } from "./leaks.ts";

const { nn, optim } = torch;
const F = nn.functional;

cudaTest("tensors go to the device and back, and say where they are", () => {
  const x = torch.tensor([[1, 2.5], [-3, 4]]), y = x.cuda();
  assertEquals(y.device, "cuda:0");
  assertEquals(x.to("cuda:0").device, "cuda:0");
  assert(y.cuda() === y);
  assertEquals(y.cpu().tolist(), x.tolist());
  assertEquals(y.tolist(), x.tolist());
  assertEquals(y.at(1, 0).item(), -3);
  assertEquals(y.type(), "torch.cuda.FloatTensor");
  assertEquals(
    String(y),
    "tensor([[ 1.0000,  2.5000],\n        [-3.0000,  4.0000]], device='cuda:0')",
  );
  for (const dtype of [torch.int64, torch.int32, torch.uint8, torch.bool, torch.float64]) {
    const z = x.to(dtype);
    assertEquals(z.cuda().tolist(), z.tolist());
    assertEquals(x.cuda().to(dtype).tolist(), z.tolist());
  }
  assertEquals(torch.zeros(2, 3, { device: "cuda" }).device, "cuda:0");
  assertEquals(torch.arange(4, { device: "cuda" }).tolist(), [0, 1, 2, 3]);
  assertEquals(torch.zeros(0, 3).cuda().add(1).shape, [0, 3]);
  assertEquals(x.t().cuda().tolist(), x.t().tolist());
});

cudaTest("gradients flow through moves between devices", () => {
  const x = torch.tensor([1, 2, 3], { requiresGrad: true });
  x.cuda().mul(2).cpu().sum().backward();
  assertEquals(x.grad!.device, "cpu");
  assertEquals(x.grad!.tolist(), [2, 2, 2]);
});

cudaTest("a model trains as on the CPU, a checkpoint and all", () => {
  const run = (device: string) => {
    torch.manualSeed(1);
    const model = new nn.Sequential(
      new nn.Linear(6, 16),
      new nn.LayerNorm(16),
      new nn.GELU(),
      new nn.Linear(16, 3),
    ).to(device);
    const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
    const x = torch.randn(8, 6, { device }), y = torch.randint(0, 3, [8], { device });
    const losses: number[] = [];
    for (let step = 0; step < 5; step++) {
      const loss = F.crossEntropy(model(x), y);
      optimizer.zeroGrad();
      loss.backward();
      nn.utils.clipGradNorm_(model.parameters(), 1);
      optimizer.step();
      losses.push(Number(loss.item()));
    }
    for (const p of model.parameters()) assertEquals(p.device.slice(0, 4), device.slice(0, 4));
    return { losses, model, optimizer };
  };
  const here = run("cpu"), there = run("cuda");
  here.losses.forEach((loss, i) => assertAlmostEquals(there.losses[i], loss, 1e-5));
  const state = there.model.stateDict();
  for (const name in state) assertEquals(state[name].device, "cuda:0");
  // A checkpoint goes back to the CPU and on.
  const bytes = torch.saveBytes({ model: state, optimizer: there.optimizer.stateDict() });
  const loaded = torch.load<{ model: Record<string, torch.Tensor> }>(bytes);
  here.model.loadStateDict(loaded.model);
  const p = here.model.parameters()[0];
  assertEquals(p.device, "cpu");
  assertEquals(p.tolist(), there.model.parameters()[0].tolist());
});

cudaTest("the same random numbers as on the CPU", () => {
  torch.manualSeed(3);
  const here = torch.randn(20), perm = torch.randperm(9);
  torch.cuda.manualSeed(3);
  assertEquals(torch.randn(20, { device: "cuda" }).tolist(), here.tolist());
  assertEquals(torch.randperm(9, { device: "cuda" }).tolist(), perm.tolist());
});

cudaTest("tensors of two devices do not mix", () => {
  const x = torch.ones(3), y = x.cuda();
  assertThrows(() => x.add(y), TypeError, "add: tensors on two devices, cpu and cuda:0");
  assertThrows(() => y.matmul(x), TypeError, "two devices, cuda:0 and cpu");
  assertThrows(() => torch.cat([x, y]), TypeError, "two devices");
  assertThrows(() => torch.where(x.gt(0), y, y), TypeError, "two devices");
  assertThrows(
    () => F.crossEntropy(y.view(1, 3), torch.zeros(1, { dtype: torch.int64 })),
    TypeError,
    "two devices",
  );
  assertThrows(() => new nn.Linear(3, 2)(y), TypeError, "two devices");
  if (torch.cuda.deviceCount() < 2) return;
  const z = x.to("cuda:1");
  assertEquals(z.add(1).tolist(), [2, 2, 2]);
  assertThrows(() => y.add(z), TypeError, "cuda:0 and cuda:1");
  assertEquals(y.to("cuda:1").add(z).tolist(), [2, 2, 2]);
  torch.cuda.setDevice(1);
  assertEquals(x.cuda().device, "cuda:1");
  torch.cuda.setDevice(0);
  assertThrows(() => x.to("cuda:7"), Error, 'no device "cuda:7": there are 2');
});

cudaTest("constants: many, special and of every dtype", () => {
  const x = torch.zeros(2, { device: "cuda" });
  for (let i = 0; i < 9000; i++) {
    using _ = torch.scope();
    const y = x.add(i + 0.5);
    if (i % 1000 === 999) assertEquals(y.tolist(), [i + 0.5, i + 0.5]);
  }
  assertEquals(x.add(0.5).tolist(), [0.5, 0.5]);
  assertEquals(x.add(-0).add(Infinity).tolist(), [Infinity, Infinity]);
  assertEquals(torch.ones(1).cuda().div(torch.full([1], -0, { device: "cuda" })).item(), -Infinity);
  assertEquals(torch.full([1], NaN, { device: "cuda" }).isnan().tolist(), [true]);
  const big = 2n ** 62n + 1n;
  assertEquals(torch.zeros(1, { dtype: torch.int64, device: "cuda" }).add(big).tolist(), [big]);
});

cudaTest(
  "memory: scopes free, statistics count, a loop that frees nothing stays within its budget",
  () => {
    torch.cuda.emptyCache();
    const before = torch.cuda.memoryAllocated();
    withoutLeaks(() => {
      using _ = torch.scope();
      const x = torch.ones(1000, { device: "cuda" });
      assertGreater(torch.cuda.memoryAllocated(), before + 3999);
      x.add(1);
    });
    assertEquals(torch.cuda.memoryAllocated(), before);
    torch.cuda.resetPeakMemoryStats();
    assertEquals(torch.cuda.maxMemoryAllocated(), before);
    assertGreater(torch.cuda.memoryReserved(), 0);
    const [free, total] = torch.cuda.memGetInfo();
    assertLess(free, total);

    const heap = (torch.zeros(1, { device: "cuda" }).backend as unknown as { heap: CudaHeap }).heap;
    const { budget } = heap, movedOut = heap.movedOut;
    heap.budget = heap.used + (8 << 20);
    const kept = torch.arange(1000, { device: "cuda" });
    for (let i = 0; i < 40; i++) torch.ones(1 << 18, { device: "cuda" }); // a megabyte each
    assertGreater(heap.movedOut, movedOut);
    assertLess(heap.used, 24 << 20);
    assertEquals(kept.sum().item(), 499500); // comes back
    heap.budget = budget;
  },
);

cudaTest("memory: what is too large is refused in words", () => {
  assertThrows(
    () => torch.empty([2 ** 40], { device: "cuda" }),
    RangeError,
    "cuda:0: out of memory",
  );
  assertEquals(torch.ones(2, { device: "cuda" }).sum().item(), 2);
});

Deno.test("cuda: the heap gives empty segments back before it gives up", () => {
  let room = 6 << 20, next = 1 << 20;
  const held = new Map<number, number>();
  const heap = new CudaHeap(
    {
      allocate(bytes) {
        if (bytes > room) return 0;
        room -= bytes;
        held.set(next, bytes);
        next += bytes;
        return next - bytes;
      },
      free(address) {
        room += held.get(address)!;
        held.delete(address);
      },
      read: (_, bytes) => new Uint8Array(bytes),
      write() {},
    },
    8 << 20,
    8 << 20,
  );
  const place = (bytes: number) => {
    const storage = new Storage(null, bytes);
    heap.place(storage);
    return storage;
  };
  const small = [place(1 << 20), place(1 << 20)];
  assertEquals(held.size, 1); // one segment of two megabytes
  for (const storage of small) heap.release(storage);
  place(5 << 20); // does not fit beside the empty segment
  assertEquals([...held.values()], [(5 << 20) + 256]);
  assertThrows(() => heap.reserve(2 << 20), RangeError, "out of memory");
  assertThrows(() => heap.place(new Storage(null, 9 << 20)), RangeError, "asked for 9437184 bytes");
});

cudaTest("a freed tensor is refused by name", () => {
  const x = torch.ones(2, { device: "cuda" });
  x[Symbol.dispose]();
  assertThrows(() => x.add(1), Error, "a freed tensor was used");
});

cudaTest("events and streams", () => {
  const start = new torch.cuda.Event({ enableTiming: true }), end = new torch.cuda.Event();
  assertThrows(() => start.elapsedTime(end), Error, "recorded on one device");
  start.record();
  torch.ones(100, { device: "cuda" }).sum();
  end.record();
  end.synchronize();
  assert(start.query() && end.query());
  assert(start.elapsedTime(end) >= 0);
  const stream = torch.cuda.currentStream();
  stream.waitStream(new torch.cuda.Stream());
  stream.waitEvent(stream.recordEvent());
  stream.synchronize();
  assert(stream.query());
  torch.cuda.synchronize();
});

cudaTest("the current device and its name", () => {
  assertEquals(torch.cuda.isAvailable(), true);
  assertEquals(torch.cuda.problem(), null);
  assertEquals(torch.cuda.currentDevice(), 0);
  if (!gpu) {
    assertEquals(torch.cuda.deviceCount(), 2);
    assertEquals(torch.cuda.getDeviceName("cuda:1"), "CUDA emulator (CPU)");
  }
  assertThrows(() => torch.cuda.getDeviceName("cpu"), TypeError, "expected a CUDA device");
  assertThrows(() => torch.cuda.load("/nowhere.so"), Error, "a CUDA device is in use");
});
