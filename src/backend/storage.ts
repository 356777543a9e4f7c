/**
 * The memory behind one or more tensors, and the scopes that free it.
 *
 * @module
 */
import type { Backend } from "./backend.ts";

let count = 0;
let undisposed = 0;
let current: Scope | null = null;

/** Bytes on a device. Views of a tensor share one storage. */
export class Storage {
  /** The device's backend; null only in the heap's own sentinel. */
  readonly backend: Backend | null;
  /** Bytes it holds. */
  bytes: number;
  /** Rises with each storage made: tells which of two is newer. */
  readonly serial: number;
  /** Where it is in the device's memory; -1 when moved out or freed. */
  address: number = -1;
  /** When it was last used, on the backend's clock. */
  stamp: number = 0;
  /** When it was last looked at for moving out. */
  visited: number = 0;
  /** The older neighbour in the heap's ring of residents. */
  previous: Storage | null = null;
  /** The newer neighbour. */
  next: Storage | null = null;
  /** Its bytes while it is moved out. */
  copy: Uint8Array | null = null;
  /** Changes with every in-place operation on a tensor of this storage. */
  version: number = 0;
  /** The scope that frees it; null when nothing does. */
  scope: Scope | null;
  /** Whether it was freed. */
  freed: boolean = false;
  /** By how many recorded graphs it is used, which know its address: it does not move out. */
  pins: number = 0;

  /** Only backends make storages: see `Backend.allocate`. */
  constructor(backend: Backend | null, bytes: number) {
    this.backend = backend;
    this.bytes = bytes;
    this.serial = ++count;
    this.scope = current;
    if (backend !== null) undisposed++;
    if (current !== null) current.storages.push(this);
  }

  /** Gives the memory back at once. */
  free(): void {
    if (this.freed) return;
    this.freed = true;
    this.scope = null;
    undisposed--;
    if (this.address >= 0) this.backend!.release(this);
    this.copy = null;
  }

  /** Brings it back after it was moved out. */
  restore(): number {
    if (this.freed) {
      throw new Error(
        `a freed tensor was used (its storage of ${this.bytes} bytes was freed by dispose() or at the end of its scope): ` +
          "return it through scope.keep(x) to use it afterwards",
      );
    }
    this.backend!.restore(this);
    return this.address;
  }

  /** Makes it larger; what it held stays, zeros follow. It is given new memory when it is next used. */
  grow(bytes: number): void {
    const copy = new Uint8Array(bytes);
    copy.set(this.backend!.read(this, 0, this.bytes));
    this.backend!.release(this);
    this.bytes = bytes;
    this.copy = copy;
  }

  /** Takes it out of its scope, so that it lives as long as somebody holds it. */
  outlive(): void {
    this.scope = null;
  }

  /** What `console.log` shows, instead of the whole device. */
  [Symbol.for("Deno.customInspect")](): string {
    return `Storage(${this.bytes} bytes on ${this.backend?.name})`;
  }
}

/** How many storages were made so far. */
export function storagesMade(): number {
  return count;
}

/** How many storages were made and not disposed of, by a scope or by hand. */
export function storagesUndisposed(): number {
  return undisposed;
}

/** Frees, at the end of its block, every tensor made since it began; see `scope`. */
export class Scope implements Disposable {
  /** Storages made while it was the innermost scope. */
  readonly storages: Storage[] = [];
  // Not private fields: those cost as much to set as the rest of a scope.
  /** The scope around this one. */
  readonly outer: Scope | null = current;
  /** Whether it has ended. */
  done: boolean = false;

  /** Becomes the innermost scope at once. */
  constructor() {
    current = this;
  }

  /** Lets `x` (a tensor, or any array or record of tensors) outlive this scope; returns it. */
  keep<T>(x: T): T {
    for (const storage of storagesOf(x)) {
      if (storage.scope !== this) continue;
      storage.scope = this.outer;
      this.outer?.storages.push(storage);
    }
    return x;
  }

  /** Frees what was made in the scope and not kept. */
  [Symbol.dispose](): void {
    if (this.done) return;
    this.done = true;
    const { storages } = this;
    for (let i = 0; i < storages.length; i++) if (storages[i].scope === this) storages[i].free();
    storages.length = 0;
    // An outer scope may have been left first (an error in between): never make a finished scope current.
    if (current === this) current = this.outer;
  }
}

function* storagesOf(x: unknown): Iterable<Storage> {
  if (x === null || typeof x !== "object") return;
  if ("storage" in x && x.storage instanceof Storage) {
    yield x.storage;
    return;
  }
  const parts = Array.isArray(x) ? x : x instanceof Map ? x.values() : Object.values(x);
  for (const part of parts) yield* storagesOf(part);
}

/**
 * Begins a scope: `using scope = torch.scope();`. Every tensor made until the end of the block is freed there, at
 * once, except those given to `scope.keep(x)`, parameters, gradients and optimizer state.
 *
 * Scopes nest, and belong to synchronous blocks: tensors made by other code while an `await` inside the block is
 * pending are freed with it.
 */
export function scope(): Scope {
  return new Scope();
}

/** Runs `f` outside of every scope: what it makes lives as long as somebody holds it. */
export function unscoped<T>(f: () => T): T {
  const saved = current;
  current = null;
  try {
    return f();
  } finally {
    current = saved;
  }
}
