/**
 * Reading by index tensors and masks.
 *
 * @module
 */
import { int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { axis, broadcast, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { gatherChecked, selectChecked } from "./checked_index.ts";
import {
  checkIndexes,
  checkIndexShape,
  checkMask,
  flat,
  indexTensor,
  spread,
  truePositions,
  unravel,
} from "./indexed.ts";
import { expand, reshape, select } from "./view.ts";

/** Options of `gather`. */
export interface GatherOptions {
  /** The axis. */
  dim?: number;
  /** Indexes along that axis. */
  index?: Tensor;
  /** Taken for PyTorch's sake: gradients are dense. */
  sparseGrad?: boolean;
}

/**
 * Elements by their index along one axis: y[i, j] = x[index[i, j], j] for axis 0. index: as many axes as `x`, int64 or
 * int32 -> its shape.
 *
 * @throws RangeError when an index is out of range, or `index` exceeds `x` along another axis.
 * @see https://pytorch.org/docs/stable/generated/torch.gather.html
 */
export function gather(
  x: Tensor,
  ...args: Args<[dim: number, index: Tensor, sparseGrad: boolean], GatherOptions>
): Tensor {
  checkTensor("gather", "input", x);
  const { dim, index } = read("gather", {
    dim: NaN,
    index: null as unknown as Tensor,
    sparseGrad: false,
  }, args);
  const d = axis("gather", dim, x.ndim), positions = indexTensor("gather", x, index);
  if (positions.numElements > 0) {
    checkIndexShape("gather", x.shape, positions.shape, d);
    checkIndexes("gather", positions, d, x.shape[d] ?? 1);
  }
  return gatherChecked(x, d, positions);
}

/**
 * As `gather`, with `x` and `indices` broadcast against each other along the other axes; without `dim`, from `x` as a
 * vector.
 *
 * @throws RangeError when an index is out of range, or the shapes do not broadcast.
 */
export function takeAlongDim(
  x: Tensor,
  ...args: Args<[indices: Tensor, dim: number | null], { indices?: Tensor; dim?: number | null }>
): Tensor {
  const call = "takeAlongDim";
  const { indices, dim } = read(call, {
    indices: null as unknown as Tensor,
    dim: null as number | null,
  }, args);
  const index = indexTensor(call, x, indices, "indices");
  if (dim === null) {
    checkIndexes(call, index, 0, x.numElements);
    return gatherChecked(reshape(x, -1), 0, flat(index));
  }
  const d = axis(call, dim, x.ndim);
  if (x.ndim !== index.ndim) {
    throw new RangeError(
      `${call}: indices has ${index.ndim} axes, the tensor ${x.ndim}: expected as many`,
    );
  }
  if (x.ndim === 0) {
    checkIndexes(call, index, 0, 1);
    return gatherChecked(x, 0, index);
  }
  const others = (shape: readonly number[]) => shape.map((n, i) => i === d ? 1 : n);
  const shape = broadcast(call, others(x.shape), others(index.shape));
  const at = (n: number) => shape.map((m, i) => i === d ? n : m);
  checkIndexes(call, index, d, x.shape[d]);
  return gatherChecked(expand(x, at(x.shape[d])), d, spread(index, at(index.shape[d])));
}

/**
 * Elements of `x` as a vector: in the shape of `index`. Negative indexes count from the end.
 *
 * @throws RangeError when an index is out of range.
 */
export function take(x: Tensor, ...args: Args<[index: Tensor], { index?: Tensor }>): Tensor {
  const { index } = read("take", { index: null as unknown as Tensor }, args);
  const positions = indexTensor("take", x, index);
  checkIndexes("take", positions, 0, x.numElements, true);
  return reshape(selectChecked(reshape(x, -1), 0, flat(positions)), positions.shape);
}

/**
 * Slices of axis `dim`: x.indexSelect(0, index) has the rows index[0], index[1], ... index: a vector (or 0-d) of int64 or
 * int32.
 *
 * @throws RangeError when an index is out of range.
 * @see https://pytorch.org/docs/stable/generated/torch.index_select.html
 */
export function indexSelect(
  x: Tensor,
  ...args: Args<[dim: number, index: Tensor], { dim?: number; index?: Tensor }>
): Tensor {
  checkTensor("indexSelect", "input", x);
  const call = "indexSelect";
  const { dim, index } = read(call, { dim: NaN, index: null as unknown as Tensor }, args);
  const d = axis(call, dim, x.ndim), positions = indexTensor(call, x, index);
  if (positions.ndim > 1) {
    throw new RangeError(`${call}: index must be a vector, got shape ${show(positions.shape)}`);
  }
  checkIndexes(call, positions, d, x.shape[d] ?? 1);
  if (x.ndim === 0) {
    // One element in, one out, however often it is named.
    if (positions.numElements === 0) {
      throw new RangeError(`${call}: index of a 0-d tensor must not be empty`);
    }
    return gatherChecked(x, 0, new Tensor(positions.storage, [], int64, [], positions.offset));
  }
  return selectChecked(x, d, positions);
}

/**
 * The elements of `x` where `mask` is true, in row-major order, as a vector; both are broadcast against each other.
 *
 * @throws TypeError when `mask` is not of bool.
 */
export function maskedSelect(x: Tensor, ...args: Args<[mask: Tensor], { mask?: Tensor }>): Tensor {
  const { mask } = read("maskedSelect", { mask: null as unknown as Tensor }, args);
  checkMask("maskedSelect", x, mask);
  const shape = broadcast("maskedSelect", x.shape, mask.shape);
  return selectChecked(reshape(expand(x, shape), -1), 0, truePositions(spread(mask, shape)));
}

/**
 * The indexes of the elements that are not zero, in row-major order: int64 [count, axes]; with `asTuple` one vector for
 * each axis.
 */
export function nonzero(x: Tensor, asTuple?: false | { asTuple?: false }): Tensor;
/** One vector of indexes for each axis. */
export function nonzero(x: Tensor, asTuple: true | { asTuple: true }): Tensor[];
export function nonzero(
  x: Tensor,
  ...args: (boolean | { asTuple?: boolean } | undefined)[]
): Tensor | Tensor[] {
  checkTensor("nonzero", "input", x);
  const { asTuple } = read("nonzero", { asTuple: false }, args);
  const positions = truePositions(x);
  const shape = asTuple && x.ndim === 0 ? [1] : x.shape;
  const result = unravel(positions, shape);
  return asTuple ? shape.map((_, d) => select(result, 1, d)) : result;
}

/** The indexes of the elements that are not zero: int64 [count, axes]. */
export function argwhere(x: Tensor): Tensor {
  return nonzero(x);
}
