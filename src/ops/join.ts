/**
 * Joining, cutting and repeating tensors.
 *
 * @module
 */
export {};
