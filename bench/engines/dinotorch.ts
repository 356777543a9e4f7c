/** The library itself. */
import { cpu } from "../../src/backend/wasm.ts";
import { floats, ints, sizeOf } from "../data.ts";
import type { Input, Row, Tensor, Torch } from "../row.ts";
import type { Prepared, Start } from "./engine.ts";

function tensorOf(torch: Torch, input: Input, i: number): Tensor {
  return Array.isArray(input)
    ? torch.fromArray(floats(i + 1, sizeOf(input)), input)
    : torch.fromArray(ints(i + 1, sizeOf(input.ints), input.below), input.ints).to(torch.int64);
}

/** Prepares `row`; where it does not say otherwise, each run has a scope, which frees its tensors at once. */
export function prepare(torch: Torch, row: Row): Prepared & { run: (n: number) => void } {
  const work = row.ours(torch, ...row.inputs.map((x, i) => tensorOf(torch, x, i)));
  const scoped = () => {
    using _ = torch.scope();
    work();
  };
  const once = row.scope === false ? work : scoped;
  return {
    run: (n) => {
      for (let i = 0; i < n; i++) once();
    },
    result: () => {
      using _ = torch.scope();
      return work().detach().contiguous().toTypedArray() as Float32Array;
    },
  };
}

export const start: Start = async (threads) => {
  const torch = await import("../../mod.ts");
  torch.setNumThreads(threads);
  if (threads > 1) cpu.pool?.start(); // else they would start during the first row
  if (torch.getNumThreads() !== threads) {
    throw new Error(`this host gives dinotorch ${torch.getNumThreads()} of ${threads} threads`);
  }
  return { about: `dinotorch (${cpu.flavour} SIMD)`, prepare: (row) => prepare(torch, row) };
};
