/**
 * Filling tensors with random integers, and the bounds that PyTorch draws them from.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { bfloat16, bool, type DType, float16, float32, float64, int64 } from "../backend/dtype.ts";
import type { Generator } from "../tensor/generator.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { digitsOf, fillInOrder } from "./draw.ts";

const TWO_63 = 2n ** 63n;

/** The least and the greatest integer of a dtype that counts as in range; for floats, the finite ones. */
function limits(dtype: DType): [bigint, bigint] {
  if (dtype.kind === "float") {
    const greatest = dtype === float16 ? 65504n : TWO_63;
    return [-greatest, greatest];
  }
  if (dtype === bool) return [0n, 1n];
  if (dtype.name === "uint8") return [0n, 255n];
  const half = 2n ** BigInt(8 * dtype.size - 1);
  return [-half, half - 1n];
}

/** A bound as an int64. Throws `TypeError` unless it is a whole number, `RangeError` outside of int64. */
export function wholeBound(call: string, name: string, value: unknown): bigint {
  if (typeof value !== "bigint" && !Number.isInteger(value)) {
    throw new TypeError(`${call}: ${name} must be a whole number, got ${describeValue(value)}`);
  }
  const whole = BigInt(value as number | bigint);
  if (whole < -TWO_63 || whole >= TWO_63) {
    throw new RangeError(`${call}: ${name} must be from -2^63 to 2^63 - 1, got ${whole}`);
  }
  return whole;
}

/** `x` as the dtype holds it. */
function rounded(x: bigint, dtype: DType): bigint {
  if (dtype === float64) return BigInt(Number(x));
  if (dtype === float32) return BigInt(Math.fround(Number(x)));
  // 16-bit floats: to the nearest multiple of the last digit's place, ties to even.
  const digits = digitsOf(dtype), size = (x < 0n ? -x : x).toString(2).length;
  const unit = 2 ** Math.max(0, size - digits), steps = Number(x) / unit;
  const near = Math.round(steps),
    even = Math.abs(steps % 1) === 0.5 ? 2 * Math.round(steps / 2) : near;
  return BigInt(even) * BigInt(unit);
}

/** The step between the numbers of a floating-point dtype at a bound, as PyTorch computes it. */
function stepAt(x: bigint, dtype: DType): bigint {
  const size = (x < 0n ? -x : x).toString(2).length - 1;
  return 1n << BigInt(Math.max(0, size - digitsOf(dtype) + 1));
}

/** The bounds moved inward to what the dtype holds. */
function heldBounds(low: bigint, high: bigint, dtype: DType): [bigint, bigint] {
  const lowest = rounded(low + 1n, dtype), greatest = rounded(high - 1n, dtype);
  return [
    lowest < low ? lowest + stepAt(low + 1n, dtype) : low,
    greatest >= high ? greatest - stepAt(high - 1n, dtype) : high,
  ];
}

/**
 * The bounds of integers in [low, high) for elements of `dtype`.
 *
 * @throws RangeError when there is none between them, or the dtype does not hold them.
 */
export function checkBounds(
  call: string,
  low: bigint,
  high: bigint,
  dtype: DType,
): [low: bigint, high: bigint] {
  if (low >= high) {
    throw new RangeError(`${call}: low must be less than high, got ${low} and ${high}`);
  }
  if (dtype.kind === "float") {
    const given = `${low} and ${high}`;
    [low, high] = heldBounds(low, high, dtype);
    if (low >= high) {
      throw new RangeError(`${call}: ${dtype} has no number between low and high, got ${given}`);
    }
  }
  const [least, greatest] = limits(dtype);
  if (low < least || high - 1n > greatest) {
    throw new RangeError(
      `${call}: integers from ${low} to ${high - 1n} are out of range for ${dtype}`,
    );
  }
  return [low, high];
}

/** Integers in [low, high) for every element of `x`; the bounds are checked. */
export function fillIntegers(x: Tensor, generator: Generator, low: bigint, high: bigint): void {
  const { dtype, backend: { kernels } } = x;
  const exact = BigInt(Number(low)) === low && BigInt(Number(high)) === high;
  if (!exact) {
    // Only then are there bounds beyond 2^53, and the range is large.
    const [lowUpper, lowLower] = halves(low), [rangeUpper, rangeLower] = halves(high - low);
    return fillInOrder(x, int64, (y) =>
      kernels.randint_wide_i64(
        y.pointer,
        generator.pointer,
        y.numElements,
        lowUpper,
        lowLower,
        rangeUpper,
        rangeLower,
      ));
  }
  const half = dtype === float16 || dtype === bfloat16;
  const kernel = half ? "randint" : `randint${dtype.suffix}` as "randint";
  fillInOrder(
    x,
    half ? float32 : dtype,
    (y) => kernels[kernel](y.pointer, generator.pointer, y.numElements, Number(low), Number(high)),
  );
}

function halves(x: bigint): [upper: number, lower: number] {
  return [Number(BigInt.asIntN(32, x >> 32n)), Number(BigInt.asIntN(32, x))];
}

/** The end, exclusive, of the integers that `random_` draws from 0 for a dtype. */
export function randomEnd(dtype: DType): bigint {
  if (dtype.kind === "float") return 2n ** BigInt(digitsOf(dtype)) + 1n;
  return limits(dtype)[1] + 1n;
}
