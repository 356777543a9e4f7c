/**
 * `torch.nn.utils`.
 *
 * @module
 */
export { clipGradNorm_, type ClipGradNormOptions, clipGradValue_ } from "./clip.ts";
export { parametersToVector, vectorToParameters } from "./vector.ts";
