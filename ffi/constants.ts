/**
 * Constants as a CUDA device's kernels take them: by address, from a table in the device's memory.
 *
 * @module
 */
import { type DType, narrowBits } from "../src/backend/dtype.ts";

/** Constants in a table, of 8 bytes each. */
const CONSTANTS = 8192;
/** Bytes of a table. */
export const TABLE_BYTES: number = 8 * CONSTANTS;

type Value = number | bigint | boolean;

/** A table of constants: one that was used before costs nothing. */
export class Constants {
  readonly #address: number;
  readonly #store: ((address: number, low: number, high: number) => void) | null;
  /** A copy of the table. */
  readonly #values = new DataView(new ArrayBuffer(TABLE_BYTES));
  /** By dtype's suffix: value -> address; -0 under "-0", which a map does not tell from 0. */
  readonly #places = new Map<string, Map<Value | string, number>>();
  #next = 0;

  /**
   * The table at `address`. `store` writes 8 bytes, two halves of 32 bits, after the commands so far; without it whoever made
   * the table writes all of it, and it holds no more than its size.
   */
  constructor(
    address: number,
    store: ((address: number, low: number, high: number) => void) | null,
  ) {
    this.#address = address;
    this.#store = store;
  }

  /** The address of a constant. */
  of(value: Value, dtype: DType): number {
    let places = this.#places.get(dtype.suffix);
    if (!places) this.#places.set(dtype.suffix, places = new Map());
    const key = Object.is(value, -0) ? "-0" : value;
    return places.get(key) ?? this.#add(places, key, value, dtype);
  }

  #add(
    places: Map<Value | string, number>,
    key: Value | string,
    value: Value,
    dtype: DType,
  ): number {
    if (this.#next === CONSTANTS) {
      if (this.#store === null) throw new Error(`more than ${CONSTANTS} constants in one graph`);
      // Commands are carried out in order: those that use a place come before the one that writes it anew.
      this.#next = 0;
      for (const map of this.#places.values()) map.clear();
    }
    const place = 8 * this.#next, view = this.#values;
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
      case "_f16":
      case "_bf16":
        view.setUint16(place, narrowBits(Number(value), dtype)!, true);
        break;
      default:
        throw new TypeError(
          `a constant of ${dtype} has no kernel: it is computed in another dtype`,
        );
    }
    const address = this.#address + place;
    this.#next++;
    this.#store?.(address, view.getUint32(place, true), view.getUint32(place + 4, true));
    places.set(key, address);
    return address;
  }

  /** The bytes of the constant at an address; null where it is not in the table. */
  at(address: number): Uint8Array<ArrayBuffer> | null {
    const place = address - this.#address;
    if (place < 0 || place >= TABLE_BYTES) return null;
    return new Uint8Array(this.#values.buffer.slice(place, place + 8));
  }

  /** What stands in the table. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#values.buffer, 0, 8 * this.#next);
  }
}
