/**
 * Connectionist temporal classification.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { float32, float64, int64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyLike, emptyOn, fromArray } from "../tensor/create.ts";
import { checkDevice, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castFor } from "./autocast.ts";
import { tolist } from "./access.ts";
import { div } from "./arithmetic.ts";
import { checkRange } from "./check.ts";
import { dense, denseAs } from "./copy.ts";
import { type Reduction, reductionOf } from "./loss_reduction.ts";
import { maskedFill } from "./pointwise.ts";
import { mean, sum } from "./reduce.ts";
import { eq } from "./compare.ts";
import { squeeze, unsqueeze } from "./view.ts";

/** Options of `ctcLoss`. */
export interface CtcLossOptions {
  /** The class that stands for no label. */
  blank?: number;
  /** What becomes of the losses; by default the mean of each divided by its number of labels. */
  reduction?: Reduction;
  /** Whether infinite losses (a sequence too short for its labels) count as zero. */
  zeroInfinity?: boolean;
}

/** What the kernels need besides the probabilities. */
interface Sequences {
  /** All labels, int64. */
  targets: Tensor;
  /** [3, batch], int64: steps, labels, and where the labels begin. */
  lengths: Tensor;
  steps: number;
  batches: number;
  classes: number;
  /** Of the longest target: twice its labels and one. */
  states: number;
  blank: number;
}

/** Lengths as numbers. Throws unless there is a whole number from 0 to `most` for each of the batch. */
function readLengths(name: string, lengths: unknown, batches: number, most: number): number[] {
  const call = "ctcLoss";
  if (lengths instanceof Tensor && lengths.dtype.kind !== "int") {
    throw new TypeError(`${call}: ${name} must be whole numbers, got ${lengths.dtype}`);
  }
  const list = lengths instanceof Tensor ? [tolist(lengths)].flat() : lengths;
  if (!Array.isArray(list)) {
    throw new TypeError(`${call}: ${name} must be a tensor or an array of numbers`);
  }
  if (list.length !== batches) {
    throw new RangeError(
      `${call}: expected ${batches} ${name}, one for each of the batch, got ${list.length}`,
    );
  }
  return list.map((n) => {
    const length = wholeNumber(call, name, n);
    if (length < 0 || length > most) {
      throw new RangeError(`${call}: ${name} must be from 0 to ${most}, got ${length}`);
    }
    return length;
  });
}

function readSequences(
  x: Tensor,
  targets: Tensor,
  inputLengths: unknown,
  targetLengths: unknown,
  blank: number,
): { sequences: Sequences; labels: number[] } {
  const call = "ctcLoss", [steps, batches, classes] = x.shape;
  if (wholeNumber(call, "blank", blank) < 0 || blank >= classes) {
    throw new RangeError(`${call}: blank must be from 0 to ${classes - 1}, got ${blank}`);
  }
  const padded = targets.ndim === 2;
  if (targets.ndim < 1 || targets.ndim > 2 || (padded && targets.shape[0] !== batches)) {
    throw new RangeError(
      `${call}: expected targets [${batches}, labels], or all labels in one row, got shape ${
        show(targets.shape)
      }`,
    );
  }
  const width = padded ? targets.shape[1] : targets.shape[0];
  const inputs = readLengths("inputLengths", inputLengths, batches, steps);
  const labels = readLengths("targetLengths", targetLengths, batches, width);
  const total = labels.reduce((a, b) => a + b, 0);
  if (!padded && total !== width) {
    throw new RangeError(
      `${call}: the targetLengths sum to ${total}, but there are ${width} labels`,
    );
  }
  let end = 0;
  const offsets = labels.map((n, b) => padded ? b * width : (end += n) - n);
  const ids = denseAs(targets, int64);
  checkLabels(ids, labels, offsets, classes);
  return {
    labels,
    sequences: {
      targets: ids,
      lengths: fromArray(
        BigInt64Array.from([...inputs, ...labels, ...offsets], BigInt),
        [3, batches],
        { device: x.device },
      ),
      steps,
      batches,
      classes,
      states: 2 * Math.max(0, ...labels) + 1,
      blank,
    },
  };
}

/** Throws `RangeError` unless every label within its target's length is a class; padding may be anything. */
function checkLabels(ids: Tensor, labels: number[], offsets: number[], classes: number): void {
  labels.forEach((count, b) =>
    checkRange(
      ids,
      { high: classes, first: offsets[b], count },
      (element) =>
        `ctcLoss: label ${element} of target ${b} is out of bounds: expected 0 to ${classes - 1}`,
    )
  );
}

/**
 * Minus the logarithm of the probability of each target, summed over all alignments of its labels to the steps of the
 * input. logProbs: [steps, batch, classes] (or [steps, classes]), as of `logSoftmax`; targets: [batch, labels] or all
 * labels in one row -> [], or [batch] without reduction.
 *
 * The gradient is that of PyTorch, which takes `logProbs` to come from `logSoftmax`; it has no derivative of its own.
 *
 * @throws RangeError when lengths, labels or shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Tensor | readonly number[],
  targetLengths: Tensor | readonly number[],
  ...args: Args<
    [blank: number, reduction: Reduction, zeroInfinity: boolean],
    CtcLossOptions
  >
): Tensor {
  logProbs = castFor("ctcLoss", logProbs);
  const { blank, reduction, zeroInfinity } = read("ctcLoss", {
    blank: 0,
    reduction: "mean" as Reduction,
    zeroInfinity: false,
  }, args);
  const how = reductionOf("ctcLoss", reduction);
  checkTensor("ctcLoss", "logProbs", logProbs);
  checkTensor("ctcLoss", "targets", targets);
  checkDevice("ctcLoss", logProbs, targets);
  if (logProbs.dtype !== float32 && logProbs.dtype !== float64) {
    throw new TypeError(`ctcLoss: expected float32 or float64, got ${logProbs.dtype}`);
  }
  if (logProbs.ndim !== 2 && logProbs.ndim !== 3) {
    throw new RangeError(
      `ctcLoss: expected logProbs [steps, batch, classes] or [steps, classes], got ${
        show(logProbs.shape)
      }`,
    );
  }
  const single = logProbs.ndim === 2, x = single ? unsqueeze(logProbs, 1) : logProbs;
  const { sequences, labels } = readSequences(x, targets, inputLengths, targetLengths, blank);
  let losses = alignments(x, sequences, zeroInfinity);
  if (zeroInfinity) losses = maskedFill(losses, eq(losses, Infinity), 0);
  if (how === "none") return single ? squeeze(losses, 0) : losses;
  if (how === "sum") return sum(losses);
  const divisors = Float64Array.from(labels, (n) => Math.max(n, 1));
  return mean(
    div(losses, fromArray(divisors, [labels.length], { dtype: x.dtype, device: x.device })),
  );
}

/** One loss for each of the batch. */
function alignments(x: Tensor, sequences: Sequences, zeroInfinity: boolean): Tensor {
  const { targets, lengths, steps, batches, classes, states, blank } = sequences;
  const { backend } = x, source = dense(x), wide = x.dtype === float64;
  const y = emptyOn(backend, [batches], x.dtype);
  const alpha = emptyOn(backend, [batches, steps, states], float64);
  const forward = wide ? backend.kernels.ctc_loss_f64 : backend.kernels.ctc_loss;
  forward(
    y.pointer,
    alpha.pointer,
    source.pointer,
    targets.pointer,
    lengths.pointer,
    steps,
    batches,
    classes,
    states,
    blank,
    0,
    batches,
  );
  const backward = wide ? backend.kernels.ctc_loss_grad_f64 : backend.kernels.ctc_loss_grad;
  const losses = y;
  return record("ctc_loss", y, [x], [(dy) => {
    const dx = emptyLike(x), g = dense(dy);
    const room = batches * 3 * states * 8, beta = backend.scratch(room, room);
    backward(
      dx.pointer,
      beta,
      g.pointer,
      losses.pointer,
      alpha.pointer,
      source.pointer,
      targets.pointer,
      lengths.pointer,
      steps,
      batches,
      classes,
      states,
      blank,
      zeroInfinity ? 1 : 0,
      0,
      batches,
    );
    return record("ctc_loss_backward", dx, [dy, x], [unknown, unknown]);
  }], [x, targets]);
}

function unknown(): never {
  throw new Error("ctcLoss: the derivative of its gradient is not known; differentiate it once");
}
