/**
 * `torch.cuda`: what programs ask before they choose a device. No CUDA library is part of this version.
 *
 * @module
 */

/** Whether there is a CUDA device to use: `const device = torch.cuda.isAvailable() ? "cuda" : "cpu"`. */
export function isAvailable(): boolean {
  return deviceCount() > 0;
}

/** The number of CUDA devices. */
export function deviceCount(): number {
  return 0;
}
