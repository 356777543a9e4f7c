/**
 * Images sampled at the points of a grid, and the grids of affine maps.
 *
 * @module
 */
import { record, recordWithoutGrad } from "../autograd/record.ts";
import { float32, float64 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { emptyOn, fromArray } from "../tensor/create.ts";
import { describeValue } from "../tensor/describe.ts";
import { checkDevice, show } from "../tensor/shape.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import { type KernelTable, kernelTable } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { type AnyKernel, checkFlag, convertTo } from "./reduction.ts";
import { three } from "./spatial.ts";
import { reshape, transpose } from "./view.ts";

/** How `gridSample` makes an element of those around the point. */
export type GridSampleMode = "bilinear" | "nearest" | "bicubic";
/** What `gridSample` finds outside of the image: zeros, the nearest element, or a mirror. */
export type GridSamplePadding = "zeros" | "border" | "reflection";

/** Options of `gridSample`. */
export interface GridSampleOptions {
  /** How an element is made of those around the point; `"bilinear"` by default, over three axes, too. */
  mode?: GridSampleMode;
  /** What lies outside of the image; `"zeros"` by default. */
  paddingMode?: GridSamplePadding;
  /** Whether -1 and 1 are the centres of the outermost elements rather than their outer edges. */
  alignCorners?: boolean | null;
}

const SAMPLE = kernelTable("grid_sample"),
  GRAD_X = kernelTable("grid_sample_grad_x"),
  GRAD_GRID = kernelTable("grid_sample_grad_grid");
/** Bytes of scratch that the kernels need. */
const SCRATCH = 1024;

/** In the order of the kernels' numbers. */
const MODES: readonly string[] = ["bilinear", "nearest", "bicubic"];
const PADDINGS: readonly string[] = ["zeros", "border", "reflection"];

function choice(name: string, choices: readonly string[], value: unknown): number {
  const index = choices.indexOf(value as string);
  if (index >= 0) return index;
  const known = choices.map((s) => `"${s}"`).join(", ");
  throw new TypeError(`gridSample: ${name} must be one of ${known}, got ${describeValue(value)}`);
}

function checkShapes(x: Tensor, grid: Tensor, mode: string): void {
  const axes = x.ndim - 2;
  if ((axes !== 2 && axes !== 3) || grid.ndim !== x.ndim) {
    throw new RangeError(
      `gridSample: expected an input [N, C, H, W] with a grid [N, H, W, 2], or both with a depth before H, got shapes ${
        show(x.shape)
      } and ${show(grid.shape)}`,
    );
  }
  if (grid.shape[0] !== x.shape[0] || grid.shape[axes + 1] !== axes) {
    throw new RangeError(
      `gridSample: a grid for an input of shape ${show(x.shape)} has shape ${
        show([x.shape[0], ...grid.shape.slice(1, -1), axes])
      }, got ${show(grid.shape)}`,
    );
  }
  if (x.shape.slice(2).includes(0)) {
    throw new RangeError(`gridSample: an input of shape ${show(x.shape)} has no elements to read`);
  }
  if (mode === "bicubic" && axes !== 2) {
    throw new RangeError(
      `gridSample: mode "bicubic" takes inputs [N, C, H, W], got shape ${show(x.shape)}`,
    );
  }
}

/**
 * Elements of images at the points of a grid: x [N, C, H, W], grid [N, h, w, 2] -> [N, C, h, w], or x [N, C, D, H, W],
 * grid [N, d, h, w, 3] -> [N, C, d, h, w]. A point's first number goes along W; -1 and 1 are the ends of the image. NaN
 * counts as -1.
 *
 * @throws RangeError when the shapes of input and grid do not fit.
 * @throws TypeError when they are not floating-point of one dtype.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
 */
export function gridSample(
  x: Tensor,
  grid: Tensor,
  ...args: Args<
    [mode: GridSampleMode, paddingMode: GridSamplePadding, alignCorners: boolean | null],
    GridSampleOptions
  >
): Tensor {
  checkTensor("gridSample", "input", x);
  checkTensor("gridSample", "grid", grid);
  const o = read("gridSample", {
    mode: "bilinear" as GridSampleMode,
    paddingMode: "zeros" as GridSamplePadding,
    alignCorners: null as boolean | null,
  }, args);
  const mode = choice("mode", MODES, o.mode);
  const padding = choice("paddingMode", PADDINGS, o.paddingMode);
  if (o.alignCorners !== null) checkFlag("gridSample", "alignCorners", o.alignCorners);
  checkShapes(x, grid, o.mode);
  checkDevice("gridSample", x, grid);
  if (x.dtype.kind !== "float" || x.dtype !== grid.dtype) {
    throw new TypeError(
      `gridSample: input and grid must be floating-point of one dtype, got ${x.dtype} and ${grid.dtype}`,
    );
  }
  const [batch, channels, ...size] = x.shape, { backend } = x, axes = size.length;
  const dtype = x.dtype === float64 ? float64 : float32, shape = grid.shape.slice(1, -1);
  const points = sizeOf(shape), count = batch * points;
  /** Runs a kernel over a range of `n`. */
  const run = (table: KernelTable, tensors: readonly Tensor[], n: number) => {
    if (tensors[0].numElements === 0) return;
    (backend.kernels[table[dtype.id]!] as unknown as AnyKernel)(
      ...tensors.map((t) => t.pointer),
      channels,
      ...three(size, 1),
      points,
      axes,
      mode,
      padding,
      o.alignCorners ? 1 : 0,
      backend.scratch(SCRATCH),
      0,
      n,
    );
  };
  const image = denseAs(x, dtype), places = denseAs(grid, dtype);
  const y = emptyOn(backend, [batch, channels, ...shape], dtype);
  run(SAMPLE, [y, image, places], count);
  const gradX = (dy: Tensor) => {
    const dx = emptyOn(backend, x.shape, dtype);
    run(GRAD_X, [dx, denseAs(dy, dtype), denseAs(grid, dtype)], batch);
    return recordWithoutGrad("the gradient of gridSample", convertTo(dx, x.dtype), [dy, grid]);
  };
  const gradGrid = (dy: Tensor) => {
    const dGrid = emptyOn(backend, grid.shape, dtype);
    run(GRAD_GRID, [dGrid, denseAs(dy, dtype), denseAs(x, dtype), denseAs(grid, dtype)], count);
    return recordWithoutGrad("the gradient of gridSample", convertTo(dGrid, x.dtype), [
      dy,
      x,
      grid,
    ]);
  };
  const name = `GridSampler${axes}DBackward0`;
  return record(name, convertTo(y, x.dtype), [x, grid], [gradX, gradGrid], [x, grid]);
}

/** Options of `affineGrid`. */
export interface AffineGridOptions {
  /** The shape of the images to be sampled: [N, C, H, W] or [N, C, D, H, W]. */
  size?: readonly number[];
  /** Whether -1 and 1 are the centres of the outermost elements rather than their outer edges. */
  alignCorners?: boolean | null;
}

/** The numbers of the points of an axis, between -1 and 1. */
function coordinates(n: number, alignCorners: boolean): number[] {
  const last = alignCorners ? n - 1 : n;
  return Array.from({ length: n }, (_, i) => n === 1 ? 0 : (2 * i - (n - 1)) / last);
}

/**
 * The grid of points for `gridSample` that affine maps make: theta [N, 2, 3], size [N, C, H, W] -> [N, H, W, 2], or theta
 * [N, 3, 4], size [N, C, D, H, W] -> [N, D, H, W, 3].
 *
 * @throws RangeError when `theta` does not fit `size`, or a size is not positive.
 * @throws TypeError when `theta` is not floating-point.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html
 */
export function affineGrid(
  theta: Tensor,
  ...args: Args<[size: readonly number[], alignCorners: boolean | null], AffineGridOptions>
): Tensor {
  checkTensor("affineGrid", "theta", theta);
  const { size, alignCorners } = read("affineGrid", {
    size: null as readonly number[] | null,
    alignCorners: null as boolean | null,
  }, args);
  if (!Array.isArray(size)) {
    throw new TypeError(`affineGrid: size must be an array, got ${describeValue(size)}`);
  }
  size.forEach((n) => wholeNumber("affineGrid", "size", n));
  if (alignCorners !== null) checkFlag("affineGrid", "alignCorners", alignCorners);
  if (theta.dtype.kind !== "float") {
    throw new TypeError(`affineGrid: theta must be floating-point, got ${theta.dtype}`);
  }
  const [batch, , ...spatial] = size, axes = spatial.length;
  if ((axes !== 2 && axes !== 3) || size.some((n) => n < 1)) {
    throw new RangeError(
      `affineGrid: size must be [N, C, H, W] or [N, C, D, H, W], all positive, got ${show(size)}`,
    );
  }
  if (show(theta.shape) !== show([batch, axes, axes + 1])) {
    throw new RangeError(
      `affineGrid: theta must have shape ${show([batch, axes, axes + 1])} for size ${
        show(size)
      }, got ${show(theta.shape)}`,
    );
  }
  // Rows (x, y, 1) or (x, y, z, 1), one for each point.
  const along = spatial.map((n) => coordinates(n, alignCorners ?? false)), points = sizeOf(spatial);
  const base = new Float64Array(points * (axes + 1));
  for (let p = 0, at = 0; p < points; p++) {
    let rest = p;
    for (let d = axes - 1; d >= 0; d--) {
      base[at++] = along[d][rest % spatial[d]];
      rest = Math.floor(rest / spatial[d]);
    }
    base[at++] = 1;
  }
  const { dtype, device } = theta;
  const rows = fromArray(base, [points, axes + 1], { dtype, device });
  return reshape(matmul(rows, transpose(theta, 1, 2)), [batch, ...spatial, axes]);
}
