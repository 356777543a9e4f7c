/**
 * Padding, and sliding windows as columns.
 *
 * @module
 */
export {};
