/**
 * Single steps of recurrent layers.
 *
 * @module
 */
import type { DType } from "../backend/dtype.ts";
import { zeros } from "../ops/create.ts";
import { type CellKind, GATES, recurrentCell } from "../ops/recurrent.ts";
import { squeeze, unsqueeze } from "../ops/view.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { sameShape, show as showShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { count, FACTORY, type FactoryOptions, newParameter } from "./linear.ts";
import { Module } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import {
  checkNonlinearity,
  type HiddenAndCellArgs,
  type HiddenArgs,
  readHidden,
  readHiddenAndCell,
  resetRecurrent,
} from "./recurrent.ts";
import { show } from "./text.ts";

/** Options of the cells. */
export interface CellOptions extends FactoryOptions {
  /** The size of an input. */
  inputSize?: number;
  /** The size of a hidden state. */
  hiddenSize?: number;
  /** Whether there are biases; true by default. */
  bias?: boolean;
}

/** Options of `RNNCell`. */
export interface RNNCellOptions extends CellOptions {
  /** What is applied to the new state. */
  nonlinearity?: "tanh" | "relu";
}

const SETTINGS = { inputSize: NaN, hiddenSize: NaN, bias: true };

/** What `RNNCell`, `LSTMCell` and `GRUCell` share. */
export abstract class RNNCellBase extends Module {
  /** The size of an input. */
  readonly inputSize: number;
  /** The size of a hidden state. */
  readonly hiddenSize: number;
  /** Whether there are biases. */
  readonly bias: boolean;
  /** [gates * hiddenSize, inputSize]. */
  weight_ih: Parameter;
  /** [gates * hiddenSize, hiddenSize]. */
  weight_hh: Parameter;
  /** [gates * hiddenSize], or null. */
  bias_ih: Parameter | null;
  /** [gates * hiddenSize], or null. */
  bias_hh: Parameter | null;

  /** Takes the settings by name, and how many gates there are. */
  protected constructor(gates: number, options: typeof SETTINGS & FactoryOptions) {
    super();
    const call = this.constructor.name, { bias } = options;
    this.inputSize = count(call, "inputSize", options.inputSize);
    this.hiddenSize = count(call, "hiddenSize", options.hiddenSize);
    this.bias = bias;
    const rows = gates * this.hiddenSize;
    this.weight_ih = newParameter([rows, this.inputSize], options);
    this.weight_hh = newParameter([rows, this.hiddenSize], options);
    this.bias_ih = bias ? newParameter([rows], options) : null;
    this.bias_hh = bias ? newParameter([rows], options) : null;
    this.resetParameters();
  }

  /** Draws all parameters anew: uniform in +-1 / sqrt(hiddenSize). */
  resetParameters(): void {
    resetRecurrent(this, this.hiddenSize);
  }

  /** One step, from the given states or zeros. */
  protected run(
    kind: CellKind,
    input: Tensor,
    given: readonly (Tensor | null)[],
  ): [h: Tensor, c: Tensor | null] {
    const call = this.constructor.name, { inputSize, hiddenSize } = this;
    checkTensor(call, "input", input);
    if ((input.ndim !== 1 && input.ndim !== 2) || input.shape.at(-1) !== inputSize) {
      throw new RangeError(
        `${call}: expected input [batch, ${inputSize}] or [${inputSize}], got ${
          showShape(input.shape)
        }`,
      );
    }
    const batched = input.ndim === 2;
    const shape = batched ? [input.shape[0], hiddenSize] : [hiddenSize];
    const [h, c = null] = given.map((state) => {
      if (state === null) {
        return zeros([batched ? shape[0] : 1, hiddenSize], {
          dtype: input.dtype,
          device: input.device,
        });
      }
      checkTensor(call, "hx", state);
      if (!sameShape(state.shape, shape)) {
        throw new RangeError(
          `${call}: expected hx of shape ${showShape(shape)}, got ${showShape(state.shape)}`,
        );
      }
      return batched ? state : unsqueeze(state, 0);
    });
    const x = batched ? input : unsqueeze(input, 0);
    const next = recurrentCell(kind, x, h, c, {
      weightIh: this.weight_ih,
      weightHh: this.weight_hh,
      biasIh: this.bias_ih,
      biasHh: this.bias_hh,
      weightHr: null,
    });
    if (batched) return [next.h, next.c];
    return [squeeze(next.h, 0), next.c === null ? null : squeeze(next.c, 0)];
  }

  override extraRepr(): string {
    const { inputSize, hiddenSize, bias } = this;
    return `${inputSize}, ${hiddenSize}` + (bias ? "" : `, bias=${show(bias)}`);
  }
}

/**
 * One step of an RNN. input: [batch, inputSize], hx: [batch, hiddenSize] -> [batch, hiddenSize].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
 */
export class RNNCell extends RNNCellBase {
  /** What is applied to the new state. */
  readonly nonlinearity: "tanh" | "relu";

  /** Takes the sizes of an input and of a hidden state, then the settings. */
  constructor(
    ...args: Args<
      [
        inputSize: number,
        hiddenSize: number,
        bias: boolean,
        nonlinearity: "tanh" | "relu",
        device: string | null,
        dtype: DType | null,
      ],
      RNNCellOptions
    >
  ) {
    const { nonlinearity, ...options } = read("RNNCell", {
      ...SETTINGS,
      nonlinearity: "tanh" as "tanh" | "relu",
      ...FACTORY,
    }, args);
    checkNonlinearity("RNNCell", nonlinearity);
    super(GATES.RNN_TANH, options);
    this.nonlinearity = nonlinearity;
  }

  override forward(input: Tensor, ...args: HiddenArgs): Tensor {
    const kind = this.nonlinearity === "tanh" ? "RNN_TANH" : "RNN_RELU";
    return this.run(kind, input, [readHidden("RNNCell", args)])[0];
  }

  override extraRepr(): string {
    const { nonlinearity } = this;
    return super.extraRepr() + (nonlinearity === "tanh" ? "" : `, nonlinearity=${nonlinearity}`);
  }
}

/**
 * One step of a GRU. input: [batch, inputSize], hx: [batch, hiddenSize] -> [batch, hiddenSize].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRUCell.html
 */
export class GRUCell extends RNNCellBase {
  /** Takes the sizes of an input and of a hidden state, then the settings. */
  constructor(
    ...args: Args<
      [
        inputSize: number,
        hiddenSize: number,
        bias: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      CellOptions
    >
  ) {
    super(GATES.GRU, read("GRUCell", { ...SETTINGS, ...FACTORY }, args));
  }

  override forward(input: Tensor, ...args: HiddenArgs): Tensor {
    return this.run("GRU", input, [readHidden("GRUCell", args)])[0];
  }
}

/**
 * One step of an LSTM. input: [batch, inputSize], hx: [h, c], each [batch, hiddenSize] -> [h, c].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html
 */
export class LSTMCell extends RNNCellBase {
  /** Takes the sizes of an input and of a hidden state, then the settings. */
  constructor(
    ...args: Args<
      [
        inputSize: number,
        hiddenSize: number,
        bias: boolean,
        device: string | null,
        dtype: DType | null,
      ],
      CellOptions
    >
  ) {
    super(GATES.LSTM, read("LSTMCell", { ...SETTINGS, ...FACTORY }, args));
  }

  override forward(input: Tensor, ...args: HiddenAndCellArgs): [h: Tensor, c: Tensor] {
    const [h, c] = this.run("LSTM", input, readHiddenAndCell("LSTMCell", args));
    return [h, c!];
  }
}
