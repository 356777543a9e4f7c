/**
 * Compiles assembly/kernels.ts to build/: one WebAssembly binary per flavour, and build/kernels.ts, which carries both,
 * packed, so that loading them takes no permission. Does nothing when the sources have not changed.
 *
 *     deno task build
 */
import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";

const FLAVOURS: Record<string, string[]> = {
  baseline: ["--enable", "simd"],
  relaxed: ["--enable", "simd", "--enable", "relaxed-simd"],
};
// Level 2 without size reduction beat -O3 by 15 % on the matmul kernel: -O3 rewrites its loops.
const OPTIONS = [
  "--optimizeLevel",
  "2",
  "--shrinkLevel",
  "0",
  "--noAssert",
  "--runtime",
  "stub",
  "--use",
  "abort=",
];
// Shared, for threads; src/backend/wasm.ts clears the mark where a host has no shared memory.
const MEMORY = [
  "--enable",
  "threads",
  "--importMemory",
  "--sharedMemory",
  "--initialMemory",
  "256",
  "--maximumMemory",
  "65535",
];

const root = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, root));

/** Names of the sources, sorted. */
async function sources(): Promise<string[]> {
  const names = [];
  for await (const entry of Deno.readDir(new URL("assembly/", root))) {
    if (entry.name.endsWith(".ts")) names.push(`assembly/${entry.name}`);
  }
  return names.sort();
}

/** A digest of everything the binaries depend on; this file, with the compiler's options, is one of the sources. */
async function digest(names: string[]): Promise<string> {
  const texts = await Promise.all(names.map(read));
  const compiler = JSON.parse(await read("deno.json")).imports["assemblyscript/asc"];
  const bytes = new TextEncoder().encode([compiler, ...names, ...texts].join("\0"));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** Compiles one flavour to build/kernels.<flavour>.wasm. */
async function compile(flavour: string): Promise<void> {
  const { default: asc } = await import("assemblyscript/asc"); // costs half a second: not before it is needed
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "assembly/kernels.ts",
      "--outFile",
      "kernels.wasm",
      ...OPTIONS,
      ...MEMORY,
      ...FLAVOURS[flavour],
    ],
    {
      readFile: (name: string) => read(name).catch(() => null),
      writeFile: (name: string, contents: unknown) => {
        if (name.endsWith(".wasm")) binary = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`assembly/ does not compile: ${error?.message}\n${stderr}`);
  await Deno.writeFile(new URL(`build/kernels.${flavour}.wasm`, root), binary);
}

/** Pieces that each binary is cut into: what is alike in both is then less than deflate's 32 KB apart. */
const PIECES = 40;

/** The binaries, deflated: pieces of both alternate, as the second flavour then takes a seventh of what the first does. */
function pack(binaries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const pieces = Array.from(
    { length: PIECES },
    (_, k) =>
      binaries.map((bytes) => {
        const at = (i: number) => Math.floor(bytes.length * i / PIECES);
        return bytes.subarray(at(k), at(k + 1));
      }),
  ).flat();
  return new Uint8Array(deflateRawSync(Buffer.concat(pieces), { level: 9, memLevel: 9 }));
}

/** Compiles both flavours, each in a process of its own, and writes build/kernels.ts. */
async function build(key: string): Promise<void> {
  const out = new URL("build/", root), flavours = Object.keys(FLAVOURS);
  console.log("compiling the kernels, once, until their sources change ...");
  await Deno.mkdir(out, { recursive: true });
  const runs = await Promise.all(
    flavours.map((flavour) =>
      new Deno.Command(Deno.execPath(), { args: ["run", "-A", import.meta.filename!, flavour] })
        .spawn().status
    ),
  );
  if (!runs.every((run) => run.success)) Deno.exit(1);
  const binaries: Uint8Array[] = [];
  for (const flavour of flavours) {
    const bytes = await Deno.readFile(new URL(`kernels.${flavour}.wasm`, out));
    console.log(`build/kernels.${flavour}.wasm: ${bytes.length} bytes`);
    binaries.push(bytes);
  }
  const packed = pack(binaries), [baseline, relaxed] = binaries.map((bytes) => bytes.length);
  console.log(`build/kernels.ts: ${packed.length} bytes, packed`);
  const text = `// ${key}
// Made by assembly/build.ts from assembly/; not edited by hand.
/** How long the flavours' binaries are. */
export const lengths: { baseline: number; relaxed: number } = { baseline: ${baseline}, relaxed: ${relaxed} };
/** In how many pieces each of them is cut; pieces of both alternate. */
export const PIECES = ${PIECES};
/** The pieces, deflated, in base64. */
export const packed: string = "${packed.toBase64()}";
`;
  // Last, and in one step: a build that was broken off is seen as not done.
  await Deno.writeTextFile(new URL("kernels.ts.part", out), text);
  await Deno.rename(new URL("kernels.ts.part", out), new URL("kernels.ts", out));
}

if (Deno.args.length > 0) await compile(Deno.args[0]);
else {
  const key = await digest(await sources());
  const built = await read("build/kernels.ts").catch(() => "");
  if (!built.startsWith(`// ${key}\n`)) await build(key);
}
