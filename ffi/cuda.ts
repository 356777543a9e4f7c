/**
 * CUDA devices: a backend whose kernels write commands for the library of CUDA kernels.
 *
 * @module
 */
import type { Backend } from "../src/backend/backend.ts";
import { type CudaBackend, type CudaDriver, registerCuda } from "../src/backend/devices.ts";
import { CudaDevice } from "./device.ts";
import { findLibrary, type Library, openLibrary } from "./library.ts";

/** The library, opened at the first question. */
class Driver implements CudaDriver {
  #library: Library | null = null;
  #problem: string | null = null;
  #count = 0;
  readonly #devices = new Map<number, CudaDevice>();

  deviceCount(): number {
    this.#look();
    return this.#count;
  }

  problem(): string | null {
    this.#look();
    return this.#problem;
  }

  load(path: string): void {
    if (this.#devices.size > 0) {
      throw new Error("cuda.load: a CUDA device is in use, so its library stays");
    }
    this.#take(openLibrary(path));
    if (this.#problem !== null) throw new Error(`cuda.load: ${this.#problem}`);
  }

  deviceName(index: number): string {
    const library = this.#library!, out = new Uint8Array(256);
    const length = library.symbols.dino_device_name(index, out, out.length);
    if (length < 0) throw new Error(library.error());
    return new TextDecoder().decode(out.subarray(0, length));
  }

  open(index: number, host: Backend): CudaBackend {
    let device = this.#devices.get(index);
    if (!device) this.#devices.set(index, device = new CudaDevice(this.#library!, index, host));
    return device;
  }

  #look(): void {
    if (this.#library !== null || this.#problem !== null) return;
    try {
      this.#take(findLibrary());
    } catch (e) {
      this.#problem = (e as Error).message;
    }
  }

  #take(library: Library): void {
    const count = library.symbols.dino_device_count();
    this.#library = library;
    this.#count = Math.max(count, 0);
    this.#problem = count > 0
      ? null
      : count < 0
      ? library.error()
      : "no CUDA device is there, or CUDA_VISIBLE_DEVICES hides it";
  }
}

/** Lets `"cuda"` devices be used. Nothing is looked for before the first question about them; mod.ts calls this. */
export function register(): void {
  registerCuda(new Driver());
}
