/**
 * Losses that want a margin between what should be near and what should be far.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float32, float64, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyLike, emptyOn } from "../tensor/create.ts";
import { broadcast, checkDevice, sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll, castFor } from "./autocast.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { checkInput, nll, readClasses, readWeight, targetShares } from "./class_target.ts";
import { checkRange } from "./check.ts";
import { eq, gt, ne } from "./compare.ts";
import { cast, dense, denseAs } from "./copy.ts";
import { onesLike } from "./create.ts";
import { clampMin, minimum } from "./extremum.ts";
import type { LossArgs, WeightedLossArgs } from "./loss.ts";
import { LOGITS, pairLoss } from "./loss_pair.ts";
import { type LossOptions, reduced, type Reduction, reductionOf } from "./loss_reduction.ts";
import { norm } from "./norm.ts";
import { where } from "./pointwise.ts";
import { checkExpands } from "./product.ts";
import { mean, sum } from "./reduce.ts";
import { neg, sqrt } from "./unary.ts";
import { detach, reshape, unsqueeze } from "./view.ts";

/** Options of losses with a margin. */
export interface MarginLossOptions extends LossOptions {
  /** The margin. */
  margin?: number;
}

/** The parameters of losses with a margin. */
export type MarginLossArgs = Args<
  [
    margin: number,
    sizeAverage: boolean | null,
    reduce: boolean | null,
    reduction: Reduction,
  ],
  MarginLossOptions
>;

const PLAIN = {
  sizeAverage: null as boolean | null,
  reduce: null as boolean | null,
  reduction: "mean" as Reduction,
};

/** The margin and the reduction. */
function readMargin(
  call: string,
  margin: number,
  args: MarginLossArgs,
): { margin: number; how: Reduction } {
  const options = read(call, { margin, ...PLAIN }, args);
  const { reduction, sizeAverage, reduce } = options;
  return {
    margin: options.margin,
    how: reductionOf(call, reduction, sizeAverage, reduce),
  };
}

/**
 * 1 - cos(input1, input2) where the target is 1, max(0, cos(input1, input2) - margin) where it is -1. input1 and input2:
 * [batch, n], target: [batch] (or [n] and []) -> [], or [batch] without reduction.
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html
 */
export function cosineEmbeddingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: MarginLossArgs
): Tensor {
  [input1, input2] = castAll("cosineEmbeddingLoss", input1, input2);
  const call = "cosineEmbeddingLoss", { margin, how } = readMargin(call, 0, args);
  checkTensor(call, "input1", input1);
  checkTensor(call, "input2", input2);
  checkTensor(call, "target", target);
  const rank = target.ndim + 1;
  if (rank > 2 || input1.ndim !== rank || input2.ndim !== rank) {
    throw new RangeError(
      `${call}: expected inputs [batch, n] and a target [batch], or [n] and [], got ${
        show(input1.shape)
      }, ${show(input2.shape)} and ${show(target.shape)}`,
    );
  }
  const product = (a: Tensor, b: Tensor) => sum(mul(a, b), -1);
  const squares = (x: Tensor) => add(product(x, x), 1e-12);
  const cosine = div(product(input1, input2), sqrt(mul(squares(input1), squares(input2))));
  const near = where(eq(target, 1), sub(1, cosine), 0);
  const far = where(eq(target, -1), clampMin(sub(cosine, margin), 0), 0);
  return reduced(add(near, far), how);
}

/**
 * max(0, margin - target (input1 - input2)): input1 should rank higher where the target is 1, lower where it is -1. All
 * [...] with as many axes, broadcast -> [], or [...] without reduction.
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MarginRankingLoss.html
 */
export function marginRankingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: MarginLossArgs
): Tensor {
  [input1, input2] = castAll("marginRankingLoss", input1, input2);
  const call = "marginRankingLoss", { margin, how } = readMargin(call, 0, args);
  checkTensor(call, "input1", input1);
  checkTensor(call, "input2", input2);
  checkTensor(call, "target", target);
  if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim) {
    throw new RangeError(
      `${call}: expected tensors of as many axes, got ${show(input1.shape)}, ${
        show(input2.shape)
      } and ${show(target.shape)}`,
    );
  }
  return reduced(clampMin(add(mul(neg(target), sub(input1, input2)), margin), 0), how);
}

/**
 * The input where the target is 1, max(0, margin - input) where it is -1, their sum where it is neither. input and
 * target: [...], broadcast -> [], or [...] without reduction.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html
 */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  ...args: MarginLossArgs
): Tensor {
  input = castFor("hingeEmbeddingLoss", input);
  const call = "hingeEmbeddingLoss", { margin, how } = readMargin(call, 1, args);
  checkTensor(call, "input", input);
  checkTensor(call, "target", target);
  broadcast(call, input.shape, target.shape);
  const far = where(ne(target, 1), clampMin(sub(margin, input), 0), 0);
  return reduced(add(far, where(ne(target, -1), input, 0)), how);
}

/** Options of `tripletMarginLoss`. */
export interface TripletMarginLossOptions extends MarginLossOptions {
  /** The norm of the distance. */
  p?: number;
  /** Added to every difference, so that a distance of zero has a gradient. */
  eps?: number;
  /** Whether the negative is compared with the positive too. */
  swap?: boolean;
}

/**
 * max(0, margin + distance to the positive - distance to the negative), distances along the last axis. anchor, positive
 * and negative: [..., n] -> [], or [...] without reduction.
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  ...args: Args<
    [
      margin: number,
      p: number,
      eps: number,
      swap: boolean,
      sizeAverage: boolean | null,
      reduce: boolean | null,
      reduction: Reduction,
    ],
    TripletMarginLossOptions
  >
): Tensor {
  [anchor, positive, negative] = castAll("tripletMarginLoss", anchor, positive, negative);
  const call = "tripletMarginLoss";
  const { margin, p, eps, swap, reduction, sizeAverage, reduce } = read(call, {
    margin: 1,
    p: 2,
    eps: 1e-6,
    swap: false,
    ...PLAIN,
  }, args);
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  checkTensor(call, "anchor", anchor);
  checkTensor(call, "positive", positive);
  checkTensor(call, "negative", negative);
  if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim) {
    throw new RangeError(
      `${call}: expected tensors of as many axes, got ${show(anchor.shape)}, ${
        show(positive.shape)
      } and ${show(negative.shape)}`,
    );
  }
  const distance = (a: Tensor, b: Tensor) => norm(add(sub(a, b), eps), p, -1);
  return reduced(triplet(anchor, positive, negative, distance, margin, swap), how);
}

/** A distance of tensors, one for each row. */
export type Distance = (a: Tensor, b: Tensor) => Tensor;

function triplet(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  distance: Distance,
  margin: number,
  swap: boolean,
): Tensor {
  const near = distance(anchor, positive);
  let far = distance(anchor, negative);
  if (swap) far = minimum(far, distance(positive, negative));
  return clampMin(sub(add(near, margin), far), 0);
}

/** Options of `tripletMarginWithDistanceLoss`. */
export interface TripletMarginWithDistanceLossOptions {
  /** The distance; by default the Euclidean one along the last axis. */
  distanceFunction?: Distance | null;
  /** The margin. */
  margin?: number;
  /** Whether the negative is compared with the positive too. */
  swap?: boolean;
  /** What becomes of the losses; their mean by default. */
  reduction?: Reduction;
}

/**
 * `tripletMarginLoss` with a distance of one's own.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginWithDistanceLoss.html
 */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  ...args: Args<
    [distanceFunction: Distance | null, margin: number, swap: boolean, reduction: Reduction],
    TripletMarginWithDistanceLossOptions
  >
): Tensor {
  const call = "tripletMarginWithDistanceLoss";
  const { distanceFunction, margin, swap, reduction } = read(call, {
    distanceFunction: null as Distance | null,
    margin: 1,
    swap: false,
    reduction: "mean" as Reduction,
  }, args);
  const how = reductionOf(call, reduction);
  checkTensor(call, "anchor", anchor);
  checkTensor(call, "positive", positive);
  checkTensor(call, "negative", negative);
  const euclidean: Distance = (a, b) => norm(add(sub(a, b), 1e-6), 2, -1);
  const distance = distanceFunction ?? euclidean;
  return reduced(triplet(anchor, positive, negative, distance, margin, swap), how);
}

/** Options of `multiMarginLoss`. */
export interface MultiMarginLossOptions extends MarginLossOptions {
  /** The power of each difference: 1 or 2. */
  p?: number;
  /** The weight of each class: [classes]. */
  weight?: Tensor | null;
}

/**
 * Hinge loss over classes: sum over the other classes of max(0, margin - x[target] + x[class])^p / classes. input:
 * [batch, classes] (or [classes]), target: [batch] -> [], or [batch] without reduction.
 *
 * @throws RangeError when a target is not a class, `p` is neither 1 nor 2, or the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html
 */
export function multiMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [
      p: number,
      margin: number,
      weight: Tensor | null,
      sizeAverage: boolean | null,
      reduce: boolean | null,
      reduction: Reduction,
    ],
    MultiMarginLossOptions
  >
): Tensor {
  input = castFor("multiMarginLoss", input);
  const call = "multiMarginLoss";
  const { p, margin, weight, reduction, sizeAverage, reduce } = read(call, {
    p: 1,
    margin: 1,
    weight: null as Tensor | null,
    ...PLAIN,
  }, args);
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  if (p !== 1 && p !== 2) throw new RangeError(`${call}: p must be 1 or 2, got ${p}`);
  checkInput(call, input);
  checkTensor(call, "target", target);
  const rows = input.ndim === 1 ? 1 : input.shape[0], classes = input.shape[input.ndim - 1];
  if (input.ndim > 2 || classes === 0 || target.ndim > 1 || target.numElements !== rows) {
    throw new RangeError(
      `${call}: expected an input [batch, classes] and a target [batch], got ${
        show(input.shape)
      } and ${show(target.shape)}`,
    );
  }
  if (input.dtype.size === 2) {
    const wide = { p, margin, weight: weight === null ? null : cast(weight, float32) };
    return cast(
      multiMarginLoss(cast(input, float32), target, { ...wide, reduction: how }),
      input.dtype,
    );
  }
  const x = input.ndim === 2 ? input : unsqueeze(input, 0);
  const checked = readClasses(call, x, reshape(target, rows), null, null);
  const weights = readWeight(call, input, weight, classes), own = targetShares(x, checked);
  const others = add(x, unsqueeze(nll(x, checked, "none"), 1));
  const z = add(others, margin);
  let hinge = mul(where(gt(z, 0), z, 0), sub(1, own));
  if (p === 2) hinge = mul(hinge, hinge);
  let losses = div(sum(hinge, 1), classes);
  if (weights !== null) losses = mul(losses, sum(mul(own, weights), 1));
  return how === "none" ? reshape(losses, target.shape) : reduced(losses, how);
}

/**
 * log(1 + exp(-target * input)). input and target (1 or -1): [...], broadcast -> [], or [...] without reduction.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html
 */
export function softMarginLoss(input: Tensor, target: Tensor, ...args: LossArgs): Tensor {
  input = castFor("softMarginLoss", input);
  const call = "softMarginLoss";
  const { reduction, sizeAverage, reduce } = read(call, PLAIN, args);
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  checkTensor(call, "input", input);
  checkTensor(call, "target", target);
  checkInputType(call, input);
  checkExpands(call, target, input.shape);
  const z = mul(target, input);
  return pairLoss(call, SOFT_MARGIN, z, onesLike(z), 0, how);
}

/** Cross entropy of the logits target * input against ones. */
const SOFT_MARGIN = { ...LOGITS, op: "soft_margin_loss" };

function checkInputType(call: string, x: Tensor): void {
  if (x.dtype.kind !== "float") {
    throw new TypeError(`${call}: expected a floating-point input, got ${x.dtype}`);
  }
}

/**
 * Binary cross entropy of each class by itself, averaged over classes. input (logits) and target (0 or 1): [..., classes]
 * -> [], or [...] without reduction; `weight` broadcasts.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html
 */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: WeightedLossArgs
): Tensor {
  const call = "multilabelSoftMarginLoss";
  const { weight, reduction, sizeAverage, reduce } = read(
    call,
    { weight: null as Tensor | null, ...PLAIN },
    args,
  );
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  checkTensor(call, "input", input);
  checkInputType(call, input);
  if (input.ndim === 0) {
    throw new RangeError(`${call}: expected an input with an axis of classes, got a 0-d tensor`);
  }
  let losses = pairLoss(call, LOGITS, input, target, 0, "none");
  if (weight !== null) {
    checkTensor(call, "weight", weight);
    losses = mul(losses, detach(weight));
  }
  return reduced(mean(losses, -1), how);
}

/**
 * Hinge loss over several classes at once: for each listed and each other class, max(0, 1 - (x[listed] - x[other])), over
 * the number of classes. input: [batch, classes] (or [classes]), target: the same shape, each row a list of classes ended
 * by -1 -> [], or [batch] without reduction.
 *
 * @throws RangeError when a target is not a class, or the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelMarginLoss.html
 */
export function multilabelMarginLoss(input: Tensor, target: Tensor, ...args: LossArgs): Tensor {
  input = castFor("multilabelMarginLoss", input);
  const call = "multilabelMarginLoss";
  const { reduction, sizeAverage, reduce } = read(call, PLAIN, args);
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  checkTensor(call, "input", input);
  checkTensor(call, "target", target);
  checkDevice(call, input, target);
  checkInputType(call, input);
  const classes = input.ndim === 0 ? 1 : input.shape[input.ndim - 1];
  if (input.ndim > 2 || classes === 0 || !sameShape(input.shape, target.shape)) {
    throw new RangeError(
      `${call}: expected an input [batch, classes] and a target of the same shape, got ${
        show(input.shape)
      } and ${show(target.shape)}`,
    );
  }
  if (target.dtype.kind !== "int") {
    throw new TypeError(`${call}: expected a target of torch.int64, got ${target.dtype}`);
  }
  if (input.dtype.size === 2) {
    const losses = multilabelMarginLoss(cast(input, float32), target, { reduction: how });
    return cast(losses, input.dtype);
  }
  const ids = denseAs(target, int64);
  checkRange(
    ids,
    { high: classes, spared: -1 },
    (element) =>
      `${call}: target ${element} is out of bounds: expected 0 to ${
        classes - 1
      }, or -1 at the end of a list`,
  );
  return reduced(listLosses(input, ids, classes), how);
}

/** One loss for each row of `x`. */
function listLosses(x: Tensor, target: Tensor, classes: number): Tensor {
  const source = dense(x), rows = x.numElements / classes;
  const y = emptyOn(x.backend, x.shape.slice(0, -1), x.dtype), { kernels } = x.backend;
  const kernel = x.dtype === float64
    ? kernels.multilabel_margin_loss_f64
    : kernels.multilabel_margin_loss;
  kernel(y.pointer, source.pointer, target.pointer, classes, 0, rows);
  const grad = (dy: Tensor) => listGrad(dy, x, target, classes);
  return record("multilabel_margin_loss", y, [x], [grad], [x, target]);
}

/** The gradient of `listLosses`; it is linear in dy, and flat in x. */
function listGrad(dy: Tensor, x: Tensor, target: Tensor, classes: number): Tensor {
  const g = dense(dy), source = dense(x), dx = emptyLike(x), { kernels } = x.backend;
  const kernel = x.dtype === float64
    ? kernels.multilabel_margin_loss_grad_f64
    : kernels.multilabel_margin_loss_grad;
  kernel(dx.pointer, g.pointer, source.pointer, target.pointer, classes, 0, dy.numElements);
  return record("multilabel_margin_loss_backward", dx, [dy], [(g) => {
    const slope = listGrad(onesLike(dy), detach(x), target, classes);
    return x.ndim === 0 ? mul(g, slope) : sum(mul(g, slope), -1);
  }], [x, target]);
}
