/**
 * What convolution and pooling share: parameters given for all axes at once or for each, and three axes for any number.
 *
 * @module
 */
import { wholeNumber } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A whole number for all spatial axes, or one for each. */
export type Spatial = number | readonly number[];

/**
 * `value` as one whole number for each of `n` axes.
 *
 * @throws RangeError when there are more or fewer, or one is below `least`.
 */
export function spatial(
  call: string,
  name: string,
  value: unknown,
  n: number,
  least: number,
): number[] {
  let list: unknown[] = Array.isArray(value) ? value : new Array(n).fill(value);
  if (list.length === 1) list = new Array(n).fill(list[0]);
  const numbers = list.map((v) => wholeNumber(call, name, v));
  if (numbers.length !== n) {
    throw new RangeError(
      `${call}: ${name} must be a whole number or ${n} of them, got ${show(numbers)}`,
    );
  }
  for (const number of numbers) {
    if (number < least) {
      throw new RangeError(`${call}: ${name} must be at least ${least}, got ${show(numbers)}`);
    }
  }
  return numbers;
}

/** `values` for the last of three axes, with `rest` for those before. */
export function three(values: readonly number[], rest: number): number[] {
  return [...new Array<number>(3 - values.length).fill(rest), ...values];
}

/**
 * Throws `RangeError` unless `x` is [batch, channels, ...] with `n` axes after them, or the same without batch; says
 * which.
 */
export function isBatch(call: string, x: Tensor, n: number): boolean {
  if (x.ndim !== n + 1 && x.ndim !== n + 2) {
    throw new RangeError(
      `${call}: expected ${n + 2} axes [batch, channels, ...], or ${n + 1} without batch, got ${
        show(x.shape)
      }`,
    );
  }
  return x.ndim === n + 2;
}
