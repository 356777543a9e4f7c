/**
 * Division by norms: of vectors, and of neighbouring channels.
 *
 * @module
 */
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, div, mul } from "./arithmetic.ts";
import { unfold } from "./cut.ts";
import { clampMin } from "./extremum.ts";
import { norm } from "./norm.ts";
import { checkNumber } from "./normalize_kernel.ts";
import { pad } from "./pad.ts";
import { pow } from "./power.ts";
import { mean } from "./reduce.ts";
import { checkFloating } from "./reduction.ts";

/** Options of `normalize`. */
export interface NormalizeOptions {
  /** The p of the norm. */
  p?: number;
  /** The axis, or axes, of a vector. */
  dim?: number | readonly number[];
  /** The least number to divide by. */
  eps?: number;
}

/**
 * x / max(p-norm of x along `dim`, eps): [...] -> the same shape.
 *
 * @throws RangeError when an axis is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
 */
export function normalize(
  input: Tensor,
  ...args: Args<[p: number, dim: number | readonly number[], eps: number], NormalizeOptions>
): Tensor {
  const call = "normalize";
  checkTensor(call, "input", input);
  const { p, dim, eps } = read(call, {
    p: 2,
    dim: 1 as number | readonly number[],
    eps: 1e-12,
  }, args);
  checkNumber(call, "p", p);
  checkNumber(call, "eps", eps);
  checkFloating(call, input);
  return div(input, clampMin(norm(input, p, dim, true), eps));
}

/** Options of `localResponseNorm`. */
export interface LocalResponseNormOptions {
  /** How many neighbouring channels. */
  size?: number;
  /** The factor of their mean square. */
  alpha?: number;
  /** The exponent. */
  beta?: number;
  /** Added to the mean square. */
  k?: number;
}

/**
 * x / (k + alpha * mean of x^2 over `size` neighbouring channels)^beta: [N, C, L, ...] -> the same shape; beyond the first
 * and last channel count zeros.
 *
 * @throws RangeError when the input has fewer than three axes, or `size` is not positive.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.local_response_norm.html
 */
export function localResponseNorm(
  input: Tensor,
  ...args: Args<[size: number, alpha: number, beta: number, k: number], LocalResponseNormOptions>
): Tensor {
  const call = "localResponseNorm";
  checkTensor(call, "input", input);
  const { size, alpha, beta, k } = read(call, { size: NaN, alpha: 1e-4, beta: 0.75, k: 1 }, args);
  wholeNumber(call, "size", size);
  for (const [name, value] of Object.entries({ alpha, beta, k })) checkNumber(call, name, value);
  if (input.ndim < 3) {
    throw new RangeError(
      `${call}: expected an input of 3 or more axes, got shape ${show(input.shape)}`,
    );
  }
  if (size < 1) throw new RangeError(`${call}: size must be at least 1, got ${size}`);
  if (input.numElements === 0) return input;
  const around = new Array<number>(2 * (input.ndim - 2)).fill(0);
  around.push(Math.floor(size / 2), Math.floor((size - 1) / 2));
  const squares = mean(unfold(pad(mul(input, input), around), 1, size, 1), -1);
  return div(input, pow(add(mul(squares, alpha), k), beta));
}
