/**
 * A device's memory, used as a cache of storages with a budget.
 *
 * When the budget is reached, the storages that were not used for longest move to ordinary JavaScript buffers. Those
 * nobody holds are then freed by the garbage collector; the others come back when they are used. So a program that
 * never frees anything runs in bounded memory, in a synchronous loop too, where no finalizer would ever be called.
 *
 * @module
 */
import { Storage } from "./storage.ts";

/** Blocks up to this size come from free lists of equal blocks; larger ones from a list of gaps. */
const SMALL = 65536;
const CHUNK = 1 << 20;
/** What blocks below 4 KiB are cut from. */
const SMALL_CHUNK = 65536;
/** A storage used within the last so many pointer reads belongs to the call in progress and stays where it is. */
const IN_USE = 16;
/** Where small storages begin to move out, however few bytes they take: young objects are cheap to collect, old ones not. */
const RESIDENTS = 8192;

/** Bytes that a block of `bytes` takes: 64-byte steps, then four steps to each power of two. */
function blockSize(bytes: number): number {
  if (bytes <= 1024) return Math.max(64, (bytes + 63) & ~63);
  if (bytes > SMALL) return Math.ceil(bytes / 4096) * 4096;
  const step = 1 << (29 - Math.clz32(bytes - 1));
  return (bytes + step - 1) & ~(step - 1);
}

/** One free stretch of memory. */
interface Gap {
  address: number;
  size: number;
}

/** Allocates, frees, moves out and brings back the storages of one device; a subclass knows where bytes are. */
export abstract class Heap {
  /** Counts pointer reads; a storage's stamp says when it was last used. */
  clock = 0;
  /** Bytes in blocks now, and at most since the last reset. */
  used = 0;
  peak = 0;
  /** Storages in the memory now. */
  residents = 0;
  /** Bytes moved out and brought back, for statistics. */
  movedOut = 0;
  movedIn = 0;
  /** Bytes the blocks may take before storages move out; grows when what moved out keeps coming back. */
  budget: number;

  readonly #free = new Map<number, number[]>();
  /** Gaps in address order; none touches its neighbour. */
  readonly #gaps: Gap[] = [];
  /** Residents in a ring through this sentinel, oldest first. */
  readonly #ring = new Storage(null, 0);
  /** How many storages may be in the memory; grows as the budget does. */
  #maxResidents: number;
  /** Bytes and storages that came back, and bytes allocated, since the limits were last looked at. */
  #allocatedInWindow = 0;
  #movedInWindow = 0;
  #returnedInWindow = 0;

  /** The most bytes that the memory may ever hold. */
  protected readonly limit: number;

  constructor(limit: number, budget: number, residents = RESIDENTS) {
    this.limit = limit;
    this.budget = budget;
    this.#maxResidents = residents;
    this.#ring.previous = this.#ring.next = this.#ring;
  }

  /** A copy of bytes of the memory. */
  protected abstract copyOut(address: number, bytes: number): Uint8Array<ArrayBuffer>;
  /** Writes bytes into the memory. */
  protected abstract copyIn(address: number, bytes: Uint8Array): void;
  /** The address of `size` bytes more of memory, or -1 when there are none. */
  protected abstract extend(size: number): number;

  /** Whether `storage` moves out only when there is no other way to make room. */
  protected spares(_storage: Storage): boolean {
    return false;
  }

  /** Gives `storage` a block of its own. Throws `RangeError` when the memory cannot hold it. */
  place(storage: Storage): void {
    const size = blockSize(storage.bytes), possible = size <= this.limit;
    if (possible && (this.used + size > this.budget || this.residents >= this.#maxResidents)) {
      this.#makeRoom(size);
    }
    let address = possible ? this.#take(size) : -1;
    while (address < 0) {
      // Fragmented, or truly full: move out more until a block fits.
      if (!possible || !this.#moveOutOldest(true)) {
        throw new RangeError(
          `out of memory: asked for ${storage.bytes} bytes; ${this.used} bytes are held by ${this.residents} tensors`,
        );
      }
      address = this.#take(size);
    }
    storage.address = address;
    storage.stamp = ++this.clock;
    this.used += size;
    if (this.used > this.peak) this.peak = this.used;
    this.residents++;
    this.#allocatedInWindow += size;
    const ring = this.#ring, last = ring.previous!;
    storage.previous = last;
    storage.next = ring;
    last.next = storage;
    ring.previous = storage;
  }

  /** Takes back the block of `storage`. */
  release(storage: Storage): void {
    const size = blockSize(storage.bytes), address = storage.address;
    this.used -= size;
    this.residents--;
    storage.previous!.next = storage.next;
    storage.next!.previous = storage.previous;
    storage.previous = storage.next = null;
    storage.address = -1;
    if (size > SMALL) this.addGap(address, size);
    else this.#list(size).push(address);
  }

  /** Brings a storage that was moved out back into the memory. */
  restore(storage: Storage): void {
    const copy = storage.copy!;
    this.movedIn += storage.bytes;
    this.#movedInWindow += storage.bytes;
    this.#returnedInWindow++;
    // Live data that keeps coming back means that the limits are below the program's working set.
    if (this.#movedInWindow * 4 > this.budget) {
      this.budget = Math.min(this.budget * 1.5, this.limit);
      this.#newWindow();
    } else if (this.#returnedInWindow * 4 > this.#maxResidents) {
      this.#maxResidents *= 2;
      this.#newWindow();
    } else if (this.#allocatedInWindow > 4 * this.budget) this.#newWindow();
    this.place(storage);
    this.copyIn(storage.address, copy);
    storage.copy = null;
  }

  /** A block that is never moved or freed, for scratch space and constants. */
  reserve(bytes: number): number {
    const size = blockSize(bytes);
    const address = this.#take(size);
    if (address < 0) {
      throw new RangeError(`out of memory: asked for ${bytes} bytes of scratch space`);
    }
    return address;
  }

  #newWindow(): void {
    this.#movedInWindow = this.#returnedInWindow = this.#allocatedInWindow = 0;
  }

  #makeRoom(size: number): void {
    // An eighth of the limits at a time, so that the walk is paid rarely.
    const bytes = this.budget - size - (this.used + size > this.budget ? this.budget / 8 : 0);
    const residents = this.#maxResidents -
      (this.residents >= this.#maxResidents ? this.#maxResidents / 8 : 0);
    while ((this.used > bytes || this.residents > residents) && this.#moveOutOldest(false));
    if (this.used + size > this.budget) {
      this.budget = Math.min((this.used + size) * 1.25, this.limit);
    }
    if (this.residents >= this.#maxResidents) this.#maxResidents *= 2;
  }

  /** Moves out the storage that was not used for longest; false when all are in use. */
  #moveOutOldest(desperate: boolean): boolean {
    const ring = this.#ring;
    for (let visits = 2 * this.residents; visits > 0; visits--) {
      const oldest = ring.next!;
      if (oldest === ring) return false;
      const inUse = this.clock - oldest.stamp < IN_USE || oldest.pins > 0 ||
        (!desperate && this.spares(oldest));
      if (inUse || (!desperate && oldest.stamp > oldest.visited)) {
        // Used since the last visit: goes to the end of the line once more.
        oldest.visited = this.clock;
        oldest.previous!.next = oldest.next;
        oldest.next!.previous = oldest.previous;
        const last = ring.previous!;
        oldest.previous = last;
        oldest.next = ring;
        last.next = oldest;
        ring.previous = oldest;
        continue;
      }
      this.#moveOut(oldest);
      return true;
    }
    return false;
  }

  #moveOut(storage: Storage): void {
    storage.copy = this.copyOut(storage.address, storage.bytes);
    this.movedOut += storage.bytes;
    this.release(storage);
  }

  /** Moves out all storages. */
  protected vacate(): void {
    while (this.#ring.next !== this.#ring) this.#moveOut(this.#ring.next!);
  }

  #list(size: number): number[] {
    let list = this.#free.get(size);
    if (!list) this.#free.set(size, list = []);
    return list;
  }

  /** The address of a free block of `size` (a block size), or -1. */
  #take(size: number): number {
    if (size > SMALL) return this.#takeGap(size);
    const list = this.#list(size);
    if (list.length === 0) {
      const chunk = Math.max(size, Math.floor((size < 4096 ? SMALL_CHUNK : CHUNK) / size) * size);
      const start = this.#takeGap(chunk);
      if (start < 0) return -1;
      for (let a = start + chunk - size; a >= start; a -= size) list.push(a);
    }
    return list.pop()!;
  }

  #takeGap(size: number): number {
    const gaps = this.#gaps;
    let best = -1;
    for (let i = 0; i < gaps.length; i++) {
      if (gaps[i].size >= size && (best < 0 || gaps[i].size < gaps[best].size)) best = i;
    }
    if (best >= 0) {
      const gap = gaps[best], address = gap.address;
      gap.address += size;
      gap.size -= size;
      if (gap.size === 0) gaps.splice(best, 1);
      return address;
    }
    return this.extend(size);
  }

  /** The gaps, in address order. */
  protected get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** Takes a gap out, whole; false unless it is one. */
  protected removeGap(address: number, size: number): boolean {
    const i = this.#gaps.findIndex((gap) => gap.address === address && gap.size === size);
    if (i >= 0) this.#gaps.splice(i, 1);
    return i >= 0;
  }

  /** Lets a stretch of memory be used. */
  protected addGap(address: number, size: number): void {
    const gaps = this.#gaps;
    let low = 0, high = gaps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (gaps[middle].address < address) low = middle + 1;
      else high = middle;
    }
    const before = gaps[low - 1], after = gaps[low];
    const joinsBefore = before !== undefined && before.address + before.size === address;
    const joinsAfter = after !== undefined && address + size === after.address;
    if (joinsBefore && joinsAfter) {
      before.size += size + after.size;
      gaps.splice(low, 1);
    } else if (joinsBefore) before.size += size;
    else if (joinsAfter) {
      after.address = address;
      after.size += size;
    } else gaps.splice(low, 0, { address, size });
  }
}
