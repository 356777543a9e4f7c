/**
 * The calls of the kernels of normalisation, and their gradients.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { recordAll, recording } from "../autograd/record.ts";
import { computeType, type DType, float32 } from "../backend/dtype.ts";
import { emptyOn, fillWith } from "../tensor/create.ts";
import { checkDevice, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { cast, denseAs } from "./copy.ts";
import {
  computeTypeOn,
  hasKernel,
  type KernelTable,
  kernelTable,
  wantsGrad,
} from "./elementwise.ts";
import { beginInPlace } from "./in_place.ts";
import { update } from "./indexed.ts";
import { mean } from "./reduce.ts";
import { type AnyKernel, checkFloating, convertTo, kernelFor } from "./reduction.ts";
import { sumTo } from "./sum_to.ts";
import { rsqrt, square } from "./unary.ts";
import { reshape, select } from "./view.ts";

const ROW_NORM = kernelTable("row_norm"),
  ROW_NORM_GRAD = kernelTable("row_norm_grad"),
  ROW_NORM_GRAD_AFFINE = kernelTable("row_norm_grad_affine"),
  ROW_NORM_MIXED = kernelTable("row_norm_mixed"),
  ROW_NORM_MIXED_GRAD = kernelTable("row_norm_mixed_grad"),
  ROW_NORM_MIXED_GRAD_AFFINE = kernelTable("row_norm_mixed_grad_affine"),
  BATCH_NORM = kernelTable("batch_norm"),
  BATCH_NORM_GRAD = kernelTable("batch_norm_grad");

/** A scale and a shift, or neither. */
export interface Affine {
  weight: Tensor | null;
  bias: Tensor | null;
}

/** Throws `TypeError` unless `value` is a number. */
export function checkNumber(call: string, name: string, value: unknown): void {
  if (typeof value !== "number") {
    throw new TypeError(`${call}: ${name} must be a number, got ${describeValue(value)}`);
  }
}

/** Throws unless `t`, if there is one, has the device and the dtype of `x`; a 16-bit `x` takes float32 too. */
export function checkDTypes(call: string, x: Tensor, tensors: Record<string, Tensor | null>): void {
  checkFloating(call, x);
  for (const [name, t] of Object.entries(tensors)) {
    if (t !== null) checkDevice(call, x, t);
    if (t === null || t.dtype === x.dtype || (x.dtype.size === 2 && t.dtype === float32)) continue;
    throw new TypeError(`${call}: expected ${name} of ${x.dtype} as the input, got ${t.dtype}`);
  }
}

/** Throws unless `t`, if there is one, has one element for each of `channels`. */
export function checkChannels(
  call: string,
  name: string,
  t: Tensor | null,
  channels: number,
): void {
  if (t !== null && t.numElements !== channels) {
    throw new RangeError(
      `${call}: ${name} should contain ${channels} elements not ${t.numElements}, got shape ${
        show(t.shape)
      }`,
    );
  }
}

/** How a tensor is seen for a composed gradient: its shape, the axes of a statistic, the shape of the weight. */
export interface View {
  shape: number[];
  dims: number[];
  affine: number[];
  eps: number;
  centred: boolean;
  /** [2, statistics]: given ones, which take no gradient. */
  fixed: Tensor | null;
}

/** The gradients, composed of differentiable operations: for derivatives of higher order. */
export function composedGrads(
  dy: Tensor,
  x: Tensor,
  { weight, bias }: Affine,
  { shape, dims, affine, eps, centred, fixed }: View,
): (Tensor | null)[] {
  const input = reshape(x, shape), given = reshape(dy, shape);
  const statistic = (i: number) => reshape(select(fixed!, 0, i), affine);
  const middle = fixed !== null ? statistic(0) : centred ? mean(input, dims, true) : null;
  const difference = middle === null ? input : sub(input, middle);
  const rstd = fixed !== null
    ? statistic(1)
    : rsqrt(add(mean(square(difference), dims, true), eps));
  const normal = mul(difference, rstd);
  let slope = weight === null ? given : mul(given, reshape(weight, affine));
  if (fixed === null) {
    const along = mul(normal, mean(mul(slope, normal), dims, true));
    slope = sub(centred ? sub(slope, mean(slope, dims, true)) : slope, along);
  }
  const total = (g: Tensor, t: Tensor | null) =>
    t === null ? null : cast(reshape(sumTo(g, affine), t.shape), t.dtype);
  return [
    cast(reshape(mul(slope, rstd), x.shape), x.dtype),
    total(mul(given, normal), weight),
    total(given, bias),
  ];
}

const pointerOf = (t: Tensor | null): number => t === null ? 0 : t.pointer;

/** `x` as [batches * groups, channels, inner], normalised row by row. */
export interface Rows extends Affine {
  rows: number;
  groups: number;
  channels: number;
  inner: number;
  /** Whether means are subtracted. */
  centred: boolean;
  eps: number;
}

/** Each row of `x` normalised, recorded as `op`, in dtype `result`. */
export function normalizeRows(
  call: string,
  op: string,
  x: Tensor,
  o: Rows,
  result: DType = x.dtype,
): Tensor {
  const { rows, groups, channels, inner, eps, weight, bias } = o, { backend, dtype } = x;
  const mixed = dtype === float32 && result !== dtype && hasKernel(backend, ROW_NORM_MIXED, result);
  if (!mixed && result !== dtype) return cast(normalizeRows(call, op, x, o), result);
  // Statistics, scale and shift are float32 where the elements are narrow.
  const compute = computeTypeOn(backend, ROW_NORM, dtype), wide = computeType(dtype);
  const centred = Number(o.centred), n = groups * channels;
  const kernel = (table: KernelTable, ofMixed: KernelTable) =>
    backend.kernels[mixed ? ofMixed[result.id]! : kernelFor(call, table, compute)] as AnyKernel;
  const source = denseAs(x, compute),
    type = mixed ? result : compute,
    w = weight && denseAs(weight, wide);
  const b = bias && denseAs(bias, wide), empty = x.numElements === 0;
  const y = emptyOn(backend, x.shape, type), stats = emptyOn(backend, [2, rows], wide);
  if (!empty) {
    kernel(ROW_NORM, ROW_NORM_MIXED)(
      y.pointer,
      stats.pointer,
      source.pointer,
      pointerOf(w),
      pointerOf(b),
      rows,
      groups,
      channels,
      inner,
      centred,
      eps,
      0,
      rows,
    );
  }
  const wanted = [x, weight, bias].map(wantsGrad);
  const grads = ([dy]: (Tensor | null)[]): (Tensor | null)[] => {
    if (dy === null) return [null, null, null];
    if (recording([dy, x, weight])) {
      return composedGrads(dy, x, o, {
        shape: [rows / groups, groups, channels, inner],
        dims: [2, 3],
        affine: [groups, channels, 1],
        eps,
        centred: o.centred,
        fixed: null,
      });
    }
    const g = denseAs(dy, type);
    let dx: Tensor | null = null;
    if (wanted[0]) {
      dx = emptyOn(backend, x.shape, compute);
      if (!empty) {
        kernel(ROW_NORM_GRAD, ROW_NORM_MIXED_GRAD)(
          dx.pointer,
          g.pointer,
          source.pointer,
          stats.pointer,
          pointerOf(w),
          rows,
          groups,
          channels,
          inner,
          centred,
          0,
          rows,
        );
      }
      dx = convertTo(dx, dtype);
    }
    if (!wanted[1] && !wanted[2]) return [dx, null, null];
    const dWeight = emptyOn(backend, (weight ?? bias)!.shape, wide);
    const dBias = emptyOn(backend, dWeight.shape, wide);
    if (empty) {
      fillWith(dWeight, 0);
      fillWith(dBias, 0);
    } else {
      kernel(ROW_NORM_GRAD_AFFINE, ROW_NORM_MIXED_GRAD_AFFINE)(
        dWeight.pointer,
        dBias.pointer,
        g.pointer,
        source.pointer,
        stats.pointer,
        rows,
        groups,
        channels,
        inner,
        0,
        n,
      );
    }
    return [
      dx,
      wanted[1] ? convertTo(dWeight, weight!.dtype) : null,
      wanted[2] ? convertTo(dBias, bias!.dtype) : null,
    ];
  };
  const saved = weight === null ? [x] : [x, weight];
  return recordAll(op, [convertTo(y, result)], [x, weight, bias], grads, saved)[0];
}

/** `x` as [batches, channels, inner], normalised channel by channel. */
export interface Batches extends Affine {
  batches: number;
  channels: number;
  inner: number;
  runningMean: Tensor | null;
  runningVar: Tensor | null;
  /** Whether the statistics are those of `x`, which then move the running ones. */
  training: boolean;
  momentum: number;
  eps: number;
}

/** Runs `f` on `t` contiguous and of dtype `compute`, and writes back what it changes. */
function within(
  t: Tensor | null,
  compute: Tensor["dtype"],
  f: (work: Tensor | null) => void,
): void {
  if (t === null) f(null);
  else {
    update(t, compute, f);
    t.counter.version++;
  }
}

/** Each channel of `x` normalised, recorded as `op`. */
export function normalizeChannels(call: string, op: string, x: Tensor, o: Batches): Tensor {
  const { batches, channels, inner, runningMean, runningVar, momentum, eps, weight, bias } = o;
  const { backend, dtype } = x, compute = computeType(dtype), training = Number(o.training);
  const forward = backend.kernels[kernelFor(call, BATCH_NORM, compute)] as AnyKernel;
  if (o.training) {
    for (const t of [runningMean, runningVar]) if (t !== null) beginInPlace(call, t);
  }
  const source = denseAs(x, compute), w = weight && denseAs(weight, compute);
  const b = bias && denseAs(bias, compute), empty = x.numElements === 0;
  const y = emptyOn(backend, x.shape, compute), stats = emptyOn(backend, [2, channels], compute);
  const run = (means: Tensor | null, variances: Tensor | null) => {
    forward(
      y.pointer,
      stats.pointer,
      pointerOf(means),
      pointerOf(variances),
      source.pointer,
      pointerOf(w),
      pointerOf(b),
      batches,
      channels,
      inner,
      training,
      momentum,
      eps,
      0,
      channels,
    );
  };
  if (!empty) {
    if (o.training) {
      within(
        runningMean,
        compute,
        (means) => within(runningVar, compute, (variances) => run(means, variances)),
      );
    } else run(denseAs(runningMean!, compute), denseAs(runningVar!, compute));
  }
  const wanted = [x, weight, bias].map(wantsGrad);
  const grads = ([dy]: (Tensor | null)[]): (Tensor | null)[] => {
    if (dy === null) return [null, null, null];
    if (recording([dy, x, weight])) {
      return composedGrads(dy, x, o, {
        shape: [batches, channels, inner],
        dims: [0, 2],
        affine: [channels, 1],
        eps,
        centred: true,
        fixed: o.training ? null : stats,
      });
    }
    const g = denseAs(dy, compute), dx = wanted[0] ? emptyOn(backend, x.shape, compute) : null;
    const dWeight = emptyOn(backend, weight?.shape ?? [channels], compute);
    const dBias = emptyOn(backend, bias?.shape ?? [channels], compute);
    const kernel = backend.kernels[kernelFor(call, BATCH_NORM_GRAD, compute)] as AnyKernel;
    if (empty) {
      fillWith(dWeight, 0);
      fillWith(dBias, 0);
    } else {
      kernel(
        pointerOf(dx),
        dWeight.pointer,
        dBias.pointer,
        g.pointer,
        source.pointer,
        stats.pointer,
        pointerOf(w),
        batches,
        channels,
        inner,
        training,
        0,
        channels,
      );
    }
    return [
      dx && convertTo(dx, dtype),
      wanted[1] ? convertTo(dWeight, weight!.dtype) : null,
      wanted[2] ? convertTo(dBias, bias!.dtype) : null,
    ];
  };
  const saved = weight === null ? [x] : [x, weight];
  return recordAll(op, [convertTo(y, dtype)], [x, weight, bias], grads, saved)[0];
}
