/**
 * Variances and standard deviations.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { type Grad, record } from "../autograd/record.ts";
import { type Args, checkTensor, isOptions, read } from "../tensor/arguments.ts";
import { axes } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { binary, kernelTable, unary } from "./elementwise.ts";
import { maskedFill } from "./pointwise.ts";
import { mean } from "./reduce.ts";
import {
  type AnyKernel,
  checkFlag,
  checkFloating,
  convertTo,
  type Dims,
  grouped,
  kernelFor,
  reduce,
  reducedShape,
  reduceType,
  restoreAxes,
  sumScratch,
} from "./reduction.ts";
import { emptyOn } from "../tensor/create.ts";
import { expand } from "./view.ts";

const SUM = kernelTable("sum"),
  DEVIATIONS = kernelTable("deviations"),
  DIV = kernelTable("div"),
  SQRT = kernelTable("sqrt");

/** Options of variances and standard deviations. */
export interface DeviationOptions {
  /** Axes to reduce; all by default. */
  dim?: Dims;
  /** Whether to divide by n - 1 (the default) instead of n. */
  unbiased?: boolean;
  /** What to take from n before dividing by it, in place of `unbiased`; 1 by default. */
  correction?: number | null;
  /** Whether reduced axes stay, with size 1. */
  keepdim?: boolean;
}

/** Parameters of variances and standard deviations; a lone `unbiased` may stand first. */
export type DeviationArgs =
  | Args<[dim: Dims, unbiased: boolean, keepdim: boolean], DeviationOptions>
  | [unbiased: boolean]
  | [unbiased: boolean, options: DeviationOptions];

interface Plan {
  dims: number[];
  /** Whether no axes were given, or there are none: all are meant. */
  all: boolean;
  keepdim: boolean;
  /** The number of elements that a result is computed from, less the correction. */
  divisor: number;
  correction: number;
}

function readArgs(call: string, x: Tensor, args: readonly unknown[]): Plan {
  checkTensor(call, "input", x);
  const list = typeof args[0] === "boolean" ? [null, ...args] : args;
  const given = list.at(-1), named = isOptions(given) ? given : {};
  if (named.unbiased !== undefined && named.correction !== undefined) {
    throw new TypeError(`${call}: give either unbiased or correction, not both`);
  }
  const { dim, unbiased, keepdim, correction } = read(call, {
    dim: null as Dims,
    unbiased: true,
    keepdim: false,
    correction: null as number | null,
  }, list);
  checkFlag(call, "unbiased", unbiased);
  checkFlag(call, "keepdim", keepdim);
  if (correction !== null && typeof correction !== "number") {
    throw new TypeError(`${call}: correction must be a number, got ${describeValue(correction)}`);
  }
  checkFloating(call, x);
  const dims = axes(call, dim, x.ndim), n = dims.reduce((p, d) => p * x.shape[d], 1);
  const taken = correction ?? (unbiased ? 1 : 0);
  const whole = dim === null || x.ndim === 0;
  return { dims, all: whole, keepdim, divisor: n - taken, correction: taken };
}

/** Variances and means, in the dtype that computes; no history. */
function moments(call: string, x: Tensor, plan: Plan): [variance: Tensor, mean: Tensor] {
  const { dims, keepdim, divisor, correction } = plan, compute = reduceType(x.dtype);
  const { x: source, n, inner } = grouped(x, dims, compute);
  const average = reduce(call, SUM, x, dims, keepdim, compute);
  binary(call, DIV, average, divisor + correction, compute, compute, average);
  const y = emptyOn(x.backend, reducedShape(x, dims, keepdim), compute);
  if (y.numElements > 0) {
    const kernel = x.backend.kernels[kernelFor(call, DEVIATIONS, compute)] as unknown as AnyKernel;
    const scratch = sumScratch(x.backend, n, inner, y.numElements);
    kernel(y.pointer, source.pointer, average.pointer, n, inner, scratch, 0, y.numElements);
  }
  binary(call, DIV, y, Math.max(divisor, 0), compute, compute, y);
  return [y, average];
}

/** The gradient of variances, 2 (x - mean) / divisor; that of all elements is infinite where the divisor is 0. */
function varGrad(x: Tensor, { dims, all, keepdim, divisor }: Plan): Grad {
  const { shape } = x;
  return (dy) => {
    const restored = restoreAxes(dy, dims, keepdim);
    if (all && divisor === 0) return expand(mul(restored, Infinity), shape);
    return mul(mul(restored, 2 / divisor), sub(x, mean(x, dims, true)));
  };
}

/** The gradient of standard deviations `y`: none where they are 0. */
function stdGrad(x: Tensor, y: Tensor, plan: Plan): Grad {
  const grad = varGrad(x, plan);
  return (dy) => grad(maskedFill(div(dy, mul(y, 2)), eq(y, 0), 0));
}

/** The gradient of means. */
function meanGrad(x: Tensor, { dims, keepdim, divisor, correction }: Plan): Grad {
  const { shape } = x;
  return (dy) => expand(div(restoreAxes(dy, dims, keepdim), divisor + correction), shape);
}

/**
 * The variance over axes `dim` (all by default), of a sample: divided by n - 1, unless `unbiased` is false or a
 * `correction` is given. x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 * @throws TypeError when `x` is not floating-point.
 */
function variance(x: Tensor, ...args: DeviationArgs): Tensor {
  const plan = readArgs("var", x, args), [y] = moments("var", x, plan);
  return record("var", convertTo(y, x.dtype), [x], [varGrad(x, plan)], [x]);
}
export { variance as var };

/**
 * The standard deviation over axes `dim` (all by default), of a sample: see `var`. x: [...] -> [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 * @throws TypeError when `x` is not floating-point.
 */
export function std(x: Tensor, ...args: DeviationArgs): Tensor {
  const plan = readArgs("std", x, args), [square] = moments("std", x, plan);
  const root = unary("std", SQRT, square, square.dtype, square.dtype, square);
  const y = convertTo(root, x.dtype);
  return record("std", y, [x], [stdGrad(x, y, plan)], [x, y]);
}

/**
 * The variance and the mean over axes `dim`: see `var`. x: [...] -> twice [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 * @throws TypeError when `x` is not floating-point.
 */
export function varMean(x: Tensor, ...args: DeviationArgs): [variance: Tensor, mean: Tensor] {
  const plan = readArgs("varMean", x, args), [square, average] = moments("varMean", x, plan);
  const y = convertTo(square, x.dtype), m = convertTo(average, x.dtype);
  record("var_mean", y, [x], [varGrad(x, plan)], [x]);
  record("var_mean", m, [x], [meanGrad(x, plan)]);
  return [y, m];
}

/**
 * The standard deviation and the mean over axes `dim`: see `var`. x: [...] -> twice [...] without those axes.
 *
 * @throws RangeError when an axis is out of range or given twice.
 * @throws TypeError when `x` is not floating-point.
 */
export function stdMean(x: Tensor, ...args: DeviationArgs): [std: Tensor, mean: Tensor] {
  const plan = readArgs("stdMean", x, args), [square, average] = moments("stdMean", x, plan);
  const root = unary("stdMean", SQRT, square, square.dtype, square.dtype, square);
  const y = convertTo(root, x.dtype), m = convertTo(average, x.dtype);
  record("std_mean", y, [x], [stdGrad(x, y, plan)], [x, y]);
  record("std_mean", m, [x], [meanGrad(x, plan)]);
  return [y, m];
}
