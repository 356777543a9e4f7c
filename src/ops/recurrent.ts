/**
 * Recurrent layers over whole sequences, and their single steps.
 *
 * Each cell is computed from two products: of the input (for all steps in one product) and of the state before; LSTM
 * and GRU then take one kernel a step.
 *
 *     RNN   h' = tanh or relu (gates)
 *     LSTM  c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c')      gates i, f, g, o
 *     GRU   h' = (1 - z) n + z h, r and z sigmoids, n = tanh(x_n + r h_n)          gates r, z, n
 *
 * @module
 */
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add } from "./arithmetic.ts";
import { addmm } from "./add_product.ts";
import { relu } from "./activation.ts";
import { unbind } from "./cut.ts";
import { dropout } from "./dropout.ts";
import { castAll, castFor } from "./autocast.ts";
import { cat, stack } from "./join.ts";
import { linear } from "./linear.ts";
import { gruCell, lstmCell } from "./recurrent_cell.ts";
import { tanh } from "./unary.ts";
import { transpose } from "./view.ts";

/** Which cell a layer is made of. */
export type CellKind = "LSTM" | "GRU" | "RNN_TANH" | "RNN_RELU";

/** How many gates each cell has: rows of its weights for each hidden unit. */
export const GATES: Readonly<Record<CellKind, number>> = {
  LSTM: 4,
  GRU: 3,
  RNN_TANH: 1,
  RNN_RELU: 1,
};

/** The weights of one layer in one direction. */
export interface CellWeights {
  /** [gates * hidden, input]. */
  weightIh: Tensor;
  /** [gates * hidden, hidden]; with a projection [gates * hidden, projection]. */
  weightHh: Tensor;
  /** [gates * hidden], or null. */
  biasIh: Tensor | null;
  /** [gates * hidden], or null. */
  biasHh: Tensor | null;
  /** The projection of the hidden state: [projection, hidden], or null. */
  weightHr: Tensor | null;
}

/** The hidden state, and the cell state of an LSTM. */
interface State {
  h: Tensor;
  c: Tensor | null;
}

/** The bias of the input's product: of all but the GRU, both biases at once. */
function inputBias(kind: CellKind, { biasIh, biasHh }: CellWeights): Tensor | null {
  return kind === "GRU" || biasIh === null || biasHh === null ? biasIh : add(biasIh, biasHh);
}

/** The state after one step; `product` is that of the step's input, [batch, gates * hidden]. */
function step(
  kind: CellKind,
  product: Tensor,
  { h, c }: State,
  transposed: Tensor,
  { weightHh, biasHh, weightHr }: CellWeights,
): State {
  if (kind === "GRU") return { h: gruCell(product, linear(h, weightHh, biasHh), h), c };
  if (kind === "LSTM") {
    const [hidden, cell] = lstmCell(product, linear(h, weightHh), c!);
    return { h: weightHr === null ? hidden : linear(hidden, weightHr), c: cell };
  }
  const sum = addmm(product, h, transposed);
  return { h: kind === "RNN_TANH" ? tanh(sum) : relu(sum), c };
}

function turned({ weightHh }: CellWeights): Tensor {
  return transpose(castFor("recurrent", weightHh), 0, 1);
}

/**
 * One step of a cell. x: [batch, input], h and c: [batch, hidden] -> h and c.
 *
 * @throws RangeError when the sizes do not fit.
 */
export function recurrentCell(
  kind: CellKind,
  x: Tensor,
  h: Tensor,
  c: Tensor | null,
  weights: CellWeights,
): State {
  [x, h, c] = castAll("recurrent", x, h, c);
  const product = linear(x, weights.weightIh, inputBias(kind, weights));
  return step(kind, product, { h, c }, turned(weights), weights);
}

/** One layer in one direction: x [steps, batch, input] -> the hidden states of all steps, and the last state. */
function layer(
  kind: CellKind,
  x: Tensor,
  state: State,
  weights: CellWeights,
  reverse: boolean,
): [output: Tensor, last: State] {
  const products = unbind(linear(x, weights.weightIh, inputBias(kind, weights)), 0);
  const transposed = turned(weights), steps = products.length;
  const outputs = new Array<Tensor>(steps);
  for (let i = 0; i < steps; i++) {
    const t = reverse ? steps - 1 - i : i;
    state = step(kind, products[t], state, transposed, weights);
    outputs[t] = state.h;
  }
  return [stack(outputs, 0), state];
}

/** What `recurrent` is made of. */
export interface RecurrentSettings {
  /** The cell. */
  kind: CellKind;
  /** The weights of every layer, or of every layer and direction. */
  weights: readonly CellWeights[];
  /** Whether each layer goes in both directions. */
  bidirectional: boolean;
  /** The probability of dropout after each layer but the last. */
  dropout: number;
  /** Whether dropout drops. */
  training: boolean;
}

/**
 * A recurrent network over a sequence. x: [steps, batch, input], h0 and c0: [layers * directions, batch, hidden] ->
 * output [steps, batch, directions * hidden], and the last h and c, of the shapes of the first.
 *
 * @throws RangeError for a sequence without steps.
 */
export function recurrent(
  call: string,
  settings: RecurrentSettings,
  x: Tensor,
  h0: Tensor,
  c0: Tensor | null,
): [output: Tensor, h: Tensor, c: Tensor | null] {
  if (x.shape[0] === 0) {
    throw new RangeError(
      `${call}: expected a sequence of at least 1 step, got input ${show(x.shape)}`,
    );
  }
  [x, h0, c0] = castAll("recurrent", x, h0, c0);
  const { kind, weights, bidirectional } = settings, directions = bidirectional ? 2 : 1;
  const layers = weights.length / directions, last: State[] = [];
  const h = unbind(h0, 0), c = c0 === null ? null : unbind(c0, 0);
  for (let l = 0; l < layers; l++) {
    const outputs: Tensor[] = [];
    for (let d = 0; d < directions; d++) {
      const i = l * directions + d, state = { h: h[i], c: c === null ? null : c[i] };
      const [output, end] = layer(kind, x, state, weights[i], d === 1);
      outputs.push(output);
      last.push(end);
    }
    x = directions === 1 ? outputs[0] : cat(outputs, 2);
    if (l < layers - 1) x = dropout(x, settings.dropout, settings.training);
  }
  return [
    x,
    stack(last.map((s) => s.h), 0),
    c === null ? null : stack(last.map((s) => s.c!), 0),
  ];
}
