/**
 * Powers and exponentials of matrices.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, mul } from "./arithmetic.ts";
import { cast, clone } from "./copy.ts";
import { inv } from "./inverse.ts";
import { cat } from "./join.ts";
import { checkSquare, checkSquareShape, identity, turned } from "./matrix.ts";
import { matmul } from "./matmul.ts";
import { amax } from "./max_min.ts";
import { sum } from "./reduce.ts";
import { abs } from "./unary.ts";
import { detach, expand, narrow } from "./view.ts";

/**
 * Square matrices to a whole power: of the inverse where it is negative, the identity where it is 0. [..., n, n] ->
 * [..., n, n]
 *
 * @throws Error when `n` is negative and a matrix singular.
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_power.html
 */
export function matrixPower(x: Tensor, ...args: Args<[n: number], { n?: number }>): Tensor {
  checkTensor("linalg.matrixPower", "input", x);
  const n = wholeNumber("linalg.matrixPower", "n", read("linalg.matrixPower", { n: NaN }, args).n);
  checkSquareShape("linalg.matrixPower", "input", x);
  const side = x.shape[x.ndim - 1];
  if (n === 0) {
    return record("copy_", clone(expand(identity(x, side), x.shape)), [x], [(dy) => mul(dy, 0)]);
  }
  if (n < 0) return matrixPower(inv(x), -n);
  // By squares: x^13 = x^8 x^4 x.
  let result: Tensor | null = null;
  for (let square = x, rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === null ? square : matmul(result, square);
    if (rest > 1) square = matmul(square, square);
  }
  return result === x ? clone(x) : result!;
}

/** Terms of the series, which has a matrix of norm 1/2 or less. */
const TERMS = 18;

/** The exponentials of matrices in float64, no history. */
function exponential(x: Tensor): Tensor {
  if (x.numElements === 0) return clone(x);
  const size = amax(sum(abs(x), -1)).item() as number, n = x.shape[x.ndim - 1];
  // exp(x) = exp(x / 2^k)^(2^k)
  const k = Number.isFinite(size) ? Math.max(0, Math.ceil(Math.log2(size)) + 1) : 0;
  const small = mul(x, 2 ** -k), one = identity(x, n);
  let y = expand(one, x.shape);
  for (let i = TERMS; i > 0; i--) y = add(mul(matmul(small, y), 1 / i), one);
  for (let i = 0; i < k; i++) y = matmul(y, y);
  return y;
}

/**
 * Exponentials of square matrices: 1 + x + x x / 2 + ... [..., n, n] -> [..., n, n]; computed in float64.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_exp.html
 */
export function matrixExp(x: Tensor): Tensor {
  checkSquare("linalg.matrixExp", "input", x);
  const y = cast(exponential(cast(detach(x), float64)), x.dtype), n = x.shape[x.ndim - 1];
  return record("linalg_matrix_exp", y, [x], [(dy) => {
    // The block beside the diagonal of exp([[x^T, dy], [0, x^T]]). @see Al-Mohy and Higham (2009)
    const t = turned(x), above = cat([t, dy], -1), below = cat([mul(t, 0), t], -1);
    return narrow(narrow(matrixExp(cat([above, below], -2)), -2, 0, n), -1, n, n);
  }], [x]);
}
