/**
 * Whole quotients and remainders, with Python's signs or C's.
 *
 * @module
 */
import { record, recordWithoutGrad } from "../autograd/record.ts";
import { Tensor } from "../tensor/tensor.ts";
import { div, mul } from "./arithmetic.ts";
import {
  checkOperand,
  checkTensors,
  gradFor,
  inPlace,
  type Operand,
  resultType,
  tensorsOf,
  wantsGrad,
} from "./elementwise.ts";
import { remainderOf, roundedQuotient } from "./quotient.ts";

/**
 * a / b rounded down; integers stay integers. Has no derivative: `backward` through it throws.
 *
 * @throws RangeError when integers are divided by zero.
 */
export function floorDivide(input: Operand, other: Operand): Tensor {
  checkOperand("floorDivide", "input", input);
  checkOperand("floorDivide", "other", other);
  const dtype = resultType(input, other);
  const y = roundedQuotient("floorDivide", "floor", input, other, dtype);
  return recordWithoutGrad("floorDivide", y, [input, other]);
}

/**
 * The remainder of a / b with the sign of b, as Python's `%`: a - b * floor(a / b).
 *
 * @throws RangeError when integers are divided by zero.
 */
export function remainder(input: Operand, other: Operand): Tensor {
  checkOperand("remainder", "input", input);
  return modulo("remainder", "floor", input, other);
}

/**
 * The remainder of a / b with the sign of a, as C's `%` and `fmod`: a - b * trunc(a / b).
 *
 * @throws RangeError when integers are divided by zero.
 */
export function fmod(input: Tensor, other: Operand): Tensor {
  checkTensors("fmod", { input });
  return modulo("fmod", "trunc", input, other);
}

function modulo(call: string, rounding: "floor" | "trunc", a: Operand, b: Operand): Tensor {
  checkOperand(call, "other", b);
  const y = remainderOf(call, rounding, a, b, resultType(a, b));
  // Two tensors have a derivative of their own name.
  const op = b instanceof Tensor && a instanceof Tensor
    ? call === "fmod" ? "FmodBackward1" : "RemainderBackward1"
    : call;
  return record(op, y, [a, b], [
    (dy) => gradFor(dy, a),
    (dy) => gradFor(mul(mul(dy, div(a, b, rounding)), -1), b),
  ], wantsGrad(b) ? tensorsOf(a, b) : []);
}

/** x = floorDivide(x, other). */
export function floorDivide_(x: Tensor, other: Operand): Tensor {
  return inPlace("floorDivide_", x, [other], (x) => floorDivide(x, other));
}

/** x = remainder(x, other). */
export function remainder_(x: Tensor, other: Operand): Tensor {
  return inPlace("remainder_", x, [other], (x) => remainder(x, other));
}

/** x = fmod(x, other). */
export function fmod_(x: Tensor, other: Operand): Tensor {
  return inPlace("fmod_", x, [other], (x) => fmod(x, other));
}
