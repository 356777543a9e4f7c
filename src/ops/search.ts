/**
 * Looking values up in sorted ones.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { bool, computeType, int32, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { checkDevice, sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import {
  backendOfAll,
  checkOperand,
  kernelTable,
  type Operand,
  resultType,
} from "./elementwise.ts";
import { checkIndexes, flat, gatherFrom, scalarTensor } from "./indexed.ts";
import { sort } from "./sort.ts";

const SEARCH = kernelTable("searchsorted"), ISIN = kernelTable("isin");

/** Options of `searchsorted`. */
export interface SearchsortedOptions {
  /** Whether to give int32 instead of int64. */
  outInt32?: boolean;
  /** Whether to give the last possible position instead of the first. */
  right?: boolean;
  /** `"left"` or `"right"`: the same as `right`. */
  side?: "left" | "right" | null;
  /** Indexes that sort `sortedSequence`, if it is not sorted. */
  sorter?: Tensor | null;
}

/** Options of `bucketize`. */
export interface BucketizeOptions {
  /** Whether to give int32 instead of int64. */
  outInt32?: boolean;
  /** Whether a value equal to a boundary goes into the bucket after it. */
  right?: boolean;
}

/** Where `input` fits into rows of `sorted`, in the shape of `input`. */
function search(
  call: string,
  sorted: Tensor,
  input: Operand,
  right: boolean,
  outInt32: boolean,
): Tensor {
  const { backend } = sorted;
  const dtype = resultType(sorted, input), compute = computeType(dtype);
  if (dtype === bool) throw new TypeError(`${call}: not defined for ${dtype}`);
  const x = input instanceof Tensor
    ? denseAs(input, compute)
    : scalarTensor(backend, input, compute);
  const source = denseAs(sorted, compute), n = sorted.shape[sorted.ndim - 1];
  const y = emptyOn(backend, x.shape, int64);
  if (y.numElements > 0) {
    (backend.kernels[SEARCH[compute.id]!] as typeof backend.kernels.searchsorted)(
      y.pointer,
      source.pointer,
      x.pointer,
      n,
      sorted.ndim === 1 ? y.numElements : x.shape[x.ndim - 1],
      sorted.ndim === 1 ? 0 : n,
      right ? 1 : 0,
      0,
      y.numElements,
    );
  }
  return outInt32 ? convert(y, int32) : y;
}

/**
 * The positions at which `input` would go into sorted sequences so that they stay sorted: before equal elements, or with
 * `right` after them. sortedSequence: [n] with input of any shape, or [..., n] with input [..., m] -> the shape of
 * `input`, int64.
 *
 * @throws RangeError when the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.searchsorted.html
 */
export function searchsorted(
  sortedSequence: Tensor,
  input: Tensor | number,
  ...args: Args<
    [outInt32: boolean, right: boolean, side: "left" | "right" | null, sorter: Tensor | null],
    SearchsortedOptions
  >
): Tensor {
  const call = "searchsorted";
  const { outInt32, right, side, sorter } = read(call, {
    outInt32: false,
    right: false,
    side: null as string | null,
    sorter: null as Tensor | null,
  }, args);
  checkTensor(call, "sortedSequence", sortedSequence);
  checkOperand(call, "input", input);
  if (side !== null && side !== "left" && side !== "right") {
    throw new RangeError(`${call}: side must be "left" or "right", got ${describeValue(side)}`);
  }
  if (side === "left" && right) {
    throw new RangeError(`${call}: side "left" contradicts right = true`);
  }
  const shape = input instanceof Tensor ? input.shape : [], { ndim } = sortedSequence;
  if (ndim === 0) throw new RangeError(`${call}: sortedSequence must have an axis, it is 0-d`);
  if (
    ndim > 1 && (shape.length !== ndim ||
      !sameShape(shape.slice(0, -1), sortedSequence.shape.slice(0, -1)))
  ) {
    throw new RangeError(
      `${call}: input of shape ${show(shape)} does not fit sequences of shape ${
        show(sortedSequence.shape)
      }: expected the same sizes up to the last axis`,
    );
  }
  if (input instanceof Tensor) checkDevice(call, sortedSequence, input);
  let sorted = sortedSequence;
  if (sorter !== null) {
    checkTensor(call, "sorter", sorter);
    if (sorter.dtype !== int64) {
      throw new TypeError(`${call}: sorter must be int64, got ${sorter.dtype}`);
    }
    if (!sameShape(sorter.shape, sorted.shape)) {
      throw new RangeError(
        `${call}: sorter has shape ${show(sorter.shape)}, expected ${show(sorted.shape)}`,
      );
    }
    const index = denseAs(sorter, int64);
    checkIndexes(call, index, ndim - 1, sorted.shape[ndim - 1]);
    sorted = gatherFrom(sorted, ndim - 1, index);
  }
  return search(call, sorted, input, right || side === "right", outInt32);
}

/**
 * The number of the bucket that each element of `input` falls into, between sorted `boundaries` (a vector): as
 * `searchsorted` with the operands the other way round.
 *
 * @throws RangeError when `boundaries` is not a vector.
 */
export function bucketize(
  input: Tensor | number,
  boundaries: Tensor,
  ...args: Args<[outInt32: boolean, right: boolean], BucketizeOptions>
): Tensor {
  const { outInt32, right } = read("bucketize", { outInt32: false, right: false }, args);
  checkOperand("bucketize", "input", input);
  checkTensor("bucketize", "boundaries", boundaries);
  if (boundaries.ndim !== 1) {
    throw new RangeError(
      `bucketize: boundaries must be a vector, got shape ${show(boundaries.shape)}`,
    );
  }
  if (input instanceof Tensor) checkDevice("bucketize", input, boundaries);
  return search("bucketize", boundaries, input, right, outInt32);
}

/** Options of `isin`. */
export interface IsinOptions {
  /** Taken for PyTorch's sake: changes nothing. */
  assumeUnique?: boolean;
  /** Whether to ask which are not among them. */
  invert?: boolean;
}

/** Which of `elements` are among `testElements`: bool, in the shape of `elements`. One of them may be a number. */
export function isin(
  elements: Tensor | number,
  testElements: Tensor | number,
  ...args: Args<[assumeUnique: boolean, invert: boolean], IsinOptions>
): Tensor {
  const { invert } = read("isin", { assumeUnique: false, invert: false }, args);
  checkOperand("isin", "elements", elements);
  checkOperand("isin", "testElements", testElements);
  if (!(elements instanceof Tensor || testElements instanceof Tensor)) {
    throw new TypeError("isin: one of elements and testElements must be a tensor");
  }
  const backend = backendOfAll("isin", elements, testElements);
  const compute = computeType(resultType(elements, testElements));
  const whole = (x: Operand) =>
    x instanceof Tensor ? denseAs(x, compute) : scalarTensor(backend, x, compute);
  const x = whole(elements), sorted = sort(flat(whole(testElements)), { stable: true }).values;
  const y = emptyOn(backend, x.shape, bool);
  (backend.kernels[ISIN[compute.id]!] as typeof backend.kernels.isin)(
    y.pointer,
    x.pointer,
    sorted.pointer,
    sorted.numElements,
    invert ? 1 : 0,
    0,
    y.numElements,
  );
  return y;
}
