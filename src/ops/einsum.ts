/**
 * Einstein summation and the products built on it.
 *
 * @module
 */
export {};
