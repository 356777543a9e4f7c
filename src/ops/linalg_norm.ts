/**
 * The norms of `torch.linalg`.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axes, axis, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { amax, amin } from "./max_min.ts";
import { cast } from "./copy.ts";
import { checkDType, checkFlag, checkFloating, checkNotEmpty, type Dims } from "./reduction.ts";
import { singularNorm } from "./singular_norm.ts";
import { normOver } from "./vector_norm.ts";
import { squeeze } from "./view.ts";

/** Options of `linalg.vectorNorm`. */
export interface VectorNormOptions {
  /** The exponent: any number, an infinity included; 2 by default. */
  ord?: number;
  /** Axes to reduce; all by default. */
  dim?: Dims;
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
  /** The dtype, at least as wide, that the input is converted to first. */
  dtype?: DType | null;
}

/** Which norm of a matrix. */
export type MatrixOrder = number | "fro" | "nuc";

/** Options of `linalg.matrixNorm`. */
export interface MatrixNormOptions {
  /** `"fro"` (the default), `"nuc"`, 1, -1, 2, -2, Infinity or -Infinity. */
  ord?: MatrixOrder;
  /** The axes of rows and columns; the last two by default. */
  dim?: readonly number[];
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
  /** The dtype, at least as wide, that the input is converted to first. */
  dtype?: DType | null;
}

/** Options of `linalg.norm`. */
export interface LinalgNormOptions {
  /** An order of `vectorNorm` for one axis, of `matrixNorm` for two; by default 2 over all axes given. */
  ord?: MatrixOrder | null;
  /** One axis or two; all by default. */
  dim?: Dims;
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
  /** The dtype, at least as wide, that the input is converted to first. */
  dtype?: DType | null;
}

/** `x` in `dtype`; throws `TypeError` where that is narrower, or either is not floating-point. */
function widened(call: string, x: Tensor, dtype: DType | null): Tensor {
  checkDType(call, dtype);
  checkFloating(call, x);
  if (dtype === null) return x;
  if (dtype.kind !== "float" || dtype.size < x.dtype.size) {
    throw new TypeError(`${call}: ${x.dtype} cannot be computed as ${dtype} without loss`);
  }
  return cast(x, dtype);
}

function vectorNormOf(
  call: string,
  x: Tensor,
  ord: unknown,
  dim: Dims,
  keepdim: boolean,
  dtype: DType | null,
): Tensor {
  const source = widened(call, x, dtype), dims = axes(call, dim, x.ndim);
  checkFlag(call, "keepdim", keepdim);
  if (typeof ord !== "number") {
    throw new TypeError(
      `${call}: the order of a vector's norm is a number, got ${describeValue(ord)}`,
    );
  }
  if (ord < 0 || ord === Infinity) checkNotEmpty(call, x, dims);
  return normOver(call, "linalg_vector_norm", source, ord, dims, keepdim);
}

/**
 * The norm of vectors: (sum of |x|^ord)^(1/ord) over axes `dim` (all by default). x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 * @throws TypeError when `x` is not floating-point.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html
 */
export function vectorNorm(
  x: Tensor,
  ...args: Args<
    [ord: number, dim: Dims, keepdim: boolean, dtype: DType | null],
    VectorNormOptions
  >
): Tensor {
  checkTensor("linalg.vectorNorm", "x", x);
  const { ord, dim, keepdim, dtype } = read("linalg.vectorNorm", {
    ord: 2,
    dim: null as Dims,
    keepdim: false,
    dtype: null as DType | null,
  }, args);
  return vectorNormOf("linalg.vectorNorm", x, ord, dim, keepdim, dtype);
}

function matrixNormOf(
  call: string,
  x: Tensor,
  ord: unknown,
  dim: readonly number[],
  keepdim: boolean,
  dtype: DType | null,
): Tensor {
  const source = widened(call, x, dtype);
  checkFlag(call, "keepdim", keepdim);
  if (x.ndim < 2) {
    throw new RangeError(`${call}: expected at least 2 axes, got shape ${show(x.shape)}`);
  }
  if (!Array.isArray(dim) || dim.length !== 2) {
    throw new RangeError(`${call}: dim must be two axes, got ${describeValue(dim)}`);
  }
  const rows = axis(call, dim[0], x.ndim), columns = axis(call, dim[1], x.ndim);
  const dims = axes(call, [rows, columns], x.ndim);
  if (ord === "fro") return normOver(call, "linalg_vector_norm", source, 2, dims, keepdim);
  if (ord === "nuc" || ord === 2 || ord === -2) {
    if (ord !== "nuc") checkNotEmpty(call, x, dims);
    return singularNorm(source, ord, dims, keepdim);
  }
  if (typeof ord !== "number" || (Math.abs(ord) !== 1 && Math.abs(ord) !== Infinity)) {
    throw new RangeError(
      `${call}: ord must be "fro", "nuc", 1, -1, 2, -2, Infinity or -Infinity, got ${
        describeValue(ord)
      }`,
    );
  }
  // The largest or smallest sum of sizes over columns (1) or rows (inf).
  const [summed, compared] = Math.abs(ord) === 1 ? [rows, columns] : [columns, rows];
  checkNotEmpty(call, x, [compared]);
  const sums = normOver(call, "linalg_vector_norm", source, 1, [summed], true);
  const y = (ord > 0 ? amax : amin)(sums, compared, true);
  return keepdim ? y : [...dims].reverse().reduce((z, d) => squeeze(z, d), y);
}

/**
 * The norm of matrices. x: [..., m, n] -> [...].
 *
 * @throws RangeError when `x` has fewer than two axes, or `ord` is not one of the orders.
 * @throws TypeError when `x` is not floating-point.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html
 */
export function matrixNorm(
  x: Tensor,
  ...args: Args<
    [ord: MatrixOrder, dim: readonly number[], keepdim: boolean, dtype: DType | null],
    MatrixNormOptions
  >
): Tensor {
  checkTensor("linalg.matrixNorm", "x", x);
  const { ord, dim, keepdim, dtype } = read("linalg.matrixNorm", {
    ord: "fro" as MatrixOrder,
    dim: [-2, -1] as readonly number[],
    keepdim: false,
    dtype: null as DType | null,
  }, args);
  return matrixNormOf("linalg.matrixNorm", x, ord, dim, keepdim, dtype);
}

/**
 * The norm of vectors or matrices: of matrices where two axes are meant and an order is given.
 *
 * @throws RangeError when an axis is out of range, or `ord` is not an order of the norm meant.
 * @throws TypeError when `x` is not floating-point.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.norm.html
 */
export function norm(
  x: Tensor,
  ...args: Args<
    [ord: MatrixOrder | null, dim: Dims, keepdim: boolean, dtype: DType | null],
    LinalgNormOptions
  >
): Tensor {
  const call = "linalg.norm";
  checkTensor(call, "x", x);
  const { ord, dim, keepdim, dtype } = read(call, {
    ord: null as MatrixOrder | null,
    dim: null as Dims,
    keepdim: false,
    dtype: null as DType | null,
  }, args);
  if (Array.isArray(dim) && dim.length > 2) {
    throw new RangeError(`${call}: expected one axis or two, got dim ${show(dim)}`);
  }
  if (ord === null) return vectorNormOf(call, x, 2, dim, keepdim, dtype);
  if (dim === null && x.ndim !== 1 && x.ndim !== 2) {
    throw new RangeError(
      `${call}: without dim, an order needs a vector or a matrix, got shape ${show(x.shape)}`,
    );
  }
  const dims = dim ?? x.shape.map((_, d) => d);
  if (typeof dims === "number" || dims.length === 1) {
    return vectorNormOf(call, x, ord, dims, keepdim, dtype);
  }
  return matrixNormOf(call, x, ord, dims, keepdim, dtype);
}
