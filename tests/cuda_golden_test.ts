/**
 * PyTorch's stored answers on a CUDA device. The emulator runs the threads of a block, and the blocks, in an order that can
 * be chosen: a result that hangs on it is a race.
 */
import { assertEquals, assertGreater } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest, gpu, setOrder } from "./cuda.ts";
import type { KernelName } from "../src/backend/kernels.ts";
import { readStore, replay } from "./replay.ts";

/** Cases that PyTorch 1.13 itself gets wrong: tests/golden_test.ts tells how. */
const WRONG_IN_PYTORCH = ["indexing/69"];

const dir = new URL("golden/ops", import.meta.url).pathname;
// deno-lint-ignore no-explicit-any
const { cases }: { cases: any[] } = JSON.parse(Deno.readTextFileSync(`${dir}/index.json`));
const chosen = Deno.env.get("DINOTORCH_FAMILY")?.split(",");
const orders = gpu ? ["forward"] : ["forward", "reverse", "random:7"];

for (const family of new Set<string>(cases.map((c) => c.family))) {
  if (chosen && !chosen.includes(family)) continue;
  cudaTest(`golden: ${family}, ${gpu ? "on a GPU" : "in three orders of threads"}`, () => {
    const store = readStore(dir, [`${family}.safetensors`]);
    const own = cases.filter((c) => c.family === family && !WRONG_IN_PYTORCH.includes(c.id));
    for (const order of orders) {
      setOrder(order);
      const { passed, failures } = replay(torch, own, store, false, "cuda");
      assertEquals(failures, [], `order ${order}`);
      assertGreater(passed, 20, `order ${order}`);
    }
    setOrder("forward");
  });
}

cudaTest("golden: which kernels the host computes", () => {
  const { onHost } = torch.zeros(1, { device: "cuda" }).backend as unknown as {
    onHost: KernelName[];
  };
  const names = [...new Set(onHost.map((name) => name.replace(/_(f64|i64|i32|i16|i8|u8)$/, "")))];
  // Why each is not the device's: docs/cuda.md.
  assertEquals(names.filter((name) => !/^conv_(octet|few|plane)/.test(name)).sort(), [
    "clear_random_rows",
    "multinomial",
    "poisson",
    "randperm",
    "seed_generator",
  ]);
});
