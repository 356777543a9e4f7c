/**
 * Files, in Deno, Node.js and Bun alike. A file is replaced in one step: nobody ever sees one half written.
 *
 * @module
 */

/** A file's path. */
export type Path = string | URL;

/** What this module needs of an open file of Deno. */
interface DenoFile {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
  sync(): Promise<void>;
  syncSync(): void;
  close(): void;
}

interface DenoFiles {
  readFile(path: Path): Promise<Uint8Array<ArrayBuffer>>;
  readFileSync(path: Path): Uint8Array<ArrayBuffer>;
  open(path: Path, options: object): Promise<DenoFile>;
  openSync(path: Path, options: object): DenoFile;
  rename(from: Path, to: Path): Promise<void>;
  renameSync(from: Path, to: Path): void;
  remove(path: Path): Promise<void>;
  removeSync(path: Path): void;
}

interface NodeFiles {
  readFileSync(path: Path): Uint8Array<ArrayBuffer>;
  openSync(path: Path, flags: string): number;
  writeSync(file: number, bytes: Uint8Array, offset: number): number;
  fsyncSync(file: number): void;
  closeSync(file: number): void;
  renameSync(from: Path, to: Path): void;
  unlinkSync(path: Path): void;
  promises: {
    readFile(path: Path): Promise<Uint8Array<ArrayBuffer>>;
    open(path: Path, flags: string): Promise<{
      writeFile(bytes: Uint8Array): Promise<void>;
      sync(): Promise<void>;
      close(): Promise<void>;
    }>;
    rename(from: Path, to: Path): Promise<void>;
    unlink(path: Path): Promise<void>;
  };
}

interface Host {
  Deno?: DenoFiles;
  process?: { getBuiltinModule?(name: string): NodeFiles | undefined };
}

/** Reading and replacing files, at once and asynchronously. */
interface Files {
  read(path: Path): Promise<Uint8Array<ArrayBuffer>>;
  readSync(path: Path): Uint8Array<ArrayBuffer>;
  /** Writes a new file through to the disk. */
  write(path: Path, bytes: Uint8Array): Promise<void>;
  writeSync(path: Path, bytes: Uint8Array): void;
  rename(from: Path, to: Path): Promise<void>;
  renameSync(from: Path, to: Path): void;
  remove(path: Path): Promise<void>;
  removeSync(path: Path): void;
}

const NEW = { write: true, createNew: true };

function denoFiles(deno: DenoFiles): Files {
  return {
    read: (path) => deno.readFile(path),
    readSync: (path) => deno.readFileSync(path),
    async write(path, bytes) {
      const file = await deno.open(path, NEW);
      try {
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.sync();
      } finally {
        file.close();
      }
    },
    writeSync(path, bytes) {
      const file = deno.openSync(path, NEW);
      try {
        for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
        file.syncSync();
      } finally {
        file.close();
      }
    },
    rename: (from, to) => deno.rename(from, to),
    renameSync: (from, to) => deno.renameSync(from, to),
    remove: (path) => deno.remove(path),
    removeSync: (path) => deno.removeSync(path),
  };
}

function nodeFiles(node: NodeFiles): Files {
  return {
    read: (path) => node.promises.readFile(path),
    readSync: (path) => node.readFileSync(path),
    async write(path, bytes) {
      const file = await node.promises.open(path, "wx");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    },
    writeSync(path, bytes) {
      const file = node.openSync(path, "wx");
      try {
        for (let at = 0; at < bytes.length;) at += node.writeSync(file, bytes, at);
        node.fsyncSync(file);
      } finally {
        node.closeSync(file);
      }
    },
    rename: (from, to) => node.promises.rename(from, to),
    renameSync: (from, to) => node.renameSync(from, to),
    remove: (path) => node.promises.unlink(path),
    removeSync: (path) => node.unlinkSync(path),
  };
}

/** The files of `host`, the program's own by default. Throws `Error` where there are none. */
export function filesOf(call: string, host: unknown = globalThis): Files {
  const { Deno: deno, process } = host as Host;
  if (typeof deno?.readFile === "function") return denoFiles(deno);
  const node = process?.getBuiltinModule?.("node:fs");
  if (node !== undefined) return nodeFiles(node);
  throw new Error(`${call}: there are no files here; give it bytes, or take those of saveBytes`);
}

/** A name beside `path` that nobody else takes. */
function partOf(path: Path): Path {
  const suffix = `.${crypto.randomUUID()}.part`;
  return path instanceof URL ? new URL(path.href + suffix) : path + suffix;
}

/** Writes `bytes` to a file beside `path`, and gives it that name when it is whole. */
export async function replaceFile(files: Files, path: Path, bytes: Uint8Array): Promise<void> {
  const part = partOf(path);
  try {
    await files.write(part, bytes);
    await files.rename(part, path);
  } catch (e) {
    await files.remove(part).catch(() => {});
    throw e;
  }
}

/** As `replaceFile`, at once. */
export function replaceFileSync(files: Files, path: Path, bytes: Uint8Array): void {
  const part = partOf(path);
  try {
    files.writeSync(part, bytes);
    files.renameSync(part, path);
  } catch (e) {
    try {
      files.removeSync(part);
    } catch {
      // The first error says why.
    }
    throw e;
  }
}
