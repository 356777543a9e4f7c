/**
 * The example that compares precisions.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { runExample } from "./example.ts";

Deno.test("precision: the example trains, and prints a row for each precision", async () => {
  const small = "--digits 300 --epochs 1 --steps 2 --characters 64 --size 64".split(" ");
  const { code, output } = await runExample("precision.ts", ...small);
  assertEquals(code, 0, output);
  const rows = output.split("\n").filter((line) => /^(float|bfloat|int)/.test(line));
  assertEquals(rows.map((r) => r.split(" ")[0]), ["float32", "bfloat16", "float16", "int8"]);
  for (const row of rows) {
    const [, , accuracy, , loss] = row.trim().split(/ {2,}/).map(Number);
    assertGreater(accuracy, 0.2);
    assertGreater(5, loss);
  }
});
