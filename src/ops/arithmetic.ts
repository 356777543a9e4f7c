/**
 * Arithmetic on two tensors, or a tensor and a number, with broadcasting.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type DType, float32 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { broadcast, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { canCast, cast, clone, copyInto, denseAs } from "./copy.ts";
import {
  binary,
  checkOperand,
  floatType,
  type KernelTable,
  kernelTable,
  type Operand,
  resultType,
} from "./elementwise.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";
import { sumTo } from "./sum_to.ts";

const ADD = kernelTable("add"),
  SUB = kernelTable("sub"),
  MUL = kernelTable("mul"),
  DIV = kernelTable("div");

/** Options of `add` and `sub`. */
export interface AlphaOptions {
  /** Factor of the second operand. */
  alpha?: number;
}

/** The gradient `dy` of a broadcast result as that of the operand `x`: summed over its broadcast axes, in its dtype. */
export function gradFor(dy: Tensor, x: Operand): Tensor {
  const to = x as Tensor;
  return cast(sumTo(dy, to.shape), to.dtype);
}

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

/** a + alpha * b. */
export function add(
  input: Operand,
  other: Operand,
  ...args: Args<[alpha: number], AlphaOptions>
): Tensor {
  if (args.length > 0) {
    const { alpha } = read("add", { alpha: 1 }, args);
    if (alpha !== 1) other = mul(other, alpha);
  }
  const y = binary("add", ADD, input, other, typeOf("add", input, other));
  return record("add", y, [input, other], [(dy) => gradFor(dy, input), (dy) => gradFor(dy, other)]);
}

/** a - alpha * b. */
export function sub(
  input: Operand,
  other: Operand,
  ...args: Args<[alpha: number], AlphaOptions>
): Tensor {
  if (args.length > 0) {
    const { alpha } = read("sub", { alpha: 1 }, args);
    if (alpha !== 1) other = mul(other, alpha);
  }
  const dtype = typeOf("sub", input, other);
  if (dtype.kind === "bool") throw new TypeError("sub: not defined for torch.bool; use logicalXor");
  const y = binary("sub", SUB, input, other, dtype);
  return record("sub", y, [input, other], [
    (dy) => gradFor(dy, input),
    (dy) => gradFor(mul(dy, -1), other),
  ]);
}

/** a * b, elementwise. */
export function mul(input: Operand, other: Operand): Tensor {
  const y = binary("mul", MUL, input, other, typeOf("mul", input, other));
  return record("mul", y, [input, other], [
    (dy) => gradFor(mul(dy, other), input),
    (dy) => gradFor(mul(dy, input), other),
  ], savedOf(input, other));
}

/** Those tensors whose elements the gradients of a product of `a` and `b` read. */
function savedOf(a: Operand, b: Operand): Tensor[] {
  const saved: Tensor[] = [];
  if (b instanceof Tensor && b.requiresGrad && a instanceof Tensor) saved.push(a);
  if (a instanceof Tensor && a.requiresGrad && b instanceof Tensor) saved.push(b);
  return saved;
}

/** a / b; integers are divided as float32. */
export function div(input: Operand, other: Operand): Tensor {
  const dtype = floatType(typeOf("div", input, other));
  const y = binary("div", DIV, input, other, dtype);
  return record("div", y, [input, other], [
    (dy) => gradFor(div(dy, other), input),
    (dy) => gradFor(mul(dy, div(mul(-1, div(input, other)), other)), other),
  ], [input, other].filter((x) => x instanceof Tensor));
}

/**
 * x = op(x, other) in the memory of x: checks that the result fits, computes, and leaves the history to the caller.
 *
 * @throws RangeError when `other` does not broadcast to the shape of `x`.
 * @throws TypeError when the result's dtype cannot be written into that of `x`.
 */
export function computeInPlace(
  call: string,
  table: KernelTable,
  x: Tensor,
  other: Operand,
  dtype: DType,
): void {
  checkTensor(call, "self", x);
  checkOperand(call, "other", other);
  if (other instanceof Tensor && !sameShape(broadcast(call, x.shape, other.shape), x.shape)) {
    throw new RangeError(
      `${call}: the result's shape ${
        show(broadcast(call, x.shape, other.shape))
      } is not that of the tensor, ${show(x.shape)}`,
    );
  }
  if (!canCast(dtype, x.dtype)) {
    throw new TypeError(
      `${call}: a result of ${dtype} cannot be written into a tensor of ${x.dtype}`,
    );
  }
  beginInPlace(call, x);
  if (other instanceof Tensor && other.storage === x.storage && other !== x) {
    other = clone(other.detach());
  }
  const name = table[x.dtype.id];
  if (x.dense && dtype === x.dtype && name !== undefined) {
    binary(call, table, x, other, dtype, dtype, x);
  } else copyInto(x, denseAs(binary(call, table, x, other, dtype), x.dtype));
}

/** x += alpha * other. */
export function add_(
  x: Tensor,
  other: Operand,
  ...args: Args<[alpha: number], AlphaOptions>
): Tensor {
  const { alpha } = read("add_", { alpha: 1 }, args);
  if (alpha !== 1) other = mul(other, alpha);
  computeInPlace("add_", ADD, x, other, resultType(x, other));
  return recordInPlace("add", x, [x, other], [(dy) => dy, (dy) => gradFor(dy, other)]);
}

/** x -= alpha * other. */
export function sub_(
  x: Tensor,
  other: Operand,
  ...args: Args<[alpha: number], AlphaOptions>
): Tensor {
  const { alpha } = read("sub_", { alpha: 1 }, args);
  if (alpha !== 1) other = mul(other, alpha);
  computeInPlace("sub_", SUB, x, other, resultType(x, other));
  return recordInPlace("sub", x, [x, other], [(dy) => dy, (dy) => gradFor(mul(dy, -1), other)]);
}
