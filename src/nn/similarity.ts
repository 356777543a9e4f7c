/**
 * Similarities and distances, as modules.
 *
 * @module
 */
import { cosineSimilarity, pairwiseDistance } from "../ops/similarity.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/** Options of `CosineSimilarity`. */
export interface CosineSimilarityModuleOptions {
  /** The axis of the vectors. */
  dim?: number;
  /** The least norm to divide by. */
  eps?: number;
}

/**
 * The cosine of the angle of vectors along an axis. [...], [...] -> [...] without it.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
 */
export class CosineSimilarity extends Module {
  /** The axis of the vectors. */
  dim: number;
  /** The least norm to divide by. */
  eps: number;

  /** Takes the axis. */
  constructor(...args: Args<[dim: number, eps: number], CosineSimilarityModuleOptions>) {
    super();
    const { dim, eps } = read("CosineSimilarity", { dim: 1, eps: 1e-8 }, args);
    this.dim = dim;
    this.eps = eps;
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

/** Options of `PairwiseDistance`. */
export interface PairwiseDistanceModuleOptions {
  /** The p of the norm. */
  p?: number;
  /** Added to every difference. */
  eps?: number;
  /** Whether the last axis stays, with size 1. */
  keepdim?: boolean;
}

/**
 * The p-norm of differences over the last axis. [..., n], [..., n] -> [...].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html
 */
export class PairwiseDistance extends Module {
  /** The p of the norm. */
  norm: number;
  /** Added to every difference. */
  eps: number;
  /** Whether the last axis stays, with size 1. */
  keepdim: boolean;

  /** Takes the p of the norm. */
  constructor(
    ...args: Args<[p: number, eps: number, keepdim: boolean], PairwiseDistanceModuleOptions>
  ) {
    super();
    const { p, eps, keepdim } = read(
      "PairwiseDistance",
      { p: 2, eps: 1e-6, keepdim: false },
      args,
    );
    this.norm = p;
    this.eps = eps;
    this.keepdim = keepdim;
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim);
  }
}
