/**
 * Layers of transformers: attention and a feed-forward network, each with dropout, a sum with its input, and a norm.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import { gelu, relu } from "../ops/activation.ts";
import { add } from "../ops/arithmetic.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { MultiheadAttention } from "./attention.ts";
import { Dropout } from "./dropout.ts";
import { count, FACTORY, type FactoryOptions, Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./normalize.ts";

/** What is applied in the middle of the feed-forward network: a name, a function or a module. */
export type TransformerActivation = "relu" | "gelu" | ((x: Tensor) => Tensor) | Module;

/** Options that the layers of transformers share. */
export interface TransformerLayerOptions extends FactoryOptions {
  /** The size of an input, and of an output. */
  dModel?: number;
  /** How many heads attend. */
  nhead?: number;
  /** The size in the middle of the feed-forward network; 2048 by default. */
  dimFeedforward?: number;
  /** The probability of dropout; 0.1 by default. */
  dropout?: number;
  /** What is applied in the middle of the feed-forward network; `"relu"` by default. */
  activation?: TransformerActivation;
  /** Added to the variance in the norms. */
  layerNormEps?: number;
  /** Whether inputs and outputs are [N, L, dModel]; else [L, N, dModel]. */
  batchFirst?: boolean;
  /** Whether the norms come before attention and the feed-forward network; else after the sums. */
  normFirst?: boolean;
}

/** The parameters of the layers, by position. */
export type TransformerLayerArgs = Args<
  [
    dModel: number,
    nhead: number,
    dimFeedforward: number,
    dropout: number,
    activation: TransformerActivation,
    layerNormEps: number,
    batchFirst: boolean,
    normFirst: boolean,
    device: string | null,
    dtype: DType | null,
  ],
  TransformerLayerOptions
>;

function readSettings(call: string, args: TransformerLayerArgs): Required<TransformerLayerOptions> {
  const settings = read(call, {
    dModel: NaN,
    nhead: NaN,
    dimFeedforward: 2048,
    dropout: 0.1,
    activation: "relu" as TransformerActivation,
    layerNormEps: 1e-5,
    batchFirst: false,
    normFirst: false,
    ...FACTORY,
  }, args);
  count(call, "dModel", settings.dModel);
  count(call, "nhead", settings.nhead);
  count(call, "dimFeedforward", settings.dimFeedforward);
  return settings;
}

/** The function that an activation's name stands for. */
function activationOf(
  call: string,
  activation: TransformerActivation,
): ((x: Tensor) => Tensor) | Module {
  if (activation === "relu") return (x: Tensor) => relu(x);
  if (activation === "gelu") return (x: Tensor) => gelu(x);
  if (typeof activation === "function") return activation;
  throw new RangeError(
    `${call}: activation must be "relu", "gelu" or a function, got ${describeValue(activation)}`,
  );
}

/** The masks of an encoder's layer. */
export interface EncoderLayerMasks {
  /** Which pairs are left out (bool), or what is added to their scores: [L, L] or [N * nhead, L, L]. */
  srcMask?: Tensor | null;
  /** Which keys are left out (bool), or what is added to their scores: [N, L]. */
  srcKeyPaddingMask?: Tensor | null;
}

/** What follows the input of an encoder's layer. */
export type EncoderLayerArgs = Args<
  [srcMask: Tensor | null, srcKeyPaddingMask: Tensor | null],
  EncoderLayerMasks
>;

/** The masks of a decoder and of its layers. */
export interface DecoderMasks {
  /** Of the attention to the own sequence: [T, T] or [N * nhead, T, T]. */
  tgtMask?: Tensor | null;
  /** Of the attention to the memory: [T, S] or [N * nhead, T, S]. */
  memoryMask?: Tensor | null;
  /** Of the keys of the own sequence: [N, T]. */
  tgtKeyPaddingMask?: Tensor | null;
  /** Of the keys of the memory: [N, S]. */
  memoryKeyPaddingMask?: Tensor | null;
}

/** What follows the input and the memory of a decoder and of its layers. */
export type DecoderArgs = Args<
  [
    tgtMask: Tensor | null,
    memoryMask: Tensor | null,
    tgtKeyPaddingMask: Tensor | null,
    memoryKeyPaddingMask: Tensor | null,
  ],
  DecoderMasks
>;

/** The masks of a decoder, as given or null. */
export function readDecoderMasks(call: string, args: DecoderArgs): Required<DecoderMasks> {
  return read(call, {
    tgtMask: null as Tensor | null,
    memoryMask: null as Tensor | null,
    tgtKeyPaddingMask: null as Tensor | null,
    memoryKeyPaddingMask: null as Tensor | null,
  }, args);
}

/**
 * One layer of an encoder: attention to the sequence itself, then a feed-forward network. src: [L, N, dModel] -> the
 * same shape; it may lack N.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html
 */
export class TransformerEncoderLayer extends Module {
  /** Whether the norms come first. */
  normFirst: boolean;
  /** Attention to the sequence itself. */
  self_attn: MultiheadAttention;
  /** The first half of the feed-forward network. */
  linear1: Linear;
  /** Dropout in the middle of the feed-forward network. */
  dropout: Dropout;
  /** The second half of the feed-forward network. */
  linear2: Linear;
  /** The norm of the attention. */
  norm1: LayerNorm;
  /** The norm of the feed-forward network. */
  norm2: LayerNorm;
  /** Dropout after the attention. */
  dropout1: Dropout;
  /** Dropout after the feed-forward network. */
  dropout2: Dropout;
  /** What is applied in the middle of the feed-forward network. */
  activation: ((x: Tensor) => Tensor) | Module;

  /** Takes the size of an input and how many heads there are, then the settings. */
  constructor(...args: TransformerLayerArgs) {
    super();
    const call = "TransformerEncoderLayer";
    const { dModel, nhead, dimFeedforward, dropout, activation, layerNormEps: eps, ...o } =
      readSettings(call, args);
    const { batchFirst, device, dtype } = o;
    const applied = activationOf(call, activation);
    this.normFirst = o.normFirst;
    this.self_attn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, device, dtype });
    this.linear1 = new Linear(dModel, dimFeedforward, { device, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { device, dtype });
    this.norm1 = new LayerNorm(dModel, { eps, device, dtype });
    this.norm2 = new LayerNorm(dModel, { eps, device, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.activation = applied;
  }

  override forward(src: Tensor, ...args: EncoderLayerArgs): Tensor {
    checkTensor("TransformerEncoderLayer", "src", src);
    const { srcMask, srcKeyPaddingMask } = read("TransformerEncoderLayer", {
      srcMask: null as Tensor | null,
      srcKeyPaddingMask: null as Tensor | null,
    }, args);
    const { norm1, norm2 } = this;
    const attend = (x: Tensor) =>
      this.dropout1(this.self_attn(x, x, x, srcKeyPaddingMask, false, srcMask)[0]);
    const feed = (x: Tensor) =>
      this.dropout2(this.linear2(this.dropout(this.activation(this.linear1(x)))));
    if (this.normFirst) {
      const x = add(src, attend(norm1(src)));
      return add(x, feed(norm2(x)));
    }
    const x = norm1(add(src, attend(src)));
    return norm2(add(x, feed(x)));
  }
}

/**
 * One layer of a decoder: attention to the sequence itself, attention to the memory, then a feed-forward network. tgt:
 * [T, N, dModel], memory: [S, N, dModel] -> the shape of tgt; both may lack N.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoderLayer.html
 */
export class TransformerDecoderLayer extends Module {
  /** Whether the norms come first. */
  normFirst: boolean;
  /** Attention to the sequence itself. */
  self_attn: MultiheadAttention;
  /** Attention to the memory. */
  multihead_attn: MultiheadAttention;
  /** The first half of the feed-forward network. */
  linear1: Linear;
  /** Dropout in the middle of the feed-forward network. */
  dropout: Dropout;
  /** The second half of the feed-forward network. */
  linear2: Linear;
  /** The norm of the attention to the sequence itself. */
  norm1: LayerNorm;
  /** The norm of the attention to the memory. */
  norm2: LayerNorm;
  /** The norm of the feed-forward network. */
  norm3: LayerNorm;
  /** Dropout after the attention to the sequence itself. */
  dropout1: Dropout;
  /** Dropout after the attention to the memory. */
  dropout2: Dropout;
  /** Dropout after the feed-forward network. */
  dropout3: Dropout;
  /** What is applied in the middle of the feed-forward network. */
  activation: ((x: Tensor) => Tensor) | Module;

  /** Takes the size of an input and how many heads there are, then the settings. */
  constructor(...args: TransformerLayerArgs) {
    super();
    const call = "TransformerDecoderLayer";
    const { dModel, nhead, dimFeedforward, dropout, activation, layerNormEps: eps, ...o } =
      readSettings(call, args);
    const { batchFirst, device, dtype } = o, heads = { dropout, batchFirst, device, dtype };
    const applied = activationOf(call, activation);
    this.normFirst = o.normFirst;
    this.self_attn = new MultiheadAttention(dModel, nhead, heads);
    this.multihead_attn = new MultiheadAttention(dModel, nhead, heads);
    this.linear1 = new Linear(dModel, dimFeedforward, { device, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { device, dtype });
    this.norm1 = new LayerNorm(dModel, { eps, device, dtype });
    this.norm2 = new LayerNorm(dModel, { eps, device, dtype });
    this.norm3 = new LayerNorm(dModel, { eps, device, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.activation = applied;
  }

  override forward(tgt: Tensor, memory: Tensor, ...args: DecoderArgs): Tensor {
    checkTensor("TransformerDecoderLayer", "tgt", tgt);
    checkTensor("TransformerDecoderLayer", "memory", memory);
    const masks = readDecoderMasks("TransformerDecoderLayer", args);
    const { norm1, norm2, norm3 } = this;
    const attend = (x: Tensor) => {
      const [y] = this.self_attn(x, x, x, masks.tgtKeyPaddingMask, false, masks.tgtMask);
      return this.dropout1(y);
    };
    const remember = (x: Tensor) => {
      const { memoryKeyPaddingMask, memoryMask } = masks;
      const [y] = this.multihead_attn(x, memory, memory, memoryKeyPaddingMask, false, memoryMask);
      return this.dropout2(y);
    };
    const feed = (x: Tensor) =>
      this.dropout3(this.linear2(this.dropout(this.activation(this.linear1(x)))));
    if (this.normFirst) {
      let x = add(tgt, attend(norm1(tgt)));
      x = add(x, remember(norm2(x)));
      return add(x, feed(norm3(x)));
    }
    let x = norm1(add(tgt, attend(tgt)));
    x = norm2(add(x, remember(x)));
    return norm3(add(x, feed(x)));
  }
}
