/**
 * Other runtimes: the library, bundled, computes the same there, on threads too.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { commandOf, hostOf } from "./edge/host.ts";
import { bundle } from "./npm/package.ts";

const PROGRAM = `
import * as torch from "./mod.ts";
import { cpu } from "./src/backend/wasm.ts";
torch.setNumThreads(2);
cpu.pool.start();
torch.manualSeed(0);
const x = torch.randn(200, 300), w = torch.randn([150, 300], { requiresGrad: true });
const loss = torch.F.linear(x, w).tanh().square().mean();
loss.backward();
const checked = [loss.item(), w.grad.sum().item()];
torch.setNumThreads(1);
w.grad = null;
const again = torch.F.linear(x, w).tanh().square().mean();
again.backward();
export const result = JSON.stringify([checked, [again.item(), w.grad.sum().item()]]);
`;

/** The losses and the gradients' sums on two threads and on one; null where there is no such runtime. */
async function run(name: string, folder: string): Promise<number[][] | null> {
  const host = hostOf(name), command = await commandOf(host);
  return command === null ? null : JSON.parse(await host.run(command, folder));
}

Deno.test("runtimes: Node and Bun compute what Deno computes, on one thread and on two", async () => {
  const folder = await Deno.makeTempDir(), root = new URL("../", import.meta.url).pathname;
  await Deno.writeTextFile(`${folder}/package.json`, `{ "type": "module" }\n`);
  const program = await bundle(root, PROGRAM, { target: "es2022" });
  await Deno.writeTextFile(`${folder}/check.js`, program);
  const here = (await run("Deno", folder))!;
  assertEquals(here[0], here[1]);
  for (const name of ["Node", "newer Node", "Bun"]) {
    const there = await run(name, folder);
    if (there === null) continue;
    assertEquals(there[0], there[1], name);
    // Not to the last bit: Bun and the baseline flavour have no fused multiply-adds.
    for (const [i, x] of there[0].entries()) assertAlmostEquals(x, here[0][i], 1e-6, name);
  }
  await Deno.remove(folder, { recursive: true });
});
