/**
 * Saving and loading: state dicts and checkpoints in safetensors files, which every framework reads.
 *
 * @module
 */
import {
  bfloat16,
  bool,
  type DType,
  dtypes,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "../backend/dtype.ts";
import { unscoped } from "../backend/storage.ts";
import { dense } from "../ops/copy.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { backendOf, convert, emptyOn } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { filesOf, type Path, replaceFile, replaceFileSync } from "./files.ts";
import {
  formatSafetensors,
  parseSafetensors,
  type RawTensor,
  type SafetensorsFile,
} from "./safetensors.ts";
import { putTensors, takeTensors } from "./structure.ts";

/** The format's words for our dtypes. */
const WORDS: ReadonlyMap<DType, string> = new Map([
  [bool, "BOOL"],
  [uint8, "U8"],
  [int8, "I8"],
  [int16, "I16"],
  [int32, "I32"],
  [int64, "I64"],
  [float16, "F16"],
  [bfloat16, "BF16"],
  [float32, "F32"],
  [float64, "F64"],
]);
const OWN_DTYPES: ReadonlyMap<string, DType> = new Map(dtypes.map((d) => [WORDS.get(d)!, d]));
/** Where a file's free text holds the structure around its tensors. */
const STRUCTURE = "dinotorch";

/** Options of `save` and its kin. */
export interface SaveOptions {
  /** Free text to store beside the tensors; `loadMetadata` gives it back. */
  metadata?: Record<string, string>;
}

/** Options of `load` and its kin. */
export interface LoadOptions {
  /** The device that the tensors come to; `"cpu"` by default. */
  mapLocation?: string | null;
}

/** Parameters of `load` and its kin, after the source. */
export type LoadArgs = Args<[mapLocation: string | null], LoadOptions>;

function bytesOf(call: string, object: unknown, options: SaveOptions): Uint8Array {
  const { metadata: text } = read(call, { metadata: {} as Record<string, string> }, [options]);
  const metadata = { ...text };
  if (STRUCTURE in metadata) {
    throw new TypeError(`${call}: the metadata key ${STRUCTURE} is taken`);
  }
  const { tensors, structure } = takeTensors(call, object);
  if (structure !== null) metadata[STRUCTURE] = structure;
  const raw: [string, RawTensor][] = [];
  for (const [name, x] of tensors) {
    const { backend, dtype, shape, numElements } = x, source = dense(x);
    raw.push([name, {
      dtype: WORDS.get(dtype)!,
      shape,
      data: backend.read(source.storage, source.offset * dtype.size, numElements * dtype.size),
    }]);
  }
  return formatSafetensors(raw, metadata);
}

/**
 * The bytes of a safetensors file that holds `object`.
 *
 * A record or `Map` of tensors by name, such as a `stateDict()`, becomes a file of just these, for any reader. Anything
 * else, of tensors, numbers, strings, booleans, null, and arrays, records and maps of them, is a file of tensors named
 * by their keys (`model.fc.weight`), with the structure around them in its metadata: `load` gives the same back.
 *
 * @throws TypeError for an object that holds anything else, or itself.
 */
export function saveBytes(object: unknown, options: SaveOptions = {}): Uint8Array {
  return bytesOf("saveBytes", object, options);
}

function isPath(target: unknown): target is Path {
  return typeof target === "string" || target instanceof URL;
}

/**
 * Writes `object` to a safetensors file, or to a stream, which is closed. The elements are those at the time of the
 * call; a file is replaced only when the new one is whole. See `saveBytes` for what can be saved.
 *
 * ```ts ignore
 * await torch.save(model.stateDict(), "model.safetensors");
 * await torch.save({ model: model.stateDict(), optimizer: optimizer.stateDict(), epoch }, path);
 * ```
 *
 * @throws TypeError for an object that holds anything else, or itself.
 */
export async function save(
  object: unknown,
  target: Path | WritableStream<Uint8Array>,
  options: SaveOptions = {},
): Promise<void> {
  const bytes = bytesOf("save", object, options);
  if (isPath(target)) return await replaceFile(filesOf("save"), target, bytes);
  if (!(target instanceof WritableStream)) {
    throw new TypeError("save: expected a path or a WritableStream to write to");
  }
  const writer = target.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } finally {
    writer.releaseLock();
  }
}

/** As `save`, at once, to a file. */
export function saveSync(object: unknown, path: Path, options: SaveOptions = {}): void {
  if (!isPath(path)) throw new TypeError("saveSync: expected a path to write to");
  const bytes = bytesOf("saveSync", object, options);
  replaceFileSync(filesOf("saveSync"), path, bytes);
}

/** What messages call a source. */
const nameOf = (source: unknown) => isPath(source) ? String(source) : "bytes";

function parse(call: string, bytes: Uint8Array, name: string): SafetensorsFile {
  const starts = (...magic: number[]) => magic.every((b, i) => bytes[i] === b);
  if (starts(0x50, 0x4b, 3, 4) || (starts(0x80) && bytes[1] >= 2 && bytes[1] <= 5)) {
    throw new Error(
      `${call}: ${name} is a pickle of PyTorch, expected a safetensors file: ` +
        "in Python, safetensors.torch.save_file(state_dict, path) writes one",
    );
  }
  return parseSafetensors(bytes, name);
}

function decode(call: string, bytes: Uint8Array, name: string, args: readonly unknown[]): unknown {
  const { mapLocation } = read(call, { mapLocation: null as string | null }, args);
  const backend = backendOf(call, mapLocation);
  const { tensors, metadata } = parse(call, bytes, name);
  for (const [key, { dtype }] of tensors) {
    if (OWN_DTYPES.has(dtype)) continue;
    throw new TypeError(
      `${call}: ${name}: tensor ${JSON.stringify(key)} is of ${dtype}, which has no counterpart; ` +
        `expected one of ${[...OWN_DTYPES.keys()].join(", ")}`,
    );
  }
  const own = new Map<string, Tensor>();
  for (const [key, { dtype: word, shape, data }] of tensors) {
    const dtype = OWN_DTYPES.get(word)!;
    // Any byte but 0 is true in a file.
    const x = emptyOn(backend, [...shape], dtype === bool ? uint8 : dtype);
    backend.write(x.storage, 0, data);
    own.set(key, dtype === bool ? convert(x, bool) : x);
  }
  const structure = metadata[STRUCTURE];
  return structure === undefined
    ? Object.fromEntries(own)
    : putTensors(`${call}: ${name}`, structure, own);
}

/** `source` as bytes; throws `TypeError` unless it is. */
function asBytes(call: string, source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  throw new TypeError(`${call}: expected a path, a Uint8Array or an ArrayBuffer`);
}

/**
 * What a safetensors file holds: tensors by name, or what `save` was given. Bytes are read at once, a file gives a
 * promise.
 *
 * ```ts ignore
 * model.loadStateDict(await torch.load("model.safetensors"));
 * ```
 *
 * @throws RangeError for a file that is truncated, or whose lengths, shapes or offsets are wrong.
 * @throws TypeError for a tensor of a dtype that has no counterpart.
 * @throws Error for a file that is none of safetensors, or that cannot be read.
 */
export function load<T = Record<string, Tensor>>(path: Path, ...args: LoadArgs): Promise<T>;
/** What the bytes of a safetensors file hold. */
export function load<T = Record<string, Tensor>>(
  bytes: Uint8Array | ArrayBuffer,
  ...args: LoadArgs
): T;
export function load<T>(
  source: Path | Uint8Array | ArrayBuffer,
  ...args: LoadArgs
): T | Promise<T> {
  if (!isPath(source)) return decode("load", asBytes("load", source), "bytes", args) as T;
  return loadLater(source, args) as Promise<T>;
}

async function loadLater(path: Path, args: readonly unknown[]): Promise<unknown> {
  const bytes = await filesOf("load").read(path);
  // Tensors that arrive later belong to no scope that happens to be open then.
  return unscoped(() => decode("load", bytes, nameOf(path), args));
}

/** As `load`, at once. */
export function loadSync<T = Record<string, Tensor>>(
  source: Path | Uint8Array | ArrayBuffer,
  ...args: LoadArgs
): T {
  const bytes = isPath(source) ? filesOf("loadSync").readSync(source) : asBytes("loadSync", source);
  return decode("loadSync", bytes, nameOf(source), args) as T;
}

/** The free text that a file was saved with. */
export async function loadMetadata(
  source: Path | Uint8Array | ArrayBuffer,
): Promise<Record<string, string>> {
  const bytes = isPath(source)
    ? await filesOf("loadMetadata").read(source)
    : asBytes("loadMetadata", source);
  const { [STRUCTURE]: _, ...metadata } = parse("loadMetadata", bytes, nameOf(source)).metadata;
  return metadata;
}
