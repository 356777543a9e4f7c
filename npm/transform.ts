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
/** A constant that a module makes when it is loaded; nothing but mod.ts has other effects then. */
const MADE = /^((?:export )?const \w+(?:: [^=\n]+)? = )(?=(?:new )?[A-Za-z][\w.]*\()/gm;

/** The scripts of `entries`, sources below `root`, and of what they import: by their names in the package. */
export async function transform(root: URL, entries: string[]): Promise<Map<string, string>> {
  const scripts = new Map<string, string>(), queue = [...entries];
  try {
    for (let path; (path = queue.pop()) !== undefined;) {
      const name = path.replace(/\.ts$/, ".js"), here = new URL(path, "file:///");
      if (scripts.has(name)) continue;
      const source = await Deno.readTextFile(new URL(STAND_INS[path] ?? path, root));
      const { code } = await esbuild.transform(source.replace(MADE, "$1/* @__PURE__ */ "), {
        ...{ loader: "ts", format: "esm", target: "es2022", charset: "utf8", sourcefile: path },
      });
      for (const [, , other] of code.matchAll(FROM)) {
        queue.push(new URL(`${other}.ts`, here).pathname.slice(1));
      }
      scripts.set(name, code.replace(FROM, '$1"$2.js";'));
    }
  } finally {
    await esbuild.stop();
  }
  return scripts;
}
