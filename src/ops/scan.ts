/**
 * Running sums and products along an axis.
 *
 * @module
 */
import { type DType, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axis } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { cast } from "./copy.ts";
import { inPlace } from "./elementwise.ts";
import { checkDType, checkFloating } from "./reduction.ts";
import { runningLogSumExp, runningProduct, runningSum } from "./running.ts";

/** Options of running sums and products. */
export interface ScanOptions {
  /** The axis to run along. */
  dim?: number;
  /** The dtype that the input is converted to first. */
  dtype?: DType | null;
}

/** Parameters of running sums and products. */
export type ScanArgs = Args<[dim: number, dtype: DType | null], ScanOptions>;

/** The input, converted, and the axis. Integers and booleans become int64. */
function readScan(call: string, x: Tensor, args: ScanArgs): [x: Tensor, dim: number] {
  checkTensor(call, "input", x);
  const { dim, dtype } = read(call, { dim: NaN, dtype: null as DType | null }, args);
  checkDType(call, dtype);
  const at = axis(call, dim, x.ndim);
  return [cast(x, dtype ?? (x.dtype.kind === "float" ? x.dtype : int64)), at];
}

/**
 * Sums of the elements along `dim` up to each of them. x: [...] -> the same shape; integers and booleans give int64.
 *
 * @throws RangeError when `dim` is out of range.
 */
export function cumsum(x: Tensor, ...args: ScanArgs): Tensor {
  x = castFor("cumsum", x);
  const [source, dim] = readScan("cumsum", x, args);
  return runningSum(source, dim, false);
}

/** x = cumsum(x), in the dtype of `x`. */
export function cumsum_(x: Tensor, ...args: ScanArgs): Tensor {
  return inPlace("cumsum_", x, [], (x) => cumsum(x, ...args));
}

/**
 * Products of the elements along `dim` up to each of them. x: [...] -> the same shape; integers and booleans give int64.
 *
 * @throws RangeError when `dim` is out of range.
 */
export function cumprod(x: Tensor, ...args: ScanArgs): Tensor {
  x = castFor("cumprod", x);
  const [source, dim] = readScan("cumprod", x, args);
  return runningProduct(source, dim);
}

/** x = cumprod(x), in the dtype of `x`. */
export function cumprod_(x: Tensor, ...args: ScanArgs): Tensor {
  return inPlace("cumprod_", x, [], (x) => cumprod(x, ...args));
}

/**
 * log of the sum of exponentials of the elements along `dim` up to each of them. x: [...] -> the same shape.
 *
 * @throws RangeError when `dim` is out of range.
 * @throws TypeError when `x` is not floating-point.
 */
export function logcumsumexp(x: Tensor, ...args: Args<[dim: number], { dim?: number }>): Tensor {
  checkTensor("logcumsumexp", "input", x);
  const { dim } = read("logcumsumexp", { dim: NaN }, args);
  const at = axis("logcumsumexp", dim, x.ndim);
  checkFloating("logcumsumexp", x);
  return runningLogSumExp(x, at);
}
