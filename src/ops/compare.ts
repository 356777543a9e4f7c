/**
 * Comparisons of elements, and what kind of number an element is.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { bool, type DType, int16, int32, int64 } from "../backend/dtype.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { emptyLike, fillWith } from "../tensor/create.ts";
import { sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item } from "./access.ts";
import {
  binary,
  checkOperand,
  checkTensors,
  floatType,
  type KernelTable,
  kernelTable,
  type Operand,
  resultType,
  unary,
} from "./elementwise.ts";
import { all } from "./reduce.ts";

const EQ = kernelTable("eq"),
  NE = kernelTable("ne"),
  LT = kernelTable("lt"),
  LE = kernelTable("le"),
  ABS = kernelTable("abs"),
  SUB = kernelTable("sub"),
  MUL = kernelTable("mul"),
  ADD = kernelTable("add"),
  AND = kernelTable("bitwise_and"),
  OR = kernelTable("bitwise_or");

/** A comparison, in the dtype that both operands promote to; `swap` compares other with input. Takes no gradient. */
function compare(
  call: string,
  table: KernelTable,
  input: Tensor,
  other: Operand,
  swap = false,
): Tensor {
  checkTensors(call, { input });
  checkOperand(call, "other", other);
  const same = other instanceof Tensor && other.dtype === input.dtype;
  const dtype = same ? input.dtype : resultType(input, other);
  const [a, b] = swap ? [other, input] : [input, other];
  return record(call, binary(call, table, a, b, dtype, bool), [], []);
}

/** Whether a = b, elementwise, as booleans. */
export function eq(input: Tensor, other: Operand): Tensor {
  return compare("eq", EQ, input, other);
}

/** Whether a differs from b. */
export function ne(input: Tensor, other: Operand): Tensor {
  return compare("ne", NE, input, other);
}

/** Whether a < b. */
export function lt(input: Tensor, other: Operand): Tensor {
  return compare("lt", LT, input, other);
}

/** Whether a <= b. */
export function le(input: Tensor, other: Operand): Tensor {
  return compare("le", LE, input, other);
}

/** Whether a > b. */
export function gt(input: Tensor, other: Operand): Tensor {
  return compare("gt", LT, input, other, true);
}

/** Whether a >= b. */
export function ge(input: Tensor, other: Operand): Tensor {
  return compare("ge", LE, input, other, true);
}

export { ge as greaterEqual, gt as greater, le as lessEqual, lt as less, ne as notEqual };

/** Options of `isclose` and `allclose`. */
export interface CloseOptions {
  /** The difference allowed, relative to `other`. */
  rtol?: number;
  /** The difference allowed beside that. */
  atol?: number;
  /** Whether NaN is close to NaN. */
  equalNan?: boolean;
}

/** The arguments of `isclose` and `allclose` after the tensors. */
export type CloseArgs = Args<[rtol: number, atol: number, equalNan: boolean], CloseOptions>;

/** Whether |a - b| <= atol + rtol |b|, elementwise. Both tensors must have one dtype. */
export function isclose(input: Tensor, other: Tensor, ...args: CloseArgs): Tensor {
  return closeness("isclose", input, other, args);
}

/** Whether all elements are close, as `isclose` says. */
export function allclose(input: Tensor, other: Tensor, ...args: CloseArgs): boolean {
  return item<boolean>(all(closeness("allclose", input, other, args)));
}

function closeness(call: string, input: Tensor, other: Tensor, args: CloseArgs): Tensor {
  checkTensors(call, { input, other });
  const { rtol, atol, equalNan } = read(call, { rtol: 1e-5, atol: 1e-8, equalNan: false }, args);
  if (input.dtype !== other.dtype) {
    throw new TypeError(
      `${call}: expected tensors of one dtype, got ${input.dtype} and ${other.dtype}`,
    );
  }
  for (const [name, value] of Object.entries({ rtol, atol })) {
    if (typeof value !== "number") {
      throw new TypeError(`${call}: ${name} must be a number, got ${typeof value}`);
    }
    if (!(value >= 0)) throw new RangeError(`${call}: ${name} must be from 0, got ${value}`);
  }
  const both = (table: KernelTable, a: Tensor, b: Tensor) => binary(call, table, a, b, bool);
  let close = compare(call, EQ, input, other);
  if (equalNan) close = both(OR, close, both(AND, isnan(input), isnan(other)));
  if (rtol === 0 && atol === 0) return close;
  const type = floatType(input.dtype);
  const magnitude = (x: Tensor) => unary(call, ABS, x, type);
  const allowed = binary(
    call,
    ADD,
    magnitude(binary(call, MUL, other, rtol, type)),
    atol,
    type,
  );
  const actual = magnitude(binary(call, SUB, input, other, type));
  const near = both(AND, isfinite(actual), compare(call, LE, actual, allowed));
  return record(call, both(OR, close, near), [], []);
}

/** Whether two tensors have one shape and equal elements; no NaN equals another. */
export function equal(input: Tensor, other: Tensor): boolean {
  checkTensors("equal", { input, other });
  return sameShape(input.shape, other.shape) &&
    item<boolean>(all(compare("equal", EQ, input, other)));
}

/** `value` for every element of `x`. */
function constant(x: Tensor, value: boolean): Tensor {
  return record("full_like", fillWith(emptyLike(x, bool), value), [], []);
}

/** Whether an element is not a number. */
export function isnan(input: Tensor): Tensor {
  checkTensors("isnan", { input });
  return input.dtype.kind === "float" ? compare("isnan", NE, input, input) : constant(input, false);
}

/** Whether an element is infinite, of either sign. */
export function isinf(input: Tensor): Tensor {
  checkTensors("isinf", { input });
  if (input.dtype.kind !== "float") return constant(input, false);
  return compare("isinf", EQ, unary("isinf", ABS, input), Infinity);
}

/** Whether an element is neither infinite nor NaN. */
export function isfinite(input: Tensor): Tensor {
  checkTensors("isfinite", { input });
  if (input.dtype.kind !== "float") return constant(input, true);
  return compare("isfinite", LT, unary("isfinite", ABS, input), Infinity);
}

/** Whether an element is positive infinity. */
export function isposinf(input: Tensor): Tensor {
  checkTensors("isposinf", { input });
  return input.dtype.kind === "float"
    ? compare("isposinf", EQ, input, Infinity)
    : constant(input, false);
}

/** Whether an element is negative infinity. */
export function isneginf(input: Tensor): Tensor {
  checkTensors("isneginf", { input });
  return input.dtype.kind === "float"
    ? compare("isneginf", EQ, input, -Infinity)
    : constant(input, false);
}

/** Whether an element is real: every one is, as there are no complex dtypes. */
export function isreal(input: Tensor): Tensor {
  checkTensors("isreal", { input });
  return constant(input, true);
}

/** Whether the sign bit is set: negative numbers, -0 and negative NaNs. */
export function signbit(input: Tensor): Tensor {
  checkTensors("signbit", { input });
  if (input.dtype.kind === "bool") return constant(input, false);
  return compare("signbit", LT, input.dtype.kind === "float" ? bitsOf(input) : input, 0);
}

/** The bits of floating-point elements as signed integers of their size; no history. */
function bitsOf(x: Tensor): Tensor {
  const types: Record<number, DType> = { 2: int16, 4: int32, 8: int64 };
  return new Tensor(x.storage, x.shape, types[x.dtype.size], x.strides, x.offset);
}
