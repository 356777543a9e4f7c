/**
 * Exported models: their sizes, outputs, errors, and what cannot be exported.
 */
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import * as esbuild from "esbuild";
import fc from "fast-check";
import * as torch from "../mod.ts";
import { F, nn, type Tensor } from "../mod.ts";
import { kernelFiles } from "../src/edge/compile.ts";
import { cnn, exported, type Infer, mlp, partsOf, resnet18 } from "./edge/models.ts";

/** Asserts that what a model takes when gzipped is no more than so many bytes, each flavour by itself. */
function assertSizes({ files }: torch.edge.ExportReport, script: number, binary: number): void {
  assertLess(files["model.js"].gzip, script);
  assertLess(files["model.wasm"].gzip, binary);
  assertLess(files["model.relaxed.wasm"].gzip, binary);
}

Deno.test("edge: an MLP takes less than 1.5 KB and 1.5 KB", async () => {
  await exported(mlp(), torch.randn(1, 784), {}, (_, report) => {
    assertEquals(report.operations, ["linear", "linear"]);
    assertSizes(report, 1536, 1536);
  });
});

Deno.test("edge: a CNN takes less than 2 KB and 5 KB; its norm and its maxima are part of convolutions", async () => {
  await exported(cnn(), torch.randn(1, 1, 28, 28), {}, (_, report) => {
    assertEquals(report.operations, [
      ...["convolution", "convolution", "avg_pool", "linear"],
    ]);
    assertSizes(report, 2048, 5120);
  });
});

Deno.test("edge: ResNet-18 takes less than 2 KB and 5 KB; its norms and sums are part of convolutions", async () => {
  const example = torch.randn(1, 3, 64, 64);
  await exported(resnet18(), example, { maxBatch: 2 }, (_, report) => {
    const convolutions = report.operations.filter((name) => name === "convolution");
    assertEquals(convolutions.length, 20);
    assertEquals(report.operations.length, 20 + 3);
    assertSizes(report, 2048, 5120);
  });
});

/** The outputs of the exported `model` for `x`, and the model's. */
async function both(
  model: torch.edge.Forward,
  x: Tensor,
  options: Omit<torch.edge.ExportOptions, "out"> = {},
): Promise<{ there: number[]; here: number[]; report: torch.edge.ExportReport }> {
  return await exported(model, x, options, async (folder, report) => {
    const { create, module, weights } = await partsOf(folder);
    const there = create({ module, weights }).infer(x.toTypedArray() as Float32Array, x.shape[0]);
    const here = torch.noGrad(() => model(x)).toTypedArray();
    return { there: [...there], here: [...here] as number[], report };
  });
}

function assertClose(there: number[], here: number[], tolerance: number, name?: string): void {
  assertEquals(there.length, here.length);
  const most = Math.max(1, ...here.map(Math.abs));
  there.forEach((v, i) => assertLess(Math.abs(v - here[i]) / most, tolerance, name));
}

Deno.test("edge: forward passes of many kinds", async () => {
  torch.manualSeed(4);
  const scale = new nn.Parameter(torch.randn(6)), table = torch.randn(6, 6);
  const linear = new nn.Linear(6, 6), other = new nn.Linear(6, 6);
  const passes: Record<string, (x: Tensor) => Tensor> = {
    "an elementwise chain": (x) => x.mul(2).sub(0.5).relu().add(x.neg()).div(3).clamp(-1, 1),
    "one value read twice": (x) => {
      const y = linear(x);
      return y.add(other(y).relu());
    },
    "the input, again at the end": (x) => linear(x).relu().add(x).maximum(other(x)),
    "broadcast operands": (x) => x.mul(scale).add(table.at(0)),
    "softmax, sigmoid, gelu, tanh": (x) => F.softmax(F.gelu(linear(x).tanh()).sigmoid(), -1),
    "a layer norm": (x) => F.layerNorm(x, [6]),
    "a product with a constant": (x) => x.matmul(table).add(table.matmul(table).sum()),
    "parts joined": (x) => torch.cat([linear(x).narrow(1, 0, 2), x, torch.ones(x.shape[0], 1)], 1),
    "zeros around": (x) => F.pad(x, [1, 2]).mul(2),
    "transposed": (x) => x.view(-1, 2, 3).transpose(1, 2).reshape(-1, 6).mul(x),
    "a sum over the batch": (x) => x.sub(x.sum(0, { keepdim: true })),
    "a constant row": (x) => x.mul(0).add(torch.arange(6).to(torch.float32)),
    "in place, on the input too": (x) => linear(x.relu_()).relu_().add_(1).mul_(2),
  };
  const x = torch.randn(4, 6),
    all = (x: Tensor) => torch.cat(Object.values(passes).map((pass) => pass(x)), 1);
  const { there, here } = await both(all, x, { maxBatch: 6 });
  let at = 0;
  for (const [name, pass] of Object.entries(passes)) {
    const width = pass(x.clone()).shape[1], row = there.length / 4;
    const part = (all: number[]) =>
      [0, 1, 2, 3].flatMap((i) => all.slice(i * row + at, i * row + at + width));
    assertClose(part(there), part(here), 1e-6, name);
    at += width;
  }
});

Deno.test("edge: convolutions of many kinds", async () => {
  torch.manualSeed(5);
  const layers: Record<string, [nn.Module, number[]]> = {
    "groups, strides, padding, dilation": [
      new nn.Conv2d(6, 8, [3, 2], { stride: [2, 1], padding: [2, 1], dilation: [1, 2], groups: 2 }),
      [6, 9, 7],
    ],
    "depthwise": [new nn.Conv2d(5, 5, 3, { groups: 5, padding: 1, bias: false }), [5, 6, 6]],
    "1 x 1": [new nn.Conv2d(7, 3, 1), [7, 5, 5]],
    "one axis": [new nn.Conv1d(3, 5, 4, { padding: 2 }), [3, 11]],
    "padding wider than the input": [new nn.Conv2d(1, 2, 5, { padding: 4 }), [1, 2, 3]],
    "a long depth, and many bands": [new nn.Conv2d(40, 3, 3, { padding: 1 }), [40, 30, 31]],
    "maxima with padding and dilation": [
      new nn.MaxPool2d(3, { stride: 2, padding: 1, dilation: 2 }),
      [2, 9, 8],
    ],
    "maxima in ceil mode": [new nn.MaxPool2d([3, 2], { stride: 2, ceilMode: true }), [2, 8, 7]],
    "maxima of adaptive windows": [new nn.AdaptiveMaxPool2d(3), [2, 7, 8]],
    "maxima of a convolution, of an odd number of rows and columns": [
      new nn.Sequential(new nn.Conv2d(2, 7, 3), new nn.ReLU(), new nn.MaxPool2d(2)),
      [2, 9, 11],
    ],
    "maxima of many bands, and then the positive part": [
      new nn.Sequential(
        new nn.Conv2d(40, 3, 3, { padding: 1 }),
        new nn.MaxPool2d(2),
        new nn.ReLU(),
      ),
      [40, 61, 30],
    ],
    "strides of three, padding and dilation": [
      new nn.Conv2d(2, 9, [4, 3], { stride: 3, padding: [2, 3], dilation: 2 }),
      [2, 14, 16],
    ],
    "a norm without a layer before it": [new nn.BatchNorm2d(3).eval(), [3, 4, 4]],
    "a norm after a linear layer": [
      new nn.Sequential(new nn.Linear(4, 6), new nn.BatchNorm1d(6), new nn.ReLU()).eval(),
      [4],
    ],
  };
  const sizes = Object.values(layers).map(([, shape]) => shape.reduce((a, b) => a * b));
  const parts = (x: Tensor) => {
    let at = 0;
    return Object.values(layers).map(([layer, shape], i) => {
      const part = x.narrow(1, at, sizes[i]).reshape(x.shape[0], ...shape);
      at += sizes[i];
      return layer(part).flatten(1) as Tensor;
    });
  };
  const x = torch.randn(1, sizes.reduce((a, b) => a + b));
  const { there, here } = await both((x) => torch.cat(parts(x), 1), x, { maxBatch: 5 });
  let at = 0;
  Object.keys(layers).forEach((name, i) => {
    const end = at + parts(x)[i].numel();
    assertClose(there.slice(at, end), here.slice(at, end), 1e-6, name);
    at = end;
  });
});

Deno.test("edge: float16 and int8 weights", async () => {
  const model = cnn().eval(), x = torch.randn(3, 1, 28, 28);
  const sizes: Record<string, number> = {};
  for (const [weights, tolerance] of [["float16", 1e-3], ["int8", 2e-2]] as const) {
    const { there, here, report } = await both(model, x, { weights });
    assertClose(there, here, tolerance);
    assertLess(0, report.maxError);
    sizes[weights] = report.files["model.safetensors"].bytes;
    assertSizes(report, 2048, 5120);
  }
  assertLess(sizes.int8, sizes.float16);
  // Every float16 there is but infinities and NaN, denormals among them, comes back exactly.
  const all = torch.fromArray(Uint16Array.from({ length: 0x7c00 }, (_, i) => i), [0x7c00, 1], {
    dtype: torch.float16,
  }).to(torch.float32);
  const linear = new nn.Linear(1, 0x7c00, { bias: false });
  torch.noGrad(() => linear.weight.copy_(all));
  const { there } = await both(linear, torch.ones(1, 1), { weights: "float16" });
  assertEquals(there, [...all.toTypedArray()] as number[]);
});

Deno.test("edge: a GPT goes on token by token as the model does, and takes less than 3 KB and 6 KB", async () => {
  torch.manualSeed(8);
  const gpt = new torch.models.GPT({
    vocabSize: 11,
    blockSize: 12,
    nLayer: 2,
    nHead: 3,
    nEmbd: 18,
  });
  gpt.apply((m) => m instanceof nn.LayerNorm && void nn.init.normal_(m.weight!));
  const folder = await Deno.makeTempDir();
  const report = await torch.edge.exportGPT(gpt, { out: folder });
  assertSizes(report, 3072, 6144);
  const { model } = await import(`file://${folder}/deno.js`);
  const prompt = torch.tensor([[3n, 1n, 4n]]), greedy = gpt.generate(prompt, 9, { topK: 1 });
  assertEquals(
    [3, 1, 4, ...model.generate([3, 1, 4], 20, { topK: 1 })].slice(0, 12),
    [...greedy.view(-1).toTypedArray()].map(Number),
  );
  assertEquals(model.length, 12);
  assertThrows(() => model.step(0), RangeError, "all 12 places are taken; reset()");
  model.reset();
  assertThrows(() => model.step(11), RangeError, "expected a token from 0 to 10, got 11");
  assertThrows(() => [...model.generate([], 1)], RangeError, "a token to go on from");
  assertThrows(() => [...model.generate([1], 1, { temperature: 0 })], RangeError, "got 0 and 1");
  assertEquals(model.length, 0);
  // Drawn tokens follow their probabilities: 3,000 draws of the next.
  const logits: Float32Array = model.step(3), p = F.softmax(torch.fromArray(logits), 0).tolist();
  const counts = new Array(11).fill(0);
  let state = 1;
  const random = () => (state = state * 48271 % 2147483647) / 2147483647;
  for (let i = 0; i < 3000; i++) {
    model.reset();
    for (const token of model.generate([3], 1, { random })) counts[token]++;
  }
  (p as number[]).forEach((p, i) => assertLess(Math.abs(counts[i] / 3000 - p), 0.03));
  await Deno.remove(folder, { recursive: true });
  await assertRejects(
    () => torch.edge.exportGPT(mlp() as unknown as torch.models.GPT, { out: folder }),
    TypeError,
    "edge.exportGPT: expected a models.GPT",
  );
});

Deno.test("edge: one file holds everything", async () => {
  const x = torch.randn(2, 784);
  await exported(mlp(), x, { inline: true }, async (folder, report) => {
    assertEquals(Object.keys(report.files), ["model.d.ts", "model.js"]);
    const { infer } = await import(`file://${folder}/model.js`) as { infer: Infer };
    assertClose(
      [...infer(x.toTypedArray() as Float32Array)],
      [...mlp().eval()(x).toTypedArray()] as number[],
      1e-6,
    );
  });
});

Deno.test("edge: the model's modes and the captured backend are as they were", async () => {
  const model = mlp();
  model.at(1).eval();
  await exported(model, torch.randn(1, 784), {}, () => {});
  assertEquals(model.modules().map((m) => m.training), [true, true, false, true, true]);
  await assertRejects(() => exported((x) => x.mul(x.sum().item()), torch.ones(1, 3), {}, () => {}));
  assertEquals(torch.ones(3).add(1).tolist(), [2, 2, 2]);
});

Deno.test("edge: what cannot be captured is refused by name", async () => {
  torch.manualSeed(6);
  const buffer = torch.zeros(3), x = torch.randn(1, 3);
  const refused: [torch.edge.Forward, RegExp, { maxBatch?: number; weights?: "float16" }?][] = [
    [(x) => x.mul(x.sum().item()), /reads a number that depends on the input .* kernel sum;/],
    [(x) => x.gt(0).all().item() ? x : x.neg(), /reads a number that depends on the input/],
    [(x) => x.add(torch.randn(3)), /draws random numbers, in the kernel normal/],
    [(x) => F.dropout(x, 0.5, true), /draws random numbers, in the kernel dropout/],
    [(x) => x.add(buffer.add_(x.at(0))), /changes a parameter, a buffer .* in the kernel add;/],
    [(x) => x.shape[0] > 2 ? x.neg() : x.abs(), /other kernel calls for 2 than for 3/],
    [(x) => x.mul(x.shape[0] ** 2), /a number that the kernel mul takes depends on the number/],
    [(x) => torch.ones(x.shape), /the output does not depend on the input/, { maxBatch: 1 }],
    [(x) => x.to(torch.float64), /forward must give a float32 tensor, got torch.float64/],
    [(x) => x.sum(0), /forward must give a row for each of 2 samples, got shape \[3\]/],
    [
      (x) => x.sub(x.mean(0)),
      /a number that the kernel div takes depends on the number of samples/,
    ],
    [new nn.Linear(3, 2), /weight holds NaN/],
    [new nn.Linear(3, 1), /too much for float16/, { weights: "float16" }],
  ];
  torch.noGrad(() => {
    (refused.at(-1)![0] as nn.Linear).weight.fill_(1e5);
    (refused.at(-2)![0] as nn.Linear).weight.fill_(NaN);
  });
  for (const [model, message, options = {}] of refused) {
    const error = await assertRejects(() => exported(model, x, options, () => {}), Error);
    assert(message.test(error.message), error.message);
    assert(error.message.startsWith("edge.export: "), error.message);
  }
  const wrong: [unknown, unknown, RegExp][] = [
    [torch.ones(1, 3, { dtype: torch.int64 }), {}, /must be a float32 tensor, got torch.int64/],
    [torch.ones([]), {}, /expected an example \[batch, ...\] .* got shape \[\]/],
    [x, { weights: "int4" }, /weights must be "float32", "float16" or "int8", got "int4"/],
    [x, { maxBatch: 0 }, /maxBatch must be a positive whole number, got 0/],
  ];
  for (const [example, options, message] of wrong) {
    const call = () =>
      exported((x) => x, example as Tensor, options as { maxBatch: number }, () => {});
    const error = await assertRejects(call, Error);
    assert(message.test(error.message), error.message);
  }
});

Deno.test("edge: wrong weights, modules and inputs are refused, and say why", async () => {
  const x = torch.randn(1, 6), model = new nn.Linear(6, 4);
  await exported(model, x, { maxBatch: 2 }, async (folder) => {
    const { create, module, weights } = await partsOf(folder);
    const { infer } = create({ module, weights });
    const input = x.toTypedArray() as Float32Array;
    assertThrows(
      () => infer(input.subarray(1)),
      RangeError,
      "infer: got 5 numbers, expected 6 for each of 1 to 2 samples",
    );
    assertThrows(
      () => infer(new Float32Array(18), 3),
      RangeError,
      "got 18 numbers for 3 samples, expected 6",
    );
    assertThrows(() => infer(input, 0), RangeError, "got 6 numbers for 0 samples");
    assertThrows(() => infer([...input] as unknown as Float32Array), TypeError, "a Float32Array");
    assertThrows(
      () => infer(input.map((v, i) => i === 2 ? NaN : v)),
      RangeError,
      "input[2] is NaN",
    );
    const file = (tensors: Record<string, Tensor>) =>
      torch.saveBytes(tensors) as Uint8Array<ArrayBuffer>;
    const state = model.stateDict(),
      refuse = (weights: Uint8Array, text: string) =>
        assertThrows(() => create({ module, weights }), Error, text);
    refuse(weights.subarray(0, 5), "weights: 5 bytes that are no safetensors file");
    refuse(weights.subarray(0, -1), `of a file of ${weights.length - 1}, expected`);
    refuse(file({ weight: state.weight }), 'weights: no tensor "bias"');
    refuse(
      file({ ...state, weight: torch.ones(6, 4) }),
      'weights: "weight" is F32 [6,4], expected F32 [4,6]',
    );
    refuse(
      file({ ...state, bias: torch.ones(4).to(torch.float64) }),
      'weights: "bias" is F64 [4], expected F32 [4]',
    );
    // The model's own checkpoint will do: names are those of the state dict.
    assertEquals([...create({ module, weights: file(state) }).infer(input)], [...infer(input)]);
    await exported(new nn.Linear(6, 5), x, {}, async (folder) => {
      const other = await partsOf(folder);
      assertThrows(() => create({ ...other, weights }), Error, "is that of another model");
    });
  });
});

Deno.test("edge: a kernel that is not there is named", async () => {
  const fileOf = await kernelFiles();
  assertEquals(fileOf("softmax"), "./softmax");
  assertThrows(() => fileOf("soft"), Error, "no file of assembly/ has the kernel soft");
});

Deno.test("edge: broken weights' files give errors, and never wrong numbers", async () => {
  const x = torch.randn(1, 6), model = new nn.Linear(6, 4);
  await exported(model, x, {}, async (folder) => {
    const { create, module, weights } = await partsOf(folder);
    const input = x.toTypedArray() as Float32Array,
      right = create({ module, weights }).infer(input);
    const start = 8 + Number(new DataView(weights.buffer).getBigUint64(0, true));
    const outcome = (weights: Uint8Array) => {
      try {
        return create({ module, weights }).infer(input);
      } catch (e) {
        assert(/^weights: /.test((e as Error).message), (e as Error).message);
        return null;
      }
    };
    fc.assert(
      fc.property(fc.nat({ max: weights.length - 1 }), (length) => {
        assertEquals(outcome(weights.subarray(0, length)), null);
      }),
      { seed: 1, numRuns: 100 },
    );
    // Of a header that was changed, only what names no tensor of the model's may go unnoticed.
    fc.assert(
      fc.property(fc.nat({ max: start - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = weights.slice();
        changed[at] = byte;
        const found = outcome(changed);
        if (found !== null) assertEquals(found.length, right.length);
      }),
      { seed: 2, numRuns: 300 },
    );
    // A tensor of the right size, but outside of the data.
    fc.assert(
      fc.property(fc.integer({ min: -64, max: 64 }), (shift) => {
        const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, start)));
        const { weight } = header;
        weight.data_offsets = weight.data_offsets.map((at: number) => at + 4 * shift);
        const text = new TextEncoder().encode(JSON.stringify(header));
        const bytes = new Uint8Array(8 + text.length + weights.length - start);
        new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
        bytes.set(text, 8);
        bytes.set(weights.subarray(start), 8 + text.length);
        const [begin, end] = weight.data_offsets;
        if (begin < 0 || end > weights.length - start) assertEquals(outcome(bytes), null);
      }),
      { seed: 4, numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        const header = new TextEncoder().encode(json), bytes = new Uint8Array(8 + header.length);
        new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
        bytes.set(header, 8);
        assertEquals(outcome(bytes), null);
      }),
      { seed: 3, numRuns: 100 },
    );
  });
});

Deno.test("edge: a bundle of the functions of ./edge keeps those that it calls", async () => {
  const contents = 'export { fromArray, linear, relu } from "./src/edge.ts";';
  try {
    const { outputFiles } = await esbuild.build({
      stdin: { contents, resolveDir: new URL("../", import.meta.url).pathname, loader: "ts" },
      ...{ bundle: true, minify: true, format: "esm", write: false, logLevel: "silent" },
      external: ["*/build/kernels.ts"],
    });
    const [{ text }] = outputFiles;
    assert(text.includes("linear: "), "linear is there");
    for (const other of ["conv2d", "parseSafetensors", "createGraph", "Sequential"]) {
      assert(!text.includes(other), `${other} came along`);
    }
  } finally {
    await esbuild.stop();
  }
});
