/**
 * Whether operations are recorded; read by everything that makes tensors, so it imports nothing but types.
 *
 * @module
 */

import type { AutocastState } from "../ops/autocast.ts";

/** How tensors are made now. */
export const mode: {
  /** Whether operations are recorded. */
  grad: boolean;
  /** Whether results are inference tensors. */
  inference: boolean;
  /** Whether gradients are looked at for NaN, and operations remember where they were recorded. */
  anomaly: boolean;
  /** Tensors from which nothing that is computed is recorded; null while there are none. */
  volatile: WeakSet<object> | null;
  /** In which types operations compute, within `autocast`; null outside of it. */
  autocast: AutocastState | null;
} = { grad: true, inference: false, anomaly: false, volatile: null, autocast: null };
