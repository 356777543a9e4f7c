/**
 * Attention on the CUDA device's tensor cores against float64 on the CPU: as exact as each type allows, for ragged tiles,
 * heads that lie side by side, widths of queries and of values that differ.
 */
import { assert } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest, gpu, setOrder } from "./cuda.ts";

const { scaledDotProductAttention } = torch.nn.functional;
type Tensor = torch.Tensor;

interface Sizes {
  queries: number;
  keys: number;
  width: number;
  columns: number;
  isCausal: boolean;
}

/** The result and the gradients of queries, keys and values [2, length, heads, width], on a device and in a dtype. */
function attend(operands: Tensor[], device: string, dtype: torch.DType, isCausal: boolean) {
  const [q, k, v, dy] = operands.map((x) => x.to(device).to(dtype).requiresGrad_());
  const [a, b, c] = [q, k, v].map((x) => x.transpose(1, 2));
  const y = scaledDotProductAttention(a, b, c, { isCausal });
  y.backward(dy.detach().transpose(1, 2));
  return [y, q.grad!, k.grad!, v.grad!].map((x) => x.detach().cpu().to(torch.float64));
}

/** Asserts that the device is as near to float64 as the elements' type allows. */
function near(dtype: torch.DType, sizes: Sizes): void {
  using _ = torch.scope();
  const { queries, keys, width, columns, isCausal } = sizes, heads = 3;
  const operands = [
    torch.randn(2, queries, heads, width),
    torch.randn(2, keys, heads, width),
    torch.randn(2, keys, heads, columns),
    torch.randn(2, queries, heads, columns),
  ].map((x) => x.to(dtype));
  const there = attend(operands, "cuda", dtype, isCausal);
  const here = attend(operands, "cpu", torch.float64, isCausal);
  // A GPU's tensor cores cut the last bits of sums, which the emulator rounds.
  const most = dtype === torch.bfloat16 ? 4e-3 : dtype === torch.float16 ? 5e-4 : gpu ? 4e-6 : 2e-6;
  there.forEach((x, i) => {
    const error = Number(x.sub(here[i]).norm().item()) / Number(here[i].norm().item());
    const what = ["the result", "dq", "dk", "dv"][i];
    assert(error < most, `${dtype} ${JSON.stringify(sizes)}: ${what} is off by ${error}`);
  });
}

const SIZES: Sizes[] = [
  { queries: 130, keys: 70, width: 64, columns: 64, isCausal: true },
  { queries: 70, keys: 140, width: 128, columns: 72, isCausal: true },
  { queries: 40, keys: 130, width: 16, columns: 32, isCausal: false },
];

for (const order of gpu ? ["forward"] : ["forward", "reverse", "random:3"]) {
  for (const dtype of [torch.float32, torch.bfloat16, torch.float16]) {
    cudaTest(`attention on tensor cores: ${dtype}, ${order}`, () => {
      setOrder(order);
      torch.manualSeed(3);
      try {
        // The other orders are about races, which do not hang on the sizes.
        for (const sizes of order === "forward" ? SIZES : SIZES.slice(2)) near(dtype, sizes);
      } finally {
        setOrder("forward");
      }
    });
  }
}

cudaTest("attention on tensor cores: equal calls give equal bits", () => {
  const [q, k, v] = [1, 2, 3].map((seed) => {
    torch.manualSeed(seed);
    return torch.randn(1, 2, 140, 64).to("cuda").to(torch.bfloat16).requiresGrad_();
  });
  const results = ["forward", "random:5"].map((order) => {
    setOrder(order);
    for (const x of [q, k, v]) x.grad = null;
    const y = scaledDotProductAttention(q, k, v, { isCausal: true });
    y.sum().backward();
    setOrder("forward");
    return [y, q.grad!, k.grad!, v.grad!].map((x) => x.detach().cpu().to(torch.float32));
  });
  results[0].forEach((x, i) => assert(x.equal(results[1][i]), `result ${i} differs`));
});

cudaTest("attention of bfloat16 with a mask, and of odd widths", () => {
  using _ = torch.scope();
  torch.manualSeed(4);
  const [q, k, v] = [7, 9, 9].map((n) => torch.randn(2, n, 13).to(torch.bfloat16));
  const attnMask = torch.randn(7, 9).to(torch.bfloat16);
  for (const masked of [true, false]) {
    const run = (device: string, dtype: torch.DType) => {
      const to = (x: Tensor) => x.to(device).to(dtype);
      const options = masked ? { attnMask: to(attnMask) } : { isCausal: true };
      return scaledDotProductAttention(to(q), to(k), to(v), options).cpu().to(torch.float64);
    };
    const here = run("cpu", torch.float64), there = run("cuda", torch.bfloat16);
    const error = Number(here.sub(there).norm().item()) / Number(here.norm().item());
    assert(error < 4e-3, `off by ${error}`);
  }
});
