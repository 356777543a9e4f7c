/**
 * A peer of exported models: `deno run -A bench/edge_peer.ts tfjs|onnx mlp|cnn|resnet18 [warm]`. Says "ready" at its first result,
 * and then, if asked, microseconds of 1 and 32 samples at best.
 */
import type * as ort from "onnxruntime-common";
import { encode, type Model, type Node } from "./onnx.ts";
import type { Tf } from "./row.ts";

type Infer = (samples: number) => unknown | Promise<unknown>;

const [who, network, mode] = Deno.args;

/** Channels of ResNet-18's stages, of two blocks each, the first of them with a stride of 2 from the second stage on. */
const STAGES = [64, 128, 256, 512];

/** ResNet-18 of a library: its convolution, norms folded into it, of a kernel's size, with a residual or without. */
function resnet18<T>(
  x: T,
  conv: (x: T, from: number, to: number, size: number, stride: number, relu: boolean, add?: T) => T,
  pool: (x: T) => T,
): T {
  x = pool(conv(x, 3, 64, 7, 2, true));
  let from = 64;
  for (const to of STAGES) {
    for (const block of [0, 1]) {
      const stride = block === 0 && to !== 64 ? 2 : 1;
      const around = stride === 1 ? x : conv(x, from, to, 1, 2, false);
      x = conv(conv(x, from, to, 3, stride, true), to, to, 3, 1, true, around);
      from = to;
    }
  }
  return x;
}

async function tfjs(): Promise<Infer> {
  // Not literals: checking the types should not download all of it.
  const name = "@tensorflow/tfjs", backend = "@tensorflow/tfjs-backend-wasm";
  const tf: Tf = await import(name);
  (await import(backend)).setThreadsCount(1);
  await tf.setBackend("wasm");
  const w = (...shape: number[]) => tf.fill(shape, 0.01);
  const [first, last, bias] = [w(784, 128), w(128, 10), w(128)];
  const [conv1, conv2, fc] = [w(3, 3, 1, 8), w(3, 3, 8, 16), w(400, 10)];
  // deno-lint-ignore no-explicit-any
  type T = any;
  const known = new Map<string, T>();
  const weight = (...shape: number[]) => {
    let found = known.get(`${shape}`);
    if (found === undefined) known.set(`${shape}`, found = tf.keep(w(...shape) as T));
    return found;
  };
  const conv = (
    x: T,
    from: number,
    to: number,
    size: number,
    s: number,
    relu: boolean,
    add?: T,
  ) => {
    const p = size >> 1, pad = p === 0 ? "valid" : [[0, 0], [p, p], [p, p], [0, 0]];
    const y = (tf as T).fused.conv2d({
      ...{ x, filter: weight(size, size, from, to), strides: s, pad, bias: weight(to) },
      activation: relu && add === undefined ? "relu" : "linear",
    });
    return add === undefined ? y : tf.relu(tf.add(y, add));
  };
  const layer = (x: T, weight: T) =>
    tf.maxPool(tf.relu(tf.conv2d(x, weight, 1, "valid")), 2, 2, "valid");
  return (n) =>
    tf.tidy(() => {
      if (network === "resnet18") {
        const x = resnet18<T>(
          tf.fill([n, 224, 224, 3], 0.5),
          conv,
          (x) => (tf as T).maxPool(x, 3, 2, [[0, 0], [1, 1], [1, 1], [0, 0]]),
        );
        const means = (tf as T).mean(x, [1, 2]);
        return (tf as T).add(tf.matMul(means, weight(512, 1000)), weight(1000)).dataSync();
      }
      if (network === "mlp") {
        const x = tf.fill([n, 784], 0.5) as T;
        return tf.matMul(tf.relu(tf.add(tf.matMul(x, first as T), bias)), last as T).dataSync();
      }
      const x = layer(layer(tf.fill([n, 28, 28, 1], 0.5), conv1), conv2);
      return tf.matMul(tf.reshape(x, [n, 400]) as T, fc as T).dataSync();
    });
}

/** ResNet-18 for ONNX; its weights are zeros, made as the session begins: a file of them would take too long to write. */
function resnetModel(): Model {
  const nodes: Node[] = [], constants: Record<string, number[]> = {};
  const add = (op: string, inputs: string[], attributes: Node["attributes"] = {}) => {
    const name = `t${nodes.length}`;
    nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  };
  const weight = (...shape: number[]) => {
    const name = `s${shape.join("_")}`;
    constants[name] = shape;
    return add("ConstantOfShape", [name]);
  };
  const last = resnet18<string>(
    "a",
    (x, from, to, size, stride, relu, around) => {
      const p = size >> 1, inputs = [x, weight(to, from, size, size), weight(to)];
      const sizes = { kernel_shape: [size, size], strides: [stride, stride], pads: [p, p, p, p] };
      let y = add("Conv", inputs, sizes);
      if (around !== undefined) y = add("Add", [y, around]);
      return relu ? add("Relu", [y]) : y;
    },
    (x) => add("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  );
  const flat = add("Flatten", [add("GlobalAveragePool", [last])]);
  const inputs = [flat, weight(1000, 512), weight(1000)];
  nodes.push({ op: "Gemm", inputs, outputs: ["y"], attributes: { transB: 1 } });
  return { nodes, constants };
}

async function onnx(): Promise<Infer> {
  const name = "onnxruntime-web";
  const { env, InferenceSession, Tensor }: typeof ort = await import(name);
  env.wasm.numThreads = 1;
  const pool: Node = {
    op: "MaxPool",
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  };
  const chain = (nodes: Node[]) =>
    nodes.map((node, i): Node => ({
      ...node,
      inputs: [i === 0 ? "a" : `t${i - 1}`, ...node.inputs ?? []],
      outputs: [i === nodes.length - 1 ? "y" : `t${i}`],
    }));
  const model = network === "resnet18" ? resnetModel() : network === "mlp"
    ? {
      nodes: chain([
        { op: "Gemm", inputs: ["w1", "b1"], attributes: { transB: 1 } },
        { op: "Relu" },
        { op: "Gemm", inputs: ["w2", "b2"], attributes: { transB: 1 } },
      ]),
      constants: {
        ...{ w1: { ones: [128, 784] }, b1: { ones: [128] } },
        ...{ w2: { ones: [10, 128] }, b2: { ones: [10] } },
      },
    }
    : {
      nodes: chain([
        { op: "Conv", inputs: ["c1"] },
        { op: "Relu" },
        pool,
        { op: "Conv", inputs: ["c2"] },
        { op: "Relu" },
        pool,
        { op: "Flatten" },
        { op: "Gemm", inputs: ["w", "b"], attributes: { transB: 1 } },
      ]),
      constants: {
        ...{ c1: { ones: [8, 1, 3, 3] }, c2: { ones: [16, 8, 3, 3] } },
        ...{ w: { ones: [10, 400] }, b: { ones: [10] } },
      },
    };
  const sample = { mlp: [784], cnn: [1, 28, 28], resnet18: [3, 224, 224] }[network]!;
  const shape = (n: number) => [n, ...sample], size = sample.reduce((a, b) => a * b);
  const sessions = new Map<number, ort.InferenceSession>();
  return async (n) => {
    let session = sessions.get(n);
    if (session === undefined) {
      session = await InferenceSession.create(encode(model, [shape(n)]), {
        executionProviders: ["wasm"],
      });
      sessions.set(n, session);
    }
    const a = new Tensor("float32", new Float32Array(size * n).fill(0.5), shape(n));
    return (await session.run({ a })).y.data;
  };
}

const infer = await (who === "tfjs" ? tfjs : onnx)();
await infer(1);
console.log("ready");
if (mode === "warm") {
  for (const n of [1, 32]) {
    await infer(n);
    const end = performance.now() + 500;
    let best = Infinity;
    do {
      const start = performance.now();
      await infer(n);
      best = Math.min(best, performance.now() - start);
    } while (performance.now() < end);
    console.log(1000 * best);
  }
}
Deno.exit();
