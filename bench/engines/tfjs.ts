/** TensorFlow.js on its WebAssembly backend. */
import { floats, ints, sizeOf } from "../data.ts";
import type { Start } from "./engine.ts";

export const start: Start = async (threads) => {
  const tf = await import("@tensorflow/tfjs-core");
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  wasm.setThreadsCount(threads);
  await tf.setBackend("wasm");
  if (wasm.getThreadsCount() !== threads) {
    throw new Error("TensorFlow.js has threads in browsers only (its issue 3830)");
  }
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  let open = false;
  return {
    about: `TensorFlow.js ${tf.version_core} (wasm${simd ? ", SIMD" : ""})`,
    prepare: (row) => {
      const recipe = row.tfjs;
      if (!recipe) throw new Error("no recipe");
      tf.disposeVariables();
      if (open) tf.engine().endScope(); // frees what the row before had prepared
      tf.engine().startScope();
      open = true;
      const inputs = row.inputs.map((input, i) =>
        Array.isArray(input)
          ? tf.tensor(floats(i + 1, sizeOf(input)), input)
          : tf.tensor(ints(i + 1, sizeOf(input.ints), input.below), input.ints, "int32")
      );
      const work = recipe(tf, ...inputs);
      return {
        run: (n) => {
          for (let i = 0; i < n; i++) {
            tf.engine().startScope();
            work();
            tf.engine().endScope();
          }
        },
        result: () => tf.tidy(() => work().dataSync()),
      };
    },
  };
};
