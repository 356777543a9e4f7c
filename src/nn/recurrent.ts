/**
 * Recurrent layers.
 *
 * @module
 */
import { describeValue } from "../tensor/describe.ts";
import type { DType } from "../backend/dtype.ts";
import { zeros } from "../ops/create.ts";
import { type CellKind, type CellWeights, GATES, recurrent } from "../ops/recurrent.ts";
import { squeeze, transpose, unsqueeze } from "../ops/view.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show as showShape } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { uniform_ } from "./init.ts";
import { count, FACTORY, type FactoryOptions, newParameter } from "./linear.ts";
import { get, set } from "./members.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import { show, showFloat } from "./text.ts";

/** Options of all recurrent layers. */
export interface RecurrentOptions extends FactoryOptions {
  /** The size of an input. */
  inputSize?: number;
  /** The size of a hidden state. */
  hiddenSize?: number;
  /** How many layers there are, each of which takes the hidden states of the one before. */
  numLayers?: number;
  /** Whether there are biases; true by default. */
  bias?: boolean;
  /** Whether inputs and outputs are [batch, steps, features]; else [steps, batch, features]. */
  batchFirst?: boolean;
  /** The probability of dropout between layers. */
  dropout?: number;
  /** Whether each layer goes through the sequence in both directions. */
  bidirectional?: boolean;
}

/** Options of `RNN`. */
export interface RNNOptions extends RecurrentOptions {
  /** What is applied to each new state. */
  nonlinearity?: "tanh" | "relu";
}

/** Options of `LSTM`. */
export interface LSTMOptions extends RecurrentOptions {
  /** The size of a hidden state after a learned projection; 0 for none. */
  projSize?: number;
}

const SETTINGS = {
  inputSize: NaN,
  hiddenSize: NaN,
  numLayers: 1,
  bias: true,
  batchFirst: false,
  dropout: 0,
  bidirectional: false,
};

/** The parameters of the recurrent layers, by position. */
type Positions = [
  inputSize: number,
  hiddenSize: number,
  numLayers: number,
  bias: boolean,
  batchFirst: boolean,
  dropout: number,
  bidirectional: boolean,
];

/** Draws the parameters of a recurrent module anew: uniform in +-1 / sqrt(hiddenSize). */
export function resetRecurrent(module: Module, hiddenSize: number): void {
  const bound = hiddenSize > 0 ? 1 / Math.sqrt(hiddenSize) : 0;
  for (const weight of module.parameters()) uniform_(weight, -bound, bound);
}

/** Throws unless `value` is one of the names of nonlinearities. */
export function checkNonlinearity(call: string, value: unknown): asserts value is "tanh" | "relu" {
  if (value !== "tanh" && value !== "relu") {
    throw new RangeError(
      `${call}: nonlinearity must be "tanh" or "relu", got ${describeValue(value)}`,
    );
  }
}

// Functions, not private methods: a deep copy of a module is made without its class's constructor.

function directionsOf(module: RNNBase): number {
  return module.bidirectional ? 2 : 1;
}

/** The ends of the parameters' names, layer by layer: `"_l0"`, `"_l0_reverse"`. */
function suffixesOf(module: RNNBase): string[] {
  return Array.from({ length: module.numLayers }, (_, layer) => {
    const forward = `_l${layer}`;
    return module.bidirectional ? [forward, `${forward}_reverse`] : [forward];
  }).flat();
}

function weightsOf(module: RNNBase): CellWeights[] {
  return suffixesOf(module).map((suffix) => {
    const of = (name: string) => (get(module, name + suffix) ?? null) as Tensor | null;
    return {
      weightIh: of("weight_ih")!,
      weightHh: of("weight_hh")!,
      biasIh: of("bias_ih"),
      biasHh: of("bias_hh"),
      weightHr: of("weight_hr"),
    };
  });
}

/** A first state, as given or zeros: [layers * directions, batch, size]. */
function firstState(
  module: RNNBase,
  name: string,
  given: Tensor | null,
  { batch, size, batched, dtype, device }: {
    batch: number;
    size: number;
    batched: boolean;
    dtype: DType;
    device: string;
  },
): Tensor {
  const call = module.constructor.name;
  const shape = [module.numLayers * directionsOf(module), batch, size];
  if (given === null) return zeros(shape, { dtype, device });
  checkTensor(call, name, given);
  const state = !batched && given.ndim === 2 ? unsqueeze(given, 1) : given;
  if (given.ndim !== (batched ? 3 : 2) || !sameShape(state.shape, shape)) {
    const want = batched ? shape : [shape[0], shape[2]];
    throw new RangeError(
      `${call}: expected ${name} of shape ${showShape(want)}, got ${showShape(given.shape)}`,
    );
  }
  return state;
}

/** What `RNN`, `LSTM` and `GRU` share. */
export abstract class RNNBase extends Module {
  /** The kind of the cells: `"LSTM"`. */
  readonly mode: CellKind;
  /** The size of an input. */
  readonly inputSize: number;
  /** The size of a hidden state. */
  readonly hiddenSize: number;
  /** How many layers there are. */
  readonly numLayers: number;
  /** Whether there are biases. */
  readonly bias: boolean;
  /** Whether inputs and outputs are [batch, steps, features]. */
  batchFirst: boolean;
  /** The probability of dropout between layers. */
  dropout: number;
  /** Whether each layer goes in both directions. */
  readonly bidirectional: boolean;
  /** The size of a projected hidden state; 0 for none. */
  readonly projSize: number;

  /** Takes the settings by name. */
  protected constructor(
    mode: CellKind,
    options: typeof SETTINGS & FactoryOptions & { projSize?: number },
  ) {
    super();
    const call = this.constructor.name, { dropout, bias, projSize = 0 } = options;
    this.mode = mode;
    const inputSize = this.inputSize = count(call, "inputSize", options.inputSize);
    const hiddenSize = this.hiddenSize = count(call, "hiddenSize", options.hiddenSize);
    const numLayers = this.numLayers = count(call, "numLayers", options.numLayers);
    this.bias = bias;
    this.batchFirst = options.batchFirst;
    if (typeof dropout !== "number") {
      throw new TypeError(`${call}: dropout must be a number, got ${describeValue(dropout)}`);
    }
    if (!(dropout >= 0 && dropout <= 1)) {
      throw new RangeError(`${call}: dropout must be from 0 to 1, got ${dropout}`);
    }
    this.dropout = dropout;
    this.bidirectional = options.bidirectional;
    this.projSize = count(call, "projSize", projSize);
    if (numLayers === 0) throw new RangeError(`${call}: numLayers must be at least 1, got 0`);
    if (projSize > 0 && projSize >= hiddenSize) {
      throw new RangeError(
        `${call}: projSize must be smaller than hiddenSize ${hiddenSize}, got ${projSize}`,
      );
    }
    const rows = GATES[mode] * hiddenSize, real = projSize || hiddenSize;
    for (const [i, suffix] of suffixesOf(this).entries()) {
      const first = i < directionsOf(this);
      const columns = first ? inputSize : real * directionsOf(this);
      const parameter = (name: string, shape: number[]) =>
        set(this, name + suffix, newParameter(shape, options));
      parameter("weight_ih", [rows, columns]);
      parameter("weight_hh", [rows, real]);
      if (bias) {
        parameter("bias_ih", [rows]);
        parameter("bias_hh", [rows]);
      }
      if (projSize > 0) parameter("weight_hr", [projSize, hiddenSize]);
    }
    this.resetParameters();
  }

  /** Draws all parameters anew: uniform in +-1 / sqrt(hiddenSize). */
  resetParameters(): void {
    resetRecurrent(this, this.hiddenSize);
  }

  /** Does nothing: parameters need no arranging here. */
  flattenParameters(): void {}

  /** The parameters of each layer and direction. */
  get allWeights(): Parameter[][] {
    return suffixesOf(this).map((suffix) =>
      ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"]
        .map((name) => get(this, name + suffix))
        .filter((p) => p instanceof Tensor) as Parameter[]
    );
  }

  /** Runs over the whole sequence: the output, and the last h and c. */
  protected run(
    input: Tensor,
    h: Tensor | null,
    c: Tensor | null,
  ): [output: Tensor, h: Tensor, c: Tensor | null] {
    const call = this.constructor.name, { batchFirst, inputSize } = this;
    checkTensor(call, "input", input);
    if ((input.ndim !== 2 && input.ndim !== 3) || input.shape.at(-1) !== inputSize) {
      const axes = batchFirst ? "batch, steps" : "steps, batch";
      throw new RangeError(
        `${call}: expected input [${axes}, ${inputSize}] or [steps, ${inputSize}], got ${
          showShape(input.shape)
        }`,
      );
    }
    const batched = input.ndim === 3;
    const x = !batched ? unsqueeze(input, 1) : batchFirst ? transpose(input, 0, 1) : input;
    const { dtype, device } = input, batch = x.shape[1];
    const like = { batch, batched, dtype, device };
    const h0 = firstState(this, "h0", h, { ...like, size: this.projSize || this.hiddenSize });
    const c0 = this.mode === "LSTM"
      ? firstState(this, "c0", c, { ...like, size: this.hiddenSize })
      : null;
    const settings = {
      kind: this.mode,
      weights: weightsOf(this),
      bidirectional: this.bidirectional,
      dropout: this.dropout,
      training: this.training,
    };
    const [output, hn, cn] = recurrent(call, settings, x, h0, c0);
    if (batched) return [batchFirst ? transpose(output, 0, 1) : output, hn, cn];
    return [squeeze(output, 1), squeeze(hn, 1), cn === null ? null : squeeze(cn, 1)];
  }

  override extraRepr(): string {
    const { inputSize, hiddenSize, projSize, numLayers, bias, batchFirst, dropout, bidirectional } =
      this;
    return `${inputSize}, ${hiddenSize}` +
      (projSize === 0 ? "" : `, proj_size=${projSize}`) +
      (numLayers === 1 ? "" : `, num_layers=${numLayers}`) +
      (bias ? "" : `, bias=${show(bias)}`) +
      (batchFirst ? `, batch_first=${show(batchFirst)}` : "") +
      (dropout === 0 ? "" : `, dropout=${showFloat(dropout, 1)}`) +
      (bidirectional ? `, bidirectional=${show(bidirectional)}` : "");
  }
}

/** What follows the input of a recurrent layer. */
export type HiddenArgs = Args<[hx: Tensor | null], { hx?: Tensor | null }>;

/** What follows the input of an LSTM. */
export type HiddenAndCellArgs = Args<
  [hx: readonly [h: Tensor, c: Tensor] | null],
  { hx?: readonly [h: Tensor, c: Tensor] | null }
>;

/** The hidden state from the arguments after the input. */
export function readHidden(call: string, args: readonly unknown[]): Tensor | null {
  return read(call, { hx: null as Tensor | null }, args).hx;
}

/** The hidden state and the cell state from the arguments after the input. */
export function readHiddenAndCell(
  call: string,
  args: readonly unknown[],
): readonly [h: Tensor | null, c: Tensor | null] {
  const { hx } = read(call, { hx: null as readonly [Tensor, Tensor] | null }, args);
  if (hx === null) return [null, null];
  if (!Array.isArray(hx) || hx.length !== 2) {
    throw new TypeError(`${call}: hx must be two tensors [h, c]`);
  }
  checkTensor(call, "h0", hx[0]);
  checkTensor(call, "c0", hx[1]);
  return hx as readonly [Tensor, Tensor];
}

/**
 * h' = tanh(W_ih x + b_ih + W_hh h + b_hh), step by step. input: [steps, batch, inputSize], hx: [layers * directions,
 * batch, hiddenSize] -> [output, h]: [steps, batch, directions * hiddenSize] and of the shape of hx.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNN.html
 */
export class RNN extends RNNBase {
  /** What is applied to each new state. */
  readonly nonlinearity: "tanh" | "relu";

  /** Takes the sizes of an input and of a hidden state, then the settings. */
  constructor(
    ...args: Args<
      [...Positions, device: string | null, dtype: DType | null, nonlinearity: "tanh" | "relu"],
      RNNOptions
    >
  ) {
    const { nonlinearity, ...options } = read("RNN", {
      ...SETTINGS,
      ...FACTORY,
      nonlinearity: "tanh" as "tanh" | "relu",
    }, args);
    checkNonlinearity("RNN", nonlinearity);
    super(nonlinearity === "tanh" ? "RNN_TANH" : "RNN_RELU", options);
    this.nonlinearity = nonlinearity;
  }

  override forward(input: Tensor, ...args: HiddenArgs): [output: Tensor, h: Tensor] {
    const [output, h] = this.run(input, readHidden("RNN", args), null);
    return [output, h];
  }
}

/**
 * A gated recurrent unit, step by step. input: [steps, batch, inputSize], hx: [layers * directions, batch, hiddenSize]
 * -> [output, h]: [steps, batch, directions * hiddenSize] and of the shape of hx.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRU.html
 */
export class GRU extends RNNBase {
  /** Takes the sizes of an input and of a hidden state, then the settings. */
  constructor(
    ...args: Args<[...Positions, device: string | null, dtype: DType | null], RecurrentOptions>
  ) {
    super("GRU", read("GRU", { ...SETTINGS, ...FACTORY }, args));
  }

  override forward(input: Tensor, ...args: HiddenArgs): [output: Tensor, h: Tensor] {
    const [output, h] = this.run(input, readHidden("GRU", args), null);
    return [output, h];
  }
}

/**
 * Long short-term memory, step by step. input: [steps, batch, inputSize], hx: [h, c], each [layers * directions, batch,
 * hiddenSize] -> [output, [h, c]]: [steps, batch, directions * hiddenSize] and of the shapes of hx. With `projSize`,
 * that is the size of h and of the outputs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html
 */
export class LSTM extends RNNBase {
  /** Takes the sizes of an input and of a hidden state, then the settings. */
  constructor(
    ...args: Args<
      [...Positions, projSize: number, device: string | null, dtype: DType | null],
      LSTMOptions
    >
  ) {
    super("LSTM", read("LSTM", { ...SETTINGS, projSize: 0, ...FACTORY }, args));
  }

  override forward(
    input: Tensor,
    ...args: HiddenAndCellArgs
  ): [output: Tensor, hx: [h: Tensor, c: Tensor]] {
    const [output, h, c] = this.run(input, ...readHiddenAndCell("LSTM", args));
    return [output, [h, c!]];
  }
}
