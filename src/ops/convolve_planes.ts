/**
 * Depthwise convolutions in float32: which of them the kernels of assembly/convolution_plane.ts suit, and their calls.
 *
 * @module
 */
import { float32 } from "../backend/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Axis, axisOf, type Geometry, UNIT } from "./convolve_geometry.ts";

/** The most scratch space: what needs more is left to the kernels that gather patches. */
const MOST_BYTES = 16 << 20;
/** Outputs of a channel, up to which its plane is not copied too often. */
const FEW_OUTPUTS = 2;

/** Rows and columns of a depthwise convolution of images or signals, or of its transpose; null if it is none. */
function axesOf(g: Geometry, transposed: boolean): [Axis, Axis] | null {
  const axes = g.size.length;
  if (g.channels !== 1 || g.outputs > (transposed ? 1 : FEW_OUTPUTS) || axes > 2) return null;
  const rows = axes === 2 ? axisOf(g, 0, transposed) : UNIT;
  return [rows, axisOf(g, axes - 1, transposed)];
}

/** Bytes that a plane, its copy with padding and a run of the result take at most. */
function scratchOf(a: Axis, b: Axis): number {
  const extent = (x: Axis) =>
    Math.max(x.count, x.size + 1) * x.up + x.kernel * x.dilation + x.padding * 2 + 2 * x.up;
  return 8 * (extent(a) * extent(b) + 256) + a.kernel * b.kernel * 24 + 16 * a.down * b.down;
}

/**
 * y [batch, groups * outputs, ...count] = the convolution of x with weight, or, if `transposed`, [batch, groups,
 * ...size] = its transpose; + bias. Returns whether the kernels suit it: if not, nothing was done.
 */
export function convolvePlanes(
  y: Tensor,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  g: Geometry,
  transposed: boolean,
): boolean {
  const axes = axesOf(g, transposed);
  if (axes === null || y.dtype !== float32) return false;
  const [a, b] = axes, { backend } = y, scratch = scratchOf(a, b);
  if (scratch > MOST_BYTES) return false;
  // deno-fmt-ignore
  backend.kernels.conv_plane(
    y.pointer, x.pointer, weight.pointer, bias === null ? 0 : bias.pointer, backend.scratch(scratch),
    g.groups, g.outputs, a.size, b.size, a.count, b.count, a.kernel, b.kernel, a.up, b.up,
    a.padding, b.padding, a.dilation, b.dilation, a.down, b.down, transposed ? 1 : 0, 0, g.batch * g.groups * g.outputs,
  );
  return true;
}

/** The gradient of the weight of a convolution. Returns whether the kernels suit it: if not, nothing was done. */
export function weightGradientPlanes(dw: Tensor, dy: Tensor, x: Tensor, g: Geometry): boolean {
  const axes = axesOf(g, false);
  if (axes === null || dw.dtype !== float32) return false;
  const [a, b] = axes, { backend } = dw, scratch = scratchOf(a, b);
  if (scratch > MOST_BYTES) return false;
  // deno-fmt-ignore
  backend.kernels.conv_plane_grad_weight(
    dw.pointer, dy.pointer, x.pointer, backend.scratch(scratch), g.batch, g.groups, g.outputs,
    a.size, b.size, a.count, b.count, a.kernel, b.kernel, a.up, b.up, a.padding, b.padding, a.dilation, b.dilation,
    0, g.groups * g.outputs,
  );
  return true;
}
