/**
 * Compiles the CUDA kernels to build/libcudakernels.so with nvcc, or with `--emulator` the same sources to
 * build/libcudaemulator.so with g++ alone, which runs them on the CPU for tests. Does nothing when the sources have not
 * changed. `--sanitize` adds AddressSanitizer and UBSan to the emulator's library; with `--optional` a compiler that is
 * missing is no error. DINOTORCH_CUDA_ARCHITECTURES=90a compiles for one GPU alone, in half the time.
 *
 *     deno task build:cuda
 *     deno task build:emulator
 */

/** A way to compile cuda/. */
interface Target {
  /** The library, in build/. */
  library: string;
  /** The compiler's places, the first that runs is taken. */
  compilers: string[];
  /** What to install where there is none. */
  missing: string;
  /** Options to compile one file. */
  compile: string[];
  /** Options to link. */
  link: string[];
  /** Folders of sources, each a unit of its own. */
  folders: string[];
}

const CUDA_HOMES = [Deno.env.get("CUDA_HOME"), Deno.env.get("CUDA_PATH"), "/usr/local/cuda"];
/** Binaries for A100 and H100; there is PTX, too, that the driver compiles for whatever else comes after sm_80. */
const ARCHITECTURES = (Deno.env.get("DINOTORCH_CUDA_ARCHITECTURES") ?? "80,90a").split(",");
const WARNINGS = ["-Wall", "-Wextra", "-Wno-unknown-pragmas"];
const GXX = ["-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-fwrapv", ...WARNINGS];

/** What nvcc is told whatever the GPU. */
const NVCC = ["-std=c++17", "--extended-lambda", "-Xcompiler=-fPIC,-fvisibility=hidden,-fwrapv"];

/** What its targets share. */
const BY_NVCC = {
  compilers: ["nvcc", ...CUDA_HOMES.flatMap((home) => home ? [`${home}/bin/nvcc`] : [])],
  missing:
    "nvcc was not found on PATH, in CUDA_HOME or in /usr/local/cuda: install the CUDA toolkit " +
    "(https://developer.nvidia.com/cuda-downloads)",
  link: ["-shared", "-cudart=static"],
  folders: ["cuda/"],
};

/** The targets, by name; `ptx` is what nvcc makes of everything in the least time, to see that it compiles. */
export const TARGETS: Record<"cuda" | "ptx" | "emulator" | "sanitized", Target> = {
  cuda: {
    library: "libcudakernels.so",
    ...BY_NVCC,
    compile: [
      ...NVCC,
      "-O2",
      ...ARCHITECTURES.map((arch) => `-gencode=arch=compute_${arch},code=sm_${arch}`),
      "-gencode=arch=compute_80,code=compute_80",
    ],
  },
  ptx: {
    library: "libcudakernels.ptx.so",
    ...BY_NVCC,
    compile: [...NVCC, "-O1", "-gencode=arch=compute_90a,code=compute_90a"],
  },
  emulator: {
    library: "libcudaemulator.so",
    compilers: ["g++"],
    missing: "g++ was not found on PATH: install it (Debian, Ubuntu: apt install g++)",
    compile: GXX,
    link: ["-shared"],
    folders: ["cuda/", "cuda/emulator/"],
  },
  sanitized: {
    library: "libcudaemulator.sanitized.so",
    compilers: ["g++"],
    missing: "g++ was not found on PATH: install it (Debian, Ubuntu: apt install g++)",
    compile: [...GXX, "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    link: ["-shared", "-fsanitize=address,undefined"],
    folders: ["cuda/", "cuda/emulator/"],
  },
};

const root = new URL("../", import.meta.url);
const out = new URL("build/", root);

/** The files of a folder whose names end in one of `endings`, sorted. */
async function files(folder: string, endings: string[]): Promise<string[]> {
  const names = [];
  for await (const { name } of Deno.readDir(new URL(folder, root))) {
    if (endings.some((ending) => name.endsWith(ending))) names.push(folder + name);
  }
  return names.sort();
}

/** The files that are compiled, each by itself; programs of the emulator's own tests are not among them. */
async function units(target: Target): Promise<string[]> {
  const names = await Promise.all(target.folders.map((folder) => files(folder, [".cu", ".cpp"])));
  return names.flat().filter((name) => !name.endsWith("/bugs.cu"));
}

async function digest(parts: (string | Uint8Array)[]): Promise<string> {
  const bytes = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part
  );
  const hashes = await Promise.all(
    bytes.map((part) => crypto.subtle.digest("SHA-256", part as BufferSource)),
  );
  const all = new Uint8Array(await new Blob(hashes).arrayBuffer());
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", all))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Runs a program; its exit status and what it said. */
async function run(program: string, args: string[]): Promise<{ code: number; text: string }> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd: root }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return { code: -1, text: "" };
    throw e;
  }
}

/** The first compiler that runs, and its version; null where there is none. */
export async function compilerOf(
  target: Target,
): Promise<{ path: string; version: string } | null> {
  for (const path of target.compilers) {
    const { code, text } = await run(path, ["--version"]);
    if (code === 0) return { path, version: text };
  }
  return null;
}

/** What a source and all that it includes from cuda/ say, by their places. */
async function withIncludes(
  file: string,
  found: Map<string, string> = new Map(),
): Promise<Map<string, string>> {
  const place = new URL(file, root), text = await Deno.readTextFile(place);
  found.set(place.href, text);
  for (const [, name] of text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)) {
    for (const from of [place, new URL("cuda/", root)]) {
      const { href } = new URL(name, from);
      if (!found.has(href)) await withIncludes(href, found).catch(missing);
    }
  }
  return found;
}

/** A name is looked for in several folders. */
function missing(e: unknown): void {
  if (!(e instanceof Deno.errors.NotFound)) throw e;
}

/** What a target is made of, and what it is built for. */
interface Plan {
  compiler: string;
  sources: string[];
  /** A digest of each source and all that it depends on. */
  keys: string[];
  library: string;
  /** Where objects are kept. */
  objects: URL;
  /** A digest of everything, which stands in the file `mark` when the library is built. */
  key: string;
  mark: URL;
  built: boolean;
}

async function planOf(name: keyof typeof TARGETS): Promise<Plan> {
  const target = TARGETS[name], compiler = await compilerOf(target);
  if (compiler === null) throw new Error(target.missing);
  const common = await digest([compiler.version, ...target.compile, ...target.link]);
  const sources = await units(target), objects = new URL(`cuda/${name}/`, out);
  const keys = await Promise.all(
    sources.map(async (file) => await digest([common, ...(await withIncludes(file)).values()])),
  );
  const library = new URL(target.library, out).pathname;
  const key = await digest([...sources, ...keys]), mark = new URL("key", objects);
  const exists = await Deno.stat(library).then(() => true, () => false);
  const built = exists && await Deno.readTextFile(mark).catch(() => "") === key;
  return { compiler: compiler.path, sources, keys, library, objects, key, mark, built };
}

/**
 * Builds a target unless its sources are those of the last time; the library's path. Objects are kept under build/cuda/,
 * so that only families that changed are compiled.
 *
 * @throws Error when there is no compiler, or the sources do not compile.
 */
export async function build(name: keyof typeof TARGETS): Promise<string> {
  const { compiler, sources, keys, library, objects, key, mark, built } = await planOf(name);
  if (built) return library;
  const target = TARGETS[name];
  await Deno.mkdir(objects, { recursive: true });
  const object = (i: number) => {
    const file = sources[i].split("/").at(-1)!;
    return new URL(`${file}.${keys[i].slice(0, 16)}.o`, objects).pathname;
  };
  const kept = new Set<string>();
  for await (const { name } of Deno.readDir(objects)) kept.add(new URL(name, objects).pathname);
  const left = sources.map((_, i) => i).filter((i) => !kept.has(object(i)));
  if (left.length > 0) {
    console.log(
      `compiling ${left.length} of ${sources.length} files of cuda/ for ${target.library} ...`,
    );
  }
  const errors: string[] = [];
  await Promise.all(Array.from({ length: Math.max(2, navigator.hardwareConcurrency) }, async () => {
    for (let i; (i = left.shift()) !== undefined;) {
      const language = name === "cuda" || name === "ptx" ? [] : ["-x", "c++"],
        part = `${object(i)}.part`;
      const { code, text } = await run(compiler, [
        ...target.compile,
        "-Icuda",
        ...language,
        "-c",
        sources[i],
        "-o",
        part,
      ]);
      if (code === 0) await Deno.rename(part, object(i));
      if (text.trim()) code === 0 ? console.warn(text) : errors.push(text);
    }
  }));
  if (errors.length > 0) throw new Error(`cuda/ does not compile:\n${errors.join("\n")}`);
  const wanted = sources.map((_, i) => object(i));
  const { code, text } = await run(compiler, [
    ...target.link,
    ...wanted,
    "-o",
    `${library}.part`,
  ]);
  if (code !== 0) throw new Error(`${target.library} does not link:\n${text}`);
  for (const old of kept) if (old.endsWith(".o") && !wanted.includes(old)) await Deno.remove(old);
  await Deno.rename(`${library}.part`, library);
  await Deno.writeTextFile(mark, key);
  return library;
}

if (import.meta.main) {
  const name = Deno.args.includes("--sanitize")
    ? "sanitized"
    : Deno.args.includes("--emulator")
    ? "emulator"
    : "cuda";
  try {
    console.log(await build(name));
  } catch (e) {
    console.error((e as Error).message);
    Deno.exit(Deno.args.includes("--optional") && await compilerOf(TARGETS[name]) === null ? 0 : 1);
  }
}
