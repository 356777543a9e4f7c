/**
 * The calls of the attention kernels: which operands they take, and how those and the results lie in memory.
 *
 * @module
 */
import { float32 } from "../backend/dtype.ts";
import { emptyOn } from "../tensor/create.ts";
import { broadcast, broadcastStrides } from "../tensor/shape.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { collapse, dense } from "./copy.ts";
import { hasKernel, kernelTable } from "./elementwise.ts";

/** What attention takes beside queries, keys and values. */
export interface AttentionSettings {
  /** What is added to the scores, broadcast to [..., queries, keys]; or null. */
  mask: Tensor | null;
  /** Whether each query sees only the keys up to its own place. */
  causal: boolean;
  /** What the scores are multiplied by. */
  scale: number;
}

const ATTENTION = kernelTable("attention"), ATTENTION_GRAD = kernelTable("attention_grad");

/** Queries and keys that the kernels take at a time. */
const QUERIES = 64, KEYS = 256;

/** More parameters than are worth the spelling out: each tensor has three strides. */
type Call = (...values: number[]) => void;

/** `n` in whole panels of eight. */
const wide = (n: number) => Math.ceil(n / 8) * 8;

/** Sizes of a call, and the strides of its operands. */
interface Plan {
  batches: number;
  heads: number;
  /** The steps, in elements, from batch to batch, head to head and row to row of each tensor. */
  strides: number[];
  /** The same for the mask, and from column to column. */
  maskStrides: number[];
}

/** `x` with a last axis whose elements are neighbours. */
function withRows(x: Tensor): Tensor {
  return x.strides[x.ndim - 1] === 1 || x.shape[x.ndim - 1] === 1 ? x : dense(x);
}

/** How `tensors` [..., rows, columns] are read with the leading axes `lead`, or null where those are more than two. */
function planOf(
  lead: readonly number[],
  tensors: readonly Tensor[],
  mask: Tensor | null,
  scores: readonly number[],
): Plan | null {
  const all = tensors.map((x) =>
    broadcastStrides(x.shape.slice(0, -2), x.strides.slice(0, -2), lead)
  );
  const masked = mask === null ? null : broadcastStrides(mask.shape, mask.strides, scores);
  if (masked !== null) all.push(masked.slice(0, -2));
  const { shape, strides } = collapse(lead, ...all);
  if (shape.length > 2) return null;
  for (const s of strides) if (s.length === 1) s.unshift(0);
  return {
    batches: shape.length === 2 ? shape[0] : 1,
    heads: shape[shape.length - 1],
    strides: tensors.flatMap((x, i) => [...strides[i], x.strides[x.ndim - 2]]),
    maskStrides: masked === null ? [0, 0, 0, 0] : [...strides.at(-1)!, ...masked.slice(-2)],
  };
}

/**
 * A new tensor [..., rows, columns] whose rows lie in memory in the order in which those of `like` do: where the heads of
 * `like` are a transposed view, so are its own, and transposing them back takes no copy.
 */
function emptyInOrder(like: Tensor, shape: readonly number[]): Tensor {
  const last = shape.length - 1, strides = new Array<number>(shape.length);
  const steps = broadcastStrides(like.shape, like.strides, [
    ...shape.slice(0, -1),
    like.shape[like.ndim - 1],
  ]).map((s) => s === 0 ? Infinity : s);
  const axes = shape.map((_, d) => d).slice(0, last);
  axes.sort((a, b) => steps[a] === steps[b] ? b - a : steps[a] - steps[b]);
  let step = strides[last] = 1;
  step = shape[last];
  for (const d of axes) {
    strides[d] = step;
    step *= shape[d];
  }
  const storage = like.backend.allocate(sizeOf(shape) * like.dtype.size);
  return new Tensor(storage, shape, like.dtype, strides);
}

/** What the gradients need of the forward pass. */
export interface AttentionResult {
  /** [..., queries, valueWidth]. */
  y: Tensor;
  /** The rows' greatest scores, and one over their sums of exponentials: [..., 2, queries]. */
  norms: Tensor;
}

/** Attention by the kernel, without history; null where it does not take the operands. */
export function attentionForward(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { mask, causal, scale }: AttentionSettings,
): AttentionResult | null {
  const { backend } = q, { dtype } = q;
  if (!hasKernel(backend, ATTENTION, dtype)) return null;
  for (const x of mask === null ? [q, k, v] : [q, k, v, mask]) {
    if (x.dtype !== dtype || x.storage.backend !== backend || x.numElements === 0) return null;
  }
  const lead = broadcast("attention", ...[q, k, v].map((x) => x.shape.slice(0, -2)));
  const queries = q.shape[q.ndim - 2], width = q.shape[q.ndim - 1];
  const keys = k.shape[k.ndim - 2], columns = v.shape[v.ndim - 1];
  [q, k, v] = [withRows(q), withRows(k), withRows(v)];
  const y = emptyInOrder(q, [...lead, queries, columns]);
  const plan = planOf(lead, [q, k, v, y], mask, [...lead, queries, keys]);
  if (plan === null) return null;
  const norms = emptyOn(y.backend, [...lead, 2, queries], float32);
  const scratch = y.backend.scratch(
    4 * (KEYS * (width + wide(columns) + 8) + QUERIES * (width + wide(columns) + 3)),
  );
  (y.backend.kernels[ATTENTION[y.dtype.id]!] as Call)(
    y.pointer,
    norms.pointer,
    q.pointer,
    k.pointer,
    v.pointer,
    mask === null ? 0 : mask.pointer,
    plan.heads,
    queries,
    keys,
    width,
    columns,
    ...plan.strides,
    ...plan.maskStrides,
    Number(causal),
    scale,
    scratch,
    0,
    plan.batches * plan.heads * Math.ceil(queries / QUERIES),
  );
  return { y, norms };
}

/**
 * The gradients of queries, keys and values by the kernel, without history and with all leading axes of the result; for
 * operands that `attentionForward` took.
 */
export function attentionBackward(
  dy: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { mask, causal, scale }: AttentionSettings,
  { y, norms }: AttentionResult,
): [dq: Tensor, dk: Tensor, dv: Tensor] {
  [q, k, v] = [withRows(q), withRows(k), withRows(v)];
  const lead = y.shape.slice(0, -2);
  const queries = q.shape[q.ndim - 2], width = q.shape[q.ndim - 1];
  const keys = k.shape[k.ndim - 2], columns = v.shape[v.ndim - 1];
  const dq = emptyInOrder(q, [...lead, queries, width]),
    dk = emptyInOrder(k, [...lead, keys, width]),
    dv = emptyInOrder(v, [...lead, keys, columns]);
  const shape = [...lead, queries, keys];
  dy = withRows(dy);
  // What came in an order of its own is copied: a contiguous tensor fits every other.
  const plan = planOf(lead, [dq, dk, dv, dy, q, k, v, y], mask, shape) ??
    planOf(lead, [dq, dk, dv, dy = dense(dy), q, k, v, y], mask, shape)!;
  const w = wide(width), c = wide(columns), rows = wide(queries);
  const scratch = dq.backend.scratch(
    4 * (KEYS * (width + columns + 2 * w + c + 16 + 2 * QUERIES) +
      QUERIES * (width + columns + w + c) + 4 + rows * (3 + w)),
  );
  (dq.backend.kernels[ATTENTION_GRAD[dq.dtype.id]!] as Call)(
    dq.pointer,
    dk.pointer,
    dv.pointer,
    dy.pointer,
    q.pointer,
    k.pointer,
    v.pointer,
    y.pointer,
    norms.pointer,
    mask === null ? 0 : mask.pointer,
    ...plan.strides.slice(0, 12),
    plan.heads,
    queries,
    keys,
    width,
    columns,
    ...plan.strides.slice(12),
    ...plan.maskStrides,
    Number(causal),
    scale,
    scratch,
    0,
    plan.batches * plan.heads,
  );
  return [dq, dk, dv];
}
