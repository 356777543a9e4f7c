/**
 * The CUDA device against the CPU: what tests of sizes share.
 */
import { assert } from "@std/assert";
import * as torch from "../mod.ts";
import { cudaTest, gpu, setOrder } from "./cuda.ts";

type Tensor = torch.Tensor;

/** The tensors of a result. */
export const flat = (r: unknown): Tensor[] =>
  r instanceof torch.Tensor ? [r] : Array.isArray(r) ? r.flatMap(flat) : [];

/** Asserts that `f` gives the same on both devices, and the same gradients of the operands in floating point. */
export function same(name: string, f: (...x: Tensor[]) => unknown, ...operands: Tensor[]): void {
  using _ = torch.scope();
  const results = ["cpu", "cuda"].map((device) => {
    const own = operands.map((x) => {
      const y = x.detach().to(device);
      return y.dtype.isFloatingPoint ? y.clone().requiresGrad_() : y;
    });
    const out = flat(f(...own)), grads: Tensor[] = [];
    const live = out.filter((y) => y.requiresGrad);
    if (live.length > 0) {
      const sums = live.map((y) =>
        y.mul(torch.linspace(-1, 1, y.numel()).to(device).view(y.shape))
      );
      sums.map((y) => y.sum()).reduce((a, b) => a.add(b)).backward();
      for (const x of own) if (x.grad) grads.push(x.grad);
    }
    return [...out, ...grads].map((y) => y.detach().cpu().to(torch.float64));
  });
  const [here, there] = results;
  assert(here.length === there.length && here.length > 0, name);
  here.forEach((x, i) => {
    const y = there[i], size = Math.max(1, Number(x.abs().max().item()));
    const most = Number(x.sub(y).abs().max().item());
    assert(most <= 2e-5 * size, `${name}: result ${i} differs by ${most} of ${size}`);
  });
}

/** Tests of the device against the CPU, each in two orders of the emulator's threads. */
export function testCases(cases: readonly (readonly [name: string, run: () => void])[]): void {
  for (const [name, run] of cases) {
    cudaTest(`as the CPU: ${name}`, () => {
      for (const order of gpu ? ["forward"] : ["forward", "random:11"]) {
        setOrder(order);
        torch.manualSeed(7);
        run();
      }
      setOrder("forward");
    });
  }
}
