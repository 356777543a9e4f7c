/**
 * The forward pass of a model, captured.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { capture } from "../backend/capture.ts";
import { type DType, float32 } from "../backend/dtype.ts";
import { scope, type Storage } from "../backend/storage.ts";
import { Module } from "../nn/module.ts";
import { contiguous } from "../ops/copy.ts";
import { cat } from "../ops/join.ts";
import { narrow } from "../ops/view.ts";
import { describeValue } from "../tensor/describe.ts";
import { show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Named, Trace } from "./program.ts";

/** `n` samples: the rows of `example`, over and over. */
export function samplesOf(example: Tensor, n: number): Tensor {
  const rows = example.shape[0];
  const parts = Array.from(
    { length: Math.ceil(n / rows) },
    (_, i) => narrow(example, 0, 0, Math.min(rows, n - i * rows)),
  );
  return contiguous(cat(parts, 0));
}

/** What is exported: a module, or a function of a tensor. */
export type Forward = (x: Tensor) => Tensor;

/** The forward pass of `n` samples, captured. */
export function trace(
  call: string,
  model: Forward,
  example: Tensor,
  n: number,
): { trace: Trace; shape: readonly number[] } {
  using _ = scope();
  const x = samplesOf(example, n), { backend, storage } = x;
  const { result, calls, contents } = capture(call, backend, [storage], () =>
    noGrad(() => {
      const y = model(x);
      if (!(y instanceof Tensor) || y.dtype !== float32) {
        throw new TypeError(
          `${call}: forward must give a float32 tensor, got ${
            y instanceof Tensor ? y.dtype : describeValue(y)
          }`,
        );
      }
      if (y.shape[0] !== n) {
        throw new RangeError(
          `${call}: forward must give a row for each of ${n} samples, got shape ${show(y.shape)}`,
        );
      }
      return contiguous(y);
    }));
  return {
    trace: {
      batch: n,
      input: storage,
      result: { storage: result.storage, offset: result.offset * 4 },
      calls,
      contents,
    },
    shape: result.shape,
  };
}

const FILE_TYPES: Readonly<Record<string, string>> = {
  float32: "F32",
  float64: "F64",
  int64: "I64",
};

/** Names of the storages that parameters and buffers are the whole of. */
export function namesOf(model: Forward): Map<Storage, Named> {
  const names = new Map<Storage, Named>();
  if (!(model instanceof Module)) return names;
  for (const [name, t] of [...model.namedParameters(), ...model.namedBuffers()]) {
    const { storage, shape, dense, numElements } = t, { name: type, size }: DType = t.dtype;
    if (names.has(storage) || !dense || numElements * size !== storage.bytes) continue;
    if (type in FILE_TYPES) names.set(storage, { name, dtype: FILE_TYPES[type], shape });
  }
  return names;
}
