/**
 * Methods of a tensor whose type of result depends on their arguments. src/install.ts installs them one by one.
 *
 * @module
 */
import type { DType } from "../backend/dtype.ts";
import type { Element } from "../ops/access.ts";
import type { Operand } from "../ops/elementwise.ts";
import type { OtherOptions } from "../ops/max_min.ts";
import type { DimArgs } from "../ops/reduction.ts";
import type { UniqueConsecutiveOptions, UniqueOptions, ValuesAlone } from "../ops/unique.ts";
import type { Args } from "./arguments.ts";
import type { ValuesAndIndices } from "./named_tuple.ts";
import type { Tensor } from "./tensor.ts";

/** Methods whose type of result depends on their arguments. */
export interface OverloadedMethods {
  /** PyTorch's name of the type: `"torch.FloatTensor"`. */
  type(): string;
  /** The tensor in another dtype, which may be given as PyTorch's name of the type. */
  type(dtype: DType | string): Tensor;
  /** Its elements where `condition` is true, those of `other` elsewhere: `torch.where(condition, x, other)`. */
  where(condition: Tensor, other: Operand): Tensor;
  /**
   * The one element as a JavaScript value. It is typed as a number, which it is but for a bool tensor
   * (`item<boolean>()`) and an int64 that is not a safe integer (`item<bigint>()`).
   */
  item<T extends Element = number>(): T;
  /** The parts along the first axis: `for (const row of x)`. */
  [Symbol.iterator](): IterableIterator<Tensor>;
  /** All sizes. */
  size(): readonly number[];
  /** The size of axis `dim`. */
  size(dim: number): number;
  /** The indexes of the elements that are not zero: int64 [count, axes]. */
  nonzero(asTuple?: false | { asTuple?: false }): Tensor;
  /** One vector of indexes for each axis. */
  nonzero(asTuple: true | { asTuple: true }): Tensor[];
  /** The distinct elements (or slices along axis `dim`), sorted. */
  unique(
    sorted?: boolean | ValuesAlone<UniqueOptions>,
    returnInverse?: false | ValuesAlone<UniqueConsecutiveOptions>,
    returnCounts?: false | { dim?: number | null },
    dim?: number | null,
  ): Tensor;
  /** The distinct values, with their inverse, their counts or both. */
  unique(
    ...args: Args<
      [sorted: boolean, returnInverse: boolean, returnCounts: boolean, dim: number | null],
      UniqueOptions
    >
  ): Tensor[];
  /** The values of runs of equal elements (or slices along axis `dim`). */
  uniqueConsecutive(
    returnInverse?: false | ValuesAlone<UniqueConsecutiveOptions>,
    returnCounts?: false | { dim?: number | null },
    dim?: number | null,
  ): Tensor;
  /** The values of the runs, with their inverse, their counts or both. */
  uniqueConsecutive(
    ...args: Args<
      [returnInverse: boolean, returnCounts: boolean, dim: number | null],
      UniqueConsecutiveOptions
    >
  ): Tensor[];
  /** The largest element of all. */
  max(): Tensor;
  /** The larger elements of two tensors. */
  max(other: Tensor | OtherOptions): Tensor;
  /** The largest elements along an axis, and the index of the first of each. */
  max(...args: DimArgs): ValuesAndIndices;
  /** The smallest element of all. */
  min(): Tensor;
  /** The smaller elements of two tensors. */
  min(other: Tensor | OtherOptions): Tensor;
  /** The smallest elements along an axis, and the index of the first of each. */
  min(...args: DimArgs): ValuesAndIndices;
  /** The median of all elements. */
  median(): Tensor;
  /** The medians along an axis, and where they are. */
  median(...args: DimArgs): ValuesAndIndices;
  /** The median of all elements that are numbers. */
  nanmedian(): Tensor;
  /** The medians of the numbers along an axis, and where they are. */
  nanmedian(...args: DimArgs): ValuesAndIndices;
}
