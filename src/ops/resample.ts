/**
 * Resampling along axes: which elements each new one is made of, by mode of interpolation, and the sums.
 *
 * @module
 */
import { record } from "../autograd/record.ts";
import { type DType, float32, float64 } from "../backend/dtype.ts";
import { emptyOn, fromArray } from "../tensor/create.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { clone, denseAs } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { type AnyKernel, convertTo } from "./reduction.ts";
import { alias } from "./view.ts";

const ROWS = kernelTable("interpolate"), COLUMNS = kernelTable("interpolate_last");

/** How the new elements of an axis are made of the old ones: element i of those from starts[i] to starts[i + 1]. */
export interface Taps {
  /** Elements of the axis before. */
  readonly n: number;
  /** The first tap of each new element, and their number. */
  readonly starts: Int32Array;
  /** The old element of each tap. */
  readonly places: Int32Array;
  /** What it is multiplied by. */
  readonly weights: Float64Array;
}

/** What the taps of an axis depend on. */
export interface Resampling {
  /** Elements before. */
  readonly n: number;
  /** Elements after. */
  readonly m: number;
  /** The scale that was asked for; null for m / n. */
  readonly scale: number | null;
  /** Whether the first and last elements lie on those before, rather than the outer edges of these. */
  readonly alignCorners: boolean;
  /** The dtype that positions are computed in, which decides ties. */
  readonly dtype: DType;
}

/** How a mode makes new elements. */
export type Interpolation = (r: Resampling) => Taps;

/** Collects taps, those of one element after another; zeros are left out. */
function collect(
  r: Resampling,
  tapsOf: (i: number, add: (place: number, w: number) => void) => void,
): Taps {
  const starts = new Int32Array(r.m + 1), places: number[] = [], weights: number[] = [];
  const add = (place: number, weight: number) => {
    if (weight === 0) return;
    places.push(Math.min(Math.max(place, 0), r.n - 1));
    weights.push(weight);
  };
  for (let i = 0; i < r.m; i++) {
    tapsOf(i, add);
    starts[i + 1] = places.length;
  }
  return { n: r.n, starts, places: Int32Array.from(places), weights: Float64Array.from(weights) };
}

/** Rounds to the precision of a dtype's arithmetic. */
const rounding = (dtype: DType) => dtype === float64 ? (v: number) => v : Math.fround;

/** Old elements for each new one. */
function stepOf({ n, m, scale, alignCorners, dtype }: Resampling): number {
  const step = alignCorners
    ? (m > 1 ? (n - 1) / (m - 1) : 0)
    : scale !== null && scale > 0
    ? 1 / scale
    : n / m;
  return rounding(dtype)(step);
}

/** Where the centre of a new element lies among the old ones. */
function positions(r: Resampling): (i: number) => number {
  const step = stepOf(r), round = rounding(r.dtype);
  if (r.alignCorners) return (i) => round(step * i);
  return (i) => round(round(step * (i + 0.5)) - 0.5);
}

/** The element in which the beginning of the new one lies, or with a shift of a half, its centre. */
const nearestOf = (shift: number): Interpolation => (r) => {
  // float32 whatever the dtype, as in PyTorch.
  const step = stepOf({ ...r, dtype: float32 });
  return collect(r, (i, add) => add(Math.floor(Math.fround((i + shift) * step)), 1));
};

/** A straight line between the two neighbours. */
const linear: Interpolation = (r) => {
  const position = positions(r), round = rounding(r.dtype);
  return collect(r, (i, add) => {
    const at = r.m === r.n ? i : Math.max(position(i), 0),
      first = Math.min(Math.floor(at), r.n - 1);
    const t = first === r.n - 1 ? 0 : round(at - first);
    add(first, round(1 - t));
    add(first + 1, t);
  });
};

/** Cubic convolution's weight at a distance, with parameter `a`. */
function cubicWeight(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** Cubic convolution of four neighbours. @see Keys, "Cubic convolution interpolation for digital image processing" (1981) */
const cubic: Interpolation = (r) => {
  const position = positions(r), round = rounding(r.dtype);
  return collect(r, (i, add) => {
    const at = position(i), first = Math.min(Math.floor(at), r.n - 1);
    const t = Math.min(Math.max(round(at - first), 0), 1);
    for (let k = -1; k <= 2; k++) add(first + k, cubicWeight(k - t, -0.75));
  });
};

/** All elements under a filter of this reach, which is as wide as the new elements where they are the wider ones. */
const filtered = (reach: number, weightOf: (distance: number) => number): Interpolation => (r) => {
  const step = stepOf(r), wide = Math.max(step, 1), support = reach * wide;
  return collect(r, (i, add) => {
    const centre = rounding(r.dtype)(step * (i + 0.5));
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), r.n);
    const weights: number[] = [];
    for (let k = first; k < end; k++) weights.push(weightOf((k - centre + 0.5) / wide));
    const total = weights.reduce((sum, w) => sum + w, 0);
    weights.forEach((w, k) => add(first + k, total === 0 ? w : w / total));
  });
};

/** Modes by PyTorch's names. */
export const INTERPOLATIONS = {
  nearest: nearestOf(0),
  "nearest-exact": nearestOf(0.5),
  linear,
  cubic,
  /** Linear and cubic interpolation that average when they shrink. */
  linearFiltered: filtered(1, (d) => Math.max(1 - Math.abs(d), 0)),
  cubicFiltered: filtered(2, (d) => cubicWeight(d, -0.5)),
} satisfies Record<string, Interpolation>;

/** The taps of the gradient: old elements of new ones. */
function transposed({ n, starts, places, weights }: Taps): Taps {
  const m = starts.length - 1, counts = new Int32Array(n + 1);
  for (const place of places) counts[place + 1]++;
  for (let j = 0; j < n; j++) counts[j + 1] += counts[j];
  const next = counts.slice(), rows = new Int32Array(places.length);
  const values = new Float64Array(places.length);
  for (let i = 0; i < m; i++) {
    for (let k = starts[i]; k < starts[i + 1]; k++) {
      const at = next[places[k]]++;
      rows[at] = i;
      values[at] = weights[k];
    }
  }
  return { n: m, starts: counts, places: rows, weights: values };
}

/** Whether every element stays what it is. */
function isIdentity({ n, starts, places, weights }: Taps): boolean {
  return places.length === n && starts.length === n + 1 &&
    places.every((place, i) => place === i && weights[i] === 1);
}

/** Starts and places, then the weights in `dtype` from byte `offset` on: one array, since a device waits for each. */
function packed(
  { starts, places, weights }: Taps,
  dtype: DType,
): { array: Int32Array; offset: number } {
  const offset = Math.ceil((starts.length + places.length) / 2) * 8;
  const array = new Int32Array((offset + weights.length * dtype.size) / 4);
  array.set(starts);
  array.set(places, starts.length);
  const View = dtype === float64 ? Float64Array : Float32Array;
  new View(array.buffer, offset).set(weights);
  return { array, offset };
}

/** A contiguous `x` resampled along axis `d`; no history. */
function along(x: Tensor, d: number, taps: Taps): Tensor {
  const { backend, dtype, shape } = x, m = taps.starts.length - 1;
  const y = emptyOn(backend, shape.map((n, k) => k === d ? m : n), dtype);
  if (y.numElements === 0) return y;
  const { array, offset } = packed(taps, dtype),
    table = fromArray(array, undefined, { device: x.device });
  const outer = sizeOf(shape.slice(0, d)), inner = sizeOf(shape.slice(d + 1));
  const last = inner === 1, kernel = backend.kernels[(last ? COLUMNS : ROWS)[dtype.id]!];
  (kernel as unknown as AnyKernel)(
    y.pointer,
    x.pointer,
    table.pointer,
    table.pointer + offset,
    taps.n,
    m,
    ...(last ? [0, outer] : [inner, 0, outer * m]),
  );
  return y;
}

/** `x` resampled along its last axes, one list of taps for each; `name` is that of the recorded node. */
export function resample(name: string, x: Tensor, taps: readonly Taps[]): Tensor {
  const dtype = x.dtype === float64 ? float64 : float32, before = x.ndim - taps.length;
  const steps = taps.map((t, d) => ({ t, d: d + before, ratio: (t.starts.length - 1) / t.n }))
    .filter(({ t }) => !isIdentity(t));
  // Shrinking comes first, growing last, and among equals the work over whole rows where there are fewer.
  steps.sort((a, b) => a.ratio - b.ratio || (a.ratio < 1 ? a.d - b.d : b.d - a.d));
  const y = steps.length === 0
    ? clone(alias(x))
    : convertTo(steps.reduce((z, { t, d }) => along(z, d, t), denseAs(x, dtype)), x.dtype);
  return record(name, y, [x], [(dy) => resample(name, dy, taps.map(transposed))]);
}
