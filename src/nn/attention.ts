/**
 * Attention of several heads.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import { multiHeadAttentionForward } from "../ops/attention.ts";
import { transpose } from "../ops/view.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { show as showShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { constant_, xavierNormal_, xavierUniform_ } from "./init.ts";
import { count, FACTORY, type FactoryOptions, Linear, newParameter } from "./linear.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";

/** The last projection of `MultiheadAttention`: a `Linear` under the name that PyTorch prints. */
export class NonDynamicallyQuantizableLinear extends Linear {}

/** Options of `MultiheadAttention`. */
export interface MultiheadAttentionOptions extends FactoryOptions {
  /** The size of a query, and of an output. */
  embedDim?: number;
  /** How many heads attend, each to its part of the projected inputs. */
  numHeads?: number;
  /** The probability of dropping a weight in training. */
  dropout?: number;
  /** Whether the projections have biases; true by default. */
  bias?: boolean;
  /** Whether a learned key and value come after the others. */
  addBiasKv?: boolean;
  /** Whether a key and a value of zeros come after the others. */
  addZeroAttn?: boolean;
  /** The size of a key; that of a query by default. */
  kdim?: number | null;
  /** The size of a value; that of a query by default. */
  vdim?: number | null;
  /** Whether inputs and outputs are [N, L, E]; else [L, N, E]. */
  batchFirst?: boolean;
}

/** Options of a call of `MultiheadAttention`. */
export interface AttentionCallOptions {
  /** Which keys are left out (bool), or what is added to their scores: [N, S]. */
  keyPaddingMask?: Tensor | null;
  /** Whether the weights are returned; true by default. */
  needWeights?: boolean;
  /** Which pairs are left out (bool), or what is added to their scores: [L, S] or [N * numHeads, L, S]. */
  attnMask?: Tensor | null;
  /** Whether the weights returned are the mean over the heads; true by default. */
  averageAttnWeights?: boolean;
}

/** What follows query, key and value in a call of `MultiheadAttention`. */
export type AttentionCallArgs = Args<
  [
    keyPaddingMask: Tensor | null,
    needWeights: boolean,
    attnMask: Tensor | null,
    averageAttnWeights: boolean,
  ],
  AttentionCallOptions
>;

/**
 * Attention of several heads, with learned projections around it. query: [L, N, embedDim], key: [S, N, kdim], value:
 * [S, N, vdim] -> [output, weights]: [L, N, embedDim] and [N, L, S]. All may lack N.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
 */
export class MultiheadAttention extends Module {
  /** The size of a query, and of an output. */
  readonly embedDim: number;
  /** The size of a key. */
  readonly kdim: number;
  /** The size of a value. */
  readonly vdim: number;
  /** How many heads attend. */
  readonly numHeads: number;
  /** The size of a head. */
  readonly headDim: number;
  /** The probability of dropping a weight in training. */
  dropout: number;
  /** Whether inputs and outputs are [N, L, E]. */
  batchFirst: boolean;
  /** Whether a key and a value of zeros come after the others. */
  addZeroAttn: boolean;
  /** The projection of queries, [embedDim, embedDim], if the sizes differ; else null. */
  q_proj_weight: Parameter | null;
  /** The projection of keys, [embedDim, kdim], if the sizes differ; else null. */
  k_proj_weight: Parameter | null;
  /** The projection of values, [embedDim, vdim], if the sizes differ; else null. */
  v_proj_weight: Parameter | null;
  /** The three projections one below the other, [3 * embedDim, embedDim], if the sizes are equal; else null. */
  in_proj_weight: Parameter | null;
  /** The biases of the three projections: [3 * embedDim], or null. */
  in_proj_bias: Parameter | null;
  /** The projection of the result. */
  out_proj: Linear;
  /** A learned key: [1, 1, embedDim], or null. */
  bias_k: Parameter | null;
  /** A learned value: [1, 1, embedDim], or null. */
  bias_v: Parameter | null;

  /** Takes the size of a query and how many heads there are, then the settings. */
  constructor(
    ...args: Args<
      [
        embedDim: number,
        numHeads: number,
        dropout: number,
        bias: boolean,
        addBiasKv: boolean,
        addZeroAttn: boolean,
        kdim: number | null,
        vdim: number | null,
        batchFirst: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      MultiheadAttentionOptions
    >
  ) {
    super();
    const call = "MultiheadAttention";
    const { embedDim, numHeads, dropout, bias, kdim, vdim, ...o } = read(call, {
      embedDim: NaN,
      numHeads: NaN,
      dropout: 0,
      bias: true,
      addBiasKv: false,
      addZeroAttn: false,
      kdim: null as number | null,
      vdim: null as number | null,
      batchFirst: false,
      ...FACTORY,
    }, args);
    this.embedDim = count(call, "embedDim", embedDim);
    this.numHeads = count(call, "numHeads", numHeads);
    this.kdim = count(call, "kdim", kdim ?? embedDim);
    this.vdim = count(call, "vdim", vdim ?? embedDim);
    if (numHeads === 0 || embedDim % numHeads !== 0) {
      throw new RangeError(
        `${call}: embedDim ${embedDim} must be divisible by numHeads ${numHeads}`,
      );
    }
    this.headDim = embedDim / numHeads;
    if (typeof dropout !== "number") {
      throw new TypeError(`${call}: dropout must be a number, got ${describeValue(dropout)}`);
    }
    if (!(dropout >= 0 && dropout <= 1)) {
      throw new RangeError(`${call}: dropout must be from 0 to 1, got ${dropout}`);
    }
    this.dropout = dropout;
    this.batchFirst = o.batchFirst;
    this.addZeroAttn = o.addZeroAttn;
    const equal = this.kdim === embedDim && this.vdim === embedDim;
    this.q_proj_weight = equal ? null : newParameter([embedDim, embedDim], o);
    this.k_proj_weight = equal ? null : newParameter([embedDim, this.kdim], o);
    this.v_proj_weight = equal ? null : newParameter([embedDim, this.vdim], o);
    this.in_proj_weight = equal ? newParameter([3 * embedDim, embedDim], o) : null;
    this.in_proj_bias = bias ? newParameter([3 * embedDim], o) : null;
    const { device, dtype } = o;
    this.out_proj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, {
      bias,
      device,
      dtype,
    });
    this.bias_k = o.addBiasKv ? newParameter([1, 1, embedDim], o) : null;
    this.bias_v = o.addBiasKv ? newParameter([1, 1, embedDim], o) : null;
    this.resetParameters();
  }

  /** Draws the projections of the inputs and the learned key and value anew; the biases become 0. */
  resetParameters(): void {
    const { q_proj_weight, k_proj_weight, v_proj_weight, in_proj_weight } = this;
    for (const weight of [q_proj_weight, k_proj_weight, v_proj_weight, in_proj_weight]) {
      if (weight !== null) xavierUniform_(weight);
    }
    if (this.in_proj_bias !== null) {
      constant_(this.in_proj_bias, 0);
      constant_(this.out_proj.bias!, 0);
    }
    if (this.bias_k !== null) xavierNormal_(this.bias_k);
    if (this.bias_v !== null) xavierNormal_(this.bias_v);
  }

  override forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    ...args: AttentionCallArgs
  ): [output: Tensor, weights: Tensor | null] {
    const call = "MultiheadAttention";
    const options = read(call, {
      keyPaddingMask: null as Tensor | null,
      needWeights: true,
      attnMask: null as Tensor | null,
      averageAttnWeights: true,
    }, args);
    const { embedDim, kdim, vdim } = this;
    for (
      const [name, x, size] of [
        ["query", query, embedDim],
        ["key", key, kdim],
        ["value", value, vdim],
      ] as const
    ) {
      checkTensor(call, name, x);
      if (x.shape.at(-1) !== size || x.ndim < 2 || x.ndim > 3) {
        throw new RangeError(
          `${call}: expected ${name} of two or three axes, the last of size ${size}, got ${
            showShape(x.shape)
          }`,
        );
      }
    }
    const turned = this.batchFirst && query.ndim === 3 && key.ndim === 3 && value.ndim === 3;
    if (turned) {
      // What is one tensor stays one: it is projected once.
      const same = key === value, all = query === key;
      query = transpose(query, 0, 1);
      key = all ? query : transpose(key, 0, 1);
      value = same ? key : transpose(value, 0, 1);
    }
    const [output, weights] = multiHeadAttentionForward(query, key, value, {
      embedDimToCheck: embedDim,
      numHeads: this.numHeads,
      inProjWeight: this.in_proj_weight,
      inProjBias: this.in_proj_bias,
      biasK: this.bias_k,
      biasV: this.bias_v,
      addZeroAttn: this.addZeroAttn,
      dropoutP: this.dropout,
      outProjWeight: this.out_proj.weight,
      outProjBias: this.out_proj.bias,
      training: this.training,
      useSeparateProjWeight: this.in_proj_weight === null,
      qProjWeight: this.q_proj_weight,
      kProjWeight: this.k_proj_weight,
      vProjWeight: this.v_proj_weight,
      ...options,
    });
    return [turned ? transpose(output, 0, 1) : output, weights];
  }
}
