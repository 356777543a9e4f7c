/**
 * The package's scripts: the library's modules in JavaScript, one by one.
 */
import * as esbuild from "esbuild";

/** What stands in for modules that only Deno runs. */
const STAND_INS: Readonly<Record<string, string>> = {
  "ffi/cuda.ts": "npm/cuda.ts",
  "src/edge/namespace.ts": "npm/edge.ts",
};

/** The end of a statement that imports or exports from another module, as esbuild writes it. */
const FROM = /^((?:import|export|\}).* from |import )"(\.[^"]*)\.ts";$/gm;
/** Where a host has no `Symbol.dispose`, `using` as esbuild translates it looks for this one; so do we. */
const DISPOSE = '[Symbol.dispose ?? Symbol.for("Symbol.dispose")]';

/** The scripts of `entries`, sources below `root`, and of what they import: by their names in the package. */
export async function transform(root: URL, entries: string[]): Promise<Map<string, string>> {
  const scripts = new Map<string, string>(), queue = [...entries];
  try {
    for (let path; (path = queue.pop()) !== undefined;) {
      const name = path.replace(/\.ts$/, ".js"), here = new URL(path, "file:///");
      if (scripts.has(name)) continue;
      const source = await Deno.readTextFile(new URL(STAND_INS[path] ?? path, root));
      const { code } = await esbuild.transform(source, {
        ...{ loader: "ts", format: "esm", target: "es2022", charset: "utf8", sourcefile: path },
      });
      for (const [, , other] of code.matchAll(FROM)) {
        queue.push(new URL(`${other}.ts`, here).pathname.slice(1));
      }
      const script = code.replace(FROM, '$1"$2.js";').replaceAll("[Symbol.dispose]", DISPOSE);
      scripts.set(name, script);
    }
  } finally {
    await esbuild.stop();
  }
  return scripts;
}
