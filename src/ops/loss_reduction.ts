/**
 * How losses are reduced to one number, in today's words and in those of PyTorch 0.3.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mean, sum } from "./reduce.ts";

/** What becomes of the losses: all of them, their mean, or their sum. */
export type Reduction = "none" | "mean" | "sum";

/** Options that every loss has. */
export interface LossOptions {
  /** What becomes of the losses; their mean by default. */
  reduction?: Reduction;
  /** The older form: false for the sum instead of the mean. */
  sizeAverage?: boolean | null;
  /** The older form: false for all losses. */
  reduce?: boolean | null;
}

/**
 * The reduction that these arguments ask for; the older two come first where they are given.
 *
 * @throws RangeError for an unknown reduction.
 */
export function reductionOf(
  call: string,
  reduction: Reduction,
  sizeAverage: boolean | null = null,
  reduce: boolean | null = null,
): Reduction {
  if (sizeAverage !== null || reduce !== null) {
    return reduce === false ? "none" : sizeAverage === false ? "sum" : "mean";
  }
  if (reduction !== "none" && reduction !== "mean" && reduction !== "sum") {
    throw new RangeError(
      `${call}: reduction must be "none", "mean" or "sum", got ${describeValue(reduction)}`,
    );
  }
  return reduction;
}

/** The losses, or their mean or sum. */
export function reduced(losses: Tensor, reduction: Reduction): Tensor {
  return reduction === "none" ? losses : reduction === "sum" ? sum(losses) : mean(losses);
}
