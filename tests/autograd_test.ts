/**
 * Autograd beyond single operations: custom functions, modes, hooks, higher derivatives, errors of state.
 */
import { assertEquals } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";

const { autograd } = torch;

/** A float64 leaf. */
function leaf(values: torch.Nested): Tensor {
  return torch.tensor(values, { dtype: torch.float64, requiresGrad: true });
}

class Cube extends autograd.Function {
  static forward(ctx: torch.autograd.FunctionContext, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.mul(x).mul(x);
  }
  static backward(ctx: torch.autograd.FunctionContext, dy: Tensor): Tensor {
    const [x] = ctx.savedTensors;
    return dy.mul(x!.mul(x!)).mul(3);
  }
}

Deno.test("autograd.Function: a derivative of one's own, differentiable twice", () => {
  const x = leaf([1, -2, 3]);
  assertEquals(Cube.apply(x).gradFn?.name, "CubeBackward");
  assertEquals(autograd.gradcheck((x) => Cube.apply(x), x), true);
  assertEquals(autograd.gradgradcheck((x) => Cube.apply(x), x), true);
});
