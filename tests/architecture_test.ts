/**
 * The rules of the house: which way imports point, what the kernels' binaries hold, and how long a file may be.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import * as esbuild from "esbuild";
import ts from "typescript";
import { manifest } from "../src/backend/kernels.ts";
import { narrowManifest } from "../src/backend/narrow_kernels.ts";

const root = new URL("../", import.meta.url).href;

/** The layers, lowest first; a module belongs to the first that its path begins with. Imports may point down, or stay. */
const LAYERS: [layer: number, path: string][] = [
  [0, "build/"],
  [1, "src/backend/"],
  [1, "src/autograd/mode.ts"],
  [2, "src/tensor/"],
  [2, "ffi/"],
  [3, "src/autograd/record.ts"],
  [3, "src/autograd/hooks.ts"],
  [4, "src/ops/"],
  [5, "src/autograd/"],
  [6, "src/nn/"],
  [6, "src/optim/"],
  [6, "src/data/"],
  [6, "src/io/"],
  [7, "src/models/"],
  [8, "src/"],
  [8, "mod.ts"],
];

const layerOf = (path: string) => LAYERS.find(([, prefix]) => path.startsWith(prefix))?.[0];

interface Graph {
  modules: {
    specifier: string;
    dependencies?: { specifier: string; code?: { specifier: string } }[];
  }[];
}

Deno.test("architecture: imports point one way, and src imports nothing but itself and the binaries", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", "mod.ts"],
    cwd: new URL(root),
    stderr: "null",
  }).output();
  assert(success, "deno info failed");
  const graph: Graph = JSON.parse(new TextDecoder().decode(stdout));
  const wrong: string[] = [];
  for (const { specifier, dependencies = [] } of graph.modules) {
    const from = specifier.replace(root, "");
    for (const { code } of dependencies) {
      if (!code) continue; // a type import may point up
      const to = code.specifier.replace(root, "");
      const [a, b] = [layerOf(from), layerOf(to)];
      if (a === undefined || b === undefined || b > a) wrong.push(`${from} -> ${to}`);
    }
  }
  assertEquals(wrong, []);
});

/** Exports of the binaries that are not kernels. */
const FACTS = ["memory", "heap_base", "matmul_scratch", "generator_bytes"];

Deno.test("architecture: both binaries hold exactly the kernels of the manifest, with as many parameters", () => {
  for (const flavour of ["baseline", "relaxed"]) {
    const binary = Deno.readFileSync(new URL(`build/kernels.${flavour}.wasm`, root));
    const memory = new WebAssembly.Memory({ initial: 256, maximum: 65535, shared: true });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), {
      env: { memory },
    });
    const exported = Object.entries(exports).filter(([name]) => !FACTS.includes(name));
    const counts = (entries: [string, number][]) =>
      Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
    assertEquals(
      counts(exported.map(([name, f]) => [name, (f as () => void).length])),
      counts(Object.entries(manifest).map(([name, parameters]) => [name, parameters.length])),
    );
  }
});

Deno.test("architecture: a narrow kernel takes what the float32 kernel of its name takes, and no binary has it", () => {
  for (const [name, parameters] of Object.entries(narrowManifest)) {
    // What is there in narrow types alone has parameters of its own.
    if (name.startsWith("add_norm")) continue;
    assertEquals(
      parameters,
      manifest[
        name.replace(/(_mixed)?(_grad|_grad_affine)?_b?f16$/, "$2") as keyof typeof manifest
      ],
      name,
    );
    assertEquals(name in manifest, false, name);
  }
});

async function* sources(dir: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(dir)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), dir);
    if (entry.isDirectory) yield* sources(url);
    else if (entry.name.endsWith(".ts")) yield url;
  }
}

Deno.test("architecture: no source file is longer than 500 lines", async () => {
  const long: string[] = [];
  for (const dir of ["src/", "ffi/", "cuda/", "assembly/", "examples/", "bench/", "tests/"]) {
    for await (const url of sources(new URL(dir, root))) {
      const lines = (await Deno.readTextFile(url)).split("\n").length;
      if (lines > 500) long.push(`${url.href.replace(root, "")}: ${lines}`);
    }
  }
  assertEquals(long, []);
});

Deno.test("architecture: ops call ops as functions, not as methods of tensors", async () => {
  const { METHODS } = await import("../src/tensor/methods.ts");
  const methods = new Set<string>(Object.values(METHODS).flat());
  const files: string[] = [];
  for await (const url of sources(new URL("src/", root))) files.push(url.pathname);
  const program = ts.createProgram(files, {
    allowImportingTsExtensions: true,
    noEmit: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
  });
  const checker = program.getTypeChecker(), wrong: string[] = [];
  for (const file of files) {
    const source = program.getSourceFile(file)!;
    const visit = (node: ts.Node) => {
      if (
        ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) &&
        methods.has(node.expression.name.text) &&
        checker.getTypeAtLocation(node.expression.expression).symbol?.name === "Tensor"
      ) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        wrong.push(
          `${file.replace(new URL(root).pathname, "")}:${line + 1}: ${node.expression.getText()}()`,
        );
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  assertEquals(wrong, []);
});

Deno.test("architecture: a bundle of one op leaves the others out", async () => {
  const bundle = async (code: string) => {
    const { outputFiles } = await esbuild.build({
      stdin: { contents: code, resolveDir: new URL(root).pathname, loader: "ts" },
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
      external: ["*/build/kernels.ts"],
      logLevel: "silent",
    });
    return outputFiles[0].text;
  };
  try {
    const one = await bundle(`export { softmax } from "./src/ops/softmax.ts";`);
    const all = await bundle(`export * from "./mod.ts";`);
    assertLess(one.length, all.length / 4);
    for (const other of ["crossEntropy", "einsum", "DataLoader", "registerHook"]) {
      assert(all.includes(other), `the whole library has ${other}`);
      assert(!one.includes(other), `softmax brings ${other} along`);
    }
  } finally {
    await esbuild.stop();
  }
});
