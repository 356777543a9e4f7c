/**
 * Activation functions beyond PyTorch's stored answers: every tail of a vector, derivatives and their derivatives
 * against finite differences, the in-place forms, integers, and bad calls.
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";

const { F } = torch;

/** The functions, with parameters; those that can work in place; those that take no second derivative. */
const FUNCTIONS: [name: string, f: (x: Tensor, inplace?: boolean) => Tensor, kind?: string][] = [
  ["relu", (x, inplace) => F.relu(x, { inplace }), "inplace linear"],
  ["relu6", (x, inplace) => F.relu6(x, inplace), "inplace linear"],
  ["leakyRelu", (x, inplace) => F.leakyRelu(x, 0.2, inplace), "inplace linear"],
  ["elu", (x, inplace) => F.elu(x, { alpha: 0.7, inplace }), "inplace"],
  ["selu", (x, inplace) => F.selu(x, inplace), "inplace"],
  ["celu", (x, inplace) => F.celu(x, 0.5, inplace), "inplace"],
  ["celu below 0", (x, inplace) => F.celu(x, -1.5, inplace), "inplace"],
  ["gelu", (x) => F.gelu(x)],
  ["gelu tanh", (x) => F.gelu(x, { approximate: "tanh" })],
  ["silu", (x, inplace) => F.silu(x, inplace), "inplace"],
  ["mish", (x, inplace) => F.mish(x, inplace), "inplace"],
  ["softplus", (x) => F.softplus(x)],
  ["softplus 2, 3", (x) => F.softplus(x, 2, 3)],
  ["hardtanh", (x, inplace) => F.hardtanh(x, -0.6, 2, inplace), "inplace linear"],
  ["hardswish", (x, inplace) => F.hardswish(x, inplace), "inplace"],
  ["hardsigmoid", (x, inplace) => F.hardsigmoid(x, inplace), "inplace linear"],
  ["logsigmoid", (x) => F.logsigmoid(x)],
  ["softsign", (x) => F.softsign(x)],
  ["tanhshrink", (x) => F.tanhshrink(x)],
  ["softshrink", (x) => F.softshrink(x, 0.3), "linear"],
  ["hardshrink", (x) => F.hardshrink(x, { lambd: 0.3 }), "linear"],
  ["threshold", (x, inplace) => F.threshold(x, 0.1, -7, inplace), "inplace linear"],
  ["rrelu", (x, inplace) => F.rrelu(x, { inplace }), "inplace linear"],
];

/** Numbers between -4 and 4, away from the kinks, always the same ones. */
function numbers(n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => ((i * 37 + 11) % 83) / 83 * 7.9 - 3.953);
}

Deno.test("activations, forward and backward, for every tail: float32 as float64", () => {
  for (const [name, f] of FUNCTIONS) {
    for (let n = 0; n <= 40; n++) {
      using _ = torch.scope();
      const [[y32, dx32], [y64, dx64]] = [torch.float32, torch.float64].map((dtype) => {
        // In a row twice as long, so that the memory is not contiguous for every second size.
        const x = torch.fromArray(numbers(2 * n), [n, 2], { dtype }).select(1, n % 2)
          .requiresGrad_();
        const y = f(x);
        y.backward(torch.fromArray(numbers(n).reverse(), [n], { dtype }));
        return [y.detach().toTypedArray(), x.grad!.toTypedArray()];
      });
      for (const [what, got, want] of [["", y32, y64], [" gradient", dx32, dx64]] as const) {
        want.forEach((w: number | bigint, i: number) => {
          const error = Math.abs(Number(got[i]) - Number(w));
          assert(error <= 2e-6 * Math.abs(Number(w)) + 1e-6, `${name}${what} ${n}[${i}]: ${error}`);
        });
      }
    }
  }
});

Deno.test("activations have the derivatives of finite differences, and those theirs", () => {
  for (const [name, f, kind = ""] of FUNCTIONS) {
    const x = torch.fromArray(numbers(6), [2, 3]).t().requiresGrad_();
    assert(torch.autograd.gradcheck((x) => f(x), [x]), name);
    const [dx] = torch.autograd.grad(f(x).sum(), x, { createGraph: true });
    if (!kind.includes("linear")) {
      assert(torch.autograd.gradgradcheck((x) => f(x), [x]), name);
    } else {
      // Linear in pieces: PyTorch's second derivative is zero.
      const y = f(x), dy = torch.onesLike(y).requiresGrad_();
      const [dx] = torch.autograd.grad(y, x, { gradOutputs: dy, createGraph: true });
      const [zero, ddy] = torch.autograd.grad(dx.sum(), [x, dy]);
      assert(zero.toTypedArray().every((v) => v == 0), name);
      const [slope] = torch.autograd.grad(f(x).sum(), x);
      assertEquals(ddy.tolist(), slope.tolist(), name);
    }
    assertEquals(dx.shape, [3, 2]);
  }
  const x = torch.fromArray(numbers(24), [2, 3, 4]).requiresGrad_();
  for (const w of [torch.tensor([0.3]), torch.tensor([0.1, 0.2, -0.3]), torch.tensor(0.25)]) {
    const weight = w.double().requiresGrad_();
    assert(torch.autograd.gradcheck((x, w) => F.prelu(x, w), [x, weight]));
    assert(torch.autograd.gradgradcheck((x, w) => F.prelu(x, w), [x, weight]));
  }
  for (const dim of [0, -1]) {
    assert(torch.autograd.gradcheck((x) => F.glu(x, dim), [x]));
    assert(torch.autograd.gradgradcheck((x) => F.glu(x, { dim }), [x]));
  }
});

Deno.test("activations in place: the same numbers and gradients, in the same memory", () => {
  for (const [name, f, kind = ""] of FUNCTIONS) {
    if (!kind.includes("inplace")) continue;
    for (const layout of [(x: Tensor) => x, (x: Tensor) => x.t()]) {
      const [a, b] = [0, 1].map(() => torch.fromArray(numbers(6), [2, 3]).requiresGrad_());
      const y = f(layout(a.mul(1))), x = layout(b.mul(1)), z = f(x, true);
      assertStrictEquals(z, x);
      y.sum().backward();
      z.sum().backward();
      assertEquals(z.tolist(), y.tolist(), name);
      assertEquals(b.grad!.tolist(), a.grad!.tolist(), `gradient of ${name}`);
    }
  }
  const x = torch.tensor([-1, 2]);
  for (const f of [F.relu_, F.elu_, F.celu_, F.selu_, F.leakyRelu_, F.hardtanh_, F.rrelu_]) {
    const y = x.clone();
    assertStrictEquals(f(y), y);
  }
  assertEquals(F.threshold_(x.clone(), 0, 5).tolist(), [5, 2]);
  assertEquals(x.clone().relu_().tolist(), [0, 2]);
});

Deno.test("activations of integers, of half precision, and of what they do not take", () => {
  const x = torch.tensor([-3n, 0n, 9n]);
  assertEquals(F.relu(x).tolist(), [0, 0, 9]);
  assertEquals(F.relu6(x).tolist(), [0, 0, 6]);
  assertEquals(F.hardtanh(x).tolist(), [-1, 0, 1]);
  assertEquals(F.threshold(x, 0.5, 7.9).tolist(), [7, 7, 9]);
  assertEquals([F.relu(x), F.relu6(x), F.hardtanh(x)].map((y) => y.dtype === torch.int64), [
    true,
    true,
    true,
  ]);
  assertStrictEquals(F.softsign(x).dtype, torch.float32);
  assertStrictEquals(F.tanhshrink(x).dtype, torch.float32);
  const bytes = torch.tensor([0, 200], { dtype: torch.uint8 });
  assertEquals(F.relu6(bytes).tolist(), [0, 6]);
  assertThrows(() => F.hardtanh(bytes), RangeError, "torch.uint8");
  const truth = torch.tensor([true]);
  for (const f of [F.relu, F.relu6, F.hardtanh, F.tanhshrink]) {
    assertThrows(() => f(truth), TypeError);
  }
  for (
    const f of [F.gelu, F.silu, F.elu, F.leakyRelu, F.softplus, F.mish, F.hardswish, F.softshrink]
  ) {
    assertThrows(() => f(x), TypeError, "not defined for torch.int64");
    assertThrows(() => f(1 as unknown as Tensor), TypeError, "must be a tensor");
    for (const dtype of [torch.bfloat16, torch.float16]) {
      const h = torch.tensor([-1, 2], { dtype, requiresGrad: true });
      const y = f(h);
      y.sum().backward();
      assertEquals([y.dtype === dtype, h.grad!.dtype === dtype], [true, true]);
    }
  }
});

Deno.test("bad calls of activations are refused by name", () => {
  const x = torch.ones(2, 3);
  assertThrows(() => F.glu(x), RangeError, "even");
  assertThrows(() => F.glu(torch.tensor(1)), RangeError, "0-d");
  assertThrows(() => F.glu(x, 2), RangeError, "dim 2");
  assertThrows(() => F.prelu(x, torch.ones(2)), RangeError, "channels");
  assertThrows(() => F.prelu(x, torch.ones(1, 1)), RangeError, "prelu");
  assertThrows(() => F.prelu(x, torch.ones(3).double()), TypeError, "dtype");
  assertThrows(() => F.celu(x, 0), RangeError, "alpha");
  assertThrows(() => F.softshrink(x, -1), RangeError, "lambd");
  assertThrows(() => F.rrelu(x, 0.5, 0.1), RangeError, "lower");
  assertThrows(() => F.gelu(x, { approximate: "erf" as "tanh" }), TypeError, "approximate");
  assertThrows(() => F.threshold(x, 1), TypeError, "value");
  assertThrows(() => F.elu(x, { beta: 1 } as unknown as { alpha: number }), TypeError, "beta");
});

Deno.test("relu keeps NaN; the tails of the smooth ones do not underflow early", () => {
  const x = torch.tensor([NaN, Infinity, -Infinity, -1e-45]);
  assertEquals(F.relu(x).tolist(), [NaN, Infinity, 0, 0]);
  const far = torch.tensor([-90, -100, -12]);
  const [silu] = [F.silu(far).tolist() as number[]];
  assert(Math.abs(silu[0] + 90 * Math.exp(-90)) < 1e-44, `${silu}`);
  const gelu = F.gelu(far).tolist() as number[];
  assert(Math.abs(gelu[2] / -2.1317783e-32 - 1) < 1e-6, `${gelu}`);
  assertEquals(F.mish(torch.tensor([3e38, -3e38])).tolist(), [Math.fround(3e38), -0]);
});

Deno.test("rrelu in training draws PyTorch's slopes, one for each element that is not positive", () => {
  const x = torch.tensor([-1, 2, -3, 0, -0.5, NaN, 1e-3, -1], { requiresGrad: true });
  torch.manualSeed(0);
  const y = F.rrelu(x, 0.1, 0.3, true);
  const slopes = [0.29401060036131066, 1, 0.2415639728799576, 0.19187658862549017];
  slopes.push(0.28414953682439203, 1, 1, 0.22900482402455297);
  const xs = x.tolist() as number[], ys = y.tolist() as number[];
  ys.forEach((v, i) => {
    const want = xs[i] * slopes[i];
    assert(Object.is(v, want) || Math.abs(v - want) < 1e-6, `${i}: ${v}, not ${want}`);
  });
  y.sum().backward();
  const grads = x.grad!.tolist() as number[];
  grads.forEach((g, i) => assert(Math.abs(g - slopes[i]) < 1e-7, `${i}: ${g}, not ${slopes[i]}`));
});
