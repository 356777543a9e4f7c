/**
 * Activation functions.
 *
 * @module
 */
export {};
