/**
 * PyTorch's calling convention: every parameter after the tensors by position, or by name in one trailing object.
 *
 * @module
 */
import { describeValue } from "./describe.ts";
import { DType } from "../backend/dtype.ts";
import { Tensor } from "./tensor.ts";

/**
 * Parameters `P` by position, any number of them, the last of which may be an object of options `O`:
 * `Args<[dim: number, keepdim: boolean], { dim?: number; keepdim?: boolean }>`.
 */
export type Args<P extends unknown[], O> = P extends [infer First, ...infer Rest]
  ? [] | [options: O] | [First | undefined, ...Args<Rest, O>]
  : [] | [options: O];

/** Whether `x` is a plain object: options, not a tensor, an array or a class's instance. */
export function isOptions(x: unknown): x is Record<string, unknown> {
  if (x === null || typeof x !== "object" || x instanceof Tensor) return false;
  const prototype = Object.getPrototypeOf(x);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The parameters of `call` by name. `defaults` lists them in PyTorch's order, with their default values; `values` are
 * what was given by position, the last one perhaps an object of options.
 *
 * @throws TypeError for an option that `call` does not have, or too many values.
 */
export function read<T extends object>(call: string, defaults: T, values: readonly unknown[]): T {
  if (values.length === 0) return defaults;
  const known = defaults as Record<string, unknown>;
  const names = Object.keys(defaults);
  const result = { ...defaults } as Record<string, unknown>;
  values.forEach((value, i) => {
    if (value === undefined) return;
    if (i === values.length - 1 && isOptions(value)) {
      for (const [name, v] of Object.entries(value)) {
        if (!(name in result)) {
          throw new TypeError(`${call}: no option ${name}; expected ${names.join(", ") || "none"}`);
        }
        if (v !== undefined) result[name] = taken(call, name, v, known[name]);
      }
    } else if (i >= names.length) {
      throw new TypeError(
        `${call}: ${values.length} arguments given, at most ${names.length} expected (${
          names.join(", ")
        })`,
      );
    } else result[names[i]] = taken(call, names[i], value, known[names[i]]);
  });
  return result as T;
}

/** `value` as parameter `name`: bigints become numbers where numbers are the rule; a dtype must be one. */
function taken(call: string, name: string, value: unknown, usual: unknown): unknown {
  if (name === "dtype") checkDType(call, value);
  if (typeof value !== "bigint" || typeof usual !== "number") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Throws `TypeError` unless `dtype` is a dtype, null or undefined. */
export function checkDType(call: string, dtype: unknown): void {
  if (dtype === null || dtype === undefined || dtype instanceof DType) return;
  throw new TypeError(
    `${call}: dtype must be one of PyTorch's, as in torch.float32, got ${describeValue(dtype)}`,
  );
}

/** Whole numbers given as one or as an array; throws `TypeError` for anything else. */
export function wholeNumbers(call: string, name: string, value: unknown): number[] {
  if (Array.isArray(value)) return value.map((n) => wholeNumber(call, name, n));
  return [wholeNumber(call, name, value)];
}

/** A shape given as `(2, 3)` or `([2, 3])`, and what follows it. */
export function readShape(
  call: string,
  values: readonly unknown[],
): [shape: number[], rest: unknown[]] {
  const first = values[0];
  if (Array.isArray(first)) {
    return [first.map((n) => wholeNumber(call, "size", n)), values.slice(1)];
  }
  let n = 0;
  while (n < values.length && typeof values[n] === "number") n++;
  return [values.slice(0, n).map((v) => wholeNumber(call, "size", v)), values.slice(n)];
}

/** Whole numbers as `(2, 3)`, `([2, 3])` or by name: `({ size: [2, 3] })`. */
export type Sizes<Name extends string> =
  | number[]
  | [readonly number[]]
  | [{ [key in Name]: number | readonly number[] }];

/**
 * Whole numbers given as `(2, 3)`, `([2, 3])` or `({ [name]: [2, 3] })`.
 *
 * @throws TypeError for anything else.
 */
export function readSizes(call: string, name: string, values: readonly unknown[]): number[] {
  let [list, rest] = readShape(call, values);
  if (rest.length === 1 && list.length === 0 && isOptions(rest[0])) {
    const given = read(call, { [name]: undefined }, rest)[name] as unknown;
    [list, rest] = readShape(call, [given]);
  }
  if (rest.length > 0) {
    throw new TypeError(`${call}: ${name} must be whole numbers, got ${describeValue(rest[0])}`);
  }
  return list;
}

/** `value` in words; NaN, the default of parameters that have none, as "none". */
export const orNone = (value: unknown): string =>
  typeof value === "number" && Number.isNaN(value) ? "none" : describeValue(value);

/** `value` as a whole number; a bigint is taken too. Throws `TypeError` otherwise. */
export function wholeNumber(call: string, name: string, value: unknown): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number)) {
    throw new TypeError(`${call}: ${name} must be a whole number, got ${orNone(value)}`);
  }
  return number;
}

/** Throws `TypeError` unless `x` is a tensor. */
export function checkTensor(call: string, name: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor)) {
    throw new TypeError(
      `${call}: ${name} must be a tensor, got ${describeValue(x)}`,
    );
  }
}
