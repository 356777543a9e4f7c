/**
 * `torch.edge`: models that run anywhere.
 *
 * @module
 */
export {
  exportModel,
  exportModel as export,
  type ExportOptions,
  type ExportReport,
} from "./export.ts";
export type { Forward } from "./forward.ts";
export type { Verified } from "./verify.ts";
export type { WeightType } from "./weights.ts";
export { exportGPT, type GPTExportOptions } from "./gpt.ts";
