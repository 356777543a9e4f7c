/**
 * The CPU: kernels in WebAssembly, in the fastest flavour that the host runs.
 *
 * @module
 */
import type { Backend, MemoryStats } from "./backend.ts";
import { binaryOf, type Flavour } from "./binary.ts";
import { type DType, int64 } from "./dtype.ts";
import { type KernelName, type Kernels, manifest } from "./kernels.ts";
import { hasRelaxed } from "./relaxed.ts";
import { Storage } from "./storage.ts";
import { sharedMemory, ThreadPool } from "./threads.ts";
import { WasmHeap } from "./wasm_heap.ts";

/** Slots for constants; a kernel call takes three at most. */
const SCALARS = 64;
/** Pages that the memory begins with, and may grow to: what assembly/build.ts compiled into the binaries. */
const PAGES = 256, MOST_PAGES = 65535;
/** How a binary imports its memory: "env", "memory", a memory; then comes a byte of flags: with a maximum, and shared. */
const IMPORT = [3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2], WITH_MAXIMUM = 1;
/** The verdict of a check that has found nothing. */
const NONE = new Uint8Array(16);
/** Where storages begin to move out; the heap raises it when a program's live tensors need more. */
const BUDGET = 64 << 20;

/** What the kernels' module exports. */
interface Exports {
  /** The first address that the module's own data does not use. */
  readonly heap_base: WebAssembly.Global;
}

/** Where the flags of the memory that `binary` imports are. */
function flagsAt(binary: Uint8Array): number {
  for (let i = 0;; i++) {
    if (IMPORT.every((byte, j) => binary[i + j] === byte)) return i + IMPORT.length;
  }
}

/** How a message begins when the library cannot be loaded. */
const CANNOT = "dinotorch cannot run in this host";

/** Compiles a binary. Throws `Error` with what the host would need. */
function compile(binary: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(binary);
  } catch (e) {
    const reason = WebAssembly.validate(binary)
      ? "it forbids compiling WebAssembly; a content security policy needs 'wasm-unsafe-eval' in its script-src"
      : "its WebAssembly lacks SIMD, or threads and atomics";
    throw new Error(`${CANNOT}: ${reason} (${(e as Error).message})`, { cause: e });
  }
}

/** The backend of `"cpu"`. */
export class WasmBackend implements Backend {
  readonly name = "cpu";
  readonly packs = true;
  readonly kernels: Kernels;
  /** `"relaxed"` where the host has relaxed SIMD, else `"baseline"`. */
  readonly flavour: Flavour;
  /** The device's memory. */
  readonly heap: WasmHeap;
  /** The threads; null where the host has no shared memory or no workers. */
  readonly pool: ThreadPool | null;
  readonly #scalars: number;
  #nextScalar = 0;
  #scratch = 0;
  #scratchBytes = 0;

  /** Compiles and instantiates the kernels, at once. */
  constructor(flavour?: Flavour) {
    if (typeof WebAssembly === "undefined") throw new Error(`${CANNOT}: it has no WebAssembly`);
    this.flavour = flavour ?? (hasRelaxed() ? "relaxed" : "baseline");
    const binary = binaryOf(this.flavour);
    const shared = sharedMemory(PAGES, MOST_PAGES);
    if (!shared) binary[flagsAt(binary)] = WITH_MAXIMUM;
    const memory = shared ?? new WebAssembly.Memory({ initial: PAGES, maximum: MOST_PAGES });
    const module = compile(binary);
    const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as
      & Exports
      & Kernels;
    const kernels = Object.fromEntries(
      (Object.keys(manifest) as KernelName[]).map((name) => [name, exports[name]]),
    );
    this.pool = shared ? new ThreadPool(module, shared, kernels) : null;
    this.kernels = (this.pool?.kernels ?? kernels) as unknown as Kernels;
    this.heap = new WasmHeap(memory, exports.heap_base.value, BUDGET);
    this.#scalars = this.heap.reserve(SCALARS * 8);
  }

  allocate(bytes: number): Storage {
    // A size that is no number would not be noticed further on, and upset the heap's accounts.
    if (!(bytes >= 0)) throw new TypeError(`allocate: expected a number of bytes, got ${bytes}`);
    const storage = new Storage(this, bytes);
    try {
      this.heap.place(storage);
    } catch (e) {
      storage.free();
      throw e;
    }
    return storage;
  }

  release(storage: Storage): void {
    this.heap.release(storage);
  }

  restore(storage: Storage): void {
    this.heap.restore(storage);
  }

  touch(storage: Storage): number {
    storage.stamp = ++this.heap.clock;
    return storage.address >= 0 ? storage.address : storage.restore();
  }

  scalar(value: number | bigint | boolean, dtype: DType): number {
    const address = this.#scalars + this.#nextScalar * 8;
    this.#nextScalar = (this.#nextScalar + 1) % SCALARS;
    const { heap } = this;
    switch (dtype.suffix) {
      case "":
        heap.f32[address >> 2] = Number(value);
        break;
      case "_f64":
        heap.f64[address >> 3] = Number(value);
        break;
      case "_i64":
        heap.i64[address >> 3] = typeof value === "bigint"
          ? value
          : BigInt(Math.trunc(Number(value)));
        break;
      case "_i32":
        heap.i32[address >> 2] = Number(value);
        break;
      case "_u8":
        heap.u8[address] = dtype.kind === "bool" ? Number(Boolean(value)) : Number(value);
        break;
      default:
        throw new TypeError(
          `a constant of ${dtype} has no kernel: it is computed in another dtype`,
        );
    }
    return address;
  }

  scratch(bytes: number): number {
    if (this.pool !== null && this.pool.threads > 1) {
      bytes = (bytes + 63) & ~63; // beyond 2 GiB there is no scratch space
      this.pool.scratchStride = bytes;
      bytes *= this.pool.threads;
    }
    if (bytes > this.#scratchBytes) {
      // The old block stays reserved; sizes double, so the waste is bounded by the last one.
      this.#scratchBytes = Math.max(bytes, 2 * this.#scratchBytes, 1 << 16);
      this.#scratch = this.heap.reserve(this.#scratchBytes);
    }
    return this.#scratch;
  }

  read(storage: Storage, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    const start = this.touch(storage) + offset;
    return this.heap.u8.slice(start, start + bytes);
  }

  write(storage: Storage, offset: number, source: Uint8Array): void {
    const start = this.touch(storage) + offset;
    this.heap.u8.set(source, start);
  }

  readElement(storage: Storage, index: number, dtype: DType): number | bigint | boolean {
    const address = this.touch(storage) + index * dtype.size, { heap } = this;
    switch (dtype.name) {
      case "float32":
        return heap.f32[address >> 2];
      case "float64":
        return heap.f64[address >> 3];
      case "int64": {
        const value = heap.i64[address >> 3], number = Number(value);
        return Number.isSafeInteger(number) ? number : value;
      }
      case "int32":
        return heap.i32[address >> 2];
      case "int16":
        return (heap.u8[address] | (heap.u8[address + 1] << 8)) << 16 >> 16;
      case "int8":
        return heap.u8[address] << 24 >> 24;
      case "uint8":
        return heap.u8[address];
      case "bool":
        return heap.u8[address] !== 0;
      default:
        throw new TypeError(`reading an element of ${dtype} goes through another dtype`);
    }
  }

  check(dtype: DType, run: (verdict: number) => void, fail: (element: string) => never): void {
    const verdict = this.allocate(16);
    this.write(verdict, 0, NONE);
    run(this.touch(verdict));
    const element = this.readElement(verdict, 0, int64) === 0
      ? null
      : String(this.readElement(verdict, 1, dtype));
    verdict.free();
    if (element !== null) fail(element);
  }

  memory(): MemoryStats {
    const { residents, used, peak, movedOut, movedIn } = this.heap;
    return { tensors: residents, bytes: used, peakBytes: peak, movedOut, movedIn };
  }

  resetPeak(): void {
    this.heap.peak = this.heap.used;
  }
}

/** The CPU's backend, made when the library is loaded. */
export const cpu: WasmBackend = new WasmBackend();
