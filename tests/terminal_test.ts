/**
 * What training shows in a terminal.
 */
import { assert, assertEquals } from "@std/assert";
import { curve } from "../examples/terminal.ts";

Deno.test("a curve of losses leaves out what is no finite number", () => {
  assertEquals(curve([3, 2, 1]), curve([3, NaN, 2, Infinity, 1]));
  assertEquals(curve([1, 10], { log: true }), curve([1, 0, 10], { log: true }));
  assert(curve([1, 1]).includes("1.000"));
  assert(curve([2.5]).includes("2.500"));
  for (const losses of [[], [NaN]]) assert(curve(losses).includes("no curve"));
});
