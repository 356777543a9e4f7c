/**
 * Whether operations are recorded; read by everything that makes tensors, so it imports nothing.
 *
 * @module
 */

/** Whether operations are recorded now, and whether results are inference tensors. */
export const mode: { grad: boolean; inference: boolean } = { grad: true, inference: false };
