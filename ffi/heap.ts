/**
 * A CUDA device's memory, as a cache of storages.
 *
 * @module
 */
import { Heap } from "../src/backend/heap.ts";
import type { Storage } from "../src/backend/storage.ts";

/** How a device gives memory. */
export interface DeviceMemory {
  /** The address of so many bytes, or 0 when there is no room. */
  allocate(bytes: number): number;
  /** Gives back what `allocate` gave. */
  free(address: number): void;
  /** Copies bytes out. */
  read(address: number, bytes: number): Uint8Array<ArrayBuffer>;
  /** Copies bytes in. */
  write(address: number, bytes: Uint8Array): void;
}

/** What is taken from the driver at least: asking it takes long. */
const SEGMENT = 2 << 20;
/** Bytes between a segment's end and the next, so that gaps of two segments never join. */
const GUARD = 256;
/** A garbage tensor that moves out waits for the device: it happens later than on the CPU. */
const RESIDENTS = 65536;

/** The storages of a CUDA device. */
export class CudaHeap extends Heap {
  readonly #memory: DeviceMemory;
  /** Address -> bytes that can be used, of what was taken from the driver. */
  readonly #segments = new Map<number, number>();
  #reserved = 0;

  /** `total` bytes are on the device; at `budget` bytes, or so many `residents`, storages begin to move out. */
  constructor(memory: DeviceMemory, total: number, budget: number, residents = RESIDENTS) {
    super(total, budget, residents);
    this.#memory = memory;
  }

  /** Bytes taken from the driver. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Gives segments back that nothing lies in. */
  trim(): void {
    for (const [address, bytes] of this.#segments) {
      if (!this.removeGap(address, bytes)) continue;
      this.#segments.delete(address);
      this.#reserved -= bytes + GUARD;
      this.#memory.free(address);
    }
  }

  /** Gives everything back; what lies in it moves out. */
  close(): void {
    this.vacate();
    for (const address of this.#segments.keys()) this.#memory.free(address);
    this.#segments.clear();
    this.#reserved = 0;
  }

  /** What a scope will free is no garbage: the budget grows instead of waiting for copies to the host. */
  protected override spares(storage: Storage): boolean {
    return storage.scope !== null;
  }

  protected override copyOut(address: number, bytes: number): Uint8Array<ArrayBuffer> {
    return this.#memory.read(address, bytes);
  }

  protected override copyIn(address: number, bytes: Uint8Array): void {
    this.#memory.write(address, bytes);
  }

  protected override extend(size: number): number {
    // An eighth of what there is, so that a growing program asks seldom.
    const ample = Math.max(SEGMENT, size, Math.ceil(this.#reserved / 8 / SEGMENT) * SEGMENT);
    let address = this.#segment(ample, size) || this.#segment(size, size);
    if (address === 0) {
      this.trim();
      address = this.#segment(size, size);
    }
    return address === 0 ? -1 : address;
  }

  /** A segment of `bytes`, of which the first `size` are given out. */
  #segment(bytes: number, size: number): number {
    const address = this.#memory.allocate(bytes + GUARD);
    if (address === 0) return 0;
    this.#segments.set(address, bytes);
    this.#reserved += bytes + GUARD;
    if (bytes > size) this.addGap(address + size, bytes - size);
    return address;
  }
}
