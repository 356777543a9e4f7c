/**
 * Rows of a table by index.
 *
 * @module
 */
export {};
