/**
 * What reductions that choose elements share: their parameters, results and gradients.
 *
 * @module
 */
import { type Grad, recordAll } from "../autograd/record.ts";
import { checkTensor, read } from "../tensor/arguments.ts";
import { namedTuple, type ValuesAndIndices } from "../tensor/named_tuple.ts";
import { axis } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { div } from "./arithmetic.ts";
import { gatherGrad } from "./checked_index.ts";
import { eq, isnan } from "./compare.ts";
import { logicalAnd, logicalOr } from "./logic.ts";
import { where } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { checkFlag, checkNotEmpty, oneAxis, restoreAxes } from "./reduction.ts";

/** The gradient `dy` of an element of `x` of value `y`, in equal parts for all that have that value. */
export function shareAmongEqual(dy: Tensor, x: Tensor, y: Tensor): Tensor {
  const mask = logicalOr(eq(x, y), logicalAnd(isnan(x), isnan(y)));
  return where(mask, div(dy, sum(mask)), 0);
}

/** The gradient `dy` of values that were chosen from `x` over `dims`, at `indices`. */
export function putWhereChosen(
  dy: Tensor,
  x: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  indices: Tensor,
): Tensor {
  if (x.ndim === 0) return dy;
  return gatherGrad(
    restoreAxes(dy, dims, keepdim),
    x.shape,
    dims[0],
    restoreAxes(indices, dims, keepdim),
  );
}

/** The parameters of a reduction over one axis that must be given. */
export function readAlong(
  call: string,
  x: Tensor,
  args: readonly unknown[],
): { dims: number[]; keepdim: boolean } {
  checkTensor(call, "input", x);
  const { dim, keepdim } = read(call, { dim: NaN, keepdim: false }, args);
  checkFlag(call, "keepdim", keepdim);
  const dims = oneAxis(call, x, axis(call, dim, x.ndim));
  checkNotEmpty(call, x, dims);
  return { dims, keepdim };
}

/** Values that were chosen from `x` and their places, recorded as `op`; `grad` is the gradient of `x`. */
export function chosen(
  op: string,
  x: Tensor,
  values: Tensor,
  indices: Tensor,
  grad: Grad,
): ValuesAndIndices {
  const pair: [Tensor, Tensor] = [values, indices];
  recordAll(op, pair, [x], ([dy]) => [dy === null ? null : grad(dy)], [indices]);
  return namedTuple(["values", "indices"], pair);
}
