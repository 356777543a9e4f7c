/**
 * Convolution, its transpose, and the gradient of the weight: three linear maps, each of which has its gradients among
 * the other two, so that derivatives of any order come from them.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import type { DType } from "../backend/dtype.ts";
import { convert, emptyOn, fillWith } from "../tensor/create.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import type { Geometry } from "./convolve_geometry.ts";
import { convolveOctets, weightGradientOctets } from "./convolve_octets.ts";
import { convolvePlanes, weightGradientPlanes } from "./convolve_planes.ts";
import { denseAs } from "./copy.ts";
import { type KernelTable, kernelTable } from "./elementwise.ts";
import { productType, SCRATCH } from "./product.ts";
import { sum } from "./reduce.ts";
import { three } from "./spatial.ts";

const CONV = kernelTable("conv"),
  GRAD_X = kernelTable("conv_grad_x"),
  GRAD_WEIGHT = kernelTable("conv_grad_weight");

/** Numbers that a block of patches holds, at about which it stays in the second-level cache. */
const BLOCK = 1 << 17;
/** Fewer columns than this make slow products. */
const FEW_COLUMNS = 64;
/** Up to so many columns, small samples are put together. */
const ENOUGH_COLUMNS = 256;
/** Blocks into which work is divided at least, so that two to eight threads share it evenly. */
const BLOCKS = 8;
/** Rows of a weight's gradient that repay gathering the patches once more. */
const LEAST_ROWS = 16;

/** How much of a convolution is done at a time, and the bytes that takes; see assembly/convolution.ts. */
interface Division {
  samples: number;
  band: number;
  /** Channels of dx, or outputs of dw, at a time. */
  rows: number;
  /** How many blocks there are. */
  blocks: number;
  scratch: number;
}

function divide(g: Geometry, dtype: DType, part: "y" | "dx" | "dw"): Division {
  const taps = sizeOf(g.kernel), depth = g.channels * taps, positions = sizeOf(g.count);
  const most = Math.max(FEW_COLUMNS, Math.floor(BLOCK / Math.max(depth, 1)) & ~7);
  const pointwise = taps === 1 && sizeOf(g.stride) === 1 &&
    g.padding.every((n) => n === 0) && sizeOf(g.size) === positions;
  const samples = Math.max(
    1,
    Math.min(g.batch, Math.floor(Math.min(most, ENOUGH_COLUMNS) / Math.max(positions, 1))),
  );
  const parts = g.groups * Math.ceil(g.batch / samples);
  let band = positions;
  if (samples === 1 && (!pointwise || part === "y")) {
    let bands = pointwise ? 1 : Math.ceil(positions / most);
    if (part === "y" && parts < BLOCKS) {
      bands = Math.max(
        bands,
        Math.min(Math.ceil(BLOCKS / parts), Math.ceil(positions / FEW_COLUMNS)),
      );
    }
    if (bands > 1) band = Math.min(positions, (Math.ceil(positions / bands) + 7) & ~7);
  }
  const room = (n: number) => (n * dtype.size + 63) & ~63;
  const columns = samples * band, patches = depth * columns, outputs = room(g.outputs * columns);
  if (part === "y") {
    const blocks = parts * Math.ceil(positions / band);
    return {
      samples,
      band,
      rows: 0,
      blocks,
      scratch: room(patches) + outputs + room(columns) + SCRATCH,
    };
  }
  const n = part === "dx" ? g.channels : g.outputs, others = part === "dx" ? parts : g.groups;
  const least = part === "dx" ? 1 : LEAST_ROWS;
  const rows = Math.min(n, Math.max(least, Math.ceil(n / Math.ceil(BLOCKS / others))));
  return {
    samples,
    band,
    rows,
    blocks: others * Math.ceil(n / rows),
    scratch: room(patches) + outputs + (part === "dw" ? room(rows * depth) : 0) + SCRATCH,
  };
}

function run(
  name: KernelTable[number],
  g: Geometry,
  dtype: DType,
  tensors: (Tensor | null)[],
  part: "y" | "dx" | "dw",
) {
  const { backend } = tensors[0]!,
    { samples, band, rows, blocks, scratch } = divide(g, dtype, part);
  const space = backend.scratch(scratch);
  (backend.kernels[name!] as (...values: number[]) => void)(
    ...tensors.map((t) => t === null ? 0 : t.pointer),
    space,
    g.batch,
    g.groups,
    g.channels,
    g.outputs,
    ...three(g.size, 1),
    ...three(g.count, 1),
    ...three(g.kernel, 1),
    ...three(g.stride, 1),
    ...three(g.padding, 0),
    ...three(g.dilation, 1),
    samples,
    band,
    ...(part === "y" ? [] : [rows]),
    0,
    blocks,
  );
}

/** `y`, computed in the kernel's dtype, in `dtype`. */
function narrow(y: Tensor, dtype: DType): Tensor {
  return y.dtype === dtype ? y : convert(y, dtype);
}

/** The gradient of a bias: the sum over all axes but that of the channels. */
function biasGradient(dy: Tensor): Tensor {
  return sum(dy, dy.shape.map((_, d) => d).filter((d) => d !== 1));
}

function typeOf(call: string, x: Tensor, weight: Tensor, bias: Tensor | null): DType {
  return productType(call, x, weight, ...(bias === null ? [] : [bias]));
}

/** The convolution of `x` with `weight`, + `bias` [groups * outputs]. */
export function convolve(
  call: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  g: Geometry,
): Tensor {
  const dtype = typeOf(call, x, weight, bias);
  const y = emptyOn(x.backend, [g.batch, g.groups * g.outputs, ...g.count], dtype);
  if (y.numElements > 0) {
    const operands = [x, weight, bias].map((t) => t === null ? null : denseAs(t, dtype));
    const [a, b, c] = operands as [Tensor, Tensor, Tensor | null];
    if (
      !y.backend.packs ||
      !convolvePlanes(y, a, b, c, g, false) && !convolveOctets(y, a, b, c, g, false)
    ) {
      run(CONV[dtype.id], g, dtype, [y, ...operands], "y");
    }
  }
  return record("convolution", narrow(y, x.dtype), [x, weight, bias], [
    (dy) => convolveTransposed(call, dy, weight, null, g),
    (dy) => weightGradient(call, dy, x, g),
    biasGradient,
  ], [x, weight]);
}

/** The transpose of `convolve`, which is also the gradient of its `x`, + `bias` [groups * channels]. */
export function convolveTransposed(
  call: string,
  dy: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  g: Geometry,
): Tensor {
  const dtype = typeOf(call, dy, weight, bias);
  const dx = emptyOn(dy.backend, [g.batch, g.groups * g.channels, ...g.size], dtype);
  if (dx.numElements > 0) {
    const operands = [dy, weight, bias].map((t) => t === null ? null : denseAs(t, dtype));
    const [a, b, c] = operands as [Tensor, Tensor, Tensor | null];
    if (
      !dx.backend.packs ||
      !convolvePlanes(dx, a, b, c, g, true) && !convolveOctets(dx, a, b, c, g, true)
    ) {
      run(GRAD_X[dtype.id], g, dtype, [dx, ...operands], "dx");
    }
  }
  return record("convolution", narrow(dx, dy.dtype), [dy, weight, bias], [
    (dz) => convolve(call, dz, weight, null, g),
    (dz) => weightGradient(call, dy, dz, g),
    biasGradient,
  ], [dy, weight]);
}

/** The gradient of the weight of `convolve`. */
function weightGradient(call: string, dy: Tensor, x: Tensor, g: Geometry): Tensor {
  const dtype = productType(call, dy, x);
  const dw = emptyOn(dy.backend, [g.groups * g.outputs, g.channels, ...g.kernel], dtype);
  if (dy.numElements === 0) fillWith(dw, 0);
  else if (dw.numElements > 0) {
    const a = denseAs(dy, dtype), b = denseAs(x, dtype);
    if (
      !dw.backend.packs ||
      !weightGradientPlanes(dw, a, b, g) && !weightGradientOctets(dw, a, b, g)
    ) {
      run(GRAD_WEIGHT[dtype.id], g, dtype, [dw, a, b], "dw");
    }
  }
  return record("convolution_backward", narrow(dw, dy.dtype), [dy, x], [
    (dz) => convolve(call, x, dz, null, g),
    (dz) => convolveTransposed(call, dy, dz, null, g),
  ], [dy, x]);
}
