/**
 * Threads: the same results for every number of them, no hang, and no program kept alive.
 */
import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as torch from "../mod.ts";
import { F, nn } from "../mod.ts";
import { cpu } from "../src/backend/wasm.ts";
import { readStore, replay } from "./replay.ts";

const pool = cpu.pool!;

/** Runs `f` with every kernel that can be split on `threads` threads, however small the call. */
function splitting<T>(threads: number, f: () => T): T {
  const { grain, threads: before } = pool;
  pool.threads = threads;
  pool.grain = 0;
  pool.start();
  try {
    return f();
  } finally {
    pool.grain = grain;
    pool.threads = before;
  }
}

const dir = new URL("golden/ops", import.meta.url).pathname;
const { cases } = JSON.parse(Deno.readTextFileSync(`${dir}/index.json`));

for (const family of new Set<string>(cases.map((c: { family: string }) => c.family))) {
  Deno.test(`threads: PyTorch's answers with every kernel split: ${family}`, () => {
    const some = cases.filter((c: { family: string; id: string }) =>
      c.family === family && c.id !== "indexing/69" // wrong in PyTorch, see golden_test.ts
    );
    const store = readStore(dir, [`${family}.safetensors`]);
    const { passed, failures, missing } = splitting(4, () => replay(torch, some, store));
    assertEquals(failures, []);
    assertGreater(passed + missing.size, 0);
  });
}

/** Two steps of a network of many kinds of layers: losses and parameters, exactly. */
function train(): unknown {
  torch.manualSeed(0);
  using _ = torch.scope();
  const x = torch.randn(5, 3, 13, 11), y = torch.randint(0, 7, [5]);
  const body = new nn.Sequential(
    new nn.Conv2d(3, 10, 3, { padding: 1 }),
    new nn.BatchNorm2d(10),
    new nn.GELU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(10, 12, 3, { groups: 2 }),
    new nn.GroupNorm(3, 12),
    new nn.Flatten(2),
  );
  const attention = new nn.TransformerEncoderLayer(12, 3, 33, { batchFirst: true, dropout: 0.1 });
  const recurrent = new nn.LSTM(12, 17, { batchFirst: true });
  const head = new nn.Linear(17, 7);
  const parameters = [body, attention, recurrent, head].flatMap((m) => [...m.parameters()]);
  const optimizer = new torch.optim.AdamW(parameters, { lr: 1e-2 });
  const losses: unknown[] = [];
  for (let step = 0; step < 2; step++) {
    const [h] = recurrent(attention(body(x).transpose(1, 2)));
    const loss = F.crossEntropy(head(h.mean(1)), y, { labelSmoothing: 0.1 });
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  return [losses, parameters.map((p) => p.tolist())];
}

Deno.test("threads: a network trains to the same bits on any number of threads", () => {
  pool.threads = 1;
  const alone = train();
  for (const threads of [2, 3, 5]) assertEquals(splitting(threads, train), alone);
});

Deno.test("threads: large calls are shared, small ones are not", () => {
  pool.threads = 2;
  pool.start();
  const calls: string[] = [];
  const add = Atomics.add;
  // A task is announced by one Atomics.add from this thread to the count of tasks.
  Atomics.add = ((board: Int32Array, place: number, n: number) => {
    calls.push(String(place));
    return add(board, place, n);
  }) as typeof Atomics.add;
  try {
    torch.ones(8).add(1);
    assertEquals(calls, []);
    torch.ones(300, 300).matmul(torch.ones(300, 300));
    assertGreater(calls.length, 1);
  } finally {
    Atomics.add = add;
  }
});

Deno.test("threads: memory that grows is seen by every thread", () => {
  splitting(3, () => {
    using _ = torch.scope();
    const before = torch.memory.stats().bytes;
    const x = torch.ones(40, 1 << 20); // 160 MiB, beyond what the memory began with
    assertGreater(torch.memory.stats().bytes, before + (100 << 20));
    assertEquals(x.mul(2).sum().item(), 2 * 40 * (1 << 20));
  });
});

Deno.test("threads: a kernel that fails is an error of the call, and the pool goes on", () => {
  const size = 1 << 26;
  for (let i = 0; i < 3; i++) {
    assertThrows(() => splitting(2, () => pool.kernels.neg(0xffff0000, 0xffff0000, 0, size)));
  }
  assertEquals(splitting(2, () => torch.ones(100).sum().item()), 100);
});

Deno.test("threads: setNumThreads and getNumThreads", () => {
  torch.setNumThreads(3);
  assertEquals(torch.getNumThreads(), 3);
  torch.setNumThreads(1);
  assertEquals(torch.getNumThreads(), 1);
  for (const bad of [0, -1, 1.5, NaN, "2" as unknown as number]) {
    assertThrows(() => torch.setNumThreads(bad), RangeError, `setNumThreads: expected a whole`);
  }
  assertEquals(torch.getNumThreads(), 1);
});

/** Runs a program of its own; fails the test if it does not end. */
async function run(code: string, ...flags: string[]): Promise<{ out: string; err: string }> {
  const mod = new URL("../mod.ts", import.meta.url).href,
    backend = new URL("../src/backend/wasm.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-lock", ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(
    `const torch = await import("${mod}"); const { cpu } = await import("${backend}");\n${code}`,
  ));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert(success, err);
  return { out, err };
}

Deno.test("threads: a program ends by itself while its workers sleep or spin, and needs no permission for them", async () => {
  const { out } = await run(
    `torch.setNumThreads(3);
     cpu.pool.start();
     const x = torch.ones(512, 512);
     console.log(x.matmul(x).at(0, 0).item());`,
  );
  assertEquals(out, "512\n");
});

Deno.test("threads: work enough starts them, in a synchronous program too", async () => {
  const { out } = await run(
    `torch.setNumThreads(2);
     const x = torch.ones(512, 512), kernel = cpu.pool;
     let shared = false;
     const and = Atomics.and; // closes a task
     Atomics.and = (...args) => { shared = true; return and(...args); };
     for (let i = 0; i < 4000 && !shared; i++) { using _ = torch.scope(); x.matmul(x); }
     console.log(shared);`,
  );
  assertEquals(out, "true\n");
});

Deno.test("threads: a worker that is lost in the middle of a task is an error, not a hang", async () => {
  const { out } = await run(
    `torch.setNumThreads(2);
     cpu.pool.patience = 300;
     cpu.pool.start();
     // As if the worker never left: the count of those inside is not 0.
     const load = Atomics.load;
     Atomics.load = (board, place) => place === 0 && board.length === 256 ? 1 : load(board, place);
     const x = torch.ones(300, 300);
     try {
       x.matmul(x);
       console.log("finished");
     } catch (e) { console.log(e.message); }
     Atomics.load = load;
     console.log(x.matmul(x).at(0, 0).item());
     console.log(torch.getNumThreads());
     Deno.exit(0);`,
  );
  assertStringIncludes(out, "matmul: a worker thread did not answer within ");
  assertStringIncludes(out, "\n300\n1\n");
});

Deno.test("threads: without shared memory everything runs on one thread, and says so once when asked for more", async () => {
  const { out, err } = await run(
    `console.log(torch.getNumThreads(), cpu.pool);
     torch.setNumThreads(1);
     torch.setNumThreads(2);
     torch.setNumThreads(4);
     console.log(torch.ones(300, 300).matmul(torch.ones(300, 300)).at(0, 0).item());`,
    `--preload=${await withoutShared()}`,
  );
  assertEquals(out, "1 null\n300\n");
  assertEquals(err.match(/kernels run on 1/g)?.length, 1);
});

/** A module that takes shared memory away from a program, as a page without isolation has none. */
async function withoutShared(): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(file, "delete globalThis.SharedArrayBuffer;");
  return file;
}
