/**
 * Affine maps: the products that layers are made of.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { add } from "./arithmetic.ts";
import { addmm } from "./matmul.ts";
import {
  matrixProduct,
  multiply,
  productSaved,
  productType,
  refuseInner,
  sumRows,
  vectorProduct,
} from "./product.ts";
import { expand, squeeze, transpose } from "./view.ts";

/** Options of `linear`. */
export interface LinearOptions {
  /** Added to every row of the result: [outFeatures]. */
  bias?: Tensor | null;
}

/**
 * x weight^T + bias. input: [..., inFeatures], weight: [outFeatures, inFeatures] -> [..., outFeatures]; a weight
 * [inFeatures] gives [...].
 *
 * @throws RangeError when the features of `input` and `weight` differ, or `bias` does not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
 */
export function linear(
  input: Tensor,
  weight: Tensor,
  ...args: Args<[bias: Tensor | null], LinearOptions>
): Tensor {
  checkTensor("linear", "input", input);
  checkTensor("linear", "weight", weight);
  const first = args[0];
  const bias = args.length === 0
    ? null
    : args.length === 1 && (first instanceof Tensor || first === null)
    ? first
    : read("linear", { bias: null as Tensor | null }, args).bias;
  if (bias !== null) checkTensor("linear", "bias", bias);
  const rank = input.ndim;
  if (rank === 0 || weight.ndim === 0 || weight.ndim > 2 || (weight.ndim === 1 && bias !== null)) {
    throw new RangeError(
      `linear: expected input [..., inFeatures] and weight [outFeatures, inFeatures], got ${
        show(input.shape)
      } and ${show(weight.shape)}`,
    );
  }
  const k = input.shape[rank - 1], n = weight.shape[0];
  if (k !== weight.shape[weight.ndim - 1]) {
    refuseInner("linear", input.shape, weight.shape, k, weight.shape[weight.ndim - 1]);
  }
  if (weight.ndim === 1) {
    if (rank === 1) input = expand(input, 1, k);
    const y = vectorProduct("linear", rank === 2 ? "mv" : "unsafe_view", input, false, weight);
    return rank === 1 ? squeeze(y, 0) : y;
  }
  if (rank === 1) {
    const y = vectorProduct("linear", "SqueezeBackward3", weight, false, input);
    return bias === null ? y : add(y, bias);
  }
  if (bias === null) {
    return matrixProduct("linear", rank === 2 ? "mm" : "unsafe_view", input, false, weight, true);
  }
  if (bias.ndim !== 1 || bias.shape[0] !== n) {
    return rank === 2
      ? addmm(bias, input, transpose(weight, 0, 1))
      : add(matrixProduct("linear", "unsafe_view", input, false, weight, true), bias);
  }
  productType("linear", input, weight, bias);
  const y = multiply("linear", input, false, weight, true, bias);
  return record(rank === 2 ? "addmm" : "view", y, [bias, input, weight], [
    sumRows,
    (dy) => matrixProduct("mm", rank === 2 ? "mm" : "unsafe_view", dy, false, weight, false),
    (dy) => matrixProduct("mm", "mm", dy, true, input, false),
  ], productSaved(input, weight));
}
