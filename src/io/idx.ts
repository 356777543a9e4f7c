/**
 * The idx file format, in which MNIST and its kin are published, and the gzip around it.
 *
 * A file is two zero bytes, a type code, the number of axes, one big-endian u32 per axis, and the
 * big-endian elements in row-major order.
 *
 * @see http://yann.lecun.com/exdb/mnist/ (the format, at the end of the page)
 * @module
 */

/** The element types of the format, by the names of ours. */
export type IdxDtype = "uint8" | "int8" | "int16" | "int32" | "float32" | "float64";

/** The typed array that holds elements of each type. */
export type IdxArray =
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** What an idx file holds. */
export interface IdxFile {
  /** The type of the elements. */
  dtype: IdxDtype;
  /** The size of every axis: `[60000, 28, 28]` for the MNIST training images. */
  shape: number[];
  /** The elements in row-major order, in memory of their own. */
  data: IdxArray;
}

/** Type code -> element type. The code 0x0a was never given out. */
const TYPES: ReadonlyMap<number, readonly [IdxDtype, new (count: number) => IdxArray]> = new Map([
  [0x08, ["uint8", Uint8Array] as const],
  [0x09, ["int8", Int8Array] as const],
  [0x0b, ["int16", Int16Array] as const],
  [0x0c, ["int32", Int32Array] as const],
  [0x0d, ["float32", Float32Array] as const],
  [0x0e, ["float64", Float64Array] as const],
]);

/**
 * Reads an idx file: shape [...] and elements, copied out of `bytes`.
 *
 * @param bytes The whole file, unzipped (see {@linkcode gunzip}).
 * @param name What messages call the file.
 * @throws {RangeError} If the file is truncated, or longer than its shape makes it.
 * @throws {TypeError} If `bytes` is no `Uint8Array`, or the type code is unknown.
 * @throws {Error} If it is not an idx file.
 */
export function parseIdx(bytes: Uint8Array, name = "bytes"): IdxFile {
  const where = `parseIdx: ${name}`;
  checkBytes(bytes, where);
  if (isGzip(bytes)) {
    throw new Error(`${where}: the file is gzipped: call gunzip first`);
  }
  if (bytes.length < 4) {
    throw new RangeError(
      `${where}: ${bytes.length} bytes, expected at least the 4 of the magic number`,
    );
  }
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    throw new Error(
      `${where}: magic number ${hex(bytes.subarray(0, 4))}, expected 0x0000 and a type code`,
    );
  }
  const type = TYPES.get(bytes[2]);
  if (type === undefined) {
    const known = [...TYPES].map(([code, [dtype]]) => `${hex([code])} (${dtype})`).join(", ");
    throw new TypeError(`${where}: type code ${hex([bytes[2]])}, expected one of ${known}`);
  }
  const axes = bytes[3];
  const start = 4 + 4 * axes;
  if (bytes.length < start) {
    throw new RangeError(
      `${where}: ${bytes.length} bytes, too short for the sizes of ${axes} axes, which end at ${start}`,
    );
  }

  const [dtype, ArrayType] = type;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  // Ends at 0 or, long before it loses precision, above any length: no product of sizes overflows.
  const count = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  const elementBytes = new ArrayType(0).BYTES_PER_ELEMENT;
  const found = bytes.length - start;
  if (found !== count * elementBytes) {
    const shown = `[${shape.slice(0, 8).join(", ")}${axes > 8 ? ", ..." : ""}]`;
    const verdict = found < count * elementBytes ? "the file is truncated" : "trailing bytes";
    throw new RangeError(
      `${where}: ${found} bytes of data, but ${dtype} ${shown} takes ${
        count * elementBytes
      }: ${verdict}`,
    );
  }
  const data = new ArrayType(count);
  const raw = new Uint8Array(data.buffer);
  raw.set(bytes.subarray(start));
  if (elementBytes > 1) {
    // Big-endian to little-endian (all that Deno and WASM run on): turning all bytes around turns
    // those of each element around, and turning the elements around puts them back in order.
    raw.reverse();
    data.reverse();
  }
  return { dtype, shape, data };
}

/**
 * Unzips a gzip stream of one member; bytes that don't start as gzip are given back as they are.
 *
 * @param bytes The whole file.
 * @param name What messages call the file.
 * @throws {TypeError} If `bytes` is no `Uint8Array`.
 * @throws {Error} If the stream is truncated, fails its checksum, or is followed by other bytes.
 */
export async function gunzip(bytes: Uint8Array, name = "bytes"): Promise<Uint8Array> {
  const where = `gunzip: ${name}`;
  checkBytes(bytes, where);
  if (!isGzip(bytes)) return bytes;
  const stream = new DecompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const copy = new Uint8Array(bytes); // as streams take no shared memory, nor memory that changes
  const written = writer.write(copy).then(() => writer.close());
  const read = new Response(stream.readable).arrayBuffer();
  try {
    const [unzipped] = await Promise.all([read, written]);
    return new Uint8Array(unzipped);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `${where}: ${bytes.length} bytes are not one whole gzip stream (truncated, damaged or followed ` +
        `by other bytes): ${reason}`,
      { cause },
    );
  }
}

/** Does it start as every gzip file does? (An idx file starts with two zeros.) */
function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function checkBytes(bytes: Uint8Array, where: string): void {
  if (bytes instanceof Uint8Array) return;
  const got: unknown = bytes;
  throw new TypeError(
    `${where}: got ${Object.prototype.toString.call(got)}, expected a Uint8Array`,
  );
}

function hex(bytes: Iterable<number>): string {
  return "0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
