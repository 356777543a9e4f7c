/**
 * Affine maps: the products that layers are made of.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { add } from "./arithmetic.ts";
import { addmm } from "./add_product.ts";
import {
  batchedProduct,
  checkExpands,
  checkRank,
  matrixProduct,
  multiply,
  productSaved,
  productType,
  refuseInner,
  sumRows,
  vectorProduct,
} from "./product.ts";
import { expand, reshape, squeeze, transpose } from "./view.ts";

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
  let bias = args.length === 0
    ? null
    : args.length === 1 && (first instanceof Tensor || first === null)
    ? first
    : read("linear", { bias: null as Tensor | null }, args).bias;
  if (bias !== null) checkTensor("linear", "bias", bias);
  [input, weight, bias] = castAll("linear", input, weight, bias);
  const rank = input.ndim;
  if (
    rank === 0 || weight.ndim === 0 || weight.ndim > 2 ||
    (weight.ndim === 1 && bias !== null && rank === 2)
  ) {
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
    const product = rank === 1 ? squeeze(y, 0) : y;
    return bias === null ? product : addBias(product, bias);
  }
  if (rank === 1) {
    const y = vectorProduct("linear", "SqueezeBackward3", weight, false, input);
    return bias === null ? y : addBias(y, bias);
  }
  if (bias === null) {
    return matrixProduct("linear", rank === 2 ? "mm" : "unsafe_view", input, false, weight, true);
  }
  if (bias.ndim !== 1 || bias.shape[0] !== n) {
    return rank === 2
      ? addmm(bias, input, transpose(weight, 0, 1))
      : addBias(matrixProduct("linear", "unsafe_view", input, false, weight, true), bias);
  }
  productType("linear", input, weight, bias);
  const y = multiply("linear", input, false, weight, true, bias);
  return record(rank === 2 ? "addmm" : "view", y, [bias, input, weight], [
    sumRows,
    (dy) => matrixProduct("mm", rank === 2 ? "mm" : "unsafe_view", dy, false, weight, false),
    (dy) => matrixProduct("mm", "mm", dy, true, input, false),
  ], productSaved(input, weight));
}

/** product + bias, for a bias that is not one number for each output feature. */
function addBias(product: Tensor, bias: Tensor): Tensor {
  checkExpands("linear", bias, product.shape);
  return add(product, bias);
}

/** Options of `bilinear`. */
export type BilinearOptions = LinearOptions;

/**
 * x1^T W x2 + bias for each output feature. input1: [..., in1], input2: [..., in2], weight: [out, in1, in2] ->
 * [..., out].
 *
 * @throws RangeError when the leading axes of the inputs or their features do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html
 */
export function bilinear(
  input1: Tensor,
  input2: Tensor,
  weight: Tensor,
  ...args: Args<[bias: Tensor | null], BilinearOptions>
): Tensor {
  checkTensor("bilinear", "input1", input1);
  checkTensor("bilinear", "input2", input2);
  checkRank("bilinear", "weight", weight, 3);
  let { bias } = read("bilinear", { bias: null as Tensor | null }, args);
  const lead = input1.shape.slice(0, -1), [out, in1, in2] = weight.shape;
  if (
    input1.ndim === 0 || input1.ndim !== input2.ndim ||
    !sameShape(lead, input2.shape.slice(0, -1)) ||
    input1.shape[lead.length] !== in1 || input2.shape[lead.length] !== in2
  ) {
    throw new RangeError(
      `bilinear: expected inputs [..., ${in1}] and [..., ${in2}] with the same leading axes for a weight ${
        show(weight.shape)
      }, got ${show(input1.shape)} and ${show(input2.shape)}`,
    );
  }
  if (bias !== null) {
    checkTensor("bilinear", "bias", bias);
    if (bias.ndim !== 1 || bias.shape[0] !== out) {
      throw new RangeError(`bilinear: expected a bias [${out}], got ${show(bias.shape)}`);
    }
  }
  [input1, input2, weight, bias] = castAll("bilinear", input1, input2, weight, bias);
  productType("bilinear", input1, input2, weight, ...(bias === null ? [] : [bias]));
  const rows = sizeOf(lead);
  // [out, rows, in2], then the second factor row by row: [rows, out, in2] x [rows, in2, 1].
  const half = batchedProduct("bilinear", "bmm", reshape(input1, rows, in1), false, weight, false);
  const second = reshape(input2, rows, in2, 1);
  const product = batchedProduct("bilinear", "bmm", transpose(half, 0, 1), false, second, false);
  const y = reshape(product, [...lead, out]);
  return bias === null ? y : add(y, bias);
}
