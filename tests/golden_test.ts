/**
 * PyTorch's stored answers, family by family: forward, gradients, and bad calls. What is not built yet is printed by
 * name; a family in COMPLETE may miss nothing.
 *
 *     deno task test tests/golden_test.ts                       all
 *     DINOTORCH_FAMILY=unary,softmax deno task test ...         some
 */
import { assertEquals } from "@std/assert";
import * as torch from "../mod.ts";
import { type Outcome, readStore, replay } from "./replay.ts";

const COMPLETE = new Set<string>([
  "activation",
  "arith",
  "compare",
  "conv",
  "indexing",
  "linalg",
  "loss",
  "matmul",
  "module",
  "norm",
  "pool",
  "reduction",
  "shape",
  "softmax",
  "unary",
  "vision",
]);

/** Cases that PyTorch 1.13 itself gets wrong, and how. */
const WRONG_IN_PYTORCH: Record<string, string> = {
  // tests/indexing_test.ts holds ours against finite differences.
  "indexing/69":
    "the gradient of masked_select of a transposed tensor, filled in the order of memory",
};

const dir = new URL("golden/ops", import.meta.url).pathname;
// deno-lint-ignore no-explicit-any
const { cases }: { cases: any[] } = JSON.parse(Deno.readTextFileSync(`${dir}/index.json`));
// deno-lint-ignore no-explicit-any
const errors: any[] = JSON.parse(Deno.readTextFileSync(`${dir}/errors.json`)).cases;
const chosen = Deno.env.get("DINOTORCH_FAMILY")?.split(",");

function report(family: string, outcome: Outcome): void {
  const { passed, failures, missing, unsayable } = outcome;
  const absent = [...missing.values()].reduce((a, b) => a + b, 0);
  const notes = [`${passed} passed`, `${failures.length} failed`];
  if (absent > 0) notes.push(`${absent} not built yet (${[...missing.keys()].join(", ")})`);
  if (unsayable > 0) notes.push(`${unsayable} not sayable in JavaScript`);
  console.log(`golden ${family}: ${notes.join(", ")}`);
  assertEquals(failures, []);
  if (COMPLETE.has(family)) assertEquals([...missing.keys()], []);
}

for (const family of new Set<string>(cases.map((c) => c.family))) {
  if (chosen && !chosen.includes(family)) continue;
  Deno.test(`golden: ${family}`, () => {
    const store = readStore(dir, [`${family}.safetensors`]);
    const own = cases.filter((c) => c.family === family);
    for (const { id } of own) {
      const how = WRONG_IN_PYTORCH[id];
      if (how) console.log(`golden ${id} is left out, wrong in PyTorch: ${how}`);
    }
    report(family, replay(torch, own.filter((c) => !(c.id in WRONG_IN_PYTORCH)), store));
  });
}

if (!chosen || chosen.includes("errors")) {
  Deno.test("golden: bad calls are refused", () => {
    report("errors", replay(torch, errors.filter((c) => c.call !== "steps"), new Map(), true));
  });
}
