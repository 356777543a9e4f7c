/**
 * Checks that a CUDA device makes by itself, and whose verdicts are read when something next waits for it.
 *
 * @module
 */
import type { DType } from "../src/backend/dtype.ts";

/** Checks that a table holds. */
export const CHECKS = 1024;
/** Of a verdict: whether an element is not as it should be, and the first that is not. */
const BYTES = 16;

/** Throws what is to be said about an element. */
export type Failure = (element: string) => never;

/** What verdicts need of their device. */
export interface VerdictMemory {
  readAt(address: number, bytes: number): Uint8Array<ArrayBuffer>;
  writeAt(address: number, source: Uint8Array): void;
}

/** A table of verdicts in the device's memory: zero where nothing is wrong, so that it can be used again as it is. */
export class Verdicts {
  /** Bytes of a table. */
  static readonly bytes: number = BYTES * CHECKS;
  readonly #address: number;
  readonly #checks: { dtype: DType; fail: Failure }[] = [];

  /** The table at `address`, which is not yet written: see `clear`. */
  constructor(address: number) {
    this.#address = address;
  }

  /** How many there are. */
  get count(): number {
    return this.#checks.length;
  }

  /** The address of the verdict of one more check. Throws `Error` when the table is full. */
  add(dtype: DType, fail: Failure): number {
    if (this.count === CHECKS) throw new Error(`more than ${CHECKS} checks in one graph`);
    return this.#address + BYTES * (this.#checks.push({ dtype, fail }) - 1);
  }

  /** Forgets the checks. */
  forget(): void {
    this.#checks.length = 0;
  }

  /** Writes that nothing is wrong. */
  clear(memory: VerdictMemory, count = CHECKS): void {
    memory.writeAt(this.#address, new Uint8Array(BYTES * count));
  }

  /** What throws the first that is not as it should be, or null; then all are clear again. */
  read(memory: VerdictMemory): (() => never) | null {
    const { count } = this, view = new DataView(memory.readAt(this.#address, BYTES * count).buffer);
    for (let i = 0; i < count; i++) {
      if (view.getBigInt64(BYTES * i, true) === 0n) continue;
      const { dtype, fail } = this.#checks[i], at = BYTES * i + 8;
      const element = dtype.kind === "float"
        ? view.getFloat64(at, true)
        : view.getBigInt64(at, true);
      this.clear(memory, count);
      return () => fail(String(element));
    }
    return null;
  }
}
