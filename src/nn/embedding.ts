/**
 * Tables of learned vectors.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import type { DType } from "../backend/dtype.ts";
import { zero_ } from "../ops/copy.ts";
import { embedding, embeddingBag, type EmbeddingBagMode } from "../ops/embedding.ts";
import { select } from "../ops/view.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { sameShape, show as showShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { normal_ } from "./init.ts";
import { count, FACTORY, type FactoryOptions, newParameter } from "./linear.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { show, showFloat } from "./text.ts";

/** What the tables share: settings that may be given to any of them. */
export interface EmbeddingTableOptions extends FactoryOptions {
  /** How many vectors there are. */
  numEmbeddings?: number;
  /** How long each is. */
  embeddingDim?: number;
  /** A vector that begins as zeros and is not learned; a negative one counts from the end. */
  paddingIdx?: number | null;
  /** Vectors whose norm exceeds it are scaled down to it when they are read. */
  maxNorm?: number | null;
  /** The p of that norm. */
  normType?: number;
  /** Whether the gradient of a vector is divided by how often it was read. */
  scaleGradByFreq?: boolean;
  /** Taken for PyTorch's sake: gradients are dense. */
  sparse?: boolean;
  /** The vectors to begin with: [numEmbeddings, embeddingDim]. */
  _weight?: Tensor | null;
}

const TABLE = {
  numEmbeddings: NaN,
  embeddingDim: NaN,
  paddingIdx: null as number | null,
  maxNorm: null as number | null,
  normType: 2,
  scaleGradByFreq: false,
  sparse: false,
  _weight: null as Tensor | null,
  ...FACTORY,
};

/** What `Embedding` and `EmbeddingBag` share. */
export abstract class EmbeddingTable extends Module {
  /** How many vectors there are. */
  readonly numEmbeddings: number;
  /** How long each is. */
  readonly embeddingDim: number;
  /** The vector that is not learned, counted from the start; or null. */
  readonly paddingIdx: number | null;
  /** The norm to which vectors are scaled down; or null. */
  maxNorm: number | null;
  /** The p of that norm. */
  normType: number;
  /** Whether the gradient of a vector is divided by how often it was read. */
  scaleGradByFreq: boolean;
  /** Has no effect: gradients are dense. */
  sparse: boolean;
  /** The vectors: [numEmbeddings, embeddingDim]. */
  weight: Parameter;

  /** Takes the settings by name. */
  protected constructor(options: typeof TABLE) {
    super();
    const call = this.constructor.name,
      { numEmbeddings, embeddingDim, paddingIdx, _weight } = options;
    this.numEmbeddings = count(call, "numEmbeddings", numEmbeddings);
    this.embeddingDim = count(call, "embeddingDim", embeddingDim);
    this.paddingIdx = paddingIdx;
    if (paddingIdx !== null) {
      const at = wholeNumber(call, "paddingIdx", paddingIdx);
      if (at < -numEmbeddings || at >= numEmbeddings) {
        throw new RangeError(
          `${call}: paddingIdx ${at} is out of range for ${numEmbeddings} embeddings`,
        );
      }
      this.paddingIdx = at < 0 ? at + numEmbeddings : at;
    }
    this.maxNorm = options.maxNorm;
    this.normType = options.normType;
    this.scaleGradByFreq = options.scaleGradByFreq;
    this.sparse = options.sparse;
    const shape = [numEmbeddings, embeddingDim];
    if (_weight === null) {
      this.weight = newParameter(shape, options);
      this.resetParameters();
    } else {
      checkTensor(call, "_weight", _weight);
      if (!sameShape(_weight.shape, shape)) {
        throw new RangeError(
          `${call}: _weight has shape ${showShape(_weight.shape)}, expected ${showShape(shape)}`,
        );
      }
      this.weight = new Parameter(_weight);
    }
  }

  /** Draws the vectors anew, from the normal distribution. */
  resetParameters(): void {
    normal_(this.weight);
    const { paddingIdx } = this;
    if (paddingIdx !== null) noGrad(() => zero_(select(this.weight, 0, paddingIdx)));
  }

  /** The settings of the printed form that both tables have. */
  protected settings(): { padding: string; norm: string } {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return {
      padding: paddingIdx === null ? "" : `, padding_idx=${paddingIdx}`,
      norm: (maxNorm === null ? "" : `, max_norm=${showFloat(maxNorm, 1)}`) +
        (normType === 2 ? "" : `, norm_type=${showFloat(normType, 1)}`) +
        (scaleGradByFreq ? `, scale_grad_by_freq=${show(scaleGradByFreq)}` : ""),
    };
  }
}

/** Throws unless `embeddings` is a matrix. */
function checkMatrix(call: string, embeddings: Tensor): void {
  checkTensor(call, "embeddings", embeddings);
  if (embeddings.ndim !== 2) {
    throw new RangeError(
      `${call}: embeddings must be a matrix, got shape ${showShape(embeddings.shape)}`,
    );
  }
}

/** Options of `Embedding.fromPretrained`. */
export interface PretrainedOptions extends EmbeddingTableOptions {
  /** Whether the vectors stay as they are in training; true by default. */
  freeze?: boolean;
}

/**
 * A table of vectors: gives those that its input names. [...] of int64 or int32 -> [..., embeddingDim].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html
 */
export class Embedding extends EmbeddingTable {
  /** Takes how many vectors there are and how long each is. */
  constructor(
    ...args: Args<
      [
        numEmbeddings: number,
        embeddingDim: number,
        paddingIdx: number | null,
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        sparse: boolean,
        _weight: Tensor | null,
        device: string | null,
        dtype: DType | null,
      ],
      EmbeddingTableOptions
    >
  ) {
    super(read("Embedding", TABLE, args));
  }

  override forward(input: Tensor): Tensor {
    return embedding(
      input,
      this.weight,
      this.paddingIdx,
      this.maxNorm,
      this.normType,
      this.scaleGradByFreq,
      this.sparse,
    );
  }

  override extraRepr(): string {
    const { padding, norm } = this.settings();
    const sparse = this.sparse ? ", sparse=True" : "";
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}${norm}${sparse}`;
  }

  /** A table of given vectors: [numEmbeddings, embeddingDim]. */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Args<
      [
        freeze: boolean,
        paddingIdx: number | null,
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        sparse: boolean,
      ],
      PretrainedOptions
    >
  ): Embedding {
    checkMatrix("Embedding.fromPretrained", embeddings);
    const { freeze, ...options } = read("Embedding.fromPretrained", {
      freeze: true,
      paddingIdx: null as number | null,
      maxNorm: null as number | null,
      normType: 2,
      scaleGradByFreq: false,
      sparse: false,
    }, args);
    const [rows, columns] = embeddings.shape;
    const table = new Embedding(rows, columns, { ...options, _weight: embeddings });
    table.weight.requiresGrad = !freeze;
    return table;
  }
}

/** Options of `EmbeddingBag`. */
export interface EmbeddingBagModuleOptions extends EmbeddingTableOptions {
  /** How the vectors of a bag are combined; `"mean"` by default. */
  mode?: EmbeddingBagMode;
  /** Whether offsets have the end of the last bag too. */
  includeLastOffset?: boolean;
}

/**
 * A table of vectors that are read in bags and combined. [bags, length], or a vector with offsets -> [bags, embeddingDim].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html
 */
export class EmbeddingBag extends EmbeddingTable {
  /** How the vectors of a bag are combined. */
  mode: EmbeddingBagMode;
  /** Whether offsets have the end of the last bag too. */
  includeLastOffset: boolean;

  /** Takes how many vectors there are and how long each is. */
  constructor(
    ...args: Args<
      [
        numEmbeddings: number,
        embeddingDim: number,
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        mode: EmbeddingBagMode,
        sparse: boolean,
        _weight: Tensor | null,
        includeLastOffset: boolean,
        paddingIdx: number | null,
        device: string | null,
        dtype: DType | null,
      ],
      EmbeddingBagModuleOptions
    >
  ) {
    const { mode, includeLastOffset, ...options } = read("EmbeddingBag", {
      numEmbeddings: NaN,
      embeddingDim: NaN,
      maxNorm: null as number | null,
      normType: 2,
      scaleGradByFreq: false,
      mode: "mean" as EmbeddingBagMode,
      sparse: false,
      _weight: null as Tensor | null,
      includeLastOffset: false,
      paddingIdx: null as number | null,
      ...FACTORY,
    }, args);
    super(options);
    this.mode = mode;
    this.includeLastOffset = includeLastOffset;
  }

  override forward(
    input: Tensor,
    ...args: Args<
      [offsets: Tensor | null, perSampleWeights: Tensor | null],
      { offsets?: Tensor | null; perSampleWeights?: Tensor | null }
    >
  ): Tensor {
    const { offsets, perSampleWeights } = read("EmbeddingBag", {
      offsets: null as Tensor | null,
      perSampleWeights: null as Tensor | null,
    }, args);
    const { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx } = this;
    return embeddingBag(input, this.weight, {
      offsets,
      maxNorm,
      normType,
      scaleGradByFreq,
      mode,
      perSampleWeights,
      includeLastOffset,
      paddingIdx,
    });
  }

  override extraRepr(): string {
    const { padding, norm } = this.settings();
    return `${this.numEmbeddings}, ${this.embeddingDim}${norm}, mode=${this.mode}${padding}`;
  }

  /** A table of given vectors: [numEmbeddings, embeddingDim]. */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Args<
      [
        freeze: boolean,
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        mode: EmbeddingBagMode,
        sparse: boolean,
        includeLastOffset: boolean,
        paddingIdx: number | null,
      ],
      EmbeddingBagModuleOptions & { freeze?: boolean }
    >
  ): EmbeddingBag {
    checkMatrix("EmbeddingBag.fromPretrained", embeddings);
    const { freeze, ...options } = read("EmbeddingBag.fromPretrained", {
      freeze: true,
      maxNorm: null as number | null,
      normType: 2,
      scaleGradByFreq: false,
      mode: "mean" as EmbeddingBagMode,
      sparse: false,
      includeLastOffset: false,
      paddingIdx: null as number | null,
    }, args);
    const [rows, columns] = embeddings.shape;
    const table = new EmbeddingBag(rows, columns, { ...options, _weight: embeddings });
    table.weight.requiresGrad = !freeze;
    return table;
  }
}
