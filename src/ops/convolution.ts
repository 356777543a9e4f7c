/**
 * Convolutions and transposed convolutions of one, two and three axes.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { convolve, convolveTransposed } from "./convolve.ts";
import { checkRank } from "./product.ts";
import { isBatch, type Spatial, spatial } from "./spatial.ts";
import { reshape } from "./view.ts";

export type { Spatial };

/** Zeros around the input; `"valid"` is none, `"same"` as many as keep its size. */
export type ConvolutionPadding = Spatial | "same" | "valid";

/** Options of convolutions. */
export interface ConvolutionOptions {
  /** A number for each output channel, added to it. */
  bias?: Tensor | null;
  /** Distance of neighbouring positions of the kernel. */
  stride?: Spatial;
  /** Zeros around the input; `"valid"` is none, `"same"` as many as keep its size. */
  padding?: ConvolutionPadding;
  /** Distance of neighbours within the kernel. */
  dilation?: Spatial;
  /** Parts of the channels, each with outputs of its own. */
  groups?: number;
}

/** The arguments of a convolution after input and weight. */
export type ConvolutionArgs = Args<
  [
    bias: Tensor | null,
    stride: Spatial,
    padding: ConvolutionPadding,
    dilation: Spatial,
    groups: number,
  ],
  ConvolutionOptions
>;

/** Options of transposed convolutions. */
export interface TransposedConvolutionOptions {
  /** A number for each output channel, added to it. */
  bias?: Tensor | null;
  /** Distance of neighbouring positions of the kernel in the output. */
  stride?: Spatial;
  /** What is cut off at the ends of the output. */
  padding?: Spatial;
  /** What is added at one end of the output; less than stride or dilation. */
  outputPadding?: Spatial;
  /** Parts of the channels, each with outputs of its own. */
  groups?: number;
  /** Distance of neighbours within the kernel. */
  dilation?: Spatial;
}

/** The arguments of a transposed convolution after input and weight. */
export type TransposedConvolutionArgs = Args<
  [
    bias: Tensor | null,
    stride: Spatial,
    padding: Spatial,
    outputPadding: Spatial,
    groups: number,
    dilation: Spatial,
  ],
  TransposedConvolutionOptions
>;

/** What both kinds check of their tensors; `channels` and `outputs` are the sizes that the weight says there are. */
function checkOperands(
  call: string,
  axes: number,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  groups: number,
  transposed: boolean,
): { batched: boolean; kernel: number[] } {
  checkTensor(call, "input", x);
  checkRank(call, "weight", weight, axes + 2);
  const batched = isBatch(call, x, axes);
  if (wholeNumber(call, "groups", groups) < 1) {
    throw new RangeError(`${call}: groups must be at least 1, got ${groups}`);
  }
  const [first, second, ...kernel] = weight.shape;
  if (first < 1 || first % groups !== 0) {
    throw new RangeError(
      `${call}: the first size of a weight of shape ${
        show(weight.shape)
      } must be a multiple of groups, ${groups}`,
    );
  }
  const channels = transposed ? first : second * groups;
  const outputs = transposed ? second * groups : first;
  const given = x.shape[batched ? 1 : 0];
  if (given !== channels) {
    throw new RangeError(
      `${call}: expected an input of ${channels} channels for a weight of shape ${
        show(weight.shape)
      } and groups ${groups}, got ${given} in shape ${show(x.shape)}`,
    );
  }
  if (kernel.includes(0)) {
    throw new RangeError(`${call}: a weight of shape ${show(weight.shape)} has an empty kernel`);
  }
  if (x.shape.slice(batched ? 2 : 1).includes(0)) {
    throw new RangeError(
      `${call}: only batch and channels may be empty, got an input of shape ${show(x.shape)}`,
    );
  }
  if (bias !== null) {
    checkTensor(call, "bias", bias);
    if (bias.ndim !== 1 || bias.shape[0] !== outputs) {
      throw new RangeError(`${call}: expected a bias [${outputs}], got ${show(bias.shape)}`);
    }
  }
  return { batched, kernel };
}

/** `f` of a batch, for an input that may come without that axis. */
function asBatch(x: Tensor, batched: boolean, f: (x: Tensor) => Tensor): Tensor {
  if (batched) return f(x);
  const y = f(reshape(x, [1, ...x.shape]));
  return reshape(y, y.shape.slice(1));
}

function convolution(
  call: string,
  axes: number,
  x: Tensor,
  weight: Tensor,
  args: ConvolutionArgs,
): Tensor {
  const { groups, ...o } = read(call, {
    bias: null as Tensor | null,
    stride: 1 as Spatial,
    padding: 0 as ConvolutionPadding,
    dilation: 1 as Spatial,
    groups: 1,
  }, args);
  let { bias } = o;
  [x, weight, bias] = castAll(call, x, weight, bias);
  const { batched, kernel } = checkOperands(call, axes, x, weight, bias, groups, false);
  const stride = spatial(call, "stride", o.stride, axes, 1);
  const dilation = spatial(call, "dilation", o.dilation, axes, 1);
  // Zeros before and on both sides; of an odd number, "same" puts the greater part after.
  let padding: number[], both: number[];
  if (typeof o.padding === "string") {
    if (o.padding !== "same" && o.padding !== "valid") {
      throw new TypeError(
        `${call}: padding must be a number, "same" or "valid", got ${describeValue(o.padding)}`,
      );
    }
    if (o.padding === "same" && stride.some((n) => n !== 1)) {
      throw new RangeError(`${call}: padding "same" takes stride 1, got ${show(stride)}`);
    }
    both = kernel.map((k, d) => o.padding === "same" ? dilation[d] * (k - 1) : 0);
    padding = both.map((n) => n >> 1);
  } else {
    padding = spatial(call, "padding", o.padding, axes, 0);
    both = padding.map((n) => 2 * n);
  }
  const size = x.shape.slice(batched ? 2 : 1);
  const count = size.map((n, d) => {
    const room = n + both[d] - dilation[d] * (kernel[d] - 1) - 1;
    return Math.floor(room / stride[d]) + 1;
  });
  if (count.some((n) => n < 1)) {
    throw new RangeError(
      `${call}: a kernel of size ${show(kernel)} with dilation ${
        show(dilation)
      } does not fit an input of size ${show(size)} with padding ${show(padding)}`,
    );
  }
  return asBatch(x, batched, (x) =>
    convolve(call, x, weight, bias, {
      batch: x.shape[0],
      groups,
      channels: weight.shape[1],
      outputs: weight.shape[0] / groups,
      size,
      count,
      kernel,
      stride,
      padding,
      dilation,
    }));
}

function transposedConvolution(
  call: string,
  axes: number,
  x: Tensor,
  weight: Tensor,
  args: TransposedConvolutionArgs,
): Tensor {
  const { groups, ...o } = read(call, {
    bias: null as Tensor | null,
    stride: 1 as Spatial,
    padding: 0 as Spatial,
    outputPadding: 0 as Spatial,
    groups: 1,
    dilation: 1 as Spatial,
  }, args);
  let { bias } = o;
  [x, weight, bias] = castAll(call, x, weight, bias);
  const { batched, kernel } = checkOperands(call, axes, x, weight, bias, groups, true);
  const stride = spatial(call, "stride", o.stride, axes, 1);
  const padding = spatial(call, "padding", o.padding, axes, 0);
  const outputPadding = spatial(call, "outputPadding", o.outputPadding, axes, 0);
  const dilation = spatial(call, "dilation", o.dilation, axes, 1);
  if (outputPadding.some((n, d) => n >= stride[d] && n >= dilation[d])) {
    throw new RangeError(
      `${call}: outputPadding ${show(outputPadding)} must be less than stride ${
        show(stride)
      } or dilation ${show(dilation)}`,
    );
  }
  const count = x.shape.slice(batched ? 2 : 1);
  const size = count.map((n, d) =>
    (n - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel[d] - 1) + outputPadding[d] + 1
  );
  if (size.some((n) => n < 1)) {
    throw new RangeError(
      `${call}: an input of size ${show(count)} with padding ${
        show(padding)
      } makes an output of size ${show(size)}: too small`,
    );
  }
  return asBatch(x, batched, (x) =>
    convolveTransposed(call, x, weight, bias, {
      batch: x.shape[0],
      groups,
      channels: weight.shape[1],
      outputs: weight.shape[0] / groups,
      size,
      count,
      kernel,
      stride,
      padding,
      dilation,
    }));
}

/**
 * Slides a kernel over signals: [batch, channels, width] -> [batch, outputs, width]; the batch axis may be missing. The
 * weight is [outputs, channels / groups, ...kernel].
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html
 */
export function conv1d(input: Tensor, weight: Tensor, ...args: ConvolutionArgs): Tensor {
  return convolution("conv1d", 1, input, weight, args);
}

/**
 * Slides a kernel over images: [batch, channels, height, width] -> [batch, outputs, height, width]; the batch axis may be missing. The
 * weight is [outputs, channels / groups, ...kernel].
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
 */
export function conv2d(input: Tensor, weight: Tensor, ...args: ConvolutionArgs): Tensor {
  return convolution("conv2d", 2, input, weight, args);
}

/**
 * Slides a kernel over volumes: [batch, channels, depth, height, width] -> [batch, outputs, depth, height, width]; the batch axis may be missing. The
 * weight is [outputs, channels / groups, ...kernel].
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv3d.html
 */
export function conv3d(input: Tensor, weight: Tensor, ...args: ConvolutionArgs): Tensor {
  return convolution("conv3d", 3, input, weight, args);
}

/**
 * The transpose of `conv1d`: [batch, channels, width] -> [batch, outputs, width]; the batch axis may be missing. The
 * weight is [channels, outputs / groups, ...kernel].
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose1d.html
 */
export function convTranspose1d(
  input: Tensor,
  weight: Tensor,
  ...args: TransposedConvolutionArgs
): Tensor {
  return transposedConvolution("convTranspose1d", 1, input, weight, args);
}

/**
 * The transpose of `conv2d`: [batch, channels, height, width] -> [batch, outputs, height, width]; the batch axis may be missing. The
 * weight is [channels, outputs / groups, ...kernel].
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
 */
export function convTranspose2d(
  input: Tensor,
  weight: Tensor,
  ...args: TransposedConvolutionArgs
): Tensor {
  return transposedConvolution("convTranspose2d", 2, input, weight, args);
}

/**
 * The transpose of `conv3d`: [batch, channels, depth, height, width] -> [batch, outputs, depth, height, width]; the batch axis may be missing. The
 * weight is [channels, outputs / groups, ...kernel].
 *
 * @throws RangeError when sizes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose3d.html
 */
export function convTranspose3d(
  input: Tensor,
  weight: Tensor,
  ...args: TransposedConvolutionArgs
): Tensor {
  return transposedConvolution("convTranspose3d", 3, input, weight, args);
}
