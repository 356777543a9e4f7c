/** The library itself. */
import { cpu } from "../../src/backend/wasm.ts";
import { floats, ints, sizeOf } from "../data.ts";
import type { Input, Tensor, Torch } from "../row.ts";
import type { Start } from "./engine.ts";

/** `input` as a tensor of the library. */
export function tensorOf(torch: Torch, input: Input, i: number): Tensor {
  return Array.isArray(input)
    ? torch.fromArray(floats(i + 1, sizeOf(input)), input)
    : torch.fromArray(ints(i + 1, sizeOf(input.ints), input.below), input.ints)
      .to(torch.int64);
}

export const start: Start = async (threads) => {
  const torch = await import("../../mod.ts");
  // Versions without threads have neither function.
  const { setNumThreads, getNumThreads } = torch as {
    setNumThreads?: (n: number) => void;
    getNumThreads?: () => number;
  };
  setNumThreads?.(threads);
  if ((getNumThreads?.() ?? 1) !== threads) throw new Error("this version has no threads");
  return {
    about: `${cpu.flavour} SIMD`,
    prepare: (row) => {
      const work = row.ours(torch, ...row.inputs.map((x, i) => tensorOf(torch, x, i)));
      return {
        run: (n) => {
          if (row.scope === false) { for (let i = 0; i < n; i++) work(); }
          else {
            for (let i = 0; i < n; i++) {
              using _ = torch.scope();
              work();
            }
          }
        },
        result: () => {
          using _ = torch.scope();
          return work().detach().to(torch.float32).contiguous().toTypedArray() as Float32Array;
        },
      };
    },
  };
};
