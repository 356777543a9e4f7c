/**
 * The history of tensors that are changed in place, and of views of them.
 *
 * @module
 */
import { type Grad, mode, Node, recording } from "../autograd/record.ts";
import { emptyOn } from "../tensor/create.ts";
import { isExpanded, layoutOf, span } from "../tensor/layout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { clone, copy_, zero_ } from "./copy.ts";
import { zerosLike } from "./create.ts";
import { asStrided } from "./view.ts";

/**
 * Checks that `x` may be changed in place by an operation on `inputs` (among them `x`); to be called before anything is
 * written.
 */
export function beginInPlace(call: string, x: Tensor, inputs: readonly unknown[] = [x]): void {
  beginFill(call, x, inputs);
  if (isExpanded(x)) {
    throw new Error(
      `${call}: an expanded tensor holds one element in several places; clone() it before writing to it`,
    );
  }
}

/** The same for operations that write one value everywhere: to expanded tensors too. */
export function beginFill(call: string, x: Tensor, inputs: readonly unknown[] = [x]): void {
  checkNotInference(call, x);
  checkHistory(call, x, inputs);
}

/** Throws when `x` was made in inference mode and that mode is over. */
export function checkNotInference(call: string, x: Tensor): void {
  if (x.inference && !mode.inference) {
    throw new Error(
      `${call}: an inference tensor cannot be changed outside of inferenceMode; clone() it first`,
    );
  }
}

/** Throws when an operation on `inputs` may not rewrite the history of `x`, as far as gradients are recorded. */
export function checkHistory(call: string, x: Tensor, inputs: readonly unknown[]): void {
  const { viewOf } = x;
  // A view that was made in noGrad has no history, and yet writing to it would change a history that is recorded.
  if (!recording(inputs) && !(mode.grad && viewOf !== null && viewOf.base.requiresGrad)) return;
  if (x.leafRequiresGrad) {
    throw new Error(
      `${call}: a leaf that requires a gradient is changed in place; do it in torch.noGrad, or on x.data`,
    );
  }
  if (viewOf === null || !x.dtype.isFloatingPoint) return;
  if (viewOf.fixed !== null) {
    throw new Error(
      `${call}: ${viewOf.fixed} is changed in place while gradients are recorded; use the out-of-place operation, or clone() it first`,
    );
  }
  // A view may have been made a leaf that requires a gradient itself; then views of it have a base that does not.
  if (viewOf.base.leafRequiresGrad || (x.requiresGrad && viewOf.base.isLeaf)) {
    throw new Error(
      `${call}: a view of a leaf that requires a gradient is changed in place; do it in torch.noGrad, or on x.data`,
    );
  }
}

/**
 * Records that `x` was changed in place by `op`, computed from `inputs` (among them `x` itself, as it was), and counts
 * the change; a gradient for `x` that is null stands for zeros. Writing to a view rewrites the history of its base.
 */
export function recordInPlace(
  op: string,
  x: Tensor,
  inputs: readonly unknown[],
  grads: Grad[],
  saved: readonly Tensor[] = [],
): Tensor {
  x.counter.version++;
  if (!x.dtype.isFloatingPoint || !recording(inputs)) return x;
  checkHistory(op, x, inputs);
  const self = inputs.indexOf(x);
  if (x.viewOf === null) {
    // What was overwritten has a gradient of zero, as in PyTorch, and not none.
    const all = grads.map((grad, i): Grad => i === self ? (dy) => grad(dy) ?? zerosLike(dy) : grad);
    x.node = new Node(op, inputs, all, saved);
    x.outputNumber = 0;
    x.rewritten++;
  } else rewriteBase(x, new Node(op, inputs, grads, saved), self);
  return x;
}

/** The base of the view `x` was changed by `node`, in the part that `x` shows: PyTorch's CopySlices. */
function rewriteBase(x: Tensor, node: Node, self: number): void {
  const { base } = x.viewOf!;
  const whole = layoutOf(base), part = layoutOf(x), { dense } = base;
  const grads = ([dBase]: (Tensor | null)[]): (Tensor | null)[] => {
    node.check();
    if (dBase === null) return [null, ...node.next.map(() => null)];
    // Where the view looks, the gradient belongs to the operation; elsewhere to the base as it was.
    let rest: Tensor, start = whole.offset;
    if (dense) rest = clone(dBase);
    else {
      // The gradient in the base's own layout, so that the view's places can be found in it.
      const all = span(whole, part);
      start = all.start;
      const memory = zero_(emptyOn(dBase.backend, [all.length], dBase.dtype));
      rest = asStrided(memory, whole.shape, whole.strides, whole.offset - start);
      copy_(rest, dBase);
    }
    const seen = asStrided(rest, part.shape, part.strides, part.offset - start);
    const parts = node.apply([clone(seen)]);
    const old = self < 0 ? null : parts[self];
    if (old === null) zero_(seen);
    else copy_(seen, old);
    return [dense ? rest : clone(rest), ...parts.map((g, i) => i === self ? null : g)];
  };
  const history = new Node("CopySlices", [base], grads, []);
  for (let i = 0; i < node.next.length; i++) {
    history.next.push(i === self ? null : node.next[i]);
    history.nextOutputs.push(node.nextOutputs[i]);
    history.nextShapes.push(node.nextShapes[i]);
  }
  base.node = history;
  base.outputNumber = 0;
  base.rewritten++;
}
