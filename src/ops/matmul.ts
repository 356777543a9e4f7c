/**
 * Products of matrices and vectors.
 *
 * @module
 */
import { checkTensor } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { mul } from "./arithmetic.ts";
import { multiDot } from "./linalg.ts";
import {
  batchedProduct,
  checkBatches,
  checkRank,
  dotProduct,
  matrixProduct,
  vectorProduct,
} from "./product.ts";
import { expand, squeeze, unsqueeze } from "./view.ts";

/**
 * Product of two matrices: [m, k] x [k, n] -> [m, n].
 *
 * @throws RangeError when the inner sizes differ.
 * @throws TypeError when the dtypes differ or are bool.
 */
export function mm(input: Tensor, mat2: Tensor): Tensor {
  [input, mat2] = castAll("mm", input, mat2);
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
  [input, mat2] = castAll("bmm", input, mat2);
  checkBatches("bmm", input, mat2);
  return batchedProduct("bmm", "bmm", input, false, mat2, false);
}

/** Product of a matrix and a vector: [m, k] x [k] -> [m]. */
export function mv(input: Tensor, vec: Tensor): Tensor {
  [input, vec] = castAll("mv", input, vec);
  checkRank("mv", "input", input, 2);
  checkRank("mv", "vec", vec, 1);
  return vectorProduct("mv", "mv", input, false, vec);
}

/** Sum of the products of two vectors' elements: [n] x [n] -> []. */
export function dot(input: Tensor, tensor: Tensor): Tensor {
  [input, tensor] = castAll("dot", input, tensor);
  checkTensor("dot", "input", input);
  checkTensor("dot", "tensor", tensor);
  return dotProduct("dot", "dot", input, tensor);
}

/** Sum of the products of two real vectors' elements: [n] x [n] -> []. */
export function vdot(input: Tensor, other: Tensor): Tensor {
  [input, other] = castAll("vdot", input, other);
  checkTensor("vdot", "input", input);
  checkTensor("vdot", "other", other);
  return dotProduct("vdot", "vdot", input, other);
}

/** Products of every element of one vector with every element of another: [n] x [m] -> [n, m]. */
export function outer(input: Tensor, vec2: Tensor): Tensor {
  checkRank("outer", "input", input, 1);
  checkRank("outer", "vec2", vec2, 1);
  return mul(unsqueeze(input, 1), vec2);
}

/** `outer` under its old name: [n] x [m] -> [n, m]. */
export function ger(input: Tensor, vec2: Tensor): Tensor {
  return outer(input, vec2);
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
  [input, other] = castAll("matmul", input, other);
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
 * Product of a chain of matrices, in the order that takes the fewest multiplications.
 *
 * @throws RangeError when the sizes of two neighbours do not fit.
 */
export function chainMatmul(...matrices: Tensor[]): Tensor {
  matrices.forEach((x, i) => checkRank("chainMatmul", `matrix ${i}`, x, 2));
  return matrices.length === 1 ? matrices[0] : multiDot(matrices);
}
