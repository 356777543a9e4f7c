/** TensorFlow.js on its WebAssembly backend, or on its JavaScript one where that lacks a kernel. */
import { floats, ints, sizeOf } from "../data.ts";
import type { Row, Tf } from "../row.ts";
import type { Prepared, Start } from "./engine.ts";

export const start: Start = async (threads) => {
  // The core alone has no gradients. Not a literal: checking the types should not download all of it.
  const name = "@tensorflow/tfjs";
  const tf: Tf = await import(name);
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  wasm.setThreadsCount(threads);
  await tf.setBackend("wasm");
  if (wasm.getThreadsCount() !== threads) {
    throw new Error("TensorFlow.js has threads in browsers only");
  }
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  let open = false;
  const prepare = async (row: Row, backend: string, note?: string): Promise<Prepared> => {
    const recipe = row.tfjs;
    if (!recipe) throw new Error("no recipe");
    tf.disposeVariables();
    if (open) tf.engine().endScope(); // frees what the row before had prepared
    await tf.setBackend(backend);
    tf.engine().startScope();
    open = true;
    const inputs = row.inputs.map((input, i) =>
      Array.isArray(input)
        ? tf.tensor(floats(i + 1, sizeOf(input)), input)
        : tf.tensor(ints(i + 1, sizeOf(input.ints), input.below), input.ints, "int32")
    );
    const work = recipe(tf, ...inputs);
    let result: ArrayLike<number>;
    try {
      result = tf.tidy(() => work().dataSync());
    } catch (e) {
      const { message } = e as Error;
      if (backend !== "wasm" || !message.includes("not registered for backend")) throw e;
      return prepare(
        row,
        "cpu",
        `in JavaScript, as its WebAssembly has no ${message.split("'")[1]}`,
      );
    }
    return {
      run: (n) => {
        for (let i = 0; i < n; i++) {
          tf.engine().startScope();
          work();
          tf.engine().endScope();
        }
      },
      result: () => result,
      note,
    };
  };
  return {
    about: `TensorFlow.js ${tf.version_core} (wasm${simd ? ", SIMD" : ""})`,
    prepare: (row) => prepare(row, "wasm"),
  };
};
