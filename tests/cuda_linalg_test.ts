/**
 * Factorisations of matrices on the CUDA device, against the CPU on sizes that PyTorch's stored answers are too small for:
 * several panels and tiles, odd sizes, matrices without full rank.
 */
import { assert, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import { same, testCases } from "./cuda_same.ts";

const { linalg } = torch;
type Tensor = torch.Tensor;

/** Matrices whose condition is good. */
function regular(...shape: number[]): Tensor {
  const n = shape[shape.length - 1];
  return torch.randn(shape).add(torch.eye(n).mul(2 * Math.sqrt(n))).double();
}

/** Asserts that the rows of `q` are orthogonal to each other, of length 1. */
function orthogonal(name: string, q: Tensor): void {
  const n = q.shape[q.ndim - 2];
  const most = Number(q.matmul(q.mT).sub(torch.eye(n, { device: q.device })).abs().max().item());
  assert(most < 1e-5, `${name}: off by ${most}`);
}

const CASES: [name: string, run: () => void][] = [
  ["lu, solve, det, inv", () => {
    for (const [batch, n, k] of [[3, 5, 2], [2, 33, 1], [1, 100, 35], [1, 128, 33], [1, 131, 3]]) {
      same(`lu ${n}`, (a) => {
        const { LU, pivots } = linalg.luFactor(a);
        return [LU, pivots];
      }, torch.randn(batch, n, n).double());
      same(
        `solve ${n}`,
        (a, b) => linalg.solve(a, b),
        regular(batch, n, n),
        torch.randn(batch, n, k).double(),
      );
      same(`inv ${n}`, (a) => linalg.inv(a), regular(batch, n, n));
      same(`slogdet ${n}`, (a) => {
        const { sign, logabsdet } = linalg.slogdet(a);
        return [sign, logabsdet];
      }, regular(batch, n, n));
    }
    for (const [m, n] of [[100, 70], [70, 100], [30, 90], [135, 60], [60, 135]]) {
      same(`lu ${m} x ${n}`, (a) => linalg.luFactor(a).LU, torch.randn(m, n).double());
    }
    const l = regular(2, 45, 45), b = torch.randn(2, 45, 35).double();
    for (const upper of [false, true]) {
      for (const unitriangular of [false, true]) {
        const a = (upper ? l.triu() : l.tril()).div(20);
        same(
          "solveTriangular",
          (a, b) => linalg.solveTriangular(a, b, { upper, unitriangular }),
          a,
          b,
        );
      }
    }
  }],
  ["cholesky", () => {
    for (const n of [7, 32, 45, 130]) {
      const x = regular(2, n, n);
      same(`cholesky ${n}`, (x) => linalg.cholesky(x.matmul(x.mT)), x);
    }
    // A minor that is not positive, in the second panel: both name it.
    const x = torch.eye(50).double();
    x.at(40).at(40).fill_(-1);
    for (const device of ["cpu", "cuda"]) {
      assertThrows(() => linalg.cholesky(x.to(device)), Error, "41");
    }
  }],
  ["qr", () => {
    for (const mode of ["reduced", "complete", "r"] as const) {
      for (const [m, n] of [[60, 33], [33, 60], [40, 40]]) {
        same(`${mode} ${m} x ${n}`, (x) => {
          const { Q, R } = linalg.qr(x.detach(), mode);
          return mode === "r" ? [R] : [Q, R];
        }, torch.randn(2, m, n).double());
      }
    }
    same("with a gradient", (x) => {
      const { Q, R } = linalg.qr(x);
      return [Q, R];
    }, regular(20, 20));
  }],
  ["eigh", () => {
    for (const [batch, n] of [[3, 2], [2, 20], [1, 75]]) {
      const x = torch.randn(batch, n, n).double(), y = x.add(x.mT);
      same(`values ${n}`, (x) => linalg.eigvalsh(x), y);
      const { eigenvalues, eigenvectors } = linalg.eigh(y.to("cuda"));
      orthogonal(`vectors ${n}`, eigenvectors.mT);
      const again = eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT);
      const most = Number(again.cpu().sub(y).abs().max().item());
      assert(most < 1e-10 * n, `eigh ${n}: off by ${most}`);
    }
    same("a diagonal", (x) => linalg.eigvalsh(x), torch.diag(torch.randn(40)).double());
    same("what is not finite", (x) => linalg.eigvalsh(x).isnan(), torch.full([3, 3], NaN).double());
  }],
  ["svd", () => {
    for (const [k, m] of [[1, 5], [9, 9], [20, 31], [64, 40]]) {
      const x = torch.randn(2, k, m).double();
      same(`values ${k} x ${m}`, (x) => linalg.svdvals(x), x);
      const { U, S, Vh } = linalg.svd(x.to("cuda"), false);
      orthogonal(`U ${k} x ${m}`, U.mT);
      orthogonal(`V ${k} x ${m}`, Vh);
      const most = Number(U.mul(S.unsqueeze(-2)).matmul(Vh).cpu().sub(x).abs().max().item());
      assert(most < 1e-11, `svd ${k} x ${m}: off by ${most}`);
    }
    const flat = torch.randn(20, 3).double().matmul(torch.randn(3, 15).double());
    const { U, Vh } = linalg.svd(flat.to("cuda"), false);
    orthogonal("U of rank 3", U.mT);
    orthogonal("V of rank 3", Vh);
    same("rank", (x) => linalg.matrixRank(x), flat);
  }],
  ["orthogonal_", () => {
    for (const shape of [[70, 40], [33, 90]]) {
      const [here, there] = ["cpu", "cuda"].map((device) => {
        torch.manualSeed(3);
        return torch.nn.init.orthogonal_(torch.empty(shape, { device })).cpu();
      });
      const most = Number(here.sub(there).abs().max().item());
      assert(most < 1e-6, `differs by ${most}`);
    }
  }],
];

testCases(CASES);
