/**
 * Matrix products.
 *
 * @module
 */
export {};
