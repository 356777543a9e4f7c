/**
 * Deflate's other half (RFC 1951), for the library's own binaries: no host has one that is not asynchronous.
 *
 * @module
 */

/** In what order a block gives the lengths of the codes that its codes' lengths are written in. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Bits that follow a code of a distance, or of a length from 257 on. */
const DISTANCE_BITS = Array.from({ length: 30 }, (_, i) => Math.max(0, (i >> 1) - 1));
const LENGTH_BITS = Array.from({ length: 28 }, (_, i) => Math.max(0, (i >> 2) - 1)).concat(0);

/** The lengths of the codes of bytes and lengths in blocks that bring none. */
const FIXED = Uint8Array.from(
  { length: 288 },
  (_, i) => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8,
);

/** The least number that each code stands for. */
function least(bits: readonly number[], first: number): number[] {
  return bits.map((n) => (first += 1 << n) - (1 << n));
}

const DISTANCES = least(DISTANCE_BITS, 1);
const LENGTHS = least(LENGTH_BITS, 3).with(28, 258);

/** From the next bits of the stream to `symbol << 4 | bits taken`, for codes of these lengths. */
function tableOf(lengths: Uint8Array): Uint16Array {
  const most = Math.max(1, ...lengths), table = new Uint16Array(1 << most);
  for (let bits = 1, code = 0; bits <= most; bits++, code <<= 1) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== bits) continue;
      let first = 0; // codes come from their highest bit on, everything else from its lowest
      for (let i = 0; i < bits; i++) first |= (code >> i & 1) << (bits - 1 - i);
      for (let i = first; i < table.length; i += 1 << bits) table[i] = symbol << 4 | bits;
      code++;
    }
  }
  return table;
}

/**
 * What `source` was before `deflate`: `size` bytes.
 *
 * It is for binaries that the build has made, and does not look for damage beyond their length.
 */
export function inflate(source: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  let to = 0, from = 0, held = 0, count = 0;
  const fill = (n: number) => {
    for (; count < n; count += 8) held |= source[from++] << count;
  };
  const bits = (n: number) => {
    fill(n);
    const value = held & (1 << n) - 1;
    held >>>= n;
    count -= n;
    return value;
  };
  const symbol = (table: Uint16Array) => {
    fill(15);
    const entry = table[held & table.length - 1], taken = entry & 15;
    held >>>= taken;
    count -= taken;
    return entry >> 4;
  };
  /** The two tables of a block with its own codes: of bytes and lengths, and of distances. */
  const tables = () => {
    const n = bits(5) + 257, all = n + bits(5) + 1, given = bits(4) + 4;
    const inner = new Uint8Array(19), lengths = new Uint8Array(all);
    for (let i = 0; i < given; i++) inner[ORDER[i]] = bits(3);
    const table = tableOf(inner);
    for (let i = 0; i < all;) {
      const s = symbol(table);
      if (s < 16) lengths[i++] = s;
      else {
        const value = s === 16 ? lengths[i - 1] : 0;
        const times = s === 16 ? 3 + bits(2) : s === 17 ? 3 + bits(3) : 11 + bits(7);
        lengths.fill(value, i, i += times);
      }
    }
    return [tableOf(lengths.subarray(0, n)), tableOf(lengths.subarray(n))];
  };
  for (let last = 0; last === 0;) {
    last = bits(1);
    const kind = bits(2);
    if (kind === 3) throw new Error("inflate: a block of an unknown kind");
    if (kind === 0) {
      bits(count & 7); // what is left of the byte
      const length = bits(16);
      bits(16); // its complement
      for (const end = to + length; to < end; to++) out[to] = bits(8);
      continue;
    }
    const [literals, distances] = kind === 1
      ? [tableOf(FIXED), tableOf(new Uint8Array(30).fill(5))]
      : tables();
    for (let s; (s = symbol(literals)) !== 256;) {
      if (s < 256) {
        out[to++] = s;
        continue;
      }
      const end = to + LENGTHS[s - 257] + bits(LENGTH_BITS[s - 257]), d = symbol(distances);
      const distance = DISTANCES[d] + bits(DISTANCE_BITS[d]);
      for (; to < end; to++) out[to] = out[to - distance];
    }
  }
  if (to !== size) throw new Error(`inflate: expected ${size} bytes, got ${to}`);
  return out;
}
