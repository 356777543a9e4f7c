/**
 * Filling tensors with random numbers in PyTorch's order: that of the memory, whatever the order of the axes.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import { bfloat16, type DType, float16, float32, float64 } from "../backend/dtype.ts";
import { convert, emptyOn } from "../tensor/create.ts";
import { defaultGenerator, Generator } from "../tensor/generator.ts";
import { contiguousStrides, Tensor } from "../tensor/tensor.ts";
import { copyInto } from "./copy.ts";
import { binary, kernelTable } from "./elementwise.ts";

const ADD = kernelTable("add"), MUL = kernelTable("mul");

/** An option of every function that draws random numbers. */
export interface GeneratorOption {
  /** Where the random numbers come from; `torch.defaultGenerator` by default. */
  generator?: Generator | null;
}

/** The default of that option. */
export const NO_GENERATOR = { generator: null as Generator | null };

/**
 * The generator to fill `x` from: the default one draws for every device. Throws `TypeError` unless it is one, on the
 * device of `x`.
 */
export function generatorFor(call: string, x: Tensor, generator: Generator | null): Generator {
  const g = generator ?? defaultGenerator;
  if (!(g instanceof Generator)) {
    throw new TypeError(`${call}: generator must be a torch.Generator, got ${describeValue(g)}`);
  }
  if (g !== defaultGenerator && g.backend !== x.backend) {
    throw new TypeError(`${call}: the generator is on ${g.device}, the tensor on ${x.device}`);
  }
  return g;
}

/** Throws `TypeError` unless `value` is a number. */
export function checkNumber(call: string, name: string, value: unknown): asserts value is number {
  if (typeof value === "number") return;
  throw new TypeError(`${call}: ${name} must be a number, got ${describeValue(value)}`);
}

/** Throws `TypeError` unless `dtype` is a floating-point one. */
export function checkFloat(call: string, dtype: DType): void {
  if (dtype.kind !== "float") {
    throw new TypeError(`${call}: not defined for ${dtype}; expected a floating-point dtype`);
  }
}

/** The axes in the order of memory, the one with the largest steps first; PyTorch's order where steps are equal. */
function memoryOrder(shape: readonly number[], strides: readonly number[]): number[] {
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

/** `x` with its axes in the order of the memory of `like`, which has the same shape; no history. */
export function inOrder(x: Tensor, like: Tensor = x): Tensor {
  if (like.dense) return x;
  const order = memoryOrder(like.shape, like.strides);
  const shape = order.map((d) => x.shape[d]), strides = order.map((d) => x.strides[d]);
  return new Tensor(x.storage, shape, x.dtype, strides, x.offset);
}

/** Not initialised, in the shape of `x` and in the order of its memory, without gaps: PyTorch's `empty_like`. */
export function emptyInOrder(x: Tensor, dtype: DType = x.dtype, backend = x.backend): Tensor {
  const y = emptyOn(backend, x.shape, dtype);
  if (x.dense) return y;
  const order = memoryOrder(x.shape, x.strides);
  const steps = contiguousStrides(order.map((d) => x.shape[d]));
  const strides = new Array<number>(x.ndim);
  order.forEach((d, i) => strides[d] = steps[i]);
  return new Tensor(y.storage, x.shape, dtype, strides);
}

/**
 * Gives every element of `x` a value, in the order of its memory: `fill` is called with a tensor without gaps of dtype
 * `dtype` to fill from its first element to its last. No history.
 */
export function fillInOrder(x: Tensor, dtype: DType, fill: (y: Tensor) => void): void {
  if (x.numElements === 0) return;
  const place = inOrder(x);
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
  const run = x.backend.kernels[type === float64 ? `${kernel}_f64` as const : kernel];
  fillInOrder(x, type, (y) => run(y.pointer, generator.pointer, y.numElements, a, b));
}

/** Bits of the numbers that a floating-point dtype holds exactly, as `std::numeric_limits::digits`. */
export function digitsOf(dtype: DType): number {
  return dtype === float64 ? 53 : dtype === float32 ? 24 : dtype === float16 ? 11 : 8;
}

/** Uniform numbers from [from, to) for every element of `x`. */
export function fillUniform(x: Tensor, generator: Generator, from: number, to: number): void {
  if (x.dtype !== float16 && x.dtype !== bfloat16) {
    return fillFloat("uniform", x, generator, from, to);
  }
  // The 16-bit floats take only as many bits of a word as they hold.
  const steps = 2 ** digitsOf(x.dtype);
  fillInOrder(x, float32, (y) => {
    y.backend.kernels.randint(y.pointer, generator.pointer, y.numElements, 0, steps);
    binary("uniform_", MUL, y, (to - from) / steps, float32, float32, y);
    if (from !== 0) binary("uniform_", ADD, y, from, float32, float32, y);
  });
}

/** Normal numbers for every element of `x`; PyTorch draws them one by one where `x` is not contiguous. */
export function fillNormal(x: Tensor, generator: Generator, mean: number, std: number): void {
  fillFloat(x.dense ? "normal" : "normal_elementwise", x, generator, mean, std);
}
