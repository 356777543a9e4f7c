/**
 * Systems of linear equations with triangular matrices.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float64 } from "../backend/dtype.ts";
import { read } from "../tensor/arguments.ts";
import { broadcast, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import { tril, triu } from "./diagonal.ts";
import { checkAlike, checkMatrices, checkSquare, turned, wideCopy } from "./matrix.ts";
import { matmul } from "./matmul.ts";
import { checkFlag, convertTo } from "./reduction.ts";
import { neg } from "./unary.ts";
import { expand } from "./view.ts";

/** Matrices a [..., n, n] and b [..., n, k] with their batches broadcast. */
export function together(call: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const [n, k] = b.shape.slice(-2), side = a.shape[a.ndim - 1];
  if (n !== side) {
    throw new RangeError(
      `${call}: A of shape ${show(a.shape)} and B of shape ${show(b.shape)} do not fit A X = B`,
    );
  }
  const batch = broadcast(call, a.shape.slice(0, -2), b.shape.slice(0, -2));
  return [expand(a, [...batch, n, n]), expand(b, [...batch, n, k])];
}

/** Options of `linalg.solveTriangular`. */
export interface SolveTriangularOptions {
  /** Whether A is an upper triangle, or a lower one. */
  upper?: boolean;
  /** Whether to solve A X = B (the default), or X A = B. */
  left?: boolean;
  /** Whether the diagonal counts as ones, and is not read. */
  unitriangular?: boolean;
}

/**
 * The X with A X = B for triangular matrices, the other triangle of which is not read. A: [..., n, n], B: [..., n, k] ->
 * [..., n, k], batches broadcast. Zeros on the diagonal give what is not finite.
 *
 * @throws RangeError when the shapes do not fit.
 * @throws TypeError when `upper` is not given.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve_triangular.html
 */
export function solveTriangular(a: Tensor, b: Tensor, options: SolveTriangularOptions): Tensor {
  const call = "linalg.solveTriangular";
  const o = read(call, {
    upper: null as boolean | null,
    left: true,
    unitriangular: false,
  }, [options]);
  for (const name of ["upper", "left", "unitriangular"] as const) checkFlag(call, name, o[name]);
  checkSquare(call, "A", a);
  checkMatrices(call, "B", b);
  checkAlike(call, a, b);
  const { left, unitriangular } = o, upper = o.upper as boolean;
  if (!left) {
    return turned(solveTriangular(turned(a), turned(b), { upper: !upper, unitriangular }));
  }
  const [p, q] = together(call, a, b);
  return substituted(p, q, upper, unitriangular);
}

/** `solveTriangular` of checked matrices with one batch. */
function substituted(a: Tensor, b: Tensor, upper: boolean, unit: boolean): Tensor {
  const [n, k] = b.shape.slice(-2), wide = wideCopy(b), factors = denseAs(a, float64);
  if (wide.numElements > 0) {
    b.backend.kernels.triangular_solve(
      wide.pointer,
      factors.pointer,
      n,
      k,
      upper ? 1 : 0,
      unit ? 1 : 0,
      0,
      sizeOf(b.shape.slice(0, -2)),
    );
  }
  const y = convertTo(wide, b.dtype);
  const gradB = (dy: Tensor) => substituted(turned(a), dy, !upper, unit);
  const gradA = (dy: Tensor) => {
    const da = neg(matmul(gradB(dy), turned(y))), offset = unit ? 1 : 0;
    return upper ? triu(da, offset) : tril(da, -offset);
  };
  return record("linalg_solve_triangular", y, [a, b], [gradA, gradB], [a, y]);
}
