/**
 * Weights of 8 bits: a row of a weight is int8 times one float32, its scale, the greatest magnitude of the row / 127.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { float32, int8 } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import { checkDevice, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { item } from "./access.ts";
import { div, mul } from "./arithmetic.ts";
import { eq, isfinite } from "./compare.ts";
import { cast, dense, denseAs } from "./copy.ts";
import { zeros } from "./create.ts";
import { rowNumbers } from "./embedding.ts";
import { selectFrom } from "./indexed.ts";
import { amax } from "./max_min.ts";
import { mixedProduct } from "./mixed_product.ts";
import { where } from "./pointwise.ts";
import { clamp } from "./extremum.ts";
import { all } from "./reduce.ts";
import { round } from "./rounding.ts";
import { abs } from "./unary.ts";
import { unsqueeze } from "./view.ts";

/** A quantized matrix. */
export interface QuantizedRows {
  /** int8 [rows, columns]. */
  weight: Tensor;
  /** What its rows are multiplied by: float32 [rows]. */
  scale: Tensor;
}

/**
 * `weight` [rows, columns] to the nearest multiples of a scale for each row.
 *
 * @throws RangeError when it is no matrix, or has infinities or NaN.
 */
export function quantizeRows(call: string, weight: Tensor): QuantizedRows {
  checkTensor(call, "weight", weight);
  if (weight.ndim !== 2) {
    throw new RangeError(`${call}: weight must be a matrix, got shape ${show(weight.shape)}`);
  }
  if (!weight.dtype.isFloatingPoint) {
    throw new TypeError(`${call}: expected a floating-point weight, got ${weight.dtype}`);
  }
  return noGrad(() => {
    const w = denseAs(weight, float32), [rows, columns] = w.shape;
    if (rows === 0 || columns === 0) {
      return { weight: cast(w, int8), scale: zeros([rows], { device: w.device }) };
    }
    if (!item(all(isfinite(w)))) {
      throw new RangeError(`${call}: the weight has infinities or NaN, which int8 cannot hold`);
    }
    const scale = div(amax(abs(w), 1), 127);
    // A row of zeros, or of numbers so small that their scale is zero, stays zero.
    const divisor = where(eq(scale, 0), 1, scale);
    const steps = clamp(round(div(w, unsqueeze(divisor, 1))), -127, 127);
    return { weight: cast(steps, int8), scale };
  });
}

/** Throws unless `weight` and `scale` are what `quantizeRows` gives. */
function checkQuantized(call: string, weight: Tensor, scale: Tensor): void {
  checkTensor(call, "weight", weight);
  checkTensor(call, "scale", scale);
  if (weight.dtype !== int8 || scale.dtype !== float32) {
    throw new TypeError(
      `${call}: expected a weight of ${int8} and a scale of ${float32}, got ${weight.dtype} and ${scale.dtype}` +
        (scale.dtype.isFloatingPoint
          ? "; a quantized module is not converted to another dtype"
          : ""),
    );
  }
  if (weight.ndim !== 2 || !sameShape(scale.shape, [weight.shape[0]])) {
    throw new RangeError(
      `${call}: expected a weight [rows, columns] and a scale [rows], got ${
        show(weight.shape)
      } and ${show(scale.shape)}`,
    );
  }
}

/**
 * x (weight * scale)^T + bias, without history: x: float32 [..., inFeatures], weight: int8 [outFeatures, inFeatures],
 * scale, bias: float32 [outFeatures] -> [..., outFeatures].
 *
 * @throws TypeError when `input` is not float32.
 */
export function quantizedLinear(
  call: string,
  input: Tensor,
  weight: Tensor,
  scale: Tensor,
  bias: Tensor | null,
): Tensor {
  checkTensor(call, "input", input);
  checkQuantized(call, weight, scale);
  if (input.dtype !== float32) {
    throw new TypeError(`${call}: expected an input of ${float32}, got ${input.dtype}`);
  }
  checkDevice(call, input, weight);
  const [n, k] = weight.shape, last = input.ndim - 1;
  if (last < 0 || input.shape[last] !== k) {
    throw new RangeError(
      `${call}: expected an input [..., ${k}], got shape ${show(input.shape)}`,
    );
  }
  const x = dense(input), b = { x: dense(weight), row: 1, column: k };
  const y = emptyOn(x.backend, [...x.shape.slice(0, last), n], float32);
  if (y.numElements > 0) {
    const offset = bias && denseAs(bias, float32);
    mixedProduct(y, x, b, dense(scale), offset, y.numElements / n, n, k);
  }
  return y;
}

/**
 * The rows of weight * scale that `input` names, without history: input: [...] of int64 or int32, weight: int8 [rows,
 * columns], scale: float32 [rows] -> float32 [..., columns]. Only those rows are widened.
 *
 * @throws RangeError when a row number is out of range.
 */
export function quantizedEmbedding(
  call: string,
  input: Tensor,
  weight: Tensor,
  scale: Tensor,
): Tensor {
  checkQuantized(call, weight, scale);
  const at = rowNumbers(call, input, weight);
  const rows = cast(selectFrom(weight, 0, at), float32);
  const y = mul(rows, unsqueeze(selectFrom(scale, 0, at), 1));
  return new Tensor(y.storage, [...input.shape, weight.shape[1]], float32);
}
