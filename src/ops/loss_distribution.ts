/**
 * Losses that compare distributions: Kullback-Leibler divergence, Poisson and Gaussian likelihoods.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { item } from "./access.ts";
import { add, div, mul, sub } from "./arithmetic.ts";
import { le, lt } from "./compare.ts";
import { clampMin } from "./extremum.ts";
import { type LossOptions, reduced, type Reduction, reductionOf } from "./loss_reduction.ts";
import { maskedFill } from "./pointwise.ts";
import { xlogy } from "./power.ts";
import { any } from "./reduce.ts";
import { exp, log } from "./unary.ts";
import { detach, unsqueeze } from "./view.ts";

/** Options of `klDiv`. */
export interface KlDivOptions extends Omit<LossOptions, "reduction"> {
  /** What becomes of the losses; `"batchmean"` divides their sum by the size of the batch. */
  reduction?: Reduction | "batchmean";
  /** Whether the target holds logarithms of probabilities too. */
  logTarget?: boolean;
}

/**
 * Kullback-Leibler divergence: target (log(target) - input), where `input` holds logarithms of probabilities. input and
 * target: [...], broadcast -> [], or [...] without reduction. The mean over all elements is not the divergence: that is
 * `"batchmean"`.
 *
 * @throws TypeError for integers.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html
 */
export function klDiv(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [
      sizeAverage: boolean | null,
      reduce: boolean | null,
      reduction: Reduction | "batchmean",
      logTarget: boolean,
    ],
    KlDivOptions
  >
): Tensor {
  [input, target] = castAll("klDiv", input, target);
  const { sizeAverage, reduce, reduction, logTarget } = read("klDiv", {
    sizeAverage: null as boolean | null,
    reduce: null as boolean | null,
    reduction: "mean" as Reduction | "batchmean",
    logTarget: false,
  }, args);
  const batchMean = reduction === "batchmean" && sizeAverage === null && reduce === null;
  const how = batchMean ? "sum" : reductionOf("klDiv", reduction as Reduction, sizeAverage, reduce);
  checkTensor("klDiv", "input", input);
  checkTensor("klDiv", "target", target);
  if (input.dtype.kind !== "float" || target.dtype.kind !== "float") {
    throw new TypeError(
      `klDiv: expected floating-point tensors, got ${input.dtype} and ${target.dtype}`,
    );
  }
  const losses = logTarget
    ? mul(exp(target), sub(target, input))
    : sub(xlogy(target, target), mul(target, input));
  const y = reduced(losses, how);
  return batchMean && input.ndim > 0 ? div(y, input.shape[0]) : y;
}

/** Options of `poissonNllLoss`. */
export interface PoissonNllLossOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. */
  logInput?: boolean;
  /** Whether to add Stirling's approximation of log(target!). */
  full?: boolean;
  /** Added to the rate before its logarithm is taken, where the input is the rate itself. */
  eps?: number;
}

/**
 * Negative log-likelihood of counts under a Poisson distribution: exp(input) - target * input, or with `logInput: false`
 * input - target * log(input + eps). input and target: [...], broadcast -> [], or [...] without reduction.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.poisson_nll_loss.html
 */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [
      logInput: boolean,
      full: boolean,
      sizeAverage: boolean | null,
      eps: number,
      reduce: boolean | null,
      reduction: Reduction,
    ],
    PoissonNllLossOptions
  >
): Tensor {
  [input, target] = castAll("poissonNllLoss", input, target);
  const { logInput, full, sizeAverage, eps, reduce, reduction } = read("poissonNllLoss", {
    logInput: true,
    full: false,
    sizeAverage: null as boolean | null,
    eps: 1e-8,
    reduce: null as boolean | null,
    reduction: "mean" as Reduction,
  }, args);
  const how = reductionOf("poissonNllLoss", reduction, sizeAverage, reduce);
  checkTensor("poissonNllLoss", "input", input);
  checkTensor("poissonNllLoss", "target", target);
  let losses = logInput
    ? sub(exp(input), mul(target, input))
    : sub(input, mul(target, log(add(input, eps))));
  if (full) {
    const stirling = add(
      sub(mul(target, log(target)), target),
      mul(log(mul(target, 2 * Math.PI)), 0.5),
    );
    losses = add(losses, maskedFill(stirling, le(target, 1), 0));
  }
  return reduced(losses, how);
}

/** Options of `gaussianNllLoss`. */
export interface GaussianNllLossOptions {
  /** Whether to add the constant log(2 pi) / 2. */
  full?: boolean;
  /** The least variance. */
  eps?: number;
  /** What becomes of the losses; their mean by default. */
  reduction?: Reduction;
}

/**
 * Negative log-likelihood of `target` under normal distributions of means `input` and variances `var`:
 * (log(var) + (input - target)^2 / var) / 2, where variances are at least `eps`. input: [..., n], var: the same, [..., 1]
 * or [...] -> [], or [..., n] without reduction.
 *
 * @throws RangeError when a variance is negative or the shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gaussian_nll_loss.html
 */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  ...args: Args<[full: boolean, eps: number, reduction: Reduction], GaussianNllLossOptions>
): Tensor {
  const call = "gaussianNllLoss";
  const { full, eps, reduction } = read(call, {
    full: false,
    eps: 1e-6,
    reduction: "mean" as Reduction,
  }, args);
  const how = reductionOf(call, reduction);
  checkTensor(call, "input", input);
  checkTensor(call, "target", target);
  checkTensor(call, "var", variance);
  const lead = input.shape.slice(0, -1);
  let spread = variance;
  if (!sameShape(input.shape, variance.shape)) {
    if (input.ndim > 0 && sameShape(lead, variance.shape)) spread = unsqueeze(variance, -1);
    else if (!sameShape([...lead, 1], variance.shape)) {
      throw new RangeError(
        `${call}: expected variances of shape ${show(input.shape)}, ${show([...lead, 1])} or ${
          show(lead)
        }, got ${show(variance.shape)}`,
      );
    }
  }
  if (item(any(lt(detach(spread), 0)))) {
    throw new RangeError(`${call}: a variance is negative`);
  }
  // The gradient passes through the bound, as if it were not there.
  const floor = record("clone", clampMin(detach(spread), eps), [spread], [(dy) => dy]);
  const d = sub(input, target);
  const losses = mul(add(log(floor), div(mul(d, d), floor)), 0.5);
  return reduced(full ? add(losses, 0.5 * Math.log(2 * Math.PI)) : losses, how);
}
