/**
 * Cumulative sums, products and extremes along an axis.
 *
 * @module
 */
export {};
