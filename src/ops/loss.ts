/**
 * Losses of pairs: one for each element of a prediction and a target.
 *
 * @module
 */
import { float32, float64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { broadcastsTo, sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { cast, denseAs } from "./copy.ts";
import { onesLike } from "./create.ts";
import { resultType } from "./elementwise.ts";
import { HUBER, L1, LOGITS, MSE, pairLoss, PROBABILITIES, SMOOTH_L1 } from "./loss_pair.ts";
import { type LossOptions, reduced, type Reduction, reductionOf } from "./loss_reduction.ts";
import { abs } from "./unary.ts";
import { detach } from "./view.ts";

/** The parameters of losses that have none of their own. */
export type LossArgs = Args<
  [sizeAverage: boolean | null, reduce: boolean | null, reduction: Reduction],
  LossOptions
>;

/** The parameters of losses with a weight. */
export type WeightedLossArgs = Args<
  [
    weight: Tensor | null,
    sizeAverage: boolean | null,
    reduce: boolean | null,
    reduction: Reduction,
  ],
  WeightedLossOptions
>;

/** Options of losses with a weight. */
export interface WeightedLossOptions extends LossOptions {
  /** What each loss is multiplied by; broadcasts. */
  weight?: Tensor | null;
}

const PLAIN = {
  sizeAverage: null as boolean | null,
  reduce: null as boolean | null,
  reduction: "mean" as Reduction,
};

function readReduction(call: string, args: LossArgs): Reduction {
  if (args.length === 0) return "mean";
  const { reduction, sizeAverage, reduce } = read(call, PLAIN, args);
  return reductionOf(call, reduction, sizeAverage, reduce);
}

/** A number among the parameters. Throws `TypeError` for anything else. */
function numberOf(call: string, name: string, value: unknown): number {
  if (typeof value !== "number") {
    throw new TypeError(`${call}: ${name} must be a number, got ${typeof value}`);
  }
  return value;
}

/**
 * Squared differences: mean of (input - target)^2 by default. input and target: [...], broadcast -> [], or [...] without
 * reduction.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html
 */
export function mseLoss(input: Tensor, target: Tensor, ...args: LossArgs): Tensor {
  [input, target] = castAll("mseLoss", input, target);
  return pairLoss("mseLoss", MSE, input, target, 0, readReduction("mseLoss", args));
}

/** Absolute differences: mean of |input - target| by default. input and target: [...], broadcast -> [], or [...]. */
export function l1Loss(input: Tensor, target: Tensor, ...args: LossArgs): Tensor {
  [input, target] = castAll("l1Loss", input, target);
  const reduction = readReduction("l1Loss", args);
  checkTensor("l1Loss", "input", input);
  checkTensor("l1Loss", "target", target);
  if (resultType(input, target).kind === "float") {
    return pairLoss("l1Loss", L1, input, target, 0, reduction);
  }
  return reduced(abs(sub(input, target)), reduction);
}

/**
 * Squared differences near zero, absolute ones from `beta` on: d^2 / (2 beta) where |d| < beta, else |d| - beta / 2.
 * input and target: [...], broadcast -> [], or [...] without reduction.
 *
 * @throws RangeError when `beta` is negative.
 */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [sizeAverage: boolean | null, reduce: boolean | null, reduction: Reduction, beta: number],
    LossOptions & { beta?: number }
  >
): Tensor {
  [input, target] = castAll("smoothL1Loss", input, target);
  const call = "smoothL1Loss";
  const { beta, reduction, sizeAverage, reduce } = read(call, { ...PLAIN, beta: 1 }, args);
  if (!(numberOf(call, "beta", beta) >= 0)) {
    throw new RangeError(`${call}: beta must not be negative, got ${beta}`);
  }
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  return pairLoss(call, SMOOTH_L1, input, target, beta, how);
}

/**
 * Squared differences near zero, linear ones from `delta` on: d^2 / 2 where |d| < delta, else delta (|d| - delta / 2).
 * input and target: [...], broadcast -> [], or [...] without reduction.
 *
 * @throws RangeError when `delta` is not positive.
 */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [reduction: Reduction, delta: number],
    { reduction?: Reduction; delta?: number }
  >
): Tensor {
  [input, target] = castAll("huberLoss", input, target);
  const call = "huberLoss";
  const { reduction, delta } = read(call, { reduction: "mean" as Reduction, delta: 1 }, args);
  if (!(numberOf(call, "delta", delta) > 0)) {
    throw new RangeError(`${call}: delta must be positive, got ${delta}`);
  }
  const y = pairLoss(call, HUBER, input, target, delta, reductionOf(call, reduction));
  // Unlike the other losses, in PyTorch this one keeps the input's dtype.
  return input.dtype.kind === "float" ? cast(y, input.dtype) : y;
}

/** The weighted losses, reduced; a mean counts losses, not weights. */
function weighted(call: string, losses: Tensor, weight: Tensor, reduction: Reduction): Tensor {
  checkTensor(call, "weight", weight);
  if (!broadcastsTo(weight.shape, losses.shape)) {
    throw new RangeError(
      `${call}: a weight of shape ${show(weight.shape)} does not broadcast to ${
        show(losses.shape)
      }`,
    );
  }
  return reduced(mul(losses, detach(weight)), reduction);
}

/** Throws unless `target` has the shape of `input`. */
function checkSameShape(call: string, input: unknown, target: unknown): void {
  checkTensor(call, "input", input);
  checkTensor(call, "target", target);
  if (!sameShape(input.shape, target.shape)) {
    throw new RangeError(
      `${call}: expected a target of the input's shape ${show(input.shape)}, got ${
        show(target.shape)
      }`,
    );
  }
}

/**
 * Cross entropy of probabilities: -(target log(input) + (1 - target) log(1 - input)), logarithms no less than -100.
 * input and target: [...] -> [], or [...] without reduction.
 *
 * @throws RangeError when the shapes differ, or an element of `input` is not from 0 to 1.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: WeightedLossArgs
): Tensor {
  [input, target] = castAll("binaryCrossEntropy", input, target);
  const call = "binaryCrossEntropy";
  const { weight, reduction, sizeAverage, reduce } = read(
    call,
    { weight: null as Tensor | null, ...PLAIN },
    args,
  );
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  checkSameShape(call, input, target);
  if (input.dtype !== target.dtype) {
    throw new TypeError(`${call}: expected a target of ${input.dtype}, got ${target.dtype}`);
  }
  checkProbabilities(call, input);
  if (weight === null) return pairLoss(call, PROBABILITIES, input, target, 0, how);
  return weighted(call, pairLoss(call, PROBABILITIES, input, target, 0, "none"), weight, how);
}

/** Throws `RangeError` unless every element is from 0 to 1. */
function checkProbabilities(call: string, x: Tensor): void {
  const count = x.numElements;
  if (x.dtype.kind !== "float" || count === 0) return;
  const { backend } = x, wide = denseAs(x, x.dtype === float64 ? float64 : float32);
  const kernel = x.dtype === float64 ? backend.kernels.unit_check_f64 : backend.kernels.unit_check;
  backend.check(float64, (verdict) => kernel(verdict, wide.pointer, count), (element) => {
    throw new RangeError(
      `${call}: all elements of input should be between 0 and 1, got ${element}`,
    );
  });
}

/**
 * Binary cross entropy of sigmoid(input), computed from the logits themselves. input and target: [...] -> [], or [...]
 * without reduction; `posWeight` multiplies what a positive target adds, and broadcasts, as `weight` does.
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [
      weight: Tensor | null,
      sizeAverage: boolean | null,
      reduce: boolean | null,
      reduction: Reduction,
      posWeight: Tensor | null,
    ],
    WeightedLossOptions & { posWeight?: Tensor | null }
  >
): Tensor {
  [input, target] = castAll("binaryCrossEntropyWithLogits", input, target);
  const call = "binaryCrossEntropyWithLogits";
  const { weight, posWeight, reduction, sizeAverage, reduce } = read(call, {
    weight: null as Tensor | null,
    ...PLAIN,
    posWeight: null as Tensor | null,
  }, args);
  const how = reductionOf(call, reduction, sizeAverage, reduce);
  checkSameShape(call, input, target);
  if (target.dtype.kind !== "float") {
    throw new TypeError(`${call}: expected a floating-point target, got ${target.dtype}`);
  }
  if (posWeight === null) {
    if (weight === null) return pairLoss(call, LOGITS, input, target, 0, how);
    return weighted(call, pairLoss(call, LOGITS, input, target, 0, "none"), weight, how);
  }
  checkTensor(call, "posWeight", posWeight);
  if (!broadcastsTo(posWeight.shape, input.shape)) {
    throw new RangeError(
      `${call}: a posWeight of shape ${show(posWeight.shape)} does not broadcast to ${
        show(input.shape)
      }`,
    );
  }
  // (1 - t) x + (1 + (w - 1) t) log(1 + exp(-x)): the logarithm is the loss against ones.
  const tail = pairLoss(call, LOGITS, input, onesLike(input), 0, "none");
  const factor = add(mul(sub(detach(posWeight), 1), target), 1);
  const losses = add(mul(sub(1, target), input), mul(factor, tail));
  const dtype = resultType(input, target);
  return weight === null
    ? reduced(cast(losses, dtype), how)
    : weighted(call, cast(losses, dtype), weight, how);
}
