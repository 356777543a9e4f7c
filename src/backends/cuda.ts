/**
 * `torch.backends.cuda`: what computes products of matrices on CUDA devices.
 *
 * @module
 */
import { cudaDriver } from "../backend/devices.ts";
import { describeValue } from "../tensor/describe.ts";
import { getFloat32MatmulPrecision, setFloat32MatmulPrecision } from "./precision.ts";

/** What computes products of matrices: NVIDIA's cuBLASLt, or the kernels here. */
export type BlasLibrary = "cublaslt" | "own";

/**
 * What computes large products of matrices on CUDA devices; with an argument, what does so from now on: `"cublaslt"`
 * (`"default"` is the same) or `"own"`. Where cuBLASLt is not installed, and for small products, the kernels here compute
 * whatever this says; `torch.cuda.libraries()` tells what is there.
 *
 * @throws TypeError when `backend` is none of these.
 * @see https://pytorch.org/docs/stable/backends.html#torch.backends.cuda.preferred_blas_library
 */
export function preferredBlasLibrary(backend: BlasLibrary | "default" | null = null): BlasLibrary {
  const driver = cudaDriver();
  if (backend !== null) {
    if (backend !== "cublaslt" && backend !== "own" && backend !== "default") {
      throw new TypeError(
        `backends.cuda.preferredBlasLibrary: expected "cublaslt", "own" or "default", got ${
          describeValue(backend)
        }`,
      );
    }
    driver?.setLibraryOption("cublasLt", backend !== "own");
  }
  return driver?.libraryOption("cublasLt") ?? true ? "cublaslt" : "own";
}

/**
 * The settings of products of matrices on CUDA devices; anything but true and false is a `TypeError`.
 *
 * @see https://pytorch.org/docs/stable/backends.html#torch.backends.cuda.matmul.allow_tf32
 */
export interface MatmulSettings {
  /**
   * Whether products of float32 may be of TF32, on tensor cores; false at first. The same as a
   * `getFloat32MatmulPrecision()` other than `"highest"`.
   */
  allowTF32: boolean;
}

/** How products of matrices are computed on CUDA devices. */
export const matmul: MatmulSettings = {
  get allowTF32() {
    return getFloat32MatmulPrecision() !== "highest";
  },
  set allowTF32(value) {
    if (typeof value !== "boolean") {
      throw new TypeError(
        `backends.cuda.matmul.allowTF32: expected true or false, got ${describeValue(value)}`,
      );
    }
    setFloat32MatmulPrecision(value ? "high" : "highest");
  },
};
