/**
 * Attention from projected queries, keys and values: one kernel where that can be, else products and a softmax.
 *
 * @module
 */
import { recordAll, recording } from "../autograd/record.ts";
import { bool } from "../backend/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { attentionBackward, attentionForward, type AttentionSettings } from "./attention_kernel.ts";
import { cast } from "./copy.ts";
import { full, zeros } from "./create.ts";
import { triu } from "./diagonal.ts";
import { dropout } from "./dropout.ts";
import { matmul } from "./matmul.ts";
import { maskedFill } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { softmax } from "./softmax.ts";
import { sumTo } from "./sum_to.ts";
import { transpose } from "./view.ts";

/** A mask as what is added to the scores: -Infinity where a bool mask is true. */
export function asAdded(mask: Tensor, { dtype, device }: Tensor): Tensor {
  if (mask.dtype !== bool) return cast(mask, dtype);
  return maskedFill(zeros(mask.shape, { dtype, device }), mask, -Infinity);
}

/** softmax(scale q k^T + mask): [..., queries, width], [..., keys, width] -> [..., queries, keys]. */
export function attentionWeights(
  q: Tensor,
  k: Tensor,
  { mask, causal, scale }: AttentionSettings,
): Tensor {
  let scores = matmul(mul(q, scale), transpose(k, -2, -1));
  if (mask !== null) scores = add(scores, mask);
  if (causal) scores = add(scores, later(scores));
  return softmax(scores, -1);
}

/** -Infinity for the keys after each query, else 0: [queries, keys]. */
function later({ shape, dtype, device }: Tensor): Tensor {
  return triu(full(shape.slice(-2), -Infinity, { dtype, device }), 1);
}

/**
 * softmax(scale q k^T + mask) v: [..., queries, width], [..., keys, width], [..., keys, columns] -> [..., queries,
 * columns]. Weights are dropped with probability `dropoutP`.
 */
export function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  settings: AttentionSettings,
  dropoutP: number,
): Tensor {
  const { mask } = settings;
  // The kernel forms no weights that could be dropped, nor the gradient of the mask. Its time, forward and forward with
  // backward, as a part of what the products take on one core of an AMD EPYC 7003: causal, 12 x 4 heads of 64 x 32, 0.47 and
  // 0.60; 12 heads of 1024 x 64, 0.46 and 0.49; not causal 0.80 and 0.98; 0.96 and 1.08 (going back it computes the
  // weights anew, and keeps none). 12 heads of one query and 512 keys 3.8 and 1.0: one row is faster without packing.
  if (dropoutP === 0 && q.shape[q.ndim - 2] > 1 && (mask === null || !recording([mask]))) {
    const result = attentionForward(q, k, v, settings);
    if (result !== null) {
      const saved = mask === null ? [q, k, v, result.y] : [q, k, v, result.y, mask];
      const op = "scaled_dot_product_flash_attention_for_cpu";
      return recordAll(op, [result.y], [q, k, v, mask], ([dy]) => {
        if (dy === null) return [null, null, null, null];
        const grads = recording([dy, q, k, v])
          ? composedGrads(dy, q, k, v, settings)
          : attentionBackward(dy, q, k, v, settings, result);
        return [sumTo(grads[0], q.shape), sumTo(grads[1], k.shape), sumTo(grads[2], v.shape), null];
      }, saved)[0];
    }
  }
  let weights = attentionWeights(q, k, settings);
  if (dropoutP !== 0) weights = dropout(weights, dropoutP);
  return matmul(weights, v);
}

/** The gradients, in operations that are themselves differentiable. */
function composedGrads(
  dy: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  settings: AttentionSettings,
): Tensor[] {
  const p = attentionWeights(q, k, settings), dp = matmul(dy, transpose(v, -2, -1));
  const slopes = mul(p, sub(dp, sum(mul(dp, p), -1, true))), ds = mul(slopes, settings.scale);
  return [
    matmul(ds, k),
    matmul(transpose(ds, -2, -1), q),
    matmul(transpose(p, -2, -1), dy),
  ];
}
