/**
 * Calls whose tensors are on two devices are refused by name: every call that PyTorch's answers are stored of.
 */
import { assertEquals, assertGreater } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest } from "./cuda.ts";
import { Missing, readStore, Replayer, sayable } from "./replay.ts";

/** Calls that need not have their tensors on one device. */
const FREE = new Set([
  "Tensor.copy_",
  "Tensor.expand_as",
  "Tensor.view_as",
  "torch.broadcast_tensors",
]);

/** Puts every other tensor on the CUDA device. */
class Mixed extends Replayer {
  tensors = 0;
  override tensor(key: string, requiresGrad = false): torch.Tensor {
    const x: torch.Tensor = super.tensor(key);
    const y = this.tensors++ % 2 === 0 ? x.cuda() : x;
    return requiresGrad ? y.requiresGrad_(true) : y;
  }
}

cudaTest("every call refuses tensors on two devices", () => {
  const dir = new URL("golden/ops", import.meta.url).pathname;
  const { cases } = JSON.parse(Deno.readTextFileSync(`${dir}/index.json`));
  const wrong: string[] = [];
  let refused = 0;
  for (const family of new Set<string>(cases.map((c: { family: string }) => c.family))) {
    const store = readStore(dir, [`${family}.safetensors`]);
    for (const c of cases) {
      if (c.family !== family || FREE.has(c.call) || !sayable(c, store)) continue;
      const replayer = new Mixed(torch, store);
      try {
        using _ = torch.scope();
        replayer.call(c, new Map());
        // A module takes its stored state to where it is, so that its input may be beside it.
        if (replayer.tensors > 1 && !c.call.startsWith("nn.")) {
          wrong.push(`${c.id}: ${c.call}: accepted`);
        }
      } catch (e) {
        const { name, message } = e as Error;
        if (e instanceof Missing) continue;
        if (name === "TypeError" && message.includes("tensors on two devices")) refused++;
        else wrong.push(`${c.id}: ${c.call}: ${message}`);
      }
    }
  }
  assertEquals(wrong, []);
  assertGreater(refused, 700);
});
