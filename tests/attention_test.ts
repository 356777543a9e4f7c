/**
 * Attention beyond the golden cases: PyTorch's values for all kinds of masks, gradients against finite differences, and
 * errors.
 */
// deno-lint-ignore-file no-explicit-any
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { type Case, checkAnswers, linspace } from "./answers.ts";

const { nn } = torch, F = nn.functional;
const lin = (...shape: number[]) => linspace(-1, 1, ...shape);
const q = () => lin(3, 2, 8), k = () => lin(5, 2, 8).mul(2);
/** Query i may not see the keys from i + 2 on. */
const mask = () => torch.ones(3, 5).triu(2).to(torch.bool);
/** The second sample has three keys. */
const padding = () => torch.tensor([[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]]).to(torch.bool);

const text = (bias: string) =>
  `MultiheadAttention(\n  (out_proj): NonDynamicallyQuantizableLinear(in_features=8, out_features=8, bias=${bias})\n)`;

const CASES: Case[] = [
  [
    () => new nn.MultiheadAttention(8, 2, { dropout: 0.5, batchFirst: true }),
    (m) => {
      const x = k();
      return m(x, x, x, { averageAttnWeights: false });
    },
    {
      text: text("True"),
      shapes: [[5, 2, 8], [5, 2, 2, 2]],
      sums: [7.277439099610369, 1.994504155403682],
      grads: 8.05009441794055,
      next: 0.14264315366744995,
    },
  ],
  [
    () => new nn.MultiheadAttention(8, 4, { addBiasKv: true, addZeroAttn: true }),
    (m) => {
      const x = k();
      return m(q(), x, x, { keyPaddingMask: padding(), attnMask: mask() });
    },
    {
      text: text("True"),
      shapes: [[3, 2, 8], [2, 3, 7]],
      sums: [0.02394354214083566, -0.8760783830040684],
      grads: 13.78908575656176,
      next: 0.28730499744415283,
    },
  ],
  [
    () => new nn.MultiheadAttention(8, 2, 0.25, false, { kdim: 6, vdim: 4 }),
    (m) => m(q(), lin(5, 2, 6), lin(5, 2, 4), padding(), true, mask().float()),
    {
      text: text("False"),
      shapes: [[3, 2, 8], [2, 3, 5]],
      sums: [0.005405470264552584, -1.2987265072670255],
      grads: 3.282957272586831,
      next: 0.4892405867576599,
    },
  ],
  [
    () => new nn.MultiheadAttention(8, 2, { batchFirst: true }),
    (m) => {
      const x = k().select(1, 0);
      return m(q().select(1, 0), x, x, { attnMask: lin(2, 3, 5) });
    },
    {
      text: text("True"),
      shapes: [[3, 8], [3, 5]],
      sums: [0.3142518297233554, -0.14835920026878927],
      grads: 4.480904934440922,
      next: 0.7507110238075256,
    },
  ],
  [
    () => new nn.MultiheadAttention(8, 2),
    (m) => m(q(), k(), k(), { needWeights: false, attnMask: lin(4, 3, 5) }),
    {
      text: text("True"),
      shapes: [[3, 2, 8]],
      sums: [0.5320522971825311],
      grads: 7.707633497614755,
      next: 0.7507110238075256,
    },
  ],
  [
    () => new nn.MultiheadAttention(8, 2),
    (m) => m(q(), k(), k(), padding(), false, lin(4, 3, 5)),
    {
      text: text("True"),
      shapes: [[3, 2, 8]],
      sums: [-0.6966721983848517],
      grads: 15.086037372124387,
      next: 0.7507110238075256,
    },
  ],
];

Deno.test("attention: PyTorch's values, gradients, draws and printed forms", () => {
  checkAnswers(CASES);
});

Deno.test("attention: scaled dot products, masks, and the causal form", () => {
  using _ = torch.scope();
  torch.manualSeed(3);
  const query = torch.randn(2, 3, 4, 6), key = torch.randn(2, 1, 5, 6), value = torch.randn(5, 2);
  const scores = query.matmul(key.transpose(-2, -1)).div(Math.sqrt(6));
  const near = (got: torch.Tensor, want: torch.Tensor) => {
    assertEquals([...got.shape], [...want.shape]);
    assertAlmostEquals(Number(got.sub(want).abs().max().item()), 0, 1e-6);
  };
  near(F.scaledDotProductAttention(query, key, value), scores.softmax(-1).matmul(value));
  near(
    F.scaledDotProductAttention(query, key, value, { scale: 0.5 }),
    scores.mul(Math.sqrt(6) / 2).softmax(-1).matmul(value),
  );
  const causal = torch.ones(4, 5).tril().to(torch.bool);
  const masked = scores.maskedFill(causal.logicalNot(), -Infinity).softmax(-1).matmul(value);
  near(F.scaledDotProductAttention(query, key, value, null, 0, true), masked);
  near(F.scaledDotProductAttention(query, key, value, causal), masked);
  near(
    F.scaledDotProductAttention(query, key, value, { attnMask: lin(4, 5) }),
    scores.add(lin(4, 5)).softmax(-1).matmul(value),
  );
  const dropped = F.scaledDotProductAttention(query, key, torch.eye(5), { dropoutP: 0.5 });
  assert(Number(dropped.eq(0).sum().item()) > 20);
  const half = F.scaledDotProductAttention(query.half(), key.half(), value.half());
  assertEquals(half.dtype, torch.float16);
});

Deno.test("attention: gradients against finite differences, twice", () => {
  using _ = torch.scope();
  torch.manualSeed(1);
  const random = (...shape: number[]) =>
    torch.randn(shape, { dtype: torch.float64, requiresGrad: true });
  const causal = (q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) =>
    F.scaledDotProductAttention(q, k, v, { isCausal: true });
  const inputs = [random(2, 3, 2), random(2, 3, 2), random(2, 3, 2)];
  assert(torch.autograd.gradcheck(causal, inputs));
  assert(torch.autograd.gradgradcheck(causal, inputs));
  const heads = new nn.MultiheadAttention(4, 2, { addBiasKv: true, dtype: torch.float64 });
  const self = (x: torch.Tensor) => heads(x, x, x) as torch.Tensor[];
  assert(torch.autograd.gradcheck(self, [random(3, 1, 4)]));
  assert(torch.autograd.gradgradcheck((x) => self(x)[0], [random(2, 1, 4)]));
});

Deno.test("attention: names of parameters", () => {
  using _ = torch.scope();
  assertEquals(Object.keys(new nn.MultiheadAttention(4, 2, { addBiasKv: true }).stateDict()), [
    "in_proj_weight",
    "in_proj_bias",
    "bias_k",
    "bias_v",
    "out_proj.weight",
    "out_proj.bias",
  ]);
  const apart = new nn.MultiheadAttention(4, 2, { bias: false, kdim: 3 });
  assertEquals(Object.keys(apart.stateDict()), [
    "q_proj_weight",
    "k_proj_weight",
    "v_proj_weight",
    "out_proj.weight",
  ]);
});

Deno.test("attention: bad calls", () => {
  using _ = torch.scope();
  const heads = new nn.MultiheadAttention(8, 2);
  const bad: [() => unknown, any, string][] = [
    [() => new nn.MultiheadAttention(5, 2), RangeError, "divisible"],
    [() => new nn.MultiheadAttention(4, 0), RangeError, "divisible"],
    [() => new nn.MultiheadAttention(4, 2, 1.5), RangeError, "dropout"],
    [() => heads(lin(3, 2, 7), k(), k()), RangeError, "query"],
    [() => heads(q(), k().select(1, 0), k()), RangeError, "alike"],
    [() => heads(q(), k(), q()), RangeError, "do not fit"],
    [() => heads(q(), lin(5, 1, 8), lin(5, 1, 8)), RangeError, "do not fit"],
    [() => heads(q(), k(), k(), mask()), RangeError, "keyPaddingMask of shape [2, 5]"],
    [() => heads(q(), k(), k(), torch.zeros(2, 5).long()), TypeError, "keyPaddingMask"],
    [() => heads(q(), k(), k(), { attnMask: lin(5, 3) }), RangeError, "attnMask of shape [3, 5]"],
    [() => heads(q(), k(), k(), { attnMask: lin(2, 3, 5) }), RangeError, "[4, 3, 5]"],
    [() => heads(q(), k(), k(), { attnMask: lin(3, 5).long() }), TypeError, "attnMask"],
    [() => heads(q(), k(), 5 as any), TypeError, "value"],
    [() => F.scaledDotProductAttention(q(), k(), lin(2, 3, 8)), RangeError, "[..., S, V]"],
    [() => F.scaledDotProductAttention(lin(3), k(), k()), RangeError, "[..., L, E]"],
    [() => F.scaledDotProductAttention(q(), q(), q(), lin(3, 3)), RangeError, "broadcast"],
    [
      () => F.scaledDotProductAttention(q(), q(), q(), lin(2, 2), 0, true),
      RangeError,
      "isCausal",
    ],
    [() => F.scaledDotProductAttention(q(), q(), q(), { dropoutP: 2 }), RangeError, "from 0 to 1"],
  ];
  for (const [call, kind, words] of bad) assertThrows(call, kind, words);
});
