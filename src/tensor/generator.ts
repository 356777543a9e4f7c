/**
 * Generators of random numbers: PyTorch's Mersenne Twister. The CPU draws for every device, so the state lives in its
 * memory.
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
 * A stream of random numbers of its own: equal seeds give equal streams, the same as PyTorch's on the CPU.
 *
 * ```ts ignore
 * const generator = new torch.Generator().manualSeed(5);
 * torch.randn(20, { generator });
 * ```
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
    return cpu.touch(this.#state());
  }

  /** Its state in memory, which outlives every scope; made and seeded when it is first needed. */
  #state(): Storage {
    if (this.#storage === null) {
      this.#storage = unscoped(() => cpu.allocate(STATE_BYTES));
      this.#start(this.#seed ?? foreseenByNobody());
    }
    return this.#storage;
  }

  #start(seed: bigint): void {
    this.#seed = seed;
    if (this.#storage === null) return void this.#state();
    cpu.kernels.seed_generator(cpu.touch(this.#storage), Number(BigInt.asIntN(32, seed)));
  }

  /** Starts its stream anew from `seed`, of which the low 32 bits count. Negative seeds count from 2^64. */
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

  /** Its state -> [5056] of uint8, in PyTorch's form: `setState` goes on from there. */
  getState(): Tensor {
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
   * @throws RangeError when it is not [5056], or not the state of a generator.
   */
  setState(state: Tensor): this {
    if (!(state instanceof Tensor) || state.dtype !== uint8) {
      throw new TypeError("setState: a generator's state must be a tensor of torch.uint8");
    }
    if (state.numElements !== FORM.bytes) {
      throw new RangeError(
        `setState: a generator's state has shape [${FORM.bytes}], got ${show(state.shape)}`,
      );
    }
    const form = new DataView(state.toTypedArray().buffer as ArrayBuffer);
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
