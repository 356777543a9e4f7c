/**
 * `torch.backends.cudnn`: how NVIDIA's library of convolutions is used.
 *
 * @module
 */
import { cudaDriver, type LibraryOption } from "../backend/devices.ts";
import { describeValue } from "../tensor/describe.ts";

/** What the settings are where CUDA is not loaded. */
const AT_FIRST: Partial<Record<LibraryOption, boolean>> = { cudnn: true, cudnnDeterministic: true };

function get(option: LibraryOption): boolean {
  return cudaDriver()?.libraryOption(option) ?? AT_FIRST[option] ?? false;
}

function set(name: string, option: LibraryOption, value: boolean): void {
  if (typeof value !== "boolean") {
    throw new TypeError(
      `backends.cudnn.${name}: expected true or false, got ${describeValue(value)}`,
    );
  }
  cudaDriver()?.setLibraryOption(option, value);
}

function versionOf(): number | null {
  const version = cudaDriver()?.libraries().find(({ name }) => name === "cuDNN")?.version;
  if (version === undefined || version === null) return null;
  const [major, minor, patch] = version.split(".").map(Number);
  return major * 10000 + minor * 100 + patch;
}

/**
 * The settings of cuDNN, which computes convolutions on CUDA devices where it is installed. A change counts for what is
 * asked for afterwards; anything but true and false is a `TypeError`.
 *
 * @see https://pytorch.org/docs/stable/backends.html#torch-backends-cudnn
 */
export interface CudnnSettings {
  /** Whether it is used; true at first. */
  enabled: boolean;
  /**
   * Whether only algorithms are used that give equal bits for equal calls. True at first, where PyTorch begins with false:
   * nothing here hangs on chance unless it is asked to.
   */
  deterministic: boolean;
  /** Whether each new problem's algorithms are timed, to take the fastest; false at first. */
  benchmark: boolean;
  /**
   * Whether float32 numbers may be rounded to TF32, of 10 bits after the leading one, so that tensor cores multiply them.
   * False at first, where PyTorch begins with true.
   */
  allowTF32: boolean;
  /** cuDNN's version, 91200 for 9.12.0; null where it is not there. */
  version(): number | null;
  /** Whether it is there. */
  isAvailable(): boolean;
}

/** How cuDNN is used. */
export const cudnn: CudnnSettings = {
  get enabled() {
    return get("cudnn");
  },
  set enabled(value) {
    set("enabled", "cudnn", value);
  },
  get deterministic() {
    return get("cudnnDeterministic");
  },
  set deterministic(value) {
    set("deterministic", "cudnnDeterministic", value);
  },
  get benchmark() {
    return get("cudnnBenchmark");
  },
  set benchmark(value) {
    set("benchmark", "cudnnBenchmark", value);
  },
  get allowTF32() {
    return get("cudnnTF32");
  },
  set allowTF32(value) {
    set("allowTF32", "cudnnTF32", value);
  },
  version: versionOf,
  isAvailable: () => versionOf() !== null,
};
