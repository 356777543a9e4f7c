/**
 * Random numbers, as PyTorch draws them on the CPU.
 *
 * @module
 */
export {};
