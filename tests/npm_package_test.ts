/**
 * What the npm package holds: the library's exports, types for a user's TypeScript, and modules that bundlers thin out.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import ts from "typescript";
import * as torch from "../mod.ts";
import * as edge from "../src/edge.ts";
import { bundle } from "./npm/package.ts";

const PACKAGE = new URL("../build/npm/", import.meta.url);

/** A user's folder, in which the package is installed. */
async function userFolder(): Promise<string> {
  const folder = await Deno.makeTempDir(), scope = `${folder}/node_modules/@dinotorch`;
  await Deno.mkdir(scope, { recursive: true });
  await Deno.symlink(PACKAGE.pathname, `${scope}/dinotorch`);
  await Deno.writeTextFile(`${folder}/package.json`, `{ "type": "module" }\n`);
  return folder;
}

/** Names of everything that `exported` leads to, through namespaces. */
function names(exported: object, prefix = ""): string[] {
  return Object.entries(exported).flatMap(([name, value]) =>
    value !== null && value[Symbol.toStringTag] === "Module"
      ? names(value, `${prefix}${name}.`)
      : [prefix + name]
  ).sort();
}

Deno.test("npm: the package exports what the library does", async () => {
  assertEquals(names(await import(`${PACKAGE}mod.js`)), names(torch));
  assertEquals(names(await import(`${PACKAGE}src/edge.js`)), names(edge));
});

const PROGRAM = `
import * as torch from "@dinotorch/dinotorch";
import { nn, optim, type Tensor } from "@dinotorch/dinotorch";
import { fromArray, linear, relu } from "@dinotorch/dinotorch/edge";

class Net extends nn.Module {
  fc1 = new nn.Linear(4, 8);
  layers = new nn.ModuleList([new nn.ReLU(), new nn.Linear(8, 3)]);
  forward(x: Tensor, scale: number = 1): Tensor {
    x = this.fc1(x);
    for (const layer of this.layers) x = layer(x);
    return x.mul(scale).softmax(-1);
  }
}
export async function train(): Promise<number> {
  const model = new Net(), optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const data = new torch.utils.data.TensorDataset(torch.randn(8, 4), torch.randint(0, 3, [8]));
  let sum = 0;
  for (const [x, y] of new torch.utils.data.DataLoader(data, { batchSize: 4, shuffle: true })) {
    const scope: torch.Scope = torch.scope();
    const loss = nn.functional.crossEntropy(model(x, 2), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    sum += loss.item() + (model.fc1.weight.grad?.sum().item() ?? 0);
    scope[Symbol.dispose]();
  }
  await torch.save({ model: model.stateDict() }, new URL("file:///tmp/model"));
  const { model: state } = torch.load<{ model: Record<string, Tensor> }>(new Uint8Array(8));
  model.loadStateDict(state);
  const report: torch.edge.ExportReport = await torch.edge.export(model, torch.zeros(1, 4), { out: "x" });
  return sum + report.maxError;
}
export const y: number[] = [...relu(linear(fromArray(Float32Array.of(1, 2), [1, 2]), torch.ones(1, 2))).toTypedArray()].map(Number);
// @ts-expect-error A shape is no text.
torch.zeros("2");
// @ts-expect-error There is no such option.
new nn.Linear(1, 2, { biass: false });
// @ts-expect-error The CUDA devices' module is Deno's.
import "@dinotorch/dinotorch/cuda";
`;

Deno.test("npm: a strict TypeScript program takes its types, as Node and as bundlers resolve them", async () => {
  const folder = await userFolder(), file = `${folder}/program.ts`;
  await Deno.writeTextFile(file, PROGRAM);
  const { ModuleKind, ModuleResolutionKind } = ts;
  const program = ts.createProgram([file], {
    ...{ strict: true, noEmit: true, types: [], target: ts.ScriptTarget.ES2022 },
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    ...{ noUncheckedSideEffectImports: true, skipDefaultLibCheck: true },
    ...{ module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext },
  });
  const said = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) =>
    `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`
  );
  assertEquals(said, []);
  // Bundlers find the same files, and ask less of the paths in them.
  const bundler = { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler };
  const found = ["", "/edge", "/cuda"].map((entry) =>
    ts.resolveModuleName(`@dinotorch/dinotorch${entry}`, file, bundler, ts.sys).resolvedModule
      ?.resolvedFileName
  );
  const inPackage = ["mod.d.ts", "src/edge.d.ts"].map((name) => PACKAGE.pathname + name);
  assertEquals(found, [...inPackage, undefined]);
  await Deno.remove(folder, { recursive: true });
});

const TRAINING = `
import { nn, optim, randn } from "@dinotorch/dinotorch";
const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 1));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
const loss = nn.functional.mseLoss(model(randn(16, 4)), randn(16, 1));
optimizer.zeroGrad();
loss.backward();
optimizer.step();
document.title = String(loss.item());
`;
const INFERENCE = `
import { fromArray, linear, relu } from "@dinotorch/dinotorch/edge";
const x = fromArray(Float32Array.of(1, -2), [1, 2]), w = fromArray(Float32Array.of(1, 0, 0, 1), [2, 2]);
document.title = String(relu(linear(x, w)).toTypedArray());
`;

Deno.test("npm: a bundled page runs, as small as the README says; that of ./edge keeps what it calls", async () => {
  const folder = await userFolder();
  const texts = [new URL("README.md", PACKAGE), new URL("../README.md", import.meta.url)]
    .map((url) => Deno.readTextFileSync(url).replace(/\s+/g, " "));
  /** Bundles a page and runs it; its script, without the kernels and with them. */
  const build = async (contents: string, said: RegExp) => {
    const text = await bundle(folder, contents, { minify: true, format: "iife" });
    const page = { title: "" };
    new Function("document", text)(page);
    const script = text.replace(/"[A-Za-z0-9+/=]{100000,}"/, '""');
    assertLess(script.length, text.length);
    const [own, all] = [script, text].map((t) =>
      gzipSync(Buffer.from(t), { level: 9 }).length / 1e3
    );
    const sizes = [own, all - own], found = texts.flatMap((text) => said.exec(text) ?? []);
    assert(found.length > 0);
    for (const [i, number] of found.entries()) {
      if (i % 3 === 0) continue; // the whole match
      const size = sizes[i % 3 - 1];
      assert(Math.abs(size / Number(number) - 1) < 0.1, `${found[0]}: it is ${sizes}`);
    }
    return { script, title: page.title };
  };
  const training = await build(
    TRAINING,
    /trains an MLP: (\d+) KB of script and (\d+) KB of kernels/,
  );
  assert(Number(training.title) > 0, training.title);
  const inference = await build(
    INFERENCE,
    /`relu\(linear\(x, w\)\)` with the functions of `\S+`: (\d+) and (\d+) KB/,
  );
  assertEquals(inference.title, "1,0");
  for (const other of ["conv2d", "createGraph", "crossEntropy", "einsum"]) {
    assert(training.script.includes(other), `${other} is in .`);
    assert(!inference.script.includes(other), `${other} came along with ./edge`);
  }
  await Deno.remove(folder, { recursive: true });
});
