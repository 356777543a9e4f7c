/** ONNX Runtime on its WebAssembly backend. Its inputs and outputs are copied into and out of its memory in every run. */
import type * as ort from "onnxruntime-common";
import { floats, ints, sizeOf } from "../data.ts";
import { encode, inputName } from "../onnx.ts";
import type { Start } from "./engine.ts";

export const start: Start = async (threads) => {
  // Not a literal: checking the types should not download 140 MB; onnxruntime-common has them.
  const name = "onnxruntime-web";
  const { env, InferenceSession, Tensor }: typeof ort = await import(name);
  env.wasm.numThreads = threads;
  let session: ort.InferenceSession | null = null;
  return {
    about: `ONNX Runtime Web ${env.versions.web} (wasm, SIMD)`,
    prepare: async (row) => {
      if (!row.onnx) throw new Error("no recipe");
      await session?.release();
      const made = session = await InferenceSession.create(encode(row.onnx, row.inputs), {
        executionProviders: ["wasm"],
      });
      const feeds = Object.fromEntries(row.inputs.map((input, i) => [
        inputName(i),
        Array.isArray(input)
          ? new Tensor("float32", floats(i + 1, sizeOf(input)), input)
          : new Tensor(
            "int64",
            BigInt64Array.from(ints(i + 1, sizeOf(input.ints), input.below), BigInt),
            input.ints,
          ),
      ]));
      return {
        run: async (n) => {
          for (let i = 0; i < n; i++) await made.run(feeds);
        },
        result: async () => (await made.run(feeds)).y.data as Float32Array,
      };
    },
  };
};
