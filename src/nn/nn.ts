/**
 * `torch.nn`: modules.
 *
 * @module
 */
export * as functional from "./functional.ts";
