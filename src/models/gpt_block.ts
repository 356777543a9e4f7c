/**
 * What a GPT is made of: causal attention and a feed-forward network, each added to its input.
 *
 * @module
 */
import { mode } from "../autograd/mode.ts";
import { ModuleList } from "../nn/container.ts";
import { Dropout } from "../nn/dropout.ts";
import { Embedding } from "../nn/embedding.ts";
import { Linear } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { registryOf } from "../nn/members.ts";
import { LayerNorm } from "../nn/normalize.ts";
import { gelu } from "../ops/activation.ts";
import { add } from "../ops/arithmetic.ts";
import { scaledDotProductAttention } from "../ops/attention.ts";
import { addNorm } from "../ops/add_norm.ts";
import { layerNormFor } from "../ops/normalize.ts";
import { chunk } from "../ops/cut.ts";
import { arange } from "../ops/range.ts";
import { reshape, transpose } from "../ops/view.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The settings of a `GPT`. */
export interface GPTConfig {
  /** How many tokens there are. */
  vocabSize: number;
  /** The longest sequence. */
  blockSize: number;
  /** How many blocks there are. */
  nLayer: number;
  /** How many heads attend in each. */
  nHead: number;
  /** Numbers per token, a multiple of `nHead`. */
  nEmbd: number;
  /** The probability of dropout, after the embeddings, on attention's weights, and before each sum. */
  dropout: number;
  /** Whether linear layers and norms have biases. */
  bias: boolean;
}

/** Attention of each place to itself and those before it: [B, T, nEmbd] -> the same shape. */
export class CausalSelfAttention extends Module {
  /** Makes queries, keys and values. */
  c_attn: Linear;
  /** Mixes the heads. */
  c_proj: Linear;
  /** Dropout of the result. */
  resid_dropout: Dropout;
  /** How many heads attend. */
  readonly nHead: number;
  /** The probability of dropping a weight, in training. */
  dropout: number;

  /** Takes the settings of the model. */
  constructor({ nHead, nEmbd, dropout, bias }: GPTConfig) {
    super();
    this.c_attn = new Linear(nEmbd, 3 * nEmbd, { bias });
    this.c_proj = new Linear(nEmbd, nEmbd, { bias });
    this.resid_dropout = new Dropout(dropout);
    this.nHead = nHead;
    this.dropout = dropout;
  }

  override forward(x: Tensor): Tensor {
    const [batch, length, width] = x.shape, { nHead } = this;
    const [q, k, v] = chunk(this.c_attn(x), 3, 2).map((part) =>
      transpose(reshape(part, batch, length, nHead, width / nHead), 1, 2)
    );
    const heard = scaledDotProductAttention(q, k, v, {
      isCausal: true,
      dropoutP: this.training ? this.dropout : 0,
    });
    const joined = reshape(transpose(heard, 1, 2), batch, length, width);
    return this.resid_dropout(this.c_proj(joined));
  }
}

/** The feed-forward network, four times as wide in the middle: [..., nEmbd] -> the same shape. */
export class MLP extends Module {
  /** Its first half. */
  c_fc: Linear;
  /** Its second half. */
  c_proj: Linear;
  /** Dropout of the result. */
  dropout: Dropout;

  /** Takes the settings of the model. */
  constructor({ nEmbd, dropout, bias }: GPTConfig) {
    super();
    this.c_fc = new Linear(nEmbd, 4 * nEmbd, { bias });
    this.c_proj = new Linear(4 * nEmbd, nEmbd, { bias });
    this.dropout = new Dropout(dropout);
  }

  override forward(x: Tensor): Tensor {
    return this.dropout(this.c_proj(gelu(this.c_fc(x))));
  }
}

/** A norm that linear layers alone read: within `autocast`, its result is in their type. */
class InnerNorm extends LayerNorm {
  override forward(x: Tensor): Tensor {
    return layerNormFor("linear", x, this.normalizedShape, this.weight, this.bias, this.eps);
  }
}

/** One block: attention, then the feed-forward network, norms before both. [B, T, nEmbd] -> the same shape. */
export class Block extends Module {
  /** The norm before the attention. */
  ln_1: LayerNorm;
  /** The attention. */
  attn: CausalSelfAttention;
  /** The norm before the feed-forward network. */
  ln_2: LayerNorm;
  /** The feed-forward network. */
  mlp: MLP;

  /** Takes the settings of the model. */
  constructor(config: GPTConfig) {
    super();
    const { nEmbd, bias } = config;
    this.ln_1 = new InnerNorm(nEmbd, { bias });
    this.attn = new CausalSelfAttention(config);
    this.ln_2 = new InnerNorm(nEmbd, { bias });
    this.mlp = new MLP(config);
  }

  override forward(x: Tensor): Tensor {
    const [y, z] = this.parts(x, this.ln_1(x));
    return add(y, z);
  }

  /** The two terms of the result, from the input and its norm. */
  parts(x: Tensor, normed: Tensor): [y: Tensor, z: Tensor] {
    const [y, n] = addNorm("linear", x, this.attn(normed), this.ln_2);
    return [y, this.mlp(n)];
  }
}

/** A GPT without its head: tokens [B, T] of int64 -> [B, T, nEmbd]. */
export class GPTTransformer extends Module {
  /** What each token stands for: [vocabSize, nEmbd]. */
  wte: Embedding;
  /** What each place stands for: [blockSize, nEmbd]. */
  wpe: Embedding;
  /** Dropout of their sum. */
  drop: Dropout;
  /** The blocks. */
  h: ModuleList;
  /** The last norm. */
  ln_f: LayerNorm;

  /** Takes the settings of the model. */
  constructor(config: GPTConfig) {
    super();
    const { vocabSize, blockSize, nLayer, nEmbd, dropout, bias } = config;
    this.wte = new Embedding(vocabSize, nEmbd);
    this.wpe = new Embedding(blockSize, nEmbd);
    this.drop = new Dropout(dropout);
    this.h = new ModuleList(Array.from({ length: nLayer }, () => new Block(config)));
    this.ln_f = new InnerNorm(nEmbd, { bias });
  }

  override forward(idx: Tensor): Tensor {
    const { wpe } = this, length = idx.shape[1];
    if (idx.ndim !== 2 || length < 1 || length > wpe.numEmbeddings) {
      throw new RangeError(
        `GPT: expected tokens [B, T] with T from 1 to blockSize, ${wpe.numEmbeddings}, got shape ${
          show(idx.shape)
        }`,
      );
    }
    let x = this.drop(add(this.wte(idx), wpe(arange(length, { device: idx.device }))));
    const blocks = [...this.h] as Block[];
    // The sum at the end of a block and the norm at the beginning of the next are one; but hooks see blocks one by one.
    if (mode.autocast === null || blocks.some((block) => registryOf(block).hooks.any)) {
      for (const block of blocks) x = block(x);
      return this.ln_f(x);
    }
    let normed = blocks[0].ln_1(x);
    blocks.forEach((block, i) => {
      const [y, z] = block.parts(x, normed);
      [x, normed] = addNorm("linear", y, z, blocks[i + 1]?.ln_1 ?? this.ln_f);
    });
    return normed;
  }
}
