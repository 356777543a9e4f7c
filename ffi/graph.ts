/**
 * Work of a CUDA device that is recorded once and done many times, by one call of the driver.
 *
 * @module
 */
import type { RecordedGraph } from "../src/backend/devices.ts";
import type { Storage } from "../src/backend/storage.ts";
import { Constants, TABLE_BYTES } from "./constants.ts";
import type { CudaHeap } from "./heap.ts";
import { Verdicts } from "./verdicts.ts";

/** What a graph needs of its device. */
export interface GraphDevice {
  /** Reads from the device's memory. */
  readAt(address: number, bytes: number): Uint8Array<ArrayBuffer>;
  /** Writes into the device's memory. */
  writeAt(address: number, source: Uint8Array): void;
  /** Launches graph number `graph`; its verdicts are due when something next waits. */
  launch(graph: number, verdicts: Verdicts): void;
  /** Waits, and gives graph number `graph` up. */
  discard(graph: Graph, number: number): void;
}

/** A recording, while it is made and after. */
export class Graph implements RecordedGraph {
  /** Its own memory: what was made while recording keeps its address as long as the graph lives. */
  readonly heap: CudaHeap;
  /** The constants of its commands. */
  readonly constants: Constants;
  /** Its checks. What any replay finds stays until it is read. */
  readonly verdicts: Verdicts;
  readonly #device: GraphDevice;
  readonly #table: number;
  /** The storages of others that it uses. */
  readonly #used = new Set<Storage>();
  #number = -1;

  /** A recording that begins. */
  constructor(device: GraphDevice, heap: CudaHeap) {
    this.#device = device;
    this.heap = heap;
    this.#table = heap.reserve(TABLE_BYTES);
    this.constants = new Constants(this.#table, null);
    this.verdicts = new Verdicts(heap.reserve(Verdicts.bytes));
  }

  /** Lets a storage that was there before stay where it is. */
  pin(storage: Storage): void {
    if (this.#used.has(storage)) return;
    this.#used.add(storage);
    storage.pins++;
  }

  /** What was recorded is graph `number` of the library. */
  finish(number: number): void {
    this.#number = number;
    this.#device.writeAt(this.#table, this.constants.bytes());
    this.verdicts.clear(this.#device);
  }

  replay(): void {
    if (this.#number < 0) throw new Error("cuda.CUDAGraph: replay of a graph that holds nothing");
    for (const storage of this.#used) {
      if (storage.freed) {
        throw new Error(
          `cuda.CUDAGraph: a tensor that the graph reads or writes, of ${storage.bytes} bytes, was freed since; ` +
            "tensors that a graph uses must live as long as it does",
        );
      }
    }
    this.#device.launch(this.#number, this.verdicts);
  }

  free(): void {
    const number = this.#number;
    this.#number = -1;
    for (const storage of this.#used) storage.pins--;
    this.#used.clear();
    this.#device.discard(this, number);
    this.heap.close();
  }
}
