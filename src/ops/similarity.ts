/**
 * Similarities and distances of vectors.
 *
 * @module
 */
import { castAll, castFor } from "./autocast.ts";
import { cast } from "./copy.ts";
import { noGrad, record } from "../autograd/record.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axis, broadcast, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { zerosLike } from "./create.ts";
import { resultType } from "./elementwise.ts";
import { clampMin } from "./extremum.ts";
import { indexSelect } from "./index.ts";
import { checkNumber } from "./normalize_kernel.ts";
import { triuIndices } from "./range.ts";
import { sum } from "./reduce.ts";
import { checkFlag, checkFloating } from "./reduction.ts";
import { normOver } from "./vector_norm.ts";
import { abs, sgn } from "./unary.ts";
import { select, unsqueeze } from "./view.ts";

/** Options of `cosineSimilarity`. */
export interface CosineSimilarityOptions {
  /** The axis of the vectors, in the broadcast shape. */
  dim?: number;
  /** The least norm to divide by. */
  eps?: number;
}

/**
 * The cosine of the angle of vectors along `dim`: x1 . x2 / (max(|x1|, eps) max(|x2|, eps)). [...], [...], broadcast ->
 * [...] without axis `dim`.
 *
 * @throws RangeError when the shapes do not broadcast, or `dim` is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html
 */
export function cosineSimilarity(
  x1: Tensor,
  x2: Tensor,
  ...args: Args<[dim: number, eps: number], CosineSimilarityOptions>
): Tensor {
  [x1, x2] = castAll("cosineSimilarity", x1, x2);
  const call = "cosineSimilarity";
  checkTensor(call, "x1", x1);
  checkTensor(call, "x2", x2);
  const { dim, eps } = read(call, { dim: 1, eps: 1e-8 }, args);
  checkNumber(call, "eps", eps);
  const shape = broadcast(call, x1.shape, x2.shape), at = axis(call, dim, shape.length);
  const dtype = resultType(x1, x2);
  if (dtype.kind !== "float") {
    throw new TypeError(`${call}: expected floating-point tensors, got ${x1.dtype}, ${x2.dtype}`);
  }
  const unit = (x: Tensor) => {
    // Counted from the end, the axis is the same one in every shape that broadcasts.
    const own = at - shape.length + x.ndim, dims = own >= 0 && x.ndim > 0 ? [own] : [];
    const size = noGrad(() =>
      clampMin(normOver(call, "linalg_vector_norm", x, 2, dims, true), eps)
    );
    // As PyTorch's, which takes the norm raised to eps for the norm itself.
    record("linalg_vector_norm", size, [x], [(dy) => mul(dy, div(x, size))], [x, size]);
    return div(x, size);
  };
  // An axis that only one of them has is broadcast first, as its length counts in the norm.
  const whole = (x: Tensor) =>
    x.ndim === shape.length && x.shape[at] === shape[at] ? x : mul(x, onesOf(x1, x2));
  return sum(mul(unit(whole(cast(x1, dtype))), unit(whole(cast(x2, dtype)))), at);
}

/** Ones of the broadcast shape. */
function onesOf(x1: Tensor, x2: Tensor): Tensor {
  return noGrad(() => add(mul(add(mul(x1, 0), mul(x2, 0)), 0), 1));
}

/** Options of `pairwiseDistance`. */
export interface PairwiseDistanceOptions {
  /** The p of the norm. */
  p?: number;
  /** Added to every difference. */
  eps?: number;
  /** Whether the last axis stays, with size 1. */
  keepdim?: boolean;
}

/**
 * The p-norm of x1 - x2 + eps over the last axis: [..., n], [..., n], broadcast -> [...].
 *
 * @throws RangeError when the shapes do not broadcast.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pairwise_distance.html
 */
export function pairwiseDistance(
  x1: Tensor,
  x2: Tensor,
  ...args: Args<[p: number, eps: number, keepdim: boolean], PairwiseDistanceOptions>
): Tensor {
  const call = "pairwiseDistance";
  checkTensor(call, "x1", x1);
  checkTensor(call, "x2", x2);
  const { p, eps, keepdim } = read(call, { p: 2, eps: 1e-6, keepdim: false }, args);
  checkNumber(call, "p", p);
  checkNumber(call, "eps", eps);
  checkFlag(call, "keepdim", keepdim);
  const difference = add(sub(x1, x2), eps), last = axis(call, -1, difference.ndim);
  return normOver(
    call,
    "NormBackward1",
    difference,
    p,
    difference.ndim === 0 ? [] : [last],
    keepdim,
  );
}

/** Options of `cdist`. */
export interface CdistOptions {
  /** The p of the norm; not negative. */
  p?: number;
  /** Taken for PyTorch's sake: distances are computed from differences. */
  computeMode?: string | null;
}

/** Throws `RangeError` when `p` is negative. */
function checkExponent(call: string, p: number): void {
  checkNumber(call, "p", p);
  if (!(p >= 0)) throw new RangeError(`${call}: p must not be negative, got ${p}`);
}

/** The p-norm of `difference` over the last axis, recorded as `op`. */
function distances(op: string, difference: Tensor, p: number): Tensor {
  const last = [difference.ndim - 1];
  if (p !== 0 && p !== Infinity) return normOver(op, op, difference, p, last, false);
  const y = noGrad(() => normOver(op, op, difference, p, last, false));
  // Unlike the gradient of a norm, this one is zero for p = 0, and not shared among those that are largest together.
  const grad = (dy: Tensor) =>
    p === 0
      ? zerosLike(difference)
      : mul(unsqueeze(dy, -1), mul(sgn(difference), eq(abs(difference), unsqueeze(y, -1))));
  return record(op, y, [difference], [grad], [difference, y]);
}

/**
 * The p-norm distances of all rows of `x1` to all rows of `x2`: [..., P, n], [..., R, n] -> [..., P, R].
 *
 * @throws RangeError when the columns differ, or the leading axes do not broadcast.
 * @see https://pytorch.org/docs/stable/generated/torch.cdist.html
 */
export function cdist(
  x1: Tensor,
  x2: Tensor,
  ...args: Args<[p: number, computeMode: string | null], CdistOptions>
): Tensor {
  [x1, x2] = castAll("cdist", x1, x2);
  const call = "cdist";
  checkTensor(call, "x1", x1);
  checkTensor(call, "x2", x2);
  const { p } = read(call, { p: 2, computeMode: null as string | null }, args);
  checkExponent(call, p);
  checkFloating(call, x1);
  checkFloating(call, x2);
  if (x1.ndim < 2 || x2.ndim < 2 || x1.shape[x1.ndim - 1] !== x2.shape[x2.ndim - 1]) {
    throw new RangeError(
      `${call}: expected [..., P, n] and [..., R, n], got ${show(x1.shape)} and ${show(x2.shape)}`,
    );
  }
  const difference = sub(unsqueeze(x1, -2), unsqueeze(x2, -3));
  return distances(call, difference, p);
}

/**
 * The p-norm distances of each row to those after it: [N, n] -> [N (N - 1) / 2].
 *
 * @throws RangeError when `input` is not a matrix, or `p` is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pdist.html
 */
export function pdist(input: Tensor, ...args: Args<[p: number], { p?: number }>): Tensor {
  input = castFor("pdist", input);
  const call = "pdist";
  checkTensor(call, "input", input);
  const { p } = read(call, { p: 2 }, args);
  checkExponent(call, p);
  checkFloating(call, input);
  if (input.ndim !== 2) {
    throw new RangeError(`${call}: expected a matrix, got shape ${show(input.shape)}`);
  }
  const n = input.shape[0], pairs = triuIndices(n, n, 1, { device: input.device });
  const row = (i: number) => indexSelect(input, 0, select(pairs, 0, i));
  return distances(call, sub(row(0), row(1)), p);
}
