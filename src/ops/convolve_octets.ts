/**
 * Convolutions in float32 of eight samples at a time: which of them the kernels of assembly/convolution_octet.ts suit, and
 * how their work is divided.
 *
 * @module
 */
import { float32 } from "../backend/dtype.ts";
import { emptyOn } from "../tensor/create.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { type Axis, axisOf, type Geometry, UNIT } from "./convolve_geometry.ts";

/** Samples, or channels, in the lanes of two vectors. */
const LANES = 8;
/** Rows of a register tile. */
const ROWS = 4;
/** Blocks into which work is divided at least, so that two to eight threads share it evenly. */
const BLOCKS = 8;
/** Bytes of a packed weight that are used again and again: they stay in the second-level cache. 384 KB did the same. */
const WEIGHT_BYTES = 256 << 10;
/** Bytes of x and y, arranged, of a block. */
const BLOCK_BYTES = 384 << 10;
/** The most scratch space: what needs more is left to the kernels that gather patches. */
const MOST_BYTES = 16 << 20;
/** Multiplications for each list of runs that make its cost invisible. */
const ENOUGH_PRODUCTS = 2048;
/** Rows of a product's depth at a time. 256 to 1024 did the same. */
const DEPTH = 512;
/** Strips of dy at a time: 4 rows each. 8 against 4: 3 to 20 % less time, 16 against 8: 0 to 5 %. */
const STRIPS = 8;

/** Whether element k of the kernel ever meets the source. */
function meets(a: Axis, k: number): boolean {
  for (let q = 0, u = k * a.dilation - a.padding; q < a.count; q++, u += a.up) {
    if (u >= 0 && u % a.down === 0 && u < a.size * a.down) return true;
  }
  return false;
}

/** Leaves out the ends of the kernel that meet nothing but padding; returns how many at the beginning. */
function crop(a: Axis): number {
  let first = 0, end = a.kernel;
  while (first < end - 1 && !meets(a, first)) first++;
  while (end > first + 1 && !meets(a, end - 1)) end--;
  a.kernel = end - first;
  a.padding -= first * a.dilation;
  return first;
}

/** Three axes: the first of two is missing in an image, the first and the last in a signal, so that bands divide it. */
function threeAxes(axes: Axis[]): [Axis, Axis, Axis] {
  if (axes.length === 1) return [{ ...UNIT }, axes[0], { ...UNIT }];
  return axes.length === 2 ? [{ ...UNIT }, axes[0], axes[1]] : [axes[0], axes[1], axes[2]];
}

/** n in parts of equal size, at most `most`: the size of one. */
function even(n: number, most: number): number {
  return Math.ceil(n / Math.ceil(n / Math.max(1, Math.min(n, most))));
}

/** The bytes of `n` rows of eight. */
const line = (n: number) => (n * LANES * 4 + 63) & ~63;

/** Whether lanes of samples and strips of outputs are used well enough. */
function fills(batch: number, outputs: number): boolean {
  return batch > 0.7 * LANES * Math.ceil(batch / LANES) &&
    outputs > 0.7 * ROWS * Math.ceil(outputs / ROWS);
}

/** Whether the samples are products of matrices as they lie, large enough to be fast. */
function pointwise(g: Geometry): boolean {
  return sizeOf(g.kernel) === 1 && sizeOf(g.stride) === 1 && g.padding.every((n) => n === 0) &&
    sizeOf(g.size) >= 64;
}

/** How the work of conv_octet is divided. */
interface Plan {
  octets: number;
  band: number;
  strips: number;
  blocks: number;
  scratch: number;
}

function planOf(
  batch: number,
  groups: number,
  channels: number,
  outputs: number,
  [a0, a1, a2]: [Axis, Axis, Axis],
): Plan {
  const depth = channels * a0.kernel * a1.kernel * a2.kernel;
  const allStrips = Math.ceil(outputs / ROWS), allOctets = Math.ceil(batch / LANES);
  const rows = a0.count * a1.count, planes = a0.size > 1 || a0.count > 1;
  let strips = even(allStrips, WEIGHT_BYTES / (depth * ROWS * 4));
  let octets = even(allOctets, Math.ceil(ENOUGH_PRODUCTS / (strips * depth)));
  /** Bytes of an octet's x and y, if `band` rows of y are computed. */
  const bytes = (band: number) => {
    const axis = planes ? a0 : a1, other = planes ? a1.size : 1;
    const n = planes ? Math.ceil(band / a1.count) : band;
    const reach =
      Math.ceil(((n - 1) * axis.up + (axis.kernel - 1) * axis.dilation + 1) / axis.down) + 1;
    return line(Math.min(axis.size, reach) * other * a2.size * channels) +
      line(band * a2.count * strips * ROWS);
  };
  let band = rows;
  while (band > 1 && octets * bytes(band) > BLOCK_BYTES) band = even(rows, band - 1);
  while (octets > 1 && octets * bytes(band) > BLOCK_BYTES) octets = even(allOctets, octets - 1);
  const blocks = () =>
    groups * Math.ceil(allStrips / strips) * Math.ceil(allOctets / octets) * Math.ceil(rows / band);
  // Of smaller parts, the ones first that cost least.
  while (blocks() < BLOCKS && strips > 4) strips = even(allStrips, strips - 1);
  while (blocks() < BLOCKS && band > 1) band = even(rows, band - 1);
  const taps = a0.kernel * a1.kernel * a2.kernel;
  return {
    octets,
    band,
    strips,
    blocks: blocks(),
    scratch: octets * bytes(band) + taps * 12 + 128,
  };
}

/**
 * y [batch, groups * outputs, ...count] = the convolution of x with weight, or, if `transposed`, [batch, groups *
 * channels, ...size] = its transpose; + bias. Returns whether the kernels suit it: if not, nothing was done.
 */
export function convolveOctets(
  y: Tensor,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  g: Geometry,
  transposed: boolean,
): boolean {
  if (y.dtype !== float32) return false;
  const outputs = transposed ? g.channels : g.outputs,
    channels = transposed ? g.outputs : g.channels;
  if (channels === 0 || !fills(g.batch, outputs) || pointwise(g)) return false;
  const taps = sizeOf(g.kernel), own = g.channels * taps, sign = transposed ? -1 : 1;
  const axes = g.kernel.map((_, d) => axisOf(g, d, transposed));
  let place = transposed ? taps - 1 : 0, step = sign;
  const steps = g.kernel.map(() => 0);
  for (let d = axes.length - 1; d >= 0; step *= g.kernel[d--]) {
    steps[d] = step;
    place += crop(axes[d]) * step;
  }
  const all = threeAxes(axes),
    [a0, a1, a2] = all,
    [s0, s1, s2] = axes.length === 1 ? [0, steps[0], 0] : axes.length === 2 ? [0, ...steps] : steps;
  const plan = planOf(g.batch, g.groups, channels, outputs, all);
  if (plan.scratch > MOST_BYTES) return false;
  const { backend } = y, strips = g.groups * Math.ceil(outputs / ROWS);
  const packed = emptyOn(
    backend,
    [strips, a0.kernel, a1.kernel, a2.kernel, channels, ROWS],
    float32,
  );
  // deno-fmt-ignore
  backend.kernels.conv_octet_pack(
    packed.pointer, weight.pointer + 4 * place, outputs, channels, a0.kernel, a1.kernel, a2.kernel,
    g.outputs * own, transposed ? taps : own, transposed ? own : taps, s0, s1, s2, 0, strips,
  );
  const space = backend.scratch(plan.scratch);
  // deno-fmt-ignore
  backend.kernels.conv_octet(
    y.pointer, x.pointer, packed.pointer, bias === null ? 0 : bias.pointer, space,
    g.batch, g.groups, channels, outputs, a0.size, a1.size, a2.size, a0.count, a1.count, a2.count,
    a0.kernel, a1.kernel, a2.kernel, a0.up, a1.up, a2.up, a0.padding, a1.padding, a2.padding,
    a0.dilation, a1.dilation, a2.dilation, a0.down, a1.down, a2.down,
    plan.octets, plan.band, plan.strips, 0, plan.blocks,
  );
  packed.storage.free();
  return true;
}

/** The gradient of the weight of a convolution. Returns whether the kernels suit it: if not, nothing was done. */
export function weightGradientOctets(dw: Tensor, dy: Tensor, x: Tensor, g: Geometry): boolean {
  if (dw.dtype !== float32) return false;
  const image = g.kernel.length === 2, positions = sizeOf(g.count);
  const few = image && g.channels <= 4 && g.kernel[1] > 1 && g.kernel[1] <= LANES &&
    g.dilation[1] === 1;
  const allStrips = Math.ceil(g.outputs / ROWS), allPanels = Math.ceil(g.channels / LANES);
  if (g.outputs <= 0.7 * ROWS * allStrips) return false;
  if (!few && g.channels <= 0.5 * LANES * allPanels) return false;
  const all = threeAxes(g.kernel.map((_, d) => axisOf(g, d, false))), [a0, a1, a2] = all;
  const samples = even(g.batch, DEPTH / positions), rows = a0.count * a1.count;
  const planes = a0.size > 1 || a0.count > 1;
  let band = samples > 1 ? rows : even(rows, DEPTH / a2.count);
  if (planes) band = even(a0.count, Math.ceil(band / a1.count)) * a1.count;
  let strips = even(allStrips, STRIPS), panels = allPanels;
  const blocks = () =>
    g.groups * Math.ceil(allStrips / strips) * (few ? 1 : Math.ceil(allPanels / panels));
  while (blocks() < BLOCKS && strips > 4) strips = even(allStrips, strips - 1);
  while (!few && blocks() < BLOCKS && panels > 1) panels = even(allPanels, panels - 1);
  while (blocks() < BLOCKS && strips > 1) strips = even(allStrips, strips - 1);
  const axis = planes ? a0 : a1, n = planes ? band / a1.count : band;
  const reach = (n - 1) * axis.up + axis.kernel * axis.dilation + 1;
  const y = band * a2.count * samples * strips * ROWS * 4, { backend } = dw;
  if (few) {
    const pitch = 4 * ((a2.count - 1) * a2.up + LANES);
    const scratch = (reach + a1.dilation) * pitch * samples * g.channels + y + 256 +
      strips * g.channels * a1.kernel * 128 + band * samples * 12;
    if (scratch > MOST_BYTES) return false;
    // deno-fmt-ignore
    backend.kernels.conv_few_grad_weight(
      dw.pointer, dy.pointer, x.pointer, backend.scratch(scratch), g.batch, g.groups, g.channels, g.outputs,
      a1.size, a2.size, a1.count, a2.count, a1.kernel, a2.kernel, a1.up, a2.up, a1.padding, a2.padding, a1.dilation,
      samples, band, strips, 0, blocks(),
    );
    return true;
  }
  const scratch =
    Math.min(axis.size, reach) * (planes ? a1.size : 1) * a2.size * samples * panels * LANES * 4 +
    y +
    256 + strips * panels * sizeOf(g.kernel) * 128 + band * a2.count * 12;
  if (scratch > MOST_BYTES) return false;
  // deno-fmt-ignore
  backend.kernels.conv_octet_grad_weight(
    dw.pointer, dy.pointer, x.pointer, backend.scratch(scratch), g.batch, g.groups, g.channels, g.outputs,
    a0.size, a1.size, a2.size, a0.count, a1.count, a2.count, a0.kernel, a1.kernel, a2.kernel, a0.up, a1.up, a2.up,
    a0.padding, a1.padding, a2.padding, a0.dilation, a1.dilation, a2.dilation,
    samples, band, strips, panels, 0, blocks(),
  );
  return true;
}
