/**
 * An exported model in the real hosts: the same outputs, bit for bit within a flavour.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import digit, { shape } from "../examples/edge/digit.ts";
import { cnn as digitNet } from "../examples/mnist_cnn.ts";
import * as torch from "../mod.ts";
import { commandOf, hostOf, HOSTS } from "./edge/host.ts";
import { cnn, exported, partsOf } from "./edge/models.ts";

/** The bits of the outputs of 1, 3 and 5 samples, what a wrong input is told, and what the host is like. */
const CHECK = `
import { infer } from "./ENTRY";
import { hasRelaxed } from "./model.js";
const samples = (n) => Float32Array.from({ length: 784 * n }, (_, i) => (i * 7919 % 2003) / 2003 - 0.5);
const words = [];
for (const n of [1, 3, 5]) words.push(...new Uint32Array(infer(samples(n), n).buffer));
let error = "none", evaluates = true;
try {
  infer(samples(1).subarray(1));
} catch (e) {
  error = e.name + ": " + e.message;
}
try {
  new Function("");
} catch {
  evaluates = false;
}
const outputs = words.map((w) => w.toString(16)).join(" ");
export const result = JSON.stringify({ outputs, error, evaluates, relaxed: hasRelaxed() });
`;

const ERROR = "RangeError: infer: got 783 numbers, expected 784 for each of 1 to 5 samples";

Deno.test("edge: Deno, Node, Bun, workerd, browsers and Vercel's machine compute the same bits", async () => {
  const example = torch.zeros(1, 1, 28, 28);
  await exported(cnn(), example, { maxBatch: 5 }, async (folder) => {
    // What each flavour gives here.
    const [baseline, relaxed] = await Promise.all(
      ["model.wasm", "model.relaxed.wasm"].map(async (name) => {
        const { create, module, weights } = await partsOf(folder, name);
        const { infer } = create({ module, weights }), words: number[] = [];
        for (const n of [1, 3, 5]) {
          const x = Float32Array.from(
            { length: 784 * n },
            (_, i) => (i * 7919 % 2003) / 2003 - 0.5,
          );
          words.push(...new Uint32Array(infer(x, n).buffer));
        }
        return words.map((w) => w.toString(16)).join(" ");
      }),
    );
    assert(baseline !== relaxed, "the flavours differ here");
    await Promise.all(HOSTS.map(async (host) => {
      const command = await commandOf(host);
      if (command === null) return;
      const own = await Deno.makeTempDir();
      for await (const { name } of Deno.readDir(folder)) {
        await Deno.copyFile(`${folder}/${name}`, `${own}/${name}`);
      }
      await Deno.writeTextFile(`${own}/check.js`, CHECK.replace("ENTRY", host.entry));
      const found = JSON.parse(await host.run(command, own));
      // Bun's relaxed multiply-add rounds twice: the bits of the other flavour.
      const outputs = found.relaxed && host.name !== "Bun" ? relaxed : baseline;
      const expected = { outputs, error: ERROR, evaluates: host.evaluates };
      assertEquals(found, { ...expected, relaxed: found.relaxed }, host.name);
      await Deno.remove(own, { recursive: true });
    }));
  });
});

Deno.test("edge: the example's worker reads a posted digit, in workerd", async () => {
  const host = hostOf("workerd"), command = await commandOf(host);
  if (command === null) return;
  torch.manualSeed(7);
  const model = digit(digitNet().stateDict()), folder = await Deno.makeTempDir();
  await torch.edge.export(model, torch.zeros([1, ...shape]), { out: `${folder}/digit` });
  await Deno.copyFile(
    new URL("../examples/edge/site/worker.js", import.meta.url),
    `${folder}/worker.js`,
  );
  await Deno.writeTextFile(
    `${folder}/check.js`,
    `import worker from "./worker.js";
const ask = async (body) => {
  const response = await worker.fetch(new Request("http://digit/", { method: "POST", body }));
  return response.status + " " + await response.text();
};
const pixels = Uint8Array.from({ length: 784 }, (_, i) => i % 256);
export const result = async () => await ask(pixels) + "\\n" + await ask(pixels.subarray(1));`,
  );
  const [answer, refusal] = (await host.run(command, folder)).split("\n");
  assertEquals(refusal, "400 expected 784 bytes, got 783");
  assertEquals(answer.slice(0, 4), "200 ");
  const pixels = torch.fromArray(Float32Array.from({ length: 784 }, (_, i) => (i % 256) / 255), [
    1,
    ...shape,
  ]);
  const expected = (model as torch.edge.Forward)(pixels);
  const { digit: found, probabilities } = JSON.parse(answer.slice(4));
  assertEquals(found, expected.argmax(1).item());
  for (const [i, p] of expected.toTypedArray().entries()) {
    assertAlmostEquals(probabilities[i], Number(p), 1e-6);
  }
  await Deno.remove(folder, { recursive: true });
});
