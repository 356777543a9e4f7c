/**
 * What a device is: kernels, memory, and a way in and out for bytes.
 *
 * @module
 */
import type { DType } from "./dtype.ts";
import type { Kernels } from "./kernels.ts";
import type { Storage } from "./storage.ts";

/** Numbers of one device's memory. */
export interface MemoryStats {
  /** Storages in the device's memory now. */
  tensors: number;
  /** Bytes they take. */
  bytes: number;
  /** The most they took since the last reset. */
  peakBytes: number;
  /** Bytes that were moved to JavaScript buffers. */
  movedOut: number;
  /** Bytes that came back from there. */
  movedIn: number;
}

/** A device that runs kernels. Everything that computes goes through `kernels`. */
export interface Backend {
  /** `"cpu"`, `"cuda:0"`: what `tensor.device` shows. */
  readonly name: string;
  /** The kernels of the manifest, under their names. */
  readonly kernels: Kernels;
  /** Whether convolutions have kernels of their own for planes, and for weights packed for SIMD; else there is `conv` alone. */
  readonly packs: boolean;
  /** A new storage of `bytes` bytes, not initialised. */
  allocate(bytes: number): Storage;
  /** Takes a storage's memory back. */
  release(storage: Storage): void;
  /** Brings a storage that was moved out back. */
  restore(storage: Storage): void;
  /** Marks `storage` as used now and returns its address. */
  touch(storage: Storage): number;
  /** The address of one constant element, valid for the next kernel call. */
  scalar(value: number | bigint | boolean, dtype: DType): number;
  /**
   * The address of at least `bytes` of scratch space, valid for the next kernel call. A device that goes through many
   * slices side by side, rather than one after the other, gives `atOnce` bytes.
   */
  scratch(bytes: number, atOnce?: number): number;
  /** Copies `bytes` bytes at `offset` out of a storage. */
  read(storage: Storage, offset: number, bytes: number): Uint8Array<ArrayBuffer>;
  /** Copies bytes into a storage. */
  write(storage: Storage, offset: number, source: Uint8Array): void;
  /** One element as a JavaScript value. */
  readElement(storage: Storage, index: number, dtype: DType): number | bigint | boolean;
  /**
   * Runs a kernel that checks elements: `run` calls it with the address of its verdict, 16 bytes of zeros, in which it
   * leaves 1 and the first element that is not as it should be, of `dtype`: int64 or float64. Calls `fail` with that, if
   * there is one: at once, or where a device works by itself, when something next waits for it.
   */
  check(dtype: DType, run: (verdict: number) => void, fail: (element: string) => never): void;
  /** Memory statistics. */
  memory(): MemoryStats;
  /** Sets the peak to what is in use now. */
  resetPeak(): void;
}
