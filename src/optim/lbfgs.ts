/**
 * L-BFGS.
 *
 * @module
 */
import { enableGrad, noGrad } from "../autograd/record.ts";
import { scope } from "../backend/storage.ts";
import { item } from "../ops/access.ts";
import { add_, mul, mul_, sub } from "../ops/arithmetic.ts";
import { cast, clone, copy_ } from "../ops/copy.ts";
import { zeros } from "../ops/create.ts";
import { cat } from "../ops/join.ts";
import { dot } from "../ops/matmul.ts";
import { max } from "../ops/max_min.ts";
import { sum } from "../ops/reduce.ts";
import { abs, neg } from "../ops/unary.ts";
import { detach, narrow, reshape } from "../ops/view.ts";
import { type Args, read, wholeNumber } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import {
  checkOption,
  Optimizer,
  type ParamGroupOptions,
  type Params,
  type State,
} from "./optimizer.ts";
import { strongWolfe, type Trial } from "./strong_wolfe.ts";

/** Options of `LBFGS`. */
export interface LBFGSOptions {
  /** The learning rate: how far to go along a direction, or to look first. */
  lr?: number;
  /** How many directions to take in a step. */
  maxIter?: number;
  /** How many evaluations of the loss in a step end it; by default 5/4 of `maxIter`. */
  maxEval?: number | null;
  /** A gradient without a larger element ends the step. */
  toleranceGrad?: number;
  /** A change of the parameters or of the loss that is no larger ends the step. */
  toleranceChange?: number;
  /** How many past changes the curvature is estimated from. */
  historySize?: number;
  /** How far to go along a direction: as far as the learning rate says, or found by a line search. */
  lineSearchFn?: "strong_wolfe" | null;
}

/** What it remembers, under PyTorch's names. All vectors are [n], over all parameters. */
interface Memory extends State {
  func_evals: number;
  n_iter: number;
  /** The direction, and how far it was gone. */
  d: Tensor;
  t: number;
  /** The changes of the gradient and of the parameters, oldest first, and one by their product. */
  old_dirs: Tensor[];
  old_stps: Tensor[];
  ro: number[];
  /** The curvature's inverse, as the newest change alone tells it. */
  H_diag: number;
  prev_flat_grad: Tensor;
  prev_loss: number;
}

const VECTORS = new Set(["d", "prev_flat_grad", "old_dirs", "old_stps"]);

/**
 * L-BFGS: goes along directions that take the curvature into account, as the last changes of the gradient tell it. Its
 * `step` needs a closure, which it calls several times. All parameters are one group, on one device.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
 */
export class LBFGS extends Optimizer {
  /** Takes parameters. */
  constructor(
    params: Params,
    ...args: Args<
      [
        lr: number,
        maxIter: number,
        maxEval: number | null,
        toleranceGrad: number,
        toleranceChange: number,
        historySize: number,
        lineSearchFn: "strong_wolfe" | null,
      ],
      LBFGSOptions
    >
  ) {
    const call = "LBFGS";
    const o = read(call, {
      lr: 1,
      maxIter: 20,
      maxEval: null as number | null,
      toleranceGrad: 1e-7,
      toleranceChange: 1e-9,
      historySize: 100,
      lineSearchFn: null as "strong_wolfe" | null,
    }, args);
    o.maxEval ??= Math.floor(o.maxIter * 5 / 4);
    checkOption(call, "learning rate", o.lr);
    checkOption(call, "maxIter", wholeNumber(call, "maxIter", o.maxIter));
    checkOption(call, "maxEval", wholeNumber(call, "maxEval", o.maxEval));
    checkOption(call, "toleranceGrad", o.toleranceGrad);
    checkOption(call, "toleranceChange", o.toleranceChange);
    checkOption(call, "historySize", wholeNumber(call, "historySize", o.historySize), 1);
    if (o.lineSearchFn !== null && o.lineSearchFn !== "strong_wolfe") {
      throw new RangeError(
        `${call}: lineSearchFn must be "strong_wolfe" or null, got ${
          describeValue(o.lineSearchFn)
        }`,
      );
    }
    super(params, { ...o });
  }

  /**
   * Not supported after the first group: all parameters are one.
   *
   * @throws Error for a second group.
   */
  override addParamGroup(group: ParamGroupOptions): void {
    if (this.paramGroups.length > 0) {
      throw new Error("LBFGS: all parameters must be in one group, with the same options");
    }
    super.addParamGroup(group);
  }

  /**
   * Changes the parameters until the step is over (see the options). `closure` computes the loss and its gradients anew;
   * it is called several times. Returns its first loss. An error in it leaves the parameters as they were.
   *
   * @throws TypeError without a closure.
   */
  override step<R extends Tensor | number>(closure: () => R): R;
  override step(closure?: null): never;
  override step<R extends Tensor | number>(closure?: (() => R) | null): R {
    if (typeof closure !== "function") {
      throw new TypeError(
        `LBFGS.step: expected a function that computes the loss, got ${describeValue(closure)}`,
      );
    }
    const { params } = this.paramGroups[0];
    const memory = { func_evals: 0, n_iter: 0, ...this.state.get(params[0]) } as Memory;
    const before = copies(params);
    try {
      return this.#minimize(closure, memory);
    } catch (error) {
      restore(params, before);
      throw error;
    } finally {
      for (const x of before) x.storage.free();
    }
  }

  #minimize<R extends Tensor | number>(closure: () => R, memory: Memory): R {
    const group = this.paramGroups[0], { params, lr, maxIter, maxEval, historySize } = group;
    const { toleranceGrad, toleranceChange } = group;
    const done = memory.func_evals + maxEval;
    const compute = () => {
      const loss = enableGrad(closure);
      memory.func_evals++;
      this.checkGradients(group);
      return loss;
    };
    const first = compute();
    let loss = numberOf(first), grad = flatGradient(params);
    for (let n = 1; n <= maxIter; n++) {
      if (n === 1 && largest(grad) <= toleranceGrad) break;
      memory.n_iter++;
      if (memory.n_iter === 1) {
        Object.assign(memory, { old_dirs: [], old_stps: [], ro: [], H_diag: 1 });
        memory.d = vector(() => neg(grad));
        memory.t = Math.min(1, 1 / number(() => sum(abs(grad)))) * lr;
      } else {
        learn(memory, grad, historySize);
        memory.d = direction(memory, grad);
        memory.t = lr;
      }
      memory.prev_flat_grad = grad;
      memory.prev_loss = loss;
      const { d } = memory, slope = number(() => dot(grad, d));
      if (slope > -toleranceChange) break;

      if (group.lineSearchFn !== null) {
        const x = copies(params), trials: Trial[] = [];
        const evaluate = (t: number): Trial => {
          move(params, d, t);
          const loss = numberOf(compute()), grad = flatGradient(params);
          restore(params, x);
          const trial = { t, loss, grad, slope: number(() => dot(grad, d)) };
          trials.push(trial);
          return trial;
        };
        const start = { t: 0, loss, grad, slope };
        const found = strongWolfe(evaluate, start, memory.t, largest(d));
        ({ t: memory.t, loss, grad } = found);
        for (const trial of trials) if (trial !== found) trial.grad.storage.free();
        for (const copy of x) copy.storage.free();
        move(params, d, memory.t);
      } else {
        move(params, d, memory.t);
        if (n === maxIter) break; // nobody will ask for the loss there
        loss = numberOf(compute());
        grad = flatGradient(params);
      }
      if (
        memory.func_evals >= done || largest(grad) <= toleranceGrad ||
        largest(d) * Math.abs(memory.t) <= toleranceChange ||
        Math.abs(loss - memory.prev_loss) < toleranceChange
      ) break;
    }
    this.state.set(params[0], memory);
    return first;
  }

  protected override adoptState(call: string, p: Tensor, saved: State): State {
    const n = this.paramGroups[0].params.reduce((sum, { numElements }) => sum + numElements, 0);
    const adopt = (name: string, value: unknown): unknown => {
      if (Array.isArray(value)) return value.map((x) => adopt(name, x));
      if (!(value instanceof Tensor)) return value;
      if (!VECTORS.has(name)) return Number(item(value));
      if (!sameShape(value.shape, [n])) {
        throw new RangeError(
          `${call}: ${name} has shape ${show(value.shape)}, the parameters together [${n}]`,
        );
      }
      return clone(cast(detach(value), p.dtype));
    };
    // PyTorch also saves `al`, numbers that are of no use after the step.
    const entries = Object.entries(saved).filter(([name]) => name !== "al");
    return Object.fromEntries(entries.map(([name, value]) => [name, adopt(name, value)]));
  }
}

/** Takes in how the gradient has changed, where the curvature along the change is positive. */
function learn(memory: Memory, grad: Tensor, historySize: number): void {
  const { d, t, prev_flat_grad } = memory;
  const y = vector(() => sub(grad, prev_flat_grad)), s = vector(() => mul(d, t));
  const product = number(() => dot(y, s));
  if (!(product > 1e-10)) return;
  // New arrays: the old ones may be part of a saved state.
  memory.old_dirs = [...memory.old_dirs, y].slice(-historySize);
  memory.old_stps = [...memory.old_stps, s].slice(-historySize);
  memory.ro = [...memory.ro, 1 / product].slice(-historySize);
  memory.H_diag = product / number(() => dot(y, y));
}

/** Minus the gradient, times the estimated inverse of the Hessian: the two-loop recursion. */
function direction({ old_dirs, old_stps, ro, H_diag }: Memory, grad: Tensor): Tensor {
  return vector(() => {
    const q = neg(grad), factors: number[] = [];
    for (let i = ro.length - 1; i >= 0; i--) {
      factors[i] = number(() => dot(old_stps[i], q)) * ro[i];
      add_(q, old_dirs[i], { alpha: -factors[i] });
    }
    mul_(q, H_diag);
    for (let i = 0; i < ro.length; i++) {
      const factor = number(() => dot(old_dirs[i], q)) * ro[i];
      add_(q, old_stps[i], { alpha: factors[i] - factor });
    }
    return q;
  });
}

/** A tensor that outlives all scopes; what else `f` makes is freed. */
function vector(f: () => Tensor): Tensor {
  using _ = scope();
  const x = noGrad(f);
  x.storage.outlive();
  return x;
}

/** The number in a tensor of one element; what `f` makes is freed. */
function number(f: () => Tensor): number {
  using _ = scope();
  return Number(item(noGrad(f)));
}

const largest = (x: Tensor) => number(() => max(abs(x)));

function numberOf(loss: Tensor | number): number {
  const value = loss instanceof Tensor ? Number(item(loss)) : loss;
  if (typeof value === "number") return value;
  throw new TypeError(
    `LBFGS.step: expected the closure to return the loss, got ${describeValue(value)}`,
  );
}

/** The gradients of all parameters, one after another; zeros for those that have none. */
function flatGradient(params: readonly Tensor[]): Tensor {
  return vector(() =>
    cat(params.map((p) => {
      const { numElements, dtype, grad, device } = p;
      return grad === null ? zeros([numElements], { dtype, device }) : reshape(grad, [-1]);
    }))
  );
}

function copies(params: readonly Tensor[]): Tensor[] {
  return params.map((p) => vector(() => clone(p)));
}

function restore(params: readonly Tensor[], values: readonly Tensor[]): void {
  noGrad(() => params.forEach((p, i) => copy_(p, values[i])));
}

/** Moves the parameters by t times `d`. */
function move(params: readonly Tensor[], d: Tensor, t: number): void {
  using _ = scope();
  noGrad(() => {
    let at = 0;
    for (const p of params) {
      add_(p, reshape(narrow(d, 0, at, p.numElements), [...p.shape]), { alpha: t });
      at += p.numElements;
    }
  });
}
