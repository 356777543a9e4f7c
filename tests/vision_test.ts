/**
 * Images resized, sampled and rearranged: gradients against differences, layouts, dtypes, ties, modules, and what is
 * refused. PyTorch's stored answers are in golden_test.ts.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { F, nn, type Tensor } from "../mod.ts";
import { cpu } from "../src/backend/wasm.ts";

const { gradcheck, gradgradcheck } = torch.autograd;

/** Numbers between -1 and 1 that are everywhere different. */
function numbers(shape: number[], seed = 1): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: n }, (_, i) => (i * 37 + seed * 11) % 101 / 50 - 1);
  return torch.fromArray(values, shape);
}

Deno.test("interpolate: gradients of both orders against differences", () => {
  const rows: [(x: Tensor) => Tensor, number[]][] = [
    [(x) => F.interpolate(x, 5), [2, 2, 3]],
    [(x) => F.interpolate(x, [2, 7], null, "nearest-exact"), [1, 2, 3, 4]],
    [(x) => F.interpolate(x, { scaleFactor: 1.7, mode: "linear" }), [1, 2, 4]],
    [(x) => F.interpolate(x, { size: [2, 6], mode: "bilinear", alignCorners: true }), [1, 2, 3, 4]],
    [(x) => F.interpolate(x, { scaleFactor: [2, 0.5], mode: "bicubic" }), [1, 1, 3, 5]],
    [(x) => F.interpolate(x, { size: [3, 2, 4], mode: "trilinear" }), [1, 1, 2, 3, 2]],
    [(x) => F.interpolate(x, { size: [2, 5], mode: "bilinear", antialias: true }), [1, 2, 6, 4]],
    [(x) => F.interpolate(x, { size: [2, 5], mode: "bicubic", antialias: true }), [1, 2, 6, 4]],
    [(x) => F.interpolate(x, { size: 3, mode: "area" }), [1, 2, 5, 4]],
    [(x) => F.interpolate(x, { scaleFactor: 1, mode: "bilinear" }), [1, 2, 2, 3]],
    [(x) => F.pixelShuffle(x, 2), [8, 2, 3]],
    [(x) => F.pixelUnshuffle(x, 3), [1, 2, 3, 6]],
    [(x) => F.channelShuffle(x, 3), [2, 6, 2]],
  ];
  for (const [f, shape] of rows) {
    using _ = torch.scope();
    const x = numbers(shape).requiresGrad_(true);
    assert(gradcheck(f, [x]) && gradgradcheck(f, [x]));
  }
});

Deno.test("gridSample and affineGrid: gradients against differences", () => {
  const images: [number[], number[]][] = [[[2, 3, 4, 5], [2, 2, 3, 2]], [[1, 2, 3, 4, 3], [
    1,
    2,
    2,
    2,
    3,
  ]]];
  for (const [shape, points] of images) {
    for (const mode of ["bilinear", "nearest", "bicubic"] as const) {
      if (mode === "bicubic" && shape.length === 5) continue;
      for (const paddingMode of ["zeros", "border", "reflection"] as const) {
        for (const alignCorners of [false, true]) {
          using _ = torch.scope();
          const x = numbers(shape).requiresGrad_(true);
          const grid = numbers(points, 2).mul(1.37).detach().requiresGrad_(true);
          assert(
            gradcheck((x, g) => F.gridSample(x, g, { mode, paddingMode, alignCorners }), [x, grid]),
          );
        }
      }
    }
  }
  for (const [shape, size] of [[[2, 2, 3], [2, 1, 3, 2]], [[1, 3, 4], [1, 2, 2, 1, 3]]]) {
    const theta = numbers(shape).requiresGrad_(true);
    const f = (t: Tensor) => F.affineGrid(t, size, { alignCorners: size.length === 5 });
    assert(gradcheck(f, [theta]) && gradgradcheck(f, [theta]));
  }
});

Deno.test("interpolate: the parts of a kernel's range give what the whole gives", () => {
  for (const [outer, n, inner, m] of [[7, 5, 1, 8], [3, 4, 5, 6]]) {
    using _ = torch.scope();
    const x = torch.fromArray(Float32Array.from({ length: outer * n * inner }, (_, i) => i / 7));
    const taps = torch.fromArray(Int32Array.from([
      ...Array.from({ length: m + 1 }, (_, i) => 2 * i),
      ...Array.from({ length: 2 * m }, (_, i) => i % n),
    ]));
    const weights = torch.fromArray(Float32Array.from({ length: 2 * m }, (_, i) => 1 / (i + 3)));
    const count = inner === 1 ? outer : outer * m;
    const run = (...cuts: number[]) => {
      const y = torch.zeros(outer * m * inner);
      for (let i = 0; i + 1 < cuts.length; i++) {
        const p = [y.pointer, x.pointer, taps.pointer, weights.pointer] as const;
        if (inner === 1) cpu.kernels.interpolate_last(...p, n, m, cuts[i], cuts[i + 1]);
        else cpu.kernels.interpolate(...p, n, m, inner, cuts[i], cuts[i + 1]);
      }
      return y.tolist();
    };
    assertEquals(run(0, 1, 3, count), run(0, count));
    assertEquals(run(0, 2, 2, 5, count), run(0, count));
  }
});

Deno.test("vision: layouts, dtypes, no samples, and numbers that are none", () => {
  using _ = torch.scope();
  const x = numbers([4, 6, 2, 3]), turned = x.permute(2, 3, 1, 0), dense = turned.contiguous();
  const grid = numbers([2, 2, 2, 2]), across = grid.transpose(1, 2);
  for (
    const f of [
      (x: Tensor) => F.interpolate(x, { size: [4, 9], mode: "bilinear" }),
      (x: Tensor) => F.interpolate(x, 4),
      (x: Tensor) => F.gridSample(x, across.to(x.dtype)),
      (x: Tensor) => F.pixelUnshuffle(x, 2),
      (x: Tensor) => F.channelShuffle(x, 3),
    ]
  ) {
    assertEquals(f(turned).tolist(), f(dense).tolist());
    assertEquals(f(dense.bfloat16()).dtype, torch.bfloat16);
  }
  const bytes = F.interpolate(torch.tensor([[[3, 250]]], { dtype: torch.uint8 }), 4);
  assertEquals([bytes.dtype.name, bytes.tolist()], ["uint8", [[[3, 3, 250, 250]]]]);
  const none = torch.zeros(0, 2, 3, 3, { requiresGrad: true });
  const y = F.interpolate(none, { size: 5, mode: "bicubic" });
  y.sum().backward();
  assertEquals([y.shape, none.grad!.shape], [[0, 2, 5, 5], [0, 2, 3, 3]]);
  assertEquals(F.gridSample(none, torch.zeros(0, 4, 1, 2)).shape, [0, 2, 4, 1]);
  // Signs of zeros stay, and elements of weight 0 do not count.
  const marks = torch.tensor([[[-0, Infinity, NaN]]], { dtype: torch.float32 });
  assertEquals(F.interpolate(marks, 5).tolist(), [[[-0, -0, Infinity, Infinity, NaN]]]);
  assertEquals(
    F.interpolate(marks, { size: 3, mode: "linear" }).tolist(),
    [[[-0, Infinity, NaN]]],
  );
  // Points that are no numbers lie at -1; far ones are far.
  const image = torch.arange(1, 5).float().view(1, 1, 2, 2);
  const points = torch.tensor([[[[NaN, -1], [1e30, 1], [-Infinity, 1], [0.5, Infinity]]]]);
  const sampled = (paddingMode: "zeros" | "border") =>
    F.gridSample(image, points, { paddingMode, alignCorners: true }).tolist();
  assertEquals(sampled("border"), [[[[1, 4, 3, 3.75]]]]);
  assertEquals(sampled("zeros"), [[[[1, 0, 0, 0]]]]);
});

Deno.test("vision: modules", () => {
  using _ = torch.scope();
  const x = numbers([1, 4, 3, 3]).float();
  const rows: [nn.Module, string, Tensor][] = [
    [new nn.Upsample(5), "Upsample(size=5, mode=nearest)", F.interpolate(x, 5)],
    [
      new nn.Upsample({ scaleFactor: [2, 1.5], mode: "bilinear" }),
      "Upsample(scale_factor=(2.0, 1.5), mode=bilinear)",
      F.upsample(x, null, [2, 1.5], "bilinear"),
    ],
    [
      new nn.UpsamplingNearest2d({ size: [2, 3] }),
      "UpsamplingNearest2d(size=(2, 3), mode=nearest)",
      F.upsampleNearest(x, [2, 3]),
    ],
    [
      new nn.UpsamplingBilinear2d(null, 2),
      "UpsamplingBilinear2d(scale_factor=2.0, mode=bilinear)",
      F.upsampleBilinear(x, { scaleFactor: 2 }),
    ],
    [new nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)", F.pixelShuffle(x, 2)],
    [new nn.PixelUnshuffle(3), "PixelUnshuffle(downscale_factor=3)", F.pixelUnshuffle(x, 3)],
    [new nn.ChannelShuffle(2), "ChannelShuffle(groups=2)", F.channelShuffle(x, 2)],
    [
      new nn.Unfold([2, 1], { padding: 1 }),
      "Unfold(kernel_size=(2, 1), dilation=1, padding=1, stride=1)",
      F.unfold(x, [2, 1], 1, 1),
    ],
  ];
  for (const [module, text, want] of rows) {
    assertEquals(String(module), text);
    assertEquals((module(x) as Tensor).tolist(), want.tolist());
  }
  const fold = new nn.Fold([3, 3], 2), columns = F.unfold(x, 2);
  assertEquals(
    String(fold),
    "Fold(output_size=(3, 3), kernel_size=2, dilation=1, padding=0, stride=1)",
  );
  assertEquals((fold(columns) as Tensor).tolist(), F.fold(columns, [3, 3], 2).tolist());
});

Deno.test("vision: what is refused", () => {
  using _ = torch.scope();
  const x = torch.zeros(1, 4, 4, 4), grid = torch.zeros(1, 2, 2, 2), theta = torch.zeros(1, 2, 3);
  const size = (o: F.InterpolateOptions) => () => F.interpolate(x, o);
  // deno-lint-ignore no-explicit-any
  const any = (v: unknown) => v as any;
  const rows: [() => unknown, ErrorConstructor, string][] = [
    [size({}), TypeError, "size or scaleFactor must be given"],
    [size({ size: 3, scaleFactor: 2 }), TypeError, "only one of size and scaleFactor"],
    [size({ size: [3, 3, 3] }), RangeError, "size [3, 3, 3] must be a number or 2 of them"],
    [size({ size: 2.5 }), TypeError, "size must be a whole number, got 2.5"],
    [size({ size: [0, 3] }), RangeError, "at least 1, got [4, 4] and [0, 3]"],
    [size({ scaleFactor: NaN }), RangeError, "sizes before and after"],
    [size({ size: 3, recomputeScaleFactor: true }), TypeError, "recomputeScaleFactor"],
    [size({ size: 3, alignCorners: false }), TypeError, 'no meaning in mode "nearest"'],
    [size({ size: 3, antialias: true }), TypeError, "antialias is for modes bilinear and bicubic"],
    [size({ size: 3, mode: any("cubic") }), TypeError, "mode must be one of nearest,"],
    [size({ size: 3, mode: "linear" }), RangeError, 'mode "linear" takes tensors'],
    [() => F.interpolate(x.int(), 3), TypeError, "not defined for torch.int32"],
    [() => F.interpolate(torch.zeros(1, 0, 2), 3), RangeError, "only the batch may be empty"],
    [() => F.gridSample(x, grid.double()), TypeError, "of one dtype, got torch.float32 and"],
    [() => F.gridSample(x, torch.zeros(1, 2, 2, 3)), RangeError, "has shape [1, 2, 2, 2], got"],
    [() => F.gridSample(x, torch.zeros(2, 2, 2, 2)), RangeError, "has shape [1, 2, 2, 2], got"],
    [() => F.gridSample(x.at(0), grid), RangeError, "expected an input [N, C, H, W]"],
    [() => F.gridSample(x, grid, any("cubic")), TypeError, 'mode must be one of "bilinear",'],
    [
      () => F.gridSample(torch.zeros(1, 1, 1, 2, 2), torch.zeros(1, 1, 1, 1, 3), "bicubic"),
      RangeError,
      'mode "bicubic" takes inputs [N, C, H, W]',
    ],
    [() => F.affineGrid(theta, [2, 1, 2, 2]), RangeError, "theta must have shape [2, 2, 3]"],
    [() => F.affineGrid(theta, [1, 1, 0, 2]), RangeError, "all positive, got [1, 1, 0, 2]"],
    [() => F.affineGrid(theta.long(), [1, 1, 2, 2]), TypeError, "theta must be floating-point"],
    [() => F.pixelShuffle(x, 3), RangeError, "4 channels cannot be divided by 9"],
    [() => F.pixelShuffle(x, 0), RangeError, "upscaleFactor must be at least 1"],
    [() => F.pixelUnshuffle(x, 3), RangeError, "height 4 and width 4 cannot both be divided"],
    [() => F.pixelUnshuffle(x.at(0).at(0), 2), RangeError, "expected [..., channels, height,"],
    [() => F.channelShuffle(x, 3), RangeError, "4 channels cannot be divided into 3 groups"],
  ];
  for (const [f, kind, text] of rows) assertThrows(f, kind, text);
  const leaf = torch.ones(1, 1, 2, 2, { requiresGrad: true });
  const y = F.gridSample(leaf, grid.requiresGrad_(true)).sum();
  const [dx] = torch.autograd.grad([y], [leaf], null, null, true);
  assertThrows(() => dx!.sum().backward(), Error, "the gradient of gridSample has no derivative");
});
