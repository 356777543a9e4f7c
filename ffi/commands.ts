/**
 * The ring of commands: kernels' calls are written into memory that the library sees, and carried out many at a time by
 * one call of the library. Writing a command takes some nanoseconds; a call through a table of functions would take
 * hundreds, and the library would be entered once for each.
 *
 * @module
 */

/** Commands after which the device is told: few enough that it does not wait long, many enough to share the call. */
const BATCH = 16;
/** Words that the longest command may take. */
const LONGEST = 128;

/** Collects commands and submits them. */
export class Commands {
  readonly #ring: Float64Array;
  readonly #submit: (words: number) => void;
  #words = 0;
  #count = 0;

  /** `submit` carries out the commands in the first so many words of `ring`. */
  constructor(ring: Float64Array, submit: (words: number) => void) {
    this.#ring = ring;
    this.#submit = submit;
  }

  /** A function that writes a command: the kernel's place in the library's table, and its operands. */
  encoder(kernel: number): (...operands: number[]) => void {
    const ring = this.#ring, last = ring.length - LONGEST;
    return (...operands) => {
      const length = operands.length;
      let at = this.#words;
      ring[at++] = length + 2;
      ring[at++] = kernel;
      for (let i = 0; i < length; i++) ring[at++] = operands[i];
      this.#words = at;
      if (++this.#count >= BATCH || at > last) this.flush();
    };
  }

  /** Forgets what was written and not submitted. */
  drop(): void {
    this.#words = this.#count = 0;
  }

  /** Submits what was written. */
  flush(): void {
    const words = this.#words;
    if (words === 0) return;
    this.#words = this.#count = 0;
    this.#submit(words);
  }
}
