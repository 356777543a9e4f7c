/**
 * Logical operations on truth values, and bitwise ones on integers and booleans. None takes a gradient.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { bool } from "../backend/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import {
  binary,
  checkOperand,
  checkTensors,
  inPlace,
  type KernelTable,
  kernelTable,
  type Operand,
  resultType,
} from "./elementwise.ts";

const AND = kernelTable("bitwise_and"),
  OR = kernelTable("bitwise_or"),
  XOR = kernelTable("bitwise_xor"),
  LEFT_SHIFT = kernelTable("bitwise_left_shift"),
  RIGHT_SHIFT = kernelTable("bitwise_right_shift");

/** An operation on truth values: any number but 0 is true. */
function logical(call: string, table: KernelTable, input: Tensor, other: Tensor): Tensor {
  checkTensors(call, { input, other });
  const truth = (x: Tensor) => x.dtype === bool ? x : denseAs(x, bool);
  return record(call, binary(call, table, truth(input), truth(other), bool), [], []);
}

/** Whether both elements are not 0. */
export function logicalAnd(input: Tensor, other: Tensor): Tensor {
  return logical("logicalAnd", AND, input, other);
}

/** Whether one of the elements is not 0. */
export function logicalOr(input: Tensor, other: Tensor): Tensor {
  return logical("logicalOr", OR, input, other);
}

/** Whether exactly one of the elements is not 0. */
export function logicalXor(input: Tensor, other: Tensor): Tensor {
  return logical("logicalXor", XOR, input, other);
}

/** Whether an element is 0. */
export function logicalNot(input: Tensor): Tensor {
  checkTensors("logicalNot", { input });
  const truth = denseAs(input, bool);
  return record("logicalNot", binary("logicalNot", XOR, truth, true, bool), [], []);
}

function bitwise(call: string, table: KernelTable, input: Operand, other: Operand): Tensor {
  checkOperand(call, "input", input);
  checkOperand(call, "other", other);
  const dtype = resultType(input, other);
  if (dtype.kind === "float") {
    throw new TypeError(`${call}: expected integers or booleans, got ${dtype}`);
  }
  return record(call, binary(call, table, input, other, dtype), [], []);
}

/** The bits set in both integers; of booleans, the logical and. */
export function bitwiseAnd(input: Operand, other: Operand): Tensor {
  return bitwise("bitwiseAnd", AND, input, other);
}

/** The bits set in one of the integers; of booleans, the logical or. */
export function bitwiseOr(input: Operand, other: Operand): Tensor {
  return bitwise("bitwiseOr", OR, input, other);
}

/** The bits that differ; of booleans, the logical xor. */
export function bitwiseXor(input: Operand, other: Operand): Tensor {
  return bitwise("bitwiseXor", XOR, input, other);
}

/** All bits inverted; of booleans, the logical not. */
export function bitwiseNot(input: Tensor): Tensor {
  checkTensors("bitwiseNot", { input });
  return bitwise("bitwiseNot", XOR, input, input.dtype === bool ? true : -1);
}

/** input * 2^other, the bits moved up. */
export function bitwiseLeftShift(input: Operand, other: Operand): Tensor {
  return bitwise("bitwiseLeftShift", LEFT_SHIFT, input, other);
}

/** input / 2^other rounded down, the bits moved down. */
export function bitwiseRightShift(input: Operand, other: Operand): Tensor {
  return bitwise("bitwiseRightShift", RIGHT_SHIFT, input, other);
}

/** x = logicalAnd(x, other), in the dtype of x. */
export function logicalAnd_(x: Tensor, other: Tensor): Tensor {
  return inPlace("logicalAnd_", x, [other], (x) => logicalAnd(x, other));
}

/** x = logicalOr(x, other), in the dtype of x. */
export function logicalOr_(x: Tensor, other: Tensor): Tensor {
  return inPlace("logicalOr_", x, [other], (x) => logicalOr(x, other));
}

/** x = logicalXor(x, other), in the dtype of x. */
export function logicalXor_(x: Tensor, other: Tensor): Tensor {
  return inPlace("logicalXor_", x, [other], (x) => logicalXor(x, other));
}

/** x = logicalNot(x), in the dtype of x. */
export function logicalNot_(x: Tensor): Tensor {
  return inPlace("logicalNot_", x, [], logicalNot);
}

/** x = bitwiseAnd(x, other). */
export function bitwiseAnd_(x: Tensor, other: Operand): Tensor {
  return inPlace("bitwiseAnd_", x, [other], (x) => bitwiseAnd(x, other));
}

/** x = bitwiseOr(x, other). */
export function bitwiseOr_(x: Tensor, other: Operand): Tensor {
  return inPlace("bitwiseOr_", x, [other], (x) => bitwiseOr(x, other));
}

/** x = bitwiseXor(x, other). */
export function bitwiseXor_(x: Tensor, other: Operand): Tensor {
  return inPlace("bitwiseXor_", x, [other], (x) => bitwiseXor(x, other));
}

/** x = bitwiseNot(x). */
export function bitwiseNot_(x: Tensor): Tensor {
  return inPlace("bitwiseNot_", x, [], bitwiseNot);
}

/** x = bitwiseLeftShift(x, other). */
export function bitwiseLeftShift_(x: Tensor, other: Operand): Tensor {
  return inPlace("bitwiseLeftShift_", x, [other], (x) => bitwiseLeftShift(x, other));
}

/** x = bitwiseRightShift(x, other). */
export function bitwiseRightShift_(x: Tensor, other: Operand): Tensor {
  return inPlace("bitwiseRightShift_", x, [other], (x) => bitwiseRightShift(x, other));
}
