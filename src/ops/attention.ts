/**
 * Attention: averages of values, weighted by how well their keys fit a query.
 *
 * @module
 */
import { bool, uint8 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { broadcastsTo, sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { baddbmm } from "./add_product.ts";
import { add, mul } from "./arithmetic.ts";
import { cast } from "./copy.ts";
import { full, zeros } from "./create.ts";
import { chunk, splitWithSizes } from "./cut.ts";
import { triu } from "./diagonal.ts";
import { dropout } from "./dropout.ts";
import { cat } from "./join.ts";
import { linear } from "./linear.ts";
import { logicalNot, logicalOr } from "./logic.ts";
import { bmm, matmul } from "./matmul.ts";
import { maskedFill } from "./pointwise.ts";
import { mean } from "./reduce.ts";
import { softmax } from "./softmax.ts";
import { expand, reshape, squeeze, transpose, unsqueeze } from "./view.ts";

/** Options of `scaledDotProductAttention`. */
export interface ScaledDotProductAttentionOptions {
  /** Which keys each query may see (bool: true takes part), or what is added to the scores: broadcast to [..., L, S]. */
  attnMask?: Tensor | null;
  /** The probability of dropping a weight; it drops whenever it is not 0. */
  dropoutP?: number;
  /** Whether each query sees only the keys up to its own place. */
  isCausal?: boolean;
  /** What the scores are multiplied by; 1 / sqrt(E) by default. */
  scale?: number | null;
}

/**
 * softmax(scale query key^T + mask) value. query: [..., L, E], key: [..., S, E], value: [..., S, V] -> [..., L, V].
 *
 * @throws RangeError when the sizes do not fit, or both a mask and `isCausal` are given.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: Args<
    [attnMask: Tensor | null, dropoutP: number, isCausal: boolean, scale: number | null],
    ScaledDotProductAttentionOptions
  >
): Tensor {
  const call = "scaledDotProductAttention";
  const { attnMask, dropoutP, isCausal, scale } = read(call, {
    attnMask: null as Tensor | null,
    dropoutP: 0,
    isCausal: false,
    scale: null as number | null,
  }, args);
  checkTensor(call, "query", query);
  checkTensor(call, "key", key);
  checkTensor(call, "value", value);
  if (query.ndim < 2 || key.ndim < 2 || value.ndim < 2) {
    refuseSizes(call, query, key, value);
  }
  const width = query.shape.at(-1)!, length = query.shape.at(-2)!, keys = key.shape.at(-2)!;
  if (key.shape.at(-1) !== width || value.shape.at(-2) !== keys) {
    refuseSizes(call, query, key, value);
  }
  if (attnMask !== null && isCausal) {
    throw new RangeError(`${call}: attnMask and isCausal cannot both be given`);
  }
  const factor = scale ?? 1 / Math.sqrt(width);
  let scores = matmul(mul(query, factor), transpose(key, -2, -1));
  if (attnMask !== null) {
    checkTensor(call, "attnMask", attnMask);
    checkMask(call, "attnMask", attnMask);
    if (!broadcastsTo(attnMask.shape, scores.shape)) {
      throw new RangeError(
        `${call}: attnMask ${show(attnMask.shape)} does not broadcast to the scores' shape ${
          show(scores.shape)
        }`,
      );
    }
    scores = attnMask.dtype === bool
      ? maskedFill(scores, logicalNot(attnMask), -Infinity)
      : add(scores, cast(attnMask, scores.dtype));
  }
  if (isCausal) scores = add(scores, later(length, keys, scores));
  let weights = softmax(scores, -1);
  if (dropoutP !== 0) weights = dropout(weights, dropoutP);
  return matmul(weights, value);
}

/** -Infinity for the keys after each query, else 0: [length, keys]. */
function later(length: number, keys: number, { dtype, device }: Tensor): Tensor {
  return triu(full([length, keys], -Infinity, { dtype, device }), 1);
}

function refuseSizes(call: string, query: Tensor, key: Tensor, value: Tensor): never {
  throw new RangeError(
    `${call}: expected query [..., L, E], key [..., S, E] and value [..., S, V], got ${
      show(query.shape)
    }, ${show(key.shape)} and ${show(value.shape)}`,
  );
}

/** Throws `TypeError` unless `mask` says what is left out, or holds what is added. */
function checkMask(call: string, name: string, mask: Tensor): void {
  if (mask.dtype !== bool && !mask.dtype.isFloatingPoint) {
    throw new TypeError(`${call}: ${name} must be bool or floating-point, got ${mask.dtype}`);
  }
}

/** Options of `multiHeadAttentionForward`. */
export interface MultiHeadAttentionOptions {
  /** The size of a query. */
  embedDimToCheck?: number;
  /** How many heads attend, each to its part of the projected inputs. */
  numHeads?: number;
  /** The projections of query, key and value, one below the other: [3 * E, E]. */
  inProjWeight?: Tensor | null;
  /** Their biases: [3 * E]. */
  inProjBias?: Tensor | null;
  /** A learned key after the others: [1, 1, E]. */
  biasK?: Tensor | null;
  /** Its value: [1, 1, E]. */
  biasV?: Tensor | null;
  /** Whether a key and a value of zeros come after the others. */
  addZeroAttn?: boolean;
  /** The probability of dropping a weight in training. */
  dropoutP?: number;
  /** The projection of the result: [E, E]. */
  outProjWeight?: Tensor;
  /** Its bias: [E]. */
  outProjBias?: Tensor | null;
  /** Whether dropout drops. */
  training?: boolean;
  /** Which keys are left out (bool), or what is added to their scores: [N, S]. */
  keyPaddingMask?: Tensor | null;
  /** Whether the weights are returned. */
  needWeights?: boolean;
  /** Which pairs are left out (bool), or what is added to their scores: [L, S] or [N * numHeads, L, S]. */
  attnMask?: Tensor | null;
  /** Whether the three projections are given one by one. */
  useSeparateProjWeight?: boolean;
  /** [E, E]. */
  qProjWeight?: Tensor | null;
  /** [E, size of a key]. */
  kProjWeight?: Tensor | null;
  /** [E, size of a value]. */
  vProjWeight?: Tensor | null;
  /** Keys in the place of the projected ones: [N * numHeads, S, E / numHeads]. */
  staticK?: Tensor | null;
  /** Values in the place of the projected ones: [N * numHeads, S, E / numHeads]. */
  staticV?: Tensor | null;
  /** Whether the weights returned are the mean over the heads. */
  averageAttnWeights?: boolean;
}

/** The parameters of `multiHeadAttentionForward` after the tensors, in PyTorch's order. */
export type MultiHeadAttentionArgs = Args<
  [
    embedDimToCheck: number,
    numHeads: number,
    inProjWeight: Tensor | null,
    inProjBias: Tensor | null,
    biasK: Tensor | null,
    biasV: Tensor | null,
    addZeroAttn: boolean,
    dropoutP: number,
    outProjWeight: Tensor,
    outProjBias: Tensor | null,
    training: boolean,
    keyPaddingMask: Tensor | null,
    needWeights: boolean,
    attnMask: Tensor | null,
    useSeparateProjWeight: boolean,
    qProjWeight: Tensor | null,
    kProjWeight: Tensor | null,
    vProjWeight: Tensor | null,
    staticK: Tensor | null,
    staticV: Tensor | null,
    averageAttnWeights: boolean,
  ],
  MultiHeadAttentionOptions
>;

const DEFAULTS = {
  embedDimToCheck: NaN,
  numHeads: NaN,
  inProjWeight: null as Tensor | null,
  inProjBias: null as Tensor | null,
  biasK: null as Tensor | null,
  biasV: null as Tensor | null,
  addZeroAttn: false,
  dropoutP: 0,
  outProjWeight: null as Tensor | null,
  outProjBias: null as Tensor | null,
  training: true,
  keyPaddingMask: null as Tensor | null,
  needWeights: true,
  attnMask: null as Tensor | null,
  useSeparateProjWeight: false,
  qProjWeight: null as Tensor | null,
  kProjWeight: null as Tensor | null,
  vProjWeight: null as Tensor | null,
  staticK: null as Tensor | null,
  staticV: null as Tensor | null,
  averageAttnWeights: true,
};

type Settings = typeof DEFAULTS;

/** What the sizes are called in this file. */
interface Sizes {
  /** Queries. */
  length: number;
  /** Samples. */
  batch: number;
  heads: number;
  /** Features of a head. */
  width: number;
}

const MHA = "multiHeadAttentionForward";

/**
 * Attention of several heads, with the projections around it. query: [L, N, E], key and value: [S, N, ...] -> [output,
 * weights]: [L, N, E] and [N, L, S], or [N, numHeads, L, S] where they are not averaged, or null where they are not
 * needed; all without N when the query has none.
 *
 * @throws RangeError when the sizes do not fit.
 * @throws TypeError for a mask that is neither bool nor floating-point.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
 */
export function multiHeadAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: MultiHeadAttentionArgs
): [output: Tensor, weights: Tensor | null] {
  const settings = read(MHA, DEFAULTS as Settings, args);
  checkTensor(MHA, "query", query);
  checkTensor(MHA, "key", key);
  checkTensor(MHA, "value", value);
  const batched = query.ndim === 3;
  if ((query.ndim !== 2 && !batched) || key.ndim !== query.ndim || value.ndim !== query.ndim) {
    throw new RangeError(
      `${MHA}: expected query [L, N, E] or [L, E], and key and value alike, got ${
        show(query.shape)
      }, ${show(key.shape)} and ${show(value.shape)}`,
    );
  }
  let padding = settings.keyPaddingMask;
  if (padding !== null) {
    checkTensor(MHA, "keyPaddingMask", padding);
    checkMask(MHA, "keyPaddingMask", padding);
  }
  if (!batched) {
    // What is one tensor stays one: it is projected once.
    const same = key === value, all = query === key;
    query = unsqueeze(query, 1);
    key = all ? query : unsqueeze(key, 1);
    value = same ? key : unsqueeze(value, 1);
    if (padding !== null && padding.ndim === 1) padding = unsqueeze(padding, 0);
    else if (padding !== null) refuseMask("keyPaddingMask", padding, [key.shape[0]]);
  }
  const sizes = checkSizes(query, key, value, settings);
  const { length, batch, heads, width } = sizes;
  let mask = checkAttentionMask(settings.attnMask, sizes, key.shape[0]);
  if (padding !== null && !sameShape(padding.shape, [batch, key.shape[0]])) {
    refuseMask("keyPaddingMask", padding, [batch, key.shape[0]]);
  }
  let [q, k, v] = project(query, key, value, settings);
  const extend = () => {
    if (mask !== null) mask = withColumn(mask);
    if (padding !== null) padding = withColumn(padding);
  };
  const { biasK, biasV } = settings;
  if (biasK !== null && biasV !== null) {
    k = cat([k, expand(biasK, 1, batch, -1)], 0);
    v = cat([v, expand(biasV, 1, batch, -1)], 0);
    extend();
  }
  const apart = (x: Tensor) => transpose(reshape(x, x.shape[0], batch * heads, width), 0, 1);
  q = apart(mul(q, 1 / Math.sqrt(width)));
  k = settings.staticK ?? apart(k);
  v = settings.staticV ?? apart(v);
  if (settings.addZeroAttn) {
    const zero = zeros([batch * heads, 1, width], { dtype: k.dtype, device: k.device });
    k = cat([k, zero], 1);
    v = cat([v, zero], 1);
    extend();
  }
  const added = merge(mask, padding, sizes, q), transposed = transpose(k, 1, 2);
  const scores = added === null ? bmm(q, transposed) : baddbmm(added, q, transposed);
  let weights = softmax(scores, -1);
  if (settings.training && settings.dropoutP > 0) weights = dropout(weights, settings.dropoutP);
  const heard = reshape(transpose(bmm(weights, v), 0, 1), length, batch, heads * width);
  const output = linear(heard, settings.outProjWeight!, settings.outProjBias);
  if (!settings.needWeights) return [batched ? output : squeeze(output, 1), null];
  weights = reshape(weights, batch, heads, length, k.shape[1]);
  if (settings.averageAttnWeights) weights = mean(weights, 1);
  return batched ? [output, weights] : [squeeze(output, 1), squeeze(weights, 0)];
}

/** The sizes. Throws unless inputs, weights and heads fit together. */
function checkSizes(query: Tensor, key: Tensor, value: Tensor, settings: Settings): Sizes {
  const [length, batch, embedDim] = query.shape;
  const { useSeparateProjWeight, biasK, biasV, staticK, staticV, outProjWeight } = settings;
  const heads = wholeNumber(MHA, "numHeads", settings.numHeads);
  if (embedDim !== settings.embedDimToCheck) {
    throw new RangeError(
      `${MHA}: expected queries of size ${settings.embedDimToCheck}, got ${show(query.shape)}`,
    );
  }
  if (heads < 1 || embedDim % heads !== 0) {
    throw new RangeError(`${MHA}: size ${embedDim} is not divisible by ${heads} heads`);
  }
  const of = (x: Tensor) => useSeparateProjWeight ? x.shape.slice(0, 2) : x.shape;
  if (!sameShape(of(key), of(value)) || key.shape[1] !== batch) {
    throw new RangeError(
      `${MHA}: query ${show(query.shape)}, key ${show(key.shape)} and value ${
        show(value.shape)
      } do not fit together`,
    );
  }
  checkTensor(MHA, "outProjWeight", outProjWeight);
  if ((biasK === null) !== (biasV === null)) {
    throw new TypeError(`${MHA}: biasK and biasV must be given both, or neither`);
  }
  const width = embedDim / heads;
  for (const [name, x] of Object.entries({ staticK, staticV })) {
    if (x === null) continue;
    checkTensor(MHA, name, x);
    if (biasK !== null) throw new RangeError(`${MHA}: ${name} and a bias cannot both be given`);
    if (x.ndim !== 3 || x.shape[0] !== batch * heads || x.shape[2] !== width) {
      throw new RangeError(
        `${MHA}: expected ${name} [${batch * heads}, S, ${width}], got ${show(x.shape)}`,
      );
    }
  }
  return { length, batch, heads, width };
}

function refuseMask(name: string, mask: Tensor, want: readonly number[]): never {
  throw new RangeError(`${MHA}: expected ${name} of shape ${show(want)}, got ${show(mask.shape)}`);
}

/** The mask as [1 or batch * heads, length, keys]. Throws when it does not fit. */
function checkAttentionMask(
  mask: Tensor | null,
  { length, batch, heads }: Sizes,
  keys: number,
): Tensor | null {
  if (mask === null) return null;
  checkTensor(MHA, "attnMask", mask);
  if (mask.dtype === uint8) mask = cast(mask, bool);
  checkMask(MHA, "attnMask", mask);
  const want = mask.ndim === 3 ? [batch * heads, length, keys] : [length, keys];
  if (!sameShape(mask.shape, want)) refuseMask("attnMask", mask, want);
  return mask.ndim === 3 ? mask : unsqueeze(mask, 0);
}

/** Query, key and value projected; what is one tensor is projected in one product. */
function project(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  settings: Settings,
): [q: Tensor, k: Tensor, v: Tensor] {
  const { inProjWeight: weight, inProjBias: bias } = settings;
  if (settings.useSeparateProjWeight) {
    const { qProjWeight, kProjWeight, vProjWeight } = settings;
    checkTensor(MHA, "qProjWeight", qProjWeight);
    checkTensor(MHA, "kProjWeight", kProjWeight);
    checkTensor(MHA, "vProjWeight", vProjWeight);
    const [bq, bk, bv] = bias === null ? [null, null, null] : chunk(bias, 3);
    return [
      linear(query, qProjWeight, bq),
      linear(key, kProjWeight, bk),
      linear(value, vProjWeight, bv),
    ];
  }
  checkTensor(MHA, "inProjWeight", weight);
  if (key === value && query === key) {
    return chunk(linear(query, weight, bias), 3, 2) as [Tensor, Tensor, Tensor];
  }
  const size = query.shape[2];
  if (key === value) {
    const [wq, rest] = splitWithSizes(weight, [size, 2 * size]);
    const [bq, restBias] = bias === null ? [null, null] : splitWithSizes(bias, [size, 2 * size]);
    const [k, v] = chunk(linear(key, rest, restBias), 2, 2);
    return [linear(query, wq, bq), k, v];
  }
  const [wq, wk, wv] = chunk(weight, 3);
  const [bq, bk, bv] = bias === null ? [null, null, null] : chunk(bias, 3);
  return [linear(query, wq, bq), linear(key, wk, bk), linear(value, wv, bv)];
}

/** A mask with one more column, of a key that everyone sees. */
function withColumn(mask: Tensor): Tensor {
  const { dtype, device } = mask;
  return cat([mask, zeros([...mask.shape.slice(0, -1), 1], { dtype, device })], -1);
}

/** Both masks as what is added to the scores: [1 or batch * heads, 1 or length, keys]. */
function merge(
  mask: Tensor | null,
  padding: Tensor | null,
  { batch, heads }: Sizes,
  like: Tensor,
): Tensor | null {
  if (padding !== null) {
    const keys = padding.shape[1];
    padding = reshape(
      expand(reshape(padding, batch, 1, 1, keys), batch, heads, 1, keys),
      batch * heads,
      1,
      keys,
    );
  }
  if (mask === null || padding === null) return asAdded(mask ?? padding, like);
  if (padding.dtype === bool) {
    if (mask.dtype === bool) return asAdded(logicalOr(mask, padding), like);
    return asAdded(maskedFill(expand(mask, batch * heads, -1, -1), padding, -Infinity), like);
  }
  return add(asAdded(mask, like)!, asAdded(padding, like)!);
}

/** A mask as what is added to the scores: -Infinity where a bool mask is true. */
function asAdded(mask: Tensor | null, { dtype, device }: Tensor): Tensor | null {
  if (mask === null || mask.dtype !== bool) return mask === null ? null : cast(mask, dtype);
  return maskedFill(zeros(mask.shape, { dtype, device }), mask, -Infinity);
}
