/**
 * CUDA devices: a backend whose kernels write commands for the library of CUDA kernels.
 *
 * @module
 */
import type { Backend } from "../src/backend/backend.ts";
import {
  type CudaBackend,
  type CudaDriver,
  type CudaLibrary,
  LIBRARY_OPTIONS,
  type LibraryOption,
  registerCuda,
} from "../src/backend/devices.ts";
import { CudaDevice } from "./device.ts";
import { findLibrary, granted, type Library, openLibrary } from "./library.ts";
import { libraryStates, tellPlaces } from "./nvidia.ts";

/** `0` leaves NVIDIA's libraries alone, `all` lets them do what the kernels here are quicker at, too. */
const LIBRARIES = "DINOTORCH_CUDA_LIBRARIES";

/** The library, opened at the first question. */
class Driver implements CudaDriver {
  #library: Library | null = null;
  #problem: string | null = null;
  #count = 0;
  readonly #devices = new Map<number, CudaDevice>();
  /** Settings of NVIDIA's libraries, as cuda/library.cu begins. */
  readonly #options: Record<LibraryOption, boolean> = {
    cublasLt: true,
    cudnn: true,
    cudnnDeterministic: true,
    cudnnBenchmark: false,
    cudnnTF32: false,
    smallProblems: false,
    matmulTF32: false,
  };
  #told = false;

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
    if (!device) {
      this.#tell();
      this.#devices.set(index, device = new CudaDevice(this.#library!, index, host));
    }
    return device;
  }

  libraries(): CudaLibrary[] {
    this.#look();
    if (this.#library === null) return [];
    this.#tell();
    return libraryStates(this.#library);
  }

  libraryOption(option: LibraryOption): boolean {
    this.#look();
    this.#tell();
    return this.#options[option];
  }

  setLibraryOption(option: LibraryOption, value: boolean): void {
    this.#look();
    this.#tell();
    if (this.#options[option] === value) return;
    // What was asked for before is done as the setting was then.
    for (const device of this.#devices.values()) device.flush();
    this.#options[option] = value;
    this.#library?.symbols.dino_library_option(LIBRARY_OPTIONS.indexOf(option), Number(value));
  }

  /** Tells the library of kernels, once, where NVIDIA's are and how they are used. */
  #tell(): void {
    if (this.#told || this.#library === null) return;
    this.#told = true;
    tellPlaces(this.#library);
    const wish = granted({ name: "env", variable: LIBRARIES }) ? Deno.env.get(LIBRARIES) : "";
    if (wish === "0") this.#options.cublasLt = this.#options.cudnn = false;
    if (wish === "all") this.#options.smallProblems = true;
    LIBRARY_OPTIONS.forEach((option, i) =>
      this.#library!.symbols.dino_library_option(i, Number(this.#options[option]))
    );
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
    this.#told = false;
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
