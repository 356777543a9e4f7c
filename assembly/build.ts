/**
 * Compiles assembly/kernels.ts to build/: one WebAssembly binary per flavour, and build/kernels.ts, which carries both as
 * base64 so that loading them takes no permission. Does nothing when the sources have not changed.
 *
 *     deno task build
 */
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
  let text = `// ${key}\n// Made by assembly/build.ts from assembly/; not edited by hand.\n`;
  for (const flavour of flavours) {
    const bytes = await Deno.readFile(new URL(`kernels.${flavour}.wasm`, out));
    text +=
      `/** The ${flavour} flavour's binary, in base64. */\nexport const ${flavour}: string = "${bytes.toBase64()}";\n`;
    console.log(`build/kernels.${flavour}.wasm: ${bytes.length} bytes`);
  }
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
