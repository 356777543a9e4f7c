/**
 * The numbers that every library is given, a function of a seed and a place alone; torch_peer.py has the same in Python.
 */

/** `size` well mixed 32-bit integers (the finalizer of MurmurHash3 on seed and place). */
function* hashes(seed: number, size: number): Generator<number> {
  for (let i = 0; i < size; i++) {
    let h = (i + Math.imul(seed, 0x9e3779b9)) >>> 0;
    h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
    h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
    yield (h ^ h >>> 16) >>> 0;
  }
}

/** `size` floats in [-1, 1). */
export function floats(seed: number, size: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(size);
  let i = 0;
  for (const h of hashes(seed, size)) out[i++] = h / 2 ** 31 - 1;
  return out;
}

/** `size` whole numbers from 0 to `below - 1`. */
export function ints(seed: number, size: number, below: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(size);
  let i = 0;
  for (const h of hashes(seed, size)) out[i++] = h % below;
  return out;
}

/** The number of elements of `shape`. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** A network's parameter number `i` before the first step: matrices in [-0.1, 0.1), biases 0. */
export function weight(i: number, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const size = sizeOf(shape);
  return shape.length > 1 ? floats(100 + i, size).map((x) => 0.1 * x) : new Float32Array(size);
}
