/**
 * The calls of kernels of one variable: with parameters, of gradients, and in place.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { recording } from "../autograd/record.ts";
import type { DType } from "../backend/dtype.ts";
import { checkTensor } from "../tensor/arguments.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { denseAs } from "./copy.ts";
import {
  computeTypeOn,
  floatType,
  hasKernel,
  inPlace,
  type KernelTable,
  unary,
} from "./elementwise.ts";
import { beginInPlace, recordInPlace } from "./in_place.ts";

type Kernel = (...values: number[]) => void;

/** Three parameters of a kernel; what they mean is the kernel's own (assembly/activation.ts). */
export type Parameters = readonly [a: number, b: number, c: number];

/** The kernel of `table` that computes a floating-point `dtype`, and the dtype that it takes. */
function kernelOf(call: string, table: KernelTable, x: Tensor): [kernel: Kernel, compute: DType] {
  const compute = computeTypeOn(x.backend, table, x.dtype), name = table[compute.id];
  if (name === undefined) throw new TypeError(`${call}: not defined for ${x.dtype}`);
  return [x.backend.kernels[name] as Kernel, compute];
}

/** y = kernel(x), where integers are computed as float32; no history. */
export function realUnary(call: string, table: KernelTable, x: Tensor): Tensor {
  checkTensor(call, "input", x);
  return unary(call, table, x, floatType(x.dtype));
}

/** y = kernel(x, ...parameters) for a floating-point `x`; no history. */
export function activate(
  call: string,
  table: KernelTable,
  x: Tensor,
  [a, b, c]: Parameters,
): Tensor {
  checkTensor(call, "input", x);
  for (const p of [a, b, c]) {
    if (typeof p !== "number") {
      throw new TypeError(`${call}: expected a number, got ${describeValue(p)}`);
    }
  }
  const [kernel, compute] = kernelOf(call, table, x);
  const source = denseAs(x, compute), y = emptyOn(x.backend, x.shape, compute);
  kernel(y.pointer, source.pointer, a, b, c, 0, y.numElements);
  return y.dtype === x.dtype ? y : convert(y, x.dtype);
}

/** dx = dy f'(x) by a kernel, with its parameters if it takes some; no history. */
export function activateGrad(
  call: string,
  table: KernelTable,
  dy: Tensor,
  x: Tensor,
  parameters?: Parameters,
): Tensor {
  const [kernel, compute] = kernelOf(call, table, x);
  const p = denseAs(dy, compute), q = denseAs(x, compute);
  const dx = emptyOn(x.backend, x.shape, compute), n = dx.numElements;
  if (parameters === undefined) kernel(dx.pointer, p.pointer, q.pointer, 0, n);
  else {
    const [a, b, c] = parameters;
    kernel(dx.pointer, p.pointer, q.pointer, a, b, c, 0, n);
  }
  return dx.dtype === x.dtype ? dx : convert(dx, x.dtype);
}

/**
 * x = f(x) in the memory of `x`, where `f` is the kernel of `table` and a record. `fromResult` is the gradient for those
 * functions whose gradient reads the result alone.
 *
 * @throws TypeError when the result's dtype cannot be written into that of `x`.
 */
export function unaryInPlace(
  op: string,
  x: Tensor,
  table: KernelTable,
  f: (x: Tensor) => Tensor,
  fromResult?: (dy: Tensor, y: Tensor) => Tensor,
): Tensor {
  const call = `${op}_`;
  checkTensor(call, "self", x);
  const direct = x.dense && x.dtype.isFloatingPoint && hasKernel(x.backend, table, x.dtype);
  if (!direct || (fromResult === undefined && recording([x]))) return inPlace(call, x, [], f);
  beginInPlace(call, x);
  unary(call, table, x, x.dtype, x.dtype, x);
  return recordInPlace(op, x, [x], [(dy) => fromResult!(dy, x)], [x]);
}
