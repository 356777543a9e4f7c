/**
 * A language model of GPT-2's shape.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { scope } from "../backend/storage.ts";
import { Embedding } from "../nn/embedding.ts";
import { normal_, zeros_ } from "../nn/init.ts";
import { Linear } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { div } from "../ops/arithmetic.ts";
import { lt } from "../ops/compare.ts";
import { type GeneratorOption, NO_GENERATOR } from "../ops/draw.ts";
import { cat } from "../ops/join.ts";
import { multinomial } from "../ops/multinomial.ts";
import { maskedFill } from "../ops/pointwise.ts";
import { softmax } from "../ops/softmax.ts";
import { topk } from "../ops/sort.ts";
import { narrow, select } from "../ops/view.ts";
import { type Args, checkTensor, read, wholeNumber } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type GPTConfig, GPTTransformer } from "./gpt_block.ts";

/** Options of `GPT`: GPT-2's are the default, but that dropout is 0. */
export type GPTOptions = Partial<GPTConfig>;

/** Options of `GPT.generate`. */
export interface GenerateOptions extends GeneratorOption {
  /** What the logits are divided by: below 1 likely tokens become likelier. 1 by default. */
  temperature?: number;
  /** How many of the likeliest tokens may be drawn; null for all. */
  topK?: number | null;
}

/** The arguments of `GPT.generate` after the tokens. */
export type GenerateArgs = Args<
  [maxNewTokens: number, temperature: number, topK: number | null],
  GenerateOptions & { maxNewTokens?: number }
>;

/**
 * A language model of GPT-2's shape, with the names of its state dict: tokens [B, T] of int64 -> [B, T, vocabSize], the
 * logits of each next token. `lm_head.weight` is `transformer.wte.weight`.
 *
 * ```ts
 * import { models, randint } from "@dinotorch/dinotorch";
 *
 * const model = new models.GPT({ vocabSize: 65, blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128 });
 * console.log(model(randint(65, [2, 10])).shape); // [2, 10, 65]
 * ```
 *
 * @see Radford et al., Language Models are Unsupervised Multitask Learners (2019)
 */
export class GPT extends Module {
  /** The settings that it was made with. */
  readonly config: Readonly<GPTConfig>;
  /** All of it but the head. */
  transformer: GPTTransformer;
  /** What makes logits: [vocabSize, nEmbd], the same parameter as the tokens' embedding. */
  lm_head: Linear;

  /** Takes the settings. Throws `RangeError` unless `nEmbd` is a multiple of `nHead`. */
  constructor(options: GPTOptions = {}) {
    super();
    const config = read("GPT", {
      vocabSize: 50257,
      blockSize: 1024,
      nLayer: 12,
      nHead: 12,
      nEmbd: 768,
      dropout: 0,
      bias: true,
    }, [options]);
    for (const name of ["vocabSize", "blockSize", "nLayer", "nHead", "nEmbd"] as const) {
      if (wholeNumber("GPT", name, config[name]) < 1) {
        throw new RangeError(`GPT: ${name} must be at least 1, got ${config[name]}`);
      }
    }
    const { vocabSize, nLayer, nHead, nEmbd } = config;
    if (nEmbd % nHead !== 0) {
      throw new RangeError(`GPT: nEmbd ${nEmbd} is not divisible by ${nHead} heads`);
    }
    this.config = config;
    this.transformer = new GPTTransformer(config);
    this.lm_head = new Linear(nEmbd, vocabSize, { bias: false });
    this.transformer.wte.weight = this.lm_head.weight;
    this.apply((m) => {
      if (m instanceof Linear || m instanceof Embedding) normal_(m.weight, 0, 0.02);
      if (m instanceof Linear && m.bias !== null) zeros_(m.bias);
    });
    // 2 nLayer results are added up: the deviation of each is smaller, as GPT-2's paper says.
    for (const [name, p] of this.namedParameters()) {
      if (name.endsWith("c_proj.weight")) normal_(p, 0, 0.02 / Math.sqrt(2 * nLayer));
    }
  }

  override forward(idx: Tensor): Tensor {
    checkTensor("GPT", "idx", idx);
    return this.lm_head(this.transformer(idx));
  }

  /**
   * Goes on from the tokens `idx`, token by token, each drawn from the model's distribution given the last `blockSize`
   * before it: [B, T] -> [B, T + maxNewTokens]. Call `eval()` before, where there is dropout.
   *
   * @throws RangeError when there are no tokens to go on from, or for a temperature or a `topK` that is not positive.
   */
  generate(idx: Tensor, ...args: GenerateArgs): Tensor {
    const call = "generate";
    checkTensor(call, "idx", idx);
    const { maxNewTokens, temperature, topK, generator } = read(call, {
      maxNewTokens: NaN,
      temperature: 1,
      topK: null as number | null,
      ...NO_GENERATOR,
    }, args);
    if (wholeNumber(call, "maxNewTokens", maxNewTokens) < 0) {
      throw new RangeError(`${call}: maxNewTokens cannot be negative, got ${maxNewTokens}`);
    }
    if (!(temperature > 0)) {
      throw new RangeError(
        `${call}: the temperature must be positive, got ${describeValue(temperature)}; ` +
          "topK: 1 takes the likeliest token",
      );
    }
    if (topK !== null && wholeNumber(call, "topK", topK) < 1) {
      throw new RangeError(`${call}: topK must be at least 1, got ${topK}`);
    }
    if (idx.ndim !== 2 || idx.shape[1] < 1) {
      throw new RangeError(
        `${call}: expected tokens [B, T], T from 1, got shape ${show(idx.shape)}`,
      );
    }
    const { blockSize, vocabSize } = this.config;
    return noGrad(() => {
      let all = idx;
      for (let i = 0; i < maxNewTokens; i++) {
        using step = scope();
        const length = all.shape[1], seen = Math.min(length, blockSize);
        const last = select(this.transformer(narrow(all, 1, length - seen, seen)), 1, -1);
        let logits = div(this.lm_head(last), temperature);
        if (topK !== null && topK < vocabSize) {
          const least = narrow(topk(logits, topK).values, 1, topK - 1, 1);
          logits = maskedFill(logits, lt(logits, least), -Infinity);
        }
        const next = multinomial(softmax(logits, -1), 1, { generator });
        all = step.keep(cat([all, next], 1));
      }
      return all;
    });
  }
}
