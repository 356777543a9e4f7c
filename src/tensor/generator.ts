/**
 * Generators of random numbers: PyTorch's Mersenne Twister on the CPU, and its counters under Philox on CUDA devices. Each
 * has its state in its device's memory. The default one is the CPU's, which draws for every device but what is dropped
 * there: see `deviceGenerator`.
 *
 * @module
 */
import { describeValue } from "./describe.ts";
import type { Backend } from "../backend/backend.ts";
import { uint8 } from "../backend/dtype.ts";
import { type Storage, unscoped } from "../backend/storage.ts";
import { cpu } from "../backend/wasm.ts";
import { backendOf, emptyOn } from "./create.ts";
import { show } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** The seed of a generator that was given none. */
const DEFAULT_SEED = 67280421310721n;
/** A generator in memory: 624 words, the next one's number, and the cached normal number. */
const STATE_BYTES = 2512, POSITION = 2496, HAS_CACHED = 2500, CACHED = 2504;
const WORDS = 624;
/** A generator on a CUDA device: a seed and an offset (PyTorch's form of the state), and 16 bytes for the kernels. */
const COUNTER_BYTES = 32, COUNTER_FORM = 16;
/** PyTorch's form of the state, which `getState` gives: where its fields are. */
const FORM = {
  bytes: 5056,
  seed: 0,
  left: 8,
  seeded: 12,
  next: 16,
  words: 24,
  cached: 5024,
  has: 5040,
};

/** A seed as 64 bits without sign. Throws for anything else than a whole number from -2^63 below 2^64. */
function seedBits(call: string, seed: number | bigint): bigint {
  if (typeof seed !== "bigint" && !Number.isInteger(seed)) {
    throw new TypeError(
      `${call}: a seed must be a whole number or a bigint, got ${describeValue(seed)}`,
    );
  }
  const bits = BigInt(seed);
  if (bits < -(2n ** 63n) || bits >= 2n ** 64n) {
    throw new RangeError(`${call}: a seed must be from -2^63 to 2^64 - 1, got ${seed}`);
  }
  return BigInt.asUintN(64, bits);
}

/**
 * A stream of random numbers of its own: equal seeds give equal streams, the same as PyTorch's.
 *
 * ```ts ignore
 * const generator = new torch.Generator().manualSeed(5);
 * torch.randn(20, { generator });
 * ```
 *
 * One of a CUDA device draws there, other numbers than one of the CPU.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.Generator.html
 */
export class Generator {
  readonly #backend: Backend;
  #seed: bigint | null;
  #storage: Storage | null = null;

  /** Starts from PyTorch's default seed, on `device` (`"cpu"`). With `seed` null, from a seed that nobody can foresee. */
  constructor(device: string = "cpu", seed: number | bigint | null = DEFAULT_SEED) {
    this.#backend = backendOf("Generator", device);
    this.#seed = seed === null ? null : seedBits("Generator", seed);
  }

  /** The device whose tensors it fills. */
  get device(): string {
    return this.#backend.name;
  }

  /** That device's backend. */
  get backend(): Backend {
    return this.#backend;
  }

  /** The address of its state, for a kernel call that follows at once. */
  get pointer(): number {
    return this.#backend.touch(this.#state());
  }

  /** Its state in memory, which outlives every scope; made and seeded when it is first needed. */
  #state(): Storage {
    if (this.#storage === null) {
      const bytes = this.#counts ? COUNTER_BYTES : STATE_BYTES;
      this.#storage = unscoped(() => this.#backend.allocate(bytes));
      this.#start(this.#seed ?? foreseenByNobody());
    }
    return this.#storage;
  }

  #start(seed: bigint): void {
    this.#seed = seed;
    if (this.#storage === null) return void this.#state();
    if (this.#counts) return this.#writeCounter(seed, 0n);
    cpu.kernels.seed_generator(cpu.touch(this.#storage), Number(BigInt.asIntN(32, seed)));
  }

  /** Whether its numbers are made from counters, on a CUDA device. */
  get #counts(): boolean {
    return this.#backend !== cpu;
  }

  #writeCounter(seed: bigint, offset: bigint): void {
    const bytes = new Uint8Array(COUNTER_BYTES), view = new DataView(bytes.buffer);
    view.setBigUint64(0, seed, true);
    view.setBigUint64(8, offset, true);
    this.#backend.write(this.#storage!, 0, bytes);
  }

  /**
   * Starts its stream anew from `seed`; on the CPU, the low 32 bits of it count. Negative seeds count from 2^64.
   */
  manualSeed(seed: number | bigint): this {
    this.#start(seedBits("manualSeed", seed));
    return this;
  }

  /** Starts its stream anew from a seed that nobody can foresee, and returns that. */
  seed(): number {
    const seed = foreseenByNobody();
    this.#start(seed);
    return Number(seed);
  }

  /** The seed it was last started from. */
  initialSeed(): number | bigint {
    this.#state();
    const seed = this.#seed!, number = Number(seed);
    return Number.isSafeInteger(number) ? number : seed;
  }

  /** Its state -> [5056] of uint8, or [16] of a CUDA device's, in PyTorch's form: `setState` goes on from there. */
  getState(): Tensor {
    if (this.#counts) {
      const state = emptyOn(cpu, [COUNTER_FORM], uint8);
      cpu.write(state.storage, 0, this.#backend.read(this.#state(), 0, COUNTER_FORM));
      return state;
    }
    const own = new DataView(cpu.read(this.#state(), 0, STATE_BYTES).buffer);
    const form = new DataView(new ArrayBuffer(FORM.bytes));
    const position = own.getInt32(POSITION, true);
    // Before its first word PyTorch's generator stands at 0 with one step left; its first word is still the seed.
    const fresh = position === WORDS &&
      own.getUint32(0, true) === Number(this.#seed! & 0xffffffffn);
    form.setBigUint64(FORM.seed, this.#seed!, true);
    form.setInt32(FORM.left, fresh ? 1 : WORDS + 1 - position, true);
    form.setInt32(FORM.seeded, 1, true);
    form.setBigUint64(FORM.next, BigInt(fresh ? 0 : position), true);
    for (let k = 0; k < WORDS; k++) {
      form.setBigUint64(FORM.words + 8 * k, BigInt(own.getUint32(4 * k, true)), true);
    }
    if (own.getInt32(HAS_CACHED, true) !== 0) {
      form.setFloat64(FORM.cached, own.getFloat64(CACHED, true), true);
      form.setInt32(FORM.has, 1, true);
    }
    const state = emptyOn(cpu, [FORM.bytes], uint8);
    cpu.write(state.storage, 0, new Uint8Array(form.buffer));
    return state;
  }

  /**
   * Goes on from a state that `getState`, or PyTorch's `get_state`, gave.
   *
   * @throws TypeError when it is not a tensor of uint8.
   * @throws RangeError when it is not [5056], or [16] for a CUDA device's, or not the state of a generator.
   */
  setState(state: Tensor): this {
    if (!(state instanceof Tensor) || state.dtype !== uint8) {
      throw new TypeError("setState: a generator's state must be a tensor of torch.uint8");
    }
    const bytes = this.#counts ? COUNTER_FORM : FORM.bytes;
    if (state.numElements !== bytes) {
      throw new RangeError(
        `setState: a generator's state has shape [${bytes}], got ${show(state.shape)}`,
      );
    }
    const form = new DataView(state.toTypedArray().buffer as ArrayBuffer);
    if (this.#counts) {
      const offset = form.getBigUint64(8, true);
      if (offset % 4n !== 0n) {
        throw new RangeError(
          `setState: not the state of a generator: its offset ${offset} is not a multiple of 4`,
        );
      }
      this.#state();
      this.#seed = form.getBigUint64(0, true);
      this.#writeCounter(this.#seed, offset);
      return this;
    }
    const left = form.getInt32(FORM.left, true), next = form.getBigUint64(FORM.next, true);
    if (left < 1 || left > WORDS || next > BigInt(WORDS)) {
      throw new RangeError(
        `setState: not the state of a generator: ${left} words left after ${next}, of ${WORDS}`,
      );
    }
    const own = new DataView(new ArrayBuffer(STATE_BYTES));
    for (let k = 0; k < WORDS; k++) {
      own.setUint32(4 * k, Number(form.getBigUint64(FORM.words + 8 * k, true) & 0xffffffffn), true);
    }
    own.setInt32(POSITION, left === 1 ? WORDS : Number(next), true);
    if (form.getInt32(FORM.has, true) !== 0) {
      own.setInt32(HAS_CACHED, 1, true);
      own.setFloat64(CACHED, form.getFloat64(FORM.cached, true), true);
    }
    const storage = this.#state();
    this.#seed = form.getBigUint64(FORM.seed, true);
    cpu.write(storage, 0, new Uint8Array(own.buffer));
    return this;
  }
}

/** 53 random bits from the operating system. */
function foreseenByNobody(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0] >> 11n;
}

/** The generator that random functions use when they are given none; `torch.manualSeed` seeds it. */
export const defaultGenerator: Generator = /* @__PURE__ */ new Generator("cpu", null);

/** The generators that draw on CUDA devices where none is given, and the seed that those to come start from. */
const ofDevices = /* @__PURE__ */ new Map<Backend, Generator>();
let seedOfDevices: bigint | null = null;

/**
 * The generator for what is drawn again in every step and stays on the device, as the masks of dropout, where none is given:
 * a CUDA device's own, and the default one for the CPU.
 */
export function deviceGenerator(backend: Backend): Generator {
  if (backend === cpu) return defaultGenerator;
  let generator = ofDevices.get(backend);
  if (!generator) ofDevices.set(backend, generator = new Generator(backend.name, seedOfDevices));
  return generator;
}

/** Starts the generators of all CUDA devices anew, those that there will be too. */
export function seedDevices(seed: number | bigint): void {
  seedOfDevices = seedBits("manualSeed", seed);
  for (const generator of ofDevices.values()) generator.manualSeed(seed);
}
