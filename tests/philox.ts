/**
 * Philox4x32-10 in plain TypeScript, and which thread of PyTorch's CUDA kernels draws which element: what the device's
 * generators are tested against.
 */

/** The high and the low half of a product of two words. */
function product(a: number, b: number): [high: number, low: number] {
  const p = BigInt(a) * BigInt(b);
  return [Number(p >> 32n), Number(p & 0xffffffffn)];
}

/** Four words for a counter of four words, under a key of two. */
export function philox(counter: number[], key: number[]): number[] {
  let [x, y, z, w] = counter, [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [a, b] = product(0xD2511F53, x), [c, d] = product(0xCD9E8D57, z);
    [x, y, z, w] = [(c ^ y ^ k0) >>> 0, d, (a ^ w ^ k1) >>> 0, b];
    k0 = (k0 + 0x9E3779B9) >>> 0;
    k1 = (k1 + 0xBB67AE85) >>> 0;
  }
  return [x, y, z, w];
}

/** The words of thread `thread` of a draw in round `round`, from a generator's seed and offset. */
export function wordsOf(seed: bigint, offset: bigint, thread: number, round: number): number[] {
  const halves = (v: bigint) => [Number(v & 0xffffffffn), Number(v >> 32n & 0xffffffffn)];
  return philox([...halves(offset / 4n + BigInt(round)), ...halves(BigInt(thread))], halves(seed));
}

/** Threads of a draw of n elements on a device that holds `most` blocks of 256 at once. */
export function threadsOf(n: number, most: number): number {
  return 256 * Math.min(most, Math.ceil(n / 256));
}

/** `n` values of a draw: `make` gives `width` of them for four words, as many elements apart as there are threads. */
export function draw<V>(
  seed: bigint,
  offset: bigint,
  n: number,
  most: number,
  width: number,
  make: (words: number[]) => V[],
): V[] {
  const threads = threadsOf(n, most), out = new Array<V>(n);
  for (let thread = 0; thread < threads; thread++) {
    for (let first = thread, round = 0; first < n; first += threads * width, round++) {
      make(wordsOf(seed, offset, thread, round)).forEach((v, k) => {
        if (first + k * threads < n) out[first + k * threads] = v;
      });
    }
  }
  return out;
}

/** A uniform float32 in (0, 1] from a word. */
export function unit(word: number): number {
  return Math.fround(Math.fround(word) * 2 ** -32 + 2 ** -33);
}
