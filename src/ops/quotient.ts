/**
 * Whole quotients and remainders without history, and their check for division by zero.
 *
 * @module
 */
import { bool, type DType } from "../backend/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item } from "./access.ts";
import { binary, kernelTable, type Operand } from "./elementwise.ts";
import { any } from "./reduce.ts";

const TRUNC = kernelTable("div_trunc"),
  FLOOR = kernelTable("div_floor"),
  REMAINDER = kernelTable("remainder"),
  FMOD = kernelTable("fmod"),
  EQ = kernelTable("eq");

/** Whether an element of `x`, an operand that is computed as `dtype`, is zero. */
function hasZero(call: string, x: Operand, dtype: DType): boolean {
  if (!(x instanceof Tensor)) return Number(x) === 0;
  return item<boolean>(any(binary(call, EQ, x, 0, dtype, bool)));
}

/**
 * Throws `RangeError` when a whole number would be divided by zero, `TypeError` for booleans; floating-point numbers
 * may be divided by anything.
 */
function checkDivisor(call: string, a: Operand, b: Operand, dtype: DType): void {
  if (dtype.kind === "float") return;
  if (dtype.kind === "bool") throw new TypeError(`${call}: not defined for torch.bool`);
  if (a instanceof Tensor && a.numElements === 0) return;
  if (hasZero(call, b, dtype)) {
    throw new RangeError(`${call}: division by zero in ${dtype}; floating-point tensors have inf`);
  }
}

/** a / b in `dtype`, rounded towards zero or down. */
export function roundedQuotient(
  call: string,
  rounding: "trunc" | "floor",
  a: Operand,
  b: Operand,
  dtype: DType,
): Tensor {
  checkDivisor(call, a, b, dtype);
  return binary(call, rounding === "floor" ? FLOOR : TRUNC, a, b, dtype);
}

/** What is left of a in `dtype` after the quotient, rounded so, times b is taken away. */
export function remainderOf(
  call: string,
  rounding: "trunc" | "floor",
  a: Operand,
  b: Operand,
  dtype: DType,
): Tensor {
  checkDivisor(call, a, b, dtype);
  return binary(call, rounding === "floor" ? REMAINDER : FMOD, a, b, dtype);
}
