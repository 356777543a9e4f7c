/**
 * Indexing by slices, integers and masks; gather and scatter.
 *
 * @module
 */
export {};
