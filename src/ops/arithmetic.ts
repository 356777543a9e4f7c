/**
 * Arithmetic on two tensors, or a tensor and a number, with broadcasting.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { record } from "../autograd/record.ts";
import { computeType, type DType, float32 } from "../backend/dtype.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { convert, emptyLike } from "../tensor/create.ts";
import { sameShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { copyInto } from "./copy.ts";
import { zerosLike } from "./create.ts";
import {
  binary,
  checkInPlace,
  checkOperand,
  checkTensors,
  computeInPlace,
  floatType,
  gradFor,
  hasKernel,
  inPlace,
  type KernelTable,
  kernelTable,
  type Operand,
  resultType,
  tensorsOf,
  ternary,
  wantsGrad,
} from "./elementwise.ts";
import { recordInPlace } from "./in_place.ts";
import { roundedQuotient } from "./quotient.ts";

const ADD = kernelTable("add"),
  ADD_MIXED = kernelTable("add_mixed"),
  SUB = kernelTable("sub"),
  MUL = kernelTable("mul"),
  DIV = kernelTable("div"),
  ADDCMUL = kernelTable("addcmul"),
  OR = kernelTable("bitwise_or");

/** Options of `add` and `sub`. */
export interface AlphaOptions {
  /** Factor of the second operand. */
  alpha?: number | bigint | boolean;
}

/** The arguments of `add` and `sub` after the operands. */
export type AlphaArgs = Args<[alpha: number | bigint | boolean], AlphaOptions>;

/** How a quotient is rounded: not at all, towards zero, or down. */
export type RoundingMode = "trunc" | "floor" | null;

/** Options of `div`. */
export interface DivOptions {
  /** How the quotient is rounded. */
  roundingMode?: RoundingMode;
}

/** The arguments of `div` after the operands. */
export type DivArgs = Args<[roundingMode: RoundingMode], DivOptions>;

/** The dtype of a + b; throws for operands that are not numbers. Two float32 tensors are the case to be quick in. */
function typeOf(call: string, a: Operand, b: Operand): DType {
  if (a instanceof Tensor && b instanceof Tensor) {
    if (a.dtype === b.dtype) return a.dtype;
  } else {
    checkOperand(call, "input", a);
    checkOperand(call, "other", b);
    if (a instanceof Tensor && a.dtype === float32 && typeof b === "number") return float32;
  }
  return resultType(a, b);
}

/** The factor of the second operand of a sum of `dtype`. */
function readAlpha(call: string, args: AlphaArgs, dtype: DType): number | bigint | boolean {
  const { alpha } = read(call, { alpha: 1 as number | bigint | boolean }, args);
  if (typeof alpha !== "number" && typeof alpha !== "bigint" && typeof alpha !== "boolean") {
    throw new TypeError(`${call}: alpha must be a number, got ${typeof alpha}`);
  }
  if (dtype.kind !== "float" && typeof alpha === "number" && !Number.isInteger(alpha)) {
    throw new TypeError(`${call}: alpha must be a whole number for ${dtype}, got ${alpha}`);
  }
  if (dtype.kind !== "bool" && typeof alpha === "boolean") {
    throw new TypeError(`${call}: alpha may be a boolean for torch.bool only, not for ${dtype}`);
  }
  return alpha;
}

/** The kernels of a + b: the sum of booleans is their logical or. */
function addTable(dtype: DType): KernelTable {
  return dtype.kind === "bool" ? OR : ADD;
}

/** a + alpha * b in `dtype`, into `out` if given; no history. */
function sum(
  call: string,
  a: Operand,
  b: Operand,
  alpha: number | bigint | boolean,
  dtype: DType,
  out?: Tensor,
): Tensor {
  if (alpha !== 1 && alpha !== true) {
    if (dtype.kind === "float") return ternary(call, ADDCMUL, a, b, alpha, dtype, out);
    b = binary(call, MUL, b, alpha, dtype);
  }
  if (dtype === float32 && a instanceof Tensor && b instanceof Tensor && a.dtype !== b.dtype) {
    const y = a.dtype === dtype ? mixedSum(a, b, out) : mixedSum(b, a, out);
    if (y !== null) return y;
  }
  return binary(call, addTable(dtype), a, b, dtype, dtype, out);
}

/** a + b of float32 and a narrow type, where the device has a kernel for it, and the tensors lie alike; else null. */
function mixedSum(a: Tensor, b: Tensor, out: Tensor | undefined): Tensor | null {
  const { backend } = a;
  if (
    a.dtype !== float32 || !hasKernel(backend, ADD_MIXED, b.dtype) || b.backend !== backend ||
    !a.dense || !b.dense || !sameShape(a.shape, b.shape)
  ) return null;
  const y = out ?? emptyLike(a), n = y.numElements;
  if (n === 0) return y;
  const kernel = backend.kernels[ADD_MIXED[b.dtype.id]!] as typeof backend.kernels.add;
  kernel(y.pointer, a.pointer, b.pointer, n, 0, 1, 0, 1, 0, n);
  return y;
}

/** a + alpha * b. */
export function add(input: Operand, other: Operand, ...args: AlphaArgs): Tensor {
  const dtype = typeOf("add", input, other);
  const alpha = args.length === 0 ? 1 : readAlpha("add", args, dtype);
  const y = sum("add", input, other, alpha, dtype);
  return record("add", y, [input, other], [
    (dy) => gradFor(dy, input),
    (dy) => gradFor(scaled(dy, alpha), other),
  ]);
}

function scaled(dy: Tensor, alpha: number | bigint | boolean): Tensor {
  return alpha === 1 ? dy : mul(dy, alpha);
}

/** Throws `TypeError` when a boolean is subtracted from or with. */
function checkSub(call: string, a: Operand, b: Operand): void {
  const isBool = (x: Operand) => x instanceof Tensor ? x.dtype.kind === "bool" : x === !!x;
  if (isBool(a) || isBool(b)) {
    throw new TypeError(
      `${call}: not defined for torch.bool; use logicalXor, or logicalNot to invert a mask`,
    );
  }
}

/** a - alpha * b. */
export function sub(input: Operand, other: Operand, ...args: AlphaArgs): Tensor {
  return difference("sub", input, other, args);
}

/** b - alpha * a: `sub` with its operands swapped. */
export function rsub(input: Tensor, other: Operand, ...args: AlphaArgs): Tensor {
  checkTensors("rsub", { input });
  return difference("rsub", other, input, args);
}

function difference(call: string, a: Operand, b: Operand, args: AlphaArgs): Tensor {
  const dtype = typeOf(call, a, b);
  checkSub(call, a, b);
  const alpha = args.length === 0 ? 1 : readAlpha(call, args, dtype);
  const y = alpha === 1
    ? binary(call, SUB, a, b, dtype)
    : sum(call, a, b, -(alpha as number), dtype);
  const op = call === "rsub" && !(a instanceof Tensor) ? "RsubBackward1" : call;
  return record(op, y, [a, b], [
    (dy) => gradFor(dy, a),
    (dy) => gradFor(mul(dy, -(alpha as number)), b),
  ]);
}

/** a * b, elementwise. */
export function mul(input: Operand, other: Operand): Tensor {
  const y = binary("mul", MUL, input, other, typeOf("mul", input, other));
  return record("mul", y, [input, other], [
    (dy) => gradFor(mul(dy, other), input),
    (dy) => gradFor(mul(dy, input), other),
  ], factors(input, other));
}

const NO_TENSORS: readonly Tensor[] = [];

/** Those tensors whose elements the gradients of a product of `a` and `b` read. */
function factors(a: Operand, b: Operand): readonly Tensor[] {
  const left = wantsGrad(b) && a instanceof Tensor, right = wantsGrad(a) && b instanceof Tensor;
  if (left) return right ? [a, b] : [a];
  return right ? [b] : NO_TENSORS;
}

/**
 * a / b; integers are divided as float32. With `roundingMode` `"trunc"` or `"floor"` the quotient is rounded, and
 * integers stay integers.
 *
 * @throws RangeError when integers are divided by zero and rounded.
 */
export function div(input: Operand, other: Operand, ...args: DivArgs): Tensor {
  const rounding = args.length === 0 ? null : readRounding("div", args);
  const dtype = typeOf("div", input, other);
  if (rounding !== null) {
    const y = roundedQuotient("div", rounding, input, other, dtype);
    // Flat between its jumps.
    return record("DivBackward2", y, [input, other], [
      (dy) => gradFor(zerosLike(dy), input),
      (dy) => gradFor(zerosLike(dy), other),
    ]);
  }
  const y = binary("div", DIV, input, other, floatType(dtype));
  return record("div", y, [input, other], [
    (dy) => gradFor(div(dy, other), input),
    (dy) => gradFor(mul(dy, div(mul(div(input, other), -1), other)), other),
  ], wantsGrad(other) ? tensorsOf(input, other) : tensorsOf(other));
}

function readRounding(call: string, args: DivArgs): RoundingMode {
  const { roundingMode } = read(call, { roundingMode: null as RoundingMode }, args);
  if (roundingMode !== null && roundingMode !== "trunc" && roundingMode !== "floor") {
    throw new TypeError(
      `${call}: roundingMode must be "trunc", "floor" or null, got ${describeValue(roundingMode)}`,
    );
  }
  return roundingMode;
}

/** x += alpha * other. */
export function add_(x: Tensor, other: Operand, ...args: AlphaArgs): Tensor {
  const dtype = typeOf("add_", x, other);
  const alpha = args.length === 0 ? 1 : readAlpha("add_", args, dtype);
  addInPlace("add_", x, other, alpha, dtype);
  return recordInPlace("add", x, [x, other], [
    (dy) => dy,
    (dy) => gradFor(scaled(dy, alpha), other),
  ]);
}

function addInPlace(
  call: string,
  x: Tensor,
  other: Operand,
  alpha: number | bigint | boolean,
  dtype: DType,
): void {
  if (alpha === 1 || alpha === true) {
    return computeInPlace(call, addTable(dtype), x, other, dtype);
  }
  checkInPlace(call, x, other instanceof Tensor ? other.shape : [], dtype, [x, other]);
  const direct = x.dense && dtype === x.dtype && computeType(dtype) === dtype &&
    !(other instanceof Tensor && other.storage === x.storage);
  const y = sum(call, x, other, alpha, dtype, direct ? x : undefined);
  if (!direct) copyInto(x, y.dtype === x.dtype ? y : convert(y, x.dtype));
}

/** x -= alpha * other. */
export function sub_(x: Tensor, other: Operand, ...args: AlphaArgs): Tensor {
  const dtype = typeOf("sub_", x, other);
  checkSub("sub_", x, other);
  const alpha = args.length === 0 ? 1 : readAlpha("sub_", args, dtype);
  if (alpha === 1) computeInPlace("sub_", SUB, x, other, dtype);
  else addInPlace("sub_", x, other, -(alpha as number), dtype);
  return recordInPlace("sub", x, [x, other], [
    (dy) => dy,
    (dy) => gradFor(mul(dy, -(alpha as number)), other),
  ]);
}

/** x *= other. */
export function mul_(x: Tensor, other: Operand): Tensor {
  // The gradient of `other` reads the elements as they were.
  if (wantsGrad(other)) return inPlace("mul_", x, [other], (x) => mul(x, other));
  computeInPlace("mul_", MUL, x, other, typeOf("mul_", x, other));
  return recordInPlace("mul", x, [x], [(dy) => mul(dy, other)], tensorsOf(other));
}

/** x /= other; with `roundingMode`, the quotient is rounded. */
export function div_(x: Tensor, other: Operand, ...args: DivArgs): Tensor {
  if (args.length > 0 || wantsGrad(other)) {
    return inPlace("div_", x, [other], (x) => div(x, other, ...args));
  }
  computeInPlace("div_", DIV, x, other, floatType(typeOf("div_", x, other)));
  return recordInPlace("div", x, [x], [(dy) => div(dy, other)], tensorsOf(other));
}

export {
  div as divide,
  div as trueDivide,
  div_ as divide_,
  div_ as trueDivide_,
  mul as multiply,
  mul_ as multiply_,
  sub as subtract,
  sub_ as subtract_,
};
