/**
 * Autograd through in-place changes of tensors and of their views, as PyTorch differentiates them.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";

const { gradcheck, gradgradcheck } = torch.autograd;

function input(...shape: number[]): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const x = torch.fromArray(Float64Array.from({ length: n }, (_, i) => Math.cos(2 * i)), shape);
  return x.requiresGrad_();
}

/** Programs that change things in place; each is differentiated once and twice. */
const PROGRAMS: Record<string, (x: Tensor, w: Tensor) => Tensor> = {
  "a view is changed, the base is used": (x, w) => {
    const y = x.mul(2);
    y.at(0).add_(w.at(0));
    return y.mul(y);
  },
  "the base is changed, a view made before is used": (x, w) => {
    const y = x.mul(2), v = y.at(1);
    y.add_(w.mul(w));
    return v.mul(v);
  },
  "a view is changed, another view is used": (x, w) => {
    const y = x.mul(x), a = y.t(), b = y.at(torch.slice(), torch.slice(1));
    a.at(1).copy_(w.at(torch.slice(), 0));
    return b.mul(w.at(0, 0));
  },
  "a view of a view of a view": (x, w) => {
    const y = x.mul(3), v = y.view(6).at(torch.slice(1, 5)).view(2, 2).t();
    v.at(0).fill_(0);
    v.at(1).sub_(w.view(6).at(torch.slice(0, 2)));
    return y.mul(x);
  },
  "twice the same place": (x, w) => {
    const y = x.mul(1);
    y.at(0).copy_(w.at(0));
    y.at(0).add_(w.at(1));
    y.at(torch.slice(), 0).zero_();
    return y.mul(y);
  },
  "a base without gradients receives them": (_, w) => {
    const y = torch.zeros(3, 3, { dtype: torch.float64 });
    y.diagonal().copy_(w.at(0));
    return y.mul(y);
  },
  "a base that is not contiguous": (x, w) => {
    const base = x.mul(0).t().detach(), y = base.t(), v = base.narrow(0, 1, 2);
    y.add_(x);
    v.copy_(w.t().narrow(0, 0, 2).mul(x.at(0, 0)));
    return base.mul(base);
  },
  "an expanded view is filled": (x) => {
    const y = x.mul(2), v = y.at(0, 0).expand(4);
    v.fill_(3);
    return y.mul(y);
  },
  "indexes through a view": (x, w) => {
    const y = x.mul(2);
    y.t().indexPut_(
      [torch.tensor([0, 2, 0], { dtype: torch.int64 })],
      w.at(torch.slice(), 1),
      true,
    );
    return y.mul(y);
  },
  "what is written comes from the same base": (x) => {
    const y = x.mul(2);
    y.at(0).copy_(y.at(1));
    y.at(1).add_(y.at(0).mul(3));
    return y;
  },
  "triangles": (x, w) => {
    const y = x.mul(w);
    y.at(torch.slice(), torch.slice(1)).tril_();
    return y.mul(y);
  },
  "layouts in place": (x, w) => {
    const y = x.mul(2).t_().unsqueeze_(0);
    y.at(0, 1).add_(w.at(torch.slice(), 0));
    return y.squeeze_().mul(w.t());
  },
};

Deno.test("in place: gradients, and gradients of gradients, of changed views and bases", () => {
  for (const [name, f] of Object.entries(PROGRAMS)) {
    try {
      gradcheck(f, [input(2, 3), input(2, 3)]);
      gradgradcheck(f, [input(2, 3), input(2, 3)]);
    } catch (e) {
      throw new Error(`${name}: ${(e as Error).message}`);
    }
  }
});

Deno.test("in place: what was overwritten has a gradient of zero", () => {
  const x = input(2), y = x.mul(2);
  y.fill_(1);
  y.sum().backward();
  assertEquals(x.grad!.tolist(), [0, 0]);
});

Deno.test("in place: a view made before learns of the change, under noGrad too", () => {
  const x = input(2, 2), y = torch.zeros(2, 2, { dtype: torch.float64 }), v = y.at(0);
  assert(!v.requiresGrad);
  y.copy_(x);
  torch.noGrad(() => assert(v.requiresGrad));
  assertEquals(v.gradFn!.name, "AsStridedBackward0");
  assertEquals(y.gradFn!.name, "CopyBackwards");
  y.at(1).zero_();
  assertEquals(y.gradFn!.name, "CopySlices");
});

Deno.test("in place: what PyTorch forbids is forbidden, before anything is written", () => {
  const x = torch.ones(2, 3).requiresGrad_(), y = x.mul(2);
  const refused: [() => unknown, RegExp][] = [
    [() => x.add_(1), /add_: a leaf that requires a gradient/],
    [() => x.at(0).add_(1), /add_: a view of a leaf/],
    [() => torch.noGrad(() => x.at(0)).zero_(), /zero_: a view that was made in noGrad/],
    [() => torch.noGrad(() => torch.ones(2).at(0)).copy_(x.sum()), /copy_: a view that was made/],
    [() => torch.ones(2).at(0).requiresGrad_().view(1).exp_(), /exp_: a view of a leaf/],
    [() => y.unbind()[0].add_(1), /add_: one of the views that unbind returned/],
    [() => y.split(1)[0].view(3).mul_(2), /mul_: one of the views that split returned/],
    [() => y.expand(2, 2, 3).add_(1), /add_: an expanded tensor/],
  ];
  for (const [call, message] of refused) {
    const error = assertThrows(call, Error);
    assert(message.test(error.message), error.message);
  }
  assertEquals([x.tolist(), y.tolist()], [[[1, 1, 1], [1, 1, 1]], [[2, 2, 2], [2, 2, 2]]]);
  torch.noGrad(() => x.at(0).add_(1));
  assertEquals(x.at(0).tolist(), [2, 2, 2]);
  // Integers have no history to rewrite.
  const n = torch.ones(2, { dtype: torch.int64 });
  n.copy_(x.at(0, torch.slice(1)));
  assert(!n.requiresGrad);
});

Deno.test("in place: a shape that was changed after its use is noticed, not differentiated wrongly", () => {
  const x = input(1, 3).mul(1), y = x.add(torch.ones(3, 3));
  x.t_();
  assertThrows(() => y.sum().backward(), Error, "another shape in place");
});

Deno.test("in place: views and their base count changes together, x.data apart", () => {
  const x = torch.ones(4), v = x.view(2, 2).at(0);
  v.add_(1);
  assertEquals([x.version, v.version], [1, 1]);
  x.data.add_(1);
  assertEquals([x.version, v.version], [1, 1]);
  const w = torch.ones(3).requiresGrad_(), e = w.exp();
  e.at(0).zero_();
  assertThrows(() => e.sum().backward(), Error, "changed in place");
});
