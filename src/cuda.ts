/**
 * `torch.cuda`: the CUDA devices, their memory, streams and events.
 *
 * @module
 */
import {
  type CudaBackend,
  cudaDriver,
  type CudaLibrary,
  cudaProblem,
  currentCuda,
  openCuda,
  type RecordedGraph,
  setCurrentCuda,
} from "./backend/devices.ts";
import { cpu } from "./backend/wasm.ts";
import { describeValue } from "./tensor/describe.ts";
import { defaultGenerator, deviceGenerator, seedDevices } from "./tensor/generator.ts";
import type { Tensor } from "./tensor/tensor.ts";

export type { CudaLibrary, CudaLibraryName } from "./backend/devices.ts";
export * as nccl from "./cuda_nccl.ts";

/** A device: its number, or its name `"cuda"` or `"cuda:1"`; null is the current one. */
export type CudaDeviceName = number | string | null;

function nameOf(call: string, device: CudaDeviceName | undefined): string {
  if (device === null || device === undefined) return "cuda";
  if (typeof device === "number" && Number.isInteger(device) && device >= 0) {
    return `cuda:${device}`;
  }
  if (typeof device === "string" && /^cuda(:\d+)?$/.test(device)) return device;
  throw new TypeError(
    `cuda.${call}: expected a CUDA device's number or name, got ${describeValue(device)}`,
  );
}

function deviceOf(call: string, device: CudaDeviceName | undefined): CudaBackend {
  return openCuda(`cuda.${call}`, nameOf(call, device), cpu);
}

/** Whether there is a CUDA device to use: `const device = torch.cuda.isAvailable() ? "cuda" : "cpu"`. */
export function isAvailable(): boolean {
  return deviceCount() > 0;
}

/** The number of CUDA devices that can be used. */
export function deviceCount(): number {
  return cudaDriver()?.deviceCount() ?? 0;
}

/** Why `isAvailable()` is false, and what to do about it; null when it is true. */
export function problem(): string | null {
  return cudaProblem();
}

/**
 * Takes the library of CUDA kernels at `path`, before a device is first used. Without a call of it, the library is looked
 * for where DINOTORCH_CUDA_LIBRARY says, in `build/` beside the package, and where the system has its libraries.
 *
 * @throws Error when it is not such a library, cannot be opened, or finds no device.
 */
export function load(path: string | URL): void {
  const driver = cudaDriver();
  if (driver === null) throw new Error(`cuda.load: ${cudaProblem()}`);
  driver.load(path instanceof URL ? decodeURIComponent(path.pathname) : path);
}

/**
 * NVIDIA's libraries, cuBLASLt, cuDNN and NCCL: which are used, in which version, and what to do about those that are not.
 * They are opened for this, if they were not before; none are listed where the library of CUDA kernels is not there.
 *
 * ```ts ignore
 * console.table(torch.cuda.libraries());
 * ```
 */
export function libraries(): CudaLibrary[] {
  return cudaDriver()?.libraries() ?? [];
}

/** The number of the device that `"cuda"` means. */
export function currentDevice(): number {
  return currentCuda();
}

/**
 * Lets `"cuda"` mean another device.
 *
 * @throws Error when there is none of that number.
 */
export function setDevice(device: number | string): void {
  setCurrentCuda(deviceOf("setDevice", device).index);
}

/** A device's name: `"NVIDIA H100 80GB HBM3"`. */
export function getDeviceName(device: CudaDeviceName = null): string {
  return cudaDriver()!.deviceName(deviceOf("getDeviceName", device).index);
}

/** Waits until everything that was asked of a device is done. Throws what went wrong in its kernels. */
export function synchronize(device: CudaDeviceName = null): void {
  deviceOf("synchronize", device).synchronize();
}

/** Gives memory that no tensor uses back to the driver. */
export function emptyCache(device: CudaDeviceName = null): void {
  if (isAvailable()) deviceOf("emptyCache", device).emptyCache();
}

/** Bytes that a device's tensors take; those that the garbage collector has not seen to yet are among them. */
export function memoryAllocated(device: CudaDeviceName = null): number {
  return deviceOf("memoryAllocated", device).memory().bytes;
}

/** The most bytes that a device's tensors took since the last `resetPeakMemoryStats`. */
export function maxMemoryAllocated(device: CudaDeviceName = null): number {
  return deviceOf("maxMemoryAllocated", device).memory().peakBytes;
}

/** Bytes that were taken from the driver, used or not. */
export function memoryReserved(device: CudaDeviceName = null): number {
  return deviceOf("memoryReserved", device).reserved();
}

/** Lets the peak begin again at what is in use now. */
export function resetPeakMemoryStats(device: CudaDeviceName = null): void {
  deviceOf("resetPeakMemoryStats", device).resetPeak();
}

/** Free and total bytes of a device. */
export function memGetInfo(device: CudaDeviceName = null): [free: number, total: number] {
  return deviceOf("memGetInfo", device).available();
}

/** Seeds what draws for CUDA tensors: the default generator, which draws for all devices, and those of the devices. */
export function manualSeed(seed: number | bigint): void {
  defaultGenerator.manualSeed(seed);
  seedDevices(seed);
}

/** The same. */
export function manualSeedAll(seed: number | bigint): void {
  manualSeed(seed);
}

/** The state of the generator that draws the masks of dropout on a device -> [16] of uint8: seed and offset. */
export function getRngState(device: CudaDeviceName = "cuda"): Tensor {
  return deviceGenerator(deviceOf("getRngState", device)).getState();
}

/** Lets that generator go on from a state of `getRngState`. */
export function setRngState(state: Tensor, device: CudaDeviceName = "cuda"): void {
  deviceGenerator(deviceOf("setRngState", device)).setState(state);
}

/** Graphs whose objects are gone. */
const graphs = /* @__PURE__ */ new FinalizationRegistry<RecordedGraph>((graph) => graph.free());

/**
 * Work that was recorded once and is done again at a single call, without JavaScript between its kernels: for programs
 * whose kernels are so short that the device waits for the next one.
 *
 * ```ts ignore
 * for (let i = 0; i < 3; i++) step(); // makes what stays: the optimizer's state, gradients
 * const graph = new torch.cuda.CUDAGraph();
 * const loss = torch.cuda.graph(graph, step);
 * for (const batch of batches) {
 *   x.copy_(batch); // the tensors that it reads and writes stay the same
 *   graph.replay();
 * }
 * ```
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cuda.CUDAGraph.html
 */
export class CUDAGraph {
  #graph: RecordedGraph | null = null;

  /**
   * Takes a recording, in place of the one it had.
   *
   * @internal
   */
  take(graph: RecordedGraph): void {
    this.reset();
    this.#graph = graph;
    graphs.register(this, graph, this);
  }

  /**
   * Does the recorded work again, in the same memory. Checks of indexes and targets are made, and throw, when something
   * next waits for the device.
   *
   * @throws Error when nothing was recorded, or a tensor that the graph uses was freed.
   */
  replay(): void {
    if (this.#graph === null) {
      throw new Error("cuda.CUDAGraph: nothing was recorded; torch.cuda.graph(graph, f) does that");
    }
    this.#graph.replay();
  }

  /** Gives up what was recorded, and its memory; tensors that lie there move out of it. */
  reset(): void {
    if (this.#graph === null) return;
    graphs.unregister(this);
    this.#graph.free();
    this.#graph = null;
  }
}

/**
 * Runs `f` on the current device, which records its work in `graph` and does none of it: the result of `f`, whose elements
 * the first replay computes. Tensors made by `f` lie in memory of the graph's own. Run `f` a few times before, so that
 * what it makes once (an optimizer's state) is there.
 *
 * @throws Error when `f` reads elements, writes JavaScript's numbers into tensors, draws random numbers on the CPU or needs a
 * kernel that the host computes: nothing of that can be recorded.
 */
export function graph<T>(graph: CUDAGraph, f: () => T): T {
  const recorded = deviceOf("graph", null).record(f);
  graph.take(recorded.graph);
  return recorded.result;
}

/** Whether the current device records a graph. */
export function isCurrentStreamCapturing(): boolean {
  return isAvailable() && deviceOf("isCurrentStreamCapturing", null).recording;
}

/** Numbers of events whose objects are gone. */
const events = /* @__PURE__ */ new FinalizationRegistry<[CudaBackend, number]>(([device, event]) =>
  device.freeEvent(event)
);

/**
 * A mark in a device's work, for timing:
 *
 * ```ts ignore
 * const start = new torch.cuda.Event(), end = new torch.cuda.Event();
 * start.record();
 * y = x.matmul(x);
 * end.record();
 * end.synchronize();
 * console.log(start.elapsedTime(end)); // milliseconds
 * ```
 */
export class Event {
  #device: CudaBackend | null = null;
  #event = -1;

  /** The option is taken for PyTorch's sake: every event can time. */
  constructor(_options: { enableTiming?: boolean } = {}) {}

  /** Lets it stand for everything that was asked of the device so far. */
  record(stream: Stream = currentStream()): void {
    const device = deviceOf("Event", stream.device);
    if (this.#device !== device) {
      if (this.#device !== null) {
        events.unregister(this);
        this.#device.freeEvent(this.#event);
      }
      this.#device = device;
      this.#event = device.event();
      events.register(this, [device, this.#event], this);
    }
    device.recordEvent(this.#event);
  }

  /** Whether that is done; true before it is recorded. */
  query(): boolean {
    return this.#device === null || this.#device.queryEvent(this.#event);
  }

  /** Waits until that is done. */
  synchronize(): void {
    this.#device?.synchronize();
  }

  /**
   * Milliseconds of the device's time from this event to `end`.
   *
   * @throws Error unless both were recorded, on one device.
   */
  elapsedTime(end: Event): number {
    if (this.#device === null || this.#device !== end.#device) {
      throw new Error("cuda.Event: elapsedTime needs two events that were recorded on one device");
    }
    return this.#device.elapsed(this.#event, end.#event);
  }
}

/**
 * A queue of a device's work. A device has one here, and all streams stand for it: programs that are right with many
 * streams are right with one, whose work is done in the order it was asked for.
 */
export class Stream {
  /** The device's name. */
  readonly device: string;

  /** The stream of a device. */
  constructor(device: CudaDeviceName = null) {
    this.device = deviceOf("Stream", device).name;
  }

  /** Waits until everything is done. */
  synchronize(): void {
    deviceOf("Stream", this.device).synchronize();
  }

  /** Whether everything is done. */
  query(): boolean {
    return deviceOf("Stream", this.device).idle();
  }

  /** Records an event, a new one if none is given, and returns it. */
  recordEvent(event: Event = new Event()): Event {
    event.record(this);
    return event;
  }

  /** What is asked for from now on comes after the event: with one stream, always. */
  waitEvent(_event: Event): void {}

  /** What is asked for from now on comes after the other stream's work: with one stream, always. */
  waitStream(_stream: Stream): void {}
}

/** The stream of a device. */
export function currentStream(device: CudaDeviceName = null): Stream {
  return new Stream(device);
}
