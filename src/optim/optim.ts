/**
 * `torch.optim`: optimizers.
 *
 * @module
 */
export {};
