/**
 * torch.linalg: results that multiply back, gradients against differences, batches, singular matrices, and what is
 * refused. PyTorch's stored answers are in golden_test.ts.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";
import type { Tensor } from "../mod.ts";

const { gradcheck, gradgradcheck } = torch.autograd;
const { linalg } = torch;

/** Matrices without symmetry that have inverses. */
function matrices(shape: number[], seed = 1): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i + seed * i + seed));
  return torch.fromArray(values, shape);
}

/** Symmetric positive-definite ones. */
function definite(shape: number[], seed = 1): Tensor {
  const x = matrices(shape, seed);
  return x.matmul(x.mT).add(torch.eye(shape.at(-1)!, { dtype: torch.float64 }));
}

function near(a: Tensor, b: Tensor, tolerance = 1e-12): void {
  assertEquals(a.shape, b.shape);
  if (a.numElements > 0) assert(Number(a.sub(b).abs().max().item()) <= tolerance, `${a} ${b}`);
}

const eye = (n: number) => torch.eye(n, { dtype: torch.float64 });

Deno.test("linalg: factors multiply back", () => {
  for (const n of [1, 2, 5, 33]) {
    using _ = torch.scope();
    // Well conditioned, so that rounding stays small.
    const x = matrices([2, n, n]).add(eye(n).mul(8)), s = definite([2, n, n]);
    const tolerance = 1e-12 * n * n;
    near(linalg.inv(x).matmul(x), eye(n).expand(2, n, n), 1e-9);
    near(x.matmul(linalg.solve(x, s)), s, 1e-9);
    const l = linalg.cholesky(s), u = linalg.cholesky(s, { upper: true });
    near(l.matmul(l.mT), s, tolerance);
    near(u, l.mT, tolerance);
    const { LU, pivots } = linalg.luFactor(x);
    near(linalg.luSolve(LU, pivots, s), linalg.solve(x, s), 1e-9);
    near(linalg.luSolve(LU, pivots, s, { adjoint: true }), linalg.solve(x.mT, s), 1e-9);
    near(linalg.luSolve(LU, pivots, s, false), linalg.solve(x, s, false), 1e-9);
    near(torch.choleskySolve(x, l), linalg.solve(s, x), 1e-9);
    near(torch.choleskyInverse(u, true), linalg.inv(s), 1e-9);
    for (const UPLO of ["L", "U"] as const) {
      const { eigenvalues, eigenvectors: v } = linalg.eigh(
        UPLO === "L" ? s.tril() : s.triu(),
        UPLO,
      );
      near(v.mul(eigenvalues.unsqueeze(-2)).matmul(v.mT), s, tolerance);
      assert(eigenvalues.diff().ge(0).all().item());
    }
  }
  for (const [m, n] of [[4, 2], [2, 4], [3, 3], [1, 5], [5, 1]]) {
    using _ = torch.scope();
    const x = matrices([3, m, n]), k = Math.min(m, n);
    for (const mode of ["reduced", "complete"] as const) {
      const { Q, R } = linalg.qr(x, mode);
      near(Q.matmul(R), x);
      near(Q.mT.matmul(Q), eye(Q.shape[2]).expand(3, -1, -1));
      near(R, R.triu());
      near(linalg.qr(x, "r").R, linalg.qr(x).R);
    }
    const { U, S, Vh } = linalg.svd(x);
    near(U.narrow(2, 0, k).mul(S.unsqueeze(-2)).matmul(Vh.narrow(1, 0, k)), x);
    near(U.matmul(U.mT), eye(m).expand(3, m, m));
    near(Vh.matmul(Vh.mT), eye(n).expand(3, n, n));
    const p = linalg.pinv(x);
    near(x.matmul(p).matmul(x), x);
    near(linalg.lstsq(x, x).solution, p.matmul(x));
    const { P, L, U: upper } = linalg.lu(x), { LU } = linalg.luFactor(x);
    near(P.matmul(L).matmul(upper), x);
    near(LU.triu().narrow(1, 0, k), upper);
    near(LU.tril(-1).narrow(2, 0, k), L.tril(-1));
  }
});

Deno.test("linalg: gradients of both orders against differences", () => {
  const x = matrices([2, 3, 3]), s = definite([2, 3, 3]), b = matrices([3, 2], 4);
  const rows: [(...x: Tensor[]) => Tensor | Tensor[], Tensor[]][] = [
    [linalg.inv, [x]],
    [linalg.det, [x]],
    [(x) => linalg.slogdet(x).logabsdet, [x]],
    [torch.logdet, [s]],
    [(a, b) => linalg.solve(a, b), [x, b]],
    [(a, b) => linalg.solve(a, b), [x, matrices([3])]],
    [(a, b) => linalg.solve(a, b, { left: false }), [x, matrices([2, 2, 3], 3)]],
    [(a, b) => linalg.solveTriangular(a, b, { upper: true }), [x, b]],
    [(a, b) => linalg.solveTriangular(a, b, { upper: false, unitriangular: true }), [x, b]],
    [(x) => linalg.cholesky(x.add(x.mT)), [s]],
    [(x, l) => torch.choleskySolve(x, l.tril()), [b, linalg.cholesky(s).contiguous()]],
    [(x) => [...linalg.qr(x)], [matrices([4, 3])]],
    [(x) => [...linalg.qr(x)], [matrices([2, 2, 4])]],
    [(x) => linalg.qr(x).Q, [matrices([2, 3])]],
    [(x) => linalg.eigvalsh(x.add(x.mT)), [x]],
    [(x) => linalg.eigh(x.add(x.mT)).eigenvectors.abs(), [x]],
    [(x) => linalg.svdvals(x), [matrices([3, 2])]],
    [(x) => linalg.pinv(x), [matrices([3, 2])]],
    [(x) => linalg.pinv(x), [matrices([2, 4])]],
    [(x) => linalg.matrixPower(x, 3), [x]],
    [(x) => linalg.matrixPower(x, -2), [s]],
    [linalg.matrixExp, [x]],
    [(x) => [...linalg.lu(x)].slice(1), [x]],
    [(x) => [...linalg.lu(x)].slice(1), [matrices([2, 4, 2])]],
    [(x) => linalg.lu(x).L, [matrices([4, 2])]],
    [(x) => [...linalg.lu(x)].slice(1), [matrices([2, 2, 4])]],
    [(x) => linalg.lu(x).U, [matrices([2, 4])]],
    [(x) => linalg.luFactor(x).LU, [matrices([3, 4])]],
    [(x, b) => {
      const { LU, pivots } = linalg.luFactor(x);
      return linalg.luSolve(LU, pivots, b, { adjoint: true });
    }, [x, b]],
    [(x) => linalg.cond(x, 1), [x]],
    [(a, b) => linalg.lstsq(a, b).solution, [matrices([4, 2]), matrices([4, 3])]],
  ];
  rows.forEach(([f, inputs], i) => {
    using _ = torch.scope();
    const xs = inputs.map((t) => t.detach().clone().requiresGrad_(true));
    assert(gradcheck(f as never, xs) && gradgradcheck(f as never, xs), `row ${i}`);
  });
  // Of singular matrices, whose cofactors are not all zero.
  const flat = torch.tensor(
    [[[1, 2, 0], [2, 4, 1], [3, 6, 5]], [[0, 0, 0], [0, 3, 1], [0, 1, 2]]],
    {
      dtype: torch.float64,
      requiresGrad: true,
    },
  );
  assert(gradcheck(linalg.det, [flat]));
});

Deno.test("linalg: singular and empty matrices", () => {
  using _ = torch.scope();
  const flat = torch.tensor([[1, 2], [2, 4]], { dtype: torch.float64 });
  assertEquals(linalg.det(flat).item(), 0);
  assertEquals([...linalg.slogdet(flat)].map((t) => t.item()), [0, -Infinity]);
  assertEquals(torch.logdet(eye(3).neg()).item(), NaN);
  assertEquals(linalg.matrixRank(flat).item(), 1);
  assertEquals(linalg.matrixRank(torch.zeros(2, 3, 4)).tolist(), [0, 0]);
  assertEquals(linalg.cond(flat, "fro").item(), Infinity);
  near(linalg.pinv(flat), flat.div(25), 1e-15);
  near(linalg.pinv(flat, { hermitian: true }), flat.div(25), 1e-15);
  const message = (f: () => unknown, text: string) => assertThrows(f, Error, text);
  message(
    () => linalg.inv(flat),
    "linalg.inv: the matrix is singular: it has no pivot in column 1",
  );
  message(
    () => linalg.solve(torch.stack([eye(2), flat]), torch.ones(2, { dtype: torch.float64 })),
    "linalg.solve: batch element 1: the matrix is singular",
  );
  message(() => linalg.matrixPower(flat, -1), "the matrix is singular");
  message(
    () => linalg.cholesky(torch.stack([eye(2), flat.neg()])),
    "batch element 1: the matrix is not positive-definite: its leading minor of order 1",
  );
  assertEquals(linalg.det(torch.zeros(0, 0)).item(), 1);
  assertEquals(linalg.inv(torch.zeros(0, 2, 2)).shape, [0, 2, 2]);
  assertEquals(linalg.svd(torch.zeros(3, 0)).U.shape, [3, 3]);
  assertEquals(linalg.pinv(torch.zeros(2, 0)).shape, [0, 2]);
  const nan = torch.full([3, 3], NaN, { dtype: torch.float64 });
  assert(linalg.eigvalsh(nan).isnan().all().item() && linalg.svdvals(nan).isnan().all().item());
});

Deno.test("linalg: what is refused", () => {
  using _ = torch.scope();
  const x = matrices([2, 3]), s = definite([2, 2]);
  // deno-lint-ignore no-explicit-any
  const any = (v: unknown) => v as any;
  const rows: [() => unknown, ErrorConstructor, string][] = [
    [() => linalg.inv(x), RangeError, "must be square matrices [..., n, n], got shape [2, 3]"],
    [() => linalg.inv(x.at(0)), RangeError, "must be matrices [..., m, n], got shape [3]"],
    [() => linalg.inv(s.half()), TypeError, "must be float32 or float64, got torch.float16"],
    [() => linalg.det(s.long()), TypeError, "must be float32 or float64, got torch.int64"],
    [() => linalg.solve(s, torch.ones(3, 1).double()), RangeError, "do not fit A X = B"],
    [() => linalg.solve(s, torch.ones(2, 1)), TypeError, "one dtype, got torch.float64 and"],
    [() => linalg.solveTriangular(s, s, any({})), TypeError, "upper must be true or false"],
    [() => linalg.solveTriangular(s, any(s.at(0)), { upper: true }), RangeError, "B must be mat"],
    [() => linalg.qr(x, any("full")), TypeError, 'mode must be "reduced", "complete" or "r"'],
    [() => linalg.eigh(s, any("X")), TypeError, 'UPLO must be "L" or "U"'],
    [() => linalg.matrixPower(s, 0.5), TypeError, "n must be a whole number, got 0.5"],
    [() => linalg.matrixPower(x, 2), RangeError, "must be square"],
    [() => linalg.lstsq(x, torch.ones(3, 1).double()), RangeError, "no equal numbers of rows"],
    [() => linalg.lstsq(x, x, { driver: any("qr") }), TypeError, "driver must be"],
    [() => linalg.tensorinv(torch.ones(2, 3), 1), RangeError, "equally many elements"],
    [() => linalg.cond(x, 1), RangeError, "must be square"],
    [
      () => linalg.luSolve(s, torch.zeros(2, { dtype: torch.int32 }), s),
      RangeError,
      "pivots must be from 1 to 2, got 0",
    ],
  ];
  for (const [f, kind, text] of rows) assertThrows(f, kind, text);
  const tall = matrices([3, 2]).requiresGrad_(true);
  assertThrows(
    () => linalg.qr(tall, "complete").R.sum().backward(),
    Error,
    'linalg.qr in mode "complete" of matrices of shape [3, 2] has no derivative',
  );
});
