/**
 * Autograd beyond single operations: modes, hooks, higher derivatives, custom functions, deep graphs, errors of state.
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";

const { autograd } = torch;
type Context = torch.autograd.FunctionContext;

/** A float64 leaf. */
function leaf(values: torch.Nested): Tensor {
  return torch.tensor(values, { dtype: torch.float64, requiresGrad: true });
}

Deno.test("gradients add up over calls and over uses; a graph is gone after backward unless retained", () => {
  const x = leaf([1, 2]), y = x.mul(x).add(x).sum();
  y.backward({ retainGraph: true });
  assertEquals(x.grad!.tolist(), [3, 5]);
  y.backward();
  assertEquals(x.grad!.tolist(), [6, 10]);
  assertThrows(() => y.backward(), Error, "retainGraph: true");
  x.add(x).sum().backward();
  assertEquals(x.grad!.tolist(), [8, 12]);
});

Deno.test("createGraph: second and third derivatives", () => {
  const x = leaf([2, -3]), y = x.mul(x).mul(x).mul(x).sum();
  const [first] = autograd.grad(y, x, { createGraph: true });
  const [second] = autograd.grad(first.sum(), x, { createGraph: true });
  const [third] = autograd.grad(second.sum(), [x]);
  assertEquals(first.tolist(), [32, -108]);
  assertEquals(second.tolist(), [48, 108]);
  assertEquals(third.tolist(), [48, -72]);
  assertEquals(third.requiresGrad, false);
  assertEquals(x.grad, null);
  // The gradient that backward leaves can be differentiated too.
  x.mul(x).sum().backward({ createGraph: true });
  x.grad!.sum().backward();
  assertEquals(x.grad!.tolist(), [6, -4]);
});

Deno.test("grad: of non-leaves, of several outputs, of inputs that were not used", () => {
  const x = leaf([1, 2]), other = leaf([1]), middle = x.mul(3), y = middle.mul(middle);
  const [dMiddle, dx] = autograd.grad(y, [middle, x], torch.ones(2, { dtype: torch.float64 }));
  assertEquals([dMiddle.tolist(), dx.tolist()], [[6, 12], [18, 36]]);
  assertThrows(() => autograd.grad(x.sum(), [x, other]), Error, "allowUnused");
  const [, none] = autograd.grad(x.sum(), [x, other], { allowUnused: true });
  assertEquals(none, null);
  const [both] = autograd.grad([x.sum(), x.mul(2).sum()], x);
  assertEquals(both.tolist(), [3, 3]);
  const z = leaf([5]);
  autograd.backward([x.sum(), z.mul(2)], [null, torch.tensor([3], { dtype: torch.float64 })]);
  assertEquals([x.grad!.tolist(), z.grad!.tolist()], [[1, 1], [6]]);
});

Deno.test("backward collects in the chosen inputs only", () => {
  const x = leaf([1, 2]), y = leaf([3, 4]);
  x.mul(y).sum().backward({ inputs: [y] });
  assertEquals([x.grad, y.grad!.tolist()], [null, [1, 2]]);
});

Deno.test("hooks run in order, replace gradients, and can be removed", () => {
  const x = leaf([1, 2]), seen: string[] = [];
  const y = x.mul(2);
  y.registerHook((g) => void seen.push(`first ${g.tolist()}`));
  const scale = y.registerHook((g) => g.mul(10));
  y.registerHook((g) => void seen.push(`third ${g.tolist()}`));
  const onLeaf = x.registerHook((g) => g.add(1));
  y.sum().backward({ retainGraph: true });
  assertEquals(seen, ["first 1,1", "third 10,10"]);
  assertEquals(x.grad!.tolist(), [21, 21]);
  scale.remove();
  onLeaf.remove();
  x.grad = null;
  y.sum().backward();
  assertEquals(x.grad!.tolist(), [2, 2]);
  assertThrows(() => torch.ones(2).registerHook(() => {}), Error, "does not require a gradient");
});

Deno.test("retainGrad keeps the gradient of a computed tensor", () => {
  const x = leaf([1, 2]), y = x.mul(3);
  y.retainGrad();
  y.mul(y).sum().backward();
  assertEquals(y.grad!.tolist(), [6, 12]);
  assertThrows(() => torch.ones(1).retainGrad(), Error, "does not require a gradient");
});

Deno.test("noGrad, enableGrad and setGradEnabled: as functions and as guards", async () => {
  const x = leaf([1]);
  assertEquals(torch.noGrad(() => x.mul(2)).requiresGrad, false);
  assertEquals(torch.noGrad(() => torch.enableGrad(() => x.mul(2))).requiresGrad, true);
  {
    using _ = torch.noGrad();
    assertEquals(torch.isGradEnabled(), false);
    {
      using _ = torch.enableGrad();
      assertEquals(x.mul(2).requiresGrad, true);
    }
    assertEquals(x.mul(2).requiresGrad, false);
  }
  assertEquals(x.mul(2).requiresGrad, true);
  {
    using _ = torch.setGradEnabled(false);
    assertEquals(x.mul(2).requiresGrad, false);
  }
  torch.setGradEnabled(false);
  assertEquals(x.mul(2).requiresGrad, false);
  torch.setGradEnabled(true);
  assertThrows(
    () =>
      torch.noGrad(() => {
        throw new Error("inside");
      }),
    Error,
    "inside",
  );
  assertEquals(torch.isGradEnabled(), true);
  await torch.noGrad(async () => {
    await Promise.resolve();
    assertEquals(torch.isGradEnabled(), false);
  });
  assertEquals(torch.isGradEnabled(), true);
});

Deno.test("inferenceMode: its tensors take no part in differentiation afterwards", () => {
  const x = leaf([1, 2]);
  const y = torch.inferenceMode(() => {
    assert(torch.isInferenceModeEnabled());
    return x.mul(2);
  });
  assert(!torch.isInferenceModeEnabled());
  assertEquals(y.requiresGrad, false);
  assertThrows(() => y.add_(1), Error, "inference");
  assertThrows(() => x.mul(y), Error, "inference");
  assertEquals(x.add(y).requiresGrad, true);
  assertEquals(x.mul(y.clone()).requiresGrad, true);
});

Deno.test("a parameter that does not require a gradient is left alone", () => {
  const frozen = leaf([1, 2]), trained = leaf([3, 4]);
  frozen.requiresGrad = false;
  frozen.mul(trained).sum().backward();
  assertEquals([frozen.grad, trained.grad!.tolist()], [null, [1, 2]]);
  const y = trained.mul(2);
  assertThrows(() => y.requiresGrad = false, Error, "leaf");
  assertThrows(() => torch.tensor([1n], { requiresGrad: true }), TypeError, "floating-point");
});

Deno.test("errors of state: those of PyTorch's", () => {
  const x = torch.ones(3, { requiresGrad: true });
  const y = x.exp();
  y.add_(1);
  assertThrows(() => y.sum().backward(), Error, "ExpBackward0 was changed in place");
  assertThrows(() => x.detach().sum().backward(), Error, "does not require a gradient");
  const z = torch.noGrad(() => x.sum());
  assertThrows(() => z.backward(), Error, "does not require a gradient");
  assertThrows(() => x.mul(2).backward(torch.ones(4)), RangeError, "[4]");
  assertThrows(() => x.mul(2).backward(), RangeError, "one element");
  assertThrows(() => x.add_(1), Error, "leaf");
  assertThrows(() => x.mul(2).grad!.sum(), TypeError);
});

Deno.test("a view whose base was changed in place has its history from there", () => {
  const x = leaf([1, 2, 3]), y = x.mul(1), view = y.narrow(0, 0, 2);
  y.mul_(5);
  // Both operands ask for the history of the view, which is made anew in between.
  leaf([1, 1]).mul(view).sum().backward();
  assertEquals(x.grad!.tolist(), [5, 5, 0]);
});

Deno.test("a graph of 100,000 operations goes forward, backward and away", () => {
  const x = torch.ones(1, { requiresGrad: true });
  {
    using _ = torch.scope();
    let y = x.add(0);
    for (let i = 0; i < 100_000; i++) y = y.add(1);
    assertEquals(y.item(), 100_001);
    y.backward();
  }
  assertEquals(x.grad!.tolist(), [1]);
  using _ = torch.scope();
  let dropped = x.mul(1);
  for (let i = 0; i < 100_000; i++) dropped = dropped.mul(1);
  assertEquals(dropped.requiresGrad, true);
});

class Cube extends autograd.Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    ctx.saveForBackward(x);
    return x.mul(x).mul(x);
  }
  static backward(ctx: Context, dy: Tensor): Tensor {
    const [x] = ctx.savedTensors;
    return dy.mul(x!.mul(x!)).mul(3);
  }
}

Deno.test("Function: a derivative of one's own, differentiable twice", () => {
  const x = leaf([1, -2, 3]);
  assertEquals(Cube.apply(x).gradFn?.name, "CubeBackward");
  assertEquals(autograd.gradcheck((x) => Cube.apply(x), x), true);
  assertEquals(autograd.gradgradcheck((x) => Cube.apply(x), x), true);
  assertEquals(torch.noGrad(() => Cube.apply(x)).requiresGrad, false);
  const y = x.mul(1), cube = Cube.apply(y);
  y.add_(1);
  assertThrows(() => cube.sum().backward(), Error, "CubeBackward was changed in place");
});

/** x + y, x * y and the largest index; remembers what was asked of it. */
class Several extends autograd.Function {
  static asked: unknown[] = [];
  static forward(ctx: Context, x: Tensor, y: Tensor, factor: number): [Tensor, Tensor, Tensor] {
    ctx.saveForBackward(x, y);
    ctx.factor = factor;
    const sign = torch.tensor([1, 1]);
    ctx.markNonDifferentiable(sign);
    return [x.add(y), x.mul(y).mul(factor), sign];
  }
  static backward(ctx: Context, dSum: Tensor | null, dProduct: Tensor | null) {
    Several.asked.push([ctx.needsInputGrad, dSum?.tolist(), dProduct?.tolist()]);
    const [x, y] = ctx.savedTensors;
    return [
      dSum!.add(dProduct!.mul(y!).mul(ctx.factor)),
      dSum!.add(dProduct!.mul(x!).mul(ctx.factor)),
      null,
    ];
  }
}

Deno.test("Function: several outputs, some not differentiable, some not used", () => {
  const x = leaf([1, 2]), y = leaf([3, 4]);
  const [sum, product, sign] = Several.apply(x, y, 2);
  assertEquals([sum.requiresGrad, product.requiresGrad, sign.requiresGrad], [true, true, false]);
  product.sum().backward();
  assertEquals([x.grad!.tolist(), y.grad!.tolist()], [[6, 8], [2, 4]]);
  assertEquals(Several.asked, [[[true, true, false], [0, 0], [1, 1]]]);
  y.requiresGrad = false;
  Several.apply(x, y, 2)[0].sum().backward();
  assertEquals((Several.asked[1] as unknown[])[0], [true, false, false]);
});

class InPlace extends autograd.Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    ctx.markDirty(x);
    return x.mul_(2);
  }
  static backward(_: Context, dy: Tensor): Tensor {
    return dy.mul(2);
  }
}

class Same extends autograd.Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    ctx.setMaterializeGrads(false);
    return x;
  }
  static backward(_: Context, dy: Tensor | null): Tensor | null {
    return dy === null ? null : dy.neg();
  }
}

Deno.test("Function: inputs changed in place, and given back as they are", () => {
  const x = leaf([1, 2]), y = x.mul(1);
  assertStrictEquals(InPlace.apply(y), y);
  assertEquals(y.gradFn!.name, "InPlaceBackward");
  y.sum().backward();
  assertEquals(x.grad!.tolist(), [2, 2]);
  assertThrows(() => InPlace.apply(x), Error, "leaf");
  x.grad = null;
  Same.apply(x).sum().backward();
  assertEquals(x.grad!.tolist(), [-1, -1]);
  assertEquals(x.isLeaf, true);
});

Deno.test("Function: gradients that do not fit are refused", () => {
  class Few extends autograd.Function {
    static forward(_: Context, x: Tensor, y: Tensor): Tensor {
      return x.add(y);
    }
    static backward(_: Context, dy: Tensor): Tensor {
      return dy;
    }
  }
  class Shape extends autograd.Function {
    static forward(_: Context, x: Tensor): Tensor {
      return x.mul(2);
    }
    static backward(): Tensor {
      return torch.ones(5);
    }
  }
  class Nothing extends autograd.Function {}
  const x = leaf([1, 2]);
  assertThrows(() => Few.apply(x, x).sum().backward(), RangeError, "1 gradients, expected 2");
  assertThrows(() => Shape.apply(x).sum().backward(), RangeError, "[5]");
  assertThrows(
    () => (Nothing as unknown as typeof Same).apply(x),
    TypeError,
    "must be defined",
  );
});

Deno.test("gradcheck tells a wrong gradient from a right one", () => {
  class Wrong extends autograd.Function {
    static forward(ctx: Context, x: Tensor): Tensor {
      ctx.saveForBackward(x);
      return x.mul(x);
    }
    static backward(ctx: Context, dy: Tensor): Tensor {
      return dy.mul(ctx.savedTensors[0]!);
    }
  }
  const x = leaf([[1, 2], [3, 4]]), y = leaf([1, -1]);
  assertEquals(autograd.gradcheck((x, y) => [x.mul(y), x.sum()], [x, y]), true);
  assertEquals(autograd.gradcheck((x) => x.exp(), x.t(), { eps: 1e-5 }), true);
  assertThrows(() => autograd.gradcheck((x) => Wrong.apply(x), x), Error, "by finite differences");
  assertEquals(autograd.gradcheck((x) => Wrong.apply(x), x, { raiseException: false }), false);
  assertThrows(() => autograd.gradcheck((x) => x, torch.ones(1)), Error, "none of the inputs");
  assertEquals(x.tolist(), [[1, 2], [3, 4]]);
});

Deno.test("detectAnomaly names the operation that gave NaN", () => {
  const x = leaf([0]);
  using _ = autograd.detectAnomaly();
  const y = x.mul(0).sqrt().mul(0);
  assertThrows(() => y.sum().backward(), Error, "SqrtBackward0 returned NaN");
});

Deno.test("functional: Jacobian, Hessian and products with vectors", () => {
  const { hessian, hvp, jacobian, jvp, vhp, vjp } = autograd.functional;
  const x = leaf([1, 2]), v = torch.tensor([1, 10], { dtype: torch.float64 });
  const square = (x: Tensor) => x.mul(x), cube = (x: Tensor) => x.mul(x).mul(x).sum();
  const list = (x: unknown) => (x as Tensor).tolist();
  assertEquals(list(jacobian(square, x)), [[2, 0], [0, 4]]);
  assertEquals(list(hessian(cube, x)), [[6, 0], [0, 12]]);
  assertEquals(list(vjp(square, x, v)[1]), [2, 40]);
  assertEquals(list(jvp(square, x, v)[1]), [2, 40]);
  assertEquals(list(vhp(cube, x, v)[1]), [6, 120]);
  assertEquals(list(hvp(cube, x, v)[1]), [6, 120]);
  const blocks = jacobian((a, b) => [a.mul(b), a.sum()], [x, v]) as Tensor[][];
  assertEquals(blocks.map((row) => row.map((b) => b.shape)), [[[2, 2], [2, 2]], [[2], [2]]]);
  assertThrows(() => jacobian(() => torch.ones(2), x, { strict: true }), Error, "depend");
  assertThrows(() => hessian(square, x), RangeError, "one element");
  assertThrows(() => vjp(square, x), RangeError, "v can only be left out");
});

Deno.test("gradients that createGraph left, of empty leaves too, take further ones", () => {
  for (
    const [x, twice] of [[leaf([1, 2]), [2, 2]], [torch.zeros(0, 2).requiresGrad_(), []]] as const
  ) {
    x.sum().backward({ createGraph: true });
    x.sum().backward();
    assertEquals(x.grad!.tolist(), [...twice]);
  }
});

Deno.test("grad's results can be changed in place", () => {
  const x = leaf([1, 2]), [g] = autograd.grad(x.mean(), x);
  assertEquals(g.mul_(torch.tensor([2, 4], { dtype: torch.float64 })).tolist(), [1, 2]);
});

Deno.test("a leaf that requires no gradient any more collects none", () => {
  const x = leaf([1, 2]), y = x.mul(x).sum();
  x.requiresGrad_(false);
  y.backward();
  assertEquals(x.grad, null);
});

Deno.test("grad gives the gradient before the hooks of its inputs; hooks act on what lies behind", () => {
  const x = leaf([1, 2]), y = x.mul(2), z = y.sum();
  x.registerHook((g) => g.neg());
  y.registerHook((g) => g.mul(3));
  const [dx, dy] = autograd.grad(z, [x, y]);
  assertEquals([dx.tolist(), dy.tolist()], [[6, 6], [1, 1]]);
  x.mul(2).sum().backward();
  assertEquals(x.grad!.tolist(), [-2, -2]);
});

Deno.test("operations without a derivative say so, as PyTorch's NotImplemented", () => {
  const x = leaf([1, 2]), one = torch.ones(2, { dtype: torch.float64 });
  for (const y of [x.floorDivide(2), x.heaviside(one), x.mul(1).floorDivide_(2)]) {
    assertEquals(y.gradFn!.name, "NotImplemented");
    assertThrows(() => y.add(x).sum().backward(), Error, "has no derivative");
  }
});

Deno.test("backward nodes have PyTorch's names where it has several for one call", () => {
  const x = leaf([[1, 2], [3, 4]]), y = () => x.mul(1), all = torch.slice();
  const names = [
    [x.div(2, { roundingMode: "floor" }), "DivBackward2"],
    [x.remainder(2), "RemainderBackward0"],
    [x.remainder(x), "RemainderBackward1"],
    [x.fmod(x), "FmodBackward1"],
    [torch.rsub(x, 2), "RsubBackward1"],
    [x.copysign(2), "CopysignBackward1"],
    [x.clampMin(0), "ClampMinBackward0"],
    [x.clampMax(x), "ClampMaxBackward1"],
    [x.log1p(), "Log1PBackward0"],
    [x.at(all), "SliceBackward0"],
    [x.at("..."), "AliasBackward0"],
    [x.t(), "TBackward0"],
    [x.reshape(4), "ReshapeAliasBackward0"],
    [x.view(4), "ViewBackward0"],
    [y().t_(), "TBackward1"],
    [y().transpose_(0, 1), "TransposeBackward1"],
    [y().unsqueeze_(0), "UnsqueezeBackward1"],
    [y().squeeze_(0), "SqueezeBackward3"],
    [y().fill_(1), "FillBackward2"],
    [y().copy_(x), "CopyBackwards"],
  ] as const;
  for (const [z, name] of names) assertEquals(z.gradFn!.name, name);
});
