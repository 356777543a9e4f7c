/**
 * Anomaly detection: finds the operation whose gradient is NaN.
 *
 * @module
 */
import { mode } from "./mode.ts";

/**
 * Looks at every gradient from here on (or not): `backward` throws at the first that holds NaN, and shows where its
 * operation was recorded. Slow; for finding mistakes only.
 *
 * @returns A guard that puts back what was, at the end of its `using` block.
 */
export function setDetectAnomaly(enabled: boolean): Disposable {
  const saved = mode.anomaly;
  mode.anomaly = enabled;
  return {
    [Symbol.dispose]() {
      mode.anomaly = saved;
    },
  };
}

/** Anomaly detection until the end of the block: `using _ = torch.autograd.detectAnomaly();`. */
export function detectAnomaly(): Disposable {
  return setDetectAnomaly(true);
}
