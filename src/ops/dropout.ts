/**
 * Dropout: random elements, or whole channels, set to zero during training.
 *
 * @module
 */
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import type { Generator } from "../tensor/generator.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { float32 } from "../backend/dtype.ts";
import { computeInPlace, mul } from "./arithmetic.ts";
import {
  checkNumber,
  drawType,
  emptyInOrder,
  fillInOrder,
  generatorFor,
  type GeneratorOption,
} from "./draw.ts";
import { kernelTable } from "./elementwise.ts";
import { recordInPlace } from "./in_place.ts";
import { zeros } from "./create.ts";

const MUL = kernelTable("mul");

/** Options of the dropout functions. */
export interface DropoutOptions extends GeneratorOption {
  /** The probability that an element, or channel, is set to zero. */
  p?: number;
  /** Whether anything is dropped at all. */
  training?: boolean;
  /** Whether to write into the input. */
  inplace?: boolean;
}

/** Parameters of the dropout functions, after the input. */
export type DropoutArgs = Args<[p: number, training: boolean, inplace: boolean], DropoutOptions>;

/** The parameters of `call`, checked. */
function readDropout(call: string, x: Tensor, training: boolean, args: readonly unknown[]) {
  const o = read(call, {
    p: 0.5,
    training,
    inplace: false,
    generator: null as Generator | null,
  }, args);
  checkTensor(call, "input", x);
  checkNumber(call, "p", o.p);
  if (!(o.p >= 0 && o.p <= 1)) {
    throw new RangeError(`${call}: the probability p must be from 0 to 1, got ${o.p}`);
  }
  return { ...o, off: o.p === 0 || !o.training || x.numElements === 0 };
}

/** x * factor, in the memory of `x` if `inplace`; `factor` takes no gradient. */
function scale(call: string, x: Tensor, factor: Tensor, inplace: boolean): Tensor {
  if (!inplace) return mul(x, factor);
  computeInPlace(call, MUL, x, factor, x.dtype);
  return recordInPlace("mul", x, [x], [(dy) => mul(dy, factor)], [factor]);
}

/**
 * Sets each element of `x` to zero with probability `p` and multiplies the others by 1 / (1 - p): [...] -> the same
 * shape. Gives `x` itself when not training.
 *
 * @throws RangeError when `p` is not from 0 to 1.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
 */
export function dropout(x: Tensor, ...args: DropoutArgs): Tensor {
  const { p, off, inplace, generator } = readDropout("dropout", x, true, args);
  if (off) return x;
  if (p === 1) return scale("dropout", x, zeros([], { dtype: x.dtype, device: x.device }), inplace);
  checkFloats("dropout", x);
  return scale("dropout", x, keepMask("dropout", x, p, generator), inplace);
}

/** Throws `TypeError` unless `x` is of a floating-point dtype. */
function checkFloats(call: string, x: Tensor): void {
  if (x.dtype.kind !== "float") {
    throw new TypeError(`${call}: not defined for ${x.dtype}; expected a floating-point dtype`);
  }
}

/** For each element of `x`, drawn in the order of its memory: 0 with probability `p`, else 1 / (1 - p). */
function keepMask(call: string, x: Tensor, p: number, generator: Generator | null): Tensor {
  const source = generatorFor(call, x, generator), mask = emptyInOrder(x);
  const type = drawType(x.dtype);
  const kernel = x.backend.kernels[type === float32 ? "dropout_mask" : "dropout_mask_f64"];
  fillInOrder(mask, type, (y) => kernel(y.pointer, source.pointer, y.numElements, p));
  return mask;
}
