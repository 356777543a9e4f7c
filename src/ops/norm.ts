/**
 * Norms of vectors and distances.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { bool, type DType, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { axes, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { eq, isnan } from "./compare.ts";
import { cast, dense } from "./copy.ts";
import { kernelTable, unary } from "./elementwise.ts";
import { logicalOr } from "./logic.ts";
import { maskedFill } from "./pointwise.ts";
import { pow } from "./power.ts";
import { sum } from "./reduce.ts";
import {
  checkDType,
  checkFlag,
  checkFloating,
  checkNotEmpty,
  convertTo,
  type Dims,
  reduce,
  reducedShape,
  reduceType,
  restoreAxes,
} from "./reduction.ts";
import { singularNorm } from "./singular_norm.ts";
import { abs, sgn } from "./unary.ts";

const SUM = kernelTable("sum"),
  ABS = kernelTable("abs"),
  AMAX = kernelTable("amax"),
  AMIN = kernelTable("amin"),
  NORM_L1 = kernelTable("norm_l1"),
  NORM_L2 = kernelTable("norm_l2"),
  NORM_LP = kernelTable("norm_lp");

/** (sum of |x|^p)^(1/p) over `dims`, in the dtype that computes; no history. */
function computeNorm(
  call: string,
  x: Tensor,
  p: number,
  dims: readonly number[],
  keepdim: boolean,
): Tensor {
  const compute = reduceType(x.dtype);
  if (p === 1) return reduce(call, NORM_L1, x, dims, keepdim, compute);
  if (p === 2) return reduce(call, NORM_L2, x, dims, keepdim, compute);
  if (p === 0) {
    return convertTo(
      reduce(call, SUM, convertTo(dense(x), bool), dims, keepdim, bool, int64),
      compute,
    );
  }
  if (Math.abs(p) === Infinity) {
    if (dims.some((d) => x.shape[d] === 0)) {
      return fillWith(emptyOn(x.backend, reducedShape(x, dims, keepdim), compute), 0);
    }
    const sizes = unary(call, ABS, x, compute);
    return reduce(call, p > 0 ? AMAX : AMIN, sizes, dims, keepdim, compute);
  }
  return reduce(call, NORM_LP, x, dims, keepdim, compute, compute, [p]);
}

/** The gradient of the norm `y` of `x`, as PyTorch's norm_backward: none for elements where it is not defined. */
function normGrad(
  x: Tensor,
  y: Tensor,
  p: number,
  dims: readonly number[],
  keepdim: boolean,
): Grad {
  if (p === 0) return () => null;
  return (grad) => {
    const dy = restoreAxes(grad, dims, keepdim), norm = restoreAxes(y, dims, keepdim);
    if (p === 1) return mul(sgn(x), dy);
    if (p === 2) return mul(dy, maskedFill(div(x, norm), eq(norm, 0), 0));
    if (Math.abs(p) === Infinity) {
      const sizes = abs(x), mask = logicalOr(eq(sizes, norm), isnan(sizes));
      return mul(sgn(x), mul(div(dy, sum(mask, dims, true)), mask));
    }
    if (p < 1) {
      const scaled = maskedFill(mul(sgn(x), pow(abs(x), p - 1)), eq(x, 0), 0);
      return mul(mul(scaled, dy), pow(norm, 1 - p));
    }
    const factor = maskedFill(div(dy, pow(norm, p - 1)), eq(norm, 0), 0);
    return p < 2
      ? mul(mul(sgn(x), pow(abs(x), p - 1)), factor)
      : mul(mul(x, pow(abs(x), p - 2)), factor);
  };
}

/** The p-norm of `x` over `dims`, with its gradient, recorded as `op`. */
export function normOver(
  call: string,
  op: string,
  x: Tensor,
  p: number,
  dims: readonly number[],
  keepdim: boolean,
): Tensor {
  const y = convertTo(computeNorm(call, x, p, dims, keepdim), x.dtype);
  return record(op, y, [x], [normGrad(x, y, p, dims, keepdim)], [x, y]);
}

/** Options of `norm`. */
export interface NormOptions {
  /** `"fro"` (as 2), `"nuc"` (the sum of singular values), a number, or an infinity. */
  p?: number | "fro" | "nuc" | null;
  /** Axes to reduce; all by default. */
  dim?: Dims;
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
  /** The dtype that the input is converted to first. */
  dtype?: DType | null;
}

/** Parameters of `norm`. */
export type NormArgs = Args<
  [p: number | "fro" | "nuc" | null, dim: Dims, keepdim: boolean, dtype: DType | null],
  NormOptions
>;

/**
 * The p-norm over axes `dim` (all by default): (sum of |x|^p)^(1/p), the number of nonzero elements for p = 0, the
 * largest or smallest size for p = inf or -inf. x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice, or `p` is a word that is not known.
 * @throws TypeError when `x` is not floating-point and no `dtype` is given.
 * @see https://pytorch.org/docs/stable/generated/torch.norm.html
 */
export function norm(x: Tensor, ...args: NormArgs): Tensor {
  checkTensor("norm", "input", x);
  const { p, dim, keepdim, dtype } = read("norm", {
    p: "fro" as number | "fro" | "nuc" | null,
    dim: null as Dims,
    keepdim: false,
    dtype: null as DType | null,
  }, args);
  checkFlag("norm", "keepdim", keepdim);
  checkDType("norm", dtype);
  const source = dtype === null ? x : cast(x, dtype);
  checkFloating("norm", source);
  const dims = axes("norm", dim, x.ndim);
  if (p === "nuc") {
    if (dims.length !== 2) {
      throw new RangeError(
        `norm: the nuclear norm is that of matrices: expected two axes, got ${show(dims)}`,
      );
    }
    return singularNorm(source, "nuc", dims, keepdim);
  }
  if (typeof p === "string" && p !== "fro") {
    throw new RangeError(`norm: p must be "fro", "nuc" or a number, got ${JSON.stringify(p)}`);
  }
  if (p !== null && p !== "fro" && typeof p !== "number") {
    throw new TypeError(`norm: p must be "fro", "nuc" or a number, got ${String(p)}`);
  }
  if (p === "fro" && dim !== null && dims.length > 2) {
    throw new RangeError(
      `norm: the Frobenius norm is that of vectors and matrices, got axes ${show(dims)}; use p = 2`,
    );
  }
  return normOver("norm", "NormBackward1", source, typeof p === "number" ? p : 2, dims, keepdim);
}

/**
 * The p-norm of input - other, broadcast: a 0-d tensor.
 *
 * @throws RangeError when the shapes do not broadcast.
 */
export function dist(
  input: Tensor,
  other: Tensor,
  ...args: Args<[p: number], { p?: number }>
): Tensor {
  checkTensor("dist", "input", input);
  checkTensor("dist", "other", other);
  const { p } = read("dist", { p: 2 }, args);
  if (typeof p !== "number") throw new TypeError(`dist: p must be a number, got ${String(p)}`);
  const difference = sub(input, other);
  checkFloating("dist", difference);
  return normOver("dist", "dist", difference, p, difference.shape.map((_, d) => d), false);
}
