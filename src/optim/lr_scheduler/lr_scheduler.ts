/**
 * `torch.optim.lr_scheduler`: learning rates that change while training goes on.
 *
 * @module
 */
export { LRScheduler, Scheduler } from "./scheduler.ts";
export { LambdaLR, MultiplicativeLR } from "./lambda.ts";
export { ExponentialLR, MultiStepLR, StepLR } from "./step.ts";
export { ConstantLR, LinearLR, PolynomialLR } from "./ramp.ts";
export { CosineAnnealingLR, CosineAnnealingWarmRestarts } from "./cosine.ts";
export { CyclicLR } from "./cyclic.ts";
export { OneCycleLR } from "./one_cycle.ts";
export { ReduceLROnPlateau } from "./plateau.ts";
export { ChainedScheduler, SequentialLR } from "./compose.ts";

export type { PerGroup, SchedulerOptions, SchedulerState } from "./scheduler.ts";
export type { LambdaLROptions, LrLambda } from "./lambda.ts";
export type { ExponentialLROptions, MultiStepLROptions, StepLROptions } from "./step.ts";
export type { ConstantLROptions, LinearLROptions, PolynomialLROptions } from "./ramp.ts";
export type { CosineAnnealingLROptions, CosineAnnealingWarmRestartsOptions } from "./cosine.ts";
export type { CyclicLROptions, CyclicMode, ScaleMode } from "./cyclic.ts";
export type { AnnealStrategy, OneCycleLROptions, OneCyclePhase } from "./one_cycle.ts";
export type { ReduceLROnPlateauOptions } from "./plateau.ts";
export type { SequentialLROptions } from "./compose.ts";
