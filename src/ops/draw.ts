/**
 * Filling tensors with random numbers in PyTorch's order: that of the memory, whatever the order of the axes.
 *
 * @module
 */
import { type DType, float32 } from "../backend/dtype.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { defaultGenerator, Generator } from "../tensor/generator.ts";
import { contiguousStrides, Tensor } from "../tensor/tensor.ts";
import { copyInto } from "./copy.ts";

/** An option of every function that draws random numbers. */
export interface GeneratorOption {
  /** Where the random numbers come from; `torch.defaultGenerator` by default. */
  generator?: Generator | null;
}

/** The generator to fill `x` from. Throws `TypeError` unless it is one, on the device of `x`. */
export function generatorFor(call: string, x: Tensor, generator: Generator | null): Generator {
  const g = generator ?? defaultGenerator;
  if (!(g instanceof Generator)) {
    throw new TypeError(`${call}: generator must be a torch.Generator, got ${String(g)}`);
  }
  if (g.backend !== x.backend) {
    throw new TypeError(`${call}: the generator is on ${g.device}, the tensor on ${x.device}`);
  }
  return g;
}

/** `value` as a number. Throws `TypeError` otherwise. */
export function checkNumber(call: string, name: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw new TypeError(`${call}: ${name} must be a number, got ${String(value)}`);
}

/** Throws `TypeError` unless `dtype` is a floating-point one. */
export function checkFloat(call: string, dtype: DType): void {
  if (dtype.kind !== "float") {
    throw new TypeError(`${call}: not defined for ${dtype}; expected a floating-point dtype`);
  }
}

/** The axes in the order of memory, the one with the largest steps first; PyTorch's order where steps are equal. */
export function memoryOrder(shape: readonly number[], strides: readonly number[]): number[] {
  // Innermost first. An axis without steps stays where it is.
  const order = shape.map((_, d) => shape.length - 1 - d);
  for (let i = 1; i < order.length; i++) {
    for (let from = i, to = i - 1; to >= 0; to--) {
      const a = order[to], b = order[from];
      if (strides[a] === 0 || strides[b] === 0) continue;
      if (strides[a] < strides[b] || (strides[a] === strides[b] && shape[a] <= shape[b])) break;
      [order[to], order[from]] = [b, a];
      from = to;
    }
  }
  return order.reverse();
}

/** `x` with its axes in another order; no history. */
function permuted(x: Tensor, order: readonly number[]): Tensor {
  return new Tensor(
    x.storage,
    order.map((d) => x.shape[d]),
    x.dtype,
    order.map((d) => x.strides[d]),
    x.offset,
  );
}

/** Not initialised, in the shape of `x` and in the order of its memory, without gaps: PyTorch's `empty_like`. */
export function emptyInOrder(x: Tensor, dtype: DType = x.dtype): Tensor {
  if (x.dense) return emptyOn(x.backend, x.shape, dtype);
  const order = memoryOrder(x.shape, x.strides);
  const steps = contiguousStrides(order.map((d) => x.shape[d]));
  const strides = new Array<number>(x.ndim);
  order.forEach((d, i) => strides[d] = steps[i]);
  return new Tensor(emptyOn(x.backend, x.shape, dtype).storage, x.shape, dtype, strides);
}

/**
 * Gives every element of `x` a value, in the order of its memory: `fill` is called with a tensor without gaps of dtype
 * `dtype` to fill from its first element to its last. No history.
 */
export function fillInOrder(x: Tensor, dtype: DType, fill: (y: Tensor) => void): void {
  if (x.numElements === 0) return;
  const place = x.dense ? x : permuted(x, memoryOrder(x.shape, x.strides));
  if (place.dense && dtype === x.dtype) return fill(place);
  const y = emptyOn(x.backend, place.shape, dtype);
  fill(y);
  copyInto(place, dtype === x.dtype ? y : convert(y, x.dtype));
}

/** The dtype whose kernels draw for a floating-point dtype: 16-bit floats are rounded from float32. */
export function drawType(dtype: DType): DType {
  return dtype.size === 2 ? float32 : dtype;
}

/** y = kernel(generator, a, b) for every element of `x`, of floating-point dtype; no history. */
export function fillFloat(
  kernel: "uniform" | "normal" | "normal_elementwise" | "log_normal" | "cauchy",
  x: Tensor,
  generator: Generator,
  a: number,
  b: number,
): void {
  const type = drawType(x.dtype);
  const run = x.backend.kernels[type === float32 ? kernel : `${kernel}_f64` as const];
  fillInOrder(x, type, (y) => run(y.pointer, generator.pointer, y.numElements, a, b));
}

/** Normal numbers for every element of `x`; PyTorch draws them one by one where `x` is not contiguous. */
export function fillNormal(x: Tensor, generator: Generator, mean: number, std: number): void {
  fillFloat(x.dense ? "normal" : "normal_elementwise", x, generator, mean, std);
}
