/**
 * A sum and the norm of it, as residual networks have them between their parts.
 *
 * @module
 */
import { recordAll, recording } from "../autograd/record.ts";
import { float32 } from "../backend/dtype.ts";
import { emptyLike, emptyOn } from "../tensor/create.ts";
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add } from "./arithmetic.ts";
import { autocastType } from "./autocast.ts";
import { cast, dense } from "./copy.ts";
import { hasKernel, kernelTable, wantsGrad } from "./elementwise.ts";
import { layerNormFor } from "./normalize.ts";
import { composedGrads } from "./normalize_kernel.ts";
import type { AnyKernel } from "./reduction.ts";

const ADD_NORM = kernelTable("add_norm"), ADD_NORM_GRAD = kernelTable("add_norm_grad");

/** The longest rows that the kernels take; they are multiples of 4. */
const LONGEST = 1024;

/** A layer norm over the last axis: its factors and shifts. */
export interface LastNorm {
  /** The shape of what is normalised. */
  readonly normalizedShape: number[];
  /** [n], or null. */
  weight: Tensor | null;
  /** [n], or null. */
  bias: Tensor | null;
  /** Added to the variance. */
  eps: number;
}

/**
 * x + z, and `layerNormFor(consumer, x + z)`: [..., n] -> twice the same shape. Within `autocast`, on a device that can, one
 * kernel does both, and one their gradients.
 */
export function addNorm(
  consumer: string,
  x: Tensor,
  z: Tensor,
  norm: LastNorm,
): [sum: Tensor, y: Tensor] {
  const { backend } = x, { weight, bias, eps } = norm, type = autocastType(consumer, x);
  const n = x.shape[x.ndim - 1], of32 = (t: Tensor | null) => t === null || t.dtype === float32;
  if (
    x.dtype !== float32 || z.dtype !== type || !hasKernel(backend, ADD_NORM, type) ||
    z.backend !== backend || !sameShape(x.shape, z.shape) || x.numElements === 0 ||
    norm.normalizedShape.length !== 1 || norm.normalizedShape[0] !== n || n % 4 !== 0 ||
    n > LONGEST || !of32(weight) || !of32(bias)
  ) {
    const sum = add(x, z);
    return [sum, layerNormFor(consumer, sum, norm.normalizedShape, weight, bias, eps)];
  }
  const rows = x.numElements / n, sum = emptyLike(x), y = emptyLike(x, type);
  const stats = emptyOn(backend, [2, rows], float32), { kernels } = backend;
  const pointerOf = (t: Tensor | null) => t === null ? 0 : t.pointer;
  const w = weight && dense(weight), b = bias && dense(bias);
  (kernels[ADD_NORM[type.id]!] as AnyKernel)(
    sum.pointer,
    y.pointer,
    stats.pointer,
    dense(x).pointer,
    dense(z).pointer,
    pointerOf(w),
    pointerOf(b),
    rows,
    n,
    eps,
  );
  const affine = wantsGrad(weight) || wantsGrad(bias);
  const grads = ([ds, dy]: (Tensor | null)[]): (Tensor | null)[] => {
    if (dy === null) return [ds, ds && cast(ds, type), null, null];
    if (recording([ds, dy, sum, weight])) {
      const [dx, dWeight, dBias] = composedGrads(dy, sum, { weight, bias }, {
        shape: [rows, n],
        dims: [1],
        affine: [1, n],
        eps,
        centred: true,
        fixed: null,
      });
      const all = ds === null ? dx! : add(ds, dx!);
      return [all, cast(all, type), dWeight, dBias];
    }
    const dx = emptyLike(sum), dz = emptyLike(sum, type);
    const dWeight = affine ? emptyOn(backend, [n], float32) : null;
    const dBias = affine ? emptyOn(backend, [n], float32) : null;
    (kernels[ADD_NORM_GRAD[type.id]!] as AnyKernel)(
      dx.pointer,
      dz.pointer,
      pointerOf(dWeight),
      pointerOf(dBias),
      pointerOf(ds && dense(ds)),
      dense(dy).pointer,
      sum.pointer,
      stats.pointer,
      pointerOf(w),
      rows,
      n,
    );
    return [dx, dz, weight && dWeight, bias && dBias];
  };
  const saved = weight === null ? [sum] : [sum, weight];
  return recordAll("add_layer_norm", [sum, y] as const, [x, z, weight, bias], grads, saved) as [
    Tensor,
    Tensor,
  ];
}
