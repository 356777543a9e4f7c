/**
 * Checks in the virtual machine of Vercel's Edge runtime, in Node, at its strictest: neither strings nor bytes become
 * code, so compiled modules are handed in, as Vercel's platform does.
 */
import * as esbuild from "esbuild";
import { serve } from "./browser.ts";
import { INSTALLED } from "./install.ts";
import { output } from "./process.ts";

/** The script that Node runs. It also asserts that the rules are those. */
const HOST = `
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
const { EdgeVM } = createRequire(import.meta.url)(process.argv[2]);
const modules = Object.fromEntries(["model.wasm", "model.relaxed.wasm"].map((name) => {
  const bytes = readFileSync(name);
  return [name, WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null];
}));
const vm = new EdgeVM({
  codeGeneration: { strings: false, wasm: false },
  extend: (context) => Object.assign(context, { modules, bytes: readFileSync("model.wasm") }),
});
assert.throws(() => vm.evaluate("new Function('1')"), { name: "EvalError" });
assert.throws(() => vm.evaluate("new WebAssembly.Module(bytes)"), { name: "CompileError" });
console.log(await vm.evaluate(readFileSync("bundle.js", "utf8")));
process.exit();
`;

/** The script as Vercel bundles it: one file, `?module` imports from what the host hands in, addresses of files. */
async function bundle(folder: string, base: string): Promise<string> {
  const handedIn: esbuild.Plugin = {
    name: "modules",
    setup(build) {
      build.onResolve({ filter: /\?module$/ }, ({ path }) => ({ path, namespace: "module" }));
      build.onLoad({ filter: /.*/, namespace: "module" }, ({ path }) => ({
        contents: `export default modules["${path.slice(2, -"?module".length)}"];`,
      }));
    },
  };
  try {
    const { outputFiles } = await esbuild.build({
      stdin: {
        contents: 'import { result } from "./check.js"; globalThis.result = result;',
        resolveDir: folder,
      },
      ...{ bundle: true, format: "esm", write: false, logLevel: "silent" },
      define: { "import.meta.url": JSON.stringify(base) },
      plugins: [handedIn],
    });
    return `(async () => {\n${outputFiles[0].text}\nreturn globalThis.result; })()`;
  } finally {
    await esbuild.stop();
  }
}

/** What check.js results in. */
export async function runVercel(command: string, folder: string): Promise<string> {
  const server = serve(folder, {}, () => Promise.resolve(null));
  try {
    const script = await bundle(folder, `http://127.0.0.1:${server.addr.port}/`);
    await Deno.writeTextFile(`${folder}/bundle.js`, script);
    await Deno.writeTextFile(`${folder}/host.mjs`, HOST);
    return (await output(command, ["host.mjs", INSTALLED.vercel], folder)).trim();
  } finally {
    await server.shutdown();
  }
}
