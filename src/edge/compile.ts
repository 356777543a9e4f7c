/**
 * The tools that make an exported program's files: AssemblyScript's compiler and esbuild. They are loaded when a model is
 * exported, and not before.
 *
 * @module
 */

/** The library's root, where assembly/ and src/ are. */
const ROOT = new URL("../../", import.meta.url);
const ASC = "npm:assemblyscript@0.28.20/asc", ESBUILD = "npm:esbuild@0.28.2";

/** The flavours, and what the compiler is told for each. */
const FLAVOURS = {
  baseline: ["--enable", "simd"],
  relaxed: ["--enable", "simd", "--enable", "relaxed-simd"],
};

/**
 * What a program is compiled for. Convolution's tile makes 52 GFLOP/s when it is for speed, 43 from a shrink level of 1 on.
 * A GPT, whose products read each weight once, gains nothing, and would take three times as many bytes.
 */
const OPTIMIZED = {
  speed: ["--optimizeLevel", "2", "--shrinkLevel", "0"],
  size: ["--optimizeLevel", "3", "--shrinkLevel", "2"],
};

/** The flavours of an exported program. */
export type Flavour = keyof typeof FLAVOURS;

/** The part of asc that is used. */
interface Compiler {
  default: {
    main(args: string[], host: {
      readFile(name: string): Promise<string | null>;
      writeFile(name: string, contents: unknown): void;
      listFiles(): string[];
    }): Promise<{ error: Error | null; stderr: unknown }>;
  };
}

/** The part of esbuild that is used. */
interface Bundler {
  build(options: object): Promise<{ outputFiles: { text: string }[] }>;
  stop(): Promise<void>;
}

// Not in one expression with the name: the library's own graph of modules has no packages.
const tool = (name: string) => import(name);

/** The text of one of the library's own files. */
export async function source(path: string | URL): Promise<string> {
  const url = new URL(path, ROOT);
  if (url.protocol === "file:") return await Deno.readTextFile(url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return await response.text();
}

/** Which file of assembly/ each kernel is in, as that folder's files name each other. */
export async function kernelFiles(): Promise<(kernel: string) => string> {
  const list = [...(await source("assembly/kernels.ts")).matchAll(/from "(\.\/\w+)"/g)];
  const texts = await Promise.all(
    list.map(async ([, file]) => [file, await source(`assembly/${file}.ts`)] as const),
  );
  return (kernel) => {
    const found = texts.find(([, text]) => text.includes(`export function ${kernel}(`));
    if (found === undefined) {
      throw new Error(`edge.export: no file of assembly/ has the kernel ${kernel}`);
    }
    return found[0];
  };
}

/** Both flavours of `text`, a module of assembly/, whose own data begins at `base`, and how much memory it has. */
export async function compileAll(text: string, base: number, goal: keyof typeof OPTIMIZED) {
  const baseline = await compile(text, "baseline", base, goal);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(baseline));
  const memory = (exports.memory as WebAssembly.Memory).buffer.byteLength;
  return { binaries: { baseline, relaxed: await compile(text, "relaxed", base, goal) }, memory };
}

async function compile(
  text: string,
  flavour: Flavour,
  base: number,
  goal: keyof typeof OPTIMIZED,
): Promise<Uint8Array<ArrayBuffer>> {
  const { default: asc } = await tool(ASC) as Compiler;
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const args = [
    ...["assembly/program.ts", "--outFile", "program.wasm", ...OPTIMIZED[goal]],
    ...["--noAssert", "--runtime", "stub", "--use", "abort="],
    ...["--memoryBase", String(base), ...FLAVOURS[flavour]],
  ];
  const { error, stderr } = await asc.main(args, {
    readFile: async (name) => {
      if (name === "assembly/program.ts") return text;
      if (!name.startsWith("assembly/")) return null;
      return await source(name).catch(() => null);
    },
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) binary = contents as Uint8Array<ArrayBuffer>;
    },
    listFiles: () => [],
  });
  if (error || !binary) {
    throw new Error(`edge.export: the program does not compile: ${error?.message}\n${stderr}`);
  }
  return binary;
}

/** Bundles `text`, a module beside src/edge/runtime.ts, and minifies it. */
export async function bundle(text: string): Promise<string> {
  const esbuild = await tool(ESBUILD) as Bundler, entry = new URL("src/edge/entry.ts", ROOT).href;
  const plugin = {
    name: "sources",
    setup(build: {
      onResolve(o: object, f: (args: { path: string; importer: string }) => object): void;
      onLoad(o: object, f: (args: { path: string }) => Promise<object>): void;
    }) {
      build.onResolve({ filter: /.*/ }, ({ path, importer }) => ({
        path: importer === "" ? entry : new URL(path, importer).href,
        namespace: "source",
      }));
      build.onLoad({ filter: /.*/, namespace: "source" }, async ({ path }) => ({
        contents: path === entry ? text : await source(new URL(path)),
        loader: "ts",
      }));
    },
  };
  try {
    const { outputFiles } = await esbuild.build({
      ...{ entryPoints: [entry], bundle: true, minify: true, format: "esm", target: "es2022" },
      ...{ write: false, logLevel: "silent", plugins: [plugin] },
    });
    return outputFiles[0].text;
  } finally {
    await esbuild.stop();
  }
}
