/**
 * Products of matrices and vectors.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, gradFor, mul } from "./arithmetic.ts";
import { detach, expand, squeeze } from "./view.ts";
import { zerosLike } from "./create.ts";
import {
  batchedProduct,
  dotProduct,
  matrixProduct,
  multiply,
  productSaved,
  productType,
  sumRows,
  vectorProduct,
} from "./product.ts";

/** Options of products that are added to a tensor: beta * input + alpha * product. */
export interface AddProductOptions {
  /** Factor of the tensor that is added to; where it is 0 that tensor is not read. */
  beta?: number;
  /** Factor of the product. */
  alpha?: number;
}

function checkRank(call: string, name: string, x: unknown, rank: number): asserts x is Tensor {
  checkTensor(call, name, x);
  if (x.ndim !== rank) {
    throw new RangeError(`${call}: ${name} must have ${rank} axes, got shape ${show(x.shape)}`);
  }
}

/**
 * Product of two matrices: [m, k] x [k, n] -> [m, n].
 *
 * @throws RangeError when the inner sizes differ.
 * @throws TypeError when the dtypes differ or are bool.
 */
export function mm(input: Tensor, mat2: Tensor): Tensor {
  checkRank("mm", "input", input, 2);
  checkRank("mm", "mat2", mat2, 2);
  return matrixProduct("mm", "mm", input, false, mat2, false);
}

/**
 * Products of the matrices of two batches: [b, m, k] x [b, k, n] -> [b, m, n].
 *
 * @throws RangeError when the batches or the inner sizes differ.
 */
export function bmm(input: Tensor, mat2: Tensor): Tensor {
  checkBatches("bmm", input, mat2);
  return batchedProduct("bmm", "bmm", input, false, mat2, false);
}

function checkBatches(call: string, a: unknown, b: unknown): void {
  checkRank(call, "batch1", a, 3);
  checkRank(call, "batch2", b, 3);
  if (a.shape[0] !== b.shape[0]) {
    throw new RangeError(
      `${call}: ${show(a.shape)} x ${show(b.shape)}: batches of ${a.shape[0]} and ${
        b.shape[0]
      } differ`,
    );
  }
}

/** Product of a matrix and a vector: [m, k] x [k] -> [m]. */
export function mv(input: Tensor, vec: Tensor): Tensor {
  checkRank("mv", "input", input, 2);
  checkRank("mv", "vec", vec, 1);
  return vectorProduct("mv", "mv", input, false, vec);
}

/** Sum of the products of two vectors' elements: [n] x [n] -> []. */
export function dot(input: Tensor, tensor: Tensor): Tensor {
  checkTensor("dot", "input", input);
  checkTensor("dot", "tensor", tensor);
  return dotProduct("dot", "dot", input, tensor);
}

/**
 * Product of tensors of any rank from 1: two vectors give their dot product, matrices multiply, and leading axes are
 * batches, broadcast: [..., m, k] x [..., k, n] -> [..., m, n].
 *
 * @throws RangeError when the inner sizes differ, a tensor is 0-d, or the batches do not broadcast.
 * @throws TypeError when the dtypes differ or are bool.
 * @see https://pytorch.org/docs/stable/generated/torch.matmul.html
 */
export function matmul(input: Tensor, other: Tensor): Tensor {
  checkTensor("matmul", "input", input);
  checkTensor("matmul", "other", other);
  const p = input.ndim, q = other.ndim;
  if (p === 0 || q === 0) {
    throw new RangeError(
      `matmul: expected tensors of at least one axis, got ${show(input.shape)} and ${
        show(other.shape)
      }`,
    );
  }
  if (p === 2 && q === 2) return matrixProduct("matmul", "mm", input, false, other, false);
  if (q === 1) {
    return p === 1
      ? dotProduct("matmul", "dot", input, other)
      : vectorProduct("matmul", p === 2 ? "mv" : "unsafe_view", input, false, other);
  }
  if (q === 2) {
    return p === 1
      ? vectorProduct("matmul", "SqueezeBackward3", other, true, input)
      : matrixProduct("matmul", "unsafe_view", input, false, other, false);
  }
  // A vector is a row in front of each matrix; that axis goes again.
  if (p === 1) {
    const row = expand(input, 1, input.shape[0]);
    return squeeze(batchedProduct("matmul", "unsafe_view", row, false, other, false), -2);
  }
  return batchedProduct("matmul", "unsafe_view", input, false, other, false);
}

/**
 * beta * input + alpha * (mat1 x mat2): input broadcasts to [m, n], [m, k] x [k, n] -> [m, n].
 *
 * @throws RangeError when the inner sizes differ or `input` does not broadcast to the product's shape.
 */
export function addmm(
  input: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  ...args: Args<[beta: number, alpha: number], AddProductOptions>
): Tensor {
  checkTensor("addmm", "input", input);
  checkRank("addmm", "mat1", mat1, 2);
  checkRank("addmm", "mat2", mat2, 2);
  const { beta, alpha } = readFactors("addmm", mat1, args);
  productType("addmm", mat1, mat2, input);
  checkExpands("addmm", input, [mat1.shape[0], mat2.shape[1]]);
  const fused = beta === 1 && alpha === 1 && input.ndim === 1 && input.shape[0] === mat2.shape[1];
  const y = fused ? multiply("addmm", mat1, false, mat2, false, input) : combine(
    input,
    multiply("addmm", mat1, false, mat2, false),
    beta,
    alpha,
  );
  return record("addmm", y, [input, mat1, mat2], [
    fused ? sumRows : (dy) => inputGrad(dy, input, beta),
    (dy) => matrixProduct("mm", "mm", scaled(dy, alpha), false, mat2, true),
    (dy) => matrixProduct("mm", "mm", mat1, true, scaled(dy, alpha), false),
  ], productSaved(mat1, mat2));
}

/** beta and alpha; integer tensors take their whole parts, as PyTorch does. */
function readFactors(
  call: string,
  x: Tensor,
  args: Args<[beta: number, alpha: number], AddProductOptions>,
): { beta: number; alpha: number } {
  const { beta, alpha } = read(call, { beta: 1, alpha: 1 }, args);
  for (const [name, value] of [["beta", beta], ["alpha", alpha]] as const) {
    if (typeof value !== "number" && typeof value !== "bigint") {
      throw new TypeError(`${call}: ${name} must be a number, got ${typeof value}`);
    }
  }
  return x.dtype.kind === "float"
    ? { beta: Number(beta), alpha: Number(alpha) }
    : { beta: Math.trunc(Number(beta)), alpha: Math.trunc(Number(alpha)) };
}

/** Throws `RangeError` unless `x` can be expanded to `shape`. */
function checkExpands(call: string, x: Tensor, shape: readonly number[]): void {
  const skip = shape.length - x.ndim;
  if (skip >= 0 && x.shape.every((n, d) => n === 1 || n === shape[skip + d])) return;
  throw new RangeError(
    `${call}: input of shape ${show(x.shape)} does not broadcast to the product's shape ${
      show(shape)
    }`,
  );
}

/** beta * input + alpha * product, in the product's shape; no history. */
function combine(input: Tensor, product: Tensor, beta: number, alpha: number): Tensor {
  const y = scaled(product, alpha);
  return beta === 0 ? y : add(y, scaled(detach(input), beta));
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : mul(x, factor);
}

/** The gradient of `input` in beta * input + ... */
function inputGrad(dy: Tensor, input: Tensor, beta: number): Tensor {
  if (beta === 0) return zerosLike(input);
  return sameShape(dy.shape, input.shape) ? scaled(dy, beta) : scaled(gradFor(dy, input), beta);
}
