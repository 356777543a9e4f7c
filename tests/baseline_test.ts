/**
 * The baseline flavour, for hosts without relaxed SIMD, gives PyTorch's answers too.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { checkConvolutions } from "./conv_cases.ts";
import { readStore, replay } from "./replay.ts";

// Before the library is loaded: it asks whether the host knows relaxed SIMD.
WebAssembly.validate = () => false;
const torch = await import("../mod.ts");
const { cpu } = await import("../src/backend/wasm.ts");

Deno.test("baseline: chosen where the host has no relaxed SIMD", () => {
  assertEquals(cpu.flavour, "baseline");
});

const dir = new URL("golden/ops", import.meta.url).pathname;
const { cases } = JSON.parse(Deno.readTextFileSync(`${dir}/index.json`));

for (
  const family of [
    "arith",
    "unary",
    "activation",
    "reduction",
    "matmul",
    "softmax",
    "loss",
    "conv",
    "pool",
  ]
) {
  Deno.test(`baseline: ${family}`, () => {
    const some = cases.filter((c: { family: string }) => c.family === family);
    const { passed, failures } = replay(torch, some, readStore(dir, [`${family}.safetensors`]));
    assertEquals(failures, []);
    assertGreater(passed, 40);
  });
}

Deno.test("baseline: convolutions at sizes around those of tiles", () => {
  checkConvolutions(torch, cpu);
});
