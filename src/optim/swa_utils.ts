/**
 * `torch.optim.swa_utils`: stochastic weight averaging.
 *
 * @module
 */
import { noGrad } from "../autograd/record.ts";
import { int64 } from "../backend/dtype.ts";
import { scope } from "../backend/storage.ts";
import { BatchNorm1d, BatchNorm2d, BatchNorm3d } from "../nn/batch_norm.ts";
import { deepcopy } from "../nn/deepcopy.ts";
import { get } from "../nn/members.ts";
import { Module } from "../nn/module.ts";
import { item, to } from "../ops/access.ts";
import { add, add_, div, sub } from "../ops/arithmetic.ts";
import { copy_ } from "../ops/copy.ts";
import { zeros } from "../ops/create.ts";
import { detach } from "../ops/view.ts";
import { type Args, read, wholeNumber } from "../tensor/arguments.ts";
import { describeValue } from "../tensor/describe.ts";
import { Tensor } from "../tensor/tensor.ts";
import {
  checkNumber,
  checkWord,
  LRScheduler,
  type PerGroup,
  perGroup,
  readSettings,
  required,
} from "./lr_scheduler/scheduler.ts";
import type { AnnealStrategy } from "./lr_scheduler/one_cycle.ts";
import type { Optimizer } from "./optimizer.ts";

export type { AnnealStrategy, PerGroup };

/** The new average, from the average so far, the parameter of the model, and how many models are in the average. */
export type AverageFunction = (
  averaged: Tensor,
  parameter: Tensor,
  numAveraged: Tensor,
) => Tensor;

/** Options of `AveragedModel`. */
export interface AveragedModelOptions {
  /** The device of the average. */
  device?: string | null;
  /** The new average; by default all models count the same. Not saved with the model. */
  avgFn?: AverageFunction | null;
  /** Whether to average buffers too. */
  useBuffers?: boolean;
}

const equalWeights: AverageFunction = (averaged, parameter, numAveraged) =>
  add(averaged, div(sub(parameter, averaged), add(numAveraged, 1)));

/**
 * A copy of a model whose parameters are the average of those that the model has had.
 *
 * @see https://pytorch.org/docs/stable/optim.html#stochastic-weight-averaging
 */
export class AveragedModel<M extends Module = Module> extends Module {
  /** The average. */
  module: M;
  /** The new average. */
  readonly avgFn: AverageFunction;
  /** Whether buffers are averaged too. */
  readonly useBuffers: boolean;

  /** Copies `model`. */
  constructor(
    model: M,
    ...args: Args<
      [device: string | null, avgFn: AverageFunction | null, useBuffers: boolean],
      AveragedModelOptions
    >
  ) {
    super();
    const { device, avgFn, useBuffers } = read("AveragedModel", {
      device: null as string | null,
      avgFn: null as AverageFunction | null,
      useBuffers: false,
    }, args);
    if (!(model instanceof Module)) {
      throw new TypeError(`AveragedModel: expected a module, got ${describeValue(model)}`);
    }
    this.module = deepcopy(model);
    if (device !== null) this.module.to(device);
    this.registerBuffer("n_averaged", zeros([], { dtype: int64, device }));
    this.avgFn = avgFn ?? equalWeights;
    this.useBuffers = useBuffers;
  }

  /** How many models are in the average: [] of int64. */
  get nAveraged(): Tensor {
    return get(this, "n_averaged") as Tensor;
  }

  /** What the averaged model computes. */
  override forward(...inputs: Parameters<M["forward"]>): ReturnType<M["forward"]> {
    return this.module(...inputs);
  }

  /** Takes the parameters of `model` into the average; the first time, copies them. */
  updateParameters(model: Module): void {
    const of = (m: Module) => [...m.parameters(), ...this.useBuffers ? m.buffers() : []];
    const averages = of(this.module), values = of(model);
    if (averages.length !== values.length) {
      throw new RangeError(
        `AveragedModel.updateParameters: the model has ${values.length} tensors, the average ${averages.length}`,
      );
    }
    using _ = scope();
    noGrad(() => {
      const first = item(this.nAveraged) === 0;
      averages.forEach((average, i) => {
        const value = to(detach(values[i]), average.device), before = detach(average);
        copy_(before, first ? value : this.avgFn(before, value, this.nAveraged));
      });
      add_(this.nAveraged, 1);
    });
  }
}

/** Options of `updateBn`. */
export interface UpdateBnOptions {
  /** Where the inputs are brought before the model sees them. */
  device?: string | null;
}

/**
 * Computes the running statistics of the batch normalisations of `model` anew, as averages over `loader`. A batch that is
 * an array is an input and what belongs to it: the model sees its first element.
 */
export function updateBn(
  loader: Iterable<Tensor | readonly unknown[]>,
  model: Module,
  ...args: Args<[device: string | null], UpdateBnOptions>
): void {
  const { device } = read("updateBn", { device: null as string | null }, args);
  const norms = model.modules().filter((m) =>
    m instanceof BatchNorm1d || m instanceof BatchNorm2d || m instanceof BatchNorm3d
  );
  if (norms.length === 0) return;
  const { training } = model, momenta = norms.map((norm) => norm.momentum);
  model.train();
  for (const norm of norms) {
    norm.resetRunningStats();
    norm.momentum = null; // the average over all batches
  }
  try {
    for (const batch of loader) {
      const input = Array.isArray(batch) ? batch[0] : batch;
      using _ = scope();
      noGrad(() => model(device !== null && input instanceof Tensor ? to(input, device) : input));
    }
  } finally {
    norms.forEach((norm, i) => norm.momentum = momenta[i]);
    model.train(training);
  }
}

/** Options of `SWALR`. */
export interface SWALROptions {
  /** The learning rate at the end; required. */
  swaLr?: PerGroup;
  /** After how many epochs it is reached. */
  annealEpochs?: number;
  /** The form of the way there. */
  annealStrategy?: AnnealStrategy;
  /** The epoch that was last, where training goes on; -1 by default, to start. */
  lastEpoch?: number;
}

/**
 * The learning rate goes from where it is to `swaLr` within `annealEpochs` epochs, and stays there.
 *
 * @see https://pytorch.org/docs/stable/optim.html#swa-learning-rate-schedules
 */
export class SWALR extends LRScheduler {
  /** After how many epochs the learning rate at the end is reached. */
  annealEpochs: number;
  readonly #strategy: AnnealStrategy;

  /** Takes the optimizer, and the settings in PyTorch's order or by name. */
  constructor(
    optimizer: Optimizer,
    ...args: Args<
      [
        swaLr: PerGroup,
        annealEpochs: number,
        annealStrategy: AnnealStrategy,
        lastEpoch: number,
      ],
      SWALROptions
    >
  ) {
    const { swaLr, annealEpochs, annealStrategy, lastEpoch } = readSettings("SWALR", optimizer, {
      swaLr: required<PerGroup>(),
      annealEpochs: 10,
      annealStrategy: "cos" as AnnealStrategy,
      lastEpoch: -1,
    }, args);
    const swaLrs = perGroup("SWALR", "swaLr", optimizer, swaLr);
    checkWord("SWALR", "annealStrategy", annealStrategy, ["cos", "linear"]);
    checkNumber("SWALR", "annealEpochs", wholeNumber("SWALR", "annealEpochs", annealEpochs), 0);
    super(optimizer, lastEpoch);
    optimizer.paramGroups.forEach((group, i) => group.swaLr = swaLrs[i]);
    this.annealEpochs = annealEpochs;
    this.#strategy = annealStrategy;
    this.initialStep();
  }

  /** How far the learning rate is on its way, 0 to 1, after some steps. */
  #progress(steps: number): number {
    const part = Math.max(0, Math.min(1, steps / Math.max(1, this.annealEpochs)));
    return this.#strategy === "linear" ? part : (1 - Math.cos(Math.PI * part)) / 2;
  }

  /** The learning rate of every group, from those that are set now. */
  protected override getLr(): number[] {
    const steps = Math.max(this.annealEpochs === 0 ? 1 : 0, this._stepCount - 1);
    const before = this.#progress(steps - 1), now = this.#progress(steps);
    return this.optimizer.paramGroups.map(({ lr, swaLr }) => {
      // The learning rate without this schedule, which others may have changed since.
      const own = before === 1 ? swaLr : (lr - before * swaLr) / (1 - before);
      return swaLr * now + own * (1 - now);
    });
  }
}
