/**
 * Dropout: random elements, or whole channels, set to zero during training.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { bool, float64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import { deviceGenerator, type Generator } from "../tensor/generator.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, add_, mul } from "./arithmetic.ts";
import {
  checkFloat,
  checkNumber,
  drawType,
  fillInOrder,
  generatorFor,
  type GeneratorOption,
  NO_GENERATOR,
} from "./draw.ts";
import { dense } from "./copy.ts";
import { computeInPlace, kernelTable } from "./elementwise.ts";
import { recordInPlace } from "./in_place.ts";

const MUL = kernelTable("mul");

/** Options of the dropout functions. */
export interface DropoutOptions extends GeneratorOption {
  /** The probability that an element, or channel, is dropped; 0.5 by default. */
  p?: number;
  /** Whether anything is dropped at all. */
  training?: boolean;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/** Parameters of the dropout functions, after the input. */
export type DropoutArgs = Args<[p: number, training: boolean, inplace: boolean], DropoutOptions>;

/** What one dropout function does: `maskShape` is that of its mask, null for the input's. */
interface Kind {
  call: string;
  training: boolean;
  alpha: boolean;
  maskShape: ((x: Tensor) => number[]) | null;
}

function apply(kind: Kind, x: Tensor, args: readonly unknown[]): Tensor {
  const { call, alpha } = kind;
  const { p, training, inplace, generator } = read(call, {
    p: 0.5,
    training: kind.training,
    inplace: false,
    ...NO_GENERATOR,
  }, args);
  checkTensor(call, "input", x);
  checkNumber(call, "p", p);
  if (!(p >= 0 && p <= 1)) {
    throw new RangeError(`${call}: the probability p must be from 0 to 1, got ${p}`);
  }
  if (p === 0 || !training || x.numElements === 0) return x;
  if (p === 1) return scale(call, x, fillWith(emptyOn(x.backend, [], x.dtype), 0), inplace);
  checkFloat(call, x.dtype);
  if (kind.maskShape === null && !alpha && !inplace && drawType(x.dtype) === x.dtype) {
    return dropped(x, p, generatorFor(call, x, generator ?? deviceGenerator(x.backend)));
  }
  const mask = emptyOn(x.backend, kind.maskShape?.(x) ?? x.shape, x.dtype);
  const type = drawType(x.dtype),
    { kernels } = x.backend,
    source = generatorFor(call, x, generator ?? deviceGenerator(x.backend));
  if (!alpha) {
    const draw = kernels[type === float64 ? "dropout_mask_f64" : "dropout_mask"];
    fillInOrder(mask, type, (y) => draw(y.pointer, source.pointer, y.numElements, p));
    return scale(call, x, mask, inplace);
  }
  const draw = kernels[type === float64 ? "bernoulli_f64" : "bernoulli"];
  fillInOrder(mask, type, (y) => draw(y.pointer, source.pointer, y.numElements, 1 - p));
  // Dropped elements become SELU's limit for large negative numbers; then mean 0 and variance 1 are restored.
  const factor = 1 / Math.sqrt((LIMIT * LIMIT * p + 1) * (1 - p));
  const shift = add(mul(add(mask, -1), LIMIT * factor), LIMIT * factor * p);
  const scaled = scale(call, x, mul(mask, factor), inplace);
  return inplace ? add_(scaled, shift) : add(scaled, shift);
}

/** Elements dropped, drawn and scaled in one kernel. */
function dropped(x: Tensor, p: number, source: Generator): Tensor {
  const y = emptyOn(x.backend, x.shape, x.dtype), mask = emptyOn(x.backend, x.shape, bool);
  const input = dense(x), { kernels } = x.backend;
  const run = kernels[x.dtype === float64 ? "dropout_f64" : "dropout"];
  run(y.pointer, mask.pointer, input.pointer, source.pointer, y.numElements, p);
  return record("native_dropout", y, [x], [(dy) => droppedGrad(dy, mask, p)]);
}

/** The gradient of the elements that stayed: dy / (1 - p), zero elsewhere. */
function droppedGrad(dy: Tensor, mask: Tensor, p: number): Tensor {
  const dx = emptyOn(dy.backend, dy.shape, dy.dtype), input = dense(dy), { kernels } = dy.backend;
  const run = kernels[dy.dtype === float64 ? "dropout_grad_f64" : "dropout_grad"];
  run(dx.pointer, input.pointer, mask.pointer, p, 0, dx.numElements);
  return record("native_dropout_backward", dx, [dy], [(ddx) => droppedGrad(ddx, mask, p)]);
}

/** SELU's scale times its alpha. */
const LIMIT = 1.7580993408473766;

/** x * factor, in the memory of `x` if `inplace`; `factor` takes no gradient. */
function scale(call: string, x: Tensor, factor: Tensor, inplace: boolean): Tensor {
  if (!inplace) return mul(x, factor);
  computeInPlace(call, MUL, x, factor, x.dtype);
  return recordInPlace("mul", x, [x], [(dy) => mul(dy, factor)], [factor]);
}

/** One element of the mask for each of the first `axes` axes. */
function channels(x: Tensor, axes: number): number[] {
  return x.shape.map((n, d) => d < axes ? n : 1);
}

/** Throws `RangeError` unless `x` has samples and channels. */
function checkChannels(call: string, x: Tensor, least: number): void {
  if (x.ndim < least) {
    throw new RangeError(
      `${call}: expected an input of ${least} or more axes, got shape ${show(x.shape)}`,
    );
  }
}

const DROPOUT: Kind = { call: "dropout", training: true, alpha: false, maskShape: null };

/**
 * Sets each element of `x` to zero with probability `p` and multiplies the others by 1 / (1 - p): [...] -> the same
 * shape. Gives `x` itself when not training.
 *
 * @throws RangeError when `p` is not from 0 to 1.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
 */
export function dropout(x: Tensor, ...args: DropoutArgs): Tensor {
  return apply(DROPOUT, x, args);
}

const DROPOUT_1D: Kind = {
  call: "dropout1d",
  training: true,
  alpha: false,
  maskShape: (x) => channels(x, x.ndim - 1),
};

/**
 * As `dropout`, for whole channels: [N, C, L] or [C, L] -> the same shape.
 *
 * @throws RangeError when `p` is not from 0 to 1, or `x` has other axes.
 */
export function dropout1d(x: Tensor, ...args: DropoutArgs): Tensor {
  checkTensor("dropout1d", "input", x);
  if (x.ndim !== 2 && x.ndim !== 3) {
    throw new RangeError(`dropout1d: expected an input of 2 or 3 axes, got shape ${show(x.shape)}`);
  }
  return apply(DROPOUT_1D, x, args);
}

const DROPOUT_2D: Kind = {
  call: "dropout2d",
  training: true,
  alpha: false,
  maskShape: (x) => {
    checkChannels("dropout2d", x, 2);
    return channels(x, 2);
  },
};

/**
 * As `dropout`, for whole channels: [N, C, H, W] -> the same shape. An input of three axes counts as [N, C, L].
 *
 * @throws RangeError when `p` is not from 0 to 1, or `x` has fewer than two axes.
 */
export function dropout2d(x: Tensor, ...args: DropoutArgs): Tensor {
  return apply(DROPOUT_2D, x, args);
}

const DROPOUT_3D: Kind = {
  call: "dropout3d",
  training: true,
  alpha: false,
  maskShape: (x) => {
    checkChannels("dropout3d", x, 1);
    return channels(x, x.ndim === 5 ? 2 : 1);
  },
};

/**
 * As `dropout`, for whole channels: [N, C, D, H, W] or [C, D, H, W] -> the same shape.
 *
 * @throws RangeError when `p` is not from 0 to 1, or `x` has no axes.
 */
export function dropout3d(x: Tensor, ...args: DropoutArgs): Tensor {
  return apply(DROPOUT_3D, x, args);
}

const ALPHA: Kind = { call: "alphaDropout", training: false, alpha: true, maskShape: null };

/**
 * Dropout that keeps mean and variance of SELU's outputs: dropped elements become its limit, and all are scaled and
 * shifted. [...] -> the same shape; off by default, as in PyTorch.
 *
 * @throws RangeError when `p` is not from 0 to 1.
 * @see Klambauer et al., Self-Normalizing Neural Networks (2017)
 */
export function alphaDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  return apply(ALPHA, x, args);
}

const FEATURE_ALPHA: Kind = {
  call: "featureAlphaDropout",
  training: false,
  alpha: true,
  maskShape: (x) => {
    checkChannels("featureAlphaDropout", x, 2);
    return channels(x, 2);
  },
};

/**
 * As `alphaDropout`, for whole channels: [N, C, ...] -> the same shape; off by default, as in PyTorch.
 *
 * @throws RangeError when `p` is not from 0 to 1, or `x` has fewer than two axes.
 */
export function featureAlphaDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  return apply(FEATURE_ALPHA, x, args);
}
