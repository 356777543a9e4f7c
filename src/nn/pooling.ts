/**
 * Pooling, as modules.
 *
 * @module
 */
import type { Spatial } from "../ops/convolution.ts";
import {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  type LpPoolArgs,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from "../ops/pooling.ts";
import { spatial } from "../ops/spatial.ts";
import { maxUnpool1d, maxUnpool2d, maxUnpool3d } from "../ops/unpooling.ts";
import { type Args, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { show, showFloat } from "./text.ts";

/** Options of `MaxPool1d` and its like. */
export interface MaxPoolModuleOptions {
  /** Sizes of a window. */
  kernelSize?: Spatial;
  /** Distance of neighbouring windows; the window's size by default. */
  stride?: Spatial | null;
  /** Places around the input that windows reach into; at most half a window. */
  padding?: Spatial;
  /** Distance of neighbours within a window. */
  dilation?: Spatial;
  /** Whether the places of the greatest elements are returned, too. */
  returnIndices?: boolean;
  /** Whether windows that reach beyond the end count. */
  ceilMode?: boolean;
}

/** The arguments of `MaxPool1d` and its like; `Indices` is the type of `returnIndices`. */
export type MaxPoolModuleArgs<Indices extends boolean> = Args<
  [
    kernelSize: Spatial,
    stride: Spatial | null,
    padding: Spatial,
    dilation: Spatial,
    returnIndices: Indices,
    ceilMode: boolean,
  ],
  MaxPoolModuleOptions & { returnIndices?: Indices }
>;

/** What `MaxPool1d`, `MaxPool2d` and `MaxPool3d` share. */
export abstract class MaxPool extends Module {
  /** Sizes of a window. */
  readonly kernelSize: Spatial;
  /** Distance of neighbouring windows. */
  readonly stride: Spatial;
  /** Places around the input that windows reach into. */
  readonly padding: Spatial;
  /** Distance of neighbours within a window. */
  readonly dilation: Spatial;
  /** Whether the places of the greatest elements are returned, too. */
  readonly returnIndices: boolean;
  /** Whether windows that reach beyond the end count. */
  readonly ceilMode: boolean;

  /** Takes the windows' size: `new nn.MaxPool2d(2)`, `new nn.MaxPool2d(3, { stride: 2, padding: 1 })`. */
  constructor(...args: MaxPoolModuleArgs<boolean>) {
    super();
    const o = read(this.constructor.name, {
      kernelSize: NaN as Spatial,
      stride: null as Spatial | null,
      padding: 0 as Spatial,
      dilation: 1 as Spatial,
      returnIndices: false,
      ceilMode: false,
    }, args);
    this.kernelSize = o.kernelSize;
    this.stride = o.stride ?? o.kernelSize;
    this.padding = o.padding;
    this.dilation = o.dilation;
    this.returnIndices = o.returnIndices;
    this.ceilMode = o.ceilMode;
  }

  override extraRepr(): string {
    return `kernel_size=${show(this.kernelSize)}, stride=${show(this.stride)}, padding=${
      show(this.padding)
    }, dilation=${show(this.dilation)}, ceil_mode=${show(this.ceilMode)}`;
  }
}

/** The arguments of `AvgPool1d`. */
export type AvgPool1dModuleArgs = Args<
  [
    kernelSize: Spatial,
    stride: Spatial | null,
    padding: Spatial,
    ceilMode: boolean,
    countIncludePad: boolean,
  ],
  {
    /** The size of a window. */
    kernelSize?: Spatial;
    /** Distance of neighbouring windows; the window's size by default. */
    stride?: Spatial | null;
    /** Zeros around the input; at most half a window. */
    padding?: Spatial;
    /** Whether windows that reach beyond the end count. */
    ceilMode?: boolean;
    /** Whether the mean counts the zeros around the input; true by default. */
    countIncludePad?: boolean;
  }
>;

/** Options of `AvgPool2d` and `AvgPool3d`. */
export interface AvgPoolModuleOptions {
  /** Sizes of a window. */
  kernelSize?: Spatial;
  /** Distance of neighbouring windows; the window's size by default. */
  stride?: Spatial | null;
  /** Zeros around the input; at most half a window. */
  padding?: Spatial;
  /** Whether windows that reach beyond the end count. */
  ceilMode?: boolean;
  /** Whether the mean counts the zeros around the input; true by default. */
  countIncludePad?: boolean;
  /** What sums are divided by instead of the number of elements. */
  divisorOverride?: number | null;
}

/** The arguments of `AvgPool2d` and `AvgPool3d`. */
export type AvgPoolModuleArgs = Args<
  [
    kernelSize: Spatial,
    stride: Spatial | null,
    padding: Spatial,
    ceilMode: boolean,
    countIncludePad: boolean,
    divisorOverride: number | null,
  ],
  AvgPoolModuleOptions
>;

/** What `AvgPool1d`, `AvgPool2d` and `AvgPool3d` share. */
export abstract class AvgPool extends Module {
  /** Sizes of a window. */
  readonly kernelSize: Spatial;
  /** Distance of neighbouring windows. */
  readonly stride: Spatial;
  /** Zeros around the input. */
  readonly padding: Spatial;
  /** Whether windows that reach beyond the end count. */
  readonly ceilMode: boolean;
  /** Whether the mean counts the zeros around the input. */
  readonly countIncludePad: boolean;
  /** What sums are divided by instead of the number of elements. */
  readonly divisorOverride: number | null;

  /** Takes the windows' size: `new nn.AvgPool2d(2)`. */
  constructor(...args: AvgPoolModuleArgs) {
    super();
    const o = read(this.constructor.name, {
      kernelSize: NaN as Spatial,
      stride: null as Spatial | null,
      padding: 0 as Spatial,
      ceilMode: false,
      countIncludePad: true,
      divisorOverride: null as number | null,
    }, args);
    this.kernelSize = o.kernelSize;
    this.stride = o.stride ?? o.kernelSize;
    this.padding = o.padding;
    this.ceilMode = o.ceilMode;
    this.countIncludePad = o.countIncludePad;
    this.divisorOverride = o.divisorOverride;
  }

  override extraRepr(): string {
    return `kernel_size=${show(this.kernelSize)}, stride=${show(this.stride)}, padding=${
      show(this.padding)
    }`;
  }
}

/**
 * The mean of each window. [N, C, width] -> [N, C, windows].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
 */
export class AvgPool1d extends AvgPool {
  /** Takes the windows' size: `new nn.AvgPool1d(2)`. */
  constructor(...args: AvgPool1dModuleArgs) {
    const o = read("AvgPool1d", {
      kernelSize: NaN as Spatial,
      stride: null as Spatial | null,
      padding: 0 as Spatial,
      ceilMode: false,
      countIncludePad: true,
    }, args);
    const one = (name: string, x: Spatial, least: number) =>
      spatial("AvgPool1d", name, x, 1, least);
    super({
      ...o,
      kernelSize: one("kernelSize", o.kernelSize, 1),
      stride: one("stride", o.stride ?? o.kernelSize, 1),
      padding: one("padding", o.padding, 0),
    });
  }

  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad } = this;
    return avgPool1d(input, kernelSize, stride, padding, ceilMode, countIncludePad);
  }
}

/** What `LPPool1d` and `LPPool2d` share. */
export abstract class LPPool extends Module {
  /** The exponent. */
  readonly normType: number;
  /** Sizes of a window. */
  readonly kernelSize: Spatial;
  /** Distance of neighbouring windows; null for the window's size. */
  readonly stride: Spatial | null;
  /** Whether windows that reach beyond the end count. */
  readonly ceilMode: boolean;

  /** Takes the exponent and the windows' size: `new nn.LPPool2d(2, 3)`. */
  constructor(...args: LpPoolArgs) {
    super();
    const o = read(this.constructor.name, {
      normType: NaN,
      kernelSize: NaN as Spatial,
      stride: null as Spatial | null,
      ceilMode: false,
    }, args);
    this.normType = o.normType;
    this.kernelSize = o.kernelSize;
    this.stride = o.stride;
    this.ceilMode = o.ceilMode;
  }

  override extraRepr(): string {
    return `norm_type=${showFloat(this.normType, NaN)}, kernel_size=${
      show(this.kernelSize)
    }, stride=${show(this.stride)}, ceil_mode=${show(this.ceilMode)}`;
  }
}

/** The arguments of `MaxUnpool1d` and its like. */
export type MaxUnpoolModuleArgs = Args<
  [kernelSize: Spatial, stride: Spatial | null, padding: Spatial],
  {
    /** Sizes of a window. */
    kernelSize?: Spatial;
    /** Distance of neighbouring windows; the window's size by default. */
    stride?: Spatial | null;
    /** Places around the input that windows reached into. */
    padding?: Spatial;
  }
>;

/** What `MaxUnpool1d`, `MaxUnpool2d` and `MaxUnpool3d` share. */
export abstract class MaxUnpool extends Module {
  /** Sizes of a window. */
  readonly kernelSize: number[];
  /** Distances of neighbouring windows. */
  readonly stride: number[];
  /** Places around the input that windows reached into. */
  readonly padding: number[];

  /** Takes what `MaxUnpool1d` and its like do, after their name and number of axes. */
  constructor(name: string, axes: number, args: MaxUnpoolModuleArgs) {
    super();
    const o = read(name, {
      kernelSize: NaN as Spatial,
      stride: null as Spatial | null,
      padding: 0 as Spatial,
    }, args);
    this.kernelSize = spatial(name, "kernelSize", o.kernelSize, axes, 1);
    this.stride = spatial(name, "stride", o.stride ?? o.kernelSize, axes, 1);
    this.padding = spatial(name, "padding", o.padding, axes, 0);
  }

  override extraRepr(): string {
    return `kernel_size=${show(this.kernelSize)}, stride=${show(this.stride)}, padding=${
      show(this.padding)
    }`;
  }
}

/**
 * The greatest element of each window. [N, C, ...] -> [N, C, windows...], 1 axis of them.
 * With `returnIndices` it is an array of them and their places:
 * `new nn.MaxPool1d<[Tensor, Tensor]>(2, { returnIndices: true })`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
 */
export class MaxPool1d<Result extends Tensor | [Tensor, Tensor] = Tensor> extends MaxPool {
  override forward(input: Tensor): Result {
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = this;
    return maxPool1d(
      input,
      kernelSize,
      stride,
      padding,
      dilation,
      ceilMode,
      returnIndices,
    ) as Result;
  }
}

/**
 * The greatest element of each window. [N, C, ...] -> [N, C, windows...], 2 axes of them.
 * With `returnIndices` it is an array of them and their places:
 * `new nn.MaxPool2d<[Tensor, Tensor]>(2, { returnIndices: true })`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 */
export class MaxPool2d<Result extends Tensor | [Tensor, Tensor] = Tensor> extends MaxPool {
  override forward(input: Tensor): Result {
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = this;
    return maxPool2d(
      input,
      kernelSize,
      stride,
      padding,
      dilation,
      ceilMode,
      returnIndices,
    ) as Result;
  }
}

/**
 * The greatest element of each window. [N, C, ...] -> [N, C, windows...], 3 axes of them.
 * With `returnIndices` it is an array of them and their places:
 * `new nn.MaxPool3d<[Tensor, Tensor]>(2, { returnIndices: true })`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
 */
export class MaxPool3d<Result extends Tensor | [Tensor, Tensor] = Tensor> extends MaxPool {
  override forward(input: Tensor): Result {
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = this;
    return maxPool3d(
      input,
      kernelSize,
      stride,
      padding,
      dilation,
      ceilMode,
      returnIndices,
    ) as Result;
  }
}

/**
 * The mean of each window. [N, C, ...] -> [N, C, windows...], 2 axes of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
 */
export class AvgPool2d extends AvgPool {
  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return avgPool2d(
      input,
      kernelSize,
      stride,
      padding,
      ceilMode,
      countIncludePad,
      divisorOverride,
    );
  }
}

/**
 * The mean of each window. [N, C, ...] -> [N, C, windows...], 3 axes of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html
 */
export class AvgPool3d extends AvgPool {
  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return avgPool3d(
      input,
      kernelSize,
      stride,
      padding,
      ceilMode,
      countIncludePad,
      divisorOverride,
    );
  }
}

/**
 * The inverse of `MaxPool1d`, of what it gave and the indices that came with it.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool1d.html
 */
export class MaxUnpool1d extends MaxUnpool {
  /** Takes the windows' size. */
  constructor(...args: MaxUnpoolModuleArgs) {
    super("MaxUnpool1d", 1, args);
  }

  /** `outputSize` is the size of the result, where pooling leaves it open. */
  override forward(input: Tensor, indices: Tensor, outputSize?: readonly number[] | null): Tensor {
    const { kernelSize, stride, padding } = this;
    return maxUnpool1d(input, indices, kernelSize, stride, padding, outputSize ?? null);
  }
}

/**
 * The inverse of `MaxPool2d`, of what it gave and the indices that came with it.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
 */
export class MaxUnpool2d extends MaxUnpool {
  /** Takes the windows' size. */
  constructor(...args: MaxUnpoolModuleArgs) {
    super("MaxUnpool2d", 2, args);
  }

  /** `outputSize` is the size of the result, where pooling leaves it open. */
  override forward(input: Tensor, indices: Tensor, outputSize?: readonly number[] | null): Tensor {
    const { kernelSize, stride, padding } = this;
    return maxUnpool2d(input, indices, kernelSize, stride, padding, outputSize ?? null);
  }
}

/**
 * The inverse of `MaxPool3d`, of what it gave and the indices that came with it.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool3d.html
 */
export class MaxUnpool3d extends MaxUnpool {
  /** Takes the windows' size. */
  constructor(...args: MaxUnpoolModuleArgs) {
    super("MaxUnpool3d", 3, args);
  }

  /** `outputSize` is the size of the result, where pooling leaves it open. */
  override forward(input: Tensor, indices: Tensor, outputSize?: readonly number[] | null): Tensor {
    const { kernelSize, stride, padding } = this;
    return maxUnpool3d(input, indices, kernelSize, stride, padding, outputSize ?? null);
  }
}

/**
 * The norm of each window. [N, C, ...] -> [N, C, windows...], 1 axis of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool1d.html
 */
export class LPPool1d extends LPPool {
  override forward(input: Tensor): Tensor {
    return lpPool1d(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }
}

/**
 * The norm of each window. [N, C, ...] -> [N, C, windows...], 2 axes of them.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html
 */
export class LPPool2d extends LPPool {
  override forward(input: Tensor): Tensor {
    return lpPool2d(input, this.normType, this.kernelSize, this.stride, this.ceilMode);
  }
}
