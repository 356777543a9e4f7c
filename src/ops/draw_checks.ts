/**
 * Checks of the numbers that distributions are given as tensors.
 *
 * @module
 */
import { computeType } from "../backend/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { item } from "./access.ts";
import { binary, kernelTable } from "./elementwise.ts";
import { reduce } from "./reduction.ts";

const SUM = kernelTable("sum"),
  SUB = kernelTable("sub"),
  MUL = kernelTable("mul"),
  MINIMUM = kernelTable("minimum"),
  MAXIMUM = kernelTable("maximum");

/** The sum of all elements, as a number. */
function total(call: string, x: Tensor): number {
  return item(reduce(call, SUM, x, x.shape.map((_, d) => d), false, x.dtype)) as number;
}

/** Whether every element of `x`, of floating-point dtype, is `low` or more; NaN is not. */
export function allFrom(call: string, x: Tensor, low: number): boolean {
  const type = computeType(x.dtype), excess = binary(call, SUB, x, low, type);
  return total(call, binary(call, MINIMUM, excess, 0, type)) >= 0;
}

/** Whether every element of `x`, of floating-point dtype, is `high` or less; NaN is not. */
export function allTo(call: string, x: Tensor, high: number): boolean {
  const type = computeType(x.dtype), excess = binary(call, SUB, x, high, type);
  return total(call, binary(call, MAXIMUM, excess, 0, type)) <= 0;
}

/** Whether every element of `x`, of floating-point dtype, is finite. */
export function allFinite(call: string, x: Tensor): boolean {
  return total(call, binary(call, MUL, x, 0, computeType(x.dtype))) === 0;
}

/** Throws `RangeError` unless every element of `p`, of floating-point dtype, is from 0 to 1. */
export function checkProbabilities(call: string, p: Tensor): void {
  if (!allFrom(call, p, 0) || !allTo(call, p, 1)) {
    throw new RangeError(`${call}: probabilities must be from 0 to 1`);
  }
}
