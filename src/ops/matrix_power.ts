/**
 * Powers and exponentials of matrices.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { cast, clone } from "./copy.ts";
import { inv, solve } from "./inverse.ts";
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

/** The coefficients of the numerator of the [13/13] Pade approximant of the exponential, from the constant on. */
// deno-fmt-ignore
const PADE = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
  670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
];
/** The greatest norm for which it is exact to float64's precision. */
const PADE_NORM = 5.371920351148152;

/**
 * The exponentials of matrices in float64, by scaling and squaring; no history.
 * @see Higham, "The scaling and squaring method for the matrix exponential revisited" (2005)
 */
function exponential(x: Tensor): Tensor {
  if (x.numElements === 0) return clone(x);
  const size = amax(sum(abs(x), -2)).item() as number;
  // exp(x) = exp(x / 2^k)^(2^k)
  const k = Number.isFinite(size) ? Math.max(0, Math.ceil(Math.log2(size / PADE_NORM))) : 0;
  const x1 = mul(x, 2 ** -k), x2 = matmul(x1, x1), x4 = matmul(x2, x2), x6 = matmul(x4, x2);
  const one = identity(x, x.shape[x.ndim - 1]);
  /** The terms of every other coefficient, down from `i`. */
  const terms = (i: number) => {
    const high = add(add(mul(x6, PADE[i]), mul(x4, PADE[i - 2])), mul(x2, PADE[i - 4]));
    const low = add(add(mul(x6, PADE[i - 6]), mul(x4, PADE[i - 8])), mul(x2, PADE[i - 10]));
    return add(add(matmul(x6, high), low), mul(one, PADE[i - 12]));
  };
  const odd = matmul(x1, terms(13)), even = terms(12);
  let y = solve(sub(even, odd), add(even, odd));
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
