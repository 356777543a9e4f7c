/**
 * Comparisons, logic and choices between elements.
 *
 * @module
 */
export {};
