/**
 * `nn.utils`: gradients cut down to size, parameters as one vector. The numbers are PyTorch's.
 */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { nn } from "../mod.ts";

const { clipGradNorm_, clipGradValue_, parametersToVector, vectorToParameters } = nn.utils;

function parameters() {
  const a = new nn.Parameter(torch.zeros(2, 2)), b = new nn.Parameter(torch.zeros(3));
  a.grad = torch.tensor([[1, -2], [3, 4]]);
  b.grad = torch.tensor([0.5, -6, 2]);
  return [a, b, new nn.Parameter(torch.zeros(1))];
}

Deno.test("clipGradNorm_ scales all gradients by one factor", () => {
  const norms = [[2, 8.381526947021484, 1.9999998807907104], [1, 18.5, 0.9061110019683838], [
    3,
    6.86916971206665,
    2.4403316974639893,
  ], [Infinity, 6, 2.79384183883667]];
  for (const [normType, before, after] of norms) {
    const list = parameters();
    assertAlmostEquals(clipGradNorm_(list, 2, { normType }).item(), before, 1e-6 * before);
    assertAlmostEquals(clipGradNorm_(list, 100).item(), after, 1e-6 * after);
    assertAlmostEquals(list[1].grad!.at(1).item() / list[0].grad!.at(0, 0).item(), -6, 1e-6);
  }
  const [a] = parameters();
  assertAlmostEquals(clipGradNorm_(a, 1).item(), Math.sqrt(30), 1e-6);
  assertEquals(clipGradNorm_([torch.zeros(1)], 1).item(), 0);
});

Deno.test("clipGradNorm_ refuses what is no finite number, if asked", () => {
  const [a] = parameters();
  a.grad!.at(0, 0).fill_(NaN);
  const before = String(a.grad);
  assertThrows(() => clipGradNorm_([a], 1, { errorIfNonfinite: true }), Error, "is NaN");
  assertEquals(String(a.grad), before);
  assertThrows(() => clipGradNorm_([a], "1" as unknown as number), TypeError, "maxNorm");
  assertThrows(() => clipGradNorm_([1] as unknown as torch.Tensor[], 1), TypeError, "parameters");
});

Deno.test("clipGradValue_ clamps each element", () => {
  const [a, b] = parameters();
  clipGradValue_([a, b], 1.5);
  assertEquals(a.grad!.tolist(), [[1, -1.5], [1.5, 1.5]]);
  assertEquals(b.grad!.tolist(), [0.5, -1.5, 1.5]);
});

Deno.test("parameters as one vector, and back", () => {
  const list = new nn.Linear(2, 1).parameters();
  vectorToParameters(torch.tensor([1, 2, 3]), list);
  assertEquals(list.map((p) => p.tolist()), [[[1, 2]], [3]]);
  assertEquals(parametersToVector(list).tolist(), [1, 2, 3]);
  assertEquals(parametersToVector(list).requiresGrad, true);
  assertThrows(() => vectorToParameters(torch.zeros(4), list), RangeError, "expected [3]");
  assertEquals(list.map((p) => p.requiresGrad), [true, true]);
});
