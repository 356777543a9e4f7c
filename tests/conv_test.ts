/**
 * Convolutions: gradients of both orders against differences, every way in which the kernels divide the work, layouts,
 * dtypes, modules and what is refused. PyTorch's stored answers are in golden_test.ts.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { F, nn, type Tensor } from "../mod.ts";
import { cpu } from "../src/backend/wasm.ts";
import { checkConvolutions } from "./conv_cases.ts";

const { gradcheck, gradgradcheck } = torch.autograd;

/** Numbers in -1 .. 1 that are everywhere different. */
function numbers(shape: number[], seed = 1, dtype = torch.float64): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233));
  return torch.fromArray(values, shape).to(dtype);
}

function leaf(shape: number[], seed = 1): Tensor {
  return numbers(shape, seed).requiresGrad_(true);
}

function assertClose(got: Tensor, want: Tensor, tolerance: number, what = ""): void {
  assertEquals(got.shape, want.shape, what);
  const a = got.detach().double().toTypedArray(), b = want.detach().double().toTypedArray();
  let greatest = 1;
  for (const v of b) greatest = Math.max(greatest, Math.abs(Number(v)));
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(Number(a[i]) - Number(b[i]));
    assert(difference <= tolerance * greatest, `${what}[${i}]: ${a[i]}, not ${b[i]}`);
  }
}

/** conv2d by the definition, from slices. */
function byDefinition(x: Tensor, w: Tensor, stride: number[], padding: number, d: number): Tensor {
  const p = F.pad(x, [padding, padding, padding, padding]), [, , height, width] = p.shape;
  const [, , kh, kw] = w.shape;
  const rows = Math.floor((height - d * (kh - 1) - 1) / stride[0]) + 1;
  const columns = Math.floor((width - d * (kw - 1) - 1) / stride[1]) + 1;
  let y: Tensor | null = null;
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const part = p.index([
        torch.slice(),
        torch.slice(),
        torch.slice(i * d, i * d + (rows - 1) * stride[0] + 1, stride[0]),
        torch.slice(j * d, j * d + (columns - 1) * stride[1] + 1, stride[1]),
      ]);
      const term = torch.einsum("ncyx,oc->noyx", [part, w.select(2, i).select(2, j)]);
      y = y === null ? term : y.add(term);
    }
  }
  return y!;
}

Deno.test("conv2d is what its definition says, in blocks of every kind", () => {
  // One sample at a time, in bands; samples put together, with a remainder; kernels of size 1 in place and not.
  const cases: [number[], number[], number[], number, number][] = [
    [[2, 40, 23, 29], [5, 40, 5, 5], [1, 1], 2, 1],
    [[7, 3, 5, 4], [70, 3, 3, 3], [1, 1], 1, 1],
    [[150, 2, 3, 3], [4, 2, 2, 2], [1, 1], 0, 1],
    [[2, 9, 12, 13], [6, 9, 1, 1], [1, 1], 0, 1],
    [[3, 9, 4, 5], [6, 9, 1, 1], [1, 1], 0, 1],
    [[3, 9, 4, 5], [6, 9, 1, 1], [2, 3], 1, 1],
    [[2, 4, 11, 17], [3, 4, 2, 3], [2, 3], 3, 2],
    [[1, 1, 3, 40], [1, 1, 3, 1], [1, 1], 0, 1],
  ];
  for (const [shape, kernel, stride, padding, dilation] of cases) {
    using _ = torch.scope();
    const x = leaf(shape), w = leaf(kernel, 2), what = `${shape} ${kernel}`;
    const want = byDefinition(x, w, stride, padding, dilation), dy = numbers([...want.shape], 3);
    const [dx, dw] = torch.autograd.grad([want], [x, w], { gradOutputs: [dy] });
    for (const [dtype, tolerance] of [[torch.float64, 1e-13], [torch.float32, 3e-6]] as const) {
      const [a, b] = [x, w].map((t) => t.detach().to(dtype).requiresGrad_(true));
      const y = F.conv2d(a, b, { stride, padding, dilation });
      assertClose(y, want, tolerance, what);
      y.backward(dy.to(dtype));
      assertClose(a.grad!, dx!, tolerance, `dx ${what}`);
      assertClose(b.grad!, dw!, tolerance, `dw ${what}`);
    }
  }
});

Deno.test("float32 kernels against float64, whole and cut, at sizes around those of tiles", () => {
  checkConvolutions(torch, cpu);
});

Deno.test("conv1d in bands that begin and end within rows, for every tail", () => {
  for (let n = 3; n <= 40; n++) {
    using _ = torch.scope();
    const x = numbers([2, 3, n], n), w = numbers([4, 3, 3], 2);
    const want = byDefinition(x.unsqueeze(2), w.unsqueeze(2), [1, 1], 0, 1).squeeze(2);
    assertClose(F.conv1d(x, w), want, 1e-13);
    assertClose(F.conv1d(x.float(), w.float()), want, 3e-6);
  }
});

Deno.test("a long sum of a single output keeps its digits", () => {
  using _ = torch.scope();
  const x = numbers([2, 900, 6, 7]).abs(), w = numbers([1, 900, 5, 5], 2).abs();
  const want = byDefinition(x, w, [1, 1], 1, 1);
  assertClose(F.conv2d(x, w, { padding: 1 }), want, 1e-13);
  assertClose(F.conv2d(x.float(), w.float(), { padding: 1 }), want, 1e-6);
});

Deno.test("groups are convolutions of their own", () => {
  using _ = torch.scope();
  const x = leaf([3, 6, 5, 6]), w = leaf([9, 2, 3, 2], 2), b = leaf([9], 3);
  const y = F.conv2d(x, w, b, { groups: 3, padding: 1 });
  const parts = [0, 1, 2].map((g) =>
    F.conv2d(x.narrow(1, 2 * g, 2), w.narrow(0, 3 * g, 3), b.narrow(0, 3 * g, 3), 1, 1)
  );
  const want = torch.cat(parts, 1), dy = numbers([...want.shape], 4);
  assertClose(y, want, 1e-14);
  const got = torch.autograd.grad([y], [x, w, b], { gradOutputs: [dy] });
  torch.autograd.grad([want], [x, w, b], { gradOutputs: [dy] })
    .forEach((g, i) => assertClose(got[i]!, g!, 1e-13));
});

Deno.test("a transposed convolution is the gradient of a convolution", () => {
  using _ = torch.scope();
  for (const [batch, n] of [[2, 9], [3, 4], [1, 30]]) {
    const x = leaf([batch, 4, n, n + 1]), w = numbers([6, 2, 3, 2], 2);
    const o = { stride: [2, 3], padding: [1, 0], dilation: [2, 1], groups: 2 };
    const y = F.conv2d(x, w, o), dy = numbers([...y.shape], 3);
    y.backward(dy);
    const outputPadding = [0, 1].map((d) => {
      const [k, s, p, step] = [w.shape[d + 2], o.stride[d], o.padding[d], o.dilation[d]];
      return x.shape[d + 2] - ((y.shape[d + 2] - 1) * s - 2 * p + step * (k - 1) + 1);
    });
    assertClose(F.convTranspose2d(dy, w, { ...o, outputPadding }), x.grad!, 1e-14);
    const b = numbers([4], 5);
    assertClose(
      F.convTranspose2d(dy, w, b, { ...o, outputPadding }),
      x.grad!.add(b.view(4, 1, 1)),
      1e-14,
    );
  }
});

Deno.test("gradients of both orders against differences", () => {
  const o2 = { stride: [2, 1], padding: 1, dilation: [1, 2], groups: 2 };
  const rows: [(x: Tensor, w: Tensor, b: Tensor) => Tensor, number[], number[], number][] = [
    [(x, w, b) => F.conv1d(x, w, b, { padding: "same" }), [2, 2, 4], [3, 2, 2], 3],
    [(x, w, b) => F.conv2d(x, w, b, o2), [2, 2, 3, 4], [4, 1, 2, 2], 4],
    [(x, w, b) => F.conv2d(x, w, b), [2, 2, 2, 2], [3, 2, 1, 1], 3],
    [
      (x, w, b) => F.conv3d(x, w, b, { padding: 1, stride: 2 }),
      [1, 2, 2, 3, 2],
      [2, 2, 2, 1, 2],
      2,
    ],
    [(x, w, b) => F.convTranspose1d(x, w, b, 2, 1, 1), [2, 2, 3], [2, 3, 3], 3],
    [(x, w, b) => F.convTranspose2d(x, w, b, { ...o2, padding: 0 }), [1, 4, 2, 2], [4, 1, 2, 2], 2],
    [(x, w, b) => F.convTranspose2d(x, w, b), [2, 2, 2, 2], [2, 3, 1, 1], 3],
    [(x, w, b) => F.convTranspose3d(x, w, b, 2), [2, 1, 2, 2], [2, 1, 2, 1, 2], 1],
  ];
  for (const [f, x, w, bias] of rows) {
    using _ = torch.scope();
    const inputs: [Tensor, Tensor, Tensor] = [leaf(x), leaf(w, 2), leaf([bias], 3)];
    const g = f as torch.autograd.TensorFunction;
    assert(gradcheck(g, inputs) && gradgradcheck(g, inputs));
  }
});

Deno.test("inputs in any layout, dtype and size", () => {
  using _ = torch.scope();
  const x = numbers([5, 6, 3, 2]), w = numbers([2, 3, 3, 4], 2);
  const xt = x.permute(3, 2, 0, 1), wt = w.permute(3, 2, 1, 0).narrow(3, 0, 1).expand(4, 3, 3, 2);
  const want = F.conv2d(xt.contiguous(), wt.contiguous(), { padding: 1 });
  assertEquals(F.conv2d(xt, wt, { padding: 1 }).tolist(), want.tolist());
  const lone = F.conv2d(xt.select(0, 1), wt, { padding: 1 });
  assertEquals(lone.tolist(), want.select(0, 1).tolist());
  const empty = torch.zeros(0, 3, 5, 6, { requiresGrad: true });
  const weight = torch.ones(4, 3, 2, 2, { requiresGrad: true });
  const y = F.conv2d(empty, weight);
  assertEquals(y.shape, [0, 4, 4, 5]);
  y.sum().backward();
  assertEquals(weight.grad!.abs().sum().item(), 0);
  assertEquals(empty.grad!.shape, [0, 3, 5, 6]);
  assertEquals(F.conv2d(torch.zeros(1, 0, 4, 4), torch.zeros(2, 0, 2, 2), torch.ones(2)).shape, [
    1,
    2,
    3,
    3,
  ]);
  const i = torch.arange(9).view(1, 1, 3, 3), k = torch.ones(1, 1, 2, 2, { dtype: torch.int64 });
  assertEquals(F.conv2d(i, k).tolist(), [[[[8, 12], [20, 24]]]]);
  assertEquals(F.conv2d(i.int(), k.int()).dtype, torch.int32);
  assertEquals(F.conv2d(i.bfloat16(), k.bfloat16()).dtype, torch.bfloat16);
});

Deno.test("modules: padding modes, printed form, output sizes", () => {
  using _ = torch.scope();
  torch.manualSeed(1);
  const x = numbers([2, 2, 5, 6], 1, torch.float32);
  for (const paddingMode of ["reflect", "replicate", "circular"] as const) {
    const m = new nn.Conv2d(2, 3, [3, 2], { padding: [1, 2], paddingMode });
    const want = F.conv2d(F.pad(x, [2, 2, 1, 1], paddingMode), m.weight, m.bias);
    assertEquals(m(x).tolist(), want.tolist());
    const same = new nn.Conv2d(2, 3, [3, 2], { padding: "same", paddingMode });
    assertEquals(same(x).shape, [2, 3, 5, 6]);
  }
  const m = new nn.ConvTranspose2d(2, 3, 3, { stride: 2, padding: 1 });
  assertEquals(m(x).shape, [2, 3, 9, 11]);
  assertEquals(m.forward(x, [10, 12]).shape, [2, 3, 10, 12]);
  assertEquals(m.forward(x, [2, 3, 9, 12]).shape, [2, 3, 9, 12]);
  assertThrows(() => m.forward(x, [11, 12]), RangeError, "outputSize");
  assertEquals(
    String(new nn.Conv2d(2, 4, [3, 1], 2, 1, 2, 2, false, "circular")),
    "Conv2d(2, 4, kernel_size=(3, 1), stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2, " +
      "bias=False, padding_mode=circular)",
  );
  assertEquals(
    String(new nn.ConvTranspose1d(2, 4, 3, 2, 1, 1, 2)),
    "ConvTranspose1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), output_padding=(1,), groups=2)",
  );
  assertEquals(
    String(new nn.Conv1d(1, 1, 3, { padding: "same" })),
    "Conv1d(1, 1, kernel_size=(3,), stride=(1,), padding=same)",
  );
  assertThrows(() => new nn.Conv2d(3, 4, 3, { groups: 2 }), RangeError, "multiples of groups");
  assertThrows(() => new nn.Conv2d(3, 4, [3, 3, 3]), RangeError, "kernelSize");
  assertThrows(() => new nn.Conv1d(3, 4, 3, 2, "same"), RangeError, "stride 1");
  assertThrows(
    () => new nn.ConvTranspose1d(3, 4, 3, { paddingMode: "reflect" as "zeros" }),
    RangeError,
    "paddingMode",
  );
});

Deno.test("what convolutions refuse", () => {
  const z = (...shape: number[]) => torch.zeros(shape), x = z(1, 2, 4, 4), w = z(4, 2, 3, 3);
  const refused: [() => unknown, typeof RangeError | typeof TypeError, string][] = [
    [() => F.conv2d(x, z(4, 3, 3, 3)), RangeError, "3 channels"],
    [() => F.conv2d(x, z(4, 2, 3)), RangeError, "weight must have 4 axes"],
    [() => F.conv2d(z(4, 4), w), RangeError, "4 axes"],
    [() => F.conv2d(x, w, z(3)), RangeError, "bias [4]"],
    [() => F.conv2d(x, w, { stride: 0 }), RangeError, "stride must be at least 1"],
    [() => F.conv2d(x, w, { stride: [1, 1, 1] }), RangeError, "2 of them"],
    [() => F.conv2d(x, w, { padding: -1 }), RangeError, "padding must be at least 0"],
    [() => F.conv2d(x, w, { dilation: 2 }), RangeError, "does not fit"],
    [() => F.conv2d(x, w, { groups: 0 }), RangeError, "groups"],
    [() => F.conv2d(x, w, { stride: 2, padding: "same" }), RangeError, "stride 1"],
    [() => F.conv2d(x, w, { padding: "full" as "same" }), TypeError, "same"],
    [() => F.conv2d(x, w.double()), TypeError, "one dtype"],
    [() => F.conv2d(x, w, z(4).double()), TypeError, "one dtype"],
    [() => F.conv2d(x.bool(), w.bool()), TypeError, "bool"],
    [() => F.conv2d(z(1, 2, 0, 4), w, { padding: 2 }), RangeError, "empty"],
    [() => F.convTranspose2d(x, z(3, 2, 2, 2)), RangeError, "3 channels"],
    [() => F.convTranspose2d(x, z(2, 2, 2, 2), { outputPadding: 1 }), RangeError, "less than"],
    [() => F.convTranspose2d(z(1, 2, 1, 1), z(2, 2, 1, 1), null, 1, 1), RangeError, "too small"],
  ];
  for (const [call, type, message] of refused) assertThrows(call, type, message);
});
