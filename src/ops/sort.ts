/**
 * Sorting, searching and counting.
 *
 * @module
 */
export {};
