/**
 * The files of an exported model.
 *
 * @module
 */
import { filesOf, replaceFile } from "../io/files.ts";
import type { Exported } from "./export.ts";

/** Reads a file beside the script with `fetch`. */
const FETCH = `async (name) => {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(response.url + ": " + response.status);
  return await response.arrayBuffer();
}`;

/** The same in Deno, which reads files much sooner by itself: starting `fetch` takes it some 10 ms. */
const DENO = `(name) => {
  const url = new URL(name, import.meta.url);
  return url.protocol === "file:" ? Deno.readFile(url) : get(name);
}`;

/** An entry for each host, which finds the files beside it in the host's own way, and exports `binding`. */
function entriesOf(binding: string): Record<string, string> {
  const loader = (read: string, head = "") =>
    `${head}import { load } from "./model.js";\nexport const ${binding} = await load(${read});\n`;
  // Where modules and bytes are imported, and the host has them ready.
  const imported = (suffix: string, weights: string) =>
    `import { create, hasRelaxed } from "./model.js";
import baseline from "./model.wasm${suffix}";
import relaxed from "./model.relaxed.wasm${suffix}";
${weights}export const ${binding} = create({ module: hasRelaxed() ? relaxed : baseline, weights });
`;
  return {
    "browser.js": loader(FETCH),
    "deno.js": loader(DENO, `const get = ${FETCH};\n`),
    "bun.js": loader("(name) => Bun.file(new URL(name, import.meta.url)).arrayBuffer()"),
    "node.js": loader(
      "(name) => readFile(new URL(name, import.meta.url))",
      'import { readFile } from "node:fs/promises";\n',
    ),
    "worker.js": imported("", 'import weights from "./model.safetensors";\n'),
    "vercel.js": imported(
      "?module",
      'const weights = await (await fetch(new URL("./model.safetensors", import.meta.url))).arrayBuffer();\n',
    ),
  };
}

/** Makes the folder a package: `import { infer } from "./digit"` finds the entry of the host. */
const PACKAGE = {
  type: "module",
  sideEffects: false,
  exports: {
    ".": {
      types: "./model.d.ts",
      "edge-light": "./vercel.js",
      workerd: "./worker.js",
      deno: "./deno.js",
      bun: "./bun.js",
      node: "./node.js",
      default: "./browser.js",
    },
    "./*": "./*",
  },
};

/** The types of model.js and of the entries. */
function types({ types, binding, made }: Exported, inline: boolean): string {
  return `${types}
/** A model that is ready to run: from the compiled model.wasm, or model.relaxed.wasm, and the bytes of model.safetensors. */
export function create(parts: { module: WebAssembly.Module; weights: ArrayBuffer | ArrayBufferView }): ${made};
/** The same from the three files, read by name. */
export function load(read: (name: string) => Promise<ArrayBuffer | ArrayBufferView>): Promise<${made}>;
/** Whether this host runs model.relaxed.wasm. */
export function hasRelaxed(): boolean;
/** The model: of the entry for this host${inline ? "" : ", not of model.js"}. */
export const ${binding === "model" ? `model: ${made}` : "infer: Infer"};
`;
}

/** Everything in one script: binaries and weights as base64, ready when the script has run. */
function inlined({ script, binaries, weights, binding }: Exported): string {
  const text = (bytes: Uint8Array) => JSON.stringify(bytes.toBase64());
  // The bundle ends in `export{a as create,b as hasRelaxed,c as load};`.
  const name = (exported: string) => script.match(new RegExp(`([\\w$]+) as ${exported}\\b`))![1];
  return `${script}const decode=t=>Uint8Array.from(atob(t),c=>c.charCodeAt(0));` +
    `export const ${binding}=${name("create")}({module:new WebAssembly.Module(decode(${
      name("hasRelaxed")
    }()?` +
    `${text(binaries.relaxed)}:${text(binaries.baseline)})),weights:decode(${text(weights)})});\n`;
}

/** Writes the files of `exported` into the folder `out`, and says how long they are. */
export async function writeEntries(
  out: string | URL,
  exported: Exported,
  inline: boolean,
): Promise<Record<string, { bytes: number; gzip: number }>> {
  const files = new Map<string, string | Uint8Array<ArrayBuffer>>();
  files.set("model.d.ts", types(exported, inline));
  if (inline) files.set("model.js", inlined(exported));
  else {
    files.set("model.js", exported.script);
    files.set("model.wasm", exported.binaries.baseline);
    files.set("model.relaxed.wasm", exported.binaries.relaxed);
    files.set("model.safetensors", exported.weights);
    files.set("package.json", `${JSON.stringify(PACKAGE, null, 2)}\n`);
    for (const [name, text] of Object.entries(entriesOf(exported.binding))) files.set(name, text);
  }
  const folder = out instanceof URL ? new URL(out.href.replace(/\/?$/, "/")) : out;
  await Deno.mkdir(folder, { recursive: true });
  const host = filesOf("edge.export"), report: Record<string, { bytes: number; gzip: number }> = {};
  for (const [name, contents] of files) {
    const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
    await replaceFile(
      host,
      folder instanceof URL ? new URL(name, folder) : `${folder}/${name}`,
      bytes,
    );
    report[name] = { bytes: bytes.length, gzip: await gzipped(bytes) };
  }
  return report;
}

/** How many bytes `bytes` are when gzipped. */
async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}
