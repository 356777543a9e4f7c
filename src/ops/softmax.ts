/**
 * Softmax and its logarithm.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import type { DType } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { convert, emptyLike } from "../tensor/create.ts";
import { axis, splitAt } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { mul, sub } from "./arithmetic.ts";
import { cast, denseAs } from "./copy.ts";
import { computeTypeOn, type KernelTable, kernelTable } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { exp, neg } from "./unary.ts";

const SOFTMAX = kernelTable("softmax"),
  LOG_SOFTMAX = kernelTable("log_softmax"),
  SOFTMAX_GRAD = kernelTable("softmax_grad"),
  LOG_SOFTMAX_GRAD = kernelTable("log_softmax_grad");

/** Options of `softmax` and its like. */
export interface SoftmaxOptions {
  /** The axis along which the results sum to 1; without one, 0 for tensors of 0, 1 or 3 axes, else 1. */
  dim?: number | null;
  /** The dtype that the input is converted to first. */
  dtype?: DType | null;
}

/** The parameters of `softmax` and its like. */
export type SoftmaxArgs = Args<[dim: number | null, dtype: DType | null], SoftmaxOptions>;

type SliceKernel = (...values: number[]) => void;

/** y = kernel(inputs) over slices along `dim`, of the first input's shape and dtype; no history. */
function overSlices(call: string, table: KernelTable, inputs: Tensor[], dim: number): Tensor {
  const [x] = inputs, compute = computeTypeOn(x.backend, table, x.dtype), name = table[compute.id];
  if (name === undefined) {
    throw new TypeError(`${call}: not defined for ${x.dtype}; give a floating-point dtype`);
  }
  const [, n, inner] = splitAt(x.shape, dim);
  const sources = inputs.map((t) => denseAs(t, compute));
  const y = emptyLike(x, compute);
  if (y.numElements > 0) {
    (x.backend.kernels[name] as unknown as SliceKernel)(
      y.pointer,
      ...sources.map((t) => t.pointer),
      n,
      inner,
      0,
      y.numElements / n,
    );
  }
  return compute === x.dtype ? y : convert(y, x.dtype);
}

/** The input in the dtype to compute in, and the axis. */
function readArgs(call: string, x: Tensor, args: SoftmaxArgs): [x: Tensor, dim: number] {
  checkTensor(call, "input", x);
  const { dim, dtype } = read(call, {
    dim: null as number | null,
    dtype: null as DType | null,
  }, args);
  // PyTorch's rule for calls without an axis, older than the parameter.
  const implicit = x.ndim === 0 || x.ndim === 1 || x.ndim === 3 ? 0 : 1;
  const at = axis(call, dim ?? implicit, x.ndim);
  return [dtype === null ? x : cast(x, dtype), at];
}

/**
 * exp(x) / sum of exp(x) along axis `dim`. x: [...] -> the same shape; each slice along `dim` sums to 1.
 *
 * @throws RangeError when `dim` is out of range.
 * @throws TypeError when `x` is not floating-point and no `dtype` is given.
 */
export function softmax(x: Tensor, ...args: SoftmaxArgs): Tensor {
  x = castFor("softmax", x);
  const [source, dim] = readArgs("softmax", x, args);
  const y = overSlices("softmax", SOFTMAX, [source], dim);
  return record("softmax", y, [source], [(dy) => softmaxGrad(dy, y, dim)], [y]);
}

/** dx = y * (dy - sum of dy * y). */
function softmaxGrad(dy: Tensor, y: Tensor, dim: number): Tensor {
  const dx = overSlices("softmax", SOFTMAX_GRAD, [dy, y], dim);
  return record("softmax_backward_data", dx, [dy, y], [
    // The Jacobian diag(y) - y y^T is symmetric.
    (g) => softmaxGrad(g, y, dim),
    (g) => {
      const s = sum(mul(dy, y), dim, true), t = sum(mul(g, y), dim, true);
      return sub(mul(g, sub(dy, s)), mul(dy, t));
    },
  ], [dy, y]);
}

/**
 * log(softmax(x)) along axis `dim`, without forming the quotient. x: [...] -> the same shape.
 *
 * @throws RangeError when `dim` is out of range.
 * @throws TypeError when `x` is not floating-point and no `dtype` is given.
 */
export function logSoftmax(x: Tensor, ...args: SoftmaxArgs): Tensor {
  x = castFor("logSoftmax", x);
  const [source, dim] = readArgs("logSoftmax", x, args);
  const y = overSlices("logSoftmax", LOG_SOFTMAX, [source], dim);
  return record("log_softmax", y, [source], [(dy) => logSoftmaxGrad(dy, y, dim)], [y]);
}

/** dx = dy - exp(y) * sum of dy. */
function logSoftmaxGrad(dy: Tensor, y: Tensor, dim: number): Tensor {
  const dx = overSlices("logSoftmax", LOG_SOFTMAX_GRAD, [dy, y], dim);
  return record("log_softmax_backward_data", dx, [dy, y], [
    (g) => sub(g, sum(mul(g, exp(y)), dim, true)),
    (g) => mul(neg(mul(g, exp(y))), sum(dy, dim, true)),
  ], [dy, y]);
}

/**
 * softmax(-x) along axis `dim`. x: [...] -> the same shape.
 *
 * @throws RangeError when `dim` is out of range.
 * @throws TypeError when `x` is not floating-point and no `dtype` is given.
 */
export function softmin(x: Tensor, ...args: SoftmaxArgs): Tensor {
  const [source, dim] = readArgs("softmin", x, args);
  return softmax(neg(source), dim);
}
