/**
 * Kernels of the CUDA device that are no layers of most models, against the CPU on sizes that PyTorch's stored answers are
 * too small for: resampling, special functions, rare losses.
 */
import * as torch from "../mod.ts";
import { same, testCases } from "./cuda_same.ts";

const F = torch.nn.functional;
type Tensor = torch.Tensor;

const CASES: [name: string, run: () => void][] = [
  ["interpolate", () => {
    const x = torch.randn(2, 3, 13, 17);
    for (const mode of ["nearest", "bilinear", "bicubic", "area"] as const) {
      same(mode, (x) => F.interpolate(x, { size: [29, 11], mode }), x);
    }
    same(
      "trilinear",
      (x) => F.interpolate(x, { scaleFactor: 2, mode: "trilinear" }),
      torch.randn(1, 2, 4, 5, 9),
    );
  }],
  ["gridSample", () => {
    const x = torch.randn(2, 5, 9, 40), grid = torch.rand(2, 30, 20, 2).mul(2.6).sub(1.3);
    for (const mode of ["bilinear", "nearest", "bicubic"] as const) {
      for (const paddingMode of ["zeros", "border", "reflection"] as const) {
        const run = (x: Tensor, g: Tensor) =>
          F.gridSample(x, g, { mode, paddingMode, alignCorners: false });
        same(`${mode}, ${paddingMode}`, run, x, grid);
      }
    }
    same(
      "many channels",
      (x, g) => F.gridSample(x, g, { alignCorners: true }),
      torch.randn(1, 70, 4, 5),
      torch.rand(1, 3, 3, 2).sub(0.5),
    );
    same(
      "a large plane",
      (x, g) => F.gridSample(x, g),
      torch.randn(1, 2, 90, 80),
      torch.rand(1, 20, 20, 2).sub(0.5).mul(2),
    );
    same(
      "three axes",
      (x, g) => F.gridSample(x, g),
      torch.randn(2, 3, 6, 7, 8),
      torch.rand(2, 5, 6, 7, 3).sub(0.5).mul(2.2),
    );
    same("float64", (x, g) => F.gridSample(x, g), x.double(), grid.double());
  }],
  ["special functions", () => {
    const x = torch.linspace(-12, 45, 1500).add(0.0137);
    for (const y of [x, x.double()]) {
      same("lgamma", (x) => torch.lgamma(x), y.div(3));
      same("digamma", (x) => torch.digamma(x).clamp(-50, 50), y);
      same("polygamma", (x) => torch.polygamma(2, x), y.abs().add(0.5));
      same("sinc", (x) => torch.sinc(x), y);
      same("i0", (x) => torch.i0(x), y);
      same("erfinv", (x) => torch.erfinv(x), y.div(46));
    }
  }],
  ["multilabelMarginLoss", () => {
    const classes = 700, target = torch.full([4, classes], -1).to(torch.int64);
    const listed = torch.randint(0, classes, [4, 40]);
    for (let i = 0; i < 3; i++) target.at(i).narrow(0, 0, 40).copy_(listed.at(i));
    const run = (x: Tensor) =>
      F.multilabelMarginLoss(x, target.to(x.device), { reduction: "none" });
    same("multilabelMarginLoss", run, torch.randn(4, classes));
  }],
  ["ctcLoss", () => {
    const x = torch.randn(40, 3, 9), targets = torch.randint(1, 9, [3, 70]);
    for (const labels of [[15, 0, 3], [1, 70, 12]]) {
      for (const zeroInfinity of [false, true]) {
        const run = (x: Tensor) =>
          F.ctcLoss(F.logSoftmax(x, -1), targets.to(x.device), [40, 7, 20], labels, {
            reduction: "sum",
            zeroInfinity,
          });
        if (zeroInfinity || labels[1] === 0) same(`ctcLoss of ${labels}`, run, x);
      }
    }
  }],
];

testCases(CASES);
