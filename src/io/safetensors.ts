/**
 * The safetensors file format: bytes to named raw tensors, and back.
 *
 * A file is a little-endian u64 header length, that many bytes of JSON
 * (`{"name": {"dtype", "shape", "data_offsets"}, ..., "__metadata__": {...}}`), and the data, which
 * the tensors cover without overlap, hole or trailing bytes.
 *
 * @see https://github.com/huggingface/safetensors#format
 * @module
 */

import {
  byteSize,
  checkMetadata,
  checkSize,
  checkText,
  compare,
  DTYPES,
  isObject,
  MAX_HEADER,
  METADATA,
  readHeader,
  show,
} from "./safetensors_header.ts";

/** One tensor as a file holds it. */
export interface RawTensor {
  /** The file's own word: `"F32"`, `"I64"`, `"BOOL"`, `"BF16"`, ... */
  readonly dtype: string;
  /** The size of every axis; `[]` is a single element. */
  readonly shape: readonly number[];
  /** Little-endian elements in row-major order, at any alignment. */
  readonly data: Uint8Array;
}

/** What a file holds. */
export interface SafetensorsFile {
  /** Name -> tensor, in the order of their data. */
  readonly tensors: Map<string, RawTensor>;
  /** The file's free text (`__metadata__`); `{}` if it has none. */
  readonly metadata: Record<string, string>;
}

/**
 * Reads a safetensors file. The tensors are views into `bytes`: nothing is copied.
 *
 * Stricter than the official reader in one point: a key that occurs twice in one object of the
 * header is refused, as the format says, where that reader lets the last one win.
 *
 * @param bytes The whole file.
 * @param name What messages call the file.
 * @throws {RangeError} If a length, shape or offset is wrong: truncated, too big, overlapping, with
 * holes or trailing bytes, or not the size that shape and dtype make.
 * @throws {TypeError} If a dtype is unknown or a header field is of the wrong kind.
 * @throws {Error} If the header is not JSON, or names something twice.
 */
export function parseSafetensors(bytes: Uint8Array, name = "bytes"): SafetensorsFile {
  const where = `parseSafetensors: ${name}`;
  const [header, dataStart] = readHeader(bytes, where);
  const length = bytes.length - dataStart;
  let metadata: Record<string, string> = {};
  const spans: Span[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key === METADATA) metadata = checkMetadata(value, where);
    else spans.push(readSpan(key, value, length, where));
  }
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);

  const tensors = new Map<string, RawTensor>();
  let covered = 0;
  let previous = "";
  for (const { name: key, dtype, shape, begin, end } of spans) {
    if (begin !== covered) {
      const reason = begin < covered
        ? `overlap tensor ${show(previous)}, which ends at ${covered}`
        : `leave a hole: bytes ${covered} to ${begin} of the data belong to no tensor`;
      throw new RangeError(
        `${where}: tensor ${show(key)}: data_offsets [${begin}, ${end}] ${reason}`,
      );
    }
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset + dataStart + begin, end - begin);
    tensors.set(key, { dtype, shape, data });
    [covered, previous] = [end, key];
  }
  if (covered !== length) {
    throw new RangeError(`${where}: ${length} bytes of data, but the tensors end at ${covered}`);
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file, byte for byte as the official library does: tensors by descending
 * dtype size, then dtype, then name; header padded with spaces so that the data starts at a
 * multiple of 8 bytes. Metadata is sorted by key, so equal content gives equal files.
 *
 * @param tensors Pairs of name and tensor, in any order; a `Map` will do.
 * @param metadata Free text; left out of the file if empty.
 * @throws {RangeError} If a shape is not one, or `data` is not the size that shape and dtype make.
 * @throws {TypeError} If a dtype is unknown, or a name or metadata value is not well-formed text.
 * @throws {Error} If a name is given twice, or is the reserved `__metadata__`.
 */
export function formatSafetensors(
  tensors: Iterable<[string, RawTensor]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const where = "formatSafetensors";
  const texts = Object.entries(checkMetadata(metadata, where)).sort(([a], [b]) => compare(a, b));
  const byName = new Map<string, RawTensor>();
  for (const [name, tensor] of tensors) {
    const at = `${where}: tensor ${show(name)}`;
    checkText(name, `${at}: name`);
    if (name === METADATA) throw new Error(`${at}: the name is reserved for the metadata`);
    if (byName.has(name)) throw new Error(`${at}: the name is given twice`);
    const { dtype, shape, data } = tensor;
    const size = byteSize(dtype, shape, at);
    if (!(data instanceof Uint8Array)) {
      throw new TypeError(`${at}: data is ${show(data)}, expected a Uint8Array`);
    }
    if (data.length !== size) {
      throw new RangeError(
        `${at}: ${data.length} bytes of data, but ${dtype} ${show(shape)} takes ${size}`,
      );
    }
    byName.set(name, tensor);
  }
  const sorted = [...byName].sort(([a, x], [b, y]) =>
    DTYPES.indexOf(x.dtype) - DTYPES.indexOf(y.dtype) || compare(a, b)
  );

  // The JSON is put together by hand: an object would move keys such as "0" to the front.
  const fields = texts.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`);
  const parts = fields.length > 0 ? [`"${METADATA}":{${fields.join(",")}}`] : [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const begin = end;
    end += data.length;
    parts.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],` +
        `"data_offsets":[${begin},${end}]}`,
    );
  }
  const header = new TextEncoder().encode(`{${parts.join(",")}}`);
  const padded = Math.ceil(header.length / 8) * 8;
  if (padded > MAX_HEADER) {
    throw new RangeError(
      `${where}: a header of ${padded} bytes, at most ${MAX_HEADER} can be read`,
    );
  }
  const file = new Uint8Array(8 + padded + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(header, 8);
  file.fill(0x20, 8 + header.length, 8 + padded);
  let offset = 8 + padded;
  for (const [, { data }] of sorted) {
    file.set(data, offset);
    offset += data.length;
  }
  return file;
}

/** A tensor's checked header entry: its data is `[begin, end)`, counted from the end of the header. */
interface Span {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Checks the header entry of one tensor by itself; `length` is that of all data. */
function readSpan(name: string, info: unknown, length: number, where: string): Span {
  const at = `${where}: tensor ${show(name)}`;
  checkText(name, `${at}: name`);
  if (!isObject(info)) throw new TypeError(`${at}: got ${show(info)}, expected a JSON object`);
  const { dtype, shape, data_offsets: offsets } = info;
  const size = byteSize(dtype, shape, at);
  if (!Array.isArray(offsets) || offsets.length !== 2) {
    throw new TypeError(`${at}: data_offsets is ${show(offsets)}, expected [begin, end]`);
  }
  for (const offset of offsets) checkSize(offset, `${at}: data_offsets ${show(offsets)}`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > length) {
    const reason = begin > end ? "run backwards" : `end past the ${length} bytes of data`;
    throw new RangeError(`${at}: data_offsets [${begin}, ${end}] ${reason}`);
  }
  if (end - begin !== size) {
    throw new RangeError(
      `${at}: data_offsets [${begin}, ${end}] hold ${end - begin} bytes, but ${dtype} ${
        show(shape)
      } takes ${size}`,
    );
  }
  return { name, dtype: dtype as string, shape: shape as number[], begin, end };
}
