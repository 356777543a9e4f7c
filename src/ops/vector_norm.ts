/**
 * The p-norm over axes, with its gradient.
 *
 * @module
 */
import { type Grad, record } from "../autograd/record.ts";
import { bool, float32, int64 } from "../backend/dtype.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { div, mul } from "./arithmetic.ts";
import { eq, isnan } from "./compare.ts";
import { cast, dense } from "./copy.ts";
import { kernelTable, unary } from "./elementwise.ts";
import { stack } from "./join.ts";
import { logicalOr } from "./logic.ts";
import { maskedFill } from "./pointwise.ts";
import { pow } from "./power.ts";
import { sum } from "./reduce.ts";
import { convertTo, reduce, reducedShape, reduceType, restoreAxes } from "./reduction.ts";
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
  if (dims.some((d) => x.shape[d] === 0)) {
    return fillWith(emptyOn(x.backend, reducedShape(x, dims, keepdim), compute), 0);
  }
  if (p === 1) return reduce(call, NORM_L1, x, dims, keepdim, compute);
  if (p === 2) return reduce(call, NORM_L2, x, dims, keepdim, compute);
  if (p === 0) {
    return convertTo(
      reduce(call, SUM, convertTo(dense(x), bool), dims, keepdim, bool, int64),
      compute,
    );
  }
  if (Math.abs(p) === Infinity) {
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

/** The 2-norm of each of `tensors`: [tensors]. No history. */
export function norms(call: string, tensors: readonly Tensor[]): Tensor {
  const [{ backend, dtype }] = tensors;
  if (tensors.some((x) => x.dtype !== float32 || !x.dense || x.backend !== backend)) {
    return stack(tensors.map((x) => cast(computeNorm(call, x, 2, axesOf(x), false), dtype)));
  }
  const y = emptyOn(backend, [tensors.length], float32);
  // One after the other: a device can make one call of many.
  tensors.forEach((x, i) => {
    backend.kernels.norm_l2(y.pointer + 4 * i, x.pointer, x.numElements, 1, 0, 0, 1);
  });
  return y;
}

const axesOf = (x: Tensor) => x.shape.map((_, d) => d);

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
