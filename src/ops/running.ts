/**
 * Scans along an axis, and the recurrences that are their gradients.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { emptyLike, emptyOn, fillWith } from "../tensor/create.ts";
import { splitAt } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { mul, sub } from "./arithmetic.ts";
import { eq, isinf } from "./compare.ts";
import { copyInto, denseAs } from "./copy.ts";
import { type KernelTable, kernelTable } from "./elementwise.ts";
import { logicalAnd } from "./logic.ts";
import { maskedFill } from "./pointwise.ts";
import { type AnyKernel, convertTo, kernelFor, reduceType } from "./reduction.ts";
import { exp } from "./unary.ts";
import { reshape, unsqueeze } from "./view.ts";

const CUMSUM = kernelTable("cumsum"),
  CUMPROD = kernelTable("cumprod"),
  LOGCUMSUMEXP = kernelTable("logcumsumexp"),
  RECURRENCE = kernelTable("linear_recurrence");

/** y = kernel(x) along `dim`, from the last element on if `reverse`; of the dtype of `x`. No history. */
function scan(call: string, table: KernelTable, x: Tensor, dim: number, reverse: boolean): Tensor {
  const compute = reduceType(x.dtype), name = kernelFor(call, table, compute);
  const source = denseAs(x, compute), y = emptyLike(x, compute);
  if (y.numElements > 0) {
    const [, n, inner] = splitAt(x.shape, dim);
    const kernel = x.backend.kernels[name] as unknown as AnyKernel;
    kernel(y.pointer, source.pointer, n, inner, Number(reverse), 0, y.numElements / n);
  }
  return convertTo(y, x.dtype);
}

/** Sums along `dim` up to each element, from the last on if `reverse`. */
export function runningSum(x: Tensor, dim: number, reverse: boolean): Tensor {
  const y = scan("cumsum", CUMSUM, x, dim, reverse);
  return record("cumsum", y, [x], [(dy) => runningSum(dy, dim, !reverse)]);
}

/** Products along `dim` up to each element. */
export function runningProduct(x: Tensor, dim: number): Tensor {
  const y = scan("cumprod", CUMPROD, x, dim, false);
  // dx[k] = (x[0] .. x[k - 1]) * sum over i >= k of dy[i] * (x[k + 1] .. x[i]): no division, so zeros do no harm.
  return record("cumprod", y, [x], [
    (dy) => mul(shifted(runningProduct(x, dim), dim, 1, 1), recurrence(x, dy, dim, true)),
  ], [x]);
}

/** The gradient of the product of `x` over axis `dim`, or over all; `dy` has the product's shape. */
export function prodGrad(x: Tensor, dy: Tensor, dim: number | null, keepdim: boolean): Tensor {
  if (x.ndim === 0) return dy;
  if (dim === null) return reshape(prodGrad(reshape(x, -1), reshape(dy, []), 0, false), x.shape);
  // As that of the last running product.
  const last = fillWith(emptyLike(x, dy.dtype), 0), n = x.shape[dim];
  if (n > 0) fillSlice(last, dim, n - 1, 1);
  const dLast = mul(keepdim ? dy : unsqueeze(dy, dim), last);
  return mul(shifted(runningProduct(x, dim), dim, 1, 1), recurrence(x, dLast, dim, true));
}

/** Writes `value` into index `at` of axis `dim` of `y`; no history. */
function fillSlice(y: Tensor, dim: number, at: number, value: number): void {
  const one = fillWith(emptyOn(y.backend, [], y.dtype), value);
  copyInto(part(y, dim, at, at + 1), one);
}

/** Indexes [start, end) of axis `dim` of `x`, as a view without history. */
function part(x: Tensor, dim: number, start: number, end: number): Tensor {
  const shape = [...x.shape];
  shape[dim] = end - start;
  return new Tensor(x.storage, shape, x.dtype, x.strides, x.offset + start * x.strides[dim]);
}

/** y[k] = x[k - step] along `dim`, where step is 1 or -1; the element that has no source is `fill`. */
function shifted(x: Tensor, dim: number, step: 1 | -1, fill: number): Tensor {
  const y = emptyLike(x);
  if (x.ndim === 0) fillWith(y, fill);
  else if (y.numElements > 0) {
    const n = x.shape[dim];
    copyInto(
      part(y, dim, Math.max(step, 0), n + Math.min(step, 0)),
      part(x, dim, Math.max(-step, 0), n - Math.max(step, 0)),
    );
    fillSlice(y, dim, step > 0 ? 0 : n - 1, fill);
  }
  return record("shift", y, [x], [(dy) => shifted(dy, dim, step > 0 ? -1 : 1, 0)]);
}

/** y[k] = b[k] + a[k] * y[k - 1] along `dim`, or in reverse y[k] = b[k] + a[k + 1] * y[k + 1]; a[0] is not used. */
function recurrence(a: Tensor, b: Tensor, dim: number, reverse: boolean): Tensor {
  const compute = reduceType(a.dtype), name = kernelFor("recurrence", RECURRENCE, compute);
  const factors = denseAs(a, compute), terms = denseAs(b, compute), y = emptyLike(a, compute);
  if (y.numElements > 0) {
    const [, n, inner] = splitAt(a.shape, dim);
    const kernel = a.backend.kernels[name] as unknown as AnyKernel;
    const reversed = Number(reverse), slices = y.numElements / n;
    kernel(y.pointer, factors.pointer, terms.pointer, n, inner, reversed, 0, slices);
  }
  const result = convertTo(y, a.dtype);
  return record("recurrence", result, [a, b], [
    (dy) => {
      const db = recurrence(a, dy, dim, !reverse);
      return reverse ? mul(shifted(db, dim, 1, 0), result) : mul(db, shifted(result, dim, 1, 0));
    },
    (dy) => recurrence(a, dy, dim, !reverse),
  ], [a, result]);
}

/** log of sums of exponentials along `dim` up to each element. */
export function runningLogSumExp(x: Tensor, dim: number): Tensor {
  const y = scan("logcumsumexp", LOGCUMSUMEXP, x, dim, false);
  // dx[k] = sum over i >= k of dy[i] * exp(x[k] - y[i]), whose exponents are all 0 or less.
  return record("logcumsumexp", y, [x], [
    (dy) => {
      if (x.ndim === 0) return dy;
      const before = shifted(y, dim, 1, -Infinity);
      const factors = maskedFill(exp(sub(before, y)), logicalAnd(eq(before, y), isinf(y)), 1);
      return mul(recurrence(factors, dy, dim, true), exp(sub(x, y)));
    },
  ], [x, y]);
}
