/**
 * The counterpart of broadcasting, for gradients.
 *
 * @module
 */
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { sum } from "./reduce.ts";
import { reshape } from "./view.ts";

/** `x`, summed over the axes along which a tensor of `shape` was broadcast to its shape. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const skip = x.ndim - shape.length;
  const dims = x.shape.map((_, d) => d).filter((d) =>
    d < skip || (shape[d - skip] === 1 && x.shape[d] !== 1)
  );
  const y = dims.length === 0 ? x : sum(x, dims, true);
  return skip > 0 ? reshape(y, shape) : y;
}
