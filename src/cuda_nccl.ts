/**
 * `torch.cuda.nccl`: NVIDIA's library of communication between devices.
 *
 * @module
 */
import { cudaDriver, cudaProblem } from "./backend/devices.ts";

/**
 * NCCL's version: `[2, 28, 9]`.
 *
 * @throws Error when it is not there; the message says where it was looked for.
 */
export function version(): [major: number, minor: number, patch: number] {
  const nccl = cudaDriver()?.libraries().find(({ name }) => name === "NCCL");
  if (!nccl?.version) throw new Error(`cuda.nccl.version: ${nccl?.problem ?? cudaProblem()}`);
  const [major, minor, patch] = nccl.version.split(".").map(Number);
  return [major, minor, patch];
}
