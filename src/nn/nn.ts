/**
 * `torch.nn`: modules.
 *
 * @module
 */
export * as functional from "./functional.ts";
export * as init from "./init.ts";
export { Parameter } from "./parameter.ts";
export { Module } from "./module.ts";
export { ModuleDict, ModuleList, Sequential } from "./container.ts";
export { ParameterDict, ParameterList } from "./parameter_container.ts";
