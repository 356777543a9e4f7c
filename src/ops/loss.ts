/**
 * Loss functions.
 *
 * @module
 */
export {};
