/**
 * Powers, and functions of two variables made of powers, logarithms and angles.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type DType, float64 } from "../backend/dtype.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { eq, ge, le } from "./compare.ts";
import { cast } from "./copy.ts";
import { zerosLike } from "./create.ts";
import {
  binary,
  checkOperand,
  checkTensors,
  floatType,
  gradFor,
  inPlace,
  type KernelTable,
  kernelTable,
  type Operand,
  resultType,
  tensorsOf,
  unary,
  wantsGrad,
} from "./elementwise.ts";
import { logicalAnd } from "./logic.ts";
import { maskedFill } from "./pointwise.ts";
import { exp, exp2, log } from "./unary.ts";

const POW = kernelTable("pow"),
  MUL = kernelTable("mul"),
  DIV = kernelTable("div"),
  SQRT = kernelTable("sqrt"),
  RSQRT = kernelTable("rsqrt"),
  ATAN2 = kernelTable("atan2"),
  HYPOT = kernelTable("hypot"),
  LOGADDEXP = kernelTable("logaddexp"),
  LOGADDEXP2 = kernelTable("logaddexp2"),
  XLOGY = kernelTable("xlogy"),
  COPYSIGN = kernelTable("copysign");

/** The arguments of `pow` and `floatPower` after the base. */
export type ExponentArgs = Args<[exponent: Operand], {
  /** The power to raise to. */
  exponent?: Operand;
}>;

function readExponent(call: string, args: ExponentArgs): Operand {
  const { exponent } = read(call, { exponent: undefined as Operand | undefined }, args);
  checkOperand(call, "exponent", exponent);
  return exponent;
}

/**
 * `input` to the power of `exponent`, of which one may be a number. Integers stay integers.
 *
 * @throws RangeError for integers to a negative number.
 */
export function pow(input: Operand, ...args: ExponentArgs): Tensor {
  const exponent = readExponent("pow", args);
  checkOperand("pow", "input", input);
  const [a, b] = castAll("pow", input, exponent);
  return power("pow", a, b, resultType(a, b));
}

/** `input` to the power of `exponent`, computed in float64. */
export function floatPower(input: Operand, ...args: ExponentArgs): Tensor {
  const exponent = readExponent("floatPower", args);
  checkOperand("floatPower", "input", input);
  const wide = (x: Operand) => x instanceof Tensor ? cast(x, float64) : x;
  return power("floatPower", wide(input), wide(exponent), float64);
}

function power(call: string, base: Operand, exponent: Operand, dtype: DType): Tensor {
  if (!(base instanceof Tensor) && !(exponent instanceof Tensor)) {
    throw new TypeError(`${call}: the base or the exponent must be a tensor, got two numbers`);
  }
  if (dtype.kind === "bool") throw new TypeError(`${call}: not defined for torch.bool`);
  if (!(exponent instanceof Tensor)) return numberPower(call, base as Tensor, exponent, dtype);
  const y = binary(call, POW, base, exponent, dtype);
  return record(base instanceof Tensor ? "PowBackward1" : "PowBackward2", y, [base, exponent], [
    (dy) => {
      const slope = mul(exponent, pow(base, sub(exponent, 1)));
      return gradFor(maskedFill(mul(dy, slope), eq(exponent, 0), 0), base);
    },
    (dy) => {
      const slope = mul(y, base instanceof Tensor ? log(base) : Math.log(Number(base)));
      const dx = mul(dy, slope);
      if (!(base instanceof Tensor) && Number(base) !== 0) return gradFor(dx, exponent);
      // 0 to any power from 0 is flat, though its logarithm is not finite.
      const rising = ge(exponent, 0);
      const flat = base instanceof Tensor ? logicalAnd(eq(base, 0), rising) : rising;
      return gradFor(maskedFill(dx, flat, 0), exponent);
    },
  ], wantsGrad(exponent) ? [...tensorsOf(base), exponent, y] : tensorsOf(base, exponent));
}

/** `x` to the power of one number. */
function numberPower(
  call: string,
  x: Tensor,
  exponent: number | bigint | boolean,
  dtype: DType,
): Tensor {
  if (dtype.kind !== "float" && Number(exponent) < 0) {
    throw new RangeError(
      `${call}: integers cannot be raised to the negative power ${exponent}; use a floating-point tensor`,
    );
  }
  const e = Number(exponent);
  const slope = () => mul(e === 2 ? x : pow(x, e - 1), e);
  return record("pow", numberPowerOf(call, x, exponent, dtype), [x], [
    (dy) => gradFor(e === 0 ? zerosLike(dy) : mul(dy, slope()), x),
  ], [x]);
}

/** `x` to the power of one number, by products and roots where they do; no history. */
function numberPowerOf(
  call: string,
  x: Tensor,
  exponent: number | bigint | boolean,
  dtype: DType,
): Tensor {
  switch (Number(exponent)) {
    case -1:
      return binary(call, DIV, 1, x, dtype);
    case -0.5:
      return unary(call, RSQRT, x, dtype);
    case 0.5:
      return unary(call, SQRT, x, dtype);
    case 1:
      return binary(call, MUL, x, 1, dtype);
    case 2:
      return binary(call, MUL, x, x, dtype);
    case 3:
      return binary(call, MUL, binary(call, MUL, x, x, dtype), x, dtype);
    default:
      return binary(call, POW, x, exponent, dtype);
  }
}

/** x = pow(x, exponent). */
export function pow_(x: Tensor, ...args: ExponentArgs): Tensor {
  return inPlace("pow_", x, args, (x) => pow(x, ...args));
}

/**
 * x = floatPower(x, exponent).
 *
 * @throws TypeError when `x` is not of float64.
 */
export function floatPower_(x: Tensor, ...args: ExponentArgs): Tensor {
  checkTensors("floatPower_", { self: x });
  if (x.dtype !== float64) {
    throw new TypeError(`floatPower_: the result of torch.float64 does not fit ${x.dtype}`);
  }
  return inPlace("floatPower_", x, args, (x) => floatPower(x, ...args));
}

/** input * 2^other. */
export function ldexp(input: Tensor, other: Tensor): Tensor {
  checkTensors("ldexp", { input, other });
  return mul(input, pow(2, cast(other, floatType(other.dtype))));
}

/** x = ldexp(x, other). */
export function ldexp_(x: Tensor, other: Tensor): Tensor {
  return inPlace("ldexp_", x, [other], (x) => ldexp(x, other));
}

/** A function of two floating-point tensors; integers are taken as float32 where `integers` says so. */
function floating(
  call: string,
  table: KernelTable,
  input: Tensor,
  other: Tensor,
  integers: boolean,
): Tensor {
  checkTensors(call, { input, other });
  const dtype = resultType(input, other);
  if (!integers && dtype.kind !== "float") {
    throw new TypeError(`${call}: expected floating-point tensors, got ${dtype}`);
  }
  return binary(call, table, input, other, floatType(dtype));
}

/** The angle of the point (other, input), in radians from -pi to pi. */
export function atan2(input: Tensor, other: Tensor): Tensor {
  const y = floating("atan2", ATAN2, input, other, true);
  const { dtype } = y;
  const perSquare = (x: Tensor) => div(cast(x, dtype), add(mul(input, input), mul(other, other)));
  return record("atan2", y, [input, other], [
    (dy) => gradFor(mul(dy, perSquare(other)), input),
    (dy) => gradFor(mul(mul(dy, perSquare(input)), -1), other),
  ], [input, other]);
}

/** x = atan2(x, other). */
export function atan2_(x: Tensor, other: Tensor): Tensor {
  return inPlace("atan2_", x, [other], (x) => atan2(x, other));
}

/** sqrt(input^2 + other^2), without overflow on the way. */
export function hypot(input: Tensor, other: Tensor): Tensor {
  const y = floating("hypot", HYPOT, input, other, false);
  return record("hypot", y, [input, other], [
    (dy) => gradFor(mul(dy, div(input, y)), input),
    (dy) => gradFor(mul(dy, div(other, y)), other),
  ], [input, other, y]);
}

/** x = hypot(x, other). */
export function hypot_(x: Tensor, other: Tensor): Tensor {
  return inPlace("hypot_", x, [other], (x) => hypot(x, other));
}

/** log(e^input + e^other), without overflow on the way. */
export function logaddexp(input: Tensor, other: Tensor): Tensor {
  const y = floating("logaddexp", LOGADDEXP, input, other, false);
  const share = (x: Tensor, rest: Tensor) => (dy: Tensor) =>
    gradFor(div(dy, add(exp(sub(rest, x)), 1)), x);
  return record("logaddexp", y, [input, other], [share(input, other), share(other, input)], [
    input,
    other,
  ]);
}

/** log2(2^input + 2^other), without overflow on the way. */
export function logaddexp2(input: Tensor, other: Tensor): Tensor {
  const y = floating("logaddexp2", LOGADDEXP2, input, other, false);
  const share = (x: Tensor, rest: Tensor) => (dy: Tensor) =>
    gradFor(div(dy, add(exp2(sub(rest, x)), 1)), x);
  return record("logaddexp2", y, [input, other], [share(input, other), share(other, input)], [
    input,
    other,
  ]);
}

/** input * log(other), and 0 where `input` is 0, unless `other` is NaN. */
export function xlogy(input: Operand, other: Operand): Tensor {
  checkOperand("xlogy", "input", input);
  checkOperand("xlogy", "other", other);
  if (!(input instanceof Tensor) && !(other instanceof Tensor)) {
    throw new TypeError("xlogy: an operand must be a tensor, got two numbers");
  }
  const y = binary("xlogy", XLOGY, input, other, floatType(resultType(input, other)));
  return record("xlogy", y, [input, other], [
    (dy) => {
      const x = input as Tensor, zero = eq(x, 0);
      // The logarithm's infinity counts for nothing where x is 0.
      const flat = other instanceof Tensor
        ? logicalAnd(zero, le(other, 0))
        : Number(other) <= 0
        ? zero
        : null;
      const dx = xlogy(dy, other);
      return gradFor(flat === null ? dx : maskedFill(dx, flat, 0), x);
    },
    (dy) => gradFor(mul(dy, div(input, other)), other),
  ], tensorsOf(input, other));
}

/** x = xlogy(x, other). */
export function xlogy_(x: Tensor, other: Operand): Tensor {
  return inPlace("xlogy_", x, [other], (x) => xlogy(x, other));
}

/** The magnitude of `input` with the sign of `other`. */
export function copysign(input: Tensor, other: Operand): Tensor {
  checkTensors("copysign", { input });
  checkOperand("copysign", "other", other);
  const y = binary("copysign", COPYSIGN, input, other, floatType(resultType(input, other)));
  return record(other instanceof Tensor ? "copysign" : "CopysignBackward1", y, [input, other], [
    (dy) => gradFor(mul(dy, maskedFill(div(y, input), eq(input, 0), 0)), input),
    (dy) => gradFor(zerosLike(dy), other),
  ], [input, y]);
}

/** x = copysign(x, other). */
export function copysign_(x: Tensor, other: Operand): Tensor {
  return inPlace("copysign_", x, [other], (x) => copysign(x, other));
}

export { atan2 as arctan2, atan2_ as arctan2_ };
