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
import { narrowManifest } from "../src/backend/narrow_kernels.ts";
import { Storage, unscoped } from "../src/backend/storage.ts";
import { Commands } from "./commands.ts";
import { Constants, TABLE_BYTES } from "./constants.ts";
import { Graph } from "./graph.ts";
import { CudaHeap, type DeviceMemory } from "./heap.ts";
import { hostKernel } from "./host.ts";
import { type Library, STORE_CONSTANT } from "./library.ts";
import { CHECKS, type Failure, Verdicts } from "./verdicts.ts";

/** Bytes of working space that the library has of its own: cuda/common.cuh. */
const WORKSPACE = 32 << 20;
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
  readonly #memory: DeviceMemory;
  readonly #constants: Constants;
  /** Checks of what was not recorded; null before the first. */
  #verdicts: Verdicts | null = null;
  /** The checks, of that and of graphs, whose verdicts are not yet read. */
  #due = new Set<Verdicts>();
  /** The graph that is being recorded. */
  #graph: Graph | null = null;
  /** The graphs that live, and which storages lie in their memory. */
  readonly #graphs = new Set<Graph>();
  readonly #pooled = new WeakMap<Storage, CudaHeap>();
  /** Where kernels work that need more than the library's own working space, and how many bytes there are. */
  #space: Storage | null = null;
  #room = WORKSPACE;

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
    this.#memory = {
      allocate: (bytes) => this.#check(symbols.dino_allocate(context, bytes)),
      free: (address) => void this.#check(symbols.dino_free(context, address)),
      read: (address, bytes) => this.readAt(address, bytes),
      write: (address, bytes) => this.writeAt(address, bytes),
    };
    this.heap = new CudaHeap(this.#memory, total, total * BUDGET);
    this.#constants = new Constants(
      this.heap.reserve(TABLE_BYTES),
      this.#commands.encoder(library.kernels.get(STORE_CONSTANT)!),
    );

    const names = Object.keys(manifest) as KernelName[];
    this.onHost = names.filter((name) => !library.kernels.has(name));
    const encoder = (name: string) => this.#commands.encoder(library.kernels.get(name)!);
    // The narrow kernels that the library has not are not there: their operations compute in float32.
    const narrow = Object.keys(narrowManifest).filter((name) => library.kernels.has(name));
    this.kernels = Object.fromEntries([
      ...names.map((name) => {
        if (!library.kernels.has(name)) return [name, hostKernel(name, this, host)];
        const encode = encoder(name), state = manifest[name].indexOf("inout state");
        if (state < 0) return [name, encode];
        // The host draws from a generator of its own; one of the device's is drawn from there.
        const onHost = hostKernel(name, this, host);
        return [name, (...values: number[]) => {
          (this.find(values[state]) === null ? onHost : encode)(...values);
        }];
      }),
      ...narrow.map((name) => [name, encoder(name)]),
    ]) as unknown as Kernels;
  }

  allocate(bytes: number): Storage {
    if (!(bytes >= 0)) throw new TypeError(`allocate: expected a number of bytes, got ${bytes}`);
    const storage = new Storage(this, bytes), graph = this.#graph;
    if (graph !== null) this.#pooled.set(storage, graph.heap);
    try {
      (graph?.heap ?? this.heap).place(storage);
    } catch (e) {
      storage.free();
      if (e instanceof RangeError) throw new RangeError(`${this.name}: ${e.message}`);
      throw e;
    }
    return storage;
  }

  release(storage: Storage): void {
    (this.#graphs.size > 0 && this.#pooled.get(storage) || this.heap).release(storage);
  }

  restore(storage: Storage): void {
    this.#pooled.delete(storage);
    this.heap.restore(storage);
  }

  touch(storage: Storage): number {
    const stamp = storage.stamp = ++this.heap.clock;
    this.#recent[stamp & (RECENT - 1)] = storage;
    const address = storage.address >= 0 ? storage.address : storage.restore();
    if (this.#graph !== null && !this.#pooled.has(storage)) this.#graph.pin(storage);
    return address;
  }

  scalar(value: number | bigint | boolean, dtype: DType): number {
    return (this.#graph?.constants ?? this.#constants).of(value, dtype);
  }

  /**
   * The number of bytes itself, which kernels that the host computes are given of the host's. Those of the library have
   * a working space of their own, which grows to `atOnce` bytes.
   */
  scratch(bytes: number, atOnce = 0): number {
    if (atOnce > this.#room) this.#workIn(Math.max(atOnce, 2 * this.#room));
    return bytes;
  }

  /** Lets kernels work in `bytes` bytes of the heap, which stay where they are; with 0, in the library's own space. */
  #workIn(bytes: number): void {
    const before = this.#space;
    let space: Storage | null = null;
    if (bytes > 0) {
      space = unscoped(() => new Storage(this, bytes));
      this.heap.place(space);
      space.pins++;
      this.#graph?.pin(space);
    }
    // Those before may still use the old space, which is given to others in the order of the commands.
    this.#commands.flush();
    this.#check(
      this.#library.symbols.dino_workspace(
        this.#context,
        space === null ? 0 : space.address,
        bytes,
      ),
    );
    this.#space = space;
    this.#room = space === null ? WORKSPACE : bytes;
    if (before === null) return;
    before.pins--;
    // A graph that works there keeps it.
    if (before.pins === 0) before.free();
  }

  read(storage: Storage, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    this.refuse("reads a tensor's elements");
    const out = new Uint8Array(bytes);
    this.#readInto(out, this.touch(storage) + offset, bytes);
    return out;
  }

  write(storage: Storage, offset: number, source: Uint8Array): void {
    this.refuse("writes JavaScript's numbers into a tensor");
    this.writeAt(this.touch(storage) + offset, source);
  }

  readElement(storage: Storage, index: number, dtype: DType): number | bigint | boolean {
    this.refuse("reads an element");
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

  check(dtype: DType, run: (verdict: number) => void, fail: Failure): void {
    if (this.#graph !== null) return run(this.#graph.verdicts.add(dtype, fail));
    if (this.#verdicts === null) {
      this.#verdicts = new Verdicts(this.heap.reserve(Verdicts.bytes));
      this.#verdicts.clear(this);
    }
    if (this.#verdicts.count === CHECKS) this.synchronize();
    run(this.#verdicts.add(dtype, fail));
    this.#due.add(this.#verdicts);
  }

  /** Reads the verdicts that are due, the device having done everything; the first that is bad throws. */
  #makeChecks(): void {
    const due = this.#due;
    if (due.size === 0) return;
    this.#due = new Set();
    let failure: (() => never) | null = null;
    for (const verdicts of due) {
      const bad = verdicts.read(this);
      failure ??= bad;
    }
    this.#verdicts?.forget();
    failure?.();
  }

  get recording(): boolean {
    return this.#graph !== null;
  }

  /** Throws when work is recorded, whose result is not there. */
  refuse(what: string): void {
    if (this.#graph === null) return;
    throw new Error(
      `cuda.graph: the recorded function ${what}; while a graph is recorded, nothing is computed. Do that before`,
    );
  }

  record<T>(f: () => T): { result: T; graph: Graph } {
    if (this.#graph !== null) throw new Error("cuda.graph: a graph is being recorded already");
    this.synchronize();
    const [, total] = this.available(), { symbols } = this.#library, context = this.#context;
    const device = {
      readAt: (address: number, bytes: number) => this.readAt(address, bytes),
      writeAt: (address: number, source: Uint8Array) => this.writeAt(address, source),
      launch: (number: number, verdicts: Verdicts) => {
        this.#commands.flush();
        this.#check(symbols.dino_replay(context, number));
        if (verdicts.count > 0) this.#due.add(verdicts);
      },
      discard: (graph: Graph, number: number) => {
        this.synchronize();
        if (number >= 0) this.#check(symbols.dino_graph_free(context, number));
        this.#graphs.delete(graph);
      },
    };
    const graph = new Graph(device, new CudaHeap(this.#memory, total, Infinity, Infinity));
    try {
      this.#check(symbols.dino_capture_begin(context));
    } catch (e) {
      graph.heap.close();
      throw e;
    }
    this.#graphs.add(graph);
    this.#graph = graph;
    if (this.#space !== null) graph.pin(this.#space);
    let finished = false, number = -1;
    try {
      const result = f();
      this.#commands.flush();
      finished = true;
      return { result, graph };
    } finally {
      this.#commands.drop();
      this.#graph = null;
      number = symbols.dino_capture_end(context, Number(finished));
      if (finished && number >= 0) graph.finish(number);
      else {
        graph.free();
        if (finished) this.#check(number);
      }
    }
  }

  memory(): MemoryStats {
    const sum = { tensors: 0, bytes: 0, peakBytes: 0, movedOut: 0, movedIn: 0 };
    for (const { residents, used, peak, movedOut, movedIn } of this.#heaps()) {
      sum.tensors += residents;
      sum.bytes += used;
      sum.peakBytes += peak;
      sum.movedOut += movedOut;
      sum.movedIn += movedIn;
    }
    return sum;
  }

  #heaps(): CudaHeap[] {
    return [this.heap, ...[...this.#graphs].map((graph) => graph.heap)];
  }

  resetPeak(): void {
    for (const heap of this.#heaps()) heap.peak = heap.used;
  }

  /** Submits what was asked for. */
  flush(): void {
    this.#commands.flush();
  }

  synchronize(): void {
    this.refuse("waits for the device");
    this.#commands.flush();
    this.#check(this.#library.symbols.dino_synchronize(this.#context));
    this.#makeChecks();
  }

  idle(): boolean {
    this.#commands.flush();
    return this.#check(this.#library.symbols.dino_idle(this.#context)) === 1;
  }

  emptyCache(): void {
    this.synchronize();
    if (this.#space !== null) this.#workIn(0);
    this.heap.trim();
  }

  reserved(): number {
    return this.#heaps().reduce((sum, heap) => sum + heap.reserved, 0);
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
    this.#copyOut(out, address, bytes);
    return out;
  }

  /** The same for a program that wants to see them: what went wrong before is thrown instead. */
  #readInto(out: Uint8Array<ArrayBuffer>, address: number, bytes: number): void {
    this.#copyOut(out, address, bytes);
    this.#makeChecks();
  }

  #copyOut(out: Uint8Array<ArrayBuffer>, address: number, bytes: number): void {
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
    const constant = this.#constants.at(address);
    if (constant !== null) return constant;
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
