/**
 * What losses of pairs share: fused kernels forward and backward, and the second derivatives.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float32 } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { emptyLike, emptyOn } from "../tensor/create.ts";
import { broadcast, checkDevice, sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { div, mul, sub } from "./arithmetic.ts";
import { lt } from "./compare.ts";
import { cast, dense } from "./copy.ts";
import { type KernelTable, kernelTable, resultType } from "./elementwise.ts";
import { clampMin } from "./extremum.ts";
import type { Reduction } from "./loss_reduction.ts";
import { sumTo } from "./sum_to.ts";
import { abs, log, log1p, neg, sigmoid } from "./unary.ts";
import { expand } from "./view.ts";

/** What multiplies a gradient: a tensor, a number, or null for zero. */
type Factor = Tensor | number | null;

/** A loss of pairs of a prediction x and a target t, with a parameter p. */
export interface PairKind {
  /** PyTorch's name of it. */
  readonly op: string;
  readonly each: KernelTable;
  readonly sum: KernelTable;
  readonly grad: KernelTable;
  /** The derivative by t; where it is absent, it is minus that by x. */
  readonly byTarget?: (x: Tensor, t: Tensor) => Tensor;
  /** The derivatives by x and by t of the derivative by x. */
  readonly second: (x: Tensor, t: Tensor, p: number) => [byX: Factor, byTarget: Factor];
}

function kind(op: string, rest: Pick<PairKind, "byTarget" | "second">): PairKind {
  return {
    op,
    each: kernelTable(op),
    sum: kernelTable(`${op}_sum`),
    grad: kernelTable(`${op}_grad`),
    ...rest,
  };
}

/** 1 where |x - t| < p, else 0. */
function near(x: Tensor, t: Tensor, p: number): Tensor {
  return cast(lt(abs(sub(x, t)), p), x.dtype);
}

/** (x - t)^2. */
export const MSE: PairKind = kind("mse_loss", { second: () => [2, -2] });

/** |x - t|. */
export const L1: PairKind = kind("l1_loss", { second: () => [null, null] });

/** (x - t)^2 / (2 p) where |x - t| < p, else |x - t| - p / 2. */
export const SMOOTH_L1: PairKind = kind("smooth_l1_loss", {
  second: (x, t, p) => {
    const curvature = p === 0 ? mul(near(x, t, p), 0) : div(near(x, t, p), p);
    return [curvature, neg(curvature)];
  },
});

/** (x - t)^2 / 2 where |x - t| < p, else p (|x - t| - p / 2). */
export const HUBER: PairKind = kind("huber_loss", {
  second: (x, t, p) => {
    const curvature = near(x, t, p);
    return [curvature, neg(curvature)];
  },
});

/** Binary cross entropy of sigmoid(x) against t. */
export const LOGITS: PairKind = kind("binary_cross_entropy_with_logits", {
  byTarget: (x) => neg(x),
  second: (x) => {
    const s = sigmoid(x);
    return [mul(s, sub(1, s)), -1];
  },
});

/** Binary cross entropy of the probability x against t. */
export const PROBABILITIES: PairKind = kind("binary_cross_entropy", {
  byTarget: (x) => sub(log1p(neg(x)), log(x)),
  second: (x, t) => {
    // The derivative is (x - t) / q with q = x (1 - x).
    const q = clampMin(mul(x, sub(1, x)), 1e-12);
    const bend = div(mul(sub(x, t), sub(1, mul(x, 2))), q);
    return [div(sub(1, bend), q), div(-1, q)];
  },
});

type Kernel = (...values: number[]) => void;

function kernelOf(table: KernelTable, x: Tensor): Kernel {
  return x.backend.kernels[table[x.dtype.id]!] as unknown as Kernel;
}

/**
 * A loss of pairs, reduced. Prediction and target broadcast and are brought to one dtype.
 *
 * @throws RangeError when they do not broadcast.
 * @throws TypeError when they are not floating-point.
 */
export function pairLoss(
  call: string,
  kind: PairKind,
  input: Tensor,
  target: Tensor,
  parameter: number,
  reduction: Reduction,
): Tensor {
  checkTensor(call, "input", input);
  checkTensor(call, "target", target);
  checkDevice(call, input, target);
  const dtype = input.dtype === target.dtype ? input.dtype : resultType(input, target);
  if (dtype.kind !== "float") {
    throw new TypeError(`${call}: expected floating-point tensors, got ${input.dtype}`);
  }
  if (dtype.size === 2) {
    const [x, t] = [cast(input, float32), cast(target, float32)];
    return cast(pairLoss(call, kind, x, t, parameter, reduction), dtype);
  }
  let x = cast(input, dtype), t = cast(target, dtype);
  if (!sameShape(x.shape, t.shape)) {
    const shape = broadcast(call, x.shape, t.shape);
    x = expand(x, shape);
    t = expand(t, shape);
  }
  const p = dense(x), q = dense(t), n = x.numElements;
  let y: Tensor, factor = 1;
  if (reduction === "none") {
    y = emptyLike(x);
    if (n > 0) kernelOf(kind.each, x)(y.pointer, p.pointer, q.pointer, parameter, 0, n);
  } else {
    y = emptyOn(x.backend, [], dtype);
    const divisor = reduction === "mean" ? n : 1;
    factor = 1 / divisor;
    kernelOf(kind.sum, x)(y.pointer, p.pointer, q.pointer, parameter, divisor, n);
  }
  return record(kind.op, y, [x, t], [
    (dy) => pairGrad(kind, dy, x, t, parameter, factor),
    (dy) =>
      kind.byTarget === undefined
        ? pairGrad(kind, dy, x, t, parameter, -factor)
        : mul(kind.byTarget(x, t), factor === 1 ? dy : mul(dy, factor)),
  ], [x, t]);
}

/** factor * dy * the derivative by x, where dy is one number or has the shape of x; linear in dy. */
function pairGrad(
  kind: PairKind,
  dy: Tensor,
  x: Tensor,
  t: Tensor,
  parameter: number,
  factor: number,
): Tensor {
  const g = dense(dy), p = dense(x), q = dense(t), dx = emptyLike(x), n = x.numElements;
  if (n > 0) {
    kernelOf(kind.grad, x)(
      dx.pointer,
      g.pointer,
      p.pointer,
      q.pointer,
      parameter,
      factor,
      dy.numElements === n ? 1 : 0,
      0,
      n,
    );
  }
  const bent = (g: Tensor, by: Factor): Tensor | null =>
    by === null ? null : mul(mul(mul(g, dy), factor), by);
  return record(`${kind.op}_backward`, dx, [dy, x, t], [
    (g) => sumTo(pairGrad(kind, g, x, t, parameter, factor), dy.shape),
    (g) => bent(g, kind.second(x, t, parameter)[0]),
    (g) => bent(g, kind.second(x, t, parameter)[1]),
  ], [dy, x, t]);
}
