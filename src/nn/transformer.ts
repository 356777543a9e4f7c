/**
 * Transformers: stacks of layers.
 *
 * @module
 */
import type { DType } from "../backend/dtype.ts";
import { full } from "../ops/create.ts";
import { triu } from "../ops/diagonal.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import type { TensorOptions } from "../tensor/create.ts";
import { show as showShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ModuleList } from "./container.ts";
import { deepcopy } from "./deepcopy.ts";
import { xavierUniform_ } from "./init.ts";
import { count, FACTORY } from "./linear.ts";
import { isModule } from "./members.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./normalize.ts";
import {
  type DecoderArgs,
  type DecoderMasks,
  type EncoderLayerMasks,
  readDecoderMasks,
  type TransformerActivation,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from "./transformer_layer.ts";

/** Copies of a layer, as many as `n`. */
function copies(call: string, name: string, layer: unknown, n: number): ModuleList {
  if (!isModule(layer)) throw new TypeError(`${call}: ${name} must be a module`);
  return new ModuleList(
    Array.from({ length: count(call, "numLayers", n) }, () => deepcopy(layer)),
  );
}

/** Options of a stack of layers. */
export interface TransformerStackOptions {
  /** How many copies of the layer there are. */
  numLayers?: number;
  /** Applied to the result of the last. */
  norm?: Module | null;
}

/** The masks of an encoder. */
export interface EncoderMasks {
  /** Which pairs are left out (bool), or what is added to their scores: [L, L] or [N * nhead, L, L]. */
  mask?: Tensor | null;
  /** Which keys are left out (bool), or what is added to their scores: [N, L]. */
  srcKeyPaddingMask?: Tensor | null;
}

/** An encoder's layer, called. */
type EncoderLayerCall = (src: Tensor, masks: EncoderLayerMasks) => Tensor;
/** A decoder's layer, or a decoder, called. */
type DecoderCall = (tgt: Tensor, memory: Tensor, masks: DecoderMasks) => Tensor;
/** An encoder, called. */
type EncoderCall = (src: Tensor, masks: EncoderMasks) => Tensor;
/** A norm, called. */
type NormCall = (x: Tensor) => Tensor;

/**
 * Copies of an encoder's layer, one after the other. src: [L, N, dModel] -> the same shape.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html
 */
export class TransformerEncoder extends Module {
  /** The layers. */
  layers: ModuleList;
  /** How many there are. */
  readonly numLayers: number;
  /** Applied to the result of the last; or null. */
  norm: Module | null;

  /** Takes a layer, which is copied, and how many there are; what follows the norm is taken for PyTorch's sake. */
  constructor(
    encoderLayer: Module,
    ...args: Args<
      [numLayers: number, norm: Module | null, enableNestedTensor: boolean, maskCheck: boolean],
      TransformerStackOptions & { enableNestedTensor?: boolean; maskCheck?: boolean }
    >
  ) {
    super();
    const { numLayers, norm } = read("TransformerEncoder", {
      numLayers: NaN,
      norm: null as Module | null,
      enableNestedTensor: true,
      maskCheck: true,
    }, args);
    this.layers = copies("TransformerEncoder", "encoderLayer", encoderLayer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm;
  }

  override forward(
    src: Tensor,
    ...args: Args<[mask: Tensor | null, srcKeyPaddingMask: Tensor | null], EncoderMasks>
  ): Tensor {
    checkTensor("TransformerEncoder", "src", src);
    const { mask, srcKeyPaddingMask } = read("TransformerEncoder", {
      mask: null as Tensor | null,
      srcKeyPaddingMask: null as Tensor | null,
    }, args);
    let x = src;
    for (const layer of this.layers) {
      x = (layer as unknown as EncoderLayerCall)(x, { srcMask: mask, srcKeyPaddingMask });
    }
    return this.norm === null ? x : (this.norm as unknown as NormCall)(x);
  }
}

/**
 * Copies of a decoder's layer, one after the other. tgt: [T, N, dModel], memory: [S, N, dModel] -> the shape of tgt.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html
 */
export class TransformerDecoder extends Module {
  /** The layers. */
  layers: ModuleList;
  /** How many there are. */
  readonly numLayers: number;
  /** Applied to the result of the last; or null. */
  norm: Module | null;

  /** Takes a layer, which is copied, and how many there are. */
  constructor(
    decoderLayer: Module,
    ...args: Args<[numLayers: number, norm: Module | null], TransformerStackOptions>
  ) {
    super();
    const { numLayers, norm } = read("TransformerDecoder", {
      numLayers: NaN,
      norm: null as Module | null,
    }, args);
    this.layers = copies("TransformerDecoder", "decoderLayer", decoderLayer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm;
  }

  override forward(tgt: Tensor, memory: Tensor, ...args: DecoderArgs): Tensor {
    checkTensor("TransformerDecoder", "tgt", tgt);
    checkTensor("TransformerDecoder", "memory", memory);
    const masks = readDecoderMasks("TransformerDecoder", args);
    let x = tgt;
    for (const layer of this.layers) x = (layer as unknown as DecoderCall)(x, memory, masks);
    return this.norm === null ? x : (this.norm as unknown as NormCall)(x);
  }
}

/** Options of `Transformer`. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** How many layers the encoder has; 6 by default. */
  numEncoderLayers?: number;
  /** How many layers the decoder has; 6 by default. */
  numDecoderLayers?: number;
  /** In the place of the encoder. */
  customEncoder?: Module | null;
  /** In the place of the decoder. */
  customDecoder?: Module | null;
}

/** The masks of a transformer. */
export interface TransformerMasks extends DecoderMasks {
  /** Of the attention in the encoder: [S, S] or [N * nhead, S, S]. */
  srcMask?: Tensor | null;
  /** Of the keys in the encoder: [N, S]. */
  srcKeyPaddingMask?: Tensor | null;
}

/**
 * An encoder, and a decoder that attends to its results. src: [S, N, dModel], tgt: [T, N, dModel] -> the shape of tgt.
 *
 * @see Vaswani et al., Attention Is All You Need (2017)
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Transformer.html
 */
export class Transformer extends Module {
  /** The encoder. */
  encoder: Module;
  /** The decoder. */
  decoder: Module;
  /** The size of an input, and of an output. */
  readonly dModel: number;
  /** How many heads attend. */
  readonly nhead: number;
  /** Whether inputs and outputs are [N, L, dModel]. */
  readonly batchFirst: boolean;

  /** Takes the sizes, then the settings. */
  constructor(
    ...args: Args<
      [
        dModel: number,
        nhead: number,
        numEncoderLayers: number,
        numDecoderLayers: number,
        dimFeedforward: number,
        dropout: number,
        activation: TransformerActivation,
        customEncoder: Module | null,
        customDecoder: Module | null,
        layerNormEps: number,
        batchFirst: boolean,
        normFirst: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      TransformerOptions
    >
  ) {
    super();
    const o = read("Transformer", {
      dModel: 512,
      nhead: 8,
      numEncoderLayers: 6,
      numDecoderLayers: 6,
      dimFeedforward: 2048,
      dropout: 0.1,
      activation: "relu" as TransformerActivation,
      customEncoder: null as Module | null,
      customDecoder: null as Module | null,
      layerNormEps: 1e-5,
      batchFirst: false,
      normFirst: false,
      ...FACTORY,
    }, args);
    const { numEncoderLayers, numDecoderLayers, customEncoder, customDecoder, ...layer } = o;
    const norm = () => {
      const { layerNormEps: eps, device, dtype } = layer;
      return new LayerNorm(layer.dModel, { eps, device, dtype });
    };
    this.encoder = customEncoder ??
      new TransformerEncoder(new TransformerEncoderLayer(layer), numEncoderLayers, norm());
    this.decoder = customDecoder ??
      new TransformerDecoder(new TransformerDecoderLayer(layer), numDecoderLayers, norm());
    this.dModel = o.dModel;
    this.nhead = o.nhead;
    this.batchFirst = o.batchFirst;
    this.resetParameters();
  }

  /** Draws all parameters of two or more axes anew. */
  resetParameters(): void {
    for (const p of this.parameters()) if (p.ndim > 1) xavierUniform_(p);
  }

  override forward(
    src: Tensor,
    tgt: Tensor,
    ...args: Args<
      [
        srcMask: Tensor | null,
        tgtMask: Tensor | null,
        memoryMask: Tensor | null,
        srcKeyPaddingMask: Tensor | null,
        tgtKeyPaddingMask: Tensor | null,
        memoryKeyPaddingMask: Tensor | null,
      ],
      TransformerMasks
    >
  ): Tensor {
    checkTensor("Transformer", "src", src);
    checkTensor("Transformer", "tgt", tgt);
    const { srcMask, srcKeyPaddingMask, ...masks } = read("Transformer", {
      srcMask: null as Tensor | null,
      tgtMask: null as Tensor | null,
      memoryMask: null as Tensor | null,
      srcKeyPaddingMask: null as Tensor | null,
      tgtKeyPaddingMask: null as Tensor | null,
      memoryKeyPaddingMask: null as Tensor | null,
    }, args);
    const { dModel, batchFirst } = this, samples = batchFirst ? 0 : 1;
    if (
      src.ndim !== tgt.ndim || src.shape.at(-1) !== dModel || tgt.shape.at(-1) !== dModel ||
      (src.ndim === 3 && src.shape[samples] !== tgt.shape[samples])
    ) {
      const form = batchFirst ? "[N, length, " : "[length, N, ";
      throw new RangeError(
        `Transformer: expected src and tgt ${form}${dModel}] of one N, got ${
          showShape(src.shape)
        } and ${showShape(tgt.shape)}`,
      );
    }
    const encoder = this.encoder as unknown as EncoderCall;
    const decoder = this.decoder as unknown as DecoderCall;
    return decoder(tgt, encoder(src, { mask: srcMask, srcKeyPaddingMask }), masks);
  }

  /** A mask that lets each place see itself and those before it: [size, size], -Infinity above the diagonal, else 0. */
  static generateSquareSubsequentMask(size: number, options: TensorOptions = {}): Tensor {
    return triu(full([size, size], -Infinity, options), 1);
  }
}
