/**
 * Other runtimes: the library, bundled, computes the same there, on threads too. `DINOTORCH_NODE` and `DINOTORCH_BUN`
 * name executables that are not on the PATH; what is not there is left out, and said so.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as esbuild from "esbuild";

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
console.log(JSON.stringify([cpu.flavour, cpu.pool.threads, checked, [again.item(), w.grad.sum().item()]]));
`;

async function bundle(): Promise<string> {
  try {
    const { outputFiles } = await esbuild.build({
      stdin: {
        contents: PROGRAM,
        resolveDir: new URL("../", import.meta.url).pathname,
        loader: "ts",
      },
      bundle: true,
      format: "esm",
      target: "es2022",
      write: false,
      logLevel: "silent",
    });
    return outputFiles[0].text;
  } finally {
    await esbuild.stop();
  }
}

/** Runs the program; null where there is no such runtime. */
async function run(command: string, file: string): Promise<unknown[] | null> {
  let output;
  try {
    output = await new Deno.Command(command, { args: [file], signal: AbortSignal.timeout(60_000) })
      .output();
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return null;
    throw e;
  }
  assert(output.success, new TextDecoder().decode(output.stderr));
  return JSON.parse(new TextDecoder().decode(output.stdout));
}

Deno.test("runtimes: Node and Bun compute what Deno computes, on one thread and on two", async () => {
  const file = await Deno.makeTempFile({ suffix: ".mjs" });
  await Deno.writeTextFile(file, await bundle());
  const here = await run(Deno.execPath(), file);
  assertEquals(here?.[2], here?.[3]);
  const runtimes = {
    Node: Deno.env.get("DINOTORCH_NODE") ?? "node",
    Bun: Deno.env.get("DINOTORCH_BUN") ?? "bun",
  };
  for (const [name, command] of Object.entries(runtimes)) {
    const there = await run(command, file);
    if (there === null) {
      console.log(
        `runtimes: ${name} is left out: there is no ${command} (DINOTORCH_${name.toUpperCase()})`,
      );
      continue;
    }
    assertEquals(there[2], there[3]);
    // Not to the last bit: Bun and the baseline flavour have no fused multiply-adds.
    for (const [i, x] of (there[2] as number[]).entries()) {
      assertAlmostEquals(x, (here![2] as number[])[i], 1e-6);
    }
  }
  await Deno.remove(file);
});
