/**
 * The CPU's device memory: one WebAssembly memory.
 *
 * @module
 */
import { Heap } from "./heap.ts";

const PAGE = 65536;
/** WebAssembly's 32-bit memories end at 4 GiB. */
const LIMIT = 65535 * PAGE;

/** The storages of one WebAssembly memory. */
export class WasmHeap extends Heap {
  /** Every view of the memory, made anew when it grows. */
  u8!: Uint8Array<ArrayBuffer>;
  f32!: Float32Array<ArrayBuffer>;
  f64!: Float64Array<ArrayBuffer>;
  i32!: Int32Array<ArrayBuffer>;
  i64!: BigInt64Array<ArrayBuffer>;

  readonly #memory: WebAssembly.Memory;
  #end: number;

  /** `base` is the first address that the kernels' own data does not use. */
  constructor(memory: WebAssembly.Memory, base: number, budget: number) {
    super(LIMIT, budget);
    this.#memory = memory;
    this.#end = Math.ceil(base / 64) * 64;
    this.#views();
  }

  protected override copyOut(address: number, bytes: number): Uint8Array<ArrayBuffer> {
    return this.u8.slice(address, address + bytes);
  }

  protected override copyIn(address: number, bytes: Uint8Array): void {
    this.u8.set(bytes, address);
  }

  protected override extend(size: number): number {
    const address = this.#end, end = address + size;
    if (end > LIMIT) return -1;
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) {
      const pages = Math.ceil(missing / PAGE);
      // Growing makes every view anew, so grow by an eighth at least; if the host refuses, by what is needed.
      const ample = Math.min(
        Math.max(pages, this.#memory.buffer.byteLength / PAGE >> 3),
        (LIMIT - this.#memory.buffer.byteLength) / PAGE,
      );
      if (!this.#grow(ample) && !this.#grow(pages)) return -1;
    }
    this.#end = end;
    return address;
  }

  #grow(pages: number): boolean {
    try {
      this.#memory.grow(pages);
    } catch {
      return false;
    }
    this.#views();
    return true;
  }

  #views() {
    const buffer = this.#memory.buffer as ArrayBuffer;
    this.u8 = new Uint8Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.i64 = new BigInt64Array(buffer);
  }
}
