/**
 * Transformers beyond the golden cases: PyTorch's values with dropout, masks and both places of the norms, printed
 * forms, and errors.
 */
// deno-lint-ignore-file no-explicit-any
import { assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { type Case, checkAnswers, linspace } from "./answers.ts";

const { nn } = torch;
const lin = (...shape: number[]) => linspace(-1, 1, ...shape);
const causal = () => nn.Transformer.generateSquareSubsequentMask(3);
/** The second sample has three elements. */
const padding = () => torch.tensor([[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]]).to(torch.bool);
const src = (...shape: number[]) => lin(...shape).mul(2);

const DECODER = `TransformerDecoder(
  (layers): ModuleList(
    (0): TransformerDecoderLayer(
      (self_attn): MultiheadAttention(
        (out_proj): NonDynamicallyQuantizableLinear(in_features=8, out_features=8, bias=True)
      )
      (multihead_attn): MultiheadAttention(
        (out_proj): NonDynamicallyQuantizableLinear(in_features=8, out_features=8, bias=True)
      )
      (linear1): Linear(in_features=8, out_features=6, bias=True)
      (dropout): Dropout(p=0.2, inplace=False)
      (linear2): Linear(in_features=6, out_features=8, bias=True)
      (norm1): LayerNorm((8,), eps=1e-05, elementwise_affine=True)
      (norm2): LayerNorm((8,), eps=1e-05, elementwise_affine=True)
      (norm3): LayerNorm((8,), eps=1e-05, elementwise_affine=True)
      (dropout1): Dropout(p=0.2, inplace=False)
      (dropout2): Dropout(p=0.2, inplace=False)
      (dropout3): Dropout(p=0.2, inplace=False)
    )
  )
)`;

const CASES: Case[] = [
  [
    () =>
      new nn.TransformerEncoder(
        new nn.TransformerEncoderLayer(8, 2, 6, { activation: new nn.SiLU(), normFirst: true }),
        2,
        new nn.LayerNorm(8),
      ),
    (m) => m(src(5, 2, 8), { srcKeyPaddingMask: padding() }),
    {
      shapes: [[5, 2, 8]],
      sums: [-0.1889806788341002],
      grads: 23.41950941829186,
      next: 0.7874787449836731,
    },
  ],
  [
    () =>
      new nn.TransformerDecoder(
        new nn.TransformerDecoderLayer(8, 2, 6, 0.2, "gelu", { normFirst: true }),
        1,
      ),
    (m) => m(lin(3, 2, 8), src(5, 2, 8), causal(), { memoryKeyPaddingMask: padding() }),
    {
      text: DECODER,
      shapes: [[3, 2, 8]],
      sums: [3.933844200264436],
      grads: 18.912137525035398,
      next: 0.5059911012649536,
    },
  ],
  [
    () => new nn.Transformer(8, 2, 1, 1, 6, 0.1, "relu", { batchFirst: true }),
    (m) =>
      m(src(2, 5, 8), lin(2, 3, 8), {
        tgtMask: causal(),
        srcKeyPaddingMask: padding(),
        memoryKeyPaddingMask: padding(),
      }),
    {
      shapes: [[2, 3, 8]],
      sums: [1.2219693460812544],
      grads: 3.7751533955567593,
      next: 0.6030213236808777,
    },
  ],
  [
    () => new nn.Transformer(8, 4, 1, 1, 6, 0),
    (m) => m(src(5, 2, 8).select(1, 0), lin(3, 2, 8).select(1, 0)),
    {
      shapes: [[3, 8]],
      sums: [-1.2943938000297466],
      grads: 6.4109784231202225,
      next: 0.37403643131256104,
    },
  ],
];

Deno.test("transformer: PyTorch's values, gradients, draws and printed forms", () => {
  checkAnswers(CASES);
});

Deno.test("transformer: layers are copies, and names are PyTorch's", () => {
  using _ = torch.scope();
  const layer = new nn.TransformerEncoderLayer(4, 2, 3);
  const encoder = new nn.TransformerEncoder(layer, 2);
  const state = encoder.stateDict(), own = layer.stateDict();
  assertEquals(
    Object.keys(state),
    [0, 1].flatMap((i) => Object.keys(own).map((name) => `layers.${i}.${name}`)),
  );
  assertEquals(Object.keys(own).slice(0, 5), [
    "self_attn.in_proj_weight",
    "self_attn.in_proj_bias",
    "self_attn.out_proj.weight",
    "self_attn.out_proj.bias",
    "linear1.weight",
  ]);
  assertEquals(state["layers.1.linear1.weight"].tolist(), own["linear1.weight"].tolist());
  assertEquals(new Set(encoder.parameters()).size, 2 * layer.parameters().length);
});

Deno.test("transformer: bad calls", () => {
  using _ = torch.scope();
  const layer = new nn.TransformerEncoderLayer(8, 2, 6);
  const decoder = new nn.TransformerDecoderLayer(8, 2, 6);
  const both = new nn.Transformer(8, 2, 1, 1, 6);
  const bad: [() => unknown, any, string][] = [
    [() => new nn.TransformerEncoderLayer(8, 3), RangeError, "divisible"],
    [() => new nn.TransformerEncoderLayer(8, 2, 6, 0, "tanh" as any), RangeError, "tanh"],
    [() => new nn.TransformerDecoderLayer(8, 2, 6, 2), RangeError, "dropout"],
    [() => new nn.TransformerEncoder(5 as any, 2), TypeError, "must be a module"],
    [() => new nn.TransformerEncoder(layer), TypeError, "numLayers"],
    [() => layer(lin(5, 2, 7)), RangeError, "8"],
    [() => layer(5 as any), TypeError, "src"],
    [() => layer(lin(5, 2, 8), { srcMask: lin(4, 5) }), RangeError, "attnMask"],
    [() => layer(lin(5, 2, 8), { tgtMask: lin(5, 5) } as any), TypeError, "tgtMask"],
    [() => decoder(lin(3, 2, 8), lin(5, 1, 8)), RangeError, "do not fit"],
    [() => both(lin(5, 2, 8), lin(3, 1, 8)), RangeError, "one N"],
    [() => both(lin(5, 2, 8), lin(3, 2, 7)), RangeError, "one N"],
  ];
  for (const [call, kind, words] of bad) assertThrows(call, kind, words);
});
