/**
 * `torch.optim`: optimizers and learning-rate schedulers.
 *
 * @module
 */
export { Optimizer } from "./optimizer.ts";
export { SGD } from "./sgd.ts";
export { Adam, AdamW } from "./adam.ts";
export { RMSprop } from "./rmsprop.ts";
export { Adagrad } from "./adagrad.ts";
export { Adadelta } from "./adadelta.ts";
export { Adamax } from "./adamax.ts";
export { NAdam } from "./nadam.ts";
export { RAdam } from "./radam.ts";
export { Rprop } from "./rprop.ts";
export { ASGD } from "./asgd.ts";
export { LBFGS } from "./lbfgs.ts";
export * as lrScheduler from "./lr_scheduler/lr_scheduler.ts";
export * as swaUtils from "./swa_utils.ts";

export type { KernelOptimizer, StepKernel } from "./kernel.ts";
export type {
  Closure,
  OptimizerStateDict,
  ParamGroup,
  ParamGroupOptions,
  Params,
  State,
} from "./optimizer.ts";
export type { SGDOptions } from "./sgd.ts";
export type { AdamOptions } from "./adam.ts";
export type { RMSpropOptions } from "./rmsprop.ts";
export type { AdagradOptions } from "./adagrad.ts";
export type { AdadeltaOptions } from "./adadelta.ts";
export type { AdamaxOptions } from "./adamax.ts";
export type { NAdamOptions } from "./nadam.ts";
export type { RAdamOptions } from "./radam.ts";
export type { RpropOptions } from "./rprop.ts";
export type { ASGDOptions } from "./asgd.ts";
export type { LBFGSOptions } from "./lbfgs.ts";
