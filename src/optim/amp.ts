/**
 * `torch.amp`: mixed precision.
 *
 * @module
 */
export { autocast } from "../ops/autocast_context.ts";
export { GradScaler, type GradScalerOptions, type GradScalerState } from "./grad_scaler.ts";
