/**
 * Attention: averages of values, weighted by how well their keys fit a query.
 *
 * @module
 */
import { bool, uint8 } from "../backend/dtype.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { broadcast, broadcastsTo, sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { add } from "./arithmetic.ts";
import { asAdded, attend, attentionWeights } from "./attend.ts";
import { cast } from "./copy.ts";
import { zeros } from "./create.ts";
import { chunk, splitWithSizes } from "./cut.ts";
import { dropout } from "./dropout.ts";
import { cat } from "./join.ts";
import { linear } from "./linear.ts";
import { logicalNot, logicalOr } from "./logic.ts";
import { matmul } from "./matmul.ts";
import { maskedFill } from "./pointwise.ts";
import { mean } from "./reduce.ts";
import { expand, permute, reshape, squeeze, transpose, unsqueeze } from "./view.ts";

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
  [query, key, value] = castAll(call, query, key, value);
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
  let mask: Tensor | null = null;
  if (attnMask !== null) {
    checkTensor(call, "attnMask", attnMask);
    checkMask(call, "attnMask", attnMask);
    const lead = broadcast(call, query.shape.slice(0, -2), key.shape.slice(0, -2));
    const scores = [...lead, length, keys];
    if (!broadcastsTo(attnMask.shape, scores)) {
      throw new RangeError(
        `${call}: attnMask ${show(attnMask.shape)} does not broadcast to the scores' shape ${
          show(scores)
        }`,
      );
    }
    mask = asAdded(attnMask.dtype === bool ? logicalNot(attnMask) : attnMask, query);
  }
  const settings = { mask, causal: isCausal, scale: scale ?? 1 / Math.sqrt(width) };
  return attend(query, key, value, settings, dropoutP);
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
  const apart = (x: Tensor) => permute(reshape(x, x.shape[0], batch, heads, width), [1, 2, 0, 3]);
  const given = (x: Tensor) => reshape(x, batch, heads, x.shape[1], width);
  q = apart(q);
  k = settings.staticK === null ? apart(k) : given(settings.staticK);
  v = settings.staticV === null ? apart(v) : given(settings.staticV);
  if (settings.addZeroAttn) {
    const zero = zeros([batch, heads, 1, width], { dtype: k.dtype, device: k.device });
    k = cat([k, zero], 2);
    v = cat([v, zero], 2);
    extend();
  }
  const scale = 1 / Math.sqrt(width), added = merge(mask, padding, sizes, q);
  const dropoutP = settings.training ? settings.dropoutP : 0;
  const how = { mask: added, causal: false, scale };
  let heard: Tensor, weights: Tensor | null = null;
  if (settings.needWeights) {
    weights = attentionWeights(q, k, how);
    if (dropoutP > 0) weights = dropout(weights, dropoutP);
    heard = matmul(weights, v);
    if (settings.averageAttnWeights) weights = mean(weights, 1);
  } else heard = attend(q, k, v, how, dropoutP);
  heard = reshape(permute(heard, [2, 0, 1, 3]), length, batch, heads * width);
  const [output] = projected(heard, settings.outProjWeight!, settings.outProjBias);
  if (batched) return [output, weights];
  return [squeeze(output, 1), weights === null ? null : squeeze(weights, 0)];
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

/**
 * linear(x), cut along its last axis into so many parts. Rows are taken in the order in which they lie: batch-first inputs
 * come transposed, and neither they nor their gradients are copied.
 */
function projected(x: Tensor, weight: Tensor, bias: Tensor | null, parts = 1): Tensor[] {
  const turned = !x.dense && x.strides[0] < x.strides[1];
  const y = linear(turned ? transpose(x, 0, 1) : x, weight, bias);
  const cut = parts === 1 ? [y] : chunk(y, parts, 2);
  return turned ? cut.map((part) => transpose(part, 0, 1)) : cut;
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
      projected(query, qProjWeight, bq)[0],
      projected(key, kProjWeight, bk)[0],
      projected(value, vProjWeight, bv)[0],
    ];
  }
  checkTensor(MHA, "inProjWeight", weight);
  if (key === value && query === key) {
    return projected(query, weight, bias, 3) as [Tensor, Tensor, Tensor];
  }
  const size = query.shape[2];
  if (key === value) {
    const [wq, rest] = splitWithSizes(weight, [size, 2 * size]);
    const [bq, restBias] = bias === null ? [null, null] : splitWithSizes(bias, [size, 2 * size]);
    const [k, v] = projected(key, rest, restBias, 2);
    return [projected(query, wq, bq)[0], k, v];
  }
  const [wq, wk, wv] = chunk(weight, 3);
  const [bq, bk, bv] = bias === null ? [null, null, null] : chunk(bias, 3);
  return [
    projected(query, wq, bq)[0],
    projected(key, wk, bk)[0],
    projected(value, wv, bv)[0],
  ];
}

/** A mask with one more column, of a key that everyone sees. */
function withColumn(mask: Tensor): Tensor {
  const { dtype, device } = mask;
  return cat([mask, zeros([...mask.shape.slice(0, -1), 1], { dtype, device })], -1);
}

/** Both masks as what is added to the scores: [1 or batch, 1 or heads, 1 or length, keys]. */
function merge(
  mask: Tensor | null,
  padding: Tensor | null,
  { batch, heads, length }: Sizes,
  like: Tensor,
): Tensor | null {
  if (mask !== null) {
    const lead = mask.shape[0] === 1 ? [1, 1] : [batch, heads];
    mask = reshape(mask, [...lead, length, mask.shape[2]]);
  }
  if (padding !== null) padding = reshape(padding, batch, 1, 1, padding.shape[1]);
  if (mask === null || padding === null) {
    const one = mask ?? padding;
    return one === null ? null : asAdded(one, like);
  }
  if (padding.dtype === bool) {
    if (mask.dtype === bool) return asAdded(logicalOr(mask, padding), like);
    return asAdded(maskedFill(expand(mask, batch, -1, -1, -1), padding, -Infinity), like);
  }
  return add(asAdded(mask, like), asAdded(padding, like));
}
