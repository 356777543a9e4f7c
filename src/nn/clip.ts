/**
 * Gradients cut down to size.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { item } from "../ops/access.ts";
import { add, div, mul_ } from "../ops/arithmetic.ts";
import { clamp, clamp_ } from "../ops/extremum.ts";
import { stack } from "../ops/join.ts";
import { max } from "../ops/max_min.ts";
import { norm } from "../ops/norm.ts";
import { abs } from "../ops/unary.ts";
import { detach } from "../ops/view.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { tensor } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Options of `clipGradNorm_`. */
export interface ClipGradNormOptions {
  /** The p of the p-norm; 2 by default, `Infinity` for the largest magnitude. */
  normType?: number;
  /** Whether a norm that is no finite number is an error. */
  errorIfNonfinite?: boolean;
}

/** The gradients of those parameters that have one. */
function gradientsOf(call: string, parameters: Tensor | Iterable<Tensor>): Tensor[] {
  const found: Tensor[] = [];
  for (const p of parameters instanceof Tensor ? [parameters] : parameters) {
    checkTensor(call, "parameters", p);
    if (p.gradient !== null) found.push(detach(p.gradient));
  }
  return found;
}

function checkNumber(call: string, name: string, value: unknown): void {
  if (typeof value === "number") return;
  throw new TypeError(`${call}: ${name} must be a number, got ${typeof value}`);
}

/**
 * Scales the gradients of `parameters` in place so that the norm of all of them together is at most `maxNorm`.
 * Returns the norm before, 0-d.
 *
 * @throws Error for a norm that is no finite number, if `errorIfNonfinite`; the gradients stay as they were.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
 */
export function clipGradNorm_(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  ...args: Args<[normType: number, errorIfNonfinite: boolean], ClipGradNormOptions>
): Tensor {
  const call = "clipGradNorm_";
  const { normType, errorIfNonfinite } = read(call, { normType: 2, errorIfNonfinite: false }, args);
  checkNumber(call, "maxNorm", maxNorm);
  checkNumber(call, "normType", normType);
  const grads = gradientsOf(call, parameters);
  if (grads.length === 0) return tensor(0);
  return noGrad(() => {
    const total = normType === Infinity
      ? max(stack(grads.map((g) => max(abs(g)))))
      : norm(stack(grads.map((g) => norm(g, normType))), normType);
    if (errorIfNonfinite && !Number.isFinite(item(total))) {
      throw new Error(
        `${call}: the norm of order ${normType} of the gradients is ${
          item(total)
        }, they cannot be clipped`,
      );
    }
    const factor = clamp(div(maxNorm, add(total, 1e-6)), { max: 1 });
    for (const g of grads) mul_(g, factor);
    return total;
  });
}

/**
 * Clamps every element of the gradients of `parameters` in place to -clipValue .. clipValue.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html
 */
export function clipGradValue_(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  checkNumber("clipGradValue_", "clipValue", clipValue);
  const grads = gradientsOf("clipGradValue_", parameters);
  noGrad(() => grads.forEach((g) => clamp_(g, -clipValue, clipValue)));
}
