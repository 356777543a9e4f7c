/**
 * Axes merged and split.
 *
 * @module
 */
import { flatten, unflatten } from "../ops/reshape.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { show } from "./text.ts";

/** Options of `Flatten`. */
export interface FlattenOptions {
  /** The first axis to merge; 1 by default. */
  startDim?: number;
  /** The last axis to merge; -1 by default. */
  endDim?: number;
}

/**
 * Merges axes into one: [N, ...] -> [N, features] by default.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 */
export class Flatten extends Module {
  /** The first axis to merge. */
  startDim: number;
  /** The last axis to merge. */
  endDim: number;

  /** Takes the first and the last axis. */
  constructor(...args: Args<[startDim: number, endDim: number], FlattenOptions>) {
    super();
    const { startDim, endDim } = read("Flatten", { startDim: 1, endDim: -1 }, args);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  override forward(input: Tensor): Tensor {
    return flatten(input, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/** Options of `Unflatten`. */
export interface UnflattenOptions {
  /** The axis to split. */
  dim?: number;
  /** The sizes that take its place, one of which may be -1. */
  unflattenedSize?: readonly number[];
}

/**
 * Splits an axis into several.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
 */
export class Unflatten extends Module {
  /** The axis to split. */
  dim: number;
  /** The sizes that take its place. */
  unflattenedSize: readonly number[];

  /** Takes the axis and the sizes that take its place. */
  constructor(
    ...args: Args<[dim: number, unflattenedSize: readonly number[]], UnflattenOptions>
  ) {
    super();
    const { dim, unflattenedSize } = read("Unflatten", {
      dim: NaN,
      unflattenedSize: [] as readonly number[],
    }, args);
    if (!Number.isInteger(dim) || !Array.isArray(unflattenedSize)) {
      throw new TypeError(
        `Unflatten: expected an axis and an array of sizes, got ${dim} and ${unflattenedSize}`,
      );
    }
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }

  override forward(input: Tensor): Tensor {
    return unflatten(input, this.dim, this.unflattenedSize);
  }

  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${show(this.unflattenedSize)}`;
  }
}
