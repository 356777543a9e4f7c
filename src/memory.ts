/**
 * `torch.memory`: what tensors take.
 *
 * @module
 */
import type { MemoryStats } from "./backend/backend.ts";
import { storagesUndisposed } from "./backend/storage.ts";
import { backendOf } from "./tensor/create.ts";

export type { MemoryStats };

/** What the tensors of `device` take now, and took at most since the last `resetPeak`. */
export function stats(device: string = "cpu"): MemoryStats {
  return backendOf("memory.stats", device).memory();
}

/** Lets the peak begin again at what is in use now. */
export function resetPeak(device: string = "cpu"): void {
  backendOf("memory.resetPeak", device).resetPeak();
}

/**
 * How many tensors' storages were made and neither freed by a scope nor disposed of, on all devices; those that the
 * garbage collector has or will have are among them. Equal before and after a block of code: it leaks nothing.
 */
export function undisposed(): number {
  return storagesUndisposed();
}
