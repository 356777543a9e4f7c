/**
 * Choices between elements, and other elementwise functions of three tensors: where, maskedFill, lerp, addcmul.
 *
 * @module
 */
import { record, recordWithoutGrad } from "../autograd/record.ts";
import { bool, type DType, limits, uint8 } from "../backend/dtype.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { eq, gt, isfinite, isnan } from "./compare.ts";
import { cast, clone, denseAs, type FillArgs, readFillValue } from "./copy.ts";
import {
  binary,
  broadcastInto,
  checkOperand,
  checkTensors,
  gradFor,
  inPlace,
  kernelTable,
  type Operand,
  resultType,
  tensorsOf,
  ternary,
  wantsGrad,
} from "./elementwise.ts";
import { nonzero } from "./index.ts";
import { sum } from "./reduce.ts";
import { detach } from "./view.ts";

const ADD = kernelTable("add"),
  MUL = kernelTable("mul"),
  DIV = kernelTable("div"),
  LERP = kernelTable("lerp"),
  ADDCMUL = kernelTable("addcmul");

/** `x` as a condition: booleans, or bytes that stand for them. */
function conditionOf(call: string, name: string, x: unknown): Tensor {
  checkTensors(call, { [name]: x });
  const condition = x as Tensor;
  if (condition.dtype !== bool && condition.dtype !== uint8) {
    throw new TypeError(`${call}: ${name} must be of torch.bool, got ${condition.dtype}`);
  }
  return condition;
}

/** `x` where `condition` is true, else `y`; both of one dtype; no history. */
function choose(call: string, condition: Tensor, x: Tensor, y: Tensor): Tensor {
  const kernel = `where_b${x.dtype.size as 1 | 2 | 4 | 8}` as const;
  return broadcastInto(call, kernel, [condition, x, y], x.dtype, x.dtype);
}

/** `x` in `dtype` for `choose`, beside `like`: a number as one element. */
function element(x: Operand, dtype: DType, like: Tensor): Tensor {
  if (!(x instanceof Tensor)) return fillWith(emptyOn(like.backend, [], dtype), x);
  return x.dtype === dtype ? x : denseAs(x, dtype);
}

/** The elements of `input` where `condition` is true, of `other` elsewhere; all three broadcast. */
export function where(condition: Tensor, input: Operand, other: Operand): Tensor;
/** The indexes of the elements of `condition` that are not zero, one vector for each axis: as `nonzero`. */
export function where(condition: Tensor): Tensor[];
export function where(condition: Tensor, ...values: Operand[]): Tensor | Tensor[] {
  if (values.length === 0) return nonzero(condition, true);
  const [input, other] = values;
  conditionOf("where", "condition", condition);
  checkOperand("where", "input", input);
  checkOperand("where", "other", other);
  const dtype = resultType(input, other);
  const y = choose(
    "where",
    condition,
    element(input, dtype, condition),
    element(other, dtype, condition),
  );
  return record("where", y, [input, other], [
    (dy) => gradFor(where(condition, dy, 0), input),
    (dy) => gradFor(where(condition, 0, dy), other),
  ], [condition]);
}

/** The elements of `input`, and `value` where `mask` is true. Both broadcast; the dtype is that of `input`. */
export function maskedFill(input: Tensor, mask: Tensor, ...args: FillArgs): Tensor {
  checkTensors("maskedFill", { input });
  conditionOf("maskedFill", "mask", mask);
  const value = readFillValue("maskedFill", args, input.dtype);
  const filled = element(value, input.dtype, input);
  return record("masked_fill", choose("maskedFill", mask, filled, input), [input, value], [
    (dy) => gradFor(maskedFill(dy, mask, 0), input),
    (dy) => cast(sum(where(mask, dy, 0)), (value as Tensor).dtype),
  ], [mask]);
}

/** x = maskedFill(x, mask, value). */
export function maskedFill_(x: Tensor, mask: Tensor, ...args: FillArgs): Tensor {
  return inPlace("maskedFill_", x, [mask, ...args], (x) => maskedFill(x, mask, ...args));
}

/** The arguments of `nanToNum` after the tensor. */
export type NanToNumArgs = Args<
  [nan: number | null, posinf: number | null, neginf: number | null],
  {
    /** What NaN becomes; 0 by default. */
    nan?: number | null;
    /** What infinity becomes; the greatest finite value by default. */
    posinf?: number | null;
    /** What negative infinity becomes; the least finite value by default. */
    neginf?: number | null;
  }
>;

/** Finite numbers in place of NaN and the infinities. */
export function nanToNum(input: Tensor, ...args: NanToNumArgs): Tensor {
  checkTensors("nanToNum", { input });
  const none = null as number | null;
  const { nan, posinf, neginf } = read("nanToNum", { nan: none, posinf: none, neginf: none }, args);
  if (input.dtype.kind !== "float") return clone(input);
  const [lowest, highest] = limits(input.dtype);
  let y = detach(input);
  y = where(eq(input, -Infinity), neginf ?? lowest, y);
  y = where(eq(input, Infinity), posinf ?? highest, y);
  y = where(isnan(input), nan ?? 0, y);
  return record("nan_to_num", y, [input], [(dy) => where(isfinite(input), dy, 0)], [input]);
}

/** x = nanToNum(x). */
export function nanToNum_(x: Tensor, ...args: NanToNumArgs): Tensor {
  return inPlace("nanToNum_", x, args, (x) => nanToNum(x, ...args));
}

/** 0 for negative elements, 1 for positive ones, and `values` at 0: the step function. Has no derivative. */
export function heaviside(input: Tensor, values: Tensor): Tensor {
  checkTensors("heaviside", { input, values });
  checkSameDType("heaviside", input, values);
  const step = denseAs(gt(input, 0), input.dtype);
  const y = where(eq(input, 0), detach(values), step);
  return recordWithoutGrad("heaviside", y, [input, values]);
}

/** x = heaviside(x, values). */
export function heaviside_(x: Tensor, values: Tensor): Tensor {
  return inPlace("heaviside_", x, [values], (x) => heaviside(x, values));
}

/** Throws `TypeError` unless both tensors have one dtype. */
function checkSameDType(call: string, a: Tensor, b: Tensor): void {
  if (a.dtype === b.dtype) return;
  throw new TypeError(`${call}: expected tensors of one dtype, got ${a.dtype} and ${b.dtype}`);
}

/** The arguments of `lerp` after the ends. */
export type LerpArgs = Args<[weight: number | Tensor], {
  /** 0 for the first end, 1 for the other. */
  weight?: number | Tensor;
}>;

/** From `input` to `end`: input + weight * (end - input). All tensors have one floating-point dtype. */
export function lerp(input: Tensor, end: Tensor, ...args: LerpArgs): Tensor {
  checkTensors("lerp", { input, end });
  const { weight } = read("lerp", { weight: undefined as number | Tensor | undefined }, args);
  checkOperand("lerp", "weight", weight);
  checkSameDType("lerp", input, end);
  if (weight instanceof Tensor) checkSameDType("lerp", input, weight);
  const { dtype } = input;
  if (dtype.kind !== "float") {
    throw new TypeError(`lerp: expected floating-point tensors, got ${dtype}`);
  }
  const y = ternary("lerp", LERP, input, end, weight, dtype);
  return record("lerp", y, [input, end, weight], [
    (dy) => gradFor(mul(dy, weight instanceof Tensor ? sub(1, weight) : 1 - Number(weight)), input),
    (dy) => gradFor(mul(dy, weight), end),
    (dy) => gradFor(mul(dy, sub(end, input)), weight),
  ], [
    ...(wantsGrad(input) || wantsGrad(end) ? tensorsOf(weight) : []),
    ...(wantsGrad(weight) ? [input, end] : []),
  ]);
}

/** x = lerp(x, end, weight). */
export function lerp_(x: Tensor, end: Tensor, ...args: LerpArgs): Tensor {
  return inPlace("lerp_", x, [end, ...args], (x) => lerp(x, end, ...args));
}

/** The arguments of `addcmul` and `addcdiv` after the tensors. */
export type ValueArgs = Args<[value: number], {
  /** Factor of the product or quotient; 1 by default. */
  value?: number;
}>;

function readValue(call: string, args: ValueArgs): number {
  const { value } = read(call, { value: 1 }, args);
  checkOperand(call, "value", value);
  if ((value as unknown) instanceof Tensor) throw new TypeError(`${call}: value must be a number`);
  return value;
}

/** input + value * tensor1 * tensor2. */
export function addcmul(
  input: Tensor,
  tensor1: Tensor,
  tensor2: Tensor,
  ...args: ValueArgs
): Tensor {
  checkTensors("addcmul", { input, tensor1, tensor2 });
  const value = readValue("addcmul", args), dtype = resultType(input, tensor1, tensor2);
  if (dtype.kind === "bool") throw new TypeError("addcmul: not defined for torch.bool");
  const factor = value === 1 ? tensor1 : binary("addcmul", MUL, tensor1, value, dtype);
  const y = dtype.kind === "float"
    ? ternary("addcmul", ADDCMUL, input, factor, tensor2, dtype)
    : binary("addcmul", ADD, input, binary("addcmul", MUL, factor, tensor2, dtype), dtype);
  return record("addcmul", y, [input, tensor1, tensor2], [
    (dy) => gradFor(dy, input),
    (dy) => gradFor(mul(dy, mul(tensor2, value)), tensor1),
    (dy) => gradFor(mul(dy, mul(tensor1, value)), tensor2),
  ], [
    ...(wantsGrad(tensor1) ? [tensor2] : []),
    ...(wantsGrad(tensor2) ? [tensor1] : []),
  ]);
}

/** input + value * tensor1 / tensor2. */
export function addcdiv(
  input: Tensor,
  tensor1: Tensor,
  tensor2: Tensor,
  ...args: ValueArgs
): Tensor {
  checkTensors("addcdiv", { input, tensor1, tensor2 });
  const value = readValue("addcdiv", args), dtype = resultType(input, tensor1, tensor2);
  if (tensor1.dtype.kind !== "float" && tensor2.dtype.kind !== "float") {
    throw new TypeError(
      `addcdiv: expected a floating-point tensor to divide by or to be divided, got ${tensor1.dtype} and ${tensor2.dtype}`,
    );
  }
  const quotient = binary("addcdiv", DIV, tensor1, tensor2, dtype);
  const y = ternary("addcdiv", ADDCMUL, input, quotient, value, dtype);
  return record("addcdiv", y, [input, tensor1, tensor2], [
    (dy) => gradFor(dy, input),
    (dy) => gradFor(mul(dy, div(value, tensor2)), tensor1),
    (dy) => {
      const slope = div(mul(tensor1, value), mul(tensor2, tensor2));
      return gradFor(mul(mul(dy, slope), -1), tensor2);
    },
  ], [
    ...(wantsGrad(tensor2) ? [tensor1] : []),
    ...(wantsGrad(tensor1) || wantsGrad(tensor2) ? [tensor2] : []),
  ]);
}

/** x = addcmul(x, tensor1, tensor2). */
export function addcmul_(
  x: Tensor,
  tensor1: Tensor,
  tensor2: Tensor,
  ...args: ValueArgs
): Tensor {
  return inPlace(
    "addcmul_",
    x,
    [tensor1, tensor2],
    (x) => addcmul(x, tensor1, tensor2, ...args),
  );
}

/** x = addcdiv(x, tensor1, tensor2). */
export function addcdiv_(
  x: Tensor,
  tensor1: Tensor,
  tensor2: Tensor,
  ...args: ValueArgs
): Tensor {
  return inPlace(
    "addcdiv_",
    x,
    [tensor1, tensor2],
    (x) => addcdiv(x, tensor1, tensor2, ...args),
  );
}
