/**
 * Differences of neighbours.
 *
 * @module
 */
import { bool } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { axis } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { sub } from "./arithmetic.ts";
import { cat } from "./join.ts";
import { logicalXor } from "./logic.ts";
import { narrow } from "./view.ts";

/** Options of `diff`. */
export interface DiffOptions {
  /** How often to take differences; 1 by default. */
  n?: number;
  /** The axis; the last by default. */
  dim?: number;
  /** What to put before the elements first. */
  prepend?: Tensor | null;
  /** What to put after them. */
  append?: Tensor | null;
}

/**
 * Differences x[i + 1] - x[i] along axis `dim`, taken `n` times; "exclusive or" of booleans. x: [..., size, ...] ->
 * [..., size - n, ...].
 *
 * @throws RangeError when `x` has no axes, or `dim` is out of range.
 */
export function diff(
  x: Tensor,
  ...args: Args<
    [n: number, dim: number, prepend: Tensor | null, append: Tensor | null],
    DiffOptions
  >
): Tensor {
  checkTensor("diff", "input", x);
  const { n, dim, prepend, append } = read("diff", {
    n: 1,
    dim: -1,
    prepend: null as Tensor | null,
    append: null as Tensor | null,
  }, args);
  wholeNumber("diff", "n", n);
  if (x.ndim === 0) throw new RangeError("diff: a 0-d tensor has no neighbours");
  const d = axis("diff", dim, x.ndim);
  for (const [name, part] of Object.entries({ prepend, append })) {
    if (part !== null) checkTensor("diff", name, part);
  }
  const parts = [prepend, x, append].filter((part) => part !== null);
  let y = parts.length > 1 ? cat(parts, d) : x;
  // As in PyTorch: nothing is left after as many steps as there are elements.
  for (let i = Math.min(n, y.shape[d]); i > 0; i--) {
    const count = Math.max(y.shape[d] - 1, 0), first = Math.min(1, y.shape[d]);
    const after = narrow(y, d, first, count), before = narrow(y, d, 0, count);
    y = y.dtype === bool ? logicalXor(after, before) : sub(after, before);
  }
  return y;
}
