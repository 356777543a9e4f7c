/**
 * The backend of one CUDA device.
 *
 * An address is the device's own, a whole number: doubles hold all of its 48 bits. Kernels' calls are collected and
 * carried out in order, on one stream; whatever reads from the device first waits for that stream, and throws what went
 * wrong on it. Constants lie in a table in the device's memory, so that one that was used before costs nothing.
 *
 * @module
 */
import type { Backend, MemoryStats } from "../src/backend/backend.ts";
import type { CudaBackend } from "../src/backend/devices.ts";
import type { DType } from "../src/backend/dtype.ts";
import { type KernelName, type Kernels, manifest } from "../src/backend/kernels.ts";
import { Storage } from "../src/backend/storage.ts";
import { Commands } from "./commands.ts";
import { CudaHeap } from "./heap.ts";
import { hostKernel } from "./host.ts";
import { type Library, STORE_CONSTANT } from "./library.ts";

/** Constants in the table, of 8 bytes each. */
const CONSTANTS = 8192;
/** Bytes of working space that the library has of its own: cuda/common.cuh. */
const WORKSPACE = 1 << 20;
/** The part of the device's memory at which storages begin to move out; it grows when live tensors need more. */
const BUDGET = 1 / 8;
/** Storages that were asked for their addresses last, and may be operands of the next kernel; a power of two. */
const RECENT = 64;

/** A CUDA device. */
export class CudaDevice implements CudaBackend {
  readonly name: string;
  readonly index: number;
  readonly packs = false;
  readonly kernels: Kernels;
  /** The kernels that the library has not, which the host computes on copies. */
  readonly onHost: readonly KernelName[];
  /** The device's memory. */
  readonly heap: CudaHeap;

  readonly #library: Library;
  readonly #context: number;
  readonly #commands: Commands;
  readonly #recent = new Array<Storage | null>(RECENT).fill(null);
  readonly #element = new DataView(new ArrayBuffer(8));
  readonly #elementBytes = new Uint8Array(this.#element.buffer);
  readonly #constants: number;
  /** A copy of the table of constants. */
  readonly #values = new DataView(new ArrayBuffer(8 * CONSTANTS));
  /** By dtype's suffix: value -> address; -0 under "-0", which a map does not tell from 0. */
  readonly #places = new Map<string, Map<number | bigint | boolean | string, number>>();
  #nextConstant = 0;
  /** Where kernels work, 0 for the library's own space, and how many bytes they have there. */
  #workspace = 0;
  #room = WORKSPACE;
  readonly #storeConstant: (...operands: number[]) => void;

  /** Opens device `index`; `host` computes what the library has no kernel for. Throws `Error` when that is not possible. */
  constructor(library: Library, index: number, host: Backend) {
    const { symbols } = library;
    this.#library = library;
    this.index = index;
    this.name = `cuda:${index}`;
    const context = this.#context = this.#check(symbols.dino_open(index));
    const words = symbols.dino_ring_words();
    const ring = new Float64Array(
      Deno.UnsafePointerView.getArrayBuffer(symbols.dino_ring(context)!, 8 * words),
    );
    // One place that calls, with a constant target: what V8 makes fast.
    this.#commands = new Commands(
      ring,
      (words) => this.#check(symbols.dino_submit(context, words)),
    );
    const [, total] = this.available();
    this.heap = new CudaHeap(
      {
        allocate: (bytes) => this.#check(symbols.dino_allocate(context, bytes)),
        free: (address) => void this.#check(symbols.dino_free(context, address)),
        read: (address, bytes) => this.readAt(address, bytes),
        write: (address, bytes) => this.writeAt(address, bytes),
      },
      total,
      total * BUDGET,
    );
    this.#constants = this.heap.reserve(8 * CONSTANTS);
    this.#storeConstant = this.#commands.encoder(library.kernels.get(STORE_CONSTANT)!);

    const names = Object.keys(manifest) as KernelName[];
    this.onHost = names.filter((name) => !library.kernels.has(name));
    this.kernels = Object.fromEntries(names.map((name) => {
      const place = library.kernels.get(name);
      if (place === undefined) return [name, hostKernel(name, this, host)];
      const encoder = this.#commands.encoder(place), state = manifest[name].indexOf("inout state");
      if (state < 0) return [name, encoder];
      // The host draws from a generator of its own; one of the device's is drawn from there.
      const onHost = hostKernel(name, this, host);
      return [name, (...values: number[]) => {
        (this.find(values[state]) === null ? onHost : encoder)(...values);
      }];
    })) as unknown as Kernels;
  }

  allocate(bytes: number): Storage {
    if (!(bytes >= 0)) throw new TypeError(`allocate: expected a number of bytes, got ${bytes}`);
    const storage = new Storage(this, bytes);
    try {
      this.heap.place(storage);
    } catch (e) {
      storage.free();
      if (e instanceof RangeError) throw new RangeError(`${this.name}: ${e.message}`);
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
    const stamp = storage.stamp = ++this.heap.clock;
    this.#recent[stamp & (RECENT - 1)] = storage;
    return storage.address >= 0 ? storage.address : storage.restore();
  }

  scalar(value: number | bigint | boolean, dtype: DType): number {
    let places = this.#places.get(dtype.suffix);
    if (!places) this.#places.set(dtype.suffix, places = new Map());
    const key = Object.is(value, -0) ? "-0" : value;
    return places.get(key) ?? this.#newConstant(places, key, value, dtype);
  }

  #newConstant(
    places: Map<number | bigint | boolean | string, number>,
    key: number | bigint | boolean | string,
    value: number | bigint | boolean,
    dtype: DType,
  ): number {
    if (this.#nextConstant === CONSTANTS) {
      // Commands are carried out in order: those that use a place come before the one that writes it anew.
      this.#nextConstant = 0;
      for (const map of this.#places.values()) map.clear();
    }
    const place = 8 * this.#nextConstant, view = this.#values;
    view.setBigUint64(place, 0n, true);
    switch (dtype.suffix) {
      case "":
        view.setFloat32(place, Number(value), true);
        break;
      case "_f64":
        view.setFloat64(place, Number(value), true);
        break;
      case "_i64":
        view.setBigInt64(
          place,
          typeof value === "bigint" ? value : BigInt(Math.trunc(Number(value))),
          true,
        );
        break;
      case "_i32":
        view.setInt32(place, Number(value), true);
        break;
      case "_u8":
        view.setUint8(place, dtype.kind === "bool" ? Number(Boolean(value)) : Number(value));
        break;
      default:
        throw new TypeError(
          `a constant of ${dtype} has no kernel: it is computed in another dtype`,
        );
    }
    const address = this.#constants + place;
    this.#nextConstant++;
    this.#storeConstant(address, view.getUint32(place, true), view.getUint32(place + 4, true));
    places.set(key, address);
    return address;
  }

  /**
   * The number of bytes itself, which kernels that the host computes are given of the host's. Those of the library have
   * a working space of their own, which grows to `atOnce` bytes.
   */
  scratch(bytes: number, atOnce = 0): number {
    if (atOnce > this.#room) this.#workIn(Math.max(atOnce, 2 * this.#room));
    return bytes;
  }

  /** Lets kernels work in `bytes` bytes of the heap; with 0 bytes, in the library's own working space. */
  #workIn(bytes: number): void {
    const before = this.#workspace, room = this.#room;
    // Commands are carried out in order: those before may still use the old room, those that come after the new one.
    this.#commands.flush();
    const address = bytes === 0 ? 0 : this.heap.reserve(bytes);
    this.#check(this.#library.symbols.dino_workspace(this.#context, address, bytes));
    this.#workspace = address;
    this.#room = bytes === 0 ? WORKSPACE : bytes;
    if (before !== 0) this.heap.giveBack(before, room);
  }

  read(storage: Storage, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    return this.readAt(this.touch(storage) + offset, bytes);
  }

  write(storage: Storage, offset: number, source: Uint8Array): void {
    this.writeAt(this.touch(storage) + offset, source);
  }

  readElement(storage: Storage, index: number, dtype: DType): number | bigint | boolean {
    const view = this.#element;
    this.#readInto(this.#elementBytes, this.touch(storage) + index * dtype.size, dtype.size);
    switch (dtype.name) {
      case "float32":
        return view.getFloat32(0, true);
      case "float64":
        return view.getFloat64(0, true);
      case "int64": {
        const value = view.getBigInt64(0, true), number = Number(value);
        return Number.isSafeInteger(number) ? number : value;
      }
      case "int32":
        return view.getInt32(0, true);
      case "int16":
        return view.getInt16(0, true);
      case "int8":
        return view.getInt8(0);
      case "uint8":
        return view.getUint8(0);
      case "bool":
        return view.getUint8(0) !== 0;
      default:
        throw new TypeError(`reading an element of ${dtype} goes through another dtype`);
    }
  }

  memory(): MemoryStats {
    const { residents, used, peak, movedOut, movedIn } = this.heap;
    return { tensors: residents, bytes: used, peakBytes: peak, movedOut, movedIn };
  }

  resetPeak(): void {
    this.heap.peak = this.heap.used;
  }

  synchronize(): void {
    this.#commands.flush();
    this.#check(this.#library.symbols.dino_synchronize(this.#context));
  }

  idle(): boolean {
    this.#commands.flush();
    return this.#check(this.#library.symbols.dino_idle(this.#context)) === 1;
  }

  emptyCache(): void {
    this.synchronize();
    if (this.#workspace !== 0) this.#workIn(0);
    this.heap.trim();
  }

  reserved(): number {
    return this.heap.reserved;
  }

  available(): [free: number, total: number] {
    const out = new Float64Array(2);
    this.#check(this.#library.symbols.dino_memory(this.#context, out));
    return [out[0], out[1]];
  }

  event(): number {
    return this.#check(this.#library.symbols.dino_event(this.#context));
  }

  recordEvent(event: number): void {
    this.#commands.flush();
    this.#check(this.#library.symbols.dino_event_record(this.#context, event));
  }

  queryEvent(event: number): boolean {
    return this.#check(this.#library.symbols.dino_event_query(this.#context, event)) === 1;
  }

  elapsed(from: number, to: number): number {
    return this.#check(this.#library.symbols.dino_event_elapsed(this.#context, from, to));
  }

  freeEvent(event: number): void {
    this.#check(this.#library.symbols.dino_event_free(this.#context, event));
  }

  /** Copies bytes out of the device's memory, when everything asked for before is done. */
  readAt(address: number, bytes: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(bytes);
    this.#readInto(out, address, bytes);
    return out;
  }

  #readInto(out: Uint8Array<ArrayBuffer>, address: number, bytes: number): void {
    this.#commands.flush();
    if (bytes === 0) return;
    this.#check(this.#library.symbols.dino_read(this.#context, out, address, bytes));
  }

  /** Copies bytes into the device's memory, after everything asked for before. */
  writeAt(address: number, source: Uint8Array): void {
    this.#commands.flush();
    if (source.length === 0) return;
    const bytes = source as Uint8Array<ArrayBuffer>;
    this.#check(this.#library.symbols.dino_write(this.#context, address, bytes, bytes.length));
  }

  /** What lies at an address that was given out lately: a storage, or the bytes of a constant. */
  at(address: number): Storage | Uint8Array<ArrayBuffer> {
    const found = this.find(address);
    if (found !== null) return found;
    throw new Error(`${this.name}: an operand at address ${address} is no tensor's`);
  }

  /** The same, or null where nothing of this device lies. */
  find(address: number): Storage | Uint8Array<ArrayBuffer> | null {
    const place = address - this.#constants;
    if (place >= 0 && place < 8 * CONSTANTS) {
      return new Uint8Array(this.#values.buffer.slice(place, place + 8));
    }
    const recent = this.#recent;
    for (let i = 0; i < RECENT; i++) {
      const storage = recent[(this.heap.clock - i) & (RECENT - 1)];
      if (storage === null || storage.address < 0) continue;
      const offset = address - storage.address;
      if (offset >= 0 && offset < Math.max(storage.bytes, 1)) return storage;
    }
    return null;
  }

  /** `result`, unless it says that a call of the library failed. */
  #check(result: number): number {
    if (result < 0) throw new Error(`${this.name}: ${this.#library.error()}`);
    return result;
  }
}
