/**
 * A peer of exported models: `deno run -A bench/edge_peer.ts tfjs|onnx mlp|cnn [warm]`. Says "ready" at its first result,
 * and then, if asked, microseconds of 1 and 32 samples at best.
 */
import type * as ort from "onnxruntime-common";
import { encode, type Node } from "./onnx.ts";
import type { Tf } from "./row.ts";

type Infer = (samples: number) => unknown | Promise<unknown>;

const [who, network, mode] = Deno.args;

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
  const layer = (x: T, weight: T) =>
    tf.maxPool(tf.relu(tf.conv2d(x, weight, 1, "valid")), 2, 2, "valid");
  return (n) =>
    tf.tidy(() => {
      if (network === "mlp") {
        const x = tf.fill([n, 784], 0.5) as T;
        return tf.matMul(tf.relu(tf.add(tf.matMul(x, first as T), bias)), last as T).dataSync();
      }
      const x = layer(layer(tf.fill([n, 28, 28, 1], 0.5), conv1), conv2);
      return tf.matMul(tf.reshape(x, [n, 400]) as T, fc as T).dataSync();
    });
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
  const model = network === "mlp"
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
  const shape = (n: number) => network === "mlp" ? [n, 784] : [n, 1, 28, 28];
  const sessions = new Map<number, ort.InferenceSession>();
  return async (n) => {
    let session = sessions.get(n);
    if (session === undefined) {
      session = await InferenceSession.create(encode(model, [shape(n)]), {
        executionProviders: ["wasm"],
      });
      sessions.set(n, session);
    }
    const a = new Tensor("float32", new Float32Array(784 * n).fill(0.5), shape(n));
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
