/**
 * Memory: nobody has to dispose, and nothing grows.
 */
import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";
import { cpu } from "../src/backend/wasm.ts";
import { withoutLeaks } from "./leaks.ts";
import { readStore, replay } from "./replay.ts";

const MEBIBYTE = 1 << 20;

interface Run {
  losses: number[];
  peak: number;
  rss: number;
}

async function train(mode: "free" | "scoped"): Promise<Run> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("memory_program.ts", import.meta.url).pathname, mode],
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, decode(stderr));
  return JSON.parse(decode(stdout));
}

Deno.test("memory: 20,000 steps without any clean-up take bounded memory, and give the losses of those under scopes", async () => {
  const free = await train("free"), scoped = await train("scoped");
  const show = (n: number) => `${(n / MEBIBYTE).toFixed(0)} MiB`;
  console.log(
    `memory: the most that 20,000 steps took: on the device ${show(free.peak)} without clean-up, ${
      show(scoped.peak)
    } under ` +
      `scopes; the whole process ${show(free.rss)} and ${show(scoped.rss)}`,
  );
  assertEquals(free.losses, scoped.losses);
  assertLess(free.losses.at(-1)!, free.losses[0]);
  for (const { peak, rss } of [free, scoped]) {
    assertLess(peak, 80 * MEBIBYTE);
    assertLess(rss, 600 * MEBIBYTE);
  }
});

Deno.test("memory: a scope frees what was made in it, and leaves nothing behind", () => {
  const x = torch.ones(4, 5);
  withoutLeaks(() => {
    using _ = torch.scope();
    x.add(1).mul(x).sum([0]).exp();
  });
});

Deno.test("memory: what a scope keeps outlives it, in the scope around it if there is one", () => {
  const kept = withoutLeaks(() => {
    using outer = torch.scope();
    const y = (() => {
      using inner = torch.scope();
      return inner.keep(torch.ones(3).add(1));
    })();
    assertEquals(y.tolist(), [2, 2, 2]);
    return outer.keep({ y, list: [y.mul(2)] });
  }, 2);
  assertEquals(kept.y.tolist(), [2, 2, 2]);
  assertEquals(kept.list[0].tolist(), [4, 4, 4]);
});

Deno.test("memory: parameters, gradients and optimizer state outlive a scope", () => {
  let model!: nn.Linear, optimizer!: torch.optim.Adam;
  for (let i = 0; i < 3; i++) {
    using _ = torch.scope();
    model ??= new nn.Linear(3, 2);
    optimizer ??= new torch.optim.Adam(model.parameters(), { lr: 0.1 });
    model(torch.ones(1, 3)).sum().backward();
    optimizer.step();
  }
  assertEquals(model.weight.shape, [2, 3]);
  assertEquals((model.weight.grad!.tolist() as number[][])[0], [3, 3, 3]);
  using _ = torch.scope();
  optimizer.step();
});

Deno.test("memory: a leaked tensor fails the test that leaks it", () => {
  const message = (assertThrows(() => withoutLeaks(() => torch.ones(3).add(1))) as Error).message;
  assertEquals(message, "leak: 2 tensors are left behind, 0 expected");
});

Deno.test("memory: a freed tensor throws when it is used", () => {
  const y = (() => {
    using _ = torch.scope();
    return torch.ones(2, 3);
  })();
  const { message } = assertThrows(() => y.add(1), Error) as Error;
  assertStringIncludes(message, "freed");
  assertStringIncludes(message, "scope.keep");
  const z = torch.ones(2);
  z[Symbol.dispose]();
  assertThrows(() => z.tolist(), Error, "freed");
});

Deno.test("memory: tensors that are moved out come back with their elements", () => {
  const kept = Array.from({ length: 40 }, (_, i) => torch.ones(MEBIBYTE / 4).mul(i)); // 40 MiB
  const before = torch.memory.stats().movedOut;
  for (let i = 0; i < 100; i++) torch.ones(MEBIBYTE).add(1); // 800 MiB of garbage
  assertLess(before, torch.memory.stats().movedOut);
  kept.forEach((x, i) => {
    using _ = torch.scope();
    assertEquals(x.narrow(0, 17, 2).tolist(), [i, i]);
    assertEquals(x.sum().item(), i * MEBIBYTE / 4);
  });
});

Deno.test("memory: asking for too much says how much was asked for and what is held", () => {
  const { message } = assertThrows(() => torch.empty(40_000, 40_000), RangeError) as Error;
  assertStringIncludes(message, "6400000000 bytes");
  assert(/\d+ bytes are held by \d+ tensors/.test(message), message);
  assertEquals(torch.ones(3).sum().item(), 3);
});

Deno.test("memory: PyTorch's answers come out right when nothing may stay on the device", () => {
  const { budget } = cpu.heap, before = cpu.heap.movedIn;
  Object.defineProperty(cpu.heap, "budget", { get: () => 1, set() {}, configurable: true });
  try {
    const dir = new URL("golden/ops", import.meta.url).pathname;
    const { cases } = JSON.parse(Deno.readTextFileSync(`${dir}/index.json`));
    for (const family of ["arith", "reduction", "matmul", "shape", "softmax", "loss"]) {
      const some = cases.filter((c: { family: string }) => c.family === family);
      assertEquals(replay(torch, some, readStore(dir, [`${family}.safetensors`])).failures, []);
    }
    assertLess(before, cpu.heap.movedIn);
  } finally {
    Object.defineProperty(cpu.heap, "budget", {
      value: budget,
      writable: true,
      configurable: true,
    });
  }
});
