/**
 * Einstein summation: an equation over named axes becomes permutations and products of batches of matrices.
 *
 * @module
 */
import { checkTensor } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castAll } from "./autocast.ts";
import { contract } from "./contraction.ts";

/** Where the axes that an operand does not name go. */
type Subscript = number | "...";

/** Subscripts of each operand, and of the result (null: by the rule for implicit output). */
interface Equation {
  inputs: Subscript[][];
  output: Subscript[] | null;
}

/** The letters of an equation: number 0 is `A`, 26 is `a`, so that numbers sort as the letters do. */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function letter(subscript: number): string {
  return LETTERS[subscript] ?? `of axis ${subscript - LETTERS.length} of ...`;
}

/** The subscripts that stand in a part of an equation. */
function subscripts(part: string, where: string): Subscript[] {
  const result: Subscript[] = [];
  for (let i = 0; i < part.length; i++) {
    const c = part[i];
    if (c === " ") continue;
    if (c === ".") {
      if (part.slice(i, i + 3) !== "...") {
        throw new RangeError(`einsum: found "." in ${where} that is not part of an ellipsis`);
      }
      if (result.includes("...")) {
        throw new RangeError(`einsum: found a second ellipsis in ${where}`);
      }
      result.push("...");
      i += 2;
      continue;
    }
    const subscript = LETTERS.indexOf(c);
    if (subscript < 0) {
      throw new RangeError(
        `einsum: invalid subscript ${
          JSON.stringify(c)
        } in ${where}; expected letters from a to z and A to Z`,
      );
    }
    result.push(subscript);
  }
  return result;
}

function parse(equation: string): Equation {
  const arrow = equation.indexOf("->");
  const left = arrow < 0 ? equation : equation.slice(0, arrow);
  return {
    inputs: left.split(",").map((part, i) => subscripts(part, `the subscripts of operand ${i}`)),
    output: arrow < 0 ? null : subscripts(equation.slice(arrow + 2), "the output's subscripts"),
  };
}

/** Operands and their subscripts given in turn, with those of the result last, if at all. */
function fromLists(values: readonly unknown[]): { operands: Tensor[]; equation: Equation } {
  const operands: Tensor[] = [], inputs: Subscript[][] = [];
  const pairs = Math.floor(values.length / 2);
  for (let i = 0; i < pairs; i++) {
    const x = values[2 * i];
    checkTensor("einsum", `operand ${i}`, x);
    operands.push(x);
    inputs.push(listed(values[2 * i + 1]));
  }
  const output = values.length % 2 === 1 ? listed(values[values.length - 1]) : null;
  return { operands, equation: { inputs, output } };
}

function listed(list: unknown): Subscript[] {
  if (!Array.isArray(list)) {
    throw new TypeError("einsum: expected each operand to be followed by a list of its subscripts");
  }
  for (const s of list) {
    if (s !== "..." && !(Number.isInteger(s) && s >= 0 && s < LETTERS.length)) {
      throw new RangeError(
        `einsum: subscript ${String(s)} is not in the range from 0 to ${LETTERS.length - 1}`,
      );
    }
  }
  if (list.indexOf("...") !== list.lastIndexOf("...")) {
    throw new RangeError("einsum: found a second ellipsis in a list of subscripts");
  }
  return list;
}

/** Sum of products over named axes: see {@link einsum}. */
function evaluate(operands: readonly Tensor[], { inputs, output }: Equation): Tensor {
  if (inputs.length !== operands.length) {
    throw new RangeError(
      `einsum: the equation has subscripts for ${inputs.length} operands, ${operands.length} were given`,
    );
  }
  // The axes that ellipses stand for are numbered from the last, as they are broadcast.
  let hidden = 0;
  operands.forEach((x, i) => {
    const list = inputs[i], open = list.includes("..."), named = list.length - (open ? 1 : 0);
    if (open ? named > x.ndim : named !== x.ndim) {
      throw new RangeError(
        `einsum: ${named} subscripts do not fit operand ${i} of ${x.ndim} axes${
          open ? "" : ", and no ellipsis was given"
        }`,
      );
    }
    if (open) hidden = Math.max(hidden, x.ndim - named);
  });
  const fill = (list: readonly Subscript[], axes: number): number[] =>
    list.flatMap((s) =>
      s === "..." ? Array.from({ length: axes }, (_, d) => LETTERS.length + hidden - axes + d) : [s]
    );
  const labels = inputs.map((list, i) => fill(list, operands[i].ndim - list.length + 1));
  const all = labels.flat();
  let result: number[];
  if (output === null) {
    const once = [...new Set(all)].filter((s) =>
      s < LETTERS.length && all.indexOf(s) === all.lastIndexOf(s)
    );
    result = [...fill(["..."], hidden), ...once.sort((a, b) => a - b)];
  } else {
    result = fill(output, hidden);
    for (const s of result) {
      if (result.indexOf(s) !== result.lastIndexOf(s)) {
        throw new RangeError(`einsum: subscript ${letter(s)} appears twice in the output`);
      }
      if (!all.includes(s)) {
        throw new RangeError(
          `einsum: output subscript ${letter(s)} does not appear in any operand's subscripts`,
        );
      }
    }
  }
  return contract(
    "einsum",
    operands.map((x, i) => ({ x, labels: labels[i] })),
    result,
    (s) => `subscript ${letter(s)}`,
  );
}

/**
 * Sum of products by an equation over named axes: `einsum("bij,bjk->bik", x, y)` multiplies batches of matrices.
 *
 * Axes that are not in the output are summed; a letter twice in one operand takes its diagonal; `...` stands for axes
 * without names, which are broadcast; without `->` the output has the letters that appear once, in alphabetical order.
 * Operands may also be given in an array, or each followed by a list of numbers as its subscripts:
 * `einsum(x, [0, 1], y, [1, 2], [0, 2])`.
 *
 * @throws RangeError when the equation does not fit the operands, or sizes of one letter differ.
 * @see https://pytorch.org/docs/stable/generated/torch.einsum.html
 */
export function einsum(
  equation: string | Tensor,
  ...operands: (Tensor | readonly Tensor[] | readonly (number | "...")[])[]
): Tensor {
  if (typeof equation !== "string") {
    const { operands: xs, equation: lists } = fromLists([equation, ...operands]);
    if (xs.length === 0) {
      throw new TypeError(
        "einsum: expected an equation, or at least one operand and its subscripts",
      );
    }
    return evaluate(castAll("einsum", ...xs), lists);
  }
  const xs = operands.length === 1 && Array.isArray(operands[0]) ? operands[0] : operands;
  if (xs.length === 0) throw new TypeError("einsum: expected at least one operand");
  xs.forEach((x, i) => checkTensor("einsum", `operand ${i}`, x));
  return evaluate(castAll("einsum", ...xs as Tensor[]), parse(equation));
}
