/** Safetensors files for the tests, written without the code under test. */

const utf8 = new TextEncoder();

/** A safetensors file, sound or not: a header (text, bytes or a value for JSON), data or its length. */
export function file(header: unknown, data: Uint8Array | number = 0): Uint8Array {
  const json = header instanceof Uint8Array
    ? header
    : utf8.encode(typeof header === "string" ? header : JSON.stringify(header));
  const tail = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + tail.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(tail, 8 + json.length);
  return bytes;
}

/** A tensor's entry in a header. */
export function entry(
  dtype: unknown,
  shape: unknown,
  ...offsets: unknown[]
): Record<string, unknown> {
  return { dtype, shape, data_offsets: offsets };
}
