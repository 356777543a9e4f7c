/**
 * Makes the npm package in build/npm: every module of the library as JavaScript, with its types beside it, and a
 * package.json. Does nothing when the sources have not changed.
 *
 * The modules stay apart: so bundlers keep those that a program uses, and classes their names, which are printed.
 *
 *     deno task build:npm
 */
import { transform } from "./transform.ts";
import { declarations } from "./types.ts";

const root = new URL("../", import.meta.url), out = new URL("build/npm/", root);
const read = (path: string) => Deno.readTextFile(new URL(path, root));

/** The package's entries: under which names, and their modules. */
const ENTRIES = { ".": "mod", "./edge": "src/edge" };

/** The names of everything that the package is made of, sorted. */
async function sources(): Promise<string[]> {
  const names = ["mod.ts", "deno.json", "LICENSE", "build/kernels.ts"];
  const visit = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
      if (isDirectory) await visit(`${folder}${name}/`);
      else names.push(folder + name);
    }
  };
  await Promise.all(["src/", "npm/"].map(visit));
  return names.sort();
}

/** A digest of the sources. */
async function digest(): Promise<string> {
  const names = await sources(), texts = await Promise.all(names.map(read));
  const bytes = new TextEncoder().encode([...names, ...texts].join("\0"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** package.json, with the digest of what the package was made from. */
function description(version: string, key: string): string {
  const exports = Object.entries(ENTRIES).map(([name, path]) => [
    name,
    { types: `./${path}.d.ts`, default: `./${path}.js` },
  ]);
  return JSON.stringify(
    {
      name: "@dinotorch/dinotorch",
      version,
      description: "PyTorch in TypeScript: tensors, autograd, nn and optim, on SIMD WebAssembly",
      keywords: ["pytorch", "tensor", "autograd", "neural-network", "webassembly", "simd"],
      license: "MIT",
      type: "module",
      sideEffects: ["./mod.js"],
      exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
      types: "./mod.d.ts",
      files: ["mod.js", "mod.d.ts", "src", "ffi", "build"],
      engines: { node: ">=20.16" },
      sources: key,
    },
    null,
    2,
  ) + "\n";
}

const key = await digest();
const built = await read("build/npm/package.json").catch(() => "");
if (!built.includes(key)) {
  const { version } = JSON.parse(await read("deno.json"));
  const entries = Object.values(ENTRIES).map((path) => `${path}.ts`);
  const files = new Map([
    ...await transform(root, entries),
    ...declarations(root.pathname, entries),
    ["README.md", await read("npm/README.md")],
    ["LICENSE", await read("LICENSE")],
    ["package.json", description(version, key)], // last: a build that was broken off is seen as not done
  ]);
  await Deno.remove(out, { recursive: true }).catch(() => {});
  for (const [name, text] of files) {
    const file = new URL(name, out);
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  console.log(`build/npm: ${files.size} files`);
}
