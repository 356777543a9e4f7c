/**
 * Gradients compared with finite differences.
 *
 * @module
 */
import { copy_ } from "../ops/copy.ts";
import { zerosLike } from "../ops/create.ts";
import { select, view } from "../ops/view.ts";
import { fill_ } from "../ops/copy.ts";
import { type Args, checkTensor, read } from "../tensor/arguments.ts";
import { fromArray } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { list, sweep } from "./backward.ts";
import { enableGrad, noGrad } from "./record.ts";
import { float64, type TypedArray } from "../backend/dtype.ts";

/** A function of tensors, for `gradcheck`. */
export type TensorFunction = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** Options of `gradcheck`. */
export interface GradcheckOptions {
  /** How far inputs are moved to either side. */
  eps?: number;
  /** Differences up to atol + rtol * |numerical| are accepted. */
  atol?: number;
  /** See `atol`. */
  rtol?: number;
  /** Throw when gradients differ, instead of returning false. */
  raiseException?: boolean;
}

const DEFAULTS = { eps: 1e-6, atol: 1e-5, rtol: 1e-3, raiseException: true };

/** The differentiable ones among the results of `f`. */
function outputsOf(f: TensorFunction, inputs: readonly Tensor[]): Tensor[] {
  const outputs = list<Tensor>(f(...inputs));
  outputs.forEach((y) => checkTensor("gradcheck", "the function's result", y));
  return outputs.filter((y) => y.requiresGrad);
}

/** Column j holds how every output (concatenated) changes with element j of `x`. */
function numerical(
  f: TensorFunction,
  inputs: readonly Tensor[],
  x: Tensor,
  sizes: number,
  eps: number,
): Float64Array[] {
  const values = x.toTypedArray(), columns: Float64Array[] = [];
  const evaluate = (index: number, value: number): Float64Array => {
    const moved = values.slice() as Float64Array;
    moved[index] = value;
    noGrad(() => copy_(x, fromArray(moved as TypedArray, x.shape)));
    const result = new Float64Array(sizes);
    let at = 0;
    for (const y of outputsOf(f, inputs)) {
      for (const v of y.toTypedArray()) result[at++] = Number(v);
    }
    return result;
  };
  try {
    for (let j = 0; j < values.length; j++) {
      const plus = evaluate(j, Number(values[j]) + eps);
      const minus = evaluate(j, Number(values[j]) - eps);
      columns.push(plus.map((v, i) => (v - minus[i]) / (2 * eps)));
    }
  } finally {
    noGrad(() => copy_(x, fromArray(values, x.shape)));
  }
  return columns;
}

/** Row i holds the gradient of output element i with respect to all of `xs`, one array for each. */
function analytical(outputs: readonly Tensor[], xs: readonly Tensor[]): Float64Array[][] {
  const rows: Float64Array[][] = [];
  for (const y of outputs) {
    for (let i = 0; i < y.numElements; i++) {
      const dy = zerosLike(y);
      fill_(select(view(dy, -1), 0, i), 1);
      const grads = sweep("gradcheck", [y], [dy], { retainGraph: true }, xs);
      rows.push(grads.map((g, k) => {
        if (g === null) return new Float64Array(xs[k].numElements);
        if (g.dtype !== xs[k].dtype || show(g.shape) !== show(xs[k].shape)) {
          throw new Error(
            `gradcheck: the gradient of input ${k} is ${g.dtype} ${show(g.shape)}, the input ${
              xs[k].dtype
            } ${show(xs[k].shape)}`,
          );
        }
        return Float64Array.from(g.toTypedArray() as Float64Array);
      }));
    }
  }
  return rows;
}

/**
 * Compares the gradients of `f` with finite differences: of each of its results with respect to each of `inputs` that
 * requires a gradient. The inputs should be float64: in float32 the differences are too coarse for the default
 * tolerances.
 *
 * @throws Error when they differ, unless `raiseException` is false.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.html
 */
export function gradcheck(
  f: TensorFunction,
  inputs: Tensor | readonly Tensor[],
  ...args: Args<
    [eps: number, atol: number, rtol: number, raiseException: boolean],
    GradcheckOptions
  >
): boolean {
  const { eps, atol, rtol, raiseException } = read("gradcheck", DEFAULTS, args);
  const all = list<Tensor>(inputs);
  const xs = all.filter((x) => x instanceof Tensor && x.requiresGrad);
  if (xs.length === 0) {
    throw new Error("gradcheck: none of the inputs requires a gradient");
  }
  const outputs = enableGrad(() => outputsOf(f, all));
  if (outputs.length === 0) {
    throw new Error("gradcheck: none of the function's results requires a gradient");
  }
  const sizes = outputs.reduce((n, y) => n + y.numElements, 0);
  const rows = analytical(outputs, xs);
  const hint = xs.every((x) => x.dtype === float64)
    ? ""
    : "; the inputs are not float64, so the difference may be rounding";
  for (const [k, x] of xs.entries()) {
    const columns = enableGrad(() => numerical(f, all, x, sizes, eps));
    for (const [j, column] of columns.entries()) {
      for (let i = 0; i < sizes; i++) {
        const want = column[i], got = rows[i][k][j];
        if (Math.abs(got - want) <= atol + rtol * Math.abs(want)) continue;
        if (Number.isNaN(got) && Number.isNaN(want)) continue;
        if (!raiseException) return false;
        throw new Error(
          `gradcheck: the gradient of result element ${i} with respect to element ${j} of input ${
            all.indexOf(x)
          } is ${got}, by finite differences ${want}${hint}`,
        );
      }
    }
  }
  return true;
}

/**
 * Compares second derivatives with finite differences: `gradcheck` of the gradients of `f`, given those of its results.
 *
 * @throws Error when they differ, unless `raiseException` is false.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradgradcheck.html
 */
export function gradgradcheck(
  f: TensorFunction,
  inputs: Tensor | readonly Tensor[],
  ...args: Args<
    [
      gradOutputs: Tensor | readonly Tensor[] | null,
      eps: number,
      atol: number,
      rtol: number,
      raiseException: boolean,
    ],
    GradcheckOptions & { gradOutputs?: Tensor | readonly Tensor[] | null }
  >
): boolean {
  const { gradOutputs, ...options } = read("gradgradcheck", {
    gradOutputs: null as Tensor | readonly Tensor[] | null,
    ...DEFAULTS,
  }, args);
  const xs = list<Tensor>(inputs);
  const outputs = enableGrad(() => outputsOf(f, xs));
  const dys = gradOutputs === null ? outputs.map(anyGradient) : list<Tensor>(gradOutputs);
  const gradients: TensorFunction = (...values) => {
    const ins = values.slice(0, xs.length), upstream = values.slice(xs.length);
    const wanted = ins.filter((x) => x instanceof Tensor && x.requiresGrad);
    const results = sweep(
      "gradgradcheck",
      outputsOf(f, ins),
      upstream,
      { createGraph: true },
      wanted,
    );
    return results.filter((g) => g !== null);
  };
  return gradcheck(gradients, [...xs, ...dys], options);
}

/** An upstream gradient for `y` without symmetries, the same in each run. */
function anyGradient(y: Tensor): Tensor {
  const values = Float64Array.from({ length: y.numElements }, (_, i) => Math.sin(3 * i + 1));
  return fromArray(values, y.shape, { dtype: y.dtype, requiresGrad: true });
}
