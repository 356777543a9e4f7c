/**
 * The history of tensors that are changed in place, and of views of them.
 *
 * @module
 */
import { type Grad, mode, Node, recording } from "../autograd/record.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { clone, copy_, zero_ } from "./copy.ts";
import { asStrided } from "./view.ts";

/** Checks that `x` may be changed in place; to be called before anything is written. */
export function beginInPlace(call: string, x: Tensor): void {
  if (x.inference && !mode.inference) {
    throw new Error(
      `${call}: an inference tensor cannot be changed outside of inferenceMode; clone() it first`,
    );
  }
  for (let d = 0; d < x.ndim; d++) {
    if (x.strides[d] === 0 && x.shape[d] > 1) {
      throw new Error(
        `${call}: an expanded tensor holds one element in several places; clone() it before writing to it`,
      );
    }
  }
  if (!mode.grad) return;
  if (x.leafRequiresGrad) {
    throw new Error(
      `${call}: a leaf that requires a gradient is changed in place; do it in torch.noGrad, or on x.data`,
    );
  }
  if (x.viewOf !== null && x.viewOf.base.leafRequiresGrad) {
    throw new Error(
      `${call}: a view of a leaf that requires a gradient is changed in place; do it in torch.noGrad, or on x.data`,
    );
  }
}

/**
 * Records that `x` was changed in place by `op`, computed from `inputs` (among them `x` itself, as it was), and counts
 * the change. Writing to a view rewrites the history of its base.
 */
export function recordInPlace(
  op: string,
  x: Tensor,
  inputs: readonly unknown[],
  grads: Grad[],
  saved: readonly Tensor[] = [],
): Tensor {
  x.counter.version++;
  if (!recording(inputs)) return x;
  const node = new Node(op, inputs, grads, saved);
  if (x.viewOf === null) {
    x.node = node;
    x.outputNumber = 0;
    x.rewritten++;
  } else rewriteBase(x, node, inputs.indexOf(x));
  return x;
}

/** The base of the view `x` was changed by `node`, in the part that `x` shows: PyTorch's CopySlices. */
function rewriteBase(x: Tensor, node: Node, self: number): void {
  const { base } = x.viewOf!;
  const { shape, strides } = x, offset = x.offset - base.offset;
  if (!base.dense) {
    throw new Error(
      `${node.name}: a view of a non-contiguous tensor is changed in place while gradients are recorded; call contiguous() on the tensor first`,
    );
  }
  const grads = ([dBase]: (Tensor | null)[]): (Tensor | null)[] => {
    if (dBase === null) return [null, ...node.next.map(() => null)];
    // Where the view looks, the gradient belongs to the operation; elsewhere to the base as it was.
    const rest = clone(dBase), part = asStrided(rest, shape, strides, offset);
    const parts = node.apply([clone(part)]);
    const old = self < 0 ? null : parts[self];
    if (old === null) zero_(part);
    else copy_(part, old);
    return [rest, ...parts.map((g, i) => i === self ? null : g)];
  };
  const history = new Node("CopySlices", [base], grads, []);
  for (let i = 0; i < node.next.length; i++) {
    history.next.push(i === self ? null : node.next[i]);
    history.nextOutputs.push(node.nextOutputs[i]);
  }
  base.node = history;
  base.outputNumber = 0;
  base.rewritten++;
}
