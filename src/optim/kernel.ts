/**
 * Optimizers whose step is one kernel for each parameter.
 *
 * @module
 */
import type { Backend } from "../backend/backend.ts";
import { computeType, float64 } from "../backend/dtype.ts";
import { copyInto, denseAs } from "../ops/copy.ts";
import { convert, emptyLike, emptyOn, fillWith } from "../tensor/create.ts";
import { show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Optimizer, type ParamGroup } from "./optimizer.ts";

/** The kernels with the common parameters: three tensors of state, a step count, options. */
export type StepKernel =
  | "sgd"
  | "adam"
  | "rmsprop"
  | "adagrad"
  | "adadelta"
  | "adamax"
  | "nadam"
  | "radam"
  | "rprop"
  | "asgd";

/** Those that nothing comes after within a group's step: all are called at its end, so that a device can make one of many. */
const TOGETHER: ReadonlySet<StepKernel> = new Set(["sgd", "adam"]);

/**
 * An optimizer that writes the options of a group to the device, where its kernel reads them: so a step that was
 * recorded can be run again with another learning rate, after `writeOptions`.
 */
export abstract class KernelOptimizer extends Optimizer {
  readonly #written = new WeakMap<ParamGroup, Map<Backend, [Tensor, Float64Array]>>();

  /** The kernel calls that wait for the group's end. */
  #calls: (() => void)[] = [];

  /** The numbers that the kernel reads, in its order. */
  protected abstract optionsOf(group: ParamGroup): number[];

  /** Writes the options of all groups to the devices of their parameters, if they changed. Each `step` does it too. */
  writeOptions(): void {
    for (const group of this.paramGroups) this.beginGroup(group);
  }

  protected override gradientOf(p: Tensor): Tensor | null {
    return p.gradient;
  }

  protected override beginGroup(group: ParamGroup): void {
    this.#calls = [];
    const values = this.optionsOf(group);
    let byBackend = this.#written.get(group);
    if (byBackend === undefined) this.#written.set(group, byBackend = new Map());
    for (const p of group.params) {
      let entry = byBackend.get(p.backend);
      if (entry === undefined) {
        const tensor = emptyOn(p.backend, [values.length], float64);
        tensor.storage.outlive();
        byBackend.set(p.backend, entry = [tensor, new Float64Array(values.length).fill(NaN)]);
      }
      const [tensor, before] = entry;
      if (values.every((v, i) => Object.is(v, before[i]))) continue;
      before.set(values);
      tensor.backend.write(tensor.storage, 0, new Uint8Array(before.buffer as ArrayBuffer));
    }
  }

  protected override endGroup(): void {
    for (const call of this.#calls) call();
    this.#calls = [];
  }

  /**
   * Runs the kernel `name` on one parameter. Of the state a, b and c, the first `full` are as large
   * as the parameter, the others single numbers; what the kernel has no use for is null.
   */
  protected runKernel(
    name: StepKernel,
    group: ParamGroup,
    p: Tensor,
    grad: Tensor,
    a: Tensor | null = null,
    b: Tensor | null = null,
    c: Tensor | null = null,
    step: Tensor | null = null,
    full = 3,
  ): void {
    const type = computeType(p.dtype), n = p.numElements;
    const fits = (t: Tensor | null) =>
      t === null || (t.dtype === type && t.dense && t.numElements === n);
    if (
      !fits(p) || !fits(grad) || !fits(a) || (full > 1 && !fits(b)) || (full > 2 && !fits(c))
    ) {
      this.#runConverted(name, group, p, grad, [a, b, c], step, full);
      return;
    }
    p.counter.version++;
    if (n === 0) return;
    const options = this.#written.get(group)!.get(p.backend)![0];
    const call = () =>
      p.backend.kernels[`${name}${type.suffix as "" | "_f64"}`](
        p.pointer,
        grad.pointer,
        a === null ? 0 : a.pointer,
        b === null ? 0 : b.pointer,
        c === null ? 0 : c.pointer,
        step === null ? 0 : step.pointer,
        options.pointer,
        0,
        n,
      );
    if (TOGETHER.has(name)) this.#calls.push(call);
    else call();
  }

  /** The same for tensors that are not contiguous, or whose dtype computes in a wider one. */
  #runConverted(
    name: StepKernel,
    group: ParamGroup,
    p: Tensor,
    grad: Tensor,
    state: (Tensor | null)[],
    step: Tensor | null,
    full: number,
  ): void {
    const type = computeType(p.dtype), converted = new Map<Tensor, Tensor>();
    const [p2, grad2, a, b, c] = [p, grad, ...state].map((t, i) => {
      if (t === null || i >= full + 2) return t;
      if (t.numElements !== p.numElements) {
        throw new RangeError(
          `${this.constructor.name}: a state of shape ${show(t.shape)} for a parameter of shape ${
            show(p.shape)
          }`,
        );
      }
      if (!converted.has(t)) converted.set(t, denseAs(t, type));
      return converted.get(t)!;
    });
    this.runKernel(name, group, p2!, grad2!, a, b, c, step, full);
    this.endGroup();
    for (const [t, t2] of converted) {
      if (t2 === t) continue;
      const result = t2.dtype === t.dtype ? t2 : convert(t2, t.dtype);
      if (t !== grad) copyInto(t, result);
      result.storage.free();
      t2.storage.free();
    }
    p.counter.version++;
  }

  /** Counts a step and sets the numbers of the state that follow from it. */
  protected advanceWith(
    name: "nadam_advance" | "asgd_advance",
    group: ParamGroup,
    p: Tensor,
    a: Tensor,
    b: Tensor | null,
    step: Tensor,
  ): void {
    const options = this.#written.get(group)!.get(p.backend)![0];
    p.backend.kernels[name](
      a.pointer,
      b === null ? 0 : b.pointer,
      step.pointer,
      options.pointer,
      0,
      1,
    );
  }

  /** A tensor of state like `p`, filled with `value`. */
  protected stateLike(p: Tensor, value = 0): Tensor {
    return fillWith(emptyLike(p), value);
  }
}

/** Counts a step. */
export function advance(step: Tensor): void {
  step.counter.version++;
  step.backend.kernels.advance(0, 0, step.pointer, 0, 0, 1);
}
