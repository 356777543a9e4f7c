/**
 * Elementwise functions of three tensors: where, clamp, lerp, addcmul.
 *
 * @module
 */
export {};
