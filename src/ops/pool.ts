/**
 * Pooling over one, two or three axes: greatest elements and means of windows, as operations.
 *
 * @module
 */
import { record, recordAll } from "../autograd/record.ts";
import { computeType, type DType, float32, float64, int64 } from "../backend/dtype.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { gatherChecked } from "./checked_index.ts";
import { denseAs } from "./copy.ts";
import { kernelTable } from "./elementwise.ts";
import { three } from "./spatial.ts";
import { reshape } from "./view.ts";

/** Windows over the last axes of a tensor. */
export interface PoolGeometry {
  /** The shape of the tensor. */
  readonly shape: readonly number[];
  /** How many windows there are along each axis. */
  readonly count: readonly number[];
  /** Sizes of a window. */
  readonly kernel: readonly number[];
  /** Distances of neighbouring windows; 0 for windows that divide the axis by themselves. */
  readonly stride: readonly number[];
  /** Places around the tensor that windows reach into. */
  readonly padding: readonly number[];
  /** Distances of neighbours within a window. */
  readonly dilation: readonly number[];
}

/** What a mean divides by. */
export interface Divisor {
  /** Whether places around the tensor count. */
  readonly includePadding: boolean;
  /** A divisor for all windows; 0 for none. */
  readonly divisor: number;
}

const MAX_POOL = kernelTable("max_pool"),
  MAX_POOL_GRAD = kernelTable("max_pool_grad"),
  AVG_POOL = kernelTable("avg_pool"),
  AVG_POOL_GRAD = kernelTable("avg_pool_grad");

type Kernel = (...values: number[]) => void;

function planesOf(g: PoolGeometry): number {
  return sizeOf(g.shape.slice(0, g.shape.length - g.count.length));
}

/** The shape of a result: that of the tensor with as many places as there are windows. */
function resultShape(g: PoolGeometry): number[] {
  return [...g.shape.slice(0, g.shape.length - g.count.length), ...g.count];
}

/** The kernels' parameters for windows over three axes. */
function windows(g: PoolGeometry): number[] {
  const adaptive = g.stride[0] === 0;
  return [
    ...three(g.shape.slice(-g.count.length), 1),
    ...three(g.count, 1),
    ...three(g.kernel, 1),
    ...three(g.stride, adaptive ? 0 : 1),
    ...three(g.padding, 0),
  ];
}

/** Throws `TypeError` unless `x` is floating-point, or of `also`. */
function checkType(call: string, x: Tensor, also: DType | null = null): void {
  if (x.dtype.kind === "float" || x.dtype === also) return;
  throw new TypeError(`${call}: not defined for ${x.dtype}`);
}

/** `y`, computed in the kernel's dtype, in `dtype`. */
function narrow(y: Tensor, dtype: DType): Tensor {
  return y.dtype === dtype ? y : convert(y, dtype);
}

/** The greatest element of each window, and where it lies in its plane. */
export function maxPool(
  call: string,
  op: string,
  x: Tensor,
  g: PoolGeometry,
): [values: Tensor, indices: Tensor] {
  checkType(call, x);
  const source = denseAs(x, computeType(x.dtype)), { backend } = x, shape = resultShape(g);
  const y = emptyOn(backend, shape, source.dtype), indices = emptyOn(backend, shape, int64);
  if (y.numElements > 0) {
    (backend.kernels[MAX_POOL[source.dtype.id]!] as Kernel)(
      y.pointer,
      indices.pointer,
      source.pointer,
      ...windows(g),
      ...three(g.dilation, 1),
      0,
      planesOf(g),
    );
  }
  const pair: [Tensor, Tensor] = [narrow(y, x.dtype), indices];
  return recordAll(
    op,
    pair,
    [x],
    ([dy]) => [dy === null ? null : maxPoolGrad(op, dy, g, indices)],
    [indices],
  );
}

/** The gradient of `maxPool`. */
function maxPoolGrad(op: string, dy: Tensor, g: PoolGeometry, indices: Tensor): Tensor {
  const dtype = computeType(dy.dtype), source = denseAs(dy, dtype);
  const dx = emptyOn(dy.backend, g.shape, dtype), planes = planesOf(g);
  if (dx.numElements > 0) {
    (dy.backend.kernels[MAX_POOL_GRAD[dtype.id]!] as Kernel)(
      dx.pointer,
      source.pointer,
      indices.pointer,
      ...windows(g),
      ...three(g.dilation, 1),
      0,
      planes,
    );
  }
  return record(`${op}_backward`, narrow(dx, dy.dtype), [dy], [(dz) => {
    const places = new Tensor(indices.storage, [planes, sizeOf(g.count)], int64);
    const lines = reshape(dz, [planes, sizeOf(g.shape.slice(-g.count.length))]);
    return reshape(gatherChecked(lines, 1, places), dy.shape);
  }], [indices]);
}

/** The mean of each window. */
export function averagePool(
  call: string,
  op: string,
  x: Tensor,
  g: PoolGeometry,
  by: Divisor,
  also: DType | null = null,
): Tensor {
  checkType(call, x, also);
  const source = denseAs(x, computeType(x.dtype)), { backend } = x;
  const y = emptyOn(backend, resultShape(g), source.dtype);
  if (y.numElements > 0) {
    (backend.kernels[AVG_POOL[source.dtype.id]!] as Kernel)(
      y.pointer,
      source.pointer,
      ...windows(g),
      by.includePadding ? 1 : 0,
      by.divisor,
      0,
      planesOf(g),
    );
  }
  return record(op, narrow(y, x.dtype), [x], [(dy) => averagePoolGrad(call, op, dy, g, by)]);
}

/** The gradient of `averagePool`. */
function averagePoolGrad(
  call: string,
  op: string,
  dy: Tensor,
  g: PoolGeometry,
  by: Divisor,
): Tensor {
  const dtype = dy.dtype === float64 ? float64 : float32;
  const source = denseAs(dy, dtype), dx = emptyOn(dy.backend, g.shape, dtype);
  if (dx.numElements > 0) {
    (dy.backend.kernels[AVG_POOL_GRAD[dtype.id]!] as Kernel)(
      dx.pointer,
      source.pointer,
      ...windows(g),
      by.includePadding ? 1 : 0,
      by.divisor,
      0,
      planesOf(g),
    );
  }
  return record(`${op}_backward`, narrow(dx, dy.dtype), [dy], [
    (dz) => averagePool(call, op, dz, g, by),
  ]);
}
