/**
 * The greater and the smaller of two elements, and elements kept between bounds.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type DType, fits } from "../backend/dtype.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { Tensor } from "../tensor/tensor.ts";
import { div } from "./arithmetic.ts";
import { eq, ge, gt, isnan, le, lt } from "./compare.ts";
import {
  binary,
  checkOperand,
  checkTensors,
  gradFor,
  inPlace,
  type KernelTable,
  kernelTable,
  type Operand,
  resultType,
  tensorsOf,
  ternary,
} from "./elementwise.ts";
import { logicalAnd, logicalOr } from "./logic.ts";
import { maskedFill, where } from "./pointwise.ts";

const MAXIMUM = kernelTable("maximum"),
  MINIMUM = kernelTable("minimum"),
  FMAX = kernelTable("fmax"),
  FMIN = kernelTable("fmin"),
  CLAMP = kernelTable("clamp");

/** The greater of two elements; NaN where either is. Equal elements share the gradient. */
export function maximum(input: Tensor, other: Tensor): Tensor {
  return extremum("maximum", MAXIMUM, input, other, lt);
}

/** The smaller of two elements; NaN where either is. Equal elements share the gradient. */
export function minimum(input: Tensor, other: Tensor): Tensor {
  return extremum("minimum", MINIMUM, input, other, gt);
}

function extremum(
  call: string,
  table: KernelTable,
  a: Tensor,
  b: Tensor,
  loses: (x: Tensor, y: Tensor) => Tensor,
): Tensor {
  checkTensors(call, { input: a, other: b });
  const y = binary(call, table, a, b, resultType(a, b));
  const grad = (x: Tensor, other: Tensor) => (dy: Tensor) =>
    gradFor(maskedFill(where(eq(x, other), div(dy, 2), dy), loses(x, other), 0), x);
  return record(call, y, [a, b], [grad(a, b), grad(b, a)], [a, b]);
}

/** The greater of two elements; where one is NaN, the other. */
export function fmax(input: Tensor, other: Tensor): Tensor {
  return numberOf("fmax", MAXIMUM, FMAX, input, other, ge);
}

/** The smaller of two elements; where one is NaN, the other. */
export function fmin(input: Tensor, other: Tensor): Tensor {
  return numberOf("fmin", MINIMUM, FMIN, input, other, le);
}

function numberOf(
  call: string,
  whole: KernelTable,
  table: KernelTable,
  a: Tensor,
  b: Tensor,
  wins: (x: Tensor, y: Tensor) => Tensor,
): Tensor {
  checkTensors(call, { input: a, other: b });
  const dtype = resultType(a, b);
  const y = binary(call, dtype.kind === "float" ? table : whole, a, b, dtype);
  const first = () => logicalOr(wins(a, b), isnan(b));
  return record(call, y, [a, b], [
    (dy) => gradFor(where(first(), dy, 0), a),
    (dy) => gradFor(where(first(), 0, dy), b),
  ], [a, b]);
}

/** A bound of `clamp`: a number, a tensor, or none. */
export type Bound = Operand | null;

/** Options of `clamp`. */
export interface ClampOptions {
  /** The least that an element may be. */
  min?: Bound;
  /** The greatest; where it is below `min`, it is what elements become. */
  max?: Bound;
}

/** The arguments of `clamp` after the tensor. */
export type ClampArgs = Args<[min: Bound, max: Bound], ClampOptions>;
/** The arguments of `clampMin` after the tensor. */
export type ClampMinArgs = Args<[min: Bound], Pick<ClampOptions, "min">>;
/** The arguments of `clampMax` after the tensor. */
export type ClampMaxArgs = Args<[max: Bound], Pick<ClampOptions, "max">>;

/** Elements no smaller than `min` and no greater than `max`, of which one may be absent. */
export function clamp(input: Tensor, ...args: ClampArgs): Tensor {
  const { min, max } = read("clamp", { min: null as Bound, max: null as Bound }, args);
  return bounded("clamp", input, min, max);
}

/** Elements no smaller than `min`. */
export function clampMin(input: Tensor, ...args: ClampMinArgs): Tensor {
  return bounded("clampMin", input, read("clampMin", { min: null as Bound }, args).min, null);
}

/** Elements no greater than `max`. */
export function clampMax(input: Tensor, ...args: ClampMaxArgs): Tensor {
  return bounded("clampMax", input, null, read("clampMax", { max: null as Bound }, args).max);
}

/** The dtype of `x` between these bounds; throws unless they are two tensors, or numbers that fit it. */
function boundedType(call: string, x: Tensor, bounds: readonly Operand[]): DType {
  if (bounds.length === 0) throw new TypeError(`${call}: no bound is given`);
  for (const bound of bounds) checkOperand(call, "a bound", bound);
  const tensors = tensorsOf(...bounds).length;
  if (tensors > 0 && tensors < bounds.length) {
    throw new TypeError(`${call}: min and max must be both numbers or both tensors`);
  }
  const dtype = resultType(x, ...bounds);
  for (const bound of bounds) {
    if (!(bound instanceof Tensor) && !fits(bound, dtype)) {
      throw new RangeError(`${call}: the bound ${bound} does not fit ${dtype}`);
    }
  }
  return dtype;
}

/** PyTorch's name of the derivative of `call` with bounds that are tensors, or numbers. */
function nameOf(call: string, tensors: boolean): string {
  if (call.startsWith("clampMin")) return tensors ? "ClampMinBackward1" : "ClampMinBackward0";
  if (call.startsWith("clampMax")) return tensors ? "ClampMaxBackward1" : "ClampMaxBackward0";
  return tensors ? "ClampBackward0" : "ClampBackward1";
}

function bounded(call: string, x: Tensor, min: Bound, max: Bound): Tensor {
  checkTensors(call, { input: x });
  const bounds = [min, max].filter((bound) => bound !== null);
  const dtype = boundedType(call, x, bounds);
  const y = min === null
    ? binary(call, MINIMUM, x, max!, dtype)
    : max === null
    ? binary(call, MAXIMUM, x, min, dtype)
    : ternary(call, CLAMP, x, min, max, dtype);
  return record(nameOf(call, bounds[0] instanceof Tensor), y, [x, min, max], [
    (dy) => {
      let inside = min === null ? le(x, max!) : ge(x, min);
      if (min !== null && max !== null) inside = logicalAnd(inside, le(x, max));
      return gradFor(where(inside, dy, 0), x);
    },
    (dy) => {
      let low = lt(x, min!);
      if (max !== null) low = logicalAnd(low, lt(min as Tensor, max));
      return gradFor(where(low, dy, 0), min!);
    },
    (dy) => {
      let high = gt(x, max!);
      if (min !== null) high = logicalOr(high, lt(max as Tensor, min));
      return gradFor(where(high, dy, 0), max!);
    },
  ], tensorsOf(x, min, max));
}

/** x = clamp(x, min, max). */
export function clamp_(x: Tensor, ...args: ClampArgs): Tensor {
  return inPlace("clamp_", x, args, (x) => clamp(x, ...args));
}

/** x = clampMin(x, min). */
export function clampMin_(x: Tensor, ...args: ClampMinArgs): Tensor {
  return inPlace("clampMin_", x, args, (x) => clampMin(x, ...args));
}

/** x = clampMax(x, max). */
export function clampMax_(x: Tensor, ...args: ClampMaxArgs): Tensor {
  return inPlace("clampMax_", x, args, (x) => clampMax(x, ...args));
}

export { clamp as clip, clamp_ as clip_ };
