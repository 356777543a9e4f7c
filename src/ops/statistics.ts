/**
 * Variance, median, quantiles and norms.
 *
 * @module
 */
export {};
