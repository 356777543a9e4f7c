/**
 * Modules against what PyTorch gives with the same seed.
 */
// deno-lint-ignore-file no-explicit-any
import { assertAlmostEquals, assertEquals } from "@std/assert";
import * as torch from "../mod.ts";

/** Evenly spaced numbers in a shape. */
export const linspace = (low: number, high: number, ...shape: number[]) =>
  torch.linspace(low, high, shape.reduce((a, b) => a * b, 1)).reshape(shape);

/** What PyTorch 1.13 gives after `manualSeed(7)`: sums of elements times cos(1), cos(2), ...; the next random number. */
export interface Answer {
  /** The printed form, where it is compared. */
  text?: string;
  shapes: number[][];
  sums: number[];
  grads: number;
  next: number;
}

/** Makes a module, calls it, and what PyTorch gives. */
export type Case = [make: () => torch.nn.Module, call: (m: any) => any, answer: Answer];

const tensorsOf = (r: any): torch.Tensor[] =>
  r === null ? [] : r instanceof torch.Tensor ? [r] : r.flatMap(tensorsOf);

/** The sum of the elements times cos(1), cos(2), ... */
const checksum = (t: torch.Tensor) =>
  [...t.detach().contiguous().toTypedArray()].reduce<number>(
    (sum, v, i) => sum + Number(v) * Math.fround(Math.cos(i + 1)),
    0,
  );

/** Compares values, gradients, printed forms, and where the generator stands afterwards. */
export function checkAnswers(cases: readonly Case[]): void {
  for (const [make, call, want] of cases) {
    using _ = torch.scope();
    torch.manualSeed(7);
    const module = make(), outputs = tensorsOf(call(module));
    if (want.text !== undefined) assertEquals(String(module), want.text);
    assertEquals(outputs.map((t) => [...t.shape]), want.shapes);
    const near = (got: number, want: number) =>
      assertAlmostEquals(got, want, 1e-5 * Math.max(1, Math.abs(want)));
    outputs.forEach((t, i) => near(checksum(t), want.sums[i]));
    outputs.map((t) => t.sum()).reduce((a, b) => a.add(b)).backward();
    near(module.parameters().reduce((sum, p) => sum + checksum(p.grad!), 0), want.grads);
    assertEquals(torch.rand(1).item(), want.next);
  }
}
