/**
 * The example that compares precisions.
 */
import { assertEquals, assertGreater } from "@std/assert";

Deno.test("precision: the example trains, and prints a row for each precision", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", new URL("../examples/precision.ts", import.meta.url).pathname],
      ...["--digits", "300", "--epochs", "1", "--steps", "2", "--size", "64"],
    ],
  }).output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, errors);
  const rows = out.split("\n").filter((line) => /^(float|bfloat|int)/.test(line));
  assertEquals(rows.map((r) => r.split(" ")[0]), ["float32", "bfloat16", "float16", "int8"]);
  for (const row of rows) {
    const [, , accuracy, , loss] = row.trim().split(/ {2,}/).map(Number);
    assertGreater(accuracy, 0.2);
    assertGreater(5, loss);
  }
});
