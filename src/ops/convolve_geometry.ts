/**
 * The sizes of a convolution, and its axes as the kernels see them.
 *
 * @module
 */

/** A convolution x [batch, groups * channels, ...size] -> y [batch, groups * outputs, ...count]. */
export interface Geometry {
  /** Samples. */
  readonly batch: number;
  /** Parts of the channels that know nothing of each other. */
  readonly groups: number;
  /** Channels of x in a group. */
  readonly channels: number;
  /** Channels of y in a group. */
  readonly outputs: number;
  /** Sizes of the spatial axes of x. */
  readonly size: readonly number[];
  /** Those of y. */
  readonly count: readonly number[];
  /** Those of the weight [groups * outputs, channels, ...kernel]. */
  readonly kernel: readonly number[];
  /** Steps between neighbouring positions. */
  readonly stride: readonly number[];
  /** Zeros before x; as many as are read lie after it. */
  readonly padding: readonly number[];
  /** Steps within the kernel. */
  readonly dilation: readonly number[];
}

/** One axis: element k of the kernel and position q of the result meet at (q up + k dilation - padding) / down. */
export interface Axis {
  /** Positions of the source. */
  size: number;
  /** Positions of the result. */
  count: number;
  /** Elements of the kernel. */
  kernel: number;
  /** Source positions, in units of 1 / down, from one position of the result to the next. */
  up: number;
  /** Of that many, one is a position of the source. */
  down: number;
  /** Zeros before the source, in the same units; negative where the source begins earlier. */
  padding: number;
  /** The distance of neighbours in the kernel, in the same units. */
  dilation: number;
}

/** An axis that is missing. */
export const UNIT: Axis = { size: 1, count: 1, kernel: 1, up: 1, down: 1, padding: 0, dilation: 1 };

/** Spatial axis d of a convolution, or of its transpose. */
export function axisOf(g: Geometry, d: number, transposed: boolean): Axis {
  const size = g.size[d], count = g.count[d], kernel = g.kernel[d], dilation = g.dilation[d];
  const stride = g.stride[d], padding = g.padding[d];
  if (!transposed) return { size, count, kernel, up: stride, down: 1, padding, dilation };
  const reverse = (kernel - 1) * dilation - padding;
  return { size: count, count: size, kernel, up: 1, down: stride, padding: reverse, dilation };
}
