/**
 * Steps of many parameters at once on a CUDA device: the same bits as of each by itself; and gradients' memory.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest } from "./cuda.ts";

const { optim } = torch;
const SIZES = [1, 3, 17, 64, 4096, 4099, 9000, 2, 8, 31, 5, 6, 7, 9, 10, 11, 12, 13, 1000];

/** Parameters after some steps of an optimizer of all of them, or of one for each. */
function run(make: (params: torch.Tensor[]) => torch.optim.Optimizer, together: boolean) {
  torch.manualSeed(2);
  const params = SIZES.map((n) => torch.randn(n).cuda().requiresGrad_());
  const grads = [0, 1, 2].map(() => SIZES.map((n) => torch.randn(n).cuda()));
  const optimizers = together ? [make(params)] : params.map((p) => make([p]));
  for (const step of grads) {
    // One has no gradient in the first step: its count differs from the others' from there on.
    params.forEach((p, i) => p.grad = step === grads[0] && i === 4 ? null : step[i].clone());
    for (const optimizer of optimizers) optimizer.step();
  }
  return params.map((p) => p.tolist());
}

cudaTest("steps of all parameters give the same bits as of each by itself", () => {
  for (
    const make of [
      (params: torch.Tensor[]) => new optim.AdamW(params, { lr: 0.1 }),
      (params: torch.Tensor[]) =>
        new optim.Adam(params, { lr: 0.1, amsgrad: true, weightDecay: 0.1 }),
      (params: torch.Tensor[]) => new optim.SGD(params, { lr: 0.1 }),
      (params: torch.Tensor[]) => new optim.SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }),
    ]
  ) assertEquals(run(make, true), run(make, false));
});

cudaTest("two optimizers of one parameter take their steps one after the other", () => {
  const p = torch.ones(5).cuda().requiresGrad_(), q = torch.ones(5).requiresGrad_();
  for (const t of [p, q]) {
    t.grad = torch.ones(5, { device: t.device });
    const [a, b] = [
      new optim.SGD([t], { lr: 0.5 }),
      new optim.SGD([t], { lr: 0.25, weightDecay: 1 }),
    ];
    a.step();
    b.step();
  }
  assertEquals(p.tolist(), q.tolist());
});

cudaTest("zeroGrad frees gradients that nobody else holds", () => {
  const p = torch.ones(1000).cuda().requiresGrad_();
  p.mul(2).sum().backward();
  const before = torch.cuda.memoryAllocated();
  new optim.SGD([p], { lr: 1 }).zeroGrad();
  assertLess(torch.cuda.memoryAllocated(), before - 3999);
  p.mul(2).sum().backward();
  const held = p.grad!;
  new optim.SGD([p], { lr: 1 }).zeroGrad();
  assert(p.grad === null);
  assertEquals(held.sum().item(), 2000);
});
