/**
 * Images made larger, as modules.
 *
 * @module
 */
import { interpolate, type InterpolationMode } from "../ops/interpolate.ts";
import type { Spatial } from "../ops/spatial.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { show } from "./text.ts";

/** Options of `UpsamplingNearest2d` and `UpsamplingBilinear2d`. */
export interface Upsampling2dOptions {
  /** Sizes of the result; this or `scaleFactor` is given. */
  size?: Spatial | null;
  /** How many times larger the result is. */
  scaleFactor?: Spatial | null;
}

/** Options of `Upsample`. */
export interface UpsampleModuleOptions extends Upsampling2dOptions {
  /** How new elements are made; `"nearest"` by default. */
  mode?: InterpolationMode;
  /** Whether the centres of the corners stay where they are, rather than their outer edges. */
  alignCorners?: boolean | null;
  /** Whether the scale is computed anew from the sizes, which are whole numbers. */
  recomputeScaleFactor?: boolean | null;
}

/** A scale as Python shows a float: `2.0`, `(1.5, 2.0)`. */
function showScale(scale: Spatial): string {
  const one = (x: number) => Number.isInteger(x) ? `${x}.0` : show(x);
  return typeof scale === "number" ? one(scale) : `(${scale.map(one).join(", ")})`;
}

/**
 * Makes rows, images or volumes larger or smaller: [N, C, ...] -> [N, C, ...size].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Upsample.html
 */
export class Upsample extends Module {
  /** Sizes of the result; null where the scale decides. */
  size: Spatial | null;
  /** How many times larger the result is; null where the size is given. */
  scaleFactor: Spatial | null;
  /** How new elements are made. */
  mode: InterpolationMode;
  /** Whether the centres of the corners stay where they are; null in modes without positions. */
  alignCorners: boolean | null;
  /** Whether the scale is computed anew from the sizes. */
  recomputeScaleFactor: boolean | null;

  /** Takes the size or the scale. */
  constructor(
    ...args: Args<
      [
        size: Spatial | null,
        scaleFactor: Spatial | null,
        mode: InterpolationMode,
        alignCorners: boolean | null,
        recomputeScaleFactor: boolean | null,
      ],
      UpsampleModuleOptions
    >
  ) {
    super();
    const o = read("Upsample", {
      size: null as Spatial | null,
      scaleFactor: null as Spatial | null,
      mode: "nearest" as InterpolationMode,
      alignCorners: null as boolean | null,
      recomputeScaleFactor: null as boolean | null,
    }, args);
    this.size = o.size;
    this.scaleFactor = o.scaleFactor;
    this.mode = o.mode;
    this.alignCorners = o.alignCorners;
    this.recomputeScaleFactor = o.recomputeScaleFactor;
  }

  override forward(input: Tensor): Tensor {
    return interpolate(
      input,
      this.size,
      this.scaleFactor,
      this.mode,
      this.alignCorners,
      this.recomputeScaleFactor,
    );
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode } = this;
    const target = scaleFactor !== null
      ? `scale_factor=${showScale(scaleFactor)}`
      : `size=${show(size)}`;
    return `${target}, mode=${mode}`;
  }
}

/** The size and the scale of a module for images. */
function readSize(call: string, args: readonly unknown[]): Required<Upsampling2dOptions> {
  return read(call, { size: null as Spatial | null, scaleFactor: null as Spatial | null }, args);
}

/**
 * `Upsample` in mode `"nearest"`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingNearest2d.html
 */
export class UpsamplingNearest2d extends Upsample {
  /** Takes the size or the scale. */
  constructor(
    ...args: Args<[size: Spatial | null, scaleFactor: Spatial | null], Upsampling2dOptions>
  ) {
    super({ ...readSize("UpsamplingNearest2d", args), mode: "nearest" });
  }
}

/**
 * `Upsample` in mode `"bilinear"` with the corners aligned.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingBilinear2d.html
 */
export class UpsamplingBilinear2d extends Upsample {
  /** Takes the size or the scale. */
  constructor(
    ...args: Args<[size: Spatial | null, scaleFactor: Spatial | null], Upsampling2dOptions>
  ) {
    super({ ...readSize("UpsamplingBilinear2d", args), mode: "bilinear", alignCorners: true });
  }
}
