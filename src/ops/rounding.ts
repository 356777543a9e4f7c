/**
 * Rounding, elementwise.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { clone } from "./copy.ts";
import { zerosLike } from "./create.ts";
import { binary, inPlace, type KernelTable, kernelTable, unary } from "./elementwise.ts";
import { unaryInPlace } from "./unary_kernel.ts";

const FLOOR = kernelTable("floor"),
  CEIL = kernelTable("ceil"),
  ROUND = kernelTable("round"),
  TRUNC = kernelTable("trunc"),
  FRAC = kernelTable("frac"),
  MUL = kernelTable("mul"),
  DIV = kernelTable("div");

/** y = kernel(x), flat; integers are whole already. */
function rounding(op: string, table: KernelTable, x: Tensor): Tensor {
  checkTensor(op, "input", x);
  if (x.dtype.kind === "bool") throw new TypeError(`${op}: not defined for torch.bool`);
  const y = x.dtype.kind === "int" ? clone(x) : unary(op, table, x);
  return record(op, y, [x], [(dy) => zerosLike(dy)]);
}

/** The next whole number below. */
export function floor(x: Tensor): Tensor {
  return rounding("floor", FLOOR, x);
}

/** The next whole number above. */
export function ceil(x: Tensor): Tensor {
  return rounding("ceil", CEIL, x);
}

/** The next whole number towards 0. */
export function trunc(x: Tensor): Tensor {
  return rounding("trunc", TRUNC, x);
}

/** The arguments of `round` after the tensor. */
export type RoundArgs = Args<[decimals: number | null], {
  /** Digits after the decimal point to keep; below 0, before it. */
  decimals?: number | null;
}>;

/**
 * The nearest whole number, of two equally near the even one; or the nearest number with so many `decimals`.
 *
 * @throws TypeError for integers with `decimals`.
 */
export function round(x: Tensor, ...args: RoundArgs): Tensor {
  const { decimals } = read("round", { decimals: null as number | null }, args);
  if (decimals === null) return rounding("round", ROUND, x);
  checkTensor("round", "input", x);
  if (x.dtype.kind !== "float") {
    throw new TypeError(`round: decimals are not defined for ${x.dtype}`);
  }
  const digits = wholeNumber("round", "decimals", decimals), power = 10 ** Math.abs(digits);
  if (digits === 0) return rounding("round", ROUND, x);
  const [first, second] = digits > 0 ? [MUL, DIV] : [DIV, MUL];
  const scaled = unary("round", ROUND, binary("round", first, x, power, x.dtype));
  const y = binary("round", second, scaled, power, x.dtype);
  return record("round", y, [x], [(dy) => zerosLike(dy)]);
}

/** x - trunc(x): what is behind the decimal point. */
export function frac(x: Tensor): Tensor {
  checkTensor("frac", "input", x);
  return record("frac", unary("frac", FRAC, x), [x], [(dy) => dy]);
}

/** x = floor(x), in place. */
export function floor_(x: Tensor): Tensor {
  return unaryInPlace("floor", x, FLOOR, floor);
}

/** x = ceil(x), in place. */
export function ceil_(x: Tensor): Tensor {
  return unaryInPlace("ceil", x, CEIL, ceil);
}

/** x = trunc(x), in place. */
export function trunc_(x: Tensor): Tensor {
  return unaryInPlace("trunc", x, TRUNC, trunc);
}

/** x = frac(x), in place. */
export function frac_(x: Tensor): Tensor {
  return unaryInPlace("frac", x, FRAC, frac);
}

/** x = round(x), in place. */
export function round_(x: Tensor, ...args: RoundArgs): Tensor {
  return args.length > 0
    ? inPlace("round_", x, [], (x) => round(x, ...args))
    : unaryInPlace("round", x, ROUND, round);
}

export { trunc as fix, trunc_ as fix_ };
