/**
 * Functions of one variable, elementwise.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { div, mul } from "./arithmetic.ts";
import { floatType, kernelTable, unary } from "./elementwise.ts";

const NEG = kernelTable("neg"), SQRT = kernelTable("sqrt"), EXP = kernelTable("exp");

/** -x. */
export function neg(x: Tensor): Tensor {
  if (x.dtype.kind === "bool") {
    throw new TypeError("neg: not defined for torch.bool; use logicalNot");
  }
  return record("neg", unary("neg", NEG, x), [x], [(dy) => neg(dy)]);
}

/** e to the power of x. */
export function exp(x: Tensor): Tensor {
  const y = unary("exp", EXP, x, floatType(x.dtype));
  return record("exp", y, [x], [(dy) => mul(dy, y)], [y]);
}

/** The square root. */
export function sqrt(x: Tensor): Tensor {
  const y = unary("sqrt", SQRT, x, floatType(x.dtype));
  return record("sqrt", y, [x], [(dy) => div(dy, mul(y, 2))], [y]);
}
