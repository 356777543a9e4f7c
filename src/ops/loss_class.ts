/**
 * Losses over classes: negative log-likelihood and cross entropy.
 *
 * @module
 */
import { type Grad, record, recording } from "../autograd/record.ts";
import { computeType, type DType, float32 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyLike, emptyOn } from "../tensor/create.ts";
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { autocastType, castFor } from "./autocast.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import {
  checkInput,
  type Classes,
  dyStep,
  nameOf,
  nll,
  readClasses,
  readWeight,
  reduceClasses,
  savedOf,
  targetShares,
} from "./class_target.ts";
import { cast, dense } from "./copy.ts";
import { hasKernel, kernelTable } from "./elementwise.ts";
import { type LossOptions, type Reduction, reductionOf } from "./loss_reduction.ts";
import { sum } from "./reduce.ts";
import { logSoftmax, softmax } from "./softmax.ts";
import { neg } from "./unary.ts";
import { reshape, unsqueeze } from "./view.ts";

const CROSS_ENTROPY = kernelTable("cross_entropy"),
  CROSS_ENTROPY_GRAD = kernelTable("cross_entropy_grad");

/** Options of `nllLoss`. */
export interface NllLossOptions extends LossOptions {
  /** The weight of each class: [classes]. */
  weight?: Tensor | null;
  /** Targets of this value take no part. */
  ignoreIndex?: number;
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** How much of each target is spread evenly over all classes: 0 to 1. */
  labelSmoothing?: number;
}

/**
 * Negative log-likelihood: minus the logarithm of the probability of each target, times its class's weight. input:
 * [batch, classes, ...] (or [classes]) logarithms of probabilities, target: [batch, ...] classes -> [], or [batch, ...]
 * without reduction.
 *
 * @throws RangeError when a target is not a class, or the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
 */
export function nllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [
      weight: Tensor | null,
      sizeAverage: boolean | null,
      ignoreIndex: number,
      reduce: boolean | null,
      reduction: Reduction,
    ],
    NllLossOptions
  >
): Tensor {
  input = castFor("nllLoss", input);
  const options = read("nllLoss", {
    weight: null as Tensor | null,
    sizeAverage: null as boolean | null,
    ignoreIndex: -100,
    reduce: null as boolean | null,
    reduction: "mean" as Reduction,
  }, args);
  const reduction = reductionOf(
    "nllLoss",
    options.reduction,
    options.sizeAverage,
    options.reduce,
  );
  checkInput("nllLoss", input);
  checkTensor("nllLoss", "target", target);
  const p = readClasses("nllLoss", input, target, options.weight, options.ignoreIndex);
  return nll(input, p, reduction);
}

/**
 * Cross entropy of the softmax of `input` against classes, or against a probability of each class. input: [batch,
 * classes, ...] (or [classes]) logits, target: [batch, ...] classes, or probabilities in the shape of the input -> [], or
 * [batch, ...] without reduction.
 *
 * @throws RangeError when a target is not a class, or the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
 */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [
      weight: Tensor | null,
      sizeAverage: boolean | null,
      ignoreIndex: number,
      reduce: boolean | null,
      reduction: Reduction,
      labelSmoothing: number,
    ],
    CrossEntropyOptions
  >
): Tensor {
  const call = "crossEntropy";
  const options = read(call, {
    weight: null as Tensor | null,
    sizeAverage: null as boolean | null,
    ignoreIndex: -100,
    reduce: null as boolean | null,
    reduction: "mean" as Reduction,
    labelSmoothing: 0,
  }, args);
  const { weight, ignoreIndex, labelSmoothing, sizeAverage, reduce } = options;
  const reduction = reductionOf(call, options.reduction, sizeAverage, reduce);
  checkInput(call, input);
  checkTensor(call, "target", target);
  if (!(typeof labelSmoothing === "number" && labelSmoothing <= 1)) {
    throw new RangeError(`${call}: labelSmoothing must be from 0 to 1, got ${labelSmoothing}`);
  }
  const smoothing = Math.max(0, labelSmoothing);
  // Half precision's logits are read as they are where the device can: no copy of them in float32 is made.
  const dtype = autocastType(call, input);
  if (sameShape(input.shape, target.shape)) {
    if (ignoreIndex >= 0) {
      throw new RangeError(
        `${call}: ignoreIndex ${ignoreIndex} means nothing for a target of probabilities`,
      );
    }
    return softCrossEntropy(cast(input, dtype), target, weight, reduction, smoothing);
  }
  if (weight !== null) input = cast(input, dtype);
  const p = readClasses(call, input, target, weight, ignoreIndex);
  p.smoothing = smoothing;
  return hardCrossEntropy(input, p, reduction, dtype);
}

/** Cross entropy against probabilities: -sum over classes of weight * target * logSoftmax(x). */
function softCrossEntropy(
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  reduction: Reduction,
  smoothing: number,
): Tensor {
  const axis = x.ndim === 1 ? 0 : 1, classes = x.shape[axis];
  if (target.dtype.kind !== "float") {
    throw new TypeError(
      `crossEntropy: expected floating-point probabilities of classes as target, got ${target.dtype}`,
    );
  }
  const weights = readWeight("crossEntropy", x, weight, classes);
  if (smoothing > 0) target = add(mul(target, 1 - smoothing), smoothing / classes);
  let part = mul(logSoftmax(x, axis), target);
  if (weights !== null) {
    part = mul(part, reshape(weights, x.shape.map((_, d) => d === axis ? classes : 1)));
  }
  const positions = x.numElements / classes;
  if (reduction === "mean") return div(neg(sum(part)), positions);
  return neg(reduction === "sum" ? sum(part) : sum(part, axis));
}

/** Cross entropy against classes in `dtype`, in one pass over the logits forward and one backward. */
function hardCrossEntropy(x: Tensor, p: Classes, reduction: Reduction, dtype: DType): Tensor {
  if (!hasKernel(x.backend, CROSS_ENTROPY, x.dtype)) x = cast(x, float32);
  const compute = computeType(x.dtype);
  if (p.weight !== null) p = { ...p, weight: cast(p.weight, compute) };
  const source = dense(x), { target, weight, classes, inner, ignore, smoothing } = p;
  const losses = emptyOn(x.backend, target.shape, compute), n = losses.numElements;
  const stats = emptyOn(x.backend, [n, 2], compute), { kernels } = x.backend;
  (kernels[CROSS_ENTROPY[x.dtype.id]!] as typeof kernels.cross_entropy)(
    losses.pointer,
    stats.pointer,
    source.pointer,
    target.pointer,
    weight === null ? 0 : weight.pointer,
    classes,
    inner,
    ignore,
    smoothing,
    0,
    n,
  );
  const { y, total } = reduceClasses(losses, p, reduction);
  const op = smoothing > 0 ? "add" : nameOf(x);
  record(op, y, [x], [crossEntropyGrad(x, source, stats, total, p)], [x, ...savedOf(p)]);
  return cast(y, dtype);
}

/** The gradient of cross entropy: (softmax(x) * the total of the shares of its position - shares) * dy / total. */
function crossEntropyGrad(
  x: Tensor,
  source: Tensor,
  stats: Tensor,
  total: Tensor | null,
  p: Classes,
): Grad {
  const { target, weight, classes, inner, ignore, smoothing } = p;
  return (dy) => {
    if (recording([dy, x])) return cast(differentiableGrad(dy, x, total, p), x.dtype);
    const dys = dense(dy), dx = emptyLike(x), { kernels } = x.backend;
    (kernels[CROSS_ENTROPY_GRAD[x.dtype.id]!] as typeof kernels.cross_entropy_grad)(
      dx.pointer,
      dys.pointer,
      total === null ? 0 : total.pointer,
      stats.pointer,
      source.pointer,
      target.pointer,
      weight === null ? 0 : weight.pointer,
      classes,
      inner,
      ignore,
      smoothing,
      dyStep(dy, target),
      0,
      target.numElements,
    );
    return dx;
  };
}

/** The same gradient, composed of operations that can themselves be differentiated. */
function differentiableGrad(dy: Tensor, x: Tensor, total: Tensor | null, p: Classes): Tensor {
  const axis = x.ndim === 1 ? 0 : 1, shares = targetShares(x, p);
  const slope = sub(mul(softmax(x, axis), sum(shares, axis, true)), shares);
  const perPosition = total === null ? dy : div(dy, total);
  return mul(
    slope,
    dy.ndim > 0 && dy.ndim === p.target.ndim ? unsqueeze(perPosition, axis) : perPosition,
  );
}
