/**
 * Images made larger or smaller.
 *
 * @module
 */
import { computeType, float64, uint8 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from "./pooling.ts";
import { checkFlag } from "./reduction.ts";
import { type Interpolation, INTERPOLATIONS, resample } from "./resample.ts";
import type { Spatial } from "./spatial.ts";

/**
 * How new elements are made: of the nearest one (`"nearest"`, as in OpenCV with its shift by half an element, or
 * `"nearest-exact"`), along straight lines over one, two or three axes, by cubic convolution over two, or as means of
 * areas.
 */
export type InterpolationMode =
  | "nearest"
  | "nearest-exact"
  | "linear"
  | "bilinear"
  | "trilinear"
  | "bicubic"
  | "area";

/** Options of `upsample`. */
export interface UpsampleOptions {
  /** Sizes of the result; this or `scaleFactor` is given. */
  size?: Spatial | null;
  /** How many times larger the result is. */
  scaleFactor?: Spatial | null;
  /** How new elements are made; `"nearest"` by default. */
  mode?: InterpolationMode;
  /** Whether the centres of the corners stay where they are, rather than their outer edges. */
  alignCorners?: boolean | null;
}

/** Options of `interpolate`. */
export interface InterpolateOptions extends UpsampleOptions {
  /** Whether the scale is computed anew from the sizes, which are whole numbers. */
  recomputeScaleFactor?: boolean | null;
  /** Whether `"bilinear"` and `"bicubic"` average over all elements where they shrink. */
  antialias?: boolean;
}

/** The arguments of `interpolate` after the input. */
export type InterpolateArgs = Args<
  [
    size: Spatial | null,
    scaleFactor: Spatial | null,
    mode: InterpolationMode,
    alignCorners: boolean | null,
    recomputeScaleFactor: boolean | null,
    antialias: boolean,
  ],
  InterpolateOptions
>;

/** The arguments of `upsample` after the input. */
export type UpsampleArgs = Args<
  [
    size: Spatial | null,
    scaleFactor: Spatial | null,
    mode: InterpolationMode,
    alignCorners: boolean | null,
  ],
  UpsampleOptions
>;

/** The arguments of `upsampleNearest` and `upsampleBilinear` after the input. */
export type UpsampleSizeArgs = Args<
  [size: Spatial | null, scaleFactor: Spatial | null],
  Pick<UpsampleOptions, "size" | "scaleFactor">
>;

const UPSAMPLE = {
  size: null as Spatial | null,
  scaleFactor: null as Spatial | null,
  mode: "nearest" as InterpolationMode,
  alignCorners: null as boolean | null,
};
const INTERPOLATE = {
  ...UPSAMPLE,
  recomputeScaleFactor: null as boolean | null,
  antialias: false,
};

/** Of each mode: its interpolation along one axis, the name of its nodes, and for how many axes it is there. */
const MODES: Record<string, { along?: Interpolation; name: string; axes: readonly number[] }> = {
  nearest: { along: INTERPOLATIONS.nearest, name: "Nearest", axes: [1, 2, 3] },
  "nearest-exact": {
    along: INTERPOLATIONS["nearest-exact"],
    name: "NearestExact",
    axes: [1, 2, 3],
  },
  linear: { along: INTERPOLATIONS.linear, name: "Linear", axes: [1] },
  bilinear: { along: INTERPOLATIONS.linear, name: "Bilinear", axes: [2] },
  trilinear: { along: INTERPOLATIONS.linear, name: "Trilinear", axes: [3] },
  bicubic: { along: INTERPOLATIONS.cubic, name: "Bicubic", axes: [2] },
  area: { name: "area", axes: [1, 2, 3] },
};

/** The modes that average where they shrink. */
const ANTIALIASED: Record<string, Interpolation> = {
  bilinear: INTERPOLATIONS.linearFiltered,
  bicubic: INTERPOLATIONS.cubicFiltered,
};

/** `value` as a number for each spatial axis. */
function perAxis(call: string, name: string, value: Spatial, x: Tensor): number[] {
  const axes = x.ndim - 2;
  const list = Array.isArray(value) ? [...value] : new Array<number>(axes).fill(value as number);
  if (list.length !== axes) {
    throw new RangeError(
      `${call}: ${name} ${show(list)} must be a number or ${axes} of them for an input of shape ${
        show(x.shape)
      }`,
    );
  }
  for (const n of list) {
    if (typeof n !== "number" && typeof n !== "bigint") {
      throw new TypeError(`${call}: ${name} must be a number, got ${describeValue(n)}`);
    }
  }
  return list.map(Number);
}

/** The sizes of the result, and the scales that were asked for, if they are to be used. */
function target(
  call: string,
  x: Tensor,
  o: typeof INTERPOLATE,
): { size: number[]; scales: number[] | null } {
  if (o.size === null && o.scaleFactor === null) {
    throw new TypeError(`${call}: size or scaleFactor must be given`);
  }
  if (o.size !== null && o.scaleFactor !== null) {
    throw new TypeError(`${call}: only one of size and scaleFactor can be given`);
  }
  const before = x.shape.slice(2);
  let size: number[], scales: number[] | null = null;
  if (o.size !== null) {
    if (o.recomputeScaleFactor) {
      throw new TypeError(`${call}: recomputeScaleFactor has no meaning where size is given`);
    }
    size = perAxis(call, "size", o.size, x).map((n) => wholeNumber(call, "size", n));
  } else {
    const factors = perAxis(call, "scaleFactor", o.scaleFactor!, x);
    size = before.map((n, d) => Math.trunc(n * factors[d]));
    if (!o.recomputeScaleFactor) scales = factors;
  }
  // A mean needs no elements for a result that has none.
  const least = o.mode === "area" ? 0 : 1;
  if (![...before, ...size].every((n) => n >= least && Number.isSafeInteger(n))) {
    throw new RangeError(
      `${call}: sizes before and after must be at least ${least}, got ${show(before)} and ${
        show(size)
      }`,
    );
  }
  return { size, scales };
}

function interpolated(call: string, x: Tensor, o: typeof INTERPOLATE): Tensor {
  checkTensor(call, "input", x);
  for (const name of ["alignCorners", "recomputeScaleFactor"] as const) {
    if (o[name] !== null) checkFlag(call, name, o[name]);
  }
  checkFlag(call, "antialias", o.antialias);
  const { mode, alignCorners } = o, axes = x.ndim - 2;
  if (!Object.hasOwn(MODES, mode)) {
    throw new TypeError(
      `${call}: mode must be one of ${Object.keys(MODES).join(", ")}, got ${describeValue(mode)}`,
    );
  }
  const m = MODES[mode], exact = mode === "nearest" || mode === "nearest-exact";
  if (!m.axes.includes(axes)) {
    const sizes = m.axes.map((n) => n + 2).join(", ");
    throw new RangeError(
      `${call}: mode "${mode}" takes tensors [batch, channels, ...] of ${sizes} axes, got shape ${
        show(x.shape)
      }`,
    );
  }
  if (alignCorners !== null && (exact || mode === "area")) {
    throw new TypeError(`${call}: alignCorners has no meaning in mode "${mode}"`);
  }
  if (o.antialias && !(mode in ANTIALIASED)) {
    throw new TypeError(`${call}: antialias is for modes bilinear and bicubic, got "${mode}"`);
  }
  const { size, scales } = target(call, x, o);
  if (mode === "area") {
    return [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d][axes - 1](x, size);
  }
  if (x.dtype.kind !== "float" && !(exact && x.dtype === uint8)) {
    throw new TypeError(`${call}: mode "${mode}" is not defined for ${x.dtype}`);
  }
  if (x.shape[1] === 0) {
    throw new RangeError(`${call}: only the batch may be empty, got shape ${show(x.shape)}`);
  }
  const along = o.antialias ? ANTIALIASED[mode] : m.along!;
  const dtype = x.dtype === float64 ? float64 : computeType(x.dtype);
  const taps = size.map((n, d) =>
    along({
      n: x.shape[d + 2],
      m: n,
      scale: scales === null ? null : scales[d],
      alignCorners: alignCorners ?? false,
      dtype,
    })
  );
  return resample(`Upsample${m.name}${axes}D${o.antialias ? "Aa" : ""}Backward1`, x, taps);
}

/**
 * Images, rows or volumes made larger or smaller: [N, C, ...] -> [N, C, ...size], where size is given or the old one times
 * `scaleFactor`, rounded down. float16 and bfloat16 are computed as float32; the nearest modes take uint8, too.
 *
 * @throws RangeError when the mode is not there for so many axes, or a size is not positive.
 * @throws TypeError when both or neither of `size` and `scaleFactor` are given, or the dtype is not one of the mode's.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
 */
export function interpolate(x: Tensor, ...args: InterpolateArgs): Tensor {
  return interpolated("interpolate", x, read("interpolate", INTERPOLATE, args));
}

/** `interpolate` by its older name. */
export function upsample(x: Tensor, ...args: UpsampleArgs): Tensor {
  return interpolated("upsample", x, { ...INTERPOLATE, ...read("upsample", UPSAMPLE, args) });
}

/** `interpolate` in mode `"nearest"`, by its older name. */
export function upsampleNearest(x: Tensor, ...args: UpsampleSizeArgs): Tensor {
  const { size, scaleFactor } = read(
    "upsampleNearest",
    { size: UPSAMPLE.size, scaleFactor: UPSAMPLE.scaleFactor },
    args,
  );
  return interpolated("upsampleNearest", x, { ...INTERPOLATE, size, scaleFactor });
}

/** `interpolate` in mode `"bilinear"` with the corners aligned, by its older name. */
export function upsampleBilinear(x: Tensor, ...args: UpsampleSizeArgs): Tensor {
  const { size, scaleFactor } = read(
    "upsampleBilinear",
    { size: UPSAMPLE.size, scaleFactor: UPSAMPLE.scaleFactor },
    args,
  );
  return interpolated("upsampleBilinear", x, {
    ...INTERPOLATE,
    size,
    scaleFactor,
    mode: "bilinear",
    alignCorners: true,
  });
}
