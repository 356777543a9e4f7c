/**
 * Softmax and its logarithm.
 *
 * @module
 */
export {};
