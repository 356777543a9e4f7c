/**
 * Recurrent layers beyond the golden cases: PyTorch's values for projections, dropout between layers and sequences
 * without a batch; finite differences, printed forms, state dicts, and errors.
 */
// deno-lint-ignore-file no-explicit-any
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { type Case, checkAnswers, linspace } from "./answers.ts";

const { nn } = torch;
const lin = (...shape: number[]) => linspace(-1, 1, ...shape);
const x = () => linspace(-1, 1, 5, 2, 3), u = () => linspace(-1, 1, 5, 3);
const h = (...shape: number[]) => linspace(-0.5, 0.5, ...shape);

const CASES: Case[] = [
  [
    () => new nn.LSTM(3, 4, 2, { dropout: 0.5, bidirectional: true, projSize: 2 }),
    (m) => m(x()),
    {
      text: "LSTM(3, 4, proj_size=2, num_layers=2, dropout=0.5, bidirectional=True)",
      shapes: [[5, 2, 4], [4, 2, 2], [4, 2, 4]],
      sums: [-0.028652778116479618, 0.31658641967618495, 0.030044522676572538],
      grads: -3.517703334588373,
      next: 0.13802891969680786,
    },
  ],
  [
    () => new nn.LSTM(3, 4, 2, { batchFirst: true, projSize: 3 }),
    (m) => m(u(), [h(2, 3), h(2, 4)]),
    {
      text: "LSTM(3, 4, proj_size=3, num_layers=2, batch_first=True)",
      shapes: [[5, 3], [2, 3], [2, 4]],
      sums: [0.29834166636497217, -0.4927700245548441, 0.24422493103688137],
      grads: -0.5959014094388762,
      next: 0.726815938949585,
    },
  ],
  [
    () => new nn.GRU(3, 4, 2, true, true, 0.25),
    (m) => m(x()),
    {
      text: "GRU(3, 4, num_layers=2, batch_first=True, dropout=0.25)",
      shapes: [[5, 2, 4], [2, 5, 4]],
      sums: [0.09768876685304667, 0.39148394197865055],
      grads: -22.77829806366176,
      next: 0.4500376582145691,
    },
  ],
  [
    () => new nn.GRU(3, 4, { bidirectional: true }),
    (m) => m(u(), { hx: h(2, 4) }),
    {
      text: "GRU(3, 4, bidirectional=True)",
      shapes: [[5, 8], [2, 4]],
      sums: [1.2817381184057082, 0.7112126214531482],
      grads: -12.85925853402917,
      next: 0.8286788463592529,
    },
  ],
  [
    () => new nn.RNN(3, 4, 3, false, { nonlinearity: "relu", dropout: 0.1 }),
    (m) => m(x(), h(3, 2, 4)),
    {
      text: "RNN(3, 4, num_layers=3, bias=False, dropout=0.1)",
      shapes: [[5, 2, 4], [3, 2, 4]],
      sums: [-0.0214138179490186, -0.782625136140064],
      grads: -11.256406698254672,
      next: 0.35706937313079834,
    },
  ],
  [
    () => new nn.RNNCell(3, 4, false, "relu"),
    (m) => m(x().at(0)),
    {
      text: "RNNCell(3, 4, bias=False, nonlinearity=relu)",
      shapes: [[2, 4]],
      sums: [0.01674457652217498],
      grads: 0.739172456866136,
      next: 0.7652736902236938,
    },
  ],
  [
    () => new nn.GRUCell(3, 4),
    (m) => m(u().at(0), h(4)),
    {
      text: "GRUCell(3, 4)",
      shapes: [[4]],
      sums: [0.6059308698657673],
      grads: -0.7524166941332571,
      next: 0.21081125736236572,
    },
  ],
  [
    () => new nn.LSTMCell(3, 4),
    (m) => m(u().at(0), [h(4), h(4)]),
    {
      text: "LSTMCell(3, 4)",
      shapes: [[4], [4]],
      sums: [-0.23632378059479509, -0.39454800524177824],
      grads: -2.4302949946098424,
      next: 0.035817086696624756,
    },
  ],
];

Deno.test("recurrent: PyTorch's values, gradients, draws and printed forms", () => {
  checkAnswers(CASES);
});

Deno.test("recurrent: gradients against finite differences, twice", () => {
  using _ = torch.scope();
  torch.manualSeed(1);
  const options = { bidirectional: true, numLayers: 2, dtype: torch.float64 };
  const input = torch.randn([2, 1, 2], { dtype: torch.float64, requiresGrad: true });
  const state = torch.randn([4, 1, 2], { dtype: torch.float64, requiresGrad: true });
  const rnn = new nn.RNN(2, 2, options), gru = new nn.GRU(2, 2, options);
  const lstm = new nn.LSTM(2, 2, options);
  for (
    const f of [
      (x: torch.Tensor, h: torch.Tensor) => rnn(x, h),
      (x: torch.Tensor, h: torch.Tensor) => gru(x, h),
      (x: torch.Tensor, h: torch.Tensor) => lstm(x, [h, h.mul(0.5)]).flat() as torch.Tensor[],
    ]
  ) {
    assert(torch.autograd.gradcheck(f, [input, state]));
    const first = (x: torch.Tensor, h: torch.Tensor) => f(x, h)[0];
    assert(torch.autograd.gradgradcheck(first, [input, state]));
  }
});

Deno.test("recurrent: float32 against float64 at all ends of vectors, each output's gradient by itself", () => {
  for (const hidden of [1, 2, 3, 4, 5, 7, 8, 9]) {
    for (const part of [0, 1]) {
      using _ = torch.scope();
      torch.manualSeed(hidden);
      const cell = new nn.LSTMCell(2, hidden), gru = new nn.GRUCell(2, hidden);
      const run = (dtype: torch.DType) => {
        const [c, g] = [torch.deepcopy(cell).to(dtype), torch.deepcopy(gru).to(dtype)];
        const x = lin(3, 2).to(dtype), s = lin(hidden, 3).to(dtype).t().requiresGrad_(true);
        const y = part === 0 ? g(x, s).add(c(x, [s, s])[0]) : c(x, [s.mul(2), s])[1];
        y.pow(2).sum().backward();
        const gradients = c.parameters().map((p) => p.grad!.flatten());
        return torch.cat([y.detach().flatten(), s.grad!.flatten(), ...gradients]);
      };
      const difference = run(torch.float32).double().sub(run(torch.float64)).abs().max();
      assert(Number(difference.item()) < 3e-6, `${hidden}: ${difference.item()}`);
    }
  }
});

Deno.test("recurrent: names of parameters, copies, other dtypes", () => {
  using _ = torch.scope();
  const lstm = new nn.LSTM(3, 4, { bidirectional: true, projSize: 2 });
  const names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"];
  assertEquals(Object.keys(lstm.stateDict()), [
    ...names.map((n) => `${n}_l0`),
    ...names.map((n) => `${n}_l0_reverse`),
  ]);
  assertEquals(lstm.allWeights.map((w) => w.length), [5, 5]);
  const copy = torch.deepcopy(lstm), input = x();
  assertEquals(copy(input)[0].tolist(), lstm(input)[0].tolist());
  assertEquals(lstm.half()(input.half())[0].dtype, torch.float16);
  const [output, hn] = new nn.GRU(3, 4)(torch.zeros(2, 0, 3));
  assertEquals([[...output.shape], [...hn.shape]], [[2, 0, 4], [1, 0, 4]]);
});

Deno.test("recurrent: bad calls", () => {
  using _ = torch.scope();
  const lstm = new nn.LSTM(3, 4), gru = new nn.GRU(3, 4, 2), cell = new nn.GRUCell(3, 4);
  const bad: [() => unknown, any, string][] = [
    [() => new nn.RNN(3, 4, { nonlinearity: "gelu" as any }), RangeError, "gelu"],
    [() => new nn.LSTM(3, 4, { projSize: 4 }), RangeError, "projSize"],
    [() => new nn.GRU(3, 4, { projSize: 2 } as any), TypeError, "projSize"],
    [() => new nn.GRU(3, 4, { dropout: 2 }), RangeError, "dropout"],
    [() => new nn.GRU(3, 4, 0), RangeError, "numLayers"],
    [() => lstm(torch.zeros(3)), RangeError, "expected input [steps, batch, 3]"],
    [() => lstm(torch.zeros(2, 5, 4)), RangeError, "[2, 5, 4]"],
    [() => lstm(torch.zeros(0, 5, 3)), RangeError, "at least 1 step"],
    [() => lstm(x(), torch.zeros(1, 2, 4) as any), TypeError, "two tensors"],
    [() => lstm(x(), [h(1, 2, 4), h(1, 3, 4)]), RangeError, "c0 of shape [1, 2, 4]"],
    [() => lstm(u(), [h(1, 1, 4), h(1, 1, 4)]), RangeError, "h0 of shape [1, 4]"],
    [() => gru(x(), h(1, 2, 4)), RangeError, "h0 of shape [2, 2, 4]"],
    [() => gru(x().double()), TypeError, "float64"],
    [() => cell(torch.zeros(1, 2, 3)), RangeError, "expected input [batch, 3]"],
    [() => cell(x().at(0), h(3, 4)), RangeError, "hx of shape [2, 4]"],
    [() => cell(x().at(0), 5 as any), TypeError, "hx"],
  ];
  for (const [call, kind, words] of bad) assertThrows(call, kind, words);
});
