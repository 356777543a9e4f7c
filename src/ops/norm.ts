/**
 * Norms of vectors and distances.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axes, axis, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll, castFor } from "./autocast.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { gt } from "./compare.ts";
import { cast } from "./copy.ts";
import { inPlace } from "./elementwise.ts";
import { where } from "./pointwise.ts";
import { checkDType, checkFlag, checkFloating, type Dims } from "./reduction.ts";
import { singularNorm } from "./singular_norm.ts";
import { normOver } from "./vector_norm.ts";

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
  x = castFor("norm", x);
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
    throw new RangeError(`norm: p must be "fro", "nuc" or a number, got ${describeValue(p)}`);
  }
  if (p !== null && p !== "fro" && typeof p !== "number") {
    throw new TypeError(`norm: p must be "fro", "nuc" or a number, got ${describeValue(p)}`);
  }
  if (p === "fro" && Array.isArray(dim) && dim.length > 2) {
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
  [input, other] = castAll("dist", input, other);
  checkTensor("dist", "input", input);
  checkTensor("dist", "other", other);
  const { p } = read("dist", { p: 2 }, args);
  if (typeof p !== "number") {
    throw new TypeError(`dist: p must be a number, got ${describeValue(p)}`);
  }
  const difference = sub(input, other);
  checkFloating("dist", difference);
  return normOver("dist", "dist", difference, p, difference.shape.map((_, d) => d), false);
}

/** Parameters of `renorm`. */
export type RenormArgs = Args<[p: number, dim: number, maxnorm: number], {
  /** The p of the norm; positive. */
  p?: number;
  /** The axis along which the parts lie. */
  dim?: number;
  /** The greatest norm of a part. */
  maxnorm?: number;
}>;

/**
 * The parts of `input` along axis `dim`, those whose p-norm exceeds `maxnorm` scaled down to it: [...] -> the same shape.
 *
 * @throws RangeError when `input` has fewer than two axes, `p` is not positive or `maxnorm` negative.
 * @see https://pytorch.org/docs/stable/generated/torch.renorm.html
 */
export function renorm(input: Tensor, ...args: RenormArgs): Tensor {
  input = castFor("renorm", input);
  checkTensor("renorm", "input", input);
  const { p, dim, maxnorm } = read("renorm", { p: NaN, dim: NaN, maxnorm: NaN }, args);
  for (const [name, value] of Object.entries({ p, dim, maxnorm })) {
    if (typeof value !== "number" || Number.isNaN(value)) {
      throw new TypeError(`renorm: ${name} must be a number, got ${describeValue(value)}`);
    }
  }
  if (p <= 0) throw new RangeError(`renorm: p must be positive, got ${p}`);
  if (maxnorm < 0) throw new RangeError(`renorm: maxnorm cannot be negative, got ${maxnorm}`);
  if (input.ndim < 2) {
    throw new RangeError(`renorm: expected two or more axes, got shape ${show(input.shape)}`);
  }
  checkFloating("renorm", input);
  const at = axis("renorm", dim, input.ndim);
  const others = input.shape.map((_, d) => d).filter((d) => d !== at);
  const size = normOver("renorm", "linalg_vector_norm", input, p, others, true);
  return mul(input, where(gt(size, maxnorm), div(maxnorm, add(size, 1e-7)), 1));
}

/** As `renorm`, in place. */
export function renorm_(x: Tensor, ...args: RenormArgs): Tensor {
  return inPlace("renorm_", x, args, (input) => renorm(input, ...args));
}
