/**
 * The reverse sweep: from gradients of results to gradients of what they were computed from.
 *
 * @module
 */
import { add, add_ } from "../ops/arithmetic.ts";
import { cast, clone } from "../ops/copy.ts";
import { tolist as toList } from "../ops/access.ts";
import { onesLike } from "../ops/create.ts";
import { detach, reshape } from "../ops/view.ts";
import { Scope, storagesMade, unscoped } from "../backend/storage.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mode, type Node, nodeOf } from "./record.ts";

/** One value or several. */
export const list = <T>(x: T | readonly T[] | null | undefined): readonly T[] =>
  x === null || x === undefined ? [] : Array.isArray(x) ? x : [x as T];

/** How a reverse sweep goes. */
export interface BackwardOptions {
  /** Keep the graph, so that it can be gone through again. Default: `createGraph`. */
  retainGraph?: boolean;
  /** Record the sweep itself, for derivatives of derivatives. */
  createGraph?: boolean;
}

/** Gradients that wait for a node, by output number; `owned` are held by nobody else and may be kept or freed. */
interface Waiting {
  grads: (Tensor | null)[];
  owned: boolean[];
}

/** The nodes that `roots` depend on, the newest first: each comes after all that use its results. */
function order(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>(roots), stack = [...seen];
  while (stack.length > 0) {
    for (const next of stack.pop()!.next) {
      if (next === null || seen.has(next)) continue;
      seen.add(next);
      stack.push(next);
    }
  }
  return [...seen].sort((a, b) => b.id - a.id);
}

/** The gradient to start from: `grad`, checked, or a one for a result with a single element. */
function seed(call: string, y: Tensor, grad: Tensor | null | undefined): Tensor {
  if (grad === null || grad === undefined) {
    if (y.numElements !== 1) {
      throw new RangeError(
        `${call}: a gradient is needed for a result of shape ${
          show(y.shape)
        }; only a result of one element has one by default`,
      );
    }
    return onesLike(y);
  }
  checkTensor(call, "the gradient", grad);
  if (!sameShape(grad.shape, y.shape)) {
    throw new RangeError(
      `${call}: the gradient has shape ${show(grad.shape)}, the result ${show(y.shape)}`,
    );
  }
  return cast(grad, y.dtype);
}

/**
 * Sends gradients from `ys` back through the graph. Leaves collect theirs in `grad`, unless `targets` are given: then
 * nothing is collected, and the gradients of the targets are returned (null for those that were not reached).
 */
export function sweep(
  call: string,
  ys: readonly Tensor[],
  grads: readonly (Tensor | null | undefined)[],
  options: BackwardOptions,
  targets: readonly Tensor[] | null = null,
): (Tensor | null)[] {
  const createGraph = options.createGraph ?? false,
    retainGraph = options.retainGraph ?? createGraph;
  if (ys.length === 0) throw new TypeError(`${call}: no result to start from is given`);
  const roots = ys.map((y, i) => {
    checkTensor(call, `result ${i}`, y);
    const node = nodeOf(y);
    if (node === null) {
      throw new Error(
        `${call}: result ${i} does not require a gradient and was not computed from a tensor that does`,
      );
    }
    return node;
  });
  const wanted = targets === null ? null : new Map<Node, { output: number; index: number }[]>();
  targets?.forEach((target, index) => {
    checkTensor(call, `input ${index}`, target);
    const node = nodeOf(target);
    if (node === null) throw new Error(`${call}: input ${index} does not require a gradient`);
    const list = wanted!.get(node);
    const entry = { output: node.leaf === null ? target.outputNumber : 0, index };
    if (list) list.push(entry);
    else wanted!.set(node, [entry]);
  });
  const found: (Tensor | null)[] = (targets ?? []).map(() => null);
  const waiting = new Map<Node, Waiting>();
  const savedGrad = mode.grad, savedAutocast = mode.autocast;
  mode.grad = createGraph;
  // Gradients are computed in the types of the results, wherever backward is called.
  mode.autocast = null;
  try {
    roots.forEach((node, i) => {
      const made = storagesMade(), grad = seed(call, ys[i], grads[i]);
      give(
        waiting,
        node,
        node.leaf === null ? ys[i].outputNumber : 0,
        grad,
        grad.storage.serial > made,
        createGraph,
      );
    });
    const nodes = order(roots), needed = wanted === null ? null : reaching(nodes, wanted);
    for (const node of nodes) {
      const held = waiting.get(node);
      if (held === undefined) continue;
      waiting.delete(node);
      // As in PyTorch, the gradient asked for is that before the hooks, which are for what lies behind.
      for (const { output, index } of wanted?.get(node) ?? []) {
        found[index] = held.grads[output] ?? null;
        held.owned[output] = false;
      }
      if (needed !== null && !needed.has(node)) continue;
      applyHooks(node, held);
      if (node.leaf !== null) {
        if (wanted === null && held.grads[0]) {
          accumulate(node.leaf, held.grads[0], held.owned[0], createGraph);
        }
        continue;
      }
      step(node, held, waiting, createGraph);
      if (!retainGraph) node.free();
    }
  } finally {
    mode.grad = savedGrad;
    mode.autocast = savedAutocast;
  }
  return found;
}

/** The nodes from which a target can be reached. */
function reaching(newestFirst: readonly Node[], targets: ReadonlyMap<Node, unknown>): Set<Node> {
  const result = new Set<Node>();
  for (let i = newestFirst.length - 1; i >= 0; i--) {
    const node = newestFirst[i];
    if (node.next.some((next) => next !== null && (result.has(next) || targets.has(next)))) {
      result.add(node);
    }
  }
  return result;
}

/** Runs one node: its outputs' gradients become gradients that wait for its inputs. */
function step(node: Node, held: Waiting, waiting: Map<Node, Waiting>, createGraph: boolean): void {
  node.check();
  const made = storagesMade(), results = applyClean(node, held.grads, createGraph);
  if (mode.anomaly) checkNaN(node, results);
  const dy = held.grads[0];
  const passesOn = dy !== null && held.owned[0] && !createGraph &&
    typeof node.derivative !== "function";
  for (let i = 0; i < node.next.length; i++) {
    const next = node.next[i], grad = results[i];
    if (next === null || grad === null || grad === undefined) continue;
    if (!sameShape(grad.shape, node.nextShapes[i]!)) refuseShape(node, i, grad);
    // Made just now, or passed on by an operation that only changed its shape, and given to one input only: whoever
    // receives it may keep it. What the user's own code made may be held there.
    let owned = !node.custom &&
      (grad.storage.serial > made || (passesOn && grad.storage === dy!.storage));
    for (let j = 0; j < results.length; j++) {
      if (j !== i && results[j]?.storage === grad.storage) owned = false;
    }
    give(waiting, next, node.nextOutputs[i], grad, owned, createGraph);
  }
  // A gradient that nobody else holds has done its work.
  if (passesOn && !results.some((r) => r?.storage === dy!.storage)) dy!.storage.free();
}

/** A derivative that looks at its input's shape finds another one when that was changed in place since. */
function refuseShape(node: Node, i: number, grad: Tensor): never {
  throw new Error(
    `backward: ${node.name} returned a gradient of shape ${
      show(grad.shape)
    } for input ${i}, of shape ${
      show(node.nextShapes[i]!)
    }; if the input was given another shape in place (t_, squeeze_, data), clone() it first`,
  );
}

/** The gradients of a node's inputs; what was made on the way to them is freed, unless it may be held somewhere. */
function applyClean(node: Node, dys: (Tensor | null)[], createGraph: boolean): (Tensor | null)[] {
  if (createGraph || node.custom) return node.apply(dys);
  using scope = new Scope();
  return scope.keep(node.apply(dys));
}

/** Throws when a gradient holds NaN; for anomaly detection. */
function checkNaN(node: Node, results: readonly (Tensor | null | undefined)[]): void {
  results.forEach((grad, i) => {
    if (!grad || node.next[i] === null) return;
    if ((toList(reshape(detach(grad), -1)) as number[]).some(Number.isNaN)) {
      throw new Error(
        `backward: ${node.name} returned NaN in its gradient ${i}; it was ${
          node.trace ?? "recorded before anomaly detection was on"
        }`,
      );
    }
  });
}

function give(
  waiting: Map<Node, Waiting>,
  node: Node,
  output: number,
  grad: Tensor,
  owned: boolean,
  createGraph: boolean,
): void {
  let held = waiting.get(node);
  if (held === undefined) waiting.set(node, held = { grads: [], owned: [] });
  while (held.grads.length <= output) {
    held.grads.push(null);
    held.owned.push(false);
  }
  const before = held.grads[output];
  if (before === null) {
    held.grads[output] = grad;
    held.owned[output] = owned;
    return;
  }
  held.grads[output] = add(before, grad);
  if (!createGraph) {
    if (held.owned[output]) before.storage.free();
    if (owned) grad.storage.free();
  }
  held.owned[output] = true;
}

function applyHooks(node: Node, held: Waiting): void {
  node.hooks?.forEach((hooks, output) => {
    for (const hook of hooks) {
      const grad = held.grads[output];
      if (!grad) continue;
      held.owned[output] = false;
      const replaced = hook(grad);
      if (replaced) held.grads[output] = replaced;
    }
  });
  for (const tensor of node.retained ?? []) {
    const grad = held.grads[tensor.outputNumber];
    if (!grad) continue;
    held.owned[tensor.outputNumber] = false;
    grad.storage.outlive();
    tensor.grad = tensor.grad === null ? grad : add(tensor.grad, grad);
  }
}

/** Adds `grad` to the gradient of a leaf, which outlives every scope; not where it requires none any more. */
function accumulate(leaf: Tensor, grad: Tensor, owned: boolean, createGraph: boolean): void {
  if (!leaf.requiresGrad) return;
  unscoped(() => {
    const { gradient } = leaf;
    if (gradient !== null && !createGraph) {
      add_(gradient, grad);
      if (owned) grad.storage.free();
      return;
    }
    const kept = owned && grad.dense && !createGraph;
    leaf.grad = gradient !== null ? add(gradient, grad) : kept ? grad : clone(grad);
    leaf.gradientShared = createGraph;
    if (owned && !kept && !createGraph) grad.storage.free();
    leaf.gradient!.storage.outlive();
  });
}

/** Options of `backward`. */
export interface BackwardInputs extends BackwardOptions {
  /** The leaves to collect gradients in; all by default. */
  inputs?: Tensor | readonly Tensor[] | null;
}

/** Sends gradients from `ys` back and adds them to the `grad` of the leaves, or of `inputs` only. */
export function collect(
  call: string,
  ys: readonly Tensor[],
  grads: readonly (Tensor | null | undefined)[],
  options: BackwardInputs,
): void {
  const { inputs = null, createGraph = false } = options;
  if (inputs === null) {
    sweep(call, ys, grads, options);
    return;
  }
  const targets = [...new Set(list(inputs))];
  if (targets.length === 0) throw new RangeError(`${call}: inputs cannot be empty`);
  sweep(call, ys, grads, options, targets).forEach((grad, i) => {
    if (grad === null) return;
    const saved = mode.grad;
    mode.grad = createGraph;
    try {
      accumulate(targets[i], grad, false, createGraph);
    } finally {
      mode.grad = saved;
    }
  });
}

/**
 * Computes the gradients of `x` for all leaves it was computed from and adds them to their `grad`.
 *
 * `gradient` is that of `x` itself; a one by default, if `x` has a single element. The graph is dropped afterwards
 * unless `retainGraph`.
 */
export function backward(
  x: Tensor,
  ...args: Args<
    [
      gradient: Tensor | null,
      retainGraph: boolean | null,
      createGraph: boolean,
      inputs: Tensor | readonly Tensor[] | null,
    ],
    BackwardInputs & { gradient?: Tensor | null }
  >
): void {
  const { gradient, retainGraph, createGraph, inputs } = read("backward", {
    gradient: null as Tensor | null,
    retainGraph: null as boolean | null,
    createGraph: false,
    inputs: null as Tensor | readonly Tensor[] | null,
  }, args);
  collect("backward", [x], [gradient], {
    retainGraph: retainGraph ?? createGraph,
    createGraph,
    inputs,
  });
}
