/**
 * CUDA devices as the rest of the library sees them. What opens them is registered by mod.ts, from ffi/: this folder
 * neither knows nor imports it.
 *
 * @module
 */
import type { Backend } from "./backend.ts";

/** A CUDA device. */
export interface CudaBackend extends Backend {
  /** Its number. */
  readonly index: number;
  /** Waits until everything is done. Throws what went wrong since the last time. */
  synchronize(): void;
  /** Whether everything is done. */
  idle(): boolean;
  /** Gives memory back that no tensor uses. */
  emptyCache(): void;
  /** Bytes that were taken from the driver. */
  reserved(): number;
  /** Free and total bytes of the device. */
  available(): [free: number, total: number];
  /** Whether work is recorded now. */
  readonly recording: boolean;
  /** Runs `f`, whose work is recorded and not done. Throws `Error` when it reads from the device or writes to it. */
  record<T>(f: () => T): { result: T; graph: RecordedGraph };
  /** A new event; its number. */
  event(): number;
  /** Lets an event stand for all that was asked for so far. */
  recordEvent(event: number): void;
  /** Whether that is done. */
  queryEvent(event: number): boolean;
  /** Milliseconds from one event to another. */
  elapsed(from: number, to: number): number;
  /** Lets the number of an event be used again. */
  freeEvent(event: number): void;
}

/** Work of a CUDA device that was recorded. */
export interface RecordedGraph {
  /** Does the work again, in the memory that it was recorded with. */
  replay(): void;
  /** Gives up the recording; what lies in its memory moves out of it. */
  free(): void;
}

/** A library of NVIDIA's that the kernels make use of. */
export type CudaLibraryName = "cuBLASLt" | "cuDNN" | "NCCL";

/** What came of looking for a library of NVIDIA's. */
export interface CudaLibrary {
  /** Which one. */
  readonly name: CudaLibraryName;
  /** Its file; null when it is not used. */
  readonly path: string | null;
  /** Its version, `"9.12.0"`; null when it is not used. */
  readonly version: string | null;
  /**
   * When it is not used: why, where it was looked for, what serves instead and how to install it. Else the last call that
   * it did not serve, null when there is none.
   */
  readonly problem: string | null;
}

/** Settings of NVIDIA's libraries, and of products of matrices whatever computes them, in the order of cuda/library.cuh. */
export const LIBRARY_OPTIONS = [
  "cublasLt",
  "cudnn",
  "cudnnDeterministic",
  "cudnnBenchmark",
  "cudnnTF32",
  "smallProblems",
  "matmulTF32",
] as const;

/** A setting of NVIDIA's libraries. */
export type LibraryOption = typeof LIBRARY_OPTIONS[number];

/** What opens CUDA devices. */
export interface CudaDriver {
  /** How many devices can be used; 0 when there is no library, no driver or no permission. Does not throw. */
  deviceCount(): number;
  /** Why no device can be used, and what to do; null when one can. Does not throw. */
  problem(): string | null;
  /** Takes the library at `path`. Throws `Error` when it is none. */
  load(path: string): void;
  /** A device's name. */
  deviceName(index: number): string;
  /** A device; `host` computes what the library has no kernel for. */
  open(index: number, host: Backend): CudaBackend;
  /** Opens NVIDIA's libraries and tells which are there; none where there is no library of kernels. */
  libraries(): CudaLibrary[];
  /** A setting of NVIDIA's libraries. */
  libraryOption(option: LibraryOption): boolean;
  /** Changes a setting, for what is asked for from now on. */
  setLibraryOption(option: LibraryOption, value: boolean): void;
}

let driver: CudaDriver | null = null;
let current = 0;

/** Lets `"cuda"` devices be opened by `d`; the first one registered stays. */
export function registerCuda(d: CudaDriver): void {
  driver ??= d;
}

/** What opens CUDA devices; null where nothing was registered. */
export function cudaDriver(): CudaDriver | null {
  return driver;
}

/** The number of the device that `"cuda"` means. */
export function currentCuda(): number {
  return current;
}

/** Lets `"cuda"` mean another device. */
export function setCurrentCuda(index: number): void {
  current = index;
}

/** Why there is no device to use; null when there is one. */
export function cudaProblem(): string | null {
  return driver === null
    ? "CUDA needs Deno: the part of the library that loads its kernels is not here"
    : driver.problem();
}

/** The device of a name, `"cuda"` or `"cuda:1"`. Throws `Error` when it cannot be used. */
export function openCuda(call: string, name: string, host: Backend): CudaBackend {
  const index = name === "cuda" ? current : Number(name.slice(5)), problem = cudaProblem();
  if (problem !== null) {
    throw new Error(`${call}: "${name}" cannot be used: ${problem}. "cpu" can`);
  }
  const count = driver!.deviceCount();
  if (index >= count) {
    throw new Error(
      `${call}: no device "cuda:${index}": there ${count === 1 ? "is 1" : `are ${count}`}`,
    );
  }
  return driver!.open(index, host);
}
