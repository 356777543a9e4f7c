/**
 * What losses over classes share: checked targets and weights, the kernels' calls, and the negative log-likelihood.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float32, int64 } from "../backend/dtype.ts";
import { checkTensor, wholeNumber } from "../tensor/arguments.ts";
import { emptyLike, emptyOn } from "../tensor/create.ts";
import { checkDevice, sameShape, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { div } from "./arithmetic.ts";
import { checkRange } from "./check.ts";
import { cast, dense, denseAs } from "./copy.ts";
import type { Reduction } from "./loss_reduction.ts";
import { sum } from "./reduce.ts";
import { sumTo } from "./sum_to.ts";
import { detach } from "./view.ts";

/** The least int32. */
const NONE = -(2 ** 31);

/** The parameters of a loss over classes: x counts as [outer, classes, inner], targets as [outer, inner]. */
export interface Classes {
  /** The targets, int64 and contiguous. */
  target: Tensor;
  weight: Tensor | null;
  classes: number;
  inner: number;
  ignore: number;
  smoothing: number;
}

/**
 * Targets and weights, checked: the targets are classes or `ignore`, their shape that of `x` without its class axis.
 *
 * @throws RangeError for targets that are no classes, or shapes that do not fit.
 * @throws TypeError for dtypes that do not fit.
 */
export function readClasses(
  call: string,
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  ignoreIndex: number | null,
): Classes {
  const axis = x.ndim === 1 ? 0 : 1, classes = x.shape[axis];
  if (target.dtype.kind !== "int") {
    throw new TypeError(`${call}: expected a target of torch.int64, got ${target.dtype}`);
  }
  checkDevice(call, x, target);
  if (x.ndim > 1 && (target.ndim === 0 || target.shape[0] !== x.shape[0])) {
    throw new RangeError(
      `${call}: an input ${show(x.shape)} has a batch of ${x.shape[0]}, the target has shape ${
        show(target.shape)
      }`,
    );
  }
  const wanted = x.shape.filter((_, d) => d !== axis);
  if (!sameShape(wanted, target.shape)) {
    throw new RangeError(
      `${call}: expected a target of shape ${show(wanted)} for an input of shape ${
        show(x.shape)
      }, got ${show(target.shape)}`,
    );
  }
  // Without one to ignore: a number that the check has refused in every place.
  const asked = ignoreIndex === null ? NONE : wholeNumber(call, "ignoreIndex", ignoreIndex);
  const ignore = Math.abs(asked) < -NONE ? asked : NONE;
  const ids = denseAs(target, int64), spared = ignoreIndex === null ? undefined : ignore;
  checkRange(
    ids,
    { high: classes, spared },
    (element) =>
      `${call}: target ${element} is out of bounds: expected 0 to ${classes - 1}${
        ignoreIndex === null ? "" : `, or ignoreIndex ${ignore}`
      }`,
  );
  return {
    target: ids,
    weight: readWeight(call, x, weight, classes),
    classes,
    inner: x.ndim > 2 ? sizeOf(x.shape.slice(2)) : 1,
    ignore,
    smoothing: 0,
  };
}

export function readWeight(
  call: string,
  x: Tensor,
  weight: Tensor | null,
  classes: number,
): Tensor | null {
  if (weight === null) return null;
  checkTensor(call, "weight", weight);
  if (weight.ndim !== 1 || weight.shape[0] !== classes) {
    throw new RangeError(
      `${call}: expected a weight for each of ${classes} classes, got shape ${show(weight.shape)}`,
    );
  }
  if (weight.dtype !== x.dtype) {
    throw new TypeError(`${call}: expected a weight of ${x.dtype}, got ${weight.dtype}`);
  }
  checkDevice(call, x, weight);
  return dense(detach(weight));
}

/** Throws unless `x` has a class axis and is floating-point. */
export function checkInput(call: string, x: unknown): asserts x is Tensor {
  checkTensor(call, "input", x);
  if (x.ndim === 0) {
    throw new RangeError(`${call}: expected an input with an axis of classes, got a 0-d tensor`);
  }
  if (x.dtype.kind !== "float") {
    throw new TypeError(`${call}: expected a floating-point input, got ${x.dtype}`);
  }
}

/** The kernel `name` for float32 or float64. */
export function kernelOf<
  N extends "nll_loss" | "nll_loss_grad" | "weighted_mean" | "cross_entropy_target",
>(
  x: Tensor,
  name: N,
): Tensor["backend"]["kernels"][N] {
  const { kernels } = x.backend;
  // The float64 kernels take the same parameters.
  return x.dtype === float32
    ? kernels[name]
    : kernels[`${name}_f64`] as Tensor["backend"]["kernels"][N];
}

/** The losses of all positions, reduced; and for a mean, the total weight that it was divided by. No history. */
export function reduceClasses(
  losses: Tensor,
  { target, weight, classes, ignore }: Classes,
  reduction: Reduction,
): { y: Tensor; total: Tensor | null } {
  if (reduction === "none") return { y: losses, total: null };
  if (reduction === "sum") return { y: sum(losses), total: null };
  const y = emptyOn(losses.backend, [], losses.dtype), total = emptyOn(losses.backend, [], y.dtype);
  kernelOf(losses, "weighted_mean")(
    y.pointer,
    total.pointer,
    losses.pointer,
    target.pointer,
    weight === null ? 0 : weight.pointer,
    classes,
    ignore,
    losses.numElements,
  );
  losses.storage.free();
  return { y, total };
}

export function nll(x: Tensor, p: Classes, reduction: Reduction): Tensor {
  if (x.dtype !== float32 && x.dtype.size !== 8) {
    const wide = { ...p, weight: p.weight === null ? null : cast(p.weight, float32) };
    return cast(nll(cast(x, float32), wide, reduction), x.dtype);
  }
  const source = dense(x), { target, weight, classes, inner, ignore } = p;
  const losses = emptyOn(x.backend, target.shape, x.dtype), n = losses.numElements;
  kernelOf(x, "nll_loss")(
    losses.pointer,
    source.pointer,
    target.pointer,
    weight === null ? 0 : weight.pointer,
    classes,
    inner,
    ignore,
    0,
    n,
  );
  const { y, total } = reduceClasses(losses, p, reduction);
  return record(nameOf(x), y, [x], [(dy) => nllGrad(dy, total, x, p)], savedOf(p));
}

/** The parameters whose elements the gradients read. */
export function savedOf({ target, weight }: Classes): Tensor[] {
  return weight === null ? [target] : [target, weight];
}

/** What PyTorch records for the loss of `x`. */
export function nameOf(x: Tensor): string {
  return x.ndim > 2 ? "NllLoss2DBackward0" : "nll_loss";
}

/** The gradient of `nll` by x: minus the weight of each target, times dy / total. It is linear in dy. */
export function nllGrad(dy: Tensor, total: Tensor | null, x: Tensor, p: Classes): Tensor {
  const { target, weight, classes, inner, ignore } = p;
  const source = dense(dy), dx = emptyLike(x), step = dyStep(dy, target);
  kernelOf(x, "nll_loss_grad")(
    dx.pointer,
    source.pointer,
    total === null ? 0 : total.pointer,
    target.pointer,
    weight === null ? 0 : weight.pointer,
    classes,
    inner,
    ignore,
    step,
    0,
    target.numElements,
  );
  return record("nll_loss_backward", dx, [dy], [(g) => {
    const back = sumTo(nll(g, p, "none"), dy.shape);
    return total === null ? back : div(back, total);
  }]);
}

/** Whether there is one dy for each position (1) or one for all (0). */
export function dyStep(dy: Tensor, target: Tensor): number {
  return dy.numElements === target.numElements ? 1 : 0;
}

/** What each class of each position should get, [batch, classes, ...]: weights, spread by `smoothing`. No history. */
export function targetShares(x: Tensor, p: Classes): Tensor {
  const { target, weight, classes, inner, ignore, smoothing } = p, y = emptyLike(x);
  kernelOf(x, "cross_entropy_target")(
    y.pointer,
    target.pointer,
    weight === null ? 0 : weight.pointer,
    classes,
    inner,
    ignore,
    smoothing,
    0,
    target.numElements,
  );
  return y;
}
