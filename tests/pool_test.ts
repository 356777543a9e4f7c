/**
 * Pooling: gradients of both orders against differences, ties and NaN, layouts, dtypes, modules and what is refused.
 * PyTorch's stored answers are in golden_test.ts.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { F, nn, type Tensor } from "../mod.ts";

const { gradcheck, gradgradcheck } = torch.autograd;

/** Numbers that are everywhere different, far enough for differences. */
function numbers(shape: number[], seed = 1): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: n }, (_, i) => (i * 37 + seed * 11) % 101 / 50 - 1);
  return torch.fromArray(values, shape);
}

Deno.test("pooling: gradients of both orders against differences", () => {
  const o = { stride: 1, padding: 1, ceilMode: true };
  const rows: [(x: Tensor) => Tensor, number[]][] = [
    [(x) => F.maxPool1d(x, 3, 2), [2, 2, 7]],
    [(x) => F.maxPool2d(x, [2, 3], { ...o, dilation: [2, 1] }), [1, 2, 4, 5]],
    [(x) => F.maxPool3d(x, 2), [2, 2, 4, 3]],
    [(x) => F.adaptiveMaxPool2d(x, [3, 2]), [2, 4, 5]],
    [(x) => F.avgPool1d(x, 3, o), [2, 7]],
    [(x) => F.avgPool2d(x, [3, 2], { ...o, stride: 2, countIncludePad: false }), [1, 2, 4, 5]],
    [(x) => F.avgPool3d(x, 2, { divisorOverride: 3 }), [1, 2, 3, 2, 4]],
    [(x) => F.adaptiveAvgPool1d(x, 3), [2, 2, 5]],
    [(x) => F.adaptiveAvgPool2d(x, [null, 7]), [1, 2, 3, 4]],
    [(x) => F.adaptiveAvgPool3d(x, 2), [1, 1, 3, 2, 3]],
    [(x) => F.lpPool2d(x.abs().add(0.1), 3, 2), [1, 2, 4, 5]],
    [(x) => F.lpPool1d(x, 2, 3, 1), [1, 2, 6]],
    [(x) => F.maxUnpool2d(x, F.maxPool2d(x.detach(), 1, null, 0, 1, false, true)[1], 2), [2, 2, 3]],
  ];
  for (const [f, shape] of rows) {
    using _ = torch.scope();
    const x = numbers(shape).requiresGrad_(true);
    assert(gradcheck(f, [x]) && gradgradcheck(f, [x]));
  }
});

Deno.test("maxPool: the first of equal elements, the last NaN, places in the plane", () => {
  using _ = torch.scope();
  const [y, places] = F.maxPool1d(torch.tensor([[[1, 3, 3, 2, NaN, 1, NaN, 0]]]), 4, {
    returnIndices: true,
  });
  assertEquals(y.tolist(), [[[3, NaN]]]);
  assertEquals(places.tolist(), [[[1, 6]]]);
  const least = F.maxPool2d(torch.full([1, 2, 2], -Infinity), 2, 1, 1, 1, false, true);
  assertEquals(least[0].tolist(), [new Array(3).fill(new Array(3).fill(-Infinity))]);
  assertEquals(least[1].tolist(), [[[0, 0, 1], [0, 0, 1], [2, 2, 3]]]);
  // Overlapping windows with one greatest element: its gradient is the sum.
  const x = torch.tensor([[[0, 5, 0, 0]]], { dtype: torch.float32, requiresGrad: true });
  F.maxPool1d(x, 3, 1).backward(torch.tensor([[[1, 2]]], { dtype: torch.float32 }));
  assertEquals(x.grad!.tolist(), [[[0, 3, 0, 0]]]);
});

Deno.test("pooling in float32, four windows at a time, is that in float64", () => {
  for (let n = 1; n <= 19; n++) {
    for (
      const [kernel, stride, padding, dilation] of [[2, 2, 0, 1], [3, 2, 1, 1], [3, 1, 1, 2], [
        2,
        3,
        1,
        1,
      ], [5, 1, 2, 1]]
    ) {
      if (n + 2 * padding < dilation * (kernel - 1) + 1) continue;
      using _ = torch.scope();
      const x = numbers([2, 3, 5, n], n), y = x.clone();
      y.select(3, n >> 1).fill_(NaN);
      y.select(2, 1).fill_(-Infinity);
      for (const t of n % 2 ? [x] : [x, y]) {
        const o = {
          stride,
          padding: [padding & 1, padding],
          dilation,
          returnIndices: true as const,
        };
        const maxima = F.maxPool2d(t, [2, kernel], o),
          singles = F.maxPool2d(t.float(), [2, kernel], o);
        assertEquals(singles[0].double().toTypedArray(), maxima[0].float().double().toTypedArray());
        assertEquals(singles[1].toTypedArray(), maxima[1].toTypedArray());
      }
      if (dilation > 1) continue;
      for (const countIncludePad of [true, false]) {
        const o = { stride, padding: [padding & 1, padding], countIncludePad },
          [a, b] = [x.clone(), x.float()].map((t) => t.requiresGrad_(true));
        const means = F.avgPool2d(a, [2, kernel], o), singles = F.avgPool2d(b, [2, kernel], o);
        assert(torch.allclose(singles.double(), means, 1e-6, 1e-6));
        means.backward(torch.cos(means.detach()));
        singles.backward(torch.cos(means.detach()).float());
        assert(torch.allclose(b.grad!.double(), a.grad!, 1e-6, 1e-6));
      }
    }
  }
});

Deno.test("pooling: layouts, dtypes, no elements", () => {
  using _ = torch.scope();
  const x = numbers([5, 6, 2, 3]), xt = x.permute(2, 3, 1, 0), dense = xt.contiguous();
  for (
    const f of [
      (x: Tensor) => F.maxPool2d(x, 2),
      (x: Tensor) => F.avgPool2d(x, 2),
      (x: Tensor) => F.adaptiveAvgPool2d(x, 2),
      (x: Tensor) => F.adaptiveMaxPool2d(x, 2),
    ]
  ) {
    assertEquals(f(xt).tolist(), f(dense).tolist());
    assertEquals(f(xt.select(0, 1)).tolist(), f(dense).select(0, 1).tolist());
    assertEquals(f(xt.bfloat16()).dtype, torch.bfloat16);
    const empty = torch.zeros(0, 3, 4, 4, { requiresGrad: true }), y = f(empty);
    assertEquals(y.shape, [0, 3, 2, 2]);
    y.sum().backward();
    assertEquals(empty.grad!.shape, [0, 3, 4, 4]);
    assertThrows(() => f(xt.int()), TypeError, "not defined for");
  }
  assertEquals(F.avgPool1d(torch.tensor([[-1, -2, 4, 5]]).long(), 2).tolist(), [[-1, 4]]);
  const leaf = torch.ones(1, 2, 3, 3, { requiresGrad: true });
  F.adaptiveAvgPool2d(leaf, [0, 2]).sum().backward();
  assertEquals(leaf.grad!.sum().item(), 0);
});

Deno.test("maxUnpool puts elements back", () => {
  using _ = torch.scope();
  const x = torch.arange(1, 26).view(1, 1, 5, 5).float();
  const [y, places] = F.maxPool2d(x, 2, { returnIndices: true });
  const back = F.maxUnpool2d(y, places, 2, { outputSize: [5, 5] });
  assertEquals(back.tolist(), torch.where(torch.isin(x, y), x, 0).tolist());
  assertEquals(F.maxUnpool2d(y, places, 2, null, 0, x.shape).tolist(), back.tolist());
  const line = F.maxPool1d(x.view(1, 25), 5, { returnIndices: true });
  assertEquals(F.maxUnpool1d(...line, 5).tolist(), [
    Array.from({ length: 25 }, (_, i) => i % 5 === 4 ? i + 1 : 0),
  ]);
  const box = F.maxPool3d(x, 1, { returnIndices: true });
  assertEquals(F.maxUnpool3d(...box, 1).tolist(), x.tolist());
});

Deno.test("pooling modules and their printed forms", () => {
  using _ = torch.scope();
  const x = numbers([2, 3, 6, 7]), line = numbers([2, 3, 7]), box = numbers([2, 3, 4, 5, 4]);
  const pairs: [Tensor, Tensor][] = [
    [new nn.MaxPool1d(2)(line), F.maxPool1d(line, 2)],
    [new nn.MaxPool2d(3, 2, 1)(x), F.maxPool2d(x, 3, 2, 1)],
    [new nn.MaxPool3d(2)(box), F.maxPool3d(box, 2)],
    [new nn.AvgPool1d(3, { stride: 1 })(line), F.avgPool1d(line, 3, 1)],
    [new nn.AvgPool2d(2, 1, 1, true, false, 3)(x), F.avgPool2d(x, 2, 1, 1, true, false, 3)],
    [new nn.AvgPool3d(2)(box), F.avgPool3d(box, 2)],
    [new nn.AdaptiveAvgPool1d(3)(line), F.adaptiveAvgPool1d(line, 3)],
    [new nn.AdaptiveAvgPool2d([null, 2])(x), F.adaptiveAvgPool2d(x, [6, 2])],
    [new nn.AdaptiveAvgPool3d(1)(box), box.mean([2, 3, 4], true)],
    [new nn.AdaptiveMaxPool1d(3)(line), F.adaptiveMaxPool1d(line, 3)],
    [new nn.AdaptiveMaxPool2d(3)(x), F.adaptiveMaxPool2d(x, 3)],
    [new nn.AdaptiveMaxPool3d(1)(box), box.amax([2, 3, 4], true)],
    [new nn.LPPool1d(3, 2)(line.abs()), F.lpPool1d(line.abs(), 3, 2)],
    [new nn.LPPool2d(2, 3, { stride: 1 })(x), F.lpPool2d(x, 2, 3, 1)],
  ];
  for (const [got, want] of pairs) assert(torch.allclose(got, want, 1e-14, 1e-14));
  const [y, places] = new nn.MaxPool2d<[Tensor, Tensor]>(2, { returnIndices: true })(x);
  assertEquals(new nn.MaxUnpool2d(2)(y, places, [6, 7]).shape, [2, 3, 6, 7]);
  assertEquals(
    [
      new nn.MaxPool2d([2, 3], 2, 1),
      new nn.AvgPool1d(2),
      new nn.AvgPool2d(2),
      new nn.AdaptiveAvgPool2d([null, 3]),
      new nn.LPPool2d(2, 3),
      new nn.MaxUnpool1d(2, 1),
    ].map(String),
    [
      "MaxPool2d(kernel_size=(2, 3), stride=2, padding=1, dilation=1, ceil_mode=False)",
      "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))",
      "AvgPool2d(kernel_size=2, stride=2, padding=0)",
      "AdaptiveAvgPool2d(output_size=(None, 3))",
      "LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)",
      "MaxUnpool1d(kernel_size=(2,), stride=(1,), padding=(0,))",
    ],
  );
});

Deno.test("what pooling refuses", () => {
  const x = torch.zeros(1, 2, 4, 4), index = torch.zeros(1, 2, 4, 4, { dtype: torch.int64 });
  const refused: [() => unknown, typeof RangeError | typeof TypeError, string][] = [
    [() => F.maxPool2d(x, 2, 2, 2), RangeError, "half of kernelSize"],
    [() => F.maxPool2d(x, 5), RangeError, "no window"],
    [() => F.maxPool2d(x, 0), RangeError, "kernelSize must be at least 1"],
    [() => F.maxPool2d(x, 2, 0), RangeError, "stride must be at least 1"],
    [() => F.maxPool2d(x, [2, 2, 2]), RangeError, "2 of them"],
    [() => F.maxPool2d(x), TypeError, "kernelSize"],
    [() => F.maxPool2d(torch.zeros(4, 4), 2), RangeError, "4 axes"],
    [() => F.maxPool2d(torch.zeros(1, 0, 4, 4), 2), RangeError, "only the batch"],
    [() => F.maxPool1d(torch.zeros(2, 2, 3, 4), 2), RangeError, "3 axes"],
    [() => F.avgPool2d(x, 2, { divisorOverride: 0 }), RangeError, "divisorOverride"],
    [() => F.avgPool2d(x, 2, { padding: 2 }), RangeError, "half of kernelSize"],
    [
      () => F.avgPool1d(x.select(0, 0), 2, { divisorOverride: 2 } as object),
      TypeError,
      "no option",
    ],
    [() => F.adaptiveAvgPool2d(x, -1), RangeError, "negative"],
    [() => F.adaptiveAvgPool2d(x, [1, 2, 3]), RangeError, "2 sizes"],
    [() => F.adaptiveMaxPool2d(torch.zeros(1, 2, 0, 4), 1), RangeError, "nothing to pool"],
    [() => F.maxUnpool2d(x, index.add(64), 2), RangeError, "out of range"],
    [() => F.maxUnpool2d(x, index.int(), 2), TypeError, "int64"],
    [() => F.maxUnpool2d(x, index.narrow(2, 0, 2), 2), RangeError, "one shape"],
    [() => F.maxUnpool2d(x, index, 2, { outputSize: [10, 8] }), RangeError, "outputSize"],
  ];
  for (const [call, type, message] of refused) assertThrows(call, type, message);
});
