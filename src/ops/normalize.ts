/**
 * Normalisation by the mean and variance of rows, groups, batches or instances.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { autocastType, castFor } from "./autocast.ts";
import { copyInto, denseAs } from "./copy.ts";
import { beginInPlace } from "./in_place.ts";
import {
  type Affine,
  type Batches,
  checkChannels,
  checkDTypes,
  checkNumber,
  normalizeChannels,
  normalizeRows,
} from "./normalize_kernel.ts";
import { repeat } from "./rearrange.ts";
import { mean } from "./reduce.ts";
import { checkFlag } from "./reduction.ts";
import { detach, reshape } from "./view.ts";

/** Throws unless every one of `tensors`, by name, is a tensor or null. */
function checkOptional(call: string, tensors: Record<string, Tensor | null>): void {
  for (const name in tensors) if (tensors[name] !== null) checkTensor(call, name, tensors[name]);
}

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** The shape of what is normalised: the last axes of the input. */
  normalizedShape?: number | readonly number[];
  /** A factor for each element of what is normalised. */
  weight?: Tensor | null;
  /** Added to each element of what is normalised. */
  bias?: Tensor | null;
  /** Added to the variance. */
  eps?: number;
}

/** The number of rows that the input has of the shape `normalizedShape`; throws unless it and `affine` fit. */
function rowsOf(
  call: string,
  input: Tensor,
  normalizedShape: number | readonly number[],
  affine: Record<string, Tensor | null>,
): { rows: number; n: number } {
  const given = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
  if (!Array.isArray(given)) {
    throw new TypeError(`${call}: normalizedShape must be a shape, got ${describeValue(given)}`);
  }
  const shape = given.map((n) => wholeNumber(call, "normalizedShape", n));
  checkOptional(call, affine);
  if (shape.length === 0) {
    throw new RangeError(`${call}: normalizedShape must have at least one axis, got []`);
  }
  const lead = input.ndim - shape.length;
  if (lead < 0 || !sameShape(input.shape.slice(lead), shape)) {
    throw new RangeError(
      `${call}: for normalizedShape ${show(shape)} expected an input [*, ${
        shape.join(", ")
      }], got ${show(input.shape)}`,
    );
  }
  for (const [name, t] of Object.entries(affine)) {
    if (t !== null && !sameShape(t.shape, shape)) {
      throw new RangeError(
        `${call}: expected ${name} of normalizedShape ${show(shape)}, got ${show(t.shape)}`,
      );
    }
  }
  checkDTypes(call, input, affine);
  return { rows: sizeOf(input.shape.slice(0, lead)), n: sizeOf(shape) };
}

/** The arguments of `layerNorm` after the input. */
export type LayerNormArgs = Args<
  [
    normalizedShape: number | readonly number[],
    weight: Tensor | null,
    bias: Tensor | null,
    eps: number,
  ],
  LayerNormOptions
>;

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias over the last axes, of shape `normalizedShape`: [..., normalizedShape]
 * -> the same shape.
 *
 * @throws RangeError when the input does not end in `normalizedShape`, or weight or bias are not of that shape.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html
 */
export function layerNorm(input: Tensor, ...args: LayerNormArgs): Tensor {
  return lastNorm(input, args, null);
}

/**
 * `layerNorm` in the type that `consumer`, the one call that reads the result, takes: within `autocast`, rounding to it is
 * part of the kernel.
 */
export function layerNormFor(consumer: string, input: Tensor, ...args: LayerNormArgs): Tensor {
  return lastNorm(input, args, consumer);
}

function lastNorm(input: Tensor, args: LayerNormArgs, consumer: string | null): Tensor {
  const call = "layerNorm";
  checkTensor(call, "input", input);
  input = castFor(call, input);
  const { normalizedShape, weight, bias, eps } = read(call, {
    normalizedShape: undefined as unknown as number | readonly number[],
    weight: null as Tensor | null,
    bias: null as Tensor | null,
    eps: 1e-5,
  }, args);
  checkNumber(call, "eps", eps);
  const { rows, n } = rowsOf(call, input, normalizedShape, { weight, bias });
  const o = { rows, groups: 1, channels: n, inner: 1, centred: true, eps, weight, bias };
  const result = consumer === null ? input.dtype : autocastType(consumer, input);
  return normalizeRows(call, "native_layer_norm", input, o, result);
}

/** Options of `rmsNorm`. */
export interface RMSNormOptions {
  /** The shape of what is normalised: the last axes of the input. */
  normalizedShape?: number | readonly number[];
  /** A factor for each element of what is normalised. */
  weight?: Tensor | null;
  /** Added to the mean of squares; by default the input dtype's distance from 1 to the next number. */
  eps?: number | null;
}

/** The distance from 1 to the next number. */
const EPSILON: Record<string, number> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/**
 * x / sqrt(mean of x^2 + eps) * weight over the last axes, of shape `normalizedShape`: [..., normalizedShape] -> the same
 * shape.
 *
 * @throws RangeError when the input does not end in `normalizedShape`, or weight is not of that shape.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rms_norm.html
 */
export function rmsNorm(
  input: Tensor,
  ...args: Args<
    [normalizedShape: number | readonly number[], weight: Tensor | null, eps: number | null],
    RMSNormOptions
  >
): Tensor {
  const call = "rmsNorm";
  checkTensor(call, "input", input);
  const { normalizedShape, weight, eps } = read(call, {
    normalizedShape: undefined as unknown as number | readonly number[],
    weight: null as Tensor | null,
    eps: null as number | null,
  }, args);
  if (eps !== null) checkNumber(call, "eps", eps);
  const { rows, n } = rowsOf(call, input, normalizedShape, { weight });
  return normalizeRows(call, "rms_norm", input, {
    rows,
    groups: 1,
    channels: n,
    inner: 1,
    centred: false,
    eps: eps ?? EPSILON[input.dtype.name],
    weight,
    bias: null,
  });
}

/** Throws `RangeError` when a channel has a single value, whose variance says nothing. */
function checkValues(call: string, shape: readonly number[], values: number, what: string): void {
  if (values === 1) {
    throw new RangeError(
      `${call}: expected more than 1 ${what} when training, got input size ${show(shape)}`,
    );
  }
}

/** Options of `groupNorm`. */
export interface GroupNormOptions {
  /** Into how many groups the channels are divided. */
  numGroups?: number;
  /** A factor for each channel. */
  weight?: Tensor | null;
  /** Added to each channel. */
  bias?: Tensor | null;
  /** Added to the variance. */
  eps?: number;
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias over groups of channels of each sample: [N, C, ...] -> the same shape;
 * weight and bias: [C].
 *
 * @throws RangeError when the channels cannot be divided into `numGroups`, or weight or bias are not of their number.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.group_norm.html
 */
export function groupNorm(
  input: Tensor,
  ...args: Args<
    [numGroups: number, weight: Tensor | null, bias: Tensor | null, eps: number],
    GroupNormOptions
  >
): Tensor {
  const call = "groupNorm";
  checkTensor(call, "input", input);
  input = castFor(call, input);
  const { numGroups, weight, bias, eps } = read(call, {
    numGroups: NaN,
    weight: null as Tensor | null,
    bias: null as Tensor | null,
    eps: 1e-5,
  }, args);
  checkNumber(call, "eps", eps);
  const groups = wholeNumber(call, "numGroups", numGroups), affine: Affine = { weight, bias };
  checkOptional(call, { weight, bias });
  checkAxes(call, input);
  const [batches, channels] = input.shape, inner = sizeOf(input.shape.slice(2));
  if (groups < 1 || channels % groups !== 0) {
    throw new RangeError(
      `${call}: expected a number of channels divisible by numGroups ${groups}, got input ${
        show(input.shape)
      }`,
    );
  }
  for (const [name, t] of Object.entries({ weight, bias })) {
    if (t !== null && (t.ndim !== 1 || t.numElements !== channels)) {
      throw new RangeError(
        `${call}: expected ${name} [${channels}] for input ${show(input.shape)}, got ${
          show(t.shape)
        }`,
      );
    }
  }
  checkDTypes(call, input, { weight, bias });
  const values = Math.floor(batches * channels / groups) * inner;
  checkValues(call, input.shape, values, "value per channel");
  return normalizeRows(call, "native_group_norm", input, {
    rows: batches * groups,
    groups,
    channels: channels / groups,
    inner,
    centred: true,
    eps,
    ...affine,
  });
}

/** Throws `RangeError` unless `input` has samples and channels. */
function checkAxes(call: string, input: Tensor): void {
  if (input.ndim < 2) {
    throw new RangeError(`${call}: expected an input [N, C, ...], got ${show(input.shape)}`);
  }
}

/** Options of `batchNorm`. */
export interface BatchNormOptions {
  /** The running mean of each channel. */
  runningMean?: Tensor | null;
  /** The running variance of each channel. */
  runningVar?: Tensor | null;
  /** A factor for each channel. */
  weight?: Tensor | null;
  /** Added to each channel. */
  bias?: Tensor | null;
  /** Whether the input's own statistics are used, and the running ones moved. */
  training?: boolean;
  /** By which part the running statistics move. */
  momentum?: number;
  /** Added to the variance. */
  eps?: number;
}

/** The statistics, scale and shift of channels. */
type ChannelTensors = Pick<Batches, "runningMean" | "runningVar" | "weight" | "bias">;

/** Throws unless the tensors fit `channels` channels of `input`. */
function checkTensors(call: string, input: Tensor, t: ChannelTensors, channels: number): void {
  const { runningMean, runningVar, weight, bias } = t;
  checkChannels(call, "running_mean", runningMean, channels);
  checkChannels(call, "running_var", runningVar, channels);
  checkChannels(call, "weight", weight, channels);
  checkChannels(call, "bias", bias, channels);
  checkDTypes(call, input, { runningMean, runningVar, weight, bias });
}

/** Throws when the statistics to be used are not there. */
function checkRunning(call: string, flag: string, t: ChannelTensors): void {
  if (t.runningMean === null || t.runningVar === null) {
    throw new Error(`${call}: running_mean and running_var must be defined when ${flag} is false`);
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel, over the batch: [N, C, ...] -> the same shape; the
 * others: [C]. Training moves `runningMean` and `runningVar` (the unbiased variance) in place; else they are used.
 *
 * @throws RangeError when the sizes do not fit, or a channel has one value only when training.
 * @throws Error when not training without running statistics.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html
 */
export function batchNorm(
  input: Tensor,
  ...args: Args<
    [
      runningMean: Tensor | null,
      runningVar: Tensor | null,
      weight: Tensor | null,
      bias: Tensor | null,
      training: boolean,
      momentum: number,
      eps: number,
    ],
    BatchNormOptions
  >
): Tensor {
  const call = "batchNorm";
  checkTensor(call, "input", input);
  const { training, momentum, eps, ...tensors } = read(call, {
    runningMean: null as Tensor | null,
    runningVar: null as Tensor | null,
    weight: null as Tensor | null,
    bias: null as Tensor | null,
    training: false,
    momentum: 0.1,
    eps: 1e-5,
  }, args);
  checkOptional(call, { ...tensors });
  checkFlag(call, "training", training);
  checkNumber(call, "momentum", momentum);
  checkNumber(call, "eps", eps);
  checkAxes(call, input);
  const [batches, channels] = input.shape, inner = sizeOf(input.shape.slice(2));
  if (training) checkValues(call, input.shape, batches * inner, "value per channel");
  else checkRunning(call, "training", tensors);
  checkTensors(call, input, tensors, channels);
  return normalizeChannels(call, "native_batch_norm", input, {
    batches,
    channels,
    inner,
    training,
    momentum,
    eps,
    ...tensors,
  });
}

/** Options of `instanceNorm`. */
export interface InstanceNormOptions extends Omit<BatchNormOptions, "training"> {
  /** Whether the input's own statistics are used, and the running ones moved. */
  useInputStats?: boolean;
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel of each sample: [N, C, ...] -> the same shape; the
 * others: [C]. With `useInputStats`, `runningMean` and `runningVar` move in place by their averages over the samples; else
 * they are used.
 *
 * @throws RangeError when the sizes do not fit, or a channel has one value only.
 * @throws Error without running statistics when they are to be used.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.instance_norm.html
 */
export function instanceNorm(
  input: Tensor,
  ...args: Args<
    [
      runningMean: Tensor | null,
      runningVar: Tensor | null,
      weight: Tensor | null,
      bias: Tensor | null,
      useInputStats: boolean,
      momentum: number,
      eps: number,
    ],
    InstanceNormOptions
  >
): Tensor {
  const call = "instanceNorm";
  checkTensor(call, "input", input);
  const { useInputStats, momentum, eps, ...tensors } = read(call, {
    runningMean: null as Tensor | null,
    runningVar: null as Tensor | null,
    weight: null as Tensor | null,
    bias: null as Tensor | null,
    useInputStats: true,
    momentum: 0.1,
    eps: 1e-5,
  }, args);
  checkOptional(call, { ...tensors });
  checkFlag(call, "useInputStats", useInputStats);
  checkNumber(call, "momentum", momentum);
  checkNumber(call, "eps", eps);
  checkAxes(call, input);
  const [batches, channels] = input.shape, inner = sizeOf(input.shape.slice(2));
  if (useInputStats) checkValues(call, input.shape, inner, "spatial element");
  else checkRunning(call, "useInputStats", tensors);
  checkTensors(call, input, tensors, channels);
  // As one batch of N * C channels.
  const spread = (t: Tensor | null) => t === null ? null : repeat(reshape(t, channels), batches);
  const running = [tensors.runningMean, tensors.runningVar];
  if (useInputStats) { for (const t of running) if (t !== null) beginInPlace(call, t); }
  const [means, variances] = running.map((t) => spread(t && detach(t)));
  const flat = reshape(input, 1, batches * channels, ...input.shape.slice(2));
  const y = normalizeChannels(call, "native_batch_norm", flat, {
    batches: 1,
    channels: batches * channels,
    inner,
    runningMean: means,
    runningVar: variances,
    weight: spread(tensors.weight),
    bias: spread(tensors.bias),
    training: useInputStats,
    momentum,
    eps,
  });
  if (useInputStats && input.numElements > 0) {
    [means, variances].forEach((all, i) => {
      const t = running[i];
      if (t === null) return;
      copyInto(t, reshape(denseAs(mean(reshape(all!, batches, channels), 0), t.dtype), t.shape));
      t.counter.version++;
    });
  }
  return reshape(y, input.shape);
}
