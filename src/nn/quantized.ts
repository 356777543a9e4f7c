/**
 * `torch.nn.quantized`: modules with weights of 8 bits, for inference.
 *
 * @module
 */
import { type DType, int8 } from "../backend/dtype.ts";
import { quantizedEmbedding } from "../ops/quantized.ts";
import { type Args, read } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Embedding as FloatEmbedding } from "./embedding.ts";
import { count } from "./linear.ts";
import { checkQint8, QuantizedModule } from "./quantized_module.ts";
import { show } from "./text.ts";

export * as dynamic from "./quantized_dynamic.ts";
export { QuantizedModule } from "./quantized_module.ts";

/** Options of `quantized.Embedding`. */
export interface QuantizedEmbeddingOptions {
  /** How many vectors there are. */
  numEmbeddings?: number;
  /** How long each is. */
  embeddingDim?: number;
  /** The vector that was not learned; it is read like any other. */
  paddingIdx?: number | null;
  /** `torch.qint8`. */
  dtype?: DType;
}

/**
 * A table of vectors of 8 bits, each with a scale: gives those that its input names, in float32; only those are widened.
 * [...] of int64 or int32 -> [..., embeddingDim]. Made by `quantizeDynamic`, or from a table by `fromFloat`; a new one
 * holds zeros, for `loadStateDict` to fill.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ao.nn.quantized.Embedding.html
 */
export class Embedding extends QuantizedModule {
  /** How many vectors there are. */
  readonly numEmbeddings: number;
  /** How long each is. */
  readonly embeddingDim: number;
  /** The vector that was not learned; or null. */
  readonly paddingIdx: number | null;

  /** Takes how many vectors there are and how long each is. */
  constructor(
    ...args: Args<
      [numEmbeddings: number, embeddingDim: number, paddingIdx: number | null, dtype: DType],
      QuantizedEmbeddingOptions
    >
  ) {
    const call = "quantized.Embedding";
    const { numEmbeddings, embeddingDim, paddingIdx, dtype } = read(call, {
      numEmbeddings: NaN,
      embeddingDim: NaN,
      paddingIdx: null as number | null,
      dtype: int8,
    }, args);
    checkQint8(call, dtype);
    super(count(call, "numEmbeddings", numEmbeddings), count(call, "embeddingDim", embeddingDim));
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx;
  }

  /**
   * The quantized form of a table.
   *
   * @throws TypeError for another module, RangeError for a table with infinities, NaN or a `maxNorm`.
   */
  static fromFloat(module: FloatEmbedding): Embedding {
    const call = "quantized.Embedding.fromFloat";
    if (!(module instanceof FloatEmbedding)) {
      throw new TypeError(`${call}: expected an nn.Embedding, got ${describeValue(module)}`);
    }
    if (module.maxNorm !== null) {
      throw new RangeError(
        `${call}: a table that is scaled down when read (maxNorm) stays as it is`,
      );
    }
    const table = new Embedding(module.numEmbeddings, module.embeddingDim, module.paddingIdx);
    table.quantize(call, module.weight);
    return table;
  }

  /** float32, without gradients. */
  override forward(input: Tensor): Tensor {
    return quantizedEmbedding("quantized.Embedding", input, this.weight, this.scale);
  }

  /** As PyTorch prints it. */
  override toString(): string {
    const { numEmbeddings, embeddingDim, paddingIdx } = this;
    return this.describe(
      "QuantizedEmbedding",
      `num_embeddings=${numEmbeddings}, embedding_dim=${embeddingDim}` +
        (paddingIdx === null ? "" : `, padding_idx=${show(paddingIdx)}`),
    );
  }
}
