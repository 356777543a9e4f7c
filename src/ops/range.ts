/**
 * Ranges and index grids.
 *
 * @module
 */
export {};
