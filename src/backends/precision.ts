/**
 * How exactly CUDA devices multiply matrices of float32.
 *
 * @module
 */
import { cudaDriver } from "../backend/devices.ts";
import { describeValue } from "../tensor/describe.ts";

/** How exactly matrices of float32 are multiplied. */
export type Float32MatmulPrecision = "highest" | "high" | "medium";

let precision: Float32MatmulPrecision = "highest";

/**
 * How exactly CUDA devices multiply matrices of float32; `"highest"` at first.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.get_float32_matmul_precision.html
 */
export function getFloat32MatmulPrecision(): Float32MatmulPrecision {
  return precision;
}

/**
 * Sets how exactly CUDA devices multiply matrices of float32, for what is asked for from now on: `"highest"` in float32;
 * `"high"` and `"medium"` on tensor cores, which read TF32 numbers, of 10 bits after the leading one, and sum in float32.
 * The CPU's products are of float32 whatever this says.
 *
 * @throws TypeError when `value` is none of these.
 * @see https://pytorch.org/docs/stable/generated/torch.set_float32_matmul_precision.html
 */
export function setFloat32MatmulPrecision(value: Float32MatmulPrecision): void {
  if (value !== "highest" && value !== "high" && value !== "medium") {
    throw new TypeError(
      `setFloat32MatmulPrecision: expected "highest", "high" or "medium", got ${
        describeValue(value)
      }`,
    );
  }
  precision = value;
  cudaDriver()?.setLibraryOption("matmulTF32", value !== "highest");
}
