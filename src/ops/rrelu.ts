/**
 * The activation that draws its slopes at random.
 *
 * @module
 */
import { float64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { emptyOn } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { item } from "./access.ts";
import { leakyRelu } from "./activation.ts";
import { mul } from "./arithmetic.ts";
import { le } from "./compare.ts";
import { cast } from "./copy.ts";
import { onesLike } from "./create.ts";
import { fillUniform, generatorFor } from "./draw.ts";
import { inPlace } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { maskedScatter } from "./scatter.ts";
import { detach } from "./view.ts";

/** The arguments of `rrelu` after the tensor. */
export type RreluArgs = Args<
  [lower: number, upper: number, training: boolean, inplace: boolean],
  {
    /** The lowest slope below 0; 1/8 by default. */
    lower?: number;
    /** The highest; 1/3 by default. */
    upper?: number;
    /** Whether slopes are drawn; else they are the middle. */
    training?: boolean;
    /** Whether the result is written into the input. */
    inplace?: boolean;
  }
>;

const DEFAULTS = { lower: 1 / 8, upper: 1 / 3, training: false, inplace: false };

/**
 * x where x > 0, else x times a slope: drawn between `lower` and `upper` in training, else their mean.
 *
 * @throws RangeError when `lower` is greater than `upper`.
 */
export function rrelu(x: Tensor, ...args: RreluArgs): Tensor {
  const { lower, upper, training, inplace } = read("rrelu", DEFAULTS, args);
  checkTensor("rrelu", "input", x);
  if (x.dtype.kind !== "float") throw new TypeError(`rrelu: not defined for ${x.dtype}`);
  if (!(lower <= upper)) {
    throw new RangeError(`rrelu: lower must not exceed upper, got ${lower} and ${upper}`);
  }
  const f = (x: Tensor) =>
    training ? mul(x, drawnSlopes(x, lower, upper)) : leakyRelu(x, (lower + upper) / 2);
  return inplace ? inPlace("rrelu_", x, [], f) : f(x);
}

/** x = rrelu(x), in place. */
export function rrelu_(x: Tensor, ...args: RreluArgs): Tensor {
  return inPlace("rrelu_", x, [], (x) => rrelu(x, ...args));
}

/** A number between `lower` and `upper` for each element of `x` that is not positive, drawn in their order; else 1. */
function drawnSlopes(x: Tensor, lower: number, upper: number): Tensor {
  const z = detach(x), flat = le(z, 0);
  const draws = emptyOn(x.backend, [Number(item(sum(flat)))], float64);
  fillUniform(draws, generatorFor("rrelu", draws, null), lower, upper);
  return maskedScatter(onesLike(z), flat, cast(draws, x.dtype));
}
