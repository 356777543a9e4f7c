/**
 * The npm package outside Deno: a network trains to PyTorch's losses in Node, Bun and a browser, on threads too; and
 * hosts that cannot run it are told why.
 */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import * as esbuild from "esbuild";
import { difference, recorded } from "../examples/program.ts";
import { commandOf, hostOf } from "./edge/host.ts";
import { output } from "./edge/process.ts";
import { bundle, install } from "./npm/package.ts";

/**
 * Trains the example's network on two threads, giving the event loop a turn now and then, saves it and loads it. In a
 * page, it looks at what is handed to workers: how many were ready, and how many calls were shared with them.
 */
const CHECK = `
const sent = [], { Worker, crossOriginIsolated = false } = globalThis;
if (crossOriginIsolated) {
  globalThis.Worker = class extends Worker {
    postMessage(data) {
      sent.push(data);
      super.postMessage(data);
    }
  };
}
const torch = await import("@dinotorch/dinotorch");
const { trainTwoLayerNet } = await import("./two_layer_net.js");
torch.setNumThreads(2);
const turn = () => new Promise((resolve) => setTimeout(() => resolve(false), 5));
const { losses, model } = await trainTwoLayerNet({
  steps: STEPS,
  onStep: (losses) => losses.length % 25 === 0 ? turn() : false,
});
let file;
try {
  await torch.save(model, "model.safetensors");
  torch.saveSync(torch.load(torch.saveBytes(model)), "again.safetensors");
  const [a, b] = [await torch.load("model.safetensors"), torch.loadSync("again.safetensors")];
  file = Object.keys(model).every((key) => torch.equal(a[key], model[key]) && torch.equal(b[key], model[key]));
} catch (e) {
  file = e.message;
}
const at = (place) => sent.map(({ board, places }) => new Int32Array(board)[places[place]]);
export const result = JSON.stringify({
  losses,
  file,
  threads: torch.getNumThreads(),
  ready: at("READY")[0] ?? 0,
  shared: at("GENERATION")[0] ?? 0,
  printed: String(new torch.nn.Sequential(new torch.nn.ReLU())),
  cuda: [torch.cuda.isAvailable(), torch.cuda.problem()],
});
`;

interface Result {
  losses: number[];
  file: boolean | string;
  threads: number;
  ready: number;
  shared: number;
  printed: string;
  cuda: [boolean, string];
}

const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const NO_WASM = { "content-security-policy": "script-src 'self'" };
const NO_WORKERS = { ...ISOLATED, "content-security-policy": "worker-src 'none'" };

/** The example's network, as a program that uses the package. */
async function network(): Promise<string> {
  const source = await Deno.readTextFile(new URL("../examples/two_layer_net.ts", import.meta.url));
  try {
    const { code } = await esbuild.transform(source, { loader: "ts", target: "es2022" });
    return code.replaceAll('"../mod.ts"', '"@dinotorch/dinotorch"');
  } finally {
    await esbuild.stop();
  }
}

/** A folder with the program in one script, as a page has it. */
async function page(folder: string, check: string): Promise<string> {
  const own = await Deno.makeTempDir();
  await Deno.writeTextFile(`${own}/check.js`, await bundle(folder, check, { keepNames: true }));
  return own;
}

/** The package runs in every host. */
async function trains(folder: string): Promise<void> {
  const theirs: number[] = (await recorded("two_layer_net")).losses;
  const steps = (n: number) => CHECK.replace("STEPS", String(n));
  await Deno.writeTextFile(`${folder}/two_layer_net.js`, await network());
  await Deno.writeTextFile(`${folder}/check.js`, steps(500));
  const long = await page(folder, steps(500)), short = await page(folder, steps(50));
  const check = async (
    name: string,
    n: number,
    own: string,
    expected: (result: Result) => void,
    headers?: Record<string, string>,
  ) => {
    const host = hostOf(name), command = await commandOf(host);
    if (command === null) return;
    const result: Result = JSON.parse(await host.run(command, own, headers));
    assertEquals(result.losses.length, n, name);
    assertLess(difference(result.losses, theirs, Math.min(n, 100)), 1e-5, name);
    assertLess(difference(result.losses, theirs, n), 5e-4, name);
    assertEquals(result.printed, "Sequential(\n  (0): ReLU()\n)", name);
    assertEquals(result.cuda[0], false);
    assertStringIncludes(result.cuda[1], "CUDA needs Deno");
    expected(result);
  };
  const shares = ({ threads, ready, shared, file }: Result) => {
    assertEquals([threads, ready], [2, 1]);
    assert(shared > 100, `${shared} calls were shared`);
    assertStringIncludes(String(file), "there are no files here");
  };
  const alone = ({ threads, shared }: Result) => assertEquals([threads, shared], [1, 0]);
  // Scripts one after the other, each with two threads and its files, and beside them pages.
  const scripts = async () => {
    for (const name of ["Node", "newer Node", "Bun"]) {
      await check(
        name,
        500,
        folder,
        ({ file, threads }) => assertEquals([file, threads], [true, 2]),
      );
    }
  };
  const pages = async () => {
    for (const name of ["Chromium", "Firefox"]) await check(name, 500, long, shares, ISOLATED);
    for (const headers of [{}, NO_WORKERS]) await check("Chromium", 50, short, alone, headers);
  };
  await Promise.all([scripts(), pages()]);
  for (const own of [long, short]) await Deno.remove(own, { recursive: true });
}

/** Hosts that lack something are told what. */
async function refuses(folder: string): Promise<void> {
  const program = `import "@dinotorch/dinotorch"; export const result = "it runs";`;
  await Deno.writeTextFile(`${folder}/check.js`, program);
  const own = await page(folder, program);
  const node = await commandOf(hostOf("Node")), chromium = await commandOf(hostOf("Chromium"));
  const check = async (result: Promise<string>, ...texts: string[]) => {
    const said = await result.catch(({ message }) => message);
    for (const text of texts) assertStringIncludes(said, text);
  };
  const cannot = "dinotorch cannot run in this host: ";
  const inNode = (flag: string, lack: string) =>
    node && check(output(node, [flag, "check.js"], folder), cannot + lack);
  await Promise.all([
    inNode("--jitless", "it has no WebAssembly"),
    // where SIMD takes what old processors do not have
    Deno.build.arch === "x86_64" && inNode("--no-enable-sse4-1", "its WebAssembly lacks SIMD"),
    chromium && check(
      hostOf("Chromium").run(chromium, own, NO_WASM),
      `${cannot}it forbids compiling WebAssembly`,
      "wasm-unsafe-eval",
    ),
  ]);
  await Deno.remove(own, { recursive: true });
}

Deno.test("npm: the installed package", async (t) => {
  const installed = await install();
  if (installed === null) return;
  const { folder, packed } = installed;
  await t.step("trains to PyTorch's losses in Node, Bun and browsers", () => trains(folder));
  await t.step("says what a host lacks", () => refuses(folder));
  await t.step("is as small as its README says", async () => {
    const readme = await Deno.readTextFile(`${folder}/node_modules/@dinotorch/dinotorch/README.md`);
    const said = Number(/(\d+) KB packed/.exec(readme)![1]);
    assert(Math.abs(packed / 1000 / said - 1) < 0.1, `${packed} bytes packed, said ${said} KB`);
  });
  await Deno.remove(folder, { recursive: true });
});
