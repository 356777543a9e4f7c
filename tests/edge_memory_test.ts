/**
 * How much memory exported models take: their weights, what is computed at once, and next to nothing else.
 */
import { assertEquals, assertLess } from "@std/assert";
import * as torch from "../mod.ts";
import { commandOf, hostOf } from "./edge/host.ts";
import { cnn, mlp, partsOf, resnet18 } from "./edge/models.ts";
import { runWorkerd } from "./edge/workerd.ts";

const MB = 1 << 20;

/** A Worker has 128 MB: its memory in pages of 64 KB, and its heap. */
const LIMITS = ["--wasm-max-mem-pages=1600", "--max-heap-size=128"];

/** A model, how it is exported, and how many floats it computes at once. */
interface Case {
  write(out: string): Promise<torch.edge.ExportReport>;
  floats: number;
  /** What check.js calls the outputs of, as an expression of the entry's exports, which stand in `it`. */
  outputs: string;
}

const infer = (n: number) =>
  `it.infer(Float32Array.from({ length: ${n} }, (_, i) => (i * 7919 % 2003) / 2003 - 0.5))`;

const exporting =
  (make: () => torch.edge.Forward, shape: number[], maxBatch: number) => (out: string) =>
    torch.edge.export(make(), torch.randn([1, ...shape]), { out, maxBatch });

const CASES: Record<string, Case> = {
  "an MLP": {
    write: exporting(mlp, [784], 32),
    floats: 32 * (784 + 128),
    outputs: infer(784),
  },
  "a CNN": {
    write: exporting(cnn, [1, 28, 28], 32),
    floats: 32 * (8 * 28 * 28 + 8 * 14 * 14),
    outputs: infer(784),
  },
  "a character GPT": {
    write: (out) => {
      torch.manualSeed(9);
      const sizes = { vocabSize: 65, blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128 };
      return torch.edge.exportGPT(new torch.models.GPT(sizes), { out });
    },
    // Keys and values of all places and layers, heads' scores, a layer's widest vector, and the logits.
    floats: 4 * 2 * 64 * 128 + 2 * 4 * 64 + 6 * 128 + 65,
    outputs: "[5, 3, 1].flatMap((token) => [...it.model.step(token)])",
  },
  "ResNet-18 at 224 x 224": {
    write: exporting(resnet18, [3, 224, 224], 1),
    floats: 64 * (112 * 112 + 56 * 56),
    outputs: infer(3 * 224 * 224),
  },
};

for (const [name, { write, floats, outputs }] of Object.entries(CASES)) {
  Deno.test(`edge: ${name} has its weights, its buffers and 2 MB, and runs in workerd within 128 MB`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const { files, memory } = await write(folder);
      const { module, weights } = await partsOf(folder);
      const { exports } = new WebAssembly.Instance(module);
      assertEquals((exports.memory as WebAssembly.Memory).buffer.byteLength, memory);
      assertEquals(files["model.safetensors"].bytes, weights.length);
      assertLess(memory, weights.length + 4 * floats + 2 * MB);

      const host = hostOf("workerd"), command = await commandOf(host);
      if (command === null) return;
      const check = `import * as it from "./ENTRY";
export const result = [...new Uint32Array(Float32Array.from(${outputs}).buffer)].join();`;
      await Deno.writeTextFile(`${folder}/check.js`, check.replace("ENTRY", host.entry));
      const there = await runWorkerd(command, folder, "2026-11-01", LIMITS);
      await Deno.writeTextFile(`${folder}/here.js`, check.replace("ENTRY", "deno.js"));
      assertEquals(there, (await import(`file://${folder}/here.js`)).result);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("edge: workerd's limits are in force: a model that needs more than its pages does not start", async () => {
  const host = hostOf("workerd"), command = await commandOf(host);
  if (command === null) return;
  const folder = await Deno.makeTempDir();
  await CASES["an MLP"].write(folder);
  await Deno.writeTextFile(
    `${folder}/check.js`,
    `import "./worker.js";
let error = "none";
try {
  new WebAssembly.Memory({ initial: 1601 });
} catch (e) {
  error = e.name;
}
export const result = error;`,
  );
  assertEquals(await runWorkerd(command, folder, "2026-11-01", LIMITS), "RangeError");
  assertEquals(await runWorkerd(command, folder, "2026-11-01"), "none");
  await Deno.remove(folder, { recursive: true });
});
