/**
 * Norms of matrices that are made of singular values.
 *
 * @module
 */
import type { Tensor } from "../tensor/tensor.ts";
import { sum } from "./reduce.ts";
import { restoreAxes } from "./reduction.ts";
import { thinSvd } from "./svd.ts";
import { permute, select } from "./view.ts";

/**
 * The sum ("nuc"), the largest (2) or the smallest (-2) of the singular values of the matrices in the axes `dims` of `x`,
 * of which there are two.
 */
export function singularNorm(
  x: Tensor,
  order: "nuc" | 2 | -2,
  dims: readonly number[],
  keepdim: boolean,
): Tensor {
  const others = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const [, s] = thinSvd(permute(x, [...others, ...dims]));
  const y = order === "nuc" ? sum(s, -1) : select(s, -1, order === 2 ? 0 : -1);
  return restoreAxes(y, keepdim ? dims : [], false);
}
