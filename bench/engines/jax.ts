/** jax-js on its WebAssembly backend; every row goes through its `jit`. */
import config from "../../deno.json" with { type: "json" };
import { floats, ints, sizeOf } from "../data.ts";
import type { JaxArray } from "../row.ts";
import type { Start } from "./engine.ts";

export const start: Start = async (threads) => {
  // It takes one worker for each core, or, where there are no workers, runs on the calling thread.
  if (threads === 1) delete (globalThis as { Worker?: unknown }).Worker;
  else if (threads !== navigator.hardwareConcurrency) {
    throw new Error("jax-js has one thread, or one for each core");
  }
  const jax = await import("@jax-js/jax");
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const { numpy: np } = jax;
  let held: JaxArray[] = [];
  return {
    about: `jax-js ${config.imports["@jax-js/jax"].split("@").at(-1)} (wasm, jit)`,
    prepare: (row) => {
      const recipe = row.jax;
      if (!recipe) throw new Error("no recipe");
      for (const array of held) array.dispose();
      const inputs = row.inputs.map((input, i) =>
        Array.isArray(input)
          ? np.array(floats(i + 1, sizeOf(input)), { shape: input })
          : np.array(ints(i + 1, sizeOf(input.ints), input.below), {
            shape: input.ints,
            dtype: np.int32,
          })
      );
      const [f, ...args] = recipe(jax, ...inputs);
      held = args;
      const compiled = jax.jit(f);
      const once = () => compiled(...args.map((x) => x.ref));
      return {
        run: async (n) => {
          for (let i = 0; i < n; i++) {
            const y = once();
            await jax.blockUntilReady(y);
            jax.tree.dispose(y);
          }
        },
        result: () => {
          const y = once();
          const [first, ...rest] = Array.isArray(y) ? y : [y];
          jax.tree.dispose(rest);
          return first.data();
        },
      };
    },
  };
};
