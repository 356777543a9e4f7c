/**
 * Whether an exported program computes what its model does.
 *
 * @module
 */
import { hasRelaxed } from "../backend/relaxed.ts";
import { scope } from "../backend/storage.ts";
import { noGrad } from "../autograd/record.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Exported } from "./export.ts";
import { type Forward, samplesOf } from "./forward.ts";
import type { Model, Parts } from "./runtime.ts";

/** How an exported program compares with its model, over batches of 1, 2, 3 and maxBatch samples. */
export interface Verified {
  /** The largest difference of an output, relative to the largest output of the model (or to 1, if that is more). */
  maxError: number;
  /** Whether every output of some flavour is the model's, bit for bit. */
  exact: boolean;
}

/** Compares both flavours, as far as this host has them, with the model. @throws Error when they differ by more than `tolerance`. */
export async function verify(
  call: string,
  model: Forward,
  example: Tensor,
  exported: Exported,
  { maxBatch, tolerance }: { maxBatch: number; tolerance: number },
): Promise<Verified> {
  const create = await createOf(exported.script), { binaries, weights } = exported;
  const result: Verified = { maxError: 0, exact: false };
  const batches = [...new Set([1, 2, 3, maxBatch])].filter((n) => n <= maxBatch);
  for (const flavour of ["baseline", "relaxed"] as const) {
    if (flavour === "relaxed" && !hasRelaxed()) continue;
    const { infer } = create({ module: new WebAssembly.Module(binaries[flavour]), weights });
    let same = true;
    for (const n of batches) {
      using _ = scope();
      const x = samplesOf(example, n), given = x.toTypedArray() as Float32Array;
      const y = noGrad(() => model(x)).toTypedArray() as Float32Array;
      const z = infer(given, n), most = y.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
      y.forEach((v, i) => {
        if (Object.is(v, z[i])) return;
        same = false;
        const error = Math.abs(v - z[i]) / most;
        if (!(error <= result.maxError)) result.maxError = error;
      });
      if (!(result.maxError <= tolerance)) {
        throw new Error(
          `${call}: the exported program (${flavour}, ${n} samples) differs from the model by ${result.maxError}, ` +
            `more than ${tolerance}, relative to the largest output`,
        );
      }
    }
    result.exact ||= same;
  }
  return result;
}

/** The `create` of a bundled script, which has no imports. */
export async function createOf<T = Model>(script: string): Promise<(parts: Parts) => T> {
  const bytes = new TextEncoder().encode(script).toBase64();
  return (await import(`data:text/javascript;base64,${bytes}`)).create;
}
