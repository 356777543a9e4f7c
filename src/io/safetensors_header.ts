/**
 * The parts of a safetensors header, each checked by itself: its JSON, dtypes, sizes and texts.
 *
 * @module
 */

/** Bits per element. The order is the one in which the official writer lays tensors out. */
const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ...["U64", "I64", "F64", "C64"].map((dtype) => [dtype, 64] as const),
  ...["F32", "U32", "I32"].map((dtype) => [dtype, 32] as const),
  ...["BF16", "F16", "U16", "I16"].map((dtype) => [dtype, 16] as const),
  ...["F8_E5M2FNUZ", "F8_E4M3FNUZ", "F8_E8M0", "F8_E4M3", "F8_E5M2", "I8", "U8"]
    .map((dtype) => [dtype, 8] as const),
  ...([["F6_E3M2", 6], ["F6_E2M3", 6], ["F4", 4], ["BOOL", 8]] as const),
]);
/** Every dtype that a file may hold, in the official writer's order. */
export const DTYPES: readonly string[] = [...DTYPE_BITS.keys()];
/** The header key that is no tensor. */
export const METADATA = "__metadata__";
/** The longest header, in bytes: the official reader's limit. */
export const MAX_HEADER = 100_000_000;
/** The deepest header: the official reader's limit. A sound one has 3 levels. */
const MAX_DEPTH = 128;

/**
 * Reads the header of a safetensors file: its JSON object, and where the data starts. The fields
 * in the object are not checked.
 *
 * @throws {RangeError} If the file is too short for its header, or that is longer than allowed.
 * @throws {TypeError} If the header is JSON, but no object.
 * @throws {Error} If the header is not JSON in UTF-8, nested too deep, or holds a key twice.
 */
export function readHeader(bytes: Uint8Array, where: string): [Record<string, unknown>, number] {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`${where}: got ${show(bytes)}, expected a Uint8Array`);
  }
  if (bytes.length < 8) {
    throw new RangeError(`${where}: ${bytes.length} bytes, too short for the 8 of a header length`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER) {
    throw new RangeError(
      `${where}: a header of ${length} bytes, at most ${MAX_HEADER} allowed: is it a safetensors file?`,
    );
  }
  const end = 8 + Number(length);
  if (end > bytes.length) {
    throw new RangeError(`${where}: the header ends at ${end}, but the file at ${bytes.length}`);
  }
  let flaw: string | undefined;
  let header: unknown;
  try {
    const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const text = utf8.decode(bytes.subarray(8, end));
    flaw = findFlaw(text);
    if (flaw === undefined) header = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${where}: the header is not JSON in UTF-8: ${reason}`, { cause });
  }
  if (flaw !== undefined) throw new Error(`${where}: the header ${flaw}`);
  if (!isObject(header)) {
    throw new TypeError(`${where}: the header is ${show(header)}, expected a JSON object`);
  }
  return [header, end];
}

/** What `JSON.parse` hides (a key that occurs twice) or may die of (100 MB of brackets). */
function findFlaw(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // the keys met in every object around `i`
  const colon = /[ \t\r\n]*:/y;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === "{" || c === "[") {
      if (open.push(undefined) > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    } else if (c === "}" || c === "]") {
      open.pop();
    } else if (c === '"') {
      const start = i++;
      while (i < json.length && json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
      colon.lastIndex = i + 1;
      if (open.length === 0 || !colon.test(json)) continue;
      const key: string = JSON.parse(json.slice(start, i + 1));
      const keys = open[open.length - 1] ??= new Set();
      if (keys.has(key)) return `holds the key ${show(key)} twice`;
      keys.add(key);
    }
  }
}

/**
 * The bytes that a tensor takes. dtype, shape [...] -> bytes.
 *
 * @throws {TypeError} If the dtype is unknown, or the shape is not an array of numbers.
 * @throws {RangeError} If a size is not a whole number from 0 to 2^53 - 1, or they make more than
 * 2^53 bits (2^50 bytes), or elements of less than a byte don't fill the last one.
 */
export function byteSize(dtype: unknown, shape: unknown, where: string): number {
  let bits = typeof dtype === "string" ? DTYPE_BITS.get(dtype) : undefined;
  if (bits === undefined) {
    throw new TypeError(`${where}: dtype ${show(dtype)}, expected one of ${DTYPES.join(", ")}`);
  }
  if (!Array.isArray(shape)) {
    throw new TypeError(`${where}: shape is ${show(shape)}, expected an array of sizes`);
  }
  for (const size of shape) {
    checkSize(size, `${where}: shape ${show(shape)}`);
    bits *= size;
    if (bits > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`${where}: shape ${show(shape)} of ${dtype} is over 2^50 bytes`);
    }
  }
  if (bits % 8 !== 0) {
    throw new RangeError(`${where}: ${dtype} ${show(shape)} takes ${bits} bits, not whole bytes`);
  }
  return bits / 8;
}

/**
 * Accepts the metadata of a file: an object of texts.
 *
 * @throws {TypeError} If it is anything else.
 */
export function checkMetadata(value: unknown, where: string): Record<string, string> {
  if (!isObject(value)) {
    throw new TypeError(`${where}: ${METADATA} is ${show(value)}, expected an object of strings`);
  }
  for (const [key, text] of Object.entries(value)) {
    checkText(key, `${where}: ${METADATA} key`);
    checkText(text, `${where}: ${METADATA} ${show(key)}`);
  }
  return value as Record<string, string>;
}

/**
 * Accepts a string that UTF-8 can hold.
 *
 * @throws {TypeError} If it is no string, or holds half a surrogate pair.
 */
export function checkText(value: unknown, where: string): asserts value is string {
  if (typeof value !== "string") {
    throw new TypeError(`${where} is ${show(value)}, expected a string`);
  }
  if (!value.isWellFormed()) {
    throw new TypeError(`${where} ${show(value)} holds half a surrogate pair`);
  }
}

/**
 * Accepts a size or an offset: a whole number from 0 to 2^53 - 1.
 *
 * @throws {TypeError} If it is no number.
 * @throws {RangeError} If it is another number, -0 included.
 */
export function checkSize(value: unknown, where: string): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)) return;
  const Kind = typeof value === "number" ? RangeError : TypeError;
  throw new Kind(`${where}: ${show(value)} is not a whole number from 0 to 2^53 - 1`);
}

/** Is it what JSON calls an object? */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Orders strings as their UTF-8 bytes do (`<` on strings puts U+1F600 before U+FFEE). */
export function compare(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  // A difference within a surrogate pair shows in its second unit too: code units will do there.
  const [x, y] = [a, b].map((s) => i < s.length ? s.charCodeAt(i) : -1);
  const surrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
  return surrogate(x) !== surrogate(y) && Math.min(x, y) >= 0xd800 ? y - x : x - y;
}

/** A value for a message, cut to a readable length. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 80 ? value.slice(0, 80) + "..." : value);
  }
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map((item) => Array.isArray(item) ? "[...]" : show(item));
    return `[${items.join(", ")}${value.length > 8 ? ", ..." : ""}]`;
  }
  if (Object.is(value, -0)) return "-0";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
